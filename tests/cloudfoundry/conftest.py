"""One server for each file of tests, and a foundation of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.cloudfoundry.asking import SEED, Asking
from tests.cloudfoundry.parts_world import parts_seed
from tests.serving import Serving, serving_still


@pytest.fixture(scope="module")
def rich_server() -> Iterator[Serving]:
    """A server whose foundations begin as `asking.SEED` says, all at the moment at which that was made."""
    with serving_still(SEED) as server:
        yield server


@pytest.fixture
def foundation(rich_server: Serving) -> Asking:
    """A foundation of its own, whose clock stands still."""
    return Asking(rich_server)


@pytest.fixture(scope="module")
def parts_server() -> Iterator[Serving]:
    """The same for a foundation whose apps have parts of their own."""
    with serving_still(parts_seed()) as server:
        yield server


@pytest.fixture
def parts(parts_server: Serving) -> Asking:
    return Asking(parts_server)
