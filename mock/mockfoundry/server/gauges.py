"""Gauges: what a server knows of itself for metrics: held requests, connections, its loop. Never touches a request."""

import asyncio
from collections.abc import Callable, Sized

from mockfoundry.control.metrics import LAG_BUCKETS, LoopLag, ServerGauges

TICK_SECONDS = 0.25
"""How often the lag of the loop is measured while metrics are asked for."""

WATCHED_SECONDS = 300.0
"""How long it is measured after they were last asked for."""


class LoopLagMeter:
    """Measures how late the loop is, as long as somebody asks; otherwise it costs nothing.

    Args:
        loop: that is measured; all calls are made in it.
        read_clock: seconds that never go back. uvloop's own time stands still while one of its turns lasts.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, read_clock: Callable[[], float]) -> None:
        self._loop = loop
        self._read_clock = read_clock
        self._is_running = False
        self._measured_until = 0.0
        self._counts = [0] * (len(LAG_BUCKETS) + 1)
        self._sum = 0.0

    def read(self) -> LoopLag:
        """What was measured up to now; measuring goes on, or begins."""
        self._measured_until = self._read_clock() + WATCHED_SECONDS
        if not self._is_running:
            self._is_running = True
            self._schedule()
        return LoopLag(tuple(self._counts), self._sum)

    def _schedule(self) -> None:
        self._loop.call_later(TICK_SECONDS, self._tick, self._read_clock() + TICK_SECONDS)

    def _tick(self, due: float) -> None:
        now = self._read_clock()
        lag = max(0.0, now - due)
        self._sum += lag
        self._counts[sum(lag > each for each in LAG_BUCKETS)] += 1
        if now < self._measured_until:
            self._schedule()
        else:
            self._is_running = False


def make_gauges_reader(
    connections: Sized, count_held: Callable[[], int], read_clock: Callable[[], float], began_at: float
) -> Callable[[], ServerGauges]:
    """What reads the gauges of a server; both are to be called in its loop.

    Args:
        count_held: gives how many requests are held.
        read_clock: seconds that never go back.
        began_at: when the server was made, on that clock.
    """
    meter = LoopLagMeter(asyncio.get_running_loop(), read_clock)
    return lambda: ServerGauges(count_held(), len(connections), read_clock() - began_at, meter.read())
