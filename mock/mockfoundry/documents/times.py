"""Durations and moments as text, both ways: `250ms`, `1m`, `2016-03-23T18:48:22Z`. Never reads a clock.

As values both are whole microseconds: a duration's length, and a moment's distance from the Unix epoch.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

MAX_DURATION = 365 * 24 * 3600 * 1_000_000
"""The longest duration that a file may name: a year, in microseconds."""

DURATION_PATTERN = r"^[0-9]{1,17}(\.[0-9]{1,6})?(us|ms|s|m|h)$"
"""What the text of every duration matches, for schemas; a few that match it are longer than may be."""

_SECOND = 1_000_000
_UNITS = {"h": 3_600_000_000, "m": 60_000_000, "s": _SECOND, "ms": 1_000, "us": 1}

_DURATION_PARTS = re.compile(r"([0-9]+)(?:\.([0-9]+))?(us|ms|s|m|h)", re.ASCII)

MAX_DIGITS, MAX_FRACTION_DIGITS = 17, 6
"""Of a duration's number, before and after the point."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UTC_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


def parse_duration(text: str, most: int = MAX_DURATION) -> int:
    """A duration's text as microseconds.

    Args:
        most: how long it may be.

    Raises:
        ValueError: it is not a duration, or longer than `most`; the text says what is allowed.
    """
    parts = _DURATION_PARTS.fullmatch(text)
    if parts is None:
        raise ValueError("write a number and a unit: 250ms, 2s, 1.5s, 1m or 1h")
    whole, fraction, unit = parts.group(1), parts.group(2) or "", parts.group(3)
    if len(whole.lstrip("0")) > MAX_DIGITS:
        raise ValueError(f"a duration is at most {format_duration(most)}")
    if len(whole) > MAX_DIGITS or len(fraction) > MAX_FRACTION_DIGITS:
        digits = f"{MAX_DIGITS} digits, and {MAX_FRACTION_DIGITS} after the point"
        raise ValueError(f"the number of a duration has at most {digits}")
    scaled = int(whole + fraction) * _UNITS[unit]
    microseconds, rest = divmod(scaled, int("1" + "0" * len(fraction)))
    if rest:
        raise ValueError("a duration is a whole number of microseconds")
    if microseconds > most:
        raise ValueError(f"a duration is at most {format_duration(most)}")
    return microseconds


def format_duration(microseconds: int) -> str:
    """Microseconds in the largest unit that holds them as a whole number; `0s` for none."""
    if microseconds == 0:
        return "0s"
    for unit, size in _UNITS.items():
        if microseconds % size == 0:
            return f"{microseconds // size}{unit}"
    return f"{microseconds}us"


def format_passed_time(microseconds: int) -> str:
    """Time that has passed, in seconds without needless digits: `6.2s`, `90s`."""
    seconds, fraction = divmod(abs(microseconds), _SECOND)
    digits = f".{fraction:06}".rstrip("0") if fraction else ""
    return f"{'-' if microseconds < 0 else ''}{seconds}{digits}s"


def parse_moment(text: str) -> int:
    """A moment in UTC, `2016-03-23T18:48:22Z` with up to six digits after the second, as microseconds.

    Raises:
        ValueError: it is not one; the text says what is allowed.
    """
    if _UTC_MOMENT.fullmatch(text) is None:
        raise ValueError("a timestamp such as 2016-03-23T18:48:22Z")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("a day and time that there are") from None
    return count_microseconds(moment)


def parse_zoned_moment(text: str) -> int:
    """A moment with any zone, as ISO 8601 writes it, as microseconds.

    Raises:
        ValueError: it is not one, or names no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone, as in 2016-03-23T18:48:22Z")
    return count_microseconds(moment)


def count_microseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds


@lru_cache(maxsize=4096)
def format_second(seconds: int) -> str:
    """A moment, in seconds since the epoch, as the Cloud Controller writes it: `2016-03-23T18:48:22Z`."""
    # The year that strftime gives has less than four digits where it is an early one.
    return f"{datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()}Z"


def format_moment(microseconds: int) -> str:
    """A moment to the second, as the Cloud Controller writes it: `2016-03-23T18:48:22Z`."""
    return format_second(microseconds // _SECOND)


def format_precise_moment(microseconds: int) -> str:
    """A moment to the microsecond: `2016-03-23T18:48:22.000000Z`."""
    return f"{format_second(microseconds // _SECOND)[:-1]}.{microseconds % _SECOND:06d}Z"


def format_exact_moment(microseconds: int) -> str:
    """A moment to the second, or to the microsecond where it is between two: `2016-03-23T18:48:22.500000Z`."""
    return format_precise_moment(microseconds) if microseconds % _SECOND else format_moment(microseconds)
