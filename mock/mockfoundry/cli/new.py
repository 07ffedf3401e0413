"""`mockfoundry new scenario` and `new seed`: a first file, from three answers. Never writes over one: it prints it."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from mockfoundry.cli.errors import fail, require_standard_input
from mockfoundry.cli.files import CONTRACT_OPTION, PLATFORM_OPTION, load_contracts
from mockfoundry.cli.printing import INTERRUPTED_EXIT_CODE, print_text
from mockfoundry.wire_faults import WIRE_FAULT_NAMES

if TYPE_CHECKING:
    from mockfoundry.contract.load import Contract
    from mockfoundry.contract.plan import Plan
    from mockfoundry.documents.problems import Problem
    from mockfoundry.scenarios.model import CountScope, Respond, Scenario

T = TypeVar("T")


@click.group()
def new() -> None:
    """Print a first scenario or seed, which passes `check`. What no option says is asked for.

    \b
      mockfoundry new scenario > slow.yaml
      mockfoundry new seed --space acme/dev --app shop --count 40 > seed.yaml
    """


@click.command("scenario")
@click.option("--name", help="What it is called.")
@click.option("--operation", help="Which operation fails.")
@click.option("--answer", help="What the client gets: an error's title, a status, or a fault on the wire.")
@click.option(
    "--times",
    default=1,
    type=click.IntRange(0),
    show_default=True,
    help="How many requests of each process fail; 0 is all.",
)
@CONTRACT_OPTION
@PLATFORM_OPTION
def new_scenario(
    name: str | None,
    operation: str | None,
    answer: str | None,
    times: int,
    contract: Path | None,
    platform: str | None,
) -> None:
    """Print a scenario in which one operation fails."""
    served = load_contracts(contract, platform)
    name = name or ask_for("What is it called?", "my-scenario", "--name")
    operation = operation or ask_for("Which operation fails?", choose_operation(served), "--operation")
    must_be_known("an operation", operation, served.plans, "mockfoundry operations")
    answer = answer or ask_for("What does the client get: an error, a status or a fault?", "CF-Conflict", "--answer")
    scenario = build_scenario(name, served.plans[operation], read_answer(answer), times)
    print_text(render_checked_scenario(scenario, served), newline=False)


def choose_operation(contract: "Contract") -> str:
    """The operation that is proposed: the one that most scenarios are about, where a contract has it."""
    return USUAL_OPERATION if USUAL_OPERATION in contract.plans else next(iter(contract.plans), "")


USUAL_OPERATION = "scaleProcess"


def ask_for(question: str, default: T, flag: str, type_: "click.ParamType[Any] | None" = None) -> T:
    """The answer to a question; it is asked on the standard error, since the file goes to the standard output.

    Args:
        flag: the option that answers it, too.
        type_: of the answer; None for that of the default.
    """
    try:
        answer: T = click.prompt(question, default=default, type=type_, err=True)
    except click.Abort:
        # The line of the question has not ended.
        print_text("", error=True)
        if require_standard_input().isatty():
            fail("interrupted", INTERRUPTED_EXIT_CODE)
        fail(f"the standard input ended before an answer; {flag} gives it")
    return answer


def must_be_known(noun: str, word: str, allowed: Mapping[str, Any], command: str) -> None:
    """Ends the command where a word is not one of those that there are."""
    from mockfoundry.documents.problems import did_you_mean

    if word not in allowed:
        hint = did_you_mean(word, allowed)
        fail(f"{word} is not {noun}{hint if 'did you mean' in hint else ''}; {command} lists them")


def read_answer(answer: str) -> "Respond":
    """What the client gets, by the title of an error, a status, or the name of a fault."""
    from mockfoundry.cloudfoundry.errors import CATALOGUE
    from mockfoundry.scenarios.model import Respond

    if answer.isascii() and answer.isdigit():
        return Respond(status=int(answer))
    if answer in WIRE_FAULT_NAMES:
        return Respond(fault=answer)
    faults = f"faults are {', '.join(WIRE_FAULT_NAMES)}"
    known = dict.fromkeys((*CATALOGUE, *WIRE_FAULT_NAMES))
    must_be_known("an error, a status or a fault", answer, known, f"{faults}; mockfoundry errors")
    return Respond(error=answer)


def build_scenario(name: str, plan: "Plan", respond: "Respond", times: int) -> "Scenario":
    """The scenario; it counts for each process, where the operation's path says which."""
    from mockfoundry.scenarios.model import Rule, Scenario

    often = {0: "Every", 1: "The first"}.get(times, f"Each of the first {times}")
    text = respond.error or respond.fault or str(respond.status)
    per: CountScope = "process" if "{" in plan.path else "foundation"
    whose = " of each process" if per == "process" else ""
    rule = Rule(operation=plan.operation, per=per, times=times or None, respond=respond)
    return Scenario(name=name, description=f"{often} {plan.operation}{whose} gets {text}.", rules=(rule,))


def render_checked_scenario(scenario: "Scenario", contract: "Contract") -> str:
    """A scenario as its file; an answer that the contract does not document is marked as intended."""
    from msgspec.structs import replace

    from mockfoundry.assembly import ERROR_STATUSES
    from mockfoundry.scenarios.lint import check_scenario

    if check_scenario(scenario, contract, ERROR_STATUSES):
        scenario = replace(scenario, rules=tuple(mark_undocumented(scenario)))
    problems = check_scenario(scenario, contract, ERROR_STATUSES)
    if problems:
        end_with_problems(problems)
    return scenario.to_yaml()


def mark_undocumented(scenario: "Scenario") -> Iterator[Any]:
    from msgspec.structs import replace

    for rule in scenario.rules:
        yield replace(rule, respond=None if rule.respond is None else replace(rule.respond, undocumented=True))


def end_with_problems(problems: "Iterable[Problem]") -> NoReturn:
    """Ends the command: what was answered can stand in no file."""
    fail("; ".join(each.text for each in problems))


@click.command("seed")
@click.option("--space", help="The space, as ORGANIZATION/SPACE.")
@click.option("--app", help="What its app is called; of several, what their names begin with.")
@click.option("--count", type=click.IntRange(1), help="How many apps there are.")
def new_seed(space: str | None, app: str | None, count: int | None) -> None:
    """Print a seed with a space full of like apps, and a user who may scale them."""
    from mockfoundry.cloudfoundry.seeds.read import read_seed
    from mockfoundry.documents.problems import DocumentError
    from mockfoundry.documents.yaml_writing import render_mapping

    space = space or ask_for("Which space, as ORGANIZATION/SPACE?", "acme/dev", "--space")
    organization, _, name = space.partition("/")
    if not (organization and name):
        fail(f"{space} is not ORGANIZATION/SPACE, such as acme/dev")
    app = app or ask_for("What is its app called?", "shop", "--app")
    count = count or ask_for("How many such apps are there?", 1, "--count", click.IntRange(1))
    process = {"type": "web", "instances": 1, "memory_in_mb": 256, "disk_in_mb": 1024}
    named = {"name": app} if count == 1 else {"name": f"{app}-{{n}}", "count": count}
    text = "\n".join(
        render_mapping(
            {
                "organizations": [
                    {"name": organization, "spaces": [{"name": name, "apps": [{**named, "processes": [process]}]}]}
                ],
                "users": [
                    {
                        "name": "alice",
                        "organizations": {organization: ["organization_user"]},
                        "spaces": {space: ["space_developer"]},
                    }
                ],
            },
            0,
        )
    )
    try:
        read_seed(text, "seed")
    except DocumentError as error:
        end_with_problems(error.problems)
    print_text(text)


for command in (new_scenario, new_seed):
    new.add_command(command)
