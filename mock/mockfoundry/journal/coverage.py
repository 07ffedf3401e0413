"""Coverage: which documented answers and faults a client has really met, and which not. Counts nothing itself."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from mockfoundry.contract import Contract, Plan
from mockfoundry.journal.journal import Cell
from mockfoundry.journal.retries import columns

FAULTS = ("reset", "empty", "truncate", "garbage", "hang", "dribble")


class Square(msgspec.Struct, frozen=True):
    """One thing that a client may meet: a documented status, or a fault with the phase it comes in.

    Attributes:
        status: documented; 0 where it is a fault.
        fault: empty where it is a status.
        phase: of a fault: `before` the change, or `after` it, the change kept; empty where it is a status.
        times: how often it was met.
    """

    operation: str
    status: int
    fault: str
    phase: str
    times: int

    @property
    def name(self) -> str:
        return f"{self.fault} {self.phase}" if self.fault else str(self.status)


class Coverage(msgspec.Struct, frozen=True):
    """How much of the contract a client has met.

    Attributes:
        percent: of the squares, met at least once, rounded down to a tenth.
        undocumented: what was met beside them, by operation and status.
    """

    percent: float
    met: int
    of: int
    squares: list[Square]
    undocumented: dict[str, dict[str, int]]


def covered(contract: Contract, met: Mapping[Cell, int], operations: Iterable[str] = ()) -> Coverage:
    """The coverage of a contract by what journals have met.

    Args:
        operations: only these; none for all.
    """
    chosen = tuple(operations) or tuple(contract.plans)
    squares: list[Square] = []
    for name in chosen:
        squares.extend(squares_of(contract.plans[name], met))
    count = sum(square.times > 0 for square in squares)
    undocumented: dict[str, dict[str, int]] = {}
    for (operation, status, fault, _), times in met.items():
        plan = contract.plans.get(operation)
        if plan is not None and operation in chosen and not fault and status not in plan.responses:
            statuses = undocumented.setdefault(operation, {})
            statuses[str(status)] = statuses.get(str(status), 0) + times
    return Coverage(percent_of(count, len(squares)), count, len(squares), squares, undocumented)


def percent_of(met: int, of: int) -> float:
    """How much was met, rounded down to a tenth."""
    return met * 1000 // of / 10 if of else 100.0


def squares_of(plan: Plan, met: Mapping[Cell, int]) -> Iterable[Square]:
    """The squares of one operation: an `after` only where it can change something."""
    mine = [(cell, times) for cell, times in met.items() if cell[0] == plan.operation]
    for status in sorted(plan.responses):
        times = sum(times for (_, seen, fault, _), times in mine if seen == status and not fault)
        yield Square(plan.operation, status, "", "", times)
    for fault in FAULTS:
        for phase in ("before", "after") if plan.writes else ("before",):
            times = sum(times for (_, _, seen, seen_phase), times in mine if seen == fault and seen_phase == phase)
            yield Square(plan.operation, 0, fault, phase, times)


def scenario_for(square: Square) -> dict[str, Any]:
    """A scenario that makes a client meet a square once, as a file's values."""
    respond: dict[str, Any] = (
        {"fault": square.fault, "phase": square.phase} if square.fault else {"status": square.status}
    )
    name = f"{square.operation}-{square.name}".replace(" ", "-")
    return {
        "scenario": "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name).strip("-"),
        "description": f"The first {square.operation} gets {square.name}, the next ones work.",
        "rules": [{"operation": square.operation, "times": 1, "respond": respond}],
    }


def table(coverage: Coverage) -> str:
    """Coverage as a table: an operation a line, what was met with how often, what was not with a dash before it."""
    by_operation: dict[str, list[Square]] = {}
    for square in coverage.squares:
        by_operation.setdefault(square.operation, []).append(square)
    rows = [("operation", "met", "missing")]
    for operation, squares in by_operation.items():
        met = ", ".join(f"{square.name} ({square.times})" for square in squares if square.times)
        missing = ", ".join(square.name for square in squares if not square.times)
        rows.append((operation, met or "-", missing or "-"))
    return "\n".join([*columns(rows), "", f"{coverage.met} of {coverage.of} met: {coverage.percent:g} %"])
