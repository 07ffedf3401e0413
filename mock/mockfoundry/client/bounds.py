"""Bounds of an answer that a server sends: one deadline for all of it, and so many bytes. Never knows what it means."""

import io
import socket
import time
from functools import partial
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from typing import Any, cast

from mockfoundry.client.errors import ServerError

MAX_ANSWER_BYTES = 256 << 20
"""Bytes of an answer's body that are read, which is more than any answer of the control API has."""

_PIECE_BYTES = 1 << 20


class Deadline:
    """The moment until which all that is asked of a socket has to be done.

    Args:
        seconds: from now; None for any time.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def lift(self) -> None:
        """Lets the rest take any time."""
        self._end = None

    def measure_rest(self) -> float | None:
        """Seconds that are left, above 0; None for any time.

        Raises:
            TimeoutError: none are.
        """
        if self._end is None:
            return None
        rest = self._end - time.monotonic()
        if rest <= 0:
            raise TimeoutError("timed out")
        return rest


class SocketReader(io.RawIOBase):
    """The bytes that come at a socket until a deadline, however slowly each comes."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        # The socket stays open for as long as this does.
        self._bytes = connection.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(self._deadline.measure_rest())
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class TimelySocket:
    """A socket as an answer needs one: what comes there has to come until a deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(SocketReader(self._connection, self._deadline))


class TimelyResponse(HTTPResponse):
    """An answer that has to come until a deadline; the arguments behind that are those of `HTTPResponse`."""

    def __init__(self, deadline: Deadline, connection: socket.socket, *rest: Any, **named: Any) -> None:
        # Of a socket an answer needs a file alone.
        super().__init__(cast("socket.socket", TimelySocket(connection, deadline)), *rest, **named)


def ask_until(deadline: Deadline, connection: HTTPConnection) -> None:
    """Has a connection's next request and answer end at a deadline."""
    connection.timeout = deadline.measure_rest()
    connection.response_class = partial(TimelyResponse, deadline)  # type: ignore[assignment]
    if connection.sock is not None:
        connection.sock.settimeout(connection.timeout)


def read_bounded_body(response: HTTPResponse, url: str, most: int) -> bytes:
    """The whole body of an answer.

    Args:
        url: of the server, for errors.
        most: bytes that it may have.

    Raises:
        ServerError: it has more.
        HTTPException, OSError: it breaks off, or the deadline has come.
    """
    parts: list[bytes] = []
    size = 0
    while size + (response.length or 0) <= most and (part := response.read(_PIECE_BYTES)):
        parts.append(part)
        size += len(part)
    if size + (response.length or 0) > most:
        raise ServerError(f"{url} answers with more than {most} bytes; is it mockfoundry?")
    body = b"".join(parts)
    if response.length:
        raise IncompleteRead(body, response.length)
    return body
