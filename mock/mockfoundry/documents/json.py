"""JSON, read at once as values; where something is wrong its line and column are looked up. Never builds nodes.

It takes what `yaml` takes of the same text, and refuses what that refuses, in a fraction of the time. A place is found
by skipping over everything before it.
"""

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

import msgspec

from mockfoundry.documents.problems import DocumentError, Problem

MAX_DOCUMENT_DEPTH: Final = 32
"""How deep mappings and lists may nest."""

TOO_DEEP = f"nested deeper than {MAX_DOCUMENT_DEPTH} levels"

Path = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t\r\n]*")
_BEGINNING = re.compile(r"\ufeff?[ \t\r\n]*\{[ \t\r\n]*[\"}]")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKEN = re.compile(r'[{}\[\],]|("(?:[^"\\]|\\.)*")(?=([ \t\r\n]*:)?)', re.DOTALL)
_SLICE = 64 * 1024
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP_OF_BRACKET = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def is_json_text(text: str) -> bool:
    """Whether a text begins as a JSON object does; YAML may begin so too, but hardly ever does."""
    return _BEGINNING.match(text) is not None


def nests_deeper(content: bytes, most: int) -> bool:
    """Whether brackets nest deeper than so many levels. It ends where they do."""
    depth = 0
    for at in range(0, len(content), _SLICE):
        brackets = content[at : at + _SLICE].translate(None, _NOT_BRACKETS)
        levels = list(accumulate(map(_STEP_OF_BRACKET.__getitem__, brackets), initial=depth))
        if max(levels) > most:
            return True
        depth = levels[-1]
    return False


def is_json_deeper(content: bytes, most: int) -> bool:
    """Whether JSON nests deeper than so many levels; what stands in strings does not count."""
    if content.count(b"[") + content.count(b"{") <= most:
        return False
    # Without escapes every other quote begins a string.
    unescaped = content.replace(b"\\\\", b"").replace(b'\\"', b"")
    return nests_deeper(b"".join(unescaped.split(b'"')[::2]), most)


def count_json_nodes(content: bytes) -> int:
    """How many values and keys JSON holds at most; signs in strings are counted too."""
    return 1 + sum(content.count(sign) for sign in (b",", b":", b"[", b"{"))


def read_json_values(text: str, source: str, most_nodes: int) -> Any:
    """The values of a JSON text.

    Raises:
        DocumentError: it has a key twice, or is beyond a bound; with the place.
        ValueError: it is not JSON, or has a value that JSON can't hold.
    """
    content = text.removeprefix("\ufeff").encode()
    if count_json_nodes(content) > most_nodes:
        nodes = sum(1 for found in _TOKEN.finditer(text) if found.group() not in ("}", "]"))
        if nodes > most_nodes:
            raise DocumentError([Problem(source, 1, 1, f"holds more than {most_nodes} values; take a larger bound")])
    if is_json_deeper(content, MAX_DOCUMENT_DEPTH):
        raise DocumentError([Problem(source, 1, 1, TOO_DEEP)])
    data = msgspec.json.decode(content)
    if repeats_key(content, data):
        raise DocumentError([find_repeated_key(text, source)])
    return data


def repeats_key(content: bytes, data: Any) -> bool:
    """Whether a mapping of JSON has a key twice.

    Args:
        data: what was read from it.
    """
    # What is written again as it was read had no key twice. Other spellings of texts and numbers are looked at anew.
    return msgspec.json.format(content, indent=-1) != msgspec.json.encode(data) and has_repeated_key(content)


class RepeatedKeyError(Exception):
    """A mapping has a key twice."""


def has_repeated_key(content: bytes) -> bool:
    try:
        json.loads(content, object_pairs_hook=must_not_repeat_keys)
    except RepeatedKeyError:
        return True
    return False


def must_not_repeat_keys(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise RepeatedKeyError


def find_repeated_key(text: str, source: str) -> Problem:
    """The problem of the first key that its mapping has twice."""
    levels: list[dict[str, int] | None] = []
    for found in _TOKEN.finditer(text):
        match found.group()[0]:
            case "{":
                levels.append({})
            case "[":
                levels.append(None)
            case "}" | "]":
                levels.pop()
            case '"' if found.group(2) is not None and levels[-1] is not None:
                name: str = json.loads(found.group(), strict=False)
                if name in levels[-1]:
                    line, column = locate_index(text, found.start())
                    first, _ = locate_index(text, levels[-1][name])
                    return Problem(
                        source, line, column, f"the key {name} stands twice, first in line {first}; keep one of them"
                    )
                levels[-1][name] = found.start()
    raise LookupError(f"{source} has no key twice")


def make_json_error(text: str, source: str, error: ValueError) -> DocumentError:
    """The error of a text that is not JSON, with its place where that is known."""
    surrogate = find_lone_surrogate(text)
    if surrogate is not None:
        line, column = locate_index(text, surrogate)
        return DocumentError([Problem(source, line, column, describe_lone_surrogate(text[surrogate : surrogate + 6]))])
    try:
        json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as found:
        return DocumentError([Problem(source, found.lineno, found.colno, f"is not JSON: {found.msg}")])
    except ValueError:
        pass
    return DocumentError([Problem(source, 1, 1, f"has a value that JSON can't hold: {error}; mend it")])


_SURROGATE = re.compile(r"\\(?:[^u]|u(?:([dD][89abAB]\w\w)(\\u[dD][c-fC-F]\w\w)?|([dD][c-fC-F]\w\w))?)")


def find_lone_surrogate(text: str) -> int | None:
    """Where an escape stands that is half of a surrogate pair; None if there is none."""
    for found in _SURROGATE.finditer(text):
        if found.group(3) or (found.group(1) and not found.group(2)):
            return found.start()
    return None


def describe_lone_surrogate(escape: str) -> str:
    return f"{escape} is half of a surrogate pair, and no character; write both halves, or the character itself"


def locate_index(text: str, index: int) -> tuple[int, int]:
    """The line and the column of a position, both from 1."""
    before = text.rfind("\n", 0, index)
    return text.count("\n", 0, index) + 1, index - before


def locate_json_path(text: str, path: Path) -> tuple[int, int]:
    """The line and the column of the key or the item that a path leads to, or as far towards it as there is."""
    at = place = skip_space(text, 1 if text.startswith("\ufeff") else 0)
    for step in path:
        for name, key_at, value_at in iterate_entries(text, at):
            if name == step:
                place, at = key_at, value_at
                break
        else:
            break
    return locate_index(text, place)


def iterate_entries(text: str, at: int) -> Iterator[tuple[str | int, int, int]]:
    """The entries of the mapping or list that begins at a position: key or number, and where key and value begin."""
    decode, opening = json.JSONDecoder(strict=False).raw_decode, text[at]
    if opening not in "{[":
        return
    number, at = 0, skip_space(text, at + 1)
    while text[at] not in "}]":
        name: str | int = number
        value_at = at
        if opening == "{":
            name, end = decode(text, at)
            value_at = skip_space(text, skip_space(text, end) + 1)
        yield name, at, value_at
        _, end = decode(text, value_at)
        number, at = number + 1, skip_space(text, end)
        if text[at] == ",":
            at = skip_space(text, at + 1)


def skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
