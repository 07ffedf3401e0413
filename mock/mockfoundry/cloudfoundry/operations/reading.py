"""Reading: one process, its stats and its instances. Never changes anything.

Source: cloud_controller_ng, app/controllers/v3/processes_controller.rb and the presenters it names.
"""

from typing import Any

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.entities import App, Process, User
from mockfoundry.cloudfoundry.errors import STATS_UNAVAILABLE, UNKNOWN_ERROR, refuse
from mockfoundry.cloudfoundry.instances import MOST_SHOWN, instances_at
from mockfoundry.cloudfoundry.operations.finding import find_process
from mockfoundry.cloudfoundry.permissions import sees_secrets
from mockfoundry.cloudfoundry.presenters import (
    HIDDEN,
    command_of,
    present_instances,
    present_process,
    present_process_instances,
)
from mockfoundry.cloudfoundry.queries import must_be_allowed_to_ask, read_embed
from mockfoundry.cloudfoundry.statistics import present_stats
from mockfoundry.cloudfoundry.world import World

METRICS_WARNING = ("X-Cf-Warnings", "Stats+server+temporarily+unavailable.")
"""What the real one says where it can read no metrics; it encodes its warnings as queries are."""


def get_process(world: World, actor: User, call: Call) -> Answer:
    """One process; its command only for those who may see secrets."""
    found = find_process(world, actor, call)
    embed = read_embed(call) if call.query else False
    process = as_read(world, found.process, call.now)
    app = found.app
    instances = presented_instances(world, app, process, call.now) if embed else None
    command = command_of(process, app) if sees_secrets(actor, found.space) else HIDDEN
    body = present_process(process, app, call.base, command, instances)
    return Answer(200, body, "world: process read", laxer=call.violations)


def get_process_stats(world: World, actor: User, call: Call) -> Answer:
    """What each instance of a process uses at this moment."""
    found = find_process(world, actor, call)
    must_be_allowed_to_ask(call)
    if world.settings.platform == "unavailable":
        raise refuse(STATS_UNAVAILABLE, why="world: settings.platform is unavailable")
    process = as_read(world, found.process, call.now)
    stats = present_stats(world, found.app, found.space, process, call.now)
    headers = (METRICS_WARNING,) if world.settings.metrics == "unavailable" and process.runs else ()
    return Answer(200, stats, told(len(stats["resources"]), process), headers, call.violations)


def get_process_instances(world: World, actor: User, call: Call) -> Answer:
    """The state of each instance of a process."""
    found = find_process(world, actor, call)
    must_be_allowed_to_ask(call)
    process = as_read(world, found.process, call.now)
    instances = presented_instances(world, found.app, process, call.now)
    body = present_process_instances(process, instances, call.base)
    return Answer(200, body, told(len(instances), process), laxer=call.violations)


def as_read(world: World, process: Process, now: int) -> Process:
    """A process as reads show it: as it was a while ago, where the foundation's reads are stale."""
    stale = world.settings.stale_seconds
    if not stale:
        return process
    return world.process_at(process.guid, now - int(stale * SECOND)) or process


def presented_instances(world: World, app: App, process: Process, now: int) -> list[dict[str, Any]]:
    """The instances of a process in short.

    Raises:
        Refusal: 500, while the scheduler can't be reached: the real one does not expect that here.
    """
    if world.settings.platform == "unavailable":
        raise refuse(UNKNOWN_ERROR, why="world: settings.platform is unavailable, which nothing rescues here")
    return present_instances(instances_at(world, app, process, now), app.state == "STOPPED", now)


def told(shown: int, process: Process) -> str:
    """How many instances were shown, and of how many, where that are not all."""
    if process.instances > MOST_SHOWN:
        return f"world: the first {shown} of {process.instances} instances read; mockfoundry shows no more at once"
    return f"world: {shown} instances read"
