"""Declarations: what a document may hold, said once. Never knows a format, never opens a file.

A declaration is a value: forms (mappings with known keys) made of kinds (texts, numbers, lists …). Four things follow
from it: reading with every problem found, writing, the JSON Schema, and the rows of the documentation.

Reading takes JSON's values, since not every document comes from a file. A problem carries the path of keys and
positions that leads to it; `locate_finding` turns that into a line and a column where the document was text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from enum import Enum
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, Protocol

import msgspec

from mockfoundry.documents.levels import KeyPlace, Level, explain_level, index_places
from mockfoundry.documents.nodes import ListNode, MappingEntry, MappingNode, Node, ScalarNode, find_nearest_node
from mockfoundry.documents.problems import Problem
from mockfoundry.documents.wording import MAX_KEYS_LISTED, miss_key, refuse_key, refuse_value, uncapitalize, write_word

Path = tuple[str | int, ...]
"""The keys and positions that lead to a place in a document."""


Spot = Literal["key", "value", "scalar"]
"""What a problem is about if its path ends with a key: the key, its value, or the value if that is not a collection."""


class Finding(NamedTuple):
    """One problem of a document, before it has a line and a column."""

    path: Path
    text: str
    spot: Spot = "value"


class UnreadableValue(Enum):
    """What reading gives in place of a value that it refused."""

    UNREADABLE = "unreadable"


UNREADABLE: Final = UnreadableValue.UNREADABLE


class TooManyFindings(Exception):
    """A reading has found as many problems as it may."""


class Reading:
    """One document while it is read: collects what is wrong with it.

    Args:
        root: the nodes of the document, where it was text: they know how a scalar is spelled.
        most: how many problems end the reading, None for no bound.
        nameless: what the whole document is called in messages.
        unnamed: keys that no message proposes, since no one writes them by hand.

    Attributes:
        findings: so far.
        unreadable: how many values were refused so far; a rule between keys that is broken leaves them readable.
        repeated: how many values the document asks for beyond those that it holds.
        levels: the mappings around what is read, the outermost first.
    """

    def __init__(
        self,
        root: Node | None = None,
        most: int | None = None,
        nameless: str = "the document",
        unnamed: Set[str] = frozenset(),
    ) -> None:
        self.findings: list[Finding] = []
        self.unreadable = 0
        self.repeated = 0
        self.levels: list[Level] = []
        self.unnamed = unnamed
        self._root = root
        self._most = most
        self._nameless = nameless
        self._reads_key = False

    def report(self, path: Path, text: str, spot: Spot = "value") -> None:
        """Reports a problem.

        Raises:
            TooManyFindings: it is the last one that is wanted.
        """
        self.findings.append(Finding(path, text, spot))
        if len(self.findings) == self._most:
            raise TooManyFindings

    def refuse(self, path: Path, text: str, spot: Spot = "value") -> UnreadableValue:
        """Reports a problem that leaves nothing to be read there."""
        self.unreadable += 1
        self.report(path, text, spot)
        return UNREADABLE

    def refuse_value(self, path: Path, value: Any, allowed: str) -> UnreadableValue:
        """Reports a value that is not what is allowed."""
        return self.refuse(path, refuse_value(self.name_of(path), value, self.spelling(path), allowed))

    def read_key(self, kind: "Kind", name: Any, path: Path) -> Any:
        """A key that is the author's own, as a value of its kind.

        Args:
            path: that ends with the key.
        """
        self._reads_key = True
        try:
            return kind.read(name, path, self)
        finally:
            self._reads_key = False

    def name_of(self, path: Path) -> str:
        """What messages call the value at a path: its key, or that of the list around it."""
        steps = path[:-1] if self._reads_key else path
        name = next((step for step in reversed(steps) if isinstance(step, str)), self._nameless)
        return f"a key of {name}" if self._reads_key else name

    def find_node(self, path: Path) -> Node | None:
        """The node at a path, where the document was text."""
        node = self._root
        for step in path:
            if isinstance(node, MappingNode):
                node = node.entries[str(step)].value
            elif isinstance(node, ListNode) and isinstance(step, int):
                node = node.items[step]
        return node

    def spelling(self, path: Path) -> str | None:
        """A scalar as it is spelled, where the document was text."""
        node = None if self._reads_key else self.find_node(path)
        return node.text if isinstance(node, ScalarNode) else None


def locate_finding(root: Node, finding: Finding, source: str) -> Problem:
    """A finding with its line and column in the text that the nodes came from."""
    at: Node | MappingEntry = find_nearest_node(root, finding.path)
    if isinstance(at, MappingEntry) and (
        finding.spot == "value" or (finding.spot == "scalar" and isinstance(at.value, ScalarNode))
    ):
        at = at.value
    return Problem(source, at.line, at.column, finding.text)


def format_path(path: Path) -> str:
    """A path in a line: `organizations/0/name`."""
    return "/".join(str(step) for step in path)


class Kind(Protocol):
    """One kind of value."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        """The value as the program holds it, or UNREADABLE where a problem was reported."""

    def write(self, value: Any) -> Any:
        """The value as a document has it, of JSON's values. What is no value of the kind stays as it is: reading it
        again says what is wrong."""

    def schema(self) -> dict[str, Any]:
        """The kind as JSON Schema."""


def takes(kind: Kind, value: Any) -> bool:
    """Whether a value is one of a kind."""
    reading = Reading()
    return kind.read(value, (), reading) is not UNREADABLE and not reading.findings


class AsItIs:
    """A kind whose written form is its value."""

    def write(self, value: Any) -> Any:
        return value


class NullableKind(msgspec.Struct, frozen=True):
    """Null, or a value of another kind."""

    kind: Kind

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        return None if value is None else self.kind.read(value, path, reading)

    def write(self, value: Any) -> Any:
        return None if value is None else self.kind.write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "null"}, self.kind.schema()]}


KeyRole = Literal["field", "identity", "flat", "merged", "part"]


class FormKey(msgspec.Struct, frozen=True):
    """One key of a form.

    Attributes:
        about: what it is for, in a line, for the documentation.
        default: its value if it is left out, for the documentation; empty if `about` says it.
        elsewhere: what the same thing is called in other formats, which people write by mistake.
        attribute: of the value or entity that holds it; the key's name unless given.
        role: `field`: the attribute holds what was read. `identity`: the same, but it never changes. `flat`:
            a form whose keys are attributes of the same entity. `merged`: a form whose keys are attributes of the value
            that the attribute holds; those that are left out stay. `part`: the format makes something else of it.
    """

    name: str
    kind: Kind
    about: str
    default: str = ""
    required: bool = False
    attribute: str = ""
    role: KeyRole = "field"
    elsewhere: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.attribute:
            name = self.name.replace("-", "_")
            attribute = name + "_" if name in ("for", "from", "finally") else name
            msgspec.structs.force_setattr(self, "attribute", attribute)

    @property
    def form(self) -> "Form":
        """The form of a key whose value is a mapping, or null."""
        form = self.kind.kind if isinstance(self.kind, NullableKind) else self.kind
        if not isinstance(form, Form):
            raise TypeError(f"{self.name} has no form of its own")
        return form


class Form(msgspec.Struct, frozen=True, dict=True):
    """A mapping with known keys, as a dict of what was given and could be read.

    Attributes:
        noun: what such a mapping is called: `a process`.
    """

    noun: str
    keys: tuple[FormKey, ...]

    @cached_property
    def by_name(self) -> Mapping[str, FormKey]:
        """The keys by their names."""
        return {key.name: key for key in self.keys}

    @cached_property
    def writers(self) -> tuple[tuple[str, str | None, Callable[[Any], Any] | None], ...]:
        """Of each key its name, the attribute that holds it (None: the entity does), and what writes that.

        An export writes every key of every entity, most of them as they are held.
        """
        return tuple(
            (key.name, None if key.role == "flat" else key.attribute, find_writer(key.kind)) for key in self.keys
        )

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if not isinstance(value, Mapping):
            entry = self.propose_entry(value)
            if entry:
                return reading.refuse_value(path, value, f"a mapping; write {entry}")
            keys = [each for each in self.by_name if each not in reading.unnamed]
            allowed = f"a mapping of {', '.join(keys)}" if len(keys) <= MAX_KEYS_LISTED else "a mapping"
            return reading.refuse_value(path, value, allowed)
        reading.levels.append(Level(self, len(path)))
        read = dict(self.read_keys(value, path, reading))
        reading.levels.pop()
        return read

    def explain_other_name(self, name: str) -> str:
        """What a key is called that has this name elsewhere; empty where none has."""
        return next((f"write {key.name} ({uncapitalize(key.about)})" for key in self.keys if name in key.elsewhere), "")

    def propose_entry(self, value: Any) -> str:
        """How to write what a text alone was meant for: `{name: alice}`; empty where more is needed, or unknown."""
        required = [key for key in self.keys if key.required]
        if len(required) != 1 or not isinstance(value, str) or not takes(required[0].kind, value):
            return ""
        return f"{{{required[0].name}: {write_word(value)}}}"

    @cached_property
    def places(self) -> Mapping[str, tuple[KeyPlace, ...]]:
        """Where keys of the mappings within it stand."""
        return index_places(self)

    def read_keys(self, value: Mapping[str, Any], path: Path, reading: Reading) -> Iterator[tuple[str, Any]]:
        """The keys that could be read, with their values."""
        for key in self.keys:
            if key.required and key.name not in value:
                reading.refuse(path, miss_key(self.noun, key.name, key.about))
        for name, item in value.items():
            known = self.by_name.get(name)
            if known is None:
                level = explain_level(str(name), value, path, reading.levels, reading.unnamed)
                level = self.explain_other_name(str(name)) or level
                allowed = [each for each in self.by_name if each not in reading.unnamed]
                reading.refuse((*path, name), refuse_key(self.noun, str(name), allowed, level), "key")
                continue
            read = known.kind.read(item, (*path, name), reading)
            if read is not UNREADABLE:
                yield name, read

    def write(self, value: Any, **computed: Any) -> dict[str, Any]:
        """The mapping that gives an entity.

        Args:
            computed: values of keys that are not what an attribute holds; they are written unchanged.
        """
        written = {}
        for name, attribute, write in self.writers:
            if name in computed:
                written[name] = computed[name]
            else:
                held = value if attribute is None else getattr(value, attribute)
                written[name] = held if write is None or held is None else write(held)
        return written

    def collect_attributes(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes of an entity that fields, as they were read, give a value."""
        attributes: dict[str, Any] = {}
        for name, value in fields.items():
            key = self.by_name[name]
            if key.role == "field":
                attributes[key.attribute] = value
            elif key.role == "flat":
                attributes |= key.form.collect_attributes(value)
        return attributes

    def schema(self) -> dict[str, Any]:
        properties = {key.name: {"description": key.about, **key.kind.schema()} for key in self.keys}
        required = [key.name for key in self.keys if key.required]
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**schema, "required": required} if required else schema


def find_writer(kind: Kind) -> Callable[[Any], Any] | None:
    """What writes a value that is not None; None if its written form is its value."""
    inner = kind.kind if isinstance(kind, NullableKind) else kind
    return None if isinstance(inner, AsItIs) else inner.write


FormCheck = Callable[[Any, Mapping[str, Any], Path, Reading], None]
"""A rule between keys: the value that was built, the mapping that it was built from, its path, the reading."""


def check_nothing(_value: Any, _given: Mapping[str, Any], _path: Path, _reading: Reading) -> None:
    """No rule between keys."""


class StructForm(Form, frozen=True, dict=True):
    """A form whose mappings are values of a class; written without what is the class's default.

    Attributes:
        build: a msgspec Struct with an attribute for each key.
        check: the rules between keys, for a value all of whose keys could be read.
    """

    build: type[Any]
    check: FormCheck = check_nothing

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        before = reading.unreadable
        fields = super().read(value, path, reading)
        if reading.unreadable > before:
            return UNREADABLE
        struct = self.build(**self.collect_attributes(fields))
        self.check(struct, value, path, reading)
        return struct

    def write(self, value: Any, **computed: Any) -> Any:
        if not isinstance(value, self.build):
            return value
        written = {}
        for key in self.keys:
            held = getattr(value, key.attribute)
            if key.required or held != default_of_attribute(self.build, key.attribute):
                written[key.name] = key.kind.write(held)
        return written


def default_of_attribute(build: type[Any], attribute: str) -> Any:
    """The default of a Struct's attribute; UNREADABLE, which equals nothing else, where it has none."""
    names: tuple[str, ...] = build.__struct_fields__
    defaults: tuple[Any, ...] = build.__struct_defaults__
    position = names.index(attribute) - (len(names) - len(defaults))
    default = defaults[position] if position >= 0 else UNREADABLE
    factory = getattr(default, "factory", None)
    return default if factory is None else factory()


def render_key_rows(keys: Iterable[FormKey]) -> Iterator[str]:
    """The rows of a table of keys, in Markdown."""
    for key in keys:
        yield f"| `{key.name}` | {render_cell(key.about)}{' Required.' if key.required else ''} |"


def render_cell(text: str) -> str:
    """A text as it may stand in a cell of a table, in Markdown."""
    return " ".join(text.split()).replace("|", "\\|")
