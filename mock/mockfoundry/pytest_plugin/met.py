"""Met: what the tests' clients have met of the contract, in this process and in xdist's workers. Judges nothing.

A server that is ours alone is asked once, at its end; one that others use too is asked of each foundation of ours.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from mockfoundry.pytest_plugin.running import SHARED, is_alone

if TYPE_CHECKING:
    from mockfoundry.client.foundation import Foundation
    from mockfoundry.client.foundry import Foundry
    from mockfoundry.client.values import Coverage

Cell = tuple[str, int, str, str]
"""Operation, status, fault and phase."""


class Named(pytest.StashKey[dict[Cell, int]]):
    """A key of the stash with a name, by which workers send what is behind it."""

    name = "mockfoundry_met"


MET = Named()
"""How often each cell was met."""


def add(config: pytest.Config, met: Iterable[Iterable[Any]]) -> None:
    """Adds what was met somewhere: rows of a cell's four parts, and how often."""
    held = config.stash[MET]
    for operation, status, fault, phase, times in met:
        cell = (operation, status, fault, phase)
        held[cell] = held.get(cell, 0) + times


def add_coverage(config: pytest.Config, coverage: "Coverage") -> None:
    add(config, ((each.operation, each.status, each.fault, each.phase, each.times) for each in coverage.squares))


def coverage_of(config: pytest.Config, server: "Foundry") -> None:
    """Takes what all clients of a server have met, where that will be asked for."""
    if config.getoption("mock_coverage"):
        add_coverage(config, server.coverage())


def coverage_of_one(config: pytest.Config, foundation: "Foundation") -> None:
    """Takes what the clients of one foundation have met, where nobody will ask its server."""
    if config.getoption("mock_coverage") and config.getoption("mock_url"):
        add_coverage(config, foundation.coverage())


def send(config: pytest.Config) -> None:
    """Gives what was met to the process that has started this worker, where it is one."""
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[MET.name] = [[*cell, times] for cell, times in config.stash[MET].items()]


def coverage_table(config: pytest.Config) -> str:
    """The table of what all clients have met."""
    from mockfoundry.client.errors import ServerError

    shared = config.stash.get(SHARED, None)
    if shared is not None and is_alone(config):
        try:
            coverage_of(config, shared)
        except ServerError as error:
            return f"it can't be told: {error}"
    met = config.stash[MET]
    return table_of(met) if met else "no test has used the server"


def table_of(met: dict[Cell, int]) -> str:
    from mockfoundry.journal.coverage import Coverage, Square, percent_of, table

    squares = [Square(*cell, times) for cell, times in met.items()]
    count = sum(each.times > 0 for each in squares)
    return table(Coverage(percent_of(count, len(squares)), count, len(squares), squares, {}))
