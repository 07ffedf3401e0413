"""Schedules of failures, drawn as scenarios, printed in a falsifying example, kept as files. Never plays one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.vendor.pretty import RepresentationPrinter, for_type_by_name

from mockfoundry.contract.load import Contract
from mockfoundry.contract.plan import Plan, shorten_value
from mockfoundry.scenarios.kinds import is_name
from mockfoundry.scenarios.model import Respond, Scenario
from mockfoundry.scenarios.schedules import (
    PHASES,
    Failure,
    FailureFilter,
    find_possible_failures,
    list_failure_statuses,
    scenario_from_failures,
)
from mockfoundry.strategies.contract_values import (
    find_plan,
    list_unique_words,
    load_shipped_contract,
    must_be_whole,
    must_be_words,
)
from mockfoundry.wire_faults import INSTANT_FAULT_NAMES, WIRE_FAULT_NAMES


def register_schedule_printer() -> None:
    """Makes Hypothesis print a scenario as lines of YAML that can be copied, each with the same indentation."""
    for_type_by_name(Scenario.__module__, Scenario.__name__, print_scenario)


def print_scenario(scenario: Scenario, printer: RepresentationPrinter, cycle: bool) -> None:
    """Prints a scenario file on lines of its own, without any of the text around it."""
    heading = f"# {scenario.name}.yaml; to play it again: mockfoundry serve --scenario {scenario.name}.yaml"
    with printer.group(indent=4):
        for line in (heading, *scenario.to_yaml().splitlines()):
            printer.break_()
            printer.text(line)
    printer.break_()


def keep(schedule: Scenario, folder: str | Path) -> Path:
    """Writes a schedule to `NAME.yaml` in a folder; the folder is made, a file of that name replaced.

    Returns:
        The file, to be played by its path.

    Raises:
        ValueError: the schedule's name is not the name of a scenario; that of a drawn one is.
        OSError: the file can't be written.
    """
    if not is_name(schedule.name):
        raise ValueError(
            f'keep(): "{shorten_value(schedule.name)}" is not the name of a scenario: '
            "1 to 64 letters, digits, -, _ or ., with a letter or digit at both ends; give it another"
        )
    file = Path(folder) / f"{schedule.name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(schedule.to_yaml(), encoding="utf-8")
    return file


def failures(
    operations: str | Sequence[str] | None = None,
    statuses: Sequence[int] | None = None,
    faults: str | Sequence[str] | None = None,
    phases: str | Sequence[str] = PHASES,
    max_failures: int = 4,
    max_call: int = 8,
    contract: Contract | None = None,
) -> st.SearchStrategy[Scenario]:
    """Schedules of failures, as scenarios to be played: at the k-th call of an operation, this failure.

    Calls are counted in the whole foundation. A failure is a status that the contract documents, or a fault on the
    wire. It comes `before` the operation, which then does not run; or `after` it, if the operation writes, and its
    change is kept. A failure of phase `after` needs a change: if its call is refused, it waits for the next one that is
    accepted. After a kept change only statuses from 500 come, since a lower one says that nothing was done.

    A schedule shrinks to none, else to fewer failures, at earlier calls, each as simple as can be: first the statuses,
    in the contract's order; then the faults, in the order of the documentation; then the same faults after a kept
    change, which are lost answers; last the statuses after a kept change, which are
    answers that lie. What is named in an argument is simpler the earlier it is named.

    Args:
        operations: operationIds that may fail; every one of the contract unless given.
        statuses: those that may come; every documented one from 400 unless given.
        faults: those that may come; unless given, all but hang and dribble, which take time.
        phases: `before`, `after` or both.
        max_failures: how many there may be in one schedule.
        max_call: the last call that may fail, from 1.
        contract: of the server that plays them; the shipped one unless given.

    Raises:
        InvalidArgument: something is asked for that the contract does not have, or that can't happen.
    """
    used = contract or load_shipped_contract()
    must_be_whole("failures(max_failures=…)", max_failures, 1)
    must_be_whole("failures(max_call=…)", max_call, 1)
    wanted = FailureFilter(
        None if statuses is None else tuple(dict.fromkeys(statuses)),
        INSTANT_FAULT_NAMES if faults is None else list_unique_words(faults),
        list_unique_words(phases),
    )
    must_be_words("failures(faults=…)", wanted.faults, WIRE_FAULT_NAMES)
    must_be_words("failures(phases=…)", wanted.phases, PHASES)
    named = tuple(used.plans) if operations is None else list_unique_words(operations)
    plans = [find_plan("failures(operations=…)", operation, used) for operation in named]
    must_be_documented_failures(wanted, plans)
    possible = {plan.operation: tuple(find_possible_failures(plan, wanted)) for plan in plans}
    for plan in plans:
        if not possible[plan.operation] and operations is not None:
            raise InvalidArgument(f"failures(operations=…): {explain_no_failures(plan, wanted)}")
    choices = [(plan, respond) for plan in plans for respond in possible[plan.operation]]
    if not choices:
        raise InvalidArgument("failures(): no failure is left to draw; name more of operations, statuses or faults")
    failing = [plan for plan in plans if possible[plan.operation]]
    return failure_schedules(failing, choices, min(max_failures, max_call * len(failing)), max_call)


def failure_schedules(
    plans: list[Plan], choices: list[tuple[Plan, Respond]], most: int, max_call: int
) -> st.SearchStrategy[Scenario]:
    """Scenarios with at most `most` failures."""
    one = st.builds(build_failure, st.sampled_from(choices), st.integers(1, max_call))
    many = st.lists(one, max_size=most, unique_by=lambda each: (each.plan.operation, each.call))

    # Hypothesis prints the value of a composite strategy; with `map` it would print the list of failures.
    @st.composite
    def failures(draw: st.DrawFn) -> Scenario:
        return scenario_from_failures(draw(many), plans)

    return failures()


def build_failure(choice: tuple[Plan, Respond], call: int) -> Failure:
    return Failure(*choice, call)


def must_be_documented_failures(wanted: FailureFilter, plans: list[Plan]) -> None:
    """Raises InvalidArgument with the first status that none of the operations documents as a failure."""
    known = sorted({status for plan in plans for status in list_failure_statuses(plan)})
    for status in wanted.statuses or ():
        if status not in known:
            allowed = ", ".join(str(each) for each in known)
            who = plans[0].operation if len(plans) == 1 else "these operations"
            success = "; a success is no failure" if any(status in plan.responses for plan in plans) else ""
            raise InvalidArgument(
                f"failures(statuses=…): {quote_status(status)} is no documented failure of {who}{success}; "
                f"allowed: {allowed}"
            )


def quote_status(status: Any) -> str:
    return f'"{status}"' if isinstance(status, str) else str(status)


def explain_no_failures(plan: Plan, wanted: FailureFilter) -> str:
    """Why an operation can meet none of the wanted failures, and what to do."""
    if "before" not in wanted.phases and not plan.writes:
        return f"{plan.operation} changes nothing, so nothing fails after it; leave it out, or add the phase before"
    if "before" not in wanted.phases and not wanted.faults:
        return f"{plan.operation} fails after its change only with 500 or more, or a fault; add one, or phase before"
    return f"{plan.operation} can meet none of these failures; leave it out, or name more of statuses and faults"
