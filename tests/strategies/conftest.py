"""Fixtures of the strategies' tests: one server for a whole module, since its foundations are made anew at will."""

from collections.abc import Iterator

import pytest

from tests.serving import serving
from tests.strategies.playing import Shared


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    """A server with the default seed."""
    with serving() as server:
        yield Shared(server.url, server.client)
