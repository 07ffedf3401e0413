"""A whole session with the cf CLI, from log-in to a rolling restart, played in this process. Judges nothing.

Its requests are the recorded ones. A real cf ends a command at an answer that it can't use; here every request is sent
that can be, so that each scenario meets all of them. Nothing waits: delays are noted, and time is the foundation's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess, InProcessServer
from mockfoundry.server.waiting import Wait
from tests import plain_http
from tests.clients.recorded import RecordedPlayer, RecordedRequest, read_flows

COMMANDS = (
    *("cf api", "cf login", "cf target", "cf apps", "cf app", "cf scale -i 3", "cf scale -m 300M", "cf scale -i 3"),
    *("cf scale --process worker -i 2", "cf set-health-check process", "cf restart-app-instance", "cf app"),
    *("cf events", "cf stop", "cf start", "cf scale -i 2 -m 300M", "cf scale -i 3", "cf login", "cf scale -i 3"),
    *("cf app", "cf curl", "cf restart --strategy rolling"),
)
"""In the order in which somebody types them: web is scaled six times, and a new token is fetched on the way."""

TYPING_SECONDS = 4
"""Virtual time that passes before each command."""

PATIENCE_SECONDS = 120.0
"""How long the client waits for an answer, on the clock of what is noted."""

OTHER_GUIDS = ",".join(f"{number:036}" for number in range(11))

CURLED = ("/v3/processes?page=2&per_page=1", "/v3/processes?page=2&per_page=1", f"/v3/processes?guids={OTHER_GUIDS}")
"""What is asked by `cf curl` besides what was recorded: pages and lists that no other command asks for."""


@dataclass(frozen=True)
class Step:
    """One request of the session and what came of it.

    Attributes:
        at: seconds from the scenario's start to the request, on the foundation's clock.
        outcome: the answer; or what the client's library raised in its place.
        waited: seconds that the client had to wait.
    """

    command: str
    recorded: RecordedRequest
    at: float
    outcome: httpx.Response | httpx.TransportError
    waited: float

    @property
    def answer(self) -> httpx.Response:
        assert isinstance(self.outcome, httpx.Response), f"{self}: {self.outcome!r}"
        return self.outcome

    @property
    def status(self) -> int | None:
        """Of the answer; None where none came."""
        return self.outcome.status_code if isinstance(self.outcome, httpx.Response) else None

    @property
    def error(self) -> str:
        """The title of the answer's error, of either of the two forms; empty where it has none."""
        # Looked at rather than its label: the real side labels the JSON of a 429 as text.
        if self.status is None or self.status < 400 or not self.answer.text.startswith("{"):
            return ""
        body: Any = self.answer.json()
        return str(body["errors"][0]["title"] if body.get("errors") else body.get("error", ""))

    @property
    def detail(self) -> str:
        return str(self.answer.json()["errors"][0]["detail"])

    @property
    def resources(self) -> list[Any]:
        found: list[Any] = self.answer.json()["resources"]
        return found

    @property
    def is_log_in(self) -> bool:
        """Whether it is for the root documents or UAA."""
        return not self.recorded.path.startswith("/v3/")

    @property
    def is_scale(self) -> bool:
        return self.recorded.path.endswith("/actions/scale")

    @property
    def is_stats(self) -> bool:
        return self.recorded.path.endswith("/stats")

    @property
    def process(self) -> str:
        """The type of the process that is meant."""
        return "worker" if "worker" in self.recorded.path else "web"

    @property
    def is_as_recorded(self) -> bool:
        return self.status == self.recorded.status

    def __str__(self) -> str:
        why = self.outcome.headers.get("x-mock-why") if isinstance(self.outcome, httpx.Response) else None
        return f"{self.command}, after {self.at:g} s: {self.recorded.method} {self.recorded.path}: {self.status}, {why}"


class Waits:
    """Takes the place of waiting in an in-process server: notes how long each wait would be.

    Attributes:
        noted: seconds since this was last set to 0.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.noted = 0.0
        really_wait = InProcessServer.wait_in_thread

        def wait(server: InProcessServer, wait: Wait) -> None:
            if wait.done is not None and wait.seconds == PATIENCE_SECONDS:
                # A worker is busy, which ends soon. What a scenario holds has an end of its own before that.
                really_wait(server, wait)
            else:
                self.noted += wait.seconds or 0.0

        monkeypatch.setattr(InProcessServer, "wait_in_thread", wait)


def play_session(server: InProcess, waits: Waits, scenario: str, user: str, times: int = 1) -> list[Step]:
    """Plays the session in a foundation of its own.

    Args:
        scenario: of the library; empty for none.
        times: how often, one after the other.
    """
    foundation = server.foundation()
    foundation.clock.freeze()
    transport = server.transport()
    with plain_http.client(transport=transport, base_url=foundation.url, timeout=PATIENCE_SECONDS) as client:
        player = RecordedPlayer(client, foundation, user)
        player.begin()
        if scenario:
            foundation.play(scenario)
        begun = foundation.clock.latest()
        return [step for _ in range(times) for step in play_commands(player, foundation, waits, begun)]


def play_commands(player: RecordedPlayer, foundation: Foundation, waits: Waits, begun: datetime) -> Iterator[Step]:
    for command, requests in SESSION:
        foundation.clock.advance(TYPING_SECONDS)
        waits.noted = 0.0
        for recorded, outcome in player.play(requests):
            if outcome is not None:
                at = (foundation.clock.latest() - begun).total_seconds()
                yield Step(command, recorded, at, outcome, waits.noted)
            waits.noted = 0.0


def session_commands() -> Iterator[tuple[str, list[RecordedRequest]]]:
    flows = read_flows()
    for command in COMMANDS:
        yield command, flows[command]
        if command == "cf curl":
            (curl,) = flows[command]
            for path in CURLED:
                yield f"cf curl {path}", [msgspec.structs.replace(curl, path=path)]


SESSION = tuple(session_commands())
