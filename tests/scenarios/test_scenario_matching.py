"""Matching: what a condition takes and what it leaves, and that many rules cost other requests nothing."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from mockfoundry.scenarios.conditions import ABSENT, ConditionError, MatchableRequest, check_condition
from mockfoundry.scenarios.engine import ScenarioProgress, match_scenarios
from mockfoundry.scenarios.model import Respond, Rule, Scenario, When
from mockfoundry.scenarios.rule_index import CompiledScenarios
from tests.scenarios.conftest import AskRequest

BUSY = Respond(error="CF-ServiceUnavailable")


def takes(when: When, request: MatchableRequest) -> bool:
    compiled_scenarios = CompiledScenarios(
        [Scenario(name="late", rules=(Rule(operation="scaleProcess", when=when, respond=BUSY),))]
    )
    return match_scenarios(compiled_scenarios, ScenarioProgress(), request, 0, float) is not None


BODIES = [
    ({"instances": 2}, {"instances": 2}, True),
    ({"instances": 2}, {"instances": 2.0}, True),
    ({"instances": 2}, {"instances": 3}, False),
    ({"instances": 2}, {"instances": "2"}, False),
    ({"instances": 1}, {"instances": True}, False),
    ({"instances": 0}, {"instances": False}, False),
    ({"instances": True}, {"instances": 1}, False),
    ({"instances": None}, {"instances": None}, True),
    ({"instances": None}, {}, False),
    ({"instances": None}, {"instances": 0}, False),
    ({"command": "rackup"}, {"command": "rackup"}, True),
    ({"instances": {"minimum": 2}}, {"instances": 2}, True),
    ({"instances": {"minimum": 2}}, {"instances": 1}, False),
    ({"instances": {"minimum": 2}}, {"instances": "many"}, False),
    ({"instances": {"minimum": 2}}, {"instances": None}, False),
    ({"instances": {"minimum": 2}}, {"instances": 10**30}, True),
    ({"instances": {"enum": [1, 2]}}, {"instances": 2}, True),
    ({"instances": {"enum": [1, 2]}}, {"instances": 3}, False),
    ({"instances": {"const": {"a": 1}}}, {"instances": {"a": 1}}, True),
    ({"instances": {"type": ["integer", "null"]}}, {"instances": None}, True),
    ({"instances": {"not": {"const": 2}}}, {"instances": 3}, True),
    ({"instances": {"enum": []}}, {"instances": 3}, False),
    ({"instances": {"enum": [[1], 2]}}, {"instances": [1]}, True),
    ({"instances": {"minimum": 2, "pattern": "^m"}}, {"instances": "many"}, True),
    ({"instances": {"minimum": 2, "pattern": "^m"}}, {"instances": True}, True),
    ({"command": {"pattern": "^rack"}}, {"command": "rackup"}, True),
    ({"command": {"pattern": "^rack"}}, {"command": 5}, False),
    ({"metadata": {"required": ["labels"]}}, {"metadata": {"labels": {}}}, True),
    ({"metadata": {"required": ["labels"]}}, {"metadata": []}, False),
    ({"instances": [1, 2]}, {"instances": [1, 2]}, True),
    ({"instances": [1, 2]}, {"instances": [1]}, False),
    ({"instances": 2}, {"instances": [2]}, False),
    ({"instances": 2}, {"instances": {"2": 2}}, False),
    ({"instances": 2}, ABSENT, False),
    ({"instances": 2}, None, False),
    ({"instances": 2}, [2], False),
    ({"instances": 2}, "instances", False),
    ({"instances": 2, "memory_in_mb": 1}, {"instances": 2}, False),
    ({"instances": 2, "memory_in_mb": 1}, {"instances": 2, "memory_in_mb": 1}, True),
]


@pytest.mark.parametrize(("wanted", "body", "taken"), BODIES)
def test_a_condition_on_the_body(wanted: Any, body: Any, taken: bool, ask: AskRequest) -> None:
    assert takes(When(body=wanted), ask(body=body)) is taken


QUERIES = [
    ({"per_page": 100}, {"per_page": ["100"]}, True),
    ({"per_page": 100}, {"per_page": ["10"]}, False),
    ({"per_page": "100"}, {"per_page": ["100"]}, True),
    ({"per_page": {"minimum": 100}}, {"per_page": ["250"]}, True),
    ({"per_page": {"minimum": 100}}, {"per_page": ["99"]}, False),
    ({"per_page": {"minimum": 100}}, {"per_page": ["many"]}, False),
    ({"per_page": {"minimum": 100}}, {}, False),
    ({"per_page": {"const": 100}}, {"per_page": ["100"]}, True),
    ({"per_page": {"type": "string", "pattern": "^1"}}, {"per_page": ["100"]}, True),
    ({"types": ["web", "worker"]}, {"types": ["web,worker"]}, True),
    ({"types": "web"}, {"types": ["worker", "web"]}, True),
    ({"types": {"enum": ["web", "clock"]}}, {"types": ["clock", "web"]}, True),
    ({"page": None}, {}, True),
    ({"page": None}, {"page": ["1"]}, False),
    ({"paused": True}, {"paused": ["true"]}, True),
    ({"page": {"maximum": 2}}, {"page": ["1" * 400]}, False),
    ({"page": {"const": "2"}}, {"page": ["2"]}, True),
    ({"page": {"const": 2}}, {"page": ["2.0"]}, True),
    ({"page": {"const": "2"}}, {"page": ["2.0"]}, False),
    ({"page": {"not": {"const": 2}}}, {"page": ["3"]}, True),
    ({"page": {"not": {"const": 2}}}, {"page": ["2"]}, False),
    ({"page": {"anyOf": [{"minimum": 9}, {"const": "all"}]}}, {"page": ["all"]}, True),
    ({"page": {"enum": ["2", "all"]}}, {"page": ["2"]}, True),
    ({"page": {"enum": [2, "all"]}}, {"page": ["2"]}, True),
]


@pytest.mark.parametrize(("wanted", "query", "taken"), QUERIES)
def test_a_condition_on_the_query(wanted: Any, query: Any, taken: bool, ask: AskRequest) -> None:
    assert takes(When(query=wanted), ask(query=query)) is taken


HEADERS = [
    ({"X-Client": "autoscaler"}, {b"x-client": b"autoscaler"}, True),
    ({"x-client": "autoscaler"}, {b"x-client": b"Autoscaler"}, False),
    ({"X-Client": {"pattern": "^auto"}}, {b"x-client": b"autoscaler"}, True),
    ({"X-Attempt": {"minimum": 2}}, {b"x-attempt": b"3"}, True),
    ({"X-Client": None}, {}, True),
    ({"X-Client": None}, {b"x-client": b""}, False),
    ({"X-Client": "é"}, {b"x-client": "é".encode("latin-1")}, True),
    ({"X-Client": "autoscaler"}, {}, False),
]


@pytest.mark.parametrize(("wanted", "headers", "taken"), HEADERS)
def test_a_condition_on_the_headers(wanted: Any, headers: Any, taken: bool, ask: AskRequest) -> None:
    assert takes(When(headers=wanted), ask(headers=headers)) is taken


PATHS = [
    ({"guid": "a"}, {"guid": "a"}, True),
    ({"guid": "a"}, {"guid": "b"}, False),
    ({"guid": "a"}, {}, False),
    ({"index": 1}, {"index": "1"}, True),
    ({"index": {"maximum": 1}}, {"index": "2"}, False),
    ({"guid": "a", "type": "web"}, {"guid": "a", "type": "worker"}, False),
]


@pytest.mark.parametrize(("wanted", "path", "taken"), PATHS)
def test_a_condition_on_the_path(wanted: Any, path: Any, taken: bool, ask: AskRequest) -> None:
    assert takes(When(path=wanted), ask(path=path)) is taken


NO_SCHEMAS: dict[str, tuple[Any, tuple[str | int, ...], str]] = {
    "a keyword that there is not": (
        {"minimun": 2},
        ("minimun",),
        'uses "minimun", which is not a keyword of conditions',
    ),
    "in one schema": ({"not": {"minimun": 2}}, ("not", "minimun"), 'uses "minimun"'),
    "in one of many": ({"anyOf": [{"minimum": 2}, {"minimun": 2}]}, ("anyOf", 1, "minimun"), 'uses "minimun"'),
    "in one with a name": ({"properties": {"a": {"minimun": 2}}}, ("properties", "a", "minimun"), 'uses "minimun"'),
    "no list of schemas": ({"anyOf": {"minimum": 2}}, (), "is not a JSON Schema: "),
    "no mapping of schemas": ({"properties": [{"minimum": 2}]}, (), "is not a JSON Schema: "),
    "a pattern that is none": ({"pattern": "("}, ("pattern",), "is not a JSON Schema: "),
}
"""A schema, the place in it, and how what is said of it begins."""


@pytest.mark.parametrize("row", NO_SCHEMAS)
def test_what_is_no_condition_is_refused_with_its_place_in_the_schema(row: str) -> None:
    schema, path, told = NO_SCHEMAS[row]
    with pytest.raises(ConditionError) as caught:
        check_condition(schema)
    assert str(caught.value).startswith(told)
    assert caught.value.path[: len(path)] == path


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"minimun": {"minimum": 2}}, "required": ["minimun"]},
        {"anyOf": [{"minimum": 2}, {"const": {"minimun": 2}}]},
        {"enum": [{"minimun": 2}]},
        {"items": {"type": "string"}},
    ],
)
def test_only_what_is_a_schema_is_held_against_the_keywords(schema: Any) -> None:
    check_condition(schema)


class OperationOnly:
    """A request of which nothing but the operation may be looked at."""

    operation = "getProcess"
    needs_naming = False

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was looked at")


MANY = 1_000


def many(rules: Iterable[Rule]) -> CompiledScenarios:
    return CompiledScenarios([Scenario(name="many", rules=tuple(rules))])


def test_a_request_of_another_operation_is_not_even_looked_at() -> None:
    compiled_scenarios = many(
        Rule(operation="scaleProcess", when=When(path={"guid": f"guid-{number}"}), respond=BUSY)
        for number in range(MANY)
    )
    request: Any = OperationOnly()
    assert match_scenarios(compiled_scenarios, ScenarioProgress(), request, 0, float) is None


def test_rules_that_are_found_in_different_ways_are_asked_in_the_order_of_the_file(ask: AskRequest) -> None:
    whens = [When(body={"instances": 2}), When(), When(path={"guid": "a"}), When(headers={"X-Client": "b"}), When()]
    compiled_scenarios = many(Rule(operation="scaleProcess", when=when, times=1, respond=BUSY) for when in whens)
    progress = ScenarioProgress()
    request = ask(path={"guid": "a"}, headers={b"x-client": b"b"}, body={"instances": 2})
    decisions = [match_scenarios(compiled_scenarios, progress, request, 0, float) for _ in whens]
    assert [each and each.rule for each in decisions] == [1, 2, 3, 4, 5]


def test_a_rule_that_is_found_twice_is_asked_once(ask: AskRequest) -> None:
    rule = Rule(operation="scaleProcess", when=When(query={"types": {"enum": ["web", "clock"]}}), after=1, respond=BUSY)
    compiled_scenarios, progress = many([rule]), ScenarioProgress()
    request = ask(query={"types": ["web", "clock"]})
    assert match_scenarios(compiled_scenarios, progress, request, 0, float) is None
    assert match_scenarios(compiled_scenarios, progress, request, 0, float) is not None


INDEXED = {
    "path": (lambda n: When(path={"guid": f"guid-{n}"}), lambda n: {"path": {"guid": f"guid-{n}"}}),
    "query": (lambda n: When(query={"page": n}), lambda n: {"query": {"page": [str(n)]}}),
    "headers": (lambda n: When(headers={"X-Client": str(n)}), lambda n: {"headers": {b"x-client": b"%d" % n}}),
    "body": (lambda n: When(body={"instances": n}), lambda n: {"body": {"instances": n}}),
    "enum": (
        lambda n: When(body={"instances": {"enum": [2 * n, 2 * n + 1]}}),
        lambda n: {"body": {"instances": 2 * n + 1}},
    ),
    "rarest": (
        lambda n: When(path={"guid": "one"}, body={"instances": n}),
        lambda n: {"path": {"guid": "one"}, "body": {"instances": n}},
    ),
}


@pytest.mark.parametrize(("when", "request_of"), INDEXED.values(), ids=INDEXED.keys())
def test_of_many_rules_a_request_meets_only_those_its_values_lead_to(
    when: Callable[[int], When], request_of: Callable[[int], dict[str, Any]], ask: AskRequest
) -> None:
    compiled_scenarios = many(Rule(operation="scaleProcess", when=when(number), respond=BUSY) for number in range(MANY))
    table = compiled_scenarios
    assert [ready.number for ready in table.find_candidates(ask(**request_of(MANY - 1)))] == [MANY]
    assert list(table.find_candidates(ask(**request_of(MANY + 1)))) == []
    decision = match_scenarios(compiled_scenarios, ScenarioProgress(), ask(**request_of(MANY // 2)), 0, float)
    assert decision is not None
    assert decision.rule == MANY // 2 + 1
