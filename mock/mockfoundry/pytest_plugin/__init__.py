"""The pytest plugin: a server, a foundation fresh for each test, and what happened there when a test fails.

Holds no logic of its own. pytest loads it wherever mockfoundry is installed, so it imports nothing until it is used.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from mockfoundry.pytest_plugin.options import (
    SCENARIO,
    SEED_FILE,
    add_options,
    check_options,
    read_scenario_marks,
    read_seed_mark,
    register_marks,
)
from mockfoundry.pytest_plugin.session import (
    HITS,
    SERVER_AUTHORITY_KEY,
    SERVER_URL_KEY,
    TESTS_WERE_COLLECTED,
    add_hits,
    collect_foundation_coverage,
    collect_server_coverage,
    describe_lost_workers,
    has_own_server,
    judge_coverage,
    must_answer,
    note_lost_worker,
    open_session_server,
    report_coverage,
    send_hits,
    start_shared_server,
)

if TYPE_CHECKING:
    from mockfoundry.client.arguments import SeedSource
    from mockfoundry.client.foundation import Foundation
    from mockfoundry.client.server import Server


COVERAGE_VERDICT: "pytest.StashKey[str]" = pytest.StashKey()
FOUNDATION: "pytest.StashKey[Foundation]" = pytest.StashKey()
FAILURE_REPORT_TITLE = "what happened in the foundation"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    register_marks(config)
    check_options(config)
    config.stash[HITS] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Looks whether the server of --mock-url is there, before xdist starts its workers."""
    must_answer(session.config)


@pytest.fixture(scope="session")
def mock_seed() -> "SeedSource | None":
    """What each test's foundation begins with; override it in a conftest.py. None is the server's own."""
    return None


@pytest.fixture(scope="session")
def mock_server(request: pytest.FixtureRequest) -> "Iterator[Server]":
    """The server: one for the whole session, in a process of its own; or the one that --mock-url names."""
    with open_session_server(request.config) as server:
        yield server
        if has_own_server(request.config):
            collect_server_coverage(request.config, server)


@pytest.fixture
def foundation(
    request: pytest.FixtureRequest, mock_server: "Server", mock_seed: "SeedSource | None"
) -> "Iterator[Foundation]":
    """A foundation of the test's own, in which the scenarios of its marks are played.

    In a Hypothesis test, each example begins with the foundation as the first one did.
    """
    from mockfoundry.pytest_plugin.foundations import name_test_foundation, restore_for_each_example
    from mockfoundry.pytest_plugin.mistakes import telling_mistakes

    with telling_mistakes(request.node):
        seed = read_seed_mark(request.node, mock_seed)
        scenarios = read_scenario_marks(request.node)
        own = mock_server.foundation(name_test_foundation(request), seed=seed, scenarios=scenarios)
    originals: list[Foundation] = []

    def begin(is_first: bool) -> None:
        if is_first:
            originals.append(own.copy())
        else:
            originals[0].copy(own.name, replace=True)

    try:
        request.node.stash[FOUNDATION] = own
        with restore_for_each_example(request.node, begin):
            yield own
    finally:
        collect_foundation_coverage(request.config, own)
        for each in (own, *originals):
            each.delete()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Makes an error of a file whose tests have marks that can't be used."""
    from mockfoundry.pytest_plugin.mistakes import refuse_wrong_marks

    report = yield
    refuse_wrong_marks(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to a failed test's report what happened in its foundation, before the teardown deletes it.

    An error of mockfoundry's own is shown at the line of the test or the fixture that made it.
    """
    if call.excinfo is not None and not (item.config.option.fulltrace or item.config.option.usepdb):
        from mockfoundry.pytest_plugin.mistakes import cut_own_frames

        cut_own_frames(call)
    report = yield
    if report.failed and call.when != "teardown" and FOUNDATION in item.stash:
        from mockfoundry.pytest_plugin.foundations import render_failure_report

        report.sections.append((FAILURE_REPORT_TITLE, render_failure_report(item.stash[FOUNDATION])))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Sends to a worker of xdist the URL of the server that all of them share."""
    server = start_shared_server(node.config)
    if server is not None:
        node.workerinput[SERVER_URL_KEY] = server.url
        node.workerinput[SERVER_AUTHORITY_KEY] = server.authority if node.config.getoption("mock_tls") else ""


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Adds what a worker's clients have met, or notes that it can't be known: the worker has crashed."""
    output = getattr(node, "workeroutput", {})
    add_hits(node.config, output.get(HITS.name, ()))
    if HITS.name not in output:
        note_lost_worker(node.config, node.gateway.id)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Sends what a worker's clients have met."""
    send_hits(session.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    from mockfoundry.pytest_plugin.session import end_shared_server

    end_shared_server(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Fails the session where clients have met less than --mock-coverage-fail-under asks for."""
    result = yield
    config = session.config
    if not hasattr(config, "workerinput"):
        config.stash[TESTS_WERE_COLLECTED] = bool(session.testscollected) and not config.getoption("collectonly")
        config.stash[COVERAGE_VERDICT] = judge_coverage(config)
        session.testsfailed += bool(config.stash[COVERAGE_VERDICT])
    return result


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints or writes the coverage, with --mock-coverage, and says where it is not enough."""
    if config.getoption("mock_coverage") is not None:
        terminalreporter.section("what the clients have met of the contract")
        terminalreporter.write_line(report_coverage(config))
    lost = describe_lost_workers(config)
    if lost:
        terminalreporter.write_line(lost, red=True)
    verdict = config.stash.get(COVERAGE_VERDICT, "")
    if verdict:
        terminalreporter.write_line(verdict, red=True)


__all__ = ["SCENARIO", "SEED_FILE", "foundation", "mock_seed", "mock_server"]
