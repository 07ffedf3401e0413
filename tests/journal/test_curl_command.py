"""The curl command of an exchange sends the same request again, from a plain shell, and runs nothing of it as code."""

import json
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockfoundry.journal.curl import curl_command
from mockfoundry.journal.entry import JournalEntry
from tests.journal.exchanges import record_entry
from tests.searching import examples

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


def received_from(command: str, folder: Path, **variables: str) -> bytes:
    """What a server receives of a command that is run by `sh`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        received: list[bytes] = []

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                received.append(read_request_bytes(connection))
                connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        ran = subprocess.run(
            ["sh"],
            input=command.replace("http://there", f"http://127.0.0.1:{port}").encode(),
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8", **variables},
            capture_output=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        thread.join(60)
    return received[0]


def read_request_bytes(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def parse(received: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """The request line, the headers but for those of the connection, and the body."""
    head, _, body = received.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    named = {name.lower(): value.strip() for name, _, value in (each.partition(b":") for each in headers)}
    return line, {name: value for name, value in named.items() if name not in (b"host", b"content-length")}, body


ENTRIES: dict[str, JournalEntry] = {
    "code": record_entry(headers={b"x-note": b"$TOKEN$(touch x)`touch y`'; touch z; '", b"accept": b"a"}),
    "an empty header": record_entry(headers={b"x-empty": b"", b"accept": b"*/*"}),
    "no content type": record_entry(content=b'{"instances": 2}'),
    "a pattern": record_entry(target="/v3/[1-3]/{a,b}", query_string=b"names[]=a", method="GET"),
    "segments of dots": record_entry(target="/v3/../a/./b", method="GET"),
    "a method": record_entry(method="PATCH", content=b"{}"),
    "get with a body": record_entry(method="GET", content=b"x"),
    "no text": record_entry(content=bytes(range(256)) + b"%d%s\\n'", headers={b"content-type": b"image/png"}),
    "parts": record_entry(
        content=b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xyz--\r\n',
        headers={b"content-type": b"multipart/form-data; boundary=xyz"},
    ),
    "a hyphen before bytes": record_entry(content=b"-\x00\xff", headers={b"x-note": b"-n\x1b[31m"}),
    "lines": record_entry(content=b"one\ntwo\r\n\tthree", headers={b"content-type": b"text/plain"}),
    "other scripts": record_entry(
        content="é日'\"$x".encode(), headers={b"x-note": "é".encode(), b"x-old": b"\xe9\x9b"}
    ),
    "escape": record_entry(headers={b"x-note": b"a\x1b[31m%s"}, content=b"\x1b]0;x\x07"),
    "bidi": record_entry(content="a\u202eb".encode()),
    "agent": record_entry(headers={b"user-agent": b"client/1", b"accept": b"application/json"}),
}


@needs_curl
@pytest.mark.parametrize("name", ENTRIES)
def test_it_sends_the_same_request(name: str, tmp_path: Path) -> None:
    entry = ENTRIES[name]
    request = entry.request
    command = curl_command(entry, "http://there")
    assert all(sign.isprintable() or sign == "\n" for sign in command)
    line, headers, body = parse(received_from(command, tmp_path))
    query = b"?" + request.query_string if request.query_string else b""
    assert line == b"%s %s%s HTTP/1.1" % (request.method.encode(), request.target.encode("latin-1"), query)
    sent = dict(request.headers)
    if sent.get(b"accept") == b"*/*":
        headers.pop(b"user-agent", None)
    assert headers == sent
    assert body == request.content
    assert list(tmp_path.iterdir()) == []


@needs_curl
def test_variables_take_the_places_of_secrets(tmp_path: Path) -> None:
    entry = record_entry(
        query_string=b"access_token=one&page=1",
        headers={
            b"authorization": b"Bearer t0ken $x",
            b"cookie": b"a=two; b=three",
            b"content-type": b"application/json",
        },
        content=b'{ "password": "four",  "a": "$(touch x) \'" }',
    )
    command = curl_command(entry, "http://there")
    assert "'authorization: Bearer '\"$TOKEN\"" in command
    named = {"TOKEN": "T", "SECRET": "S1", "SECRET_2": "S2", "SECRET_3": "S3", "SECRET_4": "S4"}
    line, headers, body = parse(received_from(command, tmp_path, **named))
    found = b" ".join((line, headers[b"cookie"], body))
    assert headers[b"authorization"] == b"Bearer T"
    assert all(each in found for each in (b"access_token=S", b"&page=1", b"a=S", b"; b=S", b'{ "password": "S'))
    assert b'",  "a": "$(touch x) \'" }' in body
    assert list(tmp_path.iterdir()) == []


@needs_curl
@settings(max_examples=examples(20))
@given(value=st.binary(max_size=40), content=st.binary(max_size=60))
def test_any_bytes_are_sent_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, value: bytes, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("sent")
    note = bytes(byte for byte in value if byte not in b"\x00\r\n").strip()
    entry = record_entry(headers={b"x-note": note, b"content-type": b"x/y"}, content=content)
    _, headers, body = parse(received_from(curl_command(entry, "http://there"), folder))
    assert headers[b"x-note"] == note
    assert body == content
    assert list(folder.iterdir()) == []


MARKED = b'{"name":"API_KEY","value":"zzzz9zzz","x":"\\ufdd3MY_PRIVATE\\ufdd4"}'
WRITTEN = b'{"password":"zzzz9zzz","x":"\xef\xb7\x93MY_PRIVATE\xef\xb7\x94"}'


@needs_curl
@pytest.mark.parametrize("content", [MARKED, WRITTEN])
@pytest.mark.parametrize("content_type", [b"application/json", b"text/plain"])
def test_no_client_can_write_a_variable(content: bytes, content_type: bytes, tmp_path: Path) -> None:
    entry = record_entry(
        headers={b"content-type": content_type, b"x-note": b"\xef\xb7\x93MY_PRIVATE\xef\xb7\x94"},
        query_string=b"x=\xef\xb7\x93MY_PRIVATE\xef\xb7\x94",
        content=content,
    )
    command = curl_command(entry, "http://there")
    assert "$MY_PRIVATE" not in command
    assert "$TOKEN" not in command
    variables = {"MY_PRIVATE": "theirs", "TOKEN": "theirs", "SECRET": "zzzz9zzz"}
    _, headers, body = parse(received_from(command, tmp_path, **variables))
    assert headers[b"x-note"] == b"\xef\xb7\x93MY_PRIVATE\xef\xb7\x94"
    assert json.loads(body) == json.loads(content)


@needs_curl
def test_a_large_body_is_sent_whole(tmp_path: Path) -> None:
    content = b'{"password": "four", "lines": "' + b"it's 100 % \\n of them; " * 10_000 + b'"}'
    entry = record_entry(content=content, headers={b"content-type": b"application/json"})
    _, _, body = parse(received_from(curl_command(entry, "http://there"), tmp_path, SECRET="four"))
    assert body == content


def test_a_host_that_names_a_foundation_is_sent() -> None:
    entry = record_entry(headers={b"host": b"mine.localhost:8080"})
    assert "-H 'host: mine.localhost:8080'" in curl_command(entry, "http://127.0.0.1:8080")
    assert "'host:" not in curl_command(entry, "http://mine.localhost:8080")
