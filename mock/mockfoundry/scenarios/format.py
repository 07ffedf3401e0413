"""Kinds of plain values in a scenario file: each is read with its place, written, and told as JSON Schema. Never plays.

A kind is a value itself; the form of a file is a table of them. `read` gives the value or `INVALID`, having told the
problem, so that one reading finds all problems of a file.

Kinds of mappings whose keys are the author's own: JSON, seed words, conditions, headers. Never plays them.

Shapes of a scenario file: lists, and mappings with known keys, from which a value is built. Never plays one.

The form of a scenario file: every key, what it may hold, what it is for, and the rules between keys. Never plays.

Reading, writing, the JSON Schema and the documentation are made from these tables, so that they can't say different
things.

Reading a scenario: text to value, with the place of everything wrong. Knows no contract and plays nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol

from mockfoundry.contract.plan import shorten_value
from mockfoundry.documents.problems import DocumentError, Problem, did_you_mean
from mockfoundry.documents.times import DURATION_PATTERN, format_duration, parse_duration
from mockfoundry.documents.times import format_duration as told
from mockfoundry.documents.yaml import (
    ListNode,
    MappingEntry,
    MappingNode,
    Node,
    ScalarNode,
    find_nearest_node,
    node_to_data,
    read_nodes,
    render_mapping,
)
from mockfoundry.scenarios.conditions import ABSENT, ConditionError, check_condition
from mockfoundry.scenarios.model import (
    MAX_PROBLEMS,
    PASS,
    Event,
    Hold,
    Lognormal,
    Respond,
    Rule,
    Scenario,
    ScenarioError,
    Uniform,
    When,
)
from mockfoundry.wire_faults import WIRE_FAULT_NAMES, WIRE_FAULTS


def scenario_to_yaml(scenario: Scenario) -> str:
    """A scenario as the text of its file, ending in a newline."""
    return "\n".join(render_mapping(SCENARIO.write(scenario), 0)) + "\n"


def scenario_to_dict(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON's values, with the keys of its file."""
    written: dict[str, Any] = SCENARIO.write(scenario)
    return written


class InvalidValue(Enum):
    """What reading gives in place of a value that it could not take."""

    INVALID = "invalid"


INVALID: Final = InvalidValue.INVALID


class ProblemCollector:
    """Collects the problems of one reading, up to a bound: who has a hundred to mend needs no more."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def refuse(self, at: Node | MappingEntry, text: str) -> InvalidValue:
        """Tells a problem at a place."""
        self.problems.append(Problem(self.source, at.line, at.column, text))
        if len(self.problems) == MAX_PROBLEMS:
            raise ScenarioError(sorted(self.problems))
        return INVALID


class ValueKind(Protocol):
    """One kind of value."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        """The value of the key `name`, or INVALID."""

    def write(self, value: Any) -> Any:
        """The value as it stands in a file, as JSON's values."""

    def schema(self) -> dict[str, Any]:
        """The kind as JSON Schema."""


def describe_node(node: Node) -> str:
    """What was found, for a message."""
    if isinstance(node, MappingNode):
        return "a mapping" if node.entries else "an empty mapping"
    if isinstance(node, ListNode):
        return "a list" if node.items else "an empty list"
    if node.value is None:
        return "nothing" if node.text == "" else "null"
    return f'"{shorten_value(node.value)}"' if isinstance(node.value, str) else shorten_value(node.text)


@dataclass(frozen=True)
class TextKind:
    """Words for people."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            return node.value
        return reader.refuse(node, f"{name} is {describe_node(node)}; it must be text" + suggest_quotes(node))

    def write(self, value: str) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


def suggest_quotes(node: Node) -> str:
    return f', "{shorten_value(node.text)}" in quotes' if isinstance(node, ScalarNode) and node.text else ""


NAME_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?$"
_NAME_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@dataclass(frozen=True)
class NameKind:
    """A word by which something is called; it may stand in paths and headers, so it has few signs."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and is_name(node.value):
            return node.value
        return reader.refuse(
            node,
            f"{name} is {describe_node(node)}; it must be 1 to 64 letters, digits, -, _ or ., "
            "with a letter or digit at both ends",
        )

    def write(self, value: str) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": NAME_PATTERN}


def is_name(text: str) -> bool:
    return 0 < len(text) <= 64 and _NAME_SIGNS.issuperset(text) and text[0] not in "_.-" and text[-1] not in "_.-"


@dataclass(frozen=True)
class ChoiceKind:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, ScalarNode) and isinstance(node.value, str) and node.value in self.words:
            return node.value
        allowed = ", ".join(self.words[:-1]) + " or " + self.words[-1]
        hint = (
            did_you_mean(node.value, self.words) if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""
        )
        hint = hint if "did you mean" in hint else ""
        return reader.refuse(node, f"{name} is {describe_node(node)}; it must be {allowed}{hint}")

    def write(self, value: str) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class IntegerKind:
    """A whole number."""

    low: int
    high: int = 2_147_483_647

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, ScalarNode) and type(node.value) is int and self.low <= node.value <= self.high:
            return node.value
        return reader.refuse(
            node, f"{name} is {describe_node(node)}; it must be a whole number from {self.low} to {self.high}"
        )

    def write(self, value: int) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class ProbabilityKind:
    """A probability that is not none."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, ScalarNode) and type(node.value) in (int, float) and 0 < node.value <= 1:
            return float(node.value)
        return reader.refuse(
            node, f"{name} is {describe_node(node)}; it must be a number above 0, up to 1.0 for always"
        )

    def write(self, value: float) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": 0, "maximum": 1}


@dataclass(frozen=True)
class FlagKind:
    """The word `true`, where something is so; left out, where it is not."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, ScalarNode) and node.value is True:
            return True
        return reader.refuse(node, f"{name} is {describe_node(node)}; it must be true, or be left out")

    def write(self, value: bool) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"const": True}


@dataclass(frozen=True)
class DurationKind:
    """A duration; microseconds as a value."""

    least: int = 0

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        allowed = "a number and a unit: 250ms, 2s, 1.5s, 1m or 1h"
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            try:
                value = parse_duration(node.value)
            except ValueError as error:
                return reader.refuse(node, f"{name} is {describe_node(node)}; {error}")
            if value >= self.least:
                return value
            return reader.refuse(node, f"{name} is {describe_node(node)}; it must be longer than 0s")
        return reader.refuse(node, f"{name} is {describe_node(node)}; it must be {allowed}")

    def write(self, value: int) -> Any:
        return format_duration(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": DURATION_PATTERN}


@dataclass(frozen=True)
class JsonKind:
    """Any value of JSON."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        for each in find_numeric_keys(node):
            reader.refuse(each, f"a key in {name} is a number; JSON's keys are text, so write it in quotes")
        return node_to_data(node)

    def write(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {}


def find_numeric_keys(node: Node) -> list[MappingEntry]:
    """The keys that are numbers, at any depth."""
    if isinstance(node, ListNode):
        return [each for item in node.items for each in find_numeric_keys(item)]
    if not isinstance(node, MappingNode):
        return []
    inside = [each for entry in node.entries.values() for each in find_numeric_keys(entry.value)]
    return [node.entries[key] for key in node.numeric_keys] + inside


@dataclass(frozen=True)
class WorldPatchKind:
    """A mapping in the seed file's words; whether they are such words is for the world to say."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, MappingNode) and node.entries:
            return node_to_data(node)
        return reader.refuse(node, f"{name} is {describe_node(node)}; it must be a mapping in the seed file's words")

    def write(self, value: Mapping[str, Any]) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1}


@dataclass(frozen=True)
class ConditionsKind:
    """What must hold, by name: a plain value is compared, a mapping is a JSON Schema."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if not isinstance(node, MappingNode) or not node.entries:
            return reader.refuse(
                node, f"{name} is {describe_node(node)}; it must be a mapping of names to values or to JSON Schemas"
            )
        JsonKind().read(node, name, reader)
        found: dict[str, Any] = {}
        lower: set[str] = set()
        for key, entry in node.entries.items():
            if name == "headers" and key.lower() in lower:
                reader.refuse(entry, f"the header {key} stands twice; upper and lower case are the same")
            lower.add(key.lower())
            found[key] = self.read_condition(entry, key, reader)
        return found

    def read_condition(self, entry: MappingEntry, name: str, reader: ProblemCollector) -> Any:
        value = node_to_data(entry.value)
        if isinstance(value, dict):
            try:
                check_condition(value)
            except ConditionError as error:
                reader.refuse(
                    find_nearest_node(entry.value, error.path),
                    f"the condition on {shorten_value(name) or 'an empty name'} {error}",
                )
        return value

    def write(self, value: Mapping[str, Any]) -> Any:
        return dict(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1}


@dataclass(frozen=True)
class HeadersKind:
    """Headers of an answer: text, a whole number for its digits, or null to take the header away."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if not isinstance(node, MappingNode) or not node.entries:
            return reader.refuse(node, f"{name} is {describe_node(node)}; it must be a mapping of header names to text")
        found: dict[str, str | None] = {}
        lower: set[str] = set()
        for key, entry in node.entries.items():
            if not key or not _TOKEN_SIGNS.issuperset(key):
                reader.refuse(
                    entry, f'"{shorten_value(key)}" is not a header\'s name; it must be letters, digits and -'
                )
            elif key.lower() in ("content-length", "transfer-encoding", "connection"):
                reader.refuse(entry, f"{key} is the server's own; for a broken message use fault: truncate or reset")
            elif key.lower() in lower:
                reader.refuse(entry, f"the header {key} stands twice; upper and lower case are the same")
            else:
                lower.add(key.lower())
                found[key] = self.text(entry.value, key, reader)
        return found

    def text(self, node: Node, name: str, reader: ProblemCollector) -> str | None:
        if isinstance(node, ScalarNode) and node.value is None and node.text:
            return None
        if isinstance(node, ScalarNode) and type(node.value) is int:
            return node.text
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            if is_header_text(node.value):
                return node.value
            reader.refuse(
                node, f"{name} is {describe_node(node)}; a header is one line of Latin-1 without blanks around it"
            )
            return None
        reader.refuse(node, f"{name} is {describe_node(node)}; it must be text, or null to take the header away")
        return None

    def write(self, value: Mapping[str, str | None]) -> Any:
        return dict(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "integer", "null"]}}


def is_header_text(text: str) -> bool:
    """Whether a text can be a header's value: no line break in it, so that it can't become two headers."""
    return text == text.strip() and all(" " <= sign <= "\xff" and not "\x7f" <= sign <= "\x9f" for sign in text)


_TOKEN_SIGNS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True)
class OneOrManyKind:
    """One value, or a list of different ones."""

    kind: ValueKind

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if not isinstance(node, ListNode):
            value = self.kind.read(node, name, reader)
            return INVALID if value is INVALID else (value,)
        if not node.items:
            return reader.refuse(node, f"{name} is an empty list; name at least one, or leave {name} out")
        values: dict[Any, None] = {}
        for item in node.items:
            value = self.kind.read(item, name, reader)
            if value in values and value is not INVALID:
                reader.refuse(item, f"{name} names {describe_node(item)} twice; keep one of them")
            values[value] = None
        return INVALID if INVALID in values else tuple(values)

    def write(self, value: tuple[Any, ...]) -> Any:
        written = [self.kind.write(each) for each in value]
        return written[0] if len(written) == 1 else written

    def schema(self) -> dict[str, Any]:
        one = self.kind.schema()
        return {"anyOf": [one, {"type": "array", "minItems": 1, "uniqueItems": True, "items": one}]}


@dataclass(frozen=True)
class ListKind:
    """A list of at least one."""

    kind: ValueKind
    of: str

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if not isinstance(node, ListNode) or not node.items:
            return reader.refuse(node, f"{name} is {describe_node(node)}; it must be a list of {self.of}, at least one")
        values = [self.kind.read(item, self.of, reader) for item in node.items]
        return INVALID if any(value is INVALID for value in values) else tuple(values)

    def write(self, value: tuple[Any, ...]) -> Any:
        return [self.kind.write(each) for each in value]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "minItems": 1, "items": self.kind.schema()}


@dataclass(frozen=True)
class RangeKind:
    """A list of exactly two, the first not above the second."""

    kind: ValueKind

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if not isinstance(node, ListNode) or len(node.items) != 2:
            return reader.refuse(
                node, f"{name} is {describe_node(node)}; it must be a list of two: the least and the most"
            )
        low, high = (self.kind.read(item, name, reader) for item in node.items)
        if low is INVALID or high is INVALID:
            return INVALID
        if low > high:
            return reader.refuse(node, f"{name} has the larger one first; write the least, then the most")
        return low, high

    def write(self, value: tuple[Any, Any]) -> Any:
        return [self.kind.write(each) for each in value]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "minItems": 2, "maxItems": 2, "items": self.kind.schema()}


@dataclass(frozen=True)
class WordKind:
    """A word that stands for a whole value, as `pass` does; anything else is of another kind."""

    word: str
    value: Any
    otherwise: ValueKind

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, ScalarNode) and node.value == self.word:
            return self.value
        if not isinstance(node, MappingNode):
            return reader.refuse(
                node, f"{name} is {describe_node(node)}; it must be a mapping, or the word {self.word}"
            )
        return self.otherwise.read(node, name, reader)

    def write(self, value: Any) -> Any:
        return self.word if value == self.value else self.otherwise.write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": self.word}, self.otherwise.schema()]}


@dataclass(frozen=True)
class FormKey:
    """One key of a mapping.

    Attributes:
        about: what it is for, in a line, for the documentation.
        attribute: of the value; derived from the name unless given.
    """

    name: str
    kind: ValueKind
    about: str
    required: bool = False
    attribute: str = ""


FormCheck = Callable[[Any, MappingNode, ProblemCollector], None]


def check_nothing(_value: Any, _node: MappingNode, _reader: ProblemCollector) -> None:
    """No rule between keys."""


@dataclass(frozen=True)
class Form:
    """A mapping with known keys, and the value that is built from it.

    Attributes:
        noun: what such a mapping is called in messages.
        check: the rules between keys, on a value all of whose keys could be read.
    """

    noun: str
    build: type[Any]
    keys: tuple[FormKey, ...]
    check: FormCheck = check_nothing
    by_name: Mapping[str, FormKey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {key.name: key for key in self.keys})

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if not isinstance(node, MappingNode):
            return reader.refuse(
                node, f"{name} is {describe_node(node)}; it must be a mapping of {', '.join(self.by_name)}"
            )
        values: dict[str, Any] = {}
        sound = True
        for word, entry in node.entries.items():
            key = self.by_name.get(word)
            if key is None:
                hint = did_you_mean(word, self.by_name) or f"; allowed: {', '.join(self.by_name)}"
                reader.refuse(entry, f'"{shorten_value(word)}" is not a key of a {self.noun}{hint}')
                sound = False
                continue
            value = key.kind.read(entry.value, word, reader)
            sound = sound and value is not INVALID
            values[attribute_of_key(key)] = value
        for key in self.keys:
            if key.required and key.name not in node.entries:
                reader.refuse(node, f"the key {key.name} is missing; add it: {key.about[0].lower()}{key.about[1:]}")
                sound = False
        if not sound:
            return INVALID
        value = self.build(**values)
        self.check(value, node, reader)
        return value

    def write(self, value: Any) -> Any:
        written = {}
        for key in self.keys:
            its = getattr(value, attribute_of_key(key))
            if key.required or its != default_of_attribute(self.build, attribute_of_key(key)):
                written[key.name] = key.kind.write(its)
        return written

    def schema(self) -> dict[str, Any]:
        properties = {key.name: {"description": key.about, **key.kind.schema()} for key in self.keys}
        required = [key.name for key in self.keys if key.required]
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**schema, "required": required} if required else schema


def attribute_of_key(key: FormKey) -> str:
    """A key's name as an attribute: `good-client` is `good_client`, `for` is `for_`."""
    if key.attribute:
        return key.attribute
    name = key.name.replace("-", "_")
    return name + "_" if name in ("for", "from", "finally") else name


def default_of_attribute(build: type[Any], attribute: str) -> Any:
    """The default of an attribute."""
    names: tuple[str, ...] = build.__struct_fields__
    defaults: tuple[Any, ...] = build.__struct_defaults__
    position = names.index(attribute) - (len(names) - len(defaults))
    default = defaults[position] if position >= 0 else INVALID
    factory = getattr(default, "factory", None)
    return default if factory is None else factory()


class DelayKind:
    """A delay: a duration, or one of the distributions of `DISTRIBUTIONS`."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, MappingNode) and list(node.entries) == ["uniform"]:
            pair = UNIFORM.read(node.entries["uniform"].value, "uniform", reader)
            return INVALID if pair is INVALID else Uniform(*pair)
        if isinstance(node, MappingNode) and list(node.entries) == ["lognormal"]:
            return LOGNORMAL.read(node.entries["lognormal"].value, "lognormal", reader)
        if isinstance(node, MappingNode | ListNode):
            return reader.refuse(
                node,
                f"{name} is {describe_node(node)}; it must be a duration, {{uniform: [100ms, 2s]}} or "
                "{lognormal: {median: 200ms, p99: 2s}}",
            )
        return DurationKind().read(node, name, reader)

    def write(self, value: Any) -> Any:
        if isinstance(value, Uniform):
            return {"uniform": UNIFORM.write((value.low, value.high))}
        return {"lognormal": LOGNORMAL.write(value)} if isinstance(value, Lognormal) else DurationKind().write(value)

    def schema(self) -> dict[str, Any]:
        one = {"type": "object", "additionalProperties": False}
        distributions = [
            {**one, "required": [key.name], "properties": {key.name: {"description": key.about, **key.kind.schema()}}}
            for key in DISTRIBUTIONS
        ]
        return {"anyOf": [DurationKind().schema(), *distributions]}


class HoldKind:
    """A hold: the word that says when, or a mapping that names it too."""

    def read(self, node: Node, name: str, reader: ProblemCollector) -> Any:
        if isinstance(node, ScalarNode):
            at = _HOLD_AT.read(node, name, reader)
            return INVALID if at is INVALID else Hold(at=at)
        return HOLD.read(node, name, reader)

    def write(self, value: Hold) -> Any:
        written = HOLD.write(value)
        return written["at"] if len(written) == 1 else written

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [_HOLD_AT.schema(), HOLD.schema()]}


def check_lognormal(value: Lognormal, node: MappingNode, reader: ProblemCollector) -> None:
    if value.p99 < value.median:
        reader.refuse(node.entries["p99"], "p99 is below the median; it must be at least the median")


LOGNORMAL = Form(
    "lognormal delay",
    Lognormal,
    (
        FormKey("median", DurationKind(least=1), "Half of the delays are below it.", required=True),
        FormKey("p99", DurationKind(least=1), "One delay in a hundred is above it.", required=True),
    ),
    check_lognormal,
)

UNIFORM = RangeKind(DurationKind())

DISTRIBUTIONS = (
    FormKey("uniform", UNIFORM, "Anywhere between two durations: [100ms, 2s]."),
    FormKey("lognormal", LOGNORMAL, "With a long tail: {median: 200ms, p99: 2s}."),
)

_HOLD_AT = ChoiceKind(("before-commit", "after-commit"))

HOLD = Form(
    "hold",
    Hold,
    (
        FormKey("at", _HOLD_AT, "Before the request's exchange, or with its outcome in hand.", required=True),
        FormKey("name", NameKind(), "What it is released by; the scenario's name unless given."),
        FormKey("at-most", DurationKind(least=1), "It goes on by itself after that; 30s unless given."),
    ),
)

ANSWER_KEYS = ("error", "status", "example", "fault")


def check_respond(value: Respond, node: MappingNode, reader: ProblemCollector) -> None:
    entries = node.entries
    named = [word for word in ANSWER_KEYS if word in entries]
    for word in named[1:]:
        reader.refuse(entries[word], f"{word} stands beside {named[0]}; one answer has one of {', '.join(ANSWER_KEYS)}")
    belong = (("detail", "error"), ("body", "status"), ("text", "status"))
    for word, to in belong:
        if word in entries and to not in entries:
            reader.refuse(entries[word], f"{word} goes with {to}; add {to}, or leave {word} out")
    if "body" in entries and "text" in entries:
        reader.refuse(entries["text"], "text stands beside body; an answer has one of them: body is JSON, text is raw")
    if value.status in (204, 304) and (value.body is not ABSENT or value.text):
        reader.refuse(entries["status"], f"a {value.status} has no body; leave body and text out")
    if (
        value.fault is not None
        and value.headers
        and value.fault in WIRE_FAULTS
        and not WIRE_FAULTS[value.fault].sends_headers
    ):
        reader.refuse(entries["headers"], f"the fault {value.fault} sends no headers; leave headers out")
    if value.undocumented and not (value.answers or value.headers):
        reader.refuse(entries["undocumented"], "undocumented goes with an answer or headers; leave it out")
    if not value.changes:
        reader.refuse(node, f"answers nothing; give it one of {', '.join(ANSWER_KEYS)}, or write the word pass")


RESPOND = Form(
    "respond",
    Respond,
    (
        FormKey("error", TextKind(), "The title of an error of the catalogue, such as CF-Conflict."),
        FormKey("detail", TextKind(), "The error's words, in place of the catalogue's."),
        FormKey(
            "status", IntegerKind(200, 599), "The status; with body, text, or neither for the contract's own example."
        ),
        FormKey("body", JsonKind(), "The answer's JSON."),
        FormKey("text", TextKind(), "The answer's body as it stands, where it is not to be JSON."),
        FormKey("example", TextKind(), "The name of an example of the contract."),
        FormKey("fault", ChoiceKind(WIRE_FAULT_NAMES), "What goes wrong on the wire."),
        FormKey("headers", HeadersKind(), "Headers to add or replace; null takes one away."),
        FormKey(
            "delay",
            DelayKind(),
            "How long to wait: 250ms, {uniform: [100ms, 2s]}, {lognormal: {median: 200ms, p99: 2s}}.",
        ),
        FormKey(
            "phase",
            ChoiceKind(("before", "after")),
            "Before the operation runs (default), or after its change is kept.",
        ),
        FormKey("hold", HoldKind(), "Parks the request until the test releases it: before-commit or after-commit."),
        FormKey("undocumented", FlagKind(), "The contract does not document this answer, and that is meant."),
    ),
    check_respond,
)

ANSWER = WordKind("pass", PASS, RESPOND)

WHEN = Form(
    "when",
    When,
    (
        FormKey("path", ConditionsKind(), "Path parameters."),
        FormKey("query", ConditionsKind(), "Query parameters; null for one that is not sent."),
        FormKey("headers", ConditionsKind(), "Request headers, in any case; null for one that is not sent."),
        FormKey("body", ConditionsKind(), "Fields of the JSON body."),
    ),
)


def check_rule(value: Rule, node: MappingNode, reader: ProblemCollector) -> None:
    entries = node.entries
    if "respond" in entries and "sequence" in entries:
        reader.refuse(entries["sequence"], "sequence stands beside respond; a rule has one of them")
    if "respond" not in entries and "sequence" not in entries:
        reader.refuse(node, "answers nothing; give the rule respond or sequence")
    if "finally" in entries and "sequence" not in entries:
        reader.refuse(entries["finally"], "finally goes with sequence; leave it out, or say times for how often")
    if "times" in entries and "sequence" in entries:
        reader.refuse(entries["times"], "times stands beside sequence, whose length says how often; leave times out")
    if value.until is not None and value.until <= (value.from_ or 0):
        reader.refuse(
            entries["until"],
            f"until is {told(value.until)}, which is not after from; make it later, or the rule never applies",
        )


RULE = Form(
    "rule",
    Rule,
    (
        FormKey("operation", OneOrManyKind(TextKind()), "The operationId, or several; left out, every request."),
        FormKey("when", WHEN, "What must hold of the request: a plain value is compared, a mapping is a JSON Schema."),
        FormKey(
            "per",
            ChoiceKind(("process", "token", "foundation")),
            "What matches are counted for; foundation unless given.",
        ),
        FormKey("state", OneOrManyKind(NameKind()), "The states in which the rule applies."),
        FormKey("goto", NameKind(), "The state after this rule has answered."),
        FormKey("after", IntegerKind(0), "How many matches are let through first."),
        FormKey("times", IntegerKind(1), "How many are answered then; for ever unless given."),
        FormKey("chance", ProbabilityKind(), "How likely a match is answered, drawn from the foundation's generator."),
        FormKey("from", DurationKind(), "When it begins to apply, since the scenario was switched on."),
        FormKey("until", DurationKind(least=1), "When it ceases to apply, since the scenario was switched on."),
        FormKey("respond", ANSWER, "What is answered, or the word pass."),
        FormKey("sequence", ListKind(ANSWER, "answers"), "What is answered match by match."),
        FormKey(
            "finally",
            ChoiceKind(("pass", "repeat", "stay")),
            "After a sequence: pass (default), repeat it, stay with its last.",
        ),
    ),
    check_rule,
)

EVENT = Form(
    "event",
    Event,
    (
        FormKey("at", DurationKind(), "When, since the scenario was switched on.", required=True),
        FormKey("given", WorldPatchKind(), "What changes then, in the seed file's words.", required=True),
    ),
)


def check_scenario_keys(value: Scenario, node: MappingNode, reader: ProblemCollector) -> None:
    entries = node.entries
    if not ("rules" in entries or "given" in entries or "events" in entries):
        reader.refuse(node, "does nothing; give it rules, given or events")
    rules = entries.get("rules")
    nodes = rules.value.items if rules is not None and isinstance(rules.value, ListNode) else []
    with_states = [
        (rule, at) for rule, at in zip(value.rules, nodes, strict=True) if rule.state or rule.goto is not None
    ]
    for rule, at in with_states:
        if rule.per != with_states[0][0].per:
            reader.refuse(
                find_key_place(at, "per"),
                f"per is {rule.per} here and {with_states[0][0].per} in an earlier rule; "
                "rules that share states must count alike",
            )
    if with_states and value.start is None:
        reader.refuse(find_key_place(with_states[0][1], "state", "goto"), "start is missing; name the first state")
    if value.start is not None and not with_states:
        reader.refuse(entries["start"], "start names a state, but no rule has state or goto; leave it out")
    ends = value.for_
    if ends is None:
        return
    for rule, at in zip(value.rules, nodes, strict=True):
        if rule.from_ is not None and rule.from_ >= ends:
            reader.refuse(
                find_key_place(at, "from"), f"from is {told(rule.from_)}, but for ends the scenario after {told(ends)}"
            )
    events = entries.get("events")
    at_events = events.value.items if events is not None and isinstance(events.value, ListNode) else []
    for event, at in zip(value.events, at_events, strict=True):
        if event.at >= ends:
            reader.refuse(
                find_key_place(at, "at"), f"at is {told(event.at)}, but for ends the scenario after {told(ends)}"
            )


def find_key_place(node: Node, *names: str) -> Node | MappingEntry:
    """The place of the first of these keys that is there, else of the mapping."""
    entries = node.entries if isinstance(node, MappingNode) else {}
    return next((entries[name] for name in names if name in entries), node)


SCENARIO = Form(
    "scenario",
    Scenario,
    (
        FormKey("scenario", NameKind(), "Its name, by which it is switched on.", required=True, attribute="name"),
        FormKey("description", TextKind(), "What happens, in a sentence."),
        FormKey("story", TextKind(), "Why it happens on a real foundation, and where it was seen."),
        FormKey("good-client", TextKind(), "What a good client does."),
        FormKey("for", DurationKind(least=1), "It switches itself off after that."),
        FormKey("start", NameKind(), "The first state, where rules have states."),
        FormKey(
            "given", WorldPatchKind(), "What it changes in the world when it is switched on, in the seed file's words."
        ),
        FormKey("events", ListKind(EVENT, "events"), "Changes of the world at a time after that."),
        FormKey(
            "rules", ListKind(RULE, "rules"), "The first in this order that matches and has something left decides."
        ),
    ),
    check_scenario_keys,
)


def read_scenario(text: str, *, source: str) -> Scenario:
    """The scenario in a YAML or JSON text.

    Args:
        source: what its places begin with: the file's path, or a name for text that came another way.

    Raises:
        ScenarioError: with all the problems found, each with its place.
    """
    return read_scenario_with_nodes(text, source)[0]


def read_scenario_with_nodes(text: str, source: str) -> tuple[Scenario, Node]:
    """The same, with the nodes that know where each part of it stands."""
    try:
        root = read_nodes(text, source)
    except DocumentError as error:
        raise ScenarioError(error.problems) from None
    reader = ProblemCollector(source)
    value = SCENARIO.read(root, "the scenario", reader)
    if reader.problems or not isinstance(value, Scenario):
        raise ScenarioError(sorted(reader.problems))
    return value, root
