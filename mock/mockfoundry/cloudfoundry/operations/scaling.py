"""Scaling: `POST …/actions/scale`. Source: reference page Scale a process; cloud_controller_ng, process_scale.rb."""

import msgspec

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.deployments import in_flight
from mockfoundry.cloudfoundry.errors import FEATURE_DISABLED, UNKNOWN_ERROR, UNPROCESSABLE_ENTITY, refuse
from mockfoundry.cloudfoundry.messages import read_scale, valid_body
from mockfoundry.cloudfoundry.operations.finding import Found, find_process, must_manage
from mockfoundry.cloudfoundry.permissions import is_admin
from mockfoundry.cloudfoundry.presenters import present_process
from mockfoundry.cloudfoundry.quotas import must_fit
from mockfoundry.cloudfoundry.runs import resized
from mockfoundry.cloudfoundry.world import User, World


def scale_process(world: World, actor: User, call: Call) -> Answer:
    """Changes instances, memory, disk or log rate limit of a process; all of it or nothing."""
    found = find_process(world, actor, call)
    must_manage(actor, found)
    must_be_enabled(world, "app_scaling", actor)
    change, laxer = valid_body(call, read_scale)
    must_not_be_deploying(found, "scale")
    process = found.process
    must_hold_numbers(call)
    scaled = msgspec.structs.replace(process, **change) if change else process
    if scaled != process:
        must_fit(world, found, scaled)
        scaled = msgspec.structs.replace(scaled, updated_at=call.now)
        if found.app.state == "STARTED":
            wanted = resized(world, process, scaled.instances, call.now)
            scaled = msgspec.structs.replace(scaled, runs=wanted.runs, leaving=wanted.leaving)
        world.put(scaled, call.now)
    body = present_process(scaled, found.app, call.base, scaled.command)
    return Answer(202, body, "world: process scaled", laxer=laxer)


def must_be_enabled(world: World, flag: str, actor: User) -> None:
    """Raises Refusal (403) where a feature flag is off; admins are not asked."""
    state = world.feature_flags.get(flag)
    if state is not None and not state.enabled and not is_admin(actor):
        raise refuse(FEATURE_DISABLED, f"Feature Disabled: {state.error_message or flag}")


def must_not_be_deploying(found: Found, verb: str) -> None:
    """Raises Refusal (422) for a web process whose app has a deployment in flight."""
    if found.process.type == "web" and in_flight(found.app):
        raise refuse(UNPROCESSABLE_ENTITY, f"Cannot {verb} this process while a deployment is in flight.")


def must_hold_numbers(call: Call) -> None:
    """A null passes the real one's message for instances and memory, and fails in its model, with a 500."""
    body = call.body
    if isinstance(body, dict) and any(name in body and body[name] is None for name in ("instances", "memory_in_mb")):
        raise refuse(UNKNOWN_ERROR, why="world: null instances or memory fails in the Cloud Controller's model")
