"""The Foundation: one whole Cloud Foundry with everything a test may do to it, as a value. Never knows HTTP."""

import msgspec

from mockfoundry.cloudfoundry.world import World
from mockfoundry.scenarios import Lineup, Progress


class Foundation(msgspec.Struct):
    """One foundation.

    Attributes:
        world: its organizations, apps, processes, clock and generator.
        lineup: the scenarios that are on, compiled; shared by foundations that play the same.
        progress: how far each of them has come here.
    """

    name: str
    world: World
    lineup: Lineup
    progress: Progress
