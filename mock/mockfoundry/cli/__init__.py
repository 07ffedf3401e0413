"""The command line: `mockfoundry`, a door for people. Holds no logic of its own.

A command is imported when it is asked for: the start of a server waits for no other command.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

import click

from mockfoundry.cli.printing import ColourChoice, QuotingGroup, choose_colour_output
from mockfoundry.version import __version__


def load_serving() -> tuple[click.Command, ...]:
    from mockfoundry.cli.serve import selftest, serve

    return serve, selftest


def load_files() -> tuple[click.Command, ...]:
    from mockfoundry.cli.files import check, errors, operations, scenarios, schema

    return scenarios, operations, errors, check, schema


def load_new() -> tuple[click.Command, ...]:
    from mockfoundry.cli.new import new

    return (new,)


def load_asking() -> tuple[click.Command, ...]:
    from mockfoundry.cli.ask import coverage, health, log, replay, retries, verify, wait

    return health, wait, log, verify, retries, replay, coverage


def load_login() -> tuple[click.Command, ...]:
    from mockfoundry.cli.login import environment, login

    return login, environment


def load_changing() -> tuple[click.Command, ...]:
    from mockfoundry.cli.change import clock, foundation, play, release, reset, state, stop, token

    return foundation, play, stop, clock, state, token, release, reset


def load_proxy() -> tuple[click.Command, ...]:
    from mockfoundry.cli.proxy import proxy_config

    return (proxy_config,)


def load_recording() -> tuple[click.Command, ...]:
    from mockfoundry.cli.recording import compare, record, scenario_from, seed_from

    return record, seed_from, compare, scenario_from


def load_torture() -> tuple[click.Command, ...]:
    from mockfoundry.cli.torture import torture

    return (torture,)


LOADERS: Final[Mapping[str, Callable[[], tuple[click.Command, ...]]]] = {
    "serve": load_serving,
    **dict.fromkeys(("scenarios", "operations", "errors", "check", "schema"), load_files),
    "new": load_new,
    **dict.fromkeys(("health", "wait", "log", "verify", "retries", "replay", "coverage"), load_asking),
    **dict.fromkeys(("login", "env"), load_login),
    **dict.fromkeys(("foundation", "play", "stop", "clock", "state", "token", "release", "reset"), load_changing),
    "selftest": load_serving,
    "torture": load_torture,
    "proxy-config": load_proxy,
    **dict.fromkeys(("record", "seed-from", "compare", "scenario-from"), load_recording),
}
"""What imports each command, in the order of the documentation."""


class LazyCommands(Mapping[str, click.Command]):
    """All commands by their names; one is imported when it is looked up."""

    def __getitem__(self, name: str) -> click.Command:
        return next(command for command in LOADERS[name]() if command.name == name)

    def __iter__(self) -> Iterator[str]:
        return iter(LOADERS)

    def __len__(self) -> int:
        return len(LOADERS)


@click.group(
    cls=QuotingGroup,
    # click changes what it is given only where a command is added.
    commands=cast("dict[str, click.Command]", LazyCommands()),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Print colours; auto is on a terminal, and as NO_COLOR and FORCE_COLOR say.",
)
@click.version_option(__version__, message="mockfoundry %(version)s")
@click.pass_context
def main(context: click.Context, color: ColourChoice) -> None:
    """A mock of the Cloud Foundry v3 processes API that breaks on purpose."""
    context.color = choose_colour_output(color, os.environ)


__all__ = ["main"]
