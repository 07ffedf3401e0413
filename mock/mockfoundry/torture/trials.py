"""What a torture is to do, checked against the contract, and its trials, always in the same order. Never runs one."""

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
    """A torture can't be done; the text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class TortureSettings:
    """What a torture is to do.

    Attributes:
        command: its words, in which `{url}` and `{token}` are replaced by those of the run.
        seed, random_seed: of the world; None for the server's.
        scenarios: also played in every run, each a name of the library or a file.
        operations: the operations that may fail; empty for all that the command calls.
        statuses, faults: the failures that may come; if only one of the two is given, none of the other kind come.
        phases: `before`, `after` or both.
        max_calls: how many calls of each operation are made to fail, the first ones.
        jobs: how many runs at a time.
        timeout: the time limit of a run, in seconds.
        pairs: whether to try pairs of failures too, if the command survives each of the two alone.
        max_pairs: how many pairs at most.
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


def check_torture_settings(settings: TortureSettings, contract: Contract) -> None:
    """Raises TortureError with the first operation or status that the contract does not have."""
    for operation in settings.operations:
        if operation not in contract.plans:
            hint = did_you_mean(operation, contract.plans)
            raise TortureError(
                f'--operation: "{shorten_value(operation)}" is not an operation of the contract{hint} '
                "(mockfoundry operations lists them)"
            )
    plans = [
        plan for plan in contract.plans.values() if not settings.operations or plan.operation in settings.operations
    ]
    must_be_documented_statuses(settings.statuses, plans)


def must_be_documented_statuses(statuses: Sequence[int], plans: Sequence[Plan]) -> None:
    """Raises TortureError with the first status that none of the operations documents as a failure."""
    known = sorted({status for plan in plans for status in list_failure_statuses(plan)})
    for status in statuses:
        if status not in known:
            who = plans[0].operation if len(plans) == 1 else "these operations"
            allowed = ", ".join(str(each) for each in known) or "none"
            raise TortureError(
                f"--status: {status} is no documented failure of {who}; allowed: {allowed}; take one of these"
            )


def select_called_plans(
    settings: TortureSettings, contract: Contract, calls: Mapping[str, int], unknown_request: str
) -> list[Plan]:
    """The operations that will fail, in the contract's order.

    Args:
        calls: how often the clean runs called each operation.
        unknown_request: one of their requests that is not for any of the operations, or empty.

    Raises:
        TortureError: the command does not call an operation of the settings, or calls none at all.
    """
    if not calls:
        called = f"none that the contract has, but {shorten_value(unknown_request, 200)}" if unknown_request else "none"
        raise TortureError(
            f"of the API's operations the command called {called}, so no failure can reach it; it must ask the address "
            "that is in its environment as MOCKFOUNDRY_URL, or in its arguments where {url} stands"
        )
    for operation in settings.operations:
        if operation not in calls:
            raise TortureError(
                f"--operation: the command does not call {operation}; it calls {', '.join(sorted(calls))}; "
                "name one of these"
            )
    named = settings.operations or tuple(calls)
    plans = [plan for plan in contract.plans.values() if plan.operation in named]
    if not plans:
        raise TortureError(
            f"the command calls {', '.join(sorted(calls))}, which is not in the contract of the processes; "
            "--operation names operations of the platform that are to fail, too, and --contract the document that the "
            "server at --url has"
        )
    must_be_documented_statuses(settings.statuses, plans)
    return plans


@dataclass(frozen=True)
class Trial:
    """One run to make.

    Attributes:
        failures: what the command meets.
        schedule: the scenario that plays the failures.
    """

    failures: tuple[Failure, ...]
    schedule: Scenario

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that fail, each once."""
        return tuple(dict.fromkeys(each.plan.operation for each in self.failures))


def list_single_trials(
    plans: Sequence[Plan], calls: Mapping[str, int], wanted: FailureFilter, max_calls: int
) -> list[Trial]:
    """A trial for each failure: by operation, then by call, then the simplest first.

    Args:
        calls: how often each operation was called.
        max_calls: how many calls of an operation fail, the first ones.
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
    """Trials of two failures, on different calls, and how many there would be without a bound.

    The second failure comes to a call of the clean runs, if the command survives that failure alone; or to a repeat,
    which the command makes only because of the first failure. If there are more pairs than allowed, those that are
    chosen are spread evenly over all.

    Args:
        survived: trials of one failure that the command survived, each with the calls that it made then.
        clean: how often the clean runs called each operation.
        most: how many pairs are allowed.
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
    chosen = every if len(every) <= most else [every[number * len(every) // most] for number in range(most)]
    return [build_trial(failures, plans) for failures in chosen], len(every)


def build_trial(failures: tuple[Failure, ...], plans: Sequence[Plan]) -> Trial:
    return Trial(failures, scenario_from_failures(failures, plans))


def describe_skipped_calls(plans: Sequence[Plan], calls: Mapping[str, int], max_calls: int) -> Iterator[str]:
    """The lines about calls that are not made to fail, because there are too many."""
    for plan in plans:
        made = calls[plan.operation]
        if made > max_calls:
            yield f"{format_call_range(max_calls + 1, made)} of {plan.operation} (--max-calls {max_calls})"


def format_call_range(first: int, last: int) -> str:
    return f"call {last}" if first == last else f"calls {first} to {last}"
