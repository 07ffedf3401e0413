"""The rule index: compiled scenarios, and which of their rules a request may match. Never counts, never decides.

Immutable, and shared by all foundations that play the same scenarios.
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
        position: among the rules of all scenarios, in the order in which they are tried.
        number: in its scenario, from 1.
        counter: the key of its counts, without the process or token that they are for.
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
        """What it responds after so many responses."""
        if self.rule.finally_ == "stay" and answered >= len(self.steps):
            return self.steps[-1]
        return self.steps[answered % len(self.steps)]


class RuleIndex:
    """The rules for one operation: those found by a plain value of the request, and those to try for every request."""

    __slots__ = ("by_value", "unindexed")

    def __init__(self, rules: list[CompiledRule]) -> None:
        self.unindexed: list[CompiledRule] = []
        self.by_value: dict[tuple[str, str], dict[Any, list[CompiledRule]]] = {}
        rarity: dict[tuple[str, str, Any], int] = {}
        for compiled in rules:
            for condition in compiled.conditions:
                for key in condition.keys or ():
                    at = (condition.place, condition.name, key)
                    rarity[at] = rarity.get(at, 0) + 1
        for compiled in rules:
            rarest = min(
                (condition for condition in compiled.conditions if condition.keys),
                key=lambda each: max(rarity[each.place, each.name, key] for key in each.keys or ()),
                default=None,
            )
            if rarest is None:
                self.unindexed.append(compiled)
                continue
            values = self.by_value.setdefault((rarest.place, rarest.name), {})
            for key in dict.fromkeys(rarest.keys or ()):
                values.setdefault(key, []).append(compiled)

    def find_candidates(self, request: MatchableRequest) -> Iterable[CompiledRule]:
        """The rules that a request may match, in the order in which they are tried."""
        if not self.by_value:
            return self.unindexed
        lists = [self.unindexed] if self.unindexed else []
        for (place, name), values in self.by_value.items():
            for value in find_request_values(request, place, name):
                if isinstance(value, list | dict):
                    continue
                rules_of_value = values.get(value)
                if rules_of_value is not None:
                    lists.append(rules_of_value)
        if len(lists) == 1:
            return lists[0]
        # A repeated query parameter may lead to one rule twice.
        return sorted(
            {compiled.position: compiled for each in lists for compiled in each}.values(), key=position_of_rule
        )


def position_of_rule(compiled: CompiledRule) -> int:
    return compiled.position


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
        everywhere = [compiled for compiled in self.rules if not compiled.rule.operation]
        named = dict.fromkeys(operation for compiled in self.rules for operation in compiled.rule.operation)
        by_operation: dict[str, list[CompiledRule]] = {operation: [] for operation in named}
        for compiled in self.rules:
            for operation in dict.fromkeys(compiled.rule.operation) or named:
                by_operation[operation].append(compiled)
        self.indexes: Final = {operation: RuleIndex(rules) for operation, rules in by_operation.items()}
        self.fallback_index: Final = RuleIndex(everywhere) if everywhere else None
        self.events: Final = tuple(order_events(self.scenarios))

    def find_index(self, operation: str) -> RuleIndex | None:
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
