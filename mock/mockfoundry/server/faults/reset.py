"""reset: the connection ends by a TCP reset, as when a gateway dies."""

from mockfoundry.server.wire import Wire


async def reset(wire: Wire, head: bytes, body: bytes) -> None:
    wire.reset()
