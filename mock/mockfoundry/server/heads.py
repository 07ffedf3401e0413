"""Repeated heads: requests whose header lines a parser has read before, byte for byte. Never reads new header lines.

A client sends the same header lines with each of its requests. What the parser made of them depends on nothing but
their bytes, so it is kept for all connections of a server. Lines that differ, and whatever is unusual about a request,
are left to the parser.
"""

import re
from collections.abc import Callable

import msgspec

from mockfoundry.exchange.request import Request

MAX_KNOWN_HEADS = 256
"""How many different header lines are remembered, and of how many it is known that they came once; beyond that they are
forgotten, and learned anew."""

MAX_KNOWN_HEAD_BYTES = 4096
"""How long header lines that are remembered may be."""

_PLAIN_LINE = re.compile(
    rb"(GET|POST|PUT|PATCH|DELETE) ((?!/__mock)/[\w/.~%:@,;=+-]*)(?:\?([\w/.~%:@,;=+&-]*))? HTTP/1\.1"
)
# Nearly every request line is one like this. It has no `#`, and one `?` at most.


class KnownHead(msgspec.Struct, frozen=True):
    """What a parser has made of header lines.

    Attributes:
        headers: as requests have them.
        scheme, host: what a request with them is sent to.
        size: bytes of all names and values.
        content_length: of the body that follows them.
    """

    headers: dict[bytes, bytes]
    scheme: str
    host: bytes
    size: int
    content_length: int


class KnownHeads:
    """The header lines that the connections of one server have brought. All of these are encrypted, or none.

    Args:
        max_bytes: how large the head of a request may be.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._known: dict[bytes, KnownHead] = {}
        self._came_once: set[int] = set()

    def read_request(self, data: bytes, arrived: int) -> Request | None:
        """The one request that was received, whole and with nothing behind it; None where a parser has to look at it.

        Args:
            data: what was received when no request had begun.
            arrived: real microseconds since the epoch.
        """
        head, end_of_head, content = data.partition(b"\r\n\r\n")
        line, _, header_lines = head.partition(b"\r\n")
        known = self._known.get(header_lines)
        if known is None or not end_of_head or len(content) != known.content_length:
            return None
        if len(line) + known.size > self._max_bytes:
            return None
        parts = _PLAIN_LINE.fullmatch(line)
        if parts is None:
            return None
        method, target, query = parts.groups()
        return Request(
            method.decode(), target.decode(), query or b"", known.headers, content, known.scheme, known.host, arrived
        )

    def learn(self, data: bytes, size: int, content_length: int, read: Callable[[], Request]) -> None:
        """Remembers header lines that came for the second time, if what was received is one whole request.

        So lines that never come again, such as those of a client that numbers its requests, push out no others.

        Args:
            data: what was received when no request had begun.
            size: bytes of the names and values of the last request's headers.
            content_length: as these announce it.
            read: gives that request.
        """
        head, end_of_head, content = data.partition(b"\r\n\r\n")
        line, _, header_lines = head.partition(b"\r\n")
        if not end_of_head or len(content) != content_length or len(header_lines) > MAX_KNOWN_HEAD_BYTES:
            return
        key = hash(header_lines)
        if key not in self._came_once:
            if len(self._came_once) >= MAX_KNOWN_HEADS:
                self._came_once.clear()
            self._came_once.add(key)
        elif _PLAIN_LINE.fullmatch(line) is not None:
            # Another line may have changed the headers: the authority of an absolute URL is the Host.
            if len(self._known) >= MAX_KNOWN_HEADS:
                self._known.clear()
            request = read()
            self._known[header_lines] = KnownHead(request.headers, request.scheme, request.host, size, content_length)
