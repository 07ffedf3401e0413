"""Where a rule is asked: at the gateway of every request, at the controller of those alone that get there."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mockfoundry import Respond, Rule
from tests.cloudfoundry.asking import SEED, WEB, WORKER, Asking
from tests.serving import Serving, serving_still

SCALES = ["scaleProcess", "scaleProcessForApp"]


@pytest.fixture(scope="module")
def rich_server() -> Iterator[Serving]:
    with serving_still(SEED) as server:
        yield server


@pytest.fixture
def foundation(rich_server: Serving) -> Asking:
    return Asking(rich_server)


def play(foundation: Asking, *rules: dict[str, Any], **scenario: Any) -> httpx.Response:
    """Switches a scenario of such rules on."""
    path = f"/__mock/foundations/{foundation.name}/scenarios/it"
    return foundation.ask("PUT", path, {"scenario": "it", "rules": list(rules), **scenario}, documented=False)


def scale(foundation: Asking, guid: str = WORKER, *, instances: int = 2, actor: str | None = "admin") -> httpx.Response:
    return foundation.scale({"instances": instances}, guid, actor=actor)


@pytest.mark.parametrize(
    ("actor", "guid", "status", "title"),
    [
        (None, WORKER, 401, "CF-NotAuthenticated"),
        ("admin", "made-up", 404, "CF-ResourceNotFound"),
        ("auditor", WORKER, 403, "CF-NotAuthorized"),
        ("stranger", WORKER, 404, "CF-ResourceNotFound"),
        ("reader", WORKER, 403, "CF-NotAuthorized"),
    ],
)
def test_what_is_refused_before_the_controller_does_not_count_there(
    foundation: Asking, actor: str | None, guid: str, status: int, title: str
) -> None:
    play(foundation, {"operation": SCALES, "times": 1, "respond": {"error": "CF-Conflict"}})
    refused = scale(foundation, guid, actor=actor)
    assert (refused.status_code, refused.json()["errors"][0]["title"]) == (status, title)
    missed = "; scenario it, rule 1, is asked at the controller, which this request did not reach"
    assert refused.headers["x-mock-why"].endswith(missed)
    assert [scale(foundation).status_code for _ in range(2)] == [409, 202]


def test_after_counts_only_what_reaches_the_controller(foundation: Asking) -> None:
    play(foundation, {"operation": SCALES, "after": 1, "times": 1, "respond": {"error": "CF-Conflict"}})
    statuses = [scale(foundation, "made-up").status_code, *(scale(foundation).status_code for _ in range(3))]
    assert statuses == [404, 202, 409, 202]


@pytest.mark.parametrize(
    ("respond", "status"),
    [
        ({"error": "CF-RateLimitExceeded"}, 429),
        ({"error": "CF-ServiceUnavailable"}, 503),
        ({"status": 409}, 409),
        ({"status": 500}, 500),
        ({"example": "memory_quota_exceeded"}, 422),
    ],
)
def test_what_a_router_answers_comes_before_the_token(foundation: Asking, respond: Any, status: int) -> None:
    play(foundation, {"operation": SCALES, "respond": respond})
    assert scale(foundation, "made-up", actor=None).status_code == status


@pytest.mark.parametrize(("at", "statuses"), [("gateway", [409, 409]), ("controller", [401, 404])])
def test_a_rule_says_where_it_is_asked(foundation: Asking, at: str, statuses: list[int]) -> None:
    play(foundation, {"operation": SCALES, "at": at, "respond": {"error": "CF-Conflict"}})
    assert [scale(foundation, actor=None).status_code, scale(foundation, "made-up").status_code] == statuses
    assert scale(foundation).status_code == 409


def test_the_controller_is_asked_before_the_body_is_looked_at(foundation: Asking) -> None:
    play(foundation, {"operation": SCALES, "times": 1, "respond": {"error": "CF-Conflict"}})
    assert [scale(foundation, instances=-1).status_code for _ in range(2)] == [409, 422]


def test_rules_of_both_stations_play_in_the_order_of_the_file(foundation: Asking) -> None:
    """A rule at the controller leaves to a later one at the gateway what does not get there."""
    conflict, unavailable = {"error": "CF-Conflict"}, {"status": 503}
    played = play(foundation, {"operation": SCALES, "respond": conflict}, {"operation": SCALES, "respond": unavailable})
    assert played.is_success, played.text
    assert [scale(foundation).status_code, scale(foundation, "made-up").status_code] == [409, 503]


def test_a_rule_for_which_an_earlier_one_leaves_nothing_is_refused_at_each_station(foundation: Asking) -> None:
    unavailable, conflict = {"status": 503}, {"error": "CF-Conflict"}
    for first, second in ((unavailable, conflict), (conflict, conflict), (unavailable, unavailable)):
        refused = play(foundation, {"operation": SCALES, "respond": first}, {"operation": SCALES, "respond": second})
        assert refused.status_code == 422
        assert "rule 2 is never reached: rule 1 always answers before it" in refused.text


def test_a_rule_is_where_all_its_answers_come_from() -> None:
    conflict, unavailable, status = Respond(error="CF-Conflict"), Respond(error="CF-ServiceUnavailable"), 409
    controller = [Rule(sequence=(conflict, Respond(), conflict)), Rule(respond=conflict)]
    gateway = [
        Rule(sequence=(conflict, unavailable)),
        Rule(respond=Respond(status=status)),
        Rule(respond=Respond()),
        Rule(respond=Respond(fault="reset")),
        Rule(operation="any", respond=conflict),
    ]
    assert [rule.station for rule in controller + gateway] == ["controller"] * 2 + ["gateway"] * 5


@pytest.mark.parametrize("path", ["/v3/processes/", "/v3/apps/", "/v3/spaces/", "/v3/deployments/"])
def test_a_read_is_looked_up_as_it_is_answered(foundation: Asking, path: str) -> None:
    operations = ["getProcess", "getApp", "getSpace", "getDeployment"]
    play(foundation, {"operation": operations, "times": 1, "respond": {"error": "CF-InvalidAuthToken"}})
    there = f"/v3/processes/{WORKER}"
    statuses = [foundation.ask("GET", each, documented=False).status_code for each in (f"{path}made-up", there, there)]
    assert statuses == [404, 401, 200]


def test_the_rate_limiter_counts_what_the_controller_refuses(foundation: Asking) -> None:
    conflict = {"operation": SCALES, "respond": {"error": "CF-Conflict"}}
    play(foundation, conflict, given={"settings": {"rate_limit": 2}})
    answers = [scale(foundation, actor="developer") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [409, 409, 429]
    assert answers[0].headers["x-ratelimit-remaining"] == "1"


def test_a_request_asks_for_a_scenario_with_its_stations(foundation: Asking) -> None:
    headers = {"X-Mock-Scenario": "conflict"}
    statuses = [
        foundation.scale({"instances": 2}, guid, headers=headers, actor=actor).status_code
        for guid, actor in ((WORKER, "admin"), ("made-up", "admin"), (WORKER, None))
    ]
    assert statuses == [409, 404, 401]


def test_an_organization_that_the_scenario_suspends_is_suspended_for_its_rules_too(foundation: Asking) -> None:
    conflict = {"operation": SCALES, "respond": {"error": "CF-Conflict"}}
    play(foundation, conflict, given={"organizations": [{"name": "acme", "suspended": True}]})
    assert [scale(foundation, actor=actor).status_code for actor in ("developer", "admin")] == [403, 409]


def test_any_operation_is_none_of_the_controllers(foundation: Asking) -> None:
    refused = play(foundation, {"operation": "any", "at": "controller", "respond": {"error": "CF-Conflict"}})
    assert refused.status_code == 422
    assert "at is controller, but some requests of operation: any never get there; leave at out" in refused.text


def test_one_of_uaas_operations_is_none_of_the_controllers(foundation: Asking) -> None:
    conflict = {"error": "CF-Conflict", "undocumented": True}
    refused = play(foundation, {"operation": "issueToken", "at": "controller", "respond": conflict})
    assert refused.status_code == 422
    assert "at is controller, but issueToken is not the Cloud Controller's; leave at out" in refused.text


NOT_MODELLED = ("applyManifest", "diffManifest")
"""Refused whatever they are about, so nothing is looked up."""


def test_what_is_not_there_is_refused_by_every_operation_as_without_the_scenario(foundation: Asking) -> None:
    """The lookup of a rule at the controller is the operation's own: same status, same words, for each actor."""
    served = foundation.server.service.served
    plans = [
        plan
        for plan in served.plans.values()
        if plan.path_names and not plan.error_envelope and plan.operation not in NOT_MODELLED
    ]
    assert len(plans) > 70

    def ask_all() -> list[tuple[str, str, int, str]]:
        asked = []
        for plan in plans:
            path = plan.path
            for name in plan.path_names:
                path = path.replace(f"{{{name}}}", "0" if name == "index" else "made-up")
            for actor in ("admin", "stranger"):
                answer = foundation.ask(plan.method, path, actor=actor)
                asked.append((plan.operation, actor, answer.status_code, answer.text))
        return asked

    without = ask_all()
    assert {status for _, _, status, _ in without} <= {403, 404, 422}
    operations = [plan.operation for plan in plans]
    conflict = {"error": "CF-Conflict", "undocumented": True}
    assert play(foundation, {"operation": operations, "respond": conflict}).is_success
    assert ask_all() == without


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v3/apps/dora/actions/stop"),
        ("POST", "/v3/apps/dora/actions/start"),
        ("DELETE", "/v3/apps/dora"),
        ("PATCH", "/v3/apps/dora"),
        ("PATCH", "/v3/apps/dora/environment_variables"),
        ("PATCH", "/v3/apps/dora/features/ssh"),
        ("POST", "/v3/apps/dora/sidecars"),
        ("PATCH", "/v3/feature_flags/app_scaling"),
        ("PATCH", f"/v3/processes/{WORKER}"),
        ("DELETE", f"/v3/processes/{WEB}/instances/0"),
        ("POST", "/v3/apps/dora/processes/worker/actions/scale"),
    ],
)
def test_whoever_may_not_write_gets_the_403_and_others_the_rule(foundation: Asking, method: str, path: str) -> None:
    """An auditor reads everything here and changes nothing; a body that nobody has sent is looked at by nobody."""
    conflict = {"error": "CF-Conflict", "undocumented": True}
    assert play(foundation, {"times": 1, "respond": conflict}).is_success
    body = None if method == "DELETE" else {"name": "other"}
    statuses = [
        foundation.ask(method, path, body, actor=actor, documented=False).status_code for actor in ("auditor", "root")
    ]
    assert statuses == [403, 409]


def test_an_instance_that_is_not_there_is_looked_up_too(foundation: Asking) -> None:
    conflict = {"error": "CF-Conflict", "undocumented": True}
    play(foundation, {"operation": "terminateProcessInstance", "times": 1, "respond": conflict})
    statuses = [foundation.terminate(index, documented=False).status_code for index in (7, 0, 0)]
    assert statuses == [404, 409, 204]


def test_a_request_waits_at_the_controller_if_the_rule_stands_there(foundation: Asking) -> None:
    held = {"delay": {"virtual": "5s", "at-most": "10ms"}}
    play(foundation, {"operation": SCALES, "at": "controller", "times": 1, "respond": held})
    statuses = [scale(foundation, "made-up").status_code, *(scale(foundation).status_code for _ in range(2))]
    assert statuses == [404, 504, 202]


@pytest.mark.parametrize(
    ("base64", "more", "told"),
    [
        ("AAH/", {}, "base64 is sent as application/octet-stream, which scaleProcess does not document"),
        ("AAH/", {"headers": {"Content-Type": "application/json"}}, "base64 is not the JSON that scaleProcess"),
    ],
)
def test_bytes_that_the_contract_does_not_document_are_to_be_meant(
    foundation: Asking, base64: str, more: dict[str, Any], told: str
) -> None:
    respond = {"status": 202, "base64": base64, **more}
    refused = play(foundation, {"operation": "scaleProcess", "respond": respond})
    assert (refused.status_code, told in refused.text) == (422, True)
    play(foundation, {"operation": "scaleProcess", "respond": {**respond, "undocumented": True}})
    answer = foundation.scale({"instances": 2}, documented=False)
    media_type = more.get("headers", {}).get("Content-Type", "application/octet-stream")
    assert (answer.content, answer.headers["content-type"]) == (b"\x00\x01\xff", media_type)


def test_a_token_expires_whatever_it_is_used_for(foundation: Asking) -> None:
    assert foundation.ask("PUT", f"/__mock/foundations/{foundation.name}/scenarios/token-expires").is_success
    statuses = [foundation.show("made-up").status_code for _ in range(4)]
    assert statuses == [404, 404, 404, 401]


def test_a_request_that_passes_may_count_only_where_it_has_succeeded(foundation: Asking) -> None:
    rules = [
        {"operation": "scaleProcess", "state": "calm", "goto": "busy", "respond": {"phase": "after"}},
        {"operation": "scaleProcess", "state": "busy", "respond": {"error": "CF-Conflict"}},
    ]
    assert play(foundation, *rules, start="calm").is_success
    statuses = [scale(foundation, instances=instances).status_code for instances in (-1, 2, 3)]
    assert statuses == [422, 202, 409]


def test_a_request_that_was_refused_before_hides_no_rule_from_the_next(foundation: Asking) -> None:
    """What is remembered of a request that no rule took depends on nothing but the request."""
    never = {"operation": SCALES, "when": {"headers": {"x-never": "1"}}, "respond": {"error": "CF-ServiceUnavailable"}}
    play(foundation, never, {"operation": SCALES, "respond": {"error": "CF-Conflict"}})
    statuses = [scale(foundation, actor=actor).status_code for actor in (None, "admin", "auditor", "admin")]
    assert statuses == [401, 409, 403, 409]
