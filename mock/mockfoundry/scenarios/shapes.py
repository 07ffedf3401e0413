"""Shapes of a scenario file: lists, and mappings with known keys, from which a value is built. Never plays one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockfoundry.contract import brief
from mockfoundry.documents import Items, Node, Scalar, did_you_mean
from mockfoundry.documents import Mapping as MappingNode
from mockfoundry.scenarios.kinds import INVALID, Kind, Reader, shown


@dataclass(frozen=True)
class OneOrMany:
    """One value, or a list of different ones."""

    kind: Kind

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if not isinstance(node, Items):
            value = self.kind.read(node, name, reader)
            return INVALID if value is INVALID else (value,)
        if not node.items:
            return reader.refuse(node, f"{name} is an empty list; name at least one, or leave {name} out")
        values: dict[Any, None] = {}
        for item in node.items:
            value = self.kind.read(item, name, reader)
            if value in values and value is not INVALID:
                reader.refuse(item, f"{name} names {shown(item)} twice; keep one of them")
            values[value] = None
        return INVALID if INVALID in values else tuple(values)

    def write(self, value: tuple[Any, ...]) -> Any:
        written = [self.kind.write(each) for each in value]
        return written[0] if len(written) == 1 else written

    def schema(self) -> dict[str, Any]:
        one = self.kind.schema()
        return {"anyOf": [one, {"type": "array", "minItems": 1, "uniqueItems": True, "items": one}]}


@dataclass(frozen=True)
class ListOf:
    """A list of at least one."""

    kind: Kind
    of: str

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if not isinstance(node, Items) or not node.items:
            return reader.refuse(node, f"{name} is {shown(node)}; it must be a list of {self.of}, at least one")
        values = [self.kind.read(item, self.of, reader) for item in node.items]
        return INVALID if any(value is INVALID for value in values) else tuple(values)

    def write(self, value: tuple[Any, ...]) -> Any:
        return [self.kind.write(each) for each in value]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "minItems": 1, "items": self.kind.schema()}


@dataclass(frozen=True)
class Pair:
    """A list of exactly two, the first not above the second."""

    kind: Kind

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if not isinstance(node, Items) or len(node.items) != 2:
            return reader.refuse(node, f"{name} is {shown(node)}; it must be a list of two: the least and the most")
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
class Word:
    """A word that stands for a whole value, as `pass` does; anything else is of another kind."""

    word: str
    value: Any
    otherwise: Kind

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, Scalar) and node.value == self.word:
            return self.value
        if not isinstance(node, MappingNode):
            return reader.refuse(node, f"{name} is {shown(node)}; it must be a mapping, or the word {self.word}")
        return self.otherwise.read(node, name, reader)

    def write(self, value: Any) -> Any:
        return self.word if value == self.value else self.otherwise.write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": self.word}, self.otherwise.schema()]}


@dataclass(frozen=True)
class Key:
    """One key of a mapping.

    Attributes:
        about: what it is for, in a line, for the documentation.
        attribute: of the value; derived from the name unless given.
    """

    name: str
    kind: Kind
    about: str
    required: bool = False
    attribute: str = ""


Check = Callable[[Any, MappingNode, Reader], None]


def unchecked(_value: Any, _node: MappingNode, _reader: Reader) -> None:
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
    keys: tuple[Key, ...]
    check: Check = unchecked
    by_name: Mapping[str, Key] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {key.name: key for key in self.keys})

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if not isinstance(node, MappingNode):
            return reader.refuse(node, f"{name} is {shown(node)}; it must be a mapping of {', '.join(self.by_name)}")
        values: dict[str, Any] = {}
        sound = True
        for word, entry in node.entries.items():
            key = self.by_name.get(word)
            if key is None:
                hint = did_you_mean(word, self.by_name) or f"; allowed: {', '.join(self.by_name)}"
                reader.refuse(entry, f'"{brief(word)}" is not a key of a {self.noun}{hint}')
                sound = False
                continue
            value = key.kind.read(entry.value, word, reader)
            sound = sound and value is not INVALID
            values[attribute_of(key)] = value
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
            its = getattr(value, attribute_of(key))
            if key.required or its != default_of(self.build, attribute_of(key)):
                written[key.name] = key.kind.write(its)
        return written

    def schema(self) -> dict[str, Any]:
        properties = {key.name: {"description": key.about, **key.kind.schema()} for key in self.keys}
        required = [key.name for key in self.keys if key.required]
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**schema, "required": required} if required else schema


def attribute_of(key: Key) -> str:
    """A key's name as an attribute: `good-client` is `good_client`, `for` is `for_`."""
    if key.attribute:
        return key.attribute
    name = key.name.replace("-", "_")
    return name + "_" if name in ("for", "from", "finally") else name


def default_of(build: type[Any], attribute: str) -> Any:
    """The default of an attribute."""
    names: tuple[str, ...] = build.__struct_fields__
    defaults: tuple[Any, ...] = build.__struct_defaults__
    position = names.index(attribute) - (len(names) - len(defaults))
    default = defaults[position] if position >= 0 else INVALID
    factory = getattr(default, "factory", None)
    return default if factory is None else factory()
