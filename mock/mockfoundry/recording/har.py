"""HAR files: the exchanges of a recording, read and written. Never looks for a secret, never judges an exchange.

Source: HTTP Archive 1.2 (w3c.github.io/web-performance/specs/HAR/Overview.html). Keys of mockfoundry's own begin with
`_`, as the format asks. Files of browsers and of other proxies are read, too.
"""

import base64
import json
import os
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from mockfoundry.cloudfoundry.clock import LATEST_MOMENT
from mockfoundry.documents.times import format_precise_moment, parse_zoned_moment
from mockfoundry.journal.redaction import redact_line
from mockfoundry.version import __version__

NO_ANSWER = 0
"""The status of an exchange whose answer never came [as browsers write it]."""

STATUSES = range(200, 600)
"""What a server can send, and a scenario give [RFC 9110, 15]; a recorded answer may have had another one."""

OWNER_ONLY = 0o600


class HarError(Exception):
    """A file can't be read as a recording, or not be written; the text says why, and what to do."""


class HarActor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who asked, as their token said it; the token itself is not kept.

    Attributes:
        name: of the user, empty for a client.
        guid: of the user.
        scopes: of the token.
    """

    name: str = ""
    guid: str = ""
    scopes: tuple[str, ...] = ()


class HarEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange.

    Attributes:
        started: real microseconds since the epoch.
        took: microseconds.
        method: upper case.
        url: where the foundation was asked, query included.
        headers, answer_headers: names in lower case.
        content, answer: the bodies, decoded; empty where there was none, or where it was left out.
        status: NO_ANSWER where none came.
        actor: None where no token said it.
        comment: what was left out, and why no answer came; empty for nothing.
    """

    started: int
    took: int = 0
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    content: bytes = b""
    status: int
    answer_headers: tuple[tuple[str, str], ...] = ()
    answer: bytes = b""
    actor: HarActor | None = None
    comment: str = ""

    def header(self, name: str) -> str:
        """A request's header, empty if there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def answer_header(self, name: str) -> str:
        """An answer's header, empty if there is none."""
        return next((value for key, value in self.answer_headers if key == name), "")

    @property
    def value(self) -> Any:
        """The answer's body as a value of JSON; msgspec.UNSET where it is none."""
        if "json" not in self.answer_header("content-type").lower():
            return msgspec.UNSET
        try:
            return msgspec.json.decode(self.answer)
        except (ValueError, RecursionError):
            return msgspec.UNSET


class Recording(msgspec.Struct, frozen=True):
    """The exchanges of a file, in the order in which they began.

    Attributes:
        upstream: the URL of the foundation, without a slash at its end; empty where nothing says it.
    """

    entries: tuple[HarEntry, ...]
    upstream: str = ""


def entry_to_dict(entry: HarEntry) -> dict[str, Any]:
    """An exchange as an entry of HAR."""
    parts = urlsplit(entry.url)
    request: dict[str, Any] = {
        "method": entry.method,
        "url": entry.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers_to_list(entry.headers),
        "queryString": [
            {"name": name, "value": value} for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(entry.content),
    }
    if entry.content:
        text, encoding = write_body(entry.content)
        request["postData"] = {"mimeType": entry.header("content-type"), "params": [], "text": text, **encoding}
    text, encoding = write_body(entry.answer)
    milliseconds = entry.took / 1000
    written: dict[str, Any] = {
        "startedDateTime": format_precise_moment(entry.started),
        "time": milliseconds,
        "request": request,
        "response": {
            "status": entry.status,
            "statusText": find_phrase(entry.status),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers_to_list(entry.answer_headers),
            "content": {
                "size": len(entry.answer),
                "mimeType": entry.answer_header("content-type"),
                "text": text,
                **encoding,
            },
            "redirectURL": entry.answer_header("location"),
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }
    if entry.actor is not None:
        written["_actor"] = msgspec.to_builtins(entry.actor)
    if entry.comment:
        written["comment"] = entry.comment
    return written


def headers_to_list(headers: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def write_body(content: bytes) -> tuple[str, dict[str, str]]:
    """A body as text, and how that is to be read."""
    try:
        return content.decode(), {}
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), {"encoding": "base64"}


def find_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class HarWriter:
    """Writes a recording: beside its file, which is whole at any time, and is given its name at the end.

    Args:
        path: of the file; must not be there yet.
        upstream: the URL of the foundation.

    Raises:
        HarError: there is such a file, or it can't be written.
    """

    def __init__(self, path: Path, upstream: str) -> None:
        self.path = path
        must_be_free(path)
        self.part = path.with_name(f"{path.name}.part")
        creator = {"name": "mockfoundry", "version": __version__}
        head = {"version": "1.2", "creator": creator, "_upstream": upstream, "entries": []}
        self._head = json.dumps({"log": head}, ensure_ascii=False)[: -len("]}}")]
        self._is_first = True
        try:
            descriptor = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        except FileExistsError:
            raise HarError(
                f"{self.part} exists, of a recording that was killed; keep it elsewhere, or remove it"
            ) from None
        except ValueError:
            raise HarError(f"{str(path)[:100]!r} can't be the name of a file; take another one") from None
        except OSError as error:
            raise HarError(f"{self.part} can't be written: {error.strerror or error}") from None
        self._file: IO[bytes] = os.fdopen(descriptor, "wb")
        try:
            self._file.write(self._head.encode())
            self._end = self._file.tell()
            self._write_tail("")
        except OSError as error:
            self._let_go()
            self.part.unlink(missing_ok=True)
            raise HarError(f"{self.part} can't be written: {error.strerror or error}") from None

    def add(self, entry: HarEntry) -> int:
        """Writes an exchange; how many bytes it took.

        Raises:
            HarError: it can't be written.
        """
        written = msgspec.json.encode(entry_to_dict(entry))
        try:
            self._file.seek(self._end)
            self._file.write((b"\n" if self._is_first else b",\n") + written)
            self._end = self._file.tell()
            self._is_first = False
            self._write_tail("")
        except OSError as error:
            raise HarError(f"{self.part} can't be written: {error.strerror or error}") from None
        return len(written)

    def _write_tail(self, comment: str) -> None:
        self._file.seek(self._end)
        told = f', "comment": {json.dumps(comment)}' if comment else ""
        self._file.write(f"\n]{told}}}}}\n".encode())
        self._file.truncate()
        self._file.flush()

    def _let_go(self) -> None:
        with suppress(OSError):
            self._file.close()

    def close(self, comment: str = "") -> None:
        """Completes the file.

        Args:
            comment: what is to be said of all exchanges, empty for nothing.

        Raises:
            HarError: it can't be given its name; what was recorded is beside it.
        """
        try:
            self._write_tail(comment)
            os.fsync(self._file.fileno())
            self._file.close()
            give_name(self.part, self.path)
        except FileExistsError:
            raise HarError(f"{self.path} exists by now; the recording is in {self.part}") from None
        except OSError as error:
            self._let_go()
            raise HarError(f"{self.path} can't be written: {error.strerror or error}; look for {self.part}") from None


def must_be_free(path: Path) -> None:
    """Refuses what can't be the name of a new file.

    Raises:
        HarError: it can't.
    """
    try:
        is_folder, is_there = path.is_dir(), os.path.lexists(path)
    except OSError as error:
        raise HarError(f"{str(path)[:100]} can't be written: {error.strerror or error}") from None
    if is_folder:
        raise HarError(f"{path} is a folder; name a file in it")
    if is_there:
        raise HarError(f"{path} exists; name another file, or remove that one")


def give_name(part: Path, path: Path) -> None:
    """Gives a file its name, which no other file must have by now."""
    try:
        # It fails where there is such a file, which a renaming would replace.
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        part.rename(path)
    else:
        part.unlink()


def read_har(text: bytes, source: str) -> Recording:
    """The exchanges of a file's text, as they are: a browser's have secrets.

    Raises:
        HarError: it is no HAR file.
    """
    try:
        document = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise HarError(f"{source} is not JSON: {error}; give a HAR file") from None
    match document:
        case {"log": {"entries": list(entries), **log}}:
            read = [read_entry(each, f"{source}: log.entries[{number}]") for number, each in enumerate(entries)]
            in_order = tuple(sorted(read, key=lambda entry: entry.started))
            upstream = log.get("_upstream")
            if isinstance(upstream, str) and not is_url(upstream):
                raise HarError(f"{source}: log._upstream is {shorten(upstream)}; give a URL")
            return Recording(in_order, upstream.rstrip("/") if isinstance(upstream, str) else guess_upstream(in_order))
    raise HarError(f"{source} has no log.entries; give a HAR file, as mockfoundry record and browsers write it")


def shorten(text: str) -> str:
    """A text of a file as a message has it."""
    return repr(redact_line(text)[:60])


def is_url(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


def guess_upstream(entries: tuple[HarEntry, ...]) -> str:
    """The host of the first request to the API; empty where there is none. What a browser asked is of many hosts."""
    for entry in entries:
        parts = urlsplit(entry.url)
        if parts.path.startswith("/v3/"):
            return f"{parts.scheme}://{parts.netloc}"
    return ""


MAX_TOOK = 1e9
"""Milliseconds that an exchange may have taken; of one that says more nothing is known."""


def read_entry(value: Any, where: str) -> HarEntry:
    match value:
        case {
            "startedDateTime": str(started),
            "request": {"method": str(method), "url": str(url), **request},
            "response": {"status": int(status), **response},
            **rest,
        }:
            try:
                moment = parse_zoned_moment(started)
                if not 0 <= moment <= LATEST_MOMENT:
                    raise ValueError(started)
            except (ValueError, OverflowError):
                raise HarError(f"{where}.startedDateTime is {shorten(started)}; give a moment with its zone") from None
            try:
                urlsplit(url)
            except ValueError:
                raise HarError(f"{where}.request.url is {shorten(url)}; give a URL") from None
            took = rest.get("time")
            comment = rest.get("comment")
            return HarEntry(
                started=moment,
                took=int(took * 1000) if isinstance(took, int | float) and 0 < took < MAX_TOOK else 0,
                method=method.upper(),
                url=url,
                headers=read_headers(request.get("headers")),
                content=read_body(request.get("postData")),
                status=status,
                answer_headers=read_headers(response.get("headers")),
                answer=read_body(response.get("content")),
                actor=read_actor(rest.get("_actor")),
                comment=comment if isinstance(comment, str) else "",
            )
    raise HarError(
        f"{where} is no entry of HAR: it needs startedDateTime, request.method, request.url, response.status"
    )


def read_headers(value: Any) -> tuple[tuple[str, str], ...]:
    found = []
    for each in value if isinstance(value, list) else ():
        match each:
            # Browsers list HTTP/2's own as headers, too: `:path`.
            case {"name": str(name), "value": str(text)} if not name.startswith(":"):
                found.append((name.lower(), text))
    return tuple(found)


def read_body(value: Any) -> bytes:
    match value:
        case {"text": str(text), "encoding": "base64"}:
            with suppress(ValueError):
                return base64.b64decode(text)
            return text.encode()
        case {"text": str(text)}:
            return text.encode("utf-8", "replace")
    return b""


def read_actor(value: Any) -> HarActor | None:
    with suppress(msgspec.ValidationError):
        return None if value is None else msgspec.convert(value, HarActor)
    return None
