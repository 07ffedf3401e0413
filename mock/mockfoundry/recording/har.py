"""HAR files: the exchanges of a recording, as they are read. Never looks for a secret, never judges an exchange.

Source: HTTP Archive 1.2 (w3c.github.io/web-performance/specs/HAR/Overview.html). Keys of mockfoundry's own begin with
`_`, as the format asks. Files of browsers and of other proxies are read, too.
"""

import base64
from contextlib import suppress
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import msgspec

from mockfoundry.cloudfoundry.clock import LATEST_MOMENT
from mockfoundry.documents.times import parse_zoned_moment
from mockfoundry.journal.redaction import redact_line

NO_ANSWER = 0
"""The status of an exchange whose answer never came [as browsers write it]."""

STATUSES = range(200, 600)
"""What a server can send, and a scenario give [RFC 9110, 15]; a recorded answer may have had another one."""


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


class LeftOut(Enum):
    """Why a body is not kept, or not all of it."""

    LARGE = "beyond the bound"
    NO_TEXT = "it is no text"
    DEEP = "it nests too deep"
    PACKED = "it could not be unpacked"


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
        left_out: why bodies are not kept. It is not written to a file, whose readers have the comment.
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
    left_out: frozenset[LeftOut] = frozenset()

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
