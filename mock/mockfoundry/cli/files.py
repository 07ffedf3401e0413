"""`mockfoundry scenarios`, `operations` and `check`: what can be played, on what, and whether a file is right."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockfoundry.cli.errors import report_user_errors
from mockfoundry.cli.printing import FORMAT_CHOICE, print_json, print_text

if TYPE_CHECKING:
    from mockfoundry.contract.load import Contract
    from mockfoundry.contract.plan import Plan

CONTRACT_OPTION = click.option(
    "--contract",
    type=click.Path(path_type=Path),
    envvar="MOCKFOUNDRY_CONTRACT",
    help="The OpenAPI document to use in place of the shipped one.",
)

PLATFORM_OPTION = click.option(
    "--platform",
    metavar="FILE",
    envvar="MOCKFOUNDRY_PLATFORM",
    help="The OpenAPI document of the platform around it; the shipped one by default, and none with a --contract.",
)


@click.command()
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="Lines for people, or JSON.")
def scenarios(form: str) -> None:
    """List the built-in scenarios."""
    from mockfoundry.scenarios.format import read_scenario
    from mockfoundry.scenarios.library import list_library_files

    files = sorted(list_library_files().items())
    library = [(name, read_scenario(path.read_text(encoding="utf-8"), source=str(path))) for name, path in files]
    if form == "json":
        keys = ("name", "description", "story", "good_client")
        print_json({"scenarios": [{key: getattr(scenario, key) for key in keys} for _, scenario in library]})
        return
    width = max(len(name) for name, _ in library)
    for name, scenario in library:
        print_text(f"{name:<{width}}  {scenario.description}")


@click.command()
@CONTRACT_OPTION
@PLATFORM_OPTION
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="Lines for people, or JSON.")
def operations(contract: Path | None, platform: str | None, form: str) -> None:
    """List the operations that are served, with the statuses and examples that are documented.

    It reads the contracts, and needs no server.
    """
    plans = load_contracts(contract, platform).plans.values()
    if form == "json":
        print_json({"operations": [describe_plan(each) for each in plans]})
        return
    for plan in plans:
        print_text(f"{plan.operation}  {plan.method} {plan.path}")
        for status, documented in sorted(plan.responses.items()):
            print_text(f"  {status}  {', '.join(documented.examples)}".rstrip())


def load_contracts(contract: Path | None, platform: str | None) -> "Contract":
    """What a server with these options serves; ends the command where a document can't be used."""
    from mockfoundry.assembly import load_served_contract
    from mockfoundry.options import ServerOptions

    with report_user_errors():
        return load_served_contract(
            ServerOptions(contract=None if contract is None else str(contract), platform=platform)
        )


def describe_plan(plan: "Plan") -> dict[str, Any]:
    """An operation as JSON's values."""
    responses = {str(status): list(documented.examples) for status, documented in sorted(plan.responses.items())}
    return {"operation": plan.operation, "method": plan.method, "path": plan.path, "responses": responses}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@CONTRACT_OPTION
@PLATFORM_OPTION
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", help="How problems are printed."
)
def check(files: tuple[Path, ...], contract: Path | None, platform: str | None, form: str) -> None:
    """Check scenario and seed FILES: exit code 0 if all are right, 1 if not.

    A file with a key of seeds, and without `scenario:`, is checked as a seed.
    """
    from mockfoundry.assembly import ERROR_STATUSES, list_seed_problems
    from mockfoundry.cloudfoundry.seeds.read import is_seed_text
    from mockfoundry.documents.files import read_document_file
    from mockfoundry.documents.problems import PROBLEM_FORMATS, DocumentError, Problem
    from mockfoundry.documents.yaml import MAX_DOCUMENT_BYTES
    from mockfoundry.scenarios.lint import check_scenario

    problems: list[Problem] = []
    loaded = load_contracts(contract, platform)
    with report_user_errors():
        for file in files:
            try:
                text = read_document_file(file, MAX_DOCUMENT_BYTES, "split it")
            except DocumentError as error:
                problems += error.problems
                continue
            if is_seed_text(text):
                problems += list_seed_problems(text, str(file))
            else:
                problems += check_scenario(text, loaded, ERROR_STATUSES, source=str(file))
    print_text(PROBLEM_FORMATS[form](problems), newline=False)
    if problems:
        raise SystemExit(1)
    if form == "text":
        print_text(f"{len(files)} {'file is' if len(files) == 1 else 'files are'} right")
