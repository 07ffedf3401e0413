"""The connection to a client: heads as bytes of HTTP/1.1, and wire faults played on it. Never decides what is sent."""

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from mockfoundry.bodies import format_header_value
from mockfoundry.exchange.request import Headers
from mockfoundry.exchange.response import PLATFORM_HEADERS, Response
from mockfoundry.wire_faults import BrokenResponse

_PLATFORM_LINES = b"".join(name + b": " + value + b"\r\n" for name, value in PLATFORM_HEADERS)

# Windows has no such flag, but the sockets of a loop do not wait in any case.
_MSG_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)

# Seconds that a closed socket lingers: on, for none, so that closing sends a reset [socket(7)]. Windows has them short
# [LINGER in winsock2.h].
_NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


def render_head(response: Response, keep_alive: bool) -> bytes:
    """The status line and the headers of a response, with the empty line that ends them."""
    parts = [STATUS_LINE[response.status]]
    if response.has_platform_headers:
        parts.append(_PLATFORM_LINES)
    if response.shows_reason:
        parts += (b"x-mock-why: ", format_header_value(response.reason), b"\r\n")
    for name, value in response.headers:
        parts += (name, b": ", value, b"\r\n")
    needs_no_close = keep_alive or any(name == b"connection" for name, _ in response.headers)
    parts.append(b"\r\n" if needs_no_close else b"connection: close\r\n\r\n")
    return b"".join(parts)


def asks_to_close(response: Response) -> bool:
    """Whether a response says that the connection ends with it, as those to what is beyond a limit may."""
    return response.decided_by == "limit" and (b"connection", b"close") in response.headers


def response_headers_of(response: Response) -> Headers:
    """The headers of a response, for a server that writes them itself."""
    return [*(PLATFORM_HEADERS if response.has_platform_headers else ()), *response.headers_with_reason]


def has_client_left(transport: asyncio.Transport) -> bool:
    """Whether a client has closed its connection, though the loop may not have read that yet."""
    connection = transport.get_extra_info("socket")
    if transport.is_closing() or connection is None:
        return transport.is_closing()
    # uvloop's own socket object can't be read from.
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        try:
            return not same.recv(1, socket.MSG_PEEK | _MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True


class ClientConnection:
    """One connection, on which a broken response is played.

    Args:
        transport: of the connection.
        gone: waits until the client has closed it.

    Attributes:
        body_bytes: of the body that went out.
    """

    def __init__(self, transport: asyncio.Transport, gone: Callable[[], Awaitable[None]]) -> None:
        self._transport = transport
        self._gone = gone
        self.body_bytes = 0

    async def send_broken_response(self, broken: BrokenResponse) -> None:
        """Sends what there is to send, and ends the connection."""
        if broken.opening:
            self._transport.write(broken.opening)
        for part in broken.body_parts:
            await self._wait_for_client(broken.pause_seconds)
            if not self._transport.is_closing():
                self._transport.write(part)
                self.body_bytes += len(part)
        await self._wait_for_client(broken.silence_seconds)
        if broken.ending == "reset":
            self._reset()
        else:
            self._transport.close()

    def _reset(self) -> None:
        connection = self._transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()

    async def _wait_for_client(self, seconds: float) -> None:
        """Waits so long, or until the client has closed the connection."""
        if seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._gone(), seconds)
