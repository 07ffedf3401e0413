"""A patch of the state speaks the words of `given:`; what it does not name stays to the last microsecond."""

from typing import Any

import httpx
import pytest

from tests.cloudfoundry.asking import APP, CLOCK, IDLE, WEB, WORKER, Asking, states
from tests.cloudfoundry.test_exports import observe, state_of


def patch(foundation: Asking, words: Any, **options: Any) -> httpx.Response:
    sent = options or {"json": words}
    return foundation.server.client.patch(f"/__mock/foundations/{foundation.name}/state", **sent)


def dev(*apps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A document about apps of the space dev."""
    space = {"name": "dev", "apps": list(apps), **fields}
    return {"organizations": [{"name": "acme", "spaces": [space]}]}


def test_an_empty_patch_changes_nothing(foundation: Asking) -> None:
    """Crash loops go on, instances keep guid, uptime and memory, and a deployment rolls on."""
    foundation.given_process("web", app="idle", crash_after="3s")
    foundation.given_app("idle", state="STARTED")
    foundation.advance(20)
    foundation.scale({"memory_in_mb": 64, "instances": 4}, guid=CLOCK)
    foundation.terminate(0, CLOCK)
    foundation.given_app("dora", deployment={"seconds": 60})
    before = observe(foundation)
    assert patch(foundation, {}).status_code == 200
    assert observe(foundation) == before


def test_a_patch_names_what_it_changes_and_leaves_the_rest(foundation: Asking) -> None:
    foundation.advance(50)
    before = observe(foundation)
    assert patch(foundation, {"organizations": [{"name": "acme", "suspended": True}]}).status_code == 200
    after = observe(foundation)
    assert after[:-1] == before[:-1]
    expected = before[-1]
    expected["organizations"][0]["suspended"] = True
    assert after[-1] == expected


def test_a_patch_merges_lists_by_name(foundation: Asking) -> None:
    foundation.advance(50)
    uptimes = [each["uptime"] for each in foundation.stats().json()["resources"]]
    words = dev({"name": "dora", "processes": [{"type": "web", "instances": 3}, {"type": "late"}]}, quota={})
    shown = patch(foundation, words).json()
    dora, idle = shown["organizations"][0]["spaces"][0]["apps"]
    assert [each["type"] for each in dora["processes"]] == ["web", "worker", "clock", "late"]
    assert [each["guid"] for each in dora["processes"]][:3] == [WEB, WORKER, CLOCK]
    assert idle["name"] == "idle"
    stats = foundation.stats().json()["resources"]
    assert [each["uptime"] for each in stats[:2]] == uptimes
    assert shown["organizations"][0]["quota"]["total_memory_in_mb"] == 10240


def test_a_patch_may_be_yaml(foundation: Asking) -> None:
    sent = patch(foundation, None, content="settings: {start_seconds: 7}", headers={"Content-Type": "application/yaml"})
    assert sent.json()["settings"]["start_seconds"] == 7


NEW = {"name": "new", "processes": [{"type": "web"}, {"type": "web"}]}
LONG_AGO = "2026-01-01T00:00:00Z"
SNAPSHOT = {"time": LONG_AGO, "born": LONG_AGO, "random_seed": 1, "starts": 0}
HTTP = {"health_check": {"type": "http"}}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"setings": {}}, 'body:1:2: "setings" is not a key of a seed'),
    "what only an export has": ({"snapshot": SNAPSHOT}, "snapshot: only an export has this key"),
    "instances of an export": (
        dev({"name": "dora", "processes": [{"type": "web", "instance_ranges": []}]}),
        "processes/0/instance_ranges: only an export has this key",
    ),
    "another guid for a process that is there": (
        dev({"name": "dora", "processes": [{"type": "web", "guid": "other"}]}),
        "processes/0/guid: an entity that is there keeps its guid; leave it out",
    ),
    "another guid for an app that is there": (
        dev({"name": "dora", "guid": "other"}),
        "apps/0/guid: an entity that is there keeps its guid; leave it out",
    ),
    "a guid that is taken": (dev({"name": "new", "guid": APP}), f'apps/0/guid: the guid "{APP}" is taken'),
    "a process guid that is taken": (
        dev({"name": "new", "processes": [{"type": "web", "guid": WEB}]}),
        f'processes/0/guid: the guid "{WEB}" is taken',
    ),
    "two processes of a type in a new app": (dev(NEW), 'there is a second process "web"'),
    "each one in a new app": (dev({"name": "new", "processes": [{"type": "*"}]}), '"*" stands for each one'),
    "a check over HTTP without an endpoint": (
        dev({"name": "dora", "processes": [{"type": "web", **HTTP}]}),
        "processes/0/health_check: a check of type http needs an endpoint",
    ),
    "the same of each process": (
        dev({"name": "*", "processes": [{"type": "*", **HTTP}]}),
        "processes/0/health_check: a check of type http needs an endpoint",
    ),
    "the same of a new process": (
        dev({"name": "dora", "processes": [{"type": "new", **HTTP}]}),
        "processes/0/health_check: a check of type http needs an endpoint",
    ),
    "a sidecar of nothing": (
        dev({"name": "dora", "sidecars": [{"name": "s"}]}),
        "sidecars/0: a sidecar needs `process_types:`",
    ),
    "another guid for a user that is there": (
        {"users": [{"name": "developer", "guid": "other-one"}]},
        "users/0/guid: an entity that is there keeps its guid; leave it out",
    ),
    "a user of a guid that is taken": ({"users": [{"name": "u", "guid": "acme"}]}, 'the guid "acme" is taken'),
}
"""Words, and what is said of them."""


@pytest.mark.parametrize("row", REFUSED)
def test_a_patch_takes_nothing_that_a_seed_does_not(row: str, foundation: Asking) -> None:
    words, text = REFUSED[row]
    before = state_of(foundation)
    refused = patch(foundation, words)
    assert refused.status_code == 422, refused.text
    assert text in refused.json()["detail"]
    assert state_of(foundation) == before


def test_a_guid_that_is_the_same_is_taken(foundation: Asking) -> None:
    words = dev({"name": "dora", "guid": APP, "processes": [{"type": "web", "guid": WEB, "memory_in_mb": 64}]})
    assert patch(foundation, words).status_code == 200
    assert foundation.show().json()["memory_in_mb"] == 64


def test_a_space_may_have_the_name_of_one_in_another_organization(foundation: Asking) -> None:
    added = {"organizations": [{"name": "third", "spaces": [{"name": "dev", "guid": "third-dev"}]}]}
    assert patch(foundation, added).status_code == 200
    foundation.given(organizations=[{"name": "other", "spaces": [{"name": "dev", "guid": "other-dev"}]}])
    assert {"dev", "third-dev", "other-dev"} <= set(foundation.world.spaces)


def test_what_clients_may_write_can_be_imported(foundation: Asking) -> None:
    annotations = {"a": "\x00\x01\x7f\n", "b": "x" * 5000, "long": "é" * 5000, "n": 5}
    updated = foundation.update({"command": "a\x01\tb", "metadata": {"annotations": annotations}}, documented=False)
    assert updated.status_code == 200
    state = state_of(foundation)
    put = foundation.server.client.put(f"/__mock/foundations/{foundation.name}/state", json=state)
    assert put.status_code == 200, put.text
    assert state_of(foundation) == state


def test_a_stop_and_a_start_give_what_the_process_asks_for(foundation: Asking) -> None:
    """By `given:`, by a new version, or by an import without instances."""
    megabyte = 1024 * 1024

    def quotas() -> set[int]:
        foundation.advance(10)
        return {each["mem_quota"] // megabyte for each in foundation.stats().json()["resources"]}

    foundation.scale({"memory_in_mb": 64})
    assert quotas() == {256}
    foundation.given_app("dora", state="STOPPED")
    foundation.given_app("dora", state="STARTED")
    assert quotas() == {64}
    foundation.scale({"memory_in_mb": 32})
    patch(foundation, dev({"name": "dora", "state": "STOPPED"}))
    patch(foundation, dev({"name": "dora", "state": "STARTED"}))
    assert quotas() == {32}
    foundation.scale({"memory_in_mb": 16})
    foundation.given_process("web", app="dora", version="v9")
    assert quotas() == {16}
    assert states(foundation.stats(IDLE)) == ["DOWN", "DOWN"]


def test_an_event_that_fits_no_more_is_left_out(foundation: Asking) -> None:
    """The world was replaced since its scenario was switched on: the clock and every client go on."""
    calls = f"/__mock/foundations/{foundation.name}"
    client = foundation.server.client
    user = {"name": "late", "organizations": {"acme": ["organization_user"]}}
    events = [{"at": "5s", "given": {"users": [user]}}, {"at": "6s", "given": {"settings": {"stop_seconds": 9}}}]
    client.put(f"{calls}/scenarios/late", json={"scenario": "late", "events": events}).raise_for_status()
    client.put(f"{calls}/state", json={"organizations": [{"name": "else"}]}).raise_for_status()
    assert client.patch(f"{calls}/clock", json={"advance": "10s"}).status_code == 200
    assert foundation.list().status_code == 200
    assert state_of(foundation)["settings"]["stop_seconds"] == 9


def test_a_scenario_that_can_not_begin_again_leaves_what_it_had_changed(foundation: Asking) -> None:
    scenarios = f"/__mock/foundations/{foundation.name}/scenarios"
    client = foundation.server.client
    first = {"scenario": "s", "given": {"settings": {"stop_seconds": 9}}}
    client.put(f"{scenarios}/s", json=first).raise_for_status()
    second = {"scenario": "s", "given": {"users": [{"name": "u", "organizations": {"none": ["organization_user"]}}]}}
    assert client.put(f"{scenarios}/s", json=second).status_code == 422
    assert state_of(foundation)["settings"]["stop_seconds"] == 9
    client.delete(f"{scenarios}/s").raise_for_status()
    assert state_of(foundation)["settings"]["stop_seconds"] == 1


SUSPENDED = {"organizations": [{"name": "acme", "suspended": True}]}


def play(foundation: Asking, **words: Any) -> None:
    path = f"/__mock/foundations/{foundation.name}/scenarios/played"
    answer = foundation.server.client.put(path, json={"scenario": "played", **words})
    assert answer.is_success, answer.text


def is_suspended(state: dict[str, Any]) -> bool:
    return bool(state["organizations"][0]["suspended"])


def test_a_patch_stays_where_a_scenario_was_over_before_it(foundation: Asking) -> None:
    play(foundation, **{"given": SUSPENDED, "for": "10s"})
    assert is_suspended(state_of(foundation))
    foundation.advance(11)
    assert not is_suspended(state_of(foundation))
    play(foundation, **{"given": SUSPENDED, "for": "10s"})
    foundation.advance(11)
    assert is_suspended(patch(foundation, SUSPENDED).json())
    foundation.list()
    assert is_suspended(state_of(foundation))


def test_a_scenario_that_is_over_takes_nothing_from_one_that_begins_later(foundation: Asking) -> None:
    play(foundation, **{"given": SUSPENDED, "for": "10s"})
    foundation.advance(11)
    path = f"/__mock/foundations/{foundation.name}/scenarios/later"
    assert foundation.server.client.put(path, json={"scenario": "later", "given": SUSPENDED}).is_success
    foundation.list()
    assert is_suspended(state_of(foundation))


@pytest.mark.parametrize("call", ["state", "patch", "changes", "put"])
def test_the_state_has_an_event_that_is_due(foundation: Asking, call: str) -> None:
    state = state_of(foundation)
    play(foundation, events=[{"at": "10s", "given": SUSPENDED}])
    foundation.advance(11)
    if call == "state":
        assert is_suspended(state_of(foundation))
    elif call == "patch":
        assert is_suspended(patch(foundation, {}).json())
    elif call == "changes":
        client = foundation.server.client
        changes = client.get(f"/__mock/foundations/{foundation.name}/changes").json()["changes"]
        assert {"where": "organizations/acme/suspended", "before": False, "after": True} in changes
    else:
        put = foundation.server.client.put(f"/__mock/foundations/{foundation.name}/state", json=state)
        assert not is_suspended(put.json())
        foundation.list()
        assert not is_suspended(state_of(foundation))


def import_state(foundation: Asking, state: dict[str, Any]) -> None:
    path = f"/__mock/foundations/{foundation.name}/state"
    answer = foundation.server.client.put(path, json=state)
    assert answer.is_success, answer.text


def show_app(state: dict[str, Any]) -> dict[str, Any]:
    app: dict[str, Any] = state["organizations"][0]["spaces"][0]["apps"][0]
    return app


@pytest.mark.parametrize("way", ["patch", "given"])
def test_a_user_keeps_what_is_not_named(way: str, foundation: Asking) -> None:
    def change(user: dict[str, Any]) -> dict[str, Any]:
        if way == "patch":
            assert patch(foundation, {"users": [user]}).status_code == 200
        else:
            foundation.given(users=[user])
        users = {each["name"]: each for each in state_of(foundation)["users"]}
        shown: dict[str, Any] = users[user["name"]]
        return shown

    roles = {"acme": ["organization_manager"], "other": ["organization_user"]}
    scopes = ["cloud_controller.read"]
    made = {"created_at": LONG_AGO, "updated_at": LONG_AGO, "origin": "ldap", "metadata": {"labels": {"a": "b"}}}
    log_in = {"password": "secret", "locked": True}
    given = {"guid": "alices-own", "name": "alice", "scopes": scopes, "organizations": roles, "spaces": {}}
    alice = {**given, **made, **log_in, "metadata": {"labels": {"a": "b"}, "annotations": {}}, "failed_log_ins": []}
    assert change({**given, **made, **log_in}) == alice
    assert change({"name": "alice"}) == alice
    assert change({"name": "alice", "spaces": {"other/far": ["space_auditor"]}}) == alice | {
        "spaces": {"other/far": ["space_auditor"]}
    }
    changed = change({"name": "alice", "guid": "alices-own", "organizations": {"acme": []}, "scopes": []})
    assert changed["organizations"] == {"acme": [], "other": ["organization_user"]}
    assert (changed["scopes"], changed["spaces"]) == ([], {"other/far": ["space_auditor"]})


def test_a_droplet_keeps_what_is_not_named(foundation: Asking) -> None:
    state = state_of(foundation)
    droplet = {
        "guid": "staged",
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
        "process_types": {"web": "rackup", "worker": "rake work"},
        "package": None,
    }
    show_app(state)["droplet"] = droplet
    import_state(foundation, state)
    for words, expected in (
        ({}, {}),
        ({"process_types": {}}, {}),
        ({"process_types": {"web": "puma"}}, {"process_types": {"web": "puma", "worker": "rake work"}}),
    ):
        shown = patch(foundation, dev({"name": "dora", "droplet": words})).json()
        assert show_app(shown)["droplet"] == droplet | expected
    staged = {"guid": "another", "process_types": {"web": "new"}}
    shown = show_app(patch(foundation, dev({"name": "dora", "droplet": staged})).json())["droplet"]
    assert (shown["guid"], shown["process_types"]) == ("another", {"web": "new"})
    assert shown["created_at"] != LONG_AGO
    assert show_app(patch(foundation, dev({"name": "dora", "droplet": None})).json())["droplet"] is None


def test_sidecars_are_merged_by_name(foundation: Asking) -> None:
    proxy = {"guid": "proxys-own", "name": "proxy", "process_types": ["web"], "memory_in_mb": 32, "command": "run"}
    given = [proxy, {"name": "log", "process_types": ["worker"]}]
    _, log = show_app(patch(foundation, dev({"name": "dora", "sidecars": given})).json())["sidecars"]
    words = [{"name": "proxy", "memory_in_mb": 64}, {"name": "new", "process_types": ["web"]}]
    first, second, third = show_app(patch(foundation, dev({"name": "dora", "sidecars": words})).json())["sidecars"]
    assert {name: first[name] for name in proxy} == proxy | {"memory_in_mb": 64}
    assert second == log
    assert (third["name"], third["command"]) == ("new", "./sidecar")
    each = show_app(patch(foundation, dev({"name": "dora", "sidecars": [{"name": "*", "command": "x"}]})).json())
    assert [sidecar["command"] for sidecar in each["sidecars"]] == ["x", "x", "x"]
    import_state(foundation, state_of(foundation))


@pytest.mark.parametrize(
    ("sidecar", "text"),
    [
        ({"name": "new"}, "sidecars/0: a sidecar needs `process_types:`"),
        ({"name": "old", "guid": "other"}, "sidecars/0/guid: an entity that is there keeps its guid; leave it out"),
    ],
)
def test_a_sidecar_is_not_made_of_too_little(sidecar: dict[str, Any], text: str, foundation: Asking) -> None:
    old = {"name": "old", "process_types": ["web"]}
    assert patch(foundation, dev({"name": "dora", "sidecars": [old]})).status_code == 200
    refused = patch(foundation, dev({"name": "dora", "sidecars": [sidecar]}))
    assert refused.status_code == 422
    assert text in refused.json()["detail"]


def test_a_rate_limit_and_a_feature_flag_keep_what_is_not_named(foundation: Asking) -> None:
    limit = {"requests": 9, "unauthenticated": 8, "admins": 700, "interval_seconds": 60.0}
    flag = {"enabled": False, "error_message": "not today"}
    words: dict[str, Any] = {"settings": {"rate_limit": limit}, "feature_flags": {"app_scaling": flag}}
    assert patch(foundation, words).status_code == 200
    words = {"settings": {"rate_limit": {"requests": 500}}, "feature_flags": {"app_scaling": {"enabled": True}}}
    shown = patch(foundation, words).json()
    assert shown["settings"]["rate_limit"] == limit | {"requests": 500}
    assert shown["feature_flags"]["app_scaling"] == {"enabled": True, "error_message": "not today"}
    words = {
        "settings": {"rate_limit": 600},
        "feature_flags": {"app_scaling": {"enabled": True, "error_message": None}},
    }
    shown = patch(foundation, words).json()
    everybody = {"requests": 600, "unauthenticated": 600, "admins": 600, "interval_seconds": 60.0}
    assert shown["settings"]["rate_limit"] == everybody
    assert shown["feature_flags"]["app_scaling"] is True
    assert patch(foundation, {"settings": {"rate_limit": None}}).json()["settings"]["rate_limit"] is None
