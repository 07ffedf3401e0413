"""Kinds of mappings whose keys are the author's own: JSON, seed words, conditions, headers. Never plays them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockfoundry.contract import brief
from mockfoundry.documents import Entry, Items, Node, Scalar, nearest, plain_data
from mockfoundry.documents import Mapping as MappingNode
from mockfoundry.scenarios.conditions import ConditionError, check_condition
from mockfoundry.scenarios.kinds import Reader, shown


@dataclass(frozen=True)
class AnyJson:
    """Any value of JSON."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        for each in numbered_keys(node):
            reader.refuse(each, f"a key in {name} is a number; JSON's keys are text, so write it in quotes")
        return plain_data(node)

    def write(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {}


def numbered_keys(node: Node) -> list[Entry]:
    """The keys that are numbers, at any depth."""
    if isinstance(node, Items):
        return [each for item in node.items for each in numbered_keys(item)]
    if not isinstance(node, MappingNode):
        return []
    inside = [each for entry in node.entries.values() for each in numbered_keys(entry.value)]
    return [node.entries[key] for key in node.numbered] + inside


@dataclass(frozen=True)
class SeedWords:
    """A mapping in the seed file's words; whether they are such words is for the world to say."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, MappingNode) and node.entries:
            return plain_data(node)
        return reader.refuse(node, f"{name} is {shown(node)}; it must be a mapping in the seed file's words")

    def write(self, value: Mapping[str, Any]) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1}


@dataclass(frozen=True)
class Conditions:
    """What must hold, by name: a plain value is compared, a mapping is a JSON Schema."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if not isinstance(node, MappingNode) or not node.entries:
            return reader.refuse(
                node, f"{name} is {shown(node)}; it must be a mapping of names to values or to JSON Schemas"
            )
        AnyJson().read(node, name, reader)
        found: dict[str, Any] = {}
        lower: set[str] = set()
        for key, entry in node.entries.items():
            if name == "headers" and key.lower() in lower:
                reader.refuse(entry, f"the header {key} stands twice; upper and lower case are the same")
            lower.add(key.lower())
            found[key] = self.condition(entry, key, reader)
        return found

    def condition(self, entry: Entry, name: str, reader: Reader) -> Any:
        value = plain_data(entry.value)
        if isinstance(value, dict):
            try:
                check_condition(value)
            except ConditionError as error:
                reader.refuse(
                    nearest(entry.value, error.path), f"the condition on {brief(name) or 'an empty name'} {error}"
                )
        return value

    def write(self, value: Mapping[str, Any]) -> Any:
        return dict(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1}


@dataclass(frozen=True)
class Headers:
    """Headers of an answer: text, a whole number for its digits, or null to take the header away."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if not isinstance(node, MappingNode) or not node.entries:
            return reader.refuse(node, f"{name} is {shown(node)}; it must be a mapping of header names to text")
        found: dict[str, str | None] = {}
        lower: set[str] = set()
        for key, entry in node.entries.items():
            if not key or not _TOKEN_SIGNS.issuperset(key):
                reader.refuse(entry, f'"{brief(key)}" is not a header\'s name; it must be letters, digits and -')
            elif key.lower() in ("content-length", "transfer-encoding", "connection"):
                reader.refuse(entry, f"{key} is the server's own; for a broken message use fault: truncate or reset")
            elif key.lower() in lower:
                reader.refuse(entry, f"the header {key} stands twice; upper and lower case are the same")
            else:
                lower.add(key.lower())
                found[key] = self.text(entry.value, key, reader)
        return found

    def text(self, node: Node, name: str, reader: Reader) -> str | None:
        if isinstance(node, Scalar) and node.value is None and node.text:
            return None
        if isinstance(node, Scalar) and type(node.value) is int:
            return node.text
        if isinstance(node, Scalar) and isinstance(node.value, str):
            if is_header_text(node.value):
                return node.value
            reader.refuse(node, f"{name} is {shown(node)}; a header is one line of Latin-1 without blanks around it")
            return None
        reader.refuse(node, f"{name} is {shown(node)}; it must be text, or null to take the header away")
        return None

    def write(self, value: Mapping[str, str | None]) -> Any:
        return dict(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "integer", "null"]}}


def is_header_text(text: str) -> bool:
    """Whether a text can be a header's value: no line break in it, so that it can't become two headers."""
    return text == text.strip() and all(" " <= sign <= "\xff" and not "\x7f" <= sign <= "\x9f" for sign in text)


_TOKEN_SIGNS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
