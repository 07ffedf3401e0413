"""Lint: what it lets pass, beside the broken files that it refuses; and how it tells what it found."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from mockfoundry.contract.load import Contract
from mockfoundry.documents.problems import PROBLEM_FORMATS, Problem
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import PASS, Respond, Rule, Scenario, When
from tests.effort import effort_of
from tests.serving import served

CONFLICT = Respond(error="CF-Conflict")
GUID = "6a901b7c-9417-4dc1-8189-d3234aa0ab82"


def problems(contract: Contract, errors: Mapping[str, int], *rules: Rule, **keys: Any) -> list[str]:
    return [each.text for each in check_scenario(Scenario(name="late", rules=rules, **keys), contract, errors)]


POSSIBLE = {
    "guid": ("scaleProcess", When(path={"guid": GUID})),
    "guid-of-both": (("scaleProcess", "scaleProcessForApp"), When(path={"guid": GUID})),
    "index": ("terminateProcessInstance", When(path={"index": {"maximum": 2}})),
    "any-header": ("scaleProcess", When(headers={"X-Client": "autoscaler"})),
    "no-header": ("scaleProcess", When(headers={"Authorization": None})),
    "per-page": ("listProcesses", When(query={"per_page": {"minimum": 100}})),
    "no-per-page": ("listProcesses", When(query={"per_page": None})),
    "types": ("listProcesses", When(query={"types": ["web", "worker"]})),
    "instances": ("scaleProcess", When(body={"instances": {"minimum": 2, "maximum": 2}})),
    "some-instances": ("scaleProcess", When(body={"instances": {"enum": [-1, 2]}})),
    "either": ("scaleProcess", When(body={"instances": {"anyOf": [{"maximum": -1}, {"minimum": 9}]}})),
    "command": ("updateProcess", When(body={"command": {"pattern": "^rack"}})),
    "no-command": ("updateProcess", When(body={"command": None})),
    "metadata": ("updateProcess", When(body={"metadata": {"required": ["labels"]}})),
    "user": ("scaleProcess", When(user="alice")),
    "no-user": ("scaleProcess", When(user=None)),
    "process": (("scaleProcess", "scaleProcessForApp"), When(process={"type": "worker", "app": "dora"})),
    "process-of-any": ((), When(process={"space": {"pattern": "^dev"}, "organization": "acme"})),
    "everything": ((), When(body={"instances": 2})),
}


@pytest.mark.parametrize(("operation", "when"), POSSIBLE.values(), ids=POSSIBLE.keys())
def test_what_a_valid_request_can_match_is_let_pass(
    operation: str | tuple[str, ...], when: When, contract: Contract, errors: Mapping[str, int]
) -> None:
    assert problems(contract, errors, Rule(operation=operation, when=when, respond=PASS)) == []


IMPOSSIBLE = {
    "guid-empty": ("scaleProcess", When(path={"guid": {"maxLength": -1}})),
    "index-text": ("terminateProcessInstance", When(path={"index": "first"})),
    "per-page-large": ("listProcesses", When(query={"per_page": {"minimum": 5001}})),
    "per-page-zero": ("listProcesses", When(query={"per_page": 0})),
    "between": ("scaleProcess", When(body={"instances": {"exclusiveMinimum": 2, "exclusiveMaximum": 3}})),
    "nothing-between": ("scaleProcess", When(headers={"X-Load": {"exclusiveMinimum": 1, "maximum": 1}})),
    "against-itself": ("scaleProcess", When(body={"instances": {"minimum": 3, "maximum": 2}})),
    "text": ("scaleProcess", When(body={"instances": {"pattern": "two"}})),
    "none-of": ("scaleProcess", When(body={"instances": {"enum": [-1, "two"]}})),
    "neither": ("scaleProcess", When(body={"instances": {"anyOf": [{"maximum": -1}, {"type": "string"}]}})),
    "all-of": ("scaleProcess", When(body={"instances": {"allOf": [{"minimum": 1}, {"maximum": -1}]}})),
    "long-command": ("updateProcess", When(body={"command": {"minLength": 5000}})),
    "field-in-field": ("updateProcess", When(body={"metadata": {"required": ["lables"]}})),
    "process-of-a-list": ("listProcesses", When(process={"type": "web"})),
    "process-of-an-app": (("scaleProcess", "listProcessesForApp"), When(process={"app": "dora"})),
    "process-type": ("scaleProcessForApp", When(process={"type": {"enum": [""]}})),
    "process-bound": ("scaleProcess", When(process={"app": {"minLength": 3, "maxLength": 2}})),
    "user-bound": ("scaleProcess", When(user={"minLength": 3, "maxLength": 2})),
    "one-of-two": (("scaleProcess", "getProcess"), When(body={"instances": 2})),
}


@pytest.mark.parametrize(("operation", "when"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_no_valid_request_can_match_is_refused(
    operation: str | tuple[str, ...], when: When, contract: Contract, errors: Mapping[str, int]
) -> None:
    found = problems(contract, errors, Rule(operation=operation, when=when, respond=PASS))
    assert len(found) == 1
    assert found[0].startswith(("no valid request can match: ", "the condition on "))


FIRST = Rule(operation="scaleProcess", respond=CONFLICT)
REACHABLE = {
    "bounded": Rule(operation="scaleProcess", times=1, respond=CONFLICT),
    "by-chance": Rule(operation="scaleProcess", chance=0.5, respond=CONFLICT),
    "after": Rule(operation="scaleProcess", after=1, respond=CONFLICT),
    "until": Rule(operation="scaleProcess", until=1_000_000, respond=CONFLICT),
    "from": Rule(operation="scaleProcess", from_=1_000_000, respond=CONFLICT),
    "sequence": Rule(operation="scaleProcess", sequence=(CONFLICT,)),
    "other-operation": Rule(operation="scaleProcessForApp", respond=CONFLICT),
    "narrower": Rule(operation="scaleProcess", when=When(body={"instances": {"minimum": 3}}), respond=CONFLICT),
    "other-value": Rule(operation="scaleProcess", when=When(body={"instances": 3}), respond=CONFLICT),
    "other-name": Rule(operation="scaleProcess", when=When(body={"memory_in_mb": 2}), respond=CONFLICT),
}


@pytest.mark.parametrize("first", REACHABLE.values(), ids=REACHABLE.keys())
def test_a_rule_after_one_that_leaves_something_is_let_pass(
    first: Rule, contract: Contract, errors: Mapping[str, int]
) -> None:
    second = Rule(operation="scaleProcess", when=When(body={"instances": 2}), respond=Respond(error="UnknownError"))
    assert problems(contract, errors, first, second) == []


COVERING = {
    "all": Rule(operation="scaleProcess", respond=CONFLICT),
    "everything": Rule(respond=PASS),
    "several": Rule(operation=("getProcess", "scaleProcess"), respond=PASS),
    "same": Rule(operation="scaleProcess", when=When(body={"instances": 2}), respond=CONFLICT),
    "wider": Rule(operation="scaleProcess", when=When(body={"instances": {"minimum": 2}}), respond=CONFLICT),
    "repeated": Rule(operation="scaleProcess", sequence=(CONFLICT, PASS), finally_="repeat"),
    "stays": Rule(operation="scaleProcess", sequence=(CONFLICT, PASS), finally_="stay"),
}


@pytest.mark.parametrize("first", COVERING.values(), ids=COVERING.keys())
def test_a_rule_after_one_that_leaves_nothing_is_refused(
    first: Rule, contract: Contract, errors: Mapping[str, int]
) -> None:
    second = Rule(operation="scaleProcess", when=When(body={"instances": 2}), respond=CONFLICT)
    mend = "put it first, or bound rule 1 by times"
    told = f"rule 2 is never reached: rule 1 always answers before it; {mend}"
    assert problems(contract, errors, first, second) == [told]


def test_several_rules_can_leave_nothing_together(contract: Contract, errors: Mapping[str, int]) -> None:
    rules = [
        Rule(operation="scaleProcess", respond=CONFLICT),
        Rule(operation="scaleProcessForApp", respond=CONFLICT),
        Rule(operation=("scaleProcess", "scaleProcessForApp"), respond=CONFLICT),
    ]
    assert problems(contract, errors, *rules)[0].startswith("rule 3 is never reached: rule 2 ")


def test_a_rule_for_any_request_may_wait_for_one_without_a_token(errors: Mapping[str, int]) -> None:
    """The root documents answer it."""
    after = Respond(phase="after")
    assert problems(served(), errors, Rule(operation="any", when=When(user=None), respond=after)) == []


def test_a_rule_in_another_state_is_let_pass(contract: Contract, errors: Mapping[str, int]) -> None:
    rules = [
        Rule(operation="scaleProcess", state="calm", goto="broken", respond=PASS),
        Rule(operation="scaleProcess", state="broken", respond=CONFLICT),
    ]
    assert problems(contract, errors, *rules, start="calm") == []
    assert problems(contract, errors, *rules, Rule(operation="scaleProcess", state="calm", respond=PASS), start="calm")


def test_an_answer_is_held_against_every_operation_of_its_rule(contract: Contract, errors: Mapping[str, int]) -> None:
    answer = Respond(error="CF-Conflict")
    assert problems(contract, errors, Rule(operation=("scaleProcess", "updateProcess"), respond=answer)) == []
    (told,) = problems(contract, errors, Rule(operation=("scaleProcess", "getProcess"), respond=answer))
    assert told.startswith("getProcess documents no 409; it has 200, ")


DOCUMENTED = {
    "error": Respond(error="CF-Conflict"),
    "status": Respond(status=409),
    "example": Respond(example="scaled"),
    "fault": Respond(fault="reset"),
    "undocumented": Respond(status=418, undocumented=True),
    "text": Respond(
        status=409,
        text='{"errors":[{"code":1,"title":"CF-Conflict","detail":"b"}]}',
        headers={"content-type": "application/json; charset=utf-8"},
    ),
    "extra-header": Respond(error="CF-Conflict", headers={"Retry-After": "1", "X-Mine": "yes"}),
    "delay": Respond(delay=1),
    "label": Respond(headers={"Content-Type": "text/html"}, undocumented=True),
}


@pytest.mark.parametrize("respond", DOCUMENTED.values(), ids=DOCUMENTED.keys())
def test_a_documented_answer_is_let_pass(respond: Respond, contract: Contract, errors: Mapping[str, int]) -> None:
    assert problems(contract, errors, Rule(operation="scaleProcess", respond=respond)) == []


UNDOCUMENTED = {
    "body-of-none": ("terminateProcessInstance", Respond(status=204, body={"a": 1})),
    "text-no-json": ("scaleProcess", Respond(status=409, text="{", headers={"Content-Type": "application/json"})),
    "text-misfit": ("scaleProcess", Respond(status=409, text="{}", headers={"Content-Type": "application/json"})),
    "label": ("scaleProcess", Respond(headers={"Content-Type": "text/html"})),
    "no-label": ("scaleProcess", Respond(headers={"Content-Type": None})),
    "no-id": ("scaleProcess", Respond(headers={"x-vcap-request-id": None})),
    "example-of-another": ("scaleProcess", Respond(example="two_processes")),
    "undocumented-example": ("scaleProcess", Respond(example="nothing", undocumented=True)),
}


@pytest.mark.parametrize(("operation", "respond"), UNDOCUMENTED.values(), ids=UNDOCUMENTED.keys())
def test_an_undocumented_answer_is_refused(
    operation: str | tuple[str, ...], respond: Respond, contract: Contract, errors: Mapping[str, int]
) -> None:
    assert len(problems(contract, errors, Rule(operation=operation, respond=respond))) == 1


def test_a_value_is_checked_in_the_places_of_its_yaml(contract: Contract, errors: Mapping[str, int]) -> None:
    scenario = Scenario(name="late", rules=(Rule(operation="scaleProces", respond=CONFLICT),))
    (problem,) = check_scenario(scenario, contract, errors)
    line = scenario.to_yaml().splitlines()[problem.line - 1]
    assert line[problem.column - 1 :] == "scaleProces"
    assert problem.file == "scenario late"


LARGE = {
    "schemas": "{operation: scaleProcess, when: {body: {instances: {minimum: %d}}}, respond: {error: CF-Conflict}}",
    "values": "{operation: scaleProcess, when: {body: {instances: %d}}, respond: {error: CF-Conflict}}",
    "unknown": "{operation: scaleProcess, when: {body: {instances: %d}}, respond: {error: CF-Conflct}}",
    "states": "{operation: scaleProcess, state: s%d, goto: x, respond: {error: CF-Conflict}}",
    "unread": "{operation: scaleProcess, tims: %d, respond: {error: CF-Conflict}}",
}


@pytest.mark.parametrize(
    "rule",
    [pytest.param(rule, id=name, marks=() if name == "values" else pytest.mark.long) for name, rule in LARGE.items()],
)
def test_thousands_of_rules_are_checked_in_seconds(rule: str, contract: Contract, errors: Mapping[str, int]) -> None:
    rules = "\n".join("- " + rule % number for number in range(5_000, 0, -1))
    found = []

    def check() -> None:
        found.extend(check_scenario(f"scenario: late\nstart: x\nrules:\n{rules}\n", contract, errors))

    assert effort_of(check) < 5
    assert len(found) <= 100


def test_long_lists_are_checked_in_seconds(contract: Contract, errors: Mapping[str, int]) -> None:
    names = ", ".join(f"o{number}" for number in range(50_000))
    numbers = ", ".join(f"-{number}" for number in range(1, 50_000))
    for rule in (
        f"{{operation: [{names}], respond: pass}}",
        f"{{when: {{body: {{instances: {{enum: [{numbers}]}}}}}}, respond: pass}}",
    ):
        text = f"scenario: late\nrules:\n- {rule}\n"
        assert effort_of(partial(check_scenario, text, contract, errors)) < 5


PROBLEMS = [Problem("a, b.yaml", 3, 7, "100% wrong"), Problem("c.yaml", 1, 1, "is empty")]


def test_problems_are_told_as_text() -> None:
    assert PROBLEM_FORMATS["text"](PROBLEMS) == "a, b.yaml:3:7: 100% wrong\nc.yaml:1:1: is empty\n"


def test_problems_are_told_as_json() -> None:
    assert json.loads(PROBLEM_FORMATS["json"](PROBLEMS)) == [
        {"file": "a, b.yaml", "line": 3, "column": 7, "text": "100% wrong"},
        {"file": "c.yaml", "line": 1, "column": 1, "text": "is empty"},
    ]


def test_problems_are_told_as_annotations() -> None:
    assert PROBLEM_FORMATS["github"](PROBLEMS) == (
        "::error file=a%2C b.yaml,line=3,col=7::100%25 wrong\n::error file=c.yaml,line=1,col=1::is empty\n"
    )
