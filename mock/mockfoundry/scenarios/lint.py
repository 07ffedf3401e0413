"""Lint: what is wrong with a scenario, by itself and against the contract. Never mends it, never plays it.

Besides what the form of a file refuses, it finds three things: answers that the contract does not document
(`undocumented`), conditions that no valid request fulfils (`impossible`), and rules (`unreachable`) and states
(`states`) that a scenario can never reach.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import msgspec

from mockfoundry.contract.load import Contract
from mockfoundry.contract.plan import Plan
from mockfoundry.documents.declare import Finding, Path, locate_finding
from mockfoundry.documents.json import MAX_DOCUMENT_DEPTH
from mockfoundry.documents.nodes import MAX_DOCUMENT_BYTES
from mockfoundry.documents.problems import Problem, did_you_mean
from mockfoundry.documents.wording import describe_value
from mockfoundry.scenarios.format import (
    begin_reading,
    read_scenario_data,
    read_scenario_with_nodes,
    scenario_to_dict,
)
from mockfoundry.scenarios.impossible import explain_impossible_condition, is_of_no_caller
from mockfoundry.scenarios.model import (
    ANY_OPERATION,
    MAX_PROBLEMS,
    Rule,
    Scenario,
    ScenarioError,
)
from mockfoundry.scenarios.states import PathFinding, find_wrong_states
from mockfoundry.scenarios.undocumented import find_wrong_answers
from mockfoundry.scenarios.unreachable import find_unreached_rules


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
            accept_scenario(scenario, contract, errors, source or f"scenario {scenario.name}")
        else:
            read_checked_scenario(scenario, contract, errors, source or "scenario")
    except ScenarioError as error:
        return list(error.problems)
    return []


FindMore = Callable[[Scenario], Iterable[Finding]]
"""Finds what else is wrong with a scenario whose form is right, such as what a world does not have."""


def find_nothing_more(_scenario: Scenario) -> Iterable[Finding]:
    """Nothing else is looked at."""
    return ()


def read_checked_scenario(
    text: str,
    contract: Contract,
    errors: Mapping[str, int],
    source: str,
    find_more: FindMore = find_nothing_more,
) -> Scenario:
    """The scenario in a text, where nothing is wrong with it.

    Raises:
        ScenarioError: with the first hundred problems.
    """
    scenario, root = read_scenario_with_nodes(text, source)
    first = islice(chain(find_problems(scenario, contract, errors), find_more(scenario)), MAX_PROBLEMS)
    problems = {locate_finding(root, finding, source) for finding in first}
    if problems:
        raise ScenarioError(sorted(problems))
    return scenario


def accept_scenario(
    scenario: Scenario,
    contract: Contract,
    errors: Mapping[str, int],
    source: str,
    find_more: FindMore = find_nothing_more,
) -> Scenario:
    """A scenario that was made as a value, as its file would give it, where nothing is wrong with it.

    Its text is written only where a problem needs a place in it.

    Raises:
        ScenarioError: with the first hundred problems, in the places of its `to_yaml()`.
    """
    accepted = read_plain_scenario(scenario)
    if accepted is None or any(chain(find_problems(accepted, contract, errors), find_more(accepted))):
        return read_checked_scenario(scenario.to_yaml(), contract, errors, source, find_more)
    return accepted


def read_plain_scenario(scenario: Scenario) -> Scenario | None:
    """A scenario as its file would give it; None where only the text can show that, or what is wrong."""
    try:
        encoded = msgspec.json.encode(scenario_to_dict(scenario))
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None
    data = msgspec.json.decode(encoded)
    # Well below every bound of a text, so that a value is refused where its file would be.
    if len(encoded) > MAX_DOCUMENT_BYTES // 4 or is_deeper(data, MAX_DOCUMENT_DEPTH):
        return None
    return read_scenario_data(data, begin_reading())


def is_deeper(data: Any, levels: int) -> bool:
    """Whether lists and mappings nest deeper than so many levels."""
    if not isinstance(data, dict | list):
        return False
    items = data.values() if isinstance(data, dict) else data
    return levels == 0 or any(is_deeper(item, levels - 1) for item in items)


def find_problems(scenario: Scenario, contract: Contract, errors: Mapping[str, int]) -> Iterator[Finding]:
    """What is wrong with a scenario whose form is right."""
    found = (
        find_wrong_rules(scenario, contract, errors),
        find_unreached_rules(scenario, contract),
        find_wrong_states(scenario),
    )
    for path, text in chain.from_iterable(found):
        yield Finding(path, text, "scalar")


def find_wrong_rules(scenario: Scenario, contract: Contract, errors: Mapping[str, int]) -> Iterator[PathFinding]:
    """What single rules ask for or answer that the contract does not have."""
    for position, rule in enumerate(scenario.rules):
        at: Path = ("rules", position)
        known = []
        for number, operation in enumerate(rule.operation):
            plan = contract.plans.get(operation)
            if operation == ANY_OPERATION:
                continue
            if plan is None:
                yield report_unknown_operation((*at, "operation", number), operation, contract)
            else:
                known.append(plan)
                if rule.at == "controller" and plan.error_envelope:
                    text = f"at is controller, but {operation} is not the Cloud Controller's; leave at out"
                    yield (*at, "at"), f"{text}, or name such operations in another rule"
        plans = select_plans(rule, contract) or known
        for path, text in find_impossible_conditions(rule, plans):
            yield (*at, *path), text
        for path, text in chain(find_refused_callers(rule, plans), find_useless_scope(rule, plans)):
            yield (*at, *path), text
        for path, text in find_wrong_answers(rule, plans, errors):
            yield (*at, *path), text


def select_plans(rule: Rule, contract: Contract) -> list[Plan]:
    """Every plan that a rule is for, where it names no operation or any; none, where it names some."""
    if not rule.is_general:
        return []
    return [
        contract.plans[each.operation] for each in contract.patterns if rule.is_about(each.operation, each.needs_naming)
    ]


def report_unknown_operation(path: Path, operation: str, contract: Contract) -> PathFinding:
    hint = did_you_mean(operation, contract.plans)
    listing = " (mockfoundry operations lists them)"
    return path, f"{describe_value(operation)} is not an operation of the contract{hint}{listing}"


def find_impossible_conditions(rule: Rule, plans: list[Plan]) -> Iterator[PathFinding]:
    for place, name, wanted in rule.when.list_wanted():
        reasons = [explain_impossible_condition(plan, place, name, wanted) for plan in plans]
        # A rule for every request need only be possible for one of them; a named operation must be meant.
        if not any(reasons) or (rule.is_general and not all(reasons)):
            continue
        reason = next(each for each in reasons if each is not None)
        mend = "" if reason.endswith("?") else "; mend the condition or leave it out"
        yield path_of_condition(rule, place, name), f"no valid request can match: {reason}{mend}"


def path_of_condition(rule: Rule, place: str, name: str) -> Path:
    """Where a condition stands in its rule; a header as it is written there."""
    if place == "headers":
        name = next(written for written in rule.when.headers if written.lower() == name)
    return ("when", place, name) if name else ("when", place)


def find_refused_callers(rule: Rule, plans: list[Plan]) -> Iterator[PathFinding]:
    """Conditions that only requests without a token fulfil, where the rule can answer none of these."""
    if rule.station == "controller":
        where = " before the controller, where this rule is asked; write at: gateway"
    elif rule.steps and all(step.phase == "after" for step in rule.steps):
        where = ", and phase: after answers only what has succeeded; leave phase out"
    else:
        return
    secured = [plan for plan in plans if plan.secured]
    if not secured or (rule.is_general and len(secured) < len(plans)):
        return
    for place, name, wanted in rule.when.list_wanted():
        if is_of_no_caller(place, name, wanted):
            text = f"{secured[0].operation} refuses a request without a token{where}, or leave {name or place} out"
            yield path_of_condition(rule, place, name), f"no request can match: {text}"


def find_useless_scope(rule: Rule, plans: list[Plan]) -> Iterator[PathFinding]:
    """A `per:` by which all requests of the rule are counted together. Rules that share states must count alike."""
    if rule.state or rule.goto is not None:
        return
    if rule.per == "user" and rule.when.user is None:
        text = "per is user, but the rule is for requests without a user, which are counted together"
        yield ("per",), f"{text}; leave per out"
    if rule.per == "process" and rule.operation and plans and not any("{" in plan.path for plan in plans):
        text = f"per is process, but {plans[0].operation} is about no process, so all are counted together"
        yield ("per",), f"{text}; leave per out"
