"""Faults of TLS: a scenario breaks handshakes, the client says how, and the control API still answers."""

import socket
import ssl
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
from mockfoundry.options import ServerOptions
from mockfoundry.server.run import BackgroundServer
from mockfoundry.server.tls import set_up_tls
from tests.serving import ADMIN
from tests.waiting import DEADLINE_SECONDS


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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    options = ServerOptions(tls=True, head_timeout=300_000)
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
