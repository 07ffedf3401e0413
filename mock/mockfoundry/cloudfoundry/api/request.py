"""Calls and answers: a request as an operation sees it, and what it answers. Never knows headers of HTTP or bytes.

Finding: the process a call is about, and whether the actor may read or change it. Never changes anything.

The order is that of cloud_controller_ng, app/controllers/v3/processes_controller.rb: `find_process_and_space`, then
`ensure_can_write`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.auth import is_admin, manages_organization, may_manage_apps, may_read_space
from mockfoundry.cloudfoundry.deployments import advance_deployments
from mockfoundry.cloudfoundry.errors import (
    NOT_AUTHORIZED,
    ORG_SUSPENDED,
    RESOURCE_BEING_DELETED,
    RESOURCE_NOT_FOUND,
    SPACE_SUSPENDED,
    refuse,
)
from mockfoundry.cloudfoundry.model import App, Organization, ProcessModel, Space, User
from mockfoundry.cloudfoundry.world import World
from mockfoundry.contract.plan import Violation


class ApiRequest(msgspec.Struct):
    """One request, read and checked against the contract, as an operation of the world sees it.

    Attributes:
        operation: the operationId.
        path: path parameters, decoded: `guid`, and `type`, `index` where the path has them.
        query: query parameters by name, each with all its values in order.
        body: the JSON body; None where it is empty.
        violations: what the contract does not allow of this request.
        now: virtual microseconds.
        base: scheme, host and prefix that links begin with, `http://localhost:8080`.
        has_body: whether there is a body at all: JSON's null is one.
        strict: whether what the real one takes, though the contract does not allow it, is refused.
    """

    operation: str
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Any
    violations: tuple[Violation, ...]
    now: int
    base: str
    has_body: bool = False
    strict: bool = False

    def is_refused_by_contract(self) -> bool:
        """Whether the contract does not allow this call, and nobody may be laxer than it."""
        return self.strict and bool(self.violations)


class ApiResponse(msgspec.Struct):
    """What an operation answers.

    Attributes:
        body: the JSON value, None where the answer has no body.
        why: what decided it, for `X-Mock-Why`.
        headers: beside the ones that every answer has.
        tolerated_violations: violations that the real one does not mind, for `X-Mock-Contract`.
        changed: of an operation that writes, whether the world is another than before, but for when it was touched.
    """

    status: int
    body: Any
    why: str
    headers: tuple[tuple[str, str], ...] = ()
    tolerated_violations: tuple[Violation, ...] = ()
    changed: bool = True


class FoundProcess(msgspec.Struct, frozen=True):
    """A process with what it belongs to."""

    process: ProcessModel
    app: App
    space: Space
    organization: Organization


def find_process(world: World, actor: User, call: ApiRequest) -> FoundProcess:
    """The process of a call's path, direct by `guid` or for an app by `guid` and `type`.

    Raises:
        Refusal: 404, where there is none or the actor may not read its space.
    """
    if world.deploying_apps:
        advance_deployments(world, call.now)
    path = call.path
    process_type = path.get("type")
    guid = path["guid"]
    if process_type is None:
        if call.query or (type(call.body) is dict and "app_guid" in call.body):
            app_guid = app_guid_override(call)
            if app_guid is not None:
                return find_process_for_app(world, actor, app_guid, parameter_override(call, "type"))
        process = world.processes.get(guid)
        if process is None:
            raise refuse(RESOURCE_NOT_FOUND, "Process not found", why="world: no process has this guid")
        app = world.apps[process.app]
        space = world.spaces[app.space]
        if not may_read_space(actor, space):
            raise refuse(RESOURCE_NOT_FOUND, "Process not found", why=f"world: {actor.name} may not read this space")
        return FoundProcess(process, app, space, world.organizations[space.organization])
    return find_process_for_app(world, actor, guid, process_type)


def find_process_for_app(world: World, actor: User, guid: str, process_type: str | None) -> FoundProcess:
    """The process of an app by its type.

    Raises:
        Refusal: 404, where there is no such app, the actor may not read its space, or it has none of this type.
    """
    app, space = find_app(world, actor, guid)
    found = None if process_type is None else world.find_app_process(guid, process_type)
    if found is None:
        raise refuse(RESOURCE_NOT_FOUND, "Process not found", why=f"world: app {app.name} has no {process_type}")
    return FoundProcess(found, app, space, world.organizations[space.organization])


def find_app(world: World, actor: User, guid: str) -> tuple[App, Space]:
    """The app of that guid and its space.

    Raises:
        Refusal: 404, where there is none or the actor may not read its space.
    """
    app = world.apps.get(guid)
    if app is None:
        raise refuse(RESOURCE_NOT_FOUND, "App not found", why="world: no app has this guid")
    space = world.spaces[app.space]
    if not may_read_space(actor, space):
        raise refuse(RESOURCE_NOT_FOUND, "App not found", why=f"world: {actor.name} may not read this space")
    return app, space


def app_guid_override(call: ApiRequest) -> str | None:
    """The `app_guid` of a query or a body, which makes a direct route one of an app [mixins/sub_resource.rb]."""
    guid = parameter_override(call, "app_guid")
    return guid if guid is not None and guid.strip() else None


def parameter_override(call: ApiRequest, name: str) -> str | None:
    """A parameter that the path does not have, from the query or the body; a body's wins."""
    if isinstance(call.body, dict) and name in call.body:
        value = call.body[name]
        return None if value is None or value is False or value in ([], {}) else str(value)
    values = call.query.get(name)
    return values[-1] if values else None


def require_app_manager(actor: User, space: Space, organization: Organization) -> None:
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
