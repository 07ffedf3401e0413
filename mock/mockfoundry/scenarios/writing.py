"""Writing a scenario: a value as the YAML of its file, as a person would write it. Never reads one.

Text is left bare only where every YAML reader takes it for text; anything else stands in double quotes, as in JSON.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mockfoundry.scenarios.form import SCENARIO
from mockfoundry.scenarios.values import Scenario

WIDTH = 120
"""Columns that a line has, where its text can be broken or a mapping be written over several."""


def scenario_yaml(scenario: Scenario) -> str:
    """A scenario as the text of its file, ending in a newline."""
    return "\n".join(block(SCENARIO.write(scenario), 0)) + "\n"


def scenario_data(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON's values, with the keys of its file."""
    written: dict[str, Any] = SCENARIO.write(scenario)
    return written


def block(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    """A mapping, key by key, each in a line where it fits."""
    for key, inside in value.items():
        yield from entry(f"{' ' * indent}{word(key)}:", inside, indent)


def entry(head: str, value: Any, indent: int) -> Iterator[str]:
    if key_of_many(value) or not fits(line := f"{head} {flow(value)}"):
        if isinstance(value, Mapping) and value:
            yield head
            yield from block(value, indent + 2)
            return
        if isinstance(value, Sequence) and not isinstance(value, str) and value:
            yield head
            for item in value:
                yield from listed(item, indent + 2)
            return
        if isinstance(value, str) and foldable(value):
            yield f"{head} >-"
            yield from textwrap.wrap(
                value,
                WIDTH,
                initial_indent=" " * (indent + 2),
                subsequent_indent=" " * (indent + 2),
                break_long_words=False,
                break_on_hyphens=False,
            )
            return
        line = f"{head} {flow(value)}"
    yield f"{head} {value}" if isinstance(value, str) and stands_bare(value) and len(value) < WIDTH else line


def listed(item: Any, indent: int) -> Iterator[str]:
    """One item of a list."""
    dash = f"{' ' * indent}-"
    if isinstance(item, Mapping) and item and (not fits(f"{dash} {flow(item)}") or nested(item)):
        lines = block(item, indent + 2)
        yield dash + next(lines)[indent + 1 :]
        yield from lines
    else:
        yield f"{dash} {flow(item)}"


def fits(line: str) -> bool:
    return len(line) <= WIDTH


def nested(item: Mapping[str, Any]) -> bool:
    """Whether a mapping holds lists or mappings of mappings: too much for one line."""
    return any(key_of_many(inside) or isinstance(inside, Mapping) for inside in item.values())


def key_of_many(value: Any) -> bool:
    """Whether a value is a list with mappings in it, which reads better line by line."""
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value)


def flow(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{word(key)}: {flow(inside)}" for key, inside in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return word(value) if isinstance(value, str) else json.dumps(value)


def word(text: str) -> str:
    """A text, in quotes where it needs them."""
    if _BARE.fullmatch(text) and not _READ_OTHERWISE.fullmatch(text):
        return text
    return _ESCAPED.sub(escape, json.dumps(text, ensure_ascii=False))


def escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def stands_bare(text: str) -> bool:
    """Whether a text may stand without quotes as the rest of a line: words, with a few signs after them."""
    return _SENTENCE.fullmatch(text) is not None and not _READ_OTHERWISE.fullmatch(text)


def foldable(text: str) -> bool:
    """Whether a text is plain words with one blank between, so that it can be broken between any two of them."""
    return _FOLDABLE.fullmatch(text) is not None and len(text) > WIDTH // 2


# Words with single blanks; commas and colons only where the next sign shows that they are no YAML.
_BARE = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+(-][A-Za-z0-9_./@+()-]*)*", re.ASCII)
_SENTENCE = re.compile(r"[A-Za-z][A-Za-z0-9_./@+%()=-]*[.,;']?( [A-Za-z0-9_./@+%()=-]+[.,;']?)*", re.ASCII)
_READ_OTHERWISE = re.compile(r"null|true|false|yes|no|on|off|y|n", re.IGNORECASE)
_FOLDABLE = re.compile(r"[!-~\xa1-\u024f\u2010-\u2027\u2030-\u205e]+( [!-~\xa1-\u024f\u2010-\u2027\u2030-\u205e]+)*")
# What json leaves as it is and YAML does not take, or takes for a line break.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
