"""Deployments of apps: read, listed, labelled, continued and canceled. Never creates or moves one.

Source: cloud_controller_ng, app/controllers/v3/deployments_controller.rb, app/actions/deployment_cancel.rb,
deployment_continue.rb, deployment_update.rb and app/presenters/v3/deployment_presenter.rb.
"""

from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import require_app_manager, require_app_writer
from mockfoundry.cloudfoundry.api.app_parts.droplets import CANNOT_ASSIGN, assign_droplet
from mockfoundry.cloudfoundry.api.app_parts.lists import require_readable
from mockfoundry.cloudfoundry.api.deployments.messages import STEP_KEY, read_metadata_message
from mockfoundry.cloudfoundry.api.lists.listing import Listing, ListReading, keep_by, list_page
from mockfoundry.cloudfoundry.api.lists.queries import ListForm, read_list_query
from mockfoundry.cloudfoundry.api.lists.query_checks import check_arrays
from mockfoundry.cloudfoundry.api.metadata_merging import apply_metadata
from mockfoundry.cloudfoundry.api.presenters import present_metadata, present_moment, present_reference
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import may_manage_apps, may_read_space
from mockfoundry.cloudfoundry.deployments import OPTIONS, begin_canceling, continue_deployment
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.model import App, Deployment
from mockfoundry.cloudfoundry.staging import list_droplets
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

# Reading


def get_deployment(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """A deployment, while it is in flight and when it is over."""
    deployment, app = find_readable_deployment(world, actor, request)  # 404
    body = present_deployment(deployment, app, request.base)
    return ApiResponse(200, body, "world: deployment read", tolerated_violations=request.violations)


def find_readable_deployment(world: World, actor: User, request: ApiRequest) -> tuple[Deployment, App]:
    """The deployment that the path names, and its app.

    Raises:
        Refusal: 404, if there is none, or the actor may not read its space.
    """
    found = world.find_deployment(request.path["guid"])
    there = None if found is None else (world.apps[found.app], found)
    app, deployment, _ = require_readable(world, actor, there, "Deployment")
    return deployment, app


def list_deployments(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The deployments of every space that the actor may read, those that are over among them."""
    query = read_list_query(request, DEPLOYMENTS.form)  # 400, 500
    spaces = {space.guid for space in world.spaces.values() if may_read_space(actor, space)}
    readable = [each for app, some in world.deployments.items() if world.apps[app].space in spaces for each in some]
    return list_page(ListReading(world, actor, request, query), DEPLOYMENTS, readable, "/v3/deployments")


def present_deployments(reading: ListReading, deployments: list[Deployment]) -> list[dict[str, Any]]:
    apps, base = reading.world.apps, reading.request.base
    return [present_deployment(each, apps[each.app], base) for each in deployments]


DEPLOYMENTS: Listing[Deployment] = Listing(
    noun="deployments",
    form=ListForm(
        own=("app_guids", "states", "status_reasons", "status_values", "label_selector"),
        arrays=("app_guids", "states", "status_reasons", "status_values"),
        checks=(check_arrays("app_guids", "states", "status_reasons", "status_values"),),
    ),
    present=present_deployments,
    filters={
        "app_guids": keep_by(lambda _, deployment: deployment.app),
        "states": keep_by(lambda _, deployment: deployment.state),
        "status_reasons": keep_by(lambda _, deployment: deployment.status_reason),
        "status_values": keep_by(lambda _, deployment: deployment.status_value),
    },
    default_order="number",
)


def present_deployment(deployment: Deployment, app: App, base: str) -> dict[str, Any]:
    """A deployment.

    Args:
        base: what links begin with.
    """
    url = f"{base}/v3/deployments/{deployment.guid}"
    links: dict[str, Any] = {"self": {"href": url}, "app": {"href": f"{base}/v3/apps/{deployment.app}"}}
    if deployment.is_active:
        links["cancel"] = {"href": f"{url}/actions/cancel", "method": "POST"}
    if deployment.state == "PAUSED":
        links["continue"] = {"href": f"{url}/actions/continue", "method": "POST"}
    revision = deployment.revision if app.revisions_enabled else None
    return {
        "guid": deployment.guid,
        "created_at": present_moment(deployment.created_at),
        "updated_at": present_moment(deployment.updated_at),
        "status": present_status(deployment),
        "strategy": deployment.strategy,
        "options": present_options(deployment),
        "droplet": {"guid": deployment.droplet},
        "previous_droplet": {"guid": deployment.previous_droplet},
        "new_processes": [{"guid": deployment.process, "type": "web"}] if deployment.process else [],
        "revision": None if revision is None else {"guid": revision, "version": deployment.revision_version},
        "relationships": {"app": present_reference(deployment.app)},
        "metadata": present_metadata(deployment),
        "links": links,
    }


def present_status(deployment: Deployment) -> dict[str, Any]:
    status: dict[str, Any] = {
        "value": deployment.status_value,
        "reason": deployment.status_reason,
        "details": {
            "last_successful_healthcheck": present_moment(deployment.checked_at),
            "last_status_change": present_moment(deployment.changed_at),
        },
    }
    if deployment.pauses:
        steps = {"current": min(deployment.step, deployment.pauses), "total": deployment.pauses}
        status["canary"] = {"steps": steps}
    return status


def present_options(deployment: Deployment) -> dict[str, Any]:
    """What was asked for of a deployment: only `max_in_flight` is always shown."""
    options: dict[str, Any] = {name: value for name in OPTIONS if (value := getattr(deployment, name)) is not None}
    if deployment.weights:
        options["canary"] = {"steps": [{STEP_KEY: weight} for weight in deployment.weights]}
    return options


# Changing


def update_deployment(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Changes labels and annotations of a deployment, also of one that is over."""
    deployment, app = find_writable_deployment(world, actor, request)  # 404, 403, 422 being deleted
    metadata = read_metadata_message(request)  # 422
    updated = replace(apply_metadata(deployment, metadata), updated_at=request.now)  # 422, 500
    if app.deployment is not None and app.deployment.guid == deployment.guid:
        world.put_app(replace(app, deployment=updated))
    else:
        world.put_deployment(updated)
    changed = replace(updated, updated_at=deployment.updated_at) != deployment
    body = present_deployment(updated, app, request.base)
    return ApiResponse(200, body, "world: deployment updated", (), request.violations, changed)


def cancel_deployment_of_app(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Cancels a deployment: the previous droplet is current again at once, the older web process soon after."""
    deployment, app = find_manageable_deployment(world, actor, request)  # 404, 403, 422 being deleted
    if not deployment.is_active:
        raise refuse_state("cancel", deployment)
    droplet = next((each for each in list_droplets(app) if each.guid == deployment.previous_droplet), None)
    if droplet is None:
        raise Refusal(UNPROCESSABLE_ENTITY, CANNOT_ASSIGN, "world: the previous droplet is gone")
    app = assign_droplet(world, actor, app, droplet, request.now)
    record_deployment_event(world, "cancel", app, actor, deployment, request.now)
    if deployment.state != "CANCELING":
        begin_canceling(world, deployment, request.now)
    return ApiResponse(200, None, "world: deployment canceled", tolerated_violations=request.violations)


def continue_paused_deployment(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Lets a canary deployment go on from the step at which it is paused."""
    deployment, app = find_manageable_deployment(world, actor, request)  # 404, 403, 422 being deleted
    if deployment.state != "PAUSED":
        raise refuse_state("continue", deployment)
    record_deployment_event(world, "continue", app, actor, deployment, request.now)
    continue_deployment(world, app.guid, request.now)
    return ApiResponse(200, None, "world: deployment continued", tolerated_violations=request.violations)


def find_writable_deployment(world: World, actor: User, request: ApiRequest) -> tuple[Deployment, App]:
    """The deployment that the path names, and its app, which the actor may update.

    Raises:
        Refusal: 404, if there is none or the actor may not read it; then 403 or 422, as for the app.
    """
    deployment, app = find_readable_deployment(world, actor, request)
    space = world.spaces[app.space]
    require_app_writer(actor, space, world.organizations[space.organization])
    return deployment, app


def find_manageable_deployment(world: World, actor: User, request: ApiRequest) -> tuple[Deployment, App]:
    """The deployment that the path names, and its app, which the actor may manage.

    Raises:
        Refusal: 404, if there is none or the actor may not manage it; then 403 or 422, as for the app.
    """
    deployment, app = find_readable_deployment(world, actor, request)
    space = world.spaces[app.space]
    if not may_manage_apps(actor, space):
        raise Refusal(RESOURCE_NOT_FOUND, "Deployment not found", f"world: {actor.name} may not manage this app")
    require_app_manager(actor, space, world.organizations[space.organization])
    return deployment, app


def refuse_state(verb: str, deployment: Deployment) -> Refusal:
    """The refusal of an action for which a deployment is in the wrong state."""
    status = f"status: {deployment.status_value} and reason: {deployment.status_reason}"
    return Refusal(UNPROCESSABLE_ENTITY, f"Cannot {verb} a deployment with {status}")


def record_deployment_event(world: World, verb: str, app: App, actor: User, deployment: Deployment, now: int) -> None:
    data = {"deployment_guid": deployment.guid, "droplet_guid": deployment.droplet}
    world.record_event(f"audit.app.deployment.{verb}", app, actor, now, data)
