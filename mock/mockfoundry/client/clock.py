"""The clock of a foundation, as a test turns it. Never goes back."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from mockfoundry.client.wording import Duration, Moment, duration_words, moment_words, number_words


class Clock:
    """A foundation's virtual clock; what is due by its new time has happened when a method returns.

    Args:
        call: a call of the control API about the foundation.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self._latest: datetime | None = None

    @property
    def now(self) -> datetime:
        """Its time, in UTC; a call each time."""
        return told(self._call("GET", "/clock"))

    def freeze(self) -> datetime:
        """Stops it; gives its time."""
        return self._changed(frozen=True)

    def advance(self, by: Duration) -> datetime:
        """Lets a time pass at once; gives the new time.

        Args:
            by: seconds, a timedelta, or a text such as `30s`.

        Raises:
            TypeError, ValueError: it is no duration.
        """
        return self._changed(advance=duration_words(by))

    def set(self, to: Moment) -> datetime:
        """Sets it to a moment that is not before its time; gives the new time.

        Raises:
            TypeError, ValueError: it is no moment, or one that has no zone.
        """
        return self._changed(now=moment_words(to))

    def rate(self, rate: float) -> datetime:
        """Makes it run faster or slower; gives its time.

        Args:
            rate: virtual seconds in a real second.

        Raises:
            TypeError, ValueError: it is no number.
        """
        return self._changed(rate=number_words("rate", rate))

    def run(self) -> datetime:
        """Makes it run as real time does; gives its time."""
        return self._changed(rate=1.0)

    def virtual(self) -> "VirtualTime":
        """Stops it, and gives its time for a client that is handed `now` and `sleep` in place of the machine's."""
        self.freeze()
        return VirtualTime(self)

    def latest(self) -> datetime:
        """Its time when it was last turned by this object; what it is now where it never was."""
        return self._latest or self.now

    def _changed(self, **change: Any) -> datetime:
        self._latest = told(self._call("PATCH", "/clock", change))
        return self._latest


class VirtualTime:
    """A frozen clock's time: it passes while a client sleeps by it, and while a test advances the clock.

    So a client that waits for minutes is tested in the time that its requests take.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Seconds since the epoch, as `time.time` gives them."""
        return self._clock.latest().timestamp()

    def sleep(self, seconds: float) -> None:
        """Lets so many seconds pass at once, as `time.sleep` does slowly."""
        self._clock.advance(seconds)


def told(answer: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(answer["now"])
