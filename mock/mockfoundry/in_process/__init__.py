"""In process: exchanges and control calls without a socket, for tests in one Python. Never knows an HTTP library."""

from mockfoundry.in_process.awaiting import await_pause, awaited
from mockfoundry.in_process.door import CONTROL, Door, EndedError, TooLateError
from mockfoundry.in_process.pauses import GAP_SECONDS, Pause, Pauses, pieces_of, wait_for, waited
from mockfoundry.in_process.turns import Turns

__all__ = [
    "CONTROL",
    "GAP_SECONDS",
    "Door",
    "EndedError",
    "Pause",
    "Pauses",
    "TooLateError",
    "Turns",
    "await_pause",
    "awaited",
    "pieces_of",
    "wait_for",
    "waited",
]
