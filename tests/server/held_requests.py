"""What tests about requests that wait share: one server for each door, and a request that a scenario makes wait."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from mockfoundry.client.in_process import InProcess
from tests import plain_http
from tests.serving import ADMIN, WEB, serving
from tests.waiting import DEADLINE_SECONDS, eventually, leaving_after, must_end

DOORS = ("protocol", "asgi", "in process")
SCALE = f"/v3/processes/{WEB}/actions/scale"

_numbers = count(1)


@dataclass(frozen=True)
class Door:
    """A server as clients reach it by one door, and a foundation there that no other test has."""

    url: str
    client: httpx.Client
    name: str

    @property
    def control(self) -> str:
        return f"{self.url}/__mock/foundations/{self.name}"

    @property
    def api(self) -> str:
        return f"{self.url}/foundations/{self.name}"

    def play(self, operation: str = "scaleProcess", **respond: Any) -> None:
        """Switches a scenario on whose one rule answers so, each time."""
        scenario = {"scenario": "waiting", "rules": [{"operation": operation, "respond": respond}]}
        assert self.client.put(f"{self.control}/scenarios/waiting", json=scenario).is_success

    def hold(self, at: str = "before-commit") -> None:
        """Has each scale held under the name `gate`."""
        self.play(hold={"at": at, "name": "gate", "at-most": "1h"})

    def release(self) -> int:
        """Lets the held scales go on; gives how many there were."""
        return int(self.client.post(f"{self.control}/holds/gate/release").json()["released"])

    def scale(self, instances: int = 3, **options: Any) -> httpx.Response:
        return self.client.post(self.api + SCALE, json={"instances": instances}, **options)

    def leave(self, seconds: float = 0.1) -> None:
        """A client that scales, and leaves when nothing comes for so long."""
        try:
            self.scale(timeout=leaving_after(seconds))
        except httpx.ReadTimeout:
            return
        raise AssertionError("an answer came")

    def verify(self, within: str = "60s", **asked: Any) -> dict[str, Any]:
        answer = self.client.post(f"{self.control}/verify", json={"within": within, **asked})
        assert answer.is_success, answer.text
        verdict: dict[str, Any] = answer.json()
        return verdict

    def wait_for_scale(self, at_least: int = 1) -> None:
        """Waits until so many scales have come that nobody has answered."""
        assert self.verify(operation="scaleProcess", answered=False, at_least=at_least)["result"] == "holds"

    def entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get(f"{self.control}/requests").json()["requests"]
        return found

    def instances(self) -> int:
        return int(self.client.get(f"{self.api}/v3/processes/{WEB}").json()["instances"])

    @contextmanager
    def scaling(self, instances: int = 3) -> Iterator[list[httpx.Response]]:
        """A client that scales in a thread while the block runs; after the block its answer has come."""
        answers: list[httpx.Response] = []
        waiting = sum(each["operation"] == "scaleProcess" and not each["answered"] for each in self.entries())
        client = threading.Thread(target=lambda: answers.append(self.scale(instances)))
        client.start()
        self.wait_for_scale(waiting + 1)
        yield answers
        must_end(client)


@contextmanager
def open_door(name: str) -> Iterator[Door]:
    """A server until the block ends."""
    if name == "in process":
        with (
            InProcess() as server,
            httpx.Client(transport=server.transport(), headers=ADMIN, timeout=DEADLINE_SECONDS) as client,
        ):
            yield Door(server.url, client, "")
    else:
        with serving(door=name) as listening, plain_http.client(headers=ADMIN) as client:  # type: ignore[arg-type]
            yield Door(listening.url, client, "")


def fresh_foundation(server: Door) -> Door:
    """The same door with a foundation that no other test has."""
    door = Door(server.url, server.client, f"f{next(_numbers)}")
    assert door.client.put(door.control).status_code == 201
    return door


def settled_entries(door: Door) -> list[dict[str, Any]]:
    """The entries of the journal, as soon as all of them are answered."""

    def settled() -> list[dict[str, Any]]:
        entries = door.entries()
        return entries if entries and all(each["answered"] for each in entries) else []

    return eventually(settled, what="every request in the journal is answered")
