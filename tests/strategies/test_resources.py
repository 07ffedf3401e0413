"""Processes and bodies as the contract has them: what is allowed, what is refused, and schemas that can't be drawn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis.errors import InvalidArgument

from mockfoundry.contract.load import Contract
from mockfoundry.strategies.contract_values import processes, scale_bodies
from tests.searching import examples
from tests.serving import WEB, contract, contract_document, write_contract
from tests.strategies.playing import CONTROL, Shared, quick, reached, shrunk

pytestmark = pytest.mark.hypothesis


@given(processes())
@settings(quick, max_examples=examples(50))
def test_a_process_is_one_that_the_contract_shows(process: dict[str, Any]) -> None:
    documented = contract().plans["getProcess"].responses[200].body
    assert documented is not None
    assert documented.violations(process) == ()


@pytest.mark.parametrize("key", ["process_instances", "registry_credential_last_synced_at"])
def test_what_is_only_sometimes_there_is_sometimes_drawn(key: str) -> None:
    assert find(processes(), lambda process: key in process, settings=reached)[key] is not None


@pytest.mark.parametrize("kind", ["http", "port", "process"])
def test_health_checks_of_every_type_are_drawn(kind: str) -> None:
    found = find(processes(), lambda process: process["health_check"]["type"] == kind, settings=reached)
    check = found["health_check"]
    assert ("endpoint" in check["data"]) == (kind == "http")


@given(scale_bodies())
@quick
def test_a_valid_body_is_accepted_unless_a_quota_refuses_it(shared: Shared, body: Any) -> None:
    shared.client.put(CONTROL).raise_for_status()
    answer = scaled(shared, body)
    assert "x-mock-contract" not in answer.headers
    if answer.status_code != 202:
        assert answer.status_code == 422
        assert "exceed" in answer.text or "disk" in answer.text, answer.text


@given(scale_bodies(valid=False))
@settings(quick, max_examples=examples(50))
def test_an_invalid_body_is_refused_and_changes_nothing(shared: Shared, body: Any) -> None:
    before = shared.client.get(f"/v3/processes/{WEB}").json()
    answer = shared.client.post(f"/v3/processes/{WEB}/actions/scale", json=body)
    assert answer.status_code == 422
    assert answer.headers["x-mock-why"].startswith("contract: ")
    assert shared.client.get(f"/v3/processes/{WEB}").json() == before


def scaled(server: Shared, body: Any) -> Any:
    return server.client.post(f"/foundations/played/v3/processes/{WEB}/actions/scale", json=body)


def is_list(body: Any) -> bool:
    return isinstance(body, list)


def test_the_simplest_bodies_are_small() -> None:
    assert find(scale_bodies(), lambda body: "instances" in body, settings=shrunk) == {"instances": 0}
    assert find(scale_bodies(valid=False), is_list, settings=shrunk) == []
    assert find(scale_bodies(valid=False), lambda body: isinstance(body, dict), settings=shrunk) == {"instances": -1}


BROKEN: dict[str, Callable[[Any], bool]] = {
    "a number that is too small": lambda body: body.get("memory_in_mb") == 0,
    "a number that is too large": lambda body: isinstance(body.get("instances"), int) and body["instances"] >= 2**31,
    "a fraction": lambda body: isinstance(body.get("instances"), float),
    "a boolean": lambda body: body.get("disk_in_mb") is True,
    "a word": lambda body: isinstance(body.get("log_rate_limit_in_bytes_per_second"), str),
    "a misspelt field": lambda body: any(name.startswith("instances") and name != "instances" for name in body),
}


@pytest.mark.parametrize("row", BROKEN)
def test_invalid_bodies_have(row: str) -> None:
    assert find(scale_bodies(valid=False), lambda body: isinstance(body, dict) and BROKEN[row](body), settings=reached)


def changed_contract(tmp_path: Path, schema: str, **changes: Any) -> Contract:
    document = contract_document()
    document["components"]["schemas"][schema]["properties"].update(changes)
    return write_contract(document, tmp_path)


@pytest.mark.long
def test_the_bounds_are_those_of_the_contract(tmp_path: Path) -> None:
    own = changed_contract(tmp_path, "ScaleProcessRequest", instances={"type": "integer", "minimum": 3, "maximum": 4})
    for valid, simplest in ((True, 3), (False, 2)):
        drawn = scale_bodies(valid, contract=own)
        found = find(drawn, lambda body: isinstance(body, dict) and "instances" in body, settings=shrunk)
        assert found == {"instances": simplest}


UNKNOWN: dict[str, tuple[dict[str, Any], str]] = {
    "a keyword": ({"type": "integer", "multipleOf": 2}, 'body/instances: the keyword "multipleOf" of a schema is not'),
    "a format": ({"type": "string", "format": "ipv6"}, 'body/instances: the format "ipv6" is not known; allowed: date'),
    "no type": ({"minimum": 2}, "body/instances: a schema without a type can't be drawn from; allowed: object, array"),
}


@pytest.mark.parametrize("row", UNKNOWN)
def test_a_schema_that_is_not_understood_is_refused_loudly(row: str, tmp_path: Path) -> None:
    schema, told = UNKNOWN[row]
    own = changed_contract(tmp_path, "ScaleProcessRequest", instances=schema)
    with pytest.raises(InvalidArgument) as caught:
        scale_bodies(contract=own)
    assert str(caught.value).startswith(told)


def test_a_contract_without_the_operation_is_refused(tmp_path: Path) -> None:
    document = contract_document()
    document["paths"] = {"/v3/processes": document["paths"]["/v3/processes"]}
    own = write_contract(document, tmp_path)
    with pytest.raises(InvalidArgument, match=r'processes\(contract=…\): "getProcess" is not an operation'):
        processes(own)
    with pytest.raises(InvalidArgument, match=r'scale_bodies\(contract=…\): "scaleProcess" is not an operation'):
        scale_bodies(contract=own)
