"""Kept pages: what is remembered of a list is never seen to be."""

from collections.abc import Callable
from typing import Any

from tests.cloudfoundry.asking import APP, WEB, Asking


def list_by_guid(foundation: Asking) -> dict[str, dict[str, Any]]:
    return {each["guid"]: each for each in foundation.list().json()["resources"]}


def test_a_list_that_was_read_before_shows_every_later_change(foundation: Asking) -> None:
    """Whatever writes: an operation, a patch, the clock, or the end of a setting."""
    assert list_by_guid(foundation)[WEB]["instances"] == 2
    foundation.scale({"instances": 3})
    assert list_by_guid(foundation)[WEB]["instances"] == 3
    foundation.given_process("web", app="dora", memory_in_mb=64)
    assert list_by_guid(foundation)[WEB]["memory_in_mb"] == 64
    foundation.given_app("dora", lifecycle="docker")
    assert list_by_guid(foundation)[WEB]["user"] == "root"
    foundation.given(settings={"stale_seconds": 60})
    foundation.scale({"instances": 1})
    assert list_by_guid(foundation)[WEB]["instances"] == 3
    foundation.given(settings={"stale_seconds": 0})
    assert list_by_guid(foundation)[WEB]["instances"] == 1
    assert foundation.ask("DELETE", f"/v3/apps/{APP}").status_code == 202
    foundation.advance(60)
    assert WEB not in list_by_guid(foundation)


def test_each_reader_of_a_list_has_links_and_processes_of_their_own(foundation: Asking) -> None:
    assert WEB in list_by_guid(foundation)
    assert foundation.list(actor="org_user").json()["resources"] == []
    other = foundation.list(headers={"Host": "elsewhere.example"}).json()["resources"]
    assert {each["links"]["self"]["href"].partition("/v3/")[0] for each in other} == {"http://elsewhere.example"}
    assert foundation.list("?per_page=1").json()["resources"] == foundation.list().json()["resources"][:1]


def test_stats_that_were_read_before_follow_every_later_change(foundation: Asking) -> None:
    """State and time of each instance are those that its process's instances have, which are never kept."""
    changes: list[Callable[[], object]] = [
        lambda: foundation.scale({"instances": 4}),
        lambda: foundation.advance(0.6),
        lambda: foundation.advance(0.6),
        lambda: foundation.terminate(1),
        lambda: foundation.advance(2),
        lambda: foundation.given_process("web", app="dora", instance_states={2: "CRASHED", 3: "DOWN"}),
        lambda: foundation.advance(1),
        lambda: foundation.given_process("web", app="dora", instance_states={0: {"state": "DOWN", "details": "100%b"}}),
        lambda: foundation.given_space(isolation_segment="secure"),
        lambda: foundation.given(settings={"metrics": "unavailable"}),
        lambda: foundation.given(settings={"metrics": "available"}),
        lambda: foundation.ask("POST", f"/v3/apps/{APP}/actions/stop"),
    ]
    seen = []
    for change in changes:
        foundation.stats()
        change()
        shown = foundation.stats().json()["resources"]
        instances = foundation.instances().json()["resources"][: len(shown)]
        for one, other in zip(shown, instances, strict=True):
            assert (one["index"], one["state"]) == (other["index"], other["state"])
            assert other["since"] in (None, one["uptime"])
        seen.append((shown[0]["details"], shown[1]["isolation_segment"], shown[1].get("usage", {}).get("disk")))
    disk = int(0.12 * 1024 * 1024 * 1024)
    assert seen[-5:] == [
        ("100%b", None, disk),
        ("100%b", "secure", disk),
        ("100%b", "secure", None),
        ("100%b", "secure", disk),
        (None, None, None),
    ]


def test_an_instance_s_usage_is_shown_as_of_each_second(foundation: Asking) -> None:
    first = foundation.stats().json()["resources"]
    assert foundation.stats().json()["resources"] == first
    foundation.advance(1)
    later = foundation.stats().json()["resources"]
    for one, other in zip(first, later, strict=True):
        assert other.pop("uptime") == one.pop("uptime") + 1
        usage, usage_before = other.pop("usage"), one.pop("usage")
        assert one == other
        assert usage["time"] > usage_before["time"]
        assert usage["mem"] != usage_before["mem"]
        assert usage["disk"] == usage_before["disk"]
