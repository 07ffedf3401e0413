"""Near misses: which rule came nearest to a request that none took, condition by condition. Changes no counter."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from mockfoundry.contract import brief
from mockfoundry.documents import duration_text
from mockfoundry.scenarios.conditions import Asked
from mockfoundry.scenarios.engine import Progress, count_of, counted_for, state_of
from mockfoundry.scenarios.lineup import Lineup, Ready

MOST_COMPARED = 256
"""How many rules are compared with a request."""


class Checked(msgspec.Struct, frozen=True):
    """One condition of a rule against one request.

    Attributes:
        what: what it is about: `operation`, `body instances`, `state`, `times`, …
        wanted, got: as JSON's values or in words.
    """

    what: str
    held: bool
    wanted: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.what}: wanted {brief(self.wanted)}, got {brief(self.got)}"


class NearMiss(msgspec.Struct, frozen=True):
    """The rule that came nearest.

    Attributes:
        rule: in its scenario, from 1.
        conditions: all of them, those that held too.
    """

    scenario: str
    rule: int
    conditions: tuple[Checked, ...]

    @property
    def failed(self) -> tuple[Checked, ...]:
        """The conditions that did not hold."""
        return tuple(checked for checked in self.conditions if not checked.held)

    def __str__(self) -> str:
        return f"scenario {self.scenario}, rule {self.rule}: " + "; ".join(str(each) for each in self.failed)


def near_miss(lineup: Lineup, progress: Progress, asked: Asked, now: int) -> NearMiss | None:
    """The rule that came nearest to a request that no rule took: the one with the fewest conditions that did not hold.

    It is told from how things stand now, so it is to be asked at once after `decide`.

    Returns:
        None where no scenario is on, or where nearly nothing of any rule held.
    """
    nearest: NearMiss | None = None
    least = (0, 0)
    for ready in compared(lineup, asked):
        if not concerned(ready, asked):
            continue
        miss = NearMiss(ready.scenario.name, ready.number, tuple(checks(ready, progress, asked, now)))
        failed = len(miss.failed)
        rank = (failed, ready.position)
        if failed < len(miss.conditions) and (nearest is None or rank < least):
            nearest, least = miss, rank
    return nearest


def concerned(ready: Ready, asked: Asked) -> bool:
    """Whether a rule can be called near at all; one for another operation only where all else of `when` holds.

    Also where the one operation is the other's neighbour by name, as scaleProcess is scaleProcessForApp's.
    """
    operations = ready.rule.operation
    if not operations or asked.operation in operations:
        return True
    if asked.operation and any(
        each.startswith(asked.operation) or asked.operation.startswith(each) for each in operations
    ):
        return True
    return bool(ready.conditions) and all(condition.holds(asked) for condition in ready.conditions)


def compared(lineup: Lineup, asked: Asked) -> list[Ready]:
    """The rules worth comparing: those that the index leads to, then those for the operation, then those for others."""
    operation = asked.operation
    table = lineup.table(operation)
    mine = [] if table is None else list(islice(table.candidates(asked), MOST_COMPARED // 2))
    others: list[Ready] = []
    for ready in lineup.rules:
        if not ready.rule.operation or operation in ready.rule.operation:
            mine.append(ready)
            if len(mine) == MOST_COMPARED:
                break
        elif len(others) < MOST_COMPARED:
            others.append(ready)
    return (mine + others)[:MOST_COMPARED]


def checks(ready: Ready, progress: Progress, asked: Asked, now: int) -> Iterator[Checked]:
    """The conditions of one rule, in the order of a rule's keys."""
    rule = ready.rule
    if rule.operation:
        wanted = rule.operation[0] if len(rule.operation) == 1 else list(rule.operation)
        yield Checked("operation", asked.operation in rule.operation, wanted, asked.operation or "an unknown route")
    for condition in ready.conditions:
        place = condition.place if condition.place != "headers" else "header"
        yield Checked(f"{place} {condition.name}", condition.holds(asked), condition.wanted, condition.got(asked))
    key = counted_for(ready, asked)
    if rule.state:
        state = state_of(ready, progress, key)
        yield Checked("state", state in rule.state, " or ".join(rule.state), state)
    yield from time_checks(ready, progress, now)
    yield from count_checks(ready, progress, key)


def time_checks(ready: Ready, progress: Progress, now: int) -> Iterator[Checked]:
    passed = now - progress.since.get(ready.scenario.name, now)
    for what, limit, held in (
        ("for", ready.scenario.for_, passed < (ready.scenario.for_ or 0)),
        ("from", ready.rule.from_, passed >= (ready.rule.from_ or 0)),
        ("until", ready.rule.until, passed < (ready.rule.until or 0)),
    ):
        if limit is not None:
            yield Checked(what, held, duration_text(limit), f"{duration_text(passed)} after it was switched on")


def count_checks(ready: Ready, progress: Progress, key: str) -> Iterator[Checked]:
    rule = ready.rule
    count = count_of(progress, ready.scenario.name, ready.counter + key)
    seen, answered = (0, 0) if count is None else (count.seen, count.answered)
    if rule.after:
        yield Checked("after", answered > 0, f"{rule.after} let through first", f"{seen} let through so far")
    if ready.last is not None:
        what = "times" if rule.respond is not None else "sequence"
        yield Checked(what, answered < ready.last, f"{ready.last} in all", f"{answered} answered before")
    if rule.chance < 1.0:
        yield Checked("chance", False, rule.chance, "not drawn")
