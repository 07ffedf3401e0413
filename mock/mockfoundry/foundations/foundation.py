"""The Foundation: one whole Cloud Foundry with everything a test may do to it, as a value. Never knows HTTP."""

import msgspec

from mockfoundry.cloudfoundry.rate_limiting import Window
from mockfoundry.cloudfoundry.world import World
from mockfoundry.foundations.undoing import Change
from mockfoundry.scenarios import Lineup, Progress


class Foundation(msgspec.Struct):
    """One foundation.

    Attributes:
        world: its organizations, apps, processes, clock and generator.
        seed: the world that it began as, and goes back to.
        lineup: the scenarios that are on, compiled; shared by foundations that play the same.
        progress: how far each of them has come here.
        changes: what each of them has changed in the world, so that it can be taken back.
        windows: the requests that the rate limiter has counted, by user guid.
    """

    name: str
    world: World
    seed: World
    lineup: Lineup
    progress: Progress
    changes: dict[str, list[Change]] = {}
    windows: dict[str, Window] = {}
