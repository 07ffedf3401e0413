"""Deadlines of the benchmark: what takes too long is ended with an error, and its servers with it. Measures nothing."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class BenchError(Exception):
    """Something could not be measured; the text says why."""


class DeadlineError(Exception):
    """The time for a part was over; only the part as a whole ends by it."""


@contextmanager
def ends_after(seconds: float) -> Iterator[None]:
    """Ends the block by an error once it has taken so long, whatever it waits for.

    Raises:
        DeadlineError: it took longer.
    """

    def give_up(_: int, __: FrameType | None) -> None:
        raise DeadlineError(f"it was ended after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def end_by_exception_on_sigterm() -> None:
    """So that a benchmark that is told to end ends its servers, too."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
