"""Holds: requests that are kept waiting until a test releases them. Never keeps one for ever."""

import asyncio
from collections import defaultdict


class TooManyHeldError(Exception):
    """As many requests are held as there may be."""


class Holds:
    """The held requests of a server, by the name of their hold.

    Args:
        most: how many there may be at once.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._waiting: dict[str, list[asyncio.Event]] = defaultdict(list)
        self._count = 0

    async def wait(self, name: str, at_most: int) -> None:
        """Waits until the hold of that name is released, or so many microseconds have passed.

        Raises:
            TooManyHeldError: there is no room for another.
        """
        if self._count >= self.most:
            raise TooManyHeldError
        self._count += 1
        released = asyncio.Event()
        self._waiting[name].append(released)
        try:
            await asyncio.wait_for(released.wait(), at_most / 1_000_000)
        except TimeoutError:
            return
        finally:
            self._count -= 1
            self._waiting[name].remove(released)
            if not self._waiting[name]:
                del self._waiting[name]

    def release_all(self) -> None:
        """Lets every held request go on. Call it in the server's loop."""
        for name in tuple(self._waiting):
            self.release(name)

    def release(self, name: str) -> int:
        """Lets every request that waits under a name go on; says how many there were. Call it in the server's loop."""
        waiting = self._waiting.get(name, [])
        for released in waiting:
            released.set()
        return len(waiting)
