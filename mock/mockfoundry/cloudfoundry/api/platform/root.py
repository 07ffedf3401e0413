"""Root documents: where the APIs of the platform are, and which version they have. Never needs a token.

Source: cloud_controller_ng, app/controllers/runtime/root_controller.rb, app/controllers/runtime/info_controller.rb,
app/controllers/v3/root_controller.rb, app/presenters/v3/info_presenter.rb.
"""

from typing import Any

from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

SINATRA_MEDIA_TYPE = b"application/json;charset=utf-8"

V3_LINKS = (
    "app_usage_events",
    "apps",
    "audit_events",
    "buildpacks",
    "builds",
    "deployments",
    "domains",
    "droplets",
    "environment_variable_groups",
    "feature_flags",
    "info",
    "isolation_segments",
    "organizations",
    "organization_quotas",
    "packages",
    "processes",
    "resource_matches",
    "roles",
    "routes",
    "security_groups",
    "service_brokers",
    "service_instances",
    "service_credential_bindings",
    "service_offerings",
    "service_plans",
    "service_route_bindings",
    "service_usage_events",
    "spaces",
    "space_quotas",
    "stacks",
    "tasks",
    "users",
)
"""What the root of the v3 API links to, in its order, whether it is modelled here or not."""

OSBAPI_VERSION = "2.15"


def get_root(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The addresses of the APIs; those that this platform does not have are null, as on one without them."""
    base = request.base
    links: dict[str, Any] = {
        "self": {"href": base},
        "cloud_controller_v3": {"href": f"{base}/v3", "meta": {"version": world.settings.api_version}},
        "network_policy_v0": {"href": f"{base}/networking/v0/external"},
        "network_policy_v1": {"href": f"{base}/networking/v1/external"},
        "login": {"href": base},
        "uaa": {"href": base},
        "credhub": None,
        "routing": None,
        "logging": None,
        "log_cache": None,
        "log_stream": None,
        "app_ssh": {"href": None, "meta": {"host_key_fingerprint": None, "oauth_client": None}},
    }
    return ApiResponse(
        200,
        {"links": links},
        "world: the root document",
        media_type=SINATRA_MEDIA_TYPE,
        tolerated_violations=request.violations,
    )


def get_v3_root(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The addresses of the v3 API's collections."""
    base = f"{request.base}/v3"
    links = {"self": {"href": base}, **{name: {"href": f"{base}/{name}"} for name in V3_LINKS}}
    return ApiResponse(200, {"links": links}, "world: the root of the v3 API", tolerated_violations=request.violations)


def get_info(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """What operators say of the platform: its build is the version here."""
    limit = world.settings.rate_limit
    limits = {
        "enabled": limit is not None,
        "general_limit": "" if limit is None else limit.requests,
        "reset_interval_in_minutes": "" if limit is None else max(1, round(limit.interval_seconds / 60)),
    }
    body = {
        "build": world.settings.api_version,
        "cli_version": {"minimum": "", "recommended": ""},
        "custom": {},
        "description": "",
        "name": "",
        "version": 0,
        "osbapi_version": OSBAPI_VERSION,
        "rate_limits": limits,
        "links": {"self": {"href": f"{request.base}/v3/info"}, "support": {"href": ""}},
    }
    return ApiResponse(200, body, "world: the info document", tolerated_violations=request.violations)


def get_v2_info(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The one document of the v2 API that is left: it says where UAA is."""
    body = {
        "name": "",
        "build": world.settings.api_version,
        "support": "CF API v2 is disabled",
        "version": 0,
        "description": "",
        "authorization_endpoint": request.base,
        "token_endpoint": request.base,
        "min_cli_version": None,
        "min_recommended_cli_version": None,
        "app_ssh_endpoint": None,
        "app_ssh_host_key_fingerprint": None,
        "app_ssh_oauth_client": None,
        "doppler_logging_endpoint": None,
        "api_version": world.settings.api_version,
        "osbapi_version": OSBAPI_VERSION,
    }
    return ApiResponse(
        200,
        body,
        "world: the info document of v2",
        media_type=SINATRA_MEDIA_TYPE,
        tolerated_violations=request.violations,
    )
