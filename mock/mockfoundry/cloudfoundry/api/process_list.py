"""The list of processes, of the foundation or of an app: filtered, sorted, in pages. Never changes anything.

Source: cloud_controller_ng, app/fetchers/process_list_fetcher.rb, base_list_fetcher.rb and
lib/cloud_controller/paging/sequel_paginator.rb.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from mockfoundry.cloudfoundry.api.access import app_guid_override, find_app
from mockfoundry.cloudfoundry.api.messages import refuse_unexpected
from mockfoundry.cloudfoundry.api.presenters import HIDDEN_IN_LISTS, present_page, present_process
from mockfoundry.cloudfoundry.api.processes import find_readable_version, read_instances
from mockfoundry.cloudfoundry.api.queries import ListQuery, read_list_query
from mockfoundry.cloudfoundry.api.request import (
    MAX_STEPS_AT_ONCE,
    ApiRequest,
    ApiResponse,
    LateResponse,
)
from mockfoundry.cloudfoundry.auth import may_read_space
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.deployments import advance_deployments
from mockfoundry.cloudfoundry.model import ProcessModel, User
from mockfoundry.cloudfoundry.world import World


def list_processes(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The processes of every space that the actor may read."""
    app_guid = app_guid_override(request)
    if app_guid is not None:
        return list_app_page(world, actor, request, app_guid)
    query = read_list_query(request, of_app=False)  # 400, 500
    if world.deploying_apps:
        advance_deployments(world, request.now)
    readable_spaces = {space.guid for space in world.spaces.values() if may_read_space(actor, space)}
    processes: Collection[ProcessModel] = world.processes.values()
    if len(readable_spaces) < len(world.spaces):
        readable_apps = {app.guid for app in world.apps.values() if app.space in readable_spaces}
        processes = [process for process in processes if process.app in readable_apps]
    return list_page(world, request, query, processes, f"{request.base}/v3/processes", world.in_order)


def list_processes_for_app(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The processes of the app that the path names."""
    return list_app_page(world, actor, request, request.path["guid"])


def list_app_page(world: World, actor: User, request: ApiRequest, guid: str) -> ApiResponse | LateResponse:
    """The processes of the app of that guid."""
    query = read_list_query(request, of_app=True)  # 400, 500
    if world.deploying_apps:
        advance_deployments(world, request.now)
    app, _ = find_app(world, actor, guid)  # 404
    processes = world.list_app_processes(app.guid)
    return list_page(world, request, query, processes, f"{request.base}/v3/apps/{app.guid}/processes", False)


def list_page(
    world: World,
    request: ApiRequest,
    query: ListQuery,
    processes: Collection[ProcessModel],
    url: str,
    in_order: bool,
) -> ApiResponse | LateResponse:
    """One page of the processes that the query asks for.

    Args:
        processes: all that the actor may read.
        url: of the list, without a query.
        in_order: whether they are in the order of their creation already.
    """
    spans = tuple(read_time_spans(query)) if query.timestamp_filters else ()  # 500
    may_fail = query.embed and world.settings.platform == "unavailable"
    if may_fail or count_list_steps(query, len(processes), in_order) <= MAX_STEPS_AT_ONCE:
        return make_page(world, request, query, processes, url, in_order, spans)
    return LateResponse(partial(make_page, world.copy(), request, query, processes, url, in_order, spans))


TimeSpans = tuple[str, list[tuple[int, int]]]
"""A field, and the first and the last moment of each span that its value may be in."""


def make_page(
    world: World,
    request: ApiRequest,
    query: ListQuery,
    processes: Collection[ProcessModel],
    url: str,
    in_order: bool,
    spans: tuple[TimeSpans, ...],
) -> ApiResponse:
    """One page, from a world that nothing writes to meanwhile.

    Args:
        spans: what the query's timestamp filters allow.
    """
    if world.settings.stale_seconds:
        processes = [find_readable_version(world, process, request.now) for process in processes]
    if has_filters(query):
        processes = filter_processes(world, list(processes), query, spans)
    if query.order or not in_order:
        processes = sort_processes(processes, query)
    first, end = (min(number * query.per_page, len(processes)) for number in (query.page - 1, query.page))
    shown = list(islice(processes, first, end))
    resources = [
        present_process(
            process,
            app := world.apps[process.app],
            request.base,
            HIDDEN_IN_LISTS,
            read_instances(world, app, process, request.now) if query.embed else None,
        )
        for process in shown
    ]
    # The Cloud Controller reads the total from the page, and so finds none on an empty one.
    total = len(processes) if shown else 0
    body = present_page(resources, total, query.page, query.per_page, url, query.link_parameters)
    why = f"world: {len(shown)} of {len(processes)} processes listed"
    return ApiResponse(200, body, why, tolerated_violations=request.violations)


def count_list_steps(query: ListQuery, count: int, in_order: bool) -> int:
    """How many processes are shown, of so many; to look at ten for one filter counts as much as to show one."""
    looks = len(query.filters) + 3 * len(query.timestamp_filters) + 3 * len(query.label_requirements)
    steps_to_sort = 0 if in_order and not query.order else count // 50
    return min(query.per_page, count) * (2 if query.embed else 1) + steps_to_sort + looks * count // 10


_FILTER_VALUES: Mapping[str, Callable[[World, ProcessModel], str]] = {
    "guids": lambda _, process: process.guid,
    "types": lambda _, process: process.type,
    "app_guids": lambda _, process: process.app,
    "space_guids": lambda world, process: world.apps[process.app].space,
    "organization_guids": lambda world, process: world.spaces[world.apps[process.app].space].organization,
}
"""The value of a process that each filter compares."""


def has_filters(query: ListQuery) -> bool:
    return bool(query.filters or query.timestamp_filters or query.label_requirements)


def filter_processes(
    world: World, processes: list[ProcessModel], query: ListQuery, spans: tuple[TimeSpans, ...]
) -> list[ProcessModel]:
    """The processes that meet every filter and label requirement of a query.

    Args:
        spans: what its timestamp filters allow.
    """
    for name, values in query.filters.items():
        value_of, wanted = _FILTER_VALUES[name], frozenset(values)
        processes = [process for process in processes if value_of(world, process) in wanted]
    for field, allowed in spans:
        processes = [
            process for process in processes if any(low <= getattr(process, field) <= high for low, high in allowed)
        ]
    requirements = query.label_requirements
    if requirements:
        processes = [process for process in processes if all(each.is_met_by(process.labels) for each in requirements)]
    return processes


def sort_processes(processes: Collection[ProcessModel], query: ListQuery) -> list[ProcessModel]:
    """The processes in the order that a query asks for, else in that of their creation."""
    if query.order:
        return sorted(
            processes, key=lambda process: (getattr(process, query.order), process.guid), reverse=query.descending
        )
    return sorted(processes, key=lambda process: process.created_at)


# Filters by time

WITHIN_SECOND = SECOND - 1
"""A timestamp in a filter means the whole second that begins with it."""

LONG_AGO, FAR_FUTURE = -(1 << 62), 1 << 62

_TIME_SPANS: Mapping[str, Callable[[int], tuple[int, int]]] = {
    "lt": lambda moment: (LONG_AGO, moment - 1),
    "lte": lambda moment: (LONG_AGO, moment + WITHIN_SECOND),
    "gt": lambda moment: (moment + WITHIN_SECOND + 1, FAR_FUTURE),
    "gte": lambda moment: (moment, FAR_FUTURE),
}
"""By relational operator: the first and the last moment that it allows."""


def read_time_spans(query: ListQuery) -> Iterator[TimeSpans]:
    """The field of each timestamp filter and the spans that its value may be in; any one of them is enough."""
    for name, timestamps in query.timestamp_filters.items():
        field = "created_at" if name == "created_ats" else "updated_at"
        if isinstance(timestamps, list):
            yield field, [((moment := parse_filter_timestamp(text)), moment + WITHIN_SECOND) for text in timestamps]
            continue
        for operator, text in timestamps.items():
            yield field, [_TIME_SPANS[operator](parse_filter_timestamp(text))]


def parse_filter_timestamp(text: str) -> int:
    """A timestamp of the right form in microseconds; as in Ruby, a day too many is the next month's first.

    Raises:
        Refusal: 500, if it is not a time.
    """
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    late = hour == 24 and (minute or second)
    if not 1 <= month <= 12 or not 1 <= day <= 31 or hour > 24 or late or minute > 59 or second > 60 or year < 1:
        raise refuse_unexpected(f"the time {text}")
    first = datetime(year, month, 1, tzinfo=UTC)
    span = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
    since = first - datetime(1970, 1, 1, tzinfo=UTC) + span
    return (since.days * 86_400 + since.seconds) * SECOND
