"""Near misses: which rule came nearest to a request that none took, condition by condition. Changes no counter."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from mockfoundry.contract.plan import shorten_value
from mockfoundry.documents.times import format_duration
from mockfoundry.scenarios.conditions import MatchableRequest
from mockfoundry.scenarios.engine import ScenarioProgress, compute_count_key, find_count, find_state
from mockfoundry.scenarios.rule_index import CompiledRule, CompiledScenarios

MAX_COMPARED_RULES = 256
"""How many rules are compared with a request."""


class CheckedCondition(msgspec.Struct, frozen=True):
    """One condition of a rule against one request.

    Attributes:
        what: what it is about: `operation`, `body instances`, `state`, `times`, …
        wanted, got: as JSON's values or in words.
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

    def __str__(self) -> str:
        return f"scenario {self.scenario}, rule {self.rule}: " + "; ".join(str(each) for each in self.failed)


def find_near_miss(
    lineup: CompiledScenarios, progress: ScenarioProgress, asked: MatchableRequest, now: int
) -> NearMiss | None:
    """The rule that came nearest to a request that no rule took: the one with the fewest conditions that did not hold.

    It is told from how things stand now, so it is to be asked at once after `decide`.

    Returns:
        None where no scenario is on, or where nearly nothing of any rule held.
    """
    nearest: NearMiss | None = None
    least = (0, 0)
    for ready in select_comparable_rules(lineup, asked):
        if not is_comparable(ready, asked):
            continue
        miss = NearMiss(ready.scenario.name, ready.number, tuple(check_rule_conditions(ready, progress, asked, now)))
        failed = len(miss.failed)
        rank = (failed, ready.position)
        if failed < len(miss.conditions) and (nearest is None or rank < least):
            nearest, least = miss, rank
    return nearest


def is_comparable(ready: CompiledRule, asked: MatchableRequest) -> bool:
    """Whether a rule can be called near at all; one for another operation only where all else of `when` holds.

    Also where the one operation is the other's neighbour by name, as scaleProcess is scaleProcessForApp's.
    """
    operations = ready.rule.operation
    if not operations or asked.operation in operations:
        return True
    if asked.operation and any(
        each.startswith(asked.operation) or asked.operation.startswith(each) for each in operations
    ):
        return True
    return bool(ready.conditions) and all(condition.holds(asked) for condition in ready.conditions)


def select_comparable_rules(lineup: CompiledScenarios, asked: MatchableRequest) -> list[CompiledRule]:
    """The rules worth comparing: those that the index leads to, then those for the operation, then those for others."""
    operation = asked.operation
    table = lineup.table(operation)
    mine = [] if table is None else list(islice(table.find_candidates(asked), MAX_COMPARED_RULES // 2))
    others: list[CompiledRule] = []
    for ready in lineup.rules:
        if not ready.rule.operation or operation in ready.rule.operation:
            mine.append(ready)
            if len(mine) == MAX_COMPARED_RULES:
                break
        elif len(others) < MAX_COMPARED_RULES:
            others.append(ready)
    return (mine + others)[:MAX_COMPARED_RULES]


def check_rule_conditions(
    ready: CompiledRule, progress: ScenarioProgress, asked: MatchableRequest, now: int
) -> Iterator[CheckedCondition]:
    """The conditions of one rule, in the order of a rule's keys."""
    rule = ready.rule
    if rule.operation:
        wanted = rule.operation[0] if len(rule.operation) == 1 else list(rule.operation)
        yield CheckedCondition(
            "operation", asked.operation in rule.operation, wanted, asked.operation or "an unknown route"
        )
    for condition in ready.conditions:
        place = condition.place if condition.place != "headers" else "header"
        yield CheckedCondition(
            f"{place} {condition.name}", condition.holds(asked), condition.wanted, condition.got(asked)
        )
    key = compute_count_key(ready, asked)
    if rule.state:
        state = find_state(ready, progress, key)
        yield CheckedCondition("state", state in rule.state, " or ".join(rule.state), state)
    yield from check_rule_times(ready, progress, now)
    yield from check_rule_counts(ready, progress, key)


def check_rule_times(ready: CompiledRule, progress: ScenarioProgress, now: int) -> Iterator[CheckedCondition]:
    passed = now - progress.since.get(ready.scenario.name, now)
    for what, limit, held in (
        ("for", ready.scenario.for_, passed < (ready.scenario.for_ or 0)),
        ("from", ready.rule.from_, passed >= (ready.rule.from_ or 0)),
        ("until", ready.rule.until, passed < (ready.rule.until or 0)),
    ):
        if limit is not None:
            yield CheckedCondition(
                what, held, format_duration(limit), f"{format_duration(passed)} after it was switched on"
            )


def check_rule_counts(ready: CompiledRule, progress: ScenarioProgress, key: str) -> Iterator[CheckedCondition]:
    rule = ready.rule
    count = find_count(progress, ready.scenario.name, ready.counter + key)
    seen, answered = (0, 0) if count is None else (count.seen, count.answered)
    if rule.after:
        yield CheckedCondition("after", answered > 0, f"{rule.after} let through first", f"{seen} let through so far")
    if ready.max_matches is not None:
        what = "times" if rule.respond is not None else "sequence"
        yield CheckedCondition(
            what, answered < ready.max_matches, f"{ready.max_matches} in all", f"{answered} answered before"
        )
    if rule.chance < 1.0:
        yield CheckedCondition("chance", False, rule.chance, "not drawn")
