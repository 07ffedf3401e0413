"""Droplets: shown, listed, and made the current one of their app. Never stages anything.

Source: cloud_controller_ng, app/controllers/v3/droplets_controller.rb and apps_controller.rb
(`assign_current_droplet`), app/messages/droplets_list_message.rb, app/fetchers/droplet_list_fetcher.rb and
app/actions/app_assign_droplet.rb.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import (
    app_guid_override,
    find_app,
    find_managed_app,
    parameter_override,
)
from mockfoundry.cloudfoundry.api.app_parts.lists import (
    PartRow,
    filter_by_app,
    list_parts_of_all,
    list_parts_of_app,
    make_rows,
    require_readable,
)
from mockfoundry.cloudfoundry.api.app_parts.presenters import present_droplet
from mockfoundry.cloudfoundry.api.apps.presenters import present_current_droplet
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by, list_page
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_absent, check_arrays, check_choice
from mockfoundry.cloudfoundry.api.messages import enforce_contract, read_message_body, refuse_unexpected
from mockfoundry.cloudfoundry.api.presenters import HIDDEN_IN_LISTS
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import may_see_secrets
from mockfoundry.cloudfoundry.deployments import has_deployment_in_flight
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.model import (
    DEFAULT_DISK_IN_MB,
    DEFAULT_MEMORY_IN_MB,
    UNLIMITED,
    App,
    Droplet,
    HealthCheck,
    ProcessModel,
)
from mockfoundry.cloudfoundry.revising import hold_revision
from mockfoundry.cloudfoundry.staging import commands_of, find_droplet, find_package, list_droplets, package_guid_of
from mockfoundry.cloudfoundry.tasks import HIDDEN
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

# Reading


def list_all_droplets(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The droplets of every app that the actor may read; of one app or package, where the query names it."""
    if (guid := app_guid_override(request)) is not None:
        return list_parts_of_app(world, actor, request, DROPLETS_OF_APP, list_shown_droplets, guid, "droplets")
    if guid := parameter_override(request, "package_guid"):
        return list_package_page(world, actor, request, guid)
    return list_parts_of_all(world, actor, request, DROPLETS, list_shown_droplets, "/v3/droplets")


def list_app_droplets(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The droplets of an app."""
    guid = request.path["guid"]
    return list_parts_of_app(world, actor, request, DROPLETS_OF_APP, list_shown_droplets, guid, "droplets")


def list_package_droplets(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The droplets that were made of a package."""
    return list_package_page(world, actor, request, request.path["guid"])


def list_package_page(world: World, actor: User, request: ApiRequest, guid: str) -> ApiResponse | LateResponse:
    query = read_list_query(request, DROPLETS.form)  # 400, 500
    app, package, _ = require_readable(world, actor, find_package(world, guid), "Package")  # 404
    rows = [row for row in make_rows((app,), list_shown_droplets) if package_guid_of(row.part) == package.guid]
    return list_page(ListReading(world, actor, request, query), DROPLETS, rows, f"/v3/packages/{package.guid}/droplets")


def list_shown_droplets(app: App) -> list[Droplet]:
    """The droplets of an app that lists show: those that are staged just now are left out."""
    return [droplet for droplet in list_droplets(app) if droplet.state != "STAGING"]


def get_droplet(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One droplet; its commands are shown only to those who may see secrets."""
    found = find_droplet(world, request.path["guid"])
    app, droplet, space = require_readable(world, actor, found, "Droplet")  # 404
    body = present_droplet(app, droplet, request.base, "" if may_see_secrets(actor, space) else HIDDEN)
    return ApiResponse(200, body, "world: droplet read", tolerated_violations=request.violations)


def get_current_droplet(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The current droplet of an app; its commands are shown to every reader."""
    app, _ = find_app(world, actor, request.path["guid"])  # 404
    if app.droplet is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Droplet not found", why=f"world: app {app.name} has no droplet")
    body = present_droplet(app, app.droplet, request.base)
    return ApiResponse(200, body, "world: current droplet read", tolerated_violations=request.violations)


def present_droplets(reading: ListReading, rows: list[PartRow[Droplet]]) -> list[dict[str, Any]]:
    return [present_droplet(row.app, row.part, reading.request.base, HIDDEN_IN_LISTS) for row in rows]


DROPLETS: Listing[PartRow[Droplet]] = Listing(
    noun="droplets",
    form=ListForm(
        own=(
            "app_guid",
            "app_guids",
            "current",
            "organization_guids",
            "package_guid",
            "space_guids",
            "states",
            "label_selector",
        ),
        arrays=("space_guids", "states", "app_guids", "organization_guids"),
        ignored=("app_guid", "package_guid"),
        checks=(
            check_arrays("app_guids", "states", "space_guids", "organization_guids"),
            check_absent("current"),
        ),
    ),
    filters={
        **filter_by_app(Droplet),
        "states": keep_by(lambda _, row: row.part.state),
        "current": lambda _, rows, _values: [row for row in rows if row.part == row.app.droplet],
    },
    present=present_droplets,
)

DROPLETS_OF_APP: Listing[PartRow[Droplet]] = msgspec.structs.replace(
    DROPLETS,
    form=msgspec.structs.replace(
        DROPLETS.form,
        checks=(
            check_arrays("app_guids", "states", "space_guids", "organization_guids"),
            check_choice("current", ("true",), "Current only accepts the value 'true'"),
            check_absent("app_guids", "organization_guids", "space_guids"),
        ),
    ),
)

# The current droplet

CANNOT_REMOVE = "Current droplet cannot be removed. Replace it with a preferred droplet."
IN_DEPLOYMENT = (
    "Unable to assign current droplet while the app has a deployment in progress. "
    "Wait for the deployment to complete or cancel it."
)
CANNOT_ASSIGN = "Unable to assign current droplet. Ensure the droplet exists and belongs to this app."
NO_COMMANDS = (
    "Unable to create process types for this app's droplet. Please provide a droplet with valid process types."
)


def assign_current_droplet(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Makes a droplet the current one of its app, and adds the processes that it knows and the app has not."""
    guid = read_droplet_message(request)  # 422, 500
    app, _ = find_managed_app(world, actor, request)  # 404, 403, 422 being deleted
    if has_deployment_in_flight(app):
        raise Refusal(UNPROCESSABLE_ENTITY, IN_DEPLOYMENT)
    droplet = next((each for each in list_droplets(app) if each.guid == guid), None)
    if droplet is None:
        raise Refusal(UNPROCESSABLE_ENTITY, CANNOT_ASSIGN)
    if commands_of(droplet) is None:
        raise Refusal(UNPROCESSABLE_ENTITY, NO_COMMANDS)
    enforce_contract(request)  # 422, strict only
    assign_droplet(world, actor, app, droplet, request.now)
    body = present_current_droplet(app, droplet.guid, request.base)
    return ApiResponse(
        200,
        body,
        "world: current droplet assigned",
        state_changed=droplet != app.droplet,
        tolerated_violations=request.violations,
    )


def read_droplet_message(request: ApiRequest) -> Any:
    """The guid of the droplet that a body names, whatever that is; None where it names none.

    Raises:
        Refusal: 422, if it is to be taken away; 500, where the Cloud Controller fails on the shape of the body.
    """
    fields = read_message_body(request)
    data = fields.get("data")
    if data is not None and not isinstance(data, dict):
        raise refuse_unexpected("data that is no object")
    guid = None if data is None else data.get("guid")
    if "data" in fields and guid is None:
        raise Refusal(UNPROCESSABLE_ENTITY, CANNOT_REMOVE)
    return guid


def assign_droplet(world: World, actor: User, app: App, droplet: Droplet, now: int) -> App:
    """Makes a droplet the current one of its app, and adds the processes of its types that the app does not have.

    Source: app/actions/app_assign_droplet.rb and process_create_from_app_droplet.rb.
    """
    if droplet != app.droplet:
        app = hold_revision(world, app)
    assigned = replace(app, droplets=list_other_droplets(app, droplet), droplet=droplet, updated_at=now)
    world.put_app(assigned)
    world.record_event("audit.app.droplet.mapped", assigned, actor, now, {"request": {"droplet_guid": droplet.guid}})
    for kind in droplet.process_types:
        if world.find_app_process(app.guid, kind) is None:
            add_process(world, actor, assigned, kind, now)
    return assigned


def list_other_droplets(app: App, current: Droplet) -> tuple[Droplet, ...]:
    """The other droplets of an app once another one is current."""
    return tuple(droplet for droplet in list_droplets(app) if droplet.guid != current.guid)


def add_process(world: World, actor: User, app: App, kind: str, now: int) -> None:
    """Adds a process that a droplet knows and its app has not [app/actions/process_create.rb]."""
    nonce = world.next_nonce()
    guid = derive_guid(world.random_seed, "process", app.guid, kind, nonce)
    process = ProcessModel(
        guid=app.guid if kind == "web" and app.guid not in world.processes else guid,
        app=app.guid,
        type=kind,
        created_at=now,
        updated_at=now,
        version=derive_guid(world.random_seed, "version", app.guid, kind, nonce),
        instances=1 if kind == "web" else 0,
        memory_in_mb=DEFAULT_MEMORY_IN_MB,
        disk_in_mb=DEFAULT_DISK_IN_MB,
        log_rate_limit_in_bytes_per_second=UNLIMITED,
        revision=app.revision,
        health_check=HealthCheck(type="port" if kind == "web" else "process"),
        readiness_health_check=HealthCheck(type="process"),
        labels={},
        annotations={},
    )
    world.put_process(process, now)
    data = {"process_guid": process.guid, "process_type": kind}
    world.record_event("audit.app.process.create", app, actor, now, data)
