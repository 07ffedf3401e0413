"""The desk: how the control API's worker threads ask for something in the thread that serves. Never decides what.

Foundations belong to the event loop's thread: an exchange runs there from start to end, and so does what the control
API does to a foundation. So each of its steps is whole, and never falls into the middle of an exchange.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
"""How long a worker waits for the loop: far longer than any step of it takes."""


class Desk(Protocol):
    """What the control API needs of the server it stands in."""

    def ask(self, function: Callable[[], T]) -> T:
        """What a function returns (or raises) that is run where the exchanges run."""

    def release(self, hold: str) -> int:
        """Lets the requests of a hold go on; says how many there were. To be called inside `ask`."""

    def real(self) -> int:
        """The machine's time, in microseconds since the epoch."""


class LoopDesk:
    """The desk of a server: functions run in its event loop.

    Args:
        release: lets the requests of a hold go on, in the loop's thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, release: Callable[[str], int]) -> None:
        self._loop = loop
        self.release = release

    def ask(self, function: Callable[[], T]) -> T:
        """Runs a function in the loop's thread.

        Raises:
            TimeoutError: the loop ended, or is not to be had.
        """
        answer: Future[T] = Future()

        def run() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(function())
            except BaseException as error:
                answer.set_exception(error)

        try:
            self._loop.call_soon_threadsafe(run)
            return answer.result(PATIENCE_SECONDS)
        except (CancelledError, RuntimeError, TimeoutError) as error:
            if answer.done() and not answer.cancelled():
                raise
            answer.cancel()
            raise TimeoutError("the server does not take this: it is ending, or too busy") from error

    def real(self) -> int:
        return time.time_ns() // 1000


class Watch:
    """Waits in a worker thread for the next record of a journal."""

    def __init__(self, desk: Desk, watchers: list[Callable[[], None]]) -> None:
        self._desk = desk
        self._watchers = watchers
        self._happened = threading.Event()

    def __enter__(self) -> "Watch":
        self._desk.ask(lambda: self._watchers.append(self._happened.set))
        return self

    def __exit__(self, *_: object) -> None:
        def stop() -> None:
            with suppress(ValueError):
                cast("list[Any]", self._watchers).remove(self._happened.set)

        self._desk.ask(stop)

    def wait(self, seconds: float) -> None:
        """Waits for a record, at most so long."""
        self._happened.wait(max(0.0, seconds))
        self._happened.clear()
