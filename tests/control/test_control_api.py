"""The control API over a real socket: what a test asks of the mock, and what it is told when that can't be done."""

import json
import re
import threading
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from openapi_spec_validator import validate

from mockfoundry.control.api import HANDLERS, bind_handlers, load_control_contract
from mockfoundry.control.context import MAX_WAITING_CALLS
from mockfoundry.shipped import CONTROL_CONTRACT_FILE
from tests import plain_http
from tests.serving import ADMIN, WEB, Serving
from tests.waiting import SOONER_SECONDS, eventually, must_end

DEFAULT = "/__mock/foundations/default"
SCALE = f"/v3/processes/{WEB}/actions/scale"
YAML = {"Content-Type": "application/yaml"}


def problem(answer: httpx.Response, status: int) -> str:
    """The detail of a problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["instance"].startswith("/__mock/")
    return str(body["detail"])


def state_without_time(server: Serving) -> dict[str, Any]:
    """The state of the default foundation; the time at which it was exported is left out."""
    state: dict[str, Any] = server.client.get(f"{DEFAULT}/state").json()
    del state["snapshot"]["time"]
    return state


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "words"),
    [
        ("GET", "/foundations/nobody", {}, 404, ("foundation nobody", "GET /__mock/foundations lists")),
        ("GET", "/foundations/nobody/clock", {}, 404, ("foundation nobody",)),
        ("PATCH", "/foundations/nobody/state", {"json": {"settings": {"x": 1}}}, 422, ("settings", "x")),
        ("PUT", "/foundations/default", {"headers": {"If-None-Match": "*"}}, 412, ("left as it is",)),
        ("POST", "/foundations/nobody/tokens", {"json": {"user": "bob"}}, 422, ("'bob' is not a user", "admin")),
        ("POST", "/foundations/default/tokens", {"json": {"expires_in": "soon"}}, 422, ("body /expires_in", "'soon'")),
        ("PUT", "/foundations/a%20b", {}, 400, ("does not match",)),
        ("PUT", "/foundations/a%0A", {}, 400, ("can't be printed",)),
        ("PUT", "/foundations/" + "a" * 65, {}, 400, ("does not match",)),
        (
            "PUT",
            "/foundations/x",
            {"content": "organisations: []", "headers": YAML},
            422,
            ("body:1:1", "organizations"),
        ),
        ("PUT", "/foundations/x", {"content": b"\xff\xfe", "headers": YAML}, 400, ("UTF-8 at byte 0",)),
        (
            "PUT",
            "/foundations/x?random_seed=99999999999999999999",
            {"json": {}},
            400,
            ("random_seed", "99999999999999999999", "9223372036854775807"),
        ),
        ("PUT", "/foundations/x?random_seed=2", {}, 422, ("random_seed", "send one")),
        ("PUT", "/foundations/x", {"content": "x", "headers": {"Content-Type": "text/html"}}, 415, ("text/html",)),
        ("PATCH", "/foundations/default/clock", {"json": {"advance": "30 s"}}, 422, ("body /advance", "250ms, 2s")),
        (
            "PATCH",
            "/foundations/default/clock",
            {"json": {"advance": "99999999999999999999h"}},
            422,
            ("body /advance", "a duration is at most 8760h"),
        ),
        (
            "PATCH",
            "/foundations/default/clock",
            {"json": {"now": "yesterday"}},
            422,
            ("body /now", "2026-03-23T18:48:22Z"),
        ),
        ("PATCH", "/foundations/default/clock", {"json": {"now": "1999-01-01T00:00:00Z"}}, 422, ("does not go back",)),
        ("PATCH", "/foundations/default/clock", {"json": {"rate": -1}}, 400, ("minimum",)),
        ("PATCH", "/foundations/default/clock", {"json": {"rate": 2, "frozen": True}}, 422, ("body /rate",)),
        ("PATCH", "/foundations/default/clock", {"json": {"speed": 2}}, 400, ("body /speed", "allowed: advance")),
        ("PATCH", "/foundations/default/state", {"json": {"settings": {"x": 1}}}, 422, ("settings", "x")),
        ("PUT", "/foundations/default/scenarios/conflicts", {}, 404, ("did you mean conflict",)),
        ("DELETE", "/foundations/default/scenarios/conflict", {}, 404, ("is not on",)),
        ("POST", "/foundations/default/verify", {"json": {"operation": "scaleProces"}}, 422, ("mean scaleProcess",)),
        ("POST", "/foundations/default/verify", {"json": {"within": "90s"}}, 422, ("60s",)),
        (
            "POST",
            "/foundations/default/verify",
            {"json": {"status": [202, 99999]}},
            422,
            ("body /status: '99999' is not a status of an answer; write 100 to 599",),
        ),
        ("GET", "/foundations/default/requests?status=99999", {}, 400, ("maximum, 599",)),
        ("POST", "/foundations/default/verify", {"json": {"times": 1, "at_least": 1}}, 422, ("body /times",)),
        (
            "POST",
            "/foundations/default/verify",
            {"json": {"when": {"body": {"instances": {"minimun": 1}}}}},
            422,
            ("when/body/instances", "minimun"),
        ),
        (
            "POST",
            "/foundations/default/verify",
            {"content": "{", "headers": {"Content-Type": "application/json"}},
            400,
            (),
        ),
        ("GET", "/foundations/default/requests/7", {}, 404, ("request 7", "none yet")),
        ("GET", "/foundations/default/requests?stats=409", {}, 400, ("stats",)),
        (
            "GET",
            "/foundations/default/requests?follow=true&stats=409",
            {},
            400,
            ("query stats", "did you mean status?"),
        ),
        ("GET", "/foundations/nobody/requests?follow=true", {}, 404, ("foundation nobody",)),
        ("GET", "/nothing", {}, 404, ("GET /__mock/openapi.yaml lists",)),
        ("POST", "/foundations/default", {}, 405, ("method",)),
        ("PUT", "/foundations/x/scenarios/y", {"content": b"#" * 20_000_000, "headers": YAML}, 413, ("8388608 bytes",)),
        ("PUT", "/foundations/x", {"content": b"#" * 70_000_000, "headers": YAML}, 413, ("67108864", "--max-seed")),
        ("PUT", "/foundations/default/state", {}, 400, ("body: is missing",)),
        (
            "PUT",
            "/foundations/x",
            {"json": {"settings": {"x": 1}}},
            422,
            ("body:1:14", '"x" is not a key of settings'),
        ),
        ("PUT", "/foundations/x", {"content": '{"settings": {},\n "settings": {}}'}, 422, ("body:2:2", "stands twice")),
        (
            "PATCH",
            "/foundations/default/state",
            {"content": '{"settings": {"x": 1, "x": 2}}'},
            422,
            ("body:1:23", "the key x stands twice, first in line 1"),
        ),
        ("PATCH", "/foundations/default/state", {"json": {"snapshot": {}}}, 422, ("snapshot",)),
        ("GET", "/foundations/default/requests?limit=3&limit=4", {}, 400, ("query limit", "2 times", "send it once")),
        ("GET", "/foundations/default/requests?limit=%D9%A3", {}, 400, ("query limit", "integer")),
        ("GET", "/foundations/default/requests?limit=1_0", {}, 400, ("query limit", "integer")),
        ("GET", "/foundations/default/requests/%D9%A3", {}, 400, ("number", "integer")),
        *(
            ("GET", f"/foundations/default/requests?after={2**63}{more}", {}, 400, ("query after", "9007199254740991"))
            for more in ("", "&follow=true")
        ),
        ("POST", "/foundations/default/verify", {"json": {"after": 2**63}}, 400, ("body /after", "9007199254740991")),
        ("POST", "/foundations/default/verify", {"json": {"order": [{"after": 2**64}]}}, 400, ("9007199254740991",)),
        (
            "PATCH",
            "/foundations/default/clock",
            {"content": '{"frozen": true,\n "frozen": false}', "headers": {"Content-Type": "application/json"}},
            400,
            ("body: in line 2, the key frozen stands twice, first in line 1",),
        ),
        (
            "POST",
            "/foundations/default/verify",
            {"content": '{"when": {"body": {"a": 1, "\\u0061": %s}}}' % ("9" * 300)},
            400,
            ("the key a stands twice",),
        ),
        (
            "POST",
            "/foundations/default/tokens",
            {"content": '{"scopes": [], "scopes": []}'},
            400,
            ("scopes stands twice",),
        ),
        (
            "PUT",
            "/foundations/default/scenarios/x",
            {
                "content": '{"scenario": "x", "scenario": "x", "rules": []}',
                "headers": {"Content-Type": "application/json"},
            },
            422,
            ("scenario", "twice"),
        ),
    ],
)
def test_bad_input_is_told_and_changes_nothing(
    server: Serving, method: str, path: str, options: dict[str, Any], status: int, words: tuple[str, ...]
) -> None:
    before = state_without_time(server)
    detail = problem(server.client.request(method, "/__mock" + path, **options), status)
    for word in words:
        assert word in detail
    assert state_without_time(server) == before
    assert [each["name"] for each in server.client.get("/__mock/foundations").json()["foundations"]] == ["default"]


@pytest.fixture
def server(serve: Callable[..., Serving]) -> Serving:
    """A server whose default foundation was used."""
    started = serve()
    started.client.put(DEFAULT)
    return started


def test_the_token_is_asked_for_everywhere_but_for_health(serve: Callable[..., Serving]) -> None:
    server = serve(control_token="secret")
    assert server.client.get("/__mock/health").status_code == 200
    for path in ("/__mock/foundations", "/__mock/openapi.yaml", f"{DEFAULT}/requests?follow=true", "/__mock/none"):
        assert "no token" in problem(plain_http.get(server.url + path), 401)
        assert "another token" in problem(
            plain_http.get(server.url + path, headers={"X-Mock-Control-Token": "secre"}), 401
        )
    for headers in ({"X-Mock-Control-Token": "secret"}, {"Authorization": "bearer secret"}):
        assert plain_http.get(f"{server.url}/__mock/foundations", headers=headers).status_code == 200


def test_its_document_is_valid_and_served(server: Serving) -> None:
    text = server.client.get("/__mock/openapi.yaml").text
    assert text == CONTROL_CONTRACT_FILE.read_text(encoding="utf-8")
    validate(yaml.safe_load(text))
    assert server.client.get("/__mock/contract.yaml").text == server.service.contract.text


def test_advancing_a_frozen_clock_does_what_is_due_and_nothing_more(server: Serving) -> None:
    frozen = server.client.patch(f"{DEFAULT}/clock", json={"frozen": True}).json()
    server.scale({"instances": 2})
    states = [each["state"] for each in server.client.get(f"/v3/processes/{WEB}/stats").json()["resources"]]
    assert states == ["RUNNING", "STARTING"]
    advanced = server.client.patch(f"{DEFAULT}/clock", json={"advance": "2s"}).json()
    assert int(advanced["now"][17:19]) == (int(frozen["now"][17:19]) + 2) % 60
    states = [each["state"] for each in server.client.get(f"/v3/processes/{WEB}/stats").json()["resources"]]
    assert states == ["RUNNING", "RUNNING"]


def test_a_copy_is_played_on_apart(server: Serving) -> None:
    server.scale({"instances": 3})
    assert server.client.post(f"{DEFAULT}/copy", json={"as": "other"}).status_code == 201
    other = server.client.post(f"/foundations/other{SCALE}", json={"instances": 5})
    assert other.json()["instances"] == 5
    assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] == 3
    assert server.client.post("/__mock/foundations/other/reset").json()["journal"]["recorded"] == 0
    assert server.client.get(f"{DEFAULT}/requests").json()["recorded"] == 2
    problem(server.client.post(f"{DEFAULT}/copy", json={"as": "other"}), 409)


def test_a_copy_replaces_another_only_where_that_is_asked_for(server: Serving) -> None:
    server.scale({"instances": 5})
    for name in ("other", "default"):
        server.client.put("/__mock/foundations/other")
        assert "replace" in problem(server.client.post(f"{DEFAULT}/copy", json={"as": name}), 409)
        assert server.client.post(f"{DEFAULT}/copy", json={"as": name, "replace": True}).status_code == 201
        assert server.client.get(f"/foundations/{name}/v3/processes/{WEB}").json()["instances"] == 5
        shown = server.client.get(f"/__mock/foundations/{name}").json()["journal"]
        assert shown["recorded"] == shown["held"] >= 2


def test_what_is_exported_can_be_imported(server: Serving) -> None:
    server.scale({"instances": 4})
    state = server.client.get(f"{DEFAULT}/state").json()
    assert server.client.put("/__mock/foundations/second", json=state).status_code == 201
    assert server.client.get(f"/foundations/second/v3/processes/{WEB}").json()["instances"] == 4
    patched = server.client.patch("/__mock/foundations/second/state", json={"feature_flags": {"app_scaling": False}})
    assert patched.json()["feature_flags"]["app_scaling"] is False
    assert server.client.get(f"{DEFAULT}/state").json()["feature_flags"]["app_scaling"] is True


def test_a_scenario_is_switched_on_and_off_in_one_foundation(server: Serving) -> None:
    server.client.put("/__mock/foundations/other")
    assert server.client.put(f"{DEFAULT}/scenarios/conflict").status_code == 200
    assert server.scale({"instances": 2}).status_code == 409
    assert server.client.post(f"/foundations/other{SCALE}", json={"instances": 2}).status_code == 202
    assert server.client.get(f"{DEFAULT}/scenarios").json()["scenarios"][0]["answered"] == 1
    assert server.client.delete(f"{DEFAULT}/scenarios/conflict").status_code == 204
    assert server.scale({"instances": 2}).status_code == 202


def test_a_foundation_is_made_with_its_seed_and_scenarios_in_one_call(server: Serving) -> None:
    made = server.client.put(
        "/__mock/foundations/one?play=slow,conflict-then-ok&random_seed=7", json={"users": [{"name": "bob"}]}
    )
    assert made.status_code == 201
    assert (made.json()["scenarios"], made.json()["random_seed"]) == (["slow", "conflict-then-ok"], 7)
    playing = server.client.get("/__mock/foundations/one/scenarios").json()["scenarios"]
    assert [(each["name"], each["answered"]) for each in playing] == [("slow", 0), ("conflict-then-ok", 0)]


@pytest.mark.parametrize(
    ("play", "seed", "status", "words"),
    [
        (
            "conflict,conflicts",
            {},
            404,
            "scenario conflicts: the library has none of that name; did you mean conflict?",
        ),
        ("conflict,", {}, 404, "scenario : the library has none of that name"),
        ("conflict,deployment-in-flight", {}, 422, "scenario deployment-in-flight: given"),
        ("conflict,tls-expired", {}, 422, "scenario tls-expired: "),
    ],
)
def test_where_a_scenario_is_refused_no_foundation_is_made_and_none_replaced(
    server: Serving, play: str, seed: dict[str, Any], status: int, words: str
) -> None:
    assert words in problem(server.client.put(f"/__mock/foundations/new?play={play}", json=seed), status)
    assert server.client.get("/__mock/foundations/new").status_code == 404
    server.client.put("/__mock/foundations/old")
    server.client.post(f"/foundations/old{SCALE}", json={"instances": 4}, headers=ADMIN)
    assert words in problem(server.client.put(f"/__mock/foundations/old?play={play}", json=seed), status)
    old = server.client.get("/__mock/foundations/old").json()
    assert (old["apps"], old["scenarios"], old["journal"]["recorded"]) == (1, [], 1)


REFUSED_CALLS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("PUT", "", {"organizations": 3}),
    ("PUT", "", {"organizations": [{"name": "a"}, {"name": "a"}]}),
    ("PUT", "?random_seed=x", {"users": [{"name": "bob"}]}),
    ("PUT", "?random_seed=3", None),
    ("PUT", "?scenarios=some", None),
    ("POST", "/reset?hard=true", None),
    ("PUT", "/state", {"users": [{"name": 3}]}),
    ("PUT", "/state", {"organizations": [{"name": "a", "quota": "none"}]}),
    ("PATCH", "/state", {"feature_flags": {"app_scaling": False, "none": True}}),
    ("PATCH", "/clock", {"advance": "1h", "rate": -1}),
    ("POST", "/copy", {"as": "a name", "replace": True}),
    ("PUT", "/scenarios/mine", {"scenario": "mine", "rules": [{"operation": "none", "respond": {"status": 409}}]}),
]


def test_what_is_refused_leaves_the_foundation_as_it_was(server: Serving) -> None:
    server.client.put(f"{DEFAULT}?play=slow")
    server.client.patch(f"{DEFAULT}/clock", json={"frozen": True})
    server.scale({"instances": 4})

    def show_all() -> list[Any]:
        paths = [f"{DEFAULT}{each}" for each in ("", "/state", "/clock", "/requests", "/scenarios")]
        return [server.client.get(each).json() for each in ("/__mock/foundations", *paths)]

    before = show_all()
    for method, path, body in REFUSED_CALLS:
        answer = server.client.request(method, f"{DEFAULT}{path}", json=body)
        assert answer.status_code in (400, 422), (method, path, body, answer.text)
        assert show_all() == before, (method, path, body)


def test_the_journal_says_what_was_decided_and_keeps_no_token(server: Serving) -> None:
    server.client.put(f"{DEFAULT}/scenarios/conflict")
    server.scale({"instances": 2})
    entry = server.client.get(f"{DEFAULT}/requests?status=409&operation=scaleProcess").json()["requests"][0]
    assert (entry["scenario"], entry["rule"], entry["phase"], entry["kept"]) == ("conflict", 1, "before", False)
    assert entry["body"] == {"instances": 2}
    shown = server.client.get(f"{DEFAULT}/requests/{entry['number']}")
    assert "admin" not in shown.json()["headers"]["authorization"]
    assert "'authorization: bearer '\"$TOKEN\"" in shown.json()["curl"]
    assert server.client.delete(f"{DEFAULT}/requests").json() == {"cleared": 1}


def test_a_hold_is_released_in_its_own_foundation_alone(server: Serving) -> None:
    held = {
        "scenario": "held",
        "rules": [{"operation": "scaleProcess", "respond": {"hold": {"at": "after-commit", "name": "gate"}}}],
    }
    for name in ("default", "other"):
        server.client.put(f"/__mock/foundations/{name}")
        answer = server.client.put(f"/__mock/foundations/{name}/scenarios/held", json=held)
        assert answer.status_code == 200, answer.text
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(server.scale({"instances": 2}).status_code))
    waiting.start()
    asked = {"operation": "scaleProcess", "within": "60s"}
    assert server.client.post(f"{DEFAULT}/verify", json=asked).json()["result"] == "holds"
    assert server.client.post("/__mock/foundations/other/holds/gate/release").json() == {"released": 0}
    assert server.client.post(f"{DEFAULT}/holds/gate/release").json() == {"released": 1}
    must_end(waiting)
    assert answers == [202]


def test_verify_tells_the_nearest_request_and_the_difference(server: Serving) -> None:
    server.scale({"instances": 2})
    asked = {"operation": "scaleProcess", "status": 202, "times": 1}
    assert server.client.post(f"{DEFAULT}/verify", json=asked).json()["result"] == "holds"
    asked = {"operation": "scaleProcess", "when": {"body": {"instances": {"minimum": 3}}}}
    verdict = server.client.post(f"{DEFAULT}/verify", json=asked).json()
    assert verdict["result"] == "does_not_hold"
    assert verdict["said"].startswith("expected scaleProcess with body instances")
    assert verdict["nearest"][0]["differences"] == [{"what": "body instances", "wanted": {"minimum": 3}, "got": 2}]


def test_verify_returns_as_soon_as_it_holds(server: Serving) -> None:
    answers: list[dict[str, Any]] = []

    def ask() -> None:
        asked = {"operation": "scaleProcess", "times": 3, "within": "60s"}
        answers.append(plain_http.post(f"{server.url}{DEFAULT}/verify", json=asked).json())

    waiting = threading.Thread(target=ask)
    waiting.start()
    for _ in range(3):
        server.scale({"instances": 2})
    must_end(waiting, within=SOONER_SECONDS)
    assert answers[0]["result"] == "holds"


def test_following_sends_what_is_held_and_what_comes(server: Serving) -> None:
    server.scale({"instances": 2})
    with plain_http.stream("GET", f"{server.url}{DEFAULT}/requests?follow=true&operation=scaleProcess") as stream:
        lines = stream.iter_lines()
        assert json.loads(next(lines))["body"] == {"instances": 2}
        server.client.get("/v3/processes")
        server.scale({"instances": 3})
        assert json.loads(next(lines))["body"] == {"instances": 3}


def test_following_tells_twice_of_what_waits(server: Serving) -> None:
    """When it comes, and when there is an outcome; a filter that only the outcome fits gives that line alone."""
    held = {"operation": "scaleProcess", "respond": {"hold": {"at": "before-commit", "name": "gate"}}}
    assert server.client.put(f"{DEFAULT}/scenarios/held", json={"scenario": "held", "rules": [held]}).is_success
    follow = f"{server.url}{DEFAULT}/requests?follow=true"
    with plain_http.stream("GET", follow) as every, plain_http.stream("GET", f"{follow}&status=202") as answered:
        lines = every.iter_lines()
        client = threading.Thread(target=server.scale, args=({"instances": 2},))
        client.start()
        first = json.loads(next(lines))
        assert (first["number"], first["status"], first["answered"]) == (1, None, False)
        assert server.client.get("/v3/processes").status_code == 200
        assert json.loads(next(lines))["number"] == 2
        assert server.client.post(f"{DEFAULT}/holds/gate/release").json() == {"released": 1}
        for each in (lines, answered.iter_lines()):
            completed = json.loads(next(each))
            assert (completed["number"], completed["status"]) == (1, 202)
        must_end(client)


def test_a_repeat_of_a_lost_answer_is_found(server: Serving) -> None:
    lost = {
        "scenario": "lost",
        "rules": [{"operation": "scaleProcess", "times": 1, "respond": {"fault": "reset", "phase": "after"}}],
    }
    assert server.client.put(f"{DEFAULT}/scenarios/lost", json=lost).status_code == 200
    with pytest.raises(httpx.TransportError):
        server.scale({"instances": 2})
    server.scale({"instances": 2})
    audit = server.client.get(f"{DEFAULT}/retries?never_twice=true").json()
    assert (audit["repeats"], audit["twice"]) == (1, 0)
    repeat = audit["chains"][0]["repeats"][0]
    assert (repeat["after"], repeat["lost"], repeat["twice"]) == ("reset", True, False)
    assert audit["verdict"]["result"] == "holds"


def test_a_step_that_is_made_again_after_a_lost_answer_is_found(server: Serving) -> None:
    server.client.put(f"{DEFAULT}/scenarios/lost-response")
    with pytest.raises(httpx.TransportError):
        server.scale({"instances": 2})
    server.scale({"instances": 3})
    audit = server.client.get(f"{DEFAULT}/retries?never_twice=true").json()
    assert (audit["repeats"], audit["twice"]) == (1, 1)
    assert audit["verdict"]["result"] == "does_not_hold"
    assert "changed the world once more" in audit["verdict"]["said"]
    assert server.client.get(f"{DEFAULT}/retries?within=0s").json()["repeats"] == 0


def test_coverage_outlives_its_foundation_and_writes_what_is_missing(server: Serving) -> None:
    server.client.post(f"/foundations/mine{SCALE}", json={"instances": 2})
    server.client.delete("/__mock/foundations/mine")
    coverage = server.client.get("/__mock/coverage?operation=scaleProcess").json()
    squares = {(each["status"], each["fault"], each["phase"]): each for each in coverage["squares"]}
    assert squares[202, "", ""]["times"] == 1
    missing = squares[0, "hang", "after"]["scenario"]
    assert server.client.put(
        "/__mock/foundations/default/scenarios/scale-process-hang-after", content=missing, headers=YAML
    ).is_success


def test_every_call_is_documented_with_its_errors() -> None:
    document = yaml.safe_load(CONTROL_CONTRACT_FILE.read_text(encoding="utf-8"))
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            if method != "parameters":
                assert "default" in call["responses"], f"{method} {path}"


def test_nobody_needs_a_content_type_for_json(server: Serving) -> None:
    answer = server.client.patch(
        f"{DEFAULT}/clock",
        content=b'{"frozen": true}',
        headers={**ADMIN, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.json()["frozen"] is True


@pytest.mark.parametrize("path", ["/__mock/", "/__mock"])
@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_browser_sees_what_there_is_and_where(serve: Callable[..., Serving], door: str, path: str) -> None:
    """Every link of the start page leads to a call that answers."""
    server = serve(door=door)
    page = server.client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r'href="([^"]+)"', page.text)
    assert {"/__mock/health", "/__mock/foundations", "/__mock/openapi.yaml"} <= set(links)
    assert [link for link in links if server.client.get(link, follow_redirects=True).status_code != 200] == []


def test_the_start_page_shows_no_host_that_is_none(server: Serving) -> None:
    page = server.client.get("/__mock/", headers={"Host": "<b>.localhost"})
    assert problem(page, 421).startswith("header Host: ")


def test_the_start_page_asks_for_the_token_too(serve: Callable[..., Serving]) -> None:
    server = serve(control_token="secret")
    assert "another token" in problem(server.client.get("/__mock/"), 401)


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_head_is_answered_wherever_get_is(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door)
    server.client.put(DEFAULT)
    for path in ("/__mock/", "/__mock/health", f"{DEFAULT}/clock"):
        shown, headed = server.client.get(path), server.client.head(path)
        assert (headed.status_code, headed.content) == (200, b"")
        assert headed.headers["content-type"] == shown.headers["content-type"]


def large_seed(apps: int) -> dict[str, Any]:
    made = [{"name": f"app-{number}", "processes": [{"type": "web", "instances": 1}]} for number in range(apps)]
    return {"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": made}]}]}


@pytest.mark.parametrize(
    ("method", "path", "hinted"),
    [("PUT", "/foundations/x", True), ("PUT", "/foundations/x/state", True), ("POST", "/foundations/x/copy", False)],
)
def test_yaml_that_is_sent_as_json_is_refused_with_the_type_to_send(
    server: Serving, method: str, path: str, hinted: bool
) -> None:
    detail = problem(server.client.request(method, f"/__mock{path}", content="organizations: []"), 400)
    assert detail.endswith("; for YAML send Content-Type: application/yaml") == hinted


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_large_body_is_read_as_a_small_one_is(serve: Callable[..., Serving], door: str) -> None:
    """Bodies above 16 KiB are read in the worker room: what they make, and what they are refused for, is the same."""
    server = serve(door=door)
    seed = large_seed(500)
    assert server.client.put("/__mock/foundations/large", json=seed).json()["apps"] == 500
    assert server.client.put("/__mock/foundations/other/state", json=seed).is_success
    assert server.client.get("/__mock/foundations/other").json()["apps"] == 500
    patched = server.client.patch("/__mock/foundations/other/state", json=large_seed(600))
    assert len(patched.json()["organizations"][0]["spaces"][0]["apps"]) == 600
    seed["organizations"][0]["spaces"][0]["apps"][499]["nome"] = "x"
    for path in ("large", "large/state", "third"):
        assert "nome" in problem(server.client.put(f"/__mock/foundations/{path}", json=seed), 422)
    assert "is not JSON" in problem(server.client.put("/__mock/foundations/third", content="[" + " " * 20_000), 400)
    assert server.client.get("/__mock/foundations/large").json()["apps"] == 500
    rules = [{"operation": "scaleProcess", "times": 1, "respond": {"status": 409}}] * 500
    played = server.client.put(f"{DEFAULT}/scenarios/many", json={"scenario": "many", "rules": rules})
    assert played.status_code == 200, played.text
    assert problem(server.client.get("/__mock/foundations/third"), 404)


def test_a_large_state_keeps_the_clock_and_the_random_seed_of_its_foundation(server: Serving) -> None:
    server.client.put("/__mock/foundations/mine?random_seed=7", json=large_seed(1))
    server.client.patch("/__mock/foundations/mine/clock", json={"frozen": True, "advance": "1h"})
    before = server.client.get("/__mock/foundations/mine").json()
    server.client.put("/__mock/foundations/mine/state", json=large_seed(500))
    after = server.client.get("/__mock/foundations/mine").json()
    assert (after["apps"], after["random_seed"], after["time"]) == (500, 7, before["time"])


def test_a_bounded_number_of_calls_wait_at_once(server: Serving) -> None:
    """Those beyond are told so at once; when the others have what they wait for, there is room again."""
    asked = {"operation": "scaleProcess", "times": 1, "within": "50s"}
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(server.client.post(f"{DEFAULT}/verify", json=asked, timeout=60))

    beyond = 3
    threads = [threading.Thread(target=ask) for _ in range(MAX_WAITING_CALLS + beyond)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(answers) >= beyond, what="an answer to each call beyond those that may wait")
    assert all("wait already" in problem(answer, 503) for answer in answers)
    server.scale({"instances": 2})
    for thread in threads:
        thread.join(timeout=40)
    assert sorted(answer.status_code for answer in answers) == [200] * MAX_WAITING_CALLS + [503] * beyond
    assert server.client.post(f"{DEFAULT}/verify", json={**asked, "times": 2, "within": "10ms"}).status_code == 200


def test_a_verify_that_waits_hears_of_a_foundation_that_goes(server: Serving) -> None:
    """The connection is open already when it asks, so that the server reads the call before the deletion."""
    asked = {"operation": "scaleProcess", "times": 1, "within": "60s"}
    with closing(HTTPConnection(urlsplit(server.url).netloc, timeout=20)) as connection:
        connection.request("GET", "/__mock/health")
        connection.getresponse().read()
        connection.request("POST", f"{DEFAULT}/verify", json.dumps(asked), {"Content-Type": "application/json"})
        server.client.delete(DEFAULT)
        answer = connection.getresponse()
        assert (answer.status, "foundation default" in json.load(answer)["detail"]) == (404, True)


def test_every_operation_has_a_handler_and_every_handler_an_operation() -> None:
    """What the document forgets would never be reached, and what has no handler could not be answered."""
    contract = load_control_contract()
    with pytest.raises(LookupError, match="show_clock"):
        bind_handlers(contract, {name: each for name, each in HANDLERS.items() if name != "show_clock"})
    with pytest.raises(LookupError, match="show_weather"):
        bind_handlers(contract, {**HANDLERS, "show_weather": HANDLERS["show_clock"]})


def test_everything_wrong_with_a_call_is_told_at_once(server: Serving) -> None:
    detail = problem(server.client.patch(f"{DEFAULT}/clock", json={"advace": "1s", "rate": -1, "frozen": 3}), 400)
    for line in (
        "body /advace: is not a property of this call; did you mean advance?",
        "body /frozen: 3 is not a boolean",
        "body /rate: -1 is less than the minimum, 0",
    ):
        assert line in detail
    assert detail.endswith("GET /__mock/openapi.yaml describes what is allowed")
