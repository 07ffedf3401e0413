"""Shapes: what a value in a seed may look like, and what is wrong with one that does not. Knows no entity.

A reader takes a value of JSON, its path and the list of faults, and gives the value as the world holds it. Where it
can't, it says why and where, and gives WRONG; the rest is read all the same, so that a file's faults are told at once.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from mockfoundry.documents import did_you_mean, duration

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """What is wrong in a document, and where: the keys and positions that lead there."""

    path: Path
    text: str


Faults = list[Fault]
Read = Callable[[Any, Path, Faults], Any]


class Wrong:
    """In the place of a value that could not be read."""


WRONG: Final = Wrong()


def shown(value: Any) -> str:
    """A value as it may stand in a line of text."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def wrong(faults: Faults, path: Path, value: Any, allowed: str) -> Wrong:
    faults.append(Fault(path, f"{shown(value)} is not {allowed}"))
    return WRONG


def text(least: int = 1, most: int = 255, form: str | None = None, says: str = "") -> Read:
    """Text of a length, of a form where one is given."""
    pattern = re.compile(form) if form else None
    bounds = f"text of at most {most} signs" if least == 0 else f"text of {least} to {most} signs"

    def read(value: Any, path: Path, faults: Faults) -> Any:
        if not isinstance(value, str) or not least <= len(value) <= most:
            return wrong(faults, path, value, says or bounds)
        if not value.isprintable() and pattern is None and any(sign < " " and sign not in "\n\t" for sign in value):
            return wrong(faults, path, value, "text without control signs")
        if pattern is not None and not pattern.fullmatch(value):
            return wrong(faults, path, value, says)
        return value

    return read


def whole(least: int, most: int) -> Read:
    """A whole number between bounds."""

    def read(value: Any, path: Path, faults: Faults) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        return wrong(faults, path, value, f"a whole number from {least} to {most}")

    return read


def number(least: float, most: float) -> Read:
    """A number between bounds."""

    def read(value: Any, path: Path, faults: Faults) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        return wrong(faults, path, value, f"a number from {least:g} to {most:g}")

    return read


def seconds(value: Any, path: Path, faults: Faults) -> Any:
    """A duration as seconds: a number of them, or text with a unit."""
    span = microseconds(value, path, faults)
    return WRONG if span is WRONG else span / 1_000_000


def microseconds(value: Any, path: Path, faults: Faults) -> Any:
    """A duration as microseconds: a number of seconds, or text with a unit."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 31_536_000:
        return round(value * 1_000_000)
    try:
        return duration(value if isinstance(value, str) else "")
    except ValueError:
        return wrong(faults, path, value, "a number of seconds or a duration such as 250ms, 1.5s or 2m, up to a year")


def moment(value: Any, path: Path, faults: Faults) -> Any:
    """A timestamp as microseconds since the epoch."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", value, re.ASCII):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return wrong(faults, path, value, "a day and time that there are")
        since = found - EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return wrong(faults, path, value, "a timestamp such as 2016-03-23T18:48:22Z")


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")


def flag(value: Any, path: Path, faults: Faults) -> Any:
    """True or false."""
    return value if isinstance(value, bool) else wrong(faults, path, value, "true or false")


def one_of(*words: str) -> Read:
    """One of these words."""

    def read(value: Any, path: Path, faults: Faults) -> Any:
        if isinstance(value, str) and value in words:
            return value
        hint = did_you_mean(value, words) if isinstance(value, str) else f"; allowed: {', '.join(words)}"
        faults.append(Fault(path, f"{shown(value)} is not allowed here{hint}"))
        return WRONG

    return read


def nullable(read: Read) -> Read:
    """Null, or what another reader reads."""

    def read_unless_null(value: Any, path: Path, faults: Faults) -> Any:
        return None if value is None else read(value, path, faults)

    return read_unless_null


def items(read: Read, most: int = 100_000) -> Read:
    """A list, as a tuple of what could be read."""

    def read_items(value: Any, path: Path, faults: Faults) -> Any:
        if not isinstance(value, list):
            return wrong(faults, path, value, "a list")
        if len(value) > most:
            return wrong(faults, path, value, f"at most {most} entries long")
        found = (read(item, (*path, index), faults) for index, item in enumerate(value))
        return tuple(item for item in found if item is not WRONG)

    return read_items


def table(key: Read, read: Read) -> Read:
    """A mapping with keys of a kind."""

    def read_table(value: Any, path: Path, faults: Faults) -> Any:
        if not isinstance(value, Mapping):
            return wrong(faults, path, value, "a mapping")
        found = [(key(name, (*path, name), faults), read(item, (*path, name), faults)) for name, item in value.items()]
        return {name: item for name, item in found if name is not WRONG and item is not WRONG}

    return read_table


@dataclass(frozen=True)
class Record:
    """A mapping with known keys, read as a dict of those that were given and could be read.

    Attributes:
        kind: what it is called: `a process`.
        fields: what reads the value of each key.
        required: the keys that must be there.
    """

    kind: str
    fields: Mapping[str, Read]
    required: tuple[str, ...] = ()

    def __call__(self, value: Any, path: Path, faults: Faults) -> Any:
        if not isinstance(value, Mapping):
            return wrong(faults, path, value, f"{self.kind}: it must be a mapping")
        for name in self.required:
            if name not in value:
                faults.append(Fault(path, f"{self.kind} needs `{name}:`"))
        found = {}
        for name, item in value.items():
            read = self.fields.get(name)
            if read is None:
                hint = did_you_mean(str(name), self.fields)
                faults.append(Fault((*path, name), f"{self.kind} has no key {name}{hint}"))
                continue
            given = read(item, (*path, name), faults)
            if given is not WRONG:
                found[name] = given
        return found


def either(test: Callable[[Any], bool], first: Read, second: Read) -> Read:
    """What the first reads where the test holds for the value, else what the second reads."""

    def read(value: Any, path: Path, faults: Faults) -> Any:
        return (first if test(value) else second)(value, path, faults)

    return read
