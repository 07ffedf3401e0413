"""States: which ones a scenario can come to, and when at the earliest; what is wrong with its own. Never plays one."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from mockfoundry.documents.declare import Path
from mockfoundry.documents.problems import list_first
from mockfoundry.documents.times import format_duration
from mockfoundry.scenarios.model import Scenario

PathFinding = tuple[Path, str]
"""Where in the scenario, as keys and positions, and what is wrong there."""

# Stands for whatever state there is; no state has an empty name.
_ANY = ""


class EarliestEntry(NamedTuple):
    """The earliest moment at which a state can be entered.

    Attributes:
        moment: microseconds after the scenario was switched on.
        rule: from 1, whose `goto:` leads there; 0 for the start state.
    """

    moment: int
    rule: int


def find_earliest_entries(scenario: Scenario) -> dict[str, EarliestEntry]:
    """The states that a scenario can come to: the first one, and those that its rules go to from one that it can."""
    onward: dict[str, list[tuple[int, int, str]]] = {}
    for number, rule in enumerate(scenario.rules, 1):
        if rule.goto is not None:
            for state in rule.state or (_ANY,):
                onward.setdefault(state, []).append((rule.from_ or 0, number, rule.goto))
    entries = {_ANY: EarliestEntry(0, 0)}
    if scenario.start is not None:
        entries[scenario.start] = EarliestEntry(0, 0)
    waiting = [(0, state) for state in entries]
    while waiting:
        # The one that is entered first: no way through the others is shorter.
        entered, state = heappop(waiting)
        for wait, number, onto in onward.pop(state, ()):
            moment = entered + wait
            if onto not in entries or moment < entries[onto].moment:
                entries[onto] = EarliestEntry(moment, number)
                heappush(waiting, (moment, onto))
    del entries[_ANY]
    return entries


def find_wrong_states(scenario: Scenario) -> Iterator[PathFinding]:
    """States that are never entered or asked for, and rules whose time is over before their state can be entered."""
    if not any(rule.state or rule.goto is not None for rule in scenario.rules):
        return
    entries = find_earliest_entries(scenario)
    has_states = any(rule.state for rule in scenario.rules)
    unasked = find_unasked_state(scenario) if has_states else None
    for position, rule in enumerate(scenario.rules):
        at: Path = ("rules", position)
        if rule.goto is not None and not has_states:
            mend = f"give the rule that plays then state: {rule.goto}"
            yield (*at, "goto"), f"goto changes nothing: no rule of the scenario has state; {mend}"
        if unasked is not None and not rule.state and not (rule.from_ is None and rule.until is None):
            key = "from" if rule.until is None else "until"
            text = (
                f"{key} counts from switching the scenario on, since this rule has no state; and no rule has the state"
            )
            mend = f"give this rule state: {unasked.state}, or rule {unasked.rule} times in place of goto"
            yield (*at, key), f'{text} "{unasked.state}", which rule {unasked.rule} enters; {mend}'
        for number, state in enumerate(rule.state):
            if state not in entries:
                names = ", ".join(list_first(sorted(entries), str)) or "none"
                text = f'the state "{state}" is never entered: start, and goto of rules that are reached, name {names}'
                yield (*at, "state", number), text
        if scenario.for_ is not None and rule.state and all(state in entries for state in rule.state):
            too_late = explain_too_late(scenario.for_, rule.from_, [(each, entries[each]) for each in rule.state])
            if too_late:
                yield (*at, "state"), f"rule {position + 1} never applies: {too_late}"


class UnaskedState(NamedTuple):
    """A state that a rule enters and no rule asks for.

    Attributes:
        rule: from 1.
    """

    state: str
    rule: int


def find_unasked_state(scenario: Scenario) -> UnaskedState | None:
    """The first state that a rule enters and no rule asks for.

    It may be the end of a scenario. Beside a rule that has a time and no state, it is that rule whose state was
    forgotten: what was meant to last from the one moment would last from the other.
    """
    asked = {state for rule in scenario.rules for state in rule.state}
    for number, rule in enumerate(scenario.rules, 1):
        if rule.goto is not None and rule.goto not in asked:
            return UnaskedState(rule.goto, number)
    return None


def explain_too_late(ends: int, begins: int | None, states: list[tuple[str, EarliestEntry]]) -> str:
    """Why a rule begins only when its scenario is over; empty where it may begin before.

    Args:
        ends: microseconds after which the scenario is over.
        begins: microseconds after which the rule begins, in its state.
    """
    state, entry = min(states, key=lambda each: each[1].moment)
    if entry.moment + (begins or 0) < ends:
        return ""
    entered = f'its state "{state}" is entered after {format_duration(entry.moment)} at the earliest'
    by_rule = f" (rule {entry.rule})" if entry.rule else ""
    then = f", and from is {format_duration(begins)} more" if begins else ""
    return f"for ends the scenario after {format_duration(ends)}, but {entered}{by_rule}{then}; make for longer"
