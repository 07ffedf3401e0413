"""Marks in place of the secrets of one exchange, until it is shown. Never finds a secret: `redaction` does."""

import base64
import re
from collections.abc import Callable, Container, Iterable
from hashlib import blake2b
from itertools import islice
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import msgspec

from mockfoundry.journal.known_secrets import KnownSecrets, is_distinctive
from mockfoundry.journal.repeats import MIN_CUT_LENGTH, is_plain_word, replace_repeats, spell_secret
from mockfoundry.journal.secret_names import is_secret_field

MIN_REPEATED_LENGTH = 4
"""Characters of the shortest secret that is looked for where nothing says that one is there."""

MAX_REPEATED_SECRETS = 64
"""How many secrets of an exchange are looked for once more."""

BINARY_PREFIX = "base64:"
"""What is shown of a body that is no text begins with it."""

BINARY_MARK = "\ufdd2"
"""What the text of a body begins with that is none."""

MARK = re.compile("\ufdd0([0-9]+)\ufdd1")
"""A secret that was found, until it is shown: its number between two characters of no text [Unicode, 23.7]."""

_SIGNS = re.compile("[\ufdd0-\ufdd4]")

DIGEST = re.compile(r"\[redacted [0-9a-f]{8}\]")
"""What is shown of a secret, in a text that was redacted before."""


def clear_marks(value: Any) -> Any:
    """A value from outside without the signs of which marks are made, and which are no characters."""
    if isinstance(value, str):
        return value if value.isascii() else _SIGNS.sub("\ufffd", value)
    if isinstance(value, list):
        return [clear_marks(each) for each in value]
    if isinstance(value, dict):
        return {clear_marks(name): clear_marks(each) for name, each in value.items()}
    return value


def digest_secret(secret: str) -> str:
    """What is shown of a secret: a digest, by which two can be distinguished and neither used."""
    return f"[redacted {blake2b(secret.encode('utf-8', 'replace'), digest_size=4).hexdigest()}]"


class SecretMarks:
    """The secrets that were found in one exchange, each with the mark that stands in its place.

    Args:
        show: makes what is shown from a secret; of equal secrets it is called once.
        public: values that are no secrets, wherever they stand: the name of a user is that user's token, too.
        known: secrets of other exchanges, which are looked for, too; None for none.
    """

    def __init__(
        self,
        show: Callable[[str], str] = digest_secret,
        public: Iterable[str] = (),
        known: KnownSecrets | None = None,
    ) -> None:
        self._show = show
        self._public = frozenset(public)
        self._known = known
        self._marks: dict[str, str] = {}
        self._shown: list[str] = []
        self._named: set[str] = set()
        self._repeats: list[tuple[str, str]] | None = None

    def hide(self, secret: str) -> str:
        """A secret's mark; the empty text, and what is a mark or a digest already, stay."""
        mark = self.hide_for_place(secret)
        if mark != secret:
            self._named.add(mark)
        return mark

    def hide_for_place(self, secret: str) -> str:
        """The same of what may be a secret, since it stands where one does: in other places it may be none."""
        if not secret or MARK.fullmatch(secret) or DIGEST.fullmatch(secret):
            return secret
        if "\ufdd0" in secret:
            # Marks are numbered in each exchange anew.
            secret = MARK.sub(self._show_mark, secret)
        mark = self._marks.get(secret)
        if mark is None:
            mark = self._marks[secret] = f"\ufdd0{len(self._shown)}\ufdd1"
            self._shown.append(self._show(secret))
            self._repeats = None
        return mark

    def keep(self, word: str) -> str:
        """The mark of a word that is shown as it is, even if a secret is the same word."""
        self._shown.append(word)
        return f"\ufdd0{len(self._shown) - 1}\ufdd1"

    def remember(self, secret: str, mark: str) -> None:
        """Has another spelling of a secret found where it is repeated."""
        if secret and MARK.fullmatch(mark) and not MARK.search(secret) and secret not in self._marks:
            self._marks[secret] = mark
            self._repeats = None

    def finish(self, value: Any) -> Any:
        """A value, or a text, as it is shown."""
        if isinstance(value, str):
            return self.finish_text(value)
        if isinstance(value, list):
            return [self.finish(each) for each in value]
        if isinstance(value, dict):
            return {self._finish_name(name): self.finish(each) for name, each in value.items()}
        return value

    def _finish_name(self, name: str) -> str:
        """A field's name as it is shown: `password` stays, though a password may be the same word."""
        return name if is_plain_word(name) and is_secret_field(name) else self.finish_text(name)

    def finish_text(self, text: str, words: Container[str] = ()) -> str:
        """Text as it is shown: without what repeats a secret, and with what is shown in place of each mark.

        Args:
            words: that stand there anyway, and so tell nothing of a secret that is one of them.
        """
        is_binary = text.startswith(BINARY_MARK)
        for secret, mark in self.list_repeats():
            if secret[:MIN_CUT_LENGTH] in text and secret not in words:
                text = replace_repeats(text, secret, mark)
        if self._known is not None:
            text = self._known.replace(text, self.hide)
        if "\ufdd0" in text:
            text = MARK.sub(self._show_mark, text)
        if is_binary:
            return BINARY_PREFIX + base64.b64encode(text[1:].encode("latin-1", "replace")).decode()
        return text

    def _show_mark(self, mark: re.Match[str]) -> str:
        number = int(mark[1])
        return self._shown[number] if number < len(self._shown) else mark[0]

    def finish_body(self, redacted: Any, content: bytes, is_untouched: bool) -> Any:
        """A body as it is shown.

        Args:
            content: as it came.
            is_untouched: it is a value in which nothing was to be looked for; if it repeats nothing either, it is not
                gone through.
        """
        if is_untouched and b"\\" not in content:
            heads = (secret[:MIN_CUT_LENGTH].encode("utf-8", "replace") for secret, _ in self.list_repeats())
            known = self._known
            if not any(head in content for head in heads) and not (
                known is not None and known.may_stand_in(content.decode("utf-8", "replace"))
            ):
                return redacted
        try:
            return self.finish(redacted)
        except RecursionError:
            return self.finish_text(msgspec.json.encode(redacted).decode())

    def list_secrets(self) -> list[str]:
        """The secrets that were found by their names, and what else was hidden that is none by chance."""
        found: dict[str, str] = {}
        for secret, mark in self._marks.items():
            found.setdefault(mark, secret)
        return [
            secret
            for secret, mark in self._marks.items()
            if (found[mark] == secret and mark in self._named) or is_distinctive(secret)
        ]

    def list_repeats(self) -> list[tuple[str, str]]:
        """The secrets to be looked for in all ways in which they may be written, long ones first."""
        if self._repeats is None:
            wanted = (
                (secret, mark)
                for secret, mark in self._marks.items()
                if len(secret) >= MIN_REPEATED_LENGTH and secret not in self._public
            )
            written = {
                spelling: mark
                for secret, mark in islice(wanted, MAX_REPEATED_SECRETS)
                for spelling in spell_secret(secret)
            }
            self._repeats = sorted(written.items(), key=lambda each: -len(each[0]))
        return self._repeats


def decode_around_marks(text: str) -> str:
    """The value of a URL, decoded; marks stay, and what is decoded is none."""
    pieces = re.split("(\ufdd0[0-9]+\ufdd1)", text)
    decoded = (unquote_plus(piece, errors="replace") for piece in pieces[::2])
    pieces[::2] = map(clear_marks, decoded)
    return "".join(pieces)


def quote_around_marks(text: str) -> str:
    """Text as a value of a URL; marks stay."""
    pieces = re.split("(\ufdd0[0-9]+\ufdd1)", text)
    return "".join(piece if index % 2 else quote_plus(piece, safe=":/") for index, piece in enumerate(pieces))
