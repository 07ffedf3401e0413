"""Sidecars: listed, shown, made, changed, deleted. They need some of the memory of the processes that they run beside.

Source: cloud_controller_ng, app/controllers/v3/sidecars_controller.rb, app/fetchers/sidecar_list_fetcher.rb,
app/messages/sidecar_*_message.rb, app/actions/sidecar_*.rb, app/models/runtime/sidecar_model.rb and
sidecar_process_type_model.rb, app/presenters/v3/sidecar_presenter.rb.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import find_app, find_writable_app, require_app_writer
from mockfoundry.cloudfoundry.api.app_parts.lists import require_readable
from mockfoundry.cloudfoundry.api.fields import find_required_text_errors
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, list_page
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, ListQuery, read_list_query
from mockfoundry.cloudfoundry.api.messages import (
    IntRange,
    cast_integer,
    describe_unknown_fields,
    enforce_contract,
    find_number_error,
    measure_length,
    read_message_body,
    refuse_message,
    refuse_unexpected,
)
from mockfoundry.cloudfoundry.api.metadata import format_like_ruby
from mockfoundry.cloudfoundry.api.presenters import present_moment, present_reference
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import may_read_space
from mockfoundry.cloudfoundry.constraints import sidecar_memory_of
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.model import LARGEST_INTEGER, App, Sidecar
from mockfoundry.cloudfoundry.organizations import Space
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

FIELDS = ("name", "command", "process_types", "memory_in_mb")
MAX_NAME_LENGTH = 255
MAX_COMMAND_LENGTH = 4096
MAX_TYPE_LENGTH = 255

# The message has no upper bound: what is more than the database holds fails later.
MEMORY_RANGE = IntRange(1, 1 << 200, "must be greater than 0")

# Reading


class SidecarRow(msgspec.Struct, frozen=True):
    """A sidecar and its app, as a list has them."""

    guid: str
    created_at: int
    updated_at: int
    sidecar: Sidecar
    app: str


def list_sidecars_for_app(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The sidecars of an app."""
    query = read_list_query(request, SIDECARS.form)  # 400
    guid = request.path["guid"]
    if guid not in world.apps:
        require_unfiltered(query, "sidecars of an app that is not there")  # 500
    app, _ = find_app(world, actor, guid)  # 404
    rows = [make_row(sidecar, app) for sidecar in app.sidecars]
    return list_page(ListReading(world, actor, request, query), SIDECARS, rows, f"/v3/apps/{guid}/sidecars")


def list_sidecars_for_process(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The sidecars that run beside a process."""
    query = read_list_query(request, SIDECARS.form)  # 400
    process = world.processes.get(request.path["guid"])
    if process is None:
        require_unfiltered(query, "sidecars of a process that is not there")  # 500
        raise Refusal(RESOURCE_NOT_FOUND, "Process not found", why="world: no process has this guid")
    app = world.apps[process.app]
    if not may_read_space(actor, world.spaces[app.space]):
        raise Refusal(RESOURCE_NOT_FOUND, "Process not found", why=f"world: {actor.name} may not read this space")
    rows = [make_row(sidecar, app) for sidecar in app.sidecars if process.type in sidecar.process_types]
    path = f"/v3/processes/{process.guid}/sidecars"
    return list_page(ListReading(world, actor, request, query), SIDECARS, rows, path)


def require_unfiltered(query: ListQuery, on: str) -> None:
    """Raises Refusal (500) where the Cloud Controller filters what is not there."""
    if query.filters or query.timestamp_filters:
        raise refuse_unexpected(on)


def make_row(sidecar: Sidecar, app: App) -> SidecarRow:
    return SidecarRow(sidecar.guid, sidecar.created_at, sidecar.updated_at, sidecar, app.guid)


def present_sidecars(_: ListReading, rows: list[SidecarRow]) -> list[dict[str, Any]]:
    return [present_sidecar(row.sidecar, row.app) for row in rows]


SIDECARS: Listing[SidecarRow] = Listing(
    noun="sidecars",
    form=ListForm(unlinked=("created_ats", "updated_ats", "guids")),
    present=present_sidecars,
)


def get_sidecar(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One sidecar."""
    app, sidecar, _ = find_sidecar(world, actor, request.path["guid"])  # 404
    body = present_sidecar(sidecar, app.guid)
    return ApiResponse(200, body, "world: sidecar read", tolerated_violations=request.violations)


def present_sidecar(sidecar: Sidecar, app: str) -> dict[str, Any]:
    """A sidecar.

    Args:
        app: the guid of its app.
    """
    return {
        "guid": sidecar.guid,
        "name": sidecar.name,
        "command": sidecar.command,
        "process_types": sorted(sidecar.process_types),
        "memory_in_mb": sidecar.memory_in_mb,
        "origin": sidecar.origin,
        "relationships": {"app": present_reference(app)},
        "created_at": present_moment(sidecar.created_at),
        "updated_at": present_moment(sidecar.updated_at),
    }


def find_sidecar(world: World, actor: User, guid: str) -> tuple[App, Sidecar, Space]:
    """The sidecar of that guid, with its app and space.

    Raises:
        Refusal: 404, if there is none or the actor may not read its space.
    """
    sidecars = ((app, sidecar) for app in world.apps.values() for sidecar in app.sidecars)
    found = next((each for each in sidecars if each[1].guid == guid), None)
    return require_readable(world, actor, found, "Sidecar")


# Writing


def find_writable_sidecar(world: World, actor: User, request: ApiRequest) -> tuple[App, Sidecar]:
    """The sidecar that a path names, which the actor may change, with its app.

    Raises:
        Refusal: 404, as in find_sidecar; then 403 or 422, as for the app.
    """
    app, sidecar, space = find_sidecar(world, actor, request.path["guid"])
    require_app_writer(actor, space, world.organizations[space.organization])
    return app, sidecar


def create_sidecar(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Adds a sidecar to an app; it starts with the next start of its processes."""
    app, _ = find_writable_app(world, actor, request)  # 404, 403, 422 being deleted
    fields = read_sidecar_message(request, FIELDS[:3])  # 422
    sidecar = Sidecar(
        guid=derive_guid(world.random_seed, "created sidecar", app.guid, world.nonce + 1),
        name="",
        process_types=(),
        memory_in_mb=None,
        command="",
        created_at=request.now,
        updated_at=request.now,
    )
    created = apply_message(sidecar, fields)
    if "memory_in_mb" in fields:
        require_memory_for_sidecar(world, app, created, fields)  # 422, 500
    require_valid_sidecar(app, created)  # 422
    world.next_nonce()
    world.put_app(replace(app, sidecars=(*app.sidecars, created)))
    return ApiResponse(201, present_sidecar(created, app.guid), "world: sidecar created", (), request.violations)


def update_sidecar(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Changes a sidecar; what is not sent stays as it is."""
    app, sidecar = find_writable_sidecar(world, actor, request)  # 404, 403, 422 being deleted
    fields = read_sidecar_message(request, ())  # 422
    updated = apply_message(sidecar, fields)
    if "memory_in_mb" in fields or "process_types" in fields:
        require_memory_for_sidecar(world, app, updated, fields)  # 422, 500
    require_valid_sidecar(app, updated)  # 422
    changed = updated != sidecar
    updated = replace(updated, updated_at=request.now)
    sidecars = tuple(updated if each is sidecar else each for each in app.sidecars)
    world.put_app(replace(app, sidecars=sidecars))
    body = present_sidecar(updated, app.guid)
    return ApiResponse(200, body, "world: sidecar updated", (), request.violations, changed)


def delete_sidecar(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Deletes a sidecar."""
    app, sidecar = find_writable_sidecar(world, actor, request)  # 404, 403, 422 being deleted
    world.put_app(replace(app, sidecars=tuple(each for each in app.sidecars if each is not sidecar)))
    return ApiResponse(204, None, "world: sidecar deleted", tolerated_violations=request.violations)


def read_sidecar_message(request: ApiRequest, required: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a sidecar.

    Args:
        required: those that must be there.

    Raises:
        Refusal: 422, with every error.
    """
    fields = read_message_body(request)
    checked = {*required, *fields}
    errors = [describe_unknown_fields(fields, FIELDS)]
    for name in ("name", "command"):
        if name in checked:
            errors += find_required_text_errors(name.capitalize(), fields.get(name))
    if "process_types" in checked:
        errors += find_process_types_errors(fields.get("process_types"))
    if error := find_number_error(fields.get("memory_in_mb"), MEMORY_RANGE):
        errors.append(f"Memory in mb {error}")
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    return fields


def find_process_types_errors(types: Any) -> Iterator[str]:
    if not isinstance(types, list):
        yield "Process types must be an array"
    if types is None or measure_length(types) < 1:
        yield "Process types must have at least 1 process_type"


def apply_message(sidecar: Sidecar, fields: dict[str, Any]) -> Sidecar:
    """A sidecar with the fields of a message."""
    changes: dict[str, Any] = {name: fields[name] for name in ("name", "command") if name in fields}
    if "process_types" in fields:
        changes["process_types"] = tuple(format_like_ruby(each) for each in fields["process_types"])
    if "memory_in_mb" in fields:
        changes["memory_in_mb"] = cast_integer(fields["memory_in_mb"])
    return replace(sidecar, **changes)


def require_memory_for_sidecar(world: World, app: App, sidecar: Sidecar, fields: dict[str, Any]) -> None:
    """Checks that a sidecar fits into every process that it runs beside, with the other sidecars of the app.

    Raises:
        Refusal: 422, where it does not; 500, where the Cloud Controller can't add what was sent.
    """
    others = replace(app, sidecars=tuple(each for each in app.sidecars if each.guid != sidecar.guid))
    for process in world.list_app_processes(app.guid):
        if process.type not in sidecar.process_types:
            continue
        if isinstance(fields.get("memory_in_mb"), str):
            raise refuse_unexpected("a sidecar's memory that is text")
        taken = sidecar_memory_of(others, process) + (sidecar.memory_in_mb or 0)
        if taken >= process.memory_in_mb:
            text = f'The memory allocation defined is too large to run with the dependent "{process.type}" process'
            why = f"world: the sidecars would take {taken} MB of {process.memory_in_mb}"
            raise Refusal(UNPROCESSABLE_ENTITY, text, why)


def require_valid_sidecar(app: App, sidecar: Sidecar) -> None:
    """Checks what the database takes of a sidecar.

    Raises:
        Refusal: 422, where it does not take it; 500, for a memory that is more than it holds.
    """
    errors = []
    if len(sidecar.name) > MAX_NAME_LENGTH:
        errors.append(f"Name is too long (maximum is {MAX_NAME_LENGTH} characters)")
    if len(sidecar.command) > MAX_COMMAND_LENGTH:
        errors.append(f"Command is too long (maximum is {MAX_COMMAND_LENGTH} characters)")
    if errors:
        raise Refusal(UNPROCESSABLE_ENTITY, ", ".join(errors))
    if sidecar.memory_in_mb is not None and sidecar.memory_in_mb > LARGEST_INTEGER:
        raise refuse_unexpected("a sidecar's memory that is more than its database holds")
    if any(each.name == sidecar.name and each.guid != sidecar.guid for each in app.sidecars):
        raise Refusal(UNPROCESSABLE_ENTITY, f"Sidecar with name '{sidecar.name}' already exists for given app")
    seen: set[str] = set()
    for each in sidecar.process_types:
        if not each.strip():
            raise Refusal(UNPROCESSABLE_ENTITY, "type presence")
        if len(each) > MAX_TYPE_LENGTH:
            raise Refusal(UNPROCESSABLE_ENTITY, f"Process type is too long (maximum is {MAX_TYPE_LENGTH} characters)")
        if each in seen:
            text = f"sidecar_guid and type Sidecar is already associated with process type {each}"
            raise Refusal(UNPROCESSABLE_ENTITY, text)
        seen.add(each)
