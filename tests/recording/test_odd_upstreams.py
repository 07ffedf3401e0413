"""A foundation that answers oddly, over sockets: the client gets what it sent, or an error of the proxy's own."""

import asyncio
import gzip
import json
import re
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from mockfoundry.recording import holding
from mockfoundry.recording.har import HarEntry
from mockfoundry.recording.har_writing import HarWriter
from mockfoundry.recording.origins import Origins
from mockfoundry.recording.passing_bodies import PIECE_BYTES, BodyCopy, Unpacker
from mockfoundry.recording.proxy import RecordingProxy, make_upstream_client
from mockfoundry.recording.reading import read_recording_file
from mockfoundry.recording.recorder import Recorder, RecordingBounds
from mockfoundry.recording.run import make_proxy_server

pytestmark = pytest.mark.long

TEXT = b'{"a": "b"}'
PACKED = gzip.compress(TEXT, mtime=0)
TWO = gzip.compress(TEXT[:5], mtime=0) + gzip.compress(TEXT[5:], mtime=0)
JSON, GZIP, DEFLATE = (
    "Content-Type: application/json\r\n",
    "Content-Encoding: gzip\r\n",
    "Content-Encoding: deflate\r\n",
)


def deflate_without_frame(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def answer(headers: str, body: bytes = b"", status: str = "200 OK", length: int | None = None) -> bytes:
    told = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {told}\r\nConnection: close\r\n\r\n".encode() + body


class RawUpstream:
    """Answers every request with the same bytes, whatever they are.

    Args:
        sent: the bytes; they may be given later, too.

    Attributes:
        lines: the first lines of the requests.
    """

    def __init__(self, sent: bytes) -> None:
        self.sent = sent
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.lines: list[bytes] = []
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                got = b""
                while b"\r\n\r\n" not in got:
                    got += connection.recv(65536)
                self.lines.append(got.partition(b"\r\n")[0])
                connection.sendall(self.sent)

    def close(self) -> None:
        # It wakes up the one who waits for a connection.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@contextmanager
def proxy_of(port: int, path: Path) -> Iterator[int]:
    """The port of a proxy before that of a foundation, which records into a file until the end."""
    bound = socket.create_server(("127.0.0.1", 0))
    listens, servers = threading.Event(), []
    url = f"http://127.0.0.1:{port}"

    async def serve() -> None:
        recorder = Recorder(HarWriter(path, url), RecordingBounds())
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            client.headers.clear()
            app = RecordingProxy(client, Origins(url), recorder)
            servers.append(make_proxy_server(app, listens.set))
            await servers[0].serve([bound])
            await app.wait(5)
        recorder.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert listens.wait(10)
    try:
        yield bound.getsockname()[1]
    finally:
        servers[0].should_exit = True
        thread.join(10)
        bound.close()


def send(port: int, request: str) -> bytes:
    """What comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"{request}\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        got = b""
        while part := connection.recv(1 << 20):
            got += part
        return got


def exchange(sent: bytes, folder: Path, request: str = "GET /v3/apps HTTP/1.1") -> tuple[bytes, bytes, HarEntry, bytes]:
    """The head and the body that a client gets, what is recorded, and the request's line that the upstream gets."""
    upstream = RawUpstream(sent)
    try:
        with proxy_of(upstream.port, folder / "a.har") as port:
            head, _, body = send(port, request).partition(b"\r\n\r\n")
    finally:
        upstream.close()
    (entry,) = read_recording_file(folder / "a.har").entries
    if b"transfer-encoding: chunked" in head:
        body = b"".join(re.findall(rb"[0-9a-f]+\r\n(.*?)\r\n", body, re.DOTALL))
    return head, body, entry, upstream.lines[0]


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (PACKED, GZIP),
        (TWO, GZIP),
        (TWO + b"\x00\x00", GZIP),
        (zlib.compress(TEXT), DEFLATE),
        (deflate_without_frame(TEXT), DEFLATE),
        (PACKED, GZIP.replace("gzip", "X-GZIP")),
    ],
    ids=["gzip", "two members", "zeros behind", "deflate", "deflate without a frame", "x-gzip"],
)
def test_a_packed_answer_is_unpacked_whole(tmp_path: Path, packed: bytes, encoding: str) -> None:
    """All members of it, with a frame and without."""
    head, body, entry, _ = exchange(answer(JSON + encoding, packed), tmp_path)
    assert (body, b"content-encoding" in head) == (TEXT, False)
    assert (entry.answer, entry.comment) == (TEXT, "")


@pytest.mark.parametrize(
    ("packed", "kept", "why"),
    [
        (PACKED[:-10], b'{"a": "b"', "but for its first 9 bytes: it breaks off"),
        (PACKED[:-3], TEXT, "but for its first 10 bytes: it breaks off"),
        (PACKED[:1], b"", "at all: it breaks off"),
        (TWO[:-9], None, "but for its first"),
        (PACKED + b"more", TEXT, "but for its first 10 bytes: more follows its end"),
        (PACKED[:15] + b"\xff\xff\xff" + PACKED[18:], b"", "at all: what follows is not packed so"),
        (TEXT, b"", "at all: it is no gzip"),
    ],
    ids=["cut", "cut in its end", "one byte", "second member cut", "more", "not packed inside", "not packed"],
)
def test_what_can_not_be_unpacked_passes_as_it_came(
    tmp_path: Path, packed: bytes, kept: bytes | None, why: str
) -> None:
    """With its encoding. What could be unpacked is kept, and it is said that this is not all."""
    head, body, entry, _ = exchange(answer(JSON + GZIP, packed), tmp_path)
    assert body == packed
    assert b"\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n" % len(packed) in head
    assert entry.comment.startswith(f"the answer's body could not be unpacked {why}")
    assert kept is None or entry.answer == kept


def test_an_encoding_that_nobody_knows_passes_as_it_came(tmp_path: Path) -> None:
    head, body, entry, _ = exchange(answer(f"{JSON}Content-Encoding: br\r\n", b"\x0b\x04\x80"), tmp_path)
    assert (body, b"content-encoding: br" in head) == (b"\x0b\x04\x80", True)
    assert entry.comment == "the answer's body could not be unpacked at all: nobody here knows its encoding"


def test_a_packed_answer_whose_connection_breaks_off_passes_as_far_as_it_came(tmp_path: Path) -> None:
    """The client is told a length that never comes, as by the foundation."""
    head, body, entry, _ = exchange(answer(JSON + GZIP, PACKED[:-3], length=len(PACKED)), tmp_path)
    assert (body, b"content-length: %d" % len(PACKED) in head) == (PACKED[:-3], True)
    assert entry.answer == TEXT
    assert entry.comment.startswith("broken off: ")


def test_a_packed_answer_that_says_too_much_passes_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither held whole nor kept."""
    most = 2 << 20
    monkeypatch.setattr(holding, "MAX_UNPACKED_BYTES", most)
    packed = gzip.compress(b" " * (most + 1), 1)
    _, body, entry, _ = exchange(answer(JSON + GZIP, packed), tmp_path)
    assert body == packed
    assert entry.comment == f"the answer's body of {most + 1} bytes is left out"


def test_a_packed_stream_of_events_is_not_held_back(tmp_path: Path) -> None:
    """It may never end."""
    headers = f"Content-Type: text/event-stream\r\n{GZIP}"
    head, body, entry, _ = exchange(answer(headers, PACKED), tmp_path)
    assert (body, b"content-encoding: gzip" in head, entry.answer) == (PACKED, True, TEXT)


def test_a_packed_text_that_goes_on_is_not_held_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log, or a long poll: each line comes before the next one is sent; and all of it is recorded."""
    monkeypatch.setattr(holding, "HOLD_SECONDS", 0.05)
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    lines = [packer.compress(b"line %d\n" % number) + packer.flush(zlib.Z_SYNC_FLUSH) for number in range(3)]
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{GZIP}Transfer-Encoding: chunked\r\n\r\n".encode()
    with (
        socket.create_server(("127.0.0.1", 0)) as upstream,
        proxy_of(upstream.getsockname()[1], tmp_path / "a.har") as port,
    ):
        upstream.settimeout(10)
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(f"GET /log HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            asked, _ = upstream.accept()
            with asked:
                asked.recv(65536)
                asked.sendall(head)
                unpacker, said, got = zlib.decompressobj(zlib.MAX_WBITS | 16), b"", b""
                for number, line in enumerate(lines):
                    asked.sendall(b"%x\r\n%b\r\n" % (len(line), line))
                    while line not in got:
                        got += client.recv(65536)
                    said += unpacker.decompress(line)
                    assert said.count(b"\n") == number + 1
                asked.sendall(b"0\r\n\r\n")
                while not got.endswith(b"\r\n0\r\n\r\n"):
                    got += client.recv(65536)
    (entry,) = read_recording_file(tmp_path / "a.har").entries
    assert b"content-encoding: gzip" in got
    assert entry.answer == b"line 0\nline 1\nline 2\n"


def test_a_packed_text_without_a_length_leads_to_the_proxy_if_it_is_there_soon(tmp_path: Path) -> None:
    upstream = RawUpstream(b"")
    packed = gzip.compress(b'{"next": "http://127.0.0.1:%d/x"}' % upstream.port)
    head = f"HTTP/1.1 200 OK\r\n{JSON}{GZIP}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
    upstream.sent = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)
    with proxy_of(upstream.port, tmp_path / "a.har") as port:
        got = send(port, "GET /a HTTP/1.1")
    upstream.close()
    assert b'{"next": "http://127.0.0.1:%d/x"}' % port in got


def test_a_body_is_unpacked_wherever_it_is_cut() -> None:
    for packed in (TWO, zlib.compress(TEXT)):
        for size in range(1, len(packed)):
            copy = BodyCopy(100, "gzip" if packed is TWO else "deflate")
            said = b"".join(piece for at in range(0, len(packed), size) for piece in copy.take(packed[at : at + size]))
            copy.end()
            assert (said, copy.content, copy.describe("answer")) == (TEXT, TEXT, "")


def test_a_few_bytes_that_say_many_are_unpacked_piece_by_piece() -> None:
    copy = BodyCopy(10, "gzip")
    assert max(map(len, copy.take(gzip.compress(b" " * 5 * PIECE_BYTES)))) == PIECE_BYTES
    assert (copy.content, copy.size) == (b"", 5 * PIECE_BYTES)


def test_deflate_without_a_frame_is_whole_wherever_it_ends() -> None:
    """zlib may have taken all of it, and not yet have given all that it says."""
    for more in range(1, 200, 20):
        text = b"x" * (PIECE_BYTES + more)
        packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        copy = BodyCopy(2 * PIECE_BYTES, "deflate")
        said = b"".join(copy.take(packer.compress(text) + packer.flush()))
        copy.end()
        assert (said == text, copy.describe("answer")) == (True, "")


def test_nothing_is_held_of_what_is_not_packed_as_it_says() -> None:
    unpacker = Unpacker("gzip")
    assert b"".join(unpacker.feed(b"no gzip")) == b""
    tracemalloc.start()
    for _ in range(100):
        assert b"".join(unpacker.feed(bytes(100_000))) == b""
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    unpacker.end()
    assert unpacker.problem == "it is no gzip"
    assert held < 200_000


@pytest.mark.parametrize("status", ["200 OK", "299 Odd", "403 No", "599 Odd"])
def test_a_status_that_nobody_has_named_passes(tmp_path: Path, status: str) -> None:
    head, body, entry, _ = exchange(answer(JSON, TEXT, status), tmp_path)
    assert head.startswith(f"HTTP/1.1 {status[:3]} ".encode())
    assert (body, entry.status, entry.answer) == (TEXT, int(status[:3]), TEXT)


@pytest.mark.parametrize("status", ["600 Odd", "999 Odd"])
def test_a_status_that_is_none_is_told_and_recorded(tmp_path: Path, status: str) -> None:
    """No server can send it on."""
    head, body, entry, _ = exchange(answer(JSON, TEXT, status), tmp_path)
    assert head.startswith(b"HTTP/1.1 502 ")
    found = json.loads(body)
    assert found["type"] == "urn:mockfoundry:odd-status"
    assert found["detail"].endswith(f" answered with status {status[:3]}, which is none")
    assert (entry.status, entry.comment) == (int(status[:3]), "the answer's body is left out: there is no such status")


@pytest.mark.parametrize("status", ["304 Not Modified", "204 No Content"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_without_a_body_may_tell_a_length(tmp_path: Path, status: str, method: str) -> None:
    """It is of what is not sent [RFC 9110, 8.6]."""
    head, body, entry, _ = exchange(answer(f'ETag: "a"\r\n{JSON}', b"", status, 10), tmp_path, f"{method} /x HTTP/1.1")
    assert head.startswith(f"HTTP/1.1 {status[:3]} ".encode())
    assert (b'etag: "a"' in head, b"content-length" in head, body) == (True, False, b"")
    assert (entry.status, entry.answer, entry.comment) == (int(status[:3]), b"", "")


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"", "no answer: Server disconnected without sending a response."),
        (b"junk\r\n\r\n", "no answer: illegal status line"),
        (
            b"HTTP/1.1 200 OK\r\nX-Token\x01: Zq7SecretValue99\r\nContent-Length: 0\r\n\r\n",
            "no answer: illegal header line",
        ),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "no answer: "),
    ],
    ids=["nothing", "junk", "a wrong header", "another protocol"],
)
def test_what_is_no_answer_is_told_and_recorded(tmp_path: Path, sent: bytes, why: str) -> None:
    head, body, entry, _ = exchange(sent, tmp_path)
    assert (head.partition(b"\r\n")[0], json.loads(body)["type"]) == (
        b"HTTP/1.1 502 Bad Gateway",
        "urn:mockfoundry:no-answer",
    )
    assert (entry.status, entry.comment.startswith(why)) == (0, True)
    assert b"Zq7SecretValue99" not in (tmp_path / "a.har").read_bytes()


@pytest.mark.parametrize(
    ("request_line", "got", "path"),
    [
        ("OPTIONS * HTTP/1.1", b"OPTIONS * HTTP/1.1", "/*"),
        ("GET http://127.0.0.1/v3/apps HTTP/1.1", b"GET /v3/apps HTTP/1.1", "/v3/apps"),
        ("GET //v3//apps HTTP/1.1", b"GET //v3//apps HTTP/1.1", "//v3//apps"),
        ("GET /v3/%2e%2e/a%2Fb?x=%ff HTTP/1.1", b"GET /v3/%2e%2e/a%2Fb?x=%ff HTTP/1.1", "/v3/%2e%2e/a%2Fb?x=%ff"),
    ],
)
def test_an_odd_target_passes(tmp_path: Path, request_line: str, got: bytes, path: str) -> None:
    """It never becomes a part of the host's name."""
    head, _, entry, line = exchange(answer("Allow: GET\r\n"), tmp_path, request_line)
    assert head.startswith(b"HTTP/1.1 200 OK\r\nallow: GET\r\n")
    assert line == got
    assert re.sub(r"http://127\.0\.0\.1:\d+", "", entry.url) == path


def test_a_header_that_leads_elsewhere_leads_to_the_proxy(tmp_path: Path) -> None:
    """A `Refresh`, too; and the token in it is not recorded."""
    upstream = RawUpstream(b"")
    url = f"http://127.0.0.1:{upstream.port}/x?access_token=Zq7SecretValue99"
    upstream.sent = answer(f"Refresh: 0; url={url}\r\n")
    with proxy_of(upstream.port, tmp_path / "a.har") as port:
        got = send(port, "GET /a HTTP/1.1")
    upstream.close()
    assert f"refresh: 0; url=http://127.0.0.1:{port}/x?access_token=Zq7SecretValue99\r\n".encode() in got
    assert b"Zq7SecretValue99" not in (tmp_path / "a.har").read_bytes()


@pytest.mark.long
def test_what_is_in_flight_at_the_end_is_recorded(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a word of the server's own about it."""
    silent = socket.create_server(("127.0.0.1", 0))
    with proxy_of(silent.getsockname()[1], tmp_path / "a.har") as port:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(f"GET /a HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        asked, _ = silent.accept()
        asked.recv(65536)
    connection.close()
    asked.close()
    silent.close()
    (entry,) = read_recording_file(tmp_path / "a.har").entries
    assert (entry.status, entry.comment) == (0, "no answer: the recording has ended before")
    assert capfd.readouterr().err == ""


def test_what_stands_behind_an_answer_is_not_the_next_one() -> None:
    """So no connection to the foundation is used twice."""
    behind = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"

    ended: list[asyncio.Task[None] | None] = []

    async def answer_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(behind + b"asked " + behind + b"behind")
        writer.close()

    async def ask_twice() -> list[str]:
        async with await asyncio.start_server(answer_twice, "127.0.0.1", 0) as upstream:
            url = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
            async with make_upstream_client(None, 10) as client:
                texts = [(await client.get(url)).text for _ in range(3)]
            await asyncio.wait_for(asyncio.gather(*filter(None, ended)), 10)
            return texts

    assert asyncio.run(ask_twice()) == ["asked "] * 3
