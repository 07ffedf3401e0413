"""The list of processes, of the foundation or of an app. Never changes anything.

Source: cloud_controller_ng, app/messages/processes_list_message.rb and app/fetchers/process_list_fetcher.rb.
"""

from collections.abc import Collection
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.api.access import app_guid_override, find_app
from mockfoundry.cloudfoundry.api.lists.kept_pages import KEPT_PAGES
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by, list_page
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_absent, check_arrays, check_embedded
from mockfoundry.cloudfoundry.api.presenters import (
    HIDDEN_IN_LISTS,
    encode_like_rails,
    encode_listed_processes,
    present_process,
)
from mockfoundry.cloudfoundry.api.processes.processes import EMBEDDED_RESOURCES, find_readable_version, read_instances
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import may_read_space, reads_everything
from mockfoundry.cloudfoundry.model import ProcessModel
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


def list_processes(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The processes of every space that the actor may read."""
    # Kept is a page that follows from the tables and the address alone: not from roles, a body, or how old reads are.
    if request.body is not None or request.violations or world.settings.stale_seconds or not reads_everything(actor):
        return list_readable_processes(world, actor, request)
    key = ("processes", world.tables_version, request.base, request.query_string)
    kept = KEPT_PAGES.get(key)
    if kept is not None:
        return kept
    response = list_readable_processes(world, actor, request)
    # Embedded instances move with time.
    if isinstance(response, LateResponse) or "embed" in request.query:
        return response
    kept = msgspec.structs.replace(response, body=encode_like_rails(response.body))
    KEPT_PAGES.keep(key, kept, len(request.base) + len(request.query_string))
    return kept


def list_readable_processes(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The processes of every space that the actor may read, read anew."""
    app_guid = app_guid_override(request)
    if app_guid is not None:
        return list_app_page(world, actor, request, app_guid)
    query = read_list_query(request, PROCESSES.form)  # 400, 500
    readable_spaces = {space.guid for space in world.spaces.values() if may_read_space(actor, space)}
    processes: Collection[ProcessModel] = world.processes.values()
    if len(readable_spaces) < len(world.spaces):
        readable_apps = {app.guid for app in world.apps.values() if app.space in readable_spaces}
        processes = [process for process in processes if process.app in readable_apps]
    reading = ListReading(world, actor, request, query)
    return list_page(reading, PROCESSES, processes, "/v3/processes", world.in_order, may_be_refused(reading))


def list_processes_for_app(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The processes of the app that the path names."""
    return list_app_page(world, actor, request, request.path["guid"])


def list_app_page(world: World, actor: User, request: ApiRequest, guid: str) -> ApiResponse | LateResponse:
    """The processes of the app of that guid."""
    query = read_list_query(request, PROCESSES_OF_APP.form)  # 400, 500
    app, _ = find_app(world, actor, guid)  # 404
    reading = ListReading(world, actor, request, query)
    processes = world.list_app_processes(app.guid)
    path = f"/v3/apps/{app.guid}/processes"
    return list_page(reading, PROCESSES_OF_APP, processes, path, may_refuse=may_be_refused(reading))


def may_be_refused(reading: ListReading) -> bool:
    """Whether the instances that are asked for can't be had from the platform."""
    return bool(reading.query.embed) and reading.world.settings.platform == "unavailable"


def read_versions(reading: ListReading, processes: Collection[ProcessModel]) -> Collection[ProcessModel]:
    """The processes as a reader sees them, who may see an older version for a while."""
    world = reading.world
    if not world.settings.stale_seconds:
        return processes
    return [find_readable_version(world, process, reading.request.now) for process in processes]


def present_processes(reading: ListReading, processes: list[ProcessModel]) -> list[Any]:
    """The processes of a page, with their instances where these are asked for."""
    world, request = reading.world, reading.request
    apps, base = world.apps, request.base
    if not reading.query.embed:
        return list[Any](encode_listed_processes(processes, apps, base))
    return [
        present_process(
            process,
            app := apps[process.app],
            base,
            HIDDEN_IN_LISTS,
            read_instances(world, app, process, request.now),
        )
        for process in processes
    ]


PROCESSES: Listing[ProcessModel] = Listing(
    noun="processes",
    form=ListForm(
        own=(
            "app_guid",
            "types",
            "space_guids",
            "organization_guids",
            "app_guids",
            "embed",
            "label_selector",
        ),
        arrays=("types", "space_guids", "organization_guids", "app_guids"),
        ignored=("app_guid",),
        checks=(
            check_embedded(*EMBEDDED_RESOURCES),
            check_arrays("space_guids", "organization_guids", "app_guids"),
        ),
    ),
    read=read_versions,
    present=present_processes,
    filters={
        "types": keep_by(lambda _, process: process.type),
        "app_guids": keep_by(lambda _, process: process.app),
        "space_guids": keep_by(lambda world, process: world.apps[process.app].space),
        "organization_guids": keep_by(lambda world, process: world.spaces[world.apps[process.app].space].organization),
    },
)

PROCESSES_OF_APP: Listing[ProcessModel] = msgspec.structs.replace(
    PROCESSES,
    form=msgspec.structs.replace(
        PROCESSES.form,
        checks=(*PROCESSES.form.checks, check_absent("app_guids", "organization_guids", "space_guids")),
    ),
)
