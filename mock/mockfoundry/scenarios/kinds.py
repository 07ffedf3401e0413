"""Kinds of plain values in a scenario file: each is read with its place, written, and told as JSON Schema. Never plays.

A kind is a value itself; the form of a file is a table of them. `read` gives the value or `INVALID`, having told the
problem, so that one reading finds all problems of a file.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

from mockfoundry.contract import brief
from mockfoundry.documents import Entry, Items, Mapping, Node, Problem, Scalar, did_you_mean, duration, duration_text
from mockfoundry.documents.durations import PATTERN
from mockfoundry.scenarios.problems import MOST_PROBLEMS, ScenarioError


class Invalid(Enum):
    """What reading gives in place of a value that it could not take."""

    INVALID = "invalid"


INVALID: Final = Invalid.INVALID


class Reader:
    """Collects the problems of one reading, up to a bound: who has a hundred to mend needs no more."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def refuse(self, at: Node | Entry, text: str) -> Invalid:
        """Tells a problem at a place."""
        self.problems.append(Problem(self.source, at.line, at.column, text))
        if len(self.problems) == MOST_PROBLEMS:
            raise ScenarioError(sorted(self.problems))
        return INVALID


class Kind(Protocol):
    """One kind of value."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        """The value of the key `name`, or INVALID."""

    def write(self, value: Any) -> Any:
        """The value as it stands in a file, as JSON's values."""

    def schema(self) -> dict[str, Any]:
        """The kind as JSON Schema."""


def shown(node: Node) -> str:
    """What was found, for a message."""
    if isinstance(node, Mapping):
        return "a mapping" if node.entries else "an empty mapping"
    if isinstance(node, Items):
        return "a list" if node.items else "an empty list"
    if node.value is None:
        return "nothing" if node.text == "" else "null"
    return f'"{brief(node.value)}"' if isinstance(node.value, str) else brief(node.text)


@dataclass(frozen=True)
class Text:
    """Words for people."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        return reader.refuse(node, f"{name} is {shown(node)}; it must be text" + in_quotes(node))

    def write(self, value: str) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


def in_quotes(node: Node) -> str:
    return f', "{brief(node.text)}" in quotes' if isinstance(node, Scalar) and node.text else ""


NAME_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?$"
_NAME_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@dataclass(frozen=True)
class Name:
    """A word by which something is called; it may stand in paths and headers, so it has few signs."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, Scalar) and isinstance(node.value, str) and is_name(node.value):
            return node.value
        return reader.refuse(
            node,
            f"{name} is {shown(node)}; it must be 1 to 64 letters, digits, -, _ or ., "
            "with a letter or digit at both ends",
        )

    def write(self, value: str) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": NAME_PATTERN}


def is_name(text: str) -> bool:
    return 0 < len(text) <= 64 and _NAME_SIGNS.issuperset(text) and text[0] not in "_.-" and text[-1] not in "_.-"


@dataclass(frozen=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value in self.words:
            return node.value
        allowed = ", ".join(self.words[:-1]) + " or " + self.words[-1]
        hint = did_you_mean(node.value, self.words) if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        hint = hint if "did you mean" in hint else ""
        return reader.refuse(node, f"{name} is {shown(node)}; it must be {allowed}{hint}")

    def write(self, value: str) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    low: int
    high: int = 2_147_483_647

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, Scalar) and type(node.value) is int and self.low <= node.value <= self.high:
            return node.value
        return reader.refuse(node, f"{name} is {shown(node)}; it must be a whole number from {self.low} to {self.high}")

    def write(self, value: int) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Chance:
    """A probability that is not none."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, Scalar) and type(node.value) in (int, float) and 0 < node.value <= 1:
            return float(node.value)
        return reader.refuse(node, f"{name} is {shown(node)}; it must be a number above 0, up to 1.0 for always")

    def write(self, value: float) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": 0, "maximum": 1}


@dataclass(frozen=True)
class Marked:
    """The word `true`, where something is so; left out, where it is not."""

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        if isinstance(node, Scalar) and node.value is True:
            return True
        return reader.refuse(node, f"{name} is {shown(node)}; it must be true, or be left out")

    def write(self, value: bool) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"const": True}


@dataclass(frozen=True)
class Duration:
    """A duration; microseconds as a value."""

    least: int = 0

    def read(self, node: Node, name: str, reader: Reader) -> Any:
        allowed = "a number and a unit: 250ms, 2s, 1.5s, 1m or 1h"
        if isinstance(node, Scalar) and isinstance(node.value, str):
            try:
                value = duration(node.value)
            except ValueError as error:
                return reader.refuse(node, f"{name} is {shown(node)}; {error}")
            if value >= self.least:
                return value
            return reader.refuse(node, f"{name} is {shown(node)}; it must be longer than 0s")
        return reader.refuse(node, f"{name} is {shown(node)}; it must be {allowed}")

    def write(self, value: int) -> Any:
        return duration_text(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": PATTERN}
