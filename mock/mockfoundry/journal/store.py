"""The journal: every exchange of one foundation in order, as compact bytes within a bound. Never judges an exchange.

Recording encodes an exchange once and decides nothing; it is decoded when it is read. Only a large body stands beside
that as it was sent, so that answers which share one share it here, too. A request that waits before its
exchange is recorded when it comes, and again in the same place when there is an outcome. All journals of a server share
one budget of bytes.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

import msgspec
from msgspec.structs import replace

from mockfoundry.journal.budget import SharedJournalBudget
from mockfoundry.journal.entry import (
    NO_STATUS,
    STILL_SENDING,
    WHOLE_BODY,
    JournalEntry,
    RecordedRequest,
    RecordedResponse,
)
from mockfoundry.journal.hit_counts import SHARED_HIT_KEYS, HitKey, ScenarioHitKey, hit_key_of, share_hit_keys

MAX_JOURNAL_BYTES = 8 * 1024 * 1024
"""How much a journal holds, unless it is set otherwise."""

_ENTRY_OVERHEAD = 48

MAX_ENCODED_BODY_BYTES = 8 * 1024
"""Up to how many bytes the body of an answer is encoded with its exchange; a larger one would take long to copy."""

_encode_entry = msgspec.msgpack.Encoder().encode
_decode_entry = msgspec.msgpack.Decoder(JournalEntry).decode


class RecordedExchange(Protocol):
    """What a journal keeps of an exchange besides its response; the attributes are JournalEntry's."""

    @property
    def real_time(self) -> int: ...
    @property
    def now(self) -> int: ...
    @property
    def operation(self) -> str: ...
    @property
    def path(self) -> dict[str, str]: ...
    @property
    def actor(self) -> str: ...
    @property
    def near_miss(self) -> str: ...
    @property
    def request(self) -> RecordedRequest: ...


class JournalContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds and counts, as a value that can be written; the attributes are Journal's.

    Attributes:
        exchanges: each encoded, oldest first.
        large_bodies: by number.
    """

    recorded: int
    amended: int
    cleared_up_to: int
    hit_counts: list[tuple[HitKey, int]]
    hit_counts_at_clear: list[tuple[HitKey, int]]
    inherited_hit_counts: list[tuple[HitKey, int]]
    bytes_sent_by_number: dict[int, int]
    exchanges: list[bytes]
    large_bodies: dict[int, bytes]


class OpenExchange:
    """A request in a journal that waits before its exchange.

    Attributes:
        number: of its entry; another one after the journal was cleared.
        exchange: what is recorded of it.
        real_time, now: when it came, on the machine's clock and on the foundation's; those of its exchange are later.
        response: what stands for its response until there is an outcome.
    """

    __slots__ = ("exchange", "now", "number", "real_time", "response")

    def __init__(self, number: int, exchange: RecordedExchange, response: RecordedResponse) -> None:
        self.number = number
        self.exchange = exchange
        self.real_time, self.now = exchange.real_time, exchange.now
        self.response = response


class Journal:
    """What happened in one foundation, the oldest forgotten first.

    Args:
        max_bytes: how much is held; with 0 nothing is held, but exchanges are still counted.
        budget: shared with other journals, None for none.

    Attributes:
        last_write: the budget's count of writes when this journal was last written to.
        recorded: how many exchanges there were ever, open ones included; the last one's number.
        amended: how often an entry was given an outcome, or its number of bytes, after it was recorded.
        size: bytes held.
        hit_counts: how often each key was met, forgotten exchanges included.
        cleared_up_to: the number up to which `clear` forgot.
        hit_counts_at_clear: the hit counts of that moment.
        inherited_hit_counts: the hit counts of the journal that this one was copied from, at that moment.
        scenario_hit_counts, inherited_scenario_hit_counts: the same of answered exchanges that a scenario took.
        dropped_before_clear: how many were forgotten for lack of room before `clear` was last called.
        inherited_dropped: how many the journal had forgotten for lack of room that this one was copied from.
        watchers: called after each change of an entry, and at the journal's end, in the thread that makes it.
        bytes_sent_by_number: bytes of the answer's body that were sent, where that may not be all of them.
    """

    __slots__ = (
        "_encoded",
        "_large_bodies",
        "_open",
        "amended",
        "budget",
        "bytes_sent_by_number",
        "cleared_up_to",
        "dropped_before_clear",
        "hit_counts",
        "hit_counts_at_clear",
        "inherited_dropped",
        "inherited_hit_counts",
        "inherited_scenario_hit_counts",
        "last_write",
        "max_bytes",
        "recorded",
        "scenario_hit_counts",
        "size",
        "watchers",
    )

    def __init__(self, max_bytes: int = MAX_JOURNAL_BYTES, budget: SharedJournalBudget | None = None) -> None:
        self.max_bytes = max_bytes
        self.budget = budget
        self.last_write = 0
        self.recorded = 0
        self.amended = 0
        self.size = 0
        self.hit_counts: dict[HitKey, int] = {}
        self.cleared_up_to = 0
        self.hit_counts_at_clear: dict[HitKey, int] = {}
        self.inherited_hit_counts: dict[HitKey, int] = {}
        self.scenario_hit_counts: dict[ScenarioHitKey, int] = {}
        self.inherited_scenario_hit_counts: dict[ScenarioHitKey, int] = {}
        self.dropped_before_clear = self.inherited_dropped = 0
        self.watchers: list[Callable[[], None]] = []
        self.bytes_sent_by_number: dict[int, int] = {}
        self._encoded: deque[bytes] = deque()
        self._large_bodies: dict[int, bytes] = {}
        self._open: dict[int, OpenExchange] = {}

    def record(self, exchange: RecordedExchange, response: RecordedResponse) -> int:
        """Adds an exchange; forgets the oldest if there is no room. Gives its number, from 1."""
        number = self.recorded + 1
        large_body = b""
        if len(response.body) > MAX_ENCODED_BODY_BYTES:
            response, large_body = replace(response, body=b""), response.body
        encoded = encode_exchange(number, exchange.real_time, exchange.now, exchange, response)
        self.recorded = number
        self._count(hit_key_of(exchange.operation, response))
        if response.scenario:
            self._count_scenario(exchange.operation, response)
        self._encoded.append(encoded)
        size = len(encoded) + _ENTRY_OVERHEAD
        if large_body:
            self._large_bodies[number] = large_body
            size += len(large_body)
        self.size += size
        if self.budget is not None:
            self.budget.add_bytes(self, size)
        if self.size > self.max_bytes:
            self.forget_oldest_until(self.max_bytes)
        for watcher in self.watchers:
            watcher()
        return number

    def open(self, exchange: RecordedExchange, response: RecordedResponse) -> OpenExchange:
        """Adds a request that waits before its exchange, until `complete` gives it an outcome.

        Args:
            response: what stands for its response until then, without a status.
        """
        opened = OpenExchange(self.record(exchange, response), exchange, response)
        self._open[opened.number] = opened
        self.note_bytes_sent(opened.number, STILL_SENDING)
        return opened

    def complete(self, opened: OpenExchange, response: RecordedResponse) -> int:
        """Gives an open request its outcome, in its place; one that was forgotten meanwhile is only counted.

        Gives its number.
        """
        exchange, number = opened.exchange, opened.number
        self._open.pop(number, None)
        self._uncount(hit_key_of(exchange.operation, opened.response))
        self._count(hit_key_of(exchange.operation, response))
        if response.scenario:
            self._count_scenario(exchange.operation, response)
        position = number - self._gone - 1
        if position >= 0:
            before = len(self._encoded[position]) + len(self._large_bodies.pop(number, b""))
            large_body = b""
            if len(response.body) > MAX_ENCODED_BODY_BYTES:
                response, large_body = replace(response, body=b""), response.body
                self._large_bodies[number] = large_body
            encoded = encode_exchange(number, opened.real_time, opened.now, exchange, response)
            self._encoded[position] = encoded
            self.bytes_sent_by_number.pop(number, None)
            grown = len(encoded) + len(large_body) - before
            self.size += grown
            if self.budget is not None:
                self.budget.add_bytes(self, grown)
            if self.size > self.max_bytes:
                self.forget_oldest_until(self.max_bytes)
        self._amend()
        return number

    def _count(self, hit_key: HitKey) -> None:
        hit_key = SHARED_HIT_KEYS.setdefault(hit_key, hit_key)
        self.hit_counts[hit_key] = self.hit_counts.get(hit_key, 0) + 1

    def _count_scenario(self, operation: str, response: RecordedResponse) -> None:
        """Counts an exchange for the scenario that took it, unless it is still open."""
        if response.status == NO_STATUS and not response.fault:
            return
        key = operation, response.status, response.fault, response.scenario
        self.scenario_hit_counts[key] = self.scenario_hit_counts.get(key, 0) + 1

    def _uncount(self, hit_key: HitKey) -> None:
        self.hit_counts[hit_key] -= 1
        if not self.hit_counts[hit_key]:
            del self.hit_counts[hit_key]

    def _amend(self) -> None:
        self.amended += 1
        for watcher in self.watchers:
            watcher()

    @property
    def dropped(self) -> int:
        """How many exchanges were forgotten for lack of room; those that `clear` forgot do not count."""
        return self._gone - self.cleared_up_to

    @property
    def dropped_ever(self) -> int:
        """How many exchanges were forgotten for lack of room, before and after `clear`."""
        return self.dropped_before_clear + self.dropped

    @property
    def open_operations(self) -> list[str]:
        """The operation of each request that waits before its exchange."""
        return [opened.exchange.operation for opened in self._open.values()]

    @property
    def _gone(self) -> int:
        """The number of the last exchange that is not held."""
        return self.recorded - len(self._encoded)

    def count_dropped(self, wanted: Callable[[HitKey], bool]) -> int:
        """How many of the exchanges that were forgotten for lack of room have a wanted key."""
        if not self.dropped:
            return 0
        hits = sum(times for hit_key, times in self.hit_counts.items() if wanted(hit_key))
        cleared = sum(times for hit_key, times in self.hit_counts_at_clear.items() if wanted(hit_key))
        return hits - cleared - sum(wanted(hit_key_of(each.operation, each.response)) for each in self)

    def __len__(self) -> int:
        return len(self._encoded)

    def __iter__(self) -> Iterator[JournalEntry]:
        return self.after(0)

    def after(self, number: int) -> Iterator[JournalEntry]:
        """The exchanges that are held with a higher number, oldest first."""
        for encoded in islice(self._encoded, max(0, number - self._gone), None):
            yield self._decode(encoded)

    def entry(self, number: int) -> JournalEntry | None:
        """The exchange of a number, None where it is not held."""
        position = number - self._gone - 1
        return self._decode(self._encoded[position]) if 0 <= position < len(self._encoded) else None

    def clear(self) -> int:
        """Forgets all exchanges; gives how many they were. Numbers and hit counts go on.

        What is open is not over, so it is recorded again, with a new number.
        """
        self.dropped_before_clear = self.dropped_ever
        still_open, self._open = self._open, {}
        count = len(self._encoded) - sum(number > self._gone for number in still_open)
        self.forget_oldest_until(0)
        for opened in still_open.values():
            self._uncount(hit_key_of(opened.exchange.operation, opened.response))
        self.cleared_up_to, self.hit_counts_at_clear = self.recorded, dict(self.hit_counts)
        for opened in still_open.values():
            opened.number = self.record(opened.exchange, opened.response)
            self._open[opened.number] = opened
            self.note_bytes_sent(opened.number, STILL_SENDING)
        return count

    def copy(self) -> "Journal":
        """A copy, without watchers. It shares the encoded exchanges, which never change.

        What is open, or still being sent, is answered by the foundation that was copied, and never by the copy.
        """
        made = self.copy_without_open("in the foundation that was copied")
        made.inherited_hit_counts = dict(made.hit_counts)
        made.inherited_scenario_hit_counts = dict(self.scenario_hit_counts)
        made.inherited_dropped = self.dropped_ever
        made.budget = self.budget
        if made.budget is not None:
            made.budget.add_bytes(made, made.size)
        return made

    def copy_without_open(self, where: str) -> "Journal":
        """The same without a part of the budget: what is open, or still being sent, has no outcome there.

        Args:
            where: it is open, as the reason of its entry says then.
        """
        made = self.snapshot()
        made.bytes_sent_by_number = {
            number: count for number, count in self.bytes_sent_by_number.items() if count != STILL_SENDING
        }
        for opened in self._open.values():
            elsewhere = replace(opened.response, reason=f"{opened.response.reason} {where}")
            made.complete(OpenExchange(opened.number, opened.exchange, opened.response), elsewhere)
        return made

    def to_content(self) -> JournalContent:
        """What it holds, as a value. To be asked of a journal that nothing writes to any more."""
        return JournalContent(
            recorded=self.recorded,
            amended=self.amended,
            cleared_up_to=self.cleared_up_to,
            hit_counts=list(self.hit_counts.items()),
            hit_counts_at_clear=list(self.hit_counts_at_clear.items()),
            inherited_hit_counts=list(self.inherited_hit_counts.items()),
            bytes_sent_by_number=self.bytes_sent_by_number,
            exchanges=list(self._encoded),
            large_bodies=self._large_bodies,
        )

    def take_content(self, content: JournalContent) -> None:
        """Takes what another journal held; to be called once, of a new one. What there is no room for is forgotten."""
        self.recorded, self.amended = content.recorded, content.amended
        self.cleared_up_to = content.cleared_up_to
        self.hit_counts = share_hit_keys(content.hit_counts)
        self.hit_counts_at_clear = share_hit_keys(content.hit_counts_at_clear)
        self.inherited_hit_counts = share_hit_keys(content.inherited_hit_counts)
        self.bytes_sent_by_number = dict(content.bytes_sent_by_number)
        self._encoded.extend(content.exchanges)
        self._large_bodies.update(content.large_bodies)
        self.size = sum(len(each) + _ENTRY_OVERHEAD for each in self._encoded)
        self.size += sum(map(len, self._large_bodies.values()))
        if self.budget is not None:
            self.budget.add_bytes(self, self.size)
        if self.size > self.max_bytes:
            self.forget_oldest_until(self.max_bytes)

    def snapshot(self) -> "Journal":
        """What is held now, to be read in another thread. It is no part of the budget, and is not to be written to."""
        made = Journal(self.max_bytes)
        made.recorded, made.size = self.recorded, self.size
        made.hit_counts = dict(self.hit_counts)
        made.hit_counts_at_clear = self.hit_counts_at_clear
        made.inherited_hit_counts = self.inherited_hit_counts
        made.scenario_hit_counts = dict(self.scenario_hit_counts)
        made.inherited_scenario_hit_counts = self.inherited_scenario_hit_counts
        made.dropped_before_clear, made.inherited_dropped = self.dropped_before_clear, self.inherited_dropped
        made.cleared_up_to = self.cleared_up_to
        made.amended = self.amended
        made.bytes_sent_by_number = dict(self.bytes_sent_by_number)
        made._encoded = self._encoded.copy()
        made._large_bodies = self._large_bodies.copy()
        return made

    def close(self) -> None:
        """Gives back its part of the budget, and tells its watchers; what it holds can still be read."""
        budget, self.budget = self.budget, None
        if budget is not None:
            budget.release_bytes(self, self.size)
            budget.remove_journal(self)
        self._amend()

    def note_bytes_sent(self, number: int, count: int) -> None:
        """Notes how many bytes of an answer's body really went out, or STILL_SENDING."""
        if self._gone < number <= self.recorded:
            self.bytes_sent_by_number[number] = count
            if count != STILL_SENDING:
                self._amend()

    def _decode(self, encoded: bytes) -> JournalEntry:
        entry = _decode_entry(encoded)
        if self._large_bodies:
            entry.response.body = self._large_bodies.get(entry.number, entry.response.body)
        entry.bytes_sent = self.bytes_sent_by_number.get(entry.number, WHOLE_BODY)
        return entry

    def forget_oldest_until(self, bytes_left: int) -> None:
        """Forgets the oldest exchanges until no more than so many bytes are held."""
        before = self.size
        while self.size > bytes_left:
            self.size -= len(self._encoded.popleft()) + _ENTRY_OVERHEAD
            if self._large_bodies:
                self.size -= len(self._large_bodies.pop(self._gone, b""))
            if self.bytes_sent_by_number:
                self.bytes_sent_by_number.pop(self._gone, None)
        if self.budget is not None:
            self.budget.release_bytes(self, before - self.size)


def encode_exchange(
    number: int, real_time: int, now: int, exchange: RecordedExchange, response: RecordedResponse
) -> bytes:
    """The bytes of a JournalEntry.

    What a request or a response has beyond the recorded fields comes after those, and is not read again.
    """
    return _encode_entry(
        (
            number,
            real_time,
            now,
            exchange.operation,
            exchange.path,
            exchange.actor,
            exchange.near_miss,
            exchange.request,
            response,
        )
    )


def add_hit_counts(journal: Journal, into: dict[HitKey, int]) -> None:
    """Adds the hit counts of a journal, without those it inherited from the one that it was copied from."""
    for hit_key, times in journal.hit_counts.items():
        into[hit_key] = into.get(hit_key, 0) + times - journal.inherited_hit_counts.get(hit_key, 0)
