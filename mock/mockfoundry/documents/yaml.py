"""YAML and JSON, read as nodes that know their line and column. Never guesses at a scalar.

Only JSON's values are read. What YAML has beyond them (aliases, tags, dates, `yes`, sexagesimal numbers, keys that are
not text) is refused with its place, since YAML readers disagree about it.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from mockfoundry.documents.json import (
    MAX_DOCUMENT_DEPTH,
    TOO_DEEP,
    describe_lone_surrogate,
    find_lone_surrogate,
    locate_index,
)
from mockfoundry.documents.nodes import (
    MAX_DOCUMENT_BYTES,
    ListNode,
    MappingEntry,
    MappingNode,
    Node,
    ScalarNode,
    count_allowed_nodes,
    make_document_error,
    must_not_be_larger,
)
from mockfoundry.documents.problems import DocumentError
from mockfoundry.documents.quoting import quote_line
from mockfoundry.documents.yaml_errors import explain_yaml_error


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
