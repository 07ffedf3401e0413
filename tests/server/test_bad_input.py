"""Bad input: whatever comes in, the answer is a clear one, nothing changes, and the next request is served."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.searching import examples
from tests.serving import WEB, Serving, serving
from tests.waiting import DEADLINE_SECONDS

SCALE = f"/v3/processes/{WEB}/actions/scale"
JSON = {"Content-Type": "application/json"}

BODIES = [
    pytest.param(b"", JSON, 202, None, id="empty"),
    pytest.param(b"{}", JSON, 202, None, id="no-keys"),
    pytest.param(b"null", JSON, 422, "Unknown field(s): '_json'", id="null"),
    pytest.param(b"[]", JSON, 422, "Unknown field(s): '_json'", id="array"),
    pytest.param(b'"5"', JSON, 422, "Unknown field(s): '_json'", id="string"),
    pytest.param(b'{"instances": "1"}', JSON, 202, None, id="numeric-string"),
    pytest.param(b'{"instances": 1e400}', JSON, 422, "Instances must be an integer", id="beyond-a-float"),
    pytest.param(b'{"instances": 9999999999999999999999}', JSON, 422, None, id="huge-integer"),
    pytest.param(b'{"instances": NaN}', JSON, 400, None, id="nan"),
    pytest.param(b'{"instances": 3, "instances": 1}', JSON, 202, None, id="duplicate-keys"),
    pytest.param(b'\xff{"instances": 3}', JSON, 400, None, id="no-utf-8"),
    pytest.param(b"[" * 5000 + b"]" * 5000, JSON, 400, None, id="deep"),
    pytest.param(b'{"a":' * 150 + b"1" + b"}" * 150, JSON, 400, None, id="deep-objects"),
    pytest.param(b'{"instances": 3}', {"Content-Type": "text/plain"}, 202, None, id="wrong-type-is-not-read"),
    pytest.param(b'{"instances": 3}', {}, 202, None, id="no-type-is-not-read"),
    pytest.param(b"instances=1", {"Content-Type": "application/x-www-form-urlencoded"}, 202, None, id="form"),
    pytest.param(b"{}", {"Content-Type": "garbage"}, 406, None, id="malformed-type"),
]


@pytest.mark.parametrize(("content", "headers", "status", "detail"), BODIES)
def test_a_strange_body_gets_the_real_ones_answer(
    server: Serving, content: bytes, headers: dict[str, str], status: int, detail: str | None
) -> None:
    answer = server.client.post(SCALE, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    if detail is not None:
        assert answer.json()["errors"][0]["detail"] == detail
    if status != 202:
        assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] == 1


def test_of_duplicate_keys_the_last_counts(server: Serving) -> None:
    answer = server.client.post(SCALE, content=b'{"instances": 3, "instances": 2}', headers=JSON)
    assert answer.json()["instances"] == 2


def test_a_body_that_is_not_read_says_so(server: Serving) -> None:
    answer = server.client.post(SCALE, content=b'{"instances": 3}', headers={"Content-Type": "text/plain"})
    assert answer.json()["instances"] == 1
    assert answer.headers["x-mock-contract"] == "body: not read, its content type is not application/json"


def test_json_that_is_sent_as_a_form_is_told_what_it_lacks(server: Serving) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.client.post(SCALE, content=b'{"instances": 3}', headers=form)
    assert answer.json()["errors"][0]["detail"] == "Unknown field(s): '{\"instances\": 3}'"
    assert "JSON needs Content-Type: application/json" in answer.headers["x-mock-contract"]


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_body_beyond_the_limit_is_413_and_the_connection_ends(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door, max_body=1000)
    answer = server.client.post(SCALE, content=b" " * 1001, headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["detail"] == (
        "The body is larger than 1000 bytes; send less, or start the server with a larger --max-body"
    )
    assert answer.headers["connection"] == "close"
    assert server.client.get("/v3/processes").status_code == 200


def test_ten_megabytes_are_refused_and_the_server_goes_on(server: Serving) -> None:
    try:
        answer = server.client.post(SCALE, content=b" " * 10_000_000, headers=JSON)
        assert answer.status_code == 413
    except httpx.WriteError:
        # The answer came, and the connection was closed, while the client was still sending.
        pass
    assert server.client.get("/v3/processes").status_code == 200


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_headers_beyond_the_limit_are_431(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door)
    answer = server.client.get("/v3/processes", headers={"X-Large": "x" * 40_000})
    assert answer.status_code == 431
    assert server.client.get("/v3/processes").status_code == 200


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_scale_with_headers_beyond_the_limit_is_not_made(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door)
    body = b'{"instances": 9}'
    head = f"POST /v3/processes/{WEB}/actions/scale HTTP/1.1\r\nHost: h\r\nAuthorization: bearer a\r\n".encode()
    large = b"Content-Type: application/json\r\nX-Large: %s\r\nContent-Length: 16\r\n\r\n" % (b"x" * 40_000)
    received = exchange_bytes(server.url, head + large, body)
    assert received.startswith(b"HTTP/1.1 431 ")
    assert received.count(b"HTTP/1.1 ") == 1
    assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] == 1
    assert server.client.get("/__mock/foundations/default/requests").json()["recorded"] == 1


def exchange_bytes(url: str, *parts: bytes) -> bytes:
    """What a server answers to bytes, until it closes the connection."""
    host, port = urlsplit(url).netloc.split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as connection, suppress(ConnectionError):
        for part in parts:
            connection.sendall(part)
        while data := connection.recv(65536):
            received += data
    return received


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_header_line_that_never_ends_is_431(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door)
    received = exchange_bytes(server.url, b"GET / HTTP/1.1\r\nX-Endless: ", *[b"x" * 8192] * 40)
    assert received.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_what_is_not_http_is_400_and_says_why(serve: Callable[..., Serving], door: str) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"
    received = exchange_bytes(serve(door=door).url, hello)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"This is not a request of HTTP/1.1: Invalid method encountered" in received


PATHS = [
    ("/v3/processes/%00", 404, "Process not found"),
    ("/v3/processes/a%2Fb", 404, "Process not found"),
    ("/v3/processes/" + "x" * 3000, 404, "Process not found"),
    ("/v3/processes/%F0%9F%A6%96", 404, "Process not found"),
    ("//v3//processes//nobody/", 404, "Process not found"),
    ("/V3/processes", 404, "Unknown request"),
    ("/v3/processes/a/b", 404, "Unknown request"),
]


@pytest.mark.parametrize(("path", "status", "detail"), PATHS)
@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_strange_path_is_404(serve: Callable[..., Serving], door: str, path: str, status: int, detail: str) -> None:
    server = serve(door=door)
    received = exchange_bytes(
        server.url,
        f"GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: bearer a\r\nConnection: close\r\n\r\n".encode(),
    )
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert detail.encode() in received


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_trailing_slash_is_passed_over(serve: Callable[..., Serving], door: str) -> None:
    assert serve(door=door).client.get("/v3/processes/").status_code == 200


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_head_is_get_without_a_body(serve: Callable[..., Serving], door: str) -> None:
    client = serve(door=door).client
    head, get = client.head("/v3/processes"), client.get("/v3/processes")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["5", "+5", "1e3", "5.0", "", " 5"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    [
        "instances",
        "memory_in_mb",
        "disk_in_mb",
        "log_rate_limit_in_bytes_per_second",
        "command",
        "user",
        "health_check",
        "readiness_health_check",
        "metadata",
        "type",
        "x",
    ]
)
checks = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["http", "port", "process", "x"]) | json_values, "data": json_values}
)
metadata = st.fixed_dictionaries({}, optional={"labels": json_values, "annotations": json_values, "x": json_values})
bodies = st.dictionaries(fields, json_values | checks | metadata, max_size=5) | json_values


@settings(max_examples=examples(150))
@given(body=bodies, update=st.booleans())
def test_no_body_near_the_contract_breaks_the_server(near_contract: Serving, body: object, update: bool) -> None:
    """The client of the fixture holds each answer against the contract; a 500 is the real one's only for nulls."""
    client = near_contract.client
    answer = client.patch(f"/v3/processes/{WEB}", json=body) if update else near_contract.scale(body)
    assert "mockfoundry failed" not in answer.headers["x-mock-why"]
    assert answer.status_code != 500 or "world: " in answer.headers["x-mock-why"]


@pytest.mark.parametrize("name", ["8", "08", "+8", "0", "00", "+0", "18446744073709551616", "8" * 5_000])
@pytest.mark.parametrize("value", [5, None, [1], {"8": 1}])
def test_a_property_that_is_spelled_as_a_number_breaks_nothing(
    near_contract: Serving, name: str, value: object
) -> None:
    body = {"metadata": {"labels": {name: value, "": 1, "7": 2}}, name: value}
    for answer in (near_contract.client.patch(f"/v3/processes/{WEB}", json=body), near_contract.scale(body)):
        assert "mockfoundry failed" not in answer.headers["x-mock-why"]
        assert answer.status_code == 422


@settings(max_examples=examples(100))
@given(content=st.binary(max_size=200))
def test_no_bytes_break_the_server(near_contract: Serving, content: bytes) -> None:
    answer = near_contract.client.post(SCALE, content=content, headers=JSON)
    assert "mockfoundry failed" not in answer.headers["x-mock-why"]


@pytest.fixture(scope="module")
def near_contract() -> Iterator[Serving]:
    with serving() as running:
        yield running
