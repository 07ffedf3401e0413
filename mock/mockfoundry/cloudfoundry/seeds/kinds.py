"""Kinds of values that only seeds have, and how a seed's messages are phrased. Knows no entity."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mockfoundry.documents.declare import UNREADABLE, AsItIs, Form, FormKey, Kind, Path, Reading
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.documents.times import format_duration, parse_duration

MAX_LONG_SPAN = 1 << 62
"""The longest duration that an export writes, in microseconds."""


def describe_seed_value(value: Any) -> str:
    """A value as it may stand in a line of text."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


class SeedWording:
    """The messages of seeds: `-1 is not a whole number from 0 to 2147483647`. Their paths name the key."""

    def refuse_value(self, name: str, value: Any, spelling: str | None, allowed: str) -> str:
        return f"{describe_seed_value(value)} is not {allowed}"

    def refuse_text(self, name: str, value: Any, spelling: str | None, allowed: str) -> str:
        return self.refuse_value(name, value, spelling, allowed)

    def refuse_word(self, name: str, value: Any, spelling: str | None, words: tuple[str, ...]) -> str:
        hint = did_you_mean(value, words) if isinstance(value, str) else f"; allowed: {', '.join(words)}"
        return f"{describe_seed_value(value)} is not allowed here{hint}"

    def refuse_shape(self, name: str, value: Any, spelling: str | None, form: Form) -> str:
        return f"{describe_seed_value(value)} is not {form.noun}: it must be a mapping"

    def refuse_key(self, form: Form, name: str) -> str:
        return f"{form.noun} has no key {name}{did_you_mean(name, form.by_name)}"

    def miss_key(self, form: Form, key: FormKey) -> str:
        return f"{form.noun} needs `{key.name}:`"


def begin_seed_reading() -> Reading:
    """A reading of a seed, or of a part of one."""
    return Reading(SeedWording(), nameless="seed")


class SpanKind:
    """A duration, as a number of seconds or as text with a unit; microseconds as a value."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 31_536_000:
            return round(value * 1_000_000)
        try:
            return parse_duration(value if isinstance(value, str) else "")
        except ValueError:
            allowed = "a number of seconds or a duration such as 250ms, 1.5s or 2m, up to a year"
            return reading.refuse_value(path, value, allowed)

    def write(self, value: int) -> Any:
        return format_duration(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "number", "minimum": 0, "maximum": 31_536_000}, {"type": "string"}]}


@dataclass(frozen=True)
class LongSpanKind:
    """A duration as text, as long as may be; microseconds as a value.

    Attributes:
        endless: the value that null stands for; None if null is not taken.
    """

    endless: int | None = None

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if value is None and self.endless is not None:
            return self.endless
        try:
            return parse_duration(value if isinstance(value, str) else "", MAX_LONG_SPAN)
        except ValueError:
            return reading.refuse_value(path, value, "a duration such as 250ms, 1.5s or 2m")

    def write(self, value: int) -> Any:
        return None if value == self.endless else format_duration(value)

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"] if self.endless is not None else "string"}


class SecondsKind(AsItIs):
    """A duration, as a number of seconds or as text with a unit; seconds as a value."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        span = SpanKind().read(value, path, reading)
        return UNREADABLE if span is UNREADABLE else span / 1_000_000

    def schema(self) -> dict[str, Any]:
        return SpanKind().schema()


MAX_STEPS = 100


class WeightsKind:
    """The weights of a canary's steps, in percent, none smaller than the one before, as a tuple."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        weights = value if isinstance(value, list) and len(value) <= MAX_STEPS else [None]
        if any(type(each) is not int or not 1 <= each <= 100 for each in weights) or weights != sorted(weights):
            allowed = f"a list of at most {MAX_STEPS} whole numbers from 1 to 100, in ascending order"
            return reading.refuse_value(path, value, allowed)
        return tuple(weights)

    def write(self, value: tuple[int, ...]) -> Any:
        return list(value)

    def schema(self) -> dict[str, Any]:
        weight = {"type": "integer", "minimum": 1, "maximum": 100}
        return {"type": "array", "maxItems": MAX_STEPS, "items": weight}


@dataclass(frozen=True)
class IndexKind:
    """The index of an instance as a key of a mapping: a whole number, or the text of one."""

    most: int

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(digits, str) and digits.isascii() and digits.isdigit() and int(digits[:12]) < self.most:
            return int(digits)
        return reading.refuse_value(path, value, "the index of an instance: 0, 1, 2, …")

    def write(self, value: int) -> Any:
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]+$"}


@dataclass(frozen=True)
class MetadataTextKind(AsItIs):
    """Text that one of the Cloud Controller's own rules for metadata or environment variables takes.

    Attributes:
        find_error: what the rule says against a text; empty where it takes it.
        noun: what the text is: `the key of a label`.
    """

    find_error: Callable[[str], str]
    noun: str

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        error = self.find_error(value) if isinstance(value, str) else "it must be text"
        return reading.refuse_value(path, value, f"{self.noun}: {error}") if error else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True)
class BuiltKind:
    """A value that is built from what another kind reads; `write_value` gives it as a document has it."""

    kind: Kind
    build: Callable[[Any], Any]
    write_value: Callable[[Any], Any]

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        before = reading.unreadable
        fields = self.kind.read(value, path, reading)
        return UNREADABLE if reading.unreadable > before else self.build(fields)

    def write(self, value: Any) -> Any:
        return self.write_value(value)

    def schema(self) -> dict[str, Any]:
        return self.kind.schema()
