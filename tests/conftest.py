"""Fixtures of all tests: servers on real sockets."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mockfoundry.wire_faults import WIRE_FAULTS, DribbleFault
from tests.serving import Serving, serving


@pytest.fixture
def serve() -> Iterator[Callable[..., Serving]]:
    """Starts servers: `serve(seed=TEXT_OR_MAPPING, scenarios=("conflict",), strict=False, door="protocol")`."""
    with ExitStack() as stack:

        def start(**options: Any) -> Serving:
            return stack.enter_context(serving(**options))

        yield start


@pytest.fixture
def server(serve: Callable[..., Serving]) -> Serving:
    """A server with the default seed."""
    return serve()


@pytest.fixture
def quick_dribble(monkeypatch: pytest.MonkeyPatch) -> DribbleFault:
    """The dribble of this process's servers takes half a second in place of five; its pieces are as many."""
    quick = DribbleFault(total_seconds=0.5)
    monkeypatch.setitem(WIRE_FAULTS, quick.name, quick)
    return quick
