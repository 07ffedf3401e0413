"""Runs of a command, each in a copy of one foundation, and the outcome of each. Never chooses the failures.

An outcome follows from the exit code and from the world that the run has left.
"""

import re
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mockfoundry.client.errors import ControlError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.foundation_calls import UNKNOWN_FOUNDATION
from mockfoundry.client.values import Exchange, StateChange
from mockfoundry.documents.quoting import quote_line
from mockfoundry.scenarios.model import PASS, Rule, Scenario
from mockfoundry.torture.commands import CommandResult, CommandRunner
from mockfoundry.torture.trials import TortureError, TortureSettings, Trial, format_call_range

TrialOutcome = Literal["survived", "failed cleanly", "failed halfway", "false success", "timed out", "switched off"]

BROKEN_OUTCOMES: frozenset[TrialOutcome] = frozenset({"failed halfway", "false success", "timed out"})
"""What always counts as broken. A run that switched off its own failures says nothing."""

OUTCOMES: tuple[TrialOutcome, ...] = get_args(TrialOutcome)

WorldChanges = Mapping[str, StateChange]
"""What differs from the seed, by its place."""

_TIME_DEPENDENT = re.compile(r"/processes/[^/]+/(version|registry_credential_last_synced_at)$")
"""Places that differ from run to run, whatever the command does."""


@dataclass(frozen=True)
class Leftover:
    """One difference between the world after a run and the world after the clean run.

    Attributes:
        before: the value at the beginning.
        after: the value after the run.
        clean: the value after the clean run.
    """

    where: str
    before: Any
    after: Any
    clean: Any

    def __str__(self) -> str:
        what = f"stayed {self.after!r}" if self.after == self.before else f"{self.before!r} became {self.after!r}"
        return quote_line(f"{self.where}: {what}; after the clean run it is {self.clean!r}")


@dataclass(frozen=True)
class TrialFinding:
    """The result of one trial.

    Attributes:
        met: whether the command met every failure of the trial.
        calls: how often the command called each operation.
        leftovers: what it left behind in the world; empty where it is not broken.
    """

    trial: Trial
    outcome: TrialOutcome
    met: bool
    calls: Mapping[str, int]
    leftovers: tuple[Leftover, ...]
    ended: CommandResult

    def is_broken(self, strict: bool = False) -> bool:
        """Whether the failure broke the command.

        Args:
            strict: whether failing cleanly counts as broken.
        """
        return self.outcome in BROKEN_OUTCOMES or (strict and self.outcome == "failed cleanly")


def index_world_changes(changes: Iterable[StateChange]) -> WorldChanges:
    return {each.where: each for each in changes if not _TIME_DEPENDENT.search(each.where)}


def find_differing_places(world: WorldChanges, other: WorldChanges) -> frozenset[str]:
    """The places in which two worlds differ."""
    return frozenset(where for where in (*world, *other) if world.get(where) != other.get(where))


def drop_places(world: WorldChanges, places: Collection[str]) -> WorldChanges:
    return {where: change for where, change in world.items() if where not in places}


def judge_run(ended: CommandResult, world: WorldChanges, beginning: WorldChanges, clean: WorldChanges) -> TrialOutcome:
    """The outcome of a run.

    Args:
        world: after the run.
        beginning: the world before it.
        clean: the world after the clean run.
    """
    if ended.code is None:
        return "timed out"
    if ended.code == 0:
        return "survived" if world == clean else "false success"
    return "failed cleanly" if world in (beginning, clean) else "failed halfway"


def list_leftovers(world: WorldChanges, beginning: WorldChanges, clean: WorldChanges) -> Iterator[Leftover]:
    """The differences from the world after the clean run; the arguments are those of `judge_run`."""
    for where in dict.fromkeys((*world, *clean)):
        seeded = (world.get(where) or clean[where]).before
        before, after, expected = (find_value_at(each, where, seeded) for each in (beginning, world, clean))
        if after != expected:
            yield Leftover(where, before, after, expected)


def find_value_at(world: WorldChanges, where: str, seeded: Any) -> Any:
    change = world.get(where)
    return seeded if change is None else change.after


SETTLED_AFTER = "1h"
"""How long after a run its world is compared, on its own clock: what was in progress has ended by then."""

NO_FAILURE = Scenario(
    name="no-failure",
    description="No call meets a failure.",
    rules=(Rule(after=1_000_000_000, times=1, respond=PASS),),
)
"""Played in the clean runs to see whether the command leaves it on; its only rule never takes a request."""

SWITCHED_OFF = "the command switched off what torture plays"
LEAVE_ALONE = "leave /__mock alone: no reset, no delete, no scenario ended"

NOT_STEADY = "the command is not steady"
STEADIER = "let it do the same each time; what it keeps outside of the API stays there from run to run"


@dataclass(frozen=True)
class RunContext:
    """What all runs share.

    Attributes:
        base: the foundation that each run gets a copy of; its clock is frozen.
    """

    base: Foundation
    commands: CommandRunner
    settings: TortureSettings


@dataclass(frozen=True)
class CleanBaseline:
    """What the two clean runs have in common; each trial is compared with it.

    Attributes:
        beginning: the world before a run, without the varying places.
        world: the world after a run, without the varying places.
        calls: how often both of them called each operation.
        unknown_request: the first request that is not for any of the contract's operations; empty if there was none.
        varying_places: the places in which the worlds after the two runs differ.
        left_out: what differs between the two and is not compared, in words.
    """

    beginning: WorldChanges
    world: WorldChanges
    calls: Mapping[str, int]
    unknown_request: str
    varying_places: frozenset[str]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class CleanRun:
    """The result of one of them; the attributes are those of `CleanBaseline`."""

    world: WorldChanges
    calls: Counter[str]
    unknown_request: str


def measure_baseline(context: RunContext) -> CleanBaseline:
    """Runs the command twice without any failure.

    Raises:
        TortureError: it can't be run, or fails: then failures would show nothing.
    """
    with open_run_foundation(context, NO_FAILURE) as foundation:
        beginning = read_settled_world(foundation)
    first = run_clean(context, again=False)
    # A command may record its time in whole seconds: in another second, that shows as a difference.
    context.commands.pause(1.0 - time.time() % 1.0)
    second = run_clean(context, again=True)
    calls, most = first.calls & second.calls, first.calls | second.calls
    if most and not calls:
        raise TortureError(f"{NOT_STEADY}: its two clean runs have no call in common; {STEADIER}")
    places = find_differing_places(first.world, second.world)
    unsteady = [
        *sorted(places),
        *(
            f"{format_call_range(calls[each] + 1, most[each])} of {each}"
            for each in sorted(most)
            if calls[each] < most[each]
        ),
    ]
    return CleanBaseline(
        beginning=drop_places(beginning, places),
        world=drop_places(first.world, places),
        calls=calls,
        unknown_request=first.unknown_request,
        varying_places=places,
        left_out=tuple(f"{each} (differs from one clean run to the next)" for each in unsteady),
    )


def run_clean(context: RunContext, again: bool) -> CleanRun:
    """Runs the command without any failure.

    Args:
        again: whether this is the second run, after one that ended well.

    Raises:
        TortureError: it can't be run, or fails.
    """
    with open_run_foundation(context, NO_FAILURE) as foundation:
        try:
            ended = run_command(context, foundation)
        except OSError as error:
            program = context.settings.command[0]
            raise TortureError(
                f"the command can't be run: {program}: {error.strerror or error}; "
                "behind -- name a program that is there, and its arguments"
            ) from None
        # Asked first: a command that deletes its foundation fails on that.
        if count_answered_requests(foundation, NO_FAILURE) is None:
            raise TortureError(f"{SWITCHED_OFF}, in its clean run already; {LEAVE_ALONE}")
        if ended.code != 0:
            raise TortureError("\n".join(describe_failed_run(ended, context.settings.timeout, again)))
        requests = foundation.requests()
        unknown = next((f"{each.method} {each.path}" for each in requests if each.operation is None), "")
        return CleanRun(read_settled_world(foundation), count_calls(requests), unknown)


def describe_failed_run(ended: CommandResult, timeout: float, again: bool) -> Iterator[str]:
    """The lines about a clean run that failed.

    Args:
        again: whether it is the second run, after one that ended well.
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


def run_trial(context: RunContext, clean: CleanBaseline, trial: Trial) -> TrialFinding:
    """Runs the command under a trial's failures."""
    with open_run_foundation(context, trial.schedule) as foundation:
        ended = run_command(context, foundation)
        answered = count_answered_requests(foundation, trial.schedule)
        if answered is None:
            return TrialFinding(trial=trial, outcome="switched off", met=False, calls={}, leftovers=(), ended=ended)
        calls = count_calls(foundation.requests())
        world = drop_places(read_settled_world(foundation), clean.varying_places)
    outcome = judge_run(ended, world, clean.beginning, clean.world)
    return TrialFinding(
        trial=trial,
        outcome=outcome,
        met=answered == len(trial.failures),
        calls=calls,
        leftovers=tuple(list_leftovers(world, clean.beginning, clean.world)) if outcome in BROKEN_OUTCOMES else (),
        ended=ended,
    )


def count_answered_requests(foundation: Foundation, schedule: Scenario) -> int | None:
    """How many requests met a schedule's failures; None if it is no longer on, or the foundation is gone."""
    try:
        playing = foundation.playing()
    except ControlError as error:
        if error.kind != UNKNOWN_FOUNDATION:
            raise
        return None
    return next((each.answered for each in playing if each.name == schedule.name), None)


def count_calls(requests: Iterable[Exchange]) -> Counter[str]:
    """How often each operation was called."""
    return Counter(each.operation for each in requests if each.operation is not None)


@contextmanager
def open_run_foundation(context: RunContext, schedule: Scenario) -> Iterator[Foundation]:
    """A copy of the base foundation, in which a schedule and the other scenarios are on, until the block ends.

    The schedule is played first, so that `call 2` is the second call, whatever the other scenarios answer.
    """
    foundation = context.base.copy()
    try:
        foundation.play(schedule)
        for scenario in context.settings.scenarios:
            foundation.play(scenario)
        foundation.clock.run()
        yield foundation
    finally:
        foundation.delete()


def run_command(context: RunContext, foundation: Foundation) -> CommandResult:
    """Runs the command against a foundation."""
    url, token = foundation.url, foundation.token
    return context.commands.run(
        [word.replace("{url}", url).replace("{token}", token) for word in context.settings.command],
        {"MOCKFOUNDRY_URL": url, "MOCKFOUNDRY_TOKEN": token, "MOCKFOUNDRY_FOUNDATION": foundation.name},
        context.settings.timeout,
    )


def read_settled_world(foundation: Foundation) -> WorldChanges:
    """The world of a foundation after everything in progress has ended."""
    foundation.clock.advance(SETTLED_AFTER)
    return index_world_changes(foundation.changes())
