"""Nodes: the values of a document that was text, each with its place, and how large one may be. Never reads any.

They stand apart from what reads YAML, so that a program that is given none does not import its parser.
"""

from typing import Any, Final

import msgspec

from mockfoundry.documents.problems import DocumentError, Problem

MAX_DOCUMENT_BYTES: Final = 1 << 20
"""Bytes of UTF-8 that a file may have."""
MIN_DOCUMENT_NODES: Final = 250_000
"""How many values and keys any file may hold."""
MIN_NODE_BYTES: Final = 8
"""A file that may have so many bytes may hold one value or key more."""


class ScalarNode(msgspec.Struct):
    """A text, number, true, false or null; `text` is as it was spelled."""

    line: int
    column: int
    value: Any
    text: str


class ListNode(msgspec.Struct):
    """A list."""

    line: int
    column: int
    items: "list[Node]"


class MappingEntry(msgspec.Struct):
    """One key of a mapping, at the key's place, and its value."""

    line: int
    column: int
    value: "Node"


class MappingNode(msgspec.Struct):
    """A mapping; its keys are text. `numeric_keys` are those that were spelled as whole numbers, without quotes."""

    line: int
    column: int
    entries: dict[str, MappingEntry]
    numeric_keys: frozenset[str] = frozenset()


Node = ScalarNode | ListNode | MappingNode


def count_allowed_nodes(most_bytes: int) -> int:
    """How many values and keys a file may hold that may have so many bytes."""
    return max(MIN_DOCUMENT_NODES, most_bytes // MIN_NODE_BYTES)


def must_not_be_larger(text: str, source: str, most: int, mend: str) -> None:
    """Raises DocumentError where a text has more bytes of UTF-8 than it may have."""
    if len(text) > most or (4 * len(text) > most and len(text.encode("utf-8", "surrogatepass")) > most):
        raise make_document_error(source, 1, 1, f"is larger than {most} bytes, the most that is read; {mend}")


def make_document_error(source: str, line: int, column: int, text: str) -> DocumentError:
    return DocumentError([Problem(source, line, column, text)])


def node_to_data(node: Node) -> Any:
    """A node as JSON's values, without its places."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, ListNode):
        return [node_to_data(item) for item in node.items]
    return {key: node_to_data(entry.value) for key, entry in node.entries.items()}


def find_nearest_node(node: Node, path: tuple[str | int, ...]) -> Node | MappingEntry:
    """The node at a path of keys and positions, or as far towards it as there is; the key where a key is last."""
    at: Node | MappingEntry = node
    for step in path:
        inside = at.value if isinstance(at, MappingEntry) else at
        if isinstance(inside, MappingNode) and step in inside.entries:
            at = inside.entries[str(step)]
        elif isinstance(inside, ListNode) and isinstance(step, int) and step < len(inside.items):
            at = inside.items[step]
        else:
            return at
    return at
