"""Whatever a foundation answers, its journal has it: date, id and reason as the client saw them."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from mockfoundry.exchange.request import read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.journal.entry import JournalEntry, entry_to_dict
from mockfoundry.scenarios.rule_index import CompiledScenarios
from tests.serving import WEB, Serving, real_now, service_of

SCALE = f"/v3/processes/{WEB}/actions/scale"
BEFORE_COMMIT = {"at": "before-commit", "at-most": "5m"}


class BrokenScenarios(Mapping[str, CompiledScenarios]):
    """A library of scenarios that fails in a way that nothing foresees."""

    def __getitem__(self, name: str) -> CompiledScenarios:
        raise ZeroDivisionError

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def ask(service: Service, **headers: str) -> Response | PendingRequest:
    """A scale; headers are written with underscores."""
    pairs = [(b"authorization", b"bearer admin"), (b"content-type", b"application/json")]
    pairs += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return handle_request(service, read_request("POST", SCALE, b"", pairs, b'{"instances": 1}', "http", real_now()))


def only_entry(service: Service) -> JournalEntry:
    (entry,) = service.registry.get_or_create("default", real_now()).journal
    return entry


def must_be_recorded(service: Service, response: Response) -> None:
    entry = only_entry(service)
    assert (entry.response.status, entry.response.headers) == (response.status, response.headers)
    assert {b"date", b"x-vcap-request-id"} <= {name for name, _ in response.headers}
    assert entry.operation == "scaleProcess"


def test_a_failure_inside_the_matching_is_recorded(caplog: pytest.LogCaptureFixture) -> None:
    """A failure of mockfoundry is an answer like any other: a 500 with date and id, and a traceback in the log."""
    service = replace(service_of(), named_scenarios=BrokenScenarios())
    with caplog.at_level(logging.ERROR):
        response = ask(service, x_mock_scenario="any")

    assert isinstance(response, Response)
    assert (response.status, response.decided_by) == (500, "failure")
    assert "ZeroDivisionError" in caplog.text
    must_be_recorded(service, response)


def test_a_failure_after_a_wait_is_recorded_without_what_the_scenario_adds() -> None:
    rule = {"operation": "scaleProcess", "respond": {"hold": BEFORE_COMMIT, "delay": "1s", "headers": {"X-A": "b"}}}
    service = service_of(scenarios=({"scenario": "held", "rules": [rule]},))
    pending = ask(service)
    assert isinstance(pending, PendingRequest)
    world = service.registry.get_or_create("default", real_now()).world
    world.settings = None  # type: ignore[assignment]
    response = pending.resume(real_now(), None)

    assert isinstance(response, Response)
    assert (response.status, response.delay) == (500, 0)
    assert b"x-a" not in dict(response.headers)
    must_be_recorded(service, response)


@pytest.mark.parametrize(
    ("headers", "decided_by"), [({"x_mock_scenario": "none-such"}, "scenario"), ({"prefer": "code=499"}, "preference")]
)
def test_what_a_request_can_not_ask_for_is_recorded(headers: dict[str, str], decided_by: str) -> None:
    service = service_of()
    response = ask(service, **headers)

    assert isinstance(response, Response)
    assert (response.status, response.decided_by) == (400, decided_by)
    must_be_recorded(service, response)


def test_the_journal_has_the_reason_that_the_client_saw() -> None:
    service = service_of()
    ask(service, x_mock_scenario="quota-instances")

    shown = entry_to_dict(only_entry(service))
    assert shown["why"].startswith("scenario quota-instances, for this request; world: ")
    assert shown["answer_headers"]["x-mock-why"] == shown["why"]


@pytest.mark.parametrize("given", ["mine", None])
def test_a_scenario_that_replaces_the_reason_on_the_wire_does_not_hide_it(
    serve: Callable[..., Serving], given: str | None
) -> None:
    rule = {"operation": "scaleProcess", "respond": {"headers": {"X-Mock-Why": given}}}
    server = serve(scenarios=({"scenario": "quiet", "rules": [rule]},))
    answer = server.scale({"instances": 1})

    assert answer.headers.get("x-mock-why") == given
    shown = server.client.get("/__mock/foundations/default/requests/1").json()
    assert shown["why"] == "scenario quiet, rule 1, match 1; world: process scaled"
    assert shown["answer_headers"].get("x-mock-why") == given
