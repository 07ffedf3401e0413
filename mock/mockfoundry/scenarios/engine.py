"""The engine: which scenario rule decides a request, and how far each has come. Never responds, never reads a clock."""

import math
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from mockfoundry.documents.times import MAX_DURATION, format_passed_time
from mockfoundry.scenarios.conditions import MatchableRequest
from mockfoundry.scenarios.model import Event, Lognormal, Respond, Scenario, Station, Uniform, Virtual
from mockfoundry.scenarios.rule_index import CompiledRule, CompiledScenarios
from mockfoundry.wire_faults import TlsFaultName

if TYPE_CHECKING:
    from statistics import NormalDist

MAX_COUNTERS = 100_000
"""How many processes, users or tokens one scenario counts for. Beyond that the earliest are forgotten."""

MAX_KEY_LENGTH = 100


class RuleCount(msgspec.Struct):
    """How far one rule has come for one process, one user, one token, or the foundation.

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
        entered: the same, when each of those states was entered, in microseconds. A state that is not there was
            entered when its scenario was switched on: the start state, or one of an export that is older.
        events: how many of each scenario's events have happened.
    """

    since: dict[str, int] = {}
    counts: dict[str, dict[str, RuleCount]] = {}
    states: dict[str, dict[str, str]] = {}
    entered: dict[str, dict[str, int]] = {}
    events: dict[str, int] = {}


class ScenarioMatch(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario decided about one request.

    Attributes:
        scenario, rule: which one; the rule from 1.
        match: the number of this answer, from 1.
        of: how many it gives in all, None for ever.
        respond: what to answer; None for `pass`, where the request goes on to the world.
        delay: microseconds, drawn from the foundation's generator.
        virtual_delay: the same on the foundation's clock; one of the two is 0.
        delay_at_most: microseconds of the machine's clock after which a virtual delay ends with an error.
        station: where the rule was asked.
        why: the same in a line of text, for X-Mock-Why.
        counter, state, goto: what committing it changes.
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
    virtual_delay: int = 0
    delay_at_most: int = 0
    station: Station = "gateway"


class LetThrough(msgspec.Struct, frozen=True):
    """A request that the `after:` of a rule lets through, and that counts there once it has succeeded.

    Attributes:
        scenario, counter: where it counts.
    """

    scenario: str
    counter: str


class HandshakeMatch(msgspec.Struct, frozen=True):
    """What a scenario decided about one handshake.

    Attributes:
        why: the same in a line of text.
    """

    fault: TlsFaultName
    why: str


TLS_COUNTER = "tls"
"""What a scenario counts handshakes by; its rules are counted by their numbers."""


def reach_controller() -> str:
    """What refuses a request before the controller, where nothing does."""
    return ""


def switch_on(progress: ScenarioProgress, scenario: Scenario, now: int) -> None:
    """A scenario begins, or begins again: its counts are zero, and its time runs from now."""
    switch_off(progress, scenario.name)
    progress.since[scenario.name] = now


def switch_off(progress: ScenarioProgress, name: str) -> None:
    """A scenario ends: nothing of it is left."""
    progress.since.pop(name, None)
    progress.counts.pop(name, None)
    progress.states.pop(name, None)
    progress.entered.pop(name, None)
    progress.events.pop(name, None)


def match_scenarios(
    scenarios: CompiledScenarios,
    progress: ScenarioProgress,
    request: MatchableRequest,
    now: int,
    draw: Callable[[], float],
    refused_before: Callable[[], str] = reach_controller,
    let_through: list[LetThrough] | None = None,
) -> ScenarioMatch | None:
    """The rule that decides a request; None where no rule takes it.

    A match of phase `before` is counted here; one of phase `after` is counted by `commit_match`, when its request has
    succeeded, and so is what the `after:` of such a rule lets through by `count_let_through`.

    Args:
        now: microseconds of the foundation's clock.
        draw: gives a number in [0, 1) from the foundation's generator.
        refused_before: says what refuses the request before it reaches the controller; empty where it does reach it.
            Asked only for rules that stand there, and of which all else holds.
        let_through: takes what is to be counted once the request has succeeded. Without it that is never counted.
    """
    for compiled in scenarios.find_candidates(request):
        if not (compiled.is_untimed or is_on(compiled.scenario, progress, now)):
            continue
        key = compute_count_key(compiled, request)
        rule = compiled.rule
        if rule.state and find_state(compiled, progress, key) not in rule.state:
            continue
        if compiled.has_window and not is_in_time(compiled, progress, key, now):
            continue
        counter = compiled.counter + key
        count = find_count(progress, compiled.scenario.name, counter)
        if compiled.max_matches is not None and count is not None and count.answered >= compiled.max_matches:
            continue
        if not all(condition.holds(request) for condition in compiled.conditions):
            continue
        if compiled.is_at_controller and refused_before():
            continue
        if rule.after and (count is None or count.seen < rule.after):
            if compiled.counts_successes:
                if let_through is not None:
                    let_through.append(LetThrough(compiled.scenario.name, counter))
                continue
            if count is None:
                count = add_count(progress, compiled.scenario.name, counter)
            count.seen += 1
            continue
        if rule.chance < 1.0 and draw() >= rule.chance:
            continue
        passed = describe_passed_time(compiled, progress, key, now) if compiled.has_window else ""
        match = build_match(compiled, key, count.answered if count else 0, draw, passed)
        if match.respond is None or match.respond.phase == "before":
            commit_match(progress, match, now)
        return match
    return None


def match_handshake(scenarios: CompiledScenarios, progress: ScenarioProgress, now: int) -> HandshakeMatch | None:
    """The scenario that breaks the next handshake, which is counted here; None where no scenario does.

    Args:
        now: microseconds of the foundation's clock.
    """
    for scenario in scenarios.tls:
        tls = scenario.tls
        if tls is None or not is_on(scenario, progress, now):
            continue
        count = find_count(progress, scenario.name, TLS_COUNTER) or add_count(progress, scenario.name, TLS_COUNTER)
        if count.seen < tls.after:
            count.seen += 1
            continue
        if tls.times is not None and count.answered >= tls.times:
            continue
        count.answered += 1
        of = "" if tls.times is None else f" of {tls.times}"
        return HandshakeMatch(tls.fault, f"scenario {scenario.name}, handshake {count.answered}{of}")
    return None


def commit_match(progress: ScenarioProgress, match: ScenarioMatch, now: int) -> None:
    """Counts a match, and moves its scenario to the next state, which is entered now.

    Args:
        now: microseconds of the foundation's clock.
    """
    count = find_count(progress, match.scenario, match.counter)
    if count is None:
        count = add_count(progress, match.scenario, match.counter)
    count.answered += 1
    if match.goto is not None:
        enter_state(progress, match.scenario, match.state, match.goto, now)


def count_let_through(progress: ScenarioProgress, let_through: Iterable[LetThrough]) -> None:
    """Counts a request that has succeeded where rules have let it through for that."""
    for each in let_through:
        count = find_count(progress, each.scenario, each.counter)
        if count is None:
            count = add_count(progress, each.scenario, each.counter)
        count.seen += 1


def enter_state(progress: ScenarioProgress, scenario: str, key: str, state: str, now: int) -> None:
    """What a key stands for enters a state, anew where it is in that state already."""
    states = progress.states.setdefault(scenario, {})
    entered = progress.entered.setdefault(scenario, {})
    if len(states) >= MAX_COUNTERS and key not in states:
        forget_oldest(states)
        for forgotten in [each for each in entered if each not in states]:
            del entered[forgotten]
    states[key] = state
    entered[key] = now


def build_match(
    compiled: CompiledRule, key: str, answered: int, draw: Callable[[], float], passed: str = ""
) -> ScenarioMatch:
    """The match of a rule that has answered so many requests before.

    Args:
        passed: what is said of the rule's time.
    """
    step = compiled.step(answered)
    match = answered + 1
    delay, virtual_delay, delay_at_most = 0, 0, 0
    if isinstance(step.delay, Virtual):
        virtual_delay, delay_at_most = draw_delay(step.delay.delay, draw), step.delay.at_most
    else:
        delay = draw_delay(step.delay, draw)
    of = "" if compiled.max_matches is None else f" of {compiled.max_matches}"
    steps = len(compiled.steps)
    if compiled.max_matches is None and steps > 1:
        number = min(match, steps) if compiled.rule.finally_ == "stay" else answered % steps + 1
        of = f", step {number} of {steps}"
    return ScenarioMatch(
        scenario=compiled.scenario.name,
        rule=compiled.number,
        match=match,
        of=compiled.max_matches,
        respond=step if step.changes else None,
        delay=delay,
        virtual_delay=virtual_delay,
        delay_at_most=delay_at_most,
        station="controller" if compiled.is_at_controller else "gateway",
        why=f"scenario {compiled.scenario.name}, rule {compiled.number}, match {match}{of}{passed}",
        counter=compiled.counter + key,
        state=key,
        goto=compiled.rule.goto,
    )


def is_on(scenario: Scenario, progress: ScenarioProgress, now: int) -> bool:
    """Whether a scenario has not ended by itself."""
    ends = scenario.for_
    return ends is None or now - progress.since.get(scenario.name, now) < ends


def is_in_time(compiled: CompiledRule, progress: ScenarioProgress, key: str, now: int) -> bool:
    """Whether the rule's own time has come and not gone, for what a key stands for."""
    begins, until = compiled.rule.from_, compiled.rule.until
    passed = now - find_beginning(compiled, progress, key, now)
    return (begins is None or passed >= begins) and (until is None or passed < until)


def find_beginning(compiled: CompiledRule, progress: ScenarioProgress, key: str, now: int) -> int:
    """The moment from which a rule's `from:` and `until:` count: for a rule with states, when the present one was
    entered; for another, when its scenario was switched on, which is also when the start state was entered."""
    scenario = compiled.scenario.name
    since = progress.since.get(scenario, now)
    entered = progress.entered.get(scenario) if compiled.rule.state else None
    return since if entered is None else entered.get(key, since)


def describe_passed_time(compiled: CompiledRule, progress: ScenarioProgress, key: str, now: int) -> str:
    """How far a rule's time is, as the end of a line of text: `, 1.2s in state lost`."""
    passed = format_passed_time(now - find_beginning(compiled, progress, key, now))
    if not compiled.rule.state:
        return f", {passed} after it was switched on"
    return f", {passed} in state {find_state(compiled, progress, key)}"


def compute_count_key(compiled: CompiledRule, request: MatchableRequest) -> str:
    """What a match is counted for, as a suffix of its counter. A token is hashed, since progress is exported."""
    per = compiled.rule.per
    if per == "foundation":
        return ""
    if per == "process":
        return " " + request.process
    if per == "user":
        return " " + shorten_count_key(request.user)
    return " " + blake2b(request.token.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def shorten_count_key(name: str) -> str:
    """A name that a client sends, as what is counted for: one that is too long to be remembered is hashed."""
    if len(name) <= MAX_KEY_LENGTH:
        return name
    return blake2b(name.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def find_state(compiled: CompiledRule, progress: ScenarioProgress, key: str) -> str:
    states = progress.states.get(compiled.scenario.name)
    start = compiled.scenario.start or ""
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


def forget_oldest(counted: dict[str, Any]) -> None:
    """Forgets the earliest tenth of what is counted for single processes, users and tokens; never what is for all.

    Many at once, since a dict is searched from its beginning each time, past all that was deleted there.
    """
    single = (key for key in counted if " " in key)
    for key in list(islice(single, MAX_COUNTERS // 10)):
        del counted[key]


def draw_delay(delay: int | Uniform | Lognormal, draw: Callable[[], float]) -> int:
    """A delay in microseconds, at most a year."""
    if isinstance(delay, Uniform):
        return delay.low + int(draw() * (delay.high - delay.low + 1))
    if isinstance(delay, Lognormal):
        # The p99 of a normal distribution lies 2.326 deviations above its median.
        normal = make_standard_normal()
        height = normal.inv_cdf(max(draw(), 2.0**-54)) / normal.inv_cdf(0.99)
        return min(round(delay.median * math.pow(delay.p99 / delay.median, height)), MAX_DURATION)
    return delay


@cache
def make_standard_normal() -> "NormalDist":
    # Hardly any scenario needs it, and a start should be short.
    from statistics import NormalDist

    return NormalDist()


def take_due_events(scenarios: CompiledScenarios, progress: ScenarioProgress, now: int) -> list[tuple[str, Event]]:
    """The events whose time has come, by scenario, in the order of their times; each is given once."""
    due: list[tuple[int, str, Event]] = []
    for scenario, number, event in scenarios.events:
        since = progress.since.get(scenario.name)
        if since is None or number < progress.events.get(scenario.name, 0) or since + event.at > now:
            continue
        progress.events[scenario.name] = number + 1
        due.append((since + event.at, scenario.name, event))
    return [(name, event) for _, name, event in sorted(due, key=lambda each: each[0])]
