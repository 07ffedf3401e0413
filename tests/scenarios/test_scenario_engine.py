"""The engine: which rule takes a request, how often, and what it leaves for the next one."""

import statistics
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from mockfoundry.scenarios import engine
from mockfoundry.scenarios.conditions import MatchableRequest
from mockfoundry.scenarios.engine import (
    ScenarioMatch,
    ScenarioProgress,
    commit_match,
    match_scenarios,
    switch_off,
    switch_on,
    take_due_events,
)
from mockfoundry.scenarios.model import (
    PASS,
    CountScope,
    Event,
    Lognormal,
    Respond,
    Rule,
    Scenario,
    ScenarioError,
    Uniform,
    When,
)
from mockfoundry.scenarios.rule_index import CompiledScenarios
from tests.scenarios.conftest import AskRequest

SECOND = 1_000_000
CONFLICT = Respond(error="CF-Conflict")
BUSY = Respond(error="CF-ServiceUnavailable")


class Play:
    """Scenarios switched on at time 0, asked request by request."""

    def __init__(self, *scenarios: Scenario, draws: Iterator[float] | None = None) -> None:
        self.compiled_scenarios = CompiledScenarios(scenarios)
        self.progress = ScenarioProgress()
        self.draws = draws
        for scenario in scenarios:
            switch_on(self.progress, scenario, 0)

    def draw(self) -> float:
        assert self.draws is not None, "nothing was to be drawn"
        return next(self.draws)

    def decision(self, request: MatchableRequest, now: int = 0) -> ScenarioMatch | None:
        return match_scenarios(self.compiled_scenarios, self.progress, request, now, self.draw)

    def errors(self, requests: Any, now: int = 0) -> list[str | None]:
        """What each request got: an error's title, `pass`, or None where no rule took it."""
        found = [self.decision(request, now) for request in requests]
        return [None if each is None else each.respond.error if each.respond else "pass" for each in found]


def scenario(*rules: Rule, name: str = "late", **keys: Any) -> Scenario:
    return Scenario(name=name, rules=rules, **keys)


def test_a_rule_answers_its_times_and_then_no_more(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", times=2, respond=CONFLICT)))
    assert play.errors([ask()] * 4) == ["CF-Conflict", "CF-Conflict", None, None]


def test_a_rule_answers_for_ever_unless_bounded(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", respond=CONFLICT)))
    assert play.errors([ask()] * 50) == ["CF-Conflict"] * 50


def test_another_operation_is_left_alone(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", respond=CONFLICT)))
    assert play.errors([ask(operation="getProcess"), ask(operation="")]) == [None, None]


def test_a_rule_without_operation_is_for_every_request(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", times=1, respond=CONFLICT), Rule(respond=BUSY)))
    requests = [ask(), ask(), ask(operation="getProcess"), ask(operation="")]
    assert play.errors(requests) == ["CF-Conflict"] + ["CF-ServiceUnavailable"] * 3


def test_the_first_rule_with_something_left_decides(ask: AskRequest) -> None:
    play = Play(
        scenario(
            Rule(operation="scaleProcess", times=1, respond=CONFLICT),
            Rule(operation="scaleProcess", times=1, respond=BUSY),
        )
    )
    assert play.errors([ask()] * 3) == ["CF-Conflict", "CF-ServiceUnavailable", None]


def test_scenarios_are_asked_in_the_order_they_were_switched_on(ask: AskRequest) -> None:
    first = scenario(Rule(operation="scaleProcess", times=1, respond=CONFLICT), name="first")
    second = scenario(Rule(operation="scaleProcess", times=1, respond=BUSY), name="second")
    assert Play(first, second).errors([ask()] * 2) == ["CF-Conflict", "CF-ServiceUnavailable"]
    assert Play(second, first).errors([ask()] * 2) == ["CF-ServiceUnavailable", "CF-Conflict"]


def test_matches_let_through_come_first(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", after=2, times=1, respond=CONFLICT)))
    assert play.errors([ask()] * 4) == [None, None, "CF-Conflict", None]


def test_a_match_let_through_is_for_the_next_rule(ask: AskRequest) -> None:
    play = Play(
        scenario(
            Rule(operation="scaleProcess", after=1, respond=CONFLICT),
            Rule(operation="scaleProcess", respond=BUSY),
        )
    )
    assert play.errors([ask()] * 2) == ["CF-ServiceUnavailable", "CF-Conflict"]


@pytest.mark.parametrize("per", ["process", "token"])
def test_each_one_has_its_own_count(per: CountScope, ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", per=per, times=1, respond=CONFLICT)))
    requests = [ask(**{per: "a"}), ask(**{per: "b"}), ask(**{per: "a"})]
    assert play.errors(requests) == ["CF-Conflict", "CF-Conflict", None]


def test_the_foundation_counts_all_together(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", times=1, respond=CONFLICT)))
    requests = [ask(process=name, token=name) for name in ("a", "b")]
    assert play.errors(requests) == ["CF-Conflict", None]


def test_a_token_is_not_kept_in_the_progress(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", per="token", times=1, respond=CONFLICT)))
    secret = "a-secret-of-alice"
    play.errors([ask(token=secret)])
    assert secret.encode() not in msgspec.json.encode(play.progress)


def test_many_tokens_are_forgotten_at_last_and_what_counts_for_all_never_is(
    ask: AskRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MAX_COUNTERS", 50)
    once = Rule(operation="scaleProcess", times=1, respond=CONFLICT)
    each = Rule(operation="scaleProcess", per="token", times=1, respond=BUSY)
    play = Play(scenario(once, each))
    tokens = [f"t{number}" for number in range(200)]
    assert play.errors([ask(token=tokens[0])] * 3) == ["CF-Conflict", "CF-ServiceUnavailable", None]
    assert play.errors([ask(token=token) for token in tokens[1:]]) == ["CF-ServiceUnavailable"] * 199
    assert len(play.progress.counts["late"]) <= 50
    assert play.errors([ask(token=tokens[-1]), ask(token=tokens[0])]) == [None, "CF-ServiceUnavailable"]


FINALLY = [
    ("pass", ["CF-Conflict", "pass", "CF-ServiceUnavailable", None, None]),
    ("repeat", ["CF-Conflict", "pass", "CF-ServiceUnavailable", "CF-Conflict", "pass"]),
    ("stay", ["CF-Conflict", "pass", "CF-ServiceUnavailable", "CF-ServiceUnavailable", "CF-ServiceUnavailable"]),
]


@pytest.mark.parametrize(("finally_", "expected"), FINALLY)
def test_a_sequence_is_answered_step_by_step(finally_: Any, expected: Any, ask: AskRequest) -> None:
    rule = Rule(operation="scaleProcess", sequence=(CONFLICT, PASS, BUSY), finally_=finally_)
    assert Play(scenario(rule)).errors([ask()] * 5) == expected


def test_a_passed_request_is_not_for_later_rules(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", respond=PASS), Rule(operation="scaleProcess", respond=BUSY)))
    assert play.errors([ask()]) == ["pass"]


def test_a_chance_is_drawn_for_each_match_and_only_then(ask: AskRequest) -> None:
    rule = Rule(operation="scaleProcess", when=When(body={"instances": 2}), chance=0.5, times=2, respond=CONFLICT)
    play = Play(scenario(rule), draws=iter([0.9, 0.1, 0.5, 0.49]))
    requests = [ask(body={"instances": 3})] + [ask(body={"instances": 2})] * 5
    assert play.errors(requests) == [None, None, "CF-Conflict", None, "CF-Conflict", None]
    assert list(play.draws or ()) == []


def test_a_lost_draw_is_for_the_next_rule(ask: AskRequest) -> None:
    play = Play(
        scenario(
            Rule(operation="scaleProcess", chance=0.5, respond=CONFLICT), Rule(operation="scaleProcess", respond=BUSY)
        ),
        draws=iter([0.7]),
    )
    assert play.errors([ask()]) == ["CF-ServiceUnavailable"]


def test_states_lead_from_rule_to_rule(ask: AskRequest) -> None:
    play = Play(
        scenario(
            Rule(operation="getProcess", state="calm", goto="broken", respond=PASS),
            Rule(operation="scaleProcess", state="broken", goto="calm", respond=CONFLICT),
            start="calm",
        )
    )
    requests = [ask(), ask(operation="getProcess"), ask(), ask()]
    assert play.errors(requests) == [None, "pass", "CF-Conflict", None]


def test_states_are_kept_for_each_process(ask: AskRequest) -> None:
    play = Play(
        scenario(
            Rule(operation="scaleProcess", per="process", state="new", goto="scaled", respond=CONFLICT),
            Rule(operation="scaleProcess", per="process", state="scaled", respond=BUSY),
            start="new",
        )
    )
    requests = [ask(process="a"), ask(process="a"), ask(process="b")]
    assert play.errors(requests) == ["CF-Conflict", "CF-ServiceUnavailable", "CF-Conflict"]


def test_a_scenario_is_off_by_itself_after_its_time(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", respond=CONFLICT), for_=60 * SECOND))
    assert play.errors([ask()], now=60 * SECOND - 1) == ["CF-Conflict"]
    assert play.errors([ask()], now=60 * SECOND) == [None]


def test_a_rule_applies_in_its_window(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", from_=10 * SECOND, until=20 * SECOND, respond=BUSY)))
    times = [0, 10 * SECOND - 1, 10 * SECOND, 20 * SECOND - 1, 20 * SECOND]
    found = [play.errors([ask()], now=now)[0] for now in times]
    assert found == [None, None, "CF-ServiceUnavailable", "CF-ServiceUnavailable", None]


def test_an_answer_after_the_change_is_counted_when_it_is_kept(ask: AskRequest) -> None:
    lost = Respond(fault="reset", phase="after")
    play = Play(scenario(Rule(operation="scaleProcess", times=1, respond=lost)))
    refused, accepted = play.decision(ask()), play.decision(ask())
    assert refused == accepted
    assert accepted is not None
    commit_match(play.progress, accepted, 0)
    assert play.decision(ask()) is None


LOST = (
    Rule(operation="scaleProcess", per="process", state="calm", goto="lost", respond=CONFLICT),
    Rule(operation="scaleProcess", per="process", state="lost", from_=2 * SECOND, until=5 * SECOND, respond=BUSY),
)


def test_a_rule_with_states_has_its_time_from_the_moment_its_state_was_entered(ask: AskRequest) -> None:
    play = Play(scenario(*LOST, start="calm"))
    found = [
        play.errors([ask(process=process)], now=now * SECOND)[0]
        for process, now in (("a", 100), ("a", 101), ("b", 102), ("a", 102), ("b", 103), ("b", 104), ("a", 105))
    ]
    conflict, busy = "CF-Conflict", "CF-ServiceUnavailable"
    assert found == [conflict, None, conflict, busy, None, busy, None]


def test_the_start_state_is_entered_when_the_scenario_is_switched_on(ask: AskRequest) -> None:
    played = scenario(Rule(operation="scaleProcess", state="calm", until=5 * SECOND, respond=BUSY), start="calm")
    play = Play(played)
    assert play.errors([ask()], now=5 * SECOND) == [None]
    switch_on(play.progress, played, 60 * SECOND)
    assert play.errors([ask()], now=65 * SECOND - 1) == ["CF-ServiceUnavailable"]
    assert play.errors([ask()], now=65 * SECOND) == [None]


def test_goto_to_the_state_of_now_enters_it_anew(ask: AskRequest) -> None:
    again = Rule(operation="scaleProcess", state="calm", goto="calm", until=5 * SECOND, respond=BUSY)
    play = Play(scenario(again, start="calm"))
    found = [play.errors([ask()], now=now * SECOND)[0] for now in (4, 8, 12, 17)]
    assert found == ["CF-ServiceUnavailable"] * 3 + [None]


def test_a_state_after_the_change_is_as_old_as_its_commit(ask: AskRequest) -> None:
    lost = Respond(fault="reset", phase="after")
    play = Play(
        scenario(
            Rule(operation="scaleProcess", state="calm", goto="lost", respond=lost),
            Rule(operation="scaleProcess", state="lost", until=5 * SECOND, respond=BUSY),
            start="calm",
        )
    )
    decision = play.decision(ask(), now=10 * SECOND)
    assert decision is not None
    commit_match(play.progress, decision, 13 * SECOND)
    late = play.decision(ask(), now=18 * SECOND - 1)
    assert late is not None
    assert late.why == "scenario late, rule 2, match 1, 4.999999s in state lost"
    assert play.decision(ask(), now=18 * SECOND) is None


def test_when_states_were_entered_survives_a_copy_and_an_older_one_counts_from_switching_on(ask: AskRequest) -> None:
    play = Play(scenario(*LOST, start="calm"))
    play.errors([ask(process="a")], now=100 * SECOND)
    kept = msgspec.to_builtins(play.progress)
    assert kept["entered"] == {"late": {" a": 100 * SECOND}}
    play.progress = msgspec.convert(kept, ScenarioProgress)
    assert play.errors([ask(process="a")], now=103 * SECOND) == ["CF-ServiceUnavailable"]
    del kept["entered"]
    play.progress = msgspec.convert(kept, ScenarioProgress)
    assert play.errors([ask(process="a")], now=103 * SECOND) == [None]
    assert play.errors([ask(process="a")], now=3 * SECOND) == ["CF-ServiceUnavailable"]


def test_matches_are_counted_for_each_user_whatever_the_token(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", per="user", times=1, respond=CONFLICT)))
    users = [("a", "1"), ("a", "2"), ("b", "1"), ("", ""), ("", "unknown"), ("x" * 5_000, "3"), ("x" * 5_000, "4")]
    found = play.errors([ask(user=user, token=token) for user, token in users])
    assert found == ["CF-Conflict", None, "CF-Conflict", "CF-Conflict", None, "CF-Conflict", None]
    assert max(map(len, play.progress.counts["late"])) < 100


def test_a_state_after_the_change_is_entered_when_it_is_kept(ask: AskRequest) -> None:
    play = Play(
        scenario(
            Rule(operation="scaleProcess", state="calm", goto="lost", respond=Respond(fault="reset", phase="after")),
            Rule(operation="scaleProcess", state="lost", respond=CONFLICT),
            start="calm",
        )
    )
    decision = play.decision(ask())
    assert decision is not None
    assert play.progress.states == {}
    commit_match(play.progress, decision, 0)
    assert play.errors([ask()]) == ["CF-Conflict"]


def test_a_decision_says_why(ask: AskRequest) -> None:
    play = Play(
        scenario(
            Rule(operation="scaleProcess", times=1, respond=CONFLICT),
            Rule(operation="scaleProcess", sequence=(PASS, BUSY), finally_="repeat"),
        )
    )
    decisions = [play.decision(ask()) for _ in range(3)]
    assert [each and each.why for each in decisions] == [
        "scenario late, rule 1, match 1 of 1",
        "scenario late, rule 2, match 1, step 1 of 2",
        "scenario late, rule 2, match 2, step 2 of 2",
    ]
    assert [each and (each.rule, each.match, each.of) for each in decisions] == [(1, 1, 1), (2, 1, None), (2, 2, None)]


WHYS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "one answer for ever": ({"respond": CONFLICT}, ["match 1", "match 2", "match 3"]),
    "as many as its times": ({"respond": CONFLICT, "times": 2}, ["match 1 of 2", "match 2 of 2"]),
    "once through": ({"sequence": (CONFLICT, BUSY)}, ["match 1 of 2", "match 2 of 2"]),
    "from the first again": (
        {"sequence": (CONFLICT, BUSY), "finally_": "repeat"},
        ["match 1, step 1 of 2", "match 2, step 2 of 2", "match 3, step 1 of 2"],
    ),
    "the last for ever": (
        {"sequence": (CONFLICT, BUSY), "finally_": "stay"},
        ["match 1, step 1 of 2", "match 2, step 2 of 2", "match 3, step 2 of 2"],
    ),
}
"""A rule's answers, and how they are counted in what is said of them."""


@pytest.mark.parametrize("row", WHYS)
def test_a_decision_says_which_of_how_many_it_is(row: str, ask: AskRequest) -> None:
    keys, told = WHYS[row]
    play = Play(scenario(Rule(operation="scaleProcess", **keys)))
    decisions = [play.decision(ask()) for _ in told]
    assert [each and each.why for each in decisions] == [f"scenario late, rule 1, {each}" for each in told]


def test_what_states_are_forgotten_their_moments_are_forgotten_too(
    ask: AskRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MAX_COUNTERS", 50)
    rule = Rule(operation="scaleProcess", per="user", state="new", goto="known", respond=CONFLICT)
    play = Play(scenario(rule, start="new"))
    play.errors([ask(user=str(number)) for number in range(120)], now=SECOND)
    assert list(play.progress.entered["late"]) == list(play.progress.states["late"])
    assert len(play.progress.entered["late"]) <= 50


def test_many_states_are_forgotten_at_last_and_one_that_is_there_already_forgets_none(
    ask: AskRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MAX_COUNTERS", 50)
    play = Play(
        scenario(
            Rule(operation="scaleProcess", per="token", state="new", goto="known", respond=CONFLICT),
            Rule(operation="scaleProcess", per="token", state="known", goto="known", respond=BUSY),
            start="new",
        )
    )
    tokens = [f"t{number}" for number in range(51)]
    assert play.errors([ask(token=token) for token in tokens[:50]]) == ["CF-Conflict"] * 50
    assert play.errors([ask(token=token) for token in tokens[:50]]) == ["CF-ServiceUnavailable"] * 50
    assert play.errors([ask(token=tokens[50])]) == ["CF-Conflict"]
    assert len(play.progress.states["late"]) <= 50
    assert play.errors([ask(token=tokens[49]), ask(token=tokens[0])]) == ["CF-ServiceUnavailable", "CF-Conflict"]


def test_switching_on_anew_begins_anew(ask: AskRequest) -> None:
    late = scenario(Rule(operation="scaleProcess", times=1, respond=CONFLICT), for_=SECOND)
    play = Play(late)
    assert play.errors([ask()] * 2) == ["CF-Conflict", None]
    switch_on(play.progress, late, 5 * SECOND)
    assert play.errors([ask()], now=5 * SECOND) == ["CF-Conflict"]


def test_switching_off_leaves_nothing_behind(ask: AskRequest) -> None:
    late = scenario(
        Rule(operation="scaleProcess", per="process", after=1, goto="b", respond=CONFLICT),
        start="a",
        events=(Event(at=0, given={"settings": {}}),),
    )
    play = Play(late)
    play.errors([ask(process="a")] * 3)
    take_due_events(play.compiled_scenarios, play.progress, 0)
    switch_off(play.progress, "late")
    assert play.progress == ScenarioProgress()


def test_progress_written_out_and_read_back_goes_on_where_it_was(ask: AskRequest) -> None:
    play = Play(scenario(Rule(operation="scaleProcess", per="process", sequence=(CONFLICT, PASS, BUSY))))
    assert play.errors([ask(process="a"), ask(process="a"), ask(process="b")]) == ["CF-Conflict", "pass", "CF-Conflict"]
    play.progress = msgspec.json.decode(msgspec.json.encode(play.progress), type=ScenarioProgress)
    assert play.errors([ask(process="a"), ask(process="b")]) == ["CF-ServiceUnavailable", "pass"]


def test_a_lineup_is_shared_and_progress_is_not(ask: AskRequest) -> None:
    compiled_scenarios = CompiledScenarios([scenario(Rule(operation="scaleProcess", times=1, respond=CONFLICT))])
    decided = [match_scenarios(compiled_scenarios, ScenarioProgress(), ask(), 0, float) for _ in range(2)]
    assert [each and each.match for each in decided] == [1, 1]


def test_events_come_once_in_the_order_of_their_times() -> None:
    one = scenario(name="one", events=(Event(at=3 * SECOND, given={"c": 1}), Event(at=1 * SECOND, given={"a": 1})))
    two = scenario(name="two", events=(Event(at=2 * SECOND, given={"b": 1}),))
    play = Play(one, two)
    assert take_due_events(play.compiled_scenarios, play.progress, SECOND - 1) == []
    due = take_due_events(play.compiled_scenarios, play.progress, 2 * SECOND)
    assert [(name, dict(event.given)) for name, event in due] == [("one", {"a": 1}), ("two", {"b": 1})]
    assert [name for name, _ in take_due_events(play.compiled_scenarios, play.progress, 9 * SECOND)] == ["one"]
    assert take_due_events(play.compiled_scenarios, play.progress, 9 * SECOND) == []


def test_events_of_what_is_off_and_of_a_time_after_its_end_never_come() -> None:
    events = (Event(at=SECOND, given={"a": 1}), Event(at=2 * SECOND, given={"b": 1}))
    play = Play(scenario(events=events, for_=2 * SECOND))
    assert [event.at for _, event in take_due_events(play.compiled_scenarios, play.progress, 9 * SECOND)] == [SECOND]
    assert take_due_events(play.compiled_scenarios, ScenarioProgress(), 9 * SECOND) == []


def test_two_scenarios_of_one_name_are_refused() -> None:
    with pytest.raises(ScenarioError, match="scenario late:1:1: is switched on twice"):
        CompiledScenarios([scenario(Rule(respond=PASS)), scenario(Rule(respond=BUSY))])


def test_a_condition_that_is_no_schema_is_refused_when_it_is_compiled() -> None:
    with pytest.raises(ScenarioError, match="scenario late:1:1: rule 1: "):
        CompiledScenarios([scenario(Rule(when=When(body={"instances": {"minimum": "two"}}), respond=PASS))])


DELAYS = [
    (250_000, [250_000, 250_000], []),
    (Uniform(100, 200), [100, 200, 150], [0.0, 1 - 2**-53, 0.5]),
    (Lognormal(200_000, 2_000_000), [200_000, 2_000_000, 0], [0.5, 0.99, 0.0]),
]


@pytest.mark.parametrize(("delay", "expected", "draws"), DELAYS, ids=["fixed", "uniform", "lognormal"])
def test_a_delay_is_drawn_from_the_given_generator_alone(
    delay: Any, expected: Any, draws: Any, ask: AskRequest
) -> None:
    play = Play(scenario(Rule(respond=Respond(delay=delay))), draws=iter(draws))
    found = [play.decision(ask()) for _ in expected]
    near = 0 if not isinstance(delay, Lognormal) else 200
    assert [each and each.delay for each in found] == pytest.approx(expected, rel=1e-3 * bool(near), abs=near)


def test_a_lognormal_delay_has_its_median_and_its_tail(ask: AskRequest) -> None:
    count = 10_001
    play = Play(
        scenario(Rule(respond=Respond(delay=Lognormal(200_000, 2_000_000)))),
        draws=((number + 0.5) / count for number in range(count)),
    )
    delays = sorted(decision.delay for _ in range(count) if (decision := play.decision(ask())))
    assert statistics.median(delays) == pytest.approx(200_000, rel=0.01)
    assert delays[int(count * 0.99)] == pytest.approx(2_000_000, rel=0.02)
