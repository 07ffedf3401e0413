"""A server that all tortures of a module share; those that start their own say so."""

from collections.abc import Iterator

import pytest

from mockfoundry.client.server import Server


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server() as server:
        yield server
