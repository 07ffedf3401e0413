"""Worlds: every one is accepted, in each dora can be scaled, and the simplest is the default seed's app alone."""

from typing import Any

import pytest
import yaml
from hypothesis import find, given, settings
from hypothesis.errors import InvalidArgument

from mockfoundry.strategies.worlds import worlds
from tests.searching import examples
from tests.serving import WEB
from tests.strategies.playing import CONTROL, Shared, quick, reached, shrunk

pytestmark = pytest.mark.hypothesis

FOUNDATION = "/foundations/played"


@given(worlds())
@quick
def test_every_world_is_accepted_and_dora_can_be_scaled_in_it(shared: Shared, world: dict[str, Any]) -> None:
    made = shared.client.put(CONTROL, json=world)
    assert made.status_code in (200, 201), made.text
    scaled = shared.client.post(f"{FOUNDATION}/v3/processes/{WEB}/actions/scale", json={"instances": 100})
    assert scaled.status_code == 202, scaled.text


@given(worlds())
@settings(quick, max_examples=examples(10))
def test_a_world_is_the_same_as_yaml(shared: Shared, world: dict[str, Any]) -> None:
    shown = []
    for text in (yaml.safe_dump(world, sort_keys=False), yaml.safe_dump(world, sort_keys=False, allow_unicode=True)):
        made = shared.client.put(CONTROL, content=text, headers={"Content-Type": "application/yaml"})
        assert made.status_code in (200, 201), made.text
        shown.append(shared.client.get(f"{FOUNDATION}/v3/processes").json()["pagination"]["total_results"])
    assert shown[0] == shown[1]


@pytest.mark.long
def test_the_simplest_world_has_one_app_with_one_instance(shared: Shared) -> None:
    shared.client.put(CONTROL, json=find(worlds(), bool, settings=shrunk)).raise_for_status()
    listed = shared.client.get(f"{FOUNDATION}/v3/processes").json()["resources"]
    assert [(each["guid"], each["type"], each["instances"]) for each in listed] == [(WEB, "web", 1)]


def apps(world: dict[str, Any]) -> list[dict[str, Any]]:
    spaces = [space for organization in world["organizations"] for space in organization["spaces"]]
    return [app for space in spaces for app in space["apps"]]


WANTED = {
    "a second organization": lambda world: len(world["organizations"]) > 1,
    "a suspended one": lambda world: any(each.get("suspended") for each in world["organizations"]),
    "a second space": lambda world: len(world["organizations"][0]["spaces"]) > 1,
    "a stopped app": lambda world: any(app.get("state") == "STOPPED" for app in apps(world)),
    "an app that is being deployed": lambda world: any("deployment" in app for app in apps(world)),
    "an instance that crashed": lambda world: "CRASHED" in str(world),
    "a user with a role in a space": lambda world: any(each.get("spaces") for each in world.get("users", ())),
}


@pytest.mark.parametrize("row", WANTED)
def test_worlds_have(row: str) -> None:
    assert find(worlds(), WANTED[row], settings=reached)


@given(worlds(max_organizations=1, max_spaces=1, max_apps=1, max_instances=2, max_users=0))
@quick
def test_a_world_is_no_larger_than_asked(world: dict[str, Any]) -> None:
    assert [app["name"] for app in apps(world)] == ["dora"]
    assert all(process["instances"] <= 2 for process in apps(world)[0]["processes"])
    assert "users" not in world


def test_a_bound_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"worlds\(max_apps=…\): 0 is not a whole number from 1 to 100; give one"):
        worlds(max_apps=0)
