"""Loads: what the instances of a process have to do together at a moment, computed from the clock. Never ticks."""

from bisect import bisect_right
from math import inf, pi, sin

from mockfoundry.cloudfoundry.entities import Load


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
