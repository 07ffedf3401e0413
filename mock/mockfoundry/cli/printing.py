"""Printing: the one way by which a command's words reach a terminal, with nothing in them that controls it.

Never decides what is said. Click prints its own errors; `QuotingGroup` has those quoted, too.
"""

import io
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, NoReturn

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


INTERRUPTED_EXIT_CODE = 130
"""As a shell gives it for a command that Ctrl-C has ended."""

ColourChoice = Literal["auto", "always", "never"]


def choose_colour_output(choice: ColourChoice, environment: Mapping[str, str]) -> bool | None:
    """Whether colours are printed; None where it depends on there being a terminal [no-color.org, force-color.org]."""
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    return True if environment.get("FORCE_COLOR") else None


DEFAULT_WIDTH = 100


def measure_width() -> int:
    """Columns of the terminal, or as COLUMNS says; where there is none, DEFAULT_WIDTH."""
    return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns


LEAST_ROOM = 20
"""Columns that the text of an entry needs beside its head; in fewer it is left to the terminal."""


def print_entry(head: str, text: str) -> None:
    """Prints an entry of a list: on a terminal in lines that fit, its text below itself; elsewhere in one line."""
    lines = [text]
    room = measure_width() - len(head)
    if sys.stdout.isatty() and room >= LEAST_ROOM:
        lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [text]
    print_text("\n".join([head + lines[0], *(" " * len(head) + line for line in lines[1:])]).rstrip())


PROGRESS_SECONDS = 5.0
"""How often progress is told where there is no terminal."""


@contextmanager
def show_progress(label: str, count: int) -> Iterator[Callable[[], None]]:
    """A progress bar on a terminal, and a line every few seconds elsewhere; both on the standard error.

    Yields:
        What is to be called after each step.
    """
    if count and sys.stderr.isatty():
        with click.progressbar(length=count, label=label, file=sys.stderr, show_pos=True) as bar:
            yield lambda: bar.update(1)
        return
    done, told = 0, time.monotonic()

    def step() -> None:
        nonlocal done, told
        done += 1
        now = time.monotonic()
        if now - told >= PROGRESS_SECONDS:
            told = now
            print_text(f"{label}: {done} of {count}", error=True)

    yield step


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
        except click.Abort as abort:
            if isinstance(abort.__cause__, KeyboardInterrupt):
                print_text("mockfoundry: interrupted", error=True)
                sys.exit(INTERRUPTED_EXIT_CODE)
            print_text("Aborted!", error=True)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def end_with_error(error: click.ClickException) -> NoReturn:
    """Ends the process as click does for an error."""
    said = io.StringIO()
    error.show(said)
    print_text(said.getvalue(), error=True, newline=False)
    sys.exit(error.exit_code)
