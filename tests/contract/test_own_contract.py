"""A contract of one's own: what is in it is served, from its examples if need be; a bad one is refused."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockfoundry.assembly import build_service
from mockfoundry.contract.load import load_contract
from mockfoundry.contract.plan import ContractError, Schema
from mockfoundry.options import ServerOptions
from tests import plain_http
from tests.serving import Serving

OWN = """\
openapi: 3.0.3
info: {title: Own, version: 1.0.0}
paths:
  /v3/droplets/{guid}:
    parameters:
      - {name: guid, in: path, required: true, schema: {type: string}}
    get:
      operationId: getDroplet
      parameters:
        - {name: page, in: query, schema: {type: integer, minimum: 1}}
      responses:
        '200':
          description: ok
          content:
            application/json: {schema: {type: object}, examples: {first: {value: {guid: a}}, second: {value: {}}}}
        '404':
          description: none
          content: {application/json: {schema: {type: object}, example: {errors: []}}}
    post:
      operationId: copyDroplet
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, required: [name], properties: {name: {type: string}}}}}
      responses: {'201': {description: made}}
"""

ID = "{name: id, in: path, required: true, schema: {type: string}}]}\n"


@pytest.fixture
def own(tmp_path: Path, serve: Callable[..., Serving]) -> Serving:
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    return serve(of=load_contract(file))


def test_an_operation_without_a_behaviour_is_served_from_its_first_example(own: Serving) -> None:
    answer = own.client.get("/v3/droplets/x")
    assert (answer.status_code, answer.json()) == (200, {"guid": "a"})
    assert answer.headers["x-mock-why"] == "contract: example"


def test_its_requests_are_validated(own: Serving) -> None:
    answer = plain_http.get(f"{own.url}/v3/droplets/x?page=0")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"] == (
        "The query parameter is invalid: Page must be greater than or equal to 1"
    )
    url = f"{own.url}/v3/droplets/x"
    assert plain_http.post(url, json={}).json()["errors"][0]["detail"] == "Name can't be blank"
    assert plain_http.post(url).status_code == 422
    assert plain_http.post(url, json={"name": "n"}).status_code == 201


def test_an_operation_without_security_asks_for_no_token(own: Serving) -> None:
    assert plain_http.get(f"{own.url}/v3/droplets/x").status_code == 200


def test_a_scenario_that_does_not_fit_it_is_refused_for_a_request(own: Serving) -> None:
    answer = plain_http.get(f"{own.url}/v3/droplets/x", headers={"X-Mock-Scenario": "conflict"})
    assert answer.status_code == 400
    assert "scaleProcess" in answer.json()["errors"][0]["detail"]


def test_what_is_not_in_it_is_not_served(own: Serving) -> None:
    assert own.client.get("/v3/processes").json()["errors"][0]["title"] == "CF-NotFound"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "own.yaml:2:1: is not YAML"),
        ("paths:\n  /a: {}\n  /b: {}\n  /a: {}", "own.yaml:4:3: '/a' is there twice, first in line 2; join them"),
        ("- a", "must be an OpenAPI 3.0 document"),
        ("openapi: 3.1.0", "must be an OpenAPI 3.0 document; its `openapi:` is '3.1.0'"),
        ("info: {}", "must be an OpenAPI 3.0 document; it has no `openapi:`"),
        (OWN.replace("{description: made}", "{description: no}"), "/responses/201/description: False is not of type"),
        (OWN.replace("type: integer", "type: integr"), "/schema/type: 'integr' is not one of array, boolean, integer,"),
        (
            OWN + "components: {schemas: {Animal: {oneOf: [{$ref: '#/components/schemas/Cat'}]}, "
            "Cat: {allOf: [{$ref: '#/components/schemas/Animal'}]}}}",
            "#/components/schemas/Animal",
        ),
        ("openapi: 3.0.3\npaths: {}", 'at /: "info" is a required property'),
        (OWN.replace("copyDroplet", "getDroplet"), "getDroplet"),
        (OWN.replace("{'201': {description: made}}", "{x-none: {}}"), "documents no answer; give it one"),
        (OWN.replace("{guid}:", "{guid}{guid}:"), "a path parameter is a name in braces, with text before the next"),
        (
            OWN.replace("application/json: {schema: {type: object}, ex", '"a/b\\r\\nX-Evil: 1": {ex'),
            "is not a media type",
        ),
        (OWN.replace("copyDroplet", '"copy\\e[2J"'), "has signs that can't be printed"),
        (
            OWN + "  /v3/droplets/{id}:\n    get: {responses: {'200': {description: ok}}, parameters: [" + ID,
            "are one route",
        ),
        (OWN.replace("minimum: 1", "minimum: .inf"), "'inf' is no value of JSON"),
        (
            OWN.replace("type: integer", "type: string, pattern: 'x{99999999}'"),
            "GET /v3/droplets/{guid}: query parameter page: ",
        ),
    ],
)
def test_one_that_does_not_hold_is_refused_with_the_reason(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(ContractError) as refused:
        load_contract(file)
    assert says in str(refused.value)
    assert str(file) in str(refused.value)


def test_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="can't be read: No such file"):
        load_contract(tmp_path / "none.yaml")


def test_a_429_of_ones_own_is_sent_as_it_is_documented(tmp_path: Path, serve: Callable[..., Serving]) -> None:
    """It gets neither the Cloud Controller's headers nor its content type."""
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace("'404':", "'429':"))
    answer = plain_http.get(serve(of=load_contract(file)).url + "/v3/droplets/x", headers={"Prefer": "code=429"})
    assert (answer.status_code, answer.json()) == (429, {"errors": []})
    assert answer.headers["content-type"].startswith("application/json")
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "pointer"), [({"7": 1, "07": "x"}, "/07"), ({"7": "x", "07": 1}, "/7"), ({"07": 1, "007": "x"}, "/007")]
)
def test_of_several_properties_that_are_spelled_as_one_number_the_broken_one_is_told(
    sent: dict[str, Any], pointer: str
) -> None:
    schema = Schema({"type": "object", "additionalProperties": {"type": "integer"}})
    assert [each.pointer for each in schema.violations(sent)] == [pointer]


PATHS = """\
openapi: 3.0.3
info: {title: Paths, version: 1.0.0}
paths:
  /ü: {get: {operationId: umlaut, responses: {'200': {description: ok}}}}
  /sp a/{id}: {get: {operationId: space, parameters: &id [ID], responses: {'200': {description: ok}}}}
  /sp%20b: {get: {operationId: encoded, responses: {'200': {description: ok}}}}
  /é-{id}: {get: {operationId: mixed, parameters: *id, responses: {'200': {description: ok}}}}
  /foundations/{id}/y: {get: {operationId: shadowed, parameters: *id, responses: {'200': {description: ok}}}}
""".replace("ID", "{name: id, in: path, required: true, schema: {type: string}}")


def test_paths_that_must_be_encoded_are_served(tmp_path: Path, serve: Callable[..., Serving]) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(PATHS, encoding="utf-8")
    server = serve(of=load_contract(file))
    for path in ("/%C3%BC", "/%c3%bc", "/sp%20a/x%2Fy", "/sp%20b", "/%C3%A9-a%2525b", "/foundations/f/foundations/x/y"):
        assert server.client.get(path).status_code == 200, path
    for path in ("/sp%2520b", "/sp"):
        assert server.client.get(path).status_code == 404, path
    route = load_contract(file).routes.find("GET", "/%C3%A9-a%2525b")
    assert route is not None
    assert route.path == {"id": "a%25b"}


def test_paths_of_the_server_itself_are_named_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(PATHS, encoding="utf-8")
    with caplog.at_level(logging.WARNING, logger="mockfoundry"):
        build_service(ServerOptions(contract=str(file), mode="canned"), 0)
    assert [record.getMessage() for record in caplog.records] == [
        f"{file}: never reached, since /foundations/ and /__mock/ are mockfoundry's own: /foundations/{{id}}/y; "
        "ask with a foundation before it, as in /foundations/NAME/foundations/{id}/y"
    ]
