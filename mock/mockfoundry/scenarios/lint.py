"""Lint: what is wrong with a scenario, by itself and against the contract. Never mends it, never plays it.

Besides what the form of a file refuses, it finds three things: answers that the contract does not document, conditions
that no valid request fulfils, and rules and states that a scenario can never reach.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import msgspec

from mockfoundry.bodies import read_json
from mockfoundry.contract.load import Contract
from mockfoundry.contract.plan import DocumentedResponse, Plan, Schema, shorten_value
from mockfoundry.documents.declare import Finding, Path, locate_finding
from mockfoundry.documents.json import MAX_DOCUMENT_DEPTH
from mockfoundry.documents.problems import Problem, did_you_mean
from mockfoundry.documents.wording import describe_value
from mockfoundry.documents.yaml import MAX_DOCUMENT_BYTES
from mockfoundry.scenarios.conditions import ABSENT, Condition
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
    Respond,
    Rule,
    Scenario,
    ScenarioError,
    describe_demand,
    quote_value,
)
from mockfoundry.scenarios.states import PathFinding, find_wrong_states

KeyFinding = tuple[str, str]
"""A key of the answer, and what is wrong with it."""

UNDOCUMENTED_HINT = "say undocumented: true if that is meant"


def find_undocumented(respond: Respond, plan: Plan, errors: Mapping[str, int]) -> Iterator[KeyFinding]:
    """What the contract does not document of an answer to an operation. Wire faults are beyond any contract."""
    if respond.example is not None and plan.example(respond.example) is None:
        names = {name for each in plan.responses.values() for name in each.examples}
        hint = did_you_mean(respond.example, names) or "; its responses in the contract name them"
        yield "example", f'"{shorten_value(respond.example)}" is not an example of {plan.operation}{hint}'
        return
    if respond.undocumented or (respond.fault is not None and not respond.headers):
        return
    key, documented = find_documented_response(respond, plan, errors)
    if documented is None:
        status = respond.status if respond.status is not None else errors.get(respond.error or "", 0)
        had = ", ".join(str(each) for each in sorted(plan.responses))
        yield key, f"{plan.operation} documents no {status}; it has {had}; {UNDOCUMENTED_HINT}"
        return
    if respond.status is not None:
        yield from find_undocumented_body(respond, plan, documented)
    yield from find_undocumented_headers(respond, plan, documented)


def find_documented_response(
    respond: Respond, plan: Plan, errors: Mapping[str, int]
) -> tuple[str, DocumentedResponse | None]:
    """The key that gives the status, and what the contract says of that status."""
    if respond.example is not None:
        found = plan.example(respond.example)
        return "example", None if found is None else found[0]
    if respond.error is not None:
        return "error", plan.responses.get(errors.get(respond.error, 0))
    status = plan.success_status if respond.status is None else respond.status
    return "status", plan.responses.get(status)


def find_undocumented_body(respond: Respond, plan: Plan, documented: DocumentedResponse) -> Iterator[KeyFinding]:
    if respond.text is not None:
        yield from find_undocumented_content("text", "text/plain", respond.text.encode(), respond, plan, documented)
    elif respond.base64 is not None:
        yield from find_undocumented_content("base64", BINARY_TYPE, respond.base64, respond, plan, documented)
    elif respond.body is ABSENT:
        return
    elif documented.body is None:
        yield (
            "body",
            f"{plan.operation} documents no body with {documented.status}; leave it out, or {UNDOCUMENTED_HINT}",
        )
    else:
        yield from find_misfit("body", respond.body, documented.body, plan, documented)


BINARY_TYPE = "application/octet-stream"


def find_undocumented_content(
    key: str, media_type: str, content: bytes, respond: Respond, plan: Plan, documented: DocumentedResponse
) -> Iterator[KeyFinding]:
    """What is not documented of a body that is given as it is sent.

    Args:
        key: that gives it.
        media_type: of such a body, unless the headers have another.
    """
    if not any(name.lower() == "content-type" for name in respond.headers):
        if media_type != BINARY_TYPE or media_type not in documented.media_types:
            yield key, f"{key} is sent as {media_type}, which {plan.operation} does not document; {UNDOCUMENTED_HINT}"
        return
    if documented.body is None:
        return
    try:
        body = read_json(content)
    except (ValueError, msgspec.DecodeError, RecursionError):
        yield key, f"{key} is not the JSON that {plan.operation} documents; {UNDOCUMENTED_HINT}"
        return
    yield from find_misfit(key, body, documented.body, plan, documented)


def find_misfit(
    key: str, body: object, schema: Schema, plan: Plan, documented: DocumentedResponse
) -> Iterator[KeyFinding]:
    if schema.accepts(body):
        return
    violation = schema.violations(body)[0]
    found = f"{violation.pointer or 'the whole'} is {quote_value(violation.value)}"
    demand = f"{plan.operation} documents {describe_demand(violation)} there for {documented.status}"
    yield key, f"{key}: {found}, but {demand}; mend it, or {UNDOCUMENTED_HINT}"


def find_undocumented_headers(respond: Respond, plan: Plan, documented: DocumentedResponse) -> Iterator[KeyFinding]:
    known = {name.lower() for name in documented.headers}
    for name, value in respond.headers.items():
        if name.lower() == "content-type":
            media_type = "none" if value is None else value.partition(";")[0].strip().lower()
            if media_type not in documented.media_types:
                has = ", ".join(documented.media_types) or "none"
                demand = f"{plan.operation} documents the content type {has} for {documented.status}"
                yield "headers", f"{demand}, not {shorten_value(media_type)}; {UNDOCUMENTED_HINT}"
        elif value is None and name.lower() in known:
            yield (
                "headers",
                f"{plan.operation} documents the header {name}, so it can't be taken away; {UNDOCUMENTED_HINT}",
            )


MAX_COVER_COMPARISONS = 100
"""How many earlier rules each rule is compared with, the likeliest first, so that lint stays quick."""

ConditionKey = tuple[str, str, bytes]
"""A condition: its place, its name, and what it wants as JSON."""


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
            named = () if comparable.rule.is_for_any else comparable.rule.operation
            for operation in named or ("",):
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


def encode_wanted_value(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


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


def find_unreached_rules(scenario: Scenario, contract: Contract) -> Iterator[PathFinding]:
    to_be_named = frozenset(each.operation for each in contract.patterns if each.needs_naming)
    for position, cover in find_unreachable_rules(scenario, to_be_named):
        mend = f"put it first, or bound rule {cover} by times"
        text = f"rule {position + 1} is never reached: rule {cover} always answers before it; {mend}"
        yield ("rules", position), text


def select_plans(rule: Rule, contract: Contract) -> list[Plan]:
    """Every plan that a rule is for, where it names no operation or any; none, where it names some."""
    if rule.operation and not rule.is_for_any:
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


def find_wrong_answers(rule: Rule, plans: list[Plan], errors: Mapping[str, int]) -> Iterator[PathFinding]:
    for path, respond in list_answers(rule):
        if respond.error is not None and respond.error not in errors:
            hint, listing = did_you_mean(respond.error, errors), " (mockfoundry errors lists them)"
            yield (*path, "error"), f"{describe_value(respond.error)} is not an error of the catalogue{hint}{listing}"
            continue
        for plan in plans:
            found = list(find_undocumented(respond, plan, errors))
            for key, text in found:
                yield (*path, key), text
            if found:
                break


def list_answers(rule: Rule) -> Iterator[tuple[Path, Respond]]:
    if rule.respond is not None:
        yield ("respond",), rule.respond
    for number, respond in enumerate(rule.sequence):
        yield ("sequence", number), respond
