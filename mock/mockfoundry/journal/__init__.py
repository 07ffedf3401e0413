"""The journal: what happened in a foundation, and questions to it. Never imports the world or the scenarios."""

from mockfoundry.journal.entries import NOTHING, OPEN, Entry
from mockfoundry.journal.journal import MOST_BYTES, Cell, Journal, merged
from mockfoundry.journal.shelf import ALL_JOURNALS, Shelf

__all__ = ["ALL_JOURNALS", "MOST_BYTES", "NOTHING", "OPEN", "Cell", "Entry", "Journal", "Shelf", "merged"]
