"""What belongs to apps in seeds, in exports and in `given:`: built, written exactly, merged, and checked."""

from typing import Any

import httpx
import pytest
import yaml

from mockfoundry.cloudfoundry.seeds.build import build_world
from mockfoundry.cloudfoundry.seeds.read import read_seed
from mockfoundry.documents.problems import DocumentError
from tests.cloudfoundry.asking import Asking, guids
from tests.cloudfoundry.parts_world import parts_seed

EVERYTHING = (
    "/v3/routes",
    "/v3/domains",
    "/v3/droplets",
    "/v3/packages",
    "/v3/builds",
    "/v3/tasks",
    *(f"/v3/apps/{app}/{part}" for app in ("dora", "idle", "bare", "far-app") for part in ("revisions", "tasks")),
    "/v3/apps/dora/droplets/current",
    "/v3/revisions/first/environment_variables",
)


def show_everything(foundation: Asking) -> list[Any]:
    return [foundation.ask("GET", path).json() for path in EVERYTHING]


def state_of(foundation: Asking, query: str = "") -> dict[str, Any]:
    path = f"/__mock/foundations/{foundation.name}/state{query}"
    answer = foundation.server.client.get(path).raise_for_status()
    state: dict[str, Any] = answer.json()
    return state


def import_elsewhere(foundation: Asking, state: dict[str, Any], later: float = 0) -> Asking:
    """Another foundation with a state, whose clock is so many seconds ahead."""
    other = Asking(foundation.server)
    other.server.client.put(f"/__mock/foundations/{other.name}?random_seed=77", json={}).raise_for_status()
    clock = other.world.clock
    clock.virtual, clock.rate = foundation.now + round(later * 1_000_000), 0.0
    answer: httpx.Response = other.server.client.put(f"/__mock/foundations/{other.name}/state", json=state)
    assert answer.status_code == 200, answer.text
    return other


def test_an_exported_world_is_imported_exactly_and_goes_on(parts: Asking) -> None:
    parts.ask("PATCH", "/v3/apps/dora/relationships/current_droplet", {"data": {"guid": "older"}})
    parts.ask("POST", "/v3/apps/idle/tasks", {"command": "x", "name": "y"})
    parts.ask("POST", "/v3/apps/dora/actions/restart")
    parts.advance(0.5)
    other = import_elsewhere(parts, state_of(parts))
    assert show_everything(other) == show_everything(parts)
    assert state_of(other) == state_of(parts)
    for foundation in (parts, other):
        foundation.advance(1)
    assert show_everything(other) == show_everything(parts)


def test_a_task_that_runs_goes_on_in_a_foundation_of_another_time(parts: Asking) -> None:
    parts.advance(4)
    other = import_elsewhere(parts, state_of(parts), later=3600)
    other.advance(5.999)
    assert other.ask("GET", "/v3/tasks/running").json()["state"] == "RUNNING"
    other.advance(0.001)
    assert other.ask("GET", "/v3/tasks/running").json()["state"] == "SUCCEEDED"


def test_an_app_that_says_nothing_is_written_in_a_few_words(parts: Asking) -> None:
    (app,) = (
        each
        for organization in state_of(parts)["organizations"]
        for space in organization["spaces"]
        for each in space["apps"]
        if each["name"] == "far"
    )
    assert not {"droplets", "packages", "revisions"} & app.keys()
    assert app["droplet"].keys() == {"guid", "created_at", "updated_at", "process_types", "package"}


def test_a_route_that_leads_to_no_app_is_one_of_its_space(parts: Asking) -> None:
    parts.ask("DELETE", "/v3/apps/dora")
    parts.advance(100)
    dev = state_of(parts)["organizations"][0]["spaces"][0]
    assert sorted(each["guid"] for each in dev["routes"]) == ["route-dora", "route-tcp", "route-unmapped"]
    assert guids(parts.ask("GET", "/v3/apps/idle/routes")) == ["route-shared"]
    assert [each["app"]["guid"] for each in parts.ask("GET", "/v3/routes/route-shared").json()["destinations"]] == [
        "idle"
    ]
    kinds = [each.kind for each in parts.events]
    assert kinds.count("audit.app.unmap-route") == 3
    assert kinds.count("audit.app.package.delete") == 3
    assert kinds.count("audit.app.droplet.delete") == 5
    assert show_everything(import_elsewhere(parts, state_of(parts)))[:6] == show_everything(parts)[:6]


def test_the_last_revision_of_a_seed_is_the_current_one_unless_it_names_another() -> None:
    seed = parts_seed()
    dora = seed["organizations"][0]["spaces"][0]["apps"][0]
    del dora["revision"]
    apps = read_world(seed)
    assert apps["dora"].revision == "broken"
    assert apps["bare"].revision is None


def read_world(seed: dict[str, Any]) -> Any:

    return build_world(read_seed(yaml.safe_dump(seed), "seed.yaml").fields, 1, 1_700_000_000_000_000).apps


# given:


def test_a_droplet_is_found_by_its_guid_and_a_new_one_is_added(parts: Asking) -> None:
    parts.given_app(
        "dora",
        droplets=[
            {"guid": "failed", "state": "STAGED", "error": None, "process_types": {"web": "fixed"}},
            {"guid": "current", "stack": "windows"},
            {"guid": "new", "state": "COPYING"},
        ],
    )
    droplets = {each["guid"]: each for each in parts.ask("GET", "/v3/apps/dora/droplets").json()["resources"]}
    assert (droplets["failed"]["state"], droplets["failed"]["error"]) == ("STAGED", None)
    assert droplets["current"]["stack"] == "windows"
    assert droplets["new"]["state"] == "COPYING"
    assert parts.ask("GET", "/v3/apps/dora/droplets/current").json()["guid"] == "current"


def test_another_droplet_of_the_app_becomes_current_by_its_guid(parts: Asking) -> None:
    before = sorted(guids(parts.ask("GET", "/v3/apps/dora/droplets")))
    parts.given_app("dora", droplet={"guid": "older"})
    current = parts.ask("GET", "/v3/apps/dora/droplets/current").json()
    assert (current["guid"], current["process_types"]) == ("older", {"web": "old", "cron": "tick"})
    assert sorted(guids(parts.ask("GET", "/v3/apps/dora/droplets"))) == before


def test_a_package_that_only_followed_from_a_droplet_is_held_once_it_is_named(parts: Asking) -> None:
    (package,) = guids(parts.ask("GET", "/v3/apps/idle/packages"))
    parts.given_app("idle", packages=[{"guid": package, "state": "FAILED", "error": "lost"}, {"guid": "next"}])
    shown = parts.ask("GET", "/v3/apps/idle/packages").json()["resources"]
    assert [(each["guid"], each["state"]) for each in shown] == [(package, "FAILED"), ("next", "READY")]
    assert shown[0]["data"]["error"] == "lost"
    assert guids(parts.ask("GET", f"/v3/packages/{package}/droplets")) != []
    assert guids(parts.ask("GET", "/v3/packages/next/droplets")) == []


def test_revisions_are_found_by_version_and_tasks_by_name(parts: Asking) -> None:
    parts.given_app(
        "dora",
        revisions=[{"version": 2, "description": "told"}, {"description": "later"}],
        tasks=[{"name": "seed", "state": "SUCCEEDED", "failure_reason": None}, {"name": "fresh", "seconds": "2s"}],
    )
    revisions = parts.ask("GET", "/v3/apps/dora/revisions").json()["resources"]
    assert [(each["version"], each["description"]) for each in revisions] == [
        (1, "Initial revision."),
        (2, "told"),
        (3, "New droplet deployed."),
        (4, "later"),
    ]
    tasks = parts.ask("GET", "/v3/apps/dora/tasks").json()["resources"]
    assert [(each["sequence_id"], each["name"], each["state"]) for each in tasks][1::3] == [
        (2, "seed", "SUCCEEDED"),
        (5, "fresh", "RUNNING"),
    ]
    parts.advance(2)
    assert parts.ask("GET", f"/v3/tasks/{tasks[4]['guid']}").json()["state"] == "SUCCEEDED"


def test_a_revision_that_only_followed_from_its_app_is_held_once_it_is_named(parts: Asking) -> None:
    (revision,) = guids(parts.ask("GET", "/v3/apps/idle/revisions"))
    parts.given_app("idle", revisions=[{"version": 1, "description": "told"}])
    (shown,) = parts.ask("GET", "/v3/apps/idle/revisions").json()["resources"]
    assert (shown["guid"], shown["description"]) == (revision, "told")


def test_a_task_that_is_given_an_end_counts_from_now(parts: Asking) -> None:
    parts.advance(60)
    parts.given(
        organizations=[
            {
                "name": "other",
                "spaces": [{"name": "far", "apps": [{"name": "far", "tasks": [{"name": "far", "seconds": "3s"}]}]}],
            }
        ]
    )
    parts.advance(2)
    assert parts.ask("GET", "/v3/tasks/far-task").json()["state"] == "RUNNING"
    parts.advance(1)
    assert parts.ask("GET", "/v3/tasks/far-task").json()["state"] == "SUCCEEDED"


def test_routes_are_found_by_their_address_or_guid(parts: Asking) -> None:
    parts.given_app(
        "idle",
        routes=[
            {"host": "shared", "path": "/api", "process_type": "web", "weight": 7},
            {"guid": "route-dora", "host": "moved"},
            {"domain": "new.example.com"},
        ],
    )
    shared = parts.ask("GET", "/v3/routes/route-shared").json()["destinations"]
    found = {(each["app"]["guid"], each["app"]["process"]["type"]): each["weight"] for each in shared}
    assert found == {("dora", "web"): None, ("idle", "worker"): None, ("idle", "web"): 7}
    moved = parts.ask("GET", "/v3/routes/route-dora").json()
    assert (moved["url"], len(moved["destinations"])) == ("moved.apps.example.com", 2)
    (new,) = parts.ask("GET", "/v3/routes?hosts=idle").json()["resources"]
    assert new["url"] == "idle.new.example.com"
    parts.given_space(routes=[{"guid": "route-unmapped", "metadata": {"labels": {"a": "b"}}}, {"host": "free"}])
    assert parts.ask("GET", "/v3/routes/route-unmapped").json()["metadata"]["labels"] == {"a": "b"}
    assert len(guids(parts.ask("GET", "/v3/routes?hosts=free"))) == 1


def app_with(**fields: Any) -> dict[str, Any]:
    return {"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": [{"name": "dora", **fields}]}]}]}


MISFITS: dict[str, tuple[dict[str, Any], str]] = {
    "a droplet of another app": (
        app_with(droplets=[{"guid": "far-droplet"}]),
        'organizations/0/spaces/0/apps/0/droplets/0/guid: the guid "far-droplet" is taken; each is there once',
    ),
    "a current droplet of another app": (
        app_with(droplet={"guid": "far-droplet"}),
        'organizations/0/spaces/0/apps/0/droplet/guid: the guid "far-droplet" is taken; each is there once',
    ),
    "a package of another app that follows from its droplet": (
        app_with(packages=[{"guid": "package-of-far-droplet"}]),
        "organizations/0/spaces/0/apps/0/packages/0/guid: "
        'the guid "package-of-far-droplet" is taken; each is there once',
    ),
    "a task twice": (
        app_with(tasks=[{"guid": "new"}, {"guid": "new"}]),
        'organizations/0/spaces/0/apps/0/tasks/1/guid: the guid "new" is taken; each is there once',
    ),
    "one guid for several apps": (
        {
            "organizations": [
                {"name": "acme", "spaces": [{"name": "dev", "apps": [{"name": "*", "revisions": [{"guid": "x"}]}]}]}
            ]
        },
        "organizations/0/spaces/0/apps/0/revisions/0/guid: "
        "several apps would get this guid; leave it out, or name one app",
    ),
    "a route of another space": (
        app_with(routes=[{"host": "far"}]),
        "organizations/0/spaces/0/apps/0/routes/0: "
        "the route far.apps.example.com is there, in another space; a route is in one",
    ),
    "a route of another space by its guid": (
        app_with(routes=[{"guid": "route-far"}]),
        "organizations/0/spaces/0/apps/0/routes/0: "
        "the route far.apps.example.com is in another space; a route is in one",
    ),
    "a route with the address of another": (
        app_with(
            routes=[{"guid": "route-tcp", "domain": "apps.example.com", "host": "shared", "path": "/api", "port": None}]
        ),
        "organizations/0/spaces/0/apps/0/routes/0: the route shared.apps.example.com/api is there, with another guid",
    ),
    "another guid for an address": (
        app_with(routes=[{"guid": "mine"}]),
        "organizations/0/spaces/0/apps/0/routes/0/guid: "
        'the route dora.apps.example.com is there with the guid "route-dora"; give the same one in both places',
    ),
}


@pytest.mark.parametrize("row", MISFITS)
def test_a_change_that_does_not_fit_is_refused_and_changes_nothing(parts: Asking, row: str) -> None:
    words, problem = MISFITS[row]
    before = state_of(parts)
    with pytest.raises(DocumentError) as caught:
        parts.given(**words)
    assert str(caught.value).splitlines() == [f"given:1:1: {problem}"]
    assert state_of(parts) == before


FAULTY: dict[str, tuple[str, list[str]]] = {
    "guids and numbers that are there twice": (
        "{droplet: {guid: a}, droplets: [{guid: a}], revisions: [{version: 1}, {version: 1}], "
        "tasks: [{sequence_id: 2}, {sequence_id: 2}]}",
        [
            '1:95: the guid "a" is taken; each is there once',
            "1:133: there is a second version 1; each version is there once",
            "1:174: there is a second sequence_id 2; each sequence_id is there once",
        ],
    ),
    "values that are none": (
        "{routes: [{port: 0}, {path: api, host: a b}], droplets: [{state: GONE}], packages: [{type: zip}]}",
        [
            "1:73: port is 0; it must be a whole number from 1 to 65535",
            '1:84: path is "api"; it must be a path such as /api, or none',
            '1:95: host is "a b"; it must be at most 63 signs, none of them blank',
            '1:120: state is "GONE"; it must be STAGED, FAILED, EXPIRED, AWAITING_UPLOAD, PROCESSING_UPLOAD, '
            "COPYING or STAGING",
            '1:147: type is "zip"; it must be bits or docker',
        ],
    ),
    "routes that do not agree": (
        "{routes: [{host: a, guid: g}, {host: a}, {host: b, guid: g}, {host: c}, {host: c, guid: h}]}",
        [
            '1:92: the route a.apps.example.com is there with the guid "g"; give the same one in both places',
            '1:113: the guid "g" is taken; each is there once',
            "1:144: the route c.apps.example.com is there without a guid; give the same one in both places",
        ],
    ),
}


@pytest.mark.parametrize("row", FAULTY)
def test_a_bad_seed_is_refused_with_its_places(row: str) -> None:
    app, lines = FAULTY[row]
    text = f"organizations: [{{name: o, spaces: [{{name: s, apps: [{{name: x, {app[1:-1]}}}]}}]}}]"
    with pytest.raises(DocumentError) as caught:
        read_seed(text, "seed.yaml")
    assert str(caught.value).splitlines() == [f"seed.yaml:{line}" for line in lines]


def test_apps_of_two_spaces_have_no_route_in_common() -> None:
    route = "routes: [{host: a, guid: g}]"
    text = (
        f"organizations: [{{name: o, spaces: [{{name: s, apps: [{{name: x, {route}}}, {{name: z, {route}}}]}},"
        f" {{name: t, apps: [{{name: x, {route}}}]}}]}}]"
    )
    with pytest.raises(DocumentError) as caught:
        read_seed(text, "seed.yaml")
    assert str(caught.value) == ("seed.yaml:1:173: the route a.apps.example.com is in another space; a route is in one")
