"""Pauses: what takes time, given out so that one who sleeps and one who awaits can both wait. Never says for what."""

import threading
from collections.abc import Generator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from mockfoundry.server.faults.dribble import PIECES, SECONDS

T = TypeVar("T")

GAP_SECONDS = SECONDS / PIECES
"""How long each piece of a dribbled body is waited for."""


class Pause(NamedTuple):
    """Something to wait for before going on.

    Attributes:
        seconds: how long at most; None for ever.
        released: what ends it earlier, None for nothing.
    """

    seconds: float | None
    released: "Future[Any] | None" = None


Pauses = Generator[Pause, None, T]
"""Gives pauses, one by one, and returns what there is after the last."""


def wait_for(pause: Pause, closed: threading.Event) -> None:
    """Waits in this thread."""
    if pause.released is None:
        closed.wait(pause.seconds)
    else:
        with suppress(TimeoutError, CancelledError):
            pause.released.exception(pause.seconds)


def waited(pauses: Pauses[T], closed: threading.Event) -> T:
    """What comes of pauses that are waited for in this thread."""
    try:
        while True:
            wait_for(next(pauses), closed)
    except StopIteration as stop:
        found: T = stop.value
        return found
    finally:
        pauses.close()


def pieces_of(body: bytes) -> list[bytes]:
    """What a body dribbles out in, with a gap before each."""
    size = max(1, -(-len(body) // PIECES))
    return [body[start : start + size] for start in range(0, len(body), size)]
