"""What a request may be before it is whole: its form, its size, its time. Both doors tell who goes beyond."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockfoundry.control.bounds import MAX_CONTROL_BODY_BYTES
from mockfoundry.exchange.routing import MAX_LINE_BYTES
from mockfoundry.options import DoorName, ServerOptions
from mockfoundry.server import bounded, closing, protocol
from mockfoundry.server.run import BackgroundServer, make_room_for_connections
from tests import plain_http
from tests.server.test_bad_input import exchange_bytes
from tests.serving import ADMIN, WEB, Serving, contract, control_contract, service_of, serving
from tests.waiting import DEADLINE_SECONDS, eventually

DOORS = ["protocol", "asgi"]
DEFAULT = "/__mock/foundations/default"
TOKEN = b"Authorization: bearer a\r\n"
HOST = b"Host: h\r\n"
CLOSE = b"Connection: close\r\n\r\n"
LIST = b"GET /v3/processes HTTP/1.1\r\n"
SCALE = b"POST /v3/processes/%s/actions/scale HTTP/1.1\r\n" % WEB.encode() + HOST + TOKEN
JSON = b"Content-Type: application/json\r\n"
QUICK = 50_000
"""Microseconds."""


@pytest.fixture(scope="module", params=DOORS)
def server(request: pytest.FixtureRequest) -> Iterator[Serving]:
    with serving(door=request.param) as running:
        yield running


def read_answer(received: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    """The status, the headers and the body of one answer."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    assert len(body) == int(headers.get(b"content-length", b"0"))
    return int(status.split()[1]), headers, body


def read_error(received: bytes) -> tuple[int, str, str]:
    """The status of one answer, and the title and the detail of its error."""
    status, _, body = read_answer(received)
    (error,) = json.loads(body)["errors"]
    return status, error["title"], error["detail"]


def read_problem(received: bytes) -> tuple[int, str, str]:
    """The status of one answer to a control call, and the type and the detail of its problem."""
    status, headers, body = read_answer(received)
    assert headers[b"content-type"] == b"application/problem+json"
    problem = json.loads(body)
    assert (problem["status"], headers[b"connection"]) == (status, b"close")
    return status, problem["type"], problem["detail"]


# What is no request of the API


@pytest.mark.parametrize("host", [b"", b"Host: a:1\r\n"])
def test_a_tunnel_is_refused_once_and_the_server_goes_on(server: Serving, host: bytes) -> None:
    received = exchange_bytes(server.url, b"CONNECT a:1 HTTP/1.1\r\n" + host + b"\r\n" + b"\x16\x03\x01")
    status, headers, _ = read_answer(received)
    assert (status, b"GET" in headers[b"allow"], headers[b"connection"]) == (405, True, b"close")
    assert "CONNECT a:1: this server opens no tunnels" in read_error(received)[2]
    assert server.client.get("/v3/processes").status_code == 200


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        (b"", "there is none"),
        (b"Host: a\r\nHost: b\r\n", "there are 2"),
        (b"Host: a\r\nhost: a\r\n", "there are 2"),
        (b"Host: a b\r\n", "'a b' is not a host"),
        (b"Host: a\tb\r\n", "'a\\tb' is not a host"),
        (b"Host: a/b\r\n", "'a/b' is not a host"),
        (b"Host:\r\n", "'' is not a host"),
        (b"Host: \xe9\r\n", "is not a host"),
    ],
)
def test_a_request_has_one_host(server: Serving, hosts: bytes, found: str) -> None:
    status, title, detail = read_error(exchange_bytes(server.url, LIST + hosts + TOKEN + CLOSE))
    assert (status, title) == (400, "Mock-BadHost")
    assert detail.startswith("Header Host: ")
    assert found in detail


@pytest.mark.parametrize("host", [b"h", b"h:80", b"a_b.c", b"[::1]:80", b"127.0.0.1", b"xn--a.localhost"])
def test_hosts_are_taken_as_the_router_takes_them(server: Serving, host: bytes) -> None:
    assert exchange_bytes(server.url, LIST + b"Host: %s\r\n" % host + TOKEN + CLOSE).startswith(b"HTTP/1.1 200 ")


def test_an_old_client_needs_no_host(server: Serving) -> None:
    received = exchange_bytes(server.url, b"GET /v3/processes HTTP/1.0\r\n" + TOKEN + b"\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")


def test_the_host_of_an_absolute_url_takes_the_place_of_no_header(server: Serving) -> None:
    received = exchange_bytes(server.url, b"GET http://h/v3/processes HTTP/1.1\r\n" + TOKEN + CLOSE)
    assert read_error(received)[1] == "Mock-BadHost"


def test_a_failure_of_a_door_is_no_fault_of_the_client(
    serve: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    with monkeypatch.context() as patch:
        patch.setattr(protocol, "read_request", lambda *_: 1 // 0)
        assert read_answer(exchange_bytes(server.url, LIST + HOST + TOKEN + b"\r\n"))[0] == 500
    assert "ZeroDivisionError" in caplog.text
    assert server.client.get("/v3/processes").status_code == 200


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/v3/processes/%FF",
        f"/v3/processes/{WEB}%C0%80",
        "/v3/unknown/%ff",
        "/%FF",
        "/foundations/one/v3/processes/%FF",
        "/v3/apps/%ED%A0%80/processes/web",
    ],
)
def test_a_path_that_is_not_utf_8_is_an_invalid_request(server: Serving, path: str) -> None:
    received = exchange_bytes(server.url, b"GET %s HTTP/1.1\r\n" % path.encode("latin-1") + HOST + CLOSE)
    assert read_error(received) == (400, "CF-InvalidRequest", "The request is invalid")


def test_a_control_call_whose_path_is_not_utf_8_says_so(server: Serving) -> None:
    answer = server.client.get("/__mock/foundations/%FF")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:mockfoundry:bad-path")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v3/processes.json", 200),
        ("GET", "/v3/processes.json/", 200),
        ("GET", f"/v3/processes/{WEB}.json", 200),
        ("GET", f"/v3/processes/{WEB}.xml?embed=process_instances", 200),
        ("GET", f"/v3/processes/{WEB}/stats.json", 200),
        ("POST", f"/v3/processes/{WEB}/actions/scale.json", 202),
        ("GET", f"/foundations/one/v3/processes/{WEB}.json", 200),
        ("GET", "/v3/processes/a.b.c", 404),
        ("GET", f"/v3/processes/{WEB}.", 404),
        ("GET", "/v3/processes/.json", 404),
        ("GET", "/v3/processes.a.json", 404),
        ("GET", f"/v3/processes/{WEB}.json/stats", 404),
    ],
)
def test_a_format_behind_a_path_is_passed_over(server: Serving, method: str, path: str, status: int) -> None:
    answer = server.client.request(method, path)
    assert answer.status_code == status
    if status == 404:
        assert answer.json()["errors"][0]["title"] in ("CF-NotFound", "CF-ResourceNotFound")


def test_the_segments_of_other_apis_keep_their_dots(serve: Callable[..., Serving]) -> None:
    """Without functions of the world nothing is known of an API: its names may have dots."""
    rule = {"operation": "getProcess", "when": {"path": {"guid": "a.json"}}, "respond": {"status": 404}}
    server = serve(canned=True, scenarios=({"scenario": "dots", "rules": [rule]},))
    assert server.client.get("/v3/processes/a.json").status_code == 404
    assert server.client.get("/v3/processes/a").status_code == 200


def test_a_method_that_rails_does_not_know_is_told_which_there_are(server: Serving) -> None:
    answer = server.client.request("PURGE", f"/v3/processes/{WEB}")
    assert (answer.status_code, answer.headers["allow"], answer.content) == (405, "GET, PATCH, HEAD", b"")
    assert server.client.put("/__mock/health").headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("plane", ["data", "control"])
def test_head_works_wherever_get_does(server: Serving, plane: str) -> None:
    used = contract() if plane == "data" else control_contract()
    app = server.client.get(f"/v3/processes/{WEB}").json()["relationships"]["app"]["data"]["guid"]
    values = {"type": "web", "index": "0", "name": "default", "number": "1", "scenario": "none"}
    for plan in used.plans.values():
        if plan.method != "GET":
            continue
        guid = app if "apps" in plan.segments else WEB
        names = iter(plan.path_names)
        path = "/".join(values.get(next(names), guid) if each is None else each for each in plan.segments)
        url = f"{server.url}/{path}"
        get, head = (plain_http.request(method, url, headers=ADMIN) for method in ("GET", "HEAD"))
        assert (head.status_code, head.content) == (get.status_code, b""), url
        assert head.headers["content-type"] == get.headers["content-type"], url


# Size


def line_of(size: int, path: bytes = b"/v3/processes") -> bytes:
    """A request's line of so many bytes."""
    frame = b"GET %s?guids= HTTP/1.1\r\n" % path
    return frame.replace(b"guids=", b"guids=" + b"a" * (size - len(frame)))


@pytest.mark.parametrize("size", [MAX_LINE_BYTES + 1, 20_000, 40_000, 400_000])
def test_a_line_that_is_too_long_for_nginx_gets_its_page(server: Serving, size: int) -> None:
    status, headers, page = read_answer(exchange_bytes(server.url, line_of(size) + HOST + TOKEN + b"\r\n"))
    assert (status, headers[b"content-type"], headers[b"connection"]) == (414, b"text/html", b"close")
    assert b"<h1>414 Request-URI Too Large</h1>" in page
    assert b"x-frame-options" not in headers


def test_a_line_that_fits_is_read(server: Serving) -> None:
    assert exchange_bytes(server.url, line_of(MAX_LINE_BYTES) + HOST + TOKEN + CLOSE).startswith(b"HTTP/1.1 200 ")
    control = line_of(MAX_LINE_BYTES + 1, b"/__mock/health")
    assert exchange_bytes(server.url, control + HOST + CLOSE).startswith(b"HTTP/1.1 400 ")


def test_a_line_that_was_too_long_is_in_the_journal(serve: Callable[..., Serving]) -> None:
    server = serve()
    exchange_bytes(server.url, line_of(9_000) + HOST + TOKEN + b"\r\n")
    asked = {"operation": "listProcesses", "status": 414, "times": 1}
    assert server.client.post(f"{DEFAULT}/verify", json=asked).json()["result"] == "holds"


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
def test_a_body_that_is_announced_too_large_is_refused_at_once(server: Serving, expects: bytes) -> None:
    received = exchange_bytes(
        server.url, SCALE + JSON + expects + b"Content-Length: %d\r\n\r\n" % (ServerOptions.max_body + 1)
    )
    assert read_error(received)[:2] == (413, "Mock-BodyTooLarge")


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
def test_a_control_body_that_is_announced_too_large_is_refused_at_once(server: Serving, expects: bytes) -> None:
    head = b"POST /__mock/foundations/mine/verify HTTP/1.1\r\n" + HOST + JSON + expects
    received = exchange_bytes(server.url, head + b"Content-Length: %d\r\n\r\n" % (MAX_CONTROL_BODY_BYTES + 1))
    status, headers, body = read_answer(received)
    assert (status, headers[b"content-type"]) == (413, b"application/problem+json")
    assert json.loads(body)["instance"] == "/__mock/foundations/mine/verify"


def test_a_body_within_the_bound_is_asked_for(server: Serving) -> None:
    host, port = urlsplit(server.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as connection:
        connection.sendall(SCALE + JSON + b"Expect: 100-continue\r\nContent-Length: 2\r\n" + CLOSE)
        assert connection.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert connection.recv(13, socket.MSG_WAITALL) == b"HTTP/1.1 202 "


LINES = {"control": b"POST /__mock/foundations/mine/verify HTTP/1.1\r\n" + HOST, "data": SCALE}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_who_is_still_sending_hears_that_it_is_too_much(server: Serving, line: bytes) -> None:
    chunk = b"%x\r\n" % 1_000_000 + b"x" * 1_000_000 + b"\r\n"
    received = exchange_bytes(server.url, line + JSON + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 30)
    assert read_answer(received)[0] == 413


@pytest.mark.parametrize("door", DOORS)
def test_nothing_more_is_gathered_of_headers_that_were_refused(door: DoorName) -> None:
    with BackgroundServer(service_of(), ServerOptions(door=door)) as server:
        host, port = urlsplit(server.url).netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as connection:
            connection.sendall(LIST + HOST + b"".join(b"X-%d: %s\r\n" % (each, b"x" * 1000) for each in range(40)))
            assert connection.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 431"
            connection.sendall(b"X-More: %s\r\n" % (b"x" * 1000) * 4000)
            kept: Any = next(iter(server._server.server_state.connections))
            assert sum(len(name) + len(value) for name, value in kept.headers) <= 32 * 1024 + bounded.SLICE_BYTES


@pytest.mark.parametrize(
    "sent",
    [
        line_of(40_000, b"/__mock/health"),
        b"GET /__mock/health HTTP/1.1\r\n" + HOST + b"X-Large: %s\r\n\r\n" % (b"x" * 40_000),
        b"GET /__mock/health HTTP/1.1\r\n" + HOST + b"X-Endless: %s" % (b"x" * 80_000),
    ],
    ids=["line", "header", "endless"],
)
def test_a_control_call_with_too_large_a_head_is_refused_by_a_problem(server: Serving, sent: bytes) -> None:
    status, kind, detail = read_problem(exchange_bytes(server.url, sent))
    assert (status, kind) == (431, "urn:mockfoundry:headers-too-large")
    assert "send less" in detail


def test_a_control_call_whose_head_takes_too_long_is_refused_by_a_problem(serve: Callable[..., Serving]) -> None:
    server = serve(head_timeout=QUICK)
    status, kind, detail = read_problem(exchange_bytes(server.url, b"GET /__mock/health HTTP/1.1\r\n" + HOST))
    assert (status, kind) == (408, "urn:mockfoundry:too-slow")
    assert "--head-timeout" in detail


# Time and number


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sent", [b"G", LIST, LIST + HOST + b"X-Endless: "])
def test_a_head_that_takes_too_long_is_told_so(serve: Callable[..., Serving], door: str, sent: bytes) -> None:
    server = serve(door=door, head_timeout=QUICK)
    assert read_error(exchange_bytes(server.url, sent)) == (
        408,
        "Mock-RequestTooSlow",
        "The request's line and headers took longer than 50ms; send them sooner, or start the server with a longer "
        "--head-timeout",
    )


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
@pytest.mark.parametrize("control", [False, True])
def test_a_body_that_takes_too_long_is_told_so(
    serve: Callable[..., Serving], door: str, expects: bytes, control: bool
) -> None:
    server = serve(door=door, body_timeout=QUICK)
    line = b"POST /__mock/foundations/mine/verify HTTP/1.1\r\n" + HOST if control else SCALE
    received = exchange_bytes(server.url, line + JSON + expects + b"Content-Length: 20\r\n\r\n{}")
    received = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    status, title, detail = read_problem(received) if control else read_error(received)
    assert (status, title) == (408, "urn:mockfoundry:too-slow" if control else "Mock-RequestTooSlow")
    assert "body took longer than 50ms" in detail
    assert server.service.registry.get_or_create("default", 0).journal.recorded == 0


@pytest.mark.parametrize("door", DOORS)
def test_a_connection_without_a_request_is_not_hurried(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door, head_timeout=QUICK, body_timeout=QUICK)
    host, port = urlsplit(server.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as connection:
        # It outlives another one that was hurried, and is used after that.
        assert exchange_bytes(server.url, b"G").startswith(b"HTTP/1.1 408 ")
        for _ in range(2):
            connection.sendall(LIST + HOST + TOKEN + b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            assert exchange_bytes(server.url, b"G").startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("door", DOORS)
def test_a_refusal_comes_behind_the_answers_to_earlier_requests(serve: Callable[..., Serving], door: str) -> None:
    rule = {"operation": "listProcesses", "respond": {"delay": "100ms"}}
    server = serve(door=door, scenarios=({"scenario": "late", "rules": [rule]},), body_timeout=QUICK)
    late = LIST + HOST + TOKEN + b"\r\n"
    for bad, status in (
        (LIST + b"\r\n", b"400"),
        (b"\x16\x03\x01\r\n\r\n", b"400"),
        (b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"405"),
        (SCALE + b"Content-Length: 20\r\n\r\n", b"408"),
        (SCALE + b"Content-Length: 9999999\r\n\r\n", b"413"),
    ):
        received = exchange_bytes(server.url, late + late + bad)
        statuses = [each[:3] for each in received.split(b"HTTP/1.1 ")[1:] if each[:3].isdigit()]
        assert statuses == [b"200", b"200", status]


@pytest.mark.parametrize("door", DOORS)
def test_a_connection_too_many_is_told_so_and_there_is_room_again(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door, max_connections=2)
    host, port = urlsplit(server.url).netloc.split(":")
    places = [socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) for _ in range(2)]
    for place in places:
        place.sendall(LIST + HOST + TOKEN + b"\r\n")
        assert place.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
    status, title, detail = read_error(exchange_bytes(server.url, LIST + HOST + TOKEN + CLOSE))
    assert (status, title) == (503, "Mock-TooManyConnections")
    assert "2 connections are open" in detail
    for place in places:
        place.close()

    def is_served() -> bool:
        return exchange_bytes(server.url, LIST + HOST + TOKEN + CLOSE).startswith(b"HTTP/1.1 200 ")

    eventually(is_served, what="there is room for a connection again")


UNLIMITED = -1


@pytest.mark.parametrize(
    ("soft", "hard", "room", "raised"),
    [
        (20_000, 20_000, 4_000, None),
        (UNLIMITED, UNLIMITED, 4_000, None),
        (1_024, UNLIMITED, 4_000, 4_100),
        (1_024, 20_000, 4_000, 4_100),
        (1_024, 1_024, 924, 1_024),
        (50, 50, 1, 50),
    ],
)
def test_there_are_as_many_connections_as_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, room: int, raised: int | None
) -> None:
    resource = pytest.importorskip("resource")
    asked = list[tuple[int, int]]()
    monkeypatch.setattr(resource, "RLIM_INFINITY", UNLIMITED)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    assert make_room_for_connections(4_000) == room
    assert asked == ([] if raised is None else [(raised, hard)])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("end", [b"\r\n", pytest.param(CLOSE, marks=pytest.mark.long)])
def test_a_client_that_never_reads_does_not_keep_its_place(
    serve: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch, door: str, end: bytes
) -> None:
    monkeypatch.setattr(closing, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(closing, "LINGER_SECONDS", 0.1)
    apps = [{"name": f"a{number}"} for number in range(6_000)]
    seed = {"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": apps}]}]}
    server = serve(door=door, max_connections=3, seed=seed)
    host, port = urlsplit(server.url).netloc.split(":")
    with ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((host, int(port)))
            connection.sendall(b"GET /v3/processes?per_page=5000 HTTP/1.1\r\n" + HOST + TOKEN + end)
        eventually(lambda: is_served(server), what="there is room for a connection again")


def is_served(server: Serving) -> bool:
    return exchange_bytes(server.url, LIST + HOST + TOKEN + CLOSE).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("most", [0, 50])
def test_a_connection_that_was_refused_takes_no_place(
    serve: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch, door: str, most: int
) -> None:
    """However long the refused ones stay, the place of one that was served is free when that is closed."""
    monkeypatch.setattr(closing, "LINGER_SECONDS", 10 * DEADLINE_SECONDS)
    monkeypatch.setattr(closing, "MAX_EXTRA", most)
    server = serve(door=door, max_connections=1)
    host, port = urlsplit(server.url).netloc.split(":")
    with ExitStack() as stack:
        with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as place:
            place.sendall(LIST + HOST + TOKEN + b"\r\n")
            assert place.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
            for _ in range(5):
                refused = stack.enter_context(socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS))
                assert refused.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 503"
        eventually(lambda: is_served(server), what="there is room for a connection again")


@pytest.mark.parametrize("door", DOORS)
def test_blank_lines_keep_no_connection(
    serve: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.setattr(closing, "IDLE_SECONDS", 0.3)
    server = serve(door=door)
    host, port = urlsplit(server.url).netloc.split(":")

    def is_closed() -> bool:
        try:
            connection.sendall(b"\r\n")
            return connection.recv(65536, socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    for begin in (b"", LIST + HOST + TOKEN + b"\r\n"):
        with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as connection:
            connection.sendall(begin)
            eventually(is_closed, what="the connection is closed")


@pytest.mark.parametrize(
    "sent",
    [
        SCALE.replace(b"HTTP/1.1", b"HTTP/1.0") + JSON + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}",
        LIST + HOST + TOKEN + b"Expect: 100-continue\r\n" + CLOSE,
        SCALE + JSON + b"Content-Length: 0\r\nExpect: 100-continue\r\n" + CLOSE,
    ],
)
def test_nobody_is_asked_for_a_body_that_can_not_come(server: Serving, sent: bytes) -> None:
    assert exchange_bytes(server.url, sent).startswith(b"HTTP/1.1 20")


def test_an_address_of_version_six_keeps_its_brackets(server: Serving) -> None:
    received = exchange_bytes(server.url, b"GET http://[::1]:80/__mock/health HTTP/1.1\r\nHost: h\r\n" + CLOSE)
    assert received.startswith(b"HTTP/1.1 200 ")
