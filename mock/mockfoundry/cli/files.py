"""`mockfoundry scenarios`, `operations` and `check`: what can be played, on what, and whether a file is right."""

from pathlib import Path

import click

from mockfoundry.cli.errors import report_user_errors
from mockfoundry.cli.printing import print_text

CONTRACT_OPTION = click.option(
    "--contract",
    type=click.Path(path_type=Path),
    envvar="MOCKFOUNDRY_CONTRACT",
    help="The OpenAPI document to use in place of the shipped one.",
)


@click.command()
def scenarios() -> None:
    """List the built-in scenarios."""
    from mockfoundry.scenarios.format import read_scenario
    from mockfoundry.scenarios.library import list_library_files

    files = list_library_files()
    width = max(len(name) for name in files)
    for name, path in sorted(files.items()):
        scenario = read_scenario(path.read_text(encoding="utf-8"), source=str(path))
        print_text(f"{name:<{width}}  {scenario.description}")


@click.command()
@CONTRACT_OPTION
def operations(contract: Path | None) -> None:
    """List the operations of the contract, with the statuses and examples that it documents."""
    from mockfoundry import shipped
    from mockfoundry.contract.load import load_contract

    with report_user_errors():
        loaded = load_contract(contract or shipped.CONTRACT_FILE)
    for plan in loaded.plans.values():
        print_text(f"{plan.operation}  {plan.method} {plan.path}")
        for status, documented in sorted(plan.responses.items()):
            print_text(f"  {status}  {', '.join(documented.examples)}")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@CONTRACT_OPTION
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", help="How problems are printed."
)
def check(files: tuple[Path, ...], contract: Path | None, form: str) -> None:
    """Check scenario FILES: exit code 0 if all are right, 1 if not."""
    from mockfoundry import shipped
    from mockfoundry.assembly import ERROR_STATUSES
    from mockfoundry.contract.load import load_contract
    from mockfoundry.documents.files import read_document_file
    from mockfoundry.documents.problems import PROBLEM_FORMATS, DocumentError, Problem
    from mockfoundry.documents.yaml import MAX_DOCUMENT_BYTES
    from mockfoundry.scenarios.lint import check_scenario

    problems: list[Problem] = []
    with report_user_errors():
        loaded = load_contract(contract or shipped.CONTRACT_FILE)
        for file in files:
            try:
                text = read_document_file(file, MAX_DOCUMENT_BYTES, "split it")
            except DocumentError as error:
                problems += error.problems
            else:
                problems += check_scenario(text, loaded, ERROR_STATUSES, source=str(file))
    print_text(PROBLEM_FORMATS[form](problems), newline=False)
    if problems:
        raise SystemExit(1)
    if form == "text":
        print_text(f"{len(files)} {'file is' if len(files) == 1 else 'files are'} right")
