"""Finding: the process a call is about, and whether the actor may read or change it. Never changes anything.

The order is that of cloud_controller_ng, app/controllers/v3/processes_controller.rb: `find_process_and_space`, then
`ensure_can_write`.
"""

import msgspec

from mockfoundry.cloudfoundry.calls import Call
from mockfoundry.cloudfoundry.deployments import settle
from mockfoundry.cloudfoundry.entities import App, Organization, Process, Space, User
from mockfoundry.cloudfoundry.errors import (
    NOT_AUTHORIZED,
    ORG_SUSPENDED,
    RESOURCE_BEING_DELETED,
    RESOURCE_NOT_FOUND,
    SPACE_SUSPENDED,
    refuse,
)
from mockfoundry.cloudfoundry.permissions import is_admin, manages_organization, may_manage_apps, may_read
from mockfoundry.cloudfoundry.world import World


class Found(msgspec.Struct, frozen=True):
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
    path = call.path
    process_type = path.get("type")
    guid = path["guid"]
    if process_type is None:
        if call.query or (type(call.body) is dict and "app_guid" in call.body):
            app_guid = smuggled_app(call)
            if app_guid is not None:
                return process_for_app(world, actor, app_guid, smuggled(call, "type"))
        process = world.processes.get(guid)
        if process is None:
            raise refuse(RESOURCE_NOT_FOUND, "Process not found", why="world: no process has this guid")
        app = world.apps[process.app]
        space = world.spaces[app.space]
        if not may_read(actor, space):
            raise refuse(RESOURCE_NOT_FOUND, "Process not found", why=f"world: {actor.name} may not read this space")
        return Found(process, app, space, world.organizations[space.organization])
    return process_for_app(world, actor, guid, process_type)


def process_for_app(world: World, actor: User, guid: str, process_type: str | None) -> Found:
    """The process of an app by its type.

    Raises:
        Refusal: 404, where there is no such app, the actor may not read its space, or it has none of this type.
    """
    app, space = find_app(world, actor, guid)
    found = None if process_type is None else world.process_of(guid, process_type)
    if found is None:
        raise refuse(RESOURCE_NOT_FOUND, "Process not found", why=f"world: app {app.name} has no {process_type}")
    return Found(found, app, space, world.organizations[space.organization])


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


def smuggled_app(call: Call) -> str | None:
    """The `app_guid` of a query or a body, which makes a direct route one of an app [mixins/sub_resource.rb]."""
    guid = smuggled(call, "app_guid")
    return guid if guid is not None and guid.strip() else None


def smuggled(call: Call, name: str) -> str | None:
    """A parameter that the path does not have, from the query or the body; a body's wins."""
    if isinstance(call.body, dict) and name in call.body:
        value = call.body[name]
        return None if value is None or value is False or value in ([], {}) else str(value)
    values = call.query.get(name)
    return values[-1] if values else None


def must_manage(actor: User, space: Space, organization: Organization) -> None:
    """Raises Refusal where the actor may not change apps of the space, or nobody may at present."""
    if is_admin(actor):
        return
    if not may_manage_apps(actor, space):
        raise refuse(NOT_AUTHORIZED, why=f"world: {actor.name} may read, but not manage apps in this space")
    if organization.being_deleted:
        why = f"world: organization {organization.name} is being deleted"
        raise refuse(RESOURCE_BEING_DELETED, "The organization is being deleted", why)
    manager = manages_organization(actor, space)
    if space.being_deleted and not organization.suspended and not manager:
        why = f"world: space {space.name} is being deleted"
        raise refuse(RESOURCE_BEING_DELETED, "The space is being deleted", why)
    if organization.suspended:
        raise refuse(ORG_SUSPENDED, why=f"world: organization {organization.name} is suspended")
    if space.suspended and not manager:
        raise refuse(SPACE_SUSPENDED, why=f"world: space {space.name} is suspended")
