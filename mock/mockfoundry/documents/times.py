"""Durations: `250ms`, `2s`, `1m`, `1h` and whole microseconds, both ways. Never reads a clock."""

import re

MAX_DURATION = 365 * 24 * 3600 * 1_000_000
"""The longest duration a file may name: a year, in microseconds."""

_UNITS = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}

DURATION_PATTERN = r"^[0-9]{1,17}(\.[0-9]{1,6})?(us|ms|s|m|h)$"

_FORM = re.compile(DURATION_PATTERN.rstrip("$") + r"\Z", re.ASCII)
_PARTS = re.compile(r"([0-9]+)(?:\.([0-9]+))?([a-z]+)", re.ASCII)


def parse_duration(text: str) -> int:
    """A duration's text as microseconds.

    Raises:
        ValueError: it is no duration, or longer than `LONGEST`; the text says what is allowed.
    """
    parts = _PARTS.fullmatch(text) if _FORM.match(text) else None
    if parts is None:
        raise ValueError("a duration is a number and a unit: 250ms, 2s, 1.5s, 1m or 1h")
    whole, fraction, unit = parts.group(1), parts.group(2) or "", parts.group(3)
    scaled = int(whole + fraction) * _UNITS[unit]
    microseconds, rest = divmod(scaled, int("1" + "0" * len(fraction)))
    if rest:
        raise ValueError("a duration is a whole number of microseconds")
    if microseconds > MAX_DURATION:
        raise ValueError("a duration is at most a year, 8760h")
    return microseconds


def format_duration(microseconds: int) -> str:
    """Microseconds in the largest unit that holds them as a whole number; `0s` for none."""
    if microseconds == 0:
        return "0s"
    for unit, size in _UNITS.items():
        if microseconds % size == 0:
            return f"{microseconds // size}{unit}"
    return f"{microseconds}us"
