"""The manual page, mockfoundry(1): made from the commands by `make documents`; the wheel puts it where `man` looks."""

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from mockfoundry.cli import main
from mockfoundry.version import __version__

MAN_PAGE = Path(__file__).parents[1] / "docs" / "mockfoundry.1"

_EXIT_CODES = {
    "0": "All is well.",
    "1": "Something is wrong: a file has a problem, an assertion does not hold, or a server is not ready.",
    "2": "The command could not do what it was asked to do.",
    "130": "Ctrl-C has ended it.",
}

_ENVIRONMENT = {
    "MOCKFOUNDRY_URL": "The server, or the foundation, that commands ask.",
    "MOCKFOUNDRY_FOUNDATION": "The foundation that they are about, unless --foundation names another.",
    "NO_COLOR, FORCE_COLOR": "Whether colours are printed.",
}


def render_man_page() -> str:
    """The whole page, in the macros of man(7)."""
    lines = [
        f'.TH MOCKFOUNDRY 1 "" "mockfoundry {__version__}" "User Commands"',
        ".SH NAME",
        rf"mockfoundry \- {lower_first((main.help or '').rstrip('.'))}",
        ".SH SYNOPSIS",
        r".B mockfoundry",
        r".RB [ \-\-color",
        r".IR auto | always | never ]",
        r".I COMMAND",
        r".RI [ ARGUMENTS ]",
        ".SH DESCRIPTION",
        *render_text(
            "mockfoundry plays the Cloud Foundry v3 processes API, and what clients ask before they get there. It "
            "breaks when a test asks for it: a conflict on the second scale, a lost answer, a quota. Every answer says "
            "why it is what it is.\n\n"
            "A DURATION is a number and a unit: 250ms, 1.5s, 10m, 2h. Commands that ask a running server find it at "
            "--url, else at MOCKFOUNDRY_URL, else on this machine at MOCKFOUNDRY_PORT (8080)."
        ),
        ".SH COMMANDS",
        *(line for name in main.commands for line in render_command(name, main.commands[name])),
        ".SH ENVIRONMENT",
        *render_pairs(_ENVIRONMENT),
        ".PP",
        *render_text("Each option that names a variable is read from there where it is not given."),
        ".SH EXIT STATUS",
        *render_pairs(_EXIT_CODES),
        ".SH SEE ALSO",
        r".BR cf (1),",
        r".BR curl (1)",
        "",
    ]
    return "\n".join(lines)


def render_command(name: str, command: click.Command) -> Iterator[str]:
    """A command with its options, and those below it."""
    context = click.Context(command, info_name=f"mockfoundry {name}")
    yield f".SS {escape(name)}"
    yield rf"\fBmockfoundry {escape(name)}\fR {escape(' '.join(command.collect_usage_pieces(context)))}"
    yield ".PP"
    yield from render_text(inspect.cleandoc(command.help or ""))
    if isinstance(command, click.Group):
        for verb, each in command.commands.items():
            yield from render_command(f"{name} {verb}", each)
        return
    for option in command.params:
        record = option.get_help_record(context)
        if isinstance(option, click.Option) and record is not None:
            yield from render_pairs({record[0]: record[1]})


def render_text(text: str) -> Iterator[str]:
    r"""Paragraphs; what click is told by \b to keep in lines stays in lines."""
    for number, part in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        if part.startswith("\b"):
            yield from (".nf", *map(escape, textwrap.dedent(part.removeprefix("\b\n")).splitlines()), ".fi")
        else:
            yield escape(" ".join(part.split()))


def render_pairs(pairs: dict[str, str]) -> Iterator[str]:
    """Words, each with what it is."""
    for word, about in pairs.items():
        yield ".TP"
        yield rf"\fB{escape(word)}\fR"
        yield escape(" ".join(about.split()))


def escape(text: str) -> str:
    """Text that is neither a request nor an escape of roff."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
