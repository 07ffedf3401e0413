"""Scenarios over HTTP: each documented error of scale on demand, from the start or for one request."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import plain_http
from tests.serving import ADMIN, WEB, Serving

EACH_ERROR = {
    "bad-request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not-found": 404,
    "conflict": 409,
    "unprocessable": 422,
    "rate-limited": 429,
    "server-error": 500,
    "unavailable": 503,
}


@pytest.mark.parametrize(("name", "status"), EACH_ERROR.items())
def test_there_is_one_for_each_documented_error_of_scale(serve: Callable[..., Serving], name: str, status: int) -> None:
    server = serve(scenarios=(name,))
    answer = server.scale({"instances": 2})
    assert answer.status_code == status
    assert answer.headers["x-mock-why"].startswith(f"scenario {name}, rule 1, match 1")
    assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] == 1


@pytest.mark.parametrize(("name", "status"), EACH_ERROR.items())
def test_it_can_be_asked_for_by_one_request_and_does_not_reach_the_next(
    server: Serving, name: str, status: int
) -> None:
    assert server.scale({"instances": 2}, headers={"X-Mock-Scenario": name}).status_code == status
    assert server.scale({"instances": 2}).status_code == 202


def test_conflict_then_ok_refuses_the_first_scale_and_takes_the_second(serve: Callable[..., Serving]) -> None:
    server = serve(scenarios=("conflict-then-ok",))
    first, second = server.scale({"instances": 3}), server.scale({"instances": 3})
    assert (first.status_code, second.status_code) == (409, 202)
    assert first.headers["x-mock-why"] == "scenario conflict-then-ok, rule 1, match 1 of 1"
    assert second.headers["x-mock-why"] == "world: process scaled"


def test_counters_are_kept_per_process_where_the_rule_says_so(serve: Callable[..., Serving]) -> None:
    server = serve(scenarios=("conflict-then-ok",))
    app = server.client.get(f"/v3/processes/{WEB}").json()["relationships"]["app"]["data"]["guid"]
    worker = f"/v3/apps/{app}/processes/worker/actions/scale"
    assert server.scale({}).status_code == 409
    assert server.client.post(worker, json={}).status_code == 409
    assert server.client.post(f"/v3/apps/{app}/processes/web/actions/scale", json={}).status_code == 202


def test_processes_that_do_not_exist_are_counted_together(serve: Callable[..., Serving]) -> None:
    server = serve(scenarios=("unavailable-then-ok",))
    statuses = [server.scale({}, guid=f"made-up-{number}" + "x" * 5_000).status_code for number in range(5)]
    assert statuses == [503, 503, 404, 404, 404]
    progress = server.service.registry.get_or_create("default", 0).progress
    assert len(progress.counts["unavailable-then-ok"]) == 1


def test_an_answer_may_be_bytes_that_are_no_text(serve: Callable[..., Serving]) -> None:
    """They come as bytes, and the scenario that is made of the failure has them again."""
    server = serve()
    respond = {"status": 502, "base64": "AAH/ +w==", "undocumented": True}
    scenario = {"scenario": "noise", "rules": [{"operation": "scaleProcess", "respond": respond}]}
    control = f"{server.url}/__mock/foundations/default"
    assert plain_http.request("PUT", f"{control}/scenarios/noise", json=scenario).is_success
    answer = plain_http.post(f"{server.url}/v3/processes/{WEB}/actions/scale", json={}, headers=ADMIN)
    assert (answer.status_code, answer.content) == (502, b"\x00\x01\xff\xfb")
    assert answer.headers["content-type"] == "application/octet-stream"
    replayed = plain_http.get(f"{control}/replay").json()["scenario"]
    assert 'base64: "AAH/+w=="' in replayed


def test_where_nothing_is_known_of_processes_long_guids_are_counted_but_not_remembered(
    serve: Callable[..., Serving],
) -> None:
    server = serve(scenarios=("conflict-then-ok",), canned=True)
    guids = [f"{number}" + "x" * 190 for number in range(3)]
    statuses = [server.scale({}, guid=guid).status_code for guid in (*guids, *guids)]
    assert statuses == [409, 409, 409, 202, 202, 202]
    progress = server.service.registry.get_or_create("default", 0).progress
    assert max(map(len, progress.counts["conflict-then-ok"])) < 100


def test_an_answer_in_place_of_the_worlds_says_both_reasons_once(serve: Callable[..., Serving]) -> None:
    rule = {"operation": "scaleProcess", "respond": {"status": 502, "phase": "after", "undocumented": True}}
    server = serve(scenarios=({"scenario": "late", "rules": [rule]},))
    answer = plain_http.post(f"{server.url}/v3/processes/{WEB}/actions/scale", json={}, headers=ADMIN)
    assert answer.headers["x-mock-why"] == "scenario late, rule 1, match 1; world: process scaled"


IN_TURN = {
    "scenario": "in-turn",
    "rules": [
        {
            "operation": "scaleProcess",
            "when": {"body": {"instances": {"minimum": 2}}},
            "after": 1,
            "sequence": [{"status": 503}, "pass", {"example": "memory_quota_exceeded"}],
        }
    ],
}


def test_a_sequence_is_handed_out_in_turn_and_then_passes(serve: Callable[..., Serving]) -> None:
    server = serve(scenarios=(IN_TURN,))
    assert server.scale({"instances": 1}).status_code == 202
    statuses = [server.scale({"instances": 2}).status_code for _ in range(5)]
    assert statuses == [202, 503, 202, 422, 202]


def test_an_unknown_scenario_is_refused_by_name(server: Serving) -> None:
    answer = server.scale({}, headers={"X-Mock-Scenario": "confict"})
    assert answer.status_code == 400
    assert "there is no scenario 'confict' here; did you mean conflict?" in answer.json()["errors"][0]["detail"]


def test_the_first_rule_fires_exactly_as_often_as_it_says_under_parallel_requests(
    serve: Callable[..., Serving],
) -> None:
    rule = {"operation": "scaleProcess", "times": 5, "respond": {"error": "CF-Conflict"}}
    server = serve(scenarios=({"scenario": "five", "rules": [rule]},))
    url = f"{server.url}/v3/processes/{WEB}/actions/scale"
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: plain_http.post(url, headers=ADMIN, json={}).status_code, range(48)))
    assert sorted(statuses) == [202] * 43 + [409] * 5


def test_a_preference_that_is_not_documented_says_what_is(server: Serving) -> None:
    for wish in ("code=418", "example=none", "code=409, example=none", "code=x"):
        answer = server.scale({}, headers={"Prefer": wish})
        assert answer.status_code == 400
        assert "409 (conflict)" in answer.json()["errors"][0]["detail"]


def test_an_example_can_be_preferred_by_name(server: Serving) -> None:
    answer = server.scale({}, headers={"Prefer": "example=memory_quota_exceeded"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"] == "memory quota_exceeded"
    assert answer.headers["preference-applied"] == "example=memory_quota_exceeded"
