"""Unreachable rules: those that an earlier rule of the scenario leaves nothing to. Finds no more than it can prove.

One rule is laid over another: its conditions, its states and where it stands.
"""

from collections.abc import Container, Iterator
from itertools import islice
from typing import Any

import msgspec

from mockfoundry.contract.load import Contract
from mockfoundry.scenarios.conditions import Condition
from mockfoundry.scenarios.model import ANY_OPERATION, Rule, Scenario
from mockfoundry.scenarios.states import PathFinding

MAX_COVER_COMPARISONS = 100
"""How many earlier rules each rule is compared with, the likeliest first, so that lint stays quick."""

ConditionKey = tuple[str, str, bytes]
"""A condition: its place, its name, and what it wants as JSON."""


def find_unreached_rules(scenario: Scenario, contract: Contract) -> Iterator[PathFinding]:
    """The rules of a scenario that can never decide, each with the rule that always does."""
    to_be_named = frozenset(each.operation for each in contract.patterns if each.needs_naming)
    for position, cover in find_unreachable_rules(scenario, to_be_named):
        mend = f"put it first, or bound rule {cover} by times"
        text = f"rule {position + 1} is never reached: rule {cover} always answers before it; {mend}"
        yield ("rules", position), text


def find_unreachable_rules(scenario: Scenario, to_be_named: Container[str] = ()) -> Iterator[tuple[int, int]]:
    """The positions of the rules that can never decide, each with the number of the rule that always does.

    Args:
        to_be_named: the operations that must be named.
    """
    covers = CoveringRules(to_be_named)
    for position, rule in enumerate(scenario.rules):
        comparable = ComparableRule(position + 1, rule)
        cover = covers.of(comparable)
        if cover is not None:
            yield position, cover
        elif comparable.takes_all:
            covers.add(comparable)


class ComparableRule:
    """What one rule asks of a request, ready to be compared with others.

    Attributes:
        wanted: by place and name.
        keys: its conditions, those with a plain value first.
    """

    __slots__ = ("_compiled", "keys", "number", "rule", "wanted")

    def __init__(self, number: int, rule: Rule) -> None:
        self.number = number
        self.rule = rule
        self.wanted = {(place, name): wanted for place, name, wanted in rule.when.list_wanted()}
        plain_first = sorted(self.wanted, key=lambda at: isinstance(self.wanted[at], dict))
        self.keys: list[ConditionKey] = [(*at, encode_wanted_value(self.wanted[at])) for at in plain_first]
        self._compiled: dict[tuple[str, str], Condition] = {}

    @property
    def takes_all(self) -> bool:
        """Whether the rule decides every request that it matches, from the first one on."""
        rule = self.rule
        endless = rule.max_matches is None and bool(rule.steps)
        return endless and rule.after == 0 and rule.chance == 1.0 and rule.from_ is None and rule.until is None

    def leaves_nothing(self, other: "ComparableRule") -> bool:
        """Whether every request that the other one matches is one that this one matches too."""
        if self.rule.station == "controller" and other.rule.station == "gateway":
            # What does not reach the controller passes this one by.
            return False
        states = other.rule.state
        if self.rule.state and not (states and set(states) <= set(self.rule.state)):
            return False
        return all(key in other.keys or self.accepts_plain_value(key[:2], other) for key in self.keys)

    def accepts_plain_value(self, at: tuple[str, str], other: "ComparableRule") -> bool:
        """Whether the other one wants a plain value, and it fits the schema that this one wants."""
        if not isinstance(self.wanted[at], dict) or at not in other.wanted or isinstance(other.wanted[at], dict):
            return False
        keys = other.compile_condition(at).keys
        return keys is not None and all(self.compile_condition(at).accepts(key) for key in keys)

    def compile_condition(self, at: tuple[str, str]) -> Condition:
        if at not in self._compiled:
            self._compiled[at] = Condition(*at, self.wanted[at])
        return self._compiled[at]


class CoveringRules:
    """The rules so far that take every request that they match, for ever; looked up by their first condition.

    Args:
        to_be_named: the operations that must be named.
    """

    def __init__(self, to_be_named: Container[str]) -> None:
        self._to_be_named = to_be_named
        self.unconditional: dict[str, list[ComparableRule]] = {}
        self.by_key: dict[ConditionKey, list[ComparableRule]] = {}
        self.schema_only: list[ComparableRule] = []

    def add(self, comparable: ComparableRule) -> None:
        if not comparable.keys:
            for operation in ("",) if comparable.rule.is_general else comparable.rule.operation:
                self.unconditional.setdefault(operation, []).append(comparable)
        elif all(isinstance(wanted, dict) for wanted in comparable.wanted.values()):
            self.schema_only.append(comparable)
        else:
            self.by_key.setdefault(comparable.keys[0], []).append(comparable)

    def of(self, comparable: ComparableRule) -> int | None:
        """The number of the rule that leaves nothing to this one, the last of them where it takes several."""
        covers = [
            self.find_cover_of_operation(comparable, operation) for operation in comparable.rule.operation or ("",)
        ]
        return None if None in covers else max(cover for cover in covers if cover is not None)

    def find_cover_of_operation(self, comparable: ComparableRule, operation: str) -> int | None:
        for cover in islice(self.find_candidates(comparable, operation), MAX_COVER_COMPARISONS):
            needs_naming = operation == ANY_OPERATION or operation in self._to_be_named
            if cover.rule.is_about(operation, needs_naming) and cover.leaves_nothing(comparable):
                return cover.number
        return None

    def find_candidates(self, comparable: ComparableRule, operation: str) -> Iterator[ComparableRule]:
        yield from self.unconditional.get(operation, ())
        if operation:
            yield from self.unconditional.get("", ())
        for key in comparable.keys:
            yield from self.by_key.get(key, ())
        yield from self.schema_only


def encode_wanted_value(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
