"""Pauses: what takes time, given out so that one who sleeps and one who awaits can both wait. Never says for what."""

import threading
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple, TypeVar

from mockfoundry.server.faults.dribble import PIECES, SECONDS

T = TypeVar("T")

GAP_SECONDS = SECONDS / PIECES
"""How long each piece of a dribbled body is waited for."""


class Pause(NamedTuple):
    """Something to wait for before going on.

    Attributes:
        seconds: how long at most.
        released: what ends it earlier, None for nothing.
    """

    seconds: float
    released: "Future[None] | None" = None


Pauses = Generator[Pause, None, T]
"""Gives pauses, one by one, and returns what there is after the last."""


def wait_for(pause: Pause, closed: threading.Event) -> None:
    """Waits in this thread."""
    if pause.released is None:
        closed.wait(pause.seconds)
    else:
        with suppress(TimeoutError):
            pause.released.result(pause.seconds)


def pieces_of(body: bytes) -> list[bytes]:
    """What a body dribbles out in, with a gap before each."""
    size = max(1, -(-len(body) // PIECES))
    return [body[start : start + size] for start in range(0, len(body), size)]
