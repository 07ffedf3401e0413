"""Canned answers keep the contract: each one is something that its own schema accepts, and says where it is from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft4Validator, FormatChecker

from mockfoundry.contract.load import Contract, load_contract
from mockfoundry.contract.making import make_value
from mockfoundry.contract.plan import Schema
from tests.serving import Serving, serving

SHAPES = Path(__file__).with_name("shapes.yaml")

MADE = "contract: made from the schema"


@pytest.fixture(scope="module")
def shapes() -> Contract:
    return load_contract(SHAPES)


@pytest.fixture(scope="module")
def running(shapes: Contract) -> Iterator[Serving]:
    # What holds answers to the contract is not asked for ranges and defaults here.
    with serving(of=shapes) as server:
        server.client.event_hooks = {"request": [], "response": []}
        yield server


def judged(answer: httpx.Response, contract: Contract, operation: str, status: int = 200) -> Any:
    """The answer's value, found right by another library than the one that made it."""
    documented = contract.plans[operation].find_response(status)
    assert documented is not None
    assert documented.body is not None
    value = answer.json()
    Draft4Validator(documented.body.document, format_checker=FormatChecker()).validate(value)
    return value


@pytest.mark.parametrize(
    ("path", "operation"),
    [("/", "getRoot"), ("", "getRoot"), ("/animals", "listAnimals"), ("/every-keyword", "getEveryKeyword")],
)
def test_an_answer_without_an_example_is_made_from_its_schema(
    running: Serving, shapes: Contract, path: str, operation: str
) -> None:
    answer = running.client.get(running.url + path)
    assert (answer.status_code, answer.headers["x-mock-why"]) == (200, MADE)
    judged(answer, shapes, operation)


def test_an_answer_without_an_example_is_not_called_one_without_a_body(running: Serving) -> None:
    refused = running.client.get("/animals", headers={"Prefer": "example=none"})
    assert "200 (no example)" in refused.text


def test_every_keyword_of_a_schema_counts(running: Serving, shapes: Contract) -> None:
    value = judged(running.client.get("/every-keyword"), shapes, "getEveryKeyword")
    assert value["size"] in (12, 16, 20)
    assert value["none"] is None
    assert len(value["more"]) >= 2
    # Properties may be named as keywords are; a schema's own example is taken if it fits; data is never a reference.
    assert {"example", "nullable", "$ref", "id"} <= value.keys()
    assert value["where"] == "https://github.example.com/octocat"
    assert value["when"] != "not a date"
    assert isinstance(value["hidden"], str)


def test_a_discriminator_names_the_schema_that_was_taken(running: Serving, shapes: Contract) -> None:
    animals = judged(running.client.get("/animals"), shapes, "listAnimals")
    assert {each["kind"] for each in animals} <= {"feline", "Dog"}


def test_of_several_media_types_json_is_answered_under_its_own_name(running: Serving) -> None:
    assert running.client.get("/animals").headers["content-type"] == "application/vnd.shapes+json"


def test_the_same_seed_makes_the_same_answer(shapes: Contract) -> None:
    def body(seed: int) -> bytes:
        with serving(of=load_contract(SHAPES), random_seed=seed) as server:
            return server.client.get("/every-keyword").content

    assert body(1) == body(1)
    assert body(1) != body(2)


@pytest.mark.parametrize("path", ["/things/", "/things"])
def test_an_example_that_breaks_its_schema_gives_way_to_a_made_answer(
    running: Serving, shapes: Contract, path: str
) -> None:
    answer = running.client.get(path)
    assert answer.headers["x-mock-why"] == f"{MADE}, since its example breaks the schema"
    assert judged(answer, shapes, "listThings")[0]["root"]["children"] == []


def test_an_example_that_breaks_its_schema_is_served_to_who_asks_for_it_by_name(running: Serving) -> None:
    assert running.client.get("/things", headers={"Prefer": "example=broken"}).json() == [{"id": "one"}]


def test_a_redirect_alone_is_an_answer_and_so_are_a_range_and_the_default(running: Serving) -> None:
    assert running.client.get("/archive/main").status_code == 302
    assert running.client.get("/compare/a...7").status_code == 200
    answer = running.client.get("/fallback")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain")
    assert len(answer.text) >= 3


def test_two_parameters_of_a_segment_are_two_values(running: Serving) -> None:
    answer = running.client.get("/compare/v1.0...b")
    assert answer.status_code == 400
    assert "Head" in answer.json()["errors"][0]["detail"]


def test_where_no_value_is_found_the_reason_says_so(running: Serving) -> None:
    answer = running.client.get("/nobody-knows")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-mock-why"] == "contract: none, since no value was found that the schema accepts"


@pytest.mark.parametrize(
    "content",
    [
        "{schema: {type: string, nullable: true}, example: null}",
        "{schema: {type: string, nullable: true}, examples: {a: {value: null}}}",
        "{schema: {type: string, nullable: true, enum: [null]}}",
    ],
)
def test_null_is_a_body(tmp_path: Path, content: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "openapi: 3.0.3\ninfo: {title: own, version: '1'}\npaths: {/x: {get: {operationId: getX, responses: "
        f"{{'200': {{description: ok, content: {{application/json: {content}}}}}}}}}}}}}\n"
    )
    with serving(of=load_contract(own)) as server:
        answer = server.client.get("/x")
    assert (answer.content, answer.headers["content-type"]) == (b"null", "application/json; charset=utf-8")


def test_a_refusal_has_the_form_that_the_contract_documents_for_its_status(running: Serving, shapes: Contract) -> None:
    """It documents 400 alone, so a body that is not allowed gets that too; the text says what is wrong."""
    answer = running.client.post("/animals", json={"kind": "feline"})
    assert answer.status_code == 400
    value = judged(answer, shapes, "addAnimal", 400)
    assert value["message"]
    assert answer.headers["x-mock-why"] == "contract: body / oneOf; body: made from the schema"
    assert "kind" not in value


def test_a_body_of_another_documented_media_type_is_taken_as_it_is(running: Serving) -> None:
    sent = running.client.post("/animals", content=b"a cat", headers={"Content-Type": "text/plain"})
    assert sent.status_code == 201
    assert running.client.post("/animals").status_code == 400


def test_a_status_asked_for_without_an_example_is_made_too(running: Serving, shapes: Contract) -> None:
    answer = running.client.get("/animals", headers={"Prefer": "code=200"})
    assert answer.headers["x-mock-why"] == 'prefer: "code=200"; body: made from the schema'
    judged(answer, shapes, "listAnimals")
    scenario = {"scenario": "x", "rules": [{"operation": "addAnimal", "respond": {"status": 400}}]}
    with serving(of=shapes, scenarios=(scenario,)) as server:
        refused = server.client.post("/animals", json={})
    assert refused.headers["x-mock-why"].endswith("; body: made from the schema")
    judged(refused, shapes, "addAnimal", 400)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": -5, "maximum": -3},
        {"type": "number", "multipleOf": 0.25, "minimum": 0.3, "maximum": 0.5},
        {"type": "string", "minLength": 40, "maxLength": 41},
        {"type": "string", "pattern": "^(a|b)+@x$", "minLength": 9},
        {"type": "string", "pattern": "needle", "minLength": 50},
        {"type": "object", "required": ["undeclared"]},
        {"type": "object", "maxProperties": 1, "properties": {"a": {}, "b": {}}},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
        {
            "allOf": [
                {"properties": {"a": {"type": "integer"}}},
                {"properties": {"a": {"minimum": 8}}, "required": ["a"]},
            ]
        },
        {"type": "object", "properties": {"a": {"allOf": [{"type": "string"}, {"type": "integer"}]}}},
        {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "integer"}], "not": {"type": "string"}},
        {"oneOf": [{"type": "number"}, {"type": "integer"}]},
        {},
        *({"type": "string", "format": each} for each in ("hostname", "ipv6", "byte", "uri-template", "nonsense")),
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_value_is_found_for_what_asks_much(schema: dict[str, Any], seed: int) -> None:
    compiled = Schema(schema)
    assert compiled.accepts(make_value(compiled, seed, "x"))
