"""Closing: how a connection ends whose request was refused or is late, or that has nothing to do. Never reads one.

A client that still sends, or that takes nothing of what it is sent, keeps its connection no longer than a bounded time.
"""

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockfoundry.exchange.context import NoteRequest
from mockfoundry.exchange.response import Response
from mockfoundry.server.connection import render_head
from mockfoundry.server.limits import ServerLimits, late_body_response, late_head_response
from mockfoundry.server.refusals import decode_path, is_control_call, refuse_as_client_reads

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

LINGER_SECONDS = 5.0
"""How long a connection whose request was refused stays open at most, for a client that still sends."""

MAX_EXTRA = 50
"""How many connections beyond the most that there may be are refused at once with that patience."""

IDLE_SECONDS = 75
"""How long a connection without a request is kept, as the gateways of a foundation keep it."""

MICROSECONDS_PER_SECOND = 1_000_000

IDLE, HEAD, BODY = range(3)
"""What a connection waits for: the next request, the rest of its head, the rest of its body."""


class ClosingProtocol(HttpToolsProtocol):
    """One connection, with a deadline for whatever it waits for.

    Attributes:
        stage: what the connection waits for.
        timed_stage: the stage that `deadline` is for; None for none yet.
        deadline: when that wait is over, by the loop's clock.
        timer: looks at the deadline; it may come earlier than that, since a deadline is moved more often than a timer.
        refused: whether a message was refused, so that nothing more is read.
        refusal: what is sent for that once the requests before it are answered.
        has_cycle: whether uvicorn has begun a cycle for the message.
        cycle_before: the cycle before that one.
        unsent: bytes that waited to be sent when that was last looked at.
        extra: the connections of the server that are refused as too many, and not closed yet.
        note_request: is told of each message that is refused here; None where nobody asks.
    """

    limits: ServerLimits
    note_request: NoteRequest | None

    url: bytes = b""
    stage: int = IDLE
    timed_stage: int | None = None
    deadline: float = 0.0
    timer: asyncio.TimerHandle | None = None
    timer_at: float = 0.0

    refused: bool = False
    refusal: Response | None = None
    has_cycle: bool = False
    cycle_before: "RequestResponseCycle | None" = None
    unsent: int = 0
    extra: "set[ClosingProtocol]"

    def connection_lost(self, error: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.extra.discard(self)
        super().connection_lost(error)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.unsent = 0

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # The deadline here is for the whole connection, and blank lines do not move it.
        self._unset_keepalive_if_required()
        if self.stage == IDLE and not self.transport.is_closing():
            self._set_deadline()
        if self.refusal is not None and (self.cycle_before is None or self.cycle_before.response_complete):
            self._send_refusal(self.refusal)

    def shutdown(self) -> None:
        if self.refused and self.refusal is None:
            self.transport.close()
        else:
            super().shutdown()

    def _refuse(self, response: Response) -> None:
        """Answers a message before it is whole, once those before it are answered. Nothing more is read."""
        self.refused = True
        if self.note_request is not None and not is_control_call(self.url):
            method = self.parser.get_method().decode("latin-1") if self.url else ""
            self.note_request(method, decode_path(self.url), response)
        cycle = self.cycle
        before: RequestResponseCycle | None = cycle
        if self.has_cycle:
            # Its ASGI app hears that the client has gone, and sends nothing.
            before = self.cycle_before
            cycle.disconnected = True
            cycle.message_event.set()
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
        self.cycle_before = before
        # What still comes is read, and passed over.
        self.flow.resume_reading()
        if before is None or before.response_complete:
            self._send_refusal(response)
        else:
            self.refusal = response
            self._set_timer(LINGER_SECONDS)

    def _send_refusal(self, response: Response) -> None:
        """Sends the last response of this connection, and closes it when the client has done so, or a little later.

        To close it with unread bytes would reset it, and a client that still sends would lose the response.
        """
        self.refusal = None
        if self.transport.is_closing():
            return
        # Before a line has been read, the parser still has the method of the message before.
        body = b"" if self.url and self.parser.get_method() == b"HEAD" else response.body
        self.transport.write(render_head(response, keep_alive=False) + body)
        if self.transport.can_write_eof():
            # TLS has no half of a connection that could be closed.
            self.transport.write_eof()
        if len(self.extra) > MAX_EXTRA and self in self.extra:
            self.transport.close()
        self._set_timer(LINGER_SECONDS)

    def _set_deadline(self) -> None:
        """Bounds the time of the stage that the connection is in."""
        self.timed_stage = self.stage
        self._set_timer(self._find_patience())

    def _set_timer(self, seconds: float) -> None:
        self.deadline = deadline = self.loop.time() + seconds
        if self.timer is None or deadline < self.timer_at:
            if self.timer is not None:
                self.timer.cancel()
            self.timer, self.timer_at = self.loop.call_at(deadline, self._check_deadline), deadline

    def _find_patience(self) -> float:
        """Seconds that the stage may take."""
        if self.stage == IDLE:
            return IDLE_SECONDS
        limit = self.limits.head_timeout if self.stage == HEAD else self.limits.body_timeout
        return limit / MICROSECONDS_PER_SECOND

    def _check_deadline(self) -> None:
        self.timer = None
        if self.loop.time() < self.deadline:
            self.timer, self.timer_at = self.loop.call_at(self.deadline, self._check_deadline), self.deadline
        elif self.transport.is_closing():
            self._abort_or_look_again(LINGER_SECONDS)
        elif self.refused:
            if self.refusal is None:
                self._close()
            else:
                self._abort_or_look_again(LINGER_SECONDS)
        elif self.stage != IDLE and (self.flow.read_paused or self.pipeline):
            # The rest of it is kept back here, behind a request that is still being answered.
            self._abort_or_look_again(self._find_patience())
        elif self.stage == HEAD:
            self._refuse(refuse_as_client_reads(late_head_response(self.limits), self.url))
        elif self.stage == BODY:
            self._refuse(refuse_as_client_reads(late_body_response(self.limits), self.url))
        elif self.cycle is None or self.cycle.response_complete:
            self._close()
        else:
            self._abort_or_look_again(IDLE_SECONDS)

    def _close(self) -> None:
        """Closes the connection once what waits to be sent has gone out; its client may never take that."""
        self.transport.close()
        self.unsent = self.transport.get_write_buffer_size()
        self._set_timer(LINGER_SECONDS)

    def _abort_or_look_again(self, seconds: float) -> None:
        """Breaks the connection off if its client has taken nothing of what waits since that was last looked at."""
        unsent = self.transport.get_write_buffer_size()
        if 0 < self.unsent <= unsent:
            self.transport.abort()
            return
        self.unsent = unsent
        self._set_timer(seconds)
