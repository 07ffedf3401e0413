"""`mockfoundry replay`: the failures that clients have met, as the smallest scenario file that plays them again."""

import click

from mockfoundry.cli.asking import URL_OPTION
from mockfoundry.cli.controlling import FOUNDATION_OPTION, TOKEN_OPTION, asked, of_foundation


@click.command()
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
def replay(url: str | None, control_token: str, foundation: str) -> None:
    """Print a scenario file that makes a client meet the same failures again; exit code 1 where there was none."""
    answer = asked(url, of_foundation(foundation, "/replay"), control_token, {})
    if answer["dropped"]:
        click.echo(f"mockfoundry: {answer['dropped']} exchanges were dropped, and are not in it", err=True)
    if answer["scenario"] is None:
        click.echo(f"mockfoundry: clients of {foundation} have met no failure that a scenario can play again", err=True)
        raise SystemExit(1)
    click.echo(answer["scenario"], nl=False)
