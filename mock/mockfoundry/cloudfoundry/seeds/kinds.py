"""Kinds of values that only seeds have. Knows no entity."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from mockfoundry.documents.declare import UNREADABLE, AsItIs, FormKey, Kind, Path, Reading
from mockfoundry.documents.kinds import IntegerKind, ListKind
from mockfoundry.documents.times import DURATION_PATTERN, format_duration, parse_duration
from mockfoundry.documents.wording import describe_value, refuse_text

SECONDS_OF_A_YEAR = 31_536_000

MAX_LONG_SPAN = 1 << 62
"""The longest duration that an export writes, in microseconds."""


class SpanKind(msgspec.Struct, frozen=True):
    """A duration, as a number of seconds or as text with a unit; microseconds as a value.

    Attributes:
        least, most: seconds.
    """

    least: int = 0
    most: int = SECONDS_OF_A_YEAR

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        span = read_span(value, self.most)
        if span is not None and self.least * 1_000_000 <= span <= self.most * 1_000_000:
            return span
        bounds = "up to a year" if self == SpanKind() else f"from {self.least} to {self.most} seconds"
        allowed = f"a number of seconds or a duration such as 250ms, 1.5s or 2m, {bounds}"
        return reading.refuse_value(path, value, allowed)

    def write(self, value: int) -> Any:
        return format_duration(value)

    def schema(self) -> dict[str, Any]:
        number = {"type": "number", "minimum": self.least, "maximum": self.most}
        return {"anyOf": [number, {"type": "string", "pattern": DURATION_PATTERN}]}


def read_span(value: Any, most: int) -> int | None:
    """Microseconds of a number of seconds, or of a duration's text; None where it is neither.

    Args:
        most: seconds.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value * 1_000_000) if 0 <= value <= most else None
    try:
        return parse_duration(value if isinstance(value, str) else "", most * 1_000_000)
    except ValueError:
        return None


class LongSpanKind(msgspec.Struct, frozen=True):
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
            allowed = f"a duration such as 250ms, 1.5s or 2m, at most {format_duration(MAX_LONG_SPAN)}"
            return reading.refuse_value(path, value, allowed)

    def write(self, value: int) -> Any:
        return None if value == self.endless else format_duration(value)

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "null"] if self.endless is not None else "string"}


class SecondsKind(AsItIs, msgspec.Struct, frozen=True):
    """A duration, as a number of seconds or as text with a unit; seconds as a value."""

    span: SpanKind = SpanKind()

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        span = self.span.read(value, path, reading)
        return UNREADABLE if span is UNREADABLE else span / 1_000_000

    def schema(self) -> dict[str, Any]:
        return self.span.schema()


MAX_COUNT = 10_000
"""How many like entries one entry may stand for."""

MAX_REPEATED = 100_000
"""How many entries all of a document's counts may ask for together."""

NUMBER_SIGN = "{n}"
"""Stands for the number of an entry in the texts of one that is counted."""

COUNT_KEY = FormKey(
    "count",
    IntegerKind(1, MAX_COUNT),
    f"How many apps like this there are; `{NUMBER_SIGN}` in its texts, its name among them, stands for 1, 2, 3, …",
    "one app, and no numbers",
    role="part",
)


class CountedListKind(ListKind, frozen=True):
    """A list in which an entry with a count stands for so many, each with its number in its texts."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, list) or all(not is_counted(item) for item in value):
            return super().read(value, path, reading)
        items: list[Any] = []
        for position, item in enumerate(value):
            items += self.read_counted(item, (*path, position), reading)
        if self.most is not None and len(items) > self.most:
            return reading.refuse_value(path, value, f"at most {self.most} entries long")
        return tuple(items)

    def read_counted(self, item: Any, path: Path, reading: Reading) -> Iterator[Any]:
        """What an entry stands for; a problem that each of them has is reported once."""
        if is_counted(item):
            count, name = COUNT_KEY.kind.read(item["count"], (*path, "count"), reading), item.get("name")
            if count is UNREADABLE:
                return
            if isinstance(name, str) and NUMBER_SIGN not in name:
                text = f"beside count, a name has {NUMBER_SIGN} in it, which stands for 1 to {count}"
                reading.refuse((*path, "name"), f"{text}: {name}-{NUMBER_SIGN}")
                return
            reading.repeated += count
            if reading.repeated > MAX_REPEATED:
                reading.refuse(
                    (*path, "count"), f"with this, counts ask for more than {MAX_REPEATED} apps; ask for fewer"
                )
                return
        for each in expand_counted(item):
            before = len(reading.findings)
            read = self.kind.read(each, path, reading)
            if read is not UNREADABLE:
                yield read
            if len(reading.findings) > before:
                return


def is_counted(entry: Any) -> bool:
    return isinstance(entry, Mapping) and "count" in entry


def expand_counted(entry: Any) -> Iterator[Any]:
    """The entries that one stands for: itself, where it has no count that can be read, or no number in its name."""
    count = entry["count"] if is_counted(entry) and NUMBER_SIGN in str(entry.get("name")) else None
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_COUNT:
        yield entry
        return
    single = {name: value for name, value in entry.items() if name != "count"}
    for number in range(1, count + 1):
        yield put_number(single, str(number))


def put_number(value: Any, number: str) -> Any:
    """A value of JSON with a number in its texts."""
    if isinstance(value, str):
        return value.replace(NUMBER_SIGN, number)
    if isinstance(value, Mapping):
        return {name: put_number(inside, number) for name, inside in value.items()}
    return [put_number(inside, number) for inside in value] if isinstance(value, list) else value


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


class IndexKind(msgspec.Struct, frozen=True):
    """The index of an instance as a key of a mapping: a whole number, or the text of one."""

    most: int

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if isinstance(digits, str) and digits.isascii() and digits.isdigit() and int(digits[:12]) < self.most:
            return int(digits)
        return reading.refuse_value(path, value, f"the index of an instance, from 0 to {self.most - 1}")

    def write(self, value: int) -> Any:
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]+$"}


class MetadataTextKind(AsItIs, msgspec.Struct, frozen=True):
    """Text that one of the Cloud Controller's own rules for metadata or environment variables takes.

    Attributes:
        find_error: what the rule says against a text; empty where it takes it.
        noun: what the text is: `the key of a label`.
    """

    find_error: Callable[[str], str]
    noun: str

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, str):
            return reading.refuse(path, refuse_text(reading.name_of(path), value, reading.spelling(path), "text"))
        error = self.find_error(value)
        return reading.refuse(path, f"{describe_value(value)} can't be {self.noun}: {error}") if error else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


class BuiltKind(msgspec.Struct, frozen=True):
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
