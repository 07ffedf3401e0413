"""Measuring in turn, in short slices: a machine that is slower for a while is so for everything that is compared.

Knows no server and no table.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")

FEWEST_ROUNDS = 3


class Cost(NamedTuple):
    """What one of something cost in a slice: by the clock, and of processor time, which other programs change less.

    Both are in the unit of the row; the second is 0 where it isn't known.
    """

    by_clock: float
    by_processor: float = 0.0


class CostRatios(NamedTuple):
    """Ratios of costs, one a round; those by processor time are missing where they aren't known."""

    by_clock: list[float]
    by_processor: list[float]


def take_turns(slices: Mapping[str, Callable[[], T]], rounds: int, within: float = 60.0) -> dict[str, list[T]]:
    """What each slice returned, a figure a round; every second round goes backwards.

    Args:
        slices: each measures one thing for a short while.
        within: seconds after which no further round begins, once there were three.
    """
    end = time.monotonic() + within
    measured: dict[str, list[T]] = {name: [] for name in slices}
    for number in range(rounds):
        if number >= FEWEST_ROUNDS and time.monotonic() > end:
            break
        for name in sorted(slices, key=list(slices).index, reverse=bool(number % 2)):
            measured[name].append(slices[name]())
    return measured


def cost_ratios(these: Sequence[Cost], those: Sequence[Cost]) -> CostRatios:
    """What these cost, of what those do."""
    known = all(cost.by_processor for cost in (*these, *those))
    return CostRatios(
        ratios([cost.by_clock for cost in these], [cost.by_clock for cost in those]),
        ratios([cost.by_processor for cost in these], [cost.by_processor for cost in those]) if known else [],
    )


def ratios(these: Sequence[float], those: Sequence[float]) -> list[float]:
    """A ratio a round, of two things that were measured in turn."""
    return [this / that for this, that in zip(these, those, strict=True)]
