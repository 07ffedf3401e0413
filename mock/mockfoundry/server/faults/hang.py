"""hang: no answer until the client gives up; after five minutes the connection is closed."""

from mockfoundry.server.wire import Wire

LONGEST_SECONDS = 300.0


async def hang(wire: Wire, head: bytes, body: bytes) -> None:
    await wire.wait_for_client(LONGEST_SECONDS)
    wire.close()
