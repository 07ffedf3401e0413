"""The protocol door: uvicorn's httptools protocol, a whole request in one call. Never knows what a process is.

uvicorn's own class makes a task, an event and ASGI messages for each request. Here a request that can be answered at
once never gets that far: it is gathered, exchanged and written in the parser's own callback; one whose header lines
have come before does not even get to the parser. A call of the control API
goes the same way, unless it follows a journal. Everything else (HEAD, `Expect`, a request behind one that is still
being answered, a client that reads too slowly, an answer that must wait or break) goes uvicorn's ordinary way,
through the ASGI door, so keep-alive, pipelining, back-pressure and graceful stop stay uvicorn's.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mockfoundry.exchange.request import Request, read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.server.bounded import BoundedProtocol
from mockfoundry.server.closing import IDLE, IDLE_SECONDS
from mockfoundry.server.connection import asks_to_close, render_head
from mockfoundry.server.heads import KnownHeads
from mockfoundry.server.limits import ServerLimits

if TYPE_CHECKING:
    from mockfoundry.control.api import ControlApi

STREAM_PARAMETER = b"follow=true"
"""What the URL of a control call holds that follows a journal."""


MAX_UNKNOWN_HEADS = 16
"""After how many unknown heads in a row a connection looks for known ones no more: its client numbers its requests."""


def make_protocol_class(
    service: Service, limits: ServerLimits, control: "Callable[[], ControlApi]"
) -> type[BoundedProtocol]:
    """The protocol for a service: uvicorn makes one object of it for each connection.

    Args:
        control: gives the control API, which is made when it is first called, since that takes a moment.
    """
    return type(
        "MockProtocol",
        (DirectProtocol,),
        {
            "service": service,
            "limits": limits,
            "control": staticmethod(control),
            "known_heads": KnownHeads(limits.headers),
            "extra": set(),
            "note_request": service.note_request,
        },
    )


def make_asgi_protocol_class(service: Service, limits: ServerLimits) -> type[BoundedProtocol]:
    """The protocol that leaves every request to the ASGI door."""
    attributes = {"limits": limits, "extra": set(), "note_request": service.note_request}
    return type("BoundedAsgiProtocol", (BoundedProtocol,), attributes)


class DirectProtocol(BoundedProtocol):
    """One connection, whose messages are answered here where that can be done at once.

    Attributes:
        known_heads: of all connections of the server.
        unknown_heads: how many heads of requests in a row were not among them.
        outcome: of a message that the parser has yet to read, though its exchange was made.
    """

    service: Service
    control: "Callable[[], ControlApi]"
    known_heads: KnownHeads
    unknown_heads: int = 0
    outcome: Response | PendingRequest | Exception | None = None

    def data_received(self, data: bytes) -> None:
        if self.unknown_heads >= MAX_UNKNOWN_HEADS or not self._is_between_messages():
            super().data_received(data)
            return
        request = self.known_heads.read_request(data, time.time_ns() // 1000)
        if request is not None and self._can_answer_at_once():
            self.unknown_heads = 0
            self._handle_known_message(data, request)
            return
        parser = self.parser
        super().data_received(data)
        if self.is_control:
            return
        self.unknown_heads += 1
        if self.direct and self.parser is parser and self._is_between_messages():
            size = self.header_bytes - len(self.url)
            self.known_heads.learn(data, size, self.announced_length, self._read_request)

    def _is_between_messages(self) -> bool:
        is_idle = self.stage == IDLE and not self.silent_bytes and not self.unread
        return is_idle and not self.refused and not self.transport.is_closing()

    def _can_answer_at_once(self) -> bool:
        cycle = self.cycle
        return (cycle is None or cycle.response_complete) and not self.flow.write_paused

    def _handle_known_message(self, data: bytes, request: Request) -> None:
        """Answers a message that the parser has not read; where that can't be done at once, the parser has to."""
        try:
            outcome: Response | PendingRequest | Exception = handle_request(self.service, request)
        except Exception as failure:
            outcome = failure
        if isinstance(outcome, Response) and not (outcome.delay or outcome.hold or outcome.fault):
            self._set_timer(IDLE_SECONDS)
            self._send(outcome, not asks_to_close(outcome))
        else:
            self.outcome = outcome
            super().data_received(data)

    def begin_message(self) -> None:
        self.direct = direct = (
            self._can_answer_at_once()
            and not self.expect_100_continue
            and not (self.is_control and STREAM_PARAMETER in self.url.lower())
            and self.parser.get_method() != b"HEAD"
        )
        if direct:
            self.content = []
        else:
            self.begin_cycle(None)

    def on_message_complete(self) -> None:
        if self.direct:
            self.silent_bytes = 0
            self._handle_message()
        else:
            super().on_message_complete()

    def _handle_message(self) -> None:
        response, self.outcome = self.outcome, None
        if response is None:
            request = self._read_request()
            response = self._handle_control_call(request) if self.is_control else handle_request(self.service, request)
        elif isinstance(response, Exception):
            raise response
        if isinstance(response, PendingRequest) or response.delay or response.hold or response.fault:
            self.direct = False
            self.begin_cycle(response)
            super().on_message_complete()
            return
        self.stage = IDLE
        parser = self.parser
        keep_alive = parser.get_http_version() != "1.0" and parser.should_keep_alive() and not asks_to_close(response)
        self._send(response, keep_alive)

    def _read_request(self) -> Request:
        """The message that the parser has read."""
        path, _, query = self.url.partition(b"?")
        return read_request(
            self.parser.get_method().decode("ascii"),
            path.decode("latin-1"),
            query,
            self.headers,
            b"".join(self.content),
            self.scheme or "http",
            time.time_ns() // 1000,
            self.service.trust_forwarded,
        )

    def _send(self, response: Response, keep_alive: bool) -> None:
        self.transport.write(render_head(response, keep_alive) + response.body)
        if not keep_alive:
            self.transport.close()

    def _handle_control_call(self, request: Request) -> Response | PendingRequest:
        from mockfoundry.control.api import handle_control_request

        return handle_control_request(self.control(), request)
