"""Counted apps: one entry of a seed that stands for many, each with its number."""

import re
from typing import Any

import pytest

from mockfoundry.cloudfoundry.seeds.export import export_world
from mockfoundry.cloudfoundry.seeds.kinds import MAX_COUNT, MAX_REPEATED
from mockfoundry.cloudfoundry.seeds.read import read_seed, world_from_seed
from mockfoundry.documents.problems import DocumentError
from tests.cloudfoundry.test_seed_files import BORN
from tests.seed_page import SEED_PAGE
from tests.serving import Serving


def seed_of(*apps: dict[str, Any]) -> dict[str, Any]:
    return {"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": list(apps)}]}]}


def text_of(*apps: str) -> str:
    return "organizations: [{name: acme, spaces: [{name: dev, apps: [" + ", ".join(apps) + "]}]}]\n"


def test_forty_like_apps_are_there_with_their_numbers(serve: Any) -> None:
    processes = [{"type": "web", "instances": 2, "command": "run {n}"}]
    server: Serving = serve(seed=seed_of({"name": "shop-{n}", "guid": "g{n}", "count": 40, "processes": processes}))
    listed = server.client.get("/v3/processes?per_page=100").json()["resources"]
    assert len(listed) == 40
    assert [each["guid"] for each in listed] == [f"g{number}" for number in range(1, 41)]
    assert server.client.get("/v3/processes/g7").json()["command"] == "run 7"


def test_the_example_of_the_page_has_forty_apps_and_one() -> None:
    (example,) = re.findall(r"```yaml\n(organizations:.*?count: 40.*?)```", SEED_PAGE.read_text("utf-8"), re.DOTALL)
    world = world_from_seed(read_seed(example, "page"), random_seed=1, began_at=BORN)
    assert [app.name for app in world.apps.values()] == [*(f"shop-{n}" for n in range(1, 41)), "shop-admin"]


def test_an_export_names_each_app_and_gives_the_same_world_again() -> None:
    seed = read_seed(text_of('{name: "shop-{n}", count: 3, droplet: {process_types: {web: "run {n}"}}}'), "seed.yaml")
    world = world_from_seed(seed, random_seed=1, began_at=BORN)
    exported = export_world(world)
    apps = exported["organizations"][0]["spaces"][0]["apps"]
    assert [each["name"] for each in apps] == ["shop-1", "shop-2", "shop-3"]
    assert all("count" not in each for each in apps)
    plain = text_of(*(f'{{name: shop-{n}, droplet: {{process_types: {{web: "run {n}"}}}}}}' for n in (1, 2, 3)))
    assert world_from_seed(read_seed(plain, "plain.yaml"), random_seed=1, began_at=BORN) == world


def test_a_change_in_a_seed_s_words_may_count_too(serve: Any) -> None:
    server: Serving = serve(seed=seed_of({"name": "shop-1"}))
    scenario = {"scenario": "more", "given": seed_of({"name": "shop-{n}", "count": 3, "state": "STOPPED"})}
    assert server.client.put("/__mock/foundations/default/scenarios/more", json=scenario).status_code == 200
    state = server.client.get("/__mock/foundations/default/state").json()
    apps = state["organizations"][0]["spaces"][0]["apps"]
    assert [(each["name"], each["state"]) for each in apps] == [(f"shop-{n}", "STOPPED") for n in (1, 2, 3)]


FAULTY = {
    "{name: shop, count: 2}": ["1:59: beside count, a name has {n} in it, which stands for 1 to 2: shop-{n}"],
    '{name: "a-{n}", count: 0}': [f"1:74: count is 0; it must be a whole number from 1 to {MAX_COUNT}"],
    '{name: "a-{n}", count: true}': [f"1:74: count is true; it must be a whole number from 1 to {MAX_COUNT}"],
    "{count: 3}": ["1:58: an app needs the key name (its name; unique in its space)"],
    '{name: "a-{n}", count: 3, state: GONE}': ['1:84: state is "GONE"; it must be STARTED or STOPPED'],
    '{name: "a-{n}", count: 3}, {name: a-2}': ['1:86: there is a second app "a-2"; each name is there once'],
    '{name: "a-{n}", count: 3, guid: same}': ['1:84: the guid "same" is taken; each is there once'],
}


@pytest.mark.parametrize("apps", FAULTY)
def test_what_is_wrong_with_a_counted_app_is_told_once(apps: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_seed(text_of(apps), "seed.yaml")
    assert str(caught.value).splitlines() == [f"seed.yaml:{line}" for line in FAULTY[apps]]


def test_counts_are_bounded_together() -> None:
    """So a small file makes no large world."""
    most = MAX_REPEATED // MAX_COUNT
    apps = [f'{{name: "{chr(97 + number)}-{{n}}", count: {MAX_COUNT}}}' for number in range(most + 1)]
    with pytest.raises(DocumentError) as caught:
        read_seed(text_of(*apps), "seed.yaml")
    (problem,) = caught.value.problems
    assert problem.text == f"with this, counts ask for more than {MAX_REPEATED} apps; ask for fewer"
