"""The registry: every foundation of a server by its name, made on first use from the server's seed. Knows no HTTP.

A name that was deleted stays away until a call makes it anew on purpose, so that a client which a test has left behind
does not go on in a world that nobody has prepared.
"""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.cloudfoundry.tokens import derive_issuer, derive_shared_issuer
from mockfoundry.cloudfoundry.world import World
from mockfoundry.foundations.bounds import ServerBounds
from mockfoundry.foundations.clock_waits import ClockWaits
from mockfoundry.foundations.effects import begin_scenario
from mockfoundry.foundations.foundation import FoundationState, copy_foundation
from mockfoundry.foundations.refusals import (
    TOO_MANY_FOUNDATIONS,
    bad_name_refusal,
    foundation_gone_refusal,
    other_shard_refusal,
    world_replaced_refusal,
)
from mockfoundry.foundations.request_totals import RequestTotals
from mockfoundry.foundations.shards import Shard
from mockfoundry.journal.budget import SharedJournalBudget
from mockfoundry.journal.hit_counts import HitKey
from mockfoundry.journal.store import Journal, add_hit_counts
from mockfoundry.scenarios.engine import ScenarioProgress
from mockfoundry.scenarios.rule_index import CompiledScenarios

if TYPE_CHECKING:
    from mockfoundry.foundations.snapshots import ReadFoundation

DEFAULT_FOUNDATION = "default"
FOUNDATION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

MAX_GONE_NAMES = 10_000
"""How many names a registry remembers whose foundations are gone; beyond that it forgets the earliest."""

WAS_DELETED = "was deleted"
HAS_EXPIRED = "has expired (--expire-idle)"
"""Why a foundation is gone, in words."""


class SnapshotWantedError(Exception):
    """It is not known yet whether a snapshot of a foundation is kept; whoever asks has to look first, and ask again.

    Attributes:
        name: of the foundation.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class KeptSnapshots(Protocol):
    """What the registry knows of snapshots that are kept elsewhere."""

    def is_wanted(self, name: str) -> bool:
        """Whether it is to be looked whether there is one of that name."""
        ...


def leave_as_it_is(_foundation: FoundationState) -> None:
    """Adds nothing to a foundation."""


class FoundationRegistry:
    """The foundations of one server.

    Args:
        initial_world: what each begins as a copy of, unless it is made with a world of its own.
        initial_scenarios: what each begins with, unless it is made without them.
        compiled_scenarios: the scenarios that each begins with.
        shard: the share of this server; None where it has all foundations.

    Attributes:
        initial_world: what each begins as a copy of, unless it is made with a world of its own.
        hit_counts: of the journals of deleted foundations, so that coverage outlives them.
        ended_totals: of the same, for metrics.
        clock_waits: what waits for moments of the foundations' clocks.
        end_watchers: called with each generation that ends: its foundation is deleted, or its world is replaced.
        kept_snapshots: what is kept of foundations elsewhere; None where nothing is.
    """

    def __init__(
        self,
        initial_world: World,
        compiled_scenarios: CompiledScenarios,
        bounds: ServerBounds = ServerBounds(),  # noqa: B008 (never changed)
        shard: Shard | None = None,
    ) -> None:
        self.initial_world = initial_world
        self.bounds = bounds
        self.shard = shard
        self.hit_counts: dict[HitKey, int] = {}
        self.ended_totals = RequestTotals(DEFAULT_FOUNDATION)
        self.clock_waits = ClockWaits()
        self.end_watchers: list[Callable[[int], None]] = [self.clock_waits.wake_generation]
        self.initial_scenarios = compiled_scenarios
        self.kept_snapshots: KeptSnapshots | None = None
        self._journal_budget = SharedJournalBudget(bounds.journals)
        self._foundations: dict[str, FoundationState] = {}
        self._gone: dict[str, str] = {}
        self._made = 0
        self._live = set[int]()
        self._last_sweep = 0

    def get_or_create(self, name: str, real_time: int) -> FoundationState:
        """The foundation of that name, made if there was none yet.

        Args:
            real_time: microseconds of the machine's clock.

        Raises:
            Refusal: there was one, which is gone; the name is not valid; or there are too many foundations.
            SnapshotWantedError: a snapshot of it may be kept.
        """
        found = self._foundations.get(name)
        if found is not None and self.bounds.idle is None:
            return found
        return self.find_active(name, real_time) or self._create_on_first_use(name, real_time)

    def _create_on_first_use(self, name: str, real_time: int) -> FoundationState:
        if name in self._gone:
            raise foundation_gone_refusal(name, self._gone[name])
        return self.create(name, None, real_time)

    def must_be_current(self, name: str, generation: int, real_time: int) -> None:
        """Raises Refusal where a generation of a foundation has ended: it is gone, or has another world.

        Args:
            real_time: microseconds of the machine's clock.
        """
        current = self._find_in_use(name, real_time)
        if current is None:
            raise foundation_gone_refusal(name, self.describe_absence(name) or HAS_EXPIRED)
        if current.generation != generation:
            raise world_replaced_refusal(name)

    def is_live(self, generation: int) -> bool:
        """Whether there is a foundation of that generation: neither was it deleted, nor its world replaced."""
        return generation in self._live

    def describe_absence(self, name: str) -> str:
        """Why the foundation of a name is gone, as a verb with what follows; empty where that is not known."""
        return "" if name in self._foundations else self._gone.get(name, "")

    def find(self, name: str) -> FoundationState | None:
        """The foundation of that name as it is, None if there is none."""
        return self._foundations.get(name)

    def find_active(self, name: str, real_time: int) -> FoundationState | None:
        """The foundation of that name, which is in use from now on; None if there is none, or it has expired.

        Raises:
            SnapshotWantedError: a snapshot of it may be kept.
        """
        found = self._find_in_use(name, real_time)
        if found is None and self.kept_snapshots is not None:
            may_be_kept = name not in self._gone and self.owns(name) and FOUNDATION_NAME.fullmatch(name)
            if may_be_kept and self.kept_snapshots.is_wanted(name):
                raise SnapshotWantedError(name)
        return found

    def _find_in_use(self, name: str, real_time: int) -> FoundationState | None:
        found, idle = self._foundations.get(name), self.bounds.idle
        if found is None or idle is None:
            return found
        if has_expired(found, idle, real_time):
            self._expire_one(found)
            return None
        found.last_used = max(found.last_used, real_time)
        return found

    def create(
        self,
        name: str,
        world: World | None,
        real_time: int,
        scenarios: CompiledScenarios | None = None,
        furnish: Callable[[FoundationState], None] = leave_as_it_is,
    ) -> FoundationState:
        """A new foundation of that name; it replaces an existing one.

        Args:
            world: that it begins as; None is the server's.
            scenarios: that it begins with; None is the server's.
            furnish: called with it before it takes its place; where that raises, everything is as it was.

        Raises:
            Refusal: the name is not valid, or there are too many foundations.
        """
        self._must_have_room(name, real_time)
        world = self.initial_world if world is None else world
        scenarios = self.initial_scenarios if scenarios is None else scenarios
        journal = self._open_journal()
        made = FoundationState(
            name,
            self._next_generation(),
            world.copy(),
            world,
            scenarios,
            scenarios,
            ScenarioProgress(),
            last_used=real_time,
            journal=journal,
        )
        made.token_issuers = (self._name_issuer(name, made.generation, real_time),)
        begin_all_scenarios(made, real_time)
        try:
            furnish(made)
        except Exception:
            journal.close()
            raise
        self._put(made)
        return made

    def restore(self, read: "ReadFoundation", real_time: int) -> FoundationState:
        """A foundation as it was in a snapshot; it replaces an existing one.

        Raises:
            Refusal: there are too many foundations.
        """
        self._must_have_room(read.state.name, real_time)
        journal = self._open_journal()
        made = replace(read.state, generation=self._next_generation(), last_used=real_time, journal=journal)
        journal.take_content(read.journal)
        self._put(made)
        return made

    def _open_journal(self) -> Journal:
        return Journal(min(self.bounds.journal, self.bounds.journals), self._journal_budget)

    def _name_issuer(self, name: str, generation: int, real_time: int) -> str:
        """The issuer of a foundation's tokens. Each shard mints them for all, so all know its name."""
        if self.shard is not None:
            return derive_shared_issuer(name)
        return derive_issuer(name, generation, real_time)

    def owns(self, name: str) -> bool:
        """Whether the foundation of a name is, or would be, on this server."""
        return self.shard is None or self.shard.has(name)

    def make_stand_in(self, name: str, real_time: int) -> FoundationState:
        """What a foundation of another shard begins as: it mints tokens that count there, and is forgotten then."""
        return FoundationState(
            name,
            0,
            self.initial_world.copy(),
            self.initial_world,
            CompiledScenarios(),
            CompiledScenarios(),
            ScenarioProgress(),
            last_used=real_time,
            token_issuers=(derive_shared_issuer(name),),
        )

    def must_own(self, name: str) -> None:
        """Raises Refusal where the foundation of a name is on another shard."""
        if self.shard is not None and not self.shard.has(name):
            raise other_shard_refusal(name, self.shard)

    def take_back(self, made: FoundationState) -> None:
        """Takes away a foundation that was made for a call which has failed: its name is as it was before."""
        self._end(made.name)

    def _must_have_room(self, name: str, real_time: int) -> None:
        """Raises Refusal where a name is not valid, or there are too many foundations for another one."""
        if not FOUNDATION_NAME.fullmatch(name):
            raise bad_name_refusal(name)
        self.must_own(name)
        self.expire(real_time)
        if name not in self._foundations and len(self._foundations) >= self.bounds.foundations:
            raise Refusal(
                TOO_MANY_FOUNDATIONS,
                f"There are {self.bounds.foundations} foundations already; delete some, or start the server with "
                "a larger --max-foundations, or with --expire-idle",
                why="foundation: too many",
            )

    def _next_generation(self) -> int:
        self._made += 1
        return self._made

    def _put(self, made: FoundationState) -> None:
        """Puts a foundation in the place of the one that has its name, if there is one."""
        self._end(made.name)
        self._foundations[made.name] = made
        self._live.add(made.generation)

    def delete(self, name: str) -> bool:
        """Deletes a foundation; gives whether there was one. Its name stays away until it is made anew on purpose."""
        is_there = self._end(name)
        if is_there:
            self._remember_gone(name, WAS_DELETED)
        return is_there

    def _end(self, name: str) -> bool:
        """Ends the foundation of a name; gives whether there was one. What waits for it is told."""
        found = self._foundations.pop(name, None)
        if found is None:
            return False
        add_hit_counts(found.journal, self.hit_counts)
        self.ended_totals.add(found)
        found.journal.close()
        self._end_generation(found.generation)
        return True

    def _end_generation(self, generation: int) -> None:
        self._live.discard(generation)
        for watcher in self.end_watchers:
            watcher(generation)

    def replace_world(self, foundation: FoundationState, world: World) -> None:
        """Gives a foundation another world; everything else of it stays, but what waits for the world that goes."""
        ended, foundation.generation = foundation.generation, self._next_generation()
        foundation.world = world
        self._live.add(foundation.generation)
        self._end_generation(ended)

    def _expire_one(self, foundation: FoundationState) -> None:
        """Ends a foundation that was not used for too long. A world that the next request would make again may come
        back with it; one of another seed may not."""
        self._end(foundation.name)
        if foundation.initial_world is self.initial_world:
            self._gone.pop(foundation.name, None)
        else:
            self._remember_gone(foundation.name, HAS_EXPIRED)

    def _remember_gone(self, name: str, how: str) -> None:
        self._gone.pop(name, None)
        self._gone[name] = how
        if len(self._gone) > MAX_GONE_NAMES:
            del self._gone[next(iter(self._gone))]

    def expire(self, real_time: int) -> None:
        """Deletes the foundations that were not used for too long.

        It looks at all of them, so it does nothing if it did that a short time ago, unless there is no room.
        """
        idle = self.bounds.idle
        if idle is None or (
            real_time - self._last_sweep < idle // 4 and len(self._foundations) < self.bounds.foundations
        ):
            return
        self._last_sweep = real_time
        for foundation in self:
            if has_expired(foundation, idle, real_time):
                self._expire_one(foundation)

    def reset(self, name: str, real_time: int) -> FoundationState | None:
        """Brings a foundation back to its seed: state, clock, scenarios, counters; None if there is none.

        It is the same foundation, so the tokens that it has minted count as before.
        """
        found = self.find_active(name, real_time)
        if found is None:
            return None
        made = self.create(name, found.initial_world, real_time, found.initial_scenarios)
        made.token_issuers = found.token_issuers
        return made

    def copy(self, name: str, other: str, real_time: int) -> FoundationState | None:
        """A copy of a foundation under another name; it replaces an existing one. None if there is no original.

        Its clock, chance, counters and journal are copied too.

        Raises:
            Refusal: the other name is not valid, or there are too many foundations.
        """
        found = self.find_active(name, real_time)
        if found is None or other == name:
            return found
        self._must_have_room(other, real_time)
        generation = self._next_generation()
        issuer = self._name_issuer(other, generation, real_time)
        made = copy_foundation(found, other, generation, issuer, real_time)
        self._put(made)
        return made

    def replace_beginning(self, world: World, scenarios: CompiledScenarios) -> None:
        """Has foundations begin as another world and with other scenarios: new ones, and at a reset those that began as
        the server says."""
        for foundation in self:
            if foundation.initial_world is self.initial_world:
                foundation.initial_world = world
            if foundation.initial_scenarios is self.initial_scenarios:
                foundation.initial_scenarios = scenarios
        self.initial_world, self.initial_scenarios = world, scenarios

    def total_requests(self) -> RequestTotals:
        """What all foundations have counted, the ended ones included."""
        totals = self.ended_totals.copy()
        for foundation in self:
            totals.add(foundation)
        return totals

    def __iter__(self) -> Iterator[FoundationState]:
        return iter(tuple(self._foundations.values()))

    def __len__(self) -> int:
        return len(self._foundations)


def has_expired(foundation: FoundationState, idle: int, real_time: int) -> bool:
    """Whether a foundation was not used for that many microseconds; one whose journal is watched is in use."""
    return real_time - foundation.last_used >= idle and not foundation.journal.watchers


def begin_all_scenarios(foundation: FoundationState, real_time: int) -> None:
    """Starts the scenarios that a foundation begins with."""
    if foundation.compiled_scenarios.scenarios:
        now = foundation.world.clock.now(real_time)
        for scenario in foundation.compiled_scenarios.scenarios:
            begin_scenario(foundation, scenario, now)
