"""Near misses: for a request that no rule took, which rule came nearest, and what stood in its way."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mockfoundry.scenarios.conditions import MatchableRequest
from mockfoundry.scenarios.engine import ScenarioProgress, match_scenarios, switch_on
from mockfoundry.scenarios.model import Respond, Rule, Scenario, When
from mockfoundry.scenarios.near_misses import NearMiss, find_near_miss
from mockfoundry.scenarios.rule_index import CompiledScenarios
from tests.scenarios.conftest import AskRequest

CONFLICT = Respond(error="CF-Conflict")
SECOND = 1_000_000


def missed(
    rules: Sequence[Rule],
    request: MatchableRequest,
    *before: MatchableRequest,
    now: int = 0,
    for_: int | None = None,
    start: str | None = None,
    draw: Callable[[], float] = float,
) -> NearMiss | None:
    """The near miss of a request that comes after others."""
    scenario = Scenario(name="late", rules=tuple(rules), for_=for_, start=start)
    lineup, progress = CompiledScenarios([scenario]), ScenarioProgress()
    switch_on(progress, scenario, 0)
    for each in before:
        match_scenarios(lineup, progress, each, now, draw)
    assert match_scenarios(lineup, progress, request, now, draw) is None
    return find_near_miss(lineup, progress, request, now)


def nearest(rules: Sequence[Rule], request: MatchableRequest) -> NearMiss:
    """The near miss of a request, of which there has to be one."""
    found = missed(rules, request)
    assert found is not None
    return found


def test_it_tells_of_each_condition_whether_it_held_what_it_wanted_and_what_it_got(ask: AskRequest) -> None:
    when = When(path={"guid": "a"}, headers={"X-Client": "autoscaler"}, body={"instances": {"minimum": 2}})
    request = ask(path={"guid": "a"}, headers={b"x-client": b"robot"}, body={"instances": 1})
    miss = nearest([Rule(operation="scaleProcess", when=when, respond=CONFLICT)], request)
    assert [(each.what, each.held, each.wanted, each.got) for each in miss.conditions] == [
        ("operation", True, "scaleProcess", "scaleProcess"),
        ("path guid", True, "a", "a"),
        ("header x-client", False, "autoscaler", "robot"),
        ("body instances", False, {"minimum": 2}, 1),
    ]
    assert str(miss) == (
        "scenario late, rule 1: header x-client: wanted autoscaler, got robot; "
        'body instances: wanted {"minimum":2}, got 1'
    )


def test_the_rule_with_the_fewest_failures_is_the_nearest(ask: AskRequest) -> None:
    rules = [
        Rule(operation="scaleProcess", when=When(body={"instances": 2, "memory_in_mb": 64}), respond=CONFLICT),
        Rule(operation="scaleProcess", when=When(body={"instances": 3, "memory_in_mb": 32}), respond=CONFLICT),
    ]
    assert nearest(rules, ask(body={"instances": 3, "memory_in_mb": 64})).rule == 1
    assert nearest(rules, ask(body={"instances": 3, "memory_in_mb": 16})).rule == 2


REASONS = {
    "state": (
        Rule(operation="scaleProcess", state="broken", respond=CONFLICT),
        {"start": "calm"},
        "state: wanted broken, got calm",
    ),
    "from": (
        Rule(operation="scaleProcess", from_=10 * SECOND, respond=CONFLICT),
        {"now": SECOND},
        "from: wanted 10s, got 1s after it was switched on",
    ),
    "until": (
        Rule(operation="scaleProcess", until=10 * SECOND, respond=CONFLICT),
        {"now": 11 * SECOND},
        "until: wanted 10s, got 11s after it was switched on",
    ),
    "for": (
        Rule(operation="scaleProcess", respond=CONFLICT),
        {"now": 90 * SECOND, "for_": 60 * SECOND},
        "for: wanted 1m, got 90s after it was switched on",
    ),
    "after": (
        Rule(operation="scaleProcess", after=2, respond=CONFLICT),
        {},
        "after: wanted 2 let through first, got 1 let through so far",
    ),
    "chance": (
        Rule(operation="scaleProcess", chance=0.5, respond=CONFLICT),
        {"draw": lambda: 0.9},
        "chance: wanted 0.5, got not drawn",
    ),
}


@pytest.mark.parametrize(("rule", "keys", "told"), REASONS.values(), ids=REASONS.keys())
def test_what_is_no_condition_of_the_request_can_stand_in_the_way_too(
    rule: Rule, keys: Any, told: str, ask: AskRequest
) -> None:
    assert str(missed([rule], ask(), **keys)) == f"scenario late, rule 1: {told}"


def test_a_rule_that_has_answered_its_times_says_so(ask: AskRequest) -> None:
    rule = Rule(operation="scaleProcess", times=1, respond=CONFLICT)
    assert str(missed([rule], ask(), ask())) == "scenario late, rule 1: times: wanted 1 in all, got 1 answered before"


def test_a_rule_for_the_neighbouring_operation_is_near(ask: AskRequest) -> None:
    rule = Rule(operation="scaleProcess", times=1, respond=CONFLICT)
    told = "scenario late, rule 1: operation: wanted scaleProcess, got scaleProcessForApp"
    assert str(missed([rule], ask("scaleProcessForApp"))) == told


def test_a_rule_for_a_distant_operation_is_not(ask: AskRequest) -> None:
    assert missed([Rule(operation="scaleProcess", times=1, respond=CONFLICT)], ask("listProcesses")) is None


def test_a_rule_of_which_nothing_held_is_not_near(ask: AskRequest) -> None:
    assert missed([Rule(when=When(body={"instances": 2}), respond=CONFLICT)], ask(body={"instances": 3})) is None


def test_nothing_is_near_where_nothing_is_on(ask: AskRequest) -> None:
    assert find_near_miss(CompiledScenarios(), ScenarioProgress(), ask(), 0) is None


def test_looking_at_a_near_miss_counts_nothing(ask: AskRequest) -> None:
    scenario = Scenario(name="late", rules=(Rule(operation="scaleProcess", after=2, respond=CONFLICT),))
    lineup, progress = CompiledScenarios([scenario]), ScenarioProgress()
    find_near_miss(lineup, progress, ask(), 0)
    assert progress == ScenarioProgress()


def test_of_very_many_rules_the_one_the_index_leads_to_is_found(ask: AskRequest) -> None:
    rules = [
        Rule(operation="scaleProcess", when=When(path={"guid": f"guid-{n}"}, body={"instances": 2}), respond=CONFLICT)
        for n in range(5_000)
    ]
    miss = nearest(rules, ask(path={"guid": "guid-4999"}, body={"instances": 3}))
    assert miss.rule == 5_000
