"""The clock of a foundation, as a test turns it. Never goes back."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from mockfoundry.client.wording import Duration, Moment, duration_words, moment_words


class Clock:
    """A foundation's virtual clock; what is due by its new time has happened when a method returns.

    Args:
        call: a call of the control API about the foundation.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    @property
    def now(self) -> datetime:
        """Its time, in UTC."""
        return told(self._call("GET", "/clock"))

    def freeze(self) -> datetime:
        """Stops it; gives its time."""
        return self._changed(frozen=True)

    def advance(self, by: Duration) -> datetime:
        """Lets a time pass at once; gives the new time.

        Args:
            by: seconds, a timedelta, or a text such as `30s`.
        """
        return self._changed(advance=duration_words(by))

    def set(self, to: Moment) -> datetime:
        """Sets it to a moment that is not before its time; gives the new time.

        Raises:
            ValueError: the moment has no zone.
        """
        return self._changed(now=moment_words(to))

    def rate(self, rate: float) -> datetime:
        """Makes it run faster or slower; gives its time.

        Args:
            rate: virtual seconds in a real second.
        """
        return self._changed(rate=rate)

    def run(self) -> datetime:
        """Makes it run as real time does; gives its time."""
        return self._changed(rate=1.0)

    def _changed(self, **change: Any) -> datetime:
        return told(self._call("PATCH", "/clock", change))


def told(answer: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(answer["now"])
