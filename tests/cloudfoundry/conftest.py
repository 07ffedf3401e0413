"""One server for each file of tests, and a foundation of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.cloudfoundry import logging_in
from tests.cloudfoundry.asking import SEED, Asking
from tests.cloudfoundry.parts_world import parts_seed
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


@pytest.fixture(scope="module")
def parts_server() -> Iterator[Serving]:
    """The same for a foundation whose apps have parts of their own."""
    with serving(seed=parts_seed()) as server:
        server.service.registry.initial_world.clock.rate = 0.0
        yield server


@pytest.fixture
def parts(parts_server: Serving) -> Asking:
    return Asking(parts_server)


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    """A server with the users and clients that log in, whose foundations stand still in time."""
    with serving(seed=logging_in.SEED) as running:
        running.service.registry.initial_world.clock.rate = 0.0
        yield running


@pytest.fixture
def prefix() -> str:
    """The prefix of a foundation of the test's own."""
    return f"/foundations/{logging_in.new_name()}"
