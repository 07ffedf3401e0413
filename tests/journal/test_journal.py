"""The journal: bounded, told when something is gone, and exact about what clients did."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from mockfoundry.journal.coverage import compute_coverage, scenario_for_item
from mockfoundry.journal.curl import curl_command
from mockfoundry.journal.entry import (
    RecordedRequest,
    RecordedResponse,
    entry_line,
    entry_to_dict,
)
from mockfoundry.journal.retries import RetryLimits, audit_retries, format_retry_table, judge_retries
from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import Expectation, Gaps, JournalQuery, verify_expectation, verify_order
from tests.serving import contract

SECOND = 1_000_000
SCALE = JournalQuery(operation=("scaleProcess",))


@dataclass
class Asked:
    """An exchange, as far as it is about its request."""

    operation: str = "scaleProcess"
    arrived: int = 0
    content: bytes = b'{"instances": 2}'
    headers: dict[bytes, bytes] = field(default_factory=lambda: {b"content-type": b"application/json"})
    method: str = "POST"
    target: str = "/v3/processes/one/actions/scale"
    query_string: bytes = b""
    path: dict[str, str] = field(default_factory=lambda: {"guid": "one"})
    actor: str = "alice"
    near_miss: str = ""
    virtual: int | None = None

    @property
    def real(self) -> int:
        return self.arrived

    @property
    def now(self) -> int:
        return self.arrived if self.virtual is None else self.virtual

    @property
    def request(self) -> RecordedRequest:
        return RecordedRequest(self.method, self.target, self.query_string, self.headers, self.content)


def given(status: int = 202, **options: Any) -> RecordedResponse:
    """A response, as the exchange hands it in."""
    return RecordedResponse(status, options.pop("headers", []), b"{}", "world: process scaled", **options)


def journal_of(*exchanges: tuple[Asked, RecordedResponse], max_bytes: int = 1 << 20) -> Journal:
    journal = Journal(max_bytes)
    for asked, response in exchanges:
        journal.record(asked, response)
    return journal


def scales(*statuses: int) -> list[tuple[Asked, RecordedResponse]]:
    return [(Asked(arrived=number * SECOND), given(status)) for number, status in enumerate(statuses)]


def test_the_oldest_goes_first_and_the_bound_holds() -> None:
    journal = journal_of(*scales(*range(200, 300)), max_bytes=5_000)
    assert journal.size <= 5_000
    assert journal.recorded == 100
    assert [entry.number for entry in journal] == list(range(101 - len(journal), 101))
    assert journal.dropped == 100 - len(journal) > 0
    assert journal.entry(journal.dropped) is None
    assert journal.entry(100) is not None


def test_an_exchange_larger_than_the_whole_journal_is_counted_as_dropped() -> None:
    journal = journal_of((Asked(content=b"x" * 10_000), given()), max_bytes=5_000)
    assert (len(journal), journal.dropped, journal.size) == (0, 1, 0)
    assert journal.hit_counts == {("scaleProcess", 202, "", ""): 1}


@pytest.mark.parametrize(
    ("expected", "result"),
    [
        ({}, "holds"),
        ({"times": 2}, "holds"),
        ({"times": 1}, "does_not_hold"),
        ({"times": 3}, "does_not_hold"),
        ({"at_least": 2}, "holds"),
        ({"at_least": 3}, "does_not_hold"),
        ({"at_most": 2}, "holds"),
        ({"at_most": 1}, "does_not_hold"),
        ({"at_least": 1, "at_most": 3}, "holds"),
    ],
)
def test_counts_are_exact(expected: dict[str, Any], result: str) -> None:
    journal = journal_of(*scales(202, 409, 202))
    question = JournalQuery(operation=("scaleProcess",), status=(202,))
    assert verify_expectation(journal, Expectation(query=question, **expected)).result == result


@pytest.mark.parametrize(
    ("expected", "result"),
    [
        ({"at_least": 1}, "holds"),
        ({"at_least": 100}, "cannot_be_known"),
        ({"times": 100}, "cannot_be_known"),
        ({"at_most": 1}, "does_not_hold"),
        ({"at_most": 100}, "cannot_be_known"),
        ({"times": 1}, "does_not_hold"),
    ],
)
def test_what_was_dropped_cannot_be_known(expected: dict[str, Any], result: str) -> None:
    journal = journal_of(*scales(*[202] * 100), max_bytes=5_000)
    verdict = verify_expectation(journal, Expectation(query=SCALE, **expected))
    assert verdict.result == result
    if result == "cannot_be_known":
        assert "--max-journal" in verdict.message


def test_what_was_dropped_but_not_asked_about_does_not_matter() -> None:
    others = [(Asked(operation="listProcesses"), given(200))] * 100
    journal = journal_of(*others, *scales(202), max_bytes=5_000)
    assert journal.dropped
    assert verify_expectation(journal, Expectation(query=SCALE, times=1)).result == "holds"
    behind = JournalQuery(after_number=journal.recorded - 1)
    assert verify_expectation(journal, Expectation(query=behind, times=1)).result == "holds"


def test_what_was_cleared_never_was() -> None:
    journal = journal_of(*scales(202, 202))
    assert journal.clear() == 2
    assert verify_expectation(journal, Expectation(query=SCALE, times=0)).result == "holds"
    journal.record(Asked(), given())
    assert [entry.number for entry in journal] == [3]
    assert journal.dropped == 0


def test_a_failed_verify_says_the_nearest_and_the_difference() -> None:
    verdict = verify_expectation(
        journal_of(*scales(409)), Expectation(query=JournalQuery(operation=("scaleProcess",), status=(202,)))
    )
    assert verdict.message.startswith(
        "expected scaleProcess answered 202 at least 1 time, saw 0 times; the nearest other: #1"
    )
    assert verdict.message.endswith("status: wanted 202, got 409")


def test_order_allows_others_between_and_nothing_else() -> None:
    journal = journal_of(*scales(409, 202, 503))
    first, second = JournalQuery(status=(409,)), JournalQuery(status=(503,))
    assert verify_order(journal, (first, second)).matched == (1, 3)
    verdict = verify_order(journal, (second, first))
    assert verdict.result == "does_not_hold"
    assert "number 2 of 2 in order" in verdict.message


@pytest.mark.parametrize(
    ("arrivals", "gaps", "result"),
    [
        ((0, 1, 3, 7), (SECOND, 2 * SECOND, 4 * SECOND), "holds"),
        ((0, 1, 2, 7), (SECOND, 2 * SECOND, 4 * SECOND), "does_not_hold"),
        ((0, 1, 3), (SECOND, 2 * SECOND, 4 * SECOND), "does_not_hold"),
        ((0, 1, 3, 7), "growing", "holds"),
        ((0, 1, 2, 7), "growing", "does_not_hold"),
    ],
)
def test_gaps_between_repeats_are_measured(arrivals: tuple[int, ...], gaps: Gaps, result: str) -> None:
    journal = journal_of(*((Asked(arrived=at * SECOND), given(503)) for at in arrivals))
    assert verify_expectation(journal, Expectation(query=SCALE, gaps=gaps)).result == result


def test_a_slow_answer_is_no_part_of_the_gap() -> None:
    journal = journal_of(
        (Asked(arrived=0), given(503, delay=SECOND, virtual_delay=SECOND)), (Asked(arrived=SECOND), given())
    )
    assert verify_expectation(journal, Expectation(query=SCALE, gaps=(SECOND,))).result == "does_not_hold"


@pytest.mark.parametrize(("wait", "honoured"), [(1, False), (2, True), (3, True)])
def test_retry_after_is_held_against_the_wait(wait: int, honoured: bool) -> None:
    asked_to_wait = given(503, headers=[(b"retry-after", b"2")])
    journal = journal_of((Asked(arrived=0), asked_to_wait), (Asked(arrived=wait * SECOND), given()))
    audit = audit_retries(journal)
    assert [each.honoured for chain in audit.chains for each in chain.repeats] == [honoured]
    assert (judge_retries(audit, RetryLimits(honours_retry_after=True)).result == "holds") is honoured
    assert ("no" if not honoured else "yes") in format_retry_table(audit).splitlines()[-1]


@pytest.mark.parametrize(
    ("first", "first_changed", "second_changed", "twice"),
    [
        ({"fault": "reset"}, True, True, 1),
        ({"status": 503}, True, True, 1),
        ({"fault": "reset"}, False, True, 0),
        ({"status": 503}, True, False, 0),
    ],
)
def test_only_what_changed_the_world_and_changed_it_again_is_twice(
    first: dict[str, Any], first_changed: bool, second_changed: bool, twice: int
) -> None:
    one = given(**first, committed=True, state_changed=first_changed)
    other = given(committed=True, state_changed=second_changed)
    journal = journal_of((Asked(), one), (Asked(), other))
    audit = audit_retries(journal)
    assert (audit.repeats, audit.twice) == (1, twice)
    assert (judge_retries(audit, RetryLimits(never_twice=True)).result == "does_not_hold") is bool(twice)


def test_a_request_after_a_success_repeats_nothing() -> None:
    assert audit_retries(journal_of(*scales(202, 202, 503))).repeats == 0
    reads = [
        (Asked(operation="listProcesses", method="GET", query_string=b"page=%d" % page), given(503)) for page in (1, 2)
    ]
    assert audit_retries(journal_of(*reads)).repeats == 0


def test_a_new_decision_on_the_same_resource_is_a_repeat_too() -> None:
    changed = given(committed=True, state_changed=True)
    lost = (Asked(content=b'{"instances": 2}'), given(fault="reset", committed=True, state_changed=True))
    again = (Asked(content=b'{"instances": 3}', target="/foundations/f/v3/processes/one/actions/scale"), changed)
    audit = audit_retries(journal_of(lost, again))
    assert (audit.repeats, audit.twice) == (1, 1)
    other = (Asked(target="/v3/processes/two/actions/scale"), changed)
    assert audit_retries(journal_of(lost, other)).repeats == 0


@pytest.mark.parametrize(("within", "repeats"), [(None, 1), (10 * SECOND, 1), (9 * SECOND, 0)])
def test_what_comes_later_than_asked_about_repeats_nothing(within: int | None, repeats: int) -> None:
    journal = journal_of((Asked(arrived=0), given(503)), (Asked(arrived=10 * SECOND), given()))
    assert audit_retries(journal, within=within).repeats == repeats


def test_what_an_answer_waits_is_no_wait_of_the_client_on_either_clock() -> None:
    journal = Journal()
    slow = given(503, headers=[(b"retry-after", b"30")], delay=SECOND, virtual_delay=60 * SECOND)
    # The foundation's clock runs sixty times as fast.
    journal.record(Asked(arrived=0), slow)
    journal.record(Asked(arrived=SECOND, virtual=60 * SECOND), given())
    assert judge_retries(audit_retries(journal), RetryLimits(honours_retry_after=True)).result == "does_not_hold"


def test_a_wait_on_either_clock_is_a_wait() -> None:
    journal = Journal()
    journal.record(Asked(arrived=0), given(503, headers=[(b"retry-after", b"30")]))
    journal.record(Asked(arrived=1, virtual=30 * SECOND), given())
    assert judge_retries(audit_retries(journal), RetryLimits(honours_retry_after=True)).result == "holds"


def test_more_repeats_than_allowed_are_told() -> None:
    audit = audit_retries(journal_of(*scales(503, 503, 503)))
    assert judge_retries(audit, RetryLimits(max=2)).result == "holds"
    assert "repeated 2 times" in judge_retries(audit, RetryLimits(max=1)).message
    assert audit.chains[0].gave_up


SECRETS: list[tuple[dict[str, Any], str]] = [
    ({"headers": {b"authorization": b"bearer s3cr3t"}}, "s3cr3t"),
    ({"headers": {b"cookie": b"s3cr3t"}}, "s3cr3t"),
    ({"content": b'{"password": "s3cr3t"}'}, "s3cr3t"),
    ({"query_string": b"token=s3cr3t"}, "s3cr3t"),
    (
        {
            "content": b"grant_type=password&password=s3cr3t",
            "headers": {b"content-type": b"application/x-www-form-urlencoded"},
        },
        "s3cr3t",
    ),
]


@pytest.mark.parametrize(("asked", "secret"), SECRETS)
def test_secrets_are_never_shown(asked: dict[str, Any], secret: str) -> None:
    entry = next(iter(journal_of((Asked(**asked), given()))))
    shown = f"{entry_to_dict(entry)} {entry_line(entry)} {curl_command(entry, 'http://localhost')}"
    assert secret not in shown
    assert "redacted" in shown


def test_a_copy_counts_its_own_and_shares_nothing() -> None:
    journal = journal_of(*scales(202))
    other = journal.copy()
    other.record(Asked(), given(409))
    assert (journal.recorded, other.recorded) == (1, 2)
    assert len(list(journal)) == 1
    assert journal.hit_counts == {("scaleProcess", 202, "", ""): 1}


def test_coverage_counts_documented_answers_faults_and_phases() -> None:
    journal = Journal()
    journal.record(Asked(), given())
    journal.record(Asked(), given(fault="reset", scenario="lost", rule=1, phase="after"))
    journal.record(Asked(), given(299))
    coverage = compute_coverage(contract(), journal.hit_counts, ["scaleProcess"])
    met = {square.name for square in coverage.squares if square.times}
    assert met == {"202", "reset after"}
    assert coverage.undocumented == {"scaleProcess": {"299": 1}}
    assert coverage.percent == coverage.met * 1000 // coverage.of / 10


def test_every_missing_square_has_a_scenario_that_is_right() -> None:
    import json

    from mockfoundry.assembly import ERROR_STATUSES
    from mockfoundry.scenarios.lint import check_scenario

    for square in compute_coverage(contract(), {}).squares:
        assert not check_scenario(json.dumps(scenario_for_item(square)), contract(), ERROR_STATUSES, source=square.name)
