"""Running: the server of a session or of all workers of xdist, and what its clients have met. Asks no foundation."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockfoundry.client.foundry import Foundry
    from mockfoundry.client.server import Server

URL = "mockfoundry_url"


class Named(pytest.StashKey[list[dict[str, Any]]]):
    """A key of the stash with a name, by which workers send what is behind it."""

    name = "mockfoundry_met"


MET = Named()
"""The squares that clients have met, as they came from each server."""

SHARED: "pytest.StashKey[Server]" = pytest.StashKey()


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def runs_shared_server(config: pytest.Config) -> bool:
    """Whether a worker's server belongs to all of them."""
    return URL in getattr(config, "workerinput", {})


@contextmanager
def server_of(config: pytest.Config) -> "Iterator[Foundry]":
    """The server that this process uses, until the block ends."""
    from mockfoundry.client.server import Server

    url = config.getoption("mock_url") or getattr(config, "workerinput", {}).get(URL)
    if url is None:
        with Server() as server:
            yield server
    else:
        with Server.connect(url, control_token=config.getoption("mock_control_token")) as server:
            yield server


def shared_server(config: pytest.Config) -> "Server | None":
    """The server that all workers share, started for the first of them; None where each has its own."""
    if not config.getoption("mock_shared"):
        return None
    if SHARED not in config.stash:
        from mockfoundry.client.server import Server

        config.stash[SHARED] = Server().__enter__()
    return config.stash[SHARED]


def end_shared_server(config: pytest.Config) -> None:
    """Ends it, where this process has started it."""
    server = config.stash.get(SHARED, None)
    if server is not None:
        del config.stash[SHARED]
        server.__exit__(None, None, None)


def coverage_of(config: pytest.Config, server: "Foundry") -> None:
    """Keeps what a server's clients have met, where that will be asked for; a worker sends it on."""
    if not config.getoption("mock_coverage"):
        return
    import msgspec

    squares = msgspec.to_builtins(server.coverage().squares)
    config.stash[MET].extend(squares)
    if is_worker(config):
        config.workeroutput[MET.name] = squares  # type: ignore[attr-defined]  # xdist's


def coverage_table(config: pytest.Config) -> str:
    """The table of what all servers' clients have met."""
    shared = config.stash.get(SHARED, None)
    if shared is not None:
        coverage_of(config, shared)
    squares = config.stash[MET]
    return merged_table(squares) if squares else "no test has used the server"


def merged_table(squares: Iterable[dict[str, Any]]) -> str:
    """Squares of several servers as one table."""
    from mockfoundry.journal.coverage import Coverage, Square, percent_of, table

    times: dict[tuple[str, int, str, str], int] = {}
    for each in squares:
        key = (each["operation"], each["status"], each["fault"], each["phase"])
        times[key] = times.get(key, 0) + each["times"]
    merged = [Square(*key, count) for key, count in times.items()]
    met = sum(each.times > 0 for each in merged)
    return table(Coverage(percent_of(met, len(merged)), met, len(merged), merged, {}))
