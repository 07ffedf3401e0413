"""How much work something is, told so that neither a slow machine nor a loaded one changes it much."""

import time
from collections.abc import Callable

YARDSTICK_SECONDS = 0.025
"""What the yardstick took on the machine on which the bounds of the tests were set."""

TRIFLE_SECONDS = 0.5


def effort_of(work: Callable[[], object]) -> float:
    """CPU seconds that a piece of work would take on the machine on which bounds were set.

    The time of this thread alone is measured, and what is no trifle is held against a yardstick right after it.
    """
    seconds = seconds_of(work)
    return seconds if seconds < TRIFLE_SECONDS else seconds * YARDSTICK_SECONDS / seconds_of(yardstick)


def seconds_of(work: Callable[[], object]) -> float:
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def yardstick() -> None:
    """A piece of work of the same kind as reading: small objects, made and compared."""
    sorted({str(number): [number] for number in range(60_000)})
