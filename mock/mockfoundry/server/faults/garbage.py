"""garbage: bytes that are no HTTP, as from a port where something else listens."""

from mockfoundry.server.wire import Wire

# A TLS alert (handshake failure): what a plain-text client gets from a port that speaks TLS.
NOT_HTTP = bytes([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]) + b"\x00mockfoundry garbage\xff\xfe\r\n\r\n"


async def garbage(wire: Wire, head: bytes, body: bytes) -> None:
    wire.write(NOT_HTTP)
    wire.close()
