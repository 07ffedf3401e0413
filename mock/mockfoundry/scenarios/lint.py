"""Lint: what is wrong with a scenario, by itself and against the contract. Never mends it, never plays it."""

from collections.abc import Iterator, Mapping
from itertools import islice

from mockfoundry.contract import Contract, Plan, brief
from mockfoundry.documents import Entry, Node, Problem, Scalar, did_you_mean, nearest
from mockfoundry.scenarios.conditions import PLACES
from mockfoundry.scenarios.documented import undocumented
from mockfoundry.scenarios.impossible import why_impossible
from mockfoundry.scenarios.problems import MOST_PROBLEMS, ScenarioError
from mockfoundry.scenarios.reachable import states_entered, unreachable_rules
from mockfoundry.scenarios.reading import read_with_places
from mockfoundry.scenarios.values import Respond, Rule, Scenario

Path = tuple[str | int, ...]
Finding = tuple[Path, str]
"""Where in the file, as keys and positions, and what is wrong there."""


def check_scenario(
    scenario: Scenario | str, contract: Contract, errors: Mapping[str, int], *, source: str = ""
) -> list[Problem]:
    """What is wrong with a scenario; nothing where it can be played.

    Args:
        scenario: a value, or the text of a file.
        errors: the catalogue's titles, each with its status.
        source: what the places begin with. Those of a value are in its `to_yaml()`.
    """
    try:
        if isinstance(scenario, Scenario):
            read_checked(scenario.to_yaml(), contract, errors, source or f"scenario {scenario.name}")
        else:
            read_checked(scenario, contract, errors, source or "scenario")
    except ScenarioError as error:
        return list(error.problems)
    return []


def read_checked(text: str, contract: Contract, errors: Mapping[str, int], source: str) -> Scenario:
    """The scenario in a text, where nothing is wrong with it.

    Raises:
        ScenarioError: with the first hundred problems.
    """
    value, root = read_with_places(text, source)
    first = islice(findings(value, contract, errors), MOST_PROBLEMS)
    problems = {problem(source, root, finding) for finding in first}
    if problems:
        raise ScenarioError(sorted(problems))
    return value


def problem(source: str, root: Node, finding: Finding) -> Problem:
    at = spot(root, finding[0])
    return Problem(source, at.line, at.column, finding[1])


def spot(node: Node, path: Path) -> Node | Entry:
    """The node at a path; the key where a key is last, unless its value is a plain one."""
    at = nearest(node, path)
    return at.value if isinstance(at, Entry) and isinstance(at.value, Scalar) else at


def findings(scenario: Scenario, contract: Contract, errors: Mapping[str, int]) -> Iterator[Finding]:
    """What is wrong with a scenario that could be read."""
    for position, rule in enumerate(scenario.rules):
        at: Path = ("rules", position)
        plans = []
        for number, operation in enumerate(rule.operation):
            plan = contract.plans.get(operation)
            if plan is None:
                yield unknown_operation((*at, "operation", number), operation, contract)
            else:
                plans.append(plan)
        for path, found in impossible_conditions(rule, plans or all_plans(rule, contract)):
            yield (*at, *path), found
        for path, found in wrong_answers(rule, plans or all_plans(rule, contract), errors):
            yield (*at, *path), found
    for position, cover in unreachable_rules(scenario):
        told = f"is never reached: rule {cover} always answers before it; put it first, or bound rule {cover} by times"
        yield ("rules", position), f"rule {position + 1} {told}"
    yield from never_entered(scenario)


def all_plans(rule: Rule, contract: Contract) -> list[Plan]:
    """Every plan, where a rule names no operation; none, where it names only unknown ones."""
    return [] if rule.operation else list(contract.plans.values())


def unknown_operation(path: Path, operation: str, contract: Contract) -> Finding:
    hint = did_you_mean(operation, contract.plans)
    listing = " (mockfoundry operations lists them)"
    return path, f'"{brief(operation)}" is not an operation of the contract{hint}{listing}'


def impossible_conditions(rule: Rule, plans: list[Plan]) -> Iterator[Finding]:
    for place in PLACES:
        for name, wanted in getattr(rule.when, place).items():
            reasons = [why_impossible(plan, place, name, wanted) for plan in plans]
            # A rule for every request need only be possible for one of them; a named operation must be meant.
            if not any(reasons) or (not rule.operation and not all(reasons)):
                continue
            reason = next(each for each in reasons if each is not None)
            mend = "" if reason.endswith("?") else "; mend the condition or leave it out"
            yield ("when", place, name), f"no valid request can match: {reason}{mend}"


def wrong_answers(rule: Rule, plans: list[Plan], errors: Mapping[str, int]) -> Iterator[Finding]:
    for path, respond in answers_with_paths(rule):
        if respond.error is not None and respond.error not in errors:
            hint = did_you_mean(respond.error, errors)
            yield (*path, "error"), f'"{brief(respond.error)}" is not an error of the catalogue{hint}'
            continue
        for plan in plans:
            found = list(undocumented(respond, plan, errors))
            for key, told in found:
                yield (*path, key), told
            if found:
                break


def answers_with_paths(rule: Rule) -> Iterator[tuple[Path, Respond]]:
    if rule.respond is not None:
        yield ("respond",), rule.respond
    for number, respond in enumerate(rule.sequence):
        yield ("sequence", number), respond


def never_entered(scenario: Scenario) -> Iterator[Finding]:
    entered = states_entered(scenario)
    for position, rule in enumerate(scenario.rules):
        for number, state in enumerate(rule.state):
            if state not in entered:
                hint = did_you_mean(state, entered)
                mend = hint if hint.endswith("?") else f"; a rule enters it by goto: {state}"
                yield ("rules", position, "state", number), f'the state "{state}" is never entered{mend}'
