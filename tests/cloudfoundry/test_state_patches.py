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
    "an unknown key": ({"setings": {}}, "body:1:2: a seed has no key setings"),
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
        dev({"name": "dora", "sidecars": [{"name": "s", "process_types": ["wep"]}]}),
        "sidecars/0/process_types/0: app dora has no process of type wep; did you mean web?",
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
