"""The engine: which scenario decides a request, and how far each has come. Never answers, never reads a clock."""

import math
from collections.abc import Callable
from hashlib import blake2b
from itertools import islice
from statistics import NormalDist
from typing import Any

import msgspec

from mockfoundry.documents.times import MAX_DURATION
from mockfoundry.scenarios.conditions import MatchableRequest
from mockfoundry.scenarios.model import Delay, Event, Lognormal, Respond, Scenario, Uniform
from mockfoundry.scenarios.rule_index import CompiledRule, CompiledScenarios

MAX_COUNTERS = 100_000
"""How much one scenario counts for: with a new token for each request the first ones are forgotten at last."""


class RuleCount(msgspec.Struct):
    """How far one rule has come for one process, one token, or the foundation.

    Attributes:
        seen: matches let through first.
        answered: matches answered after that.
    """

    seen: int = 0
    answered: int = 0


class ScenarioProgress(msgspec.Struct):
    """How far the scenarios of one foundation have come: all that changes while they play.

    Attributes:
        since: when each was switched on, in microseconds.
        counts: by scenario, then by rule and what it counts for.
        states: by scenario, then by what its rules count for.
        events: how many of each scenario's events have happened.
    """

    since: dict[str, int] = {}
    counts: dict[str, dict[str, RuleCount]] = {}
    states: dict[str, dict[str, str]] = {}
    events: dict[str, int] = {}


class ScenarioMatch(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario decided about one request.

    Attributes:
        scenario, rule: which one; the rule from 1.
        match: the number of this answer, from 1.
        of: how many it gives in all, None for ever.
        respond: what to answer; None for `pass`, where the request goes on to the world.
        delay: microseconds, drawn.
        why: the same in words.
        counter, state, goto: what keeping it changes.
    """

    scenario: str
    rule: int
    match: int
    of: int | None
    respond: Respond | None
    delay: int
    why: str
    counter: str
    state: str
    goto: str | None


def switch_on(progress: ScenarioProgress, scenario: Scenario, now: int) -> None:
    """A scenario begins, or begins anew: nothing is counted, its time runs from now."""
    switch_off(progress, scenario.name)
    progress.since[scenario.name] = now


def switch_off(progress: ScenarioProgress, name: str) -> None:
    """A scenario ends: nothing of it is left."""
    progress.since.pop(name, None)
    progress.counts.pop(name, None)
    progress.states.pop(name, None)
    progress.events.pop(name, None)


def match_scenarios(
    lineup: CompiledScenarios, progress: ScenarioProgress, asked: MatchableRequest, now: int, draw: Callable[[], float]
) -> ScenarioMatch | None:
    """What the scenarios say of a request; None where no rule takes it.

    A decision of phase `before` is counted here; one of phase `after` is for `keep` to count.

    Args:
        now: microseconds of the foundation's clock.
        draw: gives a number in [0, 1) from the foundation's generator.
    """
    table = lineup.table(asked.operation)
    if table is None:
        return None
    for ready in table.find_candidates(asked):
        if not (ready.is_untimed or is_in_time(ready, progress, now)):
            continue
        key = compute_count_key(ready, asked)
        rule = ready.rule
        if rule.state and find_state(ready, progress, key) not in rule.state:
            continue
        counter = ready.counter + key
        count = find_count(progress, ready.scenario.name, counter)
        if ready.max_matches is not None and count is not None and count.answered >= ready.max_matches:
            continue
        if not all(condition.holds(asked) for condition in ready.conditions):
            continue
        if rule.after and (count is None or count.seen < rule.after):
            if count is None:
                count = add_count(progress, ready.scenario.name, counter)
            count.seen += 1
            continue
        if rule.chance < 1.0 and draw() >= rule.chance:
            continue
        decision = build_match(ready, key, count.answered if count else 0, draw)
        if decision.respond is None or decision.respond.phase == "before":
            commit_match(progress, decision)
        return decision
    return None


def commit_match(progress: ScenarioProgress, decision: ScenarioMatch) -> None:
    """Counts a decision, and moves its scenario to the next state."""
    count = find_count(progress, decision.scenario, decision.counter)
    if count is None:
        count = add_count(progress, decision.scenario, decision.counter)
    count.answered += 1
    if decision.goto is not None:
        states = progress.states.setdefault(decision.scenario, {})
        if len(states) >= MAX_COUNTERS and decision.state not in states:
            forget_oldest(states)
        states[decision.state] = decision.goto


def build_match(ready: CompiledRule, key: str, answered: int, draw: Callable[[], float]) -> ScenarioMatch:
    """The decision of a rule that has answered so many."""
    step = ready.step(answered)
    match = answered + 1
    of = "" if ready.max_matches is None else f" of {ready.max_matches}"
    steps = len(ready.steps)
    if ready.max_matches is None and steps > 1:
        number = min(match, steps) if ready.rule.finally_ == "stay" else answered % steps + 1
        of = f", step {number} of {steps}"
    return ScenarioMatch(
        scenario=ready.scenario.name,
        rule=ready.number,
        match=match,
        of=ready.max_matches,
        respond=step if step.changes else None,
        delay=draw_delay(step.delay, draw),
        why=f"scenario {ready.scenario.name}, rule {ready.number}, match {match}{of}",
        counter=ready.counter + key,
        state=key,
        goto=ready.rule.goto,
    )


def is_in_time(ready: CompiledRule, progress: ScenarioProgress, now: int) -> bool:
    """Whether the scenario is still on, and the rule's own time has come and not gone."""
    passed = now - progress.since.get(ready.scenario.name, now)
    ends, begins, until = ready.scenario.for_, ready.rule.from_, ready.rule.until
    return (
        (ends is None or passed < ends) and (begins is None or passed >= begins) and (until is None or passed < until)
    )


def compute_count_key(ready: CompiledRule, asked: MatchableRequest) -> str:
    """What a match is counted for, as a suffix of its counter; a token as its digest, since progress is written out."""
    per = ready.rule.per
    if per == "foundation":
        return ""
    if per == "process":
        return " " + asked.process
    return " " + blake2b(asked.token.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def find_state(ready: CompiledRule, progress: ScenarioProgress, key: str) -> str:
    states = progress.states.get(ready.scenario.name)
    start = ready.scenario.start or ""
    return start if states is None else states.get(key, start)


def find_count(progress: ScenarioProgress, scenario: str, counter: str) -> RuleCount | None:
    counts = progress.counts.get(scenario)
    return None if counts is None else counts.get(counter)


def add_count(progress: ScenarioProgress, scenario: str, counter: str) -> RuleCount:
    counts = progress.counts.setdefault(scenario, {})
    if len(counts) >= MAX_COUNTERS:
        forget_oldest(counts)
    count = counts[counter] = RuleCount()
    return count


def forget_oldest(kept: dict[str, Any]) -> None:
    """Forgets a tenth of what is kept for single tokens and processes, the first that came; never what is kept for all.

    Many at once, since a mapping is looked through from its beginning, whatever was taken from there.
    """
    single = (key for key in kept if " " in key)
    for key in list(islice(single, MAX_COUNTERS // 10)):
        del kept[key]


def draw_delay(delay: Delay, draw: Callable[[], float]) -> int:
    """A delay in microseconds, at most a year."""
    if isinstance(delay, Uniform):
        return delay.low + int(draw() * (delay.high - delay.low + 1))
    if isinstance(delay, Lognormal):
        # The p99 of a normal distribution lies 2.326 deviations above its median.
        height = _NORMAL.inv_cdf(max(draw(), 2.0**-54)) / _P99
        return min(round(delay.median * math.pow(delay.p99 / delay.median, height)), MAX_DURATION)
    return delay


_NORMAL = NormalDist()
_P99 = _NORMAL.inv_cdf(0.99)


def take_due_events(lineup: CompiledScenarios, progress: ScenarioProgress, now: int) -> list[tuple[str, Event]]:
    """The events whose time has come, by scenario, in the order of their times; each is given once."""
    due: list[tuple[int, str, Event]] = []
    for scenario, number, event in lineup.events:
        since = progress.since.get(scenario.name)
        if since is None or number < progress.events.get(scenario.name, 0) or since + event.at > now:
            continue
        progress.events[scenario.name] = number + 1
        due.append((since + event.at, scenario.name, event))
    return [(name, event) for _, name, event in sorted(due, key=lambda each: each[0])]
