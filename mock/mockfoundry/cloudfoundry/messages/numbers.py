"""Numbers: how Rails judges a number in a body, and what it says. Knows no field.

Source: rails, activemodel/lib/active_model/validations/numericality.rb, with `only_integer` and `allow_nil`.
"""

import re
from typing import Any, NamedTuple

# What Rails takes for an integer, in a string as in a number.
_INTEGER = re.compile(r"[+-]?[0-9]+")
# What Ruby's Float() takes: blanks around, single `_` between digits, no point that no digit follows.
_NUMBER = re.compile(r"\s*[+-]?(D(\.D)?|\.D)([eE][+-]?D)?\s*".replace("D", "[0-9]+(_[0-9]+)*"), re.ASCII)

LONGEST = 4000
"""Digits beyond which a number is larger than any bound, so that nobody has to read it."""


class Bounds(NamedTuple):
    """Which numbers are allowed, and the words for one that is too small."""

    least: int
    most: int
    too_small: str

    def too_large(self) -> str:
        return f"must be less than or equal to {self.most}"


def fault(value: Any, bounds: Bounds) -> str:
    """What is wrong with a value that should be a whole number; empty where nothing is, or it is null."""
    if value is None:
        return ""
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            return "must be an integer" if _NUMBER.fullmatch(value) else "is not a number"
        if len(value) > LONGEST:
            return bounds.too_small if value.startswith("-") else bounds.too_large()
        value = int(value)
    if isinstance(value, float):
        return "must be an integer"
    if not isinstance(value, int) or isinstance(value, bool):
        return "is not a number"
    if value < bounds.least:
        return bounds.too_small
    return bounds.too_large() if value > bounds.most else ""


def cast(value: Any) -> int | None:
    """A value without fault as the database stores it."""
    return None if value is None else int(value)


# What Ruby's `to_i` reads at the beginning of a text.
_LEADING_INTEGER = re.compile(r"\s*([+-]?)([0-9]+(?:_[0-9]+)*)", re.ASCII)


def leading_integer(text: str) -> int:
    """The number that a text begins with, else 0, as Ruby's `to_i` reads it."""
    found = _LEADING_INTEGER.match(text)
    if found is None:
        return 0
    digits = found.group(2).replace("_", "").lstrip("0")[:LONGEST] or "0"
    return -int(digits) if found.group(1) == "-" else int(digits)
