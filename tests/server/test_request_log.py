"""The request log: each exchange in a line as it happens, and never a server that waits for whoever reads it."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from mockfoundry.journal.entry import RecordedResponse
from mockfoundry.options import ServerOptions
from mockfoundry.server.request_log import MAX_WAITING_LINES, MOST_UNTOLD, RequestLog, RequestLogForm
from mockfoundry.server.run import BackgroundServer
from tests import plain_http
from tests.serving import ADMIN, WEB, service_of
from tests.waiting import eventually

SCALE = f"/v3/processes/{WEB}/actions/scale"


@contextmanager
def logging(form: RequestLogForm, door: Any = "protocol") -> Iterator[tuple[str, list[str]]]:
    """A server's URL, and the lines that it has printed."""
    lines: list[str] = []
    service = replace(service_of(), note_request=RequestLog(form, lines.append).note)
    with BackgroundServer(service, ServerOptions(door=door)) as server:
        yield server.url, lines


def scale(url: str, token: str = "alice", **options: Any) -> int:
    headers = {"Authorization": f"bearer {token}"}
    return plain_http.post(f"{url}{SCALE}", json={"instances": 3}, headers=headers, **options).status_code


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_line_for_each_request(door: str) -> None:
    with logging("text", door) as (url, lines):
        assert scale(url) == 202
        assert plain_http.get(f"{url}/foundations/ci-4/v3/apps").status_code == 401
        assert plain_http.get(f"{url}/v3/nothing", headers=ADMIN).status_code == 404
        printed = eventually(lambda: lines if len(lines) == 3 else [], what="three lines are printed")
        assert printed[0] == '#1 scaleProcess dora/web as alice {"instances":3} → 202'
        assert printed[1] == "ci-4 #1 listApps → 401 CF-NotAuthenticated: no bearer token"
        assert printed[2].startswith("#2 +")
        assert printed[2].endswith("GET /v3/nothing → 404 CF-NotFound: no such route")


def test_an_object_for_each_request() -> None:
    with logging("json") as (url, lines):
        secret = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2VjcmV0"
        scale(url, secret)
        (line,) = eventually(lambda: list(lines), what="a line is printed")
        logged = json.loads(line)
        assert (logged["foundation"], logged["number"], logged["operation"]) == ("default", 1, "scaleProcess")
        assert (logged["method"], logged["path"], logged["status"]) == ("POST", SCALE, 202)
        assert (logged["scenario"], logged["waited"]) == (None, 0.0)
        assert secret not in line


def test_a_request_that_waits_has_its_line_when_it_is_answered() -> None:
    with logging("text") as (url, lines):
        rule = {"operation": "scaleProcess", "respond": {"delay": "20ms"}}
        put = f"{url}/__mock/foundations/default/scenarios/slow"
        assert plain_http.request("PUT", put, json={"scenario": "slow", "rules": [rule]}).is_success
        assert scale(url) == 202
        (line,) = eventually(lambda: list(lines), what="a line is printed")
        assert " → 202" in line


def test_who_reads_slowly_keeps_nobody_waiting_and_is_told_what_is_missing() -> None:
    """The first line is not taken until more have come than may wait."""
    lines: list[str] = []
    is_read = threading.Event()

    def write(line: str) -> None:
        is_read.wait(timeout=60)
        lines.append(line)

    log = RequestLog("text", write)
    service = service_of()
    with BackgroundServer(service) as server, plain_http.client(headers=ADMIN) as client:
        client.get(f"{server.url}/v3/processes/{WEB}")
        foundation = service.registry.get_or_create("default", 0)
        for _ in range(MAX_WAITING_LINES + 8):
            log.note("GET", "/", RecordedResponse(200, [], b"", ""), foundation, 1)
        is_read.set()
        end = eventually(lambda: lines[-1] if lines and lines[-1].startswith("…") else "", what="the rest is told")
    missing = MAX_WAITING_LINES + 8 - (len(lines) - 1)
    assert missing in (7, 8)
    assert end == f"… {missing} more requests came faster than they could be printed; mockfoundry log has them"


def test_under_load_without_a_pause_it_is_told_what_is_missing_too() -> None:
    """More comes whenever a line is written, so that the log never catches up."""
    lines: list[str] = []
    response = RecordedResponse(404, [], b"", "gone")

    def write(line: str) -> None:
        lines.append(line)
        if len(lines) < 20:
            for _ in range(MOST_UNTOLD):
                log.note("GET", "/v3/apps", response)

    log = RequestLog("text", write)
    log.note("GET", "/v3/apps", response)
    told = eventually(lambda: [each for each in lines if each.startswith("…")], what="it is told")
    assert lines.index(told[0]) < 10


def test_what_waits_is_written_at_the_end() -> None:
    lines: list[str] = []
    log = RequestLog("text", lines.append)
    for _ in range(500):
        log.note("GET", "/v3/apps", RecordedResponse(404, [], b"", "gone"))
    log.close()
    assert lines == ["GET /v3/apps → 404: gone"] * 500


def raw(url: str, request: bytes) -> bytes:
    """What comes back for such bytes."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=60) as client:
        client.sendall(request)
        return client.recv(65_536)


UNTAKEN: dict[str, tuple[bytes, str]] = {
    "no HTTP": (b"\x00\r\n\r\n", "what is no request → 400 Mock-NotHttp: "),
    "no host": (b"GET /v3/apps HTTP/1.1\r\nHost: a b\r\n\r\n", "GET /v3/apps → 400 Mock-BadHost: "),
    "a body too large": (
        b"POST /v3/apps HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999\r\n\r\n",
        "POST /v3/apps → 413 ",
    ),
    "a bad name": (
        b"GET /foundations/a%20b/v3/apps HTTP/1.1\r\nHost: here\r\n\r\n",
        "GET /foundations/a%20b/v3/apps → 400 ",
    ),
}


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_what_no_foundation_takes_has_a_line_too(door: str) -> None:
    for form in ("text", "json"):
        with logging(form, door) as (url, lines):
            for number, (request, expected) in enumerate(UNTAKEN.values(), 1):
                assert raw(url, request).startswith(b"HTTP/1.1 4")
                printed = eventually(lambda: lines if len(lines) == number else [], what="a line is printed")  # noqa: B023
                line = printed[-1] if form == "text" else json.loads(printed[-1])["line"]
                assert line.startswith(expected)


def test_a_request_of_a_foundation_that_is_gone_has_its_line_too() -> None:
    with logging("text") as (url, lines):
        for method in ("PUT", "DELETE"):
            plain_http.request(method, f"{url}/__mock/foundations/gone")
        assert plain_http.get(f"{url}/foundations/gone/v3/apps", headers=ADMIN).status_code == 404
        (line,) = eventually(lambda: list(lines), what="a line is printed")
        assert line.startswith("GET /foundations/gone/v3/apps → 404 Mock-FoundationGone: ")


@pytest.mark.parametrize("end", ["reset", "delete", "leave"])
def test_a_request_that_waited_for_nothing_has_its_line_too(end: str) -> None:
    with logging("text") as (url, lines):
        rule = {"operation": "scaleProcess", "respond": {"hold": {"at": "before-commit", "at-most": "1h"}}}
        control = f"{url}/__mock/foundations/ci"
        assert plain_http.request("PUT", control).is_success
        assert plain_http.request(
            "PUT", f"{control}/scenarios/held", json={"scenario": "held", "rules": [rule]}
        ).is_success
        with ThreadPoolExecutor(1) as client:
            waiting = client.submit(scale, f"{url}/foundations/ci", timeout=0.2 if end == "leave" else 60)
            plain_http.post(f"{control}/verify", json={"operation": "scaleProcess", "answered": False, "within": "60s"})
            if end == "leave":
                assert isinstance(waiting.exception(60), httpx.ReadTimeout)
            else:
                method, path = ("POST", f"{control}/reset") if end == "reset" else ("DELETE", control)
                assert plain_http.request(method, path).is_success
                assert waiting.result(60) in (404, 410)
        (line,) = eventually(lambda: list(lines), what="a line is printed")
        expected = {"reset": "→ 410 Mock-WorldReplaced", "delete": "→ 404 Mock-FoundationGone", "leave": "→ no answer"}
        assert expected[end] in line


def test_a_line_is_no_wider_for_the_name_of_its_foundation() -> None:
    with logging("text") as (url, lines):
        name = "n" * 64
        plain_http.get(f"{url}/foundations/{name}/v3/processes/{'x' * 80}", headers=ADMIN)
        (line,) = eventually(lambda: list(lines), what="a line is printed")
        assert line.startswith(f"{name} #1 ")
        assert len(line) <= 100


def test_a_line_that_can_not_be_made_ends_no_log() -> None:
    lines: list[str] = []
    log = RequestLog("text", lines.append)
    broken = RecordedResponse(404, [], b"", "gone")
    log.note("GET", None, broken)  # type: ignore[arg-type]
    log.note("GET", "/v3/apps", broken)
    log.close()
    assert lines[0].startswith("mockfoundry could not tell of a request: ")
    assert lines[1] == "GET /v3/apps → 404: gone"


def test_a_reader_who_has_gone_ends_the_log_and_not_the_server() -> None:
    def write(line: str) -> None:
        raise BrokenPipeError

    service = replace(service_of(), note_request=RequestLog("text", write).note)
    with BackgroundServer(service) as server:
        assert [scale(server.url) for _ in range(3)] == [202, 202, 202]
