"""Faults of TLS: a scenario breaks handshakes, the client says how, and the control API still answers."""

import re
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import httpx
import pytest

from mockfoundry import InProcess
from mockfoundry.assembly import build_service
from mockfoundry.client.control import SocketControlClient
from mockfoundry.client.errors import ControlError
from mockfoundry.client.foundation import Foundation
from mockfoundry.options import DoorName, ServerOptions
from mockfoundry.server.run import BackgroundServer
from mockfoundry.server.tls import set_up_tls
from tests.serving import ADMIN, WEB
from tests.waiting import DEADLINE_SECONDS

HEAD_END = b"\r\n\r\n"


class TlsServer(NamedTuple):
    """A server that speaks TLS, and its clients' context."""

    url: str
    port: int
    trusting: ssl.SSLContext
    default: Foundation

    def get(self, host: str = "localhost") -> int:
        """The status of a request for a host."""
        with httpx.Client(verify=self.trusting, headers=ADMIN) as client:
            return client.get(f"{self.url}/v3/processes", extensions={"sni_hostname": host}).status_code

    def read_body(self, request: bytes) -> tuple[bytes, str]:
        """What comes of the body for a request, and the error that ends it; empty for the end that TLS announces."""
        came = b""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_SECONDS) as plain,
            self.trusting.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as connection,
        ):
            connection.sendall(request)
            try:
                while part := connection.recv(65_536):
                    came += part
            except OSError as error:
                return came.partition(HEAD_END)[2], str(error)
        return came.partition(HEAD_END)[2], ""


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    """A server; a test may name its door and its event loop."""
    asked: tuple[DoorName, str] = getattr(request, "param", ("protocol", "uvloop"))
    door, loop = asked
    if loop == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    options = ServerOptions(tls=True, head_timeout=300_000, door=door)
    with ExitStack() as ending:
        tls = set_up_tls(options, ending.callback)
        assert tls is not None
        running = ending.enter_context(BackgroundServer(build_service(options, 0), options, tls))
        monkeypatch.setenv("SSL_CERT_FILE", tls.authority_file)
        control = SocketControlClient(running.url, lambda: "")
        ending.callback(control.close)
        trusting = ssl.create_default_context(cafile=tls.authority_file)
        yield TlsServer(running.url, running.port, trusting, Foundation(running.url, "default", control))


FELT = {
    "tls-expired": "certificate has expired",
    "tls-other-host": "Hostname mismatch, certificate is not valid for 'localhost'",
    "tls-self-signed": "self-signed certificate",
    "tls-alert": "ALERT_INTERNAL_ERROR|alert internal error",
}


@pytest.mark.parametrize("name", FELT)
def test_a_client_says_how_the_handshake_broke(server: TlsServer, name: str) -> None:
    server.default.play(name)
    with pytest.raises(httpx.ConnectError, match=FELT[name]):
        server.get()
    server.default.stop(name)
    assert server.get() == 200


BROKEN_OFF = {
    "tls-answer-cut": "UNEXPECTED_EOF_WHILE_READING|EOF occurred in violation of protocol",
    "tls-answer-alert": "ALERT_BAD_RECORD_MAC|alert bad record mac",
    "tls-answer-garbled": "DECRYPTION_FAILED_OR_BAD_RECORD_MAC|decryption failed or bad record mac",
}
READ = (
    b"GET /v3/processes/%b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: bearer admin\r\n\r\n"
    % WEB.encode()
)


@pytest.mark.parametrize("server", [("protocol", "uvloop"), ("protocol", "asyncio"), ("asgi", "uvloop")], indirect=True)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_answer_breaks_off_in_the_middle_of_its_body(server: TlsServer, version: ssl.TLSVersion) -> None:
    """OpenSSL says by what, so it is no clean end; and the next connection is whole."""
    server.trusting.maximum_version = version
    whole, ended = server.read_body(READ)
    assert ended == ""
    for name, words in BROKEN_OFF.items():
        server.default.play(name)
        half, ended = server.read_body(READ)
        assert re.search(words, ended)
        assert half == whole[: len(whole) // 2]
        assert server.read_body(READ) == (whole, "")
        assert [each.answered for each in server.default.playing()] == [1]
        server.default.stop(name)


def test_what_an_answer_tells_of_that_breaks_off_was_done(server: TlsServer) -> None:
    server.default.play("tls-answer-alert")
    with httpx.Client(verify=server.trusting, headers=ADMIN) as client:
        scale = f"{server.url}/v3/processes/{WEB}/actions/scale"
        with pytest.raises(httpx.ReadError, match="alert bad record mac"):
            client.post(scale, json={"instances": 4})
        assert client.post(scale, json={"instances": 5}).status_code == 202
    server.default.verify("scaleProcess", status=202, times=2)


@pytest.mark.parametrize("server", [("protocol", "uvloop"), ("protocol", "asyncio"), ("asgi", "uvloop")], indirect=True)
def test_no_interim_answer_is_the_one_that_breaks_off(server: TlsServer) -> None:
    """The body that the client holds back until it comes is read, and what it asks for is done."""
    server.default.play("tls-answer-alert")
    head = (
        f"POST /v3/processes/{WEB}/actions/scale HTTP/1.1\r\nHost: localhost\r\nAuthorization: bearer admin\r\n"
        "Content-Type: application/json\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n"
    ).encode()
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_SECONDS) as plain,
        server.trusting.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as connection,
    ):
        connection.sendall(head)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 100 Continue\r\n")
        connection.sendall(b'{"instances": 4}')
        assert connection.recv(65_536).startswith(b"HTTP/1.1 202 Accepted\r\n")
        with pytest.raises(ssl.SSLError, match=r"ALERT_BAD_RECORD_MAC|alert bad record mac"):
            connection.recv(65_536)
    server.default.verify("scaleProcess", status=202, times=1)


def test_a_handshake_hangs_once(server: TlsServer) -> None:
    server.default.play("tls-hang")
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=0.5) as plain,
        pytest.raises(TimeoutError),
        server.trusting.wrap_socket(plain, server_hostname="localhost"),
    ):
        pass
    assert server.get() == 200


def test_a_scenario_counts_the_handshakes_that_it_breaks(server: TlsServer) -> None:
    rule = {"operation": "scaleProcess", "respond": {"error": "CF-UnprocessableEntity"}}
    server.default.play({"scenario": "both", "tls": {"fault": "alert", "after": 1, "times": 2}, "rules": [rule]})
    assert server.get() == 200
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            server.get()
    assert server.get() == 200
    (playing,) = server.default.playing()
    assert (playing.answered, [each.answered for each in playing.rules]) == (2, [0])


def test_the_host_says_whose_scenarios_count(server: TlsServer) -> None:
    """Each name below localhost has a certificate of its own, which clients that check names take."""
    other = Foundation(server.url, "ci-1", server.default._control)
    other.play("tls-expired")
    with pytest.raises(httpx.ConnectError, match="certificate has expired"):
        server.get("ci-1.localhost")
    assert (server.get("ci-2.localhost"), server.get()) == (200, 200)


def test_a_half_handshake_ends_in_time(server: TlsServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_SECONDS) as plain:
        plain.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert plain.recv(1) == b""
    assert server.get() == 200


def test_plain_http_is_told_to_come_by_https(server: TlsServer) -> None:
    answer = httpx.get(f"http://127.0.0.1:{server.port}/v3/processes")
    assert (answer.status_code, answer.headers["x-mock-why"]) == (400, "no TLS")


def test_a_server_without_tls_refuses_such_a_scenario() -> None:
    with InProcess() as plain, pytest.raises(ControlError, match=r"this server speaks no TLS, .* start it with --tls"):
        plain.foundation().play("tls-expired")
