"""Retries: what counts as one, to the microsecond and to the word, and what is said of it."""

from email.utils import formatdate
from typing import Any

import pytest

from mockfoundry.journal.retries import RetryLimits, audit_retries, format_retry_table, judge_retries
from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import GAP_TOLERANCE
from tests.journal.test_journal import SECOND, Asked, given, journal_of

BUSY = given(503, headers=[(b"retry-after", b"2")])
CHANGED = {"committed": True, "state_changed": True}
NOW = 1_700_000_000 * SECOND


def dated(seconds: int) -> bytes:
    """A date so many seconds after NOW."""
    return formatdate(NOW // SECOND + seconds, usegmt=True).encode()


RETRY_AFTER: dict[str, tuple[bytes, float | None]] = {
    "seconds": (b"2", 2.0),
    "with blanks around": (b" 2 ", 2.0),
    "none": (b"0", 0.0),
    "the most digits": (b"999999999", 999_999_999.0),
    "a digit too many": (b"9999999999", None),
    "a digit of another kind": ("²".encode("latin-1"), None),
    "a unit": (b"2s", None),
    "a date": (dated(90), 90.0),
    "a date that is past": (dated(-90), 0.0),
    "nothing": (b"", None),
}
"""What an answer says, and how many seconds it asks to wait."""


@pytest.mark.parametrize("row", RETRY_AFTER)
def test_a_retry_after_is_read_as_seconds_or_as_a_date(row: str) -> None:
    text, asked = RETRY_AFTER[row]
    audit = audit_retries(
        journal_of((Asked(arrived=NOW), given(503, headers=[(b"retry-after", text)])), (Asked(arrived=NOW), given()))
    )
    assert [each.retry_after for chain in audit.chains for each in chain.repeats] == [asked]


@pytest.mark.parametrize(("short", "honoured"), [(GAP_TOLERANCE, True), (GAP_TOLERANCE + 1, False)])
def test_two_clocks_may_differ_by_the_tolerance_and_no_more(short: int, honoured: bool) -> None:
    audit = audit_retries(journal_of((Asked(), BUSY), (Asked(arrived=2 * SECOND - short), given())))
    assert audit.chains[0].repeats[0].honoured is honoured
    assert audit.dishonoured == (not honoured)


CHAINS: dict[str, tuple[list[dict[str, Any]], list[bool]]] = {
    "the first changed it": ([{"fault": "reset", **CHANGED}, {"status": 503}, CHANGED], [False, True]),
    "the second changed it": ([{"status": 503}, {"fault": "reset", **CHANGED}, CHANGED], [False, True]),
    "none before changed it": ([{"status": 503}, {"status": 503}, CHANGED], [False, False]),
}
"""A chain of requests, and which of its repeats did something twice."""


@pytest.mark.parametrize("row", CHAINS)
def test_any_earlier_request_of_the_chain_makes_a_change_the_second_one(row: str) -> None:
    responses, twice = CHAINS[row]
    audit = audit_retries(journal_of(*((Asked(), given(**each)) for each in responses)))
    assert [each.twice for each in audit.chains[0].repeats] == twice
    assert audit.twice == sum(twice)


def test_one_operation_is_looked_at_or_all() -> None:
    reads = [(Asked(operation="getProcess", method="GET"), given(503))] * 2
    journal = journal_of(*reads, (Asked(), given(503)), (Asked(), given(503)), (Asked(), given()))
    audits = [audit_retries(journal, operation) for operation in ("getProcess", "scaleProcess", "")]
    assert [(audit.requests, audit.repeats) for audit in audits] == [(2, 1), (3, 2), (5, 3)]


def test_what_was_dropped_counts_where_it_may_be_of_the_operation() -> None:
    reads = [(Asked(operation="getProcess", method="GET"), given())] * 40
    journal = journal_of(*reads, (Asked(), given()), max_bytes=2_000)
    assert journal.dropped > 0
    assert audit_retries(journal, "scaleProcess").dropped == 0
    assert audit_retries(journal, "getProcess").dropped == audit_retries(journal).dropped == journal.dropped
    assert judge_retries(audit_retries(journal), RetryLimits()).result == "cannot_be_known"


def test_of_an_unknown_route_the_query_and_the_body_must_be_the_same() -> None:
    def repeats(**other: Any) -> int:
        lost, again = (
            Asked(operation="", query_string=b"a=1"),
            Asked(**{"operation": "", "query_string": b"a=1", **other}),
        )
        return audit_retries(journal_of((lost, given(503)), (again, given()))).repeats

    assert repeats() == 1
    assert repeats(query_string=b"a=2") == 0
    assert repeats(content=b"{}") == 0


def two_kinds() -> Journal:
    """A request that was repeated too early, and did something twice; and one of an unknown route."""
    early = given(503, headers=[(b"retry-after", b"2")], **CHANGED)
    unknown: dict[str, Any] = {"operation": "", "method": "PUT", "target": "/v3/else"}
    return journal_of(
        (Asked(), early),
        (Asked(arrived=SECOND), given(**CHANGED)),
        (Asked(**unknown), given(404)),
        (Asked(**unknown, arrived=SECOND), given(404)),
    )


def test_only_what_a_test_forbids_is_held_against_a_client() -> None:
    audit = audit_retries(two_kinds())
    assert judge_retries(audit, RetryLimits()).message == "2 repeats in 4 requests, all within what is allowed"
    early = judge_retries(audit, RetryLimits(honours_retry_after=True))
    assert (early.message, early.matched) == (
        "expected Retry-After to be honoured, #2 repeated #1 after 1s, which asked for 2s",
        (1, 2),
    )
    twice = judge_retries(audit, RetryLimits(never_twice=True))
    assert twice.message == (
        "expected nothing to be done twice, #2 changed the world once more, after #1 had ended with 503"
    )
    often = judge_retries(audit, RetryLimits(max=0))
    assert often.message == "expected each request to be repeated at most 0 times, #1 was repeated 1 time"
    assert judge_retries(audit, RetryLimits(max=1)).result == "holds"


def test_one_request_and_one_repeat_are_told_as_one() -> None:
    one = audit_retries(journal_of((Asked(), given())))
    assert judge_retries(one, RetryLimits()).message == "0 repeats in 1 request, all within what is allowed"
    two = audit_retries(journal_of((Asked(), given(503)), (Asked(), given())))
    assert judge_retries(two, RetryLimits()).message == "1 repeat in 2 requests, all within what is allowed"
    unknown = Asked(operation="", method="PUT", target="/v3/else")
    far = judge_retries(audit_retries(journal_of(*[(unknown, given(404))] * 2)), RetryLimits(max=0))
    assert far.message.endswith("#1 was repeated 1 time")


def test_people_get_a_table_with_a_line_for_each_repeat() -> None:
    assert format_retry_table(audit_retries(two_kinds()), {3: "GET what is titled"}).splitlines() == [
        "request  after  wait    retry-after  honoured  done before  done twice  outcome  differs",
        "#1 scaleProcess /v3/processes/one/actions/scale",
        "  #2     503    1.000s  2s           no        yes          yes         202      -",
        "#3 GET what is titled",
        "  #4     404    1.000s  -            -         no           no          404      -",
    ]
    assert format_retry_table(audit_retries(journal_of((Asked(), given()))), {}) == "nothing was repeated"


def test_chains_and_repeats_are_shown_in_a_short_line() -> None:
    first, second = audit_retries(two_kinds()).chains
    assert repr((first, second)) == "(<Chain #1 scaleProcess ended=202 repeats=1>, <Chain #3 PUT ended=404 repeats=1>)"
    assert repr(first.repeats) == "[<Repeat #2 of #1 after 503 wait=1.000s outcome=202>]"
