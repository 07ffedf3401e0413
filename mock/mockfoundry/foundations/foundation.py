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
        before: its value before the change; None where there was none.
        after: its value after the change; None for a process that it took away.
    """

    table: str
    key: str
    before: Any
    after: Any


class FoundationState(msgspec.Struct):
    """One foundation.

    Attributes:
        generation: the number of its world among all that its registry has made; a reset makes another one,
            and so does a state that replaces it.
        world: its organizations, apps, processes, clock and generator.
        initial_world: the world that it began as, and that a reset brings back.
        initial_scenarios: the scenarios that it began with, and that a reset switches on again.
        compiled_scenarios: the scenarios that are on, compiled; foundations that play the same ones share it.
        progress: how far each of them has come here.
        changes: what each of them has changed in the world, so that it can be reverted.
        windows: the requests that the rate limiter has counted, by user guid.
        request_count: how many requests there were.
        request_id_prefix: what the ids of all requests begin with; empty before the first.
        minted_tokens: how many tokens were minted here.
        token_issuers: whose tokens count here: its own, the last one, and those of the foundations it is a copy of.
        last_used: when it was last used, in microseconds of the machine's clock.
        journal: what happened here.
    """

    name: str
    generation: int
    world: World
    initial_world: World
    initial_scenarios: CompiledScenarios
    compiled_scenarios: CompiledScenarios
    progress: ScenarioProgress
    changes: dict[str, list[EntityChange]] = {}
    windows: dict[str, RateLimitWindow] = {}
    request_count: int = 0
    request_id_prefix: str = ""
    minted_tokens: int = 0
    token_issuers: tuple[str, ...] = ()
    last_used: int = 0
    journal: Journal = msgspec.field(default_factory=Journal)

    def next_token_number(self) -> int:
        """A number that no other token of the foundation has."""
        self.minted_tokens += 1
        return self.minted_tokens

    def next_request_id(self) -> str:
        """The id of the next request: a version 4 UUID, determined by the seed and the request's number."""
        number = self.request_count = self.request_count + 1
        if not self.request_id_prefix:
            self.request_id_prefix = derive_guid(self.world.random_seed, "requests", self.name)[:24]
        return f"{self.request_id_prefix}{number * _REQUEST_ID_FACTOR & _REQUEST_ID_MASK:012x}"


# Odd, so that no two numbers give the same id; large, so that ids of neighbours do not look alike.
_REQUEST_ID_FACTOR = 0x9E3779B97F4B
_REQUEST_ID_MASK = (1 << 48) - 1


MAX_TOKEN_ISSUERS = 64
"""How long a chain of copies of copies may be whose tokens count; of a longer one the latest do."""


def copy_foundation(
    foundation: FoundationState, name: str, generation: int, token_issuer: str, real_time: int
) -> FoundationState:
    """A copy with its own name and request ids; what happens in one of the two does not change the other.

    Tokens of the original count in the copy too, and those of the copy in the copy alone.

    Args:
        generation: of the copy.
        token_issuer: of the copy.
        real_time: microseconds of the machine's clock: when the copy is first used.
    """
    return FoundationState(
        name,
        generation,
        foundation.world.copy(),
        foundation.initial_world,
        foundation.initial_scenarios,
        foundation.compiled_scenarios,
        msgspec.convert(msgspec.to_builtins(foundation.progress), ScenarioProgress),
        changes={scenario: list(changes) for scenario, changes in foundation.changes.items()},
        windows={user: msgspec.structs.replace(window) for user, window in foundation.windows.items()},
        request_count=foundation.request_count,
        minted_tokens=foundation.minted_tokens,
        token_issuers=(*foundation.token_issuers, token_issuer)[-MAX_TOKEN_ISSUERS:],
        last_used=real_time,
        journal=foundation.journal.copy(),
    )
