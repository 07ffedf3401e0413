"""`mockfoundry login` and `env`: what makes a script a user of a foundation. They start neither server nor client."""

import shlex
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import click

from mockfoundry.cli.connecting import (
    FOUNDATION_OPTION,
    TOKEN_OPTION,
    URL_OPTION,
    choose_foundation,
    connect_to_control,
    foundation_path,
    is_on_command_line,
    server_url,
)
from mockfoundry.cli.errors import fail
from mockfoundry.cli.printing import print_json, print_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockfoundry.client.control import ControlClient

USER_OPTION = click.option(
    "--as",
    "user",
    default="admin",
    show_default=True,
    metavar="USER[@FOUNDATION]",
    help="A user of the foundation's seed, or admin; a foundation behind an @ is made if there is none.",
)
LIFETIME_OPTION = click.option(
    "--expires-in", metavar="DURATION", help="How long the token is good, by the foundation's clock; ten years."
)

FAILING_COMMAND = "false"
"""What a shell runs in place of the variables: `eval` of nothing would succeed, and the script would go on without."""


class Login(NamedTuple):
    """A user of a foundation, with a token."""

    user: str
    foundation: str
    token: str


@click.command()
@USER_OPTION
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@LIFETIME_OPTION
@click.option(
    "--format", "form", type=click.Choice(["shell", "json"]), default="shell", help="Lines for a shell, or JSON."
)
def login(
    user: str, url: str | None, control_token: str, foundation: str | None, expires_in: str | None, form: str
) -> None:
    """Print what makes a shell a user of a foundation.

    \b
      eval "$(mockfoundry login --as alice@ci-42)"
      curl -H "Authorization: bearer $MOCKFOUNDRY_TOKEN" "$MOCKFOUNDRY_URL/v3/processes"
      mockfoundry play conflict-then-ok

    It sets MOCKFOUNDRY_URL (the API's address in that foundation), MOCKFOUNDRY_FOUNDATION, MOCKFOUNDRY_TOKEN and
    MOCKFOUNDRY_USER. A command under `mockfoundry torture` finds the first three, too. The other commands of
    mockfoundry are about that foundation from then on.
    """
    print_login(user, url, control_token, foundation, expires_in, form)


@click.command("env")
@USER_OPTION
@URL_OPTION
@TOKEN_OPTION
@FOUNDATION_OPTION
@LIFETIME_OPTION
@click.option(
    "--format",
    "form",
    type=click.Choice(["dotenv", "shell", "json"]),
    default="dotenv",
    help="Lines NAME=VALUE without quotes, lines for a shell, or JSON.",
)
def environment(
    user: str, url: str | None, control_token: str, foundation: str | None, expires_in: str | None, form: str
) -> None:
    """Print the variables of `mockfoundry login` for a step of CI, or for a container.

    \b
      mockfoundry env --as "admin@run-$GITHUB_RUN_ID" >> "$GITHUB_ENV"
      mockfoundry env --as alice@ci-42 > mock.env && docker run --env-file mock.env …
    """
    print_login(user, url, control_token, foundation, expires_in, form)


def print_login(
    user: str, url: str | None, control_token: str, foundation: str | None, expires_in: str | None, form: str
) -> None:
    """Prints the variables of a user who has logged in."""
    with tell_shell_of_failure(form):
        name = choose_foundation(foundation, url)
        readings = list_readings(user, name, is_chosen=is_on_command_line("foundation"))
        with connect_to_control(url, control_token) as client:
            made = mint_for_one(client, readings, expires_in)
        variables = {
            "MOCKFOUNDRY_URL": f"{server_url(url)}/foundations/{made.foundation}",
            "MOCKFOUNDRY_FOUNDATION": made.foundation,
            "MOCKFOUNDRY_USER": made.user,
            "MOCKFOUNDRY_TOKEN": made.token,
        }
        print_variables(variables, form)


@contextmanager
def tell_shell_of_failure(form: str) -> "Iterator[None]":
    """Has the shell that runs the output fail where this command does."""
    try:
        yield
    except SystemExit:
        if form == "shell":
            print_text(FAILING_COMMAND)
        raise


def list_readings(user: str, foundation: str, *, is_chosen: bool) -> list[tuple[str, str]]:
    """What a name with an @ may mean, first things first: a user whose name it is, or a user in a foundation.

    Args:
        foundation: where a user is looked for whose name is not followed by one.
        is_chosen: that foundation was named on purpose, so no other can be meant.
    """
    before, at, after = user.rpartition("@")
    if not user or (at and not (before and after)):
        fail(f"--as: {user!r} names no user, or no foundation; write it as alice, or alice@ci-42")
    return [(user, foundation), *([(before, after)] if at and not is_chosen else [])]


def mint_for_one(client: "ControlClient", readings: list[tuple[str, str]], expires_in: str | None) -> Login:
    """A token for the first of several users that there is."""
    from mockfoundry.client.errors import ControlError

    refused: list[str] = []
    for user, foundation in readings:
        body = {"user": user} if expires_in is None else {"user": user, "expires_in": expires_in}
        try:
            answer = client("POST", foundation_path(foundation, "/tokens"), body)
        except ControlError as error:
            if error.kind != "unknown-user":
                raise
            refused.append(error.detail.replace("body /user", "--as", 1))
        else:
            return Login(answer["user"], foundation, answer["access_token"])
    return fail("\n".join(refused))


def print_variables(variables: Mapping[str, str], form: str) -> None:
    if form == "json":
        print_json(variables)
        return
    for name, value in variables.items():
        if not value.isprintable():
            fail(f"{name} can't be written as a line: {value!r}; take --format json")
    for name, value in variables.items():
        print_text(f"{name}={value}" if form == "dotenv" else f"export {name}={shlex.quote(value)}")
