"""The command line: `mockfoundry`, a door for people. Holds no logic of its own."""

import click

from mockfoundry.cli.ask import coverage, health, log, replay, retries, wait
from mockfoundry.cli.files import check, operations, scenarios
from mockfoundry.cli.printing import QuotingGroup
from mockfoundry.cli.serve import selftest, serve
from mockfoundry.cli.torture import torture
from mockfoundry.version import __version__


@click.group(cls=QuotingGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="mockfoundry %(version)s")
def main() -> None:
    """A mock of the Cloud Foundry v3 processes API that breaks on purpose."""


for command in (serve, scenarios, operations, check, health, wait, log, retries, replay, coverage, selftest, torture):
    main.add_command(command)

__all__ = ["main"]
