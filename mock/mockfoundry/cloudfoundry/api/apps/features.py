"""App features: what is on and off for one app, and what a reader may see and connect to. Never starts anything anew.

Source: cloud_controller_ng, app/controllers/v3/app_features_controller.rb, app/messages/app_feature_update_message.rb,
app/presenters/v3/app_*_feature_presenter.rb and app_ssh_status_presenter.rb.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import find_app, require_app_manager, require_app_writer
from mockfoundry.cloudfoundry.api.messages import (
    describe_unknown_fields,
    enforce_contract,
    read_message_body,
    refuse_message,
)
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.auth import may_see_secrets
from mockfoundry.cloudfoundry.errors import RESOURCE_NOT_FOUND, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World


class AppFeature(NamedTuple):
    """A feature that an app has or has not.

    Attributes:
        attribute: of the app.
        excludes: the name of the feature that can't be on beside it; empty where there is none.
    """

    description: str
    attribute: str
    excludes: str = ""


SERVICE_BINDING_K8S = "service-binding-k8s"
FILE_BASED_VCAP_SERVICES = "file-based-vcap-services"
REVISIONS = "revisions"

FEATURES: Mapping[str, AppFeature] = {
    "ssh": AppFeature("Enable SSHing into the app.", "ssh_enabled"),
    REVISIONS: AppFeature("Enable versioning of an application", "revisions_enabled"),
    SERVICE_BINDING_K8S: AppFeature(
        "Enable k8s service bindings for the app", "service_binding_k8s_enabled", FILE_BASED_VCAP_SERVICES
    ),
    FILE_BASED_VCAP_SERVICES: AppFeature(
        "Enable file-based VCAP service bindings for the app",
        "file_based_vcap_services_enabled",
        SERVICE_BINDING_K8S,
    ),
}
"""By name, in the order in which they are listed."""

EXCLUSION_ERROR = (
    f"'{FILE_BASED_VCAP_SERVICES}' and '{SERVICE_BINDING_K8S}' features cannot be enabled at the same time."
)


def list_app_features(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """All features of an app, on one page."""
    app, _ = find_app(world, actor, request.path["guid"])  # 404
    resources = [present_feature(app, name) for name in FEATURES]
    page = {"href": f"{request.base}/v3/apps/{app.guid}/features"}
    pagination = {
        "total_results": len(resources),
        "total_pages": 1,
        "first": page,
        "last": page,
        "next": None,
        "previous": None,
    }
    body = {"resources": resources, "pagination": pagination}
    return ApiResponse(200, body, "world: features read", tolerated_violations=request.violations)


def get_app_feature(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """One feature of an app."""
    app, _ = find_app(world, actor, request.path["guid"])  # 404
    name = request.path["name"]
    require_feature(name)  # 404
    body = present_feature(app, name)
    return ApiResponse(200, body, "world: feature read", tolerated_violations=request.violations)


def update_app_feature(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Switches a feature of an app on or off."""
    app, feature = find_changeable_feature(world, actor, request)  # 404, 403, 422 being deleted
    name = request.path["name"]
    enabled = read_feature_message(request)  # 422
    if enabled and feature.excludes and getattr(app, FEATURES[feature.excludes].attribute):
        raise Refusal(UNPROCESSABLE_ENTITY, EXCLUSION_ERROR)
    changed = getattr(app, feature.attribute) is not enabled
    if changed:
        app = replace(app, updated_at=request.now, **{feature.attribute: enabled})
        world.put_app(app)
    why = f"world: feature {name} is {'on' if enabled else 'off'}"
    return ApiResponse(200, present_feature(app, name), why, (), request.violations, changed)


def find_changeable_feature(world: World, actor: User, request: ApiRequest) -> tuple[App, AppFeature]:
    """The app and its feature that a path names, which the actor may switch.

    Raises:
        Refusal: 404, if there is no such app or feature; then 403 or 422, as for the app.
    """
    app, space = find_app(world, actor, request.path["guid"])
    feature = require_feature(request.path["name"])
    require_role = require_app_manager if request.path["name"] == REVISIONS else require_app_writer
    require_role(actor, space, world.organizations[space.organization])
    return app, feature


def require_feature(name: str) -> AppFeature:
    """The feature of that name; raises Refusal (404) if there is none."""
    feature = FEATURES.get(name)
    if feature is None:
        raise Refusal(RESOURCE_NOT_FOUND, "Feature not found", why=f"world: features are {', '.join(FEATURES)}")
    return feature


def read_feature_message(request: ApiRequest) -> bool:
    """Whether a feature is to be on; raises Refusal (422) with every error."""
    fields = read_message_body(request)
    errors = [describe_unknown_fields(fields, ("enabled",))]
    enabled = fields.get("enabled")
    if not isinstance(enabled, bool):
        errors.append("Enabled must be a boolean")
    if any(errors):
        raise refuse_message(request, [error for error in errors if error])
    enforce_contract(request)
    return bool(enabled)


def present_feature(app: App, name: str) -> dict[str, Any]:
    feature = FEATURES[name]
    return {"name": name, "description": feature.description, "enabled": getattr(app, feature.attribute)}


def get_app_permissions(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """What the reader may see of an app."""
    _, space = find_app(world, actor, request.path["guid"])  # 404
    body = {"read_basic_data": True, "read_sensitive_data": may_see_secrets(actor, space)}
    return ApiResponse(200, body, "world: permissions read", tolerated_violations=request.violations)


def get_app_ssh_enabled(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Whether one may connect to the instances of an app, and why not."""
    app, space = find_app(world, actor, request.path["guid"])  # 404
    reason = ""
    if not space.allow_ssh:
        reason = f"ssh is disabled for space '{space.name}'"
    elif not app.ssh_enabled:
        reason = "ssh is disabled for app"
    body = {"enabled": not reason, "reason": reason}
    return ApiResponse(200, body, "world: ssh read", tolerated_violations=request.violations)
