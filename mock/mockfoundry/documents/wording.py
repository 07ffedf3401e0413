"""Wording: how a message says what was found, what is allowed and how to mend it. Knows no format, finds nothing."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mockfoundry.documents.problems import did_you_mean, find_near_word
from mockfoundry.documents.quoting import quote_line

LONGEST_SHOWN = 80
"""So many signs of a value stand in a message."""

MAX_KEYS_LISTED = 24
"""A mapping of more keys is not listed whole where one of them is wrong."""


def describe_value(value: Any, spelling: str | None = None) -> str:
    """What was found: text in quotes, a number as it is spelled.

    Args:
        spelling: the scalar as the file has it; None if there is no file or no scalar.
    """
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if value is None:
        return "nothing" if spelling == "" else "null"
    if isinstance(value, str):
        quoted = quote_line(json.dumps(value[:LONGEST_SHOWN], ensure_ascii=False))
        return quoted if len(value) <= LONGEST_SHOWN else f'{quoted[:-1]}…"'
    text = json.dumps(value, default=str) if spelling is None else quote_line(spelling[: LONGEST_SHOWN + 1])
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def refuse_value(name: str, value: Any, spelling: str | None, allowed: str) -> str:
    """A value is not what is allowed: `times is 0; it must be a whole number from 1 to 2147483647`.

    Args:
        name: what the value is called: its key, or that of the list around it.
    """
    return f"{name} is {describe_value(value, spelling)}; it must be {allowed}"


def refuse_text(name: str, value: Any, spelling: str | None, allowed: str) -> str:
    """A value is not text; a number or a word of YAML's own is proposed in quotes."""
    spelled = json.dumps(value) if spelling is None and isinstance(value, bool | int | float) else spelling
    quoted = f', "{spelled[:LONGEST_SHOWN]}" in quotes' if spelled and value is not None else ""
    return refuse_value(name, value, spelling, allowed) + quoted


def refuse_word(name: str, value: Any, spelling: str | None, words: Sequence[str]) -> str:
    """A value is not one of the allowed words."""
    near = find_near_word(value[:LONGEST_SHOWN], words) if isinstance(value, str) else None
    hint = "" if near is None else f"; did you mean {near}?"
    return refuse_value(name, value, spelling, join_words(words)) + hint


def join_words(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def refuse_key(noun: str, name: str, allowed: Iterable[str], level: str = "") -> str:
    """A mapping has no such key.

    Args:
        noun: what the mapping is: `a rule`.
        level: where the key belongs, if that is known.
    """
    if level:
        return f"{describe_value(name)} is not a key of {noun}; {level}"
    keys = list(allowed)
    listed = f"; allowed: {', '.join(keys)}" if len(keys) <= MAX_KEYS_LISTED else ""
    near = find_near_word(name[:LONGEST_SHOWN], keys)
    return f"{describe_value(name)} is not a key of {noun}" + (f"; did you mean {near}?" if near else listed)


def miss_key(noun: str, name: str, about: str) -> str:
    """A required key is missing.

    Args:
        about: what it is for, in a sentence.
    """
    return f"{noun} needs the key {name} ({uncapitalize(about)})"


def uncapitalize(about: str) -> str:
    """A sentence as a part of another."""
    return f"{about[0].lower()}{about[1:].rstrip('.')}"


def write_word(value: Any) -> str:
    """A text or a number as it is written in a list or a mapping of one line."""
    return value if isinstance(value, str) and _PLAIN_WORD.fullmatch(value) else json.dumps(value, ensure_ascii=False)


_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]{0,79}")


def refuse_unknown(noun: str, value: Any, there: Iterable[str]) -> str:
    """Nothing has that name: `there is no space "acme/dve"; did you mean acme/dev?`."""
    return f"there is no {noun} {describe_value(value)}{did_you_mean(str(value), there)}"
