"""The library, played over a real socket: each file does what its description says."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mockfoundry.shipped import list_library_files
from tests import plain_http
from tests.serving import WEB, Serving
from tests.waiting import leaving_after, must_end

SEED = """
organizations:
  - name: acme
    spaces:
      - name: dev
        apps:
          - name: dora
            processes:
              - {type: web, guid: 6a901b7c-9417-4dc1-8189-d3234aa0ab82, instances: 1, memory_in_mb: 64, disk_in_mb: 64}
              - {type: worker, instances: 0, memory_in_mb: 64, disk_in_mb: 64}
users:
  - {name: alice, organizations: {acme: [organization_user]}, spaces: {acme/dev: [space_developer]}}
"""
PROCESS = f"/v3/processes/{WEB}"
FOUNDATION = "/__mock/foundations/default"
ALICE = {"Authorization": "bearer alice"}

EVERY_SCALE = {
    "bad-request": 400,
    "conflict": 409,
    "duplicate-key": 422,
    "forbidden": 403,
    "not-found": 404,
    "rate-limited": 429,
    "server-error": 500,
    "unauthorized": 401,
    "unavailable": 503,
    "unprocessable": 422,
}

THEN_OK = {"conflict-then-ok": (1, 409), "conflict-storm": (5, 409), "unavailable-then-ok": (2, 503)}

LOST = {
    "connection-reset": (httpx.ReadError, 1),
    "lost-response": (httpx.ReadError, 2),
    "empty-reply": (httpx.RemoteProtocolError, 2),
    "garbage": (httpx.RemoteProtocolError, 2),
    "truncated": (httpx.RemoteProtocolError, 2),
}

LATE = {"hang": 1, "slow-then-ok": 2}
"""What answers later than clients wait, and the instances that there are then."""

TO_ALICE = {
    "organization-suspended": (403, "The organization is suspended"),
    "scaling-disabled": (403, "Feature Disabled: app_scaling"),
    "deployment-in-flight": (422, "Cannot scale this process while a deployment is in flight."),
    "quota-organization": (422, "memory quota_exceeded"),
    "quota-space": (422, "memory space_quota_exceeded"),
    "quota-instances": (422, "app_instance_limit app_instance_limit_exceeded"),
    "quota-instance-memory": (422, "memory instance_memory_limit_exceeded"),
}


@pytest.fixture
def play(serve: Callable[..., Serving]) -> Callable[[str], Serving]:
    """A server that plays a scenario of the library from its start, its clock frozen."""

    def start(name: str) -> Serving:
        server = serve(seed=SEED, scenarios=(name,))
        server.freeze()
        return server

    return start


def instances(server: Serving) -> int:
    return int(server.client.get(PROCESS).json()["instances"])


def states(server: Serving) -> list[str]:
    return [each["state"] for each in server.client.get(f"{PROCESS}/stats").json()["resources"]]


@pytest.mark.parametrize(("name", "status"), EVERY_SCALE.items())
def test_every_scale_is_refused(play: Callable[[str], Serving], name: str, status: int) -> None:
    server = play(name)
    assert [server.scale({"instances": 2}).status_code for _ in range(3)] == [status] * 3
    assert instances(server) == 1


@pytest.mark.parametrize(("name", "times", "status"), [(name, *each) for name, each in THEN_OK.items()])
def test_the_first_scales_are_refused_and_the_next_one_works(
    play: Callable[[str], Serving], name: str, times: int, status: int
) -> None:
    server = play(name)
    assert [server.scale({"instances": 2}).status_code for _ in range(times + 1)] == [status] * times + [202]


@pytest.mark.parametrize(("name", "error", "kept"), [(name, *each) for name, each in LOST.items()])
def test_the_first_answer_is_lost_and_the_change_kept_or_not(
    play: Callable[[str], Serving], name: str, error: type[Exception], kept: int
) -> None:
    server = play(name)
    with pytest.raises(error):
        server.scale({"instances": 2})
    assert instances(server) == kept


@pytest.mark.parametrize(("name", "kept"), LATE.items())
def test_the_first_answer_comes_too_late_and_the_change_is_kept_or_not(
    play: Callable[[str], Serving], name: str, kept: int
) -> None:
    server = play(name)
    with pytest.raises(httpx.ReadTimeout):
        server.scale({"instances": 2}, timeout=leaving_after(0.3))
    asked = {"operation": "scaleProcess", "times": 1, "within": "60s"}
    assert server.client.post(f"{FOUNDATION}/verify", json=asked).json()["result"] == "holds"
    assert instances(server) == kept


def test_held_scale_happens_when_the_test_lets_it(play: Callable[[str], Serving]) -> None:
    server = play("held-scale")
    client = threading.Thread(target=server.scale, args=({"instances": 2},))
    client.start()
    asked = {"operation": "scaleProcess", "answered": False, "within": "60s"}
    assert server.client.post(f"{FOUNDATION}/verify", json=asked).json()["result"] == "holds"
    before = instances(server)
    assert server.client.post(f"{FOUNDATION}/holds/first-scale/release").json() == {"released": 1}
    must_end(client)
    assert (before, instances(server)) == (1, 2)


@pytest.mark.parametrize(("name", "status", "detail"), [(name, *each) for name, each in TO_ALICE.items()])
def test_a_change_of_the_world_refuses_what_a_developer_asks(
    play: Callable[[str], Serving], name: str, status: int, detail: str
) -> None:
    server = play(name)
    answer = server.scale({"instances": 2, "memory_in_mb": 128}, headers=ALICE)
    assert answer.status_code == status
    assert detail in answer.json()["errors"][0]["detail"]
    assert instances(server) == 1


def test_duplicate_key_is_json_with_one_key_twice(play: Callable[[str], Serving]) -> None:
    assert play("duplicate-key").scale({}).text.count('"code"') == 2


def test_deployment_in_flight_is_over_after_a_minute(play: Callable[[str], Serving]) -> None:
    server = play("deployment-in-flight")
    app = server.client.get(PROCESS).json()["relationships"]["app"]["data"]["guid"]
    scale = f"/v3/apps/{app}/processes/web/actions/scale"
    statuses = [server.client.post(scale, json={"instances": 2}).status_code]
    server.advance(61)
    assert [*statuses, server.client.post(scale, json={"instances": 2}).status_code] == [422, 202]


def test_app_deleted_lets_each_process_be_read_once(play: Callable[[str], Serving]) -> None:
    server = play("app-deleted")
    assert [server.client.get(PROCESS).status_code for _ in range(3)] == [200, 404, 404]
    assert server.scale({}).status_code == 404


@pytest.mark.parametrize(("name", "status", "share"), [("brownout", 503, 0.1), ("flaky", 500, 0.2)])
def test_a_share_of_requests_fails_the_same_for_the_same_seed(
    play: Callable[[str], Serving], name: str, status: int, share: float
) -> None:
    server, again = play(name), play(name)
    statuses = [server.scale({}).status_code for _ in range(200)]
    assert [again.scale({}).status_code for _ in range(200)] == statuses
    assert 0.4 * share < statuses.count(status) / 200 < 2 * share


def test_clock_skew_dates_every_answer_years_behind(play: Callable[[str], Serving]) -> None:
    dates = play("clock-skew").client.get(PROCESS).headers.get_list("date")
    assert dates == ["Thu, 01 Jan 2015 00:00:00 GMT"]


def test_cool_down_takes_one_scale_and_the_next_after_a_minute(play: Callable[[str], Serving]) -> None:
    server = play("cool-down")
    server.advance(50)
    statuses = [server.scale({"instances": count}).status_code for count in (-1, 2, 2, 2)]
    server.advance(59)
    late = server.scale({"instances": 3}).status_code
    server.advance(1)
    assert [*statuses, late, server.scale({"instances": 3}).status_code] == [422, 202, 409, 409, 409, 202]


def test_lost_then_conflict_refuses_each_process_for_five_seconds_after_its_loss(
    play: Callable[[str], Serving],
) -> None:
    server = play("lost-then-conflict")
    server.advance(30)
    with pytest.raises(httpx.ReadError):
        server.scale({"instances": 2})
    server.advance(4)
    refused = server.scale({"instances": 3})
    assert (refused.status_code, instances(server)) == (409, 2)
    assert refused.headers["x-mock-why"] == "scenario lost-then-conflict, rule 2, match 1, 4s in state lost"
    server.advance(1)
    assert (server.scale({"instances": 3}).status_code, instances(server)) == (202, 3)


def test_unavailable_after_scales_lasts_twenty_seconds_from_the_second_scale(play: Callable[[str], Serving]) -> None:
    server = play("unavailable-after-scales")
    server.advance(60)
    scaled = [server.scale({"instances": count}).status_code for count in (2, -1, 3)]
    met = server.client.get(PROCESS)
    server.advance(19)
    late = server.client.get(PROCESS)
    server.advance(1)
    assert [*scaled, met.status_code, late.status_code, instances(server)] == [202, 422, 202, 503, 503, 3]
    assert (met.headers["retry-after"], late.headers["retry-after"]) == ("20", "20")


def test_crash_loop_crashes_what_is_started_from_now_on(play: Callable[[str], Serving]) -> None:
    server = play("crash-loop")
    server.scale({"instances": 2})
    seen = set()
    for _ in range(60):
        server.advance(1)
        seen.add(states(server)[1])
        assert states(server)[0] == "RUNNING"
    assert "CRASHED" in seen
    assert "RUNNING" in seen


def test_dribble_takes_its_time(play: Callable[[str], Serving]) -> None:
    server = play("dribble")
    with pytest.raises(httpx.ReadTimeout):
        server.client.get(f"{PROCESS}/stats", timeout=leaving_after(0.1))


def test_empty_errors_has_no_error_in_it(play: Callable[[str], Serving]) -> None:
    server = play("empty-errors")
    answer = plain_http.post(f"{server.url}{PROCESS}/actions/scale", headers=ALICE, json={})
    assert (answer.status_code, answer.json()) == (500, {"errors": []})


def test_guid_reused_is_another_process_after_two_seconds(play: Callable[[str], Serving]) -> None:
    server = play("guid-reused")
    before = server.client.get(PROCESS).json()
    server.advance(3)
    after = server.client.get(PROCESS).json()
    assert before["guid"] == after["guid"]
    assert before["version"] != after["version"]
    assert after["command"] == "restored"


def test_html_from_gateway_is_no_json(play: Callable[[str], Serving]) -> None:
    server = play("html-from-gateway")
    answer = plain_http.post(f"{server.url}{PROCESS}/actions/scale", headers=ALICE, json={})
    assert answer.status_code == 502
    assert answer.headers["content-type"].startswith("text/html")
    assert "x-vcap-request-id" not in answer.headers


def test_instances_never_start_stays_starting(play: Callable[[str], Serving]) -> None:
    server = play("instances-never-start")
    assert server.scale({"instances": 2}).status_code == 202
    server.advance(600)
    assert states(server) == ["RUNNING", "STARTING"]


def test_maintenance_window_opens_and_closes_by_the_clock(play: Callable[[str], Serving]) -> None:
    server = play("maintenance-window")
    statuses = []
    for _ in range(5):
        statuses.append(server.client.get(PROCESS).status_code)
        server.advance(11)
    assert statuses == [200, 503, 503, 503, 200]


def test_metrics_unavailable_names_instances_without_their_use(play: Callable[[str], Serving]) -> None:
    answer = play("metrics-unavailable").client.get(f"{PROCESS}/stats")
    assert answer.headers["x-cf-warnings"] == "Stats+server+temporarily+unavailable."
    assert answer.json()["resources"][0]["usage"] == {}


def test_no_room_leaves_what_is_added_down(play: Callable[[str], Serving]) -> None:
    server = play("no-room")
    assert server.scale({"instances": 2}).status_code == 202
    server.advance(60)
    entries = server.client.get(f"{PROCESS}/stats").json()["resources"]
    assert [each["state"] for each in entries] == ["RUNNING", "DOWN"]
    assert entries[1]["details"] == "insufficient resources: memory"


def test_rate_limit_resets_after_a_minute(play: Callable[[str], Serving]) -> None:
    server = play("rate-limit-resets")
    statuses = [server.client.get(PROCESS).status_code for _ in range(7)]
    limited = server.client.get(PROCESS)
    assert statuses == [200] * 5 + [429] * 2
    assert limited.headers["x-ratelimit-remaining"] == "0"
    server.advance(int(limited.headers["retry-after"]) + 1)
    assert server.client.get(PROCESS).status_code == 200


def test_rate_limited_says_how_long_to_wait(play: Callable[[str], Serving]) -> None:
    assert play("rate-limited").scale({}).headers["retry-after"] == "37"


def test_request_id_missing_is_missing_everywhere(play: Callable[[str], Serving]) -> None:
    server = play("request-id-missing")
    for path in (PROCESS, "/v3/processes"):
        assert "x-vcap-request-id" not in server.client.get(path).headers


@pytest.mark.parametrize("parameter", ["guids", "app_guids"])
def test_request_line_too_long_refuses_more_than_ten_guids(play: Callable[[str], Serving], parameter: str) -> None:
    server = play("request-line-too-long")
    guids = [f"{number:036}" for number in range(11)]
    ten, eleven = (
        plain_http.get(f"{server.url}/v3/processes", headers=ALICE, params={parameter: ",".join(each)})
        for each in (guids[:10], guids)
    )
    assert (ten.status_code, ten.json()["resources"]) == (200, [])
    assert (eleven.status_code, eleven.headers["content-type"]) == (414, "text/html")
    assert "414 Request-URI Too Large" in eleven.text


def test_scheduler_unavailable_leaves_processes_readable(play: Callable[[str], Serving]) -> None:
    server = play("scheduler-unavailable")
    assert server.client.get(f"{PROCESS}/stats").status_code == 503
    assert instances(server) == 1


def test_second_page_fails_once_for_each_try(play: Callable[[str], Serving]) -> None:
    server = play("second-page-fails")
    wanted: list[dict[str, Any]] = [{"page": 1, "per_page": 1}, *[{"page": 2, "per_page": 1}] * 3]
    assert [server.client.get("/v3/processes", params=each).status_code for each in wanted] == [200, 503, 200, 503]


def test_shifting_pages_shows_a_process_twice(play: Callable[[str], Serving]) -> None:
    server = play("shifting-pages")
    first = server.client.get("/v3/processes", params={"per_page": 1}).json()["resources"][0]["guid"]
    server.advance(1.5)
    assert server.client.get("/v3/processes", params={"page": 2, "per_page": 1}).json()["resources"][0]["guid"] == first


def test_slow_is_slow(play: Callable[[str], Serving]) -> None:
    server = play("slow")
    answer = server.client.get(PROCESS)
    (entry,) = server.client.get(f"{FOUNDATION}/requests").json()["requests"]
    assert entry["why"].startswith("scenario slow, rule 1")
    assert 0.05 < entry["delay"] <= answer.elapsed.total_seconds()


def test_stale_reads_show_a_scale_five_seconds_late(play: Callable[[str], Serving]) -> None:
    server = play("stale-reads")
    assert server.scale({"instances": 2}).json()["instances"] == 2
    before = instances(server)
    server.advance(6)
    assert (before, instances(server)) == (1, 2)


def test_token_expires_after_three_requests_and_a_new_one_works(play: Callable[[str], Serving]) -> None:
    server = play("token-expires")
    statuses = [server.client.get(PROCESS).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 401]
    assert server.client.get(PROCESS, headers={"Authorization": "bearer new"}).status_code == 200


def test_wrong_content_type_labels_json_as_text(play: Callable[[str], Serving]) -> None:
    answer = play("wrong-content-type").scale({"instances": 2})
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.json()["instances"] == 2


def test_every_file_of_the_library_is_played_here() -> None:
    tables = {*EVERY_SCALE, *THEN_OK, *LOST, *LATE, *TO_ALICE, "brownout", "flaky"}
    alone = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    # Handshakes break in tests/server/test_tls_faults.py.
    library = [name for name in list_library_files() if not name.startswith("tls-")]
    missing = [name for name in library if name not in tables and not any(each.startswith(name) for each in alone)]
    assert missing == []
