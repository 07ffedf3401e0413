"""The registry: every foundation of a server by its name, made on first use from the server's seed."""

import re
from collections.abc import Iterator

import msgspec

from mockfoundry.cloudfoundry.errors import CatalogueEntry, refuse
from mockfoundry.cloudfoundry.world import World
from mockfoundry.foundations.foundation import Foundation
from mockfoundry.foundations.playing import begin
from mockfoundry.journal import MOST_BYTES, Journal
from mockfoundry.scenarios import Lineup, Progress

DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

BAD_FOUNDATION = CatalogueEntry("Mock-BadFoundationName", 990001, 400, "")
TOO_MANY_FOUNDATIONS = CatalogueEntry("Mock-TooManyFoundations", 990002, 503, "")


class Registry:
    """The foundations of one server.

    Args:
        seed: the world that each begins as a copy of.
        lineup: the scenarios that each begins with.
        most: how many there may be.
        most_journal: bytes that the journal of each may hold.

    Attributes:
        seed: the world that each begins as a copy of.
    """

    def __init__(self, seed: World, lineup: Lineup, most: int = 20_000, most_journal: int = MOST_BYTES) -> None:
        self.seed = seed
        self._most_journal = most_journal
        self._lineup = lineup
        self._most = most
        self._foundations: dict[str, Foundation] = {}

    def named(self, name: str, real: int) -> Foundation:
        """The foundation of that name, made where there is none yet.

        Args:
            real: microseconds of the machine's clock.

        Raises:
            Refusal: the name is not one, or there are too many.
        """
        found = self._foundations.get(name)
        return self.create(name, None, real) if found is None else found

    def find(self, name: str) -> Foundation | None:
        """The foundation of that name, None where there is none."""
        return self._foundations.get(name)

    def create(self, name: str, seed: World | None, real: int) -> Foundation:
        """A new foundation of that name, in the place of the one there may be.

        Args:
            seed: the world that it begins as; None is the server's.

        Raises:
            Refusal: the name is not one, or there are too many.
        """
        if not NAME.fullmatch(name):
            raise refuse(
                BAD_FOUNDATION,
                "A foundation's name is 1 to 64 letters, digits, '-', '_' or '.', a letter or a digit first; "
                "take another one",
                why="foundation: bad name",
            )
        if name not in self._foundations and len(self._foundations) >= self._most:
            raise refuse(
                TOO_MANY_FOUNDATIONS,
                f"There are {self._most} foundations already; delete some, or raise --max-foundations",
                why="foundation: too many",
            )
        world = self.seed if seed is None else seed
        made = Foundation(name, world.copy(), world, self._lineup, Progress(), journal=Journal(self._most_journal))
        begin_all(made, real)
        self._foundations[name] = made
        return made

    def delete(self, name: str) -> bool:
        """Takes a foundation away; says whether there was one. Its name makes a new one when it is next asked for."""
        return self._foundations.pop(name, None) is not None

    def reset(self, name: str, real: int) -> Foundation | None:
        """Brings a foundation back to its seed: state, clock, scenarios, counters; None where there is none."""
        found = self._foundations.get(name)
        return None if found is None else self.create(name, found.seed, real)

    def copy(self, name: str, other: str, real: int) -> Foundation | None:
        """A foundation once more under another name, clock, chance and counters included; None where there is none.

        Raises:
            Refusal: the other name is not one, or there are too many.
        """
        found = self._foundations.get(name)
        if found is None:
            return None
        made = self.create(other, found.seed, real)
        made.world = found.world.copy()
        made.lineup = found.lineup
        made.progress = msgspec.convert(msgspec.to_builtins(found.progress), Progress)
        made.answered = found.answered
        made.journal = found.journal.copy()
        made.windows = {user: msgspec.structs.replace(window) for user, window in found.windows.items()}
        made.changes = {scenario: list(changes) for scenario, changes in found.changes.items()}
        return made

    def __iter__(self) -> Iterator[Foundation]:
        return iter(tuple(self._foundations.values()))

    def __len__(self) -> int:
        return len(self._foundations)


def begin_all(foundation: Foundation, real: int) -> None:
    """Starts the scenarios that a foundation begins with."""
    if foundation.lineup.scenarios:
        now = foundation.world.clock.now(real)
        for scenario in foundation.lineup.scenarios:
            begin(foundation, scenario, now)
