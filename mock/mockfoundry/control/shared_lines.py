"""Shared lines: what followers of a journal are sent of its exchanges, made once for all of them. Never makes one.

An exchange is read in an instant, and takes thirty times that to be shown, so clients that follow one journal share
what was made of it. They take turns, a few exchanges each: however many come to a full journal at once, the server's
other clients are served in between.
"""

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

import msgspec

from mockfoundry.journal.lines import ListedEntry, Names

MAX_KEPT_BYTES = 8 * 1024 * 1024
"""How much is kept of what was made last: of some thousand exchanges."""

ENTRY_BYTES = 2_000
"""About what an exchange takes beside its bodies."""

LinesMaker = Callable[[list[ListedEntry], Names], list[bytes]]
"""Makes the lines of exchanges; of each exchange one, whatever the others are."""

LineKey = tuple[LinesMaker, int, int]
"""How it is made, the generation of the foundation, and the number of the exchange."""


class MadeLine(msgspec.Struct, frozen=True):
    """A line, and what it was made of."""

    listed: ListedEntry
    names: Names
    line: bytes

    @property
    def size(self) -> int:
        """Bytes, about."""
        entry = self.listed.entry
        return len(self.line) + len(entry.request.content) + len(entry.response.body) + ENTRY_BYTES


class SharedLines:
    """The lines that were made last for all who follow.

    Attributes:
        turn: to be held by who makes lines where exchanges are made, and given back in another step.
    """

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._made: dict[LineKey, MadeLine] = {}
        self._size = 0

    def turn_of(self, generation: int) -> asyncio.Lock:
        """The turn of those who follow one foundation, so that what one of them makes is there for the next."""
        return self._turns.setdefault(generation, asyncio.Lock())

    def find(self, make: LinesMaker, generation: int, listed: ListedEntry, names: Names) -> bytes | None:
        """The line of an exchange that is as it was, and whose guids have the same names; else None.

        Args:
            generation: of its foundation.
        """
        found = self._made.get((make, generation, listed.entry.number))
        return found.line if found is not None and found.listed == listed and found.names == names else None

    def keep(self, make: LinesMaker, generation: int, made: MadeLine) -> None:
        """Keeps a line, and forgets the oldest ones if there is no room."""
        key = make, generation, made.listed.entry.number
        self._forget(key)
        self._made[key] = made
        self._size += made.size
        while self._size > MAX_KEPT_BYTES:
            self._forget(next(iter(self._made)))

    def _forget(self, key: LineKey) -> None:
        forgotten = self._made.pop(key, None)
        self._size -= 0 if forgotten is None else forgotten.size
