"""Handshakes: a connection by TLS from its first byte until it can be read, or breaks on purpose. Reads no HTTP.

The first message says which host is meant, and so whose certificate is shown, and which foundation's scenarios count.
What follows is OpenSSL's work, by the event loop's own means, and the door's protocol then has the connection for
itself. A connection that is not as far counts with those that are open, and has as long as the head of a request.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

from mockfoundry.exchange.context import Service
from mockfoundry.exchange.handshakes import decide_handshake
from mockfoundry.journal.entry import NO_STATUS, RecordedResponse
from mockfoundry.server.broken_answers import BreakingTransport
from mockfoundry.server.client_hello import HANDSHAKE_RECORD, ClientHello, read_client_hello
from mockfoundry.server.closing import MAX_EXTRA
from mockfoundry.server.connection import render_head
from mockfoundry.server.limits import ServerLimits, no_tls_response
from mockfoundry.server.waiting import MICROSECONDS_PER_SECOND
from mockfoundry.wire_faults import CONTROL_PROTOCOL, TLS_FAULTS, TlsFaultName

if TYPE_CHECKING:
    from mockfoundry.server.certificates import FindContext

HANG_SECONDS = 300.0
"""After how long a connection whose handshake hangs is closed anyway."""

INTERNAL_ERROR_ALERT = bytes([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 80])
"""A record with the fatal alert `internal_error` [RFC 8446, 6.2]."""

OFFERED_CONTROL = CONTROL_PROTOCOL.encode("ascii")

EXPLANATIONS = {
    "TLSV1_ALERT_UNKNOWN_CA": "the client does not trust the certificate's authority",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the client refuses the certificate, perhaps for its names",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the client finds the certificate expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the client refuses the certificate",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the client shows no certificate, which --tls-client-ca demands",
    "CERTIFICATE_VERIFY_FAILED": "the client's certificate is not signed by the authority of --tls-client-ca",
}
"""What a failed handshake means, by OpenSSL's reason."""


class BufferedReceiver(Protocol):
    """What an event loop gives a connection to that it has begun TLS on: an `asyncio.BufferedProtocol`."""

    def get_buffer(self, _sizehint: int, /) -> memoryview: ...
    def buffer_updated(self, _nbytes: int, /) -> None: ...


class HandshakeDoor:
    """What the connections of one server that speaks TLS share before they can be read.

    Args:
        make_protocol: makes what reads a connection once it can be read, with the arguments that uvicorn gives.

    Attributes:
        pending: the connections that can't be read yet.
    """

    def __init__(
        self,
        service: Service,
        limits: ServerLimits,
        find_context: "FindContext",
        make_protocol: Callable[..., asyncio.Protocol],
    ) -> None:
        self.service = service
        self.find_context = find_context
        self.make_protocol = make_protocol
        self.pending: set[HandshakeProtocol] = set()
        self.seconds = limits.head_timeout / MICROSECONDS_PER_SECOND
        self._most = limits.connections + MAX_EXTRA

    def __call__(self, **arguments: Any) -> "HandshakeProtocol":
        """What a new connection begins with.

        Args:
            arguments: as uvicorn gives them to a protocol of its own.
        """
        return HandshakeProtocol(self, arguments)

    def has_room(self, open_connections: int) -> bool:
        """Whether one more connection may begin a handshake. Those that are too many for the door itself still may: to
        tell a client so takes one.

        Args:
            open_connections: how many can be read.
        """
        return open_connections + len(self.pending) < self._most

    def note(self, server_name: str, reason: str, fault: str = "") -> None:
        """Has the log of requests say that a handshake ended without a connection."""
        if self.service.note_request is not None:
            response = RecordedResponse(NO_STATUS, [], b"", reason, decided_by="scenario" if fault else "limit")
            response.fault = fault
            self.service.note_request("TLS", server_name, response)

    def close(self) -> None:
        """Breaks off the connections that can't be read yet."""
        for each in tuple(self.pending):
            each.abort()


class EarlyData(asyncio.Protocol):
    """Keeps what a client sends with the end of its handshake, until the connection has its protocol."""

    def __init__(self) -> None:
        self.content = b""

    def data_received(self, data: bytes) -> None:
        self.content += data


class HandshakeProtocol(asyncio.Protocol):
    """One connection until it can be read.

    Args:
        arguments: for the protocol that reads it then.
    """

    def __init__(self, door: HandshakeDoor, arguments: dict[str, Any]) -> None:
        self._door = door
        self._arguments = arguments
        self._timer: asyncio.TimerHandle | None = None
        self._received = b""
        self._server_name = ""
        self._is_decided = False
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Both loops give a server's connections a transport that reads and writes.
        self._transport = cast("asyncio.Transport", transport)
        if not self._door.has_room(len(self._arguments["server_state"].connections)):
            self._transport.abort()
            return
        self._door.pending.add(self)
        self._set_timer(self._door.seconds, self._give_up)

    def connection_lost(self, error: Exception | None) -> None:
        # Until OpenSSL has the connection; from then on `_shake_hands` sees its end.
        self._leave()

    def data_received(self, data: bytes) -> None:
        if self._is_decided:
            return
        self._received += data
        hello = read_client_hello(self._received)
        if hello is not None:
            self._is_decided = True
            self._begin(hello)

    def abort(self) -> None:
        self._leave()
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    def _leave(self) -> None:
        self._door.pending.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def _set_timer(self, seconds: float, call: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, call)

    def _give_up(self) -> None:
        self._door.note(self._server_name, f"the handshake took longer than {self._door.seconds:g} s")
        self.abort()

    def _begin(self, hello: ClientHello) -> None:
        """Goes on as the first message, or what came in place of it, asks for."""
        self._server_name = hello.server_name
        if self._received[0] != HANDSHAKE_RECORD:
            response = no_tls_response()
            self._transport.write(render_head(response, keep_alive=False) + response.body)
            self._door.note("", response.reason)
            self._transport.close()
            return
        match = None
        if OFFERED_CONTROL not in hello.protocols:
            match = decide_handshake(self._door.service, hello.server_name, time.time_ns() // 1000)
        if match is not None:
            self._door.note(hello.server_name, match.why, match.fault)
        fault = None if match is None else match.fault
        if not self._break(fault):
            self._task = asyncio.get_running_loop().create_task(self._shake_hands(fault))

    def _break(self, fault: TlsFaultName | None) -> bool:
        """Breaks the handshake where that needs no certificate; gives whether it does."""
        if fault == "alert":
            self._transport.write(INTERNAL_ERROR_ALERT)
            self._transport.close()
        elif fault == "hang":
            self._set_timer(HANG_SECONDS, self.abort)
        else:
            return False
        return True

    async def _shake_hands(self, fault: TlsFaultName | None) -> None:
        breaks_answer = fault is not None and TLS_FAULTS[fault].breaks_answer
        try:
            context = self._door.find_context(self._server_name, None if breaks_answer else fault)
            transport, early = await self._start_tls(context)
        except (OSError, ValueError) as error:
            if fault is None or breaks_answer:
                self._door.note(self._server_name, explain_failure(error))
            self._transport.abort()
            return
        finally:
            self._leave()
        if transport.is_closing():
            return
        protocol = self._door.make_protocol(**self._arguments)
        shown = transport
        if fault is not None and breaks_answer:
            # For the protocol it is one: it has all that a transport of the loop has.
            shown = cast("asyncio.Transport", BreakingTransport(transport, self._transport, fault))
        protocol.connection_made(shown)
        transport.set_protocol(protocol)
        if early.content:
            protocol.data_received(early.content)

    async def _start_tls(self, context: ssl.SSLContext) -> tuple[asyncio.Transport, EarlyData]:
        """The connection once it can be read, and what came of the client by then.

        Raises:
            OSError: the handshake fails.
        """
        loop, early = asyncio.get_running_loop(), EarlyData()
        # The loop reads nothing until it has the first message from here.
        self._transport.pause_reading()
        starting = asyncio.ensure_future(
            loop.start_tls(self._transport, early, context, server_side=True, ssl_handshake_timeout=self._door.seconds)
        )
        try:
            # Two turns: it puts its own protocol into the place of this one, and that begins.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not starting.done():
                feed(cast("BufferedReceiver", self._transport.get_protocol()), self._received)
            transport = await starting
        finally:
            starting.cancel()
        if transport is None:
            raise ConnectionAbortedError("the connection was closed")
        return transport, early


def feed(receiver: BufferedReceiver, content: bytes) -> None:
    """Gives a connection what was received before."""
    while content:
        buffer = receiver.get_buffer(len(content))
        count = min(len(buffer), len(content))
        buffer[:count] = content[:count]
        receiver.buffer_updated(count)
        content = content[count:]


def explain_failure(error: Exception) -> str:
    """Why a handshake failed, in words."""
    reason = getattr(error, "reason", None)
    if reason in EXPLANATIONS:
        return f"the handshake failed: {EXPLANATIONS[reason]}"
    return f"the handshake failed: {reason or error or type(error).__name__}"
