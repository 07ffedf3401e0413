"""Trials: the failures that a command is run under, one by one and in pairs, always in one order. Never runs one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mockfoundry.contract import Plan
from mockfoundry.scenarios import Scenario
from mockfoundry.scenarios.schedules import Failure, Wanted, possible_failures, scenario_of


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


def singles(plans: Sequence[Plan], calls: Mapping[str, int], wanted: Wanted, max_calls: int) -> list[Trial]:
    """Every single failure: by operation, then call, then the simplest first.

    Args:
        calls: how often each operation was called.
        max_calls: the last call of an operation that fails.
    """
    return [
        trial_of((Failure(plan, respond, call),), plans)
        for plan in plans
        for call in range(1, min(calls[plan.operation], max_calls) + 1)
        for respond in possible_failures(plan, wanted)
    ]


def pairs(
    survived: Sequence[tuple[Trial, Mapping[str, int]]],
    plans: Sequence[Plan],
    clean: Mapping[str, int],
    wanted: Wanted,
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
        for second in (trial.failures[0] for trial in singles(plans, calls, wanted, max_calls)):
            other = (second.plan.operation, second.call)
            if other == (first.plan.operation, first.call):
                continue
            repeats = second.call > clean[second.plan.operation]
            if repeats or place.get(trial_of((second,), plans).schedule.name, -1) > number:
                every.append((first, second))
    kept = every if len(every) <= most else [every[number * len(every) // most] for number in range(most)]
    return [trial_of(failures, plans) for failures in kept], len(every)


def trial_of(failures: tuple[Failure, ...], plans: Sequence[Plan]) -> Trial:
    return Trial(failures, scenario_of(failures, plans))


def calls_left_out(plans: Sequence[Plan], calls: Mapping[str, int], max_calls: int) -> Iterator[str]:
    """What is told of the calls that no failure comes to, because there are so many."""
    for plan in plans:
        made = calls[plan.operation]
        if made > max_calls:
            yield f"{calls_in_words(max_calls + 1, made)} of {plan.operation} (--max-calls {max_calls})"


def calls_in_words(first: int, last: int) -> str:
    return f"call {last}" if first == last else f"calls {first} to {last}"
