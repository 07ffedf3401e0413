"""The clock of a foundation, and the requests that a scenario holds there: what a test decides about time.

Never sets a clock back, never holds a request: a scenario does.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from mockfoundry.client.arguments import Duration, Moment, serialize_duration, serialize_moment, serialize_number
from mockfoundry.client.errors import ControlError, ServerError
from mockfoundry.documents.problems import did_you_mean


class FoundationClock:
    """A foundation's virtual clock. When a method returns, what is due by the new time has happened.

    Args:
        call: a call of the control API about the foundation.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self._latest: datetime | None = None

    def __repr__(self) -> str:
        return "<FoundationClock>"

    @property
    def now(self) -> datetime:
        """Its time, in UTC; every access is a call."""
        return parse_clock_response(self._call("GET", "/clock"))

    def freeze(self) -> datetime:
        """Stops it, and returns its time."""
        return self._change_clock(frozen=True)

    def advance(self, by: Duration) -> datetime:
        """Lets a duration pass at once, and returns the new time.

        Args:
            by: seconds, a timedelta, or a text such as `30s`.

        Raises:
            TypeError, ValueError: it is not a duration.
        """
        return self._change_clock(advance=serialize_duration(by))

    def set(self, to: Moment) -> datetime:
        """Sets it to a moment that is not in its past, and returns the new time.

        Raises:
            TypeError, ValueError: it is not a moment, or has no zone.
        """
        return self._change_clock(now=serialize_moment(to))

    def rate(self, rate: float) -> datetime:
        """Makes it run faster or slower, and returns its time.

        Args:
            rate: virtual seconds for each real second.

        Raises:
            TypeError, ValueError: it is not a number.
        """
        return self._change_clock(rate=serialize_number("rate", rate))

    def run(self) -> datetime:
        """Makes it run as fast as real time, and returns its time."""
        return self._change_clock(rate=1.0)

    def virtual(self) -> "VirtualTime":
        """Stops it, and returns its time for a client that takes `now` and `sleep` functions."""
        self.freeze()
        return VirtualTime(self)

    def latest(self) -> datetime:
        """Its time after the last change by this object; the time now if there was none."""
        return self._latest or self.now

    def _change_clock(self, **change: Any) -> datetime:
        self._latest = parse_clock_response(self._call("PATCH", "/clock", change))
        return self._latest


class VirtualTime:
    """The time of a frozen clock. It passes when a client sleeps by it, and when a test advances the clock.

    A client that waits for minutes is so tested in the time that its requests take.
    """

    def __init__(self, clock: FoundationClock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Seconds since the epoch, as `time.time` gives them."""
        return self._clock.latest().timestamp()

    def sleep(self, seconds: float) -> None:
        """Lets seconds pass at once, in place of `time.sleep`."""
        self._clock.advance(seconds)


def parse_clock_response(answer: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(answer["now"])


class HeldRequests:
    """The requests that are held under a name. At the end of the `with` block, however it ends, they go on.

    A block that releases nothing, and whose name no scenario has that was on at its beginning or its end, is a mistake.

    Args:
        call: a call of the control API about the foundation.
        name: of the hold.
        foundation: its name, for errors.
    """

    def __init__(self, call: Callable[..., Any], name: str, foundation: str) -> None:
        self._call = call
        self._foundation = foundation
        self._known: set[str] = set()
        self._released = 0
        self.name = name

    def __repr__(self) -> str:
        return f"<HeldRequests {self.name}>"

    def release(self) -> int:
        """Lets the requests go on that are held now; a later one is held again.

        Returns:
            How many there were.
        """
        released = int(self._call("POST", f"/holds/{quote(self.name, safe='')}/release")["released"])
        self._released += released
        return released

    def _list_names(self) -> set[str]:
        """The names under which the scenarios that are on hold requests."""
        return {
            name
            for played in self._call("GET", "/scenarios")["scenarios"]
            for name in iterate_hold_names(played["name"], played["scenario"])
        }

    def __enter__(self) -> Self:
        self._known, self._released = self._list_names(), 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets the requests go on.

        Raises:
            ControlError: there was none, and there could be none: no scenario holds any under that name.
        """
        __tracebackhide__ = True
        if error is None:
            self.release()
            if not self._released and self.name not in self._known:
                self._must_be_known()
            return
        # The error of the block is the one to be seen, not that the server is gone too.
        with suppress(ControlError, ServerError):
            self.release()

    def _must_be_known(self) -> None:
        known = self._known | self._list_names()
        if self.name not in known:
            hint = did_you_mean(self.name, known) or "; no scenario that is on holds any"
            text = f"no request was held under {self.name} in {self._foundation}{hint}"
            raise ControlError(404, "unknown-hold", text)


def iterate_hold_names(scenario: str, value: dict[str, Any]) -> Iterator[str]:
    """The names under which a scenario holds requests.

    Args:
        scenario: its name, which a hold without one has.
        value: of its file.
    """
    for rule in value.get("rules", ()):
        for answer in (rule.get("respond"), *rule.get("sequence", ())):
            hold = answer.get("hold") if isinstance(answer, dict) else None
            if hold is not None:
                yield hold.get("name", scenario) if isinstance(hold, dict) else scenario
