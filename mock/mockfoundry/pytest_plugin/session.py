"""The server of a test session, or of all workers of xdist, and what its clients have met of the contract.

Never makes a foundation. A server that only this session uses is asked for its coverage once, at its end. A server that
others use too is asked for the coverage of each foundation of this session.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mockfoundry.pytest_plugin.options import wants_coverage

if TYPE_CHECKING:
    from mockfoundry.client.foundation import Foundation
    from mockfoundry.client.server import Server
    from mockfoundry.client.values import Coverage
    from mockfoundry.journal.coverage import ContractCoverage


SERVER_URL_KEY = "mockfoundry_url"
"""Where xdist's workers find the URL of the server that they share."""

SERVER_AUTHORITY_KEY = "mockfoundry_authority"
"""Where they find the file of the authority by which they trust it; empty without TLS."""

URL_ADVICE = "; `mockfoundry serve` starts one, and without --mock-url the tests start their own"

TESTS_WERE_COLLECTED: "pytest.StashKey[bool]" = pytest.StashKey()
"""Whether there was a test to run in this session, by this process or a worker."""
SHARED_COVERAGE: "pytest.StashKey[bool]" = pytest.StashKey()
"""Whether the server that all workers share was asked for its coverage."""

LOST_WORKERS: "pytest.StashKey[list[str]]" = pytest.StashKey()
"""The workers that have ended without sending what their clients have met."""

SHARED_SERVER: "pytest.StashKey[Server]" = pytest.StashKey()


def has_own_server(config: pytest.Config) -> bool:
    """Whether this process has a server that no other process uses."""
    return config.getoption("mock_url") is None and SERVER_URL_KEY not in getattr(config, "workerinput", {})


@contextmanager
def open_session_server(config: pytest.Config) -> "Iterator[Server]":
    """The server that this process uses, until the block ends."""
    from mockfoundry.client.server import Server

    given_url = config.getoption("mock_url")
    shared = getattr(config, "workerinput", {})
    url = given_url or shared.get(SERVER_URL_KEY)
    if url is None:
        with Server(tls=config.getoption("mock_tls")) as server:
            yield server
        return
    token, advice = config.getoption("mock_control_token"), "start it, or give --mock-url the URL at which it is"
    without_scenarios = False
    if given_url is not None and not config.getoption("mock_server_scenarios"):
        with Server.connect(url, control_token=token, mend=advice) as server:
            without_scenarios = bool(server.scenarios())
    authority = "" if given_url else shared[SERVER_AUTHORITY_KEY]
    with Server.connect(url, token, advice, without_scenarios, authority) as server:
        yield server


def must_answer(config: pytest.Config) -> None:
    """Asks the server of --mock-url once, before any test: by the process that starts workers, and not by each of them.

    Raises:
        UsageError: it does not answer, is no mockfoundry, or refuses the control token.
    """
    if config.getoption("mock_url") is None or hasattr(config, "workerinput") or config.getoption("collectonly"):
        return
    from mockfoundry.client.errors import ControlError, ServerError

    try:
        with open_session_server(config) as server:
            server.coverage(["scaleProcess"])
    except ServerError as error:
        raise pytest.UsageError(f"--mock-url: {error}{URL_ADVICE}") from None
    except ControlError as error:
        raise pytest.UsageError(f"--mock-url {config.getoption('mock_url')}: {error}") from None


def start_shared_server(config: pytest.Config) -> "Server | None":
    """The server that all workers share, started on the first call; None where each worker has its own."""
    if not config.getoption("mock_shared"):
        return None
    if SHARED_SERVER not in config.stash:
        from mockfoundry.client.server import Server

        config.stash[SHARED_SERVER] = Server(tls=config.getoption("mock_tls")).__enter__()
    return config.stash[SHARED_SERVER]


def end_shared_server(config: pytest.Config) -> None:
    """Ends the shared server, if this process has started it."""
    server = config.stash.get(SHARED_SERVER, None)
    if server is not None:
        del config.stash[SHARED_SERVER]
        server.__exit__(None, None, None)


CoverageKey = tuple[str, int, str, str]
"""Operation, status, fault and phase."""

NOT_ANSWERED = (0, "", "")
"""Status, fault and phase of a request that got no answer."""


class HitsStashKey(pytest.StashKey[dict[CoverageKey, int]]):
    """A key of the stash with a name, under which a worker sends its value."""

    name = "mockfoundry_met"


HITS = HitsStashKey()
"""How often each of them was met."""


def add_hits(config: pytest.Config, rows: Iterable[Iterable[Any]]) -> None:
    """Adds rows of the four parts of a key, and how often it was met."""
    hits = config.stash[HITS]
    for operation, status, fault, phase, times in rows:
        key = (operation, status, fault, phase)
        hits[key] = hits.get(key, 0) + times


def add_coverage_hits(config: pytest.Config, coverage: "Coverage") -> None:
    add_hits(config, ((each.operation, each.status, each.fault, each.phase, each.times) for each in coverage.squares))
    add_hits(config, ((operation, *NOT_ANSWERED, times) for operation, times in coverage.unanswered.items()))


def collect_server_coverage(config: pytest.Config, server: "Server") -> None:
    """Adds what all clients of a server have met, if coverage is to be printed."""
    if wants_coverage(config):
        add_coverage_hits(config, server.coverage())


def collect_foundation_coverage(config: pytest.Config, foundation: "Foundation") -> None:
    """Adds what the clients of a foundation have met, if coverage is to be printed and its server is not asked."""
    if wants_coverage(config) and config.getoption("mock_url"):
        add_coverage_hits(config, foundation.coverage())


def send_hits(config: pytest.Config) -> None:
    """Sends the hits to the process that has started this one, if this one is a worker."""
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[HITS.name] = [[*key, times] for key, times in config.stash[HITS].items()]


def note_lost_worker(config: pytest.Config, worker: str) -> None:
    config.stash.setdefault(LOST_WORKERS, []).append(worker)


def describe_lost_workers(config: pytest.Config) -> str:
    """Whose requests are missing from the coverage, in a sentence; empty where none are, or no coverage is wanted."""
    lost = config.stash.get(LOST_WORKERS, [])
    # The server that all workers share outlives them.
    if not lost or not wants_coverage(config) or SHARED_SERVER in config.stash:
        return ""
    return f"mockfoundry: the coverage is without the requests of {', '.join(lost)}: ended without sending them"


def sum_coverage(config: pytest.Config) -> "ContractCoverage":
    """What all clients have met.

    Raises:
        ServerError: the server of all workers does not answer any more.
    """
    from mockfoundry.journal.coverage import ContractCoverage, CoverageItem, coverage_percent

    shared = config.stash.get(SHARED_SERVER, None)
    if shared is not None and has_own_server(config) and not config.stash.get(SHARED_COVERAGE, False):
        config.stash[HITS] = {}
        collect_server_coverage(config, shared)
        config.stash[SHARED_COVERAGE] = True
    hits = config.stash[HITS].items()
    squares = [CoverageItem(*key, times) for key, times in hits if key[1:] != NOT_ANSWERED]
    unanswered = {key[0]: times for key, times in hits if key[1:] == NOT_ANSWERED}
    count = sum(each.times > 0 for each in squares)
    percent = coverage_percent(count, len(squares)) if squares else 0.0
    return ContractCoverage(percent, count, len(squares), squares, {}, unanswered)


def had_tests_to_run(config: pytest.Config) -> bool:
    """Whether there was a test to run, by this process or by a worker."""
    return config.stash.get(TESTS_WERE_COLLECTED, False)


def judge_coverage(config: pytest.Config) -> str:
    """Why the coverage is not enough, in a sentence; empty where it is, or nothing is asked of it."""
    from mockfoundry.client.errors import ServerError

    least = config.getoption("mock_coverage_fail_under")
    if least is None or not had_tests_to_run(config):
        return ""
    try:
        percent = sum_coverage(config).percent
    except ServerError as error:
        return f"mockfoundry: the coverage can't be told: {error}"
    return "" if percent >= least else f"mockfoundry: {percent:g} % of the answers was met, {least:g} % is asked for"


def report_coverage(config: pytest.Config) -> str:
    """The table of what all clients have met, or where it was written."""
    from mockfoundry.client.errors import ServerError
    from mockfoundry.documents.quoting import quote_text
    from mockfoundry.journal.coverage import format_coverage_table

    try:
        coverage = sum_coverage(config)
    except ServerError as error:
        return f"it can't be told: {error}"
    file = config.getoption("mock_coverage")
    if file:
        return write_coverage(coverage, file)
    if not coverage.squares:
        return "no test has used the server"
    width = shutil.get_terminal_size((100, 24)).columns
    return quote_text(format_coverage_table(coverage, width=width, where_all="--mock-coverage=FILE.json"))


def write_coverage(coverage: "ContractCoverage", file: str) -> str:
    """Writes the coverage as JSON; says where."""
    import msgspec

    try:
        Path(file).write_bytes(msgspec.json.format(msgspec.json.encode(coverage)) + b"\n")
    except OSError as error:
        return f"{file} can't be written: {error.strerror or error}"
    return f"{coverage.met} of {coverage.of} met: {coverage.percent:g} %; written to {file}"
