"""Near misses: for a request that no rule took, which rule came nearest, and what stood in its way."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mockfoundry.scenarios.conditions import MatchableRequest
from mockfoundry.scenarios.engine import ScenarioProgress, match_scenarios, switch_on
from mockfoundry.scenarios.model import Respond, Rule, Scenario, When
from mockfoundry.scenarios.near_misses import (
    NearMiss,
    describe_near_miss,
    find_near_miss,
    recall_near_miss,
    remember_near_miss,
)
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
    compiled_scenarios, progress = CompiledScenarios([scenario]), ScenarioProgress()
    switch_on(progress, scenario, 0)
    for each in before:
        match_scenarios(compiled_scenarios, progress, each, now, draw)
    assert match_scenarios(compiled_scenarios, progress, request, now, draw) is None
    return find_near_miss(compiled_scenarios, progress, request, now)


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
    "from, in a state": (
        Rule(operation="scaleProcess", state="calm", from_=10 * SECOND, respond=CONFLICT),
        {"now": SECOND, "start": "calm"},
        "from: wanted 10s in state calm, got 1s since it was entered",
    ),
    "until, in a state": (
        Rule(operation="scaleProcess", state="calm", until=10 * SECOND, respond=CONFLICT),
        {"now": 11 * SECOND, "start": "calm"},
        "until: wanted 10s in state calm, got 11s since it was entered",
    ),
    "another state, whose time says nothing": (
        Rule(operation="scaleProcess", state="broken", from_=10 * SECOND, respond=CONFLICT),
        {"now": SECOND, "start": "calm"},
        "state: wanted broken, got calm",
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


FACTS = {"type": "web", "app": "dora", "space": "dev", "organization": "acme"}
NO_PROCESS = "none (not about one process that exists)"


@pytest.mark.parametrize(
    ("when", "asked", "told"),
    [
        (When(user="alice"), {"user": "bob"}, "user: wanted alice, got bob"),
        (When(user="alice"), {}, "user: wanted alice, got none (no token that is accepted)"),
        (When(user=None), {"user": "bob"}, "user: wanted null, got bob"),
        (When(process={"type": "worker"}), {"process_facts": FACTS}, "process type: wanted worker, got web"),
        (
            When(process={"app": {"pattern": "^b"}, "space": "dev"}),
            {"process_facts": FACTS},
            'process app: wanted {"pattern":"^b"}, got dora',
        ),
        (When(process={"organization": "acme"}), {}, f"process organization: wanted acme, got {NO_PROCESS}"),
    ],
)
def test_who_and_which_process_were_wanted_and_came(
    when: When, asked: dict[str, Any], told: str, ask: AskRequest
) -> None:
    rule = Rule(operation="scaleProcess", when=when, respond=CONFLICT)
    assert str(missed([rule], ask(**asked))) == f"scenario late, rule 1: {told}"


def test_what_was_never_let_through_nor_answered_counts_as_none(ask: AskRequest) -> None:
    rule = Rule(operation="scaleProcess", when=When(body={"instances": 2}), after=2, times=1, respond=CONFLICT)
    miss = nearest([rule], ask(body={"instances": 3}))
    assert [(each.what, each.held, each.got) for each in miss.conditions[2:]] == [
        ("after", False, "0 let through so far"),
        ("times", True, "0 answered before"),
    ]


def test_a_rule_that_has_answered_its_times_says_so(ask: AskRequest) -> None:
    rule = Rule(operation="scaleProcess", times=1, respond=CONFLICT)
    assert str(missed([rule], ask(), ask())) == "scenario late, rule 1: times: wanted 1 in all, got 1 answered before"


def test_a_rule_for_the_neighbouring_operation_is_near(ask: AskRequest) -> None:
    rule = Rule(operation="scaleProcess", times=1, respond=CONFLICT)
    told = "scenario late, rule 1: operation: wanted scaleProcess, got scaleProcessForApp"
    assert str(missed([rule], ask("scaleProcessForApp"))) == told


def test_a_rule_for_a_distant_operation_is_near_where_all_else_of_it_held(ask: AskRequest) -> None:
    rule = Rule(operation="getProcess", when=When(path={"guid": "a"}), respond=CONFLICT)
    told = "scenario late, rule 1: operation: wanted getProcess, got scaleProcess"
    assert str(missed([rule], ask(path={"guid": "a"}))) == told
    assert missed([rule], ask(path={"guid": "b"})) is None
    two = Rule(operation="getProcess", when=When(path={"guid": "a"}, query={"embed": "x"}), respond=CONFLICT)
    assert missed([two], ask(path={"guid": "a"})) is None
    unknown = "scenario late, rule 1: operation: wanted getProcess, got an unknown route"
    assert str(missed([rule], ask("", path={"guid": "a"}))) == unknown


def test_of_several_operations_all_are_told(ask: AskRequest) -> None:
    when = When(body={"instances": 2})
    rule = Rule(operation=("scaleProcess", "updateProcess"), when=when, respond=CONFLICT)
    miss = nearest([rule], ask(body={"instances": 3}))
    assert str(miss) == "scenario late, rule 1: body instances: wanted 2, got 3"
    assert [(each.what, each.held, each.wanted) for each in miss.conditions] == [
        ("operation", True, ["scaleProcess", "updateProcess"]),
        ("body instances", False, 2),
    ]


def test_of_rules_that_are_as_near_the_first_is_the_nearest(ask: AskRequest) -> None:
    rules = [
        Rule(operation="scaleProcess", when=When(body={"instances": number}), respond=CONFLICT) for number in range(3)
    ]
    assert nearest(rules, ask(body={"instances": 7})).rule == 1


LIMITS: dict[str, tuple[Rule, int, list[tuple[str, bool]]]] = {
    "before its time": (
        Rule(from_=10 * SECOND, until=20 * SECOND, respond=CONFLICT),
        10 * SECOND - 1,
        [("for", True), ("from", False), ("until", True)],
    ),
    "after its time": (
        Rule(from_=10 * SECOND, until=20 * SECOND, respond=CONFLICT),
        20 * SECOND,
        [("for", True), ("from", True), ("until", False)],
    ),
    "after the scenario's": (
        Rule(from_=10 * SECOND, until=40 * SECOND, respond=CONFLICT),
        30 * SECOND,
        [("for", False), ("from", True), ("until", True)],
    ),
    "as its time begins, but answered": (
        Rule(from_=10 * SECOND, times=1, respond=CONFLICT),
        10 * SECOND,
        [("for", True), ("from", True), ("times", False)],
    ),
    "after it let one through, and answered": (
        Rule(after=1, times=1, respond=CONFLICT),
        0,
        [("for", True), ("after", True), ("times", False)],
    ),
    "through its sequence": (
        Rule(sequence=(CONFLICT,)),
        0,
        [("for", True), ("sequence", False)],
    ),
}
"""A rule of a scenario that is on for thirty seconds, when it is asked, and which of its limits held."""


@pytest.mark.parametrize("row", LIMITS)
def test_it_tells_of_each_limit_whether_it_held(row: str, ask: AskRequest) -> None:
    rule, now, limits = LIMITS[row]
    miss = missed([rule], ask(), ask(), ask(), now=now, for_=30 * SECOND)
    assert miss is not None
    assert [(each.what, each.held) for each in miss.conditions] == limits


def test_a_rule_for_a_distant_operation_is_not(ask: AskRequest) -> None:
    for operation in ("listProcesses", ""):
        assert missed([Rule(operation="scaleProcess", times=1, respond=CONFLICT)], ask(operation)) is None


def test_a_rule_of_which_nothing_held_is_not_near(ask: AskRequest) -> None:
    assert missed([Rule(when=When(body={"instances": 2}), respond=CONFLICT)], ask(body={"instances": 3})) is None


def test_nothing_is_near_where_nothing_is_on(ask: AskRequest) -> None:
    assert find_near_miss(CompiledScenarios(), ScenarioProgress(), ask(), 0) is None


def test_looking_at_a_near_miss_counts_nothing(ask: AskRequest) -> None:
    scenario = Scenario(name="late", rules=(Rule(operation="scaleProcess", after=2, respond=CONFLICT),))
    compiled_scenarios, progress = CompiledScenarios([scenario]), ScenarioProgress()
    find_near_miss(compiled_scenarios, progress, ask(), 0)
    assert progress == ScenarioProgress()


def test_of_many_rules_the_one_whose_path_matches_is_found(ask: AskRequest) -> None:
    rules = [
        Rule(operation="scaleProcess", when=When(path={"guid": f"guid-{n}"}, body={"instances": 2}), respond=CONFLICT)
        for n in range(100)
    ]
    miss = nearest(rules, ask(path={"guid": "guid-99"}, body={"instances": 3}))
    assert miss.rule == 100


def test_a_rule_for_the_operation_is_found_behind_many_for_others(ask: AskRequest) -> None:
    distant = [Rule(operation="listProcesses", when=When(query={"page": n}), respond=CONFLICT) for n in range(99)]
    for mine in (
        Rule(operation="scaleProcess", when=When(body={"instances": 2}), respond=CONFLICT),
        Rule(when=When(body={"instances": 2}, path={"guid": "a"}), respond=CONFLICT),
    ):
        miss = nearest([*distant, mine], ask(path={"guid": "a"}, body={"instances": 3}))
        assert str(miss) == "scenario late, rule 100: body instances: wanted 2, got 3"


def test_the_time_is_that_since_it_was_switched_on(ask: AskRequest) -> None:
    late = Scenario(name="late", rules=(Rule(from_=10 * SECOND, respond=CONFLICT),), for_=60 * SECOND)
    compiled_scenarios, progress = CompiledScenarios([late]), ScenarioProgress()
    switch_on(progress, late, 100 * SECOND)
    told = "scenario late, rule 1: from: wanted 10s, got 4s after it was switched on"
    assert str(find_near_miss(compiled_scenarios, progress, ask(), 104 * SECOND)) == told


def test_a_request_like_one_that_no_rule_took_is_not_compared_again(ask: AskRequest) -> None:
    rule = Rule(operation="scaleProcess", when=When(path={"guid": "a"}), respond=CONFLICT)
    compiled_scenarios = CompiledScenarios([Scenario(name="late", rules=(rule,))])
    first, other = ask(path={"guid": "b"}, body={"instances": 2}), ask(path={"guid": "b"}, body={"instances": 3})
    assert recall_near_miss(compiled_scenarios, other) is None
    told = "scenario late, rule 1: path guid: wanted a, got b"
    assert describe_near_miss(compiled_scenarios, ScenarioProgress(), first, 0) == (told, "")
    remember_near_miss(compiled_scenarios, first, told)
    assert recall_near_miss(compiled_scenarios, other) == told
    assert recall_near_miss(compiled_scenarios, ask(path={"guid": "c"})) is None
    assert recall_near_miss(compiled_scenarios, ask("getProcess", path={"guid": "b"})) is None
