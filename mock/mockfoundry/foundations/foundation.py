"""The Foundation: one whole Cloud Foundry with everything a test may do to it, as a value. Never knows HTTP."""

from typing import Any

import msgspec

from mockfoundry.cloudfoundry.generator import derive_guid
from mockfoundry.cloudfoundry.rate_limits import RateLimitWindow
from mockfoundry.cloudfoundry.world import World
from mockfoundry.journal.store import Journal
from mockfoundry.scenarios.engine import ScenarioProgress
from mockfoundry.scenarios.rule_index import CompiledScenarios


class EntityChange(msgspec.Struct, frozen=True):
    """One entity that a scenario changed.

    Attributes:
        table: of the world, or `settings`.
        before: its value until then; None where it was not there.
        after: its value from then on.
    """

    table: str
    key: str
    before: Any
    after: Any


class FoundationState(msgspec.Struct):
    """One foundation.

    Attributes:
        world: its organizations, apps, processes, clock and generator.
        seed: the world that it began as, and goes back to.
        lineup: the scenarios that are on, compiled; shared by foundations that play the same.
        progress: how far each of them has come here.
        changes: what each of them has changed in the world, so that it can be taken back.
        answered: how many requests there were.
        request_id_prefix: what the ids of all requests begin with.
        journal: what happened here.
        windows: the requests that the rate limiter has counted, by user guid.
        minted_tokens: how many were minted here.
        asked: when it was last asked for, in microseconds of the machine's clock.
    """

    name: str
    world: World
    seed: World
    lineup: CompiledScenarios
    progress: ScenarioProgress
    changes: dict[str, list[EntityChange]] = {}
    windows: dict[str, RateLimitWindow] = {}
    request_count: int = 0
    request_id_prefix: str = ""
    minted_tokens: int = 0
    last_used: int = 0
    journal: Journal = msgspec.field(default_factory=Journal)

    def next_request_id(self) -> str:
        """The id of the next request: a version 4 UUID that follows from the seed and the request's number."""
        number = self.request_count = self.request_count + 1
        if not self.request_id_prefix:
            self.request_id_prefix = derive_guid(self.world.seed, "requests", self.name)[:24]
        return f"{self.request_id_prefix}{number * _REQUEST_ID_FACTOR & _REQUEST_ID_MASK:012x}"


# An odd factor, so that neighbours look unlike each other and none is met twice.
_REQUEST_ID_FACTOR = 0x9E3779B97F4B
_REQUEST_ID_MASK = (1 << 48) - 1
