"""A server in its own process, one for all tests here; each test has a foundation of its own."""

from collections.abc import Iterator

import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as started:
        yield started


@pytest.fixture
def foundation(server: Server) -> Foundation:
    return server.foundation()
