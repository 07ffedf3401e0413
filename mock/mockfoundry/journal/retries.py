"""Retries: what clients sent again, after what, how soon, and whether it did something twice. Changes nothing.

A request repeats an earlier one if it is of the same operation on the same resource by the same client (its user and
its User-Agent), and the earlier one failed for the client: status 400 or more, a fault on the wire, or it left before
an answer came. Its body may differ: a client that looks again and decides again repeats, too, and may do too much if
the lost request had been done; the audit says in what it differs. Its token may differ: after a 401 a client sends a
new one, and nobody knows whose the old one was. The parameters of its query may have another order.
"""

from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from mockfoundry.journal.entry import NO_BODY, JournalEntry, redact_entry
from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import (
    GAP_TOLERANCE,
    VerificationResult,
    abbreviate_value,
    dropped_entries_note,
    format_times,
    format_wait,
    wait_between,
)


class Repeat(msgspec.Struct, frozen=True):
    """One request that was sent again.

    Attributes:
        number, of: of the repeat, and of the request that it repeats.
        after: the status or the fault of that one, `left` where the client left before an answer came.
        wait: seconds from its answer to the repeat, on the machine's clock or the foundation's, whichever says more.
        retry_after: the seconds in that one's Retry-After; None where it had none.
        honoured: whether the client waited that long; None where there was no Retry-After.
        lost: whether the request that it repeats had been done, and only the answer was lost.
        twice: whether the repeat changed the world, after an earlier request of the chain had.
        outcome: its own status or fault, `open` while it waits.
        differs: in what its body differs from that one's, in words; empty where it wants the same.
    """

    number: int
    of: int
    after: str
    wait: float
    retry_after: float | None
    honoured: bool | None
    lost: bool
    twice: bool
    outcome: str
    differs: list[str]

    def __repr__(self) -> str:
        return f"<Repeat #{self.number} of #{self.of} after {self.after} wait={self.wait:.3f}s outcome={self.outcome}>"


class Chain(msgspec.Struct):
    """One request with its repeats.

    Attributes:
        first: the number of the request that was repeated first.
        ended: the last one's status or fault.
        gave_up: whether the client stopped without success.
    """

    operation: str
    method: str
    path: str
    first: int
    ended: str
    gave_up: bool
    repeats: list[Repeat] = []

    def __repr__(self) -> str:
        return f"<Chain #{self.first} {self.operation or self.method} ended={self.ended} repeats={len(self.repeats)}>"

    @property
    def waits(self) -> list[float]:
        return [each.wait for each in self.repeats]


class RetryAudit(msgspec.Struct):
    """Everything that clients repeated, in the order of the first requests.

    Attributes:
        requests: how many exchanges were looked at.
        dropped: how many were dropped from the journal before.
        repeats: how many there were; of these `dishonoured` came too early, `twice` did something twice.
    """

    requests: int
    dropped: int
    repeats: int
    dishonoured: int
    twice: int
    chains: list[Chain]


class RetryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a test allows.

    Attributes:
        max: repeats of one request at most; None for any number.
        honours_retry_after: whether no wait may be shorter than a Retry-After asked for.
        never_twice: whether no repeat may change the world after an earlier request of its chain had.
    """

    max: int | None = None
    honours_retry_after: bool = False
    never_twice: bool = False


def audit_retries(journal: Journal, operation: str = "", within: int | None = None) -> RetryAudit:
    """What clients repeated, of one operation or of all.

    Args:
        within: microseconds after which a request repeats no earlier one; None for never.
    """
    chains: list[Chain] = []
    latest: dict[ResourceKey, dict[str, tuple[JournalEntry, Chain, bool]]] = {}
    count = 0
    for entry in journal:
        if operation and entry.operation != operation:
            continue
        count += 1
        by_user = latest.setdefault(resource_key_of(entry), {})
        user = choose_user(entry.actor, by_user)
        before = by_user.pop(user, None)
        user = entry.actor or user
        if before is None or not before[0].failed or is_too_late_to_repeat(before[0], entry, within):
            chain = Chain(entry.operation, entry.request.method, "", entry.number, entry.outcome, entry.failed)
            by_user[user] = (entry, chain, entry.response.state_changed)
            continue
        previous, chain, changed = before
        if not chain.repeats:
            chain.path = redact_entry(previous).address
            chains.append(chain)
        chain.repeats.append(build_repeat(previous, entry, changed))
        chain.ended, chain.gave_up = entry.outcome, entry.failed
        by_user[user] = (entry, chain, changed or entry.response.state_changed)
    chains.sort(key=lambda each: each.first)
    repeats = [each for chain in chains for each in chain.repeats]
    return RetryAudit(
        requests=count,
        dropped=journal.count_dropped(lambda hit_key: operation in ("", hit_key[0])),
        repeats=len(repeats),
        dishonoured=sum(each.honoured is False for each in repeats),
        twice=sum(each.twice for each in repeats),
        chains=chains,
    )


ResourceKey = tuple[str | bytes | tuple[tuple[str, ...], ...], ...]


def resource_key_of(entry: JournalEntry) -> ResourceKey:
    """What two requests have in common where one may repeat the other: resource and User-Agent."""
    request = entry.request
    reads = request.method in ("GET", "HEAD")
    query = normalize_query(request.query_string) if reads or not entry.operation else ()
    content = b"" if entry.operation else request.content
    return request.method, entry.path_in_foundation, query, content, entry.header(b"user-agent")


def normalize_query(query_string: bytes) -> tuple[tuple[str, ...], ...]:
    """A query whose order says nothing: its parameters sorted, and the values in a list with commas too."""
    if not query_string:
        return ()
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="replace")
    return tuple(sorted((name, *sorted(value.split(","))) for name, value in pairs))


def choose_user(actor: str, by_user: Iterable[str]) -> str:
    """Whose request an exchange may repeat.

    Args:
        actor: who sends it, empty where nobody knows.
        by_user: those who have sent one, the latest last.
    """
    users = tuple(by_user)
    if actor in users or not users:
        return actor
    return "" if actor else users[-1]


def is_too_late_to_repeat(previous: JournalEntry, entry: JournalEntry, within: int | None) -> bool:
    return within is not None and wait_between(previous, entry) > within


def build_repeat(previous: JournalEntry, entry: JournalEntry, changed: bool) -> Repeat:
    """One repeat; `changed` says whether any of the earlier ones changed the world."""
    wait = wait_between(previous, entry)
    asked = parse_retry_after(previous)
    return Repeat(
        number=entry.number,
        of=previous.number,
        after=previous.outcome,
        wait=wait / 1_000_000,
        retry_after=None if asked is None else asked / 1_000_000,
        honoured=None if asked is None else wait >= asked - GAP_TOLERANCE,
        lost=previous.lost,
        twice=changed and entry.response.state_changed,
        outcome=entry.outcome,
        differs=list(find_body_differences(previous, entry)),
    )


MAX_DIFFERENCES = 5
"""How many fields of a body are named in which a repeat differs."""


def find_body_differences(previous: JournalEntry, entry: JournalEntry) -> Iterator[str]:
    """In what the body of a repeat differs, in words, secrets redacted: `instances: 5 in place of 3`."""
    if entry.request.content == previous.request.content:
        return
    before, after = previous.body, entry.body
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        if NO_BODY in (before, after) or before != after:
            yield "another body"
        return
    differing = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
    before, after = redact_entry(previous).body, redact_entry(entry).body
    for name in differing[:MAX_DIFFERENCES]:
        yield f"{abbreviate_value(name, 40)}: {describe_field(after, name)} in place of {describe_field(before, name)}"
    if len(differing) > MAX_DIFFERENCES:
        yield f"and {len(differing) - MAX_DIFFERENCES} more"


def describe_field(body: Mapping[str, Any], name: str) -> str:
    return abbreviate_value(body[name], 60) if name in body else "nothing"


def parse_retry_after(entry: JournalEntry) -> int | None:
    """Microseconds that an answer asks to wait: seconds, or a date on the foundation's clock [RFC 9110, 10.2.3]."""
    if entry.response.fault:
        return None
    return parse_wait(entry.response.header(b"retry-after"), entry.now + entry.response.virtual_waited)


def parse_wait(text: str, now: int) -> int | None:
    """Microseconds from a moment on that a Retry-After asks to wait; None where it is empty, or asks for nothing.

    Args:
        now: virtual microseconds.
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text) * 1_000_000
    try:
        return max(0, int(parsedate_to_datetime(text).timestamp() * 1_000_000) - now) if text else None
    except (ValueError, OverflowError):
        return None


def judge_retries(audit: RetryAudit, limits: RetryLimits) -> VerificationResult:
    """Whether an audit is within what a test allows; the message names the first repeat that is not."""
    for chain in audit.chains:
        if limits.max is not None and len(chain.repeats) > limits.max:
            allowed, times = format_times(limits.max), format_times(len(chain.repeats))
            message = f"expected each request to be repeated at most {allowed}, #{chain.first} was repeated {times}"
            return VerificationResult("does_not_hold", message, chain_numbers_of(chain))
        for each in chain.repeats:
            if limits.honours_retry_after and each.honoured is False:
                waited, asked = format_wait(int(each.wait * 1e6)), format_wait(int((each.retry_after or 0) * 1e6))
                message = f"#{each.number} repeated #{each.of} after {waited}, which asked for {asked}"
                return VerificationResult(
                    "does_not_hold", f"expected Retry-After to be honoured, {message}", chain_numbers_of(chain)
                )
            if limits.never_twice and each.twice:
                message = f"#{each.number} changed the world once more, after #{each.of} had ended with {each.after}"
                return VerificationResult(
                    "does_not_hold", f"expected nothing to be done twice, {message}", chain_numbers_of(chain)
                )
    repeats = f"{audit.repeats} repeat{'' if audit.repeats == 1 else 's'}"
    message = f"{repeats} in {audit.requests} request{'' if audit.requests == 1 else 's'}, all within what is allowed"
    if audit.dropped:
        return VerificationResult(
            "cannot_be_known", f"{message}; {dropped_entries_note(audit.dropped)}", (), (), audit.dropped
        )
    return VerificationResult("holds", message)


def chain_numbers_of(chain: Chain) -> tuple[int, ...]:
    return (chain.first, *(each.number for each in chain.repeats))


RETRY_COLUMNS = (
    *("request", "after", "wait", "retry-after", "honoured"),
    *("done before", "done twice", "outcome", "differs"),
)


def format_retry_table(audit: RetryAudit, titles: Mapping[int, str]) -> str:
    """An audit as a table for people.

    Args:
        titles: what the first request of each chain asked for, by its number; its path stands for one that is missing.
    """
    rows = [describe_repeat(each) for chain in audit.chains for each in chain.repeats]
    head, *repeats = align_columns([RETRY_COLUMNS, *rows])
    lines = [head] if audit.chains else ["nothing was repeated"]
    for chain in audit.chains:
        title = titles.get(chain.first) or f"{chain.operation or chain.method} {chain.path}"
        lines += [f"#{chain.first} {title}", *repeats[: len(chain.repeats)]]
        del repeats[: len(chain.repeats)]
    if audit.dropped:
        lines.append(f"{audit.dropped} exchanges were dropped from the journal and are not looked at")
    return "\n".join(lines)


def describe_repeat(repeat: Repeat) -> tuple[str, ...]:
    """A repeat as a row of the table."""
    return (
        f"  #{repeat.number}",
        repeat.after,
        f"{repeat.wait:.3f}s",
        "-" if repeat.retry_after is None else f"{repeat.retry_after:g}s",
        "-" if repeat.honoured is None else yes_or_no(repeat.honoured),
        yes_or_no(repeat.lost),
        yes_or_no(repeat.twice),
        repeat.outcome,
        "; ".join(repeat.differs) or "-",
    )


def yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def align_columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines, each column as wide as its widest word."""
    all_rows = list(rows)
    widths = [max(len(row[column]) for row in all_rows) for column in range(len(all_rows[0]))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in all_rows]
