"""One server for each file of tests, and a prefix of its own for each test."""

from collections.abc import Iterator

import pytest

from tests.cloudfoundry.logging_in import SEED, new_name
from tests.serving import Serving, serving_still


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    """A server with the users and clients that log in, whose foundations stand still in time."""
    with serving_still(SEED) as running:
        yield running


@pytest.fixture
def prefix() -> str:
    """The prefix of a foundation of the test's own."""
    return f"/foundations/{new_name()}"
