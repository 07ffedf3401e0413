"""One server for each file of tests, and a foundation of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.cloudfoundry.asking import SEED, Asking
from tests.serving import Serving, serving


@pytest.fixture(scope="module")
def rich_server() -> Iterator[Serving]:
    """A server whose foundations begin as `asking.SEED` says, all at the moment at which that was made."""
    with serving(seed=SEED) as server:
        server.service.registry.initial_world.clock.rate = 0.0
        yield server


@pytest.fixture
def foundation(rich_server: Serving) -> Asking:
    """A foundation of its own, whose clock stands still."""
    return Asking(rich_server)
