"""Access: the process or app that a request is about, and whether its actor may read or manage it. Changes nothing.

What is checked first is as in cloud_controller_ng, app/controllers/v3/processes_controller.rb:
`find_process_and_space`, then `ensure_can_write`.
"""

import msgspec

from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.auth import (
    ADMIN_READ_ONLY,
    is_admin,
    manages_organization,
    may_manage_apps,
    may_read_space,
    may_write_apps,
)
from mockfoundry.cloudfoundry.errors import (
    FEATURE_DISABLED,
    NOT_AUTHORIZED,
    ORG_SUSPENDED,
    RESOURCE_BEING_DELETED,
    RESOURCE_NOT_FOUND,
    SPACE_SUSPENDED,
    Refusal,
)
from mockfoundry.cloudfoundry.model import App, ProcessModel
from mockfoundry.cloudfoundry.organizations import Organization, Space
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


class FoundProcess(msgspec.Struct, frozen=True):
    """A process with its app, its space and its organization."""

    process: ProcessModel
    app: App
    space: Space
    organization: Organization


def find_process(world: World, actor: User, request: ApiRequest) -> FoundProcess:
    """The process that a path names: by its own `guid`, or by the `guid` of its app and its `type`.

    Raises:
        Refusal: 404, if there is none or the actor may not read its space.
    """
    path = request.path
    process_type = path.get("type")
    guid = path["guid"]
    if process_type is None:
        if request.query or (type(request.body) is dict and "app_guid" in request.body):
            app_guid = app_guid_override(request)
            if app_guid is not None:
                return find_process_for_app(world, actor, app_guid, parameter_override(request, "type"))
        process = world.processes.get(guid)
        if process is None:
            raise Refusal(RESOURCE_NOT_FOUND, "Process not found", why="world: no process has this guid")
        app = world.apps[process.app]
        space = world.spaces[app.space]
        if not may_read_space(actor, space):
            raise Refusal(RESOURCE_NOT_FOUND, "Process not found", why=f"world: {actor.name} may not read this space")
        return FoundProcess(process, app, space, world.organizations[space.organization])
    return find_process_for_app(world, actor, guid, process_type)


def find_managed_process(world: World, actor: User, request: ApiRequest) -> FoundProcess:
    """The process that a path names, which the actor may change.

    Raises:
        Refusal: 404, as in find_process; then 403 or 422, as in require_app_manager.
    """
    target = find_process(world, actor, request)
    require_app_manager(actor, target.space, target.organization)
    return target


def find_process_for_app(world: World, actor: User, guid: str, process_type: str | None) -> FoundProcess:
    """The process of an app by its type.

    Raises:
        Refusal: 404, if there is no such app, the actor may not read its space, or it has none of this type.
    """
    app, space = find_app(world, actor, guid)
    process = None if process_type is None else world.find_app_process(guid, process_type)
    if process is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Process not found", why=f"world: app {app.name} has no {process_type}")
    return FoundProcess(process, app, space, world.organizations[space.organization])


def find_app(world: World, actor: User, guid: str) -> tuple[App, Space]:
    """The app of that guid and its space.

    Raises:
        Refusal: 404, if there is none or the actor may not read its space.
    """
    app = world.apps.get(guid)
    if app is None:
        raise Refusal(RESOURCE_NOT_FOUND, "App not found", why="world: no app has this guid")
    space = world.spaces[app.space]
    if not may_read_space(actor, space):
        raise Refusal(RESOURCE_NOT_FOUND, "App not found", why=f"world: {actor.name} may not read this space")
    return app, space


def find_managed_app(world: World, actor: User, request: ApiRequest) -> tuple[App, Space]:
    """The app that a path names, which the actor may change.

    Raises:
        Refusal: 404, as in find_app; then 403 or 422, as in require_app_manager.
    """
    app, space = find_app(world, actor, request.path["guid"])
    require_app_manager(actor, space, world.organizations[space.organization])
    return app, space


def find_writable_app(world: World, actor: User, request: ApiRequest) -> tuple[App, Space]:
    """The app that a path names, which the actor may create, update and delete.

    Raises:
        Refusal: 404, as in find_app; then 403 or 422, as in require_app_writer.
    """
    app, space = find_app(world, actor, request.path["guid"])
    require_app_writer(actor, space, world.organizations[space.organization])
    return app, space


def app_guid_override(request: ApiRequest) -> str | None:
    """The `app_guid` of a query or a body; with one, a path without an app is read as that app's [sub_resource.rb]."""
    guid = parameter_override(request, "app_guid")
    return guid if guid is not None and guid.strip() else None


def parameter_override(request: ApiRequest, name: str) -> str | None:
    """A parameter that is not in the path: the body's, else the query's last."""
    if isinstance(request.body, dict) and name in request.body:
        value = request.body[name]
        return None if value is None or value is False or value in ([], {}) else str(value)
    values = request.query.get(name)
    return values[-1] if values else None


def require_writable_organization(organization: Organization) -> None:
    """Checks that those who are no admins may change an organization now.

    Raises:
        Refusal: 422, while it is being deleted; 403, while it is suspended.
    """
    if organization.being_deleted:
        why = f"world: organization {organization.name} is being deleted"
        raise Refusal(RESOURCE_BEING_DELETED, "The organization is being deleted", why)
    if organization.suspended:
        raise Refusal(ORG_SUSPENDED, why=f"world: organization {organization.name} is suspended")


def require_admin(actor: User) -> None:
    """Raises Refusal (403) where the actor is no admin."""
    if not is_admin(actor):
        raise Refusal(NOT_AUTHORIZED, why=f"world: {actor.name} is no admin")


def require_app_manager(actor: User, space: Space, organization: Organization) -> None:
    """Checks that the actor may change apps of a space.

    Raises:
        Refusal: 403, without the permission or while the organization or the space is suspended; 422, while one of
            them is being deleted.
    """
    if is_admin(actor):
        return
    if not may_manage_apps(actor, space):
        raise Refusal(NOT_AUTHORIZED, why=f"world: {actor.name} may read, but not manage apps in this space")
    require_active_space(actor, space, organization)


def require_app_writer(actor: User, space: Space, organization: Organization) -> None:
    """Checks that the actor may create, update and delete apps in a space.

    Raises:
        Refusal: as in require_app_manager.
    """
    if is_admin(actor):
        return
    if not may_write_apps(actor, space):
        raise Refusal(NOT_AUTHORIZED, why=f"world: {actor.name} is no space_developer in this space")
    require_active_space(actor, space, organization)


def require_active_space(actor: User, space: Space, organization: Organization) -> None:
    """Checks that a space takes changes, of actors that may make some.

    Raises:
        Refusal: 403, while the organization or the space is suspended; 422, while one of them is being deleted.
    """
    if organization.being_deleted:
        why = f"world: organization {organization.name} is being deleted"
        raise Refusal(RESOURCE_BEING_DELETED, "The organization is being deleted", why)
    manager = manages_organization(actor, space)
    if space.being_deleted and not organization.suspended and not manager:
        why = f"world: space {space.name} is being deleted"
        raise Refusal(RESOURCE_BEING_DELETED, "The space is being deleted", why)
    if organization.suspended:
        raise Refusal(ORG_SUSPENDED, why=f"world: organization {organization.name} is suspended")
    if space.suspended and not manager:
        raise Refusal(SPACE_SUSPENDED, why=f"world: space {space.name} is suspended")


SKIPPED_BY_ADMINS = frozenset(
    {
        "app_bits_upload",
        "app_scaling",
        "set_roles_by_username",
        "space_developer_env_var_visibility",
        "task_creation",
        "unset_roles_by_username",
    }
)
SKIPPED_BY_READING_ADMINS = frozenset({"space_developer_env_var_visibility"})
"""Feature flags that do not count for an actor [app/models/runtime/feature_flag.rb]."""


def require_feature_flag(world: World, name: str, actor: User) -> None:
    """Raises Refusal (403) where a feature flag is off, and counts for the actor."""
    flag = world.feature_flags[name]
    if flag.enabled or (name in SKIPPED_BY_ADMINS and is_admin(actor)):
        return
    if name not in SKIPPED_BY_READING_ADMINS or ADMIN_READ_ONLY not in actor.scopes:
        raise Refusal(FEATURE_DISABLED, FEATURE_DISABLED.fill_template(flag.error_message or name))
