"""Judging: what a run came to, by its exit code and the world that it left. Never runs anything."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mockfoundry.client.values import Change
from mockfoundry.torture.commands import Ended
from mockfoundry.torture.trials import Trial

Outcome = Literal["survived", "failed cleanly", "failed halfway", "false success", "timed out", "switched off"]

SERIOUS: frozenset[Outcome] = frozenset({"failed halfway", "false success", "timed out"})
"""What counts as broken, whoever asks. Of a run that switched off its own failures nothing is known."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

World = Mapping[str, Change]
"""What is another way than in the seed, by where it is."""

_FOLLOWS_TIME = re.compile(r"/processes/[^/]+/(version|registry_credential_last_synced_at)$")
"""What is never the same twice, and nobody's mistake."""


@dataclass(frozen=True)
class Left:
    """One thing that a run left another way than the clean run did.

    Attributes:
        before: at the beginning.
        after: when the run had ended.
        clean: when the clean run had ended.
    """

    where: str
    before: Any
    after: Any
    clean: Any

    def __str__(self) -> str:
        what = f"stayed {self.after!r}" if self.after == self.before else f"{self.before!r} became {self.after!r}"
        return f"{self.where}: {what}; after the clean run it is {self.clean!r}"


@dataclass(frozen=True)
class Finding:
    """What one trial came to.

    Attributes:
        met: whether the command met every failure of it.
        calls: how often it called each operation.
        left: what it left behind.
    """

    trial: Trial
    outcome: Outcome
    met: bool
    calls: Mapping[str, int]
    left: tuple[Left, ...]
    ended: Ended

    def is_broken(self, strict: bool = False) -> bool:
        """Whether a good client comes to something else.

        Args:
            strict: whether it counts too where it failed cleanly.
        """
        return self.outcome in SERIOUS or (strict and self.outcome == "failed cleanly")


def world_of(changes: Iterable[Change]) -> World:
    return {each.where: each for each in changes if not _FOLLOWS_TIME.search(each.where)}


def varying(world: World, other: World) -> frozenset[str]:
    """Where two worlds are not the same."""
    return frozenset(where for where in (*world, *other) if world.get(where) != other.get(where))


def without(world: World, places: Collection[str]) -> World:
    return {where: change for where, change in world.items() if where not in places}


def judged(ended: Ended, world: World, beginning: World, clean: World) -> Outcome:
    """What a run came to.

    Args:
        world: that it left.
        beginning: where it began.
        clean: where the clean run ended.
    """
    if ended.code is None:
        return "timed out"
    if ended.code == 0:
        return "survived" if world == clean else "false success"
    return "failed cleanly" if world in (beginning, clean) else "failed halfway"


def left_behind(world: World, beginning: World, clean: World) -> Iterator[Left]:
    """What is another way than after the clean run.

    Args: as for `judged`.
    """
    for where in dict.fromkeys((*world, *clean)):
        seeded = (world.get(where) or clean[where]).before
        before, after, expected = (value(each, where, seeded) for each in (beginning, world, clean))
        if after != expected:
            yield Left(where, before, after, expected)


def value(world: World, where: str, seeded: Any) -> Any:
    change = world.get(where)
    return seeded if change is None else change.after
