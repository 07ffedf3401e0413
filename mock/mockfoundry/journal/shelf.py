"""The shelf: the room that all journals of one server share. Never reads what they hold."""

from typing import Protocol

ALL_JOURNALS = 128 * 1024 * 1024
"""What all journals of a server hold together at most, where nobody says otherwise."""

KEPT = 0.9
"""How full the shelf is left, so that making room is rare."""


class Shelved(Protocol):
    """What the shelf knows of a journal.

    Attributes:
        size: bytes held.
        latest: when it was last written to, in microseconds of the machine's clock.
    """

    size: int
    latest: int

    def forget_down_to(self, bytes_left: int) -> None: ...


class Shelf:
    """Bounds what journals hold together: where there is no room, those written to longest ago forget first.

    Args:
        most_bytes: of all journals together.

    Attributes:
        held: bytes.
    """

    def __init__(self, most_bytes: int = ALL_JOURNALS) -> None:
        self.most_bytes = most_bytes
        self.held = 0
        self._journals: dict[int, Shelved] = {}

    def take(self, journal: Shelved) -> None:
        """Counts what a journal holds from now on; what it holds already is counted at once."""
        if id(journal) not in self._journals:
            self._journals[id(journal)] = journal
            self.held += journal.size

    def give_back(self, journal: Shelved) -> None:
        """Counts a journal no longer."""
        if self._journals.pop(id(journal), None) is not None:
            self.held -= journal.size

    def make_room(self) -> None:
        """Lets journals forget until the shelf is no more than nearly full."""
        goal = int(self.most_bytes * KEPT)
        for journal in sorted(self._journals.values(), key=lambda each: each.latest):
            if self.held <= goal:
                return
            journal.forget_down_to(max(0, journal.size - (self.held - goal)))
