"""The virtual clock of a foundation: its present time. Never reads the machine's clock; it is given real time."""

from email.utils import formatdate
from functools import lru_cache

import msgspec

SECOND = 1_000_000
"""Moments and durations inside mockfoundry are whole microseconds; moments count from the Unix epoch."""

EARLIEST_MOMENT = -62_135_596_800 * SECOND
"""The beginning of the year 1: earlier moments can't be written as timestamps."""

LATEST_MOMENT = 253_402_300_799 * SECOND
"""The end of the year 9999: later moments can't be written as timestamps."""


class Clock(msgspec.Struct):
    """Virtual time: it was `virtual` when real time was `real_time`, and runs at `rate` from there.

    Attributes:
        virtual: microseconds since the epoch.
        real_time: microseconds of the same moment on the machine's clock.
        rate: virtual seconds per real second; 0.0 is frozen.
    """

    virtual: int
    real_time: int
    rate: float = 1.0

    def now(self, real_time: int) -> int:
        """Virtual microseconds at a real moment; never earlier than `virtual`."""
        if real_time <= self.real_time or self.rate == 0.0:
            return self.virtual
        return min(LATEST_MOMENT, self.virtual + int((real_time - self.real_time) * self.rate))

    def rebase(self, real_time: int) -> None:
        """Moves the clock's known point to `real_time`, so that a new rate or a jump counts from there."""
        self.virtual, self.real_time = self.now(real_time), max(real_time, self.real_time)


@lru_cache(maxsize=1024)
def format_http_date(seconds: int) -> bytes:
    """A moment as HTTP's Date header has it [RFC 9110, 5.6.7].

    Args:
        seconds: since the epoch.
    """
    return formatdate(seconds, usegmt=True).encode()
