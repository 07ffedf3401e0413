"""Processes: one is shown, scaled, updated, or loses an instance, in the Cloud Controller's order. Never knows HTTP.

Each operation reads from top to bottom as the rules that it follows; the comments say with which status a line refuses.
Source: cloud_controller_ng, app/controllers/v3/processes_controller.rb, app/actions/process_scale.rb, process_update.rb
and process_terminate.rb; reference page Scale a process.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.api.access import (
    FoundProcess,
    find_managed_process,
    find_process,
    require_feature_flag,
)
from mockfoundry.cloudfoundry.api.lists.queries import read_shown
from mockfoundry.cloudfoundry.api.messages import (
    UpdateMessage,
    enforce_contract,
    parse_leading_integer,
    read_scale_message,
    read_update_message,
    refuse_unexpected,
)
from mockfoundry.cloudfoundry.api.metadata_merging import apply_metadata
from mockfoundry.cloudfoundry.api.presenters import (
    command_of,
    encode_process,
    present_instances,
    present_process,
    present_process_instances,
)
from mockfoundry.cloudfoundry.api.processes.stats import encode_stats
from mockfoundry.cloudfoundry.api.request import MAX_STEPS_AT_ONCE, ApiRequest, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import may_see_secrets
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.constraints import validate_model
from mockfoundry.cloudfoundry.deployments import has_deployment_in_flight
from mockfoundry.cloudfoundry.errors import (
    BAD_QUERY_PARAMETER,
    RESOURCE_NOT_FOUND,
    RUNNER_UNAVAILABLE,
    STATS_UNAVAILABLE,
    UNKNOWN_ERROR,
    UNPROCESSABLE_ENTITY,
    Refusal,
)
from mockfoundry.cloudfoundry.instance_ranges import resize_ranges, restart_instance
from mockfoundry.cloudfoundry.instances import MAX_SHOWN_INSTANCES, instances_at
from mockfoundry.cloudfoundry.model import DEFAULT_DISK_IN_MB, Allotment, App, ProcessModel
from mockfoundry.cloudfoundry.revising import hold_revision
from mockfoundry.cloudfoundry.tasks import HIDDEN
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World

EMBEDDED_RESOURCES = ("process_instances",)
"""What a process can be shown with."""

METRICS_WARNING = ("X-Cf-Warnings", "Stats+server+temporarily+unavailable.")
"""The Cloud Controller's warning where it can read no metrics; it encodes its warnings as queries are encoded."""


# Reading


def get_process(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """One process; its command is shown only to those who may see secrets."""
    target = find_process(world, actor, request)  # 404
    embed = bool(request.query and read_shown(request, "embed", EMBEDDED_RESOURCES))  # 400
    process = find_readable_version(world, target.process, request.now)
    app = target.app
    command = command_of(process, app) if may_see_secrets(actor, target.space) else HIDDEN
    if not embed:
        fragment = encode_process(process, app, request.base, command)
        return ApiResponse(200, fragment, "world: process read", tolerated_violations=request.violations)

    def respond(world: World) -> ApiResponse:
        instances = read_instances(world, app, process, request.now)
        body = present_process(process, app, request.base, command, instances)
        return ApiResponse(200, body, "world: process read", tolerated_violations=request.violations)

    return respond_for_instances(world, process, respond)  # 500


def respond_for_instances(
    world: World, process: ProcessModel, respond: Callable[[World], ApiResponse]
) -> ApiResponse | LateResponse:
    """The response that shows the instances of a process: late where they are many.

    Args:
        respond: makes it of a world; may refuse only where the platform is unavailable.
    """
    if process.instances <= MAX_STEPS_AT_ONCE or world.settings.platform == "unavailable":
        return respond(world)
    return LateResponse(partial(respond, world.copy()))


def get_process_stats(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """What each instance of a process uses at this moment."""
    target = find_process(world, actor, request)  # 404
    enforce_contract(request, BAD_QUERY_PARAMETER)  # 400, strict only
    if world.settings.platform == "unavailable":
        raise Refusal(STATS_UNAVAILABLE, why="world: settings.platform is unavailable")
    process = find_readable_version(world, target.process, request.now)
    headers = (METRICS_WARNING,) if world.settings.metrics == "unavailable" and process.instance_ranges else ()

    def respond(world: World) -> ApiResponse:
        body, shown = encode_stats(world, target.app, target.space, process, request.now)
        return ApiResponse(200, body, describe_instances_read(shown, process), headers, request.violations)

    return respond_for_instances(world, process, respond)


def get_process_instances(world: World, actor: User, request: ApiRequest) -> ApiResponse | LateResponse:
    """The state of each instance of a process."""
    target = find_process(world, actor, request)  # 404
    enforce_contract(request, BAD_QUERY_PARAMETER)  # 400, strict only
    process = find_readable_version(world, target.process, request.now)

    def respond(world: World) -> ApiResponse:
        instances = read_instances(world, target.app, process, request.now)
        body = present_process_instances(process, instances, request.base)
        why = describe_instances_read(len(instances), process)
        return ApiResponse(200, body, why, tolerated_violations=request.violations)

    return respond_for_instances(world, process, respond)  # 500


def find_readable_version(world: World, process: ProcessModel, now: int) -> ProcessModel:
    """The version of a process that reads show: an earlier one where the foundation's reads are stale."""
    stale_seconds = world.settings.stale_seconds
    if not stale_seconds:
        return process
    return world.process_at(process.guid, now - int(stale_seconds * SECOND)) or process


def read_instances(world: World, app: App, process: ProcessModel, now: int) -> list[dict[str, Any]]:
    """The instances of a process in short.

    Raises:
        Refusal: 500, while the scheduler can't be reached: the Cloud Controller does not expect that here.
    """
    if world.settings.platform == "unavailable":
        raise Refusal(UNKNOWN_ERROR, why="world: settings.platform is unavailable, which nothing rescues here")
    return present_instances(instances_at(world, app, process, now), app.state == "STOPPED", now)


def describe_instances_read(shown: int, process: ProcessModel) -> str:
    """How many instances are shown, and of how many where not all of them are."""
    if process.instances > MAX_SHOWN_INSTANCES:
        return f"world: the first {shown} of {process.instances} instances read; mockfoundry shows no more at once"
    return f"world: {shown} instances read"


# Scaling


def scale_process(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Changes instances, memory, disk or log rate limit of a process; all of it or nothing."""
    target = find_managed_process(world, actor, request)  # 404, 403, 422 being deleted
    require_feature_flag(world, "app_scaling", actor)  # 403
    requested, stored = read_scale_message(request)  # 422
    require_no_deployment(target, "scale")  # 422, web only
    process, app, now = target.process, target.app, request.now
    fields = replace_nulls(stored) if None in stored.values() else stored  # 500
    scaled = replace(process, updated_at=now, **fields)
    validate_model(world, app, target.space, target.organization, process, scaled)  # 422, quotas and other limits
    if app.state == "STARTED":
        scaled = scale_instances(world, process, scaled, now)
    world.put_process(scaled, now)
    event = {"process_guid": process.guid, "process_type": process.type, "request": requested}
    world.record_event("audit.app.process.scale", app, actor, now, event)
    body = present_process(scaled, app, request.base, command_of(scaled, app))
    if "disk_in_mb" in requested and requested["disk_in_mb"] is None:
        body["disk_in_mb"] = None
    return ApiResponse(202, body, "world: process scaled", (), request.violations, has_other_values(process, fields))


def require_no_deployment(target: FoundProcess, verb: str) -> None:
    """Raises Refusal (422) for a web process whose app has a deployment in flight."""
    if target.process.type == "web" and has_deployment_in_flight(target.app):
        why = f"world: app {target.app.name} has a deployment in flight"
        raise Refusal(UNPROCESSABLE_ENTITY, f"Cannot {verb} this process while a deployment is in flight.", why)


def replace_nulls(stored: dict[str, Any]) -> dict[str, int]:
    """What a scale with nulls stores: a null log rate changes nothing, a null disk becomes the default.

    Raises:
        Refusal: 500, for null instances or memory, which pass the message and fail in the model.
    """
    for name in ("instances", "memory_in_mb"):
        if name in stored and stored[name] is None:
            raise refuse_unexpected(f"a null {name}")
    return {
        name: DEFAULT_DISK_IN_MB if value is None else value
        for name, value in stored.items()
        if value is not None or name == "disk_in_mb"
    }


def scale_instances(world: World, process: ProcessModel, scaled: ProcessModel, now: int) -> ProcessModel:
    """A scaled process with the instances that it has then.

    The scheduler hears only of another number of instances, so each instance keeps the memory, disk and log rate that
    the app was started with until the app is restarted [lib/cloud_controller/process_observer.rb].
    """
    if scaled.instances != process.instances:
        ranges, stopping = resize_ranges(world, process, scaled.instances, now)
        scaled = replace(scaled, instance_ranges=ranges, stopping_ranges=stopping)
    if process.allotment is None:
        held = process.memory_in_mb, process.disk_in_mb, process.log_rate_limit_in_bytes_per_second
        requested = scaled.memory_in_mb, scaled.disk_in_mb, scaled.log_rate_limit_in_bytes_per_second
        if requested != held:
            return replace(scaled, allotment=Allotment(*held))
    return scaled


def has_other_values(process: ProcessModel, fields: Mapping[str, int | None]) -> bool:
    """Whether a process differs from `fields` in any of them."""
    for name, value in fields.items():  # noqa: SIM110 (a generator costs more than the scale)
        if getattr(process, name) != value:
            return True
    return False


# Updating


def update_process(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Changes command, user, health checks or metadata of a process; all of it or nothing."""
    target = find_managed_process(world, actor, request)  # 404, 403, 422 being deleted
    message = read_update_message(request)  # 422, 500
    require_no_deployment(target, "update")  # 422, web only
    process, app, now = target.process, target.app, request.now
    labelled = apply_metadata(process, message.fields.get("metadata"))  # 422 too many, 500
    updated = replace(labelled, updated_at=now, **collect_changed_fields(process, message))
    validate_model(world, app, target.space, target.organization, process, updated)  # 422
    if updated.command != process.command:
        held = hold_revision(world, app)
        if held is not app:
            world.put_app(app := held)
    world.put_process(updated, now)
    shown_fields = {name: HIDDEN if name == "command" else value for name, value in message.fields.items()}
    event = {"process_guid": process.guid, "process_type": process.type, "request": shown_fields}
    world.record_event("audit.app.process.update", app, actor, now, event)
    body = present_process(updated, app, request.base, command_of(updated, app))
    changed = replace(updated, updated_at=process.updated_at) != process
    return ApiResponse(200, body, "world: process updated", (), request.violations, changed)


def collect_changed_fields(process: ProcessModel, message: UpdateMessage) -> dict[str, Any]:
    """The fields that an update changes, except metadata."""
    fields: dict[str, Any] = {name: message.fields[name] for name in ("command", "user") if name in message.fields}
    if message.health_check:
        fields["health_check"] = replace(process.health_check, **message.health_check)
    if message.readiness_health_check:
        fields["readiness_health_check"] = replace(process.readiness_health_check, **message.readiness_health_check)
    return fields


# Terminating an instance


def terminate_process_instance(world: World, actor: User, request: ApiRequest) -> ApiResponse:
    """Stops one instance, whatever its state; the platform starts a new one at its index."""
    target, index = find_managed_instance(world, actor, request)  # 404, 403, 422 being deleted
    process, app, now = target.process, target.app, request.now
    enforce_contract(request, BAD_QUERY_PARAMETER)  # 400, strict only
    if world.settings.platform == "unavailable":
        cause = f"Process Guid: {process.guid}-{process.version}: Connection refused"
        why = "world: settings.platform is unavailable"
        raise Refusal(RUNNER_UNAVAILABLE, RUNNER_UNAVAILABLE.fill_template(cause), why)
    if app.state == "STARTED":
        ranges, stopping = restart_instance(world, process, index, now)
        world.put_process(replace(process, instance_ranges=ranges, stopping_ranges=stopping), now)
    event = {"process_guid": process.guid, "process_type": process.type, "process_index": index}
    world.record_event("audit.app.process.terminate_instance", app, actor, now, event)
    return ApiResponse(204, None, f"world: instance {index} terminated", tolerated_violations=request.violations)


def find_managed_instance(world: World, actor: User, request: ApiRequest) -> tuple[FoundProcess, int]:
    """The process that a path names, which the actor may change, and the index of one of its instances.

    Raises:
        Refusal: as in find_managed_process; then 404, where it has no such instance.
    """
    target = find_managed_process(world, actor, request)
    index = parse_leading_integer(request.path["index"])
    if not 0 <= index < target.process.instances:
        why = f"world: {target.process.instances} instances, no {index}"
        raise Refusal(RESOURCE_NOT_FOUND, "Instance not found", why)
    return target, index
