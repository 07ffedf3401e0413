"""Awaiting: pauses in an event loop, of asyncio or of trio, without a thread for any. Never says for what."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from anyio import Event, move_on_after, sleep

from mockfoundry.in_process.pauses import Pause, Pauses

T = TypeVar("T")


async def awaited(pauses: Pauses[T]) -> T:
    """What comes of pauses that are awaited in this task."""
    try:
        while True:
            await await_pause(next(pauses))
    except StopIteration as stop:
        found: T = stop.value
        return found
    finally:
        pauses.close()


async def await_pause(pause: Pause) -> None:
    if pause.released is None:
        await sleep(pause.seconds or 0.0)
        return
    ended, soon = Event(), called_soon()

    def end(_: "Future[Any]") -> None:
        # The loop may have ended meanwhile, and whoever waited in it.
        with suppress(RuntimeError):
            soon(ended.set)

    pause.released.add_done_callback(end)
    with move_on_after(pause.seconds):
        await ended.wait()


def called_soon() -> Callable[[Callable[[], object]], object]:
    """What has the loop of this task call a function, from whatever thread, and does not wait until it has.

    A release is made in its turn; waiting there for a loop that waits for its own turn would never end.
    """
    trio: Any = sys.modules.get("trio")
    if trio is not None:
        with suppress(RuntimeError):
            found: Callable[[Callable[[], object]], object] = trio.lowlevel.current_trio_token().run_sync_soon
            return found
    return asyncio.get_running_loop().call_soon_threadsafe
