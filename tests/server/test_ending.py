"""The end of a server: what sleeps or is fed slowly is broken off, no client gets an answer that is none."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest

from mockfoundry.options import DoorName, ServerOptions
from mockfoundry.server import run
from mockfoundry.server.run import BackgroundServer
from tests import plain_http
from tests.serving import ADMIN, WEB, service_of
from tests.waiting import DEADLINE_SECONDS, eventually

DOORS = ["protocol", "asgi"]
DEFAULT = "/__mock/foundations/default"
HEAD = b"Host: h\r\nAuthorization: bearer a\r\nContent-Type: application/json\r\n"
SCALE = b"POST /v3/processes/%s/actions/scale HTTP/1.1\r\n" % WEB.encode() + HEAD
GET = b"GET /v3/processes/%s HTTP/1.1\r\n" % WEB.encode() + HEAD + b"\r\n"


def verify_within(duration: str) -> bytes:
    """A verification that waits, since there is nothing of the kind."""
    asked = json.dumps({"operation": "updateProcess", "within": duration}).encode()
    return b"POST %s/verify HTTP/1.1\r\n" % DEFAULT.encode() + HEAD + b"Content-Length: %d\r\n\r\n" % len(asked) + asked


def playing(**respond: object) -> dict[str, object]:
    return {"scenario": "played", "rules": [{"operation": ["scaleProcess", "getProcess"], "respond": respond}]}


SLEEPING = {
    "hang": (playing(fault="hang"), GET),
    "hang after the change": (
        playing(fault="hang", phase="after"),
        SCALE + b'Content-Length: 16\r\n\r\n{"instances": 2}',
    ),
    "dribble": (playing(fault="dribble", phase="after"), GET),
    "delay": (playing(delay="1h"), GET),
    "delay after": (playing(delay="1h", phase="after"), GET),
    "verify within": (None, verify_within("60s")),
    "follow": (None, b"GET %s/requests?follow=true HTTP/1.1\r\n" % DEFAULT.encode() + HEAD + b"\r\n"),
}


@pytest.fixture
def connections() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def send(connections: ExitStack, server: BackgroundServer, sent: bytes) -> socket.socket:
    """A connection on which this was sent."""
    parts = urlsplit(server.url)
    address = (str(parts.hostname), int(parts.port or 0))
    connection = connections.enter_context(socket.create_connection(address, timeout=DEADLINE_SECONDS))
    connection.sendall(sent)
    return connection


def receive_rest(connection: socket.socket) -> bytes:
    """What comes until the connection ends, in whatever way."""
    received = b""
    with suppress(ConnectionError):
        while data := connection.recv(65536):
            received += data
    return received


def wait_until_taken(server: BackgroundServer, count: int) -> None:
    """Waits until the server has so many tasks: each is of a request that is not answered yet."""
    tasks = server._server.server_state.tasks
    eventually(lambda: len(tasks) >= count, what=f"{count} requests are being answered")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", SLEEPING)
def test_what_sleeps_is_broken_off_at_once(
    connections: ExitStack, monkeypatch: pytest.MonkeyPatch, door: DoorName, kind: str
) -> None:
    """The end does not wait for it: the grace that other responses have is longer here than any test."""
    monkeypatch.setattr(run, "GRACE_SECONDS", 10 * DEADLINE_SECONDS)
    scenario, sent = SLEEPING[kind]
    with BackgroundServer(
        service_of(scenarios=() if scenario is None else (scenario,)), ServerOptions(door=door)
    ) as server:
        plain_http.request("PUT", server.url + DEFAULT)
        connection = send(connections, server, sent)
        wait_until_taken(server, 1)
    received = receive_rest(connection)
    assert received.count(b"HTTP/1.1 ") <= 1
    assert b" 500 " not in received
    assert b"Internal Server Error" not in received


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("at", ["before-commit", "after-commit"])
def test_what_is_held_is_answered(connections: ExitStack, door: DoorName, at: str) -> None:
    service = service_of(scenarios=(playing(hold=at),))
    with BackgroundServer(service, ServerOptions(door=door)) as server:
        connection = send(connections, server, SCALE + b'Content-Length: 16\r\n\r\n{"instances": 2}')
        wait_until_taken(server, 1)
        held = f"{server.url}{DEFAULT}/requests"
        assert at == "before-commit" or plain_http.get(held).json()["recorded"] == 1
    assert receive_rest(connection).startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sent", [b"", b"GET /v3", SCALE, SCALE + b"Content-Length: 20\r\n\r\n{}"])
def test_a_request_that_is_not_whole_is_broken_off(
    connections: ExitStack, monkeypatch: pytest.MonkeyPatch, door: DoorName, sent: bytes
) -> None:
    monkeypatch.setattr(run, "GRACE_SECONDS", 0.01)
    with BackgroundServer(service_of(), ServerOptions(door=door)) as server:
        connection = send(connections, server, sent)
        assert plain_http.get(f"{server.url}/v3/processes", headers=ADMIN).status_code == 200
    assert receive_rest(connection) == b""


def test_the_end_is_not_looked_for_but_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn looks every tenth of a second whether it is to end. Here nothing sleeps so long."""
    slept = list[float]()
    sleep = asyncio.sleep

    async def note_sleep(seconds: float, *rest: object) -> None:
        slept.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", note_sleep)
    with BackgroundServer(service_of()) as server:
        assert plain_http.get(f"{server.url}/v3/processes", headers=ADMIN).status_code == 200
    assert max(slept, default=0.0) <= run.PAUSE_SECONDS
