"""Instances: which there are of a process and in which state, computed from the clock. Never ticks, never draws.

Crashes follow the scheduler's restart policy: after its first and second crash an instance restarts at once, after the
third in 30 seconds, then after twice as long each time, up to 16 minutes; the two hundredth is the last. A crash after
more than five minutes of running counts as the first. Source: cloudfoundry/bbs, models/restart_calculator.go and
db/sqldb/actual_lrp_db.go (CrashActualLRP).

A load is shared by the instances that run. If each has more than `crash_above`, all of them crash, and the scheduler
restarts them by its policy until there are enough of them or the load is smaller. The share of each is computed with
the instances that would run if none had crashed.

What is reported of instances: cloud_controller_ng, lib/cloud_controller/diego/reporters/instances_reporter.rb and
instances_stats_reporter.rb.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from math import inf, pi, sin
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.generator import derive_word, format_guid, mix_word
from mockfoundry.cloudfoundry.model import App, InstanceRange, InstanceState, Load, ProcessModel
from mockfoundry.cloudfoundry.world import World

# States by the clock and the restart policy

FOREVER = 1 << 62
"""Longer than any world lives, in microseconds."""

IMMEDIATE_RESTARTS = 3
MIN_CRASH_BACKOFF = 30 * SECOND
MAX_BACKOFF_DOUBLINGS = 5
MAX_CRASHES = 200
CRASH_RESET_TIMEOUT = 300 * SECOND


def compute_crash_backoff(crash: int) -> int:
    """How long the scheduler waits before a restart, in microseconds.

    Args:
        crash: how often the instance has crashed.
    """
    if crash < IMMEDIATE_RESTARTS:
        return 0
    if crash >= MAX_CRASHES:
        return FOREVER
    return MIN_CRASH_BACKOFF << min(crash - IMMEDIATE_RESTARTS, MAX_BACKOFF_DOUBLINGS)


_TOTAL_BACKOFFS: tuple[int, ...] = tuple(accumulate(compute_crash_backoff(crash) for crash in range(MAX_CRASHES)))
"""By number of crashes: how long the scheduler has waited in all before the next one."""


class InstancePhase(NamedTuple):
    """What an instance is doing.

    Attributes:
        since: when it came into this state, in virtual microseconds.
        restarts: how often it was restarted; each start has an instance guid of its own.
    """

    state: InstanceState
    since: int
    restarts: int


def phase_at(instance_range: InstanceRange, now: int) -> InstancePhase:
    """What the instances of a range are doing at a moment, not before their first start; no load is looked at."""
    if instance_range.state is not None:
        return InstancePhase(instance_range.state, instance_range.since, 0)
    if instance_range.details is not None:
        return InstancePhase("DOWN", instance_range.since, 0)
    crash_after = instance_range.crash_after
    if crash_after is None:
        return phase_after_start(instance_range, instance_range.since, now, 0)
    first = instance_range.since + crash_after if instance_range.first_crash is None else instance_range.first_crash
    if now < first:
        return phase_after_start(instance_range, instance_range.since, now, 0)
    if crash_after - instance_range.start_duration > CRASH_RESET_TIMEOUT:
        crashes = 1 + (now - first) // crash_after
        return phase_after_start(instance_range, first + (crashes - 1) * crash_after, now, crashes)

    def crashed_at(crash: int) -> int:
        return first + (crash - 1) * crash_after + _TOTAL_BACKOFFS[crash - 1]

    crash = bisect_right(range(1, MAX_CRASHES + 1), now, key=crashed_at)
    again = crashed_at(crash) + compute_crash_backoff(crash)
    if now < again:
        return InstancePhase("CRASHED", crashed_at(crash), crash)
    return phase_after_start(instance_range, again, now, crash)


def phase_after_start(instance_range: InstanceRange, since: int, now: int, restarts: int) -> InstancePhase:
    running = since + instance_range.start_duration
    if now < running:
        return InstancePhase("STARTING", since, restarts)
    return InstancePhase("RUNNING", running, restarts)


# Loads

OVERLOAD_TOLERANCE = SECOND
"""How long an overloaded instance runs before it crashes."""

SAMPLES_PER_PERIOD = 32
"""How often a period of the sine is sampled, to find out when it became too much."""

OVERLOAD_LOOKBACK = 3600 * SECOND
"""How far back an overload is looked for."""

MAX_LOAD_SAMPLES = 256


class OverloadPeriod(NamedTuple):
    """A time of too much load: when it began, and when it ended, None while it lasts."""

    begins: int
    ends: int | None


def compute_load_cores(load: Load, age: int) -> float:
    """How many processor cores a load takes.

    Args:
        age: of the world, in microseconds.
    """
    place = bisect_right(load.steps, (age, inf))
    total = load.steps[place - 1][1] if place else 0.0
    if load.period:
        total += load.mean + load.amplitude * sin(2 * pi * (age % load.period) / load.period)
    return max(0.0, total)


def count_running_without_load(process: ProcessModel, moment: int) -> int:
    """How many of the wanted instances would run at a moment if there were no load."""
    return sum(
        each.count
        for each in process.instance_ranges
        if each.since <= moment and phase_at(each, moment).state == "RUNNING"
    )


def is_overloaded(process: ProcessModel, load: Load, began_at: int, moment: int) -> bool:
    running_count = count_running_without_load(process, moment)
    return (
        load.crash_above is not None
        and running_count > 0
        and compute_load_cores(load, moment - began_at) / running_count > load.crash_above
    )


def find_overload(process: ProcessModel, began_at: int, now: int) -> OverloadPeriod | None:
    """The latest time of too much load within OVERLOAD_LOOKBACK; None where there was none."""
    load = process.load
    if load is None or load.crash_above is None or not process.instance_ranges:
        return None
    begins: int | None = None
    ends: int | None = None
    after: int | None = None
    for moment in list_load_changes(process, load, began_at, now):
        if is_overloaded(process, load, began_at, moment):
            ends = after if begins is None else ends
            begins = moment
        elif begins is not None:
            break
        after = moment
    return None if begins is None else OverloadPeriod(begins, ends)


def list_load_changes(process: ProcessModel, load: Load, began_at: int, now: int) -> list[int]:
    """The moments at which the load or the number of instances may have changed, the latest first."""
    first = max(began_at, now - OVERLOAD_LOOKBACK)
    moments = {
        first,
        *(began_at + at for at, _ in load.steps),
        *(each.since + each.start_duration for each in process.instance_ranges),
    }
    if load.period:
        sample = max(1, load.period // SAMPLES_PER_PERIOD)
        last = (now - began_at) // sample
        moments.update(began_at + number * sample for number in range(max(0, last - MAX_LOAD_SAMPLES), last + 1))
    return sorted((moment for moment in moments if first <= moment <= now), reverse=True)[:MAX_LOAD_SAMPLES]


def overloaded_phase_at(instance_range: InstanceRange, overload: OverloadPeriod, now: int) -> InstancePhase:
    """What the instances of a range are doing at a moment in or after a time of too much load."""
    running_at = instance_range.since + instance_range.start_duration
    if instance_range.state is not None or instance_range.details is not None or now < running_at:
        return phase_at(instance_range, now)
    crash_after = instance_range.start_duration + OVERLOAD_TOLERANCE
    crashing = replace(instance_range, crash_after=crash_after, first_crash=max(overload.begins, running_at))
    if overload.ends is None:
        return phase_at(crashing, now)
    if overload.ends <= running_at:
        return phase_at(instance_range, now)
    last = phase_at(crashing, overload.ends)
    if last.state == "RUNNING":
        return last
    if last.state == "STARTING":
        return phase_after_start(instance_range, last.since, now, last.restarts)
    again = last.since + compute_crash_backoff(last.restarts)
    return last if now < again else phase_after_start(instance_range, again, now, last.restarts)


# What is reported of a process

INSTANCE_GUID_LENGTH = 28

MAX_SHOWN_INSTANCES = 10_000
"""How many instances a response shows at most; a process may have two thousand million."""


class Instance(msgspec.Struct, frozen=True):
    """One instance at one moment.

    Attributes:
        guid: empty where the scheduler reports nothing of this index.
        since: when it came into its state, in virtual microseconds; None where nothing is reported.
        routable: None where the scheduler does not say.
        details: why it is in its state; None where the scheduler does not say.
    """

    index: int
    guid: str
    state: InstanceState
    since: int | None
    routable: bool | None
    details: str | None


def instances_at(world: World, app: App, process: ProcessModel, now: int) -> Iterator[Instance]:
    """The instances of a process at a moment, by index.

    There is one for each index below `instances`, DOWN where the scheduler knows none, and one for each that was
    stopped and is not gone yet; at most MAX_SHOWN_INSTANCES.
    """
    known_by_index = find_instance_phases(world, process, now)
    last = max(known_by_index, default=-1)
    word = derive_word(world.random_seed, "instance", process.guid)
    stopping = app.state == "STOPPED"
    for index in range(min(max(process.instances, last + 1), MAX_SHOWN_INSTANCES)):
        known = known_by_index.get(index)
        if known is None:
            # Beyond the wanted number an index is shown only where the scheduler knows it [reporter_mixins.rb].
            if index < process.instances:
                yield Instance(index, "", "DOWN", None, None, None)
            continue
        instance_range, phase = known
        routable = phase.state == "RUNNING" and instance_range.ready
        guid = instance_guid_of(word, instance_range, index, phase)
        if stopping:
            yield Instance(index, guid, "STOPPING", phase.since, routable, None)
        else:
            guid = "" if phase.state in ("CRASHED", "DOWN") else guid
            yield Instance(index, guid, phase.state, phase.since, routable, instance_range.details)


def find_instance_phases(
    world: World, process: ProcessModel, now: int
) -> dict[int, tuple[InstanceRange, InstancePhase]]:
    """The range and the phase of each index that the scheduler knows, below MAX_SHOWN_INSTANCES."""
    known_by_index: dict[int, tuple[InstanceRange, InstancePhase]] = {}
    for known in list_range_phases(world, process, now):
        for index in range(known[0].first, min(known[0].end, MAX_SHOWN_INSTANCES)):
            known_by_index[index] = known
    return known_by_index


def list_range_phases(world: World, process: ProcessModel, now: int) -> tuple[tuple[InstanceRange, InstancePhase], ...]:
    """The ranges that the scheduler knows with their phases; of two with one index the later one counts."""
    overload = find_overload(process, world.began_at, now)
    return tuple(
        [
            (each, phase_at(each, now) if overload is None else overloaded_phase_at(each, overload, now))
            for each in (*process.stopping_ranges, *process.instance_ranges)
            if each.since <= now and (each.gone_at is None or each.gone_at > now)
        ]
    )


def count_running_instances(world: World, process: ProcessModel, now: int) -> int:
    """How many of the wanted instances run."""
    overload = find_overload(process, world.began_at, now)
    if overload is None:
        return count_running_without_load(process, now)
    begun = (each for each in process.instance_ranges if each.since <= now)
    return sum(each.count for each in begun if overloaded_phase_at(each, overload, now).state == "RUNNING")


def instance_guid_of(word: int, instance_range: InstanceRange, index: int, phase: InstancePhase) -> str:
    """The guid of an instance, a new one for each start: the first 28 characters of a uuid, as the cell makes them.

    Args:
        word: 64 bits that follow from the world's seed and the process.
    """
    high = mix_word(word ^ (index << 1) ^ (instance_range.nonce << 33))
    return format_guid(high, mix_word(high ^ phase.restarts ^ word))[:INSTANCE_GUID_LENGTH]
