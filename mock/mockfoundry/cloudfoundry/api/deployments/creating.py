"""Deployments created: what is checked first, what changes at once. Never moves one: the clock does.

Source: cloud_controller_ng, app/controllers/v3/deployments_controller.rb, app/actions/deployment_create.rb and
lib/cloud_controller/deployments/deployment_target_state.rb.
"""

from typing import Any, NamedTuple

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import require_app_manager
from mockfoundry.cloudfoundry.api.app_parts.droplets import CANNOT_ASSIGN, NO_COMMANDS, assign_droplet
from mockfoundry.cloudfoundry.api.apps.actions import require_room_to_start, start_processes
from mockfoundry.cloudfoundry.api.deployments.deployments import present_deployment
from mockfoundry.cloudfoundry.api.deployments.messages import CreateDeploymentMessage, read_create_deployment_message
from mockfoundry.cloudfoundry.api.messages import refuse_unexpected
from mockfoundry.cloudfoundry.api.metadata_merging import apply_metadata
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.app_parts import Revision
from mockfoundry.cloudfoundry.auth import may_manage_apps
from mockfoundry.cloudfoundry.constraints import validate_model
from mockfoundry.cloudfoundry.deployment_stages import count_at_pause
from mockfoundry.cloudfoundry.deployments import (
    OPTIONS,
    SIZES,
    begin_deployment,
    list_web_processes,
    supersede_deployment,
)
from mockfoundry.cloudfoundry.errors import UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.model import LARGEST_INTEGER, App, Deployment, Droplet, ProcessModel
from mockfoundry.cloudfoundry.revising import (
    add_first_revision,
    add_revision,
    contents_of_app,
    contents_of_current,
    contents_of_revision,
    describe_changes,
    find_current_revision,
)
from mockfoundry.cloudfoundry.staging import commands_of, droplet_guid_of, find_revision, list_droplets
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


class DeploymentTarget(NamedTuple):
    """What an app is to run.

    Attributes:
        revision: that it goes back to; None where it does not.
    """

    droplet: Droplet
    revision: Revision | None


def create_deployment(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Deploys a droplet of an app without stopping it; a stopped app is started with it, and that is all."""
    message = read_create_deployment_message(request)  # 422
    app = find_deployable_app(world, actor, message)  # 422, 403, 500
    plan = plan_deployment(app, message)
    require_quota(world, app, plan)  # 422
    target = choose_target(world, app, message)  # 422
    new = apply_metadata(plan, message.fields.get("metadata"))  # 422, 500
    if app.state == "STOPPED":
        deployment = deploy_stopped_app(world, actor, app, target, new, request.now)  # 422
    else:
        require_startable_plan(message)  # 500
        deployment = deploy_started_app(world, actor, app, target, new, request.now)  # 422
    event = {
        "deployment_guid": deployment.guid,
        "droplet_guid": deployment.droplet,
        "type": None if message.revision_guid is None else "rollback",
        "revision_guid": deployment.revision,
        "request": message.fields,
        "strategy": deployment.strategy,
    }
    app = world.apps[app.guid]
    world.record_event("audit.app.deployment.create", app, actor, request.now, event)
    body = present_deployment(deployment, app, request.base)
    return ApiResponse(201, body, "world: deployment created", tolerated_violations=request.violations)


UNABLE_TO_USE_APP = "Unable to use app. Ensure that the app exists and you have access to it."


def find_deployable_app(world: World, actor: User, message: CreateDeploymentMessage) -> App:
    """The app that is to be deployed.

    Raises:
        Refusal: 422, where there is none, the actor may not deploy it, or it is being deleted; 403, while it is
            suspended; 500, where the Cloud Controller fails on the shape of the body.
    """
    guid = message.app_guid
    app = None if guid is None else world.apps.get(guid)
    if app is None:
        raise Refusal(UNPROCESSABLE_ENTITY, UNABLE_TO_USE_APP, f"world: no app has the guid {guid}")
    space = world.spaces[app.space]
    if not may_manage_apps(actor, space):
        raise Refusal(UNPROCESSABLE_ENTITY, UNABLE_TO_USE_APP, f"world: {actor.name} may not deploy app {app.name}")
    require_app_manager(actor, space, world.organizations[space.organization])
    return app


# What is deployed


def choose_target(world: World, app: App, message: CreateDeploymentMessage) -> DeploymentTarget:
    """What is to be deployed: the droplet or the revision that is named, else the current droplet.

    Raises:
        Refusal: 422, where there is none, or it is what the app runs already.
    """
    revision = None
    if message.revision_guid is not None:
        revision, droplet = choose_revision(world, app, message.revision_guid)
    elif message.droplet_guid is not None:
        droplet = find_own_droplet(app, message.droplet_guid)
    elif app.droplet is not None:
        droplet = app.droplet
    else:
        text = "Invalid droplet. Please specify a droplet in the request or set a current droplet for the app."
        raise Refusal(UNPROCESSABLE_ENTITY, text, f"world: app {app.name} has no droplet")
    if commands_of(droplet) is None:
        raise Refusal(UNPROCESSABLE_ENTITY, NO_COMMANDS)
    return DeploymentTarget(droplet, revision)


def find_own_droplet(app: App, guid: str) -> Droplet:
    """The droplet of an app by its guid.

    Raises:
        Refusal: 422, where the app has no such droplet.
    """
    droplet = next((each for each in list_droplets(app) if each.guid == guid), None)
    if droplet is None:
        raise Refusal(UNPROCESSABLE_ENTITY, CANNOT_ASSIGN, f"world: app {app.name} has no droplet {guid}")
    return droplet


def choose_revision(world: World, app: App, guid: str) -> tuple[Revision, Droplet]:
    """The revision to go back to, and its droplet.

    Raises:
        Refusal: 422, where the app has no revisions or not this one, its droplet is gone, or nothing would change.
    """
    if not app.revisions_enabled:
        text = "Cannot create deployment from a revision for an app without revisions enabled"
        raise Refusal(UNPROCESSABLE_ENTITY, text)
    found = find_revision(world, guid)
    if found is None:
        raise Refusal(UNPROCESSABLE_ENTITY, "The revision does not exist")
    owner, revision = found
    droplet_guid = droplet_guid_of(owner, revision)
    droplet = next((each for each in list_droplets(owner) if each.guid == droplet_guid), None)
    if droplet is None or droplet.state == "EXPIRED":
        text = "Unable to deploy this revision, the droplet for this revision no longer exists."
        raise Refusal(UNPROCESSABLE_ENTITY, text)
    if owner.guid != app.guid:
        raise Refusal(UNPROCESSABLE_ENTITY, CANNOT_ASSIGN, f"world: the revision is of app {owner.name}")
    if not describe_changes(contents_of_current(world, app), contents_of_revision(world, app, revision)):
        text = (
            "Unable to rollback. The code and configuration you are rolling back to is the same as the deployed "
            "revision."
        )
        raise Refusal(UNPROCESSABLE_ENTITY, text)
    return revision, droplet


def assign_target(world: World, actor: User, app: App, target: DeploymentTarget, now: int) -> App:
    """Makes what is deployed current at once: the droplet, its processes, a revision, and the variables of an old one.

    Returns:
        The app, with the revision that it runs from now on.
    """
    wanted = contents_of_app(world, app)._replace(droplet=target.droplet.guid)
    if target.revision is not None:
        wanted = contents_of_revision(world, app, target.revision)
    is_first = app.revisions_enabled and find_current_revision(app) is None and target.revision is None
    pinned = app
    if app.revisions_enabled and not is_first:
        pinned = add_revision(world, app, contents_of_current(world, app), wanted, target.revision, now)
    assigned = assign_droplet(world, actor, pinned, target.droplet, now)
    if is_first:
        assigned = add_first_revision(world, assigned, now)
        world.put_app(assigned)
    if target.revision is not None:
        assigned = replace(assigned, environment_variables=wanted.environment_variables)
        world.put_app(assigned)
    if assigned.revision != app.revision and assigned.revisions:
        made = assigned.revisions[-1]
        data = {"revision_guid": made.guid, "revision_version": made.version}
        world.record_event("audit.app.revision.create", assigned, actor, now, data)
    return assigned


# How


def plan_deployment(app: App, message: CreateDeploymentMessage) -> Deployment:
    """A deployment as it is asked for, not begun yet."""
    options: dict[str, Any] = dict(message.options)
    return Deployment(
        guid="",
        strategy=message.strategy,
        state="DEPLOYING",
        created_at=0,
        changed_at=0,
        duration=0,
        app=app.guid,
        weights=message.weights or (),
        previous_droplet=None if app.droplet is None else app.droplet.guid,
        **options,
    )


def require_startable_plan(message: CreateDeploymentMessage) -> None:
    """Raises Refusal (500) for what passes the message and fails in the model."""
    if message.weights == () or message.options.get("max_in_flight", 1) > LARGEST_INTEGER:
        raise refuse_unexpected("a canary with an empty list of steps, or more instances in flight than there can be")


def find_newest_web_process(world: World, app: App) -> ProcessModel:
    """The web process of an app, the newest of several.

    Raises:
        Refusal: 500, where it has none, which the Cloud Controller does not expect.
    """
    web = world.find_app_process(app.guid, "web")
    if web is None:
        raise refuse_unexpected("an app without a web process")
    return web


def read_sizes(new: Deployment) -> dict[str, Any]:
    """What the deployed process is to have other than the web process: instances, memory, disk, log rate."""
    asked = {"instances": new.web_instances, **{name: getattr(new, name) for name in SIZES}}
    return {name: value for name, value in asked.items() if value is not None}


def deploy_started_app(
    world: World, actor: User, app: App, target: DeploymentTarget, new: Deployment, now: int
) -> Deployment:
    """Begins a deployment of an app that is started, in place of the one that is in flight.

    Raises:
        Refusal: 422, where its first instances do not fit beside those that run; nothing is changed.
    """
    web = find_newest_web_process(world, app)
    flying = app.deployment if app.deployment is not None and app.deployment.is_active else None
    had = flying.instances if flying is not None else list_web_processes(world, app.guid)[0].instances
    new = replace(new, instances=had)
    wanted = count_at_pause(new, 1).newer if new.pauses else new.wanted
    require_room(world, app, web, new, min(wanted, new.max_in_flight))
    fields: dict[str, Any] = {
        "strategy": new.strategy,
        "steps": new.weights,
        "instances": had,
        "previous_droplet": new.previous_droplet,
        "metadata": {"labels": new.labels, "annotations": new.annotations},
        **{name: value for name in OPTIONS if (value := getattr(new, name)) is not None},
    }
    if target.revision is not None:
        fields["command"] = contents_of_revision(world, app, target.revision).commands.get("web")
    assign_target(world, actor, app, target, now)
    supersede_deployment(world, app.guid, now)
    return begin_deployment(world, app.guid, now, fields)


def require_quota(world: World, app: App, new: Deployment) -> None:
    """Checks that what a deployment of a started app ends with fits, if it asks for more than another disk.

    Raises:
        Refusal: 422, with whose quota does not suffice.
    """
    web, sizes = world.find_app_process(app.guid, "web"), read_sizes(new)
    if app.state != "STARTED" or web is None or not sizes.keys() - {"disk_in_mb"}:
        return
    space = world.spaces[app.space]
    try:
        validate_model(world, app, space, world.organizations[space.organization], web, replace(web, **sizes))
    except Refusal as refusal:
        raise name_quota(world, app, refusal) from None


def require_room(world: World, app: App, web: ProcessModel, new: Deployment, first: int) -> None:
    """Checks that the first instances of a deployment fit beside those that run.

    Args:
        first: how many instances it begins with.

    Raises:
        Refusal: 422, with whose quota does not suffice.
    """
    space = world.spaces[app.space]
    organization = world.organizations[space.organization]
    newer = replace(web, **{**read_sizes(new), "instances": first})
    try:
        validate_model(world, app, space, organization, web, newer, was_started=False)
    except Refusal as refusal:
        raise name_quota(world, app, refusal) from None


def name_quota(world: World, app: App, refusal: Refusal) -> Refusal:
    """A refusal of a deployment, with whose quota does not suffice, where it is one of memory or instances."""
    space = world.spaces[app.space]
    detail, what = refusal.detail, "quota may not be large enough to support rolling deployments"
    if "space_quota_exceeded" in detail or "space_app_instance_limit_exceeded" in detail:
        detail += f" for space {space.name}. This space's {what} or your configured max-in-flight."
    elif "quota_exceeded" in detail or "app_instance_limit_exceeded" in detail:
        name = world.organizations[space.organization].name
        detail += f" for organization {name}. This organization's {what} or your configured max-in-flight."
    return Refusal(refusal.entry, detail, refusal.why)


def deploy_stopped_app(
    world: World, actor: User, app: App, target: DeploymentTarget, new: Deployment, now: int
) -> Deployment:
    """Starts an app that is stopped; its deployment is over at once, and a canary does not pause.

    Raises:
        Refusal: 422, where its processes do not fit; nothing is changed.
    """
    web = find_newest_web_process(world, app)
    wanted = replace(web, updated_at=now, **read_sizes(new))
    processes = [wanted if each.guid == web.guid else each for each in world.list_app_processes(app.guid)]
    try:
        require_room_to_start(world, app, processes)
    except Refusal as refusal:
        raise name_quota(world, app, refusal) from None
    world.put_process(wanted, now)
    assigned = assign_target(world, actor, app, target, now)
    started = start_processes(world, assigned, now)
    world.record_event("audit.app.start", started, actor, now, {})
    number = world.next_nonce()
    current = find_current_revision(started)
    deployment = replace(
        new,
        guid=derive_guid(world.random_seed, "deployment", app.guid, number),
        number=number,
        state="DEPLOYED",
        created_at=now,
        updated_at=now,
        changed_at=now,
        checked_at=now,
        moving_since=now,
        previous=web.guid,
        instances=web.instances,
        droplet=target.droplet.guid,
        revision=None if current is None else current.guid,
        revision_version=1 if current is None else current.version,
    )
    world.put_deployment(deployment)
    return deployment
