"""The clients, one at a time, and a server in its own process with a foundation for each test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from tests.clients.at_hand import NotAtHandError, open_client
from tests.clients.driving import ClientDriver


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as started:
        yield started


@pytest.fixture
def foundation(server: Server) -> Foundation:
    return server.foundation()


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ClientDriver]]:
    """Gives the client of a name: each is built and started once, and ends with the tests."""
    with ExitStack() as stack:
        running: dict[str, ClientDriver] = {}

        def give(name: str) -> ClientDriver:
            if name not in running:
                try:
                    running[name] = stack.enter_context(open_client(name, tmp_path_factory.mktemp(name)))
                except NotAtHandError as error:
                    pytest.skip(str(error))
            return running[name]

        yield give


@pytest.fixture
def client(request: pytest.FixtureRequest, opened: Callable[[str], ClientDriver]) -> ClientDriver:
    """The client that `each_of` names; nobody is logged in, or someone of another test."""
    return opened(request.param)
