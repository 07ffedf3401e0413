"""Near misses: which rule came nearest to a request that none took, condition by condition. Changes no counter."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from mockfoundry.contract.plan import shorten_value
from mockfoundry.documents.times import format_duration, format_passed_time
from mockfoundry.scenarios.conditions import MatchableRequest
from mockfoundry.scenarios.engine import (
    ScenarioProgress,
    compute_count_key,
    find_beginning,
    find_count,
    find_state,
    reach_controller,
)
from mockfoundry.scenarios.rule_index import CompiledRule, CompiledScenarios

MAX_RULES_FOR_NEAR_MISS = 100
"""With more rules than this, the one nearest to a request that none took is not looked for: it would take too long."""


class CheckedCondition(msgspec.Struct, frozen=True):
    """One condition of a rule against one request.

    Attributes:
        what: what it is about: `operation`, `body instances`, `state`, `times`, …
        wanted, got: JSON's values, or text that describes them.
    """

    what: str
    held: bool
    wanted: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.what}: wanted {shorten_value(self.wanted)}, got {shorten_value(self.got)}"


class NearMiss(msgspec.Struct, frozen=True):
    """The rule that came nearest.

    Attributes:
        rule: in its scenario, from 1.
        conditions: all of them, those that held too.
    """

    scenario: str
    rule: int
    conditions: tuple[CheckedCondition, ...]

    @property
    def failed(self) -> tuple[CheckedCondition, ...]:
        """The conditions that did not hold."""
        return tuple(checked for checked in self.conditions if not checked.held)

    @property
    def missed_controller(self) -> bool:
        """Whether the request would have been taken, but was refused before it reached the rule's station."""
        return [checked.what for checked in self.failed] == ["at"]

    def __str__(self) -> str:
        return f"scenario {self.scenario}, rule {self.rule}: " + "; ".join(str(each) for each in self.failed)


def find_near_miss(
    scenarios: CompiledScenarios,
    progress: ScenarioProgress,
    request: MatchableRequest,
    now: int,
    refused_before: Callable[[], str] = reach_controller,
) -> NearMiss | None:
    """The rule that came nearest to a request that no rule took: the one with the fewest conditions that did not hold.

    It compares with the counts and states of now, so call it right after `match_scenarios`.

    Args:
        scenarios: few enough to be compared.
        refused_before: as for `match_scenarios`; what it has said there is all that is asked of it here.

    Returns:
        None where no scenario is on, or where nearly nothing of any rule held.
    """
    nearest: NearMiss | None = None
    least = 0
    comparable = scenarios.find_comparable(request)
    for compiled in comparable.merge(comparable.list_distant(request)):
        conditions = tuple(check_rule_conditions(compiled, progress, request, now))
        if compiled.is_at_controller and all(checked.held for checked in conditions if checked.what != "after"):
            conditions += (check_station(refused_before()),)
        miss = NearMiss(compiled.scenario.name, compiled.number, conditions)
        failed = len(miss.failed)
        if (failed < len(miss.conditions) or miss.missed_controller) and (nearest is None or failed < least):
            nearest, least = miss, failed
            if failed == 1:
                # No rule took the request, so none can be nearer.
                break
    return nearest


def recall_near_miss(scenarios: CompiledScenarios, request: MatchableRequest) -> str | None:
    """What was said of a request that no rule took, and that differs from this one in nothing that a rule asks for.

    No rule takes this one either. None where there was none such: then `match_scenarios` is to be asked.

    Args:
        scenarios: few enough to be compared.
    """
    key = scenarios.find_comparable(request).key_of(request)
    return None if key is None else scenarios.near_misses.get((request.operation, request.needs_naming, key))


def describe_near_miss(
    scenarios: CompiledScenarios,
    progress: ScenarioProgress,
    request: MatchableRequest,
    now: int,
    refused_before: Callable[[], str] = reach_controller,
    tell: Callable[[NearMiss], str] = str,
) -> tuple[str, str]:
    """What `find_near_miss` finds, in words; and the rule that missed the request at the controller alone, in words.
    Both are empty where there is none.

    Args:
        tell: puts it in words.
    """
    near_miss = find_near_miss(scenarios, progress, request, now, refused_before)
    if near_miss is None:
        return "", ""
    rule = f"scenario {near_miss.scenario}, rule {near_miss.rule}"
    missed = f"{rule}, is asked at the controller, which this request did not reach"
    return tell(near_miss), missed if near_miss.missed_controller else ""


def remember_near_miss(scenarios: CompiledScenarios, request: MatchableRequest, text: str) -> None:
    """Has `recall_near_miss` know what was said of a request that no rule took, if that follows from it alone."""
    comparable = scenarios.find_comparable(request)
    key = comparable.key_of(request)
    if key is None or comparable.list_distant(request):
        return
    if all(value is None or len(value) <= MAX_REMEMBERED_LENGTH for value in key):
        if len(scenarios.near_misses) >= MAX_REMEMBERED_TEXTS:
            scenarios.near_misses.clear()
        scenarios.near_misses[request.operation, request.needs_naming, key] = text


MAX_REMEMBERED_TEXTS = 512
"""How many near misses of a foundation are remembered."""

MAX_REMEMBERED_LENGTH = 200
"""How long the parts of a request may be that its near miss is remembered by."""


def check_rule_conditions(
    compiled: CompiledRule, progress: ScenarioProgress, request: MatchableRequest, now: int
) -> Iterator[CheckedCondition]:
    """The conditions of one rule, in the order of a rule's keys."""
    rule = compiled.rule
    is_about = rule.is_about(request.operation, request.needs_naming)
    if rule.operation or not is_about:
        wanted: object = rule.operation[0] if len(rule.operation) == 1 else list(rule.operation)
        if not rule.operation:
            wanted = "one that must not be named, as those of logging in must"
        yield CheckedCondition("operation", is_about, wanted, request.operation or "an unknown route")
    for condition in compiled.conditions:
        place = condition.place if condition.place != "headers" else "header"
        yield CheckedCondition(
            f"{place} {condition.name}".rstrip(), condition.holds(request), condition.wanted, condition.got(request)
        )
    if compiled.is_plain:
        return
    key = compute_count_key(compiled, request)
    if rule.state:
        state = find_state(compiled, progress, key)
        yield CheckedCondition("state", state in rule.state, " or ".join(rule.state), state)
    yield from check_rule_times(compiled, progress, key, now)
    yield from check_rule_counts(compiled, progress, key)


def check_station(refused: str) -> CheckedCondition:
    return CheckedCondition("at", not refused, "controller", f"refused before: {refused}" if refused else "controller")


def check_rule_times(
    compiled: CompiledRule, progress: ScenarioProgress, key: str, now: int
) -> Iterator[CheckedCondition]:
    """The times of a rule; how long another state has lasted than those of the rule says nothing, and is left out."""
    rule, ends = compiled.rule, compiled.scenario.for_
    since_switched_on = now - progress.since.get(compiled.scenario.name, now)
    if ends is not None:
        yield CheckedCondition(
            "for",
            since_switched_on < ends,
            format_duration(ends),
            f"{format_passed_time(since_switched_on)} after it was switched on",
        )
    passed = now - find_beginning(compiled, progress, key, now)
    where, got = "", f"{format_passed_time(passed)} after it was switched on"
    if rule.state:
        state = find_state(compiled, progress, key)
        if state not in rule.state:
            return
        where, got = f" in state {state}", f"{format_passed_time(passed)} since it was entered"
    if rule.from_ is not None:
        yield CheckedCondition("from", passed >= rule.from_, f"{format_duration(rule.from_)}{where}", got)
    if rule.until is not None:
        yield CheckedCondition("until", passed < rule.until, f"{format_duration(rule.until)}{where}", got)


def check_rule_counts(compiled: CompiledRule, progress: ScenarioProgress, key: str) -> Iterator[CheckedCondition]:
    rule = compiled.rule
    count = find_count(progress, compiled.scenario.name, compiled.counter + key)
    seen, answered = (0, 0) if count is None else (count.seen, count.answered)
    if rule.after:
        yield CheckedCondition("after", answered > 0, f"{rule.after} let through first", f"{seen} let through so far")
    if compiled.max_matches is not None:
        what = "times" if rule.respond is not None else "sequence"
        yield CheckedCondition(
            what, answered < compiled.max_matches, f"{compiled.max_matches} in all", f"{answered} answered before"
        )
    if rule.chance < 1.0:
        yield CheckedCondition("chance", False, rule.chance, "not drawn")
