"""Tasks: shown and listed. Never starts or cancels one.

Source: cloud_controller_ng, app/controllers/v3/tasks_controller.rb and app/messages/tasks_list_message.rb.
"""

from functools import partial
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.api.access import app_guid_override
from mockfoundry.cloudfoundry.api.app_parts.lists import (
    PartRow,
    filter_by_app,
    list_parts_of_all,
    list_parts_of_app,
    require_readable,
)
from mockfoundry.cloudfoundry.api.app_parts.presenters import present_task
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by
from mockfoundry.cloudfoundry.api.lists.queries import ListForm
from mockfoundry.cloudfoundry.api.lists.query_checks import check_absent, check_arrays
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.app_parts import Task
from mockfoundry.cloudfoundry.auth import may_see_secrets
from mockfoundry.cloudfoundry.tasks import find_task, list_tasks
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

# Reading


def list_all_tasks(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The tasks of every app that the actor may read, without commands; of one app, where the query names it."""
    if (guid := app_guid_override(request)) is not None:
        return list_page_of_app(world, actor, request, guid)
    return list_parts_of_all(world, actor, request, TASKS, partial(list_tasks, now=request.now), "/v3/tasks")


def list_app_tasks(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The tasks of an app, with commands for those who may see secrets."""
    return list_page_of_app(world, actor, request, request.path["guid"])


def list_page_of_app(world: World, actor: User, request: ApiRequest, guid: str) -> ApiResponse | LateResponse:
    return list_parts_of_app(world, actor, request, TASKS_OF_APP, partial(list_tasks, now=request.now), guid, "tasks")


def get_task(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One task; its command is shown only to those who may see secrets."""
    found = find_task(world, request.path["guid"], request.now)
    app, task, space = require_readable(world, actor, found, "Task")  # 404
    body = present_task(app, task, request.base, may_see_secrets(actor, space))
    return ApiResponse(200, body, "world: task read", tolerated_violations=request.violations)


def present_tasks(reading: ListReading, rows: list[PartRow[Task]]) -> list[dict[str, Any]]:
    return [present_task(row.app, row.part, reading.request.base, shows_secrets=False) for row in rows]


def present_tasks_of_app(reading: ListReading, rows: list[PartRow[Task]]) -> list[dict[str, Any]]:
    world, actor, base = reading.world, reading.actor, reading.request.base
    return [present_task(row.app, row.part, base, may_see_secrets(actor, world.spaces[row.app.space])) for row in rows]


_ARRAYS = ("names", "states", "app_guids", "organization_guids", "space_guids")

TASKS: Listing[PartRow[Task]] = Listing(
    noun="tasks",
    form=ListForm(
        own=(*_ARRAYS, "app_guid", "sequence_ids", "label_selector"),
        arrays=(*_ARRAYS, "sequence_ids"),
        ignored=("app_guid",),
        checks=(check_arrays(*_ARRAYS), check_absent("sequence_ids"), check_arrays("sequence_ids")),
    ),
    filters={
        **filter_by_app(Task),
        "names": keep_by(lambda _, row: row.part.name),
        "states": keep_by(lambda _, row: row.part.state),
        "sequence_ids": keep_by(lambda _, row: str(row.part.sequence_id)),
    },
    present=present_tasks,
)

TASKS_OF_APP: Listing[PartRow[Task]] = msgspec.structs.replace(
    TASKS,
    form=msgspec.structs.replace(
        TASKS.form,
        checks=(
            check_arrays(*_ARRAYS),
            check_absent("space_guids", "organization_guids", "app_guids"),
            check_arrays("sequence_ids"),
        ),
    ),
    present=present_tasks_of_app,
)
