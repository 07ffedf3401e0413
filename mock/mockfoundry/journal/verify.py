"""Verification: whether a journal holds the exchanges that a test expects. Never waits for them, shows none of them.

A JournalQuery says which exchanges are meant, and how another one differs from them. An Expectation says how many there
should be; it holds, it does not hold, or that cannot be known, because exchanges were dropped from the journal.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal, Protocol

import msgspec

from mockfoundry.documents.problems import MAX_LISTED, list_first
from mockfoundry.documents.quoting import quote_line
from mockfoundry.journal.entry import JournalEntry, redact_entry
from mockfoundry.journal.hit_counts import HitKey
from mockfoundry.journal.redaction import Redactor
from mockfoundry.journal.secret_names import is_secret_name, is_secret_parameter
from mockfoundry.journal.store import Journal


class RequestCondition(Protocol):
    """One condition in the scenario language, compiled: what it asks of a request, and what came in its place."""

    place: str
    name: str
    wanted: Any

    def holds(self, asked: Any) -> bool: ...
    def got(self, asked: Any) -> Any: ...


class EntryDifference(msgspec.Struct, frozen=True):
    """One thing in which an exchange differs from what a query asks for."""

    what: str
    wanted: Any
    got: Any

    def __str__(self) -> str:
        return quote_line(f"{self.what}: wanted {abbreviate_value(self.wanted)}, got {abbreviate_value(self.got)}")


class JournalQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which exchanges are asked for; an attribute that is left out excludes nothing.

    Attributes:
        operation: operationIds.
        fault: a fault on the wire by its name; `any` and `none` say whether there was one.
        answered: whether the client has what there is for it; false while the request, or its answer, waits.
        after_number: only exchanges with a number above this.
        since: only exchanges from this moment on, in virtual microseconds.
        conditions: of the request, in the scenario language.
    """

    operation: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    scenario: str | None = None
    actor: str | None = None
    fault: str | None = None
    kept: bool | None = None
    answered: bool | None = None
    after_number: int = 0
    since: int | None = None
    conditions: tuple[Any, ...] = ()

    def may_include(self, hit_key: HitKey) -> bool:
        """Whether an exchange with this hit key may fit the query."""
        operation, status, fault, _ = hit_key
        return (
            (not self.operation or operation in self.operation)
            and (not self.status or status in self.status)
            and matches_fault(self.fault, fault)
        )

    def is_in_range(self, entry: JournalEntry) -> bool:
        """Whether an exchange is in the range of numbers and moments that is asked for."""
        return entry.number > self.after_number and (self.since is None or entry.now >= self.since)

    def holds(self, entry: JournalEntry) -> bool:
        return self.is_in_range(entry) and not self.differences(entry, first_only=True)

    def differences(self, entry: JournalEntry, first_only: bool = False) -> list[EntryDifference]:
        """In what an exchange differs from what is asked for, its secrets included.

        Args:
            first_only: stop at the first difference.
        """
        response = entry.response
        found: list[EntryDifference] = []
        # Of what is open nobody knows yet whether it will change something.
        kept = None if entry.is_open else response.committed
        plain: tuple[tuple[str, bool, Any, Any], ...] = (
            (
                "operation",
                not self.operation or entry.operation in self.operation,
                unwrap_single(self.operation),
                entry.operation,
            ),
            (
                "status",
                not self.status or response.status in self.status,
                unwrap_single(self.status),
                response.status or None,
            ),
            ("scenario", self.scenario in (None, response.scenario), self.scenario, response.scenario),
            ("actor", self.actor in (None, entry.actor), self.actor, entry.actor),
            ("fault", matches_fault(self.fault, response.fault), self.fault, response.fault or "none"),
            ("kept", self.kept in (None, kept), self.kept, kept),
            ("answered", self.answered in (None, entry.is_answered), self.answered, entry.is_answered),
        )
        for what, held, wanted, got in plain:
            if not held:
                found.append(EntryDifference(what, wanted, got if got != "" else "none"))
                if first_only:
                    return found
        for condition in self.conditions:
            if not condition.holds(entry):
                found.append(
                    EntryDifference(
                        f"{condition.place} {condition.name}",
                        condition.wanted,
                        condition.got(entry),
                    )
                )
                if first_only:
                    return found
        return found

    def __str__(self) -> str:
        words = [" or ".join(list_first(self.operation, str)) or "a request"]
        words += [f"by {self.actor}"] if self.actor else []
        words += list_first(self.conditions, lambda each: f"with {describe_condition(each)}")
        words += [f"answered {' or '.join(list_first(self.status, str))}"] if self.status else []
        words += [f"with fault {self.fault}"] if self.fault else []
        words += [f"by scenario {self.scenario}"] if self.scenario else []
        words += [] if self.answered is None else ["that was answered" if self.answered else "that still waits"]
        words += [] if self.kept is None else ["whose change was kept" if self.kept else "that changed nothing"]
        return quote_line(" ".join(words))


def matches_fault(wanted: str | None, fault: str) -> bool:
    if wanted is None:
        return True
    return bool(fault) if wanted == "any" else fault == ("" if wanted == "none" else wanted)


def unwrap_single(words: tuple[Any, ...]) -> Any:
    return words[0] if len(words) == 1 else list(words)


def describe_condition(condition: RequestCondition) -> str:
    redactor = Redactor()
    wanted = redactor.finish(redact_wanted_value(redactor, condition.place, condition.name, condition.wanted))
    return f"{condition.place} {condition.name} {abbreviate_value(wanted)}"


def redact_difference(redactor: Redactor, difference: EntryDifference) -> EntryDifference:
    """A difference without the secrets in it; of equal secrets the same is shown.

    Args:
        redactor: of the exchange, which knows its secrets.
    """
    place, _, name = difference.what.partition(" ")
    if not name:
        return difference
    wanted = redact_wanted_value(redactor, place, name, difference.wanted)
    got = redact_place_value(redactor, place, name, difference.got)
    return EntryDifference(difference.what, redactor.finish(wanted), redactor.finish(got))


def redact_wanted_value(redactor: Redactor, place: str, name: str, wanted: Any) -> Any:
    """What a condition asks for: a value, or a JSON Schema, which has values under `const` and `enum`."""
    if not isinstance(wanted, Mapping):
        return redact_place_value(redactor, place, name, wanted)
    redacted = dict(wanted)
    if "const" in wanted:
        redacted["const"] = redact_place_value(redactor, place, name, wanted["const"])
    if isinstance(wanted.get("enum"), list):
        redacted["enum"] = [redact_place_value(redactor, place, name, each) for each in wanted["enum"]]
    return redacted


def redact_place_value(redactor: Redactor, place: str, name: str, value: Any) -> Any:
    """What stands in a place of a request: a header's text, the texts of a parameter, a value of the body."""
    if place == "body":
        return redactor.redact_field(name, value)
    if isinstance(value, list):
        return [redact_place_value(redactor, place, name, each) for each in value]
    if not isinstance(value, str):
        return value
    if place == "headers":
        return redactor.redact_header(name, value)
    is_secret = is_secret_parameter(name) if place == "query" else is_secret_name(name)
    return redactor.hide(value) if is_secret else redactor.redact_value(value)


def abbreviate_value(value: Any, longest: int = 120) -> str:
    """A value in a line, cut where it is long."""
    if isinstance(value, Mapping | list | tuple) or value is None or isinstance(value, bool):
        text = msgspec.json.encode(value).decode()
    else:
        text = str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


VerdictResult = Literal["holds", "does_not_hold", "cannot_be_known"]

MAX_NEAREST_ENTRIES = 3
"""How many of the nearest exchanges a result names."""

MAX_COMPARED_ENTRIES = 2_000
"""How many of the latest exchanges are looked through for the nearest."""

GAP_TOLERANCE = 2_000
"""Microseconds by which a gap may be too short, since two clocks measured it."""

Gaps = tuple[int, ...] | Literal["growing"] | None
"""The least waits between one and the next in microseconds; or `growing`: each longer than the one before."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What is expected of the exchanges that a query asks for.

    Attributes:
        times, at_least, at_most: how many there are; with none of them, at least one.
        gaps: the waits between them, from each answer to the next request.
    """

    query: JournalQuery
    times: int | None = None
    at_least: int | None = None
    at_most: int | None = None
    gaps: Gaps = None

    @property
    def least(self) -> int:
        if self.times is not None:
            return self.times
        if self.at_least is not None:
            return self.at_least
        if isinstance(self.gaps, tuple):
            return len(self.gaps) + 1
        return 0 if self.at_most is not None else 1

    @property
    def most(self) -> int | None:
        return self.at_most if self.times is None else self.times

    def expected_count_text(self) -> str:
        if self.times is not None:
            return f"exactly {format_times(self.times)}"
        bounds = [f"at least {format_times(self.least)}"] if self.least or self.most is None else []
        if self.at_most is not None:
            bounds.append(f"at most {format_times(self.at_most)}")
        return " and ".join(bounds)


class NearEntry(msgspec.Struct, frozen=True):
    """An exchange that is nearly what was asked for, and in what it differs."""

    number: int
    differences: tuple[EntryDifference, ...]


class VerificationResult(msgspec.Struct, frozen=True):
    """Whether an expectation holds, and why.

    Attributes:
        message: one sentence.
        matched: the numbers of the exchanges that fit.
        dropped: how many that might fit were dropped from the journal.
    """

    result: VerdictResult
    message: str
    matched: tuple[int, ...] = ()
    nearest: tuple[NearEntry, ...] = ()
    dropped: int = 0


def verify_expectation(journal: Journal, expected: Expectation) -> VerificationResult:
    """Whether a journal holds as many exchanges as expected, with the gaps expected."""
    query = expected.query
    matched = [entry for entry in journal if query.holds(entry)]
    dropped = count_dropped_candidates(journal, query)
    numbers = tuple(entry.number for entry in matched)
    count, least, most = len(matched), expected.least, expected.most
    message = f"expected {query} {expected.expected_count_text()}, saw {format_times(count)}"
    too_many = most is not None and count > most
    if too_many or (count < least and not dropped):
        if too_many:
            return VerificationResult("does_not_hold", message, numbers)
        nearest = find_nearest_entries(journal, query)
        return VerificationResult("does_not_hold", message + note_silence(journal, nearest), numbers, nearest)
    if count < least or (dropped and most is not None):
        return VerificationResult(
            "cannot_be_known", f"{message}; {dropped_entries_note(dropped)}", numbers, (), dropped
        )
    wrong = find_wrong_gap(matched, expected.gaps)
    if wrong is not None:
        return VerificationResult("does_not_hold", f"expected {query} {wrong}", numbers)
    if dropped and expected.gaps is not None:
        return VerificationResult(
            "cannot_be_known", f"expected gaps between {query}; {dropped_entries_note(dropped)}", numbers, (), dropped
        )
    return VerificationResult("holds", message, numbers, (), dropped)


def verify_order(journal: Journal, queries: tuple[JournalQuery, ...]) -> VerificationResult:
    """Whether exchanges that fit the queries came in their order; others may lie between them."""
    found: list[JournalEntry] = []
    entries = iter(journal)
    for position, query in enumerate(queries):
        entry = next((each for each in entries if query.holds(each)), None)
        if entry is None:
            after = f" after #{found[-1].number}" if found else ""
            message = f"expected {query} as number {position + 1} of {len(queries)} in order, saw none{after}"
            numbers = tuple(each.number for each in found)
            dropped = sum(count_dropped_candidates(journal, each) for each in queries)
            if dropped:
                return VerificationResult(
                    "cannot_be_known", f"{message}; {dropped_entries_note(dropped)}", numbers, (), dropped
                )
            nearest = find_nearest_entries(journal, query, numbers[-1] if found else 0)
            nearest = (*find_entry_before(journal, query, numbers), *nearest)[:MAX_NEAREST_ENTRIES]
            return VerificationResult("does_not_hold", message + note_silence(journal, nearest), numbers, nearest)
        found.append(entry)
    message = "; then ".join(f"#{entry.number} {query}" for entry, query in zip(found, queries, strict=True))
    return VerificationResult("holds", f"saw in order: {message}", tuple(entry.number for entry in found))


def find_entry_before(journal: Journal, query: JournalQuery, numbers: tuple[int, ...]) -> tuple[NearEntry, ...]:
    """The latest exchange that fits a query and came too early for its order; none if there is none.

    Args:
        numbers: of those that came in order.
    """
    if not numbers:
        return ()
    early = [each.number for each in journal if each.number < numbers[-1] and query.holds(each)]
    difference = EntryDifference("order", f"after #{numbers[-1]}", "before it")
    return (NearEntry(early[-1], (difference,)),) if early else ()


def find_nearest_entries(journal: Journal, query: JournalQuery, after_number: int = 0) -> tuple[NearEntry, ...]:
    """The exchanges that differ least from what is asked for, the latest of equal ones first."""
    ranked: list[tuple[int, int, JournalEntry, list[EntryDifference]]] = []
    for entry in journal.after(max(after_number, query.after_number, journal.recorded - MAX_COMPARED_ENTRIES)):
        if not query.is_in_range(entry):
            continue
        differences = query.differences(entry)
        if not differences:
            continue
        # Another operation is farther away than any other difference.
        far = len(differences) + 3 * any(each.what == "operation" for each in differences)
        ranked.append((far, -entry.number, entry, differences))
    nearest = sorted(ranked, key=lambda each: each[:2])[:MAX_NEAREST_ENTRIES]
    return tuple(describe_near_entry(entry, differences) for _, _, entry, differences in nearest)


def describe_near_entry(entry: JournalEntry, differences: list[EntryDifference]) -> NearEntry:
    redacted = redact_entry(entry)
    shown = tuple(redact_difference(redacted.redactor, each) for each in differences)
    return NearEntry(entry.number, first_differences(shown))


def first_differences(differences: tuple[EntryDifference, ...]) -> tuple[EntryDifference, ...]:
    """The first differences, and a last one that says how many more there are."""
    more = len(differences) - MAX_LISTED
    rest = (EntryDifference(f"and {more} more", "as asked", "otherwise"),) if more > 0 else ()
    return (*differences[:MAX_LISTED], *rest)


def count_dropped_candidates(journal: Journal, query: JournalQuery) -> int:
    """How many exchanges were dropped from the journal that the query may ask for."""
    dropped = journal.dropped
    if not dropped or query.after_number >= journal.cleared_up_to + dropped:
        return 0
    if query.since is not None:
        first = next(iter(journal), None)
        if first is not None and first.now < query.since:
            return 0
    return journal.count_dropped(query.may_include)


def find_wrong_gap(entries: list[JournalEntry], gaps: Gaps) -> str | None:
    """The first gap that is not as expected, in words; None where all are."""
    if gaps is None:
        return None
    waits = [wait_between(one, other) for one, other in pairwise(entries)]
    if gaps == "growing":
        for number, (one, other) in enumerate(pairwise(waits), 2):
            if other <= one:
                return (
                    f"with growing gaps, gap {number} (#{entries[number - 1].number} to #{entries[number].number}) "
                    f"is {format_wait(other)} after {format_wait(one)}"
                )
        return None
    for number, (wait, least) in enumerate(zip(waits, gaps, strict=False), 1):
        if wait < least - GAP_TOLERANCE:
            return (
                f"with gap {number} at least {format_wait(least)}, "
                f"#{entries[number].number} came {format_wait(wait)} after the answer of #{entries[number - 1].number}"
            )
    return None


def wait_between(one: JournalEntry, other: JournalEntry) -> int:
    """Microseconds from the answer of one exchange to the request of another, by the clock that shows more.

    A client waits by its own clock, or by the foundation's where a test advances that in place of sleeping.
    """
    real_time, virtual = other.real_time - one.real_time, other.now - one.now
    return max(0, real_time - one.time_to_answer, virtual - one.virtual_time_to_answer)


def note_silence(journal: Journal, nearest: tuple[NearEntry, ...]) -> str:
    """What is to be said where no other exchange is near."""
    if nearest:
        return ""
    return "; nothing else came" if journal.recorded else "; no request has come at all"


def dropped_entries_note(dropped: int) -> str:
    return (
        f"{dropped} exchange{'s' if dropped > 1 else ''} that may count "
        f"{'were' if dropped > 1 else 'was'} dropped from the journal; start the server with a larger --max-journal"
    )


def format_times(times: int) -> str:
    return "1 time" if times == 1 else f"{times} times"


def format_wait(microseconds: int) -> str:
    return f"{microseconds / 1_000_000:.3f}".rstrip("0").rstrip(".") + "s"
