"""Retries: what clients sent again, after what, how soon, and whether it did something twice. Changes nothing.

A request repeats an earlier one if it is of the same operation on the same resource by the same client (by its
User-Agent), and the earlier one failed for the client: status 400 or more, or a fault on the wire. Its body may differ:
a client that looks again and decides again repeats, too, and may do too much if the lost request had been done. Its
token may differ: after a 401 a client sends a new one.
"""

from collections.abc import Iterable
from email.utils import parsedate_to_datetime

import msgspec

from mockfoundry.journal.entry import JournalEntry, redact_entry
from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import (
    GAP_TOLERANCE,
    VerificationResult,
    dropped_entries_note,
    format_times,
    format_wait,
    wait_between,
)


class Repeat(msgspec.Struct, frozen=True):
    """One request that was sent again.

    Attributes:
        number, of: of the repeat, and of the request that it repeats.
        after: the status or the fault of that one.
        wait: seconds from its answer to the repeat, on the machine's clock or the foundation's, whichever says more.
        retry_after: the seconds in that one's Retry-After; None where it had none.
        honoured: whether the client waited that long; None where there was no Retry-After.
        lost: whether the request that it repeats had been done, and only the answer was lost.
        twice: whether the repeat changed the world, after an earlier request of the chain had.
        outcome: its own status or fault.
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
    latest: dict[tuple[str | bytes, ...], tuple[JournalEntry, Chain, bool]] = {}
    count = 0
    for entry in journal:
        if operation and entry.operation != operation:
            continue
        count += 1
        response = entry.response
        key = resource_key_of(entry)
        before = latest.get(key)
        if before is None or not before[0].response.failed or is_too_late_to_repeat(before[0], entry, within):
            chain = Chain(entry.operation, entry.request.method, "", entry.number, response.outcome, response.failed)
            latest[key] = (entry, chain, response.state_changed)
            continue
        previous, chain, changed = before
        if not chain.repeats:
            chain.path = redact_entry(previous).address
            chains.append(chain)
        chain.repeats.append(build_repeat(previous, entry, changed))
        chain.ended, chain.gave_up = response.outcome, response.failed
        latest[key] = (entry, chain, changed or response.state_changed)
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


def resource_key_of(entry: JournalEntry) -> tuple[str | bytes, ...]:
    """What two requests have in common where one may repeat the other: resource and client."""
    request = entry.request
    reads = request.method in ("GET", "HEAD")
    query_string = request.query_string if reads or not entry.operation else b""
    content = b"" if entry.operation else request.content
    return request.method, entry.path_in_foundation, query_string, content, entry.header(b"user-agent")


def is_too_late_to_repeat(previous: JournalEntry, entry: JournalEntry, within: int | None) -> bool:
    return within is not None and wait_between(previous, entry) > within


def build_repeat(previous: JournalEntry, entry: JournalEntry, changed: bool) -> Repeat:
    """One repeat; `changed` says whether any of the earlier ones changed the world."""
    wait = wait_between(previous, entry)
    asked = parse_retry_after(previous)
    return Repeat(
        number=entry.number,
        of=previous.number,
        after=previous.response.outcome,
        wait=wait / 1_000_000,
        retry_after=None if asked is None else asked / 1_000_000,
        honoured=None if asked is None else wait >= asked - GAP_TOLERANCE,
        lost=previous.response.lost,
        twice=changed and entry.response.state_changed,
        outcome=entry.response.outcome,
    )


def parse_retry_after(entry: JournalEntry) -> int | None:
    """Microseconds that an answer asks to wait: seconds, or a date on the foundation's clock [RFC 9110, 10.2.3]."""
    if entry.response.fault:
        return None
    return parse_wait(entry.response.header(b"retry-after"), entry.now)


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
        request = f"{chain.operation or chain.method} {chain.path} (first #{chain.first})"
        if limits.max is not None and len(chain.repeats) > limits.max:
            times = format_times(len(chain.repeats))
            message = f"expected at most {format_times(limits.max)} repeated, {request} was repeated {times}"
            return VerificationResult("does_not_hold", message, chain_numbers_of(chain))
        for each in chain.repeats:
            if limits.honours_retry_after and each.honoured is False:
                waited, asked = format_wait(int(each.wait * 1e6)), format_wait(int((each.retry_after or 0) * 1e6))
                message = f"#{each.number} repeated #{each.of} after {waited}, asked were {asked}: {request}"
                return VerificationResult(
                    "does_not_hold", f"expected Retry-After to be honoured, {message}", chain_numbers_of(chain)
                )
            if limits.never_twice and each.twice:
                message = f"#{each.number} changed the world once more, #{each.of} ended with {each.after}: {request}"
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


def format_retry_table(audit: RetryAudit) -> str:
    """An audit as a table for people."""
    rows = [("request", "after", "wait", "retry-after", "honoured", "done before", "done twice", "outcome")]
    for chain in audit.chains:
        rows.append((f"#{chain.first} {chain.operation or chain.method} {chain.path}", "", "", "", "", "", "", ""))
        for each in chain.repeats:
            asked = "-" if each.retry_after is None else f"{each.retry_after:g}s"
            honoured = "-" if each.honoured is None else yes_or_no(each.honoured)
            wait = f"{each.wait:.3f}s"
            row = (
                f"  #{each.number}",
                each.after,
                wait,
                asked,
                honoured,
                yes_or_no(each.lost),
                yes_or_no(each.twice),
                each.outcome,
            )
            rows.append(row)
    lines = align_columns(rows) if audit.chains else ["nothing was repeated"]
    if audit.dropped:
        lines.append(f"{audit.dropped} exchanges were dropped from the journal and are not looked at")
    return "\n".join(lines)


def yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def align_columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines, each column as wide as its widest word."""
    all_rows = list(rows)
    widths = [max(len(row[column]) for row in all_rows) for column in range(len(all_rows[0]))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in all_rows]
