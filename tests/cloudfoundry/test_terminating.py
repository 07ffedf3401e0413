"""What terminating an instance does.

Source: app/actions/process_terminate.rb and lib/cloud_controller/diego/bbs_apps_client.rb.
"""

import msgspec
import pytest

from mockfoundry.cloudfoundry import instance_ranges
from mockfoundry.cloudfoundry.instance_ranges import MAX_INSTANCE_RANGES, MAX_STOPPING_RANGES, restart_instance
from tests.cloudfoundry.asking import APP, IDLE, WEB, Asking, error, not_found, states

INDEXES: dict[str, tuple[str, int | None]] = {
    "the first": ("0", 0),
    "the last": ("1", 1),
    "with words behind": ("1abc", 1),
    "a word, which is 0": ("abc", 0),
    "with a sign": ("+1", 1),
    "with a zero before": ("01", 1),
    "with a blank before": ("%201", 1),
    "below the first": ("-1", None),
    "beyond the last": ("2", None),
    "with an underscore": ("1_0", None),
    "very large": ("9" * 30, None),
}
"""An index as it is sent, and the instance that it means."""


@pytest.mark.parametrize("row", INDEXES)
def test_an_index_is_read_as_ruby_reads_it(row: str, foundation: Asking) -> None:
    text, index = INDEXES[row]
    before = [each["instance_guid"] for each in foundation.stats().json()["resources"]]
    answer = foundation.terminate(text)
    foundation.advance(3)
    after = [each["instance_guid"] for each in foundation.stats().json()["resources"]]
    changed = [number for number in (0, 1) if before[number] != after[number]]
    if index is None:
        assert error(answer) == not_found("Instance")
        assert changed == []
        assert foundation.events == []
    else:
        assert (answer.status_code, answer.content) == (204, b"")
        assert "Content-Type" not in answer.headers
        assert changed == [index]


def test_an_instance_stops_before_its_successor_starts(foundation: Asking) -> None:
    before = foundation.process()
    assert foundation.terminate(1).status_code == 204
    assert states(foundation.instances()) == ["RUNNING", "RUNNING"]
    foundation.advance(1)
    assert states(foundation.instances()) == ["RUNNING", "STARTING"]
    foundation.advance(1)
    assert states(foundation.instances()) == ["RUNNING", "RUNNING"]
    after = foundation.process()
    assert (after.updated_at, after.version, after.instances) == (before.updated_at, before.version, before.instances)


def test_what_an_instance_is_doing_does_not_matter(foundation: Asking) -> None:
    assert foundation.terminate(0, IDLE).status_code == 204
    foundation.given_process("web", app="dora", instance_states={0: "CRASHED"})
    assert foundation.terminate(0).status_code == 204
    foundation.advance(3)
    assert states(foundation.instances()) == ["RUNNING", "RUNNING"]


def test_an_instance_is_terminated_by_app_and_type_too(foundation: Asking) -> None:
    assert foundation.ask("DELETE", f"/v3/apps/{APP}/processes/web/instances/0").status_code == 204
    foundation.advance(1)
    assert states(foundation.instances()) == ["STARTING", "RUNNING"]
    assert error(foundation.ask("DELETE", f"/v3/apps/{APP}/processes/worker/instances/0")) == not_found("Instance")


def test_a_scheduler_that_is_away_ends_nothing(foundation: Asking) -> None:
    foundation.given(settings={"platform": "unavailable"})
    status, title, detail, code = error(foundation.terminate(0))
    assert (status, title, code) == (503, "CF-RunnerUnavailable", 170015)
    assert detail.startswith(f"Runner is unavailable: Process Guid: {WEB}-{foundation.process().version}: ")
    assert foundation.events == []
    assert error(foundation.terminate(7)) == not_found("Instance")


def test_terminating_one_of_many_keeps_the_others(foundation: Asking) -> None:
    foundation.scale({"instances": 9})
    foundation.advance(5)
    before = [each["instance_guid"] for each in foundation.stats().json()["resources"]]
    for index in (4, 4, 5):
        foundation.terminate(index)
    foundation.advance(5)
    after = [each["instance_guid"] for each in foundation.stats().json()["resources"]]
    assert [number for number in range(9) if before[number] != after[number]] == [4, 5]


def test_an_instance_that_stops_already_is_not_stopped_once_more(foundation: Asking) -> None:
    """Its successor has not begun, so there is nothing to end."""
    foundation.terminate(1)
    foundation.advance(0.5)
    foundation.terminate(1)
    foundation.advance(0.5)
    assert states(foundation.instances()) == ["RUNNING", "STARTING"]
    foundation.terminate(1)
    foundation.advance(1)
    assert foundation.instances().json()["resources"][1] == {"index": 1, "state": "STARTING", "since": 0}


def test_beyond_the_most_ranges_the_first_are_merged(foundation: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_ranges, "MAX_INSTANCE_RANGES", 5)
    foundation.scale({"instances": 12})
    foundation.advance(5)
    for index in (4, 6, 8, 10):
        assert foundation.terminate(index).status_code == 204
    found = [(each.first, each.count) for each in foundation.process().instance_ranges]
    assert found == [(0, 8), (8, 1), (9, 1), (10, 1), (11, 1)]


@pytest.mark.long
def test_terminating_very_many_instances_keeps_the_world_small(foundation: Asking) -> None:
    foundation.given_organization(quota=None)
    foundation.scale({"instances": 1_000_000})
    process = foundation.process()
    for index in range(MAX_INSTANCE_RANGES):
        runs, leaving = restart_instance(foundation.world, process, 3 * index + 5, foundation.now)
        process = msgspec.structs.replace(process, instance_ranges=runs, stopping_ranges=leaving)
    assert len(process.instance_ranges) == MAX_INSTANCE_RANGES
    assert len(process.stopping_ranges) <= MAX_STOPPING_RANGES + 1
    assert sum(run.count for run in process.instance_ranges) == 1_000_000
