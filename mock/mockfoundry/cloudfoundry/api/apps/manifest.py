"""The manifest of an app: what it is, as a file that could be pushed. Never reads one; a push is refused.

Source: cloud_controller_ng, app/controllers/v3/app_manifests_controller.rb, space_manifests_controller.rb,
packages_controller.rb and builds_controller.rb, and app/presenters/v3/app_manifest_presenter.rb; cli,
actor/v7pushaction/.
"""

from collections.abc import Iterator
from typing import Any

from mockfoundry.cloudfoundry.api.access import find_app
from mockfoundry.cloudfoundry.api.apps.features import FEATURES
from mockfoundry.cloudfoundry.api.request import ApiRequest, ApiResponse
from mockfoundry.cloudfoundry.auth import may_see_secrets
from mockfoundry.cloudfoundry.errors import NOT_AUTHORIZED, UNPROCESSABLE_ENTITY, Refusal
from mockfoundry.cloudfoundry.model import UNLIMITED, App, HealthCheck, ProcessModel, Sidecar
from mockfoundry.cloudfoundry.not_modelled import PUSH
from mockfoundry.cloudfoundry.route_table import list_routes_of, url_of
from mockfoundry.cloudfoundry.staging import image_of, list_packages
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

YAML_MEDIA_TYPE = b"application/x-yaml; charset=utf-8"

BYTE_UNITS = "BKMGT"


def get_app_manifest(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """The manifest of an app, for those who may see its secrets."""
    import yaml

    app, space = find_app(world, actor, request.path["guid"])  # 404
    if not may_see_secrets(actor, space):
        raise Refusal(NOT_AUTHORIZED, why=f"world: {actor.name} may read this app, but not its secrets")
    manifest = {"applications": [dict(present_app_properties(world, app))]}
    text = yaml.safe_dump(manifest, sort_keys=False, explicit_start=True, allow_unicode=True, width=10_000)
    why = "world: manifest made from the app"
    return ApiResponse(200, text.encode(), why, (), request.violations, media_type=YAML_MEDIA_TYPE)


def refuse_push(_world: World, _actor: User, _request: ApiRequest) -> ApiResponse:
    """A push ends here: what it would need is not modelled, and its user reads what to do instead."""
    raise Refusal(UNPROCESSABLE_ENTITY, PUSH, f"not modelled: {PUSH}")


def present_app_properties(world: World, app: App) -> Iterator[tuple[str, Any]]:
    """The properties of an app in a manifest, in their order, without those that it does not have."""
    yield "name", app.name
    if app.environment_variables:
        yield "env", app.environment_variables
    yield "lifecycle", app.lifecycle
    if app.lifecycle != "docker":
        if app.buildpacks:
            yield "buildpacks", list(app.buildpacks)
        if app.stack is not None:
            yield "stack", app.stack
    elif packages := list_packages(app):
        username = packages[-1].username
        image = {"image": image_of(app, packages[-1].image)}
        yield "docker", image if username is None else {**image, "username": username}
    yield "features", {name: getattr(app, feature.attribute) for name, feature in FEATURES.items()}
    if routes := present_manifest_routes(world, app):
        yield "routes", routes
    metadata = {"labels": app.labels, "annotations": app.annotations}
    if any(metadata.values()):
        yield "metadata", {name: value for name, value in metadata.items() if value}
    processes = sorted(world.list_app_processes(app.guid), key=lambda process: process.type)
    if processes:
        yield "processes", [dict(present_process_properties(process)) for process in processes]
    if app.sidecars:
        by_name = sorted(app.sidecars, key=lambda sidecar: sidecar.name)
        yield "sidecars", [present_sidecar_properties(sidecar) for sidecar in by_name]


def present_manifest_routes(world: World, app: App) -> list[dict[str, Any]]:
    """The routes that lead to an app, once for each destination there, by their addresses."""
    found = [
        {
            "route": url_of(route),
            "protocol": destination.protocol,
            **({"options": route.options} if route.options else {}),
        }
        for route in list_routes_of(world.routes.values(), app.guid)
        for destination in route.destinations
        if destination.app == app.guid
    ]
    return sorted(found, key=lambda route: str(route["route"]).lower())


def present_process_properties(process: ProcessModel) -> Iterator[tuple[str, Any]]:
    """The properties of a process, without those that it does not have."""
    rate = process.log_rate_limit_in_bytes_per_second
    properties: dict[str, Any] = {
        "type": process.type,
        "instances": process.instances,
        "memory": f"{process.memory_in_mb}M",
        "disk_quota": f"{process.disk_in_mb}M",
        "log-rate-limit-per-second": UNLIMITED if rate == UNLIMITED else format_bytes(rate),
        "command": process.command,
        "user": process.user,
        **present_check_properties("", process.health_check),
        **present_check_properties("readiness-", process.readiness_health_check),
        "timeout": process.health_check.timeout,
    }
    yield from ((name, value) for name, value in properties.items() if value is not None)


def present_check_properties(prefix: str, check: HealthCheck) -> dict[str, Any]:
    return {
        f"{prefix}health-check-type": check.type,
        f"{prefix}health-check-http-endpoint": check.endpoint,
        f"{prefix}health-check-invocation-timeout": check.invocation_timeout,
        f"{prefix}health-check-interval": check.interval,
    }


def present_sidecar_properties(sidecar: Sidecar) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "name": sidecar.name,
        "process_types": list(sidecar.process_types),
        "command": sidecar.command,
    }
    return properties if sidecar.memory_in_mb is None else {**properties, "memory": f"{sidecar.memory_in_mb}M"}


def format_bytes(count: int) -> str:
    """Bytes in the largest unit that divides them: `1K` [lib/cloud_controller/app_manifest/byte_converter.rb]."""
    power = max(each for each in range(len(BYTE_UNITS)) if count % 1024**each == 0)
    return f"{count // 1024**power}{BYTE_UNITS[power]}"
