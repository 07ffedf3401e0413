"""Schedules: which call of which operation meets which failure, as the scenario that plays them. Never plays one."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple, get_args

from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.contract.plan import Plan
from mockfoundry.scenarios.model import PASS, Respond, RespondPhase, Rule, Scenario
from mockfoundry.wire_faults import WIRE_FAULTS

MAX_NAME_LENGTH = 40
"""How many signs the name of a scenario has that follows from what happens."""

DIGEST_SIGNS = 8

PHASES: tuple[RespondPhase, ...] = get_args(RespondPhase)


@dataclass(frozen=True)
class Failure:
    """What one call of an operation meets.

    Attributes:
        call: which one, from 1, counted over the foundation.
    """

    plan: Plan
    respond: Respond
    call: int


class FailureFilter(NamedTuple):
    """What a schedule may hold.

    Attributes:
        statuses: None for all that are documented.
    """

    statuses: tuple[int, ...] | None
    faults: tuple[str, ...]
    phases: tuple[str, ...]


def find_possible_failures(plan: Plan, wanted: FailureFilter) -> Iterator[Respond]:
    """The failures that an operation can meet, the simplest first."""
    statuses = [status for status in list_failure_statuses(plan) if wanted.statuses is None]
    statuses += [status for status in wanted.statuses or () if status in list_failure_statuses(plan)]
    has_body = plan.responses[plan.success_status].body is not None
    faults = [
        name for name, fault in WIRE_FAULTS.items() if name in wanted.faults and (has_body or not fault.needs_body)
    ]
    faults.sort(key=wanted.faults.index)
    if "before" in wanted.phases:
        yield from (Respond(status=status) for status in statuses)
        yield from (Respond(fault=fault) for fault in faults)
    if "after" in wanted.phases and plan.writes:
        yield from (Respond(fault=fault, phase="after") for fault in faults)
        yield from (Respond(status=status, phase="after") for status in statuses if status >= 500)


def list_failure_statuses(plan: Plan) -> list[int]:
    """The statuses with which an operation fails, as the contract lists them."""
    return [status for status in plan.responses if status >= 400]


def scenario_from_failures(found: Iterable[Failure], plans: Sequence[Plan]) -> Scenario:
    """The scenario of some failures, each of another call.

    Args:
        plans: of all operations that could have failed, in the order in which the file names them.
    """
    order = {plan.operation: number for number, plan in enumerate(plans)}
    failures = sorted(found, key=lambda each: (order[each.plan.operation], each.call))
    if not failures:
        return Scenario(name="no-failure", description="No call meets a failure.", rules=(Rule(respond=PASS),))
    return Scenario(
        name=name_from_failures(failures),
        description=" ".join(describe_failure(*row) for row in group_failures(failures)),
        rules=rules_from_failures(failures),
    )


def rules_from_failures(failures: Sequence[Failure]) -> tuple[Rule, ...]:
    """One rule for each failure, of each operation the latest call first.

    A rule counts only the calls that no rule before it took. In this order each one counts every call up to its own,
    so `after: 2` means the third call, whatever the other rules do. All are asked at the gateway, since elsewhere a
    call that is refused before would not be counted.
    """
    grouped = groupby(failures, key=lambda each: each.plan.operation)
    return tuple(
        Rule(
            operation=(operation,),
            at="gateway"
            if each.respond.is_of_controller or (each.call > 1 and each.respond.phase == "after")
            else None,
            after=each.call - 1,
            times=1,
            respond=each.respond,
        )
        for operation, its in grouped
        for each in reversed(list(its))
    )


def group_failures(failures: Iterable[Failure]) -> Iterator[tuple[Failure, int]]:
    """The first of each row of calls that meet the same failure, and how many they are."""
    first, times = None, 0
    for each in failures:
        if first is not None and (each.plan, each.call, each.respond) == (
            first.plan,
            first.call + times,
            first.respond,
        ):
            times += 1
            continue
        if first is not None:
            yield first, times
        first, times = each, 1
    if first is not None:
        yield first, times


def name_from_failures(failures: Sequence[Failure]) -> str:
    """The name that says what happens: `lost-scale-then-503`; of a long one the beginning, then a digest of all."""
    grouped = groupby(failures, key=lambda each: each.plan.operation)
    whole = "-and-".join(name_failures_of_operation(operation, list(its)) for operation, its in grouped)
    if len(whole) <= MAX_NAME_LENGTH:
        return whole
    digest = blake2b(whole.encode(), digest_size=DIGEST_SIGNS // 2).hexdigest()
    return f"{whole[: MAX_NAME_LENGTH - DIGEST_SIGNS - 1].rstrip('-')}-{digest}"


def name_failures_of_operation(operation: str, failures: Sequence[Failure]) -> str:
    """`lost-scale-then-503`, `scale-429-x3`, `get-500-at-2`: the calls follow each other unless it says at which."""
    parts: list[str] = []
    expected = 1
    for first, times in group_failures(failures):
        verb = "" if parts else abbreviate_operation(operation)
        what = abbreviate_respond(first.respond)
        named = f"{LOST}-{verb}" if what == LOST and verb else f"{verb}-{what}".strip("-")
        named += "" if first.call == expected else f"-at-{first.call}"
        parts.append(named + (f"-x{times}" if times > 1 else ""))
        expected = first.call + times
    return "-then-".join(parts)


LOST = "lost"
"""What became of an answer whose change was made, and whose connection was reset."""


def abbreviate_operation(operation: str) -> str:
    """An operation as part of a scenario's name: `scaleProcess` is `scale`, `getProcessStats` is `get-stats`."""
    words = [word for word in to_kebab_case(operation).split("-") if word not in ("process", "processes")]
    return "-".join(words) or to_kebab_case(operation)


def to_kebab_case(operation: str) -> str:
    """A word as part of a scenario's name: `scaleProcess` is `scale-process`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", operation)
    return re.sub(r"[^a-z0-9]+", "-", parted.lower()).strip("-") or "unnamed"


def abbreviate_respond(respond: Respond) -> str:
    """What a call meets, as part of a scenario's name: a status, a fault, or `lost`."""
    entry = CATALOGUE.get(respond.error or "")
    status = respond.status if entry is None else entry.status
    what = to_kebab_case(respond.fault or str(status or respond.error or respond.example or "late"))
    if respond.phase == "after":
        return LOST if respond.fault == "reset" else f"{what}-after"
    return what


def describe_failure(failure: Failure, times: int) -> str:
    """What happens to one call, or to so many in a row, in a sentence."""
    respond, first = failure.respond, failure.call
    calls = f"Call {first}" if times == 1 else f"Each of the calls {first} to {first + times - 1}"
    if respond.fault is not None:
        effect = WIRE_FAULTS[respond.fault].effect
    elif respond.has_own_answer:
        effect = f"is answered with {respond.status or respond.error}"
    else:
        return f"{calls} of {failure.plan.operation} is answered late."
    change = ", and its change is kept" if respond.phase == "after" else ", and nothing is changed"
    return f"{calls} of {failure.plan.operation} {effect}{change if failure.plan.writes else ''}."
