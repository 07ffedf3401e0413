"""A wire fault is one class: whatever takes a fault by its name takes each that is in the table."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import yaml

from mockfoundry import InProcess, Respond, Rule, Scenario, Server, shipped
from mockfoundry.scenarios.format import read_scenario, scenario_to_yaml
from mockfoundry.shipped import CONTROL_CONTRACT_FILE
from mockfoundry.wire_faults import WIRE_FAULT_NAMES, WIRE_FAULTS, BrokenResponse, WireFault
from tests.client.scaling import PATH
from tests.serving import ADMIN

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
    document = yaml.safe_load(CONTROL_CONTRACT_FILE.read_text(encoding="utf-8"))
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
def test_the_page_of_the_start_names_every_fault(fault: WireFault) -> None:
    page = shipped.CONTRACT_FILE.parent / "docs" / "README.md"
    assert f"`{fault.name}`" in page.read_text(encoding="utf-8")


NEW_FAULTS: dict[str, Callable[[bytes, bytes], BrokenResponse]] = {
    "half of the body, then a reset": lambda head, body: BrokenResponse(head, (body[:10],), ending="reset"),
    "half of the head, then the end": lambda head, _: BrokenResponse(head[:40]),
    "half of the head, then a reset": lambda head, _: BrokenResponse(head[:40], ending="reset"),
    "half of the body, then silence": lambda head, body: BrokenResponse(head, (body[:10],), silence_seconds=60),
    "a late end": lambda *_: BrokenResponse(silence_seconds=0.1),
    "a late body": lambda head, body: BrokenResponse(head, (body,), pause_seconds=0.1),
    "a body too late": lambda head, body: BrokenResponse(head, (body,), pause_seconds=60),
}


@pytest.mark.parametrize("break_response", NEW_FAULTS.values(), ids=NEW_FAULTS)
def test_a_new_fault_is_met_in_process_as_over_a_socket(
    monkeypatch: pytest.MonkeyPatch, break_response: Callable[[bytes, bytes], BrokenResponse]
) -> None:
    class NewFault(WireFault):
        name = "reset"
        about = effect = ""

        def break_response(self, head: bytes, body: bytes) -> BrokenResponse:
            return break_response(head, body)

    monkeypatch.setitem(WIRE_FAULTS, "reset", NewFault())
    breaking = Scenario(name="breaking", rules=(Rule(respond=Respond(fault="reset", phase="after")),))
    with Server(in_thread=True) as server, InProcess() as in_process:
        pair = server.foundation(), in_process.foundation()
        for foundation in pair:
            foundation.play(breaking)
        over, within = (
            outcome_of_scale(foundation.url, transport)
            for foundation, transport in zip(pair, (None, in_process.transport()), strict=True)
        )
    assert within == over


def outcome_of_scale(url: str, transport: httpx.BaseTransport | None) -> str:
    """The class of the error that a scale meets, or that there is none."""
    with httpx.Client(transport=transport, base_url=url, headers=ADMIN, timeout=1, trust_env=False) as client:
        try:
            client.post(PATH, json={"instances": 2})
        except httpx.TransportError as error:
            return type(error).__name__
    return "answered"
