"""Finding: the process a call is about, and whether the actor may read or change it. Never changes anything.

The order is that of cloud_controller_ng, app/controllers/v3/processes_controller.rb: `find_process_and_space`, then
`ensure_can_write`.
"""

from typing import NamedTuple

from mockfoundry.cloudfoundry.calls import Call
from mockfoundry.cloudfoundry.deployments import settle
from mockfoundry.cloudfoundry.errors import (
    NOT_AUTHORIZED,
    ORG_SUSPENDED,
    RESOURCE_BEING_DELETED,
    RESOURCE_NOT_FOUND,
    refuse,
)
from mockfoundry.cloudfoundry.permissions import is_admin, may_manage_apps, may_read
from mockfoundry.cloudfoundry.world import App, Organization, Process, Space, User, World


class Found(NamedTuple):
    """A process with what it belongs to."""

    process: Process
    app: App
    space: Space
    organization: Organization


def find_process(world: World, actor: User, call: Call) -> Found:
    """The process of a call's path, direct by `guid` or for an app by `guid` and `type`.

    Raises:
        Refusal: 404, where there is none or the actor may not read its space.
    """
    if world.deploying:
        settle(world, call.now)
    guid = call.path["guid"]
    process_type = call.path.get("type")
    if process_type is not None:
        app, space = find_app(world, actor, guid)
        found = world.process_of(guid, process_type)
        if found is None:
            raise refuse(RESOURCE_NOT_FOUND, "Process not found", why=f"world: app {app.name} has no {process_type}")
        return Found(found, app, space, world.organizations[space.organization])
    process = world.processes.get(guid)
    if process is None:
        raise refuse(RESOURCE_NOT_FOUND, "Process not found", why="world: no process has this guid")
    app = world.apps[process.app]
    space = world.spaces[app.space]
    if not may_read(actor, space):
        raise refuse(RESOURCE_NOT_FOUND, "Process not found", why=f"world: {actor.name} may not read this space")
    return Found(process, app, space, world.organizations[space.organization])


def find_app(world: World, actor: User, guid: str) -> tuple[App, Space]:
    """The app of that guid and its space.

    Raises:
        Refusal: 404, where there is none or the actor may not read its space.
    """
    app = world.apps.get(guid)
    if app is None:
        raise refuse(RESOURCE_NOT_FOUND, "App not found", why="world: no app has this guid")
    space = world.spaces[app.space]
    if not may_read(actor, space):
        raise refuse(RESOURCE_NOT_FOUND, "App not found", why=f"world: {actor.name} may not read this space")
    return app, space


def must_manage(actor: User, found: Found) -> None:
    """Raises Refusal where the actor may not change apps of the space, or nobody may at present."""
    if not may_manage_apps(actor, found.space):
        raise refuse(NOT_AUTHORIZED, why=f"world: {actor.name} may read, but not manage apps in this space")
    if is_admin(actor):
        return
    if found.organization.being_deleted:
        raise refuse(RESOURCE_BEING_DELETED, "The organization is being deleted")
    if found.space.being_deleted:
        raise refuse(RESOURCE_BEING_DELETED, "The space is being deleted")
    if found.organization.suspended:
        raise refuse(ORG_SUSPENDED)
