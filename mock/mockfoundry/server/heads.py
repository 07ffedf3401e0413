"""Repeated heads: requests whose header lines a parser has read before, byte for byte. Never reads new header lines.

A client sends the same header lines with each of its requests. What the parser made of them depends on nothing but
their bytes, so it is kept for all connections of a server. Lines that differ, and whatever is unusual about a request,
are left to the parser.
"""

import re

import msgspec

from mockfoundry.exchange.request import Request

MAX_KNOWN_HEADS = 256
"""How many different header lines are remembered; beyond that they are forgotten, and learned anew."""

MAX_KNOWN_HEAD_BYTES = 4096
"""How long header lines that are remembered may be."""

_PLAIN_LINE = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) ((?!/__mock)/[\w/.~%:@,;=+-]*)\??([\w/.~%:@,;=+&-]*) HTTP/1\.1")
# Every client writes a request line like this one, unless it wants something special. It has no `#`, and one `?`.


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

    def read_request(self, data: bytes, arrived: int) -> Request | None:
        """The one request that was received, whole and with nothing behind it; None where a parser has to look at it.

        Args:
            data: what was received when no request had begun.
            arrived: real microseconds since the epoch.
        """
        head, _, content = data.partition(b"\r\n\r\n")
        line, _, header_lines = head.partition(b"\r\n")
        known = self._known.get(header_lines)
        if known is None or len(content) != known.content_length or len(line) + known.size > self._max_bytes:
            return None
        parts = _PLAIN_LINE.fullmatch(line)
        if parts is None:
            return None
        method, target, query = parts.groups()
        return Request(
            method.decode(), target.decode(), query, known.headers, content, known.scheme, known.host, arrived
        )

    def learn(self, data: bytes, request: Request, size: int, content_length: int) -> None:
        """Remembers the header lines of what was received, if that was one whole request and nothing else.

        Args:
            request: that the last of it was read as.
            size: bytes of the names and values of its headers.
            content_length: as they announce it.
        """
        head, _, content = data.partition(b"\r\n\r\n")
        line, _, header_lines = head.partition(b"\r\n")
        if len(content) != content_length or len(header_lines) > MAX_KNOWN_HEAD_BYTES:
            return
        if _PLAIN_LINE.fullmatch(line) is None:
            # Another may have changed the headers: the authority of an absolute URL is the Host.
            return
        if len(self._known) >= MAX_KNOWN_HEADS:
            self._known.clear()
        self._known[header_lines] = KnownHead(request.headers, request.scheme, request.host, size, content_length)
