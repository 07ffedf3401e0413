"""Loads: what the instances of a process have to do together, and what too much of it does to them. Never ticks.

The load is spread over the instances that run. Where each would have more than it can bear they all crash, and the
scheduler starts them again by its policy, until there are enough of them or there is less to do. What each has is
reckoned with the instances that would run if none had crashed.
"""

from bisect import bisect_right
from math import inf, pi, sin
from typing import NamedTuple

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.crashes import Phase, phase_at, started, wait_after
from mockfoundry.cloudfoundry.entities import Load, Process, Run

BEARS_FOR = SECOND
"""How long an instance runs under too much load before it crashes."""

SAMPLES = 32
"""How finely a sine is looked at, to find out when it became too much."""

LOOKED_BACK = 3600 * SECOND
MOST_SPANS = 256


class Spell(NamedTuple):
    """A time of too much load: when it began, and when it ended, None where it has not."""

    begins: int
    ends: int | None


def cores(load: Load, age: int) -> float:
    """How many processor cores a load takes.

    Args:
        age: of the world, in microseconds.
    """
    place = bisect_right(load.steps, (age, inf))
    total = load.steps[place - 1][1] if place else 0.0
    if load.period:
        total += load.mean + load.amplitude * sin(2 * pi * (age % load.period) / load.period)
    return max(0.0, total)


def up(process: Process, moment: int) -> int:
    """How many of the wanted instances run at a moment, or would if load did not matter."""
    return sum(run.count for run in process.runs if run.since <= moment and phase_at(run, moment).state == "RUNNING")


def overloaded(process: Process, load: Load, born: int, moment: int) -> bool:
    there = up(process, moment)
    return load.crash_above is not None and there > 0 and cores(load, moment - born) / there > load.crash_above


def spell_of(process: Process, born: int, now: int) -> Spell | None:
    """The latest time of too much load, as far back as is looked; None where there was none."""
    load = process.load
    if load is None or load.crash_above is None or not process.runs:
        return None
    begins: int | None = None
    ends: int | None = None
    after: int | None = None
    for moment in turns(process, load, born, now):
        if overloaded(process, load, born, moment):
            ends = after if begins is None else ends
            begins = moment
        elif begins is not None:
            break
        after = moment
    return None if begins is None else Spell(begins, ends)


def turns(process: Process, load: Load, born: int, now: int) -> list[int]:
    """The moments at which the load or the number of instances may have changed, the latest first."""
    first = max(born, now - LOOKED_BACK)
    moments = {first, *(born + at for at, _ in load.steps), *(run.since + run.start for run in process.runs)}
    if load.period:
        sample = max(1, load.period // SAMPLES)
        last = (now - born) // sample
        moments.update(born + number * sample for number in range(max(0, last - MOST_SPANS), last + 1))
    return sorted((moment for moment in moments if first <= moment <= now), reverse=True)[:MOST_SPANS]


def strained(run: Run, spell: Spell, now: int) -> Phase:
    """What the instances of a run are doing at a moment in or after a time of too much load."""
    if run.state is not None or run.details is not None or now < run.since + run.start:
        return phase_at(run, now)
    crashing = msgspec.structs.replace(
        run, crash_after=run.start + BEARS_FOR, first_crash=max(spell.begins, run.since + run.start)
    )
    if spell.ends is None:
        return phase_at(crashing, now)
    if spell.ends <= run.since + run.start:
        return phase_at(run, now)
    last = phase_at(crashing, spell.ends)
    if last.state == "RUNNING":
        return last
    if last.state == "STARTING":
        return started(run, last.since, now, last.restarts)
    again = last.since + wait_after(last.restarts)
    return last if now < again else started(run, again, now, last.restarts)
