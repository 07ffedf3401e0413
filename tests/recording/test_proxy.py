"""The proxy: what the foundation and the client get of each other, and what is recorded of it."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.recording.har import NO_ANSWER
from mockfoundry.recording.har_writing import HarWriter
from mockfoundry.recording.origins import Origins
from mockfoundry.recording.proxy import RecordingProxy
from mockfoundry.recording.reading import read_recording_file
from mockfoundry.recording.recorder import Recorder, RecordingBounds
from mockfoundry.recording.run import read_upstream_url
from tests.recording.recorded import (
    ADMIN,
    PROXY,
    AnsweringTransport,
    RecordingSession,
    get,
    post,
    record_foundation,
    record_upstream,
)

API, UAA = "https://api.example.org", "https://uaa.example.org"
ROOT = {"links": {"self": {"href": API}, "login": {"href": UAA}, "log_cache": None, "app_ssh": {"href": "ssh:2222"}}}


def ask(
    folder: Path,
    answer: httpx.Response | httpx.HTTPError,
    *requests: tuple[str, str, dict[str, Any]],
    bounds: RecordingBounds | None = None,
) -> tuple[RecordingSession, list[httpx.Request]]:
    """What becomes of requests to a foundation that gives one answer; and what that got."""
    got: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.raw_path == b"/":
            return httpx.Response(200, json=ROOT)
        got.append(request)
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    wanted = requests or (get("/v3/apps"),)
    return record_upstream(folder / "a.har", API, AnsweringTransport(respond), wanted, bounds), got


def test_a_client_of_the_proxy_sees_what_it_would_see_without_it(
    server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path
) -> None:
    """Answers are the same but for the hosts in links, and these lead to the proxy."""
    targets = ["/v3/apps?per_page=1", "/v3/processes", "/v3/no-such", "/v3/apps/none", "/", "/v3/apps?per_page=0"]
    session = record_foundation(server, foundation.url, tmp_path / "a.har", [get(each) for each in targets])
    for target, seen in zip(targets, session.answers, strict=True):
        own = client.get(target)
        assert (seen.status_code, seen.text) == (own.status_code, own.text.replace(foundation.url, PROXY))
        assert seen.headers["content-type"] == own.headers["content-type"]


def test_the_next_page_is_reached_by_its_link(server: InProcess, foundation: Foundation, tmp_path: Path) -> None:
    session = record_foundation(server, foundation.url, tmp_path / "a.har", [get("/v3/apps?per_page=1")])
    following = session.answers[0].json()["pagination"]["next"]["href"]
    assert following == f"{PROXY}/v3/apps?page=2&per_page=1"
    second = record_foundation(server, foundation.url, tmp_path / "b.har", [get(following)])
    assert second.answers[0].json()["pagination"]["previous"]["href"] == f"{PROXY}/v3/apps?page=1&per_page=1"


def test_the_file_has_the_foundations_own_words(server: InProcess, foundation: Foundation, tmp_path: Path) -> None:
    """Its URLs, and the body as it came."""
    session = record_foundation(server, foundation.url, tmp_path / "a.har", [get("/v3/apps?per_page=1")])
    (entry,) = session.recording.entries
    assert entry.url == f"{foundation.url}/v3/apps?per_page=1"
    assert entry.value["pagination"]["next"]["href"] == f"{foundation.url}/v3/apps?page=2&per_page=1"
    assert entry.answer.decode().replace(foundation.url, PROXY) == session.answers[0].text


def test_the_token_and_the_body_pass(tmp_path: Path) -> None:
    """The foundation gets what the client sent, under its own host and nothing more."""
    session, (got,) = ask(tmp_path, httpx.Response(202, json={}), post("/v3/apps?a=1", {"instances": 3}))
    assert session.answers[0].status_code == 202
    assert str(got.url) == f"{API}/v3/apps?a=1"
    assert got.headers["authorization"] == "bearer admin"
    assert got.headers["host"] == "api.example.org"
    assert got.content == b'{"instances":3}'


def test_what_is_of_one_connection_stays_there(tmp_path: Path) -> None:
    headers = {**ADMIN, "connection": "close, x-mine", "x-mine": "1", "te": "trailers", "x-other": "2"}
    _, (got,) = ask(tmp_path, httpx.Response(200, json={}), get("/v3/apps", headers))
    assert not {"te", "x-mine"} & got.headers.keys()
    assert got.headers["x-other"] == "2"


def test_uaa_is_reached_by_the_link_of_the_root_document(tmp_path: Path) -> None:
    """It is another host; the client stays on the proxy."""
    answer = httpx.Response(302, headers={"location": f"{UAA}/login?to={quote(API, safe='')}"})
    session, (got,) = ask(tmp_path, answer, get("/"), get("/_at/uaa.example.org/oauth/authorize"))
    root, redirect = session.answers
    assert root.json()["links"]["login"] == {"href": f"{PROXY}/_at/uaa.example.org"}
    assert root.json()["links"]["self"] == {"href": PROXY}
    assert str(got.url) == f"{UAA}/oauth/authorize"
    assert redirect.headers["location"] == f"{PROXY}/_at/uaa.example.org/login?to={quote(PROXY, safe='')}"
    assert session.recording.entries[1].url == f"{UAA}/oauth/authorize"


def test_a_host_that_no_link_names_is_not_reached(tmp_path: Path) -> None:
    """The proxy is open to the foundation's hosts alone."""
    session, got = ask(tmp_path, httpx.Response(200), get("/_at/evil.example.com/x"))
    assert (session.answers[0].status_code, got) == (404, [])
    assert session.answers[0].json()["type"] == "urn:mockfoundry:unknown-host"
    assert session.recording.entries == ()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example.com"}, 421),
        ({"origin": "https://evil.example.com"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_a_strange_web_page_does_not_get_through(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    """Its request would go to a real foundation."""
    session, got = ask(tmp_path, httpx.Response(200), get("/v3/apps", headers))
    assert (session.answers[0].status_code, got) == (status, [])
    assert "the proxy" in session.answers[0].json()["detail"]
    assert session.recording.entries == ()


def test_a_packed_body_is_kept_unpacked(tmp_path: Path) -> None:
    """The client gets it with its links changed, the file has it as text."""
    packed = gzip.compress(json.dumps({"href": f"{API}/v3"}).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    session, (got,) = ask(tmp_path, httpx.Response(200, content=packed, headers=headers))
    assert got.headers["accept-encoding"] == "gzip"
    assert session.answers[0].json() == {"href": f"{PROXY}/v3"}
    assert session.recording.entries[0].value == {"href": f"{API}/v3"}


def test_a_client_that_takes_no_packed_body_gets_none(tmp_path: Path) -> None:
    _, (got,) = ask(tmp_path, httpx.Response(200), get("/v3/apps", {"accept-encoding": "br"}))
    assert got.headers["accept-encoding"] == "identity"


def test_bytes_that_are_no_text_pass_as_they_are(tmp_path: Path) -> None:
    """Also where they have the foundation's URL in them. They are not kept: nobody sees what is in an archive."""
    content = b"\x00\xff" + API.encode() + b"\x80"
    headers = {"content-type": "application/octet-stream", "content-encoding": "gzip"}
    packed = httpx.Response(200, content=gzip.compress(content, mtime=0), headers=headers)
    session, _ = ask(tmp_path, packed)
    assert session.answers[0].content == content
    assert session.answers[0].headers["content-encoding"] == "gzip"
    (entry,) = session.recording.entries
    assert (entry.answer, entry.comment) == (b"", "the answer's body is left out: it is no text")
    assert session.left_out == "left out: 1 exchanges' bodies that are no text"


def test_an_upload_passes_and_is_not_kept(tmp_path: Path) -> None:
    """What an app is made of is in it."""
    upload = ("POST", "/v3/packages/a/upload", {"headers": ADMIN, "files": {"bits": ("a.zip", b"PK\x03\x04secret")}})
    session, (got,) = ask(tmp_path, httpx.Response(200, json={}), upload)
    assert b"PK\x03\x04secret" in got.content
    assert session.recording.entries[0].comment == "the request's body is left out: it is no text"
    assert b"UEsDB" not in session.path.read_bytes()


def test_a_large_body_passes_and_is_not_kept(tmp_path: Path) -> None:
    """It is said of the exchange, and at the end."""
    large = {"a": "x" * 200}
    session, (got,) = ask(
        tmp_path, httpx.Response(200, json=large), post("/v3/apps", large), bounds=RecordingBounds(body=100)
    )
    assert (session.answers[0].json(), json.loads(got.content)) == (large, large)
    (entry,) = session.recording.entries
    assert (entry.content, entry.answer) == (b"", b"")
    size = len(json.dumps(large, separators=(",", ":")))
    assert entry.comment == (
        f"the answer's body of {size} bytes is left out; the request's body of {size} bytes is left out"
    )
    assert session.left_out == "left out: 1 exchanges' bodies beyond 100 bytes (--max-body)"


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        (RecordingBounds(entries=2), "left out: 3 exchanges beyond 2 (--max-entries)"),
        (RecordingBounds(total=1), "left out: 4 exchanges beyond 1 bytes (--max-bytes)"),
    ],
)
def test_what_has_no_room_passes_and_is_counted(tmp_path: Path, bounds: RecordingBounds, told: str) -> None:
    session, got = ask(tmp_path, httpx.Response(200, json={}), *[get("/v3/apps")] * 5, bounds=bounds)
    assert (len(got), session.left_out) == (5, told)
    assert json.loads(session.path.read_bytes())["log"]["comment"] == told


def test_a_foundation_that_does_not_answer_is_recorded_so(tmp_path: Path) -> None:
    """The client gets an error that is marked as the proxy's own."""
    session, _ = ask(tmp_path, httpx.ConnectError("connection refused"))
    assert (session.answers[0].status_code, session.answers[0].json()["type"]) == (502, "urn:mockfoundry:no-answer")
    (entry,) = session.recording.entries
    assert (entry.status, entry.comment) == (NO_ANSWER, "no answer: connection refused")


def test_the_head_of_an_answer_passes_alone(server: InProcess, foundation: Foundation, tmp_path: Path) -> None:
    session = record_foundation(server, foundation.url, tmp_path / "a.har", [("HEAD", "/v3/apps", {"headers": ADMIN})])
    assert (session.answers[0].status_code, session.answers[0].content) == (200, b"")


def test_links_are_changed_wherever_a_body_is_cut() -> None:
    """A host that only begins like the foundation's is another one."""
    origins = Origins(API)
    origins.learn(ROOT)
    urls = [f"{API}/v3", API, f"{API}.evil.com/v3", f"{UAA}/x", f"{API}:8443/", API]
    wanted = [f"{PROXY}/v3", PROXY, urls[2], f"{PROXY}/_at/uaa.example.org/x", urls[4], PROXY]
    text = json.dumps(urls).encode()
    for part in range(1, len(text)):
        rewriting = origins.begin_rewriting(PROXY)
        sent = [rewriting.feed(text[at : at + part]) for at in range(0, len(text), part)]
        assert json.loads(b"".join(sent) + rewriting.end()) == wanted


@pytest.mark.parametrize(
    "text", ["", "api.example.org", "ftp://a", "https://", "https://a?x=1", "https://u:p@a", "http://a:x"]
)
def test_what_is_no_foundations_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(an http or https URL|a URL without a password)"):
        read_upstream_url(text)


def test_a_foundations_url_is_read() -> None:
    assert read_upstream_url("https://API.example.org:443/") == "https://api.example.org"
    assert read_upstream_url("http://[::1]:8080/foundations/a/") == "http://[::1]:8080/foundations/a"


class BreakingStream(httpx.AsyncByteStream):
    """Sends some bytes, and breaks off; or goes on for ever."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += 1
            yield b"part"
            await asyncio.sleep(0)
            if self._error is not None:
                raise self._error


class StreamingTransport(httpx.AsyncBaseTransport):
    def __init__(self, stream: BreakingStream) -> None:
        self._stream = stream

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/plain"}, stream=self._stream)


async def pass_stream(path: Path, stream: BreakingStream, leave_after: int) -> list[dict[str, Any]]:
    """The messages that a server gets of a stream, whose client leaves after so many of them."""
    recorder = Recorder(HarWriter(path, API), RecordingBounds())
    sent: list[dict[str, Any]] = []
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if len(sent) == leave_after:
            gone.set()

    async with httpx.AsyncClient(transport=StreamingTransport(stream)) as client:
        proxy = RecordingProxy(client, Origins(API), recorder)
        scope = {"type": "http", "method": "GET", "path": "/x", "raw_path": b"/x", "query_string": b"", "headers": []}
        await proxy(scope, receive, send)
    recorder.close()
    return sent


def test_an_answer_that_breaks_off_breaks_off_for_the_client(tmp_path: Path) -> None:
    """It never gets an end that the foundation did not send."""
    stream = BreakingStream(httpx.ReadError("reset by peer"))
    sent = asyncio.run(pass_stream(tmp_path / "a.har", stream, 0))
    assert all(each.get("more_body", True) for each in sent)
    (entry,) = read_recording_file(tmp_path / "a.har").entries
    assert (entry.status, entry.answer, entry.comment) == (200, b"part", "broken off: reset by peer")


def test_what_fails_in_the_proxy_itself_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An answer that has begun is not completed; the recording has what came of it."""
    sent = asyncio.run(pass_stream(tmp_path / "a.har", BreakingStream(RuntimeError("a defect")), 0))
    assert [each["type"] for each in sent] == ["http.response.start"]
    (entry,) = read_recording_file(tmp_path / "a.har").entries
    assert (entry.status, entry.answer, entry.comment) == (200, b"part", "broken off: mockfoundry has failed")
    assert "mockfoundry: the proxy failed to pass GET /x, which is a defect of mockfoundry\nTraceback" in caplog.text
    assert caplog.text.endswith("RuntimeError: a defect\n")


@pytest.mark.parametrize("fails_in", ["Passage._list_sent_headers", "Origins.find_url"])
def test_a_client_of_a_proxy_that_fails_gets_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, fails_in: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(f"mockfoundry.recording.proxy.{fails_in}", fail)
    head, body = asyncio.run(pass_stream(tmp_path / "a.har", BreakingStream(None), 0))
    found = json.loads(body["body"])
    assert (head["status"], found["type"]) == (502, "urn:mockfoundry:proxy-failed")
    assert found["detail"] == "mockfoundry has failed to pass this; its stderr says where"
    entries = read_recording_file(tmp_path / "a.har").entries
    if fails_in.startswith("Passage"):
        assert [(each.status, each.comment) for each in entries] == [(0, "no answer: mockfoundry has failed")]
    assert caplog.text.endswith("RuntimeError: a defect\n")


def test_a_stream_whose_client_has_left_is_let_go(tmp_path: Path) -> None:
    """One that never ends would be read for ever."""
    sent = asyncio.run(pass_stream(tmp_path / "a.har", BreakingStream(None), 5))
    assert all(each.get("more_body", True) for each in sent)
    (entry,) = read_recording_file(tmp_path / "a.har").entries
    assert entry.comment == "the client has left"
