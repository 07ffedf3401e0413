"""Naming: the foundation of a test by the test's own name, so that logs can be read. Never gives a name twice."""

import re
from itertools import count

import pytest

LONGEST = 64

_numbers = count(1)


def name_for(request: pytest.FixtureRequest) -> str:
    """The test's name, the worker and a number; for a server that others use too, also what is this run's alone."""
    from mockfoundry.client.names import fresh_name

    config = request.config
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    parts = [worker, fresh_name() if config.getoption("mock_url") else "", str(next(_numbers))]
    ending = "-".join(part for part in parts if part)
    slug = re.sub(r"[^A-Za-z0-9_.]+", "-", request.node.name).strip("-_.")
    return f"{slug[: LONGEST - len(ending) - 1] or 'test'}-{ending}"
