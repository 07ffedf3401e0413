"""The bounded protocol: uvicorn's httptools protocol, with bounds on what a request may be before it is whole.

A request is refused as soon as its line, its headers, or its announced or gathered body are beyond a limit, and nothing
more of it is gathered; what it may take of time is bounded in `closing.py`. Both doors are made on this, and never see
such a request.
"""

import asyncio
import logging
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.routing import line_too_long_response
from mockfoundry.server.closing import BODY, HEAD, IDLE, ClosingProtocol
from mockfoundry.server.delivery import READY_RESPONSE_KEY, TRANSPORT_KEY
from mockfoundry.server.limits import (
    OLD_VERSIONS,
    failed_response,
    headers_too_large_response,
    is_host,
    no_tunnel_response,
    not_http_response,
    too_many_connections_response,
)
from mockfoundry.server.refusals import (
    find_max_body,
    is_control_call,
    refuse_as_client_reads,
    refuse_body,
    refuse_hosts,
)

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

SLICE_BYTES = 1024
"""How much is parsed at a time, but for a body whose length is known: no slice has more than a few requests."""

REQUESTS_PER_TURN = 8
"""After how many requests the rest of what was received waits for the loop's next turn, so that others have theirs."""

UNREAD_BYTES = 65_536
"""How much is received of what waits behind a request that is being answered, so that the client's end is seen."""

EXPECTED_METHODS = (
    "connection_made",
    "connection_lost",
    "on_message_begin",
    "on_url",
    "on_header",
    "on_headers_complete",
    "on_body",
    "on_message_complete",
    "on_response_complete",
    "data_received",
)

log = logging.getLogger("mockfoundry")


def has_expected_methods() -> bool:
    """Whether uvicorn's class still has the methods that are overridden or called here."""
    return all(callable(getattr(HttpToolsProtocol, name, None)) for name in EXPECTED_METHODS)


class StopReadingError(Exception):
    """Ends the parser's work in one of its callbacks: nothing more is read from this connection."""


class BoundedProtocol(ClosingProtocol):
    """One connection, whose messages go uvicorn's ordinary way, through the ASGI door.

    Attributes:
        in_headers: whether headers are being read; a header that comes later is a trailer, and is ignored.
        rereads: whether the message offers an upgrade, so that it will be read again without that.
        is_control: whether the message is a call of the control API, which has its own bound for its body.
        direct: whether it is gathered here, not by uvicorn.
        open_cycles: those that are being answered or wait for that, the oldest first; complete ones may be left in it.
        header_bytes: of its line, headers and trailers, as far as they were counted.
        counted_headers: how many of its headers are among them.
        silent_bytes: received since the parser last called back.
        announced_length: of the message's body; 0 where it was not said.
        unread: received, and not parsed yet.
        reads_later: whether the loop is to parse more of that.
        requests: begun in this turn of the loop.
    """

    in_headers: bool = False
    rereads: bool = False
    is_control: bool = False
    direct: bool = False
    header_bytes: int = 0
    counted_headers: int = 0
    silent_bytes: int = 0
    content: list[bytes]
    content_length: int = 0
    max_body: int = 0
    announced_length: int = 0
    unread: bytearray
    reads_later: bool = False
    requests: int = 0
    open_cycles: "deque[RequestResponseCycle]"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.open_cycles = deque()
        self.unread = bytearray()
        if len(self.connections) - len(self.extra) > self.limits.connections:
            self.extra.add(self)
            self._refuse(too_many_connections_response(self.limits))
        else:
            self._set_deadline()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        # uvicorn tells its newest cycle alone, which may wait behind the one that is being answered.
        for cycle in self.open_cycles:
            if not cycle.response_complete:
                cycle.disconnected = True
            cycle.message_event.set()

    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        if not (self.unread or self.pipeline) and len(data) <= self._find_slice_length():
            self._parse(data)
            return
        self.unread += data
        if not self.reads_later:
            self._read_on()

    def _find_slice_length(self) -> int:
        return max(SLICE_BYTES, self.announced_length - self.content_length if self.stage == BODY else 0)

    def _read_on(self) -> None:
        """Parses what was received, until a few requests were begun, or one has to wait for another one's answer."""
        self.reads_later = False
        self.requests = 0
        while self.unread and self.requests < REQUESTS_PER_TURN:
            if self.refused or self.transport.is_closing():
                self.unread.clear()
                return
            if self.pipeline:
                break
            length = self._find_slice_length()
            part = bytes(self.unread[:length])
            del self.unread[:length]
            self._parse(part)
        if self.unread and not self.pipeline:
            self.flow.pause_reading()
            self._read_later()
        elif len(self.unread) > UNREAD_BYTES:
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()

    def _read_later(self) -> None:
        if not self.reads_later:
            self.reads_later = True
            self.loop.call_soon(self._read_on)

    def _parse(self, data: bytes) -> None:
        # The parser buffers an unfinished header line without calling back, so these bytes are counted here.
        self.silent_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            if not (self.refused or self.transport.is_closing()):
                self._refuse_unread(error)
            return
        if self.in_headers:
            self._count_headers()
        is_too_large = self.silent_bytes > 2 * self.limits.headers or self.header_bytes > self.limits.headers
        if is_too_large and not self.transport.is_closing():
            self._refuse(self._headers_too_large_response())
        elif self.stage != self.timed_stage:
            self._set_deadline()

    def on_message_begin(self) -> None:
        if self.transport.is_closing():
            raise StopReadingError
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.stage = HEAD
        self.timed_stage = None
        self.in_headers = True
        self.rereads = False
        self.has_cycle = False
        self.direct = False
        self.header_bytes = 0
        self.counted_headers = 0
        self.silent_bytes = 0
        self.content_length = 0
        self.announced_length = 0
        self.requests += 1

    def on_url(self, url: bytes) -> None:
        self.silent_bytes = 0
        self.url += url
        self.header_bytes += len(url)
        if self.header_bytes > self.limits.headers:
            self._stop(self._headers_too_large_response() if is_control_call(self.url) else line_too_long_response())

    def on_header(self, name: bytes, value: bytes) -> None:
        # uvicorn's own is not called: this is, for each header of each request.
        self.silent_bytes = 0
        if self.in_headers:
            self.headers.append((name.lower(), value))
            return
        self.header_bytes += len(name) + len(value)
        if self.header_bytes > self.limits.headers:
            self._stop(self._headers_too_large_response())

    def _count_headers(self) -> None:
        """Counts the headers that came since that was last done, all those of a read together."""
        self.header_bytes += sum(map(len, chain.from_iterable(self.headers[self.counted_headers :])))
        self.counted_headers = len(self.headers)

    def on_headers_complete(self) -> None:
        self.silent_bytes = 0
        self.in_headers = False
        self._count_headers()
        if self.header_bytes > self.limits.headers:
            self._stop(self._headers_too_large_response())
        self.stage = BODY
        if self.parser.get_method() == b"CONNECT":
            self._stop(no_tunnel_response(self.url.decode("latin-1")))
        self.rereads = self.parser.should_upgrade()
        if self.rereads:
            return
        headers = self.headers
        named = dict(headers)
        if self.url[:1] != b"/" or b"#" in self.url:
            self._take_origin_form()
        self.is_control = is_control_call(self.url)
        if not (len(named) == len(headers) and is_host(named.get(b"host", b""))):
            hosts = [value for name, value in headers if name == b"host"]
            # A client of an older version may send none.
            refusal = refuse_hosts(self.url, hosts) if hosts or not self._has_old_version() else None
            if refusal is not None:
                self._stop(refusal)
        self.max_body = find_max_body(self.url, self.limits) if self.is_control else self.limits.body
        announced = named.get(b"content-length")
        if announced is not None:
            self.announced_length = int(announced)
            if self.announced_length > self.max_body:
                self._stop(refuse_body(self.url, self.limits))
        if b"expect" in named:
            self.expect_100_continue = any(
                name == b"expect" and value.lower() == b"100-continue" for name, value in headers
            )
        if self.expect_100_continue and (
            self._has_old_version() or not (self.announced_length or b"transfer-encoding" in named)
        ):
            # There is no body to ask for, or no client that knows the answer [RFC 9110, 10.1.1].
            self.expect_100_continue = False
        self.begin_message()

    def begin_message(self) -> None:
        """Takes the message whose head has been read."""
        self.begin_cycle(None)

    def on_body(self, body: bytes) -> None:
        self.silent_bytes = 0
        if self.rereads:
            return
        self.content_length += len(body)
        if self.content_length > self.max_body:
            self._stop(refuse_body(self.url, self.limits))
        if self.direct:
            self.content.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self.silent_bytes = 0
        if self.rereads:
            return
        self.stage = IDLE
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.unread:
            self._read_later()

    def begin_cycle(self, ready: Response | PendingRequest | None) -> None:
        """Hands the message to uvicorn's ordinary way, with what its class prepares when a message begins.

        Args:
            ready: what is to be sent, where the exchange was already made.
        """
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        scope = cast("dict[str, object]", self.scope)
        scope[TRANSPORT_KEY] = self.transport
        if ready is not None:
            scope[READY_RESPONSE_KEY] = ready
        self.has_cycle, self.cycle_before = True, self.cycle
        super().on_headers_complete()
        while self.open_cycles and self.open_cycles[0].response_complete:
            self.open_cycles.popleft()
        self.open_cycles.append(self.cycle)
        if self.pipeline:
            # uvicorn reads nothing more, and would not see that the client has gone. What comes stays unread here.
            self.flow.resume_reading()

    def _headers_too_large_response(self) -> Response:
        return refuse_as_client_reads(headers_too_large_response(self.limits), self.url)

    def _has_old_version(self) -> bool:
        return self.parser.get_http_version() in OLD_VERSIONS

    def _take_origin_form(self) -> None:
        """Turns a URL in absolute form into a path; its authority replaces the Host header [RFC 9112, 3.2.2]."""
        try:
            parsed = httptools.parse_url(self.url)
        except httptools.HttpParserError:
            self.url = b"/" + self.url
            return
        self.url = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
        if parsed.host:
            host = b"[%s]" % parsed.host if b":" in parsed.host else parsed.host
            authority = host + (b":%d" % parsed.port if parsed.port else b"")
            self.headers = [(name, value) for name, value in self.headers if name != b"host"]
            self.headers.append((b"host", authority))

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Reads a request that offers another protocol as if it did not, which HTTP allows [RFC 9110, 7.8].

        The parser skips the body of such a request, so a new parser reads it, from a head without that offer.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        head = [method, b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, value in self.headers:
            if name == b"connection" and b"close" in value.lower():
                head.append(b"connection: close\r\n")
            elif name not in (b"upgrade", b"http2-settings", b"connection"):
                head += (name, b": ", value, b"\r\n")
        self.parser = httptools.HttpRequestParser(self)
        self.unread[:0] = rest
        self._parse(b"".join((*head, b"\r\n")))
        if self.unread:
            self._read_later()

    def _refuse_unread(self, error: httptools.HttpParserError) -> None:
        """Answers what the parser, or one of its callbacks here, has failed on."""
        cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
        if cause is None or isinstance(cause, httptools.HttpParserError):
            self._refuse(not_http_response(str(cause or error)))
        else:
            log.error("mockfoundry failed on %s", self.url.decode("latin-1"), exc_info=cause)
            self._refuse(failed_response())

    def _stop(self, response: Response) -> None:
        """Refuses the message, from one of the parser's callbacks.

        Raises:
            StopReadingError: always.
        """
        self._refuse(response)
        raise StopReadingError
