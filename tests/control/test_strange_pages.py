"""No web page drives the control API: its Host has to be local, its Origin the same; programs notice nothing of it."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.server.test_bad_input import exchange_bytes
from tests.serving import WEB, Serving, serving

CLOCK = "/__mock/foundations/default/clock"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module", params=["protocol", "asgi"])
def running(request: pytest.FixtureRequest) -> Iterator[Serving]:
    with serving(door=request.param, trust_forwarded=True, allow_host=("mock.example.org", "*.mine.example")) as server:
        server.client.put("/__mock/foundations/default")
        yield server


ALLOWED = [
    *(
        "127.0.0.1",
        "127.0.0.1:8080",
        "192.0.2.1",
        "[::1]",
        "[::1]:8080",
        "[fe80::1%25eth0]:80",
        "localhost",
        "LOCALHOST:1",
    ),
    *("mock", "my_mock:8080", "a.localhost", "host.docker.internal:8080", "box.local", "localhost.", "mock.ns.svc"),
    *("mock.ns.svc.cluster.local:80", "mock.example.org", "MOCK.example.org.:443", "a.mine.example"),
]

STRANGE = [
    *("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "svc.evil.example"),
    *("mock.ns.svc.evil.example", "internal.example", "mine.example", "xmock.example.org", "a@localhost"),
    *("127.0.0.1:80:80", "[::1", "<b>.example", "evil.example, localhost", "a..local", ".local", "localhost:port"),
]


def problem(answer: httpx.Response, status: int, kind: str) -> str:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["type"] == f"urn:mockfoundry:{kind}"
    return str(body["detail"])


@pytest.mark.parametrize("host", ALLOWED)
def test_a_local_name_is_served(running: Serving, host: str) -> None:
    assert running.client.get("/__mock/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", STRANGE)
def test_any_other_name_is_421_with_the_mend(running: Serving, host: str) -> None:
    for path in ("/__mock/health", "/__mock/", f"{CLOCK}", "/__mock/foundations/default/requests?follow=true"):
        detail = problem(running.client.get(path, headers={"Host": host}), 421, "strange-host")
        assert "--allow-host" in detail
    changed = running.client.patch(CLOCK, json={"frozen": True}, headers={"Host": host})
    problem(changed, 421, "strange-host")


def test_what_a_proxy_says_of_the_host_does_not_count(running: Serving) -> None:
    forwarded = {"X-Forwarded-Host": "localhost", "X-Forwarded-Proto": "http"}
    answer = running.client.get("/__mock/health", headers={"Host": "evil.example", **forwarded})
    problem(answer, 421, "strange-host")
    forwarded["X-Forwarded-Host"] = "evil.example"
    assert running.client.get("/__mock/health", headers=forwarded).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "api.cf.example.org", "localhost"])
def test_the_api_itself_takes_any_host(running: Serving, host: str) -> None:
    headers = {"Host": host, "Origin": "https://elsewhere.example"}
    assert running.client.get(f"/v3/processes/{WEB}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("mock", "http://mock"),
        ("mock:80", "http://mock"),
        ("mock", "https://MOCK"),
        ("[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_page_of_the_same_place_may_call(running: Serving, host: str, origin: str) -> None:
    headers = {"Host": host, "Origin": origin, **JSON}
    assert running.client.patch(CLOCK, content=b'{"frozen": false}', headers=headers).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "http://evil.example", "http://localhost:8081", "https://localhost:8443", "http://127.0.0.1:8080"),
        *("file://", "chrome-extension://abc", "localhost:8080", "", "http://localhost:8080/"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_page_of_another_place_is_refused(running: Serving, method: str, origin: str) -> None:
    headers = {"Host": "localhost:8080", "Origin": origin, **JSON}
    options: dict[str, Any] = {"content": b'{"frozen": true}'} if method == "PATCH" else {}
    detail = problem(running.client.request(method, CLOCK, headers=headers, **options), 403, "strange-origin")
    assert "from a program" in detail
    assert running.client.get(CLOCK).json()["frozen"] is False


@pytest.mark.parametrize(
    "origins", [("http://localhost", "http://localhost"), ("https://evil.example", "http://localhost")]
)
def test_of_two_origins_none_is_believed(running: Serving, origins: tuple[str, str]) -> None:
    sent = [("Host", "localhost"), *(("Origin", each) for each in origins)]
    problem(running.client.get(CLOCK, headers=sent), 403, "strange-origin")


@pytest.mark.parametrize(
    ("hosts", "found"), [(b"", "there is none"), (b"Host: a\r\nHost: a\r\n", "there are 2")], ids=["none", "two"]
)
def test_a_call_has_one_host(running: Serving, hosts: bytes, found: str) -> None:
    for path in (b"/__mock/health", b"/__mock/foundations/default/requests?follow=true"):
        received = exchange_bytes(running.url, b"GET " + path + b" HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        head, _, content = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert json.loads(content)["type"] == "urn:mockfoundry:bad-host"
        assert json.loads(content)["detail"] == f"header Host: {found}; send exactly one"


def test_an_old_program_needs_no_host(running: Serving) -> None:
    assert exchange_bytes(running.url, b"GET /__mock/health HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_picture_of_another_place_is_refused_and_a_link_is_followed(running: Serving) -> None:
    site = {"Sec-Fetch-Site": "cross-site"}
    for path in (CLOCK, "/__mock/foundations/default/requests?follow=true"):
        problem(running.client.get(path, headers={**site, "Sec-Fetch-Mode": "no-cors"}), 403, "strange-origin")
    assert running.client.get("/__mock/", headers={**site, "Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_what_curl_calls_a_form_is_json_and_what_a_browser_calls_one_is_not(running: Serving) -> None:
    content = b'{"frozen": false}'
    assert running.client.patch(CLOCK, content=content, headers=FORM).status_code == 200
    for header in ({"Origin": running.url}, {"Sec-Fetch-Site": "none"}):
        detail = problem(
            running.client.patch(CLOCK, content=content, headers={**FORM, **header}), 415, "not-as-described"
        )
        assert "application/json" in detail


@pytest.mark.parametrize("path", ["/__mock/", "/__mock"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_the_start_page_is_only_read(running: Serving, method: str, path: str) -> None:
    answer = running.client.request(method, path)
    problem(answer, 405, "unknown-call")
    assert answer.headers["allow"] == "GET, HEAD"
