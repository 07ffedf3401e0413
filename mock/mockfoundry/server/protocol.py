"""The protocol door: uvicorn's httptools protocol, a whole request in one call. Never knows what a process is.

uvicorn's own class makes a task, an event and ASGI messages for each request. Here a request that can be answered at
once never gets that far: it is gathered, exchanged and written in the parser's own callback. A call of the control API
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
from mockfoundry.server.bounded import IDLE, BoundedProtocol
from mockfoundry.server.connection import asks_to_close, render_head
from mockfoundry.server.limits import ServerLimits

if TYPE_CHECKING:
    from mockfoundry.control.api import ControlApi

STREAM_PARAMETER = b"follow=true"
"""What the URL of a control call holds that follows a journal."""


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
            "extra": set(),
            "note_request": service.note_request,
        },
    )


def make_asgi_protocol_class(service: Service, limits: ServerLimits) -> type[BoundedProtocol]:
    """The protocol that leaves every request to the ASGI door."""
    attributes = {"limits": limits, "extra": set(), "note_request": service.note_request}
    return type("BoundedAsgiProtocol", (BoundedProtocol,), attributes)


class DirectProtocol(BoundedProtocol):
    """One connection, whose messages are answered here where that can be done at once."""

    service: Service
    control: "Callable[[], ControlApi]"

    def begin_message(self) -> None:
        cycle = self.cycle
        self.direct = direct = (
            (cycle is None or cycle.response_complete)
            and not self.flow.write_paused
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
            self.direct = False
            self.begin_cycle(response)
            super().on_message_complete()
            return
        self.stage = IDLE
        parser = self.parser
        keep_alive = parser.get_http_version() != "1.0" and parser.should_keep_alive() and not asks_to_close(response)
        self.transport.write(render_head(response, keep_alive) + response.body)
        if not keep_alive:
            self.transport.close()

    def _handle_control_call(self, request: Request) -> Response | PendingRequest:
        from mockfoundry.control.api import handle_control_request

        return handle_control_request(self.control(), request)
