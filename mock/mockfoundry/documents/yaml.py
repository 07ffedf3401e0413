"""YAML and JSON, read as nodes that know their line and column, and written for people. Never guesses at a scalar.

Only JSON's values are read. What YAML has beyond them (aliases, tags, dates, `yes`, sexagesimal numbers, keys that are
not text) is refused with its place, since YAML readers disagree about it. Text is written without quotes only where
every YAML reader takes it for text; all other text is in double quotes, as in JSON.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from mockfoundry.documents.json import (
    MAX_DOCUMENT_DEPTH,
    TOO_DEEP,
    describe_lone_surrogate,
    find_lone_surrogate,
    locate_index,
)
from mockfoundry.documents.problems import DocumentError, Problem
from mockfoundry.documents.quoting import quote_line
from mockfoundry.documents.times import DURATION_PATTERN
from mockfoundry.documents.yaml_errors import explain_yaml_error

MAX_DOCUMENT_BYTES: Final = 1 << 20
"""Bytes of UTF-8 that a file may have."""
MIN_DOCUMENT_NODES: Final = 250_000
"""How many values and keys any file may hold."""
MIN_NODE_BYTES: Final = 8
"""A file that may have so many bytes may hold one value or key more."""


@dataclass(slots=True)
class ScalarNode:
    """A text, number, true, false or null; `text` is as it was spelled."""

    line: int
    column: int
    value: Any
    text: str


@dataclass(slots=True)
class ListNode:
    """A list."""

    line: int
    column: int
    items: "list[Node]"


@dataclass(slots=True)
class MappingEntry:
    """One key of a mapping, at the key's place, and its value."""

    line: int
    column: int
    value: "Node"


@dataclass(slots=True)
class MappingNode:
    """A mapping; its keys are text. `numeric_keys` are those that were spelled as whole numbers, without quotes."""

    line: int
    column: int
    entries: dict[str, MappingEntry]
    numeric_keys: frozenset[str] = frozenset()


Node = ScalarNode | ListNode | MappingNode


def count_allowed_nodes(most_bytes: int) -> int:
    """How many values and keys a file may hold that may have so many bytes."""
    return max(MIN_DOCUMENT_NODES, most_bytes // MIN_NODE_BYTES)


def read_nodes(text: str, source: str, most: int = MAX_DOCUMENT_BYTES, mend: str = "split it") -> Node:
    """The text's one document.

    Args:
        most: bytes of UTF-8 that it may have.
        mend: what to do about one that has more.

    Raises:
        DocumentError: with the first problem: not YAML, more than JSON's values, or beyond a bound.
    """
    must_not_be_larger(text, source, most, mend)
    strange = _NOT_YAML.search(text)
    if strange is not None:
        line, column = locate_index(text, strange.start())
        sign = f"the sign U+{ord(strange.group()):04X} is not taken; in double quotes write it as an escape"
        raise make_document_error(source, line, column, sign)
    try:
        return NodeBuilder(convert_json_to_yaml(text), source, count_allowed_nodes(most), mend).build_document()
    except yaml.MarkedYAMLError as error:
        surrogate = find_lone_surrogate(text) if "escape code" in str(error.problem) else None
        if surrogate is not None:
            text_of_escape = describe_lone_surrogate(text[surrogate : surrogate + 6])
            raise make_document_error(source, *locate_index(text, surrogate), text_of_escape) from None
        raise make_document_error(source, *explain_yaml_error(text, error)) from None
    except yaml.YAMLError as error:
        raise make_document_error(source, 1, 1, f"is not YAML: {error}") from None


def must_not_be_larger(text: str, source: str, most: int, mend: str) -> None:
    """Raises DocumentError where a text has more bytes of UTF-8 than it may have."""
    if len(text) > most or (4 * len(text) > most and len(text.encode("utf-8", "surrogatepass")) > most):
        raise make_document_error(source, 1, 1, f"is larger than {most} bytes, the most that is read; {mend}")


def make_document_error(source: str, line: int, column: int, text: str) -> DocumentError:
    return DocumentError([Problem(source, line, column, text)])


def convert_json_to_yaml(text: str) -> str:
    """A text as YAML reads it: tabs that indent JSON and escaped surrogate pairs are replaced."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return text
    # Each search takes a while for a megabyte, and most texts have nothing that it could find.
    if "\t" in text:
        text = re.sub(r"^[ \t]*\t[ \t]*", lambda found: found.group().replace("\t", " "), text, flags=re.MULTILINE)
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return re.sub(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB]\w\w)\\u([dD][c-fC-F]\w\w)", join_surrogates, text)


def join_surrogates(found: re.Match[str]) -> str:
    try:
        high, low = int(found.group(2), 16), int(found.group(3), 16)
    except ValueError:
        return found.group()
    return found.group(1) + chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


class NodeBuilder:
    """Builds nodes from the parser's events, in one pass: where a bound is exceeded, the rest is not read."""

    def __init__(self, text: str, source: str, most: int, mend: str) -> None:
        self.source = source
        self.most = most
        self.mend = mend
        self.count = 0
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.events: Iterator[Any] = yaml.parse(text, Loader=loader)

    def build_document(self) -> Node:
        next(self.events)
        start = next(self.events)
        if isinstance(start, yaml.StreamEndEvent):
            raise make_document_error(self.source, 1, 1, "is empty")
        node = self.build_node(next(self.events), 0)
        next(self.events)
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self.make_error(after, "a second document begins here; write one document a file")
        return node

    def make_error(self, event: Any, text: str) -> DocumentError:
        return make_document_error(self.source, event.start_mark.line + 1, event.start_mark.column + 1, text)

    def build_node(self, event: Any, depth: int) -> Node:
        self.count += 1
        if self.count > self.most:
            raise self.make_error(event, f"more than {self.most} values; {self.mend}")
        if isinstance(event, yaml.AliasEvent):
            text = f"the alias *{event.anchor} is not taken; write the value out, or text that begins with * in quotes"
            raise self.make_error(event, text)
        if event.anchor is not None:
            text = f"the anchor &{event.anchor} is not taken; write the value out where it is used"
            raise self.make_error(event, text)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self.make_error(event, f"the tag {tag} is not taken; leave it out")
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.ScalarEvent):
            value = self.read_plain(event) if event.implicit[0] else event.value
            return ScalarNode(line, column, value, event.value)
        if depth == MAX_DOCUMENT_DEPTH:
            raise self.make_error(event, TOO_DEEP)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
                items.append(self.build_node(event, depth + 1))
            return ListNode(line, column, items)
        return self.build_mapping(line, column, depth)

    def build_mapping(self, line: int, column: int, depth: int) -> MappingNode:
        entries: dict[str, MappingEntry] = {}
        numbered: set[str] = set()
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.build_node(event, depth + 1)
            if not isinstance(key, ScalarNode):
                raise self.make_error(event, "a key is a word, not a list or a mapping")
            if not isinstance(key.value, str):
                if type(key.value) is not int:
                    raise self.make_error(event, f"the key {key.text or 'null'} is not text; write it in quotes")
                numbered.add(key.text)
            if event.implicit[0] and key.text != key.text.strip():
                text = "a key begins or ends with a sign that only looks like a blank; write ordinary blanks"
                raise self.make_error(event, text)
            if key.text in entries:
                first = entries[key.text]
                raise self.make_error(
                    event, f"the key {key.text} stands twice, first in line {first.line}; keep one of them"
                )
            entries[key.text] = MappingEntry(key.line, key.column, self.build_node(next(self.events), depth + 1))
        return MappingNode(line, column, entries, frozenset(numbered))

    def read_plain(self, event: Any) -> Any:
        """An unquoted scalar as JSON reads it, or as text; refused where other YAML readers read another value."""
        text: str = event.value
        if text in _WORDS:
            return _WORDS[text]
        if _MAYBE_NOT_TEXT.match(text) is None:
            return text
        if _WHOLE.fullmatch(text):
            value = int(text) if len(text) <= 20 else 1 << 64
            if -(1 << 63) <= value < 1 << 64:
                return value
            raise self.make_error(
                event, f"the number {text[:24]} has more than 64 bits; write a smaller one, or text in quotes"
            )
        if _NUMBER.fullmatch(text):
            number = float(text)
            if abs(number) != float("inf"):
                return number
            raise self.make_error(event, f"the number {text[:24]} is too large; write a smaller one, or text in quotes")
        if _SURPRISES.fullmatch(text) if len(text) <= _LONGEST_SURPRISE else _DIGITS.fullmatch(text):
            raise self.make_error(event, describe_surprise(text))
        return text


_WORDS = {"null": None, "true": True, "false": False, "": None}
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
# The first sign of all that is checked below, so that ordinary words cost one match.
_MAYBE_NOT_TEXT = re.compile(r"[-+.0-9~=<yYnNtTfFoO]")
# What no YAML text may hold without an escape [YAML 1.2.2, section 5.1]; a byte order mark may begin it.
_NOT_YAML = re.compile("(?!\\A\ufeff)[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_LONGEST_SURPRISE = 64
_DIGITS = re.compile(r"[-+.0-9_:]+", re.ASCII)
# What YAML 1.1 or 1.2 reads as a null, a boolean, a number, a date or a merge, and JSON does not.
_SURPRISES = re.compile(
    r"""~|=|<<
    |[Nn]ull|NULL|[Tt]rue|TRUE|[Ff]alse|FALSE|[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF|[yYnN]
    |[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)
    |[-+]?0[bB][01_]+|[-+]?0[xX][0-9a-fA-F_]+|[-+]?0[oO]?[0-7_]+
    |[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?
    |[-+]?([0-9][0-9_]*)?\.?[0-9_]*([eE][-+]?[0-9]+)?
    |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt\ \t].*)?""",
    re.ASCII | re.VERBOSE | re.DOTALL,
)


def describe_surprise(text: str) -> str:
    """What is wrong with a scalar that YAML's readers do not agree about."""
    if text == "<<":
        return "<< (a merge) is not taken; write out the keys that it would bring"
    plain = _MEANT.get(text.lower())
    mend = f'"{quote_line(text[:24])}" in quotes to mean text'
    instead = f"{plain}, or {mend}" if plain else mend
    return f"{quote_line(text[:24])} is not the same to every YAML reader; write {instead}"


_MEANT = {
    **dict.fromkeys(("yes", "on", "y", "true"), "true"),
    **dict.fromkeys(("no", "off", "n", "false"), "false"),
    **dict.fromkeys(("null", "~"), "null"),
}
"""What a word means to those readers that do not take it for text."""


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


LINE_WIDTH = 120
"""Columns that a line has, where its text can be broken or a mapping be written over several."""


def render_mapping(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    """The lines of a mapping, a line for each key whose value fits into it."""
    for key, inside in value.items():
        yield from render_entry(f"{' ' * indent}{render_word(key)}:", inside, indent)


def render_entry(head: str, value: Any, indent: int) -> Iterator[str]:
    if holds_mappings(value) or not fits_in_line(line := f"{head} {render_inline(value)}"):
        if isinstance(value, Mapping) and value:
            yield head
            yield from render_mapping(value, indent + 2)
            return
        if isinstance(value, Sequence) and not isinstance(value, str) and value:
            yield head
            for item in value:
                yield from render_item(item, indent + 2)
            return
        if isinstance(value, str) and is_foldable(value):
            yield f"{head} >-"
            yield from textwrap.wrap(
                value,
                LINE_WIDTH,
                initial_indent=" " * (indent + 2),
                subsequent_indent=" " * (indent + 2),
                break_long_words=False,
                break_on_hyphens=False,
            )
            return
        line = f"{head} {render_inline(value)}"
    yield f"{head} {value}" if isinstance(value, str) and can_stand_bare(value) and len(value) < LINE_WIDTH else line


def render_item(item: Any, indent: int) -> Iterator[str]:
    """The lines of one item of a list."""
    dash = f"{' ' * indent}-"
    if isinstance(item, Mapping) and item and (not fits_in_line(f"{dash} {render_inline(item)}") or is_nested(item)):
        lines = render_mapping(item, indent + 2)
        yield dash + next(lines)[indent + 1 :]
        yield from lines
    else:
        yield f"{dash} {render_inline(item)}"


def fits_in_line(line: str) -> bool:
    return len(line) <= LINE_WIDTH


def is_nested(item: Mapping[str, Any]) -> bool:
    """Whether a mapping holds lists or mappings of mappings: too much for one line."""
    return any(holds_mappings(inside) or isinstance(inside, Mapping) for inside in item.values())


def holds_mappings(value: Any) -> bool:
    """Whether a value is a list with mappings in it, which reads better line by line."""
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value)


def render_inline(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{render_word(key)}: {render_inline(inside)}" for key, inside in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(render_inline(item) for item in value) + "]"
    return render_word(value) if isinstance(value, str) else json.dumps(value)


def render_word(text: str) -> str:
    """A text, in quotes where it needs them."""
    if (_BARE.fullmatch(text) and not _READ_OTHERWISE.fullmatch(text)) or _DURATION.fullmatch(text):
        return text
    # What json.dumps leaves as it is, though YAML refuses it, reads it as a line break, or a terminal obeys it.
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isprintable() else "".join(map(escape_unprintable, quoted))


def escape_unprintable(sign: str) -> str:
    code = ord(sign)
    if sign.isprintable():
        return sign
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def can_stand_bare(text: str) -> bool:
    """Whether a text may stand without quotes as the rest of a line: words, with a few signs after them."""
    return _SENTENCE.fullmatch(text) is not None and not _READ_OTHERWISE.fullmatch(text)


def is_foldable(text: str) -> bool:
    """Whether a text is plain words with one blank between, so that it can be broken between any two of them."""
    return text.isprintable() and _FOLDABLE.fullmatch(text) is not None and len(text) > LINE_WIDTH // 2


# Words with single blanks; commas and colons only where the next sign shows that they are no YAML.
_BARE = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+(-][A-Za-z0-9_./@+()-]*)*", re.ASCII)
# Begins like a number, and is none to any reader.
_DURATION = re.compile(DURATION_PATTERN.removeprefix("^").removesuffix("$"), re.ASCII)
_SENTENCE = re.compile(r"[A-Za-z][A-Za-z0-9_./@+%()=-]*[.,;']?( [A-Za-z0-9_./@+%()=-]+[.,;']?)*", re.ASCII)
_READ_OTHERWISE = re.compile(r"null|true|false|yes|no|on|off|y|n", re.IGNORECASE)
_FOLDABLE = re.compile(r"[!-~\xa1-\u024f\u2010-\u2027\u2030-\u205e]+( [!-~\xa1-\u024f\u2010-\u2027\u2030-\u205e]+)*")
