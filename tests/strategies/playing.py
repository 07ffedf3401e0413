"""Playing: schedules on a new foundation of a server, and what a call of it met."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from hypothesis import Phase, settings

from mockfoundry.scenarios.model import Respond, Scenario
from tests import plain_http
from tests.searching import examples
from tests.serving import ADMIN, WEB

CONTROL = "/__mock/foundations/played"

quick = settings(database=None, max_examples=examples(20))

shrunk = settings(database=None, max_examples=examples(200), derandomize=True)
"""For `find`, where it matters which value is the simplest; the same ones are tried each time."""

reached = settings(shrunk, max_examples=2_000, phases=[Phase.generate])
"""For `find`, where it only matters that there is such a value: it is not shrunk."""


class Shared:
    """A server that many examples share; as itself, a server would fill pages of Hypothesis's report."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url = url
        self.client = client


@contextmanager
def playing(server: Shared, schedule: Scenario) -> Iterator[httpx.Client]:
    """A client of a foundation that was just made, and plays a schedule."""
    server.client.put(CONTROL).raise_for_status()
    server.client.put(
        f"{CONTROL}/scenarios/{schedule.name}",
        content=schedule.to_yaml(),
        headers={"Content-Type": "application/yaml"},
    ).raise_for_status()
    with plain_http.client(base_url=f"{server.url}/foundations/played", headers=ADMIN) as client:
        yield client


def met(client: httpx.Client, operation: str, instances: int) -> str:
    """What a call met: a status, or a fault."""
    process = f"/v3/processes/{WEB}"
    try:
        if operation == "scaleProcess":
            return str(client.post(f"{process}/actions/scale", json={"instances": instances}).status_code)
        return str(client.get(process).status_code)
    except httpx.ReadError:
        return "reset"
    except httpx.RemoteProtocolError as error:
        text = str(error)
        return "empty" if "sending a response" in text else "truncate" if "complete message" in text else "garbage"


def instances_of(client: httpx.Client) -> int:
    return int(client.get(f"/v3/processes/{WEB}").json()["instances"])


def failures_of(schedule: Scenario) -> dict[tuple[str, int], Respond]:
    """By operation and call what a schedule says, read as a person reads its file: `after: 2` is the third call."""
    found = {
        (operation, rule.after + 1): rule.respond
        for rule in schedule.rules
        for operation in rule.operation
        if rule.respond is not None
    }
    assert all(rule.times == 1 for rule in schedule.rules if rule.operation)
    return found
