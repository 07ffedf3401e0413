"""Exports: a world that was exported and is imported elsewhere goes on as the first one does, to the microsecond."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockfoundry.documents.problems import DocumentError
from tests.cloudfoundry.asking import CLOCK, IDLE, SEED, WEB, WORKER, Asking, states
from tests.searching import examples
from tests.serving import Serving

LOAD = {"sine": {"mean": 2, "amplitude": 1.5, "period": "1m"}, "overload": {"crash_above": 0.9}}

WORDS: tuple[dict[str, Any], ...] = (
    {"state": "STOPPED"},
    {"state": "STARTED"},
    {"deployment": {"seconds": 7}},
    {"deployment": {"strategy": "recreate", "seconds": 30}},
    {"deployment": {"strategy": "rolling", "seconds": None}},
    {"deployment": {"reason": "CANCELING", "seconds": 5}},
    {"deployment": {"guid": "canary", "strategy": "canary", "steps": [20, 60], "seconds": 6}},
    {"deployment": {"guid": "canary", "reason": "DEPLOYING"}},
    {"deployment": {"guid": "canary", "reason": "CANCELING"}},
    {"deployment": None},
    {"processes": [{"type": "*", "crash_after": "3s"}]},
    {"processes": [{"type": "*", "crash_after": None}]},
    {"processes": [{"type": "web", "crash_after": "400s", "starts": False}]},
    {"processes": [{"type": "web", "starts": False, "version": "v2"}]},
    {"processes": [{"type": "web", "placement_error": "no room", "instances": 5}]},
    {"processes": [{"type": "web", "instance_states": {"0": "CRASHED", "1": {"state": "DOWN", "details": "x"}}}]},
    {"processes": [{"type": "web", "ready": False, "load": LOAD}]},
    {"processes": [{"type": "web", "memory_in_mb": 64, "metadata": {"labels": {"a": "b"}}}]},
    {"processes": [{"type": "late"}]},
    {"sidecars": [{"name": "s", "process_types": ["web"]}], "lifecycle": "docker"},
    {"sidecars": [{"name": "t", "process_types": ["gone"], "origin": "buildpack", "memory_in_mb": 16}]},
    {"lifecycle": "cnb", "buildpacks": ["a", "https://u:p@b.c/d"], "stack": None, "has_registry_credentials": True},
    {"environment_variables": {"A": "b", "N": 5, "deep": {"x": [None, True]}}, "metadata": {"labels": {"k": "v"}}},
    {"features": {"ssh": False, "revisions": False, "file-based-vcap-services": True}, "deletion_error": "in use"},
    {"deletion_error": None, "environment_variables": None},
)
"""What `given:` may say of an app."""

PLATFORM: tuple[dict[str, Any], ...] = (
    {"settings": {"start_seconds": 20, "stop_seconds": 15}},
    {"settings": {"stale_seconds": 6}},
    {"settings": {"crash_seconds": 2}},
    {"settings": {"stop_seconds": 0, "crash_seconds": None}},
    {"settings": {"job_seconds": 5}},
    {"organizations": [{"name": "other", "spaces": [{"name": "far", "apps": [{"name": "new"}]}]}]},
)

DEPLOYMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"strategy": "canary", "options": {"canary": {"steps": [{"instance_weight": 50}]}}},
    {"options": {"max_in_flight": 2, "web_instances": 3, "memory_in_mb": 64}, "metadata": {"labels": {"a": "b"}}},
)
"""What a client may ask of a deployment."""

Step = tuple[Any, ...]

APPS = st.sampled_from(["dora", "idle", "*"])
GUIDS = st.sampled_from([WEB, WORKER, CLOCK, IDLE])
STEPS = st.one_of(
    st.tuples(st.just("advance"), st.sampled_from([1, 0.000001, 3, 0.5, 31, 4000])),
    st.tuples(st.just("scale"), GUIDS, st.sampled_from([{"instances": 4}, {"instances": 1}, {"memory_in_mb": 32}])),
    st.tuples(st.just("terminate"), GUIDS, st.integers(0, 2)),
    st.tuples(st.just("app"), APPS, st.sampled_from(WORDS)),
    st.tuples(st.just("deploy"), st.sampled_from(["dora", "idle"]), st.sampled_from(DEPLOYMENTS)),
    st.tuples(st.just("act"), st.sampled_from(["cancel", "continue"])),
    st.tuples(st.just("given"), st.sampled_from(PLATFORM)),
    st.tuples(st.just("ask"), st.sampled_from(["POST /actions/stop", "POST /actions/start", "POST /actions/restart"])),
    st.tuples(st.just("ask"), st.sampled_from(["DELETE ", "POST /sidecars", "PATCH /environment_variables", "PATCH "])),
    st.tuples(st.just("create"), st.sampled_from(["new", "*", "na\u00efve"])),
)

BODIES: dict[str, Any] = {
    "POST /sidecars": {"name": "*", "command": "a\nb", "process_types": ["x/y"], "memory_in_mb": 3},
    "PATCH /environment_variables": {"var": {"A": None, "weird name": "x"}},
    "PATCH ": {"name": "*", "metadata": {"annotations": {"note": "n"}}},
}


def take(step: Step, foundation: Asking) -> Any:
    """Takes one step in a foundation; gives what is answered, if anything is."""
    match step:
        case ("advance", seconds):
            foundation.advance(seconds)
        case ("scale", guid, body):
            return shown(foundation, foundation.scale(body, guid=guid, documented=False))
        case ("terminate", guid, index):
            return foundation.terminate(index, guid, documented=False).status_code
        case ("app", app, words):
            with suppress(DocumentError):  # a deployment is continued that is not in flight
                foundation.given_app(app, **words)
        case ("given", words):
            foundation.given(**words)
        case ("ask", call):
            method, _, path = call.partition(" ")
            asked = foundation.ask(method, f"/v3/apps/dora{path}", BODIES.get(call), documented=False)
            return asked.status_code, shown(foundation, asked)
        case ("create", name):
            body = {"name": name, "relationships": {"space": {"data": {"guid": "dev"}}}}
            return shown(foundation, foundation.ask("POST", "/v3/apps", body, documented=False))
        case ("deploy", app, words):
            body = {**words, "relationships": {"app": {"data": {"guid": app}}}}
            return shown(foundation, foundation.ask("POST", "/v3/deployments", body, documented=False))
        case ("act", action):
            listed = foundation.ask("GET", "/v3/deployments?status_values=ACTIVE&per_page=1", documented=False)
            paths = [f"/v3/deployments/{each['guid']}/actions/{action}" for each in listed.json()["resources"]]
            return [foundation.ask("POST", path, documented=False).status_code for path in paths]
    return None


def shown(foundation: Asking, answer: Any) -> Any:
    return answer.text.replace(f"/foundations/{foundation.name}", "")


def state_of(foundation: Asking) -> dict[str, Any]:
    state: dict[str, Any] = foundation.server.client.get(f"/__mock/foundations/{foundation.name}/state").json()
    return state


def observe(foundation: Asking) -> list[Any]:
    """Everything that clients see of a foundation at this moment, and its export."""
    listed = foundation.list("?embed=process_instances&per_page=5000", documented=False)
    seen: list[Any] = [shown(foundation, listed)]
    seen += [
        shown(foundation, foundation.ask("GET", f"/v3/{path}?per_page=5000", documented=False))
        for path in ("deployments", "audit_events")
    ]
    for each in listed.json()["resources"]:
        guid = each["guid"]
        answers = (foundation.show(guid), foundation.stats(guid), foundation.instances(guid))
        seen += [(answer.status_code, shown(foundation, answer)) for answer in answers]
    apps = foundation.ask("GET", "/v3/apps?order_by=name", documented=False)
    paths = [
        f"/v3/apps/{each['guid']}/{path}"
        for each in apps.json()["resources"]
        for path in ("sidecars", "features", "ssh_enabled")
    ]
    paths += [f"/v3/jobs/{guid}" for guid in foundation.world.jobs]
    seen += [shown(foundation, foundation.ask("GET", path, documented=False)) for path in paths]
    seen.append(shown(foundation, apps))
    return [*seen, state_of(foundation)]


def import_into_another(foundation: Asking, later: float = 0.0) -> Asking:
    """Another foundation, of another random seed and age, into which this one was exported.

    Args:
        later: by how many seconds its clock is ahead.
    """
    other = Asking(foundation.server)
    calls = f"/__mock/foundations/{other.name}"
    foundation.server.client.put(f"{calls}?random_seed=99", json=SEED).raise_for_status()
    clock = other.world.clock
    clock.virtual, clock.rate = foundation.now + round(later * 1_000_000), 0.0
    imported = foundation.server.client.put(f"{calls}/state", json=state_of(foundation))
    assert imported.status_code == 200, imported.text
    return other


@pytest.mark.hypothesis
@given(before=st.lists(STEPS, max_size=10), after=st.lists(STEPS, max_size=5))
@settings(max_examples=examples(8), suppress_health_check=list(HealthCheck), deadline=None)
def test_an_imported_world_is_the_exported_one_and_goes_on_as_it_does(
    rich_server: Serving, before: list[Step], after: list[Step]
) -> None:
    foundation = Asking(rich_server)
    for step in before:
        take(step, foundation)
    other = import_into_another(foundation)
    assert observe(other) == observe(foundation)
    for step in (*after, ("advance", 2.5), ("advance", 50)):
        assert take(step, other) == take(step, foundation)
        assert observe(other) == observe(foundation)


def test_an_import_at_another_time_goes_on_where_the_export_was(foundation: Asking) -> None:
    """Uptimes, instances that stop and a deployment are at the same point; what clients may read as dates stays."""
    foundation.given_process("web", app="idle", crash_after="3s")
    foundation.given_app("idle", state="STARTED")
    foundation.given_app("dora", deployment={"seconds": 20})
    foundation.advance(5)
    foundation.scale({"instances": 0}, guid=CLOCK)
    for later in (500_000.0, -1000.0):
        other = import_into_another(foundation, later)
        for seconds in (0, 0.5, 10, 30):
            foundation.advance(seconds)
            other.advance(seconds)
            for guid in (IDLE, CLOCK):
                assert other.instances(guid).text == foundation.instances(guid).text.replace(
                    foundation.name, other.name
                )
            assert other.list().json()["pagination"]["total_results"] == len(foundation.list().json()["resources"])
        foundation = other
        foundation.given_app("dora", deployment={"seconds": 20})


def test_stale_reads_show_the_same_after_an_import(foundation: Asking) -> None:
    foundation.given(settings={"stale_seconds": 5})
    foundation.scale({"instances": 4})
    foundation.advance(2)
    foundation.scale({"instances": 6})
    other = import_into_another(foundation, 1000)
    shown_instances = []
    for seconds in (0, 3.5, 2):
        foundation.advance(seconds)
        other.advance(seconds)
        assert other.show().json()["instances"] == foundation.show().json()["instances"]
        shown_instances.append(other.show().json()["instances"])
    assert shown_instances == [2, 4, 6]


def test_an_export_that_was_edited_happens_now(foundation: Asking) -> None:
    """Another number of instances, a stop, or another held state is made of the exported instances, as by `given:`."""
    foundation.advance(100)
    uptimes = [each["uptime"] for each in foundation.stats().json()["resources"]]
    state = state_of(foundation)
    web = state["organizations"][0]["spaces"][0]["apps"][0]["processes"][0]
    web["instances"] = 3
    web["instance_states"] = {"1": "CRASHED"}
    state["organizations"][0]["spaces"][0]["apps"][1]["state"] = "STARTED"
    foundation.server.client.put(f"/__mock/foundations/{foundation.name}/state", json=state).raise_for_status()
    assert states(foundation.stats()) == ["RUNNING", "CRASHED", "STARTING"]
    assert foundation.stats().json()["resources"][0]["uptime"] == uptimes[0]
    assert states(foundation.stats(IDLE)) == ["STARTING", "STARTING"]


def call_state(foundation: Asking, method: str, body: Any = None, path: str = "/state") -> Any:
    return foundation.server.client.request(method, f"/__mock/foundations/{foundation.name}{path}", json=body)


def show_everything(foundation: Asking) -> list[Any]:
    """What clients see, all of which can be shown."""
    seen = observe(foundation)
    assert call_state(foundation, "PATCH", {}).status_code == 200
    changes = call_state(foundation, "GET", path="/changes")
    assert changes.status_code == 200, changes.text
    return seen


@pytest.mark.parametrize("exported_at", ["4060-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_world_of_another_age_may_be_imported(foundation: Asking, exported_at: str) -> None:
    """Its moments may lie where no timestamp reaches: they are written as the nearest that one can say."""
    foundation.given_app("dora", deployment={"seconds": 60, "strategy": "canary"})
    foundation.given_process("worker", app="dora", crash_after="3s", instances=3)
    foundation.given(settings={"stale_seconds": 60})
    foundation.scale({"instances": 5})
    moved = call_state(foundation, "PATCH", {"now": exported_at}, "/clock")
    assert moved.status_code == 200, moved.text
    foundation.scale({"instances": 2})
    state = state_of(foundation)
    other, third = Asking(foundation.server), Asking(foundation.server)
    put = call_state(other, "PUT", state)
    assert put.status_code == 200, put.text
    assert put.json()["snapshot"]["born"] == "0001-01-01T00:00:00Z"
    show_everything(other)
    assert call_state(third, "PUT", state, "").status_code == 200
    show_everything(third)
    back = call_state(foundation, "PUT", state_of(other))
    assert back.status_code == 200, back.text
    show_everything(foundation)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "0009-12-31T23:59:59.5Z", "9999-12-31T23:59:59Z"])
def test_a_snapshot_of_any_time_is_taken(foundation: Asking, time: str) -> None:
    foundation.given_app("dora", deployment={"seconds": 60})
    state = state_of(foundation)
    state["snapshot"]["time"] = time
    assert call_state(foundation, "PUT", state).status_code == 200
    show_everything(foundation)
    shown = state_of(foundation)
    again = call_state(foundation, "PUT", shown)
    assert again.json()["organizations"] == shown["organizations"]
    show_everything(foundation)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data", '"a b"', 'data is "\\"a b\\""; it must be text that holds a mapping as JSON'),
        ("data", "{", 'data is "{"; it must be text that holds a mapping as JSON'),
        ("data", {}, "data is an empty mapping; it must be text that holds a mapping as JSON"),
        ("actor_name", False, "actor_name is false; it must be text"),
    ],
)
def test_an_event_that_could_not_be_shown_is_refused(key: str, value: Any, message: str, foundation: Asking) -> None:
    assert foundation.scale({"instances": 3}).status_code == 202
    state = foundation.server.client.get(f"/__mock/foundations/{foundation.name}/state").json()
    state["snapshot"]["events"][0][key] = value
    refused = foundation.server.client.put(f"/__mock/foundations/{foundation.name}/state", json=state)
    assert refused.status_code == 422
    assert message in refused.json()["detail"]


def test_an_early_year_has_four_digits(foundation: Asking) -> None:
    state = state_of(foundation)
    organization = state["organizations"][0]
    organization["created_at"] = organization["updated_at"] = "0812-03-04T05:06:07Z"
    assert call_state(foundation, "PUT", state).json()["organizations"][0] == organization


def hold_states(foundation: Asking, count: int) -> dict[str, Any]:
    """A state whose web process has so many instances that are held in one range, in place of its own."""
    state = state_of(foundation)
    (process,) = (
        each for each in state["organizations"][0]["spaces"][0]["apps"][0]["processes"] if each["guid"] == WEB
    )
    ranges = [{"first": 0, "count": count, "since": state["snapshot"]["time"], "state": "DOWN", "details": "x"}]
    process.pop("instance_states")
    process |= {"instances": count, "instance_ranges": ranges}
    return state


@pytest.mark.parametrize("count", [3, 1000, 1001, 2_000_000_000])
def test_an_export_does_not_name_every_instance_of_a_large_range(foundation: Asking, count: int) -> None:
    put = call_state(foundation, "PUT", hold_states(foundation, count))
    assert put.status_code == 200, put.text
    shown = state_of(foundation)
    process = shown["organizations"][0]["spaces"][0]["apps"][0]["processes"][0]
    assert len(process.get("instance_states", {})) == (count if count <= 1000 else 0)
    assert call_state(foundation, "GET", path="/changes").status_code == 200
    assert call_state(foundation, "PUT", shown).status_code == 200
    assert state_of(foundation) == shown


def test_states_beside_the_ranges_of_an_export_are_applied(foundation: Asking) -> None:
    state = hold_states(foundation, 2_000_000_000)
    process = state["organizations"][0]["spaces"][0]["apps"][0]["processes"][0]
    process["instance_states"] = {"1": "CRASHED"}
    imported = call_state(foundation, "PUT", state).json()
    process = imported["organizations"][0]["spaces"][0]["apps"][0]["processes"][0]
    assert [each.get("state") for each in process["instance_ranges"]] == [None, "CRASHED", None]
