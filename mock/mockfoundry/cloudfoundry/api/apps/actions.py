"""Apps: started, stopped, restarted, deleted. Never reads a body.

Each operation reads from top to bottom as the rules that it follows; the comments say with which status a line refuses.
Source: cloud_controller_ng, app/controllers/v3/apps_controller.rb, app/actions/app_start.rb, app_stop.rb,
app_restart.rb and process_restart.rb.
"""

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import (
    find_app,
    find_managed_app,
    find_writable_app,
    require_app_manager,
    require_feature_flag,
)
from mockfoundry.cloudfoundry.api.apps.presenters import present_app
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.constraints import validate_model
from mockfoundry.cloudfoundry.deployments import restart_process
from mockfoundry.cloudfoundry.errors import RUNNER_UNAVAILABLE, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.instance_ranges import stop_instances
from mockfoundry.cloudfoundry.jobs import CLEAR_BUILDPACK_CACHE, DELETE_APP, enqueue_job
from mockfoundry.cloudfoundry.model import App, ProcessModel
from mockfoundry.cloudfoundry.revising import update_revision
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

LIFECYCLE_FLAGS = {"docker": "diego_docker", "cnb": "diego_cnb"}
"""The feature flag that an app of this lifecycle needs."""


def start_app(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Starts an app; one that is already started stays as it is."""
    app = find_startable_app(world, actor, request.path["guid"])  # 404, 422, 403
    was_stopped = app.state == "STOPPED"
    if was_stopped:
        require_room_to_start(world, app, world.list_app_processes(app.guid))  # 422
        app = update_revision(world, actor, app, request.now)
        app = start_processes(world, app, request.now)
    world.record_event("audit.app.start", app, actor, request.now, {})
    why = "world: app started" if was_stopped else "world: the app was started already"
    return ApiResponse(200, present_app(app, request.base), why, (), request.violations, was_stopped)


def stop_app(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Stops an app; one that is already stopped stays as it is."""
    app, _ = find_managed_app(world, actor, request)  # 404, 403, 422 being deleted
    was_started = app.state == "STARTED"
    if was_started:
        app = stop_processes(world, app, request.now)
    world.record_event("audit.app.stop", app, actor, request.now, {})
    why = "world: app stopped" if was_started else "world: the app was stopped already"
    return ApiResponse(200, present_app(app, request.base), why, (), request.violations, was_started)


def restart_app(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Restarts an app: each process gets a new version and new instances."""
    app = find_startable_app(world, actor, request.path["guid"])  # 404, 422, 403
    require_room_to_start(world, app, world.list_app_processes(app.guid))  # 422
    if world.settings.platform == "unavailable":
        raise Refusal(RUNNER_UNAVAILABLE, why="world: settings.platform is unavailable")
    app = update_revision(world, actor, app, request.now)
    app = start_processes(world, app, request.now)
    world.record_event("audit.app.restart", app, actor, request.now, {})
    return ApiResponse(200, present_app(app, request.base), "world: app restarted", (), request.violations)


def delete_app(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Has a job delete an app; until it runs, the app stays as it is."""
    app, _ = find_writable_app(world, actor, request)  # 404, 403, 422 being deleted
    return respond_with_job(world, actor, request, DELETE_APP, app)


def clear_app_buildpack_cache(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Has a job clear the buildpack cache of an app."""
    app, _ = find_managed_app(world, actor, request)  # 404, 403, 422 being deleted
    return respond_with_job(world, actor, request, CLEAR_BUILDPACK_CACHE, app)


def respond_with_job(world: World, actor: User, request: ApiRequest, operation: str, app: App) -> ApiResponse:
    """The response that says which job does what was asked for."""
    job = enqueue_job(world, operation, app.guid, actor, request.now)
    headers = (("Location", f"{request.base}/v3/jobs/{job.guid}"),)
    return ApiResponse(202, None, f"world: {operation} is left to a job", headers, request.violations)


def find_startable_app(world: World, actor: User, guid: str) -> App:
    """The app of that guid, which the actor may start.

    Raises:
        Refusal: 404, 422 without a droplet, then 403, or 422 while its space is being deleted.
    """
    app, space = find_app(world, actor, guid)
    if app.droplet is None:
        raise Refusal(UNPROCESSABLE_ENTITY, "Assign a droplet before starting this app.")
    require_app_manager(actor, space, world.organizations[space.organization])
    flag = LIFECYCLE_FLAGS.get(app.lifecycle)
    if flag is not None:
        require_feature_flag(world, flag, actor)
    return app


def require_room_to_start(world: World, app: App, processes: list[ProcessModel]) -> None:
    """Checks that all processes of an app fit when they start, the oldest first, each in addition to those before it.

    Args:
        processes: as they are to start.

    Raises:
        Refusal: 422, where one does not fit.
    """
    space = world.spaces[app.space]
    organization = world.organizations[space.organization]
    started = replace(app, state="STARTED")
    trial = replace(world, usage=dict(world.usage), shared_tables=world.shared_tables - {"usage"})
    if app.state == "STARTED":
        for process in world.list_app_processes(app.guid):
            trial.count_usage(space.guid, process, None)
    for process in processes:
        validate_model(trial, started, space, organization, process, process, was_started=False)
        trial.count_usage(space.guid, None, process)


def start_processes(world: World, app: App, now: int) -> App:
    """Starts every process of an app, whatever its quotas say; those that run already are replaced."""
    started = app if app.state == "STARTED" else replace(app, state="STARTED", updated_at=now)
    world.put_app(started)
    for process in world.list_app_processes(app.guid):
        world.put_process(restart_process(world, started, process, now), now)
    return started


def stop_processes(world: World, app: App, now: int) -> App:
    """Stops every process of an app that is started."""
    stopped = replace(app, state="STOPPED", updated_at=now)
    world.put_app(stopped)
    for process in world.list_app_processes(app.guid):
        ranges, stopping = stop_instances(world, process, now)
        world.put_process(replace(process, instance_ranges=ranges, stopping_ranges=stopping, updated_at=now), now)
    return stopped
