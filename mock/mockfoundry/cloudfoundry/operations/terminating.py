"""Terminating: `DELETE …/instances/{index}`. Source: cloud_controller_ng, app/actions/process_terminate.rb."""

import re

import msgspec

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, refuse
from mockfoundry.cloudfoundry.operations.finding import find_process, must_manage
from mockfoundry.cloudfoundry.runs import restarted
from mockfoundry.cloudfoundry.world import User, World


def terminate_process_instance(world: World, actor: User, call: Call) -> Answer:
    """Ends one instance; the platform starts a new one at its index."""
    found = find_process(world, actor, call)
    must_manage(actor, found)
    process = found.process
    index = leading_integer(call.path["index"])
    if not 0 <= index < process.instances:
        raise refuse(RESOURCE_NOT_FOUND, "Instance not found", why=f"world: {process.instances} instances, no {index}")
    if found.app.state == "STARTED":
        wanted = restarted(world, process, index, call.now)
        world.put(msgspec.structs.replace(process, runs=wanted.runs, leaving=wanted.leaving), call.now)
    return Answer(204, None, f"world: instance {index} terminated")


def leading_integer(text: str) -> int:
    """The number a text begins with, else 0, as Ruby's `to_i` reads it."""
    found = re.match(r"\s*([+-]?\d{1,18})", text)
    return int(found.group(1)) if found else 0
