"""The bench: one foundation whose clock stands, and for each run a copy of it. Never judges a run."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mockfoundry.client.addressed import UNKNOWN
from mockfoundry.client.errors import ControlError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.values import Exchange
from mockfoundry.scenarios import PASS, Rule, Scenario
from mockfoundry.torture.asked import Asked, TortureError
from mockfoundry.torture.commands import Commands, Ended
from mockfoundry.torture.judging import SERIOUS, Finding, World, judged, left_behind, varying, without, world_of
from mockfoundry.torture.trials import Trial, calls_in_words

SETTLED_AFTER = "1h"
"""So long after a run its world is looked at, on its own clock: what was under way is over by then."""

NO_FAILURE = Scenario(
    name="no-failure",
    description="No call meets a failure.",
    rules=(Rule(after=1_000_000_000, times=1, respond=PASS),),
)
"""Played in the clean runs to see whether the command leaves it on; its only rule never comes to have its turn."""

SWITCHED_OFF = "the command switched off what torture plays"
LEAVE_ALONE = "leave /__mock alone: no reset, no delete, no scenario ended"

NOT_STEADY = "the command is not steady"
STEADIER = "let it do the same each time; what it keeps outside of the API stays there from run to run"


@dataclass(frozen=True)
class Bench:
    """Where runs are made.

    Attributes:
        base: what each run's foundation is a copy of.
    """

    base: Foundation
    commands: Commands
    asked: Asked


@dataclass(frozen=True)
class Clean:
    """The runs that met no failure.

    Attributes:
        beginning: the world without any run.
        world: that they left; neither world has what varies.
        calls: how often each of them called each operation.
        strange: the first request that is none of the contract's operations; empty where there was none.
        varying: where the worlds that they left are not the same.
        left_out: what is not the same in both and so says nothing of a failure, in words.
    """

    beginning: World
    world: World
    calls: Mapping[str, int]
    strange: str
    varying: frozenset[str]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class CleanRun:
    """What one of them came to; the attributes are those of `Clean`."""

    world: World
    calls: Counter[str]
    strange: str


def clean_runs(bench: Bench) -> Clean:
    """Runs the command twice without any failure.

    Raises:
        TortureError: it can't be run, or fails; torture of a command that is broken says nothing.
    """
    with copied(bench, NO_FAILURE) as foundation:
        beginning = settled(foundation)
    first = clean_run(bench, again=False)
    # Many a command writes down when it ran, in whole seconds.
    bench.commands.pause(1.0 - time.time() % 1.0)
    second = clean_run(bench, again=True)
    calls, most = first.calls & second.calls, first.calls | second.calls
    if most and not calls:
        raise TortureError(f"{NOT_STEADY}: its two clean runs have no call in common; {STEADIER}")
    places = varying(first.world, second.world)
    unsteady = [
        *sorted(places),
        *(
            f"{calls_in_words(calls[each] + 1, most[each])} of {each}"
            for each in sorted(most)
            if calls[each] < most[each]
        ),
    ]
    return Clean(
        beginning=without(beginning, places),
        world=without(first.world, places),
        calls=calls,
        strange=first.strange,
        varying=places,
        left_out=tuple(f"{each} (differs from one clean run to the next)" for each in unsteady),
    )


def clean_run(bench: Bench, again: bool) -> CleanRun:
    """Runs the command without any failure.

    Args:
        again: whether it has done so before, and well.

    Raises:
        TortureError: it can't be run, or fails.
    """
    with copied(bench, NO_FAILURE) as foundation:
        try:
            ended = run_in(bench, foundation)
        except OSError as error:
            program = bench.asked.command[0]
            raise TortureError(
                f"the command can't be run: {program}: {error.strerror or error}; "
                "behind -- name a program that is there, and its arguments"
            ) from None
        if ended.code != 0:
            raise TortureError("\n".join(told_failed(ended, bench.asked.timeout, again)))
        if answered_by(foundation, NO_FAILURE) is None:
            raise TortureError(f"{SWITCHED_OFF}, in its clean run already; {LEAVE_ALONE}")
        requests = foundation.requests()
        strange = next((f"{each.method} {each.path}" for each in requests if each.operation is None), "")
        return CleanRun(settled(foundation), calls_of(requests), strange)


def told_failed(ended: Ended, timeout: float, again: bool) -> Iterator[str]:
    """What is told of a clean run that failed.

    Args:
        again: whether the one before it did not.
    """
    how = f"was not done after {timeout:g} s" if ended.code is None else f"ended with exit code {ended.code}"
    if again:
        yield f"{NOT_STEADY}: its second clean run {how}, though its first ended well; {STEADIER}"
    else:
        mend = "mend that, or allow it more by --timeout" if ended.code is None else "mend that first"
        yield f"the clean run {how}, though no failure was played; {mend}"
    for name, text in (("standard output", ended.output), ("standard error", ended.errors)):
        if text.strip():
            yield f"the end of its {name}:"
            yield from (f"  {line}" for line in text.strip().splitlines())


def played(bench: Bench, clean: Clean, trial: Trial) -> Finding:
    """Runs the command under a trial's failures."""
    with copied(bench, trial.schedule) as foundation:
        ended = run_in(bench, foundation)
        answered = answered_by(foundation, trial.schedule)
        if answered is None:
            return Finding(trial=trial, outcome="switched off", met=False, calls={}, left=(), ended=ended)
        calls = calls_of(foundation.requests())
        world = without(settled(foundation), clean.varying)
    outcome = judged(ended, world, clean.beginning, clean.world)
    return Finding(
        trial=trial,
        outcome=outcome,
        met=answered == len(trial.failures),
        calls=calls,
        left=tuple(left_behind(world, clean.beginning, clean.world)) if outcome in SERIOUS else (),
        ended=ended,
    )


def answered_by(foundation: Foundation, schedule: Scenario) -> int | None:
    """How many requests met its failures; None where it is no longer played, or the foundation is no more."""
    try:
        playing = foundation.playing()
    except ControlError as error:
        if error.kind != UNKNOWN:
            raise
        return None
    return next((each.answered for each in playing if each.name == schedule.name), None)


def calls_of(requests: Iterable[Exchange]) -> Counter[str]:
    """How often each operation was called."""
    return Counter(each.operation for each in requests if each.operation is not None)


@contextmanager
def copied(bench: Bench, schedule: Scenario) -> Iterator[Foundation]:
    """A copy of the base with a schedule of failures and the scenarios that are played besides, until the block ends.

    The failures are asked first, so that `call 2` is the second call, whatever other scenarios take.
    """
    foundation = bench.base.copy()
    try:
        foundation.play(schedule)
        for scenario in bench.asked.scenarios:
            foundation.play(scenario)
        foundation.clock.run()
        yield foundation
    finally:
        foundation.delete()


def run_in(bench: Bench, foundation: Foundation) -> Ended:
    """Runs the command against a foundation."""
    url, token = foundation.url, foundation.token
    return bench.commands.run(
        [word.replace("{url}", url).replace("{token}", token) for word in bench.asked.command],
        {"MOCKFOUNDRY_URL": url, "MOCKFOUNDRY_TOKEN": token, "MOCKFOUNDRY_FOUNDATION": foundation.name},
        bench.asked.timeout,
    )


def settled(foundation: Foundation) -> World:
    """The world of a foundation when all that is under way there is over."""
    foundation.clock.advance(SETTLED_AFTER)
    return world_of(foundation.changes())
