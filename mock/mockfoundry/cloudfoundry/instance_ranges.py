"""Instance ranges: which instances of a process are wanted and which are stopping. Never computes their states.

Source: cloudfoundry/bbs: instances are wanted by number, so scaling up adds the highest indices and scaling down takes
the highest away; one that is stopped keeps its index until it is gone.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.instances import FOREVER, phase_at
from mockfoundry.cloudfoundry.model import InstanceRange, ProcessModel
from mockfoundry.cloudfoundry.world import World

MAX_INSTANCE_RANGES = 4_096
"""How many ranges a process has at most, however many instances a client terminates; beyond it the first are merged."""

MAX_STOPPING_RANGES = 16
"""How many stopping ranges a process has at most, however fast a client scales it up and down."""

DEFAULT_HEALTH_TIMEOUT_SECONDS = 60
"""How long an instance has to become healthy, where its health check has no timeout."""

ProcessRanges = tuple[tuple[InstanceRange, ...], tuple[InstanceRange, ...]]
"""The ranges of a process that are wanted, and those that are stopping."""


def create_range(world: World, process: ProcessModel, first: int, count: int, since: int) -> InstanceRange:
    """`count` instances from the index `first`, started together by the present settings of world and process."""
    settings = world.settings
    start, crash_after = int(settings.start_seconds * SECOND), process.crash_after
    if crash_after is None and settings.crash_seconds is not None:
        crash_after = int(settings.crash_seconds * SECOND)
    if not process.starts:
        start = FOREVER
        if crash_after is None:
            crash_after = (process.health_check.timeout or DEFAULT_HEALTH_TIMEOUT_SECONDS) * SECOND
    world.nonce = nonce = world.nonce + 1
    details, ready = process.placement_error, process.ready
    return InstanceRange(first, count, since, nonce, start, crash_after, details=details, ready=ready)


def resize_ranges(world: World, process: ProcessModel, instances: int, now: int) -> ProcessRanges:
    """The ranges of a process whose app is started, after a change of its number of instances."""
    ranges, stopping = process.instance_ranges, process.stopping_ranges
    end = ranges[-1].end if ranges else 0
    if end < instances:
        more = create_range(world, process, end, instances - end, now)
        return ((*ranges, more), drop_gone_ranges(stopping, now) if stopping else stopping)
    kept: list[InstanceRange] = []
    ended: list[InstanceRange] = []
    gone_at = now + int(world.settings.stop_seconds * SECOND)
    for each in ranges:
        remaining = instances - each.first
        if each.count <= remaining:
            kept.append(each)
            continue
        if remaining > 0:
            kept.append(replace(each, count=remaining))
        if each.since <= now < gone_at:
            first = max(each.first, instances)
            ended.append(replace(each, first=first, count=each.end - first, gone_at=gone_at))
    return (tuple(kept), add_stopping_ranges(stopping, ended, now))


def drop_gone_ranges(stopping: tuple[InstanceRange, ...], now: int) -> tuple[InstanceRange, ...]:
    """The stopping ranges that are not gone yet; the others are not checked while the first is there."""
    if stopping and stopping[0].gone_at is not None and stopping[0].gone_at > now:
        return stopping
    return tuple([each for each in stopping if each.gone_at is None or each.gone_at > now])


def add_stopping_ranges(
    stopping: tuple[InstanceRange, ...], ended: list[InstanceRange], now: int
) -> tuple[InstanceRange, ...]:
    """Stopping ranges with those that `ended`; a range is dropped where newer ones cover all of its indices."""
    if not stopping or not ended:
        return (*drop_gone_ranges(stopping, now), *ended)
    first, end = ended[0].first, ended[-1].end
    kept = [each for each in drop_gone_ranges(stopping, now) if each.first < first or each.end > end]
    return (*kept[-MAX_STOPPING_RANGES:], *ended)


def restart_instance(world: World, process: ProcessModel, index: int, now: int) -> ProcessRanges:
    """The ranges of a process after one instance was terminated: it stops, and then a new one starts at its index."""
    gone_at = now + int(world.settings.stop_seconds * SECOND)
    current = next((each for each in process.instance_ranges if each.first <= index < each.end), None)
    if current is None or current.since > now:
        return process.instance_ranges, drop_gone_ranges(process.stopping_ranges, now)
    replacement = create_range(world, process, index, 1, gone_at)
    fields = {
        name: getattr(replacement, name) for name in replacement.__struct_fields__ if name not in ("first", "count")
    }
    ended = [replace(current, first=index, count=1, gone_at=gone_at)] if gone_at > now else []
    ranges = limit_ranges(split_ranges(process.instance_ranges, {index: fields}))
    return ranges, add_stopping_ranges(process.stopping_ranges, ended, now)


def limit_ranges(ranges: tuple[InstanceRange, ...]) -> tuple[InstanceRange, ...]:
    """At most MAX_INSTANCE_RANGES ranges: where there are more, the first are merged and fare as the very first."""
    more = len(ranges) - MAX_INSTANCE_RANGES
    if more <= 0:
        return ranges
    merged = replace(ranges[0], count=sum(each.count for each in ranges[: more + 1]))
    return (merged, *ranges[more + 1 :])


def stop_instances(world: World, process: ProcessModel, now: int) -> ProcessRanges:
    """The ranges of a process whose app was stopped: every instance is stopping."""
    gone_at = now + int(world.settings.stop_seconds * SECOND)
    ended = [replace(each, gone_at=gone_at) for each in process.instance_ranges if each.since <= now < gone_at]
    return ((), add_stopping_ranges(process.stopping_ranges, ended, now))


def start_instances(world: World, process: ProcessModel, now: int) -> ProcessModel:
    """A process whose app was started: only new instances, each with what the process asks for now.

    The Cloud Controller asks the scheduler for instances of the new version only, so older ones vanish from its
    responses at once.
    """
    ranges = (create_range(world, process, 0, process.instances, now),) if process.instances else ()
    return replace(process, instance_ranges=ranges, stopping_ranges=(), allotment=None)


def hold_instance_states(
    ranges: tuple[InstanceRange, ...], states: Mapping[int, Any], since: int
) -> tuple[InstanceRange, ...]:
    """Ranges with some instances held in a state; every other one follows the clock again.

    Args:
        states: by index, each the state's name, or a mapping with `state` and `details`.
        since: when they came into that state, in virtual microseconds.
    """
    freed = tuple(each if each.state is None else replace(each, state=None, details=None) for each in ranges)
    fields: dict[int, dict[str, Any]] = {}
    for index, state in states.items():
        name, details = (state["state"], state.get("details")) if isinstance(state, Mapping) else (state, None)
        fields[index] = {"since": since, "state": name, "details": details}
    return split_ranges(freed, fields)


def split_ranges(ranges: tuple[InstanceRange, ...], fields: Mapping[int, dict[str, Any]]) -> tuple[InstanceRange, ...]:
    """Ranges with other fields for some instances, by index."""
    indexes = sorted(fields)
    result: list[InstanceRange] = []
    for each in ranges:
        first, end = each.first, each.end
        for index in indexes[bisect_left(indexes, first) : bisect_left(indexes, end)]:
            if index > first:
                result.append(replace(each, first=first, count=index - first))
            result.append(replace(each, first=index, count=1, **fields[index]))
            first = index + 1
        if first == each.first:
            result.append(each)
        elif first < end:
            result.append(replace(each, first=first, count=end - first))
    return tuple(result)


def apply_crash_setting(world: World, process: ProcessModel, now: int) -> tuple[InstanceRange, ...]:
    """The ranges of a process whose `crash_after` was changed: each instance crashes at once, or not any more."""
    model = create_range(world, process, 0, 1, now)
    result: list[InstanceRange] = []
    for each in process.instance_ranges:
        if model.crash_after is not None:
            result.append(replace(each, crash_after=model.crash_after, first_crash=max(now, each.since)))
            continue
        phase = phase_at(each, now)
        if each.crash_after is None or phase.restarts == 0:
            result.append(replace(each, crash_after=None, first_crash=None))
        else:
            result.append(replace(model, first=each.first, count=each.count, since=now, nonce=world.next_nonce()))
    return tuple(result)
