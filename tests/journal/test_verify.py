"""Verification: the words in which an expectation and its failure are told, and what is known of what was dropped."""

from typing import Any

import pytest

from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import Expectation, Gaps, JournalQuery, verify_expectation, verify_order
from mockfoundry.scenarios.conditions import compile_conditions
from tests.journal.test_journal import SCALE, SECOND, Asked, given, journal_of, scales

COUNTS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing said": ({}, "at least 1 time"),
    "once": ({"times": 1}, "exactly 1 time"),
    "so often": ({"times": 3}, "exactly 3 times"),
    "a bound below": ({"at_least": 2}, "at least 2 times"),
    "a bound above": ({"at_most": 2}, "at most 2 times"),
    "both": ({"at_least": 1, "at_most": 3}, "at least 1 time and at most 3 times"),
    "any number": ({"at_least": 0}, "at least 0 times"),
    "gaps": ({"gaps": (SECOND, SECOND)}, "at least 3 times"),
}
"""What is expected, and how it is told."""


@pytest.mark.parametrize("row", COUNTS)
def test_an_expected_number_is_told_in_words(row: str) -> None:
    expected, told = COUNTS[row]
    assert Expectation(query=SCALE, **expected).expected_count_text() == told


def journal_at(*seconds: float) -> Journal:
    return journal_of(*((Asked(arrived=round(at * SECOND)), given(503)) for at in seconds))


GAPS: dict[str, tuple[Gaps, tuple[float, ...], str]] = {
    "too short": (
        (SECOND, 2 * SECOND),
        (0, 1, 2.5),
        "expected scaleProcess with gap 2 at least 2s, #3 came 1.5s after the answer of #2",
    ),
    "not longer": (
        "growing",
        (0, 1, 2),
        "expected scaleProcess with growing gaps, gap 2 (#2 to #3) is 1s after 1s",
    ),
}
"""Gaps that are expected, when the requests came, and what is told."""


@pytest.mark.parametrize("row", GAPS)
def test_the_first_wrong_gap_is_told(row: str) -> None:
    gaps, seconds, told = GAPS[row]
    assert verify_expectation(journal_at(*seconds), Expectation(query=SCALE, gaps=gaps)).message == told


@pytest.mark.parametrize(("short", "result"), [(2_000, "holds"), (2_001, "does_not_hold")])
def test_two_clocks_may_differ_by_two_milliseconds(short: int, result: str) -> None:
    journal = journal_of((Asked(), given(503)), (Asked(arrived=SECOND - short), given()))
    assert verify_expectation(journal, Expectation(query=SCALE, gaps=(SECOND,))).result == result


def difference(query: JournalQuery, asked: Asked) -> str:
    """In what one exchange differs from a query, as a failed verification tells it."""
    (nearest,) = verify_expectation(journal_of((asked, given())), Expectation(query=query)).nearest
    return "; ".join(map(str, nearest.differences))


def asking(place: str, **wanted: Any) -> JournalQuery:
    return JournalQuery(conditions=compile_conditions((place, *each) for each in wanted.items()))


DIFFERENCES: dict[str, tuple[JournalQuery, Asked, str]] = {
    "a number": (asking("body", instances=3), Asked(), "body instances: wanted 3, got 2"),
    "nothing": (asking("body", memory_in_mb=3), Asked(), "body memory_in_mb: wanted 3, got null"),
    "true and false": (asking("body", a=True), Asked(content=b'{"a": false}'), "body a: wanted true, got false"),
    "a mapping": (asking("body", a=[1]), Asked(content=b'{"a": {"b": null}}'), 'body a: wanted [1], got {"b":null}'),
    "a long text": (
        asking("body", a="x"),
        Asked(content=b'{"a": "%s"}' % (b"y" * 121)),
        f"body a: wanted x, got {'y' * 119}…",
    ),
    "a text that is just short enough": (
        asking("body", a="x"),
        Asked(content=b'{"a": "%s"}' % (b"y" * 120)),
        f"body a: wanted x, got {'y' * 120}",
    ),
    "a secret in the body": (
        asking("body", token="right"),
        Asked(content=b'{"token": "s3cr3t"}'),
        "body token: wanted [redacted 30d47edd], got [redacted 049e8410]",
    ),
    "a secret header": (
        asking("headers", Cookie="right"),
        Asked(headers={b"cookie": b"s3cr3t"}),
        "headers cookie: wanted [redacted 30d47edd], got [redacted 049e8410]",
    ),
    "a secret that was not sent": (
        asking("headers", Cookie="right"),
        Asked(),
        "headers cookie: wanted [redacted 30d47edd], got null",
    ),
}
"""What is asked for, what came, and how the difference is told."""


@pytest.mark.parametrize("row", DIFFERENCES)
def test_a_difference_is_told_as_json_short_and_without_secrets(row: str) -> None:
    query, asked, told = DIFFERENCES[row]
    assert difference(query, asked) == told


def dropping() -> Journal:
    """A journal that has dropped some of a hundred scales, one each second; ten more were cleared before."""
    journal = Journal(5_000)
    for asked, response in scales(*[202] * 10):
        journal.record(asked, response)
    journal.clear()
    for number in range(100):
        journal.record(Asked(arrived=number * SECOND), given())
    assert 0 < journal.dropped < 100
    return journal


@pytest.mark.parametrize(("earlier", "result"), [(0, "holds"), (1, "cannot_be_known")])
def test_what_came_after_all_that_was_dropped_is_known_by_its_number(earlier: int, result: str) -> None:
    journal = dropping()
    query = JournalQuery(after_number=10 + journal.dropped - earlier)
    assert verify_expectation(journal, Expectation(query=query, times=len(journal))).result == result


@pytest.mark.parametrize(("later", "result"), [(1, "holds"), (0, "cannot_be_known"), (-SECOND, "cannot_be_known")])
def test_what_came_after_what_is_held_is_known_by_its_time(later: int, result: str) -> None:
    journal = dropping()
    first = next(iter(journal)).now
    query = JournalQuery(since=first + later)
    count = sum(each.now >= first + later for each in journal)
    assert verify_expectation(journal, Expectation(query=query, times=count)).result == result


@pytest.mark.parametrize(("query", "numbers"), [({"since": SECOND}, (2, 3)), ({"after_number": 1}, (2, 3))])
def test_from_a_moment_on_and_after_a_number(query: dict[str, Any], numbers: tuple[int, ...]) -> None:
    journal = journal_of(*scales(202, 202, 202))
    assert verify_expectation(journal, Expectation(query=JournalQuery(**query))).matched == numbers


OTHERS: dict[str, tuple[JournalQuery, bool]] = {
    "of another operation": (JournalQuery(operation=("getProcess",)), False),
    "with another status": (JournalQuery(status=(202,)), False),
    "with no fault": (JournalQuery(fault="none"), False),
    "with another fault": (JournalQuery(fault="reset"), False),
    "with a fault": (JournalQuery(fault="any"), True),
    "with this fault": (JournalQuery(operation=("scaleProcess",), status=(503,), fault="empty"), True),
    "of an actor, which is not counted": (JournalQuery(actor="bob"), True),
}
"""What is asked for, and whether it may have been among the scales that were lost and dropped."""


@pytest.mark.parametrize("row", OTHERS)
def test_what_was_dropped_matters_where_it_may_be_what_is_asked_for(row: str) -> None:
    query, matters = OTHERS[row]
    last = (Asked(operation="getProcess"), given())
    journal = journal_of(*[(Asked(), given(503, fault="empty"))] * 40, last, max_bytes=300)
    assert journal.dropped == 40
    verdict = verify_expectation(journal, Expectation(query=query, at_most=9))
    assert (verdict.result, verdict.dropped) == (("cannot_be_known", 40) if matters else ("holds", 0))


def test_one_exchange_that_was_dropped_is_told_as_one() -> None:
    journal = journal_of((Asked(content=b"x" * 5_000), given()), max_bytes=2_000)
    verdict = verify_expectation(journal, Expectation(query=SCALE))
    assert verdict.message.endswith(
        "; 1 exchange that may count was dropped from the journal; start the server with a larger --max-journal"
    )
    assert verdict.dropped == 1


def test_an_order_is_told_with_what_came_before_and_what_was_nearest() -> None:
    journal = journal_of(*scales(409, 202, 503))
    first, second = JournalQuery(status=(409,)), JournalQuery(status=(500,))
    assert verify_order(journal, (first, JournalQuery(status=(202,)))).message == (
        "saw in order: #1 a request answered 409; then #2 a request answered 202"
    )
    verdict = verify_order(journal, (first, second))
    assert verdict.message == "expected a request answered 500 as number 2 of 2 in order, saw none after #1"
    # Only what came after the first can be what was meant; the latest of those that differ as much is told first.
    assert [each.number for each in verdict.nearest] == [3, 2]
    assert verify_order(journal, (second,)).message == (
        "expected a request answered 500 as number 1 of 1 in order, saw none"
    )


def test_another_operation_is_farther_than_any_other_difference() -> None:
    other = (Asked(operation="listProcesses"), given())
    mine = (Asked(actor="bob"), given(500, fault="reset", committed=True))
    query = JournalQuery(operation=("scaleProcess",), status=(202,), actor="alice", fault="none")
    verdict = verify_expectation(journal_of(mine, other, mine), Expectation(query=query))
    assert [each.number for each in verdict.nearest] == [3, 1, 2]
    assert [len(each.differences) for each in verdict.nearest] == [3, 3, 1]


def test_at_most_three_of_the_nearest_are_told() -> None:
    verdict = verify_expectation(journal_of(*scales(*[409] * 5)), Expectation(query=JournalQuery(status=(202,))))
    assert [each.number for each in verdict.nearest] == [5, 4, 3]
