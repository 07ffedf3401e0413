"""Reading: one process, its stats and its instances. Never changes anything.

Source: cloud_controller_ng, app/controllers/v3/processes_controller.rb and the presenters it names.

Scaling: `POST …/actions/scale`. Source: reference page Scale a process; cloud_controller_ng, process_scale.rb.

Updating: `PATCH` of a process. Source: cloud_controller_ng, process_update.rb and process_update_message.rb.

Terminating: `DELETE …/instances/{index}`. Source: cloud_controller_ng, app/actions/process_terminate.rb.

Listing: processes of the foundation or of an app, filtered, ordered, in pages. Never changes anything.

Source: cloud_controller_ng, app/fetchers/process_list_fetcher.rb, base_list_fetcher.rb and
lib/cloud_controller/paging/sequel_paginator.rb.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.api.messages import (
    UpdateMessage,
    parse_leading_integer,
    read_scale_message,
    read_update_message,
    refuse_unexpected,
)
from mockfoundry.cloudfoundry.api.metadata import format_like_ruby
from mockfoundry.cloudfoundry.api.presenters import (
    HIDDEN,
    HIDDEN_IN_LISTS,
    command_of,
    present_instances,
    present_page,
    present_process,
    present_process_instances,
)
from mockfoundry.cloudfoundry.api.queries import ListQuery, enforce_query_contract, read_embed, read_list_query
from mockfoundry.cloudfoundry.api.request import (
    ApiRequest,
    ApiResponse,
    FoundProcess,
    app_guid_override,
    find_app,
    find_process,
    require_app_manager,
)
from mockfoundry.cloudfoundry.api.stats import present_stats
from mockfoundry.cloudfoundry.auth import is_admin, may_read_space, may_see_secrets
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.constraints import validate_model
from mockfoundry.cloudfoundry.deployments import advance_deployments, has_deployment_in_flight
from mockfoundry.cloudfoundry.errors import (
    ANNOTATION_LIMIT_EXCEEDED,
    FEATURE_DISABLED,
    LABEL_LIMIT_EXCEEDED,
    RESOURCE_NOT_FOUND,
    RUNNER_UNAVAILABLE,
    STATS_UNAVAILABLE,
    UNKNOWN_ERROR,
    UNPROCESSABLE_ENTITY,
    CatalogueEntry,
    refuse,
)
from mockfoundry.cloudfoundry.instance_ranges import resize_ranges, restart_instance
from mockfoundry.cloudfoundry.instances import MAX_SHOWN_INSTANCES, instances_at
from mockfoundry.cloudfoundry.model import Allotment, App, ProcessModel, User
from mockfoundry.cloudfoundry.world import World

METRICS_WARNING = ("X-Cf-Warnings", "Stats+server+temporarily+unavailable.")
"""What the real one says where it can read no metrics; it encodes its warnings as queries are."""


def get_process(world: World, actor: User, call: ApiRequest) -> ApiResponse:
    """One process; its command only for those who may see secrets."""
    found = find_process(world, actor, call)
    embed = read_embed(call) if call.query else False
    process = find_stale_version(world, found.process, call.now)
    app = found.app
    instances = read_instances(world, app, process, call.now) if embed else None
    command = command_of(process, app) if may_see_secrets(actor, found.space) else HIDDEN
    body = present_process(process, app, call.base, command, instances)
    return ApiResponse(200, body, "world: process read", tolerated_violations=call.violations)


def get_process_stats(world: World, actor: User, call: ApiRequest) -> ApiResponse:
    """What each instance of a process uses at this moment."""
    found = find_process(world, actor, call)
    enforce_query_contract(call)
    if world.settings.platform == "unavailable":
        raise refuse(STATS_UNAVAILABLE, why="world: settings.platform is unavailable")
    process = find_stale_version(world, found.process, call.now)
    stats = present_stats(world, found.app, found.space, process, call.now)
    headers = (METRICS_WARNING,) if world.settings.metrics == "unavailable" and process.instance_ranges else ()
    return ApiResponse(200, stats, describe_instances_read(len(stats["resources"]), process), headers, call.violations)


def get_process_instances(world: World, actor: User, call: ApiRequest) -> ApiResponse:
    """The state of each instance of a process."""
    found = find_process(world, actor, call)
    enforce_query_contract(call)
    process = find_stale_version(world, found.process, call.now)
    instances = read_instances(world, found.app, process, call.now)
    body = present_process_instances(process, instances, call.base)
    return ApiResponse(
        200, body, describe_instances_read(len(instances), process), tolerated_violations=call.violations
    )


def find_stale_version(world: World, process: ProcessModel, now: int) -> ProcessModel:
    """A process as reads show it: as it was a while ago, where the foundation's reads are stale."""
    stale = world.settings.stale_seconds
    if not stale:
        return process
    return world.process_at(process.guid, now - int(stale * SECOND)) or process


def read_instances(world: World, app: App, process: ProcessModel, now: int) -> list[dict[str, Any]]:
    """The instances of a process in short.

    Raises:
        Refusal: 500, while the scheduler can't be reached: the real one does not expect that here.
    """
    if world.settings.platform == "unavailable":
        raise refuse(UNKNOWN_ERROR, why="world: settings.platform is unavailable, which nothing rescues here")
    return present_instances(instances_at(world, app, process, now), app.state == "STOPPED", now)


def describe_instances_read(shown: int, process: ProcessModel) -> str:
    """How many instances were shown, and of how many, where that are not all."""
    if process.instances > MAX_SHOWN_INSTANCES:
        return f"world: the first {shown} of {process.instances} instances read; mockfoundry shows no more at once"
    return f"world: {shown} instances read"


DEFAULT_DISK_IN_MB = 1024
"""What a process has whose disk was set to null, from the next look at it on [config default_app_disk_in_mb]."""

replace = msgspec.structs.replace


def scale_process(world: World, actor: User, call: ApiRequest) -> ApiResponse:
    """Changes instances, memory, disk or log rate limit of a process; all of it or nothing."""
    found = find_process(world, actor, call)
    require_app_manager(actor, found.space, found.organization)
    require_feature_flag(world, "app_scaling", actor)
    asked, stored = read_scale_message(call)
    require_no_deployment(found, "scale")
    process, app, now = found.process, found.app, call.now
    fields = replace_nulls(stored) if None in stored.values() else stored
    scaled = replace(process, updated_at=now, **fields)
    validate_model(world, app, found.space, found.organization, process, scaled)
    if app.state == "STARTED":
        scaled = apply_to_platform(world, process, scaled, now)
    world.put(scaled, now)
    data = {"process_guid": process.guid, "process_type": process.type, "request": asked}
    world.record("audit.app.process.scale", app, actor, now, data)
    body = present_process(scaled, app, call.base, command_of(scaled, app))
    if "disk_in_mb" in asked and asked["disk_in_mb"] is None:
        body["disk_in_mb"] = None
    return ApiResponse(202, body, "world: process scaled", (), call.violations, has_other_values(process, fields))


def has_other_values(process: ProcessModel, fields: Mapping[str, int | None]) -> bool:
    """Whether a process has another value of a field."""
    for name, value in fields.items():  # noqa: SIM110 (a generator costs more than the scale)
        if getattr(process, name) != value:
            return True
    return False


def require_feature_flag(world: World, flag: str, actor: User) -> None:
    """Raises Refusal (403) where a feature flag is off; admins are not asked."""
    state = world.feature_flags[flag]
    if not state.enabled and not is_admin(actor):
        raise refuse(FEATURE_DISABLED, f"Feature Disabled: {state.error_message or flag}")


def require_no_deployment(found: FoundProcess, verb: str) -> None:
    """Raises Refusal (422) for a web process whose app has a deployment in flight."""
    if found.process.type == "web" and has_deployment_in_flight(found.app):
        why = f"world: app {found.app.name} has a deployment in flight"
        raise refuse(UNPROCESSABLE_ENTITY, f"Cannot {verb} this process while a deployment is in flight.", why)


def replace_nulls(stored: dict[str, Any]) -> dict[str, int]:
    """What a scale with nulls stores: no other log rate, a disk that is filled in again.

    Raises:
        Refusal: 500; a null passes the message for instances and memory, and fails in the model.
    """
    for name in ("instances", "memory_in_mb"):
        if name in stored and stored[name] is None:
            raise refuse_unexpected(f"a null {name}")
    return {
        name: DEFAULT_DISK_IN_MB if value is None else value
        for name, value in stored.items()
        if value is not None or name == "disk_in_mb"
    }


def apply_to_platform(world: World, process: ProcessModel, scaled: ProcessModel, now: int) -> ProcessModel:
    """A scaled process with its instances.

    The scheduler is told of another number of instances and of nothing else, so memory, disk and log rate stay as they
    were when the app was started until it is started anew [lib/cloud_controller/process_observer.rb].
    """
    if scaled.instances != process.instances:
        runs, leaving = resize_ranges(world, process, scaled.instances, now)
        scaled = replace(scaled, instance_ranges=runs, stopping_ranges=leaving)
    if process.allotment is None:
        memory, disk = process.memory_in_mb, process.disk_in_mb
        log_rate = process.log_rate_limit_in_bytes_per_second
        now_asked = scaled.memory_in_mb, scaled.disk_in_mb, scaled.log_rate_limit_in_bytes_per_second
        if now_asked != (memory, disk, log_rate):
            return replace(scaled, allotment=Allotment(memory, disk, log_rate))
    return scaled


MAX_LABELS = 50
MAX_ANNOTATIONS = 200


def update_process(world: World, actor: User, call: ApiRequest) -> ApiResponse:
    """Changes command, user, health checks or metadata of a process; all of it or nothing."""
    found = find_process(world, actor, call)
    require_app_manager(actor, found.space, found.organization)
    message = read_update_message(call)
    require_no_deployment(found, "update")
    process, app, now = found.process, found.app, call.now
    updated = replace(apply_metadata(process, message), updated_at=now, **collect_changed_fields(process, message))
    validate_model(world, app, found.space, found.organization, process, updated)
    world.put(updated, now)
    request = {name: HIDDEN if name == "command" else value for name, value in message.asked.items()}
    data = {"process_guid": process.guid, "process_type": process.type, "request": request}
    world.record("audit.app.process.update", app, actor, now, data)
    body = present_process(updated, app, call.base, command_of(updated, app))
    changed = replace(updated, updated_at=process.updated_at) != process
    return ApiResponse(200, body, "world: process updated", tolerated_violations=call.violations, changed=changed)


def collect_changed_fields(process: ProcessModel, message: UpdateMessage) -> dict[str, Any]:
    """The fields that an update changes, its metadata apart."""
    fields: dict[str, Any] = {name: message.asked[name] for name in ("command", "user") if name in message.asked}
    if message.health_check:
        fields["health_check"] = replace(process.health_check, **message.health_check)
    if message.readiness_health_check:
        fields["readiness_health_check"] = replace(process.readiness_health_check, **message.readiness_health_check)
    return fields


def apply_metadata(process: ProcessModel, message: UpdateMessage) -> ProcessModel:
    """A process with the labels and annotations of an update.

    Raises:
        Refusal: 422, where there are too many; 500, where the database does not take a value.
    """
    metadata = message.asked.get("metadata")
    if not metadata:
        return process
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    kept = merge_metadata(process.labels, labels, LABEL_LIMIT_EXCEEDED, "labels", MAX_LABELS)
    if any(isinstance(value, bool | float | dict | list) for value in annotations.values()):
        raise refuse_unexpected("an annotation that is no text")
    noted = merge_metadata(process.annotations, annotations, ANNOTATION_LIMIT_EXCEEDED, "annotations", MAX_ANNOTATIONS)
    return replace(process, labels=kept, annotations=noted)


def merge_metadata(
    before: dict[str, str], asked: dict[str, Any], refusal: CatalogueEntry, kind: str, most: int
) -> dict[str, str]:
    """Labels or annotations with those asked for; null takes one away, and the others stay.

    Raises:
        Refusal: 422, where there are more than before and too many.
    """
    together = dict(before)
    for name, value in asked.items():
        if value is None:
            together.pop(name, None)
        else:
            together[name] = format_like_ruby(value)
    if len(before) < len(together) and len(together) > most:
        words = f"Failed to add {len(asked)} {kind} because it would exceed maximum of {most}"
        raise refuse(refusal, words)
    return together


def terminate_process_instance(world: World, actor: User, call: ApiRequest) -> ApiResponse:
    """Ends one instance; the platform starts a new one at its index. What it was doing is not looked at."""
    found = find_process(world, actor, call)
    require_app_manager(actor, found.space, found.organization)
    process, app, now = found.process, found.app, call.now
    index = parse_leading_integer(call.path["index"])
    if not 0 <= index < process.instances:
        raise refuse(RESOURCE_NOT_FOUND, "Instance not found", why=f"world: {process.instances} instances, no {index}")
    enforce_query_contract(call)
    if world.settings.platform == "unavailable":
        name = f"{process.guid}-{process.version}"
        words = f"Runner is unavailable: Process Guid: {name}: Connection refused"
        raise refuse(RUNNER_UNAVAILABLE, words, why="world: settings.platform is unavailable")
    if app.state == "STARTED":
        runs, leaving = restart_instance(world, process, index, now)
        world.put(msgspec.structs.replace(process, instance_ranges=runs, stopping_ranges=leaving), now)
    data = {"process_guid": process.guid, "process_type": process.type, "process_index": index}
    world.record("audit.app.process.terminate_instance", app, actor, now, data)
    return ApiResponse(204, None, f"world: instance {index} terminated", tolerated_violations=call.violations)


_FILTER_VALUES: Mapping[str, Callable[[World, ProcessModel], str]] = {
    "guids": lambda _, process: process.guid,
    "types": lambda _, process: process.type,
    "app_guids": lambda _, process: process.app,
    "space_guids": lambda world, process: world.apps[process.app].space,
    "organization_guids": lambda world, process: world.spaces[world.apps[process.app].space].organization,
}
"""What each filter looks at."""

WITHIN_SECOND = SECOND - 1
"""A timestamp in a filter is the whole second that it begins."""


def list_processes(world: World, actor: User, call: ApiRequest) -> ApiResponse:
    """The processes of every space that the actor may read."""
    app_guid = app_guid_override(call)
    if app_guid is not None:
        return list_app_page(world, actor, call, app_guid)
    query = read_list_query(call, nested=False)
    if world.deploying_apps:
        advance_deployments(world, call.now)
    readable = {space.guid for space in world.spaces.values() if may_read_space(actor, space)}
    apps = {app.guid for app in world.apps.values() if app.space in readable}
    processes = [process for process in world.processes.values() if process.app in apps]
    return list_page(world, call, query, processes, f"{call.base}/v3/processes")


def list_processes_for_app(world: World, actor: User, call: ApiRequest) -> ApiResponse:
    """The processes of one app."""
    return list_app_page(world, actor, call, call.path["guid"])


def list_app_page(world: World, actor: User, call: ApiRequest, guid: str) -> ApiResponse:
    query = read_list_query(call, nested=True)
    if world.deploying_apps:
        advance_deployments(world, call.now)
    app, _ = find_app(world, actor, guid)
    return list_page(
        world, call, query, world.list_app_processes(app.guid), f"{call.base}/v3/apps/{app.guid}/processes"
    )


def list_page(world: World, call: ApiRequest, query: ListQuery, processes: list[ProcessModel], url: str) -> ApiResponse:
    """One page of those of the processes that the query asks for."""
    if world.settings.stale_seconds:
        processes = [find_stale_version(world, process, call.now) for process in processes]
    for name, wanted in query.filters.items():
        owner = _FILTER_VALUES[name]
        processes = [process for process in processes if owner(world, process) in wanted]
    for field, spans in read_time_spans(query):
        processes = [
            process for process in processes if any(low <= getattr(process, field) <= high for low, high in spans)
        ]
    if query.label_requirements:
        processes = [
            process for process in processes if all(each.is_met_by(process.labels) for each in query.label_requirements)
        ]
    if query.order:
        processes.sort(key=lambda process: (getattr(process, query.order), process.guid), reverse=query.descending)
    else:
        processes.sort(key=lambda process: process.created_at)
    shown = processes[(query.page - 1) * query.per_page : query.page * query.per_page]
    resources = [
        present_process(
            process,
            app := world.apps[process.app],
            call.base,
            HIDDEN_IN_LISTS,
            read_instances(world, app, process, call.now) if query.embed else None,
        )
        for process in shown
    ]
    body = present_page(resources, len(processes) if shown else 0, query.page, query.per_page, url, query.kept)
    return ApiResponse(
        200, body, f"world: {len(shown)} of {len(processes)} processes listed", tolerated_violations=call.violations
    )


def read_time_spans(query: ListQuery) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """The field and the spans of time that each timestamp filter asks for; to be in one of them is enough."""
    for name, asked in query.timestamp_filters.items():
        field = "created_at" if name == "created_ats" else "updated_at"
        if isinstance(asked, list):
            yield field, [((moment := parse_filter_timestamp(text)), moment + WITHIN_SECOND) for text in asked]
            continue
        for operator, text in asked.items():
            yield field, [_TIME_SPANS[operator](parse_filter_timestamp(text))]


LONG_AGO, LONG_TO_COME = -(1 << 62), 1 << 62

_TIME_SPANS: Mapping[str, Callable[[int], tuple[int, int]]] = {
    "lt": lambda moment: (LONG_AGO, moment - 1),
    "lte": lambda moment: (LONG_AGO, moment + WITHIN_SECOND),
    "gt": lambda moment: (moment + WITHIN_SECOND + 1, LONG_TO_COME),
    "gte": lambda moment: (moment, LONG_TO_COME),
}


def parse_filter_timestamp(text: str) -> int:
    """A timestamp of the right form in microseconds; a day, an hour or a second too many goes over, as in Ruby.

    Raises:
        Refusal: 500, where it is no time at all.
    """
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    late = hour == 24 and (minute or second)
    if not 1 <= month <= 12 or not 1 <= day <= 31 or hour > 24 or late or minute > 59 or second > 60 or year < 1:
        raise refuse_unexpected(f"the time {text}")
    first = datetime(year, month, 1, tzinfo=UTC)
    span = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
    since = first - datetime(1970, 1, 1, tzinfo=UTC) + span
    return (since.days * 86_400 + since.seconds) * SECOND
