"""Options: what pytest's command line has for mockfoundry. Never starts anything."""

import os

import pytest


def add_options(parser: pytest.Parser) -> None:
    """Adds the plugin's options."""
    group = parser.getgroup("mockfoundry", "a mock of the Cloud Foundry v3 processes API")
    group.addoption(
        "--mock-url",
        metavar="URL",
        help="use the mockfoundry that runs there (a service container, …) in place of starting one",
    )
    group.addoption(
        "--mock-control-token",
        metavar="TOKEN",
        default=os.environ.get("MOCKFOUNDRY_CONTROL_TOKEN", ""),
        help="the --control-token of that one",
    )
    group.addoption(
        "--mock-shared",
        action="store_true",
        help="with pytest-xdist: one server for all workers, in place of one for each",
    )
    group.addoption(
        "--mock-coverage",
        action="store_true",
        help="at the end, print which documented answers and faults the tests' clients have met",
    )


def check_options(config: pytest.Config) -> None:
    """Raises UsageError where options can't go together, or the URL is none."""
    url = config.getoption("mock_url")
    if url is None:
        return
    if config.getoption("mock_shared"):
        raise pytest.UsageError(
            "--mock-shared: stands beside --mock-url, which is shared by all workers; leave one out"
        )
    if not url.startswith(("http://", "https://")):
        raise pytest.UsageError(f"--mock-url: {url!r} is no URL; write it as http://127.0.0.1:8080")
