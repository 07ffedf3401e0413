"""No NaN, Infinity, number of thousands of digits or half of a character gets past the reading of any JSON or YAML."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.documents.problems import DocumentError
from mockfoundry.scenarios.format import read_scenario
from tests.serving import WEB, Serving, serving

MINE = "/__mock/foundations/mine"
DIGITS = "1" * 5000

NONE = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "beyond every float": "1e999",
    "thousands of digits": DIGITS,
    "the first half of a pair": '"\\ud800"',
    "the second half of a pair": '"\\udc00"',
    "two first halves": '"\\ud800\\ud800"',
}


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as running:
        yield running


CONTROL_CALLS = [
    ("PATCH", "/clock", '{"rate": %s}'),
    ("PATCH", "/clock", '{"advance": %s}'),
    ("POST", "/tokens", '{"expires_in": %s}'),
    ("POST", "/verify", '{"times": %s}'),
    ("PUT", "", '{"settings": {"start_seconds": %s}}'),
    ("PUT", "/state", '{"settings": {"start_seconds": %s}}'),
    ("PATCH", "/state", '{"settings": {"start_seconds": %s}}'),
    ("PUT", "/scenarios/x", '{"scenario": "x", "rules": [{"operation": "scaleProcess", "chance": %s}]}'),
]


@pytest.mark.parametrize("row", NONE)
@pytest.mark.parametrize(("method", "path", "body"), CONTROL_CALLS)
@pytest.mark.parametrize("media_type", ["application/json", "application/yaml"])
def test_no_control_call_takes_one(
    server: Serving, method: str, path: str, body: str, media_type: str, row: str
) -> None:
    server.client.put(MINE)
    before = server.client.get(f"{MINE}/clock").json()["rate"], server.client.get(f"{MINE}/changes").json()
    refused = server.client.request(method, MINE + path, content=body % NONE[row], headers={"Content-Type": media_type})
    assert refused.status_code in (400, 415, 422), refused.text
    assert "truncated" not in refused.text
    assert (server.client.get(f"{MINE}/clock").json()["rate"], server.client.get(f"{MINE}/changes").json()) == before


@pytest.mark.parametrize("row", NONE)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"/v3/processes/{WEB}/actions/scale", '{"instances": %s}'),
        ("POST", f"/v3/processes/{WEB}/actions/scale", '{"memory_in_mb": %s}'),
        ("PATCH", f"/v3/processes/{WEB}", '{"command": %s}'),
        ("PATCH", f"/v3/processes/{WEB}", '{"metadata": {"labels": {"a": %s}}}'),
    ],
)
def test_no_client_can_write_one(server: Serving, method: str, path: str, body: str, row: str) -> None:
    server.client.put(MINE)
    headers = {"Content-Type": "application/json", "X-Mock-Foundation": "mine"}
    refused = server.client.request(method, path, content=body % NONE[row], headers=headers)
    assert refused.status_code in (400, 422), refused.text
    assert server.client.get(f"{MINE}/changes").json()["changes"] == []


@pytest.mark.parametrize("row", NONE)
@pytest.mark.parametrize("text", ["scenario: x\nrules: [{operation: scaleProcess, chance: %s}]\n", '{"scenario": %s}'])
def test_no_scenario_has_one(text: str, row: str) -> None:
    with pytest.raises(DocumentError):
        read_scenario(text % NONE[row], source="x.yaml")


def test_half_of_a_character_is_told_with_its_place(server: Serving) -> None:
    text, headers = '{"settings":\n {"start_seconds": "\\ud800"}}', {"Content-Type": "application/yaml"}
    refused = server.client.put(MINE, content=text, headers=headers).json()
    assert "body:2:21: \\ud800 is half of a surrogate pair" in refused["detail"]
    told = server.client.patch(f"{MINE}/clock", content='{"advance": "\\ud800"}').json()["detail"]
    assert "at character 13, \\ud800 is half of a surrogate pair" in told


def test_a_whole_pair_is_a_character(server: Serving) -> None:
    seed = '{"organizations": [{"name": "\\ud83d\\ude00"}, {"name": "\\\\ud800"}]}'
    assert server.client.put(MINE, content=seed).is_success
    names = [each["name"] for each in server.client.get(f"{MINE}/state").json()["organizations"]]
    assert names == ["\U0001f600", "\\ud800"]


@pytest.fixture(scope="module")
def foundation() -> Iterator[Foundation]:
    with InProcess() as running:
        yield running.foundation("mine")


PYTHON: list[Any] = [float("nan"), float("inf"), -float("inf"), 10**5000, "\ud800", "a\udc00"]


@pytest.mark.parametrize("value", PYTHON, ids=[*NONE][: len(PYTHON)])
def test_python_says_where_one_is(foundation: Foundation, value: Any) -> None:
    calls = (
        lambda: foundation.change({"settings": {"start_seconds": value}}),
        lambda: foundation.replace({"settings": {"start_seconds": value}}),
        lambda: foundation.begin({"settings": {"start_seconds": value}}),
        lambda: foundation.play({"scenario": "x", "settings": {"start_seconds": value}}),
        lambda: foundation.verify(when={"body": {"settings": {"start_seconds": value}}}),
    )
    for call in calls:
        with pytest.raises(ValueError, match=r"settings/start_seconds: ") as caught:
            call()
        assert not isinstance(caught.value, UnicodeError)
    with pytest.raises(ValueError, match="a key"):
        foundation.change({"\ud800": 1})
    assert foundation.changes() == []


def test_a_date_of_another_script_is_no_number(server: Serving) -> None:
    """Python's int() reads the digits of every script; a query has those of ASCII."""
    server.client.put(MINE)
    url = f"{server.url}/foundations/mine/v3/processes?per_page=%D9%A3"
    shown = httpx.get(url, headers={"Authorization": "bearer a"})
    assert shown.status_code == 400
