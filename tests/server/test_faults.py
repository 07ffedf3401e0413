"""Faults on the wire, on real sockets: what the client sees, and whether the change was kept."""

import socket
import struct
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from mockfoundry.wire_faults import WIRE_FAULT_NAMES
from tests.serving import WEB, Serving
from tests.waiting import DEADLINE_SECONDS, eventually

REQUEST = (
    f"POST /v3/processes/{WEB}/actions/scale HTTP/1.1\r\nHost: h\r\nAuthorization: bearer a\r\n"
    'Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{"instances": 3}'
).encode()


def scenario(fault: str, phase: str = "before") -> dict[str, object]:
    respond = {"fault": fault, "phase": phase}
    return {"scenario": fault, "rules": [{"operation": "scaleProcess", "respond": respond}]}


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=DEADLINE_SECONDS)


def received(url: str) -> tuple[bytes, str]:
    """What comes back for a scale until the connection ends, and how it ends: closed or reset."""
    data = b""
    with connected(url) as connection:
        connection.sendall(REQUEST)
        try:
            while part := connection.recv(65536):
                data += part
        except ConnectionResetError:
            return data, "reset"
    return data, "closed"


def is_silent(connection: socket.socket, seconds: float) -> bool:
    """Whether nothing comes for so long, and the connection stays open."""
    connection.settimeout(seconds)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    return False


def instances(server: Serving) -> int:
    return int(server.client.get(f"/v3/processes/{WEB}").json()["instances"])


def was_asked(server: Serving) -> bool:
    """Whether the journal has one scale."""
    asked = {"operation": "scaleProcess", "times": 1, "within": "60s"}
    return bool(server.client.post("/__mock/foundations/default/verify", json=asked).json()["result"] == "holds")


@pytest.mark.parametrize(("phase", "kept"), [("before", 1), ("after", 3)])
@pytest.mark.parametrize("door", ["protocol", "asgi"])
@pytest.mark.parametrize("fault", WIRE_FAULT_NAMES)
@pytest.mark.usefixtures("quick_dribble")
def test_a_fault_before_keeps_nothing_and_one_after_keeps_the_change(
    serve: Callable[..., Serving], fault: str, phase: str, kept: int, door: str
) -> None:
    server = serve(scenarios=(scenario(fault, phase),), door=door)
    with connected(server.url) as connection:
        connection.sendall(REQUEST)
        assert was_asked(server)
        assert instances(server) == kept


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_reset_is_a_tcp_reset(serve: Callable[..., Serving], door: str) -> None:
    assert received(serve(scenarios=(scenario("reset"),), door=door).url) == (b"", "reset")


def test_empty_closes_without_a_byte(serve: Callable[..., Serving]) -> None:
    assert received(serve(scenarios=(scenario("empty"),)).url) == (b"", "closed")


def test_truncate_promises_more_than_comes(serve: Callable[..., Serving]) -> None:
    data, end = received(serve(scenarios=(scenario("truncate", "after"),)).url)
    head, _, body = data.partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert (end, promised > 900, len(body)) == ("closed", True, promised // 2)


def test_garbage_is_no_http(serve: Callable[..., Serving]) -> None:
    data, end = received(serve(scenarios=(scenario("garbage"),)).url)
    assert end == "closed"
    assert data
    assert not data.startswith(b"HTTP")


def test_hang_says_nothing_and_leaves_the_server_free(serve: Callable[..., Serving]) -> None:
    server = serve(scenarios=(scenario("hang"),))
    with connected(server.url) as connection:
        connection.sendall(REQUEST)
        assert was_asked(server)
        assert is_silent(connection, 0.3)
        assert instances(server) == 1


@pytest.mark.usefixtures("quick_dribble")
def test_dribble_comes_in_pieces(serve: Callable[..., Serving]) -> None:
    server = serve(scenarios=(scenario("dribble", "after"),))
    sent = time.monotonic()
    data, end = received(server.url)
    assert time.monotonic() - sent > 0.4
    head, _, body = data.partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert (end, len(body)) == ("closed", promised)


def test_a_connection_works_on_after_another_one_was_broken(serve: Callable[..., Serving]) -> None:
    server = serve(scenarios=(scenario("reset"),))
    assert instances(server) == 1
    received(server.url)
    assert instances(server) == 1


def test_what_is_delayed_changes_the_world_at_once_where_it_is_delayed_after(serve: Callable[..., Serving]) -> None:
    rule = {"operation": "scaleProcess", "respond": {"delay": "5m", "phase": "after"}}
    server = serve(scenarios=({"scenario": "late", "rules": [rule]},))
    with connected(server.url) as connection:
        connection.sendall(REQUEST)
        eventually(lambda: instances(server) == 3, what="what is delayed after has changed the world")
        assert is_silent(connection, 0.1)


def test_what_is_delayed_before_changes_nothing_until_then(serve: Callable[..., Serving]) -> None:
    rule = {"operation": "scaleProcess", "respond": {"delay": "500ms"}}
    server = serve(scenarios=({"scenario": "late", "rules": [rule]},))
    with connected(server.url) as connection:
        sent = time.monotonic()
        connection.sendall(REQUEST)
        eventually(lambda: instances(server) == 3, what="what is delayed before has changed the world")
        # Had it changed any earlier, one of the looks would have seen it.
        assert time.monotonic() - sent >= 0.49
        assert connection.recv(65536).startswith(b"HTTP/1.1 202 ")


def test_a_hold_ends_by_itself(serve: Callable[..., Serving]) -> None:
    rule = {"operation": "scaleProcess", "respond": {"hold": {"at": "before-commit", "at-most": "50ms"}}}
    server = serve(scenarios=({"scenario": "held", "rules": [rule]},))
    with connected(server.url) as connection:
        connection.sendall(REQUEST)
        assert connection.recv(65536).startswith(b"HTTP/1.1 202 ")


LINGER = struct.pack("ii", 1, 0)


def test_a_client_that_goes_away_in_the_middle_disturbs_nobody(server: Serving) -> None:
    parts = urlsplit(server.url)
    for cut in (10, 100, len(REQUEST) - 1):
        with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as connection:
            connection.sendall(REQUEST[:cut])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    assert instances(server) == 1
