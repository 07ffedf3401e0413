"""YAML written for people. Never reads any.

Text is written without quotes only where every YAML reader takes it for text; all other text is in double quotes, as
in JSON.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mockfoundry.documents.times import DURATION_PATTERN

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
