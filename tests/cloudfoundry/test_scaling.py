"""What a scale does to a process and its instances, and what it leaves alone.

Source: app/actions/process_scale.rb, app/models/runtime/process_model.rb and lib/cloud_controller/process_observer.rb.
"""

from typing import Any

import pytest

from tests.cloudfoundry.asking import APP, IDLE, WEB, WORKER, Asking, error, states, unprocessable

MOST = 2_147_483_647


def test_every_accepted_scale_moves_updated_at_and_keeps_the_version(foundation: Asking) -> None:
    before = foundation.show().json()
    foundation.advance(5)
    after = foundation.scale({}).json()
    assert after["updated_at"] > before["updated_at"]
    assert after["version"] == before["version"]
    foundation.advance(5)
    assert foundation.scale({"memory_in_mb": 512}).json()["version"] == before["version"]


def test_a_scale_is_shown_by_every_read_at_once(foundation: Asking) -> None:
    scaled = foundation.scale({"instances": 5}).json()
    assert scaled["instances"] == 5
    assert foundation.show().json() == scaled
    assert foundation.ask("GET", f"/v3/apps/{APP}/processes/web").json() == scaled


def test_new_instances_start_and_then_run(foundation: Asking) -> None:
    foundation.scale({"instances": 4})
    assert states(foundation.stats()) == ["RUNNING", "RUNNING", "STARTING", "STARTING"]
    foundation.advance(0.9)
    assert states(foundation.stats())[2:] == ["STARTING", "STARTING"]
    foundation.advance(0.2)
    assert states(foundation.stats()) == ["RUNNING"] * 4


def test_scaling_down_takes_the_highest_indices(foundation: Asking) -> None:
    kept = foundation.stats().json()["resources"][0]["instance_guid"]
    foundation.scale({"instances": 1})
    assert [(each["index"], each["instance_guid"]) for each in foundation.stats().json()["resources"]] == [(0, kept)]


def test_an_instance_that_stops_is_seen_by_process_instances_only(foundation: Asking) -> None:
    foundation.scale({"instances": 1})
    assert states(foundation.instances()) == ["RUNNING", "RUNNING"]
    assert states(foundation.stats()) == ["RUNNING"]
    foundation.advance(1)
    assert states(foundation.instances()) == ["RUNNING"]


def test_of_what_is_wanted_no_more_nothing_but_what_is_there_is_told(foundation: Asking) -> None:
    foundation.scale({"instances": 3})
    foundation.advance(5)
    foundation.terminate("1")
    foundation.advance(0.5)
    foundation.scale({"instances": 0})
    foundation.advance(0.6)
    assert [each["index"] for each in foundation.instances().json()["resources"]] == [0, 2]


def seen(foundation: Asking) -> list[tuple[int, str]]:
    """The index and the state of each instance that a process has."""
    return [(each["index"], each["state"]) for each in foundation.instances().json()["resources"]]


def test_of_instances_that_were_started_together_some_can_go(foundation: Asking) -> None:
    foundation.scale({"instances": 5})
    foundation.advance(2)
    foundation.scale({"instances": 4})
    assert seen(foundation) == [(index, "RUNNING") for index in range(5)]
    assert [each["index"] for each in foundation.stats().json()["resources"]] == [0, 1, 2, 3]
    foundation.advance(1)
    assert seen(foundation) == [(index, "RUNNING") for index in range(4)]


def test_what_stops_as_soon_as_it_was_started_is_seen_until_it_is_gone(foundation: Asking) -> None:
    foundation.scale({"instances": 4})
    foundation.scale({"instances": 2})
    assert [index for index, _ in seen(foundation)] == [0, 1, 2, 3]
    foundation.advance(1)
    assert [index for index, _ in seen(foundation)] == [0, 1]


def test_an_index_that_stops_again_and_again_is_seen_once(foundation: Asking) -> None:
    for wanted in (4, 2, 4, 2, 3, 2):
        foundation.scale({"instances": wanted})
        foundation.advance(0.1)
    assert [index for index, _ in seen(foundation)] == [0, 1, 2, 3]
    # The last of index 2 was told to stop later than that of index 3.
    foundation.advance(0.75)
    assert [index for index, _ in seen(foundation)] == [0, 1, 2]
    foundation.advance(0.2)
    assert [index for index, _ in seen(foundation)] == [0, 1]


def test_a_scale_to_what_is_there_leaves_every_instance_alone(foundation: Asking) -> None:
    before = foundation.process()
    foundation.scale({"instances": before.instances})
    after = foundation.process()
    assert (after.instance_ranges, after.stopping_ranges) == (before.instance_ranges, before.stopping_ranges)


def test_an_instance_that_comes_back_is_a_new_one(foundation: Asking) -> None:
    before = foundation.stats().json()["resources"][1]["instance_guid"]
    foundation.scale({"instances": 1})
    foundation.scale({"instances": 2})
    after = foundation.stats().json()["resources"][1]
    assert after["state"] == "STARTING"
    assert after["instance_guid"] != before


def test_zero_instances_have_no_stats(foundation: Asking) -> None:
    foundation.scale({"instances": 0})
    foundation.advance(2)
    assert foundation.stats().json() == {"resources": []}
    assert foundation.instances().json()["resources"] == []


def test_running_instances_keep_their_quotas_until_the_app_is_started_anew(foundation: Asking) -> None:
    foundation.scale({"memory_in_mb": 512, "disk_in_mb": 2048, "log_rate_limit_in_bytes_per_second": 99})
    foundation.scale({"instances": 3})
    foundation.advance(2)
    megabyte = 1024 * 1024
    for each in foundation.stats().json()["resources"]:
        assert (each["mem_quota"], each["disk_quota"], each["log_rate_limit"]) == (256 * megabyte, 1024 * megabyte, -1)
    assert foundation.show().json()["memory_in_mb"] == 512


def test_a_stopped_app_is_scaled_without_instances(foundation: Asking) -> None:
    assert foundation.scale({"instances": 5}, guid=IDLE).json()["instances"] == 5
    foundation.advance(5)
    assert states(foundation.stats(guid=IDLE)) == ["DOWN"] * 5


def test_two_thousand_million_instances_cost_nothing(foundation: Asking) -> None:
    foundation.given_organization(quota=None)
    scaled = foundation.scale({"instances": MOST, "memory_in_mb": 1})
    assert scaled.json()["instances"] == MOST
    foundation.advance(2)
    answer = foundation.instances()
    assert len(answer.json()["resources"]) == 10_000
    assert f"the first 10000 of {MOST} instances" in answer.headers["X-Mock-Why"]
    assert foundation.terminate(MOST - 1).status_code == 204
    assert foundation.scale({"instances": 2}).status_code == 202
    foundation.advance(2)
    assert states(foundation.instances()) == ["RUNNING", "RUNNING"]


def test_scaling_up_and_down_very_often_keeps_the_world_small(foundation: Asking) -> None:
    for number in range(300):
        foundation.scale({"instances": number * 7 % 11})
    process = foundation.process()
    assert len(process.instance_ranges) + len(process.stopping_ranges) < 40


DEPLOYING: dict[str, tuple[str, str | None]] = {
    WEB: ("web", "Cannot {} this process while a deployment is in flight."),
    WORKER: ("worker", None),
}


@pytest.mark.parametrize("guid", DEPLOYING)
def test_a_deployment_blocks_the_web_process_only(guid: str, foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"seconds": None})
    words = DEPLOYING[guid][1]
    if words is None:
        assert foundation.scale({"instances": 1}, guid=guid).status_code == 202
        assert foundation.update({"command": "x"}, guid=guid).status_code == 200
    else:
        assert error(foundation.scale({}, guid=guid)) == unprocessable(words.format("scale"))
        assert error(foundation.update({}, guid=guid)) == unprocessable(words.format("update"))
        assert foundation.terminate(0, guid=guid).status_code == 204


IN_FLIGHT: dict[str, bool] = {"DEPLOYING": True, "PAUSED": True, "CANCELING": False}


@pytest.mark.parametrize("reason", IN_FLIGHT)
def test_a_canceling_deployment_is_not_in_flight(reason: str, foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"reason": reason, "seconds": None})
    assert foundation.scale({}).status_code == (422 if IN_FLIGHT[reason] else 202)


def test_a_scale_is_kept_though_the_scheduler_is_away(foundation: Asking) -> None:
    foundation.given(settings={"platform": "unavailable"})
    assert foundation.scale({"instances": 3}).status_code == 202
    assert foundation.show().json()["instances"] == 3


SIDECARS: dict[str, tuple[dict[str, Any], str | None]] = {
    "less than all of them": ({"memory_in_mb": 99}, "refused"),
    "as much as all of them": ({"memory_in_mb": 100}, "refused"),
    "more than all of them": ({"memory_in_mb": 101}, None),
    "memory that does not change": ({"memory_in_mb": 256}, None),
    "instances only": ({"instances": 1}, None),
    "whatever else is wrong": ({"memory_in_mb": 50, "disk_in_mb": 9999}, "refused"),
}


@pytest.mark.parametrize("row", SIDECARS)
def test_sidecars_need_less_than_the_memory_of_their_process(row: str, foundation: Asking) -> None:
    body, refused = SIDECARS[row]
    foundation.given_app(
        "dora",
        sidecars=[
            {"name": "proxy", "process_types": ["web"], "memory_in_mb": 60},
            {"name": "logs", "process_types": ["web", "worker"], "memory_in_mb": 40},
            {"name": "free", "process_types": ["web"]},
            {"name": "other", "process_types": ["worker"], "memory_in_mb": 500},
        ],
    )
    answer = foundation.scale(body)
    if refused:
        words = "The requested memory allocation is not large enough to run all of your sidecar processes"
        assert error(answer) == unprocessable(words)
    else:
        assert answer.status_code == 202


def test_sidecars_that_take_too_much_refuse_only_a_change_of_the_memory(foundation: Asking) -> None:
    """A process that has less memory than its sidecars may change whatever else it likes [process_model.rb]."""
    foundation.given_app("dora", sidecars=[{"name": "big", "process_types": ["web"], "memory_in_mb": 256}])
    assert foundation.scale({"instances": 3}).status_code == 202
    assert foundation.scale({"memory_in_mb": 256}).status_code == 202
    assert foundation.scale({"memory_in_mb": 255}).status_code == 422
