"""The journal: bounded, told when something is gone, and exact about what clients did."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from mockfoundry.journal.budget import SharedJournalBudget
from mockfoundry.journal.coverage import compute_coverage, scenario_for_item
from mockfoundry.journal.curl import curl_command
from mockfoundry.journal.entry import (
    RecordedRequest,
    RecordedResponse,
    entry_to_dict,
)
from mockfoundry.journal.lines import ListedEntry, tell_entry
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
    def real_time(self) -> int:
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
    assert verdict.message == "expected scaleProcess answered 202 at least 1 time, saw 0 times"
    (nearest,) = verdict.nearest
    assert (nearest.number, [str(each) for each in nearest.differences]) == (1, ["status: wanted 202, got 409"])


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
    assert ("no" if not honoured else "yes") in format_retry_table(audit, {}).splitlines()[-1]


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


def test_another_wanted_number_is_a_repeat_that_says_so() -> None:
    first = (Asked(content=b'{"instances": 3, "memory_in_mb": 64}'), given(503))
    same = (Asked(content=b'{"memory_in_mb":64,"instances":3}'), given(503))
    other = (Asked(content=b'{"instances": 5}'), given())
    audit = audit_retries(journal_of(first, same, other))
    assert [each.differs for chain in audit.chains for each in chain.repeats] == [
        [],
        ["memory_in_mb: nothing in place of 64", "instances: 5 in place of 3"],
    ]
    assert "instances: 5 in place of 3" in format_retry_table(audit, {})


def test_secrets_in_a_changed_body_are_not_shown() -> None:
    bodies = (b'{"password": "s3cr3t"}', b'{"password": "0ther"}')
    table = format_retry_table(audit_retries(journal_of(*((Asked(content=body), given(503)) for body in bodies))), {})
    assert "[redacted " in table
    assert "s3cr3t" not in table
    assert "0ther" not in table


def test_bodies_that_are_no_json_objects_are_compared_too() -> None:
    for one, other, differs in ((b"x", b"y", ["another body"]), (b"[1]", b"[2]", ["another body"]), (b"x", b"x", [])):
        audit = audit_retries(journal_of((Asked(content=one), given(503)), (Asked(content=other), given())))
        assert [each.differs for chain in audit.chains for each in chain.repeats] == [differs]


@pytest.mark.parametrize(
    ("users", "repeats"),
    [
        (("alice", "alice"), 1),
        (("alice", "bob"), 0),
        (("alice", "bob", "alice"), 1),
        (("", "alice"), 1),
        (("alice", "", "alice"), 2),
        (("alice", "bob", "", "bob"), 2),
    ],
)
def test_a_client_is_a_user_and_a_user_agent(users: tuple[str, ...], repeats: int) -> None:
    """Two users with one library are two clients; who was refused with 401 may be any of them."""
    asked = [(Asked(actor=user, headers={b"user-agent": b"one"}), given(503 if user else 401)) for user in users]
    assert audit_retries(journal_of(*asked)).repeats == repeats


def test_another_user_agent_is_another_client() -> None:
    asked = [(Asked(headers={b"user-agent": agent}), given(503)) for agent in (b"one", b"other")]
    assert audit_retries(journal_of(*asked)).repeats == 0


@pytest.mark.parametrize(
    ("one", "other", "repeats"),
    [
        (b"page=2&per_page=5", b"per_page=5&page=2", 1),
        (b"guids=a%2Cb", b"guids=b,a", 1),
        (b"page=2", b"page=3", 0),
        (b"page=2", b"page=2&page=2", 0),
    ],
)
def test_the_same_query_in_another_order_is_the_same_request(one: bytes, other: bytes, repeats: int) -> None:
    asked = [Asked(operation="listProcesses", method="GET", query_string=query) for query in (one, other)]
    assert audit_retries(journal_of(*((each, given(503)) for each in asked))).repeats == repeats


def test_a_request_after_one_whose_client_left_is_a_repeat() -> None:
    journal = journal_of((Asked(), given(committed=True, state_changed=True)))
    journal.note_bytes_sent(1, 0)
    journal.record(Asked(), given(committed=True, state_changed=True))
    (chain,) = audit_retries(journal).chains
    (repeat,) = chain.repeats
    assert (repeat.after, repeat.lost, repeat.twice) == ("202 left", True, True)


WAITING = RecordedResponse(0, [], b"", "waits")


def test_a_request_that_waits_is_open_until_it_is_completed_in_its_place() -> None:
    journal = Journal()
    opened = journal.open(Asked(arrived=SECOND), WAITING)
    journal.record(Asked(arrived=2 * SECOND), given(409))
    (first, second) = journal
    assert (first.is_open, first.outcome, second.is_open) == (True, "open", False)
    assert journal.complete(opened, given(waited=4 * SECOND)) == 1
    (first, second) = journal
    assert (first.number, first.real_time, first.response.status, first.is_open) == (1, SECOND, 202, False)
    assert journal.hit_counts == {("scaleProcess", 202, "", ""): 1, ("scaleProcess", 409, "", ""): 1}


def test_the_wait_before_an_exchange_is_no_part_of_the_gap_to_the_next() -> None:
    journal = Journal()
    late = given(503, waited=5 * SECOND, virtual_waited=5 * SECOND, delay=5 * SECOND, virtual_delay=5 * SECOND)
    journal.complete(journal.open(Asked(arrived=0), WAITING), late)
    journal.complete(journal.open(Asked(arrived=6 * SECOND), WAITING), given(waited=9 * SECOND))
    assert verify_expectation(journal, Expectation(query=SCALE, gaps=(SECOND,))).result == "holds"
    assert verify_expectation(journal, Expectation(query=SCALE, gaps=(2 * SECOND,))).result == "does_not_hold"


@pytest.mark.parametrize("completed", [False, True])
def test_an_open_request_that_was_dropped_is_counted_as_dropped(completed: bool) -> None:
    journal = Journal(5_000)
    opened = journal.open(Asked(), WAITING)
    for _ in range(100):
        journal.record(Asked(operation="listProcesses"), given(200))
    if completed:
        journal.complete(opened, given())
    assert journal.entry(1) is None
    assert journal.size <= 5_000
    verdict = verify_expectation(journal, Expectation(query=SCALE, times=1))
    assert (verdict.result, verdict.dropped) == ("cannot_be_known", 1)
    journal.clear()
    assert journal.dropped == 0
    assert verify_expectation(journal, Expectation(query=SCALE, times=0 if completed else 1)).result == "holds"


def test_the_sizes_of_completed_entries_stay_within_the_bounds() -> None:
    budget = SharedJournalBudget(20_000)
    journal = Journal(10_000, budget)
    opened = [journal.open(Asked(), WAITING) for _ in range(100)]
    for each in opened:
        journal.complete(each, given(headers=[(b"x-long", b"y" * 200)]))
        assert journal.size == budget.held_bytes <= 10_000
    journal.clear()
    assert (journal.size, budget.held_bytes) == (0, 0)
    assert sum(journal.hit_counts.values()) == 100


def test_what_waits_for_a_journal_is_told_of_everything_that_changes_it() -> None:
    journal, told = Journal(), list[tuple[int, int]]()
    journal.watchers.append(lambda: told.append((journal.recorded, journal.amended)))
    number = journal.complete(journal.open(Asked(), WAITING), given())
    journal.note_bytes_sent(number, 2)
    journal.close()
    assert told == [(1, 0), (1, 1), (1, 2), (1, 3)]


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
    shown = (
        f"{entry_to_dict(entry)} {tell_entry(ListedEntry(entry, None)).line} {curl_command(entry, 'http://localhost')}"
    )
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
