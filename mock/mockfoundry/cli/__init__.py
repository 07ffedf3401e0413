"""The command line: `mockfoundry`, a door for people. Holds no logic of its own."""

import click

from mockfoundry.cli.ask import coverage, health, log, replay, retries, verify, wait
from mockfoundry.cli.change import clock, foundation, play, release, reset, state, stop, token
from mockfoundry.cli.files import check, errors, operations, scenarios, schema
from mockfoundry.cli.login import environment, login
from mockfoundry.cli.new import new
from mockfoundry.cli.printing import QuotingGroup
from mockfoundry.cli.serve import selftest, serve
from mockfoundry.cli.torture import torture
from mockfoundry.version import __version__


@click.group(cls=QuotingGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="mockfoundry %(version)s")
def main() -> None:
    """A mock of the Cloud Foundry v3 processes API that breaks on purpose."""


FILE_COMMANDS = (serve, scenarios, operations, errors, check, schema, new)
SERVER_COMMANDS = (health, wait, log, verify, retries, replay, coverage)
FOUNDATION_COMMANDS = (login, environment, foundation, play, stop, clock, state, token, release, reset)

for command in (*FILE_COMMANDS, *SERVER_COMMANDS, *FOUNDATION_COMMANDS, selftest, torture):
    main.add_command(command)

__all__ = ["main"]
