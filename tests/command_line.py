"""The command line: run in the process of a test; and its page, which `make documents` writes and a test compares."""

import inspect
import io
import os
import re
import signal
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import click
import pytest

from mockfoundry.cli import main

PAGE = Path(__file__).parents[1] / "docs" / "command-line.md"

_HEAD = """\
# The command line

Every command with its options and its variables. This page is made from the commands by `make documents`. Their exit
codes:

- 0: all is well.
- 1: something is wrong. A file has a problem, an assertion does not hold, or a server is not ready.
- 2: the command could not do what it was asked to do.
- 130: Ctrl-C has ended it. `serve`, `record` and `log --follow`, which have no other end, then end with 0.

`mockfoundry --color always|never COMMAND` prints colours always or never; else they are printed on a terminal, and as
the variables `NO_COLOR` and `FORCE_COLOR` say.

A DURATION is a number and a unit: `250ms`, `1.5s`, `10m`, `2h`.

Commands that ask a running server find it at `--url`, else at `MOCKFOUNDRY_URL`, else on this machine at
`MOCKFOUNDRY_PORT` (8080). The URL may be that of a foundation, `http://127.0.0.1:8080/foundations/ci-42`; they are then
about that one, unless `--foundation` or `MOCKFOUNDRY_FOUNDATION` names another. `eval "$(mockfoundry login --as
alice@ci-42)"` sets all of them.
"""

_TAIL = """\
## A file of options

`mockfoundry serve --config FILE` takes every option of `serve` from a file: each flag, without its dashes, is a key.

<!-- config -->
```yaml
host: 0.0.0.0
port: 8080
seed: seed.yaml
scenario: [conflict-then-ok, our-own.yaml]
max-journal: 1048576
head-timeout: 5s
strict-auth: true
```

Paths begin in the file's own folder. A flag wins over a variable, and a variable over the file; lists are not added up.
`mockfoundry check FILE` checks it as it checks scenarios and seeds, and `serve` refuses what `check` refuses. An editor
completes it by the schema that `mockfoundry schema config` prints.

## Completion

Bash, zsh and fish complete commands and options. Put the line of yours into its file:

| shell | file | line |
|---|---|---|
| bash | `~/.bashrc` | `eval "$(_MOCKFOUNDRY_COMPLETE=bash_source mockfoundry)"` |
| zsh | `~/.zshrc`, after `compinit` | `eval "$(_MOCKFOUNDRY_COMPLETE=zsh_source mockfoundry)"` |
| fish | `~/.config/fish/completions/mockfoundry.fish` | `_MOCKFOUNDRY_COMPLETE=fish_source mockfoundry \\| source` |

Each starts mockfoundry once when the shell starts. `_MOCKFOUNDRY_COMPLETE=bash_source mockfoundry > FILE` and
`source FILE` spare that.

## The manual page

`man mockfoundry` shows this page where `man` finds the environment's `share/man`, as it does for an active virtual
environment and for pipx; else `man "$(dirname "$(command -v mockfoundry)")/../share/man/man1/mockfoundry.1"`.
"""


def run_here(*arguments: str, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """What a command does when it is run in this process: a process of its own costs more than most commands do.

    Args:
        environment: in place of this process's.
    """
    out, errors = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        with (
            mock.patch.dict(os.environ, os.environ if environment is None else environment, clear=True),
            redirect_stdout(out),
            redirect_stderr(errors),
            pytest.raises(SystemExit) as ended,
        ):
            main.main(list(arguments), prog_name="mockfoundry")
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out.getvalue(), errors.getvalue())


def page() -> str:
    return "\n".join([_HEAD, *(line for name in main.commands for line in told(name, main.commands[name])), _TAIL])


def told(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"mockfoundry {name}")
    yield f"#{'#' * len(name.split())} mockfoundry {name}"
    yield ""
    yield f"`{context.command_path} {' '.join(command.collect_usage_pieces(context))}`"
    yield ""
    yield paragraphs(command.help or "")
    if isinstance(command, click.Group):
        yield ""
        for verb, each in command.commands.items():
            yield from told(f"{name} {verb}", each)
        return
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    if options:
        yield ""
        yield "| option | environment | what it does |"
        yield "|---|---|---|"
        yield from (row(context, each) for each in options)
    yield ""


def paragraphs(text: str) -> str:
    """A command's text: its paragraphs, and where click is told to keep the lines, a block of them."""
    return "\n\n".join(
        "```text\n" + textwrap.dedent(part.removeprefix("\b\n")) + "\n```"
        if part.startswith("\b")
        else " ".join(part.split())
        for part in inspect.cleandoc(text).split("\n\n")
    )


def row(context: click.Context, option: click.Option) -> str:
    names, text = option.get_help_record(context) or ("", "")
    environment = f"`{option.envvar}`" if option.envvar else ""
    # The variable has a column of its own.
    about = re.sub(r"env var: \w+(?:; )?", "", " ".join(text.split())).replace(" []", "")
    about = re.sub(r" *\[(?:default: )?([^]]*)\]$", r" (\1)", about)
    names = names.replace("|", "\\|")
    return f"| `{names}` | {environment} | {about} |"
