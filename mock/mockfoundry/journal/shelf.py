"""The shelf: the room that all journals of one server share. Never reads what they hold."""

from collections import OrderedDict
from typing import Protocol

ALL_JOURNALS = 128 * 1024 * 1024
"""What all journals of a server hold together at most, where nobody says otherwise."""

KEPT = 0.9
"""How full the shelf is left, so that making room is rare."""


class Shelved(Protocol):
    """What the shelf knows of a journal: the bytes that it holds."""

    size: int

    def forget_down_to(self, bytes_left: int) -> None: ...


class Shelf:
    """Bounds what journals hold together: where there is no room, those written to longest ago forget first.

    What a journal shares with its copy counts for both.

    Args:
        most_bytes: of all journals together.

    Attributes:
        held: bytes.
    """

    def __init__(self, most_bytes: int = ALL_JOURNALS) -> None:
        self.most_bytes = most_bytes
        self.held = 0
        self._journals: OrderedDict[int, Shelved] = OrderedDict()
        self._latest: Shelved | None = None

    def put(self, journal: Shelved, count: int) -> None:
        """Counts bytes that a journal holds from now on, and lets those written to longest ago make room for them."""
        if journal is not self._latest:
            key = id(journal)
            self._journals[key] = self._latest = journal
            self._journals.move_to_end(key)
        self.held += count
        if self.held > self.most_bytes:
            self._make_room()

    def take(self, journal: Shelved, count: int) -> None:
        """Counts bytes no longer that a journal has forgotten."""
        self.held -= count
        if not journal.size:
            self.leave(journal)

    def leave(self, journal: Shelved) -> None:
        """Makes a journal forget no longer: nobody writes to it any more."""
        self._journals.pop(id(journal), None)
        if journal is self._latest:
            self._latest = None

    def _make_room(self) -> None:
        goal = int(self.most_bytes * KEPT)
        while self.held > goal and self._journals:
            journal = next(iter(self._journals.values()))
            journal.forget_down_to(max(0, journal.size - (self.held - goal)))
