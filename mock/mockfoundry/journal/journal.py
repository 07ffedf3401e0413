"""The journal: every exchange of one foundation in order, held as compact bytes and bounded. Never reads what it holds.

Recording encodes once and decides nothing; whatever makes an exchange readable is done when somebody looks.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

import msgspec

from mockfoundry.journal.entries import ALL, Entry
from mockfoundry.journal.shelf import Shelf

MOST_BYTES = 8 * 1024 * 1024
"""What a journal holds at most, where nobody says otherwise."""

_OVERHEAD = 48
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


class Recorded(Protocol):
    """What the journal takes from a request."""

    method: str
    target: str
    query_string: bytes
    headers: dict[bytes, bytes]
    content: bytes
    scheme: str
    arrived: int
    operation: str
    path: dict[str, str]
    process: str
    actor: str
    kept: bool
    changed: bool


class Sent(Protocol):
    """What the journal takes from an outcome."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    why: str
    delay: int
    hold: str
    fault: str


Cell = tuple[str, int, str, str]
"""Operation, status, fault and phase of an exchange; the phase is empty where no scenario answered."""

_CELLS: dict[Cell, Cell] = {}
# One object for each cell, since thousands of journals ask by it; there are no more than a contract's answers.


class Journal:
    """What happened in one foundation, the oldest forgotten first.

    Args:
        most_bytes: how much is held; 0 holds nothing, and counts all the same.
        shelf: the room that it shares with other journals, None where it has none but its own.

    Attributes:
        latest: the shelf's mark of when it was last written to.
        recorded: how many exchanges there were ever; the last one's number.
        size: bytes held.
        met: how often each cell was met, forgotten exchanges included.
        cleared: the number up to which `clear` forgot; `met_before` is what was met until then.
        inherited: what was met before this journal was copied from another.
        watchers: called after each record, in the thread that records.
        sent: bytes really sent, by number, where they may be others than the answer's.
    """

    __slots__ = (
        "_held",
        "cleared",
        "inherited",
        "latest",
        "met",
        "met_before",
        "most_bytes",
        "recorded",
        "sent",
        "shelf",
        "size",
        "watchers",
    )

    def __init__(self, most_bytes: int = MOST_BYTES, shelf: Shelf | None = None) -> None:
        self.most_bytes = most_bytes
        self.shelf = shelf
        self.latest = 0
        self.recorded = 0
        self.size = 0
        self.met: dict[Cell, int] = {}
        self.cleared = 0
        self.met_before: dict[Cell, int] = {}
        self.inherited: dict[Cell, int] = {}
        self.watchers: list[Callable[[], None]] = []
        self.sent: dict[int, int] = {}
        self._held: deque[bytes] = deque()

    def record(
        self,
        request: Recorded,
        outcome: Sent,
        now: int,
        scenario: str = "",
        rule: int = 0,
        phase: str = "",
        near: str = "",
        delay: int = 0,
        worldly: bool = False,
    ) -> int:
        """Adds an exchange; forgets the oldest where there is no room.

        Args:
            now: virtual microseconds.
            delay: virtual microseconds that the answer waits; the outcome's own are real ones.
            worldly: whether it was refused by a world that a scenario had changed.
            scenario, rule: what decided it; empty where none did.
            phase: of the scenario's answer, `before` or `after`; empty where no scenario answered.
            near: the rule that nearly matched, in words.

        Returns:
            The number of the exchange, from 1.
        """
        self.recorded = number = self.recorded + 1
        cell = (request.operation, outcome.status, outcome.fault, phase)
        cell = _CELLS.setdefault(cell, cell)
        self.met[cell] = self.met.get(cell, 0) + 1
        held = _encode(
            (
                number,
                request.arrived,
                now,
                request.operation,
                request.actor,
                request.process,
                request.kept,
                request.changed,
                request.method,
                request.target,
                request.query_string,
                request.path,
                request.headers,
                request.content,
                request.scheme,
                outcome.status,
                outcome.headers,
                outcome.body,
                outcome.why,
                outcome.delay,
                outcome.hold,
                outcome.fault,
                scenario,
                rule,
                phase,
                near,
                delay,
                worldly,
            )
        )
        self._held.append(held)
        self.size += len(held) + _OVERHEAD
        if self.shelf is not None:
            self.shelf.put(self, len(held) + _OVERHEAD)
        if self.size > self.most_bytes:
            self.forget_down_to(self.most_bytes)
        for watcher in self.watchers:
            watcher()
        return number

    @property
    def dropped(self) -> int:
        """How many exchanges were forgotten for want of room; those that `clear` took do not count."""
        return self._gone - self.cleared

    @property
    def _gone(self) -> int:
        """The number of the last exchange that is not held."""
        return self.recorded - len(self._held)

    def dropped_of(self, wanted: Callable[[Cell], bool]) -> int:
        """How many of the exchanges that were forgotten for want of room are in cells that are asked about."""
        if not self.dropped:
            return 0
        met = sum(times for cell, times in self.met.items() if wanted(cell))
        before = sum(times for cell, times in self.met_before.items() if wanted(cell))
        return met - before - sum(wanted((each.operation, each.status, each.fault, each.phase)) for each in self)

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Entry]:
        return self.after(0)

    def after(self, number: int) -> Iterator[Entry]:
        """The exchanges that are held, oldest first, from the one behind a number."""
        for held in islice(self._held, max(0, number - self._gone), None):
            yield self._read(held)

    def entry(self, number: int) -> Entry | None:
        """The exchange of a number, None where it is not held."""
        position = number - self._gone - 1
        return self._read(self._held[position]) if 0 <= position < len(self._held) else None

    def clear(self) -> int:
        """Forgets what is held, as if it had never been; says how much that was. Numbers and coverage go on."""
        count = len(self._held)
        self.forget_down_to(0)
        self.cleared, self.met_before = self.recorded, dict(self.met)
        return count

    def copy(self) -> "Journal":
        """The same journal once more; what is held is shared, since it never changes. Nobody watches the copy."""
        made = Journal(self.most_bytes, self.shelf)
        made.recorded, made.size = self.recorded, self.size
        made.met, made.sent, made._held = dict(self.met), dict(self.sent), self._held.copy()
        made.cleared, made.met_before, made.inherited = self.cleared, self.met_before, dict(self.met)
        if self.shelf is not None:
            self.shelf.put(made, made.size)
        return made

    def close(self) -> None:
        """Gives back the room that it has on the shelf; what it holds can still be read."""
        shelf, self.shelf = self.shelf, None
        if shelf is not None:
            shelf.take(self, self.size)
            shelf.leave(self)

    def was_sent(self, number: int, count: int) -> None:
        """Says how many bytes of an answer's body really went out, or that it is OPEN."""
        if self._gone < number <= self.recorded:
            self.sent[number] = count

    def _read(self, held: bytes) -> Entry:
        entry = _decode(held)
        entry.bytes_sent = self.sent.get(entry.number, ALL)
        return entry

    def forget_down_to(self, bytes_left: int) -> None:
        """Forgets the oldest exchanges until no more than so many bytes are held."""
        before = self.size
        while self.size > bytes_left:
            self.size -= len(self._held.popleft()) + _OVERHEAD
            if self.sent:
                self.sent.pop(self._gone, None)
        if self.shelf is not None:
            self.shelf.take(self, before - self.size)


def merged(journal: Journal, into: dict[Cell, int]) -> None:
    """Adds what one journal has met itself to what others have."""
    for cell, times in journal.met.items():
        into[cell] = into.get(cell, 0) + times - journal.inherited.get(cell, 0)
