"""Waiting for what another thread or process does: until a deadline, and never counted in attempts.

A machine under load is slow, so a deadline here decides only when to give up; no test is about its length.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

DEADLINE_SECONDS = 120.0
"""How long a test waits for what has to come."""

SOONER_SECONDS = 45.0
"""How long a test waits for the end of a call that would wait for 60 seconds, the most that there is, by itself."""

PAUSE_SECONDS = 0.005

_NEVER = threading.Event()


def eventually(condition: Callable[[], T], within: float = DEADLINE_SECONDS, *, what: str) -> T:
    """Waits until a condition holds, and returns what it found then.

    Args:
        condition: asked again and again; holds when it finds something true.
        within: seconds after which it is given up.
        what: the condition in words, for whoever reads the failure.
    """
    end = time.monotonic() + within
    while not (found := condition()):
        if time.monotonic() >= end:
            raise AssertionError(f"{what}: this did not come true within {within:g} seconds; last found: {found!r}")
        _NEVER.wait(PAUSE_SECONDS)
    return found


def must_end(thread: threading.Thread, within: float = DEADLINE_SECONDS) -> None:
    """Waits for the end of a thread."""
    thread.join(within)
    if thread.is_alive():
        raise AssertionError(f"the thread {thread.name} did not end within {within:g} seconds")


def leaving_after(seconds: float) -> httpx.Timeout:
    """The patience of a client that leaves when nothing comes for so long: it gives up too early for no other reason.

    What it waits for has to come never, or much later, so that only a lower bound is asked of the machine.
    """
    return httpx.Timeout(DEADLINE_SECONDS, read=seconds)
