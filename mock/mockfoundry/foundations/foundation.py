"""The Foundation: one whole Cloud Foundry with everything a test may do to it, as a value. Never knows HTTP."""

import msgspec

from mockfoundry.cloudfoundry.chance import named_guid
from mockfoundry.cloudfoundry.rate_limiting import Window
from mockfoundry.cloudfoundry.world import World
from mockfoundry.foundations.undoing import Change
from mockfoundry.journal import Journal
from mockfoundry.scenarios import Lineup, Progress


class Foundation(msgspec.Struct):
    """One foundation.

    Attributes:
        world: its organizations, apps, processes, clock and generator.
        seed: the world that it began as, and goes back to.
        lineup: the scenarios that are on, compiled; shared by foundations that play the same.
        progress: how far each of them has come here.
        changes: what each of them has changed in the world, so that it can be taken back.
        answered: how many requests there were.
        request_ids: what the ids of all requests begin with.
        journal: what happened here.
        windows: the requests that the rate limiter has counted, by user guid.
        tokens: how many were minted here.
        asked: when it was last asked for, in microseconds of the machine's clock.
    """

    name: str
    world: World
    seed: World
    lineup: Lineup
    progress: Progress
    changes: dict[str, list[Change]] = {}
    windows: dict[str, Window] = {}
    answered: int = 0
    request_ids: str = ""
    tokens: int = 0
    asked: int = 0
    journal: Journal = msgspec.field(default_factory=Journal)

    def next_request_id(self) -> str:
        """The id of the next request: a version 4 UUID that follows from the seed and the request's number."""
        number = self.answered = self.answered + 1
        if not self.request_ids:
            self.request_ids = named_guid(self.world.seed, "requests", self.name)[:24]
        return f"{self.request_ids}{number * _SPREAD & _LAST_GROUP:012x}"


# An odd factor, so that neighbours look unlike each other and none is met twice.
_SPREAD = 0x9E3779B97F4B
_LAST_GROUP = (1 << 48) - 1
