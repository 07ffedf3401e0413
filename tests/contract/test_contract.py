"""The contract: an OpenAPI document that holds, that says everything, and whose examples are true."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from mockfoundry import assembly, shipped
from mockfoundry.assembly import build_service
from mockfoundry.cloudfoundry.api import operations
from mockfoundry.cloudfoundry.api.platform_operations import PLATFORM_MESSAGES, PLATFORM_OPERATIONS
from mockfoundry.cloudfoundry.uaa.operations import UAA_OPERATIONS
from mockfoundry.contract import load
from mockfoundry.contract.cache import decode_compiled, encode_compiled
from mockfoundry.contract.files import compute_digest
from mockfoundry.contract.load import check_document, read_seals
from mockfoundry.contract.plan import ContractError, Plan
from mockfoundry.options import ServerOptions
from tests.serving import contract, platform, read_document

PROCESS = "/v3/processes/{guid}"
FOR_APP = "/v3/apps/{guid}/processes"

READS = {200, 400, 401, 403, 404, 429, 500, 503}
LISTS = READS - {404}
SCALES = {202, 400, 401, 403, 404, 409, 422, 429, 500, 503}
UPDATES = SCALES - {202} | {200}
TERMINATES = SCALES - {202, 400} | {204}

OPERATIONS = {
    "listProcesses": ("GET", "/v3/processes", LISTS),
    "getProcess": ("GET", PROCESS, READS),
    "updateProcess": ("PATCH", PROCESS, UPDATES),
    "getProcessStats": ("GET", f"{PROCESS}/stats", READS),
    "scaleProcess": ("POST", f"{PROCESS}/actions/scale", SCALES),
    "terminateProcessInstance": ("DELETE", f"{PROCESS}/instances/{{index}}", TERMINATES),
    "getProcessInstances": ("GET", f"{PROCESS}/process_instances", READS),
    "listProcessesForApp": ("GET", FOR_APP, READS),
    "getProcessForApp": ("GET", f"{FOR_APP}/{{type}}", READS),
    "updateProcessForApp": ("PATCH", f"{FOR_APP}/{{type}}", UPDATES),
    "getProcessStatsForApp": ("GET", f"{FOR_APP}/{{type}}/stats", READS),
    "scaleProcessForApp": ("POST", f"{FOR_APP}/{{type}}/actions/scale", SCALES),
    "terminateProcessInstanceForApp": ("DELETE", f"{FOR_APP}/{{type}}/instances/{{index}}", TERMINATES),
}

PAGE_FIELDS = {
    *("guid", "created_at", "updated_at", "version", "type", "command", "user", "instances", "memory_in_mb"),
    *("disk_in_mb", "log_rate_limit_in_bytes_per_second", "registry_credential_last_synced_at", "health_check"),
    *("readiness_health_check", "relationships", "metadata", "links"),
}


ROOT = Path(__file__).parents[2]

SHIPPED = [shipped.CONTRACT_FILE, shipped.PLATFORM_CONTRACT_FILE, shipped.CONTROL_CONTRACT_FILE]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.parent.name))
def test_openapi_spec_validator_accepts_it(file: Path) -> None:
    document = read_document(file)
    assert list(OpenAPIV30SpecValidator(document).iter_errors()) == []
    check_document(file, document)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.parent.name))
def test_it_is_sealed_so_that_a_start_need_not_validate_it_again(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert compute_digest(text) in read_seals(), f"{file} was changed: `make contract` validates and seals it"
    assert compute_digest(text + "\n") not in read_seals()


@pytest.mark.parametrize(("name", "file"), load.SHIPPED.items())
def test_its_plans_are_shipped_as_connexion_makes_them_of_it(name: str, file: Path) -> None:
    """Read back they are the same, too."""
    made = encode_compiled(load.validate_contract(file, file.read_text(encoding="utf-8")))
    shipped_plans = load.compiled_file(name).read_bytes()
    assert shipped_plans == made, f"{file}, or what compiles it, was changed: `make contract` compiles and seals it"
    assert encode_compiled(decode_compiled(shipped_plans)) == made


START = """
import sys
from mockfoundry.assembly import build_service
from mockfoundry.options import ServerOptions
import mockfoundry.server.run
build_service(ServerOptions(), 0)
print([name for name in ("connexion", "openapi_spec_validator", "jsonschema", "yaml") if name in sys.modules])
"""


def test_a_start_imports_no_reader_of_documents() -> None:
    """They would take most of its time; what is compiled of the shipped documents is shipped, the seed is JSON."""
    ran = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout == "[]\n"


def test_it_has_these_operations_and_documents_these_statuses() -> None:
    said = {plan.operation: (plan.method, plan.path, set(plan.responses)) for plan in contract().plans.values()}
    assert said == OPERATIONS


def test_every_field_of_the_page_is_in_its_process_schema() -> None:
    schema = contract().plans["getProcess"].responses[200].body
    assert schema is not None
    properties = schema.source["properties"]
    assert set(properties) >= PAGE_FIELDS
    assert set(properties["relationships"]["properties"]) == {"app", "revision", "registry_credential"}
    assert "registry_credential" in properties["links"]["properties"]
    data = {"timeout", "invocation_timeout", "interval", "endpoint"}
    assert set(properties["health_check"]["properties"]["data"]["properties"]) == data
    assert set(properties["readiness_health_check"]["properties"]["data"]["properties"]) == data


def answers() -> Iterator[tuple[Plan, int]]:
    for plan in contract().plans.values():
        for status in plan.responses:
            yield plan, status


@pytest.mark.parametrize(
    ("plan", "status"), [pytest.param(*each, id=f"{each[0].operation}-{each[1]}") for each in answers()]
)
def test_every_documented_answer_has_examples_and_they_fit_their_schema(plan: Plan, status: int) -> None:
    documented = plan.responses[status]
    if status == 204:
        assert documented.body is None
        return
    assert documented.body is not None
    assert documented.examples
    for name, example in documented.examples.items():
        assert documented.body.violations(example) == (), name


@pytest.mark.parametrize("plan", contract().plans.values(), ids=lambda plan: plan.operation)
def test_example_names_are_unique_in_an_operation_so_that_a_name_is_enough(plan: Plan) -> None:
    names = [name for documented in plan.responses.values() for name in documented.examples]
    assert len(names) == len(set(names))


def test_a_behaviour_that_the_shipped_contract_does_not_name_is_an_error_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A behaviour under a mistyped operationId could never be reached, and its operation would be served canned."""
    monkeypatch.setattr(assembly, "OPERATIONS", {**operations.OPERATIONS, "scaleProces": None})
    with pytest.raises(ContractError, match="has no operation scaleProces, which the world implements"):
        build_service(ServerOptions(), 0)


def test_a_contract_of_the_user_needs_none_of_the_behaviours(tmp_path: Path) -> None:
    """What another contract does not have is not served; what it has without a behaviour is served canned."""
    document = {
        "openapi": "3.0.3",
        "info": {"title": "other", "version": "1"},
        "paths": {
            "/v3/other": {"get": {"operationId": "getOther", "responses": {"200": {"description": "fine"}}}},
        },
    }
    file = tmp_path / "other.yaml"
    file.write_text(json.dumps(document))
    assert list(build_service(ServerOptions(contract=str(file)), 0).contract.plans) == ["getOther"]


def test_every_operation_of_the_platform_does_something() -> None:
    """A start does not look: the rooms of the platform's operations are imported when one is first called."""
    assert set(platform().plans) == PLATFORM_OPERATIONS.keys() | UAA_OPERATIONS.keys()
    assert set(platform().plans) >= PLATFORM_MESSAGES.keys()
