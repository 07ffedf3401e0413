"""Apps: started, stopped and restarted. Never knows HTTP.

Source: cloud_controller_ng, app/controllers/v3/apps_controller.rb, app/actions/app_start.rb, app_stop.rb and
app_restart.rb.
"""

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import find_app, require_app_manager
from mockfoundry.cloudfoundry.constraints import validate_model
from mockfoundry.cloudfoundry.deployments import restart_process
from mockfoundry.cloudfoundry.errors import RUNNER_UNAVAILABLE, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.instance_ranges import stop_instances
from mockfoundry.cloudfoundry.model import App, ProcessModel, User
from mockfoundry.cloudfoundry.world import World


def start_app(world: World, actor: User, guid: str, now: int) -> App:
    """Starts an app; one that is already started stays as it is.

    Raises:
        Refusal: 404, 422 without a droplet, 403, or 422 where its processes do not fit; nothing is changed.
    """
    app = find_startable_app(world, actor, guid)
    if app.state == "STOPPED":
        app = start_processes(world, app, now)
    world.record_event("audit.app.start", app, actor, now, {})
    return app


def stop_app(world: World, actor: User, guid: str, now: int) -> App:
    """Stops an app.

    Raises:
        Refusal: 404 or 403; nothing is changed.
    """
    app, space = find_app(world, actor, guid)
    require_app_manager(actor, space, world.organizations[space.organization])
    if app.state == "STARTED":
        app = replace(app, state="STOPPED", updated_at=now)
        world.put_app(app)
        for process in world.list_app_processes(guid):
            ranges, stopping = stop_instances(world, process, now)
            world.put_process(replace(process, instance_ranges=ranges, stopping_ranges=stopping, updated_at=now), now)
    world.record_event("audit.app.stop", app, actor, now, {})
    return app


def restart_app(world: World, actor: User, guid: str, now: int) -> App:
    """Restarts an app: each process gets a new version and new instances.

    Raises:
        Refusal: as in start_app, and 503 where the scheduler can't be reached; nothing is changed.
    """
    app = find_startable_app(world, actor, guid)
    if world.settings.platform == "unavailable":
        raise Refusal(RUNNER_UNAVAILABLE, why="world: settings.platform is unavailable")
    app = start_processes(world, app, now)
    world.record_event("audit.app.restart", app, actor, now, {})
    return app


def find_startable_app(world: World, actor: User, guid: str) -> App:
    """The app of that guid, which the actor may start.

    Raises:
        Refusal: 404, 422 without a droplet, then 403.
    """
    app, space = find_app(world, actor, guid)
    if app.droplet is None:
        raise Refusal(UNPROCESSABLE_ENTITY, "Assign a droplet before starting this app.")
    require_app_manager(actor, space, world.organizations[space.organization])
    return app


def start_processes(world: World, app: App, now: int) -> App:
    """Starts every process of an app, or none of them: the oldest first. Each must fit in addition to those before it.

    Raises:
        Refusal: 422, where one does not fit; nothing is changed.
    """
    space = world.spaces[app.space]
    organization = world.organizations[space.organization]
    started = replace(app, state="STARTED", updated_at=now)
    trial = replace(world, usage=dict(world.usage), shared_tables=world.shared_tables - {"usage"})
    processes: list[ProcessModel] = world.list_app_processes(app.guid)
    if app.state == "STARTED":
        for process in processes:
            trial.count_usage(space.guid, process, None)
    for process in processes:
        validate_model(trial, started, space, organization, process, process, was_started=False)
        trial.count_usage(space.guid, None, process)
    world.put_app(started)
    for process in processes:
        world.put_process(restart_process(world, started, process, now), now)
    return started
