"""The rule index: compiled scenarios, and which of their rules a request may match. Never counts, never decides.

Immutable, and shared by all foundations that play the same scenarios.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final

from mockfoundry.documents.problems import Problem
from mockfoundry.scenarios.conditions import (
    SINGLE_TEXTS,
    Condition,
    MatchableRequest,
    compile_conditions,
    find_request_values,
)
from mockfoundry.scenarios.model import Event, Respond, Rule, Scenario, ScenarioError


class CompiledRule:
    """One rule, compiled.

    Attributes:
        number: in its scenario, from 1; rules are tried in this order.
        counter: the key of its counts, without the process or token that they are for.
        has_window: whether it has a time of its own, `from:` or `until:`.
        is_plain: whether nothing but the request itself decides it: no count, no state, no time, no chance.
        is_untimed: whether neither it nor its scenario ever begins or ends by itself.
        is_at_controller: whether it is asked of the requests alone that reach the controller.
        counts_successes: whether its `after:` lets through, and counts, only requests that have succeeded.
        max_matches: how many matches it answers in all; None for ever.
    """

    __slots__ = (
        "conditions",
        "counter",
        "counts_successes",
        "has_window",
        "is_at_controller",
        "is_plain",
        "is_untimed",
        "max_matches",
        "number",
        "rule",
        "scenario",
        "steps",
    )

    def __init__(self, scenario: Scenario, rule: Rule, number: int) -> None:
        self.scenario = scenario
        self.rule = rule
        self.number = number
        self.counter = str(number)
        self.steps = rule.steps
        self.max_matches = rule.max_matches
        self.is_at_controller = rule.station == "controller"
        self.counts_successes = rule.counts_successes
        self.has_window = rule.from_ is not None or rule.until is not None
        self.is_untimed = scenario.for_ is None and not self.has_window
        is_uncounted = self.max_matches is None and not rule.after and rule.chance >= 1.0
        self.is_plain = self.is_untimed and is_uncounted and not rule.state
        self.conditions: tuple[Condition, ...] = compile_conditions(rule.when.list_wanted())

    def step(self, answered: int) -> Respond:
        """What it responds after so many responses."""
        if self.rule.finally_ == "stay" and answered >= len(self.steps):
            return self.steps[-1]
        return self.steps[answered % len(self.steps)]


class RuleIndex:
    """Rules for an operation: those that a value of a request leads to, and those to always try.

    Args:
        rules: in the order in which they are tried.
    """

    __slots__ = ("_places", "by_value", "rules", "unindexed")

    def __init__(self, rules: list[CompiledRule]) -> None:
        self.rules: Final = rules
        self._places: dict[CompiledRule, int] = {}
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
        if len(lists) <= 1:
            return lists[0] if lists else ()
        if not self._places:
            self._places = {compiled: place for place, compiled in enumerate(self.rules)}
        # A repeated query parameter may lead to one rule twice.
        return sorted({compiled for each in lists for compiled in each}, key=self._places.__getitem__)


MAX_JOINED_RULES = 64
"""How many rules of several scenarios share an index. That is made anew when one of them is switched on or off."""


def join_indexes(indexes: Iterable[RuleIndex]) -> Iterator[RuleIndex]:
    """Indexes in the same order, neighbours of few rules as one, so that a value is looked up once for all of those."""
    run: list[RuleIndex] = []
    count = 0
    for index in indexes:
        if run and count + len(index.rules) > MAX_JOINED_RULES:
            yield join_run(run)
            run, count = [], 0
        run.append(index)
        count += len(index.rules)
    if run:
        yield join_run(run)


def join_run(run: list[RuleIndex]) -> RuleIndex:
    return run[0] if len(run) == 1 else RuleIndex([compiled for index in run for compiled in index.rules])


class ComparableRules:
    """Which rules can be near to the requests of one operation.

    A rule that is about another operation can where all its conditions hold, or where one operation's name begins with
    the other's, as scaleProcessForApp's does with scaleProcess.

    Attributes:
        places: of all that decides whether a rule takes a request, and which is nearest to one that none takes, where
            that is nothing but single texts of the request; None where there is more to it. So a request with the same
            texts fares as one before, while the same scenarios are on: none of the rules has a count, a state, a time
            or a chance, and who remembers leaves out what hung on the way to the controller.
    """

    __slots__ = ("_distant", "_near", "_order", "places")

    def __init__(self, rules: Iterable[CompiledRule], operation: str, needs_naming: bool) -> None:
        self._order = {compiled: place for place, compiled in enumerate(rules)}
        self._near = [each for each in self._order if is_near(each, operation, needs_naming)]
        near = frozenset(self._near)
        self._distant = RuleIndex([each for each in self._order if each not in near and each.conditions])
        asked = {(each.place, each.name) for compiled in self._order for each in compiled.conditions}
        is_plain = all(each.is_plain for each in self._near)
        self.places = tuple(asked) if is_plain and all(place in SINGLE_TEXTS for place, _ in asked) else None

    def key_of(self, request: MatchableRequest) -> tuple[str | None, ...] | None:
        """The texts in `places` of a request; None where it does not hang on those alone."""
        if self.places is None:
            return None
        return tuple([find_request_values(request, *place)[0] for place in self.places])

    def list_distant(self, request: MatchableRequest) -> list[CompiledRule]:
        """The rules for other operations of which all conditions hold."""
        candidates = self._distant.find_candidates(request)
        return [each for each in candidates if all(condition.holds(request) for condition in each.conditions)]

    def merge(self, distant: list[CompiledRule]) -> list[CompiledRule]:
        """All comparable rules, those for other operations among them, in the order in which they are tried."""
        return sorted((*self._near, *distant), key=self._order.__getitem__) if distant else self._near


def is_near(compiled: CompiledRule, operation: str, needs_naming: bool) -> bool:
    """Whether a rule is about an operation, or about one with a name like that."""
    if compiled.rule.is_about(operation, needs_naming):
        return True
    named = compiled.rule.operation
    return bool(operation) and any(each.startswith(operation) or operation.startswith(each) for each in named)


class CompiledScenario:
    """One scenario, compiled once, however many foundations switch it on, and beside whatever others.

    Attributes:
        indexes: by operation.
        fallback_index: for an operation that no rule names; None where no rule is for every request.
        events: with their numbers, from 0, in the order of their times.

    Raises:
        ScenarioError: it can't be compiled.
    """

    __slots__ = ("_naming_indexes", "events", "fallback_index", "indexes", "rules", "scenario")

    def __init__(self, scenario: Scenario) -> None:
        self.scenario: Final = scenario
        self.rules: Final = tuple(compile_rules(scenario))
        indexes, fallback = index_by_operation(self.rules, lambda rule: rule.is_general)
        self.indexes: Final = indexes
        self.fallback_index: Final = fallback
        self.events: Final = tuple(order_events(scenario))
        self._naming_indexes: tuple[dict[str, RuleIndex], RuleIndex | None] | None = None

    def find_index(self, operation: str, needs_naming: bool = False) -> RuleIndex | None:
        """The rules for an operation, None where there are none.

        Args:
            needs_naming: whether the operation must be named; few are asked for, so their index is made then.
        """
        if not needs_naming:
            return self.indexes.get(operation, self.fallback_index)
        if self._naming_indexes is None:
            self._naming_indexes = index_by_operation(self.rules, lambda rule: rule.is_for_any)
        indexes, fallback = self._naming_indexes
        return indexes.get(operation, fallback)


def index_by_operation(
    rules: Iterable[CompiledRule], is_for_unnamed: Callable[[Rule], bool]
) -> tuple[dict[str, RuleIndex], RuleIndex | None]:
    """The index of each operation that rules name, and that of all others; None where no rule is for those.

    Args:
        is_for_unnamed: whether a rule is for operations that it does not name.
    """
    for_unnamed = [compiled for compiled in rules if is_for_unnamed(compiled.rule)]
    named = dict.fromkeys(operation for compiled in rules for operation in compiled.rule.operation)
    by_operation: dict[str, list[CompiledRule]] = {operation: [] for operation in named}
    for compiled in rules:
        its = named if is_for_unnamed(compiled.rule) else dict.fromkeys(compiled.rule.operation)
        for operation in its:
            by_operation[operation].append(compiled)
    indexes = {operation: RuleIndex(its) for operation, its in by_operation.items()}
    return indexes, RuleIndex(for_unnamed) if for_unnamed else None


class CompiledScenarios:
    """The scenarios that are on, in the order in which they were switched on.

    To switch one on or off costs nothing for the rules of others that have many: each of those keeps its own index.

    Args:
        scenarios: those that are compiled already are taken as they are.

    Attributes:
        rule_count: of all scenarios.
        events: of all scenarios, each with its number there.
        tls: the scenarios that have something to say of handshakes.
        near_misses: what was said of requests that no rule took, by operation, whether that must be named, and
            `ComparableRules.key_of`.

    Raises:
        ScenarioError: two scenarios have one name, or one can't be compiled.
    """

    __slots__ = ("_comparable", "_indexes", "compiled", "events", "near_misses", "rule_count", "scenarios", "tls")

    def __init__(self, scenarios: Iterable[Scenario | CompiledScenario] = ()) -> None:
        self.compiled: Final = tuple(
            each if isinstance(each, CompiledScenario) else CompiledScenario(each) for each in scenarios
        )
        self.scenarios: Final = tuple(each.scenario for each in self.compiled)
        names: set[str] = set()
        for scenario in self.scenarios:
            if scenario.name in names:
                raise make_scenario_error(scenario, "is switched on twice; give one of them another name")
            names.add(scenario.name)
        self.rule_count: Final = sum(len(each.rules) for each in self.compiled)
        self.events: Final = tuple(
            (each.scenario, number, event) for each in self.compiled for number, event in each.events
        )
        self.tls: Final = tuple(each for each in self.scenarios if each.tls is not None)
        self._indexes: dict[tuple[str, bool], tuple[RuleIndex, ...]] = {}
        self._comparable: dict[tuple[str, bool], ComparableRules] = {}
        self.near_misses: dict[tuple[str, bool, tuple[str | None, ...]], str] = {}

    def without(self, name: str) -> tuple[CompiledScenario, ...]:
        """The scenarios but that of a name."""
        return tuple(each for each in self.compiled if each.scenario.name != name)

    def iterate_rules(self) -> Iterator[CompiledRule]:
        """The rules of all scenarios, in the order in which they are tried."""
        return chain.from_iterable(each.rules for each in self.compiled)

    def find_candidates(self, request: MatchableRequest) -> Iterable[CompiledRule]:
        """The rules that a request may match, in the order in which they are tried."""
        key = (request.operation, request.needs_naming)
        indexes = self._indexes.get(key)
        if indexes is None:
            found = (each.find_index(*key) for each in self.compiled)
            indexes = self._indexes[key] = tuple(join_indexes(index for index in found if index is not None))
        if len(indexes) == 1:
            return indexes[0].find_candidates(request)
        return chain.from_iterable(index.find_candidates(request) for index in indexes) if indexes else ()

    def find_comparable(self, request: MatchableRequest) -> ComparableRules:
        """Which rules can be near to a request."""
        key = (request.operation, request.needs_naming)
        comparable = self._comparable.get(key)
        if comparable is None:
            comparable = self._comparable[key] = ComparableRules(self.iterate_rules(), *key)
        return comparable


def compile_rules(scenario: Scenario) -> Iterator[CompiledRule]:
    for number, rule in enumerate(scenario.rules, 1):
        if not rule.steps:
            raise make_scenario_error(scenario, f"rule {number} answers nothing; give it respond or sequence")
        try:
            yield CompiledRule(scenario, rule, number)
        except (ValueError, TypeError) as error:
            raise make_scenario_error(scenario, f"rule {number}: {str(error).splitlines()[0]}") from error


def order_events(scenario: Scenario) -> Iterator[tuple[int, Event]]:
    """The events of a scenario with their numbers, from 0, in the order of their times."""
    for number, event in enumerate(sorted(scenario.events, key=lambda event: event.at)):
        if scenario.for_ is None or event.at < scenario.for_:
            yield number, event


def make_scenario_error(scenario: Scenario, text: str) -> ScenarioError:
    return ScenarioError([Problem(f"scenario {scenario.name}", 1, 1, text)])
