"""truncate: the head promises the whole body, half of it comes, then the connection is closed."""

from mockfoundry.server.wire import Wire


async def truncate(wire: Wire, head: bytes, body: bytes) -> None:
    wire.write(head)
    wire.write_body(body[: len(body) // 2])
    wire.close()
