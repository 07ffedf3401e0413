"""Crashes: what becomes of an instance with time, by the scheduler's restart policy. Never ticks, never draws.

Source: cloudfoundry/bbs, models/restart_calculator.go and db/sqldb/actual_lrp_db.go (CrashActualLRP): after its first
and second crash an instance restarts at once, after the third in 30 seconds, then after twice as long each time, up to
16 minutes; the two hundredth is the last. A crash after more than five minutes of running counts as the first.

Loads: what the instances of a process have to do together, and what too much of it does to them. Never ticks.

The load is spread over the instances that run. Where each would have more than it can bear they all crash, and the
scheduler starts them again by its policy, until there are enough of them or there is less to do. What each has is
reckoned with the instances that would run if none had crashed.

Instances: which instances of a process there are and in which state, computed from the clock. Never ticks.

Source: cloud_controller_ng, lib/cloud_controller/diego/reporters/instances_reporter.rb and instances_stats_reporter.rb.
"""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from math import inf, pi, sin
from typing import NamedTuple

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.generator import derive_word, format_guid, mix_word
from mockfoundry.cloudfoundry.model import App, InstanceRange, InstanceState, Load, ProcessModel
from mockfoundry.cloudfoundry.world import World

FOREVER = 1 << 62
"""Longer than any world lives, in microseconds."""

IMMEDIATE_RESTARTS = 3
MIN_CRASH_BACKOFF = 30 * SECOND
MAX_BACKOFF_DOUBLINGS = 5
MAX_CRASHES = 200
CRASH_RESET_TIMEOUT = 300 * SECOND


def compute_crash_backoff(crash: int) -> int:
    """How long the scheduler waits before it restarts what has crashed that often, in microseconds."""
    if crash < IMMEDIATE_RESTARTS:
        return 0
    if crash >= MAX_CRASHES:
        return FOREVER
    return MIN_CRASH_BACKOFF << min(crash - IMMEDIATE_RESTARTS, MAX_BACKOFF_DOUBLINGS)


_TOTAL_BACKOFFS: tuple[int, ...] = tuple(accumulate(compute_crash_backoff(crash) for crash in range(MAX_CRASHES)))
"""How long it has waited in all, before the crash after the one of that number."""


class InstancePhase(NamedTuple):
    """What an instance is doing.

    Attributes:
        since: when it came into this state, in virtual microseconds.
        restarts: how often it was started anew; each start has an instance guid of its own.
    """

    state: InstanceState
    since: int
    restarts: int


def phase_at(run: InstanceRange, now: int) -> InstancePhase:
    """What the instances of a run are doing at a moment that is not before their first start."""
    if run.state is not None:
        return InstancePhase(run.state, run.since, 0)
    if run.details is not None:
        return InstancePhase("DOWN", run.since, 0)
    crash_after = run.crash_after
    if crash_after is None:
        return phase_after_start(run, run.since, now, 0)
    first = run.since + crash_after if run.first_crash is None else run.first_crash
    if now < first:
        return phase_after_start(run, run.since, now, 0)
    if crash_after - run.start > CRASH_RESET_TIMEOUT:
        crashes = 1 + (now - first) // crash_after
        return phase_after_start(run, first + (crashes - 1) * crash_after, now, crashes)

    def crashed_at(crash: int) -> int:
        return first + (crash - 1) * crash_after + _TOTAL_BACKOFFS[crash - 1]

    crash = bisect_right(range(1, MAX_CRASHES + 1), now, key=crashed_at)
    again = crashed_at(crash) + compute_crash_backoff(crash)
    if now < again:
        return InstancePhase("CRASHED", crashed_at(crash), crash)
    return phase_after_start(run, again, now, crash)


def phase_after_start(run: InstanceRange, since: int, now: int, restarts: int) -> InstancePhase:
    running = since + run.start
    if now < running:
        return InstancePhase("STARTING", since, restarts)
    return InstancePhase("RUNNING", running, restarts)


OVERLOAD_TOLERANCE = SECOND
"""How long an instance runs under too much load before it crashes."""

SAMPLES_PER_PERIOD = 32
"""How finely a sine is looked at, to find out when it became too much."""

OVERLOAD_LOOKBACK = 3600 * SECOND
MAX_LOAD_SAMPLES = 256


class OverloadPeriod(NamedTuple):
    """A time of too much load: when it began, and when it ended, None where it has not."""

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
    """How many of the wanted instances run at a moment, or would if load did not matter."""
    return sum(
        run.count for run in process.instance_ranges if run.since <= moment and phase_at(run, moment).state == "RUNNING"
    )


def is_overloaded(process: ProcessModel, load: Load, born: int, moment: int) -> bool:
    there = count_running_without_load(process, moment)
    return (
        load.crash_above is not None
        and there > 0
        and compute_load_cores(load, moment - born) / there > load.crash_above
    )


def find_overload(process: ProcessModel, born: int, now: int) -> OverloadPeriod | None:
    """The latest time of too much load, as far back as is looked; None where there was none."""
    load = process.load
    if load is None or load.crash_above is None or not process.instance_ranges:
        return None
    begins: int | None = None
    ends: int | None = None
    after: int | None = None
    for moment in list_load_changes(process, load, born, now):
        if is_overloaded(process, load, born, moment):
            ends = after if begins is None else ends
            begins = moment
        elif begins is not None:
            break
        after = moment
    return None if begins is None else OverloadPeriod(begins, ends)


def list_load_changes(process: ProcessModel, load: Load, born: int, now: int) -> list[int]:
    """The moments at which the load or the number of instances may have changed, the latest first."""
    first = max(born, now - OVERLOAD_LOOKBACK)
    moments = {first, *(born + at for at, _ in load.steps), *(run.since + run.start for run in process.instance_ranges)}
    if load.period:
        sample = max(1, load.period // SAMPLES_PER_PERIOD)
        last = (now - born) // sample
        moments.update(born + number * sample for number in range(max(0, last - MAX_LOAD_SAMPLES), last + 1))
    return sorted((moment for moment in moments if first <= moment <= now), reverse=True)[:MAX_LOAD_SAMPLES]


def overloaded_phase_at(run: InstanceRange, spell: OverloadPeriod, now: int) -> InstancePhase:
    """What the instances of a run are doing at a moment in or after a time of too much load."""
    if run.state is not None or run.details is not None or now < run.since + run.start:
        return phase_at(run, now)
    crashing = msgspec.structs.replace(
        run, crash_after=run.start + OVERLOAD_TOLERANCE, first_crash=max(spell.begins, run.since + run.start)
    )
    if spell.ends is None:
        return phase_at(crashing, now)
    if spell.ends <= run.since + run.start:
        return phase_at(run, now)
    last = phase_at(crashing, spell.ends)
    if last.state == "RUNNING":
        return last
    if last.state == "STARTING":
        return phase_after_start(run, last.since, now, last.restarts)
    again = last.since + compute_crash_backoff(last.restarts)
    return last if now < again else phase_after_start(run, again, now, last.restarts)


MAX_SHOWN_INSTANCES = 10_000
"""A process may have two thousand million instances; nobody wants to read them in one answer."""


class Instance(msgspec.Struct, frozen=True):
    """One instance at one moment.

    Attributes:
        guid: empty where nothing is reported of this index.
        since: when it came into its state, in virtual microseconds; None where nothing is reported.
        routable: None where the scheduler does not say.
    """

    index: int
    guid: str
    state: InstanceState
    since: int | None
    routable: bool | None
    details: str | None


def instances_at(world: World, app: App, process: ProcessModel, now: int) -> Iterator[Instance]:
    """What the scheduler knows of a process at a moment, by index, and DOWN for each index below that is missing.

    There is one for each index below `instances`, and one for each that was stopped and is not gone yet; at most
    MOST_SHOWN.
    """
    rows = list_instance_phases(world, process, now)
    last = max(rows, default=-1)
    word = derive_word(world.seed, "instance", process.guid)
    stopping = app.state == "STOPPED"
    for index in range(min(max(process.instances, last + 1), MAX_SHOWN_INSTANCES)):
        row = rows.get(index)
        if row is None:
            # Beyond what is wanted only what is reported is told [reporter_mixins.rb].
            if index < process.instances:
                yield Instance(index, "", "DOWN", None, None, None)
        elif stopping:
            run, phase = row
            routable = phase.state == "RUNNING" and run.ready
            yield Instance(index, instance_guid_of(word, run, index, phase), "STOPPING", phase.since, routable, None)
        else:
            run, phase = row
            routable = phase.state == "RUNNING" and run.ready
            guid = "" if phase.state in ("CRASHED", "DOWN") else instance_guid_of(word, run, index, phase)
            yield Instance(index, guid, phase.state, phase.since, routable, run.details)


def list_instance_phases(
    world: World, process: ProcessModel, now: int
) -> dict[int, tuple[InstanceRange, InstancePhase]]:
    """What the scheduler knows of each index below MOST_SHOWN: its run, and what that is doing."""
    spell = find_overload(process, world.born, now)
    rows: dict[int, tuple[InstanceRange, InstancePhase]] = {}
    for run in (*process.stopping_ranges, *process.instance_ranges):
        if run.since > now or (run.ends is not None and run.ends <= now):
            continue
        row = (run, phase_at(run, now) if spell is None else overloaded_phase_at(run, spell, now))
        for index in range(run.first, min(run.first + run.count, MAX_SHOWN_INSTANCES)):
            rows[index] = row
    return rows


def count_running_instances(world: World, process: ProcessModel, now: int) -> int:
    """How many instances run, of all that are wanted."""
    spell = find_overload(process, world.born, now)
    if spell is None:
        return count_running_without_load(process, now)
    there = (run for run in process.instance_ranges if run.since <= now)
    return sum(run.count for run in there if overloaded_phase_at(run, spell, now).state == "RUNNING")


def instance_guid_of(word: int, run: InstanceRange, index: int, phase: InstancePhase) -> str:
    """The guid of an instance: a new one with each start. `word` follows from the world's seed and the process."""
    high = mix_word(word ^ (index << 1) ^ (run.nonce << 33))
    return format_guid(high, mix_word(high ^ phase.restarts ^ word))
