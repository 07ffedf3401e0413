"""The request log: each exchange in a line as it happens, and never a server that waits for whoever reads it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from mockfoundry.options import ServerOptions
from mockfoundry.server.request_log import MAX_WAITING_LINES, RequestLog, RequestLogForm
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
            log.note(foundation, 1)
        is_read.set()
        end = eventually(lambda: lines[-1] if lines and lines[-1].startswith("…") else "", what="the rest is told")
    missing = MAX_WAITING_LINES + 8 - (len(lines) - 1)
    assert missing in (7, 8)
    assert end == f"… {missing} more requests came faster than they could be printed; mockfoundry log has them"


def test_a_reader_who_has_gone_ends_the_log_and_not_the_server() -> None:
    def write(line: str) -> None:
        raise BrokenPipeError

    service = replace(service_of(), note_request=RequestLog("text", write).note)
    with BackgroundServer(service) as server:
        assert [scale(server.url) for _ in range(3)] == [202, 202, 202]
