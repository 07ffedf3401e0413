"""Crashes: what becomes of an instance with time, by the scheduler's restart policy. Never ticks, never draws.

Source: cloudfoundry/bbs, models/restart_calculator.go and db/sqldb/actual_lrp_db.go (CrashActualLRP): after its first
and second crash an instance restarts at once, after the third in 30 seconds, then after twice as long each time, up to
16 minutes; the two hundredth is the last. A crash after more than five minutes of running counts as the first.
"""

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.entities import InstanceState, Run

FOREVER = 1 << 62
"""Longer than any world lives, in microseconds."""

IMMEDIATE_RESTARTS = 3
FIRST_WAIT = 30 * SECOND
MOST_DOUBLINGS = 5
MOST_CRASHES = 200
LONG_RUNNING = 300 * SECOND


def wait_after(crash: int) -> int:
    """How long the scheduler waits before it restarts what has crashed that often, in microseconds."""
    if crash < IMMEDIATE_RESTARTS:
        return 0
    if crash >= MOST_CRASHES:
        return FOREVER
    return FIRST_WAIT << min(crash - IMMEDIATE_RESTARTS, MOST_DOUBLINGS)


_WAITED: tuple[int, ...] = tuple(accumulate(wait_after(crash) for crash in range(MOST_CRASHES)))
"""How long it has waited in all, before the crash after the one of that number."""


class Phase(NamedTuple):
    """What an instance is doing.

    Attributes:
        since: when it came into this state, in virtual microseconds.
        restarts: how often it was started anew; each start has an instance guid of its own.
    """

    state: InstanceState
    since: int
    restarts: int


def phase_at(run: Run, now: int) -> Phase:
    """What the instances of a run are doing at a moment that is not before their first start."""
    if run.state is not None:
        return Phase(run.state, run.since, 0)
    if run.details is not None:
        return Phase("DOWN", run.since, 0)
    crash_after = run.crash_after
    if crash_after is None:
        return started(run, run.since, now, 0)
    first = run.since + crash_after if run.first_crash is None else run.first_crash
    if now < first:
        return started(run, run.since, now, 0)
    if crash_after - run.start > LONG_RUNNING:
        crashes = 1 + (now - first) // crash_after
        return started(run, first + (crashes - 1) * crash_after, now, crashes)

    def crashed_at(crash: int) -> int:
        return first + (crash - 1) * crash_after + _WAITED[crash - 1]

    crash = bisect_right(range(1, MOST_CRASHES + 1), now, key=crashed_at)
    again = crashed_at(crash) + wait_after(crash)
    if now < again:
        return Phase("CRASHED", crashed_at(crash), crash)
    return started(run, again, now, crash)


def started(run: Run, since: int, now: int, restarts: int) -> Phase:
    running = since + run.start
    if now < running:
        return Phase("STARTING", since, restarts)
    return Phase("RUNNING", running, restarts)
