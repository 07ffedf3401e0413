"""The registry: every foundation of a server by its name, made on first use from the server's seed. Knows no HTTP."""

import re
from collections.abc import Iterator
from typing import Self

import msgspec

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.cloudfoundry.tokens import derive_issuer
from mockfoundry.cloudfoundry.world import World
from mockfoundry.foundations.effects import begin_scenario
from mockfoundry.foundations.foundation import FoundationState, copy_foundation
from mockfoundry.journal.store import (
    HitKey,
    Journal,
    SharedJournalBudget,
    add_hit_counts,
)
from mockfoundry.options import ServerOptions
from mockfoundry.scenarios.engine import ScenarioProgress
from mockfoundry.scenarios.rule_index import CompiledScenarios

DEFAULT_FOUNDATION = "default"
FOUNDATION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

BAD_FOUNDATION = CatalogueEntry("Mock-BadFoundationName", 990001, 400, "")
TOO_MANY_FOUNDATIONS = CatalogueEntry("Mock-TooManyFoundations", 990002, 503, "")


class ServerBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one server holds at most.

    Attributes:
        foundations: how many.
        journal: bytes that the journal of each may hold.
        journals: bytes that all journals may hold together.
        rules: of the scenarios that are on in one foundation.
        seed: bytes of a seed or a state.
        idle: microseconds of real time after which a foundation that was not used is deleted; None for never.
    """

    foundations: int = ServerOptions.max_foundations
    journal: int = ServerOptions.max_journal
    journals: int = ServerOptions.max_journals
    rules: int = ServerOptions.max_rules
    seed: int = ServerOptions.max_seed
    idle: int | None = ServerOptions.expire_idle

    @classmethod
    def from_options(cls, options: ServerOptions) -> Self:
        return cls(
            foundations=options.max_foundations,
            journal=options.max_journal,
            journals=options.max_journals,
            rules=options.max_rules,
            seed=options.max_seed,
            idle=options.expire_idle,
        )


class FoundationRegistry:
    """The foundations of one server.

    Args:
        seed: the world that each begins as a copy of.
        lineup: the scenarios that each begins with.

    Attributes:
        seed: the world that each begins as a copy of.
        hit_counts: of the journals of deleted foundations, so that coverage outlives them.
    """

    def __init__(self, seed: World, lineup: CompiledScenarios, bounds: ServerBounds = ServerBounds()) -> None:  # noqa: B008 (never changed)
        self.seed = seed
        self.bounds = bounds
        self.hit_counts: dict[HitKey, int] = {}
        self._lineup = lineup
        self._journal_budget = SharedJournalBudget(bounds.journals)
        self._foundations: dict[str, FoundationState] = {}
        self._last_sweep = 0
        self._made = 0

    def get_or_create(self, name: str, real: int) -> FoundationState:
        """The foundation of that name, made if there is none yet.

        Args:
            real: microseconds of the machine's clock.

        Raises:
            Refusal: the name is not valid, or there are too many foundations.
        """
        found = self._foundations.get(name)
        if found is not None and self.bounds.idle is None:
            return found
        return self.find_active(name, real) or self.create(name, None, real)

    def find(self, name: str) -> FoundationState | None:
        """The foundation of that name as it is, None if there is none."""
        return self._foundations.get(name)

    def find_active(self, name: str, real: int) -> FoundationState | None:
        """The foundation of that name, which is in use from now on; None if there is none, or it has expired."""
        found, idle = self._foundations.get(name), self.bounds.idle
        if found is None or idle is None:
            return found
        if has_expired(found, idle, real):
            self.delete(name)
            return None
        found.last_used = max(found.last_used, real)
        return found

    def create(self, name: str, seed: World | None, real: int) -> FoundationState:
        """A new foundation of that name; it replaces an existing one.

        Args:
            seed: the world that it begins as; None is the server's.

        Raises:
            Refusal: the name is not valid, or there are too many foundations.
        """
        self._must_have_room(name, real)
        world = self.seed if seed is None else seed
        journal = Journal(min(self.bounds.journal, self.bounds.journals), self._journal_budget)
        made = FoundationState(
            name, world.copy(), world, self._lineup, ScenarioProgress(), last_used=real, journal=journal
        )
        made.token_issuers = (self._next_token_issuer(name, real),)
        begin_all_scenarios(made, real)
        self.delete(name)
        self._foundations[name] = made
        return made

    def _next_token_issuer(self, name: str, real: int) -> str:
        self._made += 1
        return derive_issuer(name, self._made, real)

    def _must_have_room(self, name: str, real: int) -> None:
        """Raises Refusal where a name is not valid, or there are too many foundations for another one."""
        if not FOUNDATION_NAME.fullmatch(name):
            raise Refusal(
                BAD_FOUNDATION,
                "A foundation's name is 1 to 64 letters, digits, '-', '_' or '.', a letter or a digit first; "
                "take another one",
                why="foundation: bad name",
            )
        self.expire(real)
        if name not in self._foundations and len(self._foundations) >= self.bounds.foundations:
            raise Refusal(
                TOO_MANY_FOUNDATIONS,
                f"There are {self.bounds.foundations} foundations already; delete some, or start the server with "
                "a larger --max-foundations, or with --expire-idle",
                why="foundation: too many",
            )

    def delete(self, name: str) -> bool:
        """Deletes a foundation; gives whether there was one. The next request for its name makes a new one."""
        found = self._foundations.pop(name, None)
        if found is None:
            return False
        add_hit_counts(found.journal, self.hit_counts)
        found.journal.close()
        return True

    def expire(self, real: int) -> None:
        """Deletes the foundations that were not used for too long.

        It looks at all of them, so it does nothing if it did that a short time ago, unless there is no room.
        """
        idle = self.bounds.idle
        if idle is None or (real - self._last_sweep < idle // 4 and len(self._foundations) < self.bounds.foundations):
            return
        self._last_sweep = real
        for foundation in self:
            if has_expired(foundation, idle, real):
                self.delete(foundation.name)

    def reset(self, name: str, real: int) -> FoundationState | None:
        """Brings a foundation back to its seed: state, clock, scenarios, counters; None if there is none.

        It is the same foundation, so the tokens that it has minted count as before.
        """
        found = self.find_active(name, real)
        if found is None:
            return None
        made = self.create(name, found.seed, real)
        made.token_issuers = found.token_issuers
        return made

    def copy(self, name: str, other: str, real: int) -> FoundationState | None:
        """A copy of a foundation under another name; it replaces an existing one. None if there is no original.

        Its clock, chance, counters and journal are copied too.

        Raises:
            Refusal: the other name is not valid, or there are too many foundations.
        """
        found = self.find_active(name, real)
        if found is None or other == name:
            return found
        self._must_have_room(other, real)
        self.delete(other)
        made = self._foundations[other] = copy_foundation(found, other, self._next_token_issuer(other, real), real)
        return made

    def __iter__(self) -> Iterator[FoundationState]:
        return iter(tuple(self._foundations.values()))

    def __len__(self) -> int:
        return len(self._foundations)


def has_expired(foundation: FoundationState, idle: int, real: int) -> bool:
    """Whether a foundation was not used for that many microseconds; one whose journal is watched is in use."""
    return real - foundation.last_used >= idle and not foundation.journal.watchers


def begin_all_scenarios(foundation: FoundationState, real: int) -> None:
    """Starts the scenarios that a foundation begins with."""
    if foundation.lineup.scenarios:
        now = foundation.world.clock.now(real)
        for scenario in foundation.lineup.scenarios:
            begin_scenario(foundation, scenario, now)
