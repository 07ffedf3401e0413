"""Commands that need no server: what can be played and on what, whether files are right, and their schemas."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockfoundry.cli.completion import complete_scenario
from mockfoundry.cli.errors import fail, report_user_errors, require_standard_input
from mockfoundry.cli.printing import FORMAT_CHOICE, print_entry, print_json, print_text
from mockfoundry.documents.files import STANDARD_INPUT

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
@click.argument("name", required=False, shell_complete=complete_scenario)
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="Lines for people, or JSON.")
def scenarios(name: str | None, form: str) -> None:
    """List the built-in scenarios, or print the file of the one called NAME."""
    from mockfoundry.scenarios.format import read_scenario
    from mockfoundry.shipped import list_library_files

    if name is not None:
        print_library_file(name, list_library_files())
        return
    files = sorted(list_library_files().items())
    library = [(each, read_scenario(path.read_text(encoding="utf-8"), source=str(path))) for each, path in files]
    if form == "json":
        keys = ("name", "description", "story", "good_client")
        print_json({"scenarios": [{key: getattr(scenario, key) for key in keys} for _, scenario in library]})
        return
    width = max(len(each) for each, _ in library)
    for each, scenario in library:
        print_entry(f"{each:<{width}}  ", scenario.description)


def print_library_file(name: str, files: Mapping[str, Path]) -> None:
    """Prints the file of a scenario of the library; ends the command where there is none of that name."""
    from mockfoundry.documents.problems import did_you_mean

    if name not in files:
        hint = did_you_mean(name, files) or "; mockfoundry scenarios lists them"
        fail(f"{name} is not a scenario of the library{hint}")
    print_text(files[name].read_text(encoding="utf-8"), newline=False)


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
@click.option("--format", "form", type=FORMAT_CHOICE, default="text", help="Lines for people, or JSON.")
def errors(form: str) -> None:
    """List the errors that a scenario can answer with: title, status, code and usual text."""
    from mockfoundry.cloudfoundry.errors import CATALOGUE

    entries = sorted(CATALOGUE.values(), key=lambda entry: (entry.status, entry.title))
    if form == "json":
        keys = ("title", "status", "code", "detail")
        print_json({"errors": [{key: getattr(entry, key) for key in keys} for entry in entries]})
        return
    width = max(len(title) for title in CATALOGUE)
    for entry in entries:
        print_entry(f"{entry.title:<{width}}  {entry.status}  {entry.code:>6}  ", entry.detail)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(allow_dash=True))
@CONTRACT_OPTION
@PLATFORM_OPTION
@click.option(
    "--seed",
    type=click.Path(),
    help="Also try on this seed's world what scenarios change in it: whether there is what they name.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", help="How problems are printed."
)
def check(paths: tuple[str, ...], contract: Path | None, platform: str | None, seed: str | None, form: str) -> None:
    """Check scenarios, seeds and configurations: exit code 0 if all are right, 1 if not, 2 if one could not be read.

    PATHS are files, folders (the .yaml, .yml and .json files in them, without those that end with .schema.json), or -
    for the standard input. Which of the three a file is, its keys say.
    """
    from mockfoundry.assembly import build_seed_world
    from mockfoundry.checking import check_paths
    from mockfoundry.documents.problems import PROBLEM_FORMATS
    from mockfoundry.options import ServerOptions

    served = load_contracts(contract, platform)
    with report_user_errors():
        world = None if seed is None else build_seed_world(ServerOptions(seed=seed), 0)
    standard_input = require_standard_input().buffer if STANDARD_INPUT in paths else BytesIO()
    report = check_paths(paths, standard_input, served, world)
    print_text(PROBLEM_FORMATS[form](report.problems), newline=False)
    if report.problems:
        raise SystemExit(2 if report.unreadable else 1)
    if form == "text":
        print_text(f"{report.files} {'file is' if report.files == 1 else 'files are'} right")


@click.command()
@click.argument("kind", type=click.Choice(["scenario", "seed", "config"]))
@CONTRACT_OPTION
@PLATFORM_OPTION
def schema(kind: str, contract: Path | None, platform: str | None) -> None:
    """Print the JSON Schema of scenarios, seeds or configurations, with which an editor completes and checks them.

    That of scenarios has the operations, statuses and examples of the contract.
    """
    from mockfoundry.scenarios.reference import (
        build_configuration_schema,
        build_scenario_schema,
        build_seed_schema,
        render_schema,
    )

    if kind != "scenario":
        print_text(
            render_schema(build_seed_schema() if kind == "seed" else build_configuration_schema()), newline=False
        )
        return
    print_text(render_schema(build_scenario_schema(load_contracts(contract, platform))), newline=False)
