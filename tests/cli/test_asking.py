"""Commands that ask a server say in one line what else answers there, and never go where it sends them."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from click.testing import CliRunner

from mockfoundry.cli.ask import coverage, health, log, replay, retries, verify, wait
from mockfoundry.cli.change import clock, foundation, play, release, reset, state, stop, token
from mockfoundry.cli.login import environment, login
from mockfoundry.cli.torture import torture
from mockfoundry.client.control import SocketControlClient
from mockfoundry.client.errors import ServerError
from mockfoundry.client.server import Server
from tests.serving import Serving
from tests.waiting import DEADLINE_SECONDS


@contextmanager
def other_server(status: int, body: bytes = b"", location: str = "") -> Iterator[tuple[str, list[str]]]:
    """A server that is not mockfoundry: its URL, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", paths
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def odd_server(begin: bytes, again: bytes, pause: float = 0.0) -> Iterator[tuple[str, list[str]]]:
    """A server that answers with a beginning, and then for ever with the same: its URL, and how each answer ended."""
    ended: list[str] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            end = time.monotonic() + DEADLINE_SECONDS
            try:
                self.wfile.write(begin)
                while time.monotonic() < end:
                    if pause:
                        threading.Event().wait(pause)
                    self.wfile.write(again)
            except OSError:
                ended.append("the client has left")
            else:
                ended.append("the client has waited")

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", ended
        finally:
            server.shutdown()
            thread.join()


def run(command: Any, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, arguments)
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "answers 404 Not Found; is it mockfoundry?"), (302, "answers 302 Found; is it mockfoundry?")],
)
def test_health_of_another_server_is_exit_code_1(status: int, says: str) -> None:
    with other_server(status, location="/elsewhere") as (url, paths):
        assert run(health, "--url", url) == (1, f"mockfoundry: {url} {says}\n")
        assert paths == ["/__mock/health"]


@pytest.mark.parametrize("body", [b"hello", b"{}", b"[]"])
def test_what_has_no_health_is_not_mockfoundry(body: bytes) -> None:
    with other_server(200, body) as (url, _):
        assert run(health, "--url", url) == (
            1,
            f"mockfoundry: {url} is not mockfoundry: it has no health to show\n",
        )


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (HEAD + b"X-A: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HEAD + b"Content-Length: 1000000\r\n\r\n", b"a"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (HEAD + b"\r\n", b"a"),
    ],
    ids=["head", "interim", "body", "chunks", "until it closes"],
)
def test_waiting_ends_in_time_however_slowly_a_server_answers(begin: bytes, again: bytes) -> None:
    with odd_server(begin, again, pause=0.02) as (url, ended):
        says = f"mockfoundry: {url} does not answer: timed out (waited 0.2 seconds)\n"
        assert run(wait, "--url", url, "--timeout", "0.2s") == (1, says)
    assert set(ended) <= {"the client has left"}


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (HEAD + b"\r\n", b"a" * 65_536),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b"a" * 65_535 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n", b"a" * 65_536),
        (HEAD + b"Content-Length: 1000000000000000\r\n\r\n", b"a" * 65_536),
    ],
    ids=["until it closes", "chunks", "one chunk", "length"],
)
def test_an_endless_answer_is_read_up_to_a_bound(begin: bytes, again: bytes) -> None:
    with odd_server(begin, again) as (url, ended):
        says = f"{url} answers with more than 1048576 bytes; is it mockfoundry?"
        assert run(health, "--url", url) == (1, f"mockfoundry: {says}\n")
        with closing(SocketControlClient(url, lambda: "", most=1 << 20)) as client:
            with pytest.raises(ServerError, match=re.escape(says)):
                client("GET", "/coverage")
            with client.stream("/requests", {}) as lines, pytest.raises(ServerError, match="with a line of 1048576"):
                next(lines)
    assert ended == ["the client has left"] * 3


def test_an_answer_that_breaks_off_is_none() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(head + b"{}")

        thread = threading.Thread(target=answer)
        thread.start()
        says = f"mockfoundry: {url} does not answer: IncompleteRead(2 bytes read, 3 more expected)\n"
        assert run(health, "--url", url) == (1, says)
        thread.join(DEADLINE_SECONDS)


@pytest.mark.parametrize("arguments", [(coverage,), (log,), (log, "--follow")], ids=["coverage", "log", "follow"])
def test_another_server_is_told_in_a_line(arguments: tuple[Any, ...]) -> None:
    command, *rest = arguments
    with other_server(307, location="/elsewhere") as (url, paths):
        assert run(command, "--url", url, *rest) == (2, f"mockfoundry: {url} answered 307; is it mockfoundry?\n")
        assert len(paths) == 1


def test_an_answer_that_is_no_json_is_told_in_a_line() -> None:
    with other_server(200, b"hello") as (url, _):
        said = "mockfoundry: what answers there is not mockfoundry: it sends no JSON\n"
        assert run(coverage, "--url", url) == (2, said)


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"null", b"7", b'{"requests": [{}], "dropped": 0, "table": 7, "curl": 7}']
)
@pytest.mark.parametrize(
    "arguments",
    [
        (coverage,),
        (coverage, "--format", "json"),
        (coverage, "--scenario", "scaleProcess", "409"),
        (log,),
        (log, "--format", "json"),
        (log, "--follow"),
        (log, "--curl", "1"),
        (replay,),
        (retries, "--max", "1"),
        (foundation.commands["list"],),
        (foundation.commands["show"],),
        (clock,),
        (state,),
        (state, "--changes"),
    ],
    ids=lambda words: " ".join(getattr(word, "name", word) for word in words),
)
def test_json_of_another_server_is_told_in_a_line(arguments: tuple[Any, ...], body: bytes) -> None:
    command, *rest = arguments
    with other_server(200, body) as (url, _):
        said = f"mockfoundry: {url} is not a mockfoundry server: its JSON is not what the control API answers\n"
        assert run(command, "--url", url, *rest) == (2, said)


def test_a_stream_of_another_server_is_told_in_a_line() -> None:
    with other_server(200, b"<html>\n") as (url, _):
        code, said = run(log, "--url", url, "--follow")
        assert (code, "is not a mockfoundry server" in said, said.count("\n")) == (2, True, 1)


@pytest.mark.parametrize(
    "url",
    ["localhost:8080", "ftp://here", "http://a..b", "file:///etc/passwd", "data:text/plain,x", "//here", "http://:80"],
)
def test_what_is_no_url_is_told_in_a_line(url: str) -> None:
    for command, code in ((coverage, 2), (health, 1), (wait, 2)):
        exit_code, said = run(command, "--url", url)
        assert exit_code == code
        assert said.startswith(f"mockfoundry: url: {url!r} is not the URL of a server")
        assert said.count("\n") == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/?a=1", "http://127.0.0.1:1/#a"])
def test_a_url_with_more_than_a_server_is_refused(url: str) -> None:
    assert "has more in it than where a server is" in run(coverage, "--url", url)[1]


def test_a_password_in_a_url_is_neither_sent_nor_repeated() -> None:
    code, said = run(coverage, "--url", "http://alice:s3cr3t@127.0.0.1:1")
    assert code == 2
    assert "has a user's name in it" in said
    assert "s3cr3t" not in said


ASKING: list[tuple[Any, ...]] = [
    (coverage,),
    (log,),
    (log, "--follow"),
    (log, "--curl", "1"),
    (retries,),
    (replay,),
    (verify,),
    (health,),
    (wait, "--timeout", "0"),
    (torture, "--", "true"),
    (foundation.commands["list"],),
    (foundation.commands["show"],),
    (foundation.commands["make"], "ci-42"),
    (foundation.commands["copy"], "ci-42", "other"),
    (foundation.commands["delete"], "ci-42"),
    (play, "conflict"),
    (stop, "--all"),
    (clock,),
    (state,),
    (token,),
    (release, "first-scale"),
    (reset,),
    (login,),
    (environment,),
]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("arguments", ASKING, ids=lambda words: " ".join(getattr(word, "name", word) for word in words))
def test_the_control_token_follows_no_redirect(arguments: tuple[Any, ...], status: int) -> None:
    """Another origin is never asked, so it gets neither the token nor anything else."""
    command, *rest = arguments
    with other_server(200, b"{}") as (elsewhere, asked), other_server(status, location=elsewhere) as (url, _):
        secret = () if command in (health, wait) else ("--control-token", "s3cr3t")
        code, said = run(command, "--url", url, *secret, *rest)
        assert code in (1, 2)
        assert said.startswith("mockfoundry: ")
        assert asked == []


def test_the_python_client_follows_no_redirect_and_takes_http_alone() -> None:
    with other_server(200, b"{}") as (elsewhere, asked), other_server(307, location=elsewhere) as (url, _):
        with pytest.raises(ServerError, match="answered 307"):
            Server.connect(url, control_token="s3cr3t").coverage()
        assert asked == []
    with pytest.raises(ServerError, match="is not the URL of a server"):
        Server.connect("file:///etc/passwd")


def test_a_host_that_is_not_allowed_is_told_with_the_mend(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest, **more: resolve("127.0.0.1", *rest, **more))
    url = server.url.replace("127.0.0.1", "mock.example.org")
    for command, code in ((coverage, 2), (health, 1)):
        exit_code, said = run(command, "--url", url)
        assert exit_code == code
        assert "start the server with --allow-host mock.example.org" in said
