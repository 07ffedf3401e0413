"""The registry: every foundation of a server by its name, made on first use from the server's seed."""

import re
from collections.abc import Iterator

from mockfoundry.cloudfoundry.errors import CatalogueEntry, refuse
from mockfoundry.cloudfoundry.world import World
from mockfoundry.foundations.foundation import Foundation
from mockfoundry.scenarios import Lineup, Progress

DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

BAD_FOUNDATION = CatalogueEntry("Mock-BadFoundationName", 990001, 400, "")
TOO_MANY_FOUNDATIONS = CatalogueEntry("Mock-TooManyFoundations", 990002, 503, "")


class Registry:
    """The foundations of one server.

    Args:
        seed: the world that each begins as a copy of.
        lineup: the scenarios that each begins with.
        most: how many there may be.
    """

    def __init__(self, seed: World, lineup: Lineup, most: int = 20_000) -> None:
        self._seed = seed
        self._lineup = lineup
        self._most = most
        self._foundations: dict[str, Foundation] = {}

    def named(self, name: str) -> Foundation:
        """The foundation of that name, made where there is none yet.

        Raises:
            Refusal: the name is not one, or there are too many.
        """
        found = self._foundations.get(name)
        return self._made(name) if found is None else found

    def __iter__(self) -> Iterator[Foundation]:
        return iter(self._foundations.values())

    def __len__(self) -> int:
        return len(self._foundations)

    def _made(self, name: str) -> Foundation:
        if not NAME.fullmatch(name):
            raise refuse(
                BAD_FOUNDATION,
                "A foundation's name is 1 to 64 letters, digits, '-', '_' or '.'; take another one",
                why="foundation: bad name",
            )
        if len(self._foundations) >= self._most:
            raise refuse(
                TOO_MANY_FOUNDATIONS,
                f"There are {self._most} foundations already; delete some, or raise --max-foundations",
                why="foundation: too many",
            )
        made = Foundation(name, self._seed.copy(), self._lineup, Progress())
        self._foundations[name] = made
        return made
