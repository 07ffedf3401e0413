"""The first message of a client that speaks TLS: which host it asks for, and what it speaks. Never answers it.

The message may come in several records, and a record in several pieces [RFC 8446, 4.1.2 and 5.1; RFC 6066, 3].
"""

import struct
from typing import NamedTuple

HANDSHAKE_RECORD = 0x16
CLIENT_HELLO = 0x01
SERVER_NAME = 0
ALPN = 16

MAX_HELLO_BYTES = 65_536
"""How much is gathered of a first message; what is longer is left to OpenSSL as it came."""


class ClientHello(NamedTuple):
    """What a client says first.

    Attributes:
        server_name: the host that it asks for, in lower case; empty where it names none.
        protocols: that it offers to speak, by ALPN.
    """

    server_name: str = ""
    protocols: tuple[bytes, ...] = ()


def read_client_hello(received: bytes) -> ClientHello | None:
    """What a client says first, as far as it can be read; None while more of it is to come."""
    if not received:
        return None
    if received[0] != HANDSHAKE_RECORD or len(received) > MAX_HELLO_BYTES:
        return ClientHello()
    message = join_records(received)
    if not message:
        return None
    if message[0] != CLIENT_HELLO:
        return ClientHello()
    length = int.from_bytes(message[1:4], "big")
    if len(message) < 4 or len(message) < 4 + length:
        return None
    try:
        return read_extensions(find_extensions(message[4 : 4 + length]))
    except (struct.error, IndexError):
        return ClientHello()


def join_records(received: bytes) -> bytes:
    """The whole records of a handshake that have come, as one message."""
    message, start = b"", 0
    while len(received) >= start + 5 and received[start] == HANDSHAKE_RECORD:
        end = start + 5 + int.from_bytes(received[start + 3 : start + 5], "big")
        if len(received) < end:
            break
        message += received[start + 5 : end]
        start = end
    return message


def find_extensions(hello: bytes) -> bytes:
    """The extensions of a message: behind version, random, session, cipher suites and compressions."""
    at = 2 + 32
    at += 1 + hello[at]
    at += 2 + struct.unpack_from("!H", hello, at)[0]
    at += 1 + hello[at]
    return hello[at + 2 :]


def read_extensions(extensions: bytes) -> ClientHello:
    server_name, protocols, at = "", [], 0
    while at < len(extensions):
        kind, length = struct.unpack_from("!HH", extensions, at)
        content = extensions[at + 4 : at + 4 + length]
        at += 4 + length
        if kind == SERVER_NAME:
            # A list with one name in it, of the type 0.
            server_name = content[5:].decode("latin-1").lower()
        elif kind == ALPN:
            protocols = split_protocols(content[2:])
    return ClientHello(server_name, tuple(protocols))


def split_protocols(listed: bytes) -> list[bytes]:
    """The names of a list, each behind a byte with its length."""
    names, at = [], 0
    while at < len(listed):
        names.append(listed[at + 1 : at + 1 + listed[at]])
        at += 1 + listed[at]
    return names
