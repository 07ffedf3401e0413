"""Every scenario of the library, met by a whole session with the cf CLI: what its description promises is what cf gets.

tests/scenarios/test_library_promises.py plays each over a socket, with requests of its own; here it stands in the way
of commands that it was not written for, and whoever logs in must get in.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from statistics import median

import httpx
import pytest

from mockfoundry.client.in_process import InProcess
from mockfoundry.shipped import list_library_files
from tests.clients.cf_session import Step, Waits
from tests.clients.session_promises import (
    Promise,
    Session,
    chance,
    every_scale,
    first_answer_lost,
    first_scales,
    first_scales_refused,
    instances_of,
    instances_seen,
    more_instances,
    more_memory,
    must_differ,
    processes_seen,
    refused_by_quota,
    runs_on,
    scales_of,
    seen_after,
    started_under,
)

MINUTE = 60
"""Seconds of which several scenarios speak."""


def app_deleted(session: Session) -> None:
    steps = session.play()
    guids = {type_: process["guid"] for type_, process in processes_seen(steps)[0].items()}
    seen = set[str]()
    gone = []
    for step in steps:
        path = step.recorded.path
        if path.startswith(("/v3/processes/{", "/v3/apps/{app}/processes/")) and not path.endswith("/sidecars"):
            named = re.search(r"/v3/processes/([^/]+)", step.answer.request.url.path)
            guid = named.group(1) if named else guids[step.process]
            if guid in seen:
                gone.append(step)
            seen.add(guid)
    must_differ(steps, gone)
    assert {(step.error, step.detail) for step in gone} == {("CF-ResourceNotFound", "Process not found")}


def clock_skew(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    assert {step.answer.headers["date"] for step in steps} == {"Thu, 01 Jan 2015 00:00:00 GMT"}


def cool_down(session: Session) -> None:
    steps = session.play()
    refused = []
    for first, *later in (scales_of(steps, "web"), scales_of(steps, "worker")):
        refused += [step for step in later if step.at < first.at + MINUTE]
    assert refused
    must_differ(steps, refused)
    assert {(step.status, step.error) for step in refused} == {(409, "CF-Conflict")}
    assert scales_of(steps)[-1].at > MINUTE


def crash_loop(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    assert runs_on(steps)
    assert "CRASHED" in started_under(steps)


def deployment_in_flight(session: Session) -> None:
    steps = session.play()
    refused = [
        step
        for step in steps
        if step.at < MINUTE and step.process == "web" and (step.is_scale or step.recorded.method == "PATCH")
    ]
    must_differ(steps, refused)
    assert {step.status for step in refused} == {422}
    assert [step.detail for step in refused if "while a deployment is in flight." not in step.detail] == []
    assert scales_of(steps)[-1].at > MINUTE


def dribble(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    assert [step for step in steps if (step.waited > 1) != (step.is_scale or step.is_stats)] == []


def guid_reused(session: Session) -> None:
    steps, others = session.play(), session.play_without()
    must_differ(steps, [])
    web, other = (processes_seen(each)[0]["web"] for each in (steps, others))
    assert web["guid"] == other["guid"]
    assert (web["version"], web["created_at"]) == ("11111111-2222-4333-8444-555555555555", "2030-01-01T00:00:00Z")
    assert web["version"] != other["version"]
    (single,) = (step for step in steps if step.recorded.path == "/v3/apps/{app}/processes/web")
    assert single.answer.json()["command"] == "restored"
    assert instances_seen(steps)[0] == (1, 0)


def held_scale(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    assert [(step.recorded, step.waited) for step in steps if step.waited] == [(scales_of(steps)[0].recorded, 30.0)]


def is_html(answer: httpx.Response) -> bool:
    return answer.headers["content-type"] == "text/html; charset=UTF-8" and answer.text.startswith("<html>")


def instances_never_start(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    assert runs_on(steps)
    assert set(started_under(steps)) == {"STARTING"}


def lost_then_conflict(session: Session) -> None:
    steps = session.play()
    lost = first_scales(steps)
    later = [(step, scale) for scale in lost for step in scales_of(steps, scale.process) if step is not scale]
    refused = [step for step, scale in later if scale.at <= step.at < scale.at + 5]
    must_differ(steps, [step for step in steps if step in (*lost, *refused)])
    assert refused
    assert {type(step.outcome) for step in lost} == {httpx.ReadError}
    assert {(step.status, step.error) for step in refused} == {(409, "CF-Conflict")}


def maintenance_window(session: Session) -> None:
    steps = session.play()
    closed = [step for step in steps if 10 <= step.at < 40 and not step.is_log_in]
    must_differ(steps, closed)
    assert {(step.status, step.error, step.answer.headers["retry-after"]) for step in closed} == {
        (503, "CF-ServiceUnavailable", "30")
    }


def metrics_unavailable(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    instances = instances_of(steps)
    shown = [(instance["usage"], instance["mem_quota"], instance["disk_quota"]) for instance in instances]
    assert shown == [({}, None, None)] * len(shown)
    assert len(shown) == len(instances_of(session.play_without()))


def no_room(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    assert runs_on(steps)
    assert set(started_under(steps)) == {"DOWN"}
    details = {instance.get("details") for instance in instances_of(steps) if instance["state"] == "DOWN"}
    assert details == {"insufficient resources: memory"}


def organization_suspended(session: Session) -> None:
    must_differ(session.play("admin"), [])
    steps = session.play()
    changes = [step for step in steps if step.recorded.method != "GET" and not step.is_log_in]
    must_differ(steps, changes)
    assert {step.status for step in changes} == {403}
    assert {step.detail for step in changes} == {"The organization is suspended"}


def rate_limit_resets(session: Session) -> None:
    steps = [step for step in session.play() if not step.is_log_in]
    windows = defaultdict[str, list[Step]](list)
    for step in steps:
        windows[step.answer.headers["x-ratelimit-reset"]].append(step)
    assert len(windows) > 1
    refused = [step for window in windows.values() for step in window[5:]]
    must_differ(steps, refused)
    assert {(step.status, step.error, step.answer.headers["x-ratelimit-remaining"]) for step in refused} == {
        (429, "CF-RateLimitExceeded", "0")
    }
    assert [step for step in refused if "retry-after" not in step.answer.headers] == []


def request_id_missing(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    assert [step for step in steps if "x-vcap-request-id" in step.answer.headers] == []


def request_line_too_long(session: Session) -> None:
    steps = session.play()
    (long,) = (step for step in steps if "?guids=" in step.recorded.path)
    must_differ(steps, [long])
    assert (long.status, long.answer.headers["content-type"]) == (414, "text/html")


def scaling_disabled(session: Session) -> None:
    must_differ(session.play("admin"), [])
    every_scale(403, "CF-FeatureDisabled")(session)


def scheduler_unavailable(session: Session) -> None:
    steps = session.play()
    failing = [
        step
        for step in steps
        if step.is_stats or "embed=process_instances" in step.recorded.path or step.recorded.method == "DELETE"
    ]
    must_differ(steps, failing)
    assert {step.status for step in failing if step.is_stats or step.recorded.method == "DELETE"} == {503}
    assert {step.status for step in failing if "embed" in step.recorded.path} == {500}


def second_page_fails(session: Session) -> None:
    steps = session.play()
    (once, _) = (step for step in steps if "?page=2&" in step.recorded.path)
    must_differ(steps, [once])
    assert (once.status, once.error) == (503, "CF-ServiceUnavailable")


def shifting_pages(session: Session) -> None:
    steps, others = session.play(), session.play_without()
    must_differ(steps, [])
    (page, *_), (other, *_) = ([step for step in each if step.command == "cf curl"] for each in (steps, others))
    assert page.answer.json()["pagination"]["total_results"] == other.answer.json()["pagination"]["total_results"] + 2
    assert page.resources[0]["guid"] != other.resources[0]["guid"]
    (names, *_) = (
        [app["name"] for app in step.resources] for step in steps if step.recorded.path.startswith("/v3/apps?order")
    )
    assert names == ["dora", "newcomer-1", "newcomer-2"]


def slow(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    waits = [step.waited for step in steps if not step.is_log_in]
    assert min(waits) > 0
    assert 0.3 < median(waits) < 0.8
    assert max(waits) > 2
    assert {step.waited for step in steps if step.is_log_in} == {0}


def slow_then_ok(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    assert [step for step in steps if step.waited] == first_scales(steps, 2)
    assert {step.waited for step in first_scales(steps, 2)} == {6.0}


def stale_reads(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    (scale, *_) = scales_of(steps)
    assert scale.answer.json()["instances"] == 3
    assert seen_after(steps, scale) == (1, 0)
    assert instances_seen([step for step in steps if step.at > scale.at + 5])[0] == (3, 0)


def token_expires(session: Session) -> None:
    steps = session.play()
    by_token = defaultdict[str, list[Step]](list)
    for step in steps:
        if not step.is_log_in:
            by_token[step.answer.request.headers["authorization"]].append(step)
    assert len(by_token) == 2
    must_differ(steps, [step for each in by_token.values() for step in each[3:]])
    assert {(step.status, step.error) for step in steps if not step.is_as_recorded} == {(401, "CF-InvalidAuthToken")}


def unavailable_after_scales(session: Session) -> None:
    steps = session.play()
    (_, second, *_) = scales_of(steps)
    after = steps[steps.index(second) + 1 :]
    refused = [step for step in after if step.at < second.at + 20 and not step.is_log_in]
    must_differ(steps, refused)
    assert refused
    assert {(step.status, step.error, step.answer.headers["retry-after"]) for step in refused} == {
        (503, "CF-ServiceUnavailable", "20")
    }


def wrong_content_type(session: Session) -> None:
    steps = session.play()
    must_differ(steps, [])
    for step in steps:
        if not step.is_log_in:
            assert step.answer.headers.get("content-type", "").startswith("text/plain") == step.is_scale, step
    assert {step.answer.json()["type"] for step in scales_of(steps)} == {"web", "worker"}


PROMISES: dict[str, Promise] = {
    "app-deleted": app_deleted,
    "bad-request": every_scale(400, "CF-MessageParseError"),
    "brownout": chance(503, "CF-ServiceUnavailable", 0.1, lambda step: not step.is_log_in),
    "clock-skew": clock_skew,
    "conflict": every_scale(409, "CF-Conflict"),
    "conflict-storm": first_scales_refused(5, 409, "CF-Conflict"),
    "conflict-then-ok": first_scales_refused(1, 409, "CF-Conflict"),
    "connection-reset": first_answer_lost(httpx.ReadError, "reset by peer", kept=False),
    "cool-down": cool_down,
    "crash-loop": crash_loop,
    "deployment-in-flight": deployment_in_flight,
    "dribble": dribble,
    "duplicate-key": every_scale(422, "CF-UnprocessableEntity", lambda answer: answer.text.count('"code"') == 2),
    "empty-errors": every_scale(500, "", lambda answer: bool(answer.json() == {"errors": []})),
    "empty-reply": first_answer_lost(httpx.RemoteProtocolError, "without sending a response", kept=True),
    "flaky": chance(500, "UnknownError", 0.2, lambda step: step.is_scale, times=5),
    "forbidden": every_scale(403, "CF-NotAuthorized"),
    "garbage": first_answer_lost(httpx.RemoteProtocolError, "illegal status line", kept=True),
    "guid-reused": guid_reused,
    "hang": first_answer_lost(httpx.ReadTimeout, "timed out", kept=False),
    "held-scale": held_scale,
    "html-from-gateway": every_scale(502, "", is_html),
    "instances-never-start": instances_never_start,
    "lost-response": first_answer_lost(httpx.ReadError, "reset by peer", kept=True),
    "lost-then-conflict": lost_then_conflict,
    "maintenance-window": maintenance_window,
    "metrics-unavailable": metrics_unavailable,
    "no-room": no_room,
    "not-found": every_scale(404, "CF-ResourceNotFound"),
    "organization-suspended": organization_suspended,
    "quota-instance-memory": refused_by_quota("memory instance_memory_limit_exceeded", more_memory),
    "quota-instances": refused_by_quota("app_instance_limit app_instance_limit_exceeded", more_instances),
    "quota-organization": refused_by_quota("memory quota_exceeded", more_memory),
    "quota-space": refused_by_quota("memory space_quota_exceeded", more_memory),
    "rate-limit-resets": rate_limit_resets,
    "rate-limited": every_scale(429, "CF-RateLimitExceeded", lambda answer: answer.headers["retry-after"] == "37"),
    "request-id-missing": request_id_missing,
    "request-line-too-long": request_line_too_long,
    "scaling-disabled": scaling_disabled,
    "scheduler-unavailable": scheduler_unavailable,
    "second-page-fails": second_page_fails,
    "server-error": every_scale(500, "UnknownError"),
    "shifting-pages": shifting_pages,
    "slow": slow,
    "slow-then-ok": slow_then_ok,
    "stale-reads": stale_reads,
    "token-expires": token_expires,
    "truncated": first_answer_lost(httpx.RemoteProtocolError, "peer closed connection", kept=True),
    "unauthorized": every_scale(401, "CF-InvalidAuthToken"),
    "unavailable": every_scale(503, "CF-ServiceUnavailable"),
    "unavailable-after-scales": unavailable_after_scales,
    "unavailable-then-ok": first_scales_refused(2, 503, "CF-ServiceUnavailable", retry_after="2"),
    "unprocessable": every_scale(422, "CF-UnprocessableEntity"),
    "wrong-content-type": wrong_content_type,
}
"""What each scenario's description promises of the session."""

# Handshakes break in tests/server/test_tls_faults.py: these sessions have no socket.
LIBRARY = tuple(name for name in list_library_files() if not name.startswith("tls-"))


@pytest.fixture(scope="module")
def server() -> Iterator[InProcess]:
    with InProcess() as started:
        yield started


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    return Waits(monkeypatch)


@pytest.mark.parametrize("user", ["alice", "admin"])
def test_without_a_scenario_all_is_as_recorded(server: InProcess, waits: Waits, user: str) -> None:
    steps = Session(server, waits, "").play(user)
    must_differ(steps, [])
    assert {step.waited for step in steps} == {0}
    assert instances_seen(steps)[-1] == (3, 2)


@pytest.mark.parametrize("scenario", LIBRARY)
def test_the_session_gets_what_the_description_promises(server: InProcess, waits: Waits, scenario: str) -> None:
    assert scenario in PROMISES, (
        f"scenarios/{scenario}.yaml is new here: enter into PROMISES what its description promises of a cf session"
    )
    PROMISES[scenario](Session(server, waits, scenario))


def test_every_promise_is_of_a_scenario_of_the_library() -> None:
    assert [name for name in PROMISES if name not in LIBRARY] == []
