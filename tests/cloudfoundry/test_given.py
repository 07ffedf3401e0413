"""`given:` of scenarios: a running world changed in a seed file's words, by names and by `*`."""

from typing import Any

import msgspec
import pytest

from mockfoundry.cloudfoundry.seeds.patch import apply_world_patch
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.problems import DocumentError
from tests.cloudfoundry.asking import CLOCK, IDLE, WEB, WORKER, Asking, error, guids, states


def everywhere(**process: Any) -> dict[str, Any]:
    """A document about every process of every app."""
    return apps({"name": "*", "processes": [{"type": "*", **process}]})


def apps(*found: dict[str, Any]) -> dict[str, Any]:
    return {"organizations": [{"name": "*", "spaces": [{"name": "*", "apps": list(found)}]}]}


def written(world: World) -> bytes:
    return msgspec.json.encode(world)


CHANGED: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    "each process of each app": (
        everywhere(memory_in_mb=64),
        {guid: {"memory_in_mb": 64} for guid in (WEB, WORKER, CLOCK, IDLE)},
    ),
    "one type of each app": (
        apps({"name": "*", "processes": [{"type": "web", "command": "x"}]}),
        {WEB: {"command": "x"}, IDLE: {"command": "x"}, CLOCK: {"command": ""}},
    ),
    "one app": (apps({"name": "idle", "processes": [{"type": "web", "instances": 7}]}), {IDLE: {"instances": 7}}),
    "a health check, key by key": (
        apps({"name": "dora", "processes": [{"type": "web", "health_check": {"data": {"timeout": 7}}}]}),
        {WEB: {"health_check": {"type": "port", "data": {"timeout": 7, "invocation_timeout": None, "interval": None}}}},
    ),
    "labels as a whole": (
        everywhere(metadata={"labels": {"a": "b"}}),
        {WEB: {"metadata": {"labels": {"a": "b"}, "annotations": {}}}},
    ),
    "another process behind the same guid": (
        apps({"name": "dora", "processes": [{"type": "web", "version": "v2", "instances": 1, "command": "other"}]}),
        {WEB: {"version": "v2", "instances": 1, "command": "other"}},
    ),
}
"""A document in part, and what is shown of processes afterwards."""


@pytest.mark.parametrize("row", CHANGED)
def test_named_keys_replace_what_is_there_and_the_rest_stays(row: str, foundation: Asking) -> None:
    words, shown = CHANGED[row]
    before = {guid: foundation.show(guid).json() for guid in shown}
    foundation.given(**words)
    for guid, keys in shown.items():
        after = foundation.show(guid).json()
        assert after == {**before[guid], **keys}


def test_a_quota_is_merged_key_by_key(foundation: Asking) -> None:
    foundation.given_organization(quota={"total_instances": 9})
    quota = foundation.world.organizations["acme"].quota
    assert quota is not None
    assert (quota.total_memory_in_mb, quota.total_instances) == (10240, 9)
    foundation.given_organization(quota=None)
    assert foundation.scale({"instances": 500}).status_code == 202


def test_instances_are_started_and_stopped_as_a_scale_does(foundation: Asking) -> None:
    foundation.given_process("web", app="dora", instances=4)
    assert states(foundation.stats()) == ["RUNNING", "RUNNING", "STARTING", "STARTING"]
    foundation.given_process("web", app="dora", instances=1)
    assert states(foundation.stats()) == ["RUNNING"]


def test_states_of_instances_hold_until_they_are_given_anew(foundation: Asking) -> None:
    foundation.given_process("web", app="dora", instance_states={"1": "CRASHED"})
    assert states(foundation.stats()) == ["RUNNING", "CRASHED"]
    foundation.advance(10_000)
    assert states(foundation.stats()) == ["RUNNING", "CRASHED"]
    foundation.given_process("web", app="dora", instance_states={0: {"state": "DOWN", "details": "no room"}})
    assert states(foundation.stats()) == ["DOWN", "RUNNING"]
    assert foundation.stats().json()["resources"][0]["details"] == "no room"


def test_a_changed_version_has_new_instances(foundation: Asking) -> None:
    foundation.given_process("web", app="dora", version="v2")
    assert states(foundation.stats()) == ["STARTING", "STARTING"]


def test_instances_that_run_keep_running_when_starts_become_slow(foundation: Asking) -> None:
    foundation.given(settings={"start_seconds": 31536000})
    foundation.scale({"instances": 3})
    foundation.advance(100_000)
    assert states(foundation.stats()) == ["RUNNING", "RUNNING", "STARTING"]


def test_instances_started_from_now_on_crash_when_the_platform_is_told_so(foundation: Asking) -> None:
    foundation.given(settings={"crash_seconds": 3})
    foundation.scale({"instances": 3})
    foundation.advance(9)
    assert states(foundation.stats()) == ["RUNNING", "RUNNING", "CRASHED"]


def test_stale_reads_show_the_world_of_a_while_ago(foundation: Asking) -> None:
    foundation.given(settings={"stale_seconds": 5})
    assert foundation.scale({"instances": 4}).json()["instances"] == 4
    foundation.advance(2)
    assert foundation.scale({"instances": 6}).json()["instances"] == 6
    assert foundation.show().json()["instances"] == 2
    assert {each["instances"] for each in foundation.list("?types=web&app_guids=dora").json()["resources"]} == {2}
    assert len(foundation.stats().json()["resources"]) == 2
    foundation.advance(3)
    assert foundation.show().json()["instances"] == 4
    foundation.advance(2)
    assert foundation.show().json()["instances"] == 6


def test_entities_that_are_not_there_are_added(foundation: Asking) -> None:
    before = guids(foundation.list())
    newcomer = {"name": "newcomer", "processes": [{"type": "web", "guid": "n", "created_at": "2001-01-01T00:00:00Z"}]}
    foundation.given(organizations=[{"name": "acme", "spaces": [{"name": "dev", "apps": [newcomer]}]}])
    assert guids(foundation.list()) == ["n", *before]
    assert states(foundation.stats("n")) == ["STARTING"]
    foundation.given(
        organizations=[{"name": "third", "spaces": [{"name": "s", "apps": [{"name": "a", "guid": "third-app"}]}]}],
        users=[{"name": "eve", "spaces": {"third/s": ["space_developer"]}}],
    )
    assert guids(foundation.list(actor="eve")) == ["third-app"]


def test_each_one_is_nothing_where_nothing_is_there(foundation: Asking) -> None:
    before = written(foundation.world)
    foundation.given(
        organizations=[{"name": "other", "spaces": [{"name": "far", "apps": [{"name": "*", "state": "STOPPED"}]}]}]
    )
    assert msgspec.json.decode(written(foundation.world)) == msgspec.json.decode(before)


def test_an_app_is_stopped_and_started(foundation: Asking) -> None:
    foundation.given_app("dora", state="STOPPED")
    foundation.advance(2)
    assert states(foundation.stats()) == ["DOWN", "DOWN"]
    foundation.given_organization(quota={"total_memory_in_mb": 512})
    assert foundation.scale({"instances": 2}).status_code == 202
    foundation.given_app("dora", state="STARTED")
    assert states(foundation.stats()) == ["STARTING", "STARTING"]
    assert error(foundation.scale({}))[2] == "memory quota_exceeded"


def test_a_user_loses_only_the_roles_that_are_named(foundation: Asking) -> None:
    foundation.given(users=[{"name": "developer", "organizations": {"acme": []}}])
    assert foundation.show(actor="developer").status_code == 200
    foundation.given(users=[{"name": "developer", "spaces": {"acme/dev": []}}])
    assert foundation.show(actor="developer").status_code == 404


FAULTY: dict[str, tuple[Any, str]] = {
    "not a mapping": (
        [],
        "given: the seed is an empty list; it must be a mapping of "
        "settings, feature_flags, default_quota, isolation_segments, "
        "security_groups, "
        "service_offerings, organizations, users, clients",
    ),
    "an unknown key": ({"setings": {}}, 'setings: "setings" is not a key of a seed; did you mean settings?'),
    "an unknown key deep inside": (
        everywhere(instnaces=3),
        "organizations/0/spaces/0/apps/0/processes/0/instnaces: "
        '"instnaces" is not a key of a process; did you mean instances?',
    ),
    "a guid of what is there": (
        {"organizations": [{"name": "acme", "guid": "new"}]},
        "organizations/0/guid: an entity that is there keeps its guid; leave it out",
    ),
    "a role in an unknown space": (
        {"users": [{"name": "u", "spaces": {"acme/dve": ["space_developer"]}}]},
        'users/0/spaces/acme/dve: there is no space "acme/dve"; did you mean acme/dev?',
    ),
    "an instance that the document does not ask for": (
        everywhere(instances=1, instance_states={1: "CRASHED"}),
        "organizations/0/spaces/0/apps/0/processes/0/instance_states/1: there is no instance 1; "
        "the document asks for 1, counted from 0",
    ),
    "a good change beside a bad one": (
        {"settings": {"start_seconds": 9, "stop_seconds": -1}},
        "settings/stop_seconds: stop_seconds is -1; it must be a number of seconds or a duration such as 250ms, 1.5s "
        "or 2m, up to a year",
    ),
}
"""A document, and the line that says what is wrong."""


@pytest.mark.parametrize("row", FAULTY)
def test_a_faulty_document_says_why_and_changes_nothing(row: str, foundation: Asking) -> None:
    words, line = FAULTY[row]
    before = written(foundation.world)
    with pytest.raises(DocumentError) as caught:
        apply_world_patch(foundation.world, words, foundation.now)
    assert str(caught.value).splitlines() == [f"given:1:1: {line}"]
    assert written(foundation.world) == before


def test_a_new_app_shares_no_guid_with_one_that_had_its_name(foundation: Asking) -> None:
    """Guids are derived from names, which clients can change."""
    foundation.given_app("first")
    before = foundation.ask("GET", "/v3/apps?names=first").json()["resources"][0]["guid"]
    foundation.ask("PATCH", f"/v3/apps/{before}", {"name": "renamed"})
    foundation.given_app("first")
    for path in ("apps", "droplets", "processes"):
        found = guids(foundation.ask("GET", f"/v3/{path}?per_page=5000"))
        assert len(found) == len(set(found))
    assert foundation.ask("GET", f"/v3/apps/{before}").json()["name"] == "renamed"
    assert len(foundation.ask("GET", "/v3/apps?names=first,renamed").json()["resources"]) == 2
