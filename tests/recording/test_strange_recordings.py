"""Recordings of anything: what a foundation or a program wrote into one never breaks a command."""

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mockfoundry.client.in_process import InProcess
from mockfoundry.documents.problems import DocumentError
from mockfoundry.options import ServerOptions
from mockfoundry.recording.comparison import compare_recording
from mockfoundry.recording.har import HarError
from mockfoundry.recording.reading import read_recording
from mockfoundry.recording.scenario_from import scenario_from_recording
from mockfoundry.recording.seed_from import seed_text_from_recording
from tests.recording.recorded import get, record_foundation
from tests.searching import examples

STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    "",
    "x",
    "[redacted 1]",
    "\u2028\x1b[2J",
    [],
    [1],
    {},
    {"a": 1},
    10**30,
)


@pytest.fixture(scope="module")
def document(server: InProcess, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A recording of everything that can be read, its bodies as values."""
    path = tmp_path_factory.mktemp("strange") / "a.har"
    foundation = server.foundation()
    headers = {"authorization": f"bearer {foundation.token_for('alice')}"}
    with httpx.Client(transport=server.transport(), base_url=foundation.url, headers=headers) as client:
        apps = client.get("/v3/apps").json()["resources"]
    targets = [
        f"/v3/{each}" for each in ("organizations", "spaces", "apps", "processes", "users", "roles", "deployments")
    ]
    requests = [get(each, headers) for each in (*targets, f"/v3/processes/{apps[0]['guid']}/stats")]
    record_foundation(server, foundation.url, path, requests)
    found: dict[str, Any] = json.loads(path.read_bytes())
    for entry in found["log"]["entries"]:
        entry["response"]["content"]["text"] = json.loads(entry["response"]["content"]["text"])
    return found


def list_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each mapping or list in a value, with each of its keys."""
    for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(each, dict | list):
            yield from list_places(each)


@given(st.integers(0, 1 << 32))
@settings(max_examples=examples(6), phases=[Phase.generate])
def test_any_value_in_place_of_another_is_taken_or_refused_in_words(document: dict[str, Any], number: int) -> None:
    """Whatever it is: a seed, a comparison and a scenario come of it, or the error of a file."""
    chance = random.Random(number)
    changed = json.loads(json.dumps(document))
    for _ in range(chance.randint(1, 5)):
        inside, key = chance.choice(list(list_places(changed["log"])))
        inside[key] = chance.choice(STRANGE)
    for entry in changed["log"]["entries"] if isinstance(changed["log"].get("entries"), list) else ():
        with suppress(TypeError, KeyError):
            entry["response"]["content"]["text"] = json.dumps(entry["response"]["content"]["text"])
    try:
        recording = read_recording(json.dumps(changed).encode(), "a.har")
    except HarError:
        return
    assert "\x1b" not in seed_text_from_recording(recording, "a.har")
    with suppress(DocumentError):
        compare_recording(recording, ServerOptions(), "a.har")
        scenario_from_recording(recording, ServerOptions(), "a.har")


def test_a_body_that_nests_too_deep_is_not_compared(document: dict[str, Any]) -> None:
    """All others are, with no difference."""
    changed = json.loads(json.dumps(document))
    for number, entry in enumerate(changed["log"]["entries"]):
        text = json.dumps(entry["response"]["content"]["text"])
        entry["response"]["content"]["text"] = '{"a":' * 800 + "1" + "}" * 800 if number == 0 else text
    compared = compare_recording(read_recording(json.dumps(changed).encode(), "a.har"), ServerOptions(), "a.har")
    assert [each for each in compared.differences if each.first == 1] == []
    assert compared.played == len(changed["log"]["entries"])
