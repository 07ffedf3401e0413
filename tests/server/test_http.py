"""HTTP as clients really speak it: large bodies, upgrades, old versions, absolute URLs, clients that go away."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockfoundry.exchange.request import read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import handle_request
from mockfoundry.options import DoorName, ServerOptions
from mockfoundry.server import asgi, bounded, protocol
from mockfoundry.server.run import BackgroundServer
from tests.server.test_bad_input import exchange_bytes
from tests.serving import WEB, Serving, service_of, serving

DOORS = ["protocol", "asgi"]
TOKEN = b"Authorization: bearer a\r\n"
SCALE = b"POST /v3/processes/%s/actions/scale HTTP/1.1\r\nHost: h\r\n" % WEB.encode() + TOKEN
JSON = b"Content-Type: application/json\r\n"
GET = b"GET /v3/processes/%s HTTP/1.1\r\nHost: h\r\n" % WEB.encode() + TOKEN
CLOSE = b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module", params=DOORS)
def server(request: pytest.FixtureRequest) -> Iterator[Serving]:
    with serving(door=request.param) as running:
        yield running


def instances(server: Serving) -> int:
    return int(server.client.get(f"/v3/processes/{WEB}").json()["instances"])


def test_a_large_body_that_comes_by_itself_gets_one_answer(server: Serving) -> None:
    body = b'{"instances": 2' + b" " * 200_000 + b"}"
    received = exchange_bytes(server.url, SCALE + JSON + b"Content-Length: %d\r\n" % len(body) + CLOSE, body)
    assert received.count(b"HTTP/1.1 ") == 1
    assert received.startswith(b"HTTP/1.1 202 ")


def test_many_pipelined_requests_are_all_answered(server: Serving) -> None:
    received = exchange_bytes(server.url, (GET + b"\r\n") * 400 + GET + CLOSE)
    assert received.count(b"HTTP/1.1 200 OK") == 401


@pytest.mark.parametrize("door", DOORS)
def test_others_have_their_turn_while_a_burst_is_answered(monkeypatch: pytest.MonkeyPatch, door: DoorName) -> None:
    """Between two turns of the loop a few of many pipelined requests are answered, however many come at once."""
    count, in_turns = 2_000, [0]

    def count_request(*_: Any) -> Response | PendingRequest:
        in_turns[-1] += 1
        return response

    def begin_turn() -> None:
        if in_turns[-1]:
            in_turns.append(0)
        asyncio.get_running_loop().call_soon(begin_turn)

    service = service_of()
    response = handle_request(service, read_request("GET", "/nothing", b"", [], b"", "http", 0))
    monkeypatch.setattr(protocol, "handle_request", count_request)
    monkeypatch.setattr(asgi, "handle_routed_request", count_request)
    with BackgroundServer(service, ServerOptions(door=door)) as server:
        loop = server._server._loop
        assert loop is not None
        loop.call_soon_threadsafe(begin_turn)
        one = b"GET /v3 HTTP/1.1\r\nHost: h\r\n"
        received = exchange_bytes(server.url, (one + b"\r\n") * (count - 1) + one + CLOSE)
    assert received.count(b"HTTP/1.1 404 ") == sum(in_turns) == count
    # Of what arrives a part is parsed at once, and another one before the loop comes to its next turn.
    assert max(in_turns) <= 2 * (bounded.REQUESTS_PER_TURN + bounded.SLICE_BYTES // len(one))


@pytest.mark.parametrize("door", DOORS)
def test_a_request_that_offers_an_upgrade_keeps_its_body(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door)
    offers = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    received = exchange_bytes(
        server.url, SCALE + JSON + offers + b'Content-Length: 16\r\n\r\n{"instances": 5}' + GET + CLOSE
    )
    assert received.startswith(b"HTTP/1.1 202 ")
    assert received.count(b"HTTP/1.1 ") == 2
    assert instances(server) == 5


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
def test_a_request_whose_client_goes_away_in_the_middle_is_not_made(server: Serving, expects: bytes) -> None:
    parts = urlsplit(server.url)
    foundation = server.service.registry.get_or_create("default", 0)
    before = foundation.journal.recorded
    with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as connection:
        connection.sendall(SCALE + JSON + expects + b"Content-Length: 100\r\n\r\n")
    server.client.get("/v3/processes")
    assert foundation.journal.recorded == before + 1


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET http://other/v3/processes HTTP/1.1", b"200"),
        (b"GET http://other/__mock/health HTTP/1.1", b"200"),
        (b"GET http://other HTTP/1.1", b"200"),
        (b"GET /v3/processes#part HTTP/1.1", b"200"),
        (b"OPTIONS * HTTP/1.1", b"404"),
    ],
)
def test_urls_in_other_forms_are_understood(server: Serving, line: bytes, status: bytes) -> None:
    received = exchange_bytes(server.url, line + b"\r\nHost: h\r\n" + TOKEN + CLOSE)
    assert received.startswith(b"HTTP/1.1 " + status)


def test_the_authority_of_an_absolute_url_names_the_foundation(server: Serving) -> None:
    line = b"GET http://One.localhost/v3/processes HTTP/1.1\r\nHost: h\r\n"
    received = exchange_bytes(server.url, line + TOKEN + CLOSE)
    assert server.service.registry.find("one") is not None
    assert b"http://One.localhost/v3/processes?" in received


def test_a_trailer_is_no_header_and_is_bounded(server: Serving) -> None:
    chunked = GET.replace(TOKEN, b"Connection: close\r\n") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    assert exchange_bytes(server.url, chunked + TOKEN + CLOSE).startswith(b"HTTP/1.1 401 ")


def test_trailers_beyond_the_limit_are_refused(server: Serving) -> None:
    chunked = GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    assert exchange_bytes(server.url, chunked + b"X: %s\r\n" % (b"x" * 1000) * 40).startswith(b"HTTP/1.1 431 ")


def test_a_body_without_an_end_is_refused_as_soon_as_it_is_too_large(server: Serving) -> None:
    chunk = b"%x\r\n" % 100_000 + b"x" * 100_000 + b"\r\n"
    received = exchange_bytes(server.url, SCALE + JSON + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 11)
    assert received.startswith(b"HTTP/1.1 413 ")


def test_http_1_0_is_answered_and_closed(server: Serving) -> None:
    received = exchange_bytes(server.url, GET.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\n\r\n")
    assert b" 200 OK" in received
    assert b"connection: close" in received


@pytest.mark.parametrize("door", DOORS)
def test_nothing_behind_connection_close_is_done(door: DoorName) -> None:
    with serving(door=door) as server:
        behind = SCALE + JSON + b'Expect: 100-continue\r\nContent-Length: 16\r\n\r\n{"instances": 4}'
        exchange_bytes(server.url, GET + CLOSE + behind)
        assert instances(server) == 1


def test_time_ends_with_the_year_9999(serve: Callable[..., Serving]) -> None:
    server = serve()
    clock = server.service.registry.get_or_create("default", 0).world.clock
    clock.virtual, clock.rate = 253_402_300_799 * 1_000_000, 1000.0
    assert server.client.get(f"/v3/processes/{WEB}").headers["date"].startswith("Fri, 31 Dec 9999")
