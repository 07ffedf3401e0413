"""The shelf: the room that all journals of one server share. Never reads what they hold."""

from typing import Protocol

ALL_JOURNALS = 128 * 1024 * 1024
"""What all journals of a server hold together at most, where nobody says otherwise."""

KEPT = 0.8
"""How full the shelf is left, so that making room is rare: it looks at every journal that holds something."""


class Shelved(Protocol):
    """What the shelf knows of a journal.

    Attributes:
        size: bytes that it holds.
        latest: the shelf's own count of when it was last written to.
    """

    size: int
    latest: int

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
        self._writes = 0
        self._journals: dict[int, Shelved] = {}

    def put(self, journal: Shelved, count: int) -> None:
        """Counts bytes that a journal holds from now on, and lets those written to longest ago make room for them."""
        # A mark on the journal, which is at hand, rather than an order of all of them, which is not.
        self._writes = journal.latest = self._writes + 1
        if journal.size == count:
            self._journals[id(journal)] = journal
        self.held += count
        if self.held > self.most_bytes:
            self._make_room()

    def take(self, journal: Shelved, count: int) -> None:
        """Counts bytes no longer that a journal has forgotten."""
        self.held -= count
        if not journal.size:
            self.leave(journal)

    def leave(self, journal: Shelved) -> None:
        """Makes a journal forget no longer: it holds nothing, or nobody writes to it any more."""
        self._journals.pop(id(journal), None)

    def _make_room(self) -> None:
        goal = int(self.most_bytes * KEPT)
        for journal in sorted(self._journals.values(), key=lambda each: each.latest):
            if self.held <= goal:
                return
            journal.forget_down_to(max(0, journal.size - (self.held - goal)))
