"""The budget: how much all journals of a server hold together, and which forget first. Never reads an exchange."""

from typing import Protocol

MAX_ALL_JOURNALS_BYTES = 128 * 1024 * 1024
"""How much all journals of a server hold together, unless it is set otherwise."""

FILL_AFTER_TRIMMING = 0.8
"""How full the budget is after making room. Making room looks at every journal, so it should be rare."""


class BudgetedJournal(Protocol):
    """What the budget knows of a journal.

    Attributes:
        size: bytes that it holds.
        last_write: the budget's count of writes when it was last written to.
    """

    size: int
    last_write: int

    def forget_oldest_until(self, bytes_left: int) -> None: ...


class SharedJournalBudget:
    """Bounds what journals hold together: if there is no room, those written to longest ago forget first.

    What a journal shares with its copy counts for both.

    Args:
        max_bytes: of all journals together.

    Attributes:
        held_bytes: of all journals together at present.
    """

    def __init__(self, max_bytes: int = MAX_ALL_JOURNALS_BYTES) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self._writes = 0
        self._journals: dict[int, BudgetedJournal] = {}

    def add_bytes(self, journal: BudgetedJournal, count: int) -> None:
        """Counts bytes that a journal has taken, and makes room where there are too many."""
        # Marking the journal, which is at hand, is cheaper than keeping all of them in an order.
        self._writes = journal.last_write = self._writes + 1
        if journal.size == count:
            self._journals[id(journal)] = journal
        self.held_bytes += count
        if self.held_bytes > self.max_bytes:
            self._make_room()

    def release_bytes(self, journal: BudgetedJournal, count: int) -> None:
        """Stops counting bytes that a journal has forgotten."""
        self.held_bytes -= count
        if not journal.size:
            self.remove_journal(journal)

    def remove_journal(self, journal: BudgetedJournal) -> None:
        """Stops asking a journal to make room: it holds nothing, or is closed."""
        self._journals.pop(id(journal), None)

    def _make_room(self) -> None:
        goal = int(self.max_bytes * FILL_AFTER_TRIMMING)
        for journal in sorted(self._journals.values(), key=lambda each: each.last_write):
            if self.held_bytes <= goal:
                return
            journal.forget_oldest_until(max(0, journal.size - (self.held_bytes - goal)))
