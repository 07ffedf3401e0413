"""Running: the server of a session, or of all workers of xdist. Asks no foundation."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mockfoundry.client.foundry import Foundry
    from mockfoundry.client.server import Server

URL = "mockfoundry_url"


SHARED: "pytest.StashKey[Server]" = pytest.StashKey()


def is_alone(config: pytest.Config) -> bool:
    """Whether this process has a server of its own, which nobody else uses."""
    return config.getoption("mock_url") is None and URL not in getattr(config, "workerinput", {})


@contextmanager
def server_of(config: pytest.Config) -> "Iterator[Foundry]":
    """The server that this process uses, until the block ends."""
    from mockfoundry.client.server import Server

    url = config.getoption("mock_url") or getattr(config, "workerinput", {}).get(URL)
    if url is None:
        with Server() as server:
            yield server
    else:
        token, mend = config.getoption("mock_control_token"), "start it, or give --mock-url the URL at which it is"
        with Server.connect(url, control_token=token, mend=mend) as server:
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
