"""The command line: `mockfoundry`, a door for people. Holds no logic of its own."""

import click

from mockfoundry.cli.asking import health, wait
from mockfoundry.cli.coverage import coverage
from mockfoundry.cli.log import log
from mockfoundry.cli.replay import replay
from mockfoundry.cli.retries import retries
from mockfoundry.cli.scenarios import check, operations, scenarios
from mockfoundry.cli.selftesting import selftest
from mockfoundry.cli.serving import serve
from mockfoundry.cli.torturing import torture
from mockfoundry.version import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="mockfoundry %(version)s")
def main() -> None:
    """A mock of the Cloud Foundry v3 processes API that breaks on purpose."""


for command in (serve, scenarios, operations, check, health, wait, log, retries, replay, coverage, selftest, torture):
    main.add_command(command)

__all__ = ["main"]
