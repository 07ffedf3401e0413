"""Broken answers: a connection by TLS whose first answer breaks off in its middle. Never changes what is answered.

What follows the first half of the body is written below OpenSSL, right behind what that has encrypted, since its own
interface ends a connection by `close_notify` alone. So the client's OpenSSL, and not its HTTP, is the first to see it.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import Any, cast

from mockfoundry.wire_faults import TlsFaultName

UNREADABLE_RECORD = b"\x17\x03\x03\x40\x00" + bytes(0x4000)
"""A record as of encrypted content [RFC 8446, 5.2], which no key decrypts."""

HEAD_END = b"\r\n\r\n"

INTERIM_BEGINNING = b"HTTP/1.1 1"
"""What an answer begins with behind which another one comes [RFC 9110, 15.2]."""


class OpenSslObject(ssl.SSLObject):
    """One connection of OpenSSL's, with what came for it and what it has to send.

    Attributes:
        incoming, outgoing: encrypted.
    """

    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO


class OpenSslContext(ssl.SSLContext):
    """A context whose connections keep both at hand."""

    sslobject_class = OpenSslObject

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *rest: Any, **named: Any) -> OpenSslObject:
        made = cast("OpenSslObject", super().wrap_bio(incoming, outgoing, *rest, **named))
        made.incoming, made.outgoing = incoming, outgoing
        return made


class BreakingTransport:
    """A connection for the door, which breaks it off in the middle of the first answer. All else is the connection's.

    Args:
        transport: encrypts.
        connection: what that writes to.
        fault: how it breaks.
    """

    def __init__(self, transport: asyncio.Transport, connection: asyncio.Transport, fault: TlsFaultName) -> None:
        self._transport = transport
        self._connection = connection
        self._fault = fault
        self._answer = b""
        self._broken = False
        self._closing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._broken:
            return
        while not self._answer and data.startswith(INTERIM_BEGINNING):
            interim, end, data = data.partition(HEAD_END)
            self._transport.write(interim + end)
        if not data:
            return
        # A door may write head and body one after the other.
        if not self._answer:
            asyncio.get_running_loop().call_soon(self._break)
        self._answer += data

    def close(self) -> None:
        self._closing = True
        if not self._answer:
            self._transport.close()

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def _break(self) -> None:
        self._broken = True
        if self._connection.is_closing():
            return
        start = self._answer.find(HEAD_END) + len(HEAD_END)
        self._transport.write(self._answer[: (start + len(self._answer)) // 2])
        if self._fault == "answer-alert":
            self._connection.write(make_alert(self._transport.get_extra_info("ssl_object")))
        elif self._fault == "answer-garbled":
            self._connection.write(UNREADABLE_RECORD)
        self._connection.close()


def make_alert(session: OpenSslObject) -> bytes:
    """What OpenSSL has to send at the end of a session in which it was sent what it can't decrypt.

    That is the alert `bad_record_mac` [RFC 8446, 6.2], encrypted as everything in the session is.
    """
    # More than one record, since the client may have begun one.
    session.incoming.write(UNREADABLE_RECORD * 2)
    with suppress(ssl.SSLError):
        while session.read(len(UNREADABLE_RECORD)):
            pass
    return session.outgoing.read()
