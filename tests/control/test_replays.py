"""What clients have met is given as a scenario file, which makes them meet the same again and nothing else."""

from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.serving import WEB, Serving

SCALE = f"/v3/processes/{WEB}/actions/scale"
Met = tuple[int, str, str, str | None]


def drive(server: Serving, foundation: str, calls: int = 20) -> list[Met]:
    """Scales so often, and says what the client met each time."""
    met: list[Met] = []
    for number in range(calls):
        url = f"{server.url}/foundations/{foundation}{SCALE}"
        try:
            answer = plain_http.post(url, json={"instances": number + 1}, headers={"Authorization": "bearer alice"})
        except httpx.HTTPError as error:
            met.append((0, type(error).__name__, "", None))
        else:
            text = answer.text if answer.status_code >= 400 else ""
            met.append((answer.status_code, text, answer.headers["content-type"], answer.headers.get("retry-after")))
    return met


def replay(server: Serving, foundation: str) -> dict[str, Any]:
    found: dict[str, Any] = server.client.get(f"/__mock/foundations/{foundation}/replay").json()
    return found


@pytest.mark.parametrize(
    "scenario",
    ["conflict-then-ok", "unavailable-then-ok", "lost-response", "truncated", "garbage", "organization-suspended",
     "quota-organization", "rate-limited", "empty-errors", "html-from-gateway", "duplicate-key", "flaky"],
)  # fmt: skip
def test_a_replay_makes_a_client_meet_the_same(server: Serving, scenario: str) -> None:
    assert server.client.put(f"/__mock/foundations/first/scenarios/{scenario}").is_success
    met = drive(server, "first")
    play(server, "second", replay(server, "first")["scenario"])
    assert drive(server, "second") == met


def play(server: Serving, foundation: str, scenario: str) -> None:
    name = scenario.partition("\n")[0].removeprefix("scenario: ")
    path = f"/__mock/foundations/{foundation}/scenarios/{name}"
    played = server.client.put(path, content=scenario, headers={"Content-Type": "application/yaml"})
    assert played.is_success, played.text


def test_a_wrong_success_is_replayed_too(server: Serving) -> None:
    empty = {
        "scenario": "empty",
        "rules": [{"operation": "scaleProcess", "respond": {"status": 202, "body": {}, "undocumented": True}}],
    }
    assert server.client.put("/__mock/foundations/first/scenarios/empty", json=empty).is_success
    drive(server, "first", 2)
    play(server, "second", replay(server, "first")["scenario"])
    answer = server.client.post(f"/foundations/second{SCALE}", json={"instances": 2})
    assert (answer.status_code, answer.json()) == (202, {})


def test_calls_that_ask_for_their_answer_themselves_are_not_counted(server: Serving) -> None:
    server.client.put("/__mock/foundations/first/scenarios/conflict-then-ok")
    for header in ({"Prefer": "code=202"}, {"Prefer": "code=299"}, {"X-Mock-Scenario": "unavailable"}, {}):
        server.client.post(f"/foundations/first{SCALE}", json={"instances": 2}, headers=header)
    assert "scenario: scale-409\n" in replay(server, "first")["scenario"]
    assert replay(server, "first")["failures"] == 1


def test_calls_that_never_reached_the_controller_are_counted(server: Serving) -> None:
    """A replay counts calls as they came, also those that were refused before its rule could be asked."""
    server.client.put("/__mock/foundations/first/scenarios/conflict-then-ok")

    def scale(foundation: str, token: str | None) -> int:
        headers = {} if token is None else {"Authorization": f"bearer {token}"}
        return plain_http.post(f"{server.url}/foundations/{foundation}{SCALE}", json={}, headers=headers).status_code

    met = [scale("first", token) for token in (None, "alice", "alice")]
    assert met == [401, 409, 202]
    play(server, "second", replay(server, "first")["scenario"])
    assert [scale("second", token) for token in (None, "alice", "alice")] == met


def test_an_answer_that_is_no_text_is_replayed_in_base64(server: Serving) -> None:
    respond = {"status": 202, "base64": "AAH/", "undocumented": True}
    bytes_once = {"scenario": "bytes", "rules": [{"operation": "scaleProcess", "times": 1, "respond": respond}]}
    assert server.client.put("/__mock/foundations/first/scenarios/bytes", json=bytes_once).is_success
    drive(server, "first", 1)
    scenario = replay(server, "first")["scenario"]
    assert "base64: AAH/" in scenario
    play(server, "second", scenario)
    answer = plain_http.post(f"{server.url}/foundations/second{SCALE}", json={}, headers={"Authorization": "bearer a"})
    assert (answer.status_code, answer.content) == (202, b"\x00\x01\xff")


def test_the_rate_limiters_answer_is_replayed_by_its_name(server: Serving) -> None:
    """Its JSON is sent as text, and a rule for its error does the same."""
    error = {"error": "CF-RateLimitExceeded", "headers": {"Retry-After": "7"}}
    rule = {"operation": "scaleProcess", "times": 1, "respond": error}
    assert server.client.put("/__mock/foundations/first/scenarios/once", json={"scenario": "once", "rules": [rule]})
    drive(server, "first", 1)
    scenario = replay(server, "first")["scenario"]
    assert 'respond: {error: CF-RateLimitExceeded, headers: {retry-after: "7"}}\n' in scenario
    play(server, "second", scenario)
    assert drive(server, "second", 2)[0][:1] + drive(server, "third", 1)[0][:1] == (429, 202)


STRANGE_BODIES: dict[str, dict[str, Any]] = {
    "empty text": {"status": 503, "text": ""},
    "no bytes": {"status": 503, "base64": ""},
    "bytes under a text's label": {"status": 503, "base64": "/////w==", "headers": {"Content-Type": "text/plain"}},
    "text in UTF-16": {"status": 503, "base64": "//5hAA==", "headers": {"Content-Type": "text/plain; charset=utf-16"}},
    "text in Latin-1": {
        "status": 503,
        "base64": "Z3L8bg==",
        "headers": {"Content-Type": "text/plain; charset=latin-1"},
    },
    "no body that could be": {"status": 304},
}


@pytest.mark.parametrize("body", STRANGE_BODIES)
def test_a_strange_body_is_replayed_byte_by_byte(server: Serving, body: str) -> None:
    respond = {**STRANGE_BODIES[body], "undocumented": True}
    strange = {"scenario": "strange", "rules": [{"operation": "scaleProcess", "times": 1, "respond": respond}]}
    assert server.client.put("/__mock/foundations/first/scenarios/strange", json=strange).is_success

    def met(foundation: str) -> tuple[int, bytes, str | None]:
        url = f"{server.url}/foundations/{foundation}{SCALE}"
        answer = plain_http.post(url, json={}, headers={"Authorization": "bearer a"})
        return answer.status_code, answer.content, answer.headers.get("content-type")

    first = met("first")
    play(server, "second", replay(server, "first")["scenario"])
    assert met("second") == first


def test_calls_that_were_forgotten_are_counted(server: Serving) -> None:
    drive(server, "first", 2)
    server.client.delete("/__mock/foundations/first/requests")
    server.client.put("/__mock/foundations/first/scenarios/conflict-then-ok")
    drive(server, "first", 2)
    assert "at-3" in replay(server, "first")["scenario"]


def test_what_a_changed_world_refused_is_replayed_after_it_was_changed_back(server: Serving) -> None:
    server.client.put("/__mock/foundations/first/scenarios/organization-suspended")
    met = drive(server, "first", 1)
    server.client.delete("/__mock/foundations/first/scenarios/organization-suspended")
    play(server, "second", replay(server, "first")["scenario"])
    assert drive(server, "second", 1) == met


def test_the_same_failure_at_calls_in_a_row_is_one_rule(server: Serving) -> None:
    assert server.client.put("/__mock/foundations/first/scenarios/conflict-storm").is_success
    drive(server, "first")
    scenario = replay(server, "first")["scenario"]
    assert scenario.count("operation:") == 1
    assert "times: 5" in scenario
    assert "Each of the calls 1 to 5 of scaleProcess is answered with CF-Conflict" in " ".join(scenario.split())


def test_what_the_world_refuses_of_itself_is_not_replayed(server: Serving) -> None:
    server.client.post(f"/foundations/first{SCALE}", json={"instances": -1})
    assert replay(server, "first") == {"scenario": None, "failures": 0, "dropped": 0}


def test_a_replay_is_the_smallest_that_there_is(server: Serving) -> None:
    server.client.put("/__mock/foundations/first/scenarios/conflict-then-ok")
    drive(server, "first")
    found = replay(server, "first")
    assert found["failures"] == 1
    assert found["scenario"].count("operation:") == 1
    assert "error: CF-Conflict" in found["scenario"]
