"""A wire fault is one class: whatever takes a fault by its name takes each that is in the table."""

from typing import Any

import pytest
import yaml

from mockfoundry import shipped
from mockfoundry.control.app import CONTROL_CONTRACT
from mockfoundry.scenarios.format import read_scenario, scenario_to_yaml
from mockfoundry.wire_faults import WIRE_FAULT_NAMES, WIRE_FAULTS, WireFault

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
BODY = b"0123456789"

faults = pytest.mark.parametrize("fault", WIRE_FAULTS.values(), ids=WIRE_FAULT_NAMES)


@faults
def test_a_scenario_file_takes_every_fault(fault: WireFault) -> None:
    text = f"{{scenario: broken, rules: [{{operation: scaleProcess, respond: {{fault: {fault.name}}}}}]}}"
    scenario = read_scenario(text, source="broken.yaml")
    respond = scenario.rules[0].respond
    assert respond is not None
    assert respond.fault == fault.name
    assert f"fault: {fault.name}" in scenario_to_yaml(scenario)


@faults
def test_no_fault_lets_a_response_pass_as_it_is(fault: WireFault) -> None:
    broken = fault.break_response(HEAD, BODY)
    whole = (broken.opening, b"".join(broken.body_parts)) == (HEAD, BODY)
    assert not whole or broken.pause_seconds > 0


@faults
def test_what_a_fault_sends_of_the_body_is_its_beginning(fault: WireFault) -> None:
    assert BODY.startswith(b"".join(fault.break_response(HEAD, BODY).body_parts))


@faults
def test_only_a_response_with_a_body_can_be_broken_by_a_fault_that_needs_one(fault: WireFault) -> None:
    broken = fault.break_response(HEAD, b"")
    arrives_whole = broken.opening == HEAD and broken.ending == "close" and fault.is_instant
    assert arrives_whole == fault.needs_body


def test_the_control_api_documents_every_fault() -> None:
    document = yaml.safe_load(CONTROL_CONTRACT.read_text(encoding="utf-8"))
    documented = list(enums_of_faults(document))
    assert documented == [["any", "none", *WIRE_FAULT_NAMES]] * len(documented)
    assert documented


def enums_of_faults(node: Any) -> Any:
    if isinstance(node, dict):
        fault = node.get("fault")
        if isinstance(fault, dict) and "enum" in fault:
            yield fault["enum"]
        for each in node.values():
            yield from enums_of_faults(each)
    elif isinstance(node, list):
        for each in node:
            yield from enums_of_faults(each)


@faults
def test_the_readme_names_every_fault(fault: WireFault) -> None:
    readme = shipped.CONTRACT_FILE.parent / "README.md"
    assert f"`{fault.name}`" in readme.read_text(encoding="utf-8")
