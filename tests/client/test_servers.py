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
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockfoundry.client.errors import ServerError, ServerGoneError
from mockfoundry.client.server import Server
from mockfoundry.options import ServerOptions
from mockfoundry.scenarios.model import Respond, Rule, Scenario
from mockfoundry.server.run import BackgroundServer
from tests.client.scaling import scale, seed_of
from tests.serving import Serving, service_of
from tests.waiting import DEADLINE_SECONDS, SOONER_SECONDS, must_end

SECRET = "a secret of the test"


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=DEADLINE_SECONDS)


def must_be_gone(connection: socket.socket, url: str) -> None:
    """Waits until the process at the other end has ended: the system closes its connections then."""
    # What was sent and not read makes it a reset.
    with connection, suppress(ConnectionResetError):
        while connection.recv(4096):
            pass
    with pytest.raises(ConnectionRefusedError):
        connected(url).close()


@pytest.mark.long
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
    connection.settimeout(SOONER_SECONDS)
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
        assert process.wait(DEADLINE_SECONDS) == 0


UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "a seed": ({"seed": "seed.yaml"}, r"seed\.yaml:2:5: .*nam"),
    "a scenario": ({"scenarios": ["conflicts"]}, "conflict"),
    "a contract": ({"contract": "none.yaml"}, r"none\.yaml"),
}


@pytest.mark.parametrize(
    ("row", "in_thread"),
    [
        ("a seed", False),
        pytest.param("a scenario", False, marks=pytest.mark.long),
        pytest.param("a contract", False, marks=pytest.mark.long),
        *((row, True) for row in UNFIT),
    ],
)
def test_a_server_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: str, in_thread: bool
) -> None:
    options, told = UNFIT[row]
    (tmp_path / "seed.yaml").write_text("organizations:\n  - nam: acme\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ServerError, match=told) as caught, Server(in_thread=in_thread, **options):
        pass
    assert "Traceback" not in str(caught.value)


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
    with (
        pytest.raises(ServerError, match="the name conflict is taken"),
        Server(scenarios=["conflict", mine], in_thread=True),
    ):
        pass


def test_strict_and_canned_servers_are_what_they_say() -> None:
    with Server(mode="canned", in_thread=True) as server:
        assert scale(server.foundation(), 3) == 202
    with Server(mode="canned", strict=True, in_thread=True) as server:
        assert server.foundation().url.startswith("http://127.0.0.1:")


def test_a_server_elsewhere_is_connected_to_and_never_ended() -> None:
    with BackgroundServer(service_of(), ServerOptions(control_token=SECRET)) as running:
        with Server.connect(running.url + "/", control_token=SECRET) as server:
            assert scale(server.foundation("mine"), 3) == 202
        again = Server.connect(running.url, control_token=SECRET)
        assert again.foundation("mine").process("dora").instances == 3
        with pytest.raises(Exception, match="another token was sent"):
            Server.connect(running.url, control_token=SECRET[1:]).foundation("mine").state()


@contextmanager
def saying(*replies: bytes) -> Iterator[str]:
    """A server that answers one connection after the other with what it is given, and closes it: its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_and_close() -> None:
            for reply in replies:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        answering = threading.Thread(target=answer_and_close)
        answering.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        must_end(answering)


def answer_of(status: str, body: bytes = b"", media: str = "application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_a_servers_url_may_be_that_of_one_of_its_foundations(server: Serving) -> None:
    """`MOCKFOUNDRY_URL` is one, after a log-in or below torture."""
    for url in (f"{server.url}/foundations/ci-42", f"{server.url}/foundations/ci-42/", f"{server.url}/"):
        assert Server.connect(url).url == server.url
        assert Server.connect(url).foundation("py3.12").url == f"{server.url}/foundations/py3.12"


def test_a_connection_that_was_closed_while_idle_is_opened_anew() -> None:
    reply = answer_of("200 OK", b'{"cleared": 1}')
    with saying(reply, reply) as url, Server.connect(url) as server:
        foundation = server.foundation("mine")
        assert [foundation.forget(), foundation.forget()] == [1, 1]


@pytest.mark.parametrize("answer", [answer_of("302 Found"), answer_of("304 Not Modified"), answer_of("200 OK")])
def test_another_server_that_answers_has_done_nothing(answer: bytes) -> None:
    with saying(answer) as url, Server.connect(url) as server:
        status = answer.split()[1].decode()
        with pytest.raises(ServerError, match=f"{url} answered {status} to DELETE /__mock.*; it is another server"):
            server.foundation("mine").stop_all()


FORKING = """
import os, sys
from mockfoundry import Server
server = Server.connect(sys.argv[1])
foundation = server.foundation()
foundation.state()
child = os.fork()
for turn in range(200):
    assert foundation.copy().state()["organizations"]
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_and_its_parent_do_not_read_each_others_answers() -> None:
    with BackgroundServer(service_of()) as running:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FORKING, running.url], capture_output=True, text=True, timeout=300
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_elsewhere_that_is_gone_is_named_with_the_mend() -> None:
    with BackgroundServer(service_of()) as first:
        server = Server.connect(first.url)
        server.foundation("mine").state()
    with pytest.raises(ServerGoneError, match=f"{first.url} does not answer: .*; start it, or give Server.connect"):
        server.foundation("mine").state()
    server = Server.connect(first.url, mend="start it, or give --mock-url the URL at which it is")
    with pytest.raises(ServerGoneError, match=f"{first.url} does not answer: .*; start it, or give --mock-url"):
        server.foundation("mine").state()


def test_a_server_in_a_thread_that_has_ended_says_so() -> None:
    with Server(in_thread=True) as server:
        foundation = server.foundation()
    with pytest.raises(ServerGoneError, match=r"does not answer: .*; use it inside its `with` block"):
        foundation.state()


def test_a_server_that_is_none_is_told() -> None:
    with pytest.raises(ServerError, match="url: 'localhost:8080' is not the URL of a server; write it as http://"):
        Server.connect("localhost:8080")
    for url in ("http://h:x", "http://127.0.0.1:99999", "http://[::1"):
        with pytest.raises(
            ServerError, match=r"url: .* is not the URL of a server: .*; write it as http://127\.0\.0\.1:8080"
        ):
            Server.connect(url)
    with pytest.raises(ServerError, match="this Server is not running; use it in its block"):
        Server().foundation()
