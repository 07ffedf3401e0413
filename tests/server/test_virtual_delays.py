"""A delay on the foundation's clock: over when that has come so far, whoever moves it."""

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.server.held_requests import DOORS, SCALE, Door, fresh_foundation, open_door, settled_entries
from tests.waiting import eventually


@pytest.fixture(scope="module", params=DOORS)
def server(request: pytest.FixtureRequest) -> Iterator[Door]:
    with open_door(request.param) as opened:
        yield opened


@pytest.fixture
def door(server: Door) -> Door:
    """A foundation whose clock stands still."""
    door = fresh_foundation(server)
    set_clock(door, frozen=True)
    return door


def set_clock(door: Door, **to: Any) -> None:
    assert door.client.patch(f"{door.control}/clock", json=to).is_success


def delay_scales(door: Door, delay: str = "6s", at_most: str = "1h", **respond: Any) -> None:
    door.play(delay={"virtual": delay, "at-most": at_most}, **respond)


def title_of(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["title"])


def test_a_request_waits_until_the_clock_is_advanced_so_far(door: Door) -> None:
    delay_scales(door)
    before = door.instances()
    with door.scaling(before + 2) as answers:
        set_clock(door, advance="5999ms")
        (entry,) = (each for each in door.entries() if each["operation"] == "scaleProcess")
        assert (entry["answered"], entry["status"], door.instances(), answers) == (False, None, before, [])
        assert entry["why"].startswith("scenario waiting, rule 1, match 1; waits, until ")
        set_clock(door, advance="1ms")
    assert answers[0].status_code == 202
    assert door.instances() == before + 2


def test_with_phase_after_the_change_is_kept_while_the_answer_waits(door: Door) -> None:
    delay_scales(door, phase="after")
    before = door.instances()
    with door.scaling(before + 2) as answers:
        assert (door.instances(), answers) == (before + 2, [])
        set_clock(door, advance="6s")
    assert answers[0].status_code == 202


@pytest.mark.parametrize("respond", [{"error": "CF-Conflict"}, {"status": 409}])
def test_an_answer_of_the_rules_own_waits_too(door: Door, respond: dict[str, str]) -> None:
    delay_scales(door, **respond)
    with door.scaling() as answers:
        set_clock(door, advance="7s")
    assert answers[0].status_code == 409


def test_a_clock_that_runs_comes_to_the_moment_by_itself(door: Door) -> None:
    delay_scales(door, "10s")
    with door.scaling() as answers:
        set_clock(door, frozen=False, rate=1000)
    assert answers[0].status_code == 202


def test_several_go_on_in_the_order_of_their_moments(door: Door) -> None:
    delay_scales(door, "9s")
    with door.scaling(7) as later:
        delay_scales(door, "3s")
        with door.scaling(5) as sooner:
            eventually(lambda: len(door.entries()) >= 2, what="both wait")
            set_clock(door, advance="1m")
    assert (sooner[0].status_code, later[0].status_code, door.instances()) == (202, 202, 7)


def test_where_nobody_advances_the_clock_it_ends_with_an_error_of_mockfoundrys_own(door: Door) -> None:
    delay_scales(door, at_most="20ms")
    before = door.instances()
    answer = door.scale(before + 2)
    assert (answer.status_code, title_of(answer)) == (504, "Mock-ClockNotAdvanced")
    assert f"Advance it (PATCH /__mock/foundations/{door.name}/clock)" in answer.json()["errors"][0]["detail"]
    assert answer.headers["x-mock-why"] == "limit: at-most 20ms for a virtual delay"
    assert door.instances() == before


def test_what_was_kept_stays_kept_where_its_answer_waits_too_long(door: Door) -> None:
    delay_scales(door, at_most="20ms", phase="after")
    before = door.instances()
    assert door.scale(before + 2).status_code == 504
    (entry,) = (each for each in settled_entries(door) if each["operation"] == "scaleProcess")
    assert (entry["kept"], door.instances()) == (True, before + 2)


@pytest.mark.parametrize("way", ["reset", "delete"])
def test_it_ends_with_its_world(door: Door, way: str) -> None:
    delay_scales(door)
    with door.scaling() as answers:
        if way == "reset":
            assert door.client.post(f"{door.control}/reset").is_success
        else:
            assert door.client.delete(door.control).is_success
    wanted = {"reset": (410, "Mock-WorldReplaced"), "delete": (404, "Mock-FoundationGone")}
    assert (answers[0].status_code, title_of(answers[0])) == wanted[way]


def test_a_client_that_leaves_takes_its_request_with_it(door: Door) -> None:
    delay_scales(door)
    before = door.instances()
    door.leave()
    assert door.verify(operation="scaleProcess", answered=False, times=0)["result"] == "holds"
    set_clock(door, advance="1h")
    assert door.instances() == before


@pytest.mark.parametrize("waits", ["for the clock", "for a release"])
def test_what_comes_after_a_client_has_left_finds_nothing_done(door: Door, waits: str) -> None:
    """The server may read the end of one connection later than the next call on another."""
    delay_scales(door) if waits == "for the clock" else door.hold()
    before = door.instances()
    for _ in range(10):
        leave_connection(door)
        set_clock(door, advance="10s") if waits == "for the clock" else door.release()
        assert door.instances() == before
        settled_entries(door)


def leave_connection(door: Door) -> None:
    """A client that scales, and whose connection is closed as soon as its request waits."""
    if door.url == "http://mockfoundry.test":
        door.leave()
        return
    url, body = urlsplit(door.api), b'{"instances": 4}'
    head = f"POST {url.path}{SCALE} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: bearer admin\r\n"
    with socket.create_connection((str(url.hostname), url.port or 80)) as client:
        client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        door.wait_for_scale()


def test_a_hold_follows_the_delay(door: Door) -> None:
    door.play(delay={"virtual": "6s", "at-most": "1h"}, hold={"at": "before-commit", "name": "gate", "at-most": "1h"})
    with door.scaling() as answers:
        assert door.release() == 0
        set_clock(door, advance="6s")
        eventually(lambda: door.release() == 1, what="it is held")
    assert answers[0].status_code == 202


@pytest.mark.parametrize("steps", [("20s",), ("10s", "10s"), ("11s", "9s")], ids="+".join)
def test_what_waited_goes_on_in_the_world_of_its_moment_however_far_the_clock_is_moved(
    door: Door, steps: tuple[str, ...]
) -> None:
    """The quota is lowered from 5 s to 15 s, and the request waits for ten."""
    scenario = {
        "scenario": "waiting",
        "for": "15s",
        "events": [{"at": "5s", "given": {"organizations": [{"name": "acme", "quota": {"total_instances": 1}}]}}],
        "rules": [{"operation": "scaleProcess", "respond": {"delay": {"virtual": "10s", "at-most": "1h"}}}],
    }
    assert door.client.put(f"{door.control}/scenarios/waiting", json=scenario).is_success
    with door.scaling(5) as answers:
        for step in steps:
            set_clock(door, advance=step)
    assert answers[0].status_code == 422


def test_each_of_several_goes_on_at_its_own_moment(door: Door) -> None:
    set_clock(door, now="2040-01-01T00:00:00Z")
    delay_scales(door, "1s")
    with door.scaling(2):
        delay_scales(door, "61s")
        with door.scaling(3):
            set_clock(door, advance="2m")
    events = door.client.get(f"{door.api}/v3/audit_events?types=audit.app.process.scale").json()["resources"]
    assert [each["created_at"] for each in events] == ["2040-01-01T00:00:01Z", "2040-01-01T00:01:01Z"]
