"""A request that waits belongs to its world and to its client: where one of the two is gone, nothing of it is done."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from mockfoundry.control.api import ControlApi, build_control_api, handle_control_request
from mockfoundry.exchange.request import read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.server.waiting import RequestHolds
from tests.server.held_requests import DOORS, SCALE, Door, fresh_foundation, open_door, settled_entries
from tests.serving import ADMIN, WEB, real_now, service_of
from tests.waiting import DEADLINE_SECONDS, SOONER_SECONDS, eventually, must_end

CONTROL = "/__mock/foundations/mine"


@pytest.fixture(scope="module", params=DOORS)
def server(request: pytest.FixtureRequest) -> Iterator[Door]:
    with open_door(request.param) as opened:
        yield opened


@pytest.fixture
def door(server: Door) -> Door:
    return fresh_foundation(server)


def make_anew(door: Door, way: str) -> None:
    """Has another world take the place of a foundation's."""
    if way == "reset":
        answer = door.client.post(f"{door.control}/reset")
    elif way == "put":
        answer = door.client.put(door.control)
    elif way == "state":
        state = door.client.get(f"{door.control}/state").json()
        answer = door.client.put(f"{door.control}/state", json=state)
    else:
        other = fresh_foundation(door)
        answer = door.client.post(f"{other.control}/copy", json={"as": door.name, "replace": True})
    assert answer.is_success, answer.text


def title_of(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["title"])


@pytest.mark.parametrize("way", ["reset", "put", "copy", "state"])
def test_a_held_request_ends_with_its_world_and_does_nothing(door: Door, way: str) -> None:
    """It is answered at once, by an error that is marked as mockfoundry's own; the new world knows nothing of it."""
    door.hold()
    before = door.instances()
    with door.scaling(before + 2) as answers:
        make_anew(door, way)
    (answer,) = answers

    assert (answer.status_code, title_of(answer)) == (410, "Mock-WorldReplaced")
    assert answer.headers["x-mock-why"] == "foundation: made anew while the request waited"
    scales = [each for each in door.entries() if each["operation"] == "scaleProcess"]
    if way == "state":
        # The journal stays, and tells of it.
        (entry,) = scales
        assert (entry["status"], entry["kept"], entry["why"]) == (410, False, answer.headers["x-mock-why"])
    else:
        assert scales == []
    assert door.instances() == before
    assert door.release() == 0


def test_a_held_request_does_not_bring_a_deleted_foundation_back(door: Door) -> None:
    door.hold()
    with door.scaling() as answers:
        assert door.client.delete(door.control).status_code == 204
    (answer,) = answers

    assert (answer.status_code, title_of(answer)) == (404, "Mock-FoundationGone")
    listed = door.client.get(f"{door.url}/__mock/foundations").json()["foundations"]
    assert door.name not in [each["name"] for each in listed]


def test_a_hold_is_released_in_its_own_foundation_alone(door: Door) -> None:
    other = fresh_foundation(door)
    door.hold()
    other.hold()
    with door.scaling() as answers:
        assert other.release() == 0
        assert answers == []
        assert door.release() == 1
    assert answers[0].status_code == 202


@pytest.mark.parametrize("way", ["reset", "state", "delete"])
def test_an_answer_whose_change_was_made_goes_out_where_its_world_ends(door: Door, way: str) -> None:
    door.hold("after-commit")
    before = door.instances()
    with door.scaling(before + 2) as answers:
        if way == "delete":
            door.client.delete(door.control)
        else:
            make_anew(door, way)
    assert answers[0].status_code == 202
    if way == "reset":
        assert door.instances() == before


def test_a_held_request_goes_on_where_the_state_was_only_patched(door: Door) -> None:
    door.hold()
    with door.scaling(4) as answers:
        assert door.client.patch(f"{door.control}/state", json={"settings": {"start_seconds": 2}}).is_success
        assert door.release() == 1
    assert answers[0].status_code == 202
    assert door.instances() == 4


def test_a_hold_goes_on_for_the_requests_that_come_to_another_state(door: Door) -> None:
    """Clock, scenarios and journal stay."""
    door.hold()
    make_anew(door, "state")
    with door.scaling(4) as answers:
        assert door.release() == 1
    assert answers[0].status_code == 202
    assert door.instances() == 4


@pytest.mark.parametrize("is_reset", [False, True])
def test_a_delayed_request_goes_on_in_no_other_state(is_reset: bool) -> None:
    rule = {"operation": "scaleProcess", "respond": {"delay": "1h"}}
    service = service_of(scenarios=({"scenario": "late", "rules": [rule]},))
    headers = [(b"authorization", b"bearer admin"), (b"content-type", b"application/json")]
    request = read_request("POST", SCALE, b"", headers, b'{"instances": 7}', "http", real_now())
    pending = handle_request(service, request)
    assert isinstance(pending, PendingRequest)
    registry = service.registry
    foundation = registry.get_or_create("default", real_now())
    registry.replace_world(foundation, foundation.world.copy())
    if is_reset:
        registry.reset("default", real_now())
    response = pending.resume(real_now(), None)

    assert isinstance(response, Response)
    assert (response.status, response.reason) == (410, "foundation: made anew while the request waited")
    assert foundation.world.processes[WEB].instances != 7
    assert len(registry.get_or_create("default", real_now()).journal) == (0 if is_reset else 1)


def test_a_delayed_request_goes_on_in_no_other_world() -> None:
    rule = {"operation": "scaleProcess", "respond": {"delay": "1h"}}
    service = service_of(scenarios=({"scenario": "late", "rules": [rule]},))
    headers = [(b"authorization", b"bearer admin"), (b"content-type", b"application/json")]
    request = read_request("POST", SCALE, b"", headers, b'{"instances": 7}', "http", real_now())
    pending = handle_request(service, request)
    assert isinstance(pending, PendingRequest)
    fresh = service.registry.reset("default", real_now())
    assert fresh is not None
    response = pending.resume(real_now(), None)

    assert isinstance(response, Response)
    assert (response.status, response.reason) == (410, "foundation: made anew while the request waited")
    assert fresh.world.processes[WEB].instances != 7
    assert len(fresh.journal) == 0


def test_a_client_that_leaves_takes_its_held_request_with_it(door: Door) -> None:
    """Its place is free at once, nothing is done, and the journal says so."""
    door.hold()
    before = door.instances()
    door.leave()

    (entry,) = [each for each in settled_entries(door) if each["operation"] == "scaleProcess"]
    assert (entry["status"], entry["kept"], entry["bytes_sent"], entry["answer"]) == (None, False, 0, None)
    assert entry["why"].endswith("waits, held by gate; not done, its client left before")
    assert " → no answer (client left) by rule 1 of " in entry["line"]
    assert door.release() == 0
    assert door.instances() == before


def test_a_client_that_leaves_takes_its_delayed_request_with_it(door: Door) -> None:
    door.play(delay="1h")
    before = door.instances()
    door.leave()

    (entry,) = [each for each in settled_entries(door) if each["operation"] == "scaleProcess"]
    assert (entry["status"], entry["kept"], entry["bytes_sent"], entry["delay"]) == (None, False, 0, 3600)
    assert door.instances() == before


@pytest.mark.parametrize(
    "respond", [{"hold": {"at": "after-commit", "name": "gate", "at-most": "1h"}}, {"delay": "1h", "phase": "after"}]
)
def test_what_was_done_stays_done_where_the_client_leaves_before_its_answer(
    door: Door, respond: dict[str, Any]
) -> None:
    door.play(**respond)
    door.leave()

    (entry,) = [each for each in settled_entries(door) if each["operation"] == "scaleProcess"]
    assert (entry["status"], entry["kept"], entry["bytes_sent"]) == (202, True, 0)
    assert " → 202" in entry["line"]
    assert " (change kept, client left)" in entry["line"]
    assert door.release() == 0
    assert door.instances() == 3


@pytest.fixture
def service() -> Service:
    return service_of()


def begin_verification(service: Service) -> tuple[ControlApi, PendingRequest, list[None]]:
    """A verification that has begun to wait in a foundation of its own, and what notes that it was woken."""
    api = build_control_api(service, RequestHolds(1, service.registry.is_live), allowed_hosts=None)
    woken: list[None] = []
    assert isinstance(call_control(api, "PUT", CONTROL), Response)
    pending = call_control(api, "POST", f"{CONTROL}/verify", {"operation": "scaleProcess", "within": "60s"})
    assert isinstance(pending, PendingRequest)
    assert pending.until is not None
    pending.until(lambda: woken.append(None))
    assert woken == []
    return api, pending, woken


def call_control(api: ControlApi, method: str, path: str, body: Any = None) -> Response | PendingRequest:
    headers = [(b"host", b"h"), (b"content-type", b"application/json")]
    content = b"" if body is None else json.dumps(body).encode()
    return handle_control_request(api, read_request(method, path, b"", headers, content, "http", real_now()))


def test_a_verification_that_waits_asks_the_journal_that_took_the_place_of_its_own(service: Service) -> None:
    api, pending, woken = begin_verification(service)
    assert isinstance(call_control(api, "POST", f"{CONTROL}/reset"), Response)
    assert woken != []
    again = pending.resume(real_now(), None)
    assert isinstance(again, PendingRequest)
    assert again.until is not None
    woken.clear()
    again.until(lambda: woken.append(None))
    scale = read_request("POST", f"/foundations/mine{SCALE}", b"", [(b"authorization", b"bearer a")], b"", "http", 0)
    handle_request(service, scale)
    assert woken != []
    answer = again.resume(real_now(), None)
    assert isinstance(answer, Response)
    assert json.loads(answer.body)["result"] == "holds"


def test_a_verification_that_waits_ends_with_its_foundation(service: Service) -> None:
    api, pending, woken = begin_verification(service)
    assert isinstance(call_control(api, "DELETE", CONTROL), Response)
    assert woken != []
    answer = pending.resume(real_now(), None)
    assert isinstance(answer, Response)
    assert answer.status == 404


@pytest.mark.parametrize("way", ["path", "header", "host", "token"])
def test_a_deleted_foundation_is_gone_whatever_way_a_request_takes_to_it(door: Door, way: str) -> None:
    """A client that an ended test has left behind gets a 404 of mockfoundry's own, and makes no world."""
    token = door.client.post(f"{door.control}/tokens").json()["access_token"]
    door.client.delete(door.control)
    base, headers = door.url, dict(ADMIN)
    if way == "path":
        base = door.api
    elif way == "header":
        headers["X-Mock-Foundation"] = door.name
    elif way == "host":
        headers["Host"] = f"{door.name}.localhost"
    else:
        headers["Authorization"] = f"bearer {token}"
    answer = door.client.get(f"{base}/v3/processes", headers=headers)

    assert (answer.status_code, title_of(answer)) == (404, "Mock-FoundationGone")
    assert answer.json()["errors"][0]["code"] == 990008
    detail = answer.json()["errors"][0]["detail"]
    assert detail.startswith(
        f"The foundation {door.name} was deleted; PUT /__mock/foundations/{door.name} makes it again"
    )
    assert door.client.get(door.control).status_code == 404


ON_PURPOSE = {
    "foundation": ("PUT", "", None),
    "scenario": ("PUT", "/scenarios/conflict", None),
    "token": ("POST", "/tokens", None),
    "clock": ("PATCH", "/clock", {"frozen": True}),
    "state": ("PATCH", "/state", {}),
}


@pytest.mark.parametrize("call", ON_PURPOSE)
def test_a_call_that_prepares_a_deleted_foundation_makes_it_anew(door: Door, call: str) -> None:
    door.client.delete(door.control)
    method, path, body = ON_PURPOSE[call]
    assert door.client.request(method, door.control + path, json=body).is_success
    assert door.client.get(f"{door.api}/v3/processes").status_code == 200


def test_a_copy_makes_a_deleted_name_anew(door: Door) -> None:
    other = fresh_foundation(door)
    other.client.delete(other.control)
    assert door.client.post(f"{door.control}/copy", json={"as": other.name}).status_code == 201
    assert other.client.get(f"{other.api}/v3/processes").status_code == 200


def test_a_call_that_fails_does_not_bring_a_deleted_foundation_back(door: Door) -> None:
    door.client.delete(door.control)
    assert door.client.post(f"{door.control}/tokens", json={"user": "nobody"}).status_code == 422
    assert title_of(door.client.get(f"{door.api}/v3/processes")) == "Mock-FoundationGone"


def test_the_journal_has_a_request_from_its_arrival_and_completes_it(door: Door) -> None:
    door.hold()
    with door.scaling(4):
        (waiting,) = door.entries()
        assert (waiting["number"], waiting["status"], waiting["answered"]) == (1, None, False)
        assert (waiting["actor"], waiting["scenario"], waiting["rule"]) == ("admin", "waiting", 1)
        assert (waiting["body"], waiting["answer"], waiting["kept"]) == ({"instances": 4}, None, False)
        assert waiting["why"] == "scenario waiting, rule 1, match 1; waits, held by gate"
        assert waiting["line"].endswith(" → still waits by rule 1 of waiting")
        for kept in (True, False):
            verdict = door.verify(operation="scaleProcess", kept=kept, within="0s")
            assert verdict["result"] == "does_not_hold", "of what is open nobody knows yet whether it changes something"
        door.client.get(f"{door.api}/v3/processes")
        assert door.release() == 1
    first, second = settled_entries(door)

    assert (first["number"], first["status"], first["kept"], first["answered"]) == (1, 202, True, True)
    assert (first["time"], first["real_time"]) == (waiting["time"], waiting["real_time"])
    assert first["bytes_sent"] == int(first["answer_headers"]["content-length"])
    assert (second["number"], second["operation"]) == (2, "listProcesses")
    assert door.verify(operation="scaleProcess", answered=False, within="0s")["result"] == "does_not_hold"
    assert door.verify(operation="scaleProcess", answered=True, times=1)["result"] == "holds"


def test_a_verification_wakes_when_a_request_that_waited_is_answered(door: Door) -> None:
    door.hold()
    verdicts: list[str] = []
    with door.scaling():
        asking = threading.Thread(
            target=lambda: verdicts.append(door.verify(operation="scaleProcess", status=202)["result"])
        )
        asking.start()
        eventually(lambda: len(door.entries()) == 1, what="the scale is in the journal")
        assert door.release() == 1
    must_end(asking, within=SOONER_SECONDS)
    assert verdicts == ["holds"]


def test_what_waits_stays_in_a_journal_that_is_cleared(door: Door) -> None:
    door.instances()
    door.hold()
    with door.scaling():
        assert door.client.delete(f"{door.control}/requests").json() == {"cleared": 1}
        (waiting,) = door.entries()
        assert waiting["answered"] is False
        assert door.release() == 1
    (entry,) = settled_entries(door)
    assert (entry["number"], entry["status"]) == (waiting["number"], 202)
    assert door.verify(operation="scaleProcess", status=202, times=1)["result"] == "holds"


def test_a_copy_does_not_wait_for_what_its_origin_will_answer(door: Door) -> None:
    door.hold()
    copy = fresh_foundation(door)
    with door.scaling(4):
        answer = door.client.post(f"{door.control}/copy", json={"as": copy.name, "replace": True})
        assert answer.status_code == 201
        assert door.release() == 1
    (entry,) = copy.entries()
    assert (entry["status"], entry["answered"], entry["kept"]) == (None, True, False)
    assert entry["why"].endswith("waits, held by gate in the foundation that was copied")
    assert door.entries()[0]["status"] == 202


@pytest.mark.parametrize("fault", ["reset", "empty", "garbage"])
def test_what_was_reset_before_anything_was_done_has_no_status(door: Door, fault: str) -> None:
    door.play(fault=fault)
    with pytest.raises(httpx.TransportError):
        door.scale()
    (entry,) = settled_entries(door)
    assert (entry["status"], entry["answer"], entry["answer_headers"]) == (None, None, {})
    assert (entry["fault"], entry["kept"], entry["bytes_sent"]) == (fault, False, 0)
    assert door.verify(operation="scaleProcess", fault=fault, times=1)["result"] == "holds"
    assert door.verify(operation="scaleProcess", status=202, at_most=0)["result"] == "holds"
    assert door.client.get(f"{door.control}/coverage").json()["undocumented"] == {}


def test_what_was_reset_after_it_was_done_has_the_status_that_was_lost(door: Door) -> None:
    door.play(fault="reset", phase="after")
    with pytest.raises(httpx.TransportError):
        door.scale()
    (entry,) = settled_entries(door)
    assert (entry["status"], entry["kept"], entry["bytes_sent"]) == (202, True, 0)


ALICE = {"Authorization": "bearer alice"}


@pytest.mark.parametrize("answered_by", ["status", "fault", "hold", "prefer", "scenario header", "limit"])
def test_who_asks_is_known_whatever_answers(door: Door, answered_by: str) -> None:
    headers = dict(ALICE)
    if answered_by == "status":
        door.play(status=503)
    elif answered_by == "fault":
        door.play(fault="truncate")
    elif answered_by == "hold":
        door.play(hold={"at": "before-commit", "at-most": "10ms"})
    elif answered_by == "prefer":
        headers["Prefer"] = "code=409"
    elif answered_by == "scenario header":
        headers["X-Mock-Scenario"] = "conflict"
    else:
        patch = {"settings": {"rate_limit": {"requests": 1, "interval_seconds": 60}}}
        assert door.client.patch(f"{door.control}/state", json=patch).is_success
        door.client.get(f"{door.api}/v3/processes", headers=headers)
    try:
        door.scale(headers=headers)
    except httpx.TransportError:
        assert answered_by == "fault"
    status: dict[str, Any] = {"status": 429} if answered_by == "limit" else {}
    assert door.verify(operation="scaleProcess", actor="alice", answered=True, **status)["result"] == "holds"


@pytest.mark.parametrize("name", ["protocol", "asgi"])
@pytest.mark.parametrize("segments", [1, 2])
def test_a_client_that_leaves_with_a_request_behind_its_held_one_takes_both_with_it(name: str, segments: int) -> None:
    """What is pipelined behind a held request hides its client's end from nobody, and is never done itself."""
    content = b'{"instances": 3}'
    with open_door(name) as server:
        door = fresh_foundation(server)
        door.hold()
        before = door.instances()
        line = f"POST /foundations/{door.name}{SCALE} HTTP/1.1\r\nHost: h\r\nAuthorization: bearer a\r\n".encode()
        scale = line + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content) + content
        address = ("127.0.0.1", urlsplit(door.url).port or 0)
        with socket.create_connection(address, timeout=DEADLINE_SECONDS) as connection:
            connection.sendall(scale * 2 if segments == 1 else scale)
            door.wait_for_scale()
            if segments == 2:
                connection.sendall(scale)

        (entry,) = [each for each in settled_entries(door) if each["operation"] == "scaleProcess"]
        assert entry["why"].endswith("waits, held by gate; not done, its client left before")
        assert door.release() == 0
        assert door.instances() == before
