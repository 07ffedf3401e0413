"""Asked: what a torture was asked for, held against the contract before anything is run. Never runs anything.

Trials: the failures that a command is run under, one by one and in pairs, always in one order. Never runs one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mockfoundry.client.arguments import SeedSource
from mockfoundry.contract.load import Contract
from mockfoundry.contract.plan import Plan, shorten_value
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.scenarios.model import Scenario
from mockfoundry.scenarios.schedules import (
    PHASES,
    Failure,
    FailureFilter,
    find_possible_failures,
    list_failure_statuses,
    scenario_from_failures,
)
from mockfoundry.wire_faults import INSTANT_FAULT_NAMES


class TortureError(Exception):
    """A torture could not be done; the text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class TortureSettings:
    """What a torture is to do.

    Attributes:
        command: its words, in which `{url}` and `{token}` stand for those of the run.
        seed, random_seed: what the world begins as; None for the server's.
        scenarios: that are played in every run besides, each a name of the library or a file.
        operations: that may fail; none for all that the command calls.
        statuses, faults: that may come; where only one of them is given, nothing of the other comes.
        phases: `before`, `after` or both.
        max_calls: of each operation so many calls are made to fail, the first.
        jobs: runs at a time.
        timeout: seconds that a run may take.
        pairs: whether pairs of failures come too, of those that are survived alone.
        max_pairs: how many of them.
    """

    command: tuple[str, ...]
    seed: SeedSource | None = None
    random_seed: int | None = None
    scenarios: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()
    phases: tuple[str, ...] = PHASES
    max_calls: int = 5
    jobs: int = 1
    timeout: float = 30.0
    pairs: bool = False
    max_pairs: int = 500

    @property
    def wanted(self) -> FailureFilter:
        """Which failures an operation may meet."""
        named = bool(self.statuses or self.faults)
        return FailureFilter(
            statuses=self.statuses if named else None,
            faults=self.faults if named else INSTANT_FAULT_NAMES,
            phases=self.phases,
        )


def check_torture_settings(asked: TortureSettings, contract: Contract) -> None:
    """Raises TortureError with the first operation or status that the contract does not have."""
    for operation in asked.operations:
        if operation not in contract.plans:
            hint = did_you_mean(operation, contract.plans)
            raise TortureError(
                f'--operation: "{shorten_value(operation)}" is not an operation of the contract{hint} '
                "(mockfoundry operations lists them)"
            )
    plans = [plan for plan in contract.plans.values() if not asked.operations or plan.operation in asked.operations]
    must_be_documented_statuses(asked.statuses, plans)


def must_be_documented_statuses(statuses: Sequence[int], plans: Sequence[Plan]) -> None:
    """Raises TortureError with the first status that none of some operations can fail with."""
    known = sorted({status for plan in plans for status in list_failure_statuses(plan)})
    for status in statuses:
        if status not in known:
            who = plans[0].operation if len(plans) == 1 else "these operations"
            allowed = ", ".join(str(each) for each in known) or "none"
            raise TortureError(
                f"--status: {status} is no documented failure of {who}; allowed: {allowed}; take one of these"
            )


def select_called_plans(
    asked: TortureSettings, contract: Contract, calls: Mapping[str, int], strange: str
) -> list[Plan]:
    """The operations that are to fail, in the contract's order.

    Args:
        calls: how often the clean run called each operation.
        strange: a request of it that is none of them, or empty.

    Raises:
        TortureError: one that was named is not called, or the command calls none.
    """
    if not calls:
        what = f"none that the contract has, but {shorten_value(strange, 200)}" if strange else "none"
        raise TortureError(
            f"of the API's operations the command called {what}, so no failure can reach it; it must ask the address "
            "that is in its environment as MOCKFOUNDRY_URL, or in its arguments where {url} stands"
        )
    for operation in asked.operations:
        if operation not in calls:
            raise TortureError(
                f"--operation: the command does not call {operation}; it calls {', '.join(sorted(calls))}; "
                "name one of these"
            )
    named = asked.operations or tuple(calls)
    plans = [plan for plan in contract.plans.values() if plan.operation in named]
    if not plans:
        raise TortureError(
            f"the command calls {', '.join(sorted(calls))}, which is not in the contract; "
            "--contract names the document that the server at --url has"
        )
    must_be_documented_statuses(asked.statuses, plans)
    return plans


@dataclass(frozen=True)
class Trial:
    """One run to be made.

    Attributes:
        failures: that the command meets.
        schedule: the scenario that plays them.
    """

    failures: tuple[Failure, ...]
    schedule: Scenario

    @property
    def operations(self) -> tuple[str, ...]:
        """Those that fail, each once."""
        return tuple(dict.fromkeys(each.plan.operation for each in self.failures))


def list_single_trials(
    plans: Sequence[Plan], calls: Mapping[str, int], wanted: FailureFilter, max_calls: int
) -> list[Trial]:
    """Every single failure: by operation, then call, then the simplest first.

    Args:
        calls: how often each operation was called.
        max_calls: the last call of an operation that fails.
    """
    return [
        build_trial((Failure(plan, respond, call),), plans)
        for plan in plans
        for call in range(1, min(calls[plan.operation], max_calls) + 1)
        for respond in find_possible_failures(plan, wanted)
    ]


def list_pair_trials(
    survived: Sequence[tuple[Trial, Mapping[str, int]]],
    plans: Sequence[Plan],
    clean: Mapping[str, int],
    wanted: FailureFilter,
    max_calls: int,
    most: int,
) -> tuple[list[Trial], int]:
    """Pairs of failures, each on another call, and how many there are in all.

    The second comes to any call that was made after the first: one of the clean run, where that failure too is survived
    alone, or a repeat, which is made only because of the first. Where there are more than allowed, those that come are
    spread evenly over all of them.

    Args:
        survived: single failures that the command survived, each with the calls that it made then.
        clean: the calls that it makes without any failure.
    """
    place = {trial.schedule.name: number for number, (trial, _) in enumerate(survived)}
    every: list[tuple[Failure, ...]] = []
    for number, (trial, calls) in enumerate(survived):
        (first,) = trial.failures
        for second in (trial.failures[0] for trial in list_single_trials(plans, calls, wanted, max_calls)):
            other = (second.plan.operation, second.call)
            if other == (first.plan.operation, first.call):
                continue
            repeats = second.call > clean[second.plan.operation]
            if repeats or place.get(build_trial((second,), plans).schedule.name, -1) > number:
                every.append((first, second))
    kept = every if len(every) <= most else [every[number * len(every) // most] for number in range(most)]
    return [build_trial(failures, plans) for failures in kept], len(every)


def build_trial(failures: tuple[Failure, ...], plans: Sequence[Plan]) -> Trial:
    return Trial(failures, scenario_from_failures(failures, plans))


def describe_skipped_calls(plans: Sequence[Plan], calls: Mapping[str, int], max_calls: int) -> Iterator[str]:
    """What is told of the calls that no failure comes to, because there are so many."""
    for plan in plans:
        made = calls[plan.operation]
        if made > max_calls:
            yield f"{format_call_range(max_calls + 1, made)} of {plan.operation} (--max-calls {max_calls})"


def format_call_range(first: int, last: int) -> str:
    return f"call {last}" if first == last else f"calls {first} to {last}"
