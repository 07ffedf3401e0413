"""The control API under `/__mock/`: how a test asks the mock itself. Never touches sockets, never matches rules."""
