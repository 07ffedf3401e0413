"""Torturing: two clean runs, every single failure, then pairs of them, several at a time. Never prints anything."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from mockfoundry.client.server import ServerBase
from mockfoundry.contract.load import Contract
from mockfoundry.contract.plan import Plan
from mockfoundry.torture.commands import CommandRunner
from mockfoundry.torture.runs import CleanBaseline, RunContext, TrialFinding, measure_baseline, run_trial
from mockfoundry.torture.trials import (
    TortureError,
    TortureSettings,
    Trial,
    check_torture_settings,
    describe_skipped_calls,
    list_pair_trials,
    list_single_trials,
    select_called_plans,
)

ProgressDisplay = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""Given what is done and how often, a block in which each one that is done calls what it gives."""


@dataclass(frozen=True)
class TortureReport:
    """What a torture came to.

    Attributes:
        findings: in the order of the trials, whichever was done first.
        left_out: what was not tried or compared, in words: so much of it, or never twice the same.
        untried: trials that were meant to be made when it was interrupted.
        interrupted: whether Ctrl-C ended it.
    """

    findings: tuple[TrialFinding, ...]
    left_out: tuple[str, ...]
    untried: int
    interrupted: bool

    def list_broken(self, strict: bool = False) -> list[TrialFinding]:
        """The findings of what broke the command; where it is strict, also of what it failed under cleanly."""
        return [each for each in self.findings if each.is_broken(strict)]

    def list_switched_off(self) -> list[TrialFinding]:
        """The findings of which nothing is known, because the command ended what was played."""
        return [each for each in self.findings if each.outcome == "switched off"]


@contextmanager
def hide_progress(label: str, count: int) -> Iterator[Callable[[], None]]:
    """A progress that nobody sees."""
    yield lambda: None


def torture_command(
    foundry: ServerBase, contract: Contract, asked: TortureSettings, progress: ProgressDisplay = hide_progress
) -> TortureReport:
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
    check_torture_settings(asked, contract)
    with ExitStack() as ending:
        base = foundry.foundation()
        ending.callback(base.delete)
        if asked.seed is not None:
            base.begin(asked.seed, asked.random_seed)
        base.clock.freeze()
        pool = ThreadPoolExecutor(asked.jobs)
        ending.callback(pool.shutdown, cancel_futures=True)
        bench = RunContext(base, ending.enter_context(CommandRunner()), asked)
        # In the pool even alone: the main thread does nothing that Ctrl-C could break off half done.
        clean = pool.submit(measure_baseline, bench).result()
        plans = select_called_plans(asked, contract, clean.calls, clean.unknown_request)
        return run_trials(bench, clean, plans, pool, progress)


@dataclass
class TrialLedger:
    """The trials of a torture, and what has been found of them so far, by their numbers."""

    trials: list[Trial] = field(default_factory=list)
    findings: dict[int, TrialFinding] = field(default_factory=dict)

    def list_findings(self) -> list[TrialFinding]:
        """The findings in the order of their trials."""
        return [self.findings[number] for number in sorted(self.findings)]


def run_trials(
    bench: RunContext, clean: CleanBaseline, plans: Sequence[Plan], pool: ThreadPoolExecutor, progress: ProgressDisplay
) -> TortureReport:
    """Makes all trials, or as many as are made when Ctrl-C comes."""
    asked, ledger, interrupted = bench.asked, TrialLedger(), False
    left_out = [*clean.left_out, *describe_skipped_calls(plans, clean.calls, asked.max_calls)]
    alone = list_single_trials(plans, clean.calls, asked.wanted, asked.max_calls)
    if not alone:
        raise TortureError(explain_no_trials(plans))
    play = partial(run_trial, bench, clean)
    try:
        run_trial_batch(ledger, alone, play, pool, progress("failures", len(alone)))
        if asked.pairs:
            survived = [(each.trial, each.calls) for each in ledger.list_findings() if each.outcome == "survived"]
            both, every = list_pair_trials(survived, plans, clean.calls, asked.wanted, asked.max_calls, asked.max_pairs)
            if len(both) < every:
                left_out.append(f"{every - len(both)} of {every} pairs (--max-pairs {asked.max_pairs})")
            run_trial_batch(ledger, both, play, pool, progress("pairs of failures", len(both)))
    except KeyboardInterrupt:
        interrupted = True
    findings = tuple(ledger.list_findings())
    return TortureReport(findings, tuple(left_out), len(ledger.trials) - len(findings), interrupted)


def run_trial_batch(
    ledger: TrialLedger,
    trials: Sequence[Trial],
    play: Callable[[Trial], TrialFinding],
    pool: ThreadPoolExecutor,
    progress: AbstractContextManager[Callable[[], None]],
) -> None:
    """Makes trials, several at a time, and writes down what was found as soon as it is."""
    first = len(ledger.trials)
    ledger.trials += trials
    with progress as step:
        futures = {pool.submit(play, trial): number for number, trial in enumerate(trials, first)}
        for future in as_completed(futures):
            ledger.findings[futures[future]] = future.result()
            step()


def explain_no_trials(plans: Sequence[Plan]) -> str:
    """Why some operations can meet none of the failures that are wanted, and what to do."""
    names = ", ".join(plan.operation for plan in plans)
    return (
        f"{names} can meet none of these failures: what changes nothing fails only before, and after a change comes "
        "no status below 500; allow more by --operation, --status, --fault or --phase"
    )
