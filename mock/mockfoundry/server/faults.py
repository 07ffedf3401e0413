"""The wire: an outcome as the bytes of HTTP/1.1, and the connection that they go out on. Never decides what is sent.

dribble: the answer comes whole, but in twenty pieces over five seconds, past the patience of some clients.

empty: the connection is closed without a byte, as when a worker is stopped between request and answer.

garbage: bytes that are no HTTP, as from a port where something else listens.

hang: no answer until the client gives up; after five minutes the connection is closed.

reset: the connection ends by a TCP reset, as when a gateway dies.

truncate: the head promises the whole body, half of it comes, then the connection is closed.

Faults: what goes wrong on the wire, one file each, by the name that scenario files give. Never decides when.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mockfoundry.bodies import format_header_value
from mockfoundry.exchange.request import Headers
from mockfoundry.exchange.response import PLATFORM_HEADERS, Response

_PLATFORM_LINES = b"".join(name + b": " + value + b"\r\n" for name, value in PLATFORM_HEADERS)

# Seconds that a closed socket lingers: on, for none, so that closing sends a reset [socket(7)].
_NO_LINGER = struct.pack("ii", 1, 0)


def render_head(response: Response, keep_alive: bool) -> bytes:
    """The status line and the headers of an outcome, with the empty line that ends them."""
    parts = [STATUS_LINE[response.status]]
    if response.has_platform_headers:
        parts.append(_PLATFORM_LINES)
    if response.shows_reason:
        parts += (b"x-mock-why: ", format_header_value(response.reason), b"\r\n")
    for name, value in response.headers:
        parts += (name, b": ", value, b"\r\n")
    closes = keep_alive or any(name == b"connection" for name, _ in response.headers)
    parts.append(b"\r\n" if closes else b"connection: close\r\n\r\n")
    return b"".join(parts)


def response_headers_of(response: Response) -> Headers:
    """The headers of an outcome, for a server that writes them itself."""
    return [*(PLATFORM_HEADERS if response.has_platform_headers else ()), *response.headers_with_reason]


class ClientConnection:
    """One connection, for a fault to break.

    Args:
        transport: of the connection.
        gone: waits until the client has closed it.

    Attributes:
        body_bytes: of the answer's body that went out so far.
    """

    def __init__(self, transport: asyncio.Transport, gone: Callable[[], Awaitable[None]]) -> None:
        self._transport = transport
        self._gone = gone
        self.body_bytes = 0

    def write(self, data: bytes) -> None:
        """Sends what is no part of the answer's body: its head, or anything else."""
        self._transport.write(data)

    def write_body(self, part: bytes) -> None:
        """Sends a part of the answer's body, unless the client has gone."""
        if not self._transport.is_closing():
            self._transport.write(part)
            self.body_bytes += len(part)

    def close(self) -> None:
        """Ends the connection the polite way, after what was written."""
        self._transport.close()

    def reset(self) -> None:
        """Ends the connection by a TCP reset."""
        connection = self._transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()

    async def wait_for_client(self, seconds: float) -> None:
        """Waits until the client has closed the connection, at most so long."""
        try:
            await asyncio.wait_for(self._gone(), seconds)
        except TimeoutError:
            return


DRIBBLE_PIECES = 20
DRIBBLE_SECONDS = 5.0


async def dribble_response(wire: ClientConnection, head: bytes, body: bytes) -> None:
    wire.write(head)
    size = max(1, -(-len(body) // DRIBBLE_PIECES))
    for start in range(0, len(body), size):
        await wire.wait_for_client(DRIBBLE_SECONDS / DRIBBLE_PIECES)
        wire.write_body(body[start : start + size])
    wire.close()


async def close_without_response(wire: ClientConnection, head: bytes, body: bytes) -> None:
    wire.close()


# A TLS alert (handshake failure): what a plain-text client gets from a port that speaks TLS.
NOT_HTTP = bytes([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]) + b"\x00mockfoundry garbage\xff\xfe\r\n\r\n"


async def send_garbage(wire: ClientConnection, head: bytes, body: bytes) -> None:
    wire.write(NOT_HTTP)
    wire.close()


HANG_SECONDS = 300.0


async def hang_until_client_leaves(wire: ClientConnection, head: bytes, body: bytes) -> None:
    await wire.wait_for_client(HANG_SECONDS)
    wire.close()


async def reset_connection(wire: ClientConnection, head: bytes, body: bytes) -> None:
    wire.reset()


async def truncate_response(wire: ClientConnection, head: bytes, body: bytes) -> None:
    wire.write(head)
    wire.write_body(body[: len(body) // 2])
    wire.close()


WireFault = Callable[[ClientConnection, bytes, bytes], Awaitable[None]]
"""Takes the wire, and the head and the body of the answer that there would have been."""

WIRE_FAULTS: Mapping[str, WireFault] = {
    "reset": reset_connection,
    "empty": close_without_response,
    "truncate": truncate_response,
    "garbage": send_garbage,
    "hang": hang_until_client_leaves,
    "dribble": dribble_response,
}
