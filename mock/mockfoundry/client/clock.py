"""The clock of a foundation, as a test turns it. Never goes back.

Holding: the requests that a scenario holds, let go by a test. Never makes a hold: a scenario does.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from mockfoundry.client.arguments import Duration, Moment, serialize_duration, serialize_moment, serialize_number
from mockfoundry.client.errors import ControlError, ServerError


class FoundationClock:
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
        return parse_clock_response(self._call("GET", "/clock"))

    def freeze(self) -> datetime:
        """Stops it; gives its time."""
        return self._change_clock(frozen=True)

    def advance(self, by: Duration) -> datetime:
        """Lets a time pass at once; gives the new time.

        Args:
            by: seconds, a timedelta, or a text such as `30s`.

        Raises:
            TypeError, ValueError: it is no duration.
        """
        return self._change_clock(advance=serialize_duration(by))

    def set(self, to: Moment) -> datetime:
        """Sets it to a moment that is not before its time; gives the new time.

        Raises:
            TypeError, ValueError: it is no moment, or one that has no zone.
        """
        return self._change_clock(now=serialize_moment(to))

    def rate(self, rate: float) -> datetime:
        """Makes it run faster or slower; gives its time.

        Args:
            rate: virtual seconds in a real second.

        Raises:
            TypeError, ValueError: it is no number.
        """
        return self._change_clock(rate=serialize_number("rate", rate))

    def run(self) -> datetime:
        """Makes it run as real time does; gives its time."""
        return self._change_clock(rate=1.0)

    def virtual(self) -> "VirtualTime":
        """Stops it, and gives its time for a client that is handed `now` and `sleep` in place of the machine's."""
        self.freeze()
        return VirtualTime(self)

    def latest(self) -> datetime:
        """Its time when it was last turned by this object; what it is now where it never was."""
        return self._latest or self.now

    def _change_clock(self, **change: Any) -> datetime:
        self._latest = parse_clock_response(self._call("PATCH", "/clock", change))
        return self._latest


class VirtualTime:
    """A frozen clock's time: it passes while a client sleeps by it, and while a test advances the clock.

    So a client that waits for minutes is tested in the time that its requests take.
    """

    def __init__(self, clock: FoundationClock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Seconds since the epoch, as `time.time` gives them."""
        return self._clock.latest().timestamp()

    def sleep(self, seconds: float) -> None:
        """Lets so many seconds pass at once, as `time.sleep` does slowly."""
        self._clock.advance(seconds)


def parse_clock_response(answer: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(answer["now"])


class HeldRequests:
    """The requests held under a name. At the end of its `with` block, however it ends, they go on.

    Args:
        call: a call of the control API about the foundation.
        name: of the hold.
    """

    def __init__(self, call: Callable[..., Any], name: str) -> None:
        self._call = call
        self.name = name

    def release(self) -> int:
        """Lets the requests that are held now go on; says how many there were. One that comes later is held anew."""
        return int(self._call("POST", f"/holds/{quote(self.name, safe='')}/release")["released"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.release()
            return
        # What went wrong in the block is what must be seen, not that its server is gone too.
        with suppress(ControlError, ServerError):
            self.release()
