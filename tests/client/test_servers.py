"""Servers: started, connected to, and always ended, whatever becomes of the process that started them."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mockfoundry import Respond, Rule, Scenario, Server, ServerError, ServerGoneError
from mockfoundry.listening import BackgroundServer
from tests.client.scaling import scale, seed_of
from tests.serving import service_of

PATIENCE_SECONDS = 20
SECRET = "a secret of the test"


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=PATIENCE_SECONDS)


def must_be_gone(connection: socket.socket, url: str) -> None:
    """Waits until the process at the other end has ended: the system closes its connections then."""
    # What was sent and not read makes it a reset.
    with connection, suppress(ConnectionResetError):
        while connection.recv(4096):
            pass
    with pytest.raises(ConnectionRefusedError):
        connected(url).close()


def test_a_server_ends_with_its_block() -> None:
    with Server() as server:
        url = server.url
        connection = connected(url)
    must_be_gone(connection, url)


def test_a_server_ends_when_its_block_fails() -> None:
    with suppress(ZeroDivisionError), Server() as server:
        url = server.url
        connection = connected(url)
        raise ZeroDivisionError
    must_be_gone(connection, url)


def test_a_server_ends_though_a_call_still_waits() -> None:
    with Server() as server:
        url, foundation = server.url, server.foundation()
        foundation.state()
        connection = connected(url)
        body = b'{"operation": "scaleProcess", "within": "60s"}'
        path = f"/__mock/foundations/{foundation.name}/verify".encode()
        head = b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % (path, len(body)) + body)
        assert foundation.requests() == []
    must_be_gone(connection, url)


SCRIPT = """
import os, signal, sys
from mockfoundry import Server
with Server() as server:
    fork = os.fork() if "fork" in sys.argv else 0
    if "fork" in sys.argv and not fork:
        sys.stdout.close()
        signal.pause()
    try:
        print(server.url, fork, flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print(len(server.foundation().state()["organizations"]), flush=True)
"""


@contextmanager
def started(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str, int]]:
    """A process of its own with a server: the process, the server's URL, and the pid of a fork, 0 for none."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    fork = 0
    with process:
        try:
            url, _, number = process.stdout.readline().strip().partition(" ")
            fork = int(number)
            yield process, url, fork
        finally:
            process.kill()
            if fork:
                os.kill(fork, signal.SIGKILL)


def test_a_server_ends_when_its_parent_is_killed() -> None:
    with started() as (process, url, _):
        connection = connected(url)
        process.kill()
        must_be_gone(connection, url)


def test_a_server_ends_with_its_parent_though_a_fork_of_that_lives_on() -> None:
    with started("fork") as (process, url, fork):
        connection = connected(url)
        process.kill()
        must_be_gone(connection, url)
        os.kill(fork, 0)


def test_ctrl_c_leaves_the_server_to_its_block() -> None:
    with started() as (process, url, _):
        connection = connected(url)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        must_be_gone(connection, url)
        assert process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_server_that_cannot_start_says_why(tmp_path: Path, in_thread: bool) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("organizations:\n  - nam: acme\n")
    with pytest.raises(ServerError, match=r"seed\.yaml:2:5: .*nam") as caught, Server(seed, in_thread=in_thread):
        pass
    assert "Traceback" not in str(caught.value)
    wrong: list[str] = ["conflicts"]
    with pytest.raises(ServerError, match="conflict"), Server(scenarios=wrong, in_thread=in_thread):
        pass
    with pytest.raises(ServerError, match=r"none\.yaml"), Server(contract="none.yaml", in_thread=in_thread):
        pass


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_server_begins_as_it_was_told(in_thread: bool) -> None:
    mine = Scenario(name="mine", rules=(Rule(operation="scaleProcess", times=1, respond=Respond(status=503)),))
    with Server(seed_of("a"), scenarios=[mine, "conflict-then-ok"], max_foundations=1, in_thread=in_thread) as server:
        foundation = server.foundation("default")
        assert foundation.process("a").organization == "o"
        assert [each.name for each in foundation.playing()] == ["mine", "conflict-then-ok"]
        with pytest.raises(Exception, match="There are 1 foundations already"):
            server.foundation("second").state()


def test_two_scenarios_of_one_name_are_refused() -> None:
    mine = Scenario(name="conflict", rules=(Rule(operation="scaleProcess", respond=Respond(status=503)),))
    with pytest.raises(ServerError, match="the name conflict is taken"), Server(scenarios=["conflict", mine]):
        pass


def test_strict_and_canned_servers_are_what_they_say() -> None:
    with Server(mode="canned", in_thread=True) as server:
        assert scale(server.foundation(), 3) == 202
    with Server(mode="canned", strict=True) as server:
        assert server.foundation().url.startswith("http://127.0.0.1:")


def test_a_server_elsewhere_is_connected_to_and_never_ended() -> None:
    with BackgroundServer(service_of(), control_token=SECRET) as running:
        with Server.connect(running.url + "/", control_token=SECRET) as server:
            assert scale(server.foundation("mine"), 3) == 202
        again = Server.connect(running.url, control_token=SECRET)
        assert again.foundation("mine").process("dora").instances == 3
        with pytest.raises(Exception, match="another token was sent"):
            Server.connect(running.url, control_token=SECRET[1:]).foundation("mine").state()


def test_a_connection_that_was_closed_while_idle_is_opened_anew() -> None:
    body = b'{"cleared": 1}'
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_and_close() -> None:
            for _ in range(2):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        answering = threading.Thread(target=answer_and_close)
        answering.start()
        with Server.connect(f"http://127.0.0.1:{listening.getsockname()[1]}") as server:
            foundation = server.foundation("mine")
            assert [foundation.forget(), foundation.forget()] == [1, 1]
        answering.join(PATIENCE_SECONDS)


def test_a_server_elsewhere_that_is_gone_is_named_with_the_mend() -> None:
    with BackgroundServer(service_of()) as first:
        server = Server.connect(first.url)
        server.foundation("mine").state()
    with pytest.raises(ServerGoneError, match=f"{first.url} does not answer: .*; start it, or give Server.connect"):
        server.foundation("mine").state()


def test_a_server_that_is_none_is_told() -> None:
    with pytest.raises(ServerError, match="url: 'localhost:8080' is none of a server; write it as http://"):
        Server.connect("localhost:8080")
    with pytest.raises(ServerError, match="this Server is not running; use it in its block"):
        Server().foundation()
