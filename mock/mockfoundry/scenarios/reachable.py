"""Reachability: rules that an earlier one leaves nothing to, and states that are never entered. Plays nothing."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from mockfoundry.scenarios.conditions import PLACES, Condition
from mockfoundry.scenarios.values import Rule, Scenario

MOST_COMPARED = 100
"""How many earlier rules each rule is compared with, the likeliest first, so that lint stays quick."""

Key = tuple[str, str, bytes]
"""A condition: its place, its name, and what it wants as JSON."""


class Asking:
    """What one rule asks of a request, ready to be compared with others.

    Attributes:
        wanted: by place and name.
        keys: its conditions, those with a plain value first.
    """

    __slots__ = ("_compiled", "keys", "number", "rule", "wanted")

    def __init__(self, number: int, rule: Rule) -> None:
        self.number = number
        self.rule = rule
        self.wanted = {(place, name): wanted for place, name, wanted in wanteds(rule)}
        plain_first = sorted(self.wanted, key=lambda at: isinstance(self.wanted[at], dict))
        self.keys: list[Key] = [(*at, encoded(self.wanted[at])) for at in plain_first]
        self._compiled: dict[tuple[str, str], Condition] = {}

    @property
    def takes_all(self) -> bool:
        """Whether the rule decides every request that it matches, from the first one on."""
        rule = self.rule
        endless = rule.answers is None and bool(rule.steps)
        return endless and rule.after == 0 and rule.chance == 1.0 and rule.from_ is None and rule.until is None

    def leaves_nothing(self, other: "Asking") -> bool:
        """Whether every request that the other one matches is one that this one matches too."""
        states = other.rule.state
        if self.rule.state and not (states and set(states) <= set(self.rule.state)):
            return False
        return all(key in other.keys or self.accepts_plain(key[:2], other) for key in self.keys)

    def accepts_plain(self, at: tuple[str, str], other: "Asking") -> bool:
        """Whether the other one wants a plain value, and it fits the schema that this one wants."""
        if not isinstance(self.wanted[at], dict) or at not in other.wanted or isinstance(other.wanted[at], dict):
            return False
        keys = other.compiled(at).keys
        return keys is not None and all(self.compiled(at).accepts(key) for key in keys)

    def compiled(self, at: tuple[str, str]) -> Condition:
        if at not in self._compiled:
            self._compiled[at] = Condition(*at, self.wanted[at])
        return self._compiled[at]


class Covers:
    """The rules met so far that take every request they match, for ever; found by their first condition."""

    def __init__(self) -> None:
        self.unconditional: dict[str, list[Asking]] = {}
        self.by_key: dict[Key, list[Asking]] = {}
        self.others: list[Asking] = []

    def add(self, asking: Asking) -> None:
        if not asking.keys:
            for operation in asking.rule.operation or ("",):
                self.unconditional.setdefault(operation, []).append(asking)
        elif all(isinstance(wanted, dict) for wanted in asking.wanted.values()):
            self.others.append(asking)
        else:
            self.by_key.setdefault(asking.keys[0], []).append(asking)

    def of(self, asking: Asking) -> int | None:
        """The number of the rule that leaves nothing to this one, the last of them where it takes several."""
        covers = [self.of_operation(asking, operation) for operation in asking.rule.operation or ("",)]
        return None if None in covers else max(cover for cover in covers if cover is not None)

    def of_operation(self, asking: Asking, operation: str) -> int | None:
        for cover in islice(self.candidates(asking, operation), MOST_COMPARED):
            named = cover.rule.operation
            if (not named or operation in named) and cover.leaves_nothing(asking):
                return cover.number
        return None

    def candidates(self, asking: Asking, operation: str) -> Iterator[Asking]:
        yield from self.unconditional.get(operation, ())
        if operation:
            yield from self.unconditional.get("", ())
        for key in asking.keys:
            yield from self.by_key.get(key, ())
        yield from self.others


def unreachable_rules(scenario: Scenario) -> Iterator[tuple[int, int]]:
    """The positions of the rules that can never decide, each with the number of the rule that always does."""
    covers = Covers()
    for position, rule in enumerate(scenario.rules):
        asking = Asking(position + 1, rule)
        cover = covers.of(asking)
        if cover is not None:
            yield position, cover
        elif asking.takes_all:
            covers.add(asking)


def wanteds(rule: Rule) -> Iterator[tuple[str, str, Any]]:
    """The conditions of a rule: place, name, and what is wanted."""
    for place in PLACES:
        for name, wanted in getattr(rule.when, place).items():
            yield place, name.lower() if place == "headers" else name, wanted


def encoded(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def states_entered(scenario: Scenario) -> frozenset[str]:
    """The states that a scenario can come to: the first one, and those that its rules go to from one that it can."""
    onward: dict[str, set[str]] = {}
    for rule in scenario.rules:
        if rule.goto is not None:
            for state in rule.state or (_ANY,):
                onward.setdefault(state, set()).add(rule.goto)
    waiting = {_ANY} if scenario.start is None else {_ANY, scenario.start}
    entered: set[str] = set()
    while waiting:
        state = waiting.pop()
        entered.add(state)
        waiting |= onward.get(state, set()) - entered
    return frozenset(entered - {_ANY})


# Stands for whatever state there is; no state has an empty name.
_ANY = ""
