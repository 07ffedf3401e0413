"""Kinds of values that several formats have: texts, numbers, moments, lists, tables. Never knows a key.

What a kind may not hold is phrased by the format's wording; a kind says only what is allowed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from mockfoundry.documents.declare import UNREADABLE, AsItIs, Form, Kind, Path, Reading, takes
from mockfoundry.documents.nodes import ListNode, MappingNode, Node
from mockfoundry.documents.times import format_exact_moment, parse_moment
from mockfoundry.documents.wording import refuse_text, refuse_word, write_word


class TextKind(AsItIs, msgspec.Struct, frozen=True):
    """Text.

    Attributes:
        pattern: that the whole of it has to match.
        is_listed: whether it is one of the words of a list, so that quotes would mend no number.
        allowed: what messages say of it; the bounds unless given.
        takes_control_signs: whether it may hold them, as what a client writes may.
    """

    least: int = 0
    most: int | None = None
    pattern: str | None = None
    allowed: str = ""
    takes_control_signs: bool = False
    is_listed: bool = False

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        allowed = self.allowed or self.describe_bounds()
        if self.is_listed and not isinstance(value, str):
            return reading.refuse_value(path, value, allowed)
        if not isinstance(value, str):
            name, spelling = reading.name_of(path), reading.spelling(path)
            return reading.refuse(path, refuse_text(name, value, spelling, allowed))
        if not self.least <= len(value) or (self.most is not None and len(value) > self.most):
            return reading.refuse_value(path, value, allowed)
        if self.pattern is not None:
            sound = re.fullmatch(self.pattern, value) is not None
            return value if sound else reading.refuse_value(path, value, allowed)
        if (
            self.most is not None
            and not self.takes_control_signs
            and not value.isprintable()
            and any(sign < " " and sign not in "\n\t" for sign in value)
        ):
            return reading.refuse_value(path, value, "text without control signs")
        return value

    def describe_bounds(self) -> str:
        if self.most is None:
            return "text" if self.least == 0 else f"text of at least {self.least} signs"
        return f"text of at most {self.most} signs" if self.least == 0 else f"text of {self.least} to {self.most} signs"

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string"}
        if self.least:
            schema["minLength"] = self.least
        if self.most is not None:
            schema["maxLength"] = self.most
        return {**schema, "pattern": f"^(?:{self.pattern})$"} if self.pattern is not None else schema


class ChoiceKind(AsItIs, msgspec.Struct, frozen=True):
    """One of a few words.

    Attributes:
        noun: what messages call it, where its key does not say it: the key is the author's own.
    """

    words: tuple[str, ...]
    noun: str = ""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, str) and value in self.words:
            return value
        name, spelling = self.noun or reading.name_of(path), reading.spelling(path)
        return reading.refuse(path, refuse_word(name, value, spelling, self.words))

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


class IntegerKind(AsItIs, msgspec.Struct, frozen=True):
    """A whole number between bounds."""

    low: int
    high: int = 2_147_483_647

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high:
            return value
        allowed = f"a whole number from {self.low} to {self.high}"
        if isinstance(value, str) and value.isascii() and value.isdigit() and self.low <= int(value[:20]) <= self.high:
            allowed += f", {value} without quotes"
        return reading.refuse_value(path, value, allowed + self.propose_size(value, reading.name_of(path)))

    def propose_size(self, value: Any, name: str) -> str:
        """What a text with a unit is in that of its key: 256 for `memory_in_mb: 256M`."""
        size = _SIZE.fullmatch(value) if isinstance(value, str) else None
        unit = next((unit for word, unit in _UNITS_OF_KEYS.items() if word in name), 0)
        if size is None or not unit:
            return ""
        number, rest = divmod(int(size.group(1)) << (10 * " kmgt".index(size.group(2).lower())), unit)
        return f"; write {number}" if not rest and self.low <= number <= self.high else ""

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


_SIZE = re.compile(r"([0-9]{1,9}) ?([kmgt])(?:i?b)?", re.IGNORECASE)
_UNITS_OF_KEYS = {"_in_mb": 1 << 20, "_in_bytes": 1}


class NumberKind(AsItIs, msgspec.Struct, frozen=True):
    """A number between bounds."""

    low: float
    high: float

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high:
            return float(value)
        return reading.refuse_value(path, value, f"a number from {format_bound(self.low)} to {format_bound(self.high)}")

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.low, "maximum": self.high}


def format_bound(number: float) -> str:
    """A bound as one writes it: 1000000 and 0.5, and not 1e+06."""
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else f"{number:g}"


class BooleanKind(AsItIs):
    """True or false."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if isinstance(value, bool):
            return value
        meant = _BOOLEAN_WORDS.get(value.lower()) if isinstance(value, str) else None
        mend = f"; write {meant}" if meant else ""
        return reading.refuse_value(path, value, f"true or false{mend}")

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


_BOOLEAN_WORDS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
"""What people write in their place: words of YAML's older version, and of texts."""


class MomentKind:
    """A moment in UTC; microseconds since the epoch as a value."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        try:
            return parse_moment(value if isinstance(value, str) else "")
        except ValueError as error:
            return reading.refuse_value(path, value, str(error))

    def write(self, value: int) -> Any:
        return format_exact_moment(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


class ListKind(msgspec.Struct, frozen=True):
    """A list, as a tuple of what could be read.

    Attributes:
        of: what messages call its items.
    """

    kind: Kind
    most: int | None = 100_000
    least: int = 0
    of: str = ""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, list) or len(value) < self.least:
            allowed = f"a list of {self.of}, at least one" if self.least else "a list"
            return reading.refuse_value(path, value, allowed + self.suggest_dash(value) + self.propose_list(value))
        if self.most is not None and len(value) > self.most:
            return reading.refuse_value(path, value, f"at most {self.most} entries long")
        items = (self.kind.read(item, (*path, position), reading) for position, item in enumerate(value))
        return tuple(item for item in items if item is not UNREADABLE)

    def propose_list(self, value: Any) -> str:
        """A list with one entry, where that was given alone."""
        entry = self.kind.propose_entry(value) if isinstance(self.kind, Form) else ""
        if not entry and isinstance(value, str | int | float) and takes(self.kind, value):
            entry = write_word(value)
        return f"; write [{entry}]" if entry else ""

    def suggest_dash(self, value: Any) -> str:
        """How to begin the first entry, where a mapping was given in place of a list of mappings."""
        if not isinstance(value, Mapping) or not isinstance(self.kind, Form):
            return ""
        named = next((key.name for key in self.kind.keys if key.required), "")
        first = next(iter(value), named)
        if named and first not in self.kind.by_name:
            return f"; write `- {named}: {first}`, and what it has below that"
        inside = value.get(first)
        return f"; write `- {first}: {inside}`" if isinstance(inside, str) else f"; write `- {first}:`" if first else ""

    def write(self, value: Any) -> Any:
        is_list = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
        return [self.kind.write(item) for item in value] if is_list else value

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "array"}
        if self.least:
            schema["minItems"] = self.least
        if self.most is not None:
            schema["maxItems"] = self.most
        return {**schema, "items": self.kind.schema()}


class TableKind(msgspec.Struct, frozen=True):
    """A mapping whose keys are the author's own, of one kind, as a dict of what could be read."""

    key: Kind
    value: Kind

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, Mapping):
            return reading.refuse_value(path, value, f"a mapping{self.propose_table(value)}")
        table = {}
        for name, item in value.items():
            key = reading.read_key(self.key, name, (*path, name))
            read = self.value.read(item, (*path, name), reading)
            if key is not UNREADABLE and read is not UNREADABLE:
                table[key] = read
        return table

    def propose_table(self, value: Any) -> str:
        """A mapping from the first of the names, where they were given alone."""
        first = value[0] if isinstance(value, list) and value else value
        inside = self.value.kind if isinstance(self.value, ListKind) else None
        if not isinstance(first, str) or not isinstance(inside, ChoiceKind):
            return ""
        return f"; write {{{write_word(first)}: [{inside.words[0]}]}}"

    def write(self, value: Mapping[Any, Any]) -> Any:
        return {str(name): self.value.write(item) for name, item in value.items()}

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.value.schema()}


class DefinedKind(msgspec.Struct, frozen=True):
    """Another kind, whose schema stands once in `$defs`, where more may be known of it than the form knows."""

    kind: Kind
    name: str

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        return self.kind.read(value, path, reading)

    def write(self, value: Any) -> Any:
        return self.kind.write(value)

    def schema(self) -> dict[str, Any]:
        return {"$ref": f"#/$defs/{self.name}"}


class MappingOrKind(msgspec.Struct, frozen=True):
    """A mapping of one kind, or anything else of another; written as a mapping."""

    form: Kind
    otherwise: Kind

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        return (self.form if isinstance(value, Mapping) else self.otherwise).read(value, path, reading)

    def write(self, value: Any) -> Any:
        return (self.form if isinstance(value, Mapping) else self.otherwise).write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.form.schema(), self.otherwise.schema()]}


class JsonKind(AsItIs):
    """Any value of JSON."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        node = reading.find_node(path)
        for at in () if node is None else find_numeric_keys(node, path):
            name = reading.name_of(path)
            reading.report(at, f"a key in {name} is a number; JSON's keys are text, so write it in quotes", "key")
        return value

    def schema(self) -> dict[str, Any]:
        return {}


def find_numeric_keys(node: Node, path: Path) -> Iterator[Path]:
    """The paths of the keys that are spelled as numbers, at any depth."""
    if isinstance(node, ListNode):
        for position, item in enumerate(node.items):
            yield from find_numeric_keys(item, (*path, position))
    elif isinstance(node, MappingNode):
        for key, entry in node.entries.items():
            if key in node.numeric_keys:
                yield (*path, key)
            yield from find_numeric_keys(entry.value, (*path, key))
