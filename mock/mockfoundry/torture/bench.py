"""The bench: one foundation whose clock stands, and for each run a copy of it. Never judges a run."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.values import Exchange
from mockfoundry.torture.asked import Asked, TortureError
from mockfoundry.torture.commands import Commands, Ended
from mockfoundry.torture.judging import SERIOUS, Finding, World, judged, left_behind, world_of
from mockfoundry.torture.trials import Trial

SETTLED_AFTER = "1h"
"""So long after a run its world is looked at, on its own clock: what was under way is over by then."""


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
    """The run that met no failure.

    Attributes:
        beginning: the world without any run.
        world: that it left.
        calls: how often it called each operation.
        strange: the first request that is none of the contract's operations; empty where there was none.
    """

    beginning: World
    world: World
    calls: Mapping[str, int]
    strange: str


def clean_run(bench: Bench) -> Clean:
    """Runs the command without any failure.

    Raises:
        TortureError: it can't be run, or fails; torture of a command that is broken says nothing.
    """
    with copied(bench, None) as foundation:
        beginning = settled(foundation)
    with copied(bench, None) as foundation:
        try:
            ended = run_in(bench, foundation)
        except OSError as error:
            program = bench.asked.command[0]
            raise TortureError(
                f"the command can't be run: {program}: {error.strerror or error}; "
                "behind -- name a program that is there, and its arguments"
            ) from None
        if ended.code != 0:
            raise TortureError("\n".join(told_failed(ended, bench.asked.timeout)))
        requests = foundation.requests()
        calls = calls_of(requests)
        strange = next((f"{each.method} {each.path}" for each in requests if each.operation is None), "")
        return Clean(beginning, settled(foundation), calls, strange)


def told_failed(ended: Ended, timeout: float) -> Iterator[str]:
    """What is told of a clean run that failed."""
    how = f"was not done after {timeout:g} s" if ended.code is None else f"ended with exit code {ended.code}"
    mend = "mend that, or allow it more by --timeout" if ended.code is None else "mend that first"
    yield f"the clean run {how}, though no failure was played; {mend}"
    for name, text in (("standard output", ended.output), ("standard error", ended.errors)):
        if text.strip():
            yield f"the end of its {name}:"
            yield from (f"  {line}" for line in text.strip().splitlines())


def played(bench: Bench, clean: Clean, trial: Trial) -> Finding:
    """Runs the command under a trial's failures."""
    with copied(bench, trial) as foundation:
        ended = run_in(bench, foundation)
        calls = calls_of(foundation.requests())
        world = settled(foundation)
        answered = next(each.answered for each in foundation.playing() if each.name == trial.schedule.name)
    outcome = judged(ended, world, clean.beginning, clean.world)
    return Finding(
        trial=trial,
        outcome=outcome,
        met=answered == len(trial.failures),
        calls=calls,
        left=tuple(left_behind(world, clean.beginning, clean.world)) if outcome in SERIOUS else (),
        ended=ended,
    )


def calls_of(requests: Iterable[Exchange]) -> Counter[str]:
    """How often each operation was called."""
    return Counter(each.operation for each in requests if each.operation is not None)


@contextmanager
def copied(bench: Bench, trial: Trial | None) -> Iterator[Foundation]:
    """A copy of the base with a trial's failures and the scenarios that are played besides, until the block ends.

    The failures are asked first, so that `call 2` is the second call, whatever other scenarios take.
    """
    foundation = bench.base.copy()
    try:
        if trial is not None:
            foundation.play(trial.schedule)
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
