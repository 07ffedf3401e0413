"""Lines: what was sent and what came, each exchange in a line of a hundred columns. Never judges one, knows no world.

All that shows exchanges to people shows these lines: the journal's text, a failed verification, a failed test's report.
Repeats in a row share a line, which begins with the first number and the last, how many they are, and their waits.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from mockfoundry.documents.quoting import quote_line
from mockfoundry.journal.entry import (
    ANYBODY,
    JournalEntry,
    RecordedResponse,
    RedactedEntry,
    entry_to_dict,
    redact_entry,
)
from mockfoundry.journal.secret_names import is_secret_name
from mockfoundry.journal.store import Journal
from mockfoundry.wire_faults import WIRE_FAULTS

MAX_LINE_WIDTH = 100

MIN_BODY_WIDTH = 20
"""How much of a body is shown before anything else of its line is cut."""

MIN_END_WIDTH = 12
"""Columns in which the beginning of a text says something."""

CLOSING_SIGNS = frozenset("}])>'\"")

MIN_FOLDED = 3
"""How many of the same share a line."""

MAX_FOLDED_PERIOD = 4
"""How many exchanges may be repeated in turn: a client that reads before each attempt repeats two or three."""

MAX_SEARCHED_BODY = 4_096
"""Characters of a body in which guids are replaced by names; a line shows fewer."""

CLEAR_DIFFERENCE = 250_000
"""Microseconds from which on two clocks are said to differ, if it is also a quarter of what the machine's shows."""

IMPLIED_TITLES = frozenset({"CF-RateLimitExceeded", "CF-ServiceUnavailable", "CF-UnprocessableEntity"})
"""Titles of errors that say no more than their status."""

Names = Mapping[str, str]
"""What the guids are called that exchanges have in them, as far as that is known: by `apps/GUID`, and by guid."""

NO_NAMES: Names = {}

_GUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_GUID_IN_TEXT = re.compile(rf"(?P<kind>[a-z_]+/)?(?P<guid>{_GUID.pattern})")


class Arrival(NamedTuple):
    """When a request came after the one before it, in microseconds.

    Attributes:
        wait: on the machine's clock, as its client waited.
        virtual_wait: on the foundation's clock, which a test may have stopped or moved.
    """

    wait: int
    virtual_wait: int


class LineParts(NamedTuple):
    """What a line says of an exchange, apart from its number and its time. Repeats have equal parts.

    Attributes:
        asked: the operation and what it is about, or the method and path of an unknown route; and whose it was.
        body: what was sent, and the query.
        came: the status and what a client acts on, or what came in its place.
        why: what decided it, where that was not the world, or why the world refused it.
    """

    asked: str
    body: str
    came: str
    why: str


class ListedEntry(NamedTuple):
    """An exchange with the one before it in its journal, None where that is not held."""

    entry: JournalEntry
    before: JournalEntry | None


class JournalLine(msgspec.Struct, frozen=True):
    """A line for one exchange, or for several of the same in a row.

    Attributes:
        first, last: their numbers.
        times: how many they are.
    """

    first: int
    last: int
    times: int
    line: str


def list_entries(journal: Journal, after: int = 0) -> Iterator[ListedEntry]:
    """The exchanges that are held with a higher number, oldest first."""
    before = journal.entry(after) if after else None
    for entry in journal.after(after):
        yield ListedEntry(entry, before)
        before = entry


def find_entry(journal: Journal, number: int) -> ListedEntry | None:
    """The exchange of a number, None where it is not held."""
    entry = journal.entry(number)
    return None if entry is None else ListedEntry(entry, journal.entry(number - 1))


def list_guids(listed: Iterable[ListedEntry]) -> set[str]:
    """The guids for which lines show names, if they are given them."""
    guids: set[str] = set()
    for entry, _ in listed:
        guids.update(entry.path.values())
        request = entry.request
        guids.update(_GUID.findall(request.target))
        for content in (request.query_string, request.content[:MAX_SEARCHED_BODY]):
            guids.update(_GUID.findall(content.decode("latin-1")))
    return guids


def describe_entry(listed: ListedEntry, names: Names = NO_NAMES) -> dict[str, Any]:
    """An exchange as JSON's values, with its line."""
    ((described, _),) = describe_entries([listed], names)
    return described


def describe_entries(listed: Iterable[ListedEntry], names: Names) -> Iterator[tuple[dict[str, Any], "ToldEntry"]]:
    """Exchanges as JSON's values, each with its line; and what their lines say, to be folded."""
    for each in listed:
        redacted = redact_entry(each.entry)
        told = tell_entry(each, names, redacted)
        yield {**entry_to_dict(each.entry, redacted), "line": told.line}, told


class ToldEntry(NamedTuple):
    """An exchange, and what its line says of it."""

    listed: ListedEntry
    parts: LineParts

    @property
    def line(self) -> str:
        """`#4 +0.9s scaleProcess dora/web {"instances":5} → 409 CF-Conflict Retry-After 5`."""
        return self.render_after("")

    def render_after(self, words: str) -> str:
        """The same behind some words, such as the name of its foundation, no wider than without them."""
        return fold_line([self.listed], self.parts, words).line


def tell_entry(listed: ListedEntry, names: Names = NO_NAMES, redacted: RedactedEntry | None = None) -> ToldEntry:
    """An exchange, and what its line says of it, secrets redacted.

    Args:
        redacted: what it shows of itself, if that is there already.
    """
    return ToldEntry(listed, tell_parts(listed.entry, names, redacted or redact_entry(listed.entry)))


def fold_entries(entries: Iterable[ToldEntry]) -> list[JournalLine]:
    """The lines of exchanges: what was repeated in a row shares one.

    So does what was repeated in turn with others: a line for #1, #3, #5, …, then one for #2, #4, #6, ….
    """
    told = list(entries)
    all_parts = [each.parts for each in told]
    lines: list[JournalLine] = []
    at = 0
    while at < len(told):
        period, times = find_repeats(all_parts, at)
        end = at + period * times
        lines += (
            fold_line([each.listed for each in told[start:end:period]], all_parts[start])
            for start in range(at, at + period)
        )
        at = end
    return lines


def find_repeats(all_parts: list[LineParts], at: int) -> tuple[int, int]:
    """How many exchanges from a place on are repeated in turn, and how often they are there; 1 and 1 for no repeats."""
    best = (1, 1)
    for period in range(1, MAX_FOLDED_PERIOD + 1):
        block, times = all_parts[at : at + period], 1
        while all_parts[at + times * period : at + (times + 1) * period] == block:
            times += 1
        if times >= MIN_FOLDED and period * times > best[0] * best[1]:
            best = (period, times)
    return best


def fold_line(same: list[ListedEntry], parts: LineParts, words: str = "") -> JournalLine:
    """The line of exchanges that are the same.

    Args:
        words: that it begins with.
    """
    first, last, times = same[0].entry.number, same[-1].entry.number, len(same)
    head = f"#{first} " if times == 1 else f"#{first}-{last} ×{times} "
    return JournalLine(first, last, times, fit_line(words + head + describe_arrivals(list_arrivals(same)), parts))


def list_arrivals(listed: Iterable[ListedEntry]) -> list[Arrival]:
    """How long after the request before each one came, where that is known."""
    return [
        Arrival(entry.real_time - before.real_time, entry.now - before.now)
        for entry, before in listed
        if before is not None
    ]


def describe_arrivals(arrivals: list[Arrival]) -> str:
    """Waits as a line begins with them: `+0.9s `, `+8ms-0.3s `, `+8-12ms `.

    What the foundation's clock shows stands there only if it is clearly another time: `+9ms (clock +30s) `.
    """
    if not arrivals:
        return ""
    text = f"+{format_range([max(0, each.wait) for each in arrivals])} "
    if any(abs(each.virtual_wait - each.wait) >= max(CLEAR_DIFFERENCE, each.wait / 4) for each in arrivals):
        text += f"(clock {format_range([each.virtual_wait for each in arrivals], '+')}) "
    return text


def format_range(waits: list[int], sign: str = "") -> str:
    least, most = format_short_wait(min(waits)), format_short_wait(max(waits))
    least, most = (each if each.startswith("-") else sign + each for each in (least, most))
    if least == most:
        return least
    if min(waits) < 0:
        return f"{least} to {most}"
    unit = least.lstrip("+.0123456789")
    return f"{least.removesuffix(unit) if most.lstrip('+.0123456789') == unit else least}-{most.removeprefix(sign)}"


def format_short_wait(microseconds: int) -> str:
    """A wait as briefly as it can be compared with others: `8ms`, `0.3s`, `30s`, `5m`, `-2s`."""
    if microseconds < 0:
        return f"-{format_short_wait(-microseconds)}"
    if microseconds < 95_000:
        return f"{round(microseconds / 1000)}ms"
    seconds = round(microseconds / 1_000_000, 1)
    if seconds < 120:
        return f"{seconds:g}s"
    return f"{round(seconds / 60, 1):g}m" if seconds < 3600 else f"{round(seconds / 3600, 1):g}h"


def tell_parts(entry: JournalEntry, names: Names, shown: RedactedEntry) -> LineParts:
    """What the line of an exchange says, apart from its number and its time."""
    asked = describe_request(entry, names, shown)
    body = describe_body(entry, names, shown)
    return LineParts(*map(quote_line, (asked, body, describe_outcome(entry, shown), describe_why(entry, shown))))


def describe_request(entry: JournalEntry, names: Names, shown: RedactedEntry) -> str:
    """What was asked: `scaleProcess dora/web`, with `as alice` where it was not an admin; `GET /v3/nothing`."""
    words = describe_subject(entry, names, shown)
    return f"{words} as {entry.actor}" if entry.actor not in ("", ANYBODY) else words


def list_titles(listed: Iterable[ListedEntry], names: Names) -> dict[int, str]:
    """What exchanges asked for, by their numbers."""
    return {entry.number: describe_request(entry, names, redact_entry(entry)) for entry, _ in listed}


def describe_subject(entry: JournalEntry, names: Names, shown: RedactedEntry) -> str:
    """An operation and what it is about, or the method and path of an unknown route."""
    if not entry.operation:
        return f"{entry.request.method} {shorten_guids(shown.address.partition('?')[0], names)}"
    redactor = shown.redactor
    # Marks of secrets are set before any value is shown, so that what repeats one is found.
    marked = [
        (value, redactor.hide(value) if is_secret_name(name) else redactor.redact_path(value))
        for name, value in entry.path.items()
    ]
    segments = entry.request.target.split("/")
    values = [
        names.get(f"{segments[segments.index(value) - 1]}/{value}" if value in segments else value)
        or shorten_guids(redactor.redact_own_text(mark), names)
        for value, mark in marked
    ]
    return f"{entry.operation} {'/'.join(values)}".rstrip()


def shorten_guids(text: str, names: Names) -> str:
    """Text with names in place of guids, as `<dora/web>`; a guid that has no name is cut."""

    def shorten(found: re.Match[str]) -> str:
        kind, guid = found["kind"] or "", found["guid"]
        name = names.get(f"{kind}{guid}") or names.get(guid)
        return f"{kind}<{name}>" if name else f"{kind}{guid[:8]}…"

    return _GUID_IN_TEXT.sub(shorten, text)


def describe_body(entry: JournalEntry, names: Names, shown: RedactedEntry) -> str:
    """What was sent: the query, and the body."""
    _, mark, query = shown.address.partition("?")
    texts = [f"{mark}{query}"] if query else []
    if shown.body is not None:
        is_text = isinstance(shown.body, str) and isinstance(entry.body, msgspec.UnsetType)
        texts.append(shown.body if is_text else msgspec.json.encode(shown.body).decode())
    return " ".join(shorten_guids(each[:MAX_SEARCHED_BODY], names) for each in texts)


def describe_outcome(entry: JournalEntry, shown: RedactedEntry) -> str:
    """What came, as its client acts on it: `202`, `409 CF-Conflict Retry-After 5`, `reset (change kept)`."""
    response = entry.response
    if entry.is_open:
        return "still waits"
    words = [describe_result(response)]
    if response.status >= 400 and not response.fault:
        title = find_error_title(shown.answer)
        words += [title] if title and title not in IMPLIED_TITLES else []
        wait = shown.answer_headers.get("retry-after", "")
        words += [f"Retry-After {wait}"] if wait else []
    if entry.time_to_answer:
        words.append(f"after {format_short_wait(entry.time_to_answer)}")
    text = " ".join(words)
    notes = ["change kept"] if entry.lost else []
    notes += ["client left"] if entry.was_left else []
    return f"{text} ({', '.join(notes)})" if notes else text


def describe_result(response: RecordedResponse) -> str:
    """The status that a client has, and the fault that it met."""
    if not response.fault:
        return str(response.status) if response.status else "no answer"
    has_status = response.status and WIRE_FAULTS[response.fault].sends_headers
    return f"{response.status} {response.fault}" if has_status else response.fault


def find_error_title(answer: Any) -> str:
    """The title of the first error in the Cloud Controller's body, or UAA's word for it; empty where there is none."""
    if isinstance(answer, str) and answer.startswith("{"):
        # The rate limiter sends JSON as text.
        try:
            answer = msgspec.json.decode(answer)
        except (ValueError, RecursionError):
            return ""
    if not isinstance(answer, Mapping):
        return ""
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else answer
    title = first.get("title") or first.get("error") if isinstance(first, Mapping) else ""
    return title if isinstance(title, str) else ""


def describe_why(entry: JournalEntry, shown: RedactedEntry) -> str:
    """What decided an answer: the rule of a scenario; why it was refused, or what made it, where no rule did."""
    response = entry.response
    words = f"by rule {response.rule} of {response.scenario}" if response.scenario else ""
    if response.decided_by == "scenario" or response.fault:
        return words
    if response.status < 400 and response.decided_by == "world":
        return words
    # Reasons of several parts are those of rules that let it pass, then what decided it, then advice.
    reasons = [each for each in shown.reason.split("; ") if not each.startswith("scenario ")]
    reason = reasons[0].removeprefix("world: ").removeprefix("contract: ") if reasons else ""
    return ": ".join(filter(None, (words, reason)))


def fit_line(head: str, parts: LineParts) -> str:
    """A line no wider than it may be. The status is never cut; why is cut first, then the body, then what was asked."""
    asked, body, came, why = parts
    if why:
        why = f" {why}" if why.startswith("by ") else f": {why}"
    room = MAX_LINE_WIDTH - len(head)
    came = cut_end(f" → {came}", max(room - MIN_BODY_WIDTH, MIN_END_WIDTH))
    room -= len(came)
    least_body = min(len(body) + 1, MIN_BODY_WIDTH) if body else 0
    asked = cut_middle(asked, max(room - least_body, MIN_BODY_WIDTH))
    room -= len(asked)
    if body:
        body = cut_middle(f" {body}", min(max(room - len(why), least_body), room))
        room -= len(body)
    return f"{head}{asked}{body}{came}{cut_end(why, room)}"


def cut_middle(text: str, width: int) -> str:
    """Text that is not wider: of a longer one the beginning, and the bracket or quote that closes it."""
    if len(text) <= width:
        return text
    ending = text[-1] if text[-1] in CLOSING_SIGNS and width > 1 else ""
    return f"{text[: width - 1 - len(ending)]}…{ending}" if width > 0 else ""


def cut_end(text: str, width: int) -> str:
    """Text that is not wider: of a longer one the beginning, and nothing where that would say nothing."""
    if len(text) <= width:
        return text
    return f"{text[: width - 1]}…" if width >= MIN_END_WIDTH else ""
