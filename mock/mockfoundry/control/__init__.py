"""The control API under `/__mock/`: how a test talks to the mock itself. Never touches sockets, never matches rules."""
