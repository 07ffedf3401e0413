"""Seeds and states of any size up to one bound: read, exported and imported again; errors still have their places."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mockfoundry.cloudfoundry.seeds.read import read_seed
from mockfoundry.documents.problems import DocumentError
from mockfoundry.foundations.bounds import ServerBounds
from tests.serving import Serving

APPS = 1_500


def make_seed(apps: int = APPS) -> dict[str, Any]:
    made = [{"name": f"app-{number}", "processes": [{"type": "web", "instances": 2}]} for number in range(apps)]
    return {"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": made}]}]}


@pytest.mark.parametrize("door", ["protocol", pytest.param("asgi", marks=pytest.mark.long)])
def test_an_export_of_more_than_a_mebibyte_is_imported(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door)
    assert server.client.put("/__mock/foundations/a", json=make_seed()).json()["apps"] == APPS
    exported = server.client.get("/__mock/foundations/a/state").content
    assert len(exported) > 1 << 20
    for path in ("/__mock/foundations/b", "/__mock/foundations/a/state"):
        assert server.client.put(path, content=exported, headers={"Content-Type": "application/json"}).is_success
    assert server.client.get("/__mock/foundations/b").json()["apps"] == APPS


def test_one_option_bounds_seeds_and_states(serve: Callable[..., Serving]) -> None:
    server = serve(bounds=ServerBounds(seed_bytes=20_000))
    seed = make_seed(500)
    for method, path in (("PUT", ""), ("PUT", "/state"), ("PATCH", "/state")):
        refused = server.client.request(method, f"/__mock/foundations/a{path}", json=seed)
        assert refused.status_code == 413
        assert "more than 20000 bytes" in refused.json()["detail"]
        assert "larger --max-seed" in refused.json()["detail"]
    assert server.client.put("/__mock/foundations/a", json=make_seed(100)).is_success


PLACES: dict[str, tuple[str, str]] = {
    "a key": ('{"settings": {},\n  "setings": {}}', '2:3: "setings" is not a key of a seed; did you mean settings?'),
    "an item": (
        '{"organizations": [\n{"name": "a"},\n {"suspended": true}]}',
        "3:2: an organization needs the key name (its name; unique)",
    ),
    "behind escapes": ('{"organizations": [{"name": "\\"]}{", "x": 1}]}', '1:38: "x" is not a key of an organization'),
    "a key that stands twice": (
        '{"settings": {}, "organizations":\n [{"name": "a",\n "name": "b"}]}',
        "3:2: the key name stands twice, first in line 2; keep one of them",
    ),
    "twice in another spelling": (
        '{"settings": {"\\u0070latform": "available", "platform": "available"}}',
        "1:45: the key platform stands twice, first in line 1",
    ),
    "too deep": ('{"a": ' + "[" * 40 + "]" * 40 + "}", "nested deeper than 32 levels"),
    "no JSON and no YAML": ('{"settings": {"start_seconds": 1}', "a comma or } is missing before this"),
    "nothing of the kind": ("{}}", "is not YAML"),
}
"""A text, and what is said of it."""


@pytest.mark.parametrize("row", PLACES)
def test_a_fault_in_json_is_told_with_its_place(row: str) -> None:
    text, told = PLACES[row]
    with pytest.raises(DocumentError) as caught:
        read_seed(text, "seed.json")
    assert told in str(caught.value)


def test_brackets_in_texts_do_not_nest() -> None:
    apps = [{"name": f"app-{number}", "processes": [{"type": "web", "command": "[[["}]} for number in range(60)]
    organization = {"name": "a", "spaces": [{"name": "b", "apps": apps}]}
    seed = read_seed(json.dumps({"organizations": [organization]}), "seed.json")
    assert len(seed.fields["organizations"][0]["spaces"][0]["apps"]) == 60


def test_only_the_first_problems_are_told_and_how_many_more() -> None:
    text = '{"settings": {' + ", ".join(f'"x{number}": 1' for number in range(1_000)) + "}}"
    with pytest.raises(DocumentError) as caught:
        read_seed(text, "seed.json")
    assert len(caught.value.problems) == 20
    assert str(caught.value).splitlines()[-1] == "and 980 more"
