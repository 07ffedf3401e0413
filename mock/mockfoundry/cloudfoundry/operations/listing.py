"""Listing: processes of the foundation or of an app, filtered, ordered, in pages. Never changes anything.

Source: cloud_controller_ng, app/fetchers/process_list_fetcher.rb, base_list_fetcher.rb and
lib/cloud_controller/paging/sequel_paginator.rb.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from mockfoundry.cloudfoundry.calls import Answer, Call
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.deployments import settle
from mockfoundry.cloudfoundry.entities import Process, User
from mockfoundry.cloudfoundry.messages.bodies import failing
from mockfoundry.cloudfoundry.operations.finding import find_app, smuggled_app
from mockfoundry.cloudfoundry.operations.reading import as_read, presented_instances
from mockfoundry.cloudfoundry.pages import present_page
from mockfoundry.cloudfoundry.permissions import may_read
from mockfoundry.cloudfoundry.presenters import HIDDEN_IN_LISTS, present_process
from mockfoundry.cloudfoundry.queries import ListQuery, read_list_query
from mockfoundry.cloudfoundry.world import World

_OWNERS: Mapping[str, Callable[[World, Process], str]] = {
    "guids": lambda _, process: process.guid,
    "types": lambda _, process: process.type,
    "app_guids": lambda _, process: process.app,
    "space_guids": lambda world, process: world.apps[process.app].space,
    "organization_guids": lambda world, process: world.spaces[world.apps[process.app].space].organization,
}
"""What each filter looks at."""

WITHIN = SECOND - 1
"""A timestamp in a filter is the whole second that it begins."""


def list_processes(world: World, actor: User, call: Call) -> Answer:
    """The processes of every space that the actor may read."""
    app_guid = smuggled_app(call)
    if app_guid is not None:
        return listed_for_app(world, actor, call, app_guid)
    query = read_list_query(call, nested=False)
    if world.deploying:
        settle(world, call.now)
    readable = {space.guid for space in world.spaces.values() if may_read(actor, space)}
    apps = {app.guid for app in world.apps.values() if app.space in readable}
    processes = [process for process in world.processes.values() if process.app in apps]
    return listed(world, call, query, processes, f"{call.base}/v3/processes")


def list_processes_for_app(world: World, actor: User, call: Call) -> Answer:
    """The processes of one app."""
    return listed_for_app(world, actor, call, call.path["guid"])


def listed_for_app(world: World, actor: User, call: Call, guid: str) -> Answer:
    query = read_list_query(call, nested=True)
    if world.deploying:
        settle(world, call.now)
    app, _ = find_app(world, actor, guid)
    return listed(world, call, query, world.app_processes(app.guid), f"{call.base}/v3/apps/{app.guid}/processes")


def listed(world: World, call: Call, query: ListQuery, processes: list[Process], url: str) -> Answer:
    """One page of those of the processes that the query asks for."""
    if world.settings.stale_seconds:
        processes = [as_read(world, process, call.now) for process in processes]
    for name, wanted in query.filters.items():
        owner = _OWNERS[name]
        processes = [process for process in processes if owner(world, process) in wanted]
    for field, spans in spans_asked(query):
        processes = [
            process for process in processes if any(low <= getattr(process, field) <= high for low, high in spans)
        ]
    if query.requirements:
        processes = [
            process for process in processes if all(each.met_by(process.labels) for each in query.requirements)
        ]
    if query.order:
        processes.sort(key=lambda process: (getattr(process, query.order), process.guid), reverse=query.descending)
    else:
        processes.sort(key=lambda process: process.created_at)
    shown = processes[(query.page - 1) * query.per_page : query.page * query.per_page]
    resources = [
        present_process(
            process,
            app := world.apps[process.app],
            call.base,
            HIDDEN_IN_LISTS,
            presented_instances(world, app, process, call.now) if query.embed else None,
        )
        for process in shown
    ]
    body = present_page(resources, len(processes) if shown else 0, query.page, query.per_page, url, query.kept)
    return Answer(200, body, f"world: {len(shown)} of {len(processes)} processes listed", laxer=call.violations)


def spans_asked(query: ListQuery) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """The field and the spans of time that each timestamp filter asks for; to be in one of them is enough."""
    for name, asked in query.moments.items():
        field = "created_at" if name == "created_ats" else "updated_at"
        if isinstance(asked, list):
            yield field, [((moment := moment_of(text)), moment + WITHIN) for text in asked]
            continue
        for operator, text in asked.items():
            yield field, [_SPANS[operator](moment_of(text))]


LONG_AGO, LONG_TO_COME = -(1 << 62), 1 << 62

_SPANS: Mapping[str, Callable[[int], tuple[int, int]]] = {
    "lt": lambda moment: (LONG_AGO, moment - 1),
    "lte": lambda moment: (LONG_AGO, moment + WITHIN),
    "gt": lambda moment: (moment + WITHIN + 1, LONG_TO_COME),
    "gte": lambda moment: (moment, LONG_TO_COME),
}


def moment_of(text: str) -> int:
    """A timestamp of the right form in microseconds; a day, an hour or a second too many goes over, as in Ruby.

    Raises:
        Refusal: 500, where it is no time at all.
    """
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    late = hour == 24 and (minute or second)
    if not 1 <= month <= 12 or not 1 <= day <= 31 or hour > 24 or late or minute > 59 or second > 60 or year < 1:
        raise failing(f"the time {text}")
    first = datetime(year, month, 1, tzinfo=UTC)
    span = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
    since = first - datetime(1970, 1, 1, tzinfo=UTC) + span
    return (since.days * 86_400 + since.seconds) * SECOND
