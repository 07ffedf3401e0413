"""dribble: the answer comes whole, but in twenty pieces over five seconds, past the patience of some clients."""

from mockfoundry.server.wire import Wire

PIECES = 20
SECONDS = 5.0


async def dribble(wire: Wire, head: bytes, body: bytes) -> None:
    wire.write(head)
    size = max(1, -(-len(body) // PIECES))
    for start in range(0, len(body), size):
        await wire.wait_for_client(SECONDS / PIECES)
        wire.write_body(body[start : start + size])
    wire.close()
