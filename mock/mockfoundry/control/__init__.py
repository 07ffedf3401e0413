"""The control API under `/__mock/`: how a test asks the mock itself. Never touches sockets, never matches rules."""

from mockfoundry.control.app import control_app

__all__ = ["control_app"]
