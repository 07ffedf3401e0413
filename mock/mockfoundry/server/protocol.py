"""The protocol door: uvicorn's httptools protocol, a whole request in one call. Never knows what a process is.

uvicorn's own class makes a task, an event and ASGI messages for each request. Here a request that can be answered at
once never gets that far: it is gathered, exchanged and written in the parser's own callback. Everything else (HEAD,
upgrades, `Expect`, the control API, a request behind one that is still being answered, a reader that is behind, an
answer that must wait or break) goes uvicorn's ordinary way, through the ASGI door, so keep-alive, pipelining,
back-pressure and graceful stop stay uvicorn's.
"""

import time
from typing import cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockfoundry.exchange import Service, answer
from mockfoundry.requests import Outcome, Parked, Request
from mockfoundry.server.limits import Limits, body_too_large, headers_too_large
from mockfoundry.server.wire import head_of

CONTROL = b"/__mock"

READY = "mockfoundry.ready"
"""The key in an ASGI scope of what is to be sent, where the exchange was already made."""

TRANSPORT = "mockfoundry.transport"
"""The key in an ASGI scope of the connection's transport, which faults break."""

EXPECTED = (
    "on_message_begin",
    "on_url",
    "on_header",
    "on_headers_complete",
    "on_body",
    "on_message_complete",
    "on_response_complete",
    "data_received",
)


def has_expected_shape() -> bool:
    """Whether uvicorn's class still has what this door leans on."""
    return all(callable(getattr(HttpToolsProtocol, name, None)) for name in EXPECTED)


def protocol_class(service: Service, limits: Limits) -> type[HttpToolsProtocol]:
    """The protocol for a service: uvicorn makes one object of it for each connection."""
    return type("MockProtocol", (Protocol,), {"service": service, "limits": limits})


class Connected(HttpToolsProtocol):
    """uvicorn's own protocol, which hands its transport to the ASGI app, so that faults can break it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("dict[str, object]", self.scope)[TRANSPORT] = self.transport


class Protocol(Connected):
    """One connection.

    Attributes:
        direct: whether the message that is being read will be answered here.
        unfinished: bytes of headers that came in and are not complete yet.
        refusal: set once the message is larger than allowed.
    """

    service: Service
    limits: Limits

    direct: bool = False
    in_headers: bool = True
    unfinished: int = 0
    content: list[bytes]
    content_length: int = 0
    refusal: Outcome | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.in_headers and self.parser is not None and not self.transport.is_closing():
            # httptools keeps an unfinished header line for itself, so it is counted as it comes in.
            self.unfinished += len(data)
            if self.unfinished > 2 * self.limits.headers:
                self._write(headers_too_large(self.limits), keep_alive=False)

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self.in_headers = True
        self.refusal = None

    def on_headers_complete(self) -> None:
        self.in_headers = False
        self.unfinished = 0
        cycle = self.cycle
        self.direct = direct = (
            (cycle is None or cycle.response_complete)
            and not self.flow.write_paused
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and not self.url.startswith(CONTROL)
            and self.parser.get_method() != b"HEAD"
        )
        if direct:
            self.content = []
            self.content_length = 0
        else:
            self._begin_cycle(None)

    def on_body(self, body: bytes) -> None:
        if not self.direct:
            super().on_body(body)
            return
        self.content_length += len(body)
        if self.content_length <= self.limits.body:
            self.content.append(body)
        else:
            self.content.clear()
            self.refusal = body_too_large(self.limits)

    def on_message_complete(self) -> None:
        self.in_headers = True
        if not self.direct:
            super().on_message_complete()
        elif not self.transport.is_closing():
            self._answer()

    def _answer(self) -> None:
        headers = self.headers
        size = 0
        for name, value in headers:
            size += len(name) + len(value)
        if size > self.limits.headers:
            self.refusal = headers_too_large(self.limits)
        if self.refusal is not None:
            self._write(self.refusal, keep_alive=False)
            return
        url = self.url
        if url[:1] == b"/":
            path, _, query = url.partition(b"?")
        else:
            parsed = httptools.parse_url(url)
            path, query = parsed.path or b"/", parsed.query or b""
        request = Request(
            self.parser.get_method().decode("ascii"),
            path.decode("latin-1"),
            query,
            dict(headers),
            b"".join(self.content),
            self.scheme or "http",
            time.time_ns() // 1000,
        )
        outcome = answer(self.service, request)
        if isinstance(outcome, Parked) or outcome.delay or outcome.hold or outcome.fault:
            self._begin_cycle(outcome)
            super().on_message_complete()
        else:
            self._write(outcome, self.parser.should_keep_alive())

    def _begin_cycle(self, ready: Outcome | Parked | None) -> None:
        """Goes on as uvicorn does; what its class prepares when a message begins is made only now."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        if ready is not None:
            cast("dict[str, object]", self.scope)[READY] = ready
        super().on_headers_complete()

    def _write(self, outcome: Outcome, keep_alive: bool) -> None:
        head = head_of(outcome, keep_alive or outcome.status in _SAYS_CLOSE)
        self.transport.write(head + outcome.body)
        if not keep_alive:
            self.transport.close()
        self.on_response_complete()


# The limits' answers say `connection: close` themselves, for servers that write the headers on their own.
_SAYS_CLOSE = frozenset({413, 431})
