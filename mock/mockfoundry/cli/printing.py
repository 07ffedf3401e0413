"""Printing: the one way by which a command's words reach a terminal, with nothing in them that controls it.

Never decides what is said. Click prints its own errors; `QuotingGroup` has those quoted, too.
"""

import io
import json
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

import click

from mockfoundry.documents.quoting import quote_text

FORMAT_CHOICE = click.Choice(["text", "json"])
"""How a command prints what it was told: for people, or for programs."""


def print_text(text: str, *, error: bool = False, newline: bool = True, colour: str | None = None) -> None:
    """Prints text, quoted.

    Args:
        error: to the standard error, not the standard output.
        newline: whether a line feed is added.
        colour: click's name of one; left out where there is no terminal.
    """
    quoted = quote_text(text)
    click.echo(quoted if colour is None else click.style(quoted, fg=colour), err=error, nl=newline)


def print_json(value: Any) -> None:
    """Prints a value as JSON in a line. What can't be printed is escaped, so it is read as the same value."""
    print_text(json.dumps(value, ensure_ascii=False))


class QuotingGroup(click.Group):
    """A group whose errors of usage, which repeat what was typed, are quoted as everything else is."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's: ends the process, unless `standalone_mode` is off."""
        run = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        try:
            code: Any = run()
        except click.ClickException as error:
            end_with_error(error)
        except click.Abort:
            print_text("Aborted!", error=True)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def end_with_error(error: click.ClickException) -> NoReturn:
    """Ends the process as click does for an error."""
    said = io.StringIO()
    error.show(said)
    print_text(said.getvalue(), error=True, newline=False)
    sys.exit(error.exit_code)
