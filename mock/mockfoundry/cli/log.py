"""`mockfoundry log`: what happened in a foundation, a line for each exchange."""

import json
from typing import Any

import click

from mockfoundry.cli.asking import URL_OPTION
from mockfoundry.cli.controlling import FOUNDATION_OPTION, TOKEN_OPTION, asked, of_foundation, opened


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--operation", default="", help="Only these operations, with commas between.")
@click.option("--status", default="", help="Only these statuses, with commas between.")
@click.option("--scenario", default="", help="Only what this scenario decided.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Lines for people, or JSON."
)
@click.option("--curl", "number", type=click.IntRange(1), help="Print exchange NUMBER as a curl command instead.")
def log(
    url: str | None,
    control_token: str,
    foundation: str,
    follow: bool,
    operation: str,
    status: str,
    scenario: str,
    form: str,
    number: int | None,
) -> None:
    """Print what happened in a foundation."""
    if number is not None:
        click.echo(asked(url, of_foundation(foundation, f"/requests/{number}"), control_token, {})["curl"])
        return
    query = {"operation": operation, "status": status, "scenario": scenario}
    path = of_foundation(foundation, "/requests")
    if not follow:
        answer = asked(url, path, control_token, query)
        if answer["dropped"] and form == "text":
            click.echo(f"{answer['dropped']} exchanges before these were dropped", err=True)
        for each in answer["requests"]:
            click.echo(shown(each, form))
        return
    try:
        with opened(url, path, control_token, {**query, "follow": "true"}, timeout=None) as stream:
            for line in stream:
                click.echo(shown(json.loads(line), form))
    except KeyboardInterrupt:
        return
    except (OSError, ValueError):
        click.echo("mockfoundry: the server has ended the stream", err=True)


def shown(exchange: dict[str, Any], form: str) -> str:
    """An exchange as a line, coloured by how it ended; click leaves the colour out where no terminal is."""
    if form == "json":
        return json.dumps(exchange, ensure_ascii=False)
    if "missed" in exchange:
        return click.style(f"… {exchange['missed']} exchanges were dropped before they could be shown", fg="magenta")
    # What a client sent is printed, so nothing of it may steer the terminal.
    line = "".join(sign if sign.isprintable() else "?" for sign in exchange["line"])
    return click.style(line, fg=colour(exchange))


def colour(exchange: dict[str, Any]) -> str:
    if exchange["fault"]:
        return "magenta"
    status = exchange["status"]
    if status >= 500:
        return "red"
    return "yellow" if status >= 400 else "green"
