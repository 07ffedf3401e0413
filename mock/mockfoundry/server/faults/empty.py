"""empty: the connection is closed without a byte, as when a worker is stopped between request and answer."""

from mockfoundry.server.wire import Wire


async def empty(wire: Wire, head: bytes, body: bytes) -> None:
    wire.close()
