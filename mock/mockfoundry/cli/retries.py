"""`mockfoundry retries`: what clients sent again, after what, with what wait, and whether it did something twice."""

import json

import click

from mockfoundry.cli.asking import URL_OPTION
from mockfoundry.cli.controlling import FOUNDATION_OPTION, TOKEN_OPTION, asked, of_foundation


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--operation", default="", help="Only this operation.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="A table, or JSON.")
@click.option("--max", "most", type=click.IntRange(0), help="Exit code 1 where one request was repeated more often.")
@click.option("--honours-retry-after", is_flag=True, help="Exit code 1 where a repeat came before Retry-After said.")
@click.option("--never-twice", is_flag=True, help="Exit code 1 where a repeat changed the world once more.")
@click.option("--within", metavar="DURATION", help="What is sent later than that after an answer repeats nothing.")
def retries(
    url: str | None,
    control_token: str,
    foundation: str,
    operation: str,
    form: str,
    most: int | None,
    honours_retry_after: bool,
    never_twice: bool,
    within: str | None,
) -> None:
    """Print what clients repeated."""
    query = {
        "operation": operation,
        "max": None if most is None else str(most),
        "honours_retry_after": "true" if honours_retry_after else "",
        "never_twice": "true" if never_twice else "",
        "within": within,
    }
    answer = asked(url, of_foundation(foundation, "/retries"), control_token, query)
    click.echo(json.dumps(answer) if form == "json" else answer["table"])
    asserted = most is not None or honours_retry_after or never_twice
    if asserted and answer["verdict"]["result"] != "holds":
        click.echo(f"mockfoundry: {answer['verdict']['said']}", err=True)
        raise SystemExit(1)
