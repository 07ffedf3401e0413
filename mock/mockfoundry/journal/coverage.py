"""Coverage: which documented answers and faults clients have met or not met. Never counts; the journals do."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from mockfoundry.contract.load import Contract
from mockfoundry.contract.plan import Plan
from mockfoundry.journal.entry import NO_STATUS
from mockfoundry.journal.hit_counts import HitKey
from mockfoundry.wire_faults import WIRE_FAULT_NAMES


class CoverageItem(msgspec.Struct, frozen=True):
    """One thing that a client may meet of an operation: a documented status, or a fault with its phase.

    Attributes:
        status: documented; 0 where it is a fault.
        fault: empty where it is a status.
        phase: of a fault: `before` or `after` the change is committed; empty where it is a status.
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


class ContractCoverage(msgspec.Struct, frozen=True):
    """How much of the contract a client has met.

    Attributes:
        percent: how many of the squares were met at least once, rounded down to a tenth.
        met, of: the same as numbers.
        squares: all that the chosen operations document, and each fault.
        undocumented: how often other statuses were met, by operation and status.
        unanswered: how often nothing was answered, or not yet, by operation: its client has left, or still waits.
    """

    percent: float
    met: int
    of: int
    squares: list[CoverageItem]
    undocumented: dict[str, dict[str, int]]
    unanswered: dict[str, int] = {}


def compute_coverage(
    contract: Contract, hit_counts: Mapping[HitKey, int], operations: Iterable[str] = ()
) -> ContractCoverage:
    """The coverage of a contract by the hit counts of journals.

    Args:
        operations: only these; none for all.
    """
    chosen = tuple(operations) or tuple(contract.plans)
    squares: list[CoverageItem] = []
    for name in chosen:
        squares.extend(coverage_items_of(contract.plans[name], hit_counts))
    count = sum(item.times > 0 for item in squares)
    undocumented: dict[str, dict[str, int]] = {}
    unanswered: dict[str, int] = {}
    for (operation, status, fault, _), times in hit_counts.items():
        plan = contract.plans.get(operation)
        if plan is not None and operation in chosen and status == NO_STATUS and not fault:
            unanswered[operation] = unanswered.get(operation, 0) + times
        is_answer = status != NO_STATUS and not fault
        if plan is not None and operation in chosen and is_answer and plan.find_response(status) is None:
            statuses = undocumented.setdefault(operation, {})
            statuses[str(status)] = statuses.get(str(status), 0) + times
    percent = coverage_percent(count, len(squares))
    return ContractCoverage(percent, count, len(squares), squares, undocumented, unanswered)


def coverage_percent(met: int, of: int) -> float:
    """How much was met, rounded down to a tenth."""
    return met * 1000 // of / 10 if of else 100.0


def coverage_items_of(plan: Plan, hit_counts: Mapping[HitKey, int]) -> Iterable[CoverageItem]:
    """The items of one operation. A fault comes `after` only where the operation can change something."""
    mine = [(hit_key, times) for hit_key, times in hit_counts.items() if hit_key[0] == plan.operation]
    for status in sorted(plan.responses):
        times = sum(times for (_, seen, fault, _), times in mine if seen == status and not fault)
        yield CoverageItem(plan.operation, status, "", "", times)
    for fault in WIRE_FAULT_NAMES:
        for phase in ("before", "after") if plan.writes else ("before",):
            times = sum(times for (_, _, seen, seen_phase), times in mine if seen == fault and seen_phase == phase)
            yield CoverageItem(plan.operation, 0, fault, phase, times)


def scenario_for_item(item: CoverageItem) -> dict[str, Any]:
    """A scenario that makes a client meet an item once, as a file's values."""
    respond: dict[str, Any] = {"fault": item.fault, "phase": item.phase} if item.fault else {"status": item.status}
    name = f"{item.operation}-{item.name}".replace(" ", "-")
    return {
        "scenario": "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name).strip("-"),
        "description": f"The first {item.operation} gets {item.name}, the next ones work.",
        "rules": [{"operation": item.operation, "times": 1, "respond": respond}],
    }


DEFAULT_WIDTH = 100
MIN_WIDTH = 40
"""Columns of a table; in fewer than the second nothing can be read."""


def format_coverage_table(
    coverage: ContractCoverage, every: bool = False, width: int = DEFAULT_WIDTH, where_all: str = ""
) -> str:
    """Coverage as a table: of each operation that was asked, how much was met, what and how often, and what is missing.

    Args:
        every: operations that nobody has asked have their place, too.
        where_all: what lists those where they have none, for its last lines; empty where nothing does.
    """
    by_operation: dict[str, list[CoverageItem]] = {}
    for item in coverage.squares:
        by_operation.setdefault(item.operation, []).append(item)
    asked = {name for name, items in by_operation.items() if any(item.times for item in items)}
    asked |= coverage.unanswered.keys()
    shown = {name: items for name, items in by_operation.items() if every or name in asked}
    name_width = max(map(len, shown), default=0)
    counts = {name: f"{sum(item.times > 0 for item in items)} of {len(items)}" for name, items in shown.items()}
    count_width = max(map(len, counts.values()), default=0)
    lines = []
    for name, items in shown.items():
        head = f"{name:<{name_width}}  {counts[name]:>{count_width}}  "
        for text in (*describe_unanswered(coverage.unanswered.get(name, 0)), *describe_items(items)):
            room = max(width, len(head) + MIN_WIDTH)
            wrapped = textwrap.wrap(text, room, initial_indent=head, subsequent_indent=" " * (len(head) + 4))
            lines += [line.rstrip() for line in wrapped]
            head = " " * len(head)
    rest = sum(name not in asked for name in by_operation)
    if rest and not every:
        hint = f" ({where_all} lists them)" if where_all else ""
        lines.append(f"{rest} operation{'s were' if rest > 1 else ' was'} never asked{hint}")
    return "\n".join([*lines, "", f"{coverage.met} of {coverage.of} met: {coverage.percent:g} %"])


def describe_unanswered(times: int) -> Iterator[str]:
    if times:
        yield f"asked ×{times} without an answer"


def describe_items(items: Iterable[CoverageItem]) -> Iterator[str]:
    """What was met, with how often where it was more than once; and what is missing."""
    met = [f"{item.name} ×{item.times}" if item.times > 1 else item.name for item in items if item.times]
    missing = [item.name for item in items if not item.times]
    for word, names in (("met", met), ("missing", missing)):
        if names:
            yield f"{word} {', '.join(names)}"
