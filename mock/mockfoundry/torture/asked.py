"""Asked: what a torture was asked for, held against the contract before anything is run. Never runs anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mockfoundry.client.wording import SeedSource
from mockfoundry.contract import Contract, Plan, brief
from mockfoundry.documents import did_you_mean
from mockfoundry.scenarios.schedules import AT_ONCE, PHASES, Wanted, documented


class TortureError(Exception):
    """A torture could not be done; the text says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Asked:
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
    def wanted(self) -> Wanted:
        """Which failures an operation may meet."""
        named = bool(self.statuses or self.faults)
        return Wanted(
            statuses=self.statuses if named else None,
            faults=self.faults if named else AT_ONCE,
            phases=self.phases,
        )


def must_be_known(asked: Asked, contract: Contract) -> None:
    """Raises TortureError with the first operation or status that the contract does not have."""
    for operation in asked.operations:
        if operation not in contract.plans:
            hint = did_you_mean(operation, contract.plans)
            raise TortureError(
                f'--operation: "{brief(operation)}" is not an operation of the contract{hint} '
                "(mockfoundry operations lists them)"
            )
    plans = [plan for plan in contract.plans.values() if not asked.operations or plan.operation in asked.operations]
    must_be_documented(asked.statuses, plans)


def must_be_documented(statuses: Sequence[int], plans: Sequence[Plan]) -> None:
    """Raises TortureError with the first status that none of some operations can fail with."""
    known = sorted({status for plan in plans for status in documented(plan)})
    for status in statuses:
        if status not in known:
            who = plans[0].operation if len(plans) == 1 else "these operations"
            allowed = ", ".join(str(each) for each in known) or "none"
            raise TortureError(
                f"--status: {status} is no documented failure of {who}; allowed: {allowed}; take one of these"
            )


def called_plans(asked: Asked, contract: Contract, calls: Mapping[str, int], strange: str) -> list[Plan]:
    """The operations that are to fail, in the contract's order.

    Args:
        calls: how often the clean run called each operation.
        strange: a request of it that is none of them, or empty.

    Raises:
        TortureError: one that was named is not called, or the command calls none.
    """
    if not calls:
        what = f"none that the contract has, but {brief(strange, 200)}" if strange else "none"
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
    must_be_documented(asked.statuses, plans)
    return plans
