"""The lines of requests: names in place of guids, also of what is gone; as text, followed, and in verdicts."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mockfoundry.foundations.bounds import ServerBounds
from tests import plain_http
from tests.serving import WEB, Serving, serving
from tests.waiting import must_end

SEED = """
organizations:
- name: acme
  spaces:
  - name: dev
    apps:
    - {name: dora, guid: 11111111-1111-4111-8111-111111111111, processes: [
        {type: web, guid: 11111111-1111-4111-8111-111111111111}]}
    - {name: twin, guid: 22222222-2222-4222-8222-222222222222}
  - name: prod
    apps:
    - {name: twin, guid: 33333333-3333-4333-8333-333333333333}
"""
APPS = {
    "dora": "11111111-1111-4111-8111-111111111111",
    "acme/dev/twin": "22222222-2222-4222-8222-222222222222",
    "acme/prod/twin": "33333333-3333-4333-8333-333333333333",
}
DORA_WEB = APPS["dora"]
"""The web process of an app has its guid, in a real foundation as well."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Serving]:
    with serving() as server:
        yield server


@pytest.fixture
def foundation(shared: Serving, request: pytest.FixtureRequest) -> str:
    """The path of a foundation of the test's own."""
    name = re.sub(r"\W+", "-", request.node.name)[:60].strip("-")
    path = f"/__mock/foundations/{name}"
    shared.client.put(path, content=SEED, headers={"Content-Type": "application/yaml"})
    return path


def send(shared: Serving, foundation: str, method: str, path: str, body: Any = None) -> None:
    prefix = foundation.removeprefix("/__mock")
    headers = {"Authorization": "bearer admin"}
    plain_http.request(method, f"{shared.url}{prefix}{path}", json=body, headers=headers)


def lines(shared: Serving, foundation: str, query: str = "") -> list[str]:
    """What the journal's text says, without the waits."""
    answer = shared.client.get(f"{foundation}/requests?format=text{query}")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return [re.sub(r" \+\S+( \(clock \S+\))?", "", line) for line in answer.text.splitlines()]


def test_apps_are_called_by_name_and_in_full_where_two_have_the_same(shared: Serving, foundation: str) -> None:
    for guid in APPS.values():
        send(shared, foundation, "GET", f"/v3/apps/{guid}")
    told = [f"#{number} getApp {name} → 200" for number, name in enumerate(APPS, 1)]
    assert lines(shared, foundation) == told


def test_what_was_deleted_is_called_as_it_was(shared: Serving, foundation: str) -> None:
    """An app of the seed by the world that the foundation began as; one made since by its audit events."""
    api = foundation.removeprefix("/__mock")
    space = shared.client.get(f"{api}/v3/spaces?names=dev").json()["resources"][0]["guid"]
    body = {"name": "brief", "relationships": {"space": {"data": {"guid": space}}}}
    brief = shared.client.post(f"{api}/v3/apps", json=body).json()["guid"]
    for guid in (APPS["dora"], brief):
        shared.client.delete(f"{api}/v3/apps/{guid}")
    shared.client.patch(f"{foundation}/clock", json={"advance": "1m"})
    for path in (f"processes/{DORA_WEB}", f"apps/{brief}", "apps/99999999-9999-4999-8999-999999999999"):
        shared.client.get(f"{api}/v3/{path}")
    assert lines(shared, foundation)[1:] == [
        '#2 createApp {"name":"brief","relationships":{"space":{"data":{"guid":"<acme/dev>"}}}} → 201',
        "#3 deleteApp dora → 202",
        "#4 deleteApp brief → 202",
        "#5 getProcess dora/web → 404 CF-ResourceNotFound: no process has this guid",
        "#6 getApp brief → 404 CF-ResourceNotFound: no app has this guid",
        "#7 getApp 99999999… → 404 CF-ResourceNotFound: no app has this guid",
    ]


def test_the_text_has_the_lines_of_the_values(shared: Serving, foundation: str) -> None:
    """Repeats share one, and the filters hold for both."""
    for instances in (3, 3, 3, 4):
        send(shared, foundation, "POST", f"/v3/processes/{DORA_WEB}/actions/scale", {"instances": instances})
    send(shared, foundation, "GET", f"/v3/processes/{DORA_WEB}")
    answer = shared.client.get(f"{foundation}/requests?operation=scaleProcess").json()
    text = shared.client.get(f"{foundation}/requests?operation=scaleProcess&format=text").text
    assert [(each["first"], each["last"], each["times"]) for each in answer["lines"]] == [(1, 3, 3), (4, 4, 1)]
    assert text == "".join(f"{each['line']}\n" for each in answer["lines"])
    assert text.splitlines()[0].endswith('scaleProcess dora/web {"instances":3} → 202')
    assert answer["lines"][1]["line"] == answer["requests"][3]["line"]
    shown = shared.client.get(f"{foundation}/requests/4").json()
    assert shown["line"] == answer["requests"][3]["line"]


def test_an_empty_journal_is_an_empty_text(shared: Serving, foundation: str) -> None:
    assert lines(shared, foundation) == []


def test_a_journal_that_forgot_says_so_in_its_first_line() -> None:
    with serving(bounds=ServerBounds(journal=4_000)) as server:
        for instances in range(20):
            server.scale({"instances": instances})
        first, *_ = server.client.get("/__mock/foundations/default/requests?format=text").text.splitlines()
    assert re.fullmatch(r"… \d+ exchanges were dropped from the journal before these", first)


def test_a_journal_is_followed_as_text(shared: Serving, foundation: str) -> None:
    for _ in range(3):
        send(shared, foundation, "GET", f"/v3/processes/{DORA_WEB}")
    with plain_http.stream("GET", f"{shared.url}{foundation}/requests?follow=true&format=text") as stream:
        assert stream.headers["content-type"] == "text/plain; charset=utf-8"
        followed = stream.iter_lines()
        numbers = [next(followed).partition(" ")[0] for _ in range(3)]
        send(shared, foundation, "POST", f"/v3/processes/{DORA_WEB}/actions/scale", {"instances": 2})
        last = next(followed)
    assert numbers == ["#1", "#2", "#3"]
    assert re.fullmatch(r'#4 \+\S+ scaleProcess dora/web {"instances":2} → 202', last)


def test_who_follows_later_is_told_the_names_and_outcomes_of_then(shared: Serving, foundation: str) -> None:
    """Followers share what was made for the one before, as long as that would be the same now."""
    follow = f"{shared.url}{foundation}/requests?follow=true&format=text"
    hold = {"hold": {"at": "before-commit", "name": "gate"}}
    held = {"scenario": "held", "rules": [{"operation": "scaleProcess", "respond": hold}]}
    assert shared.client.put(f"{foundation}/scenarios/held", json=held).is_success
    send(shared, foundation, "GET", f"/v3/processes/{DORA_WEB}")
    scale = f"/v3/processes/{DORA_WEB}/actions/scale"
    client = threading.Thread(target=send, args=(shared, foundation, "POST", scale, {"instances": 2}))
    client.start()

    def follow_two() -> list[str]:
        with plain_http.stream("GET", follow) as stream:
            followed = stream.iter_lines()
            return [re.sub(r" \+\S+| (after|by) .*", "", next(followed)) for _ in range(2)]

    verify = {"operation": "scaleProcess", "answered": False, "times": 1, "within": "60s"}
    assert shared.client.post(f"{foundation}/verify", json=verify).json()["result"] == "holds"
    told = ["#1 getProcess dora/web → 200", '#2 scaleProcess dora/web {"instances":2} → still waits']
    assert [follow_two(), follow_two()] == [told, told]
    shared.client.post(f"{foundation}/holds/gate/release")
    must_end(client)
    renamed = shared.client.patch(f"{foundation.removeprefix('/__mock')}/v3/apps/{DORA_WEB}", json={"name": "nora"})
    assert renamed.status_code == 200
    told = ["#1 getProcess nora/web → 200", '#2 scaleProcess nora/web {"instances":2} → 202']
    assert [follow_two(), follow_two()] == [told, told]
    assert shared.client.post(f"{foundation}/reset").is_success
    send(shared, foundation, "GET", f"/v3/apps/{DORA_WEB}")
    send(shared, foundation, "GET", f"/v3/processes/{DORA_WEB}")
    assert follow_two() == ["#1 getApp dora → 200", "#2 getProcess dora/web → 200"]


def test_a_failed_verification_shows_what_fits_and_the_nearest_with_its_difference(
    shared: Serving, foundation: str
) -> None:
    for instances in (3, 4, 0):
        send(shared, foundation, "POST", f"/v3/processes/{DORA_WEB}/actions/scale", {"instances": instances})
    asked = {"operation": "scaleProcess", "when": {"body": {"instances": {"minimum": 3}}}, "times": 3}
    said = re.sub(r"\+\S+ ", "", shared.client.post(f"{foundation}/verify", json=asked).json()["said"])
    assert said.splitlines() == [
        'expected scaleProcess with body instances {"minimum":3} exactly 3 times, saw 2 times:',
        '  #1 scaleProcess dora/web {"instances":3} → 202',
        '  #2 scaleProcess dora/web {"instances":4} → 202',
        "nearest:",
        '  #3 scaleProcess dora/web {"instances":0} → 202',
        '      body instances: wanted {"minimum":3}, got 0',
    ]


def test_a_failed_verification_shows_the_first_of_many_and_says_how_many_more(shared: Serving, foundation: str) -> None:
    for instances in range(13):
        send(shared, foundation, "POST", f"/v3/processes/{DORA_WEB}/actions/scale", {"instances": instances})
    verdict = shared.client.post(f"{foundation}/verify", json={"operation": "scaleProcess", "at_most": 1}).json()
    said = verdict["said"].splitlines()
    assert said[0] == "expected scaleProcess at most 1 time, saw 13 times:"
    assert (len(said), said[-1], verdict["matched"]) == (12, "  … and 3 more", list(range(1, 14)))


def test_a_verification_that_waited_says_for_how_long(shared: Serving, foundation: str) -> None:
    asked = {"operation": "scaleProcess", "within": "10ms"}
    said = shared.client.post(f"{foundation}/verify", json=asked).json()["said"]
    assert said == "expected scaleProcess at least 1 time, saw 0 times; no request has come at all; waited 10ms"


def test_a_world_of_many_apps_calls_each_in_full(
    shared: Serving, foundation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockfoundry.foundations.names.MAX_COMPARED_APPS", 2)
    send(shared, foundation, "GET", f"/v3/processes/{DORA_WEB}")
    assert lines(shared, foundation) == ["#1 getProcess acme/dev/dora/web → 200"]


def test_a_guid_of_another_foundation_is_cut(shared: Serving, foundation: str) -> None:
    send(shared, foundation, "GET", f"/v3/processes/{WEB}")
    assert lines(shared, foundation) == ["#1 getProcess 6a901b7c… → 404 CF-ResourceNotFound: no process has this guid"]
