"""What a client changed in the world is told entity by entity, against the seed that the foundation began as."""

from typing import Any

from tests.serving import WEB, Serving

MINE = "/__mock/foundations/mine"
DORA = "organizations/acme/spaces/dev/apps/dora"


def changes(server: Serving) -> dict[str, tuple[Any, Any]]:
    found = server.client.get(f"{MINE}/changes").json()["changes"]
    return {each["where"]: (each["before"], each["after"]) for each in found}


def test_an_unused_foundation_is_as_its_seed(server: Serving) -> None:
    server.client.put(MINE)
    assert changes(server) == {}


def test_each_changed_field_is_told_with_its_place(server: Serving) -> None:
    url = f"/foundations/mine/v3/processes/{WEB}"
    assert server.client.post(f"{url}/actions/scale", json={"instances": 7, "memory_in_mb": 512}).status_code == 202
    assert server.client.patch(url, json={"metadata": {"labels": {"tier": "front"}}}).status_code == 200
    web = f"{DORA}/processes/web"
    assert changes(server) == {
        f"{web}/instances": (1, 7),
        f"{web}/memory_in_mb": (256, 512),
        f"{web}/metadata/labels/tier": (None, "front"),
    }


def test_a_refused_scale_changes_nothing(server: Serving) -> None:
    url = f"/foundations/mine/v3/processes/{WEB}/actions/scale"
    assert server.client.post(url, json={"instances": -1}).status_code == 422
    assert changes(server) == {}


def test_what_a_scenario_changed_is_told_while_it_is_on(server: Serving) -> None:
    server.client.put(f"{MINE}/scenarios/organization-suspended")
    assert changes(server) == {"organizations/acme/suspended": (False, True)}
    server.client.delete(f"{MINE}/scenarios/organization-suspended")
    assert changes(server) == {}


def test_an_entity_that_came_and_one_that_went_are_told_by_their_names(server: Serving) -> None:
    assert server.client.put(MINE).is_success
    state = server.client.get(f"{MINE}/state").json()
    app = state["organizations"][0]["spaces"][0]["apps"][0]
    app["processes"] = [each for each in app["processes"] if each["type"] == "web"]
    state["organizations"][0]["spaces"].append({"name": "new"})
    assert server.client.put(f"{MINE}/state", json=state).is_success
    told = changes(server)
    assert told[f"{DORA}/processes/worker"][0]["type"] == "worker"
    assert told[f"{DORA}/processes/worker"][1] is None
    assert told["organizations/acme/spaces/new"][1]["name"] == "new"


def test_the_new_process_of_a_deployment_is_told(server: Serving) -> None:
    server.client.put(f"{MINE}/scenarios/deployment-in-flight")
    assert f"{DORA}/deployment" in changes(server)
    server.client.patch(f"{MINE}/clock", json={"frozen": True, "advance": "90s"})
    before, after = changes(server)[f"{DORA}/processes/web/guid"]
    assert before == WEB != after
