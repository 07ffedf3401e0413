"""The two doors, the uvicorn protocol and connexion's ASGI stack, answer byte for byte the same."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from tests import plain_http
from tests.searching import examples
from tests.serving import ADMIN, WEB, Serving, real_now, serving

GUIDS = st.sampled_from([WEB, f"{WEB}.json", "nobody", "%00", "%FF", "a%2Fb", "a.b", "%", "é"])
TYPES = st.sampled_from(["web", "worker", "none", "web%20"])
INDEXES = st.sampled_from(["0", "1", "-1", "x", "1x", "+0", "99999999999999999999"])
TAILS = st.sampled_from(
    ["", "/", ".json", "/stats", "/stats.json", "/actions/scale", "/process_instances", "/unknown", "/stats/"]
)
QUERIES = st.sampled_from(["", "?page=1", "?page=0", "?per_page=2&page=1", "?x=1", "?order_by=-created_at", "?a=%ff"])
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Authorization", "Content-Type", "Prefer", "X-Mock-Scenario", "X-Vcap-Request-Id", "X-Mock-Foundation"]
    ),
    st.sampled_from(
        [
            "bearer a",
            "Bearer b",
            "basic x",
            "application/json",
            "text/plain",
            "code=409",
            "code=999",
            "example=conflict",
            "conflict",
            "conflict-then-ok",
            "none",
            "one",
            "../x",
        ]
    ),
)
BODIES = st.sampled_from([b"", b"{}", b'{"instances": 2}', b'{"instances": -1}', b"[{}]", b"{", b"null", b"\xff"])
METHODS = st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "HEAD"])


@st.composite
def paths(draw: st.DrawFn) -> str:
    shape = draw(st.sampled_from(["processes", "process", "instance", "app", "other"]))
    query = draw(QUERIES)
    if shape == "processes":
        return "/v3/processes" + query
    if shape == "process":
        return f"/v3/processes/{draw(GUIDS)}{draw(TAILS)}{query}"
    if shape == "instance":
        return f"/v3/processes/{draw(GUIDS)}/instances/{draw(INDEXES)}{query}"
    if shape == "app":
        return f"/v3/apps/{draw(GUIDS)}/processes/{draw(TYPES)}{draw(TAILS)}{query}"
    return draw(st.sampled_from(["/", "/v3", "/v2/info", "//v3//processes", "/foundations/two/v3/processes"]))


@dataclass(frozen=True)
class Pair:
    protocol: Serving
    asgi: Serving

    def _repr_pretty_(self, printer: RepresentationPrinter, _cycle: bool) -> None:
        """Short: Hypothesis would print all that is in the two servers, which hides what has failed."""
        printer.text(repr(self))


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with serving(door="protocol") as protocol, serving(door="asgi") as asgi:
        # One world and one moment for both, so that dates and uptimes are the same.
        world = asgi.service.registry.initial_world = protocol.service.registry.initial_world
        world.clock.virtual, world.clock.rate = 1_800_000_000_000_000, 0.0
        yield Pair(protocol, asgi)


def told(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    passing = ("transfer-encoding",)
    headers = sorted((name, value) for name, value in answer.headers.multi_items() if name not in passing)
    return answer.status_code, headers, answer.content


@settings(max_examples=examples(100))
@given(method=METHODS, path=paths(), headers=HEADERS, body=BODIES)
def test_they_answer_the_same(pair: Pair, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
    answers = []
    for server in (pair.protocol, pair.asgi):
        for foundation in server.service.registry:
            server.service.registry.create(foundation.name, None, real_now())
        answers.append(
            told(plain_http.request(method, server.url + path, headers={**headers, "Host": "h"}, content=body))
        )
    assert answers[0] == answers[1]


def test_pipelined_requests_are_answered_in_order(pair: Pair) -> None:
    from tests.server.test_bad_input import exchange_bytes

    one = b"GET /v3/processes/%s HTTP/1.1\r\nHost: h\r\nAuthorization: bearer a\r\n\r\n"
    slow = b"GET /__mock/health HTTP/1.1\r\nHost: h\r\n\r\n"
    last = b"GET /v3/none HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    received = exchange_bytes(pair.protocol.url, one % WEB.encode() + slow + one % b"nobody" + last)
    positions = [received.find(text) for text in (b'"version"', b'"ready"', b"Process not found", b"Unknown request")]
    assert -1 not in positions
    assert positions == sorted(positions)


def test_the_protocol_door_never_asks_connexion(serve: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import would keep every client waiting, whoever is the first to send HEAD or Expect."""
    server = serve(door="protocol")
    monkeypatch.setitem(sys.modules, "mockfoundry.server.routing", None)
    assert server.client.head("/v3/processes").status_code == 200
    expecting = {"Expect": "100-continue"}
    url = f"{server.url}/v3/processes/{WEB}/actions/scale"
    answer = plain_http.request("POST", url, headers={**ADMIN, **expecting}, content=b"{}")
    assert answer.status_code == 202
