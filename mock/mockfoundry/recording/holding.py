"""Packed text that waits, for a while, until it is known what all of it says. Never changes what it says."""

import asyncio
from collections.abc import AsyncIterator, Callable

from mockfoundry.recording.passing_bodies import BodyCopy

MAX_HELD_BYTES = 8 << 20
"""Bytes of a packed text that waits until it is known whether all of it can be unpacked."""

MAX_UNPACKED_BYTES = 64 << 20
"""The same of what it says."""

HOLD_SECONDS = 2.0
"""How long such a text waits. If it is not whole then, it is passed on as it comes, and leads to the foundation."""


class ClientLeftError(Exception):
    """The client has left before its answer was there."""


class ComingParts:
    """The parts of a body, as they come. It can be waited for one for a while, without losing it."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self._parts = parts
        self._coming: asyncio.Future[bytes] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        coming, self._coming = self._coming, None
        return await (anext(self._parts) if coming is None else coming)

    async def comes_until(self, end: float) -> bool:
        """Whether the next part, or the end, comes before a moment of the loop's clock."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._parts))
        try:
            came, _ = await asyncio.wait({self._coming}, timeout=end - asyncio.get_running_loop().time())
        except asyncio.CancelledError:
            self._coming.cancel()
            raise
        return bool(came)


async def hold_packed(
    parts: ComingParts, held: list[bytes], kept: BodyCopy, has_left: Callable[[], bool]
) -> bytes | None:
    """What a packed body says, once all of it is there.

    None where not all can be unpacked, where it is too large, or where it is not there soon.

    Args:
        held: gets the parts as they came.

    Raises:
        ClientLeftError, httpx.HTTPError: it broke off there.
    """
    unpacked: list[bytes] = []
    room, size = MAX_UNPACKED_BYTES, 0
    end = asyncio.get_running_loop().time() + HOLD_SECONDS
    while await parts.comes_until(end):
        part = await anext(parts, None)
        if part is None:
            kept.end()
            return None if kept.problem else b"".join(unpacked)
        if has_left():
            raise ClientLeftError
        held.append(part)
        size += len(part)
        for piece in kept.take(part):
            room -= len(piece)
            unpacked.append(piece if room >= 0 else b"")
        if room < 0 or size > MAX_HELD_BYTES or kept.problem:
            return None
    return None
