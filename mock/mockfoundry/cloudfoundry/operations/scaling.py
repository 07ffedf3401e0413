"""Scaling: `POST …/actions/scale`. Source: reference page Scale a process; cloud_controller_ng, process_scale.rb."""

from collections.abc import Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.deployments import in_flight
from mockfoundry.cloudfoundry.entities import Allotment, Process, User
from mockfoundry.cloudfoundry.errors import FEATURE_DISABLED, UNPROCESSABLE_ENTITY, refuse
from mockfoundry.cloudfoundry.messages.bodies import failing
from mockfoundry.cloudfoundry.messages.scale import read_scale
from mockfoundry.cloudfoundry.operations.finding import Found, find_process, must_manage
from mockfoundry.cloudfoundry.permissions import is_admin
from mockfoundry.cloudfoundry.presenters import command_of, present_process
from mockfoundry.cloudfoundry.runs import resized
from mockfoundry.cloudfoundry.saving import must_be_savable
from mockfoundry.cloudfoundry.world import World

DISK_IN_MB = 1024
"""What a process has whose disk was set to null, from the next look at it on [config default_app_disk_in_mb]."""

replace = msgspec.structs.replace


def scale_process(world: World, actor: User, call: Call) -> Answer:
    """Changes instances, memory, disk or log rate limit of a process; all of it or nothing."""
    found = find_process(world, actor, call)
    must_manage(actor, found.space, found.organization)
    must_be_enabled(world, "app_scaling", actor)
    asked, stored = read_scale(call)
    must_not_be_deploying(found, "scale")
    process, app, now = found.process, found.app, call.now
    fields = without_nulls(stored) if None in stored.values() else stored
    scaled = replace(process, updated_at=now, **fields)
    must_be_savable(world, app, found.space, found.organization, process, scaled)
    if app.state == "STARTED":
        scaled = on_the_platform(world, process, scaled, now)
    world.put(scaled, now)
    data = {"process_guid": process.guid, "process_type": process.type, "request": asked}
    world.record("audit.app.process.scale", app, actor, now, data)
    body = present_process(scaled, app, call.base, command_of(scaled, app))
    if "disk_in_mb" in asked and asked["disk_in_mb"] is None:
        body["disk_in_mb"] = None
    return Answer(202, body, "world: process scaled", (), call.violations, differs(process, fields))


def differs(process: Process, fields: Mapping[str, int | None]) -> bool:
    """Whether a process has another value of a field."""
    for name, value in fields.items():  # noqa: SIM110 (a generator costs more than the scale)
        if getattr(process, name) != value:
            return True
    return False


def must_be_enabled(world: World, flag: str, actor: User) -> None:
    """Raises Refusal (403) where a feature flag is off; admins are not asked."""
    state = world.feature_flags[flag]
    if not state.enabled and not is_admin(actor):
        raise refuse(FEATURE_DISABLED, f"Feature Disabled: {state.error_message or flag}")


def must_not_be_deploying(found: Found, verb: str) -> None:
    """Raises Refusal (422) for a web process whose app has a deployment in flight."""
    if found.process.type == "web" and in_flight(found.app):
        why = f"world: app {found.app.name} has a deployment in flight"
        raise refuse(UNPROCESSABLE_ENTITY, f"Cannot {verb} this process while a deployment is in flight.", why)


def without_nulls(stored: dict[str, Any]) -> dict[str, int]:
    """What a scale with nulls stores: no other log rate, a disk that is filled in again.

    Raises:
        Refusal: 500; a null passes the message for instances and memory, and fails in the model.
    """
    for name in ("instances", "memory_in_mb"):
        if name in stored and stored[name] is None:
            raise failing(f"a null {name}")
    return {
        name: DISK_IN_MB if value is None else value
        for name, value in stored.items()
        if value is not None or name == "disk_in_mb"
    }


def on_the_platform(world: World, process: Process, scaled: Process, now: int) -> Process:
    """A scaled process with its instances.

    The scheduler is told of another number of instances and of nothing else, so memory, disk and log rate stay as they
    were when the app was started until it is started anew [lib/cloud_controller/process_observer.rb].
    """
    if scaled.instances != process.instances:
        runs, leaving = resized(world, process, scaled.instances, now)
        scaled = replace(scaled, runs=runs, leaving=leaving)
    if process.allotment is None:
        memory, disk = process.memory_in_mb, process.disk_in_mb
        log_rate = process.log_rate_limit_in_bytes_per_second
        now_asked = scaled.memory_in_mb, scaled.disk_in_mb, scaled.log_rate_limit_in_bytes_per_second
        if now_asked != (memory, disk, log_rate):
            return replace(scaled, allotment=Allotment(memory, disk, log_rate))
    return scaled
