"""Stats and process instances: what is shown of each instance, in every state.

Source: app/presenters/v3/process_stats_presenter.rb, process_instances_presenter.rb and
lib/cloud_controller/diego/reporters/instances_stats_reporter.rb.
"""

import re
from typing import Any

from tests.cloudfoundry.asking import CLOCK, FAILS, IDLE, WEB, Asking, error, states

FOUND = [
    "type",
    "index",
    "instance_guid",
    "state",
    "routable",
    "host",
    "instance_internal_ip",
    "uptime",
    "mem_quota",
    "disk_quota",
    "log_rate_limit",
    "fds_quota",
    "isolation_segment",
    "details",
    "instance_ports",
    "usage",
]
DOWN = ["type", "index", "state", "routable", "uptime", "isolation_segment", "details"]
USAGE = ["time", "cpu", "cpu_entitlement", "mem", "disk", "log_rate"]
MEGABYTE = 1024 * 1024


def stat(foundation: Asking, index: int = 0, guid: str = WEB) -> dict[str, Any]:
    found: dict[str, Any] = foundation.stats(guid).json()["resources"][index]
    return found


def test_a_running_instance_has_every_key_in_order(foundation: Asking) -> None:
    shown = stat(foundation)
    assert list(shown) == FOUND
    assert list(shown["usage"]) == USAGE
    assert list(shown["instance_ports"][0]) == [
        "external",
        "internal",
        "external_tls_proxy_port",
        "internal_tls_proxy_port",
    ]
    assert (shown["state"], shown["routable"], shown["details"]) == ("RUNNING", True, None)
    assert (shown["mem_quota"], shown["disk_quota"]) == (256 * MEGABYTE, 1024 * MEGABYTE)
    assert (shown["log_rate_limit"], shown["fds_quota"]) == (-1, 16384)
    assert shown["uptime"] == 3600


def test_usage_is_told_for_the_moment_of_the_request(foundation: Asking) -> None:
    first = stat(foundation)["usage"]
    assert first["time"].endswith("+00:00")
    assert isinstance(first["cpu"], float)
    assert isinstance(first["mem"], int)
    assert stat(foundation)["usage"] == first
    foundation.advance(1)
    assert stat(foundation)["usage"] != first
    assert stat(foundation, 1)["usage"]["time"] == stat(foundation)["usage"]["time"]


def test_a_starting_instance_has_no_place_and_no_metrics_yet(foundation: Asking) -> None:
    foundation.scale({"instances": 3})
    shown = stat(foundation, 2)
    assert list(shown) == FOUND
    assert (shown["state"], shown["routable"], shown["host"], shown["instance_ports"]) == ("STARTING", False, "", [])
    assert (shown["mem_quota"], shown["disk_quota"], shown["log_rate_limit"]) == (None, None, None)
    assert {key: value for key, value in shown["usage"].items() if key != "time"} == dict.fromkeys(USAGE[1:], 0)


def test_a_crashed_instance_has_the_same_keys_and_no_place(foundation: Asking) -> None:
    foundation.given_process("web", instance_states={1: "CRASHED"})
    foundation.advance(12)
    shown = stat(foundation, 1)
    assert list(shown) == FOUND
    assert (shown["state"], shown["routable"], shown["uptime"]) == ("CRASHED", False, 12)
    assert (shown["instance_guid"], shown["host"], shown["instance_ports"]) == ("", "", [])
    assert shown["usage"]["cpu"] == 0


def test_an_instance_that_cannot_be_placed_is_down_and_says_why(foundation: Asking) -> None:
    foundation.given_process("web", placement_error="insufficient resources: memory")
    foundation.scale({"instances": 3})
    foundation.advance(7)
    shown = stat(foundation, 2)
    assert list(shown) == DOWN
    assert (shown["state"], shown["uptime"], shown["details"]) == ("DOWN", 7, "insufficient resources: memory")
    assert foundation.instances().json()["resources"][2] == {"index": 2, "state": "DOWN", "since": 7}


def test_an_instance_that_is_not_ready_runs_without_requests(foundation: Asking) -> None:
    foundation.given_process("web", ready=False)
    assert (stat(foundation)["state"], stat(foundation)["routable"]) == ("RUNNING", False)


def test_the_isolation_segment_is_told(foundation: Asking) -> None:
    foundation.given_space(isolation_segment="shared")
    assert stat(foundation)["isolation_segment"] == "shared"
    assert stat(foundation, guid=IDLE)["isolation_segment"] is None


def test_a_stopped_app_is_down_once_its_instances_are_gone(foundation: Asking) -> None:
    foundation.given_app("dora", state="STOPPED")
    shown = stat(foundation)
    assert (shown["state"], list(shown), shown["usage"], shown["mem_quota"]) == ("STOPPING", FOUND, {}, None)
    assert foundation.instances().json()["resources"][0] == {"index": 0, "state": "STOPPING", "since": None}
    foundation.advance(1)
    assert stat(foundation) == {
        "type": "web",
        "index": 0,
        "state": "DOWN",
        "routable": None,
        "uptime": 0,
        "isolation_segment": None,
        "details": None,
    }
    assert foundation.instances().json()["resources"][1] == {"index": 1, "state": "DOWN", "since": None}


def test_metrics_that_cannot_be_read_are_a_warning(foundation: Asking) -> None:
    foundation.given(settings={"metrics": "unavailable"})
    answer = foundation.stats()
    assert answer.status_code == 200
    assert answer.headers["X-Cf-Warnings"] == "Stats+server+temporarily+unavailable."
    for shown in answer.json()["resources"]:
        assert list(shown) == FOUND
        assert (shown["state"], shown["usage"], shown["mem_quota"]) == ("RUNNING", {}, None)
    foundation.given(settings={"metrics": "available"})
    assert "X-Cf-Warnings" not in foundation.stats().headers


def test_a_scheduler_that_is_away_is_503_for_stats_and_500_elsewhere(foundation: Asking) -> None:
    foundation.given(settings={"platform": "unavailable"})
    words = "Stats unavailable: Stats server temporarily unavailable."
    assert error(foundation.stats()) == (503, "CF-StatsUnavailable", words, 200002)
    assert error(foundation.instances()) == FAILS
    assert error(foundation.ask("GET", f"/v3/processes/{WEB}?embed=process_instances")) == FAILS
    assert error(foundation.list("?embed=process_instances")) == FAILS
    assert foundation.show().status_code == 200


def test_process_instances_tell_the_seconds_in_the_state(foundation: Asking) -> None:
    foundation.scale({"instances": 3})
    foundation.advance(5.5)
    answer = foundation.instances().json()
    assert answer["resources"] == [
        {"index": 0, "state": "RUNNING", "since": 3605},
        {"index": 1, "state": "RUNNING", "since": 3605},
        {"index": 2, "state": "RUNNING", "since": 4},
    ]
    base = f"{foundation.server.url}/v3/processes/{WEB}"
    assert answer["links"] == {"self": {"href": f"{base}/process_instances"}, "process": {"href": base}}


LIFE: list[tuple[float, str, int]] = [
    (0, "STARTING", 0),
    (1, "RUNNING", 0),
    (4.9, "RUNNING", 3),
    (5, "STARTING", 0),
    (6, "RUNNING", 0),
    (10, "STARTING", 0),
    (15, "CRASHED", 0),
    (44.9, "CRASHED", 29),
    (45, "STARTING", 0),
    (50, "CRASHED", 0),
    (109.9, "CRASHED", 59),
    (110, "STARTING", 0),
    (115, "CRASHED", 0),
    (234.9, "CRASHED", 119),
    (235, "STARTING", 0),
]
"""Seconds since the first start of an instance that crashes five seconds after each, its state, and since when."""


def test_a_crash_loop_follows_the_schedulers_restart_policy(foundation: Asking) -> None:
    foundation.given_process("web", crash_after="5s")
    foundation.scale({"instances": 3})
    passed = 0.0
    for moment, state, since in LIFE:
        foundation.advance(moment - passed)
        passed = moment
        shown = foundation.instances().json()["resources"][2]
        assert (moment, shown["state"], shown["since"]) == (moment, state, since)


def test_the_wait_of_a_crash_loop_ends_at_sixteen_minutes_and_two_hundred_crashes(foundation: Asking) -> None:
    foundation.given_process("web", crash_after="5s")
    foundation.scale({"instances": 3})
    foundation.advance(5 * 8 + 30 * (1 + 2 + 4 + 8 + 16))
    assert foundation.instances().json()["resources"][2] == {"index": 2, "state": "CRASHED", "since": 0}
    foundation.advance(959)
    assert foundation.instances().json()["resources"][2]["state"] == "CRASHED"
    foundation.advance(1)
    assert foundation.instances().json()["resources"][2]["state"] == "STARTING"
    foundation.advance(200 * 1000)
    shown = foundation.instances().json()["resources"][2]
    assert (shown["state"], shown["since"] > 960) == ("CRASHED", True)


def test_a_crash_after_five_minutes_of_running_counts_as_the_first(foundation: Asking) -> None:
    foundation.given_process("web", crash_after="302s")
    foundation.scale({"instances": 3})
    for _ in range(20):
        foundation.advance(302)
        assert foundation.instances().json()["resources"][2] == {"index": 2, "state": "STARTING", "since": 0}


def test_an_instance_guid_has_28_characters(foundation: Asking) -> None:
    shown = {each["instance_guid"] for each in foundation.stats().json()["resources"]}
    assert len(shown) == 2
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){4}", guid) for guid in shown)


def test_each_start_has_an_instance_guid_of_its_own(foundation: Asking) -> None:
    foundation.given_process("web", crash_after="5s")
    foundation.scale({"instances": 3})
    seen = set()
    for _ in range(3):
        seen.add(stat(foundation, 2)["instance_guid"])
        foundation.advance(5)
    assert len(seen) == 3


def test_instances_that_never_start_crash_when_their_health_check_gives_up(foundation: Asking) -> None:
    foundation.given_process("web", starts=False)
    foundation.update({"health_check": {"data": {"timeout": 10}}})
    foundation.scale({"instances": 3})
    foundation.advance(9)
    assert states(foundation.instances())[2] == "STARTING"
    foundation.advance(21)
    assert states(foundation.instances())[2] == "CRASHED"


def test_instances_that_run_begin_to_crash_when_they_are_told_to(foundation: Asking) -> None:
    foundation.given_process("web", crash_after="5s")
    assert states(foundation.instances()) == ["STARTING", "STARTING"]
    foundation.advance(10)
    assert states(foundation.instances()) == ["CRASHED", "CRASHED"]
    foundation.given_process("web", crash_after=None)
    foundation.advance(2)
    assert states(foundation.instances()) == ["RUNNING", "RUNNING"]


def test_a_crash_of_its_own_comes_before_that_of_the_settings(foundation: Asking) -> None:
    foundation.given(settings={"crash_seconds": 5})
    foundation.given_process("web", app="dora", crash_after="20s")
    foundation.scale({"instances": 3})
    foundation.scale({"instances": 2}, guid=CLOCK)
    foundation.advance(5)
    assert states(foundation.instances())[2] == "RUNNING"
    assert states(foundation.instances(CLOCK))[1] == "STARTING"
    foundation.advance(15)
    assert states(foundation.instances())[2] == "STARTING"


def test_instances_that_have_not_crashed_stay_as_they_are_when_they_are_told_not_to(foundation: Asking) -> None:
    before = stat(foundation, 1)["instance_guid"]
    foundation.given_process("web", app="dora", crash_after=None)
    assert stat(foundation, 1)["instance_guid"] == before
    foundation.given_process("web", app="dora", crash_after="5s")
    foundation.scale({"instances": 3})
    foundation.advance(2)
    before = stat(foundation, 2)["instance_guid"]
    foundation.given_process("web", app="dora", crash_after=None)
    assert stat(foundation, 1)["state"] == "STARTING"
    foundation.advance(60)
    assert (stat(foundation, 2)["instance_guid"], stat(foundation, 2)["uptime"]) == (before, 61)


def test_instances_in_the_middle_can_be_held_in_a_state(foundation: Asking) -> None:
    foundation.scale({"instances": 6})
    foundation.advance(2)
    foundation.given_process("web", app="dora", instance_states={1: "CRASHED", 4: "DOWN"})
    assert states(foundation.instances()) == ["RUNNING", "CRASHED", "RUNNING", "RUNNING", "DOWN", "RUNNING"]
    assert [each["index"] for each in foundation.instances().json()["resources"]] == list(range(6))


def test_stats_leave_out_what_is_stopping_beyond_the_wanted_number(foundation: Asking) -> None:
    """An index that is not wanted any more is seen among the process's instances until it is gone, not in its stats."""
    foundation.scale({"instances": 1})
    assert states(foundation.stats()) == ["RUNNING"]
    assert len(foundation.instances().json()["resources"]) == 2
