"""App environment: the variables of an app, shown and changed, and its droplet. Never restarts what has them.

Source: cloud_controller_ng, app/controllers/v3/apps_controller.rb (show_env, show_environment_variables,
update_environment_variables, current_droplet_relationship), app/actions/app_patch_environment_variables.rb.
"""

from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import find_app, find_managed_app, require_feature_flag
from mockfoundry.cloudfoundry.api.apps.presenters import (
    present_app_environment,
    present_current_droplet,
    present_environment_variables,
)
from mockfoundry.cloudfoundry.api.apps.variables import find_variable_errors
from mockfoundry.cloudfoundry.api.messages import (
    describe_unknown_fields,
    enforce_contract,
    read_message_body,
    refuse_message,
)
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.auth import may_see_environment, may_see_secrets
from mockfoundry.cloudfoundry.errors import NOT_AUTHORIZED, RESOURCE_NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.organizations import Space
from mockfoundry.cloudfoundry.revising import hold_revision
from mockfoundry.cloudfoundry.route_table import list_routes_of, url_of
from mockfoundry.cloudfoundry.tasks import HIDDEN
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


def get_app_env(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """All the environment of an app; that somebody read it is an audit event."""
    app, space = find_app_with_environment(world, actor, request)  # 403, 404
    world.record_event("audit.app.environment.show", app, actor, request.now, {})
    organization = world.organizations[space.organization]
    urls = [url_of(route) for route in list_routes_of(world.routes.values(), app.guid)]
    body = present_app_environment(app, space, organization, urls, request.base, may_see_secrets(actor, space))
    return ApiResponse(200, body, "world: environment read", tolerated_violations=request.violations)


def get_app_environment_variables(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The variables of an app's own; that somebody read them is an audit event."""
    app, _ = find_app_with_environment(world, actor, request)  # 403, 404
    world.record_event("audit.app.environment_variables.show", app, actor, request.now, {})
    body = present_environment_variables(app, request.base)
    return ApiResponse(200, body, "world: environment variables read", tolerated_violations=request.violations)


def find_app_with_environment(world: World, actor: User, request: ApiRequest) -> tuple[App, Space]:
    """The app that a path names, and its space, if the actor may see its environment.

    Raises:
        Refusal: 403, where nobody may; 404; 403, where the actor may not.
    """
    require_feature_flag(world, "env_var_visibility", actor)
    app, space = find_app(world, actor, request.path["guid"])
    if not may_see_environment(actor, space):
        raise Refusal(NOT_AUTHORIZED, why=f"world: {actor.name} may not see the environment of apps in this space")
    require_feature_flag(world, "space_developer_env_var_visibility", actor)
    return app, space


def update_app_environment_variables(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Changes some variables of an app; null removes one. Processes see them from their next start."""
    app, _ = find_managed_app(world, actor, request)  # 404, 403, 422 being deleted
    given = read_variables_message(request)  # 422
    merged = {**(app.environment_variables or {}), **given}
    variables = {name: value for name, value in merged.items() if value is not None}
    changed = variables != app.environment_variables
    if changed:
        app = hold_revision(world, app)
    app = replace(app, environment_variables=variables, updated_at=request.now)
    world.put_app(app)
    world.record_event("audit.app.update", app, actor, request.now, {"request": {"environment_variables": HIDDEN}})
    body = present_environment_variables(app, request.base)
    return ApiResponse(200, body, "world: environment variables updated", (), request.violations, changed)


def read_variables_message(request: ApiRequest) -> dict[str, Any]:
    """The variables that are changed; raises Refusal (422) with every error."""
    fields = read_message_body(request)
    variables: Any = fields.get("var")
    errors = [describe_unknown_fields(fields, ("var",)), *find_variable_errors("Var", variables)]
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    return dict(variables)


def get_current_droplet_relationship(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Which droplet an app has."""
    app, _ = find_app(world, actor, request.path["guid"])  # 404
    if app.droplet is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Droplet not found", why=f"world: app {app.name} has no droplet")
    body = present_current_droplet(app, app.droplet.guid, request.base)
    return ApiResponse(200, body, "world: current droplet read", tolerated_violations=request.violations)
