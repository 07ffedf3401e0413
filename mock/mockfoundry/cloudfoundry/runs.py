"""Runs: which instances of a process are wanted, and which are on their way out. Never computes what they are doing.

Source: cloudfoundry/bbs: instances are wanted by number, so scaling up adds the highest indices and scaling down takes
the highest away; one that is stopped keeps its index until it is gone.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.crashes import FOREVER
from mockfoundry.cloudfoundry.entities import Process, Run
from mockfoundry.cloudfoundry.world import World

HEALTHY_WITHIN = 60
"""Seconds that an instance has to become healthy, where the process does not say [config default_health_check_timeout]."""

MOST_LEAVING = 16
"""How many runs on their way out are remembered: a client may scale up and down ten thousand times a second."""

replace = msgspec.structs.replace


class Wanted(NamedTuple):
    """The runs of a process and the ones it had."""

    runs: tuple[Run, ...]
    leaving: tuple[Run, ...]


def new_run(world: World, process: Process, first: int, count: int, since: int) -> Run:
    """Instances that are started together, as the foundation and the process would have them now."""
    settings = world.settings
    start, crash_after = int(settings.start_seconds * SECOND), process.crash_after
    if crash_after is None and settings.crash_seconds is not None:
        crash_after = int(settings.crash_seconds * SECOND)
    if not process.starts:
        start = FOREVER
        if crash_after is None:
            crash_after = (process.health_check.timeout or HEALTHY_WITHIN) * SECOND
    return Run(
        first=first,
        count=count,
        since=since,
        nonce=world.next_nonce(),
        start=start,
        crash_after=crash_after,
        details=process.placement_error,
        ready=process.ready,
    )


def still_leaving(process: Process, now: int) -> list[Run]:
    """The runs of a process that were ended and are not gone yet; of very many the latest."""
    return [run for run in process.leaving[-MOST_LEAVING:] if run.ends is not None and run.ends > now]


def resized(world: World, process: Process, instances: int, now: int) -> Wanted:
    """The runs of a process of a started app with another number of instances."""
    kept: list[Run] = []
    ended = still_leaving(process, now) if process.leaving else []
    there = 0
    for run in process.runs:
        end = run.first + run.count
        if end <= instances:
            kept.append(run)
            there = end
            continue
        gone = now + int(world.settings.stop_seconds * SECOND)
        staying = max(0, instances - run.first)
        if staying:
            kept.append(replace(run, count=staying))
            there = instances
        if run.since <= now < gone:
            ended.append(replace(run, first=run.first + staying, count=run.count - staying, ends=gone))
    if there < instances:
        kept.append(new_run(world, process, there, instances - there, now))
    return Wanted(tuple(kept), tuple(ended))


def restarted(world: World, process: Process, index: int, now: int) -> Wanted:
    """The runs of a process after one instance was terminated: it stops, and a new one starts at its index."""
    runs: list[Run] = []
    leaving = still_leaving(process, now)
    gone = now + int(world.settings.stop_seconds * SECOND)
    for run in process.runs:
        if not run.first <= index < run.first + run.count or run.since > now:
            runs.append(run)
            continue
        after = run.first + run.count - index - 1
        if index > run.first:
            runs.append(replace(run, count=index - run.first))
        runs.append(new_run(world, process, index, 1, gone))
        if after:
            runs.append(replace(run, first=index + 1, count=after))
        if gone > now:
            leaving.append(replace(run, first=index, count=1, ends=gone))
    return Wanted(tuple(runs), tuple(leaving))


def stopped(world: World, process: Process, now: int) -> Wanted:
    """The runs of a process whose app is stopped: every instance is on its way out."""
    gone = now + int(world.settings.stop_seconds * SECOND)
    leaving = still_leaving(process, now)
    if gone > now:
        leaving += [replace(run, ends=gone) for run in process.runs if run.since <= now]
    return Wanted((), tuple(leaving))


def begun(world: World, process: Process, now: int) -> Wanted:
    """The runs of a process whose app is started: its instances are new ones, and those of before are forgotten.

    The real one asks the scheduler for those of the new version only, so older ones vanish from its answers at once.
    """
    runs = (new_run(world, process, 0, process.instances, now),) if process.instances else ()
    return Wanted(runs, ())


def with_state(runs: tuple[Run, ...], index: int, state: Any, since: int) -> tuple[Run, ...]:
    """Runs with one instance held in a state.

    Args:
        state: the state's word, or a mapping with `state` and `details`.
        since: when it came into it.
    """
    word, details = (state["state"], state.get("details")) if isinstance(state, Mapping) else (state, None)
    divided: list[Run] = []
    for run in runs:
        if not run.first <= index < run.first + run.count:
            divided.append(run)
            continue
        if index > run.first:
            divided.append(replace(run, count=index - run.first))
        divided.append(replace(run, first=index, count=1, since=since, state=word, details=details))
        after = run.first + run.count - index - 1
        if after:
            divided.append(replace(run, first=index + 1, count=after))
    return tuple(divided)
