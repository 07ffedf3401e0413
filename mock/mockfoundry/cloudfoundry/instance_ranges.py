"""Runs: which instances of a process are wanted, and which are on their way out. Never computes what they are doing.

Source: cloudfoundry/bbs: instances are wanted by number, so scaling up adds the highest indices and scaling down takes
the highest away; one that is stopped keeps its index until it is gone.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.instances import FOREVER, phase_at
from mockfoundry.cloudfoundry.model import InstanceRange, ProcessModel
from mockfoundry.cloudfoundry.world import World

MAX_INSTANCE_RANGES = 4_096
"""How many runs a process has at most, whatever a client terminates; beyond them the first lose their own history."""

MAX_STOPPING_RANGES = 16
"""How many runs on their way out are kept; a client that scales up and down a thousand times a second has no more."""

DEFAULT_HEALTH_TIMEOUT_SECONDS = 60
"""Seconds that an instance has to become healthy, where the process does not say so."""

replace = msgspec.structs.replace

ProcessRanges = tuple[tuple[InstanceRange, ...], tuple[InstanceRange, ...]]
"""The runs of a process that are wanted, and those on their way out."""


def create_range(world: World, process: ProcessModel, first: int, count: int, since: int) -> InstanceRange:
    """Instances that are started together, as the foundation and the process would have them now."""
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
    """The runs of a process of a started app with another number of instances."""
    runs, leaving = process.instance_ranges, process.stopping_ranges
    there = runs[-1].first + runs[-1].count if runs else 0
    if there < instances:
        more = create_range(world, process, there, instances - there, now)
        return ((*runs, more), drop_gone_ranges(leaving, now) if leaving else leaving)
    kept: list[InstanceRange] = []
    ended: list[InstanceRange] = []
    gone = now + int(world.settings.stop_seconds * SECOND)
    for run in runs:
        staying = instances - run.first
        if run.count <= staying:
            kept.append(run)
            continue
        if staying > 0:
            kept.append(replace(run, count=staying))
        if run.since <= now < gone:
            first = max(run.first, instances)
            ended.append(replace(run, first=first, count=run.first + run.count - first, ends=gone))
    return (tuple(kept), add_stopping_ranges(leaving, ended, now))


def drop_gone_ranges(leaving: tuple[InstanceRange, ...], now: int) -> tuple[InstanceRange, ...]:
    """Those of the runs on their way out that are not gone; nothing is looked at while the first is there."""
    if leaving and leaving[0].ends is not None and leaving[0].ends > now:
        return leaving
    return tuple([run for run in leaving if run.ends is None or run.ends > now])


def add_stopping_ranges(
    leaving: tuple[InstanceRange, ...], ended: list[InstanceRange], now: int
) -> tuple[InstanceRange, ...]:
    """Runs on their way out with more of them; those whose every index has a newer one are not seen again."""
    if not leaving or not ended:
        return (*drop_gone_ranges(leaving, now), *ended)
    first, end = ended[0].first, ended[-1].first + ended[-1].count
    kept = [run for run in drop_gone_ranges(leaving, now) if run.first < first or run.first + run.count > end]
    return (*kept[-MAX_STOPPING_RANGES:], *ended)


def restart_instance(world: World, process: ProcessModel, index: int, now: int) -> ProcessRanges:
    """The runs of a process after one instance was terminated: it stops, and a new one starts at its index."""
    gone = now + int(world.settings.stop_seconds * SECOND)
    before = next((run for run in process.instance_ranges if run.first <= index < run.first + run.count), None)
    if before is None or before.since > now:
        return process.instance_ranges, drop_gone_ranges(process.stopping_ranges, now)
    after = create_range(world, process, index, 1, gone)
    fields = {name: getattr(after, name) for name in after.__struct_fields__ if name not in ("first", "count")}
    ended = [replace(before, first=index, count=1, ends=gone)] if gone > now else []
    return limit_ranges(split_ranges(process.instance_ranges, {index: fields})), add_stopping_ranges(
        process.stopping_ranges, ended, now
    )


def limit_ranges(runs: tuple[InstanceRange, ...]) -> tuple[InstanceRange, ...]:
    """Runs of which there are not too many: beyond MOST_RUNS the first become one, with the fate of the very first."""
    more = len(runs) - MAX_INSTANCE_RANGES
    if more <= 0:
        return runs
    merged = replace(runs[0], count=sum(run.count for run in runs[: more + 1]))
    return (merged, *runs[more + 1 :])


def stop_instances(world: World, process: ProcessModel, now: int) -> ProcessRanges:
    """The runs of a process whose app is stopped: every instance is on its way out."""
    gone = now + int(world.settings.stop_seconds * SECOND)
    ended = [replace(run, ends=gone) for run in process.instance_ranges if run.since <= now < gone]
    return ((), add_stopping_ranges(process.stopping_ranges, ended, now))


def start_instances(world: World, process: ProcessModel, now: int) -> ProcessRanges:
    """The runs of a process whose app is started: its instances are new ones, and those of before are forgotten.

    The real one asks the scheduler for those of the new version only, so older ones vanish from its answers at once.
    """
    runs = (create_range(world, process, 0, process.instances, now),) if process.instances else ()
    return (runs, ())


def hold_instance_states(
    runs: tuple[InstanceRange, ...], states: Mapping[int, Any], since: int
) -> tuple[InstanceRange, ...]:
    """Runs with some instances held in a state, and every other one let go.

    Args:
        states: by index, each the state's word, or a mapping with `state` and `details`.
        since: when they came into it.
    """
    freed = tuple(run if run.state is None else replace(run, state=None, details=None) for run in runs)
    fields: dict[int, dict[str, Any]] = {}
    for index, state in states.items():
        word, details = (state["state"], state.get("details")) if isinstance(state, Mapping) else (state, None)
        fields[index] = {"since": since, "state": word, "details": details}
    return split_ranges(freed, fields)


def split_ranges(runs: tuple[InstanceRange, ...], fields: Mapping[int, dict[str, Any]]) -> tuple[InstanceRange, ...]:
    """Runs with other fields for some instances, by index."""
    indexes = sorted(fields)
    found: list[InstanceRange] = []
    for run in runs:
        first, end = run.first, run.first + run.count
        for index in indexes[bisect_left(indexes, first) : bisect_left(indexes, end)]:
            if index > first:
                found.append(replace(run, first=first, count=index - first))
            found.append(replace(run, first=index, count=1, **fields[index]))
            first = index + 1
        if first == run.first:
            found.append(run)
        elif first < end:
            found.append(replace(run, first=first, count=end - first))
    return tuple(found)


def apply_crash_setting(world: World, process: ProcessModel, now: int) -> tuple[InstanceRange, ...]:
    """The runs of a process that crashes from now on, each instance at once; or does no longer, where it is not to."""
    model = create_range(world, process, 0, 1, now)
    found: list[InstanceRange] = []
    for run in process.instance_ranges:
        if model.crash_after is not None:
            found.append(replace(run, crash_after=model.crash_after, first_crash=max(now, run.since)))
            continue
        phase = phase_at(run, now)
        if run.crash_after is None or phase.restarts == 0:
            found.append(replace(run, crash_after=None, first_crash=None))
        else:
            found.append(replace(model, first=run.first, count=run.count, since=now, nonce=world.next_nonce()))
    return tuple(found)
