"""Listing: processes of the foundation or of an app, filtered, ordered, in pages. Never changes anything.

Source: cloud_controller_ng, app/messages/processes_list_message.rb and app/fetchers/process_list_fetcher.rb.
"""

from collections.abc import Callable, Mapping

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.messages import valid_query
from mockfoundry.cloudfoundry.operations.finding import find_app
from mockfoundry.cloudfoundry.permissions import may_read
from mockfoundry.cloudfoundry.presenters import HIDDEN_IN_LISTS, present_page, present_process
from mockfoundry.cloudfoundry.world import Process, User, World

PER_PAGE = 50

_FILTERS: Mapping[str, Callable[[World, Process], str]] = {
    "guids": lambda world, process: process.guid,
    "types": lambda world, process: process.type,
    "app_guids": lambda world, process: process.app,
    "space_guids": lambda world, process: world.apps[process.app].space,
    "organization_guids": lambda world, process: world.spaces[world.apps[process.app].space].organization,
}


def list_processes(world: World, actor: User, call: Call) -> Answer:
    """The processes of every space that the actor may read."""
    valid_query(call)
    readable = {space.guid for space in world.spaces.values() if may_read(actor, space)}
    processes = [process for process in world.processes.values() if world.apps[process.app].space in readable]
    return listed(world, call, processes)


def list_processes_for_app(world: World, actor: User, call: Call) -> Answer:
    """The processes of one app."""
    valid_query(call)
    app, _ = find_app(world, actor, call.path["guid"])
    return listed(world, call, [process for process in world.processes.values() if process.app == app.guid])


def listed(world: World, call: Call, processes: list[Process]) -> Answer:
    query = {name: values[-1] for name, values in call.query.items()}
    for name, key in _FILTERS.items():
        if name in query:
            wanted = set(query[name].split(","))
            processes = [process for process in processes if key(world, process) in wanted]
    order = query.get("order_by", "")
    field = "updated_at" if order.endswith("updated_at") else "created_at"
    processes.sort(key=lambda process: getattr(process, field), reverse=order.startswith("-"))
    page, per_page = int(query.pop("page", 1)), int(query.pop("per_page", PER_PAGE))
    shown = processes[(page - 1) * per_page : page * per_page]
    resources = [
        present_process(process, world.apps[process.app], call.base, process.command and HIDDEN_IN_LISTS)
        for process in shown
    ]
    url = f"{call.base}/v3/processes"
    body = present_page(resources, len(processes), page, per_page, url, query)
    return Answer(200, body, f"world: {len(processes)} processes listed")
