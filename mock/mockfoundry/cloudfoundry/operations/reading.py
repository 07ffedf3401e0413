"""Reading: one process, its stats and its instances. Never changes anything.

Source: cloud_controller_ng, app/controllers/v3/processes_controller.rb and the presenters it names.
"""

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.errors import INSTANCES_UNAVAILABLE, refuse
from mockfoundry.cloudfoundry.instances import instances_at
from mockfoundry.cloudfoundry.operations.finding import find_process
from mockfoundry.cloudfoundry.permissions import sees_secrets
from mockfoundry.cloudfoundry.presenters import HIDDEN, present_process, present_process_instances
from mockfoundry.cloudfoundry.statistics import present_stats
from mockfoundry.cloudfoundry.world import User, World


def get_process(world: World, actor: User, call: Call) -> Answer:
    """One process; its command only for those who may see secrets."""
    found = find_process(world, actor, call)
    process = found.process
    command = process.command if sees_secrets(actor, found.space) else HIDDEN
    return Answer(200, present_process(process, found.app, call.base, command), "world: process read")


def get_process_stats(world: World, actor: User, call: Call) -> Answer:
    """What each instance of a process uses at this moment."""
    found = find_process(world, actor, call)
    must_reach_scheduler(world)
    stats = present_stats(world, found.app, found.space, found.process, call.now)
    return Answer(200, stats, f"world: {len(stats['resources'])} instances read")


def get_process_instances(world: World, actor: User, call: Call) -> Answer:
    """The state of each instance of a process."""
    found = find_process(world, actor, call)
    must_reach_scheduler(world)
    states = [
        (each.index, each.state, each.since) for each in instances_at(world, found.app, found.process, call.now)
    ]
    body = present_process_instances(found.process, states, call.now, call.base)
    return Answer(200, body, f"world: {len(states)} instances read")


def must_reach_scheduler(world: World) -> None:
    """Raises Refusal (503) while the foundation's platform is unavailable."""
    if world.settings.platform == "unavailable":
        raise refuse(INSTANCES_UNAVAILABLE)
