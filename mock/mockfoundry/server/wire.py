"""The wire: an outcome as the bytes of HTTP/1.1, and the connection that they go out on. Never decides what is sent."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mockfoundry.requests import PLATFORM_HEADERS, Headers, Outcome

_PLATFORM_LINES = b"".join(name + b": " + value + b"\r\n" for name, value in PLATFORM_HEADERS)

# Seconds that a closed socket lingers: on, for none, so that closing sends a reset [socket(7)].
_NO_LINGER = struct.pack("ii", 1, 0)


def head_of(outcome: Outcome, keep_alive: bool) -> bytes:
    """The status line and the headers of an outcome, with the empty line that ends them."""
    parts = [STATUS_LINE[outcome.status]]
    if outcome.platform:
        parts.append(_PLATFORM_LINES)
    for name, value in outcome.headers:
        parts += (name, b": ", value, b"\r\n")
    closes = keep_alive or any(name == b"connection" for name, _ in outcome.headers)
    parts.append(b"\r\n" if closes else b"connection: close\r\n\r\n")
    return b"".join(parts)


def headers_of(outcome: Outcome) -> Headers:
    """The headers of an outcome, for a server that writes them itself."""
    return PLATFORM_HEADERS + outcome.headers if outcome.platform else outcome.headers


class Wire:
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
