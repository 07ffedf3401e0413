"""The lineup: the scenarios that are on, compiled, with an index from a request to the rules that may match it.

Immutable, and shared by all foundations that play the same scenarios. Never counts and never decides.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from mockfoundry.documents.problems import Problem
from mockfoundry.scenarios.conditions import (
    PLACES,
    Condition,
    MatchableRequest,
    compile_conditions,
    find_request_values,
)
from mockfoundry.scenarios.model import Event, Respond, Rule, Scenario, ScenarioError


class CompiledRule:
    """One rule, compiled.

    Attributes:
        position: among all rules of the lineup, in the order in which they are asked.
        number: in its scenario, from 1.
        counter: under which its matches are counted, without what they are counted for.
        max_matches: how many matches it answers in all; None for ever.
    """

    __slots__ = (
        "conditions",
        "counter",
        "is_untimed",
        "max_matches",
        "number",
        "position",
        "rule",
        "scenario",
        "steps",
    )

    def __init__(self, scenario: Scenario, rule: Rule, number: int, position: int) -> None:
        self.scenario = scenario
        self.rule = rule
        self.number = number
        self.position = position
        self.counter = str(number)
        self.steps = rule.steps
        self.max_matches = rule.answers
        self.is_untimed = scenario.for_ is None and rule.from_ is None and rule.until is None
        self.conditions: tuple[Condition, ...] = compile_conditions(
            (place, getattr(rule.when, place)) for place in PLACES
        )

    def step(self, answered: int) -> Respond:
        """What it answers after so many answers."""
        if self.rule.finally_ == "stay" and answered >= len(self.steps):
            return self.steps[-1]
        return self.steps[answered % len(self.steps)]


class RuleIndex:
    """The rules for one operation: those that a plain value leads to, and those that must always be asked."""

    __slots__ = ("by_value", "unindexed")

    def __init__(self, rules: list[CompiledRule]) -> None:
        self.unindexed: list[CompiledRule] = []
        self.by_value: dict[tuple[str, str], dict[Any, list[CompiledRule]]] = {}
        rarity: dict[tuple[str, str, Any], int] = {}
        for ready in rules:
            for condition in ready.conditions:
                for key in condition.keys or ():
                    sort = (condition.place, condition.name, key)
                    rarity[sort] = rarity.get(sort, 0) + 1
        for ready in rules:
            rarest = min(
                (condition for condition in ready.conditions if condition.keys),
                key=lambda each: max(rarity[each.place, each.name, key] for key in each.keys or ()),
                default=None,
            )
            if rarest is None:
                self.unindexed.append(ready)
                continue
            values = self.by_value.setdefault((rarest.place, rarest.name), {})
            for key in dict.fromkeys(rarest.keys or ()):
                values.setdefault(key, []).append(ready)

    def find_candidates(self, asked: MatchableRequest) -> Iterable[CompiledRule]:
        """The rules that a request may match, in the order in which they are asked."""
        if not self.by_value:
            return self.unindexed
        lists = [self.unindexed] if self.unindexed else []
        for (place, name), values in self.by_value.items():
            for value in find_request_values(asked, place, name):
                if isinstance(value, list | dict):
                    continue
                led = values.get(value)
                if led is not None:
                    lists.append(led)
        if len(lists) == 1:
            return lists[0]
        # A repeated query parameter may lead to one rule twice.
        return sorted({ready.position: ready for each in lists for ready in each}.values(), key=position_of_rule)


def position_of_rule(ready: CompiledRule) -> int:
    return ready.position


class CompiledScenarios:
    """The scenarios that are on, in the order in which they were switched on.

    Attributes:
        indexes: by operation.
        fallback_index: for an operation that no rule names; None where no rule is for every request.
        events: of all scenarios.

    Raises:
        ScenarioError: two scenarios have one name, or one can't be compiled.
    """

    __slots__ = ("events", "fallback_index", "indexes", "rules", "scenarios")

    def __init__(self, scenarios: Iterable[Scenario] = ()) -> None:
        self.scenarios: Final = tuple(scenarios)
        names: set[str] = set()
        for scenario in self.scenarios:
            if scenario.name in names:
                raise make_scenario_error(scenario, "is switched on twice; give one of them another name")
            names.add(scenario.name)
        self.rules: Final = tuple(compile_rules(self.scenarios))
        everywhere = [ready for ready in self.rules if not ready.rule.operation]
        named = dict.fromkeys(operation for ready in self.rules for operation in ready.rule.operation)
        by_operation: dict[str, list[CompiledRule]] = {operation: [] for operation in named}
        for ready in self.rules:
            for operation in dict.fromkeys(ready.rule.operation) or named:
                by_operation[operation].append(ready)
        self.indexes: Final = {operation: RuleIndex(rules) for operation, rules in by_operation.items()}
        self.fallback_index: Final = RuleIndex(everywhere) if everywhere else None
        self.events: Final = tuple(order_events(self.scenarios))

    def table(self, operation: str) -> RuleIndex | None:
        """The rules for an operation, None where there are none."""
        return self.indexes.get(operation, self.fallback_index)


def compile_rules(scenarios: Iterable[Scenario]) -> Iterator[CompiledRule]:
    position = 0
    for scenario in scenarios:
        for number, rule in enumerate(scenario.rules, 1):
            if not rule.steps:
                raise make_scenario_error(scenario, f"rule {number} answers nothing; give it respond or sequence")
            try:
                yield CompiledRule(scenario, rule, number, position)
            except (ValueError, TypeError) as error:
                raise make_scenario_error(scenario, f"rule {number}: {str(error).splitlines()[0]}") from error
            position += 1


def order_events(scenarios: Iterable[Scenario]) -> Iterator[tuple[Scenario, int, Event]]:
    """The events of each scenario with their numbers, from 0, in the order of their times."""
    for scenario in scenarios:
        ordered = sorted(scenario.events, key=lambda event: event.at)
        for number, event in enumerate(ordered):
            if scenario.for_ is None or event.at < scenario.for_:
                yield scenario, number, event


def make_scenario_error(scenario: Scenario, text: str) -> ScenarioError:
    return ScenarioError([Problem(f"scenario {scenario.name}", 1, 1, text)])
