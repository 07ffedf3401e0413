"""The registry: every foundation of a server by its name, made on first use from the server's seed."""

import re
from collections.abc import Iterator
from typing import Self

import msgspec

from mockfoundry.cloudfoundry.errors import CatalogueEntry, refuse
from mockfoundry.cloudfoundry.world import World
from mockfoundry.foundations.effects import begin_scenario
from mockfoundry.foundations.foundation import FoundationState
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
        idle: microseconds of real time after which a foundation that nobody asked for is no more; None for never.
    """

    foundations: int = ServerOptions.max_foundations
    journal: int = ServerOptions.max_journal
    journals: int = ServerOptions.max_journals
    rules: int = ServerOptions.max_rules
    idle: int | None = ServerOptions.expire_idle

    @classmethod
    def from_options(cls, options: ServerOptions) -> Self:
        return cls(
            foundations=options.max_foundations,
            journal=options.max_journal,
            journals=options.max_journals,
            rules=options.max_rules,
            idle=options.expire_idle,
        )


class FoundationRegistry:
    """The foundations of one server.

    Args:
        seed: the world that each begins as a copy of.
        lineup: the scenarios that each begins with.

    Attributes:
        seed: the world that each begins as a copy of.
        met: what the clients of foundations that are no more had met, so that coverage outlives them.
    """

    def __init__(self, seed: World, lineup: CompiledScenarios, bounds: ServerBounds = ServerBounds()) -> None:  # noqa: B008 (never changed)
        self.seed = seed
        self.bounds = bounds
        self.hit_counts: dict[HitKey, int] = {}
        self._lineup = lineup
        self._journal_budget = SharedJournalBudget(bounds.journals)
        self._foundations: dict[str, FoundationState] = {}
        self._last_sweep = 0

    def get_or_create(self, name: str, real: int) -> FoundationState:
        """The foundation of that name, made where there is none yet.

        Args:
            real: microseconds of the machine's clock.

        Raises:
            Refusal: the name is not one, or there are too many.
        """
        found = self._foundations.get(name)
        if found is None or (self.bounds.idle is not None and self._mark_used(found, real) is None):
            return self.create(name, None, real)
        return found

    def find(self, name: str) -> FoundationState | None:
        """The foundation of that name as it is, None where there is none."""
        return self._foundations.get(name)

    def find_active(self, name: str, real: int) -> FoundationState | None:
        """The foundation of that name, which somebody asks for; None where there is none, or where it has expired."""
        found = self._foundations.get(name)
        return found if found is None or self.bounds.idle is None else self._mark_used(found, real)

    def _mark_used(self, found: FoundationState, real: int) -> FoundationState | None:
        """A foundation that is asked for, None where it has expired before."""
        if self._has_expired(found, real):
            self.delete(found.name)
            return None
        found.last_used = max(found.last_used, real)
        return found

    def _has_expired(self, found: FoundationState, real: int) -> bool:
        idle = self.bounds.idle
        return idle is not None and real - found.last_used >= idle and not found.journal.watchers

    def create(self, name: str, seed: World | None, real: int) -> FoundationState:
        """A new foundation of that name, in the place of the one there may be.

        Args:
            seed: the world that it begins as; None is the server's.

        Raises:
            Refusal: the name is not one, or there are too many.
        """
        if not FOUNDATION_NAME.fullmatch(name):
            raise refuse(
                BAD_FOUNDATION,
                "A foundation's name is 1 to 64 letters, digits, '-', '_' or '.', a letter or a digit first; "
                "take another one",
                why="foundation: bad name",
            )
        self.expire(real)
        if name not in self._foundations and len(self._foundations) >= self.bounds.foundations:
            raise refuse(
                TOO_MANY_FOUNDATIONS,
                f"There are {self.bounds.foundations} foundations already; delete some, or start the server with "
                "a larger --max-foundations, or with --expire-idle",
                why="foundation: too many",
            )
        world = self.seed if seed is None else seed
        journal = Journal(min(self.bounds.journal, self.bounds.journals), self._journal_budget)
        made = FoundationState(
            name, world.copy(), world, self._lineup, ScenarioProgress(), last_used=real, journal=journal
        )
        begin_all_scenarios(made, real)
        self.delete(name)
        self._foundations[name] = made
        return made

    def delete(self, name: str) -> bool:
        """Takes a foundation away; says whether there was one. Its name makes a new one when it is next asked for."""
        found = self._foundations.pop(name, None)
        if found is None:
            return False
        add_hit_counts(found.journal, self.hit_counts)
        found.journal.close()
        return True

    def expire(self, real: int) -> None:
        """Takes away the foundations that nobody has asked for in a while; not at every call, since it looks at all."""
        idle = self.bounds.idle
        if idle is None or (real - self._last_sweep < idle // 4 and len(self._foundations) < self.bounds.foundations):
            return
        self._last_sweep = real
        for name in [each.name for each in self if self._has_expired(each, real)]:
            self.delete(name)

    def reset(self, name: str, real: int) -> FoundationState | None:
        """Brings a foundation back to its seed: state, clock, scenarios, counters; None where there is none."""
        found = self.find_active(name, real)
        return None if found is None else self.create(name, found.seed, real)

    def copy(self, name: str, other: str, real: int) -> FoundationState | None:
        """A foundation once more by another name, in the place of the one that may have it; None where there is none.

        Its clock, chance and counters are copied too.

        Raises:
            Refusal: the other name is not one, or there are too many.
        """
        found = self.find_active(name, real)
        if found is None or other == name:
            return found
        made = self.create(other, found.seed, real)
        made.journal.close()
        made.world = found.world.copy()
        made.lineup = found.lineup
        made.progress = msgspec.convert(msgspec.to_builtins(found.progress), ScenarioProgress)
        made.request_count, made.minted_tokens = found.request_count, found.minted_tokens
        made.journal = found.journal.copy()
        made.windows = {user: msgspec.structs.replace(window) for user, window in found.windows.items()}
        made.changes = {scenario: list(changes) for scenario, changes in found.changes.items()}
        return made

    def __iter__(self) -> Iterator[FoundationState]:
        return iter(tuple(self._foundations.values()))

    def __len__(self) -> int:
        return len(self._foundations)


def begin_all_scenarios(foundation: FoundationState, real: int) -> None:
    """Starts the scenarios that a foundation begins with."""
    if foundation.lineup.scenarios:
        now = foundation.world.clock.now(real)
        for scenario in foundation.lineup.scenarios:
            begin_scenario(foundation, scenario, now)
