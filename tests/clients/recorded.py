"""Requests that real clients sent, flow by flow, played again. Judges nothing: it sends, learns and hands over.

A recorded request has names in braces where the client put what it had learned: `{web}`, `{deployment}`, `{token}`.
What they stand for is learned from the answers of the server that is played against, as the clients do: by the names of
fields, as LEARNED says.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import msgspec

from mockfoundry.client.foundation import Foundation

RECORDED_FILE = Path(__file__).parent / "recorded_requests.jsonl"

POLL_SECONDS = 6
"""Virtual time that passes where a client asks the same again: it waits for something."""


class RecordedRequest(msgspec.Struct, frozen=True):
    """One request, as it was sent.

    Attributes:
        flow: which flow it belongs to; what the flow's name says was done by hand.
        path: with its query.
        body: text; or the fields of a form.
        status: of the answer; None where none came.
    """

    flow: str
    method: str
    path: str
    headers: dict[str, str]
    body: str | dict[str, str] | None
    status: int | None

    @property
    def client(self) -> str:
        """`python`, `go`, `java` or `cf`."""
        return re.split("[: ]", self.flow, maxsplit=1)[0]


DURING_A_CANARY = frozenset({"cf continue-deployment", "cf cancel-deployment"})
"""Flows before which a canary deployment was begun, and had come to its pause."""


def prepare(foundation: Foundation, flow: str) -> None:
    """Brings a foundation to where a flow begins; and plays the scenario that its name says behind `with`."""
    foundation.clock.freeze()
    if flow in DURING_A_CANARY:
        apps = [{"name": "dora", "deployment": {"strategy": "canary", "status": "ACTIVE"}}]
        foundation.change({"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": apps}]}]})
        foundation.clock.advance("60s")
    if scenario := flow.partition(" with ")[2]:
        foundation.play(scenario)


def read_flows() -> dict[str, list[RecordedRequest]]:
    """All flows by their names, in the file's order."""
    lines = RECORDED_FILE.read_bytes().splitlines()
    requests = [msgspec.json.decode(line, type=RecordedRequest) for line in lines]
    return {flow: list(group) for flow, group in groupby(requests, key=lambda each: each.flow)}


LEARNED: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("POST", r"/oauth/token", {"token": "access_token", "refresh token": "refresh_token"}),
    ("GET", r"/v3/organizations", {"organization": "resources.0.guid"}),
    ("GET", r"/v3/organizations", {"organization quota": "resources.0.relationships.quota.data.guid"}),
    ("GET", r"/v3/spaces", {"space": "resources.0.guid"}),
    ("GET", r"/v3/apps", {"app": "resources.0.guid", "space": "resources.0.relationships.space.data.guid"}),
    ("GET", r"/v3/apps/[^/]+/droplets/current", {"droplet": "guid"}),
    ("GET", r"/v3/apps/[^/]+/processes/web", {"web": "guid"}),
    ("GET", r"/v3/packages", {"package": "resources.0.guid"}),
    ("GET", r"/v3/deployments", {"deployment": "resources.0.guid"}),
    ("POST", r"/v3/deployments", {"deployment": "guid", "newest web": "new_processes.0.guid"}),
)
"""What a client learns from which answers: the name in a recorded request, and the place of its value."""


NAME = re.compile(r"\{([a-z ]+)\}")
"""A name in a recorded text."""


class Learned:
    """What the answers of one server have said so far, by the names that stand for it in recorded requests."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {"password": "any"}

    def __getitem__(self, name: str) -> str:
        return self._known[name]

    def learn(self, method: str, path: str, answer: Any, location: str = "") -> None:
        """Takes from an answer what clients take from it.

        Args:
            path: with or without the foundation's prefix.
            answer: the value of its body.
            location: the header of that name, empty where there is none.
        """
        if "/v3/jobs/" in location:
            self._known["job"] = location.rpartition("/")[2]
        path = re.sub(r"^/foundations/[^/]+", "", path)
        if method == "GET" and re.fullmatch(r"/v3/apps/[^/]+/processes", path):
            self._learn_processes(answer["resources"])
        for learned_method, pattern, places in LEARNED:
            if method == learned_method and re.fullmatch(pattern, path):
                found = {name: find(answer, place) for name, place in places.items()}
                self._known.update({name: value for name, value in found.items() if isinstance(value, str)})

    def _learn_processes(self, processes: list[dict[str, Any]]) -> None:
        """An app's processes by their type; during a deployment there are two of type web, the newer one behind."""
        for process in reversed(processes):
            self._known[process["type"]] = process["guid"]
        self._known["newest web"] = [each["guid"] for each in processes if each["type"] == "web"][-1]

    def put_in(self, text: str) -> str:
        """A recorded text with what its names stand for. The braces of JSON have no single words between them."""
        return NAME.sub(lambda found: self._known[found.group(1)], text)

    def has_all(self, text: str) -> bool:
        """Whether it is known what each name of a recorded text stands for."""
        return all(name in self._known for name in NAME.findall(text))

    def name(self, text: str) -> str:
        """A text with the names of what it holds in its place."""
        for name, value in sorted(self._known.items(), key=lambda item: item[0] == "newest web"):
            if len(value) >= len(GUID):
                text = text.replace(value, "{" + name + "}")
        return text


GUID = "00000000-0000-0000-0000-000000000000"
"""The shortest text that can be told from any other."""


class RecordedPlayer:
    """Plays one flow against a foundation.

    Args:
        client: sends to the foundation's address.
        foundation: its clock goes on where the recorded client asked the same again.
        user: who logs in.
    """

    def __init__(self, client: httpx.Client, foundation: Foundation, user: str = "admin") -> None:
        self._client, self._foundation, self._user = client, foundation, user
        self._learned = Learned()

    def begin(self) -> None:
        """What a client knows from commands that it ran before: a token, and what it targeted."""
        form = {"grant_type": "password", "username": self._user, "password": "any"}
        self._learn("POST", self._client.post("/oauth/token", data=form, auth=("cf", "")))
        bearer = {"Authorization": f"bearer {self._learned['token']}"}
        for path in ("/v3/organizations", "/v3/spaces", "/v3/apps"):
            self._learn("GET", self._client.get(path, headers=bearer))
        self._learn("GET", self._client.get(f"/v3/apps/{self._learned['app']}/processes", headers=bearer))

    def play(
        self, flow: list[RecordedRequest]
    ) -> Iterator[tuple[RecordedRequest, httpx.Response | httpx.TransportError | None]]:
        """Sends one request after the other, each with what the answers before it said.

        Gives what came: an answer, or the error in its place. None where the request was not sent, because no answer
        had said what it asks for.
        """
        before = None
        for recorded in flow:
            if before == (recorded.method, recorded.path):
                self._foundation.clock.advance(f"{POLL_SECONDS}s")
            before = recorded.method, recorded.path
            if not self._learned.has_all(recorded.path):
                yield recorded, None
                continue
            try:
                answer = self._send(recorded)
            except httpx.TransportError as error:
                yield recorded, error
                continue
            yield recorded, answer
            self._learn(recorded.method, answer)

    def _learn(self, method: str, answer: httpx.Response) -> None:
        if answer.is_success:
            body = answer.json() if answer.content else None
            self._learned.learn(method, answer.request.url.path, body, answer.headers.get("location", ""))

    def _send(self, recorded: RecordedRequest) -> httpx.Response:
        body = recorded.body
        form = body if isinstance(body, dict) else None
        if form is not None:
            form = {
                key: self._user if key == "username" else self._learned.put_in(value) for key, value in form.items()
            }
        return self._client.request(
            recorded.method,
            self._learned.put_in(recorded.path),
            headers={name: self._learned.put_in(value) for name, value in recorded.headers.items()},
            data=form,
            content=self._learned.put_in(body) if isinstance(body, str) else None,
        )


def find(value: Any, place: str) -> Any:
    """What is at a place as `resources.0.guid`; None where there is no such place."""
    for step in place.split("."):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def write_flows(requests: list[RecordedRequest]) -> None:
    """Writes the file anew."""
    lines = [json.dumps(msgspec.to_builtins(each), ensure_ascii=False) for each in requests]
    RECORDED_FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
