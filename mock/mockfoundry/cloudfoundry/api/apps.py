"""Starting: apps started, stopped and started anew. Knows no request; what asks for it finds the app and the actor.

Source: cloud_controller_ng, app/controllers/v3/apps_controller.rb, app/actions/app_start.rb, app_stop.rb and
app_restart.rb.
"""

import msgspec

from mockfoundry.cloudfoundry.api.request import find_app, require_app_manager
from mockfoundry.cloudfoundry.constraints import validate_model
from mockfoundry.cloudfoundry.deployments import restart_process
from mockfoundry.cloudfoundry.errors import RUNNER_UNAVAILABLE, UNPROCESSABLE_ENTITY, refuse
from mockfoundry.cloudfoundry.instance_ranges import stop_instances
from mockfoundry.cloudfoundry.model import App, ProcessModel, User
from mockfoundry.cloudfoundry.world import World

replace = msgspec.structs.replace


def start_app(world: World, actor: User, guid: str, now: int) -> App:
    """Starts an app; one that is started already stays as it is.

    Raises:
        Refusal: 404, 422 without a droplet, 403, or 422 where its processes do not fit; nothing is changed.
    """
    app = find_startable_app(world, actor, guid)
    if app.state == "STOPPED":
        app = start_processes(world, app, now)
    world.record("audit.app.start", app, actor, now, {})
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
            runs, leaving = stop_instances(world, process, now)
            world.put(replace(process, instance_ranges=runs, stopping_ranges=leaving, updated_at=now), now)
    world.record("audit.app.stop", app, actor, now, {})
    return app


def restart_app(world: World, actor: User, guid: str, now: int) -> App:
    """Stops and starts an app in one go: each process has a new version and new instances.

    Raises:
        Refusal: as start_app, and 503 where the scheduler can't be reached; nothing is changed.
    """
    app = find_startable_app(world, actor, guid)
    if world.settings.platform == "unavailable":
        raise refuse(RUNNER_UNAVAILABLE, why="world: settings.platform is unavailable")
    app = start_processes(world, app, now)
    world.record("audit.app.restart", app, actor, now, {})
    return app


def find_startable_app(world: World, actor: User, guid: str) -> App:
    """The app of that guid, which the actor may start; a missing droplet is told before a missing permission."""
    app, space = find_app(world, actor, guid)
    if app.droplet is None:
        raise refuse(UNPROCESSABLE_ENTITY, "Assign a droplet before starting this app.")
    require_app_manager(actor, space, world.organizations[space.organization])
    return app


def start_processes(world: World, app: App, now: int) -> App:
    """Starts every process of an app, the oldest first, each asked to fit beside those before it; all or none."""
    space = world.spaces[app.space]
    organization = world.organizations[space.organization]
    anew = replace(app, state="STARTED", updated_at=now)
    trial = replace(world, usage=dict(world.usage), shared_tables=world.shared_tables - {"usage"})
    processes: list[ProcessModel] = world.list_app_processes(app.guid)
    if app.state == "STARTED":
        for process in processes:
            trial.count(space.guid, process, None)
    for process in processes:
        validate_model(trial, anew, space, organization, process, process, was_started=False)
        trial.count(space.guid, None, process)
    world.put_app(anew)
    for process in processes:
        world.put(restart_process(world, anew, process, now), now)
    return anew
