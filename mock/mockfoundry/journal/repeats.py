"""Repeats: a secret in other text, in each way in which it may be written there. Never finds a secret by itself."""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus

import msgspec

MAX_REMEMBERED_LENGTH = 4_096
"""Characters of a secret whose spellings are kept."""

MIN_CUT_LENGTH = 8
"""Characters of a secret's beginning that are known again where the text was cut behind them."""

MAX_WORD_LENGTH = 16
"""Letters of the longest secret that may be a word of a sentence or of a path as well."""


def spell_secret(secret: str) -> Iterable[str]:
    """A secret as it may be written elsewhere: as it is, in JSON, in a URL, in Python, or in a header."""
    # One token comes with every request of a client.
    return _spell(secret) if len(secret) > MAX_REMEMBERED_LENGTH else _spell_once(secret)


def _spell(secret: str) -> tuple[str, ...]:
    quoted = msgspec.json.encode(secret.encode("utf-8", "replace").decode()).decode()[1:-1]
    spellings = [secret, quoted, quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")]
    spellings.append(repr(secret)[1:-1])
    spellings += ["".join(sign if " " <= sign <= "~" else "?" for sign in each) for each in spellings[:2]]
    return tuple(dict.fromkeys(spellings))


_spell_once = lru_cache(maxsize=256)(_spell)


def replace_repeats(text: str, secret: str, mark: str) -> str:
    """Text with a mark in place of a secret, or of its beginning where the text was cut behind that.

    A short secret is replaced only where it is a word of its own.
    """
    head = secret[:MIN_CUT_LENGTH]
    parts: list[str] = []
    done, at = 0, text.find(head)
    while at >= 0:
        end = at + count_common(text, at, secret)
        if is_repeat(text, at, end, len(secret)):
            parts += (text[done:at], mark)
            done = end
            at = text.find(head, end)
        else:
            at = text.find(head, at + 1)
    return "".join((*parts, text[done:])) if parts else text


def count_common(text: str, start: int, secret: str) -> int:
    """How many characters of a secret stand in a text from a place on."""
    length = MIN_CUT_LENGTH
    while length < len(secret) and text.startswith(secret[:length], start):
        length *= 2
    pairs = zip(text[start : start + length], secret[:length], strict=False)
    return next(
        (position for position, (one, other) in enumerate(pairs) if one != other),
        min(length, len(secret), len(text) - start),
    )


def is_repeat(text: str, start: int, end: int, length: int) -> bool:
    """Whether what stands in a text from one place to another is a secret of that length, or its beginning."""
    if length < MIN_CUT_LENGTH:
        return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
    is_cut = end == len(text) or text[end] in "…?"
    return end - start == length or is_cut or end - start >= 2 * MIN_CUT_LENGTH


def is_plain_word(text: str) -> bool:
    """Whether a text may be a word of a sentence."""
    return len(text) <= MAX_WORD_LENGTH and text.isascii() and text.isalpha()


def list_route_words(target: str, operation: str, values: Iterable[str]) -> frozenset[str]:
    """The words of a path that are those of its route, or of its foundation, whoever sent it.

    Args:
        target: the path as it came.
        operation: empty where the route is unknown; nothing of its path is known then.
        values: of the path's parameters.
    """
    return frozenset(filter(is_plain_word, target.split("/"))).difference(values) if operation else frozenset()
