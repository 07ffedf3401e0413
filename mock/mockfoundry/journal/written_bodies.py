"""Written bodies: bytes as text, where a value ends in JSON that nobody could decode, what is in one. Hides nothing."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_IN_BRACKETS = re.compile(r'"(?:[^"\\]|\\(?:.|\Z))*(?:"|\Z)|[{}\[\]]|[^"{}\[\]]+', re.DOTALL)
_BARE_VALUE = re.compile(r"[^\s,}\]]+")


def decode_text(content: bytes, content_type: str) -> str | None:
    """A body as text; None if it is none."""
    encoding = "utf-8"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\x00" in content[:2]:
        encoding = "utf-16-be" if content[:1] == b"\x00" else "utf-16-le"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace") if content_type.startswith("text/") else None
    is_text = content_type.startswith("text/") or all(sign.isprintable() or sign in "\r\n\t" for sign in text)
    return text if is_text else None


def decode_name(text: str) -> str:
    """What stands between the quotes of JSON, decoded."""
    if "\\" not in text:
        return text
    try:
        return str(msgspec.json.decode(f'"{text}"', type=str))
    except (msgspec.DecodeError, UnicodeError):
        return text.replace("\\", "")


def find_value_end(text: str, start: int, quote_sign: str) -> int:
    """Where a value of JSON ends that begins at a place; the text's end where it breaks off.

    Args:
        quote_sign: that strings have: `"`, or the `\\"` of JSON in a string of JSON.
    """
    if text.startswith(quote_sign, start):
        at = text.find(quote_sign, start + len(quote_sign))
        while at > 0 and count_backslashes(text, at) % 2:
            at = text.find(quote_sign, at + 1)
        return len(text) if at < 0 else at + len(quote_sign)
    if text[start : start + 1] in ("{", "["):
        depth = 0
        for found in _IN_BRACKETS.finditer(text, start):
            depth += (found[0] in "{[") - (found[0] in "}]")
            if depth == 0:
                return found.end()
        return len(text)
    bare = _BARE_VALUE.match(text, start)
    return start if bare is None else bare.end()


def count_backslashes(text: str, end: int) -> int:
    """How many backslashes stand before a place."""
    before = text[max(0, end - 64) : end]
    return len(before) - len(before.rstrip("\\"))


def iterate_leaves(value: Any) -> Iterator[str]:
    """The texts and numbers in a value, as text."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from iterate_leaves(each)
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield str(value)
