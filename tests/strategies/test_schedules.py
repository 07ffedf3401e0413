"""Schedules of failures: always right, exact when played, simple when shrunk, and printed as files to keep."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from mockfoundry.assembly import ERROR_STATUSES
from mockfoundry.scenarios.format import read_scenario
from mockfoundry.scenarios.library import load_scenarios
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import Respond, Rule, Scenario
from mockfoundry.scenarios.schedules import Failure, scenario_from_failures
from mockfoundry.strategies.schedules import failures, keep
from tests.searching import examples
from tests.serving import contract, contract_document, write_contract
from tests.strategies.playing import Shared, failures_of, instances_of, met, playing, quick, reached, shrunk

pytestmark = pytest.mark.hypothesis

EVERYTHING = failures(faults=["reset", "empty", "truncate", "garbage", "hang", "dribble"], max_failures=12)


@given(EVERYTHING)
@settings(quick, max_examples=examples(50))
def test_a_schedule_is_a_scenario_that_can_be_played(schedule: Scenario) -> None:
    text = schedule.to_yaml()
    assert check_scenario(text, contract(), ERROR_STATUSES, source="drawn") == []
    assert read_scenario(text, source="drawn") == schedule


@given(EVERYTHING)
@settings(quick, max_examples=examples(50))
def test_a_schedule_fails_only_as_the_contract_documents(schedule: Scenario) -> None:
    for (operation, _), respond in failures_of(schedule).items():
        plan = contract().plans[operation]
        if respond.fault is None:
            assert respond.status is not None
            assert respond.status in plan.responses
            assert respond.status >= (400 if respond.phase == "before" else 500)
        if respond.phase == "after":
            assert plan.writes
        if respond.fault == "truncate":
            assert plan.responses[plan.success_status].body is not None


@given(failures("scaleProcess", max_failures=6, max_call=5))
@quick
def test_each_call_of_a_scale_meets_what_the_schedule_says_and_no_other_does(
    shared: Shared, schedule: Scenario
) -> None:
    expected = failures_of(schedule)
    with playing(shared, schedule) as client:
        before = 1
        for call in range(1, 8):
            respond = expected.get(("scaleProcess", call))
            wanted = "202" if respond is None else respond.fault or str(respond.status)
            assert met(client, "scaleProcess", call + 1) == wanted
            kept = respond is None or respond.phase == "after"
            assert instances_of(client) == (call + 1 if kept else before)
            before = call + 1 if kept else before


@given(
    failures(["scaleProcess", "getProcess"], max_failures=6, max_call=3),
    st.lists(st.sampled_from(["scaleProcess", "getProcess"]), max_size=8),
)
@quick
def test_each_operation_counts_its_own_calls(shared: Shared, schedule: Scenario, calls: list[str]) -> None:
    expected = failures_of(schedule)
    with playing(shared, schedule) as client:
        for position, operation in enumerate(calls):
            respond = expected.get((operation, calls[: position + 1].count(operation)))
            success = "202" if operation == "scaleProcess" else "200"
            assert met(client, operation, 2) == (success if respond is None else respond.fault or str(respond.status))


def test_a_lost_answer_waits_for_a_change_and_moves_no_other_failure(shared: Shared) -> None:
    def wanted(drawn: Scenario) -> bool:
        found = failures_of(drawn)
        lost, refused = found.get(("scaleProcess", 1)), found.get(("scaleProcess", 3))
        return len(found) == 2 and lost == Respond(fault="reset", phase="after") and refused == Respond(status=409)

    schedule = find(failures("scaleProcess", faults="reset", statuses=[409]), wanted, settings=reached)
    with playing(shared, schedule) as client:
        assert [met(client, "scaleProcess", instances) for instances in (-1, 2, 3, 4)] == ["422", "reset", "409", "202"]


def met_reset_after(schedule: Scenario) -> bool:
    return any(each.fault == "reset" and each.phase == "after" for each in failures_of(schedule).values())


SHRUNK: dict[str, tuple[Any, Any, Scenario]] = {
    "anything": (
        failures(),
        lambda _: True,
        Scenario(name="no-failure", description="No call meets a failure.", rules=(Rule(respond=Respond()),)),
    ),
    "any failure": (
        failures(),
        failures_of,
        Scenario(
            name="list-400",
            description="Call 1 of listProcesses is answered with 400.",
            rules=(Rule(operation=("listProcesses",), times=1, respond=Respond(status=400)),),
        ),
    ),
    "any failure of those that are named": (
        failures("scaleProcess", statuses=[503, 409], faults=["garbage", "reset"]),
        failures_of,
        Scenario(
            name="scale-503",
            description="Call 1 of scaleProcess is answered with 503, and nothing is changed.",
            rules=(Rule(operation=("scaleProcess",), times=1, respond=Respond(status=503)),),
        ),
    ),
    "any fault": (
        failures("scaleProcess"),
        lambda schedule: any(each.fault for each in failures_of(schedule).values()),
        Scenario(
            name="scale-reset",
            description="Call 1 of scaleProcess has its connection reset, and nothing is changed.",
            rules=(Rule(operation=("scaleProcess",), times=1, respond=Respond(fault="reset")),),
        ),
    ),
    "any reset after": (
        failures(["getProcess", "scaleProcess"], max_failures=8),
        met_reset_after,
        Scenario(
            name="lost-scale",
            description="Call 1 of scaleProcess has its connection reset, and its change is kept.",
            rules=(Rule(operation=("scaleProcess",), times=1, respond=Respond(fault="reset", phase="after")),),
        ),
    ),
    "any kept change": (
        failures("scaleProcess", faults=["empty"], phases=["after"]),
        failures_of,
        Scenario(
            name="scale-empty-after",
            description="Call 1 of scaleProcess has its connection closed without a byte, and its change is kept.",
            rules=(Rule(operation=("scaleProcess",), times=1, respond=Respond(fault="empty", phase="after")),),
        ),
    ),
    "two failures, one of them late": (
        failures("scaleProcess"),
        lambda schedule: len(failures_of(schedule)) > 1 and max(call for _, call in failures_of(schedule)) > 4,
        Scenario(
            name="scale-400-then-400-at-5",
            description="Call 1 of scaleProcess is answered with 400, and nothing is changed. "
            "Call 5 of scaleProcess is answered with 400, and nothing is changed.",
            rules=(
                Rule(operation=("scaleProcess",), after=4, times=1, respond=Respond(status=400)),
                Rule(operation=("scaleProcess",), times=1, respond=Respond(status=400)),
            ),
        ),
    ),
}
"""What is drawn, what is looked for, and the simplest schedule that has it."""


@pytest.mark.parametrize("row", SHRUNK)
def test_a_schedule_shrinks_to_few_failures_that_are_early_and_simple(row: str) -> None:
    drawn, wanted, simplest = SHRUNK[row]
    found = find(drawn, wanted, settings=shrunk)
    assert found == simplest


@given(failures(max_failures=12))
@settings(quick, max_examples=examples(50))
def test_a_name_says_what_happens_or_ends_in_a_digest_of_it(schedule: Scenario) -> None:
    told = [
        "lost" if (each.fault, each.phase) == ("reset", "after") else each.fault or str(each.status)
        for each in failures_of(schedule).values()
    ]
    digest = schedule.name.rpartition("-")[2]
    assert all(each in schedule.name for each in told) or (len(digest) == 8 and int(digest, 16) >= 0)
    assert len(schedule.name) <= 40


@given(failures(max_failures=12), failures(max_failures=12))
@settings(quick, max_examples=examples(50))
def test_two_schedules_have_one_name_only_where_they_are_the_same(one: Scenario, other: Scenario) -> None:
    assert (one.name == other.name) == (one == other)


NAMES = {
    "lost-scale-then-503": [(Respond(fault="reset", phase="after"), 1), (Respond(status=503), 2)],
    "scale-409-x3": [(Respond(error="CF-Conflict"), call) for call in (1, 2, 3)],
    "scale-409-at-10-x3-then-409-at-100": [(Respond(status=409), call) for call in (10, 11, 12, 100)],
    "scale-500-after-then-empty": [(Respond(status=500, phase="after"), 1), (Respond(fault="empty"), 2)],
    "scale-409-at-1000-then-409-at-10000-x222": [(Respond(status=409), call) for call in (1000, *range(10000, 10222))],
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_40_signs_is_whole(name: str) -> None:
    plan = contract().plans["scaleProcess"]
    schedule = scenario_from_failures([Failure(plan, *each) for each in NAMES[name]], [plan])
    assert schedule.name == name


def test_a_longer_name_ends_in_a_digest() -> None:
    plan = contract().plans["scaleProcess"]
    calls = (10, 12, 14, 16, 18)
    schedule = scenario_from_failures([Failure(plan, Respond(status=409), call) for call in calls], [plan])
    whole = "scale-" + "-then-".join(f"409-at-{call}" for call in calls)
    beginning, _, digest = schedule.name.rpartition("-")
    assert whole.startswith(beginning)
    assert 38 <= len(schedule.name) <= 40
    assert len(digest) == 8


def test_calls_in_a_row_that_fail_alike_are_told_together() -> None:
    plan, read = contract().plans["scaleProcess"], contract().plans["getProcess"]
    busy, late = Respond(status=503), Respond(delay=1_000_000)
    found = [Failure(plan, busy, call) for call in (5, 1, 2, 3)]
    schedule = scenario_from_failures([*found, Failure(plan, late, 4), Failure(read, busy, 1)], [read, plan])
    assert schedule.description == (
        "Call 1 of getProcess is answered with 503. "
        "Each of the calls 1 to 3 of scaleProcess is answered with 503, and nothing is changed. "
        "Call 4 of scaleProcess is answered late. "
        "Call 5 of scaleProcess is answered with 503, and nothing is changed."
    )


def printed(test: Any) -> str:
    """What Hypothesis says of a test that fails."""
    with pytest.raises(AssertionError) as caught:
        test()
    return "\n".join(caught.value.__notes__)


def test_a_falsifying_example_prints_a_file_that_plays() -> None:
    @given(schedule=failures("scaleProcess", max_failures=2), number=st.integers())
    @settings(database=None, derandomize=True, print_blob=False)
    def fails_when_an_answer_is_lost(schedule: Scenario, number: int) -> None:
        assert not met_reset_after(schedule)

    lines = printed(fails_when_an_answer_is_lost).splitlines()
    begins = lines.index("    schedule=")
    ends = lines.index("    ,", begins)
    copied = "\n".join(lines[begins + 1 : ends])
    assert read_scenario(copied, source="copied") == SHRUNK["any reset after"][2]
    assert "mockfoundry serve --scenario lost-scale.yaml" in copied


def test_a_schedule_that_is_drawn_inside_a_test_is_printed_too() -> None:
    @given(st.data())
    @settings(database=None, derandomize=True, print_blob=False)
    def fails_when_an_answer_is_lost(data: st.DataObject) -> None:
        assert not met_reset_after(data.draw(failures("scaleProcess"), label="schedule"))

    copied = printed(fails_when_an_answer_is_lost).partition("(schedule): ")[2]
    assert read_scenario(copied, source="copied") == SHRUNK["any reset after"][2]


@given(schedule=failures())
@settings(quick, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_kept_schedule_is_a_file_that_loads(tmp_path: Path, schedule: Scenario) -> None:
    file = keep(schedule, tmp_path / "kept" / "here")
    assert file.name == f"{schedule.name}.yaml"
    assert load_scenarios([file], contract(), ERROR_STATUSES) == (schedule,)


def test_what_has_no_name_of_a_scenario_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'"\.\./up" is not the name of a scenario: 1 to 64 letters'):
        keep(Scenario(name="../up"), tmp_path / "kept")
    assert list(tmp_path.iterdir()) == []


def test_another_contract_gives_its_own_failures(tmp_path: Path) -> None:
    document = contract_document()
    responses = document["paths"]["/v3/processes/{guid}/actions/scale"]["post"]["responses"]
    responses["418"] = responses["409"]
    own = write_contract(document, tmp_path)
    some = failures("scaleProcess", statuses=[418], contract=own)
    schedule = find(some, lambda schedule: bool(failures_of(schedule)), settings=shrunk)
    assert schedule.name == "scale-418"
    assert check_scenario(schedule, own, ERROR_STATUSES) == []


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown operation": (
        {"operations": ["scaleProces"]},
        'failures(operations=…): "scaleProces" is not an operation of the contract; did you mean scaleProcess? '
        "(mockfoundry operations lists them)",
    ),
    "a status that is not documented": (
        {"operations": "scaleProcess", "statuses": [418]},
        "failures(statuses=…): 418 is no documented failure of scaleProcess; "
        "allowed: 400, 401, 403, 404, 409, 422, 429, 500, 503",
    ),
    "a success": (
        {"operations": "scaleProcess", "statuses": [202]},
        "failures(statuses=…): 202 is no documented failure of scaleProcess; a success is no failure; "
        "allowed: 400, 401, 403, 404, 409, 422, 429, 500, 503",
    ),
    "a status as text": (
        {"operations": ["getProcess", "getProcessStats"], "statuses": ["404"]},
        'failures(statuses=…): "404" is no documented failure of these operations; '
        "allowed: 400, 401, 403, 404, 429, 500, 503",
    ),
    "an unknown fault": (
        {"faults": ["resett"]},
        'failures(faults=…): "resett" is not allowed; did you mean reset?',
    ),
    "an unknown phase": (
        {"phases": "during"},
        'failures(phases=…): "during" is not allowed; allowed: after, before',
    ),
    "after an operation that changes nothing": (
        {"operations": ["scaleProcess", "getProcess"], "phases": ["after"]},
        "failures(operations=…): getProcess changes nothing, so nothing fails after it; leave it out, "
        "or add the phase before",
    ),
    "a refusal after a change": (
        {"operations": "scaleProcess", "statuses": [409], "faults": [], "phases": "after"},
        "failures(operations=…): scaleProcess fails after its change only with 500 or more, or a fault; add one, "
        "or phase before",
    ),
    "half of an answer without a body": (
        {"operations": "terminateProcessInstance", "statuses": [], "faults": "truncate"},
        "failures(operations=…): terminateProcessInstance can meet none of these failures; leave it out, "
        "or name more of statuses and faults",
    ),
    "nothing to draw": (
        {"statuses": [], "faults": []},
        "failures(): no failure is left to draw; name more of operations, statuses or faults",
    ),
    "no failure at all": (
        {"max_failures": 0},
        "failures(max_failures=…): 0 is not a whole number from 1 to 10000; give one",
    ),
    "a call before the first": (
        {"max_call": True},
        "failures(max_call=…): true is not a whole number from 1 to 10000; give one",
    ),
}
"""Arguments that can't be, and what is said of them."""


@pytest.mark.parametrize("row", REFUSED)
def test_what_cannot_be_drawn_is_refused_when_the_strategy_is_made(row: str) -> None:
    arguments, told = REFUSED[row]
    with pytest.raises(InvalidArgument) as caught:
        failures(**arguments)
    assert str(caught.value) == told
