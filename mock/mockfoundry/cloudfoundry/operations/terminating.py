"""Terminating: `DELETE …/instances/{index}`. Source: cloud_controller_ng, app/actions/process_terminate.rb."""

import msgspec

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.entities import User
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, RUNNER_UNAVAILABLE, refuse
from mockfoundry.cloudfoundry.messages.numbers import leading_integer
from mockfoundry.cloudfoundry.operations.finding import find_process, must_manage
from mockfoundry.cloudfoundry.queries import must_be_allowed_to_ask
from mockfoundry.cloudfoundry.runs import restarted
from mockfoundry.cloudfoundry.world import World


def terminate_process_instance(world: World, actor: User, call: Call) -> Answer:
    """Ends one instance; the platform starts a new one at its index. What it was doing is not looked at."""
    found = find_process(world, actor, call)
    must_manage(actor, found.space, found.organization)
    process, app, now = found.process, found.app, call.now
    index = leading_integer(call.path["index"])
    if not 0 <= index < process.instances:
        raise refuse(RESOURCE_NOT_FOUND, "Instance not found", why=f"world: {process.instances} instances, no {index}")
    must_be_allowed_to_ask(call)
    if world.settings.platform == "unavailable":
        name = f"{process.guid}-{process.version}"
        words = f"Runner is unavailable: Process Guid: {name}: Connection refused"
        raise refuse(RUNNER_UNAVAILABLE, words, why="world: settings.platform is unavailable")
    if app.state == "STARTED":
        runs, leaving = restarted(world, process, index, now)
        world.put(msgspec.structs.replace(process, runs=runs, leaving=leaving), now)
    data = {"process_guid": process.guid, "process_type": process.type, "process_index": index}
    world.record("audit.app.process.terminate_instance", app, actor, now, data)
    return Answer(204, None, f"world: instance {index} terminated", laxer=call.violations)
