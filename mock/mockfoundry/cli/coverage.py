"""`mockfoundry coverage`: which documented answers and which faults the client under test has met."""

import json

import click

from mockfoundry.cli.asking import URL_OPTION
from mockfoundry.cli.controlling import TOKEN_OPTION, asked, of_foundation
from mockfoundry.cli.failing import fail


@click.command()
@URL_OPTION
@TOKEN_OPTION
@click.option("--foundation", default="", help="Only this foundation; all together by default.")
@click.option("--operation", default="", help="Only these operations, with commas between.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="A table, or JSON.")
@click.option("--fail-under", type=click.FloatRange(0, 100), help="Exit code 1 where less than PERCENT was met.")
@click.option(
    "--scenario",
    "missing",
    nargs=2,
    metavar="OPERATION ANSWER",
    help="Print the scenario file that makes a client meet an answer: scaleProcess 409, scaleProcess 'reset after'.",
)
def coverage(
    url: str | None,
    control_token: str,
    foundation: str,
    operation: str,
    form: str,
    fail_under: float | None,
    missing: tuple[str, str] | None,
) -> None:
    """Print what of the contract clients have met."""
    path = of_foundation(foundation, "/coverage") if foundation else "/coverage"
    query = {"operation": missing[0] if missing else operation}
    answer = asked(url, path, control_token, query)
    if missing:
        for square in answer["squares"]:
            name = f"{square['fault']} {square['phase']}" if square["fault"] else str(square["status"])
            if name == missing[1]:
                if square["scenario"] is None:
                    fail(f"{missing[0]} {name} was met {square['times']} times already; no scenario is needed")
                click.echo(square["scenario"], nl=False)
                return
        fail(f"{missing[1]} is no answer of {missing[0]}; mockfoundry coverage --operation {missing[0]} lists them")
    click.echo(json.dumps(answer) if form == "json" else answer["table"])
    if fail_under is not None and answer["percent"] < fail_under:
        click.echo(f"mockfoundry: {answer['percent']:g} % was met, {fail_under:g} % is asked for", err=True)
        raise SystemExit(1)
