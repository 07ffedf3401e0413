"""A secret that a client sends is found nowhere that the mock tells of it: not in one call, command, page or report."""

import contextlib
import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from mockfoundry.cli.ask import log, replay, retries
from mockfoundry.client.server import Server
from mockfoundry.pytest_plugin.foundations import render_failure_report
from tests import plain_http
from tests.searching import examples
from tests.serving import ADMIN, WEB, Serving, serving

SCALE = f"/v3/processes/{WEB}/actions/scale"
JSON = {"Content-Type": "application/json"}

SCENARIO = {
    "scenario": "busy",
    "rules": [
        {"operation": "scaleProcess", "times": 1, "respond": {"status": 503}},
        {
            "operation": "updateProcess",
            "when": {"headers": {"authorization": "bearer nobody", "x-api-key": "none"}, "body": {"command": "none"}},
            "respond": {"status": 500},
        },
    ],
}

names = (f"secrets-{number}" for number in count(1))
secrets = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=12, max_size=30).map("q{}7".format)

Send = Callable[[httpx.Client, str], Any]


def scale(content: str, **headers: str) -> Send:
    """A scale with a secret in its body or its headers."""

    def send(client: httpx.Client, secret: str) -> None:
        sent = {name.replace("_", "-"): text.replace("SECRET", secret) for name, text in {**JSON, **headers}.items()}
        client.post(SCALE, content=content.replace("SECRET", secret), headers={**ADMIN, **sent})

    return send


PLACES: dict[str, Send] = {
    "token": scale('{"instances": 2}', Authorization="bearer SECRET"),
    "cookies": scale('{"instances": 2}', Cookie="a=SECRET; b=SECRET"),
    "api key": scale('{"instances": 2}', X_Api_Key="SECRET"),
    "referer": scale('{"instances": 2}', Referer="https://x.example/?access_token=SECRET"),
    "field": scale('{"instances": 2, "password": "SECRET"}'),
    "nested": scale('{"instances": 2, "token": {"a": ["SECRET"]}}'),
    "broken": scale('{"instances": 2, "token": "SECRET'),
    "form": scale('{"token": "SECRET"}', Content_Type="application/x-www-form-urlencoded"),
    "text": scale('{"token": "SECRET"}', Content_Type="text/plain"),
    "query": lambda client, secret: client.post(f"{SCALE}?api_key={quote_plus(secret)}", headers=ADMIN),
    "unknown route": lambda client, secret: client.get(f"/v3/nothing?jwt={secret}", headers=ADMIN),
    "annotation": lambda client, secret: client.patch(
        f"/v3/processes/{WEB}", json={"metadata": {"annotations": {"token": secret}}}, headers=ADMIN
    ),
    "command": lambda client, secret: client.patch(
        f"/v3/processes/{WEB}", json={"command": f"run --password={secret}"}, headers=ADMIN
    ),
}


@pytest.fixture(scope="module")
def running() -> Iterator[Serving]:
    with serving() as server:
        yield server


def everything_told(server: Serving, name: str, secret: str) -> Iterator[str]:
    """All that calls, commands, the page and the report tell of a foundation."""
    path = f"/__mock/foundations/{name}"
    client = server.client
    yield client.get(f"{path}/requests?format=text").text
    entries = client.get(f"{path}/requests")
    yield entries.text
    for entry in entries.json()["requests"]:
        yield client.get(f"{path}/requests/{entry['number']}").text
    when = {"headers": {"authorization": f"bearer {secret}x", "x-api-key": "none"}, "body": {"password": "none"}}
    for operation in ("scaleProcess", "updateProcess"):
        yield client.post(f"{path}/verify", json={"operation": operation, "when": when}).text
        yield client.post(f"{path}/verify", json={"order": [{"operation": operation, "when": when}]}).text
    for call in ("changes", "replay", "coverage", "retries?max=0"):
        yield client.get(f"{path}/{call}").text
    yield client.get("/__mock/").text
    with plain_http.stream("GET", f"{server.url}{path}/requests?follow=true") as stream:
        lines = stream.iter_lines()
        for _ in entries.json()["requests"]:
            yield next(lines)
    for command in (log, retries, replay):
        for more in ((), ("--format", "json"), ("--curl", "1")):
            if command is log or not more:
                yield CliRunner().invoke(command, ["--url", server.url, "--foundation", name, *more]).output
    yield render_failure_report(Server.connect(server.url).foundation(name))


@settings(max_examples=examples(12))
@given(place=st.sampled_from(sorted(PLACES)), secret=secrets)
def test_a_secret_is_told_nowhere(running: Serving, place: str, secret: str) -> None:
    must_be_told_nowhere(running, place, secret)


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_in_each_place_is_told_nowhere(running: Serving, place: str) -> None:
    must_be_told_nowhere(running, place, "q3f-81.ax_77")


def must_be_told_nowhere(server: Serving, place: str, secret: str) -> None:
    name = next(names)
    server.client.put(f"/__mock/foundations/{name}/scenarios/busy", json=SCENARIO).raise_for_status()
    with plain_http.client(base_url=f"{server.url}/foundations/{name}") as client, contextlib.suppress(httpx.HTTPError):
        for _ in range(2):
            PLACES[place](client, secret)
    told = list(everything_told(server, name, secret))
    assert [text for text in told if secret in text] == []
    assert any("[redacted " in text for text in told)


def test_a_near_miss_tells_of_a_secret_that_it_is_another(running: Serving) -> None:
    name = next(names)
    running.client.put(f"/__mock/foundations/{name}/scenarios/busy", json=SCENARIO)
    sent = {"Authorization": "bearer q3f-81", "X-Api-Key": "q3f-82"}
    running.client.patch(f"/foundations/{name}/v3/processes/{WEB}", json={"password": "q3f-83"}, headers=sent)
    entry = running.client.get(f"/__mock/foundations/{name}/requests").json()["requests"][-1]
    assert "header authorization: wanted bearer [redacted " in entry["near_miss"]
    assert ", got bearer [redacted " in entry["near_miss"]
    assert "q3f" not in json.dumps(entry)


WANTED_SECRETS = [
    {"headers": {"x-api-key": "w7k-1"}},
    {"headers": {"authorization": {"enum": ["bearer w7k-2", "bearer w7k-3"]}}},
    {"body": {"metadata": {"const": {"labels": {"password": "w7k-4"}}}}},
]


@pytest.mark.parametrize("when", WANTED_SECRETS)
def test_a_near_miss_tells_no_secret_that_a_scenario_asks_for(running: Serving, when: dict[str, Any]) -> None:
    name = next(names)
    rule = {"operation": "updateProcess", "when": when, "respond": {"status": 500}}
    scenario = {"scenario": "busy", "rules": [rule]}
    assert running.client.put(f"/__mock/foundations/{name}/scenarios/busy", json=scenario).is_success
    running.client.patch(f"/foundations/{name}/v3/processes/{WEB}", json={}, headers=ADMIN)
    entry = running.client.get(f"/__mock/foundations/{name}/requests").json()["requests"][-1]
    assert ": wanted " in entry["near_miss"]
    assert "w7k" not in json.dumps(entry)
