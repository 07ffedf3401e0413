"""Judging: what a run came to, by its exit code and the world that it left. Never runs anything.

The bench: one foundation whose clock stands, and for each run a copy of it. Never judges a run.
"""

import re
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mockfoundry.client.errors import ControlError
from mockfoundry.client.foundation import UNKNOWN_FOUNDATION, Foundation
from mockfoundry.client.values import Exchange, StateChange
from mockfoundry.scenarios.model import PASS, Rule, Scenario
from mockfoundry.torture.commands import CommandResult, CommandRunner
from mockfoundry.torture.trials import TortureError, TortureSettings, Trial, format_call_range

TrialOutcome = Literal["survived", "failed cleanly", "failed halfway", "false success", "timed out", "switched off"]

BROKEN_OUTCOMES: frozenset[TrialOutcome] = frozenset({"failed halfway", "false success", "timed out"})
"""What counts as broken, whoever asks. Of a run that switched off its own failures nothing is known."""

OUTCOMES: tuple[TrialOutcome, ...] = get_args(TrialOutcome)

WorldChanges = Mapping[str, StateChange]
"""What is another way than in the seed, by where it is."""

_TIME_DEPENDENT = re.compile(r"/processes/[^/]+/(version|registry_credential_last_synced_at)$")
"""What is never the same twice, and nobody's mistake."""


@dataclass(frozen=True)
class Leftover:
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
class TrialFinding:
    """What one trial came to.

    Attributes:
        met: whether the command met every failure of it.
        calls: how often it called each operation.
        leftovers: what it left behind.
    """

    trial: Trial
    outcome: TrialOutcome
    met: bool
    calls: Mapping[str, int]
    leftovers: tuple[Leftover, ...]
    ended: CommandResult

    def is_broken(self, strict: bool = False) -> bool:
        """Whether a good client comes to something else.

        Args:
            strict: whether it counts too where it failed cleanly.
        """
        return self.outcome in BROKEN_OUTCOMES or (strict and self.outcome == "failed cleanly")


def index_world_changes(changes: Iterable[StateChange]) -> WorldChanges:
    return {each.where: each for each in changes if not _TIME_DEPENDENT.search(each.where)}


def find_differing_places(world: WorldChanges, other: WorldChanges) -> frozenset[str]:
    """Where two worlds are not the same."""
    return frozenset(where for where in (*world, *other) if world.get(where) != other.get(where))


def drop_places(world: WorldChanges, places: Collection[str]) -> WorldChanges:
    return {where: change for where, change in world.items() if where not in places}


def judge_run(ended: CommandResult, world: WorldChanges, beginning: WorldChanges, clean: WorldChanges) -> TrialOutcome:
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


def list_leftovers(world: WorldChanges, beginning: WorldChanges, clean: WorldChanges) -> Iterator[Leftover]:
    """What is another way than after the clean run.

    Args: as for `judged`.
    """
    for where in dict.fromkeys((*world, *clean)):
        seeded = (world.get(where) or clean[where]).before
        before, after, expected = (find_value_at(each, where, seeded) for each in (beginning, world, clean))
        if after != expected:
            yield Leftover(where, before, after, expected)


def find_value_at(world: WorldChanges, where: str, seeded: Any) -> Any:
    change = world.get(where)
    return seeded if change is None else change.after


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
class RunContext:
    """Where runs are made.

    Attributes:
        base: what each run's foundation is a copy of.
    """

    base: Foundation
    commands: CommandRunner
    asked: TortureSettings


@dataclass(frozen=True)
class CleanBaseline:
    """The runs that met no failure.

    Attributes:
        beginning: the world without any run.
        world: that they left; neither world has what varies.
        calls: how often each of them called each operation.
        unknown_request: the first request that is none of the contract's operations; empty where there was none.
        varying_places: where the worlds that they left are not the same.
        left_out: what is not the same in both and so says nothing of a failure, in words.
    """

    beginning: WorldChanges
    world: WorldChanges
    calls: Mapping[str, int]
    unknown_request: str
    varying_places: frozenset[str]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class CleanRun:
    """What one of them came to; the attributes are those of `Clean`."""

    world: WorldChanges
    calls: Counter[str]
    unknown_request: str


def measure_baseline(bench: RunContext) -> CleanBaseline:
    """Runs the command twice without any failure.

    Raises:
        TortureError: it can't be run, or fails; torture of a command that is broken says nothing.
    """
    with open_run_foundation(bench, NO_FAILURE) as foundation:
        beginning = read_settled_world(foundation)
    first = run_clean(bench, again=False)
    # Many a command writes down when it ran, in whole seconds.
    bench.commands.pause(1.0 - time.time() % 1.0)
    second = run_clean(bench, again=True)
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


def run_clean(bench: RunContext, again: bool) -> CleanRun:
    """Runs the command without any failure.

    Args:
        again: whether it has done so before, and well.

    Raises:
        TortureError: it can't be run, or fails.
    """
    with open_run_foundation(bench, NO_FAILURE) as foundation:
        try:
            ended = run_command(bench, foundation)
        except OSError as error:
            program = bench.asked.command[0]
            raise TortureError(
                f"the command can't be run: {program}: {error.strerror or error}; "
                "behind -- name a program that is there, and its arguments"
            ) from None
        if ended.code != 0:
            raise TortureError("\n".join(describe_failed_run(ended, bench.asked.timeout, again)))
        if count_answered_requests(foundation, NO_FAILURE) is None:
            raise TortureError(f"{SWITCHED_OFF}, in its clean run already; {LEAVE_ALONE}")
        requests = foundation.requests()
        strange = next((f"{each.method} {each.path}" for each in requests if each.operation is None), "")
        return CleanRun(read_settled_world(foundation), count_calls(requests), strange)


def describe_failed_run(ended: CommandResult, timeout: float, again: bool) -> Iterator[str]:
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


def run_trial(bench: RunContext, clean: CleanBaseline, trial: Trial) -> TrialFinding:
    """Runs the command under a trial's failures."""
    with open_run_foundation(bench, trial.schedule) as foundation:
        ended = run_command(bench, foundation)
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
    """How many requests met its failures; None where it is no longer played, or the foundation is no more."""
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
def open_run_foundation(bench: RunContext, schedule: Scenario) -> Iterator[Foundation]:
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


def run_command(bench: RunContext, foundation: Foundation) -> CommandResult:
    """Runs the command against a foundation."""
    url, token = foundation.url, foundation.token
    return bench.commands.run(
        [word.replace("{url}", url).replace("{token}", token) for word in bench.asked.command],
        {"MOCKFOUNDRY_URL": url, "MOCKFOUNDRY_TOKEN": token, "MOCKFOUNDRY_FOUNDATION": foundation.name},
        bench.asked.timeout,
    )


def read_settled_world(foundation: Foundation) -> WorldChanges:
    """The world of a foundation when all that is under way there is over."""
    foundation.clock.advance(SETTLED_AFTER)
    return index_world_changes(foundation.changes())
