"""Saving: foundations are written to the store on an interval, and at the server's end. Never says what is written.

A foundation is cut where exchanges are made, which takes no time, and written in another thread.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.foundations.world_snapshots import iterate_chunks
from mockfoundry.store.keeper import PendingSave, SnapshotKeeper
from mockfoundry.store.versions import StoreUnreachableError

FOUNDATIONS_AT_ONCE = 200
"""Of how many it is seen in one step of the loop whether they have changed."""

CUTS_AT_ONCE = 16
"""How many are cut in one step, and written in one step of the other thread."""

log = logging.getLogger("mockfoundry")


class SnapshotSaver:
    """Saves the foundations of a server.

    Args:
        interval: seconds from one round to the next.
    """

    def __init__(self, keeper: SnapshotKeeper, registry: FoundationRegistry, interval: float) -> None:
        self._keeper = keeper
        self._registry = registry
        self._interval = interval
        self._is_to_end = asyncio.Event()
        self._rounds: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins with the rounds. To be called in the loop."""
        self._rounds = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Ends the rounds, after a last one."""
        self._is_to_end.set()
        if self._rounds is not None:
            await self._rounds

    async def _run(self) -> None:
        while not self._is_to_end.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._is_to_end.wait()
            await self._save_or_log()
        # What changed while the round before was written.
        await self._save_or_log()

    async def _save_or_log(self) -> None:
        try:
            await self.save_changed()
        except Exception:
            log.exception("mockfoundry failed to save, and tries again in the next round")

    async def save_changed(self) -> None:
        """Writes what has changed since it was written, and deletes what is gone; stops where the store can't be
        reached."""
        with suppress(StoreUnreachableError):
            await asyncio.to_thread(self._keeper.check_incarnation)
            for name in self._keeper.list_ended():
                await asyncio.to_thread(self._keeper.delete, name)
            changed: list[str] = []
            for some in iterate_chunks(self._registry, FOUNDATIONS_AT_ONCE):
                changed += [each.name for each in some if self._keeper.has_changed(each)]
                await asyncio.sleep(0)
            for names in iterate_chunks(changed, CUTS_AT_ONCE):
                cuts = [self._keeper.cut(name) for name in names]
                await asyncio.to_thread(write_all, self._keeper.write, [each for each in cuts if each is not None])


def write_all(write: Callable[[PendingSave], None], cuts: list[PendingSave]) -> None:
    """Writes all of them; what is wrong with one keeps none of the others from being written.

    Raises:
        StoreUnreachableError: the store can't be reached, so none of those that are left is tried.
    """
    for cut in cuts:
        try:
            write(cut)
        except StoreUnreachableError:
            raise
        except Exception:
            log.exception("mockfoundry failed to save the foundation %s", cut.cut.name)
