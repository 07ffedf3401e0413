"""Known secrets: those of other exchanges, found wherever a text repeats one. Never finds a secret by itself.

There may be thousands of them, so a text is gone through once for all: every few characters it is looked up whether a
secret may have begun there.
"""

import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator

from mockfoundry.journal.repeats import MIN_CUT_LENGTH, count_common, is_plain_word, is_repeat, spell_secret

MAX_KNOWN_BYTES = 64 << 20
"""Bytes of all secrets that are known at once."""

PIECE_LENGTH = 4
STEP = MIN_CUT_LENGTH - PIECE_LENGTH + 1
"""How far apart the pieces of a text are that are looked up: in each beginning of a secret lies one of them."""

MIN_CHANGES = 3
"""How often letters and digits follow each other in a key; in names such as `k8s-proxy` and `us-east1b` it is twice."""

_CHANGE = re.compile(r"[A-Za-z](?=[0-9])|[0-9](?=[A-Za-z])")
_GUID_OR_TIME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.Z+-]*")


def is_distinctive(text: str) -> bool:
    """Whether a text is none that stands anywhere by chance: letters and digits are mixed in it, as in a key."""
    if len(text) < MIN_CUT_LENGTH or " " in text or "://" in text or _GUID_OR_TIME.fullmatch(text):
        return False
    return len(_CHANGE.findall(text)) >= MIN_CHANGES


class KnownSecrets:
    """Secrets that are looked for in all that is shown.

    Args:
        most: bytes of all of them.

    Attributes:
        is_full: whether one more would be beyond that bound; none is forgotten.
    """

    def __init__(self, most: int = MAX_KNOWN_BYTES) -> None:
        self._room = most
        self._secrets: set[str] = set()
        self._spellings: dict[str, str] = {}
        self._in_order: list[str] = []
        self._pieces: set[str] = set()
        self._lengths: dict[str, list[int]] = {}
        self.is_full = False

    def add(self, secrets: Iterable[str]) -> None:
        """Takes secrets. A short one, or one that may be a word of a sentence, would make holes in other texts."""
        for secret in secrets:
            if len(secret) < MIN_CUT_LENGTH or is_plain_word(secret) or secret in self._secrets:
                continue
            if len(secret) > self._room:
                self.is_full = True
                return
            self._secrets.add(secret)
            for spelling in spell_secret(secret):
                self._add_spelling(spelling, secret)

    def _add_spelling(self, spelling: str, secret: str) -> None:
        if len(spelling) < MIN_CUT_LENGTH or spelling in self._spellings:
            return
        self._room -= len(spelling)
        self._spellings[spelling] = secret
        insort(self._in_order, spelling)
        head = spelling[:MIN_CUT_LENGTH]
        self._pieces.update(head[at : at + PIECE_LENGTH] for at in range(STEP))
        lengths = self._lengths.setdefault(head, [])
        if len(spelling) not in lengths:
            lengths.append(len(spelling))
            lengths.sort(reverse=True)

    def may_stand_in(self, text: str) -> bool:
        """Whether a text has the beginning of one."""
        return next(self._find_starts(text), None) is not None

    def replace(self, text: str, hide: Callable[[str], str]) -> str:
        """Text with marks in place of secrets, or of the beginning of one where the text was cut behind that.

        Args:
            hide: gives the mark of a secret.
        """
        parts: list[str] = []
        done = 0
        for start in self._find_starts(text):
            if start < done:
                continue
            spelling, end = self._find_longest(text, start)
            if is_repeat(text, start, end, len(spelling)):
                parts += (text[done:start], hide(self._spellings[spelling]))
                done = end
        return "".join((*parts, text[done:])) if parts else text

    def _find_starts(self, text: str) -> Iterator[int]:
        pieces, heads = self._pieces, self._lengths
        for at in range(0, len(text) - PIECE_LENGTH + 1, STEP) if heads else ():
            if text[at : at + PIECE_LENGTH] in pieces:
                for start in range(max(at - STEP + 1, 0), at + 1):
                    if text[start : start + MIN_CUT_LENGTH] in heads:
                        yield start

    def _find_longest(self, text: str, start: int) -> tuple[str, int]:
        """The spelling that begins at a place of a text, and where what stands there of it ends.

        It is the longest one that stands there whole, or one that was cut and of which more does.
        """
        lengths = self._lengths[text[start : start + MIN_CUT_LENGTH]]
        # Of all in order, those that begin most like the text stand beside its place.
        place = bisect_left(self._in_order, text[start : start + lengths[0]])
        beside = self._in_order[max(place - 1, 0) : place + 1]
        common = {
            each: count_common(text, start, each) for each in beside if text.startswith(each[:MIN_CUT_LENGTH], start)
        }
        cut = max(common, key=lambda each: common[each])
        for length in lengths:
            whole = text[start : start + length]
            if whole in self._spellings and (
                len(whole) >= common[cut] or not is_repeat(text, start, start + common[cut], len(cut))
            ):
                return whole, start + len(whole)
        return cut, start + common[cut]
