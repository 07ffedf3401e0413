"""Comparing: a recording of mockfoundry has no difference, an altered one has just those, and another's has its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.documents.problems import Document
from mockfoundry.options import ServerOptions
from mockfoundry.recording.comparison import Comparison, compare_recording
from mockfoundry.recording.har import HarEntry, Recording, read_har
from mockfoundry.recording.seed_from import seed_text_from_recording
from mockfoundry.shipped import list_library_files
from tests.recording.conftest import SEED
from tests.recording.older_foundation import API, PROCESS, answer_like_korifi
from tests.recording.recorded import AnsweringTransport, get, list_readings, post, record_foundation, record_upstream


def compare(recording: Recording, seed: str | None = None, *scenarios: str) -> Comparison:
    document = None if seed is None else Document(seed, "seed.yaml")
    return compare_recording(recording, ServerOptions(seed=document, scenarios=scenarios), "a.har")


def told(comparison: Comparison) -> list[tuple[str, str, str, str]]:
    return sorted((each.of, each.operation, each.place, each.text) for each in comparison.differences)


def find_dora(client: httpx.Client) -> tuple[str, str]:
    """The guids of an app, which is that of its web process, and of its space."""
    dora = client.get("/v3/apps?names=dora").json()["resources"][0]
    return dora["guid"], dora["relationships"]["space"]["data"]["guid"]


def test_a_recording_of_everything_that_can_be_read_compares_with_no_difference(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path
) -> None:
    requests = [get(each) for each in ("/", "/v3", *list_readings(client))]
    compared = compare(record_foundation(server, foundation.url, tmp_path / "a.har", requests).recording)
    assert told(compared) == []
    assert (compared.played, compared.unplayed) == (len(requests), {})


def requests_of_a_life(app: str, space: str, headers: dict[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    """What a client does in some minutes: it scales, deploys, makes an app, is refused, and cleans up."""
    scale = f"/v3/processes/{app}/actions/scale"
    new = {
        "name": "new",
        "relationships": {"space": {"data": {"guid": space}}},
        "environment_variables": {"A": "b c d e"},
    }
    return [
        get("/v3/organizations"),
        get("/v3/spaces"),
        get("/v3/apps"),
        get("/v3/roles", headers),
        get(f"/v3/processes/{app}"),
        get(f"/v3/processes/{app}/stats"),
        post(scale, {"instances": 4}, headers),
        get(f"/v3/processes/{app}", headers),
        get(f"/v3/processes/{app}/stats", headers),
        post(scale, {"instances": 4000}, headers),
        post(scale, {"instances": -1}, headers),
        post("/v3/deployments", {"relationships": {"app": {"data": {"guid": app}}}}, headers),
        post(scale, {"instances": 3}, headers),
        get("/v3/deployments", headers),
        post("/v3/apps", new, headers),
        get("/v3/apps?names=new", headers),
        get("/v3/processes/none", headers),
        get("/v3/processes", {}),
        ("DELETE", f"/v3/processes/{app}/instances/0", {"headers": headers}),
        get("/v3/organization_quotas"),
        get("/v3/space_quotas"),
    ]


def record_life(
    server: InProcess, foundation: Foundation, client: httpx.Client, path: Path
) -> tuple[list[int], Recording]:
    headers = {"authorization": f"bearer {foundation.token_for('alice')}"}
    requests = requests_of_a_life(*find_dora(client), headers)
    session = record_foundation(server, foundation.url, path, requests)
    return [each.status_code for each in session.answers], session.recording


def test_a_recording_of_what_a_client_changes_compares_with_no_difference(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path
) -> None:
    """What the foundation made meanwhile has other guids there, from then on everywhere."""
    foundation.begin(SEED, random_seed=77)
    foundation.clock.run()
    statuses, recording = record_life(server, foundation, client, tmp_path / "a.har")
    assert statuses == [
        200,
        200,
        200,
        200,
        200,
        200,
        202,
        200,
        200,
        422,
        422,
        201,
        422,
        200,
        201,
        200,
        404,
        401,
        204,
        200,
        200,
    ]
    compared = compare(recording)
    assert told(compared) == []
    assert compared.played == len(statuses)
    assert compared.equal_by_rule["guids"] > 0


def test_a_recording_with_a_scenario_compares_with_no_difference_under_that_scenario(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path
) -> None:
    """Without it the failures that it made are the only differences."""
    foundation.clock.run()
    foundation.play("conflict-then-ok")
    statuses, recording = record_life(server, foundation, client, tmp_path / "a.har")
    assert statuses[6] == 409
    assert told(compare(recording, None, "conflict-then-ok")) == []
    assert told(compare(recording)) == [
        ("behaviour", "scaleProcess", "status", "recorded 409 CF-Conflict, mockfoundry 202")
    ]


DIFFERING = {
    "brownout": "the answers that show the quotas are refused, too",
    "empty-errors": "its answer breaks the contract",
    "html-from-gateway": "its answer is of a gateway, and in no contract",
    "wrong-content-type": "its body is no JSON by its type, so that the times in it are text",
    "tls-alert": "it breaks the handshake, and this server speaks no TLS",
    "tls-answer-alert": "it breaks the connection by TLS, and this server speaks none",
    "tls-answer-cut": "it breaks the connection by TLS, and this server speaks none",
    "tls-answer-garbled": "it breaks the connection by TLS, and this server speaks none",
    "tls-expired": "it is about the certificate, and this server speaks no TLS",
    "tls-other-host": "it is about the certificate, and this server speaks no TLS",
    "tls-self-signed": "it is about the certificate, and this server speaks no TLS",
    "rate-limit-resets": "its limit is learned, and counted from its first request on",
}
"""Scenarios of the library whose recordings differ or can't be made here, and why."""

WAITING = ("delay:", "hold", "hang", "dribble", "truncate")
"""What makes a client wait, or gives the test's own client half an answer."""


def list_instant_scenarios() -> list[str]:
    files = sorted(list_library_files().items())
    return [name for name, file in files if not any(each in file.read_text("utf-8") for each in WAITING)]


@pytest.mark.long
@pytest.mark.parametrize("name", [each for each in list_instant_scenarios() if each not in DIFFERING])
def test_a_recording_with_any_scenario_compares_with_no_difference_under_it(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path, name: str
) -> None:
    app, space = find_dora(client)
    foundation.clock.run()
    headers = {"authorization": f"bearer {foundation.token_for('alice')}"}
    foundation.play(name)
    session = record_foundation(server, foundation.url, tmp_path / "a.har", requests_of_a_life(app, space, headers))
    assert told(compare(session.recording, None, name)) == []


Alter = Callable[[dict[str, Any]], None]


def alter_answer(number: int, change: Alter) -> Alter:
    """Changes the body of the answer of that number, from 1."""

    def alter(document: dict[str, Any]) -> None:
        content = document["log"]["entries"][number - 1]["response"]["content"]
        body = json.loads(content["text"])
        change(body)
        content["text"] = json.dumps(body)

    return alter


def alter_header(number: int, name: str, value: str | None) -> Alter:
    def alter(document: dict[str, Any]) -> None:
        response = document["log"]["entries"][number - 1]["response"]
        response["headers"] = [each for each in response["headers"] if each["name"] != name]
        if value is not None:
            response["headers"].append({"name": name, "value": value})

    return alter


def alter_status(number: int, status: int) -> Alter:
    def alter(document: dict[str, Any]) -> None:
        document["log"]["entries"][number - 1]["response"]["status"] = status

    return alter


PLACES: list[tuple[Alter, list[tuple[str, str, str, str]]]] = [
    (
        alter_answer(8, lambda body: body.update(memory_in_mb=7)),
        [("behaviour", "getProcess", "body.memory_in_mb", "recorded 7, mockfoundry 1024")],
    ),
    (
        alter_answer(8, lambda body: body.update(memory_in_mb="1024")),
        [
            ("behaviour", "getProcess", "body.memory_in_mb", 'recorded "1024", mockfoundry 1024'),
            ("contract", "getProcess", "body.memory_in_mb", '"1024" is not an integer'),
        ],
    ),
    (
        alter_answer(8, lambda body: body.pop("version")),
        [
            ("behaviour", "getProcess", "body.version", "only of mockfoundry"),
            ("contract", "getProcess", "body.version", "the field is required"),
        ],
    ),
    (
        alter_answer(8, lambda body: body["health_check"]["data"].update(patience=3)),
        [
            ("behaviour", "getProcess", "body.health_check.data.patience", "only in the recording: 3"),
            ("contract", "getProcess", "body.health_check.data.patience", "the field is not documented"),
        ],
    ),
    (
        alter_answer(9, lambda body: body["resources"][1].update(state="RUNNING")),
        [("behaviour", "getProcessStats", "body.resources[].state", 'recorded "RUNNING", mockfoundry "CRASHED"')],
    ),
    (
        alter_answer(9, lambda body: body["resources"][0]["usage"].pop("cpu")),
        [
            ("behaviour", "getProcessStats", "body.resources[].usage.cpu", "only of mockfoundry"),
            ("contract", "getProcessStats", "body.resources[]", "breaks oneOf"),
        ],
    ),
    (
        alter_answer(3, lambda body: body["resources"].pop()),
        [("behaviour", "listApps", "body.resources", "recorded 2 items, mockfoundry 3 items")],
    ),
    (
        alter_answer(3, lambda body: body["resources"][0].update(name="another")),
        [("behaviour", "listApps", "body.resources[].name", 'recorded "another", mockfoundry "dora"')],
    ),
    (
        alter_answer(10, lambda body: body["errors"][0].update(detail="No")),
        [("behaviour", "scaleProcess", "body.errors[].detail", 'recorded "No", mockfoundry')],
    ),
    (
        alter_status(8, 203),
        [
            ("behaviour", "getProcess", "status", "recorded 203, mockfoundry 200"),
            ("contract", "getProcess", "status", "203 is not documented"),
        ],
    ),
    (
        alter_header(8, "content-type", "text/json"),
        [("behaviour", "getProcess", "headers.content-type", "recorded text/json, mockfoundry application/json")],
    ),
    (
        alter_header(8, "retry-after", "3"),
        [("behaviour", "getProcess", "headers.retry-after", "only in the recording: 3")],
    ),
]


@pytest.mark.parametrize(("alter", "expected"), PLACES)
def test_a_recording_that_was_altered_shows_just_what_was_altered(
    altered_life: tuple[bytes, str], alter: Alter, expected: list[tuple[str, str, str, str]]
) -> None:
    text, seed = altered_life
    document = json.loads(text)
    alter(document)
    found = told(compare(read_har(json.dumps(document).encode(), "a.har"), seed))
    assert [each[:3] for each in found] == [each[:3] for each in expected]
    for one, other in zip(found, expected, strict=True):
        assert other[3] in one[3]


@pytest.fixture(scope="module")
def altered_life(server: InProcess, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """A recording and the seed that was made of it before it was altered."""
    path = tmp_path_factory.mktemp("life") / "a.har"
    foundation = server.foundation()
    foundation.clock.advance("10s")
    with httpx.Client(
        transport=server.transport(), base_url=foundation.url, headers={"authorization": "bearer admin"}
    ) as client:
        _, recording = record_life(server, foundation, client, path)
    assert told(compare(recording)) == []
    return path.read_bytes(), seed_text_from_recording(recording, "a.har")


def test_the_same_difference_is_told_once_with_its_first_place(altered_life: tuple[bytes, str]) -> None:
    text, seed = altered_life
    document = json.loads(text)
    for number in (5, 8):
        alter_answer(number, lambda body: body.update(memory_in_mb=7))(document)
    (found,) = compare(read_har(json.dumps(document).encode(), "a.har"), seed).differences
    assert (found.times, found.first, found.text) == (2, 5, "recorded 7, mockfoundry 1024")
    assert found.request.startswith("GET /v3/processes/")


def test_another_foundation_shows_where_it_differs(tmp_path: Path) -> None:
    """Korifi answers a scale with 200, and its stats lack fields."""
    requests = [
        get(f"/v3/processes/{PROCESS}"),
        get(f"/v3/processes/{PROCESS}/stats"),
        post(f"/v3/processes/{PROCESS}/actions/scale", {"instances": 2}),
        get(f"/v3/processes/{PROCESS}/stats"),
    ]
    session = record_upstream(tmp_path / "a.har", API, AnsweringTransport(answer_like_korifi), requests)
    found = compare(session.recording)
    assert (found.played, found.unplayed) == (4, {})
    behaviour = {(each.operation, each.place): each.text for each in found.differences if each.of == "behaviour"}
    assert behaviour["scaleProcess", "status"] == "recorded 200, mockfoundry 202"
    lacking = {place for (operation, place), text in behaviour.items() if operation == "getProcess"}
    assert {
        "body.version",
        "body.user",
        "body.log_rate_limit_in_bytes_per_second",
        "body.readiness_health_check",
    } <= lacking
    stats = {place.rpartition(".")[2] for (operation, place) in behaviour if operation == "getProcessStats"}
    assert {"routable", "log_rate_limit", "instance_guid", "instance_internal_ip", "cpu", "mem", "uptime"} <= stats
    contract = {(each.operation, each.place, each.text) for each in found.differences if each.of == "contract"}
    assert ("scaleProcess", "status", "200 is not documented") in contract
    assert "body.memory_in_mb" not in {place for _, place in behaviour}


def entry(method: str, path: str, status: int, **fields: Any) -> HarEntry:
    return HarEntry(started=1_795_870_800_000_000, method=method, url=f"https://api{path}", status=status, **fields)


def test_what_can_t_be_played_is_counted_by_its_reason() -> None:
    """Log-ins and refused tokens need secrets that no recording has."""
    form = (("content-type", "application/x-www-form-urlencoded"),)
    recording = Recording(
        (
            entry(
                "POST",
                "/oauth/token",
                200,
                headers=form,
                content=b"grant_type=password&username=a&password=[redacted 1]",
            ),
            entry("GET", "/v3/apps", 401, headers=(("authorization", "bearer [redacted 1]"),)),
            entry("POST", "/v3/apps", 422, comment="the request's body of 2 bytes is left out"),
        )
    )
    compared = compare(recording)
    assert compared.played == 0
    assert compared.unplayed == {
        "log-in: a recording has no passwords and no tokens": 1,
        "refused token: a recording has no tokens": 1,
        "the body is not in the recording": 1,
    }


def test_an_operation_that_no_contract_has_is_told() -> None:
    compared = compare(Recording((entry("GET", "/v3/stars", 200, headers=(("authorization", "bearer x"),)),)))
    assert ("contract", "GET /v3/stars", "operation", "is not documented") in told(compared)


def test_a_request_without_an_answer_differs_from_one_with() -> None:
    """Unless a fault takes the answer there, too."""
    recording = Recording((entry("GET", "/v3/processes", 0, headers=(("authorization", "bearer x"),)),))
    assert [each[2:] for each in told(compare(recording))] == [("status", "recorded no answer, mockfoundry 200")]


def test_what_went_to_other_hosts_is_not_compared() -> None:
    """A browser's file has whatever the page asked for, and says nothing of the foundation."""
    bearer = (("authorization", "bearer x"),)
    entries = [
        {
            "startedDateTime": "2026-11-28T13:00:00Z",
            "request": {
                "method": "GET",
                "url": url,
                "headers": [{"name": name, "value": value} for name, value in bearer],
            },
            "response": {"status": status},
        }
        for url, status in (("https://cdn/v1/logo.png", 200), ("https://api/v3/apps/x", 404), ("https://logs/v1", 200))
    ]
    compared = compare(read_har(json.dumps({"log": {"entries": entries}}).encode(), "a.har"))
    assert (compared.played, compared.unplayed) == (1, {"another host than the API's": 2})
    assert {each.operation for each in compared.differences} == {"getApp"}
