"""Commands that ask a server say in one line what else answers there, and never go where it sends them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from mockfoundry.cli.ask import coverage, health, log


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


def run(command: Any, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, arguments)
    return result.exit_code, result.stderr


@pytest.mark.parametrize(("status", "says"), [(404, "does not answer: Not Found"), (302, "does not answer: Found")])
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


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://here", "http://a..b"])
def test_what_is_no_url_is_told_in_a_line(url: str) -> None:
    for command, code in ((coverage, 2), (health, 1)):
        exit_code, said = run(command, "--url", url)
        assert exit_code == code
        assert said.startswith(f"mockfoundry: url: {url!r} is not the URL of a server")
        assert said.count("\n") == 1
