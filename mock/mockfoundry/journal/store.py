"""The shelf: the room that all journals of one server share. Never reads what they hold.

The journal: every exchange of one foundation in order, held as compact bytes and bounded. Never reads what it holds.

Recording encodes once and decides nothing; whatever makes an exchange readable is done when somebody looks.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

import msgspec

from mockfoundry.journal.entry import WHOLE_BODY, JournalEntry

MAX_ALL_JOURNALS_BYTES = 128 * 1024 * 1024
"""What all journals of a server hold together at most, where nobody says otherwise."""

FILL_AFTER_TRIMMING = 0.8
"""How full the shelf is left, so that making room is rare: it looks at every journal that holds something."""


class BudgetedJournal(Protocol):
    """What the shelf knows of a journal.

    Attributes:
        size: bytes that it holds.
        latest: the shelf's own count of when it was last written to.
    """

    size: int
    last_write: int

    def forget_oldest_until(self, bytes_left: int) -> None: ...


class SharedJournalBudget:
    """Bounds what journals hold together: where there is no room, those written to longest ago forget first.

    What a journal shares with its copy counts for both.

    Args:
        max_bytes: of all journals together.

    Attributes:
        held: bytes.
    """

    def __init__(self, max_bytes: int = MAX_ALL_JOURNALS_BYTES) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self._writes = 0
        self._journals: dict[int, BudgetedJournal] = {}

    def add_bytes(self, journal: BudgetedJournal, count: int) -> None:
        """Counts bytes that a journal holds from now on, and lets those written to longest ago make room for them."""
        # A mark on the journal, which is at hand, rather than an order of all of them, which is not.
        self._writes = journal.last_write = self._writes + 1
        if journal.size == count:
            self._journals[id(journal)] = journal
        self.held_bytes += count
        if self.held_bytes > self.max_bytes:
            self._make_room()

    def release_bytes(self, journal: BudgetedJournal, count: int) -> None:
        """Counts bytes no longer that a journal has forgotten."""
        self.held_bytes -= count
        if not journal.size:
            self.remove_journal(journal)

    def remove_journal(self, journal: BudgetedJournal) -> None:
        """Makes a journal forget no longer: it holds nothing, or nobody writes to it any more."""
        self._journals.pop(id(journal), None)

    def _make_room(self) -> None:
        goal = int(self.max_bytes * FILL_AFTER_TRIMMING)
        for journal in sorted(self._journals.values(), key=lambda each: each.last_write):
            if self.held_bytes <= goal:
                return
            journal.forget_oldest_until(max(0, journal.size - (self.held_bytes - goal)))


MAX_JOURNAL_BYTES = 8 * 1024 * 1024
"""What a journal holds at most, where nobody says otherwise."""

_ENTRY_OVERHEAD = 48
_encode_entry = msgspec.msgpack.Encoder().encode
_decode_entry = msgspec.msgpack.Decoder(JournalEntry).decode


class RecordedRequest(Protocol):
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
    committed: bool
    state_changed: bool


class RecordedResponse(Protocol):
    """What the journal takes from an outcome."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    why: str
    delay: int
    hold: str
    fault: str


HitKey = tuple[str, int, str, str]
"""Operation, status, fault and phase of an exchange; the phase is empty where no scenario answered."""

_HIT_KEYS: dict[HitKey, HitKey] = {}
# One object for each cell, since thousands of journals ask by it; there are no more than a contract's answers.


class Journal:
    """What happened in one foundation, the oldest forgotten first.

    Args:
        max_bytes: how much is held; 0 holds nothing, and counts all the same.
        budget: the room that it shares with other journals, None where it has none but its own.

    Attributes:
        latest: the shelf's mark of when it was last written to.
        recorded: how many exchanges there were ever; the last one's number.
        size: bytes held.
        met: how often each cell was met, forgotten exchanges included.
        cleared_up_to: the number up to which `clear` forgot; `met_before` is what was met until then.
        inherited_hit_counts: what was met before this journal was copied from another.
        watchers: called after each record, in the thread that records.
        sent: bytes really sent, by number, where they may be others than the answer's.
    """

    __slots__ = (
        "_held",
        "budget",
        "bytes_sent_by_number",
        "cleared_up_to",
        "hit_counts",
        "hit_counts_at_clear",
        "inherited_hit_counts",
        "last_write",
        "max_bytes",
        "recorded",
        "size",
        "watchers",
    )

    def __init__(self, max_bytes: int = MAX_JOURNAL_BYTES, budget: SharedJournalBudget | None = None) -> None:
        self.max_bytes = max_bytes
        self.budget = budget
        self.last_write = 0
        self.recorded = 0
        self.size = 0
        self.hit_counts: dict[HitKey, int] = {}
        self.cleared_up_to = 0
        self.hit_counts_at_clear: dict[HitKey, int] = {}
        self.inherited_hit_counts: dict[HitKey, int] = {}
        self.watchers: list[Callable[[], None]] = []
        self.bytes_sent_by_number: dict[int, int] = {}
        self._held: deque[bytes] = deque()

    def record(
        self,
        request: RecordedRequest,
        response: RecordedResponse,
        now: int,
        scenario: str = "",
        rule: int = 0,
        phase: str = "",
        near_miss: str = "",
        delay: int = 0,
        refused_by_modified_world: bool = False,
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
        hit_key = (request.operation, response.status, response.fault, phase)
        hit_key = _HIT_KEYS.setdefault(hit_key, hit_key)
        self.hit_counts[hit_key] = self.hit_counts.get(hit_key, 0) + 1
        held = _encode_entry(
            (
                number,
                request.arrived,
                now,
                request.operation,
                request.actor,
                request.process,
                request.committed,
                request.state_changed,
                request.method,
                request.target,
                request.query_string,
                request.path,
                request.headers,
                request.content,
                request.scheme,
                response.status,
                response.headers,
                response.body,
                response.why,
                response.delay,
                response.hold,
                response.fault,
                scenario,
                rule,
                phase,
                near_miss,
                delay,
                refused_by_modified_world,
            )
        )
        self._held.append(held)
        self.size += len(held) + _ENTRY_OVERHEAD
        if self.budget is not None:
            self.budget.add_bytes(self, len(held) + _ENTRY_OVERHEAD)
        if self.size > self.max_bytes:
            self.forget_oldest_until(self.max_bytes)
        for watcher in self.watchers:
            watcher()
        return number

    @property
    def dropped(self) -> int:
        """How many exchanges were forgotten for want of room; those that `clear` took do not count."""
        return self._gone - self.cleared_up_to

    @property
    def _gone(self) -> int:
        """The number of the last exchange that is not held."""
        return self.recorded - len(self._held)

    def count_dropped(self, wanted: Callable[[HitKey], bool]) -> int:
        """How many of the exchanges that were forgotten for want of room are in cells that are asked about."""
        if not self.dropped:
            return 0
        met = sum(times for hit_key, times in self.hit_counts.items() if wanted(hit_key))
        before = sum(times for hit_key, times in self.hit_counts_at_clear.items() if wanted(hit_key))
        return met - before - sum(wanted((each.operation, each.status, each.fault, each.phase)) for each in self)

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[JournalEntry]:
        return self.after(0)

    def after(self, number: int) -> Iterator[JournalEntry]:
        """The exchanges that are held, oldest first, from the one behind a number."""
        for held in islice(self._held, max(0, number - self._gone), None):
            yield self._read(held)

    def entry(self, number: int) -> JournalEntry | None:
        """The exchange of a number, None where it is not held."""
        position = number - self._gone - 1
        return self._read(self._held[position]) if 0 <= position < len(self._held) else None

    def clear(self) -> int:
        """Forgets what is held, as if it had never been; says how much that was. Numbers and coverage go on."""
        count = len(self._held)
        self.forget_oldest_until(0)
        self.cleared_up_to, self.hit_counts_at_clear = self.recorded, dict(self.hit_counts)
        return count

    def copy(self) -> "Journal":
        """The same journal once more; what is held is shared, since it never changes. Nobody watches the copy."""
        made = Journal(self.max_bytes, self.budget)
        made.recorded, made.size = self.recorded, self.size
        made.hit_counts, made.bytes_sent_by_number, made._held = (
            dict(self.hit_counts),
            dict(self.bytes_sent_by_number),
            self._held.copy(),
        )
        made.cleared_up_to, made.hit_counts_at_clear, made.inherited_hit_counts = (
            self.cleared_up_to,
            self.hit_counts_at_clear,
            dict(self.hit_counts),
        )
        if self.budget is not None:
            self.budget.add_bytes(made, made.size)
        return made

    def close(self) -> None:
        """Gives back the room that it has on the shelf; what it holds can still be read."""
        budget, self.budget = self.budget, None
        if budget is not None:
            budget.release_bytes(self, self.size)
            budget.remove_journal(self)

    def note_bytes_sent(self, number: int, count: int) -> None:
        """Says how many bytes of an answer's body really went out, or that it is OPEN."""
        if self._gone < number <= self.recorded:
            self.bytes_sent_by_number[number] = count

    def _read(self, held: bytes) -> JournalEntry:
        entry = _decode_entry(held)
        entry.bytes_sent = self.bytes_sent_by_number.get(entry.number, WHOLE_BODY)
        return entry

    def forget_oldest_until(self, bytes_left: int) -> None:
        """Forgets the oldest exchanges until no more than so many bytes are held."""
        before = self.size
        while self.size > bytes_left:
            self.size -= len(self._held.popleft()) + _ENTRY_OVERHEAD
            if self.bytes_sent_by_number:
                self.bytes_sent_by_number.pop(self._gone, None)
        if self.budget is not None:
            self.budget.release_bytes(self, before - self.size)


def add_hit_counts(journal: Journal, into: dict[HitKey, int]) -> None:
    """Adds what one journal has met itself to what others have."""
    for hit_key, times in journal.hit_counts.items():
        into[hit_key] = into.get(hit_key, 0) + times - journal.inherited_hit_counts.get(hit_key, 0)
