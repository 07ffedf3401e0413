"""The plugin's command line options, and its marks `scenario(…)` and `seed_file(…)`. Reads them, starts nothing."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockfoundry.client.arguments import ScenarioSource, SeedSource


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
        "--mock-server-scenarios",
        action="store_true",
        help="with --mock-url: each test's foundation begins with the scenarios that the server was started with",
    )
    group.addoption(
        "--mock-tls",
        action="store_true",
        help="the server speaks https: mock_server.authority is the file by which clients trust it, and "
        "mock_server.ssl_context() a context that does",
    )
    group.addoption(
        "--mock-shared",
        action="store_true",
        help="with pytest-xdist: one server for all workers, in place of one for each",
    )
    group.addoption(
        "--mock-coverage",
        metavar="FILE",
        nargs="?",
        const="",
        help="at the end, print which documented answers and faults the tests' clients have met, or write it as JSON "
        "to FILE.json",
    )
    group.addoption(
        "--mock-coverage-fail-under",
        metavar="PERCENT",
        type=float,
        help="fail if less than PERCENT of them was met",
    )


def check_options(config: pytest.Config) -> None:
    """Raises UsageError where options exclude each other, or the URL is not one."""
    check_coverage_options(config)
    url = config.getoption("mock_url")
    if url is None:
        if config.getoption("mock_server_scenarios"):
            raise pytest.UsageError(
                "--mock-server-scenarios: goes with --mock-url; leave it out, since the tests start their own server"
            )
        return
    if config.getoption("mock_shared"):
        raise pytest.UsageError(
            "--mock-shared: stands beside --mock-url, which is shared by all workers; leave one out"
        )
    if config.getoption("mock_tls"):
        raise pytest.UsageError(
            "--mock-tls: is for the server that the tests start; leave it out, and write --mock-url as https://…; "
            "SSL_CERT_FILE names the file of the authority to trust"
        )
    from mockfoundry.client.control import parse_server_url
    from mockfoundry.client.errors import ServerError

    try:
        parse_server_url(url)
    except ServerError as error:
        raise pytest.UsageError(f"--mock-url: {error}") from None


def check_coverage_options(config: pytest.Config) -> None:
    """Raises UsageError where the coverage can't be written, or what is asked of it is no percentage."""
    file, percent = config.getoption("mock_coverage"), config.getoption("mock_coverage_fail_under")
    if file and not file.endswith(".json"):
        # It may be the path of tests, which would be written over.
        raise pytest.UsageError(
            f"--mock-coverage: {file} is no file for JSON; write --mock-coverage=FILE.json, or put --mock-coverage last"
        )
    if file and not Path(file).absolute().parent.is_dir():
        raise pytest.UsageError(f"--mock-coverage: there is no folder {Path(file).parent}; make it, or name another")
    if percent is not None and not 0 <= percent <= 100:
        raise pytest.UsageError(f"--mock-coverage-fail-under: {percent:g} is no percentage; give 0 to 100")


def wants_coverage(config: pytest.Config) -> bool:
    """Whether it matters what clients have met."""
    return config.getoption("mock_coverage") is not None or config.getoption("mock_coverage_fail_under") is not None


SCENARIO = "scenario"
SEED_FILE = "seed_file"

_FILE_SUFFIXES = (".yaml", ".yml", ".json")


def register_marks(config: pytest.Config) -> None:
    """Declares the marks, for `--strict-markers` and `--markers`."""
    config.addinivalue_line(
        "markers",
        "scenario(*scenarios): what is played in the test's foundation from its beginning: names of mockfoundry's "
        "library, files (beside the test's), mappings, or Scenarios",
    )
    config.addinivalue_line(
        "markers", "seed_file(path): what the test's foundation begins with: a seed file (beside the test's)"
    )


def read_scenario_marks(node: pytest.Item) -> "list[ScenarioSource]":
    """The scenarios of a test's marks: its module's first, then its class's, then its own.

    Raises:
        UsageError: a mark is without a scenario, or names none.
    """
    marks = list(node.iter_markers(SCENARIO))
    for mark in marks:
        if mark.kwargs or not mark.args:
            raise pytest.UsageError(
                '@pytest.mark.scenario takes scenarios alone; write @pytest.mark.scenario("conflict")'
            )
    return [resolve_scenario(node, each) for mark in reversed(marks) for each in mark.args]


def must_be_scenario(node: pytest.Item, scenario: Any) -> None:
    """Raises UsageError where a mark's argument can be no scenario."""
    from mockfoundry.scenarios.model import Scenario

    if not isinstance(scenario, str | Path | Mapping | Scenario):
        raise pytest.UsageError(
            f"@pytest.mark.scenario: {scenario!r} is no scenario; give a name of the library, a file, "
            "a mapping or a Scenario"
        )


def read_seed_mark(node: pytest.Item, otherwise: "SeedSource | None") -> "SeedSource | None":
    """The seed of a test's foundation.

    Args:
        otherwise: the seed where the test has no mark.

    Raises:
        UsageError: the mark does not name a file.
    """
    mark = node.get_closest_marker(SEED_FILE)
    if mark is None:
        return otherwise
    if len(mark.args) != 1 or mark.kwargs:
        raise pytest.UsageError('@pytest.mark.seed_file takes one path; write @pytest.mark.seed_file("seed.yaml")')
    if not isinstance(mark.args[0], str | Path):
        raise pytest.UsageError(f"@pytest.mark.seed_file: {mark.args[0]!r} is no path; give the name of a seed file")
    path = find_beside_test(node, Path(mark.args[0]))
    if not path.is_file():
        raise pytest.UsageError(f"@pytest.mark.seed_file: there is no file {path}; name one that is there")
    return path


def resolve_scenario(node: pytest.Item, scenario: Any) -> Any:
    """A mark's scenario; that of a file as the file's path."""
    must_be_scenario(node, scenario)
    if not (isinstance(scenario, Path) or is_file_name(scenario)):
        return scenario
    path = find_beside_test(node, Path(scenario))
    if not path.is_file():
        raise pytest.UsageError(
            f"@pytest.mark.scenario: there is no file {path}; name one that is there, or a scenario of the library"
        )
    return path


def is_file_name(scenario: Any) -> bool:
    return isinstance(scenario, str) and "\n" not in scenario and scenario.endswith(_FILE_SUFFIXES)


def find_beside_test(node: pytest.Item, path: Path) -> Path:
    """A file's path: beside the test's file, else in pytest's root folder, else as it is."""
    for folder in (node.path.parent, node.config.rootpath):
        if (folder / path).exists():
            return folder / path
    return path
