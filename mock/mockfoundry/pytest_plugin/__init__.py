"""The pytest plugin: a server, a foundation fresh for each test, and what happened there when a test fails.

Holds no logic of its own. pytest loads it wherever mockfoundry is installed, so it imports nothing until it is used.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from mockfoundry.pytest_plugin.marks import SCENARIO, SEED_FILE, register_marks, scenarios_of, seed_of
from mockfoundry.pytest_plugin.met import MET, add, coverage_of, coverage_of_one, send
from mockfoundry.pytest_plugin.options import add_options, check_options
from mockfoundry.pytest_plugin.running import URL, is_alone, server_of, shared_server

if TYPE_CHECKING:
    from mockfoundry.client.foundation import Foundation
    from mockfoundry.client.foundry import Foundry
    from mockfoundry.client.wording import SeedSource

FOUNDATION: "pytest.StashKey[Foundation]" = pytest.StashKey()
TITLE = "what happened in the foundation"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    register_marks(config)
    check_options(config)
    config.stash[MET] = {}


@pytest.fixture(scope="session")
def mock_seed() -> "SeedSource | None":
    """What each test's foundation begins with; override it in a conftest.py. None is the server's own."""
    return None


@pytest.fixture(scope="session")
def mock_server(request: pytest.FixtureRequest) -> "Iterator[Foundry]":
    """The server: one for the whole session, in a process of its own; or the one that --mock-url names."""
    with server_of(request.config) as server:
        yield server
        if is_alone(request.config):
            coverage_of(request.config, server)


@pytest.fixture
def foundation(
    request: pytest.FixtureRequest, mock_server: "Foundry", mock_seed: "SeedSource | None"
) -> "Iterator[Foundation]":
    """A foundation that no other test has; what its marks say is played there.

    With Hypothesis each example finds it as the first one did.
    """
    from mockfoundry.pytest_plugin.examples import fresh_for_each_example
    from mockfoundry.pytest_plugin.naming import name_for

    seed = seed_of(request.node, mock_seed)
    playing = scenarios_of(request.node)
    made = mock_server.foundation(name_for(request), seed=seed)
    kept: list[Foundation] = []

    def begin(is_first: bool) -> None:
        if is_first:
            kept.append(made.copy())
        else:
            kept[0].copy(made.name, replace=True)

    try:
        for scenario in playing:
            made.play(scenario)
        request.node.stash[FOUNDATION] = made
        with fresh_for_each_example(request.node, begin):
            yield made
    finally:
        coverage_of_one(request.config, made)
        for each in (made, *kept):
            each.delete()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tells with a failed test what happened in its foundation; after the teardown that is gone."""
    report = yield
    if report.failed and call.when != "teardown" and FOUNDATION in item.stash:
        from mockfoundry.pytest_plugin.autopsies import autopsy

        report.sections.append((TITLE, autopsy(item.stash[FOUNDATION])))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of xdist where the server is that all of them share."""
    server = shared_server(node.config)
    if server is not None:
        node.workerinput[URL] = server.url


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Takes over what a worker's clients have met."""
    add(node.config, getattr(node, "workeroutput", {}).get(MET.name, ()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Sends what a worker's clients have met."""
    send(session.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    from mockfoundry.pytest_plugin.running import end_shared_server

    end_shared_server(config)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints the coverage, where that is asked for."""
    if config.getoption("mock_coverage"):
        from mockfoundry.pytest_plugin.met import coverage_table

        terminalreporter.section("what the clients have met of the contract")
        terminalreporter.write_line(coverage_table(config))


__all__ = ["SCENARIO", "SEED_FILE", "foundation", "mock_seed", "mock_server"]
