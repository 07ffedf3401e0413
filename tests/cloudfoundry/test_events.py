"""Audit events: what is recorded of each change. Source: app/repositories/process_event_repository.rb."""

from typing import Any

import pytest

from mockfoundry.cloudfoundry.world import MAX_EVENTS
from tests.cloudfoundry.asking import WEB, Asking

OF_WEB = {"process_guid": WEB, "process_type": "web"}

RECORDED: dict[str, tuple[str, Any, str, dict[str, Any]]] = {
    "a scale": (
        "scale",
        {"instances": "3", "memory_in_mb": 99},
        "scale",
        {"request": {"instances": "3", "memory_in_mb": 99}},
    ),
    "a scale that asks for nothing": ("scale", {}, "scale", {"request": {}}),
    "a scale without a body": ("scale", None, "scale", {"request": {}}),
    "an update": ("update", {"user": "vcap"}, "update", {"request": {"user": "vcap"}}),
    "an update of the command": (
        "update",
        {"command": "secret", "metadata": {"labels": {"a": "b"}}},
        "update",
        {"request": {"command": "[PRIVATE DATA HIDDEN]", "metadata": {"labels": {"a": "b"}}}},
    ),
    "an update that takes the command away": (
        "update",
        {"command": None},
        "update",
        {"request": {"command": "[PRIVATE DATA HIDDEN]"}},
    ),
}
"""A call and its body, and the type and the data of its event."""


@pytest.mark.parametrize("row", RECORDED)
def test_every_change_is_recorded_as_it_was_asked(row: str, foundation: Asking) -> None:
    call, body, kind, data = RECORDED[row]
    assert getattr(foundation, call)(body, actor="developer").status_code < 300
    (event,) = foundation.events
    assert (event.kind, event.data) == (f"audit.app.process.{kind}", {**OF_WEB, **data})
    assert (event.actor.name, event.target.name, event.moment) == ("developer", "dora", foundation.now)


def test_the_end_of_an_instance_is_recorded(foundation: Asking) -> None:
    foundation.terminate("1abc")
    (event,) = foundation.events
    assert event.kind == "audit.app.process.terminate_instance"
    assert event.data == {**OF_WEB, "process_index": 1}


def test_the_latest_events_are_kept(foundation: Asking) -> None:
    world, actor = foundation.world, foundation.world.users["developer"]
    app = world.apps["dora"]
    for number in range(2 * MAX_EVENTS + 5):
        world.record_event("audit.app.process.scale", app, actor, foundation.now, {"number": number})
    numbers = [event.data["number"] for event in world.latest_events()]
    assert numbers == list(range(MAX_EVENTS + 5, 2 * MAX_EVENTS + 5))
    assert len(world.events) < 2 * MAX_EVENTS
