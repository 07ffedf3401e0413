"""Instances: which instances of a process there are and in which state, computed from the clock. Never ticks.

Source: cloud_controller_ng, lib/cloud_controller/diego/reporters/instances_reporter.rb and instances_stats_reporter.rb.
"""

from collections.abc import Iterator

import msgspec

from mockfoundry.cloudfoundry.chance import as_guid, mixed, named_word
from mockfoundry.cloudfoundry.crashes import Phase, phase_at
from mockfoundry.cloudfoundry.entities import App, InstanceState, Process, Run
from mockfoundry.cloudfoundry.loads import spell_of, strained, up
from mockfoundry.cloudfoundry.world import World

MOST_SHOWN = 10_000
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


def instances_at(world: World, app: App, process: Process, now: int) -> Iterator[Instance]:
    """What the scheduler knows of a process at a moment, by index, and DOWN for each index below that is missing.

    There is one for each index below `instances`, and one for each that was stopped and is not gone yet; at most
    MOST_SHOWN.
    """
    rows = reported(world, process, now)
    last = max(rows, default=-1)
    word = named_word(world.seed, "instance", process.guid)
    stopping = app.state == "STOPPED"
    for index in range(min(max(process.instances, last + 1), MOST_SHOWN)):
        row = rows.get(index)
        if row is None:
            # Beyond what is wanted only what is reported is told [reporter_mixins.rb].
            if index < process.instances:
                yield Instance(index, "", "DOWN", None, None, None)
        elif stopping:
            run, phase = row
            routable = phase.state == "RUNNING" and run.ready
            yield Instance(index, guid_of(word, run, index, phase), "STOPPING", phase.since, routable, None)
        else:
            run, phase = row
            routable = phase.state == "RUNNING" and run.ready
            guid = "" if phase.state in ("CRASHED", "DOWN") else guid_of(word, run, index, phase)
            yield Instance(index, guid, phase.state, phase.since, routable, run.details)


def reported(world: World, process: Process, now: int) -> dict[int, tuple[Run, Phase]]:
    """What the scheduler knows of each index below MOST_SHOWN: its run, and what that is doing."""
    spell = spell_of(process, world.born, now)
    rows: dict[int, tuple[Run, Phase]] = {}
    for run in (*process.leaving, *process.runs):
        if run.since > now or (run.ends is not None and run.ends <= now):
            continue
        row = (run, phase_at(run, now) if spell is None else strained(run, spell, now))
        for index in range(run.first, min(run.first + run.count, MOST_SHOWN)):
            rows[index] = row
    return rows


def running(world: World, process: Process, now: int) -> int:
    """How many instances run, of all that are wanted."""
    spell = spell_of(process, world.born, now)
    if spell is None:
        return up(process, now)
    there = (run for run in process.runs if run.since <= now)
    return sum(run.count for run in there if strained(run, spell, now).state == "RUNNING")


def guid_of(word: int, run: Run, index: int, phase: Phase) -> str:
    """The guid of an instance: a new one with each start. `word` follows from the world's seed and the process."""
    high = mixed(word ^ (index << 1) ^ (run.nonce << 33))
    return as_guid(high, mixed(high ^ phase.restarts ^ word))
