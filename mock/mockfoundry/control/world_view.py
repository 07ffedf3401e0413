"""The world as a person looks at it: each app, its processes, and the states of their instances at this moment.

Never changes anything. Much shorter than a state, since it is asked again and again as the clock moves.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from mockfoundry.cloudfoundry.instances import instances_at
from mockfoundry.cloudfoundry.model import App, ProcessModel
from mockfoundry.cloudfoundry.world import World
from mockfoundry.control.context import (
    ControlAnswer,
    ControlCall,
    ControlContext,
    ControlWork,
    answer_in_turn,
    index_handlers,
)
from mockfoundry.control.foundations import clock_to_dict, is_large, settle_foundation


def show_world(context: ControlContext, call: ControlCall) -> ControlAnswer | ControlWork:
    foundation, now = context.find_foundation(call)
    settle_foundation(foundation, now)
    world = foundation.world.copy()
    search, limit = (call.query["search"] or "").lower(), call.query["limit"]
    told = clock_to_dict(foundation.world.clock, now)
    return answer_in_turn(is_large(world), lambda: ControlAnswer({**told, **describe_world(world, now, search, limit)}))


def describe_world(world: World, now: int, search: str, limit: int) -> dict[str, Any]:
    """The apps whose names, with those of their spaces and organizations, hold a text.

    Args:
        now: virtual microseconds.
        search: the text, in lower case.
        limit: how many at most.
    """
    found = [app for app in world.apps.values() if search in "/".join(list_names(world, app)).lower()]
    shown = [describe_app(world, app, now) for app in found[:limit]]
    return {"apps": shown, "found": len(found), "of": len(world.apps)}


def list_names(world: World, app: App) -> tuple[str, str, str]:
    """The names of an app's organization, of its space, and its own."""
    space = world.spaces[app.space]
    return world.organizations[space.organization].name, space.name, app.name


def describe_app(world: World, app: App, now: int) -> dict[str, Any]:
    organization, space, name = list_names(world, app)
    processes = sorted(world.list_app_processes(app.guid), key=lambda each: (each.type != "web", each.type))
    return {
        "guid": app.guid,
        "name": name,
        "organization": organization,
        "space": space,
        "state": app.state,
        "processes": [describe_process(world, app, each, now) for each in processes],
    }


def describe_process(world: World, app: App, process: ProcessModel, now: int) -> dict[str, Any]:
    return {
        "guid": process.guid,
        "type": process.type,
        "instances": process.instances,
        "memory_in_mb": process.memory_in_mb,
        "disk_in_mb": process.disk_in_mb,
        "states": list(iterate_states(world, app, process, now)),
    }


def iterate_states(world: World, app: App, process: ProcessModel, now: int) -> Iterator[tuple[str, int]]:
    """The states of the instances in the order of their indexes, each with how many in a row are in it."""
    for state, each in groupby(instance.state for instance in instances_at(world, app, process, now)):
        yield state, sum(1 for _ in each)


WORLD_HANDLERS = index_handlers(show_world)
