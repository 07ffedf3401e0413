"""Tests of a user that fail on purpose, each in another way; `tests/plugin/golden_output.py` alone runs them."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mockfoundry import Foundation

WEB = "6a901b7c-9417-4dc1-8189-d3234aa0ab82"


class ScaleFailed(Exception):
    """What a client of a user raises."""


def send(
    foundation: Foundation, method: str, path: str, body: object = None, token: str = "admin", timeout: float = 60
) -> httpx.Response:
    url, headers = foundation.url + path, {"Authorization": f"bearer {token}"}
    try:
        return httpx.request(method, url, json=body, headers=headers, timeout=timeout, verify=False)  # noqa: S501
    except httpx.TransportError as error:
        raise ScaleFailed(f"no answer: {type(error).__name__}") from None


def scale(foundation: Foundation, instances: int, token: str = "admin", timeout: float = 60) -> httpx.Response:
    path = f"/v3/processes/{WEB}/actions/scale"
    return send(foundation, "POST", path, {"instances": instances}, token, timeout)


def must_scale(foundation: Foundation, instances: int) -> None:
    answer = scale(foundation, instances)
    if answer.status_code != 202:
        raise ScaleFailed(f"scale answered {answer.status_code}: {answer.json()['errors'][0]['detail']}")


@pytest.mark.scenario("conflict-then-ok")
def test_scaled_twice_where_once_is_refused(foundation: Foundation) -> None:
    scale(foundation, 3)
    scale(foundation, 4)
    foundation.verify("scaleProcess", status=202, times=2)


def test_has_not_come_in_time(foundation: Foundation) -> None:
    scale(foundation, 3)
    foundation.verify("scaleProcess", at_least=2, within="50ms")


def test_was_never_called(foundation: Foundation) -> None:
    foundation.verify("scaleProcess", status=202)


def test_called_another_operation(foundation: Foundation) -> None:
    send(foundation, "GET", f"/v3/processes/{WEB}")
    send(foundation, "PATCH", f"/v3/processes/{WEB}", {"command": "rackup"}, token="alice")
    foundation.verify("scaleProcess")


@pytest.mark.scenario({"scenario": "beyond-ten", "rules": [
    {"operation": "scaleProcess", "when": {"body": {"instances": {"minimum": 10}}}, "respond": {"status": 422}}
]})  # fmt: skip
def test_comes_near_to_a_rule(foundation: Foundation) -> None:
    assert scale(foundation, 9).status_code == 422


def test_sent_the_wrong_body(foundation: Foundation) -> None:
    scale(foundation, 3)
    foundation.verify("scaleProcess", when={"body": {"instances": 5}})


@pytest.mark.scenario("unavailable-then-ok")
def test_waits_too_briefly_between_attempts(foundation: Foundation) -> None:
    foundation.clock.freeze()
    for seconds in (60, 120):
        scale(foundation, 3)
        foundation.clock.advance(seconds)
    scale(foundation, 3)
    foundation.verify("scaleProcess", gaps=["90s", "90s"])


def test_came_in_another_order(foundation: Foundation) -> None:
    scale(foundation, 3)
    send(foundation, "GET", f"/v3/processes/{WEB}")
    foundation.verify(order=["getProcess", {"operation": "scaleProcess", "status": 202}])


@pytest.mark.scenario("rate-limited")
def test_repeats_without_waiting_for_retry_after(foundation: Foundation) -> None:
    scale(foundation, 3)
    scale(foundation, 3)
    foundation.retries(honours_retry_after=True)


@pytest.mark.scenario("conflict")
def test_the_client_gives_up_after_a_conflict(foundation: Foundation) -> None:
    must_scale(foundation, 3)
    assert foundation.process("dora").instances == 3


@pytest.mark.scenario("hang")
def test_the_client_meets_a_hang(foundation: Foundation) -> None:
    scale(foundation, 3, timeout=0.3)


@pytest.mark.scenario("lost-response")
def test_scales_twice_after_a_lost_answer(foundation: Foundation) -> None:
    for _ in range(2):
        try:
            must_scale(foundation, foundation.process("dora").instances + 1)
        except ScaleFailed:
            continue
    foundation.retries(never_twice=True)


def test_the_process_is_another_than_expected(foundation: Foundation) -> None:
    scale(foundation, 4)
    assert foundation.process("dora").instances == 5


def test_asks_for_an_unknown_app(foundation: Foundation) -> None:
    assert foundation.process("dorra").instances == 1


def test_asks_for_an_unknown_route(foundation: Foundation) -> None:
    answer = send(foundation, "PUT", f"/v3/processes/{WEB}/scale?force=true", {"instances": 3})
    assert answer.status_code == 202


@pytest.mark.scenario({"scenario": "strict", "given": {"settings": {"unknown_users": "refused"}}})
def test_sends_the_wrong_token(foundation: Foundation) -> None:
    assert scale(foundation, 3, token="carol").status_code == 202


@pytest.mark.scenario("conflict")
def test_repeats_far_too_often(foundation: Foundation) -> None:
    for _ in range(57):
        scale(foundation, 3)
    foundation.retries(max=5)


@pytest.mark.scenario("conflict-then-ok")
def test_parallel_clients_meet_one_conflict(foundation: Foundation) -> None:
    with ThreadPoolExecutor(4) as clients:
        statuses = sorted(answer.status_code for answer in clients.map(lambda _: scale(foundation, 3), range(8)))
    assert foundation.check("scaleProcess", status=202, times=8), statuses


@pytest.fixture
def broken_foundation(foundation: Foundation) -> Foundation:
    foundation.play("conflikt")
    return foundation


def test_plays_an_unknown_scenario_in_a_fixture(broken_foundation: Foundation) -> None:
    assert broken_foundation.playing() == []


def test_advances_by_a_wrong_duration(foundation: Foundation) -> None:
    foundation.clock.advance("5 minutes")


def test_verifies_an_unknown_word(foundation: Foundation) -> None:
    foundation.verify("scaleProcess", time=2)  # type: ignore[call-arg]


def test_asks_for_a_process_while_its_app_is_deployed(foundation: Foundation) -> None:
    foundation.play("deployment-in-flight")
    foundation.process("dora")
