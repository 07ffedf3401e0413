"""Torturing: two clean runs, every single failure, then pairs of them, several at a time. Never prints anything."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from mockfoundry.client.foundry import Foundry
from mockfoundry.contract import Contract, Plan
from mockfoundry.torture.asked import Asked, TortureError, called_plans, must_be_known
from mockfoundry.torture.bench import Bench, Clean, clean_runs, played
from mockfoundry.torture.commands import Commands
from mockfoundry.torture.judging import Finding
from mockfoundry.torture.trials import Trial, calls_left_out, pairs, singles

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""Given what is done and how often, a block in which each one that is done calls what it gives."""


@dataclass(frozen=True)
class Report:
    """What a torture came to.

    Attributes:
        findings: in the order of the trials, whichever was done first.
        left_out: what was not tried or compared, in words: so much of it, or never twice the same.
        untried: trials that were meant to be made when it was interrupted.
        interrupted: whether Ctrl-C ended it.
    """

    findings: tuple[Finding, ...]
    left_out: tuple[str, ...]
    untried: int
    interrupted: bool

    def broken(self, strict: bool = False) -> list[Finding]:
        """The findings of what broke the command; where it is strict, also of what it failed under cleanly."""
        return [each for each in self.findings if each.is_broken(strict)]

    def switched_off(self) -> list[Finding]:
        """The findings of which nothing is known, because the command ended what was played."""
        return [each for each in self.findings if each.outcome == "switched off"]


@contextmanager
def untold(label: str, count: int) -> Iterator[Callable[[], None]]:
    """A progress that nobody sees."""
    yield lambda: None


def tortured(foundry: Foundry, contract: Contract, asked: Asked, progress: Progress = untold) -> Report:
    """Runs a command once for each failure that it can meet.

    When it returns or raises, nothing is left: no process of the command, no foundation.

    Args:
        foundry: where its foundations are.
        contract: of the foundry.
        progress: told of what is done.

    Raises:
        TortureError: it can't be done; for what was asked, or because the command fails without any failure.
        ControlError: the server says no to the seed or a scenario.
        ServerError: the server is not there.
        ScenarioError: a scenario that is to be played besides is none.
    """
    must_be_known(asked, contract)
    with ExitStack() as ending:
        base = foundry.foundation()
        ending.callback(base.delete)
        if asked.seed is not None:
            base.begin(asked.seed, asked.random_seed)
        base.clock.freeze()
        pool = ThreadPoolExecutor(asked.jobs)
        ending.callback(pool.shutdown, cancel_futures=True)
        bench = Bench(base, ending.enter_context(Commands()), asked)
        # In the pool even alone: the main thread does nothing that Ctrl-C could break off half done.
        clean = pool.submit(clean_runs, bench).result()
        plans = called_plans(asked, contract, clean.calls, clean.strange)
        return reported(bench, clean, plans, pool, progress)


@dataclass
class Ledger:
    """The trials of a torture, and what has been found of them so far, by their numbers."""

    trials: list[Trial] = field(default_factory=list)
    found: dict[int, Finding] = field(default_factory=dict)

    def in_order(self) -> list[Finding]:
        """The findings in the order of their trials."""
        return [self.found[number] for number in sorted(self.found)]


def reported(bench: Bench, clean: Clean, plans: Sequence[Plan], pool: ThreadPoolExecutor, progress: Progress) -> Report:
    """Makes all trials, or as many as are made when Ctrl-C comes."""
    asked, ledger, interrupted = bench.asked, Ledger(), False
    left_out = [*clean.left_out, *calls_left_out(plans, clean.calls, asked.max_calls)]
    alone = singles(plans, clean.calls, asked.wanted, asked.max_calls)
    if not alone:
        raise TortureError(nothing_left(plans))
    play = partial(played, bench, clean)
    try:
        make(ledger, alone, play, pool, progress("failures", len(alone)))
        if asked.pairs:
            survived = [(each.trial, each.calls) for each in ledger.in_order() if each.outcome == "survived"]
            both, every = pairs(survived, plans, clean.calls, asked.wanted, asked.max_calls, asked.max_pairs)
            if len(both) < every:
                left_out.append(f"{every - len(both)} of {every} pairs (--max-pairs {asked.max_pairs})")
            make(ledger, both, play, pool, progress("pairs of failures", len(both)))
    except KeyboardInterrupt:
        interrupted = True
    findings = tuple(ledger.in_order())
    return Report(findings, tuple(left_out), len(ledger.trials) - len(findings), interrupted)


def make(
    ledger: Ledger,
    trials: Sequence[Trial],
    play: Callable[[Trial], Finding],
    pool: ThreadPoolExecutor,
    progress: AbstractContextManager[Callable[[], None]],
) -> None:
    """Makes trials, several at a time, and writes down what was found as soon as it is."""
    first = len(ledger.trials)
    ledger.trials += trials
    with progress as step:
        futures = {pool.submit(play, trial): number for number, trial in enumerate(trials, first)}
        for future in as_completed(futures):
            ledger.found[futures[future]] = future.result()
            step()


def nothing_left(plans: Sequence[Plan]) -> str:
    """Why some operations can meet none of the failures that are wanted, and what to do."""
    names = ", ".join(plan.operation for plan in plans)
    return (
        f"{names} can meet none of these failures: what changes nothing fails only before, and after a change comes "
        "no status below 500; allow more by --operation, --status, --fault or --phase"
    )
