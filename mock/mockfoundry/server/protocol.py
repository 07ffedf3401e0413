"""The protocol door: uvicorn's httptools protocol, a whole request in one call. Never knows what a process is.

uvicorn's own class makes a task, an event and ASGI messages for each request. Here a request that can be answered at
once never gets that far: it is gathered, exchanged and written in the parser's own callback. A call of the control API
goes the same way, unless it follows a journal. Everything else (HEAD, upgrades, `Expect`, a request behind one that is
still being answered, a client that reads too slowly, an answer that must wait or break) goes uvicorn's ordinary way,
through the ASGI door, so keep-alive, pipelining, back-pressure and graceful stop stay uvicorn's.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockfoundry.exchange.request import CONTROL_PATH, Request, read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.server.connection import render_head
from mockfoundry.server.delivery import (
    READY_RESPONSE_KEY,
    TRANSPORT_KEY,
    ServerLimits,
    body_too_large_response,
    headers_too_large_response,
)

if TYPE_CHECKING:
    from mockfoundry.control.api import ControlApi

CONTROL_PATH_BYTES = CONTROL_PATH.encode("ascii")
STREAM_PARAMETER = b"follow=true"
"""What the URL of a control call holds that follows a journal."""

LINGER_SECONDS = 1.0
"""How long a connection is kept after its request was refused for its size."""

EXPECTED_METHODS = (
    "on_message_begin",
    "on_url",
    "on_header",
    "on_headers_complete",
    "on_body",
    "on_message_complete",
    "on_response_complete",
    "data_received",
)


def has_expected_methods() -> bool:
    """Whether uvicorn's class still has the methods that this door overrides or calls."""
    return all(callable(getattr(HttpToolsProtocol, name, None)) for name in EXPECTED_METHODS)


def make_protocol_class(
    service: Service, limits: ServerLimits, control: "Callable[[], ControlApi]"
) -> type[HttpToolsProtocol]:
    """The protocol for a service: uvicorn makes one object of it for each connection.

    Args:
        control: gives the control API, which is made when it is first called, since that takes a moment.
    """
    return type(
        "MockProtocol", (DirectProtocol,), {"service": service, "limits": limits, "control": staticmethod(control)}
    )


class TransportProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, which hands its transport to the ASGI app, so that faults can break it.

    Attributes:
        in_headers: whether headers are being read; a header that comes later is a trailer, and is ignored.
    """

    in_headers: bool = False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_headers = True
        cast("dict[str, object]", self.scope)[TRANSPORT_KEY] = self.transport

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.in_headers = False
        super().on_headers_complete()


class DirectProtocol(TransportProtocol):
    """One connection.

    Attributes:
        direct: whether the message that is being read will be answered here, not by uvicorn's ordinary way.
        is_control: whether it is a call of the control API, which has its own bound for its body.
        ignored: whether it will not be answered at all, since the connection is closing.
        header_bytes: of its headers and trailers.
        silent_bytes: received since the parser last called back.
    """

    service: Service
    limits: ServerLimits
    control: "Callable[[], ControlApi]"

    direct: bool = False
    is_control: bool = False
    ignored: bool = False
    header_bytes: int = 0
    silent_bytes: int = 0
    content: list[bytes]
    content_length: int = 0

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        # The parser buffers an unfinished header line without calling back, so these bytes are counted here.
        self.silent_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            if not self.transport.is_closing():
                self.send_400_response("Invalid HTTP request received.")
        else:
            if self.silent_bytes > 2 * self.limits.headers and not self.transport.is_closing():
                self._refuse(headers_too_large_response(self.limits))

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.in_headers = True
        self.ignored = False
        self.header_bytes = 0
        self.silent_bytes = 0

    def on_url(self, url: bytes) -> None:
        self.silent_bytes = 0
        self.url += url
        self._count_header_bytes(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self.silent_bytes = 0
        self._count_header_bytes(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.silent_bytes = 0
        self.in_headers = False
        # Headers that were too large have been answered already, though the parser goes on.
        self.ignored = self.ignored or self.transport.is_closing() or self.parser.should_upgrade()
        if self.ignored:
            return
        if self.url[:1] != b"/" or b"#" in self.url:
            self._take_origin_form()
        self.is_control = is_control = self.url.startswith(CONTROL_PATH_BYTES)
        cycle = self.cycle
        self.direct = direct = (
            (cycle is None or cycle.response_complete)
            and not self.flow.write_paused
            and not self.expect_100_continue
            and not (is_control and STREAM_PARAMETER in self.url.lower())
            and self.parser.get_method() != b"HEAD"
        )
        if direct:
            self.content = []
            self.content_length = 0
        else:
            self._begin_cycle(None)

    def on_body(self, body: bytes) -> None:
        self.silent_bytes = 0
        if self.ignored:
            return
        if not self.direct:
            super().on_body(body)
            return
        self.content_length += len(body)
        if self.is_control:
            self._gather_control_body(body)
        elif self.content_length <= self.limits.body:
            self.content.append(body)
        else:
            self._refuse(body_too_large_response(self.limits))

    def _gather_control_body(self, body: bytes) -> None:
        from mockfoundry.control.api import MAX_CONTROL_BODY_BYTES, too_large_response

        if self.content_length <= MAX_CONTROL_BODY_BYTES:
            self.content.append(body)
        else:
            self._refuse(too_large_response(self.url.partition(b"?")[0].decode("latin-1")))

    def on_message_complete(self) -> None:
        self.silent_bytes = 0
        if self.ignored:
            return
        if not self.direct:
            super().on_message_complete()
        elif not self.transport.is_closing():
            self._handle_message()

    def _count_header_bytes(self, size: int) -> None:
        self.header_bytes += size
        if self.header_bytes > self.limits.headers and not self.transport.is_closing():
            self._refuse(headers_too_large_response(self.limits))

    def _refuse(self, response: Response) -> None:
        """Answers a message that is larger than allowed before it ends.

        The connection is closed a little later, and what comes until then is ignored: to close it with unread bytes
        would reset it, and the client would lose the response.
        """
        if self.ignored:
            return
        self.ignored = True
        self.transport.write(render_head(response, keep_alive=False) + response.body)
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _take_origin_form(self) -> None:
        """Turns a URL in absolute form into a path; its authority replaces the Host header [RFC 9112, 3.2.2]."""
        try:
            parsed = httptools.parse_url(self.url)
        except httptools.HttpParserError:
            self.url = b"/" + self.url
            return
        self.url = (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")
        if parsed.host:
            authority = parsed.host + (b":%d" % parsed.port if parsed.port else b"")
            self.headers[:] = [(name, value) for name, value in self.headers if name != b"host"]
            self.headers.append((b"host", authority))

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Reads a request that offers another protocol as if it did not, which HTTP allows [RFC 9110, 7.8].

        The parser skips the body of such a request, so a new parser reads it, from a head without that offer.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        head = [method, b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, value in self.headers:
            if name not in (b"upgrade", b"http2-settings", b"connection"):
                head += (name, b": ", value, b"\r\n")
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join((*head, b"\r\n", rest)))

    def _handle_message(self) -> None:
        path, _, query = self.url.partition(b"?")
        request = read_request(
            self.parser.get_method().decode("ascii"),
            path.decode("latin-1"),
            query,
            self.headers,
            b"".join(self.content),
            self.scheme or "http",
            time.time_ns() // 1000,
            self.service.trust_forwarded,
        )
        response = self._handle_control_call(request) if self.is_control else handle_request(self.service, request)
        if isinstance(response, PendingRequest) or response.delay or response.hold or response.fault:
            self._begin_cycle(response)
            super().on_message_complete()
            return
        parser = self.parser
        keep_alive = parser.get_http_version() != "1.0" and parser.should_keep_alive()
        self.transport.write(render_head(response, keep_alive) + response.body)
        if not keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _handle_control_call(self, request: Request) -> Response | PendingRequest:
        from mockfoundry.control.api import handle_control_request

        return handle_control_request(self.control(), request)

    def _begin_cycle(self, ready: Response | PendingRequest | None) -> None:
        """Hands the message to uvicorn's ordinary way, with what its class prepares when a message begins."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        if ready is not None:
            cast("dict[str, object]", self.scope)[READY_RESPONSE_KEY] = ready
        super().on_headers_complete()
