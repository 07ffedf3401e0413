"""Scenarios that change the world: what they change is taken back, and nothing that came after it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from mockfoundry.assembly import ERROR_STATUSES
from mockfoundry.cloudfoundry.seeds.patch import apply_world_patch
from mockfoundry.foundations.effects import switch_scenario_off, switch_scenario_on
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.scenarios.format import read_scenario
from mockfoundry.scenarios.library import load_scenarios
from mockfoundry.scenarios.rule_index import CompiledScenario
from mockfoundry.shipped import list_library_files
from tests.serving import WEB, Serving, contract, real_now, serving

ALICE = {"Authorization": "bearer alice"}
SEED = """
organizations:
  - {name: acme, quota: {total_memory_in_mb: 4096}, spaces: [{name: dev, apps: [{name: dora, processes: [
      {type: web, guid: 6a901b7c-9417-4dc1-8189-d3234aa0ab82, instances: 1, memory_in_mb: 64, disk_in_mb: 64}]}]}]}
users: [{name: alice, organizations: {acme: [organization_user]}, spaces: {acme/dev: [space_developer]}}]
"""


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving(seed=SEED) as running:
        running.freeze()
        yield running


def foundation(server: Serving) -> FoundationState:
    return server.service.registry.get_or_create("default", real_now())


def now(server: Serving) -> int:
    return foundation(server).world.clock.now(real_now())


def switch_on(server: Serving, name: str) -> None:
    (scenario,) = load_scenarios((name,), contract(), ERROR_STATUSES)
    switch_scenario_on(foundation(server), CompiledScenario(scenario), now(server))


def image(server: Serving) -> object:
    world = foundation(server).world
    # A deployment that was called off stays on record, as on the real one.
    apps = {guid: msgspec.structs.replace(app, deployment=None) for guid, app in world.apps.items()}
    deploying = sorted(world.deploying_apps)
    tables = (world.settings, world.feature_flags, world.organizations, world.spaces, apps, world.processes)
    platform = (
        world.default_quota,
        world.isolation_segments,
        world.security_groups,
        world.service_offerings,
        world.service_plans,
        world.service_instances,
        world.users,
        world.routes,
        world.clients,
    )
    return (*tables, *platform, deploying)


CHANGING = [
    name
    for name, path in list_library_files().items()
    if read_scenario(path.read_text(encoding="utf-8"), source=name).given
]


@pytest.mark.parametrize("name", CHANGING)
def test_switching_off_leaves_the_world_as_it_was(server: Serving, name: str) -> None:
    before = image(server)
    switch_on(server, name)
    assert image(server) != before
    assert switch_scenario_off(foundation(server), name, now(server))
    assert image(server) == before


PLATFORM: dict[str, Any] = {
    "default_quota": {"total_instances": 1},
    "isolation_segments": [{"name": "fast", "metadata": {"labels": {"a": "b"}}}],
    "security_groups": [{"name": "dns", "running_default": True}],
    "service_offerings": [{"name": "sql", "plans": [{"name": "small"}]}],
    "organizations": [
        {
            "name": "acme",
            "default_isolation_segment": "slow",
            "quota": {"name": "other"},
            "metadata": {"labels": {"a": "b"}},
            "spaces": [
                {
                    "name": "dev",
                    "isolation_segment": "fast",
                    "quota": {"total_instances": 3},
                    "allow_ssh": False,
                    "service_instances": [{"name": "db", "plan": "sql/small"}],
                    "routes": [{"host": "free"}],
                    "apps": [
                        {
                            "name": "dora",
                            "environment_variables": {"A": "1"},
                            "features": {"ssh": False},
                            "routes": [{"host": "dora"}],
                            "tasks": [{"name": "migrate", "command": "rake"}],
                            "packages": [{"guid": "uploaded"}],
                            "droplets": [{"guid": "staged-before"}],
                            "deletion_error": "a service is still bound",
                        }
                    ],
                }
            ],
        }
    ],
    "users": [{"name": "alice", "origin": "ldap", "password": "secret"}, {"name": "new"}],
    "clients": [{"id": "autoscaler", "secret": "s"}],
}


def test_the_platform_is_as_it_was_too(server: Serving) -> None:
    """What was added is gone, and what was changed has its values from before."""
    before = image(server)
    scenario = read_scenario(json.dumps({"scenario": "platform", "given": PLATFORM}), source="platform")
    switch_scenario_on(foundation(server), CompiledScenario(scenario), now(server))
    assert image(server) != before
    assert switch_scenario_off(foundation(server), "platform", now(server))
    assert image(server) == before


def test_what_others_name_since_stays(server: Serving) -> None:
    """A plan of a service, and an isolation segment, that something else has named meanwhile."""
    scenario = read_scenario(json.dumps({"scenario": "platform", "given": PLATFORM}), source="platform")
    switch_scenario_on(foundation(server), CompiledScenario(scenario), now(server))
    space = {"name": "late", "isolation_segment": "fast", "service_instances": [{"name": "db", "plan": "sql/small"}]}
    apply_world_patch(foundation(server).world, {"organizations": [{"name": "acme", "spaces": [space]}]}, now(server))
    switch_scenario_off(foundation(server), "platform", now(server))
    shown = server.client.get("/v3/service_instances").json()["resources"]
    assert [each["name"] for each in shown] == ["db"]
    plan = shown[0]["relationships"]["service_plan"]["data"]["guid"]
    assert server.client.get(f"/v3/service_plans/{plan}?include=service_offering").status_code == 200
    segments = server.client.get("/v3/isolation_segments?names=fast,slow").json()["resources"]
    assert [each["name"] for each in segments] == ["fast"]


def test_what_something_else_has_changed_since_is_kept(server: Serving) -> None:
    switch_on(server, "no-room")
    assert server.scale({"instances": 3}).status_code == 202
    switch_scenario_off(foundation(server), "no-room", now(server))
    assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] == 3


BESIDE: dict[str, tuple[dict[str, Any], str, str, dict[str, Any]]] = {
    "a task": ({"tasks": [{"name": "by-scenario"}]}, "POST", "/v3/apps/APP/tasks", {"name": "mine", "command": "x"}),
    "a sidecar": (
        {"sidecars": [{"name": "by-scenario", "process_types": ["web"]}]},
        "POST",
        "/v3/apps/APP/sidecars",
        {"name": "mine", "command": "x", "process_types": ["web"]},
    ),
    "labels": (
        {"metadata": {"labels": {"by": "scenario"}}},
        "PATCH",
        "/v3/apps/APP",
        {"metadata": {"labels": {"mine": "1"}}},
    ),
    "environment variables": (
        {"environment_variables": {"BY": "scenario"}},
        "PATCH",
        "/v3/apps/APP/environment_variables",
        {"var": {"MINE": "1"}},
    ),
}
"""By what a scenario gives an app: that, and the call of a client that changes the same list or mapping."""


@pytest.mark.parametrize("row", BESIDE)
def test_what_a_client_has_put_beside_it_is_kept_without_it(server: Serving, row: str) -> None:
    """What is left is what the client would have made without the scenario."""
    given, method, path, body = BESIDE[row]
    app = next(iter(foundation(server).world.apps))
    path = path.replace("APP", app)
    scenario = {"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": [{"name": "dora", **given}]}]}]}
    read = read_scenario(json.dumps({"scenario": "beside", "given": scenario}), source="beside")
    server.service.registry.copy("default", "without", real_now())
    switch_scenario_on(foundation(server), CompiledScenario(read), now(server))
    for prefix in ("", "/foundations/without"):
        assert server.client.request(method, prefix + path, json=body).status_code < 300
    assert switch_scenario_off(foundation(server), "beside", now(server))
    with_it, without = (named.world.apps[app] for named in list(server.service.registry)[:2])
    assert len(with_it.tasks) == len(without.tasks)
    assert [each.name for each in with_it.sidecars] == [each.name for each in without.sidecars]
    assert (with_it.labels, with_it.environment_variables) == (without.labels, without.environment_variables)


def test_a_quota_that_a_client_has_changed_beside_it_has_its_own_numbers_again(server: Serving) -> None:
    quota = {"organizations": [{"name": "acme", "quota": {"total_instances": 1}}]}
    scenario = read_scenario(json.dumps({"scenario": "quota", "given": quota}), source="quota")
    before = next(iter(foundation(server).world.organizations.values())).quota
    switch_scenario_on(foundation(server), CompiledScenario(scenario), now(server))
    guid = server.client.get("/v3/organization_quotas?names=acme-quota").json()["resources"][0]["guid"]
    changed = server.client.patch(f"/v3/organization_quotas/{guid}", json={"routes": {"total_routes": 7}})
    assert changed.status_code == 200
    assert switch_scenario_off(foundation(server), "quota", now(server))
    after = next(iter(foundation(server).world.organizations.values())).quota
    assert before is not None
    assert after is not None
    assert (after.total_routes, after.total_instances) == (7, before.total_instances)


def test_an_app_that_was_added_goes_with_its_organization_unless_a_client_has_put_something_there(
    server: Serving,
) -> None:
    added = {"organizations": [{"name": "new", "spaces": [{"name": "far", "apps": [{"name": "fresh"}]}]}]}
    scenario = read_scenario(json.dumps({"scenario": "added", "given": added}), source="added")
    before = image(server)
    switch_scenario_on(foundation(server), CompiledScenario(scenario), now(server))
    assert switch_scenario_off(foundation(server), "added", now(server))
    assert image(server) == before
    switch_scenario_on(foundation(server), CompiledScenario(scenario), now(server))
    space = server.client.get("/v3/spaces?names=far").json()["resources"][0]["guid"]
    relationships = {"space": {"data": {"guid": space}}}
    made = server.client.post("/v3/apps", json={"name": "mine", "relationships": relationships})
    assert made.status_code == 201
    assert switch_scenario_off(foundation(server), "added", now(server))
    apps = server.client.get(f"/v3/apps?space_guids={space}").json()["resources"]
    assert [app["name"] for app in apps] == ["mine"]
    assert server.client.get(f"/v3/spaces/{space}").status_code == 200


def give_dora(name: str, **given: Any) -> CompiledScenario:
    """A scenario that changes the app of the seed."""
    world = {"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": [{"name": "dora", **given}]}]}]}
    return CompiledScenario(read_scenario(json.dumps({"scenario": name, "given": world}), source=name))


def deploy(server: Serving, **fields: Any) -> str:
    """A client's deployment of the app of the seed; gives its guid."""
    (app,) = foundation(server).world.apps
    relationships = {"app": {"data": {"guid": app}}}
    answer = server.client.post("/v3/deployments", json={"relationships": relationships, **fields})
    assert answer.status_code == 201
    guid: str = answer.json()["guid"]
    return guid


def show_deployments(server: Serving) -> list[tuple[str, str]]:
    resources = server.client.get("/v3/deployments").json()["resources"]
    return [(each["guid"], each["status"]["reason"]) for each in resources]


@pytest.fixture
def slow(serve: Callable[..., Serving]) -> Serving:
    """A foundation whose deployments take a minute."""
    server = serve(seed=SEED + "settings: {deployment_seconds: 60}")
    server.freeze()
    return server


def test_a_deployment_of_a_client_goes_on_when_a_scenario_of_its_app_is_taken_back(slow: Serving) -> None:
    guid = deploy(slow)
    slow.advance(2)
    with_it = image(slow)
    switch_scenario_on(foundation(slow), give_dora("labels", metadata={"labels": {"env": "dev"}}), now(slow))
    assert switch_scenario_off(foundation(slow), "labels", now(slow))
    assert show_deployments(slow) == [(guid, "DEPLOYING")]
    assert image(slow) == with_it
    slow.advance(60)
    assert show_deployments(slow) == [(guid, "DEPLOYED")]


def test_a_deployment_of_a_client_that_ended_that_of_a_scenario_goes_on_without_it(slow: Serving) -> None:
    switch_scenario_on(foundation(slow), give_dora("flying", deployment={"seconds": None}), now(slow))
    guid = deploy(slow)
    assert switch_scenario_off(foundation(slow), "flying", now(slow))
    assert (guid, "DEPLOYING") in show_deployments(slow)


@pytest.mark.parametrize("waited", [0, 3])
def test_a_deployment_of_a_scenario_leaves_nothing_and_that_which_it_ended_goes_on(slow: Serving, waited: int) -> None:
    assert slow.scale({"instances": 3}).status_code == 202
    guid = deploy(slow)
    slow.advance(2)
    counts = [each.instances for each in foundation(slow).world.processes.values()]
    switch_scenario_on(foundation(slow), give_dora("flying", deployment={"seconds": 9}), now(slow))
    slow.advance(waited)
    assert switch_scenario_off(foundation(slow), "flying", now(slow))
    assert show_deployments(slow) == [(guid, "DEPLOYING")]
    processes = foundation(slow).world.processes.values()
    assert [each.instances for each in processes] == counts
    assert [sum(each.count for each in process.instance_ranges) for process in processes] == counts


def test_a_deployment_that_one_request_names_is_gone_after_it(server: Serving) -> None:
    for _ in range(2):
        named = {"X-Mock-Scenario": "deployment-in-flight"}
        assert server.client.get("/v3/deployments", headers=named).json()["pagination"]["total_results"] == 1
    assert show_deployments(server) == []


def test_the_droplet_of_the_seed_is_still_there_when_a_client_has_deployed_another_meanwhile(
    serve: Callable[..., Serving],
) -> None:
    server = serve(seed=SEED.replace("{name: dora,", "{name: dora, droplet: {guid: d-2}, droplets: [{guid: d-1}],"))
    server.freeze()
    scenario = give_dora("other-droplet", droplet={"guid": "d-9", "process_types": {"web": "z"}})
    switch_scenario_on(foundation(server), scenario, now(server))
    guid = deploy(server, droplet={"guid": "d-1"})
    assert switch_scenario_off(foundation(server), "other-droplet", now(server))
    assert server.client.get(f"/v3/deployments/{guid}").json()["previous_droplet"] == {"guid": "d-2"}
    droplets = server.client.get("/v3/droplets").json()["resources"]
    assert sorted(each["guid"] for each in droplets) == ["d-1", "d-2"]
    (app,) = foundation(server).world.apps.values()
    assert app.droplet is not None
    assert app.droplet.guid == "d-1"


def test_revisions_are_those_that_there_were_without_the_scenario(serve: Callable[..., Serving]) -> None:
    """Those that it gave are gone, and one that was kept meanwhile has the droplet and variables of the seed."""
    parts = "droplet: {guid: d-2}, droplets: [{guid: d-1}], environment_variables: {A: '1'}, revision: r-2, revisions: "
    server = serve(seed=SEED.replace("{name: dora,", f"{{name: dora, {parts}[{{guid: r-1}}, {{guid: r-2}}],"))
    server.freeze()
    given: dict[str, Any] = {
        "revisions": [{"guid": "r-1", "description": "x"}, {"guid": "r-9", "version": 9}],
        "droplet": {"guid": "d-9"},
        "environment_variables": {"B": "2"},
    }
    switch_scenario_on(foundation(server), give_dora("revised", **given), now(server))
    deploy(server, droplet={"guid": "d-1"})
    assert switch_scenario_off(foundation(server), "revised", now(server))
    (app,) = foundation(server).world.apps
    shown = server.client.get(f"/v3/apps/{app}/revisions").json()["resources"]
    assert [(each["version"], each["description"], each["droplet"]["guid"]) for each in shown] == [
        (1, "Initial revision.", "d-2"),
        (2, "New droplet deployed.", "d-2"),
        (10, "New droplet deployed.", "d-1"),
    ]
    variables = server.client.get("/v3/revisions/r-2/environment_variables").json()["var"]
    assert variables == {"A": "1"}


def test_playing_it_again_begins_it_anew_and_keeps_one_way_back(server: Serving) -> None:
    before = image(server)
    for _ in range(3):
        switch_on(server, "organization-suspended")
    switch_scenario_off(foundation(server), "organization-suspended", now(server))
    assert image(server) == before


def test_a_reset_brings_everything_back_to_the_seed(server: Serving) -> None:
    before = server.client.get(f"/v3/processes/{WEB}").json()
    server.scale({"instances": 3})
    switch_on(server, "organization-suspended")
    server.service.registry.reset("default", real_now())
    assert server.client.get(f"/v3/processes/{WEB}").json() == before
    assert server.scale({"instances": 2}, headers=ALICE).status_code == 202


def test_for_switches_it_off_by_itself(serve: Callable[..., Serving]) -> None:
    healing = {
        "scenario": "healing",
        "for": "60s",
        "given": {"feature_flags": {"app_scaling": False}},
        "rules": [{"operation": "getProcess", "respond": {"error": "CF-ServiceUnavailable"}}],
    }
    server = serve(seed=SEED, scenarios=(healing,))
    server.freeze()
    path = f"/v3/processes/{WEB}"
    during = (server.client.get(path).status_code, server.scale({}, headers=ALICE).status_code)
    server.advance(61)
    after = (server.client.get(path).status_code, server.scale({}, headers=ALICE).status_code)
    assert (during, after) == ((503, 403), (200, 202))


def test_a_copy_plays_on_differently(server: Serving) -> None:
    registry = server.service.registry
    server.scale({"instances": 2})
    registry.copy("default", "other", real_now())
    server.scale({"instances": 3})
    other = server.client.get(f"/foundations/other/v3/processes/{WEB}").json()
    assert other["instances"] == 2
    assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] == 3


def test_a_scenario_that_one_request_names_changes_the_world_for_it_alone(server: Serving) -> None:
    before = image(server)
    named = {**ALICE, "X-Mock-Scenario": "organization-suspended"}
    assert server.scale({"instances": 2}, headers=named).status_code == 403
    assert image(server) == before
    assert server.scale({"instances": 2}, headers=ALICE).status_code == 202


def test_what_such_a_request_does_itself_is_kept(server: Serving) -> None:
    named = {**ALICE, "X-Mock-Scenario": "metrics-unavailable"}
    assert server.scale({"instances": 2}, headers=named).status_code == 202
    assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] == 2


def test_a_scenario_that_plays_over_several_requests_is_refused_for_one(server: Serving) -> None:
    for name in ("token-expires", "shifting-pages", "maintenance-window"):
        answer = server.scale({}, headers={"X-Mock-Scenario": name})
        assert answer.status_code == 400
        assert "plays over several requests" in answer.json()["errors"][0]["detail"]


def test_x_mock_why_names_the_scenario_that_was_lent(server: Serving) -> None:
    answer = server.scale({"instances": 9}, headers={**ALICE, "X-Mock-Scenario": "quota-instances"})
    assert answer.status_code == 422
    assert answer.headers["x-mock-why"].startswith("scenario quota-instances, for this request; ")
