"""Load in a closed loop: what instances have to do follows from the seed, the clock and how many of them there are."""

from typing import Any

import pytest

from tests.cloudfoundry.asking import WEB, Asking, states


def cpus(foundation: Asking) -> list[float]:
    """What each running instance has to do, in cores."""
    found = foundation.stats().json()["resources"]
    return [round(each["usage"]["cpu"], 6) for each in found if each["state"] == "RUNNING"]


def loaded(foundation: Asking, **load: Any) -> None:
    foundation.given_process("web", app="dora", load=load)


def test_a_constant_load_is_spread_over_the_instances_that_run(foundation: Asking) -> None:
    loaded(foundation, total_cpu=1.2)
    assert cpus(foundation) == [0.6, 0.6]
    foundation.scale({"instances": 4})
    assert cpus(foundation) == [0.6, 0.6]
    foundation.advance(1)
    assert cpus(foundation) == [0.3] * 4
    foundation.scale({"instances": 1})
    assert cpus(foundation) == [1.2]


def test_a_load_in_steps_follows_the_clock(foundation: Asking) -> None:
    loaded(foundation, steps=[{"at": "0s", "total_cpu": 0.8}, {"at": "10m", "total_cpu": 2.4}])
    assert cpus(foundation) == [0.4, 0.4]
    foundation.advance(599)
    assert cpus(foundation) == [0.4, 0.4]
    foundation.advance(1)
    assert cpus(foundation) == [1.2, 1.2]


def test_a_load_may_swing(foundation: Asking) -> None:
    loaded(foundation, sine={"mean": 2, "amplitude": 1, "period": "40s"})
    assert cpus(foundation) == [1.0, 1.0]
    foundation.advance(10)
    assert cpus(foundation) == [1.5, 1.5]
    foundation.advance(20)
    assert cpus(foundation) == [0.5, 0.5]
    foundation.advance(10)
    assert cpus(foundation) == [1.0, 1.0]


def test_load_takes_memory_where_it_is_said_how_much(foundation: Asking) -> None:
    before = foundation.stats().json()["resources"][0]["usage"]["mem"]
    loaded(foundation, total_cpu=2, memory_per_cpu_in_mb=50)
    assert foundation.stats().json()["resources"][0]["usage"]["mem"] == before + 50 * 1024 * 1024
    loaded(foundation, total_cpu=200, memory_per_cpu_in_mb=50)
    assert foundation.stats().json()["resources"][0]["usage"]["mem"] == 256 * 1024 * 1024


def test_too_much_load_crashes_instances_until_there_are_enough(foundation: Asking) -> None:
    loaded(foundation, total_cpu=3.6, overload={"crash_above": 1.5})
    assert "RUNNING" not in states(foundation.stats())
    foundation.advance(60)
    assert "CRASHED" in states(foundation.stats())
    foundation.scale({"instances": 3})
    foundation.advance(1000)
    assert states(foundation.stats()) == ["RUNNING"] * 3
    assert cpus(foundation) == [1.2] * 3


def test_as_much_load_as_they_bear_crashes_nothing(foundation: Asking) -> None:
    loaded(foundation, total_cpu=3.0, overload={"crash_above": 1.5})
    foundation.advance(100)
    assert states(foundation.stats()) == ["RUNNING", "RUNNING"]


def test_a_spell_of_too_much_load_ends_with_the_load(foundation: Asking) -> None:
    steps = [{"at": "0s", "total_cpu": 1}, {"at": "60s", "total_cpu": 9}, {"at": "70s", "total_cpu": 1}]
    loaded(foundation, steps=steps, overload={"crash_above": 2})
    seen = []
    for _ in range(14):
        seen.append(states(foundation.stats())[0])
        foundation.advance(10)
    assert seen[:6] == ["RUNNING"] * 6
    assert seen[6:8] != ["RUNNING"] * 2
    # The third crash, at 65 s, is followed by a wait of 30 s, whatever the load is by then.
    assert seen[8:10] == ["CRASHED"] * 2
    assert seen[11:] == ["RUNNING"] * 3


def test_an_instance_that_is_held_in_a_state_stays_in_it_under_too_much_load(foundation: Asking) -> None:
    """What a seed says of an instance goes before what would become of it."""
    states_held = {0: "STARTING", 1: {"state": "DOWN", "details": "no room"}}
    foundation.given_process("web", app="dora", instance_states=states_held)
    foundation.scale({"instances": 3})
    loaded(foundation, total_cpu=90, overload={"crash_above": 1.5})
    foundation.advance(100)
    assert states(foundation.stats()) == ["STARTING", "DOWN", "CRASHED"]


@pytest.mark.parametrize("instances", [1, 3, 50])
def test_the_same_seed_and_moment_give_the_same_usage(instances: int, foundation: Asking, rich_server: Any) -> None:
    other = Asking(rich_server)
    for each in (foundation, other):
        each.world.clock.virtual = each.world.began_at + 5_000_000
        each.scale({"instances": instances // 2})
        each.scale({"instances": instances})
        each.advance(3)
    assert [each["usage"] for each in foundation.stats(WEB).json()["resources"]] == [
        each["usage"] for each in other.stats(WEB).json()["resources"]
    ]
