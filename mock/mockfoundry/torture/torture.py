"""A torture: two clean runs, a run for each failure, then for pairs, several at a time. Never prints anything."""

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
"""Given a label and a count of steps: a block, in which the function that it gives is called after each step."""


@dataclass(frozen=True)
class TortureReport:
    """The result of a torture.

    Attributes:
        findings: in the order of the trials.
        left_out: what was not tried or not compared, and why, in words.
        untried: how many trials were left when it was interrupted.
        interrupted: whether Ctrl-C ended it.
    """

    findings: tuple[TrialFinding, ...]
    left_out: tuple[str, ...]
    untried: int
    interrupted: bool

    def list_broken(self, strict: bool = False) -> list[TrialFinding]:
        """The findings of failures that broke the command; if strict, also of those under which it failed cleanly."""
        return [each for each in self.findings if each.is_broken(strict)]

    def list_switched_off(self) -> list[TrialFinding]:
        """The findings that say nothing, because the command switched off what was played."""
        return [each for each in self.findings if each.outcome == "switched off"]


@contextmanager
def hide_progress(label: str, count: int) -> Iterator[Callable[[], None]]:
    """A progress display that shows nothing."""
    yield lambda: None


def torture_command(
    server: ServerBase, contract: Contract, settings: TortureSettings, progress: ProgressDisplay = hide_progress
) -> TortureReport:
    """Runs a command once for each failure that it can meet.

    When it returns or raises, no process of the command and no foundation is left.

    Args:
        server: where the foundations are made.
        contract: of the server.
        progress: shows how much is done.

    Raises:
        TortureError: the settings do not fit the contract, or the command fails without any failure.
        ControlError: the server refuses the seed or a scenario.
        ServerError: the server does not answer.
        ScenarioError: one of the other scenarios can't be used.
    """
    check_torture_settings(settings, contract)
    with ExitStack() as ending:
        base = server.foundation()
        ending.callback(base.delete)
        if settings.seed is not None:
            base.begin(settings.seed, settings.random_seed)
        base.clock.freeze()
        pool = ThreadPoolExecutor(settings.jobs)
        ending.callback(pool.shutdown, cancel_futures=True)
        context = RunContext(base, ending.enter_context(CommandRunner()), settings)
        # In the pool too, since Ctrl-C interrupts the main thread alone.
        clean = pool.submit(measure_baseline, context).result()
        plans = select_called_plans(settings, contract, clean.calls, clean.unknown_request)
        return run_trials(context, clean, plans, pool, progress)


@dataclass
class TrialLedger:
    """The trials of a torture, and the findings so far, by the trials' numbers."""

    trials: list[Trial] = field(default_factory=list)
    findings: dict[int, TrialFinding] = field(default_factory=dict)

    def list_findings(self) -> list[TrialFinding]:
        """The findings in the order of their trials."""
        return [self.findings[number] for number in sorted(self.findings)]


def run_trials(
    context: RunContext,
    clean: CleanBaseline,
    plans: Sequence[Plan],
    pool: ThreadPoolExecutor,
    progress: ProgressDisplay,
) -> TortureReport:
    """Runs all trials, or as many as are done when Ctrl-C comes."""
    settings, ledger, interrupted = context.settings, TrialLedger(), False
    wanted, max_calls = settings.wanted, settings.max_calls
    left_out = [*clean.left_out, *describe_skipped_calls(plans, clean.calls, max_calls)]
    singles = list_single_trials(plans, clean.calls, wanted, max_calls)
    if not singles:
        raise TortureError(explain_no_trials(plans))
    run = partial(run_trial, context, clean)
    try:
        run_trial_batch(ledger, singles, run, pool, progress("failures", len(singles)))
        if settings.pairs:
            survived = [(each.trial, each.calls) for each in ledger.list_findings() if each.outcome == "survived"]
            pairs, total = list_pair_trials(survived, plans, clean.calls, wanted, max_calls, settings.max_pairs)
            if len(pairs) < total:
                left_out.append(f"{total - len(pairs)} of {total} pairs (--max-pairs {settings.max_pairs})")
            run_trial_batch(ledger, pairs, run, pool, progress("pairs of failures", len(pairs)))
    except KeyboardInterrupt:
        interrupted = True
    findings = tuple(ledger.list_findings())
    return TortureReport(findings, tuple(left_out), len(ledger.trials) - len(findings), interrupted)


def run_trial_batch(
    ledger: TrialLedger,
    trials: Sequence[Trial],
    run: Callable[[Trial], TrialFinding],
    pool: ThreadPoolExecutor,
    progress: AbstractContextManager[Callable[[], None]],
) -> None:
    """Runs trials, several at a time, and records each finding at once."""
    first = len(ledger.trials)
    ledger.trials += trials
    with progress as step:
        futures = {pool.submit(run, trial): number for number, trial in enumerate(trials, first)}
        for future in as_completed(futures):
            ledger.findings[futures[future]] = future.result()
            step()


def explain_no_trials(plans: Sequence[Plan]) -> str:
    """Why operations can meet none of the wanted failures, and what to do."""
    names = ", ".join(plan.operation for plan in plans)
    return (
        f"{names} can meet none of these failures: what changes nothing fails only before, and after a change comes "
        "no status below 500; allow more by --operation, --status, --fault or --phase"
    )
