"""Holding: the requests that a scenario holds, let go by a test. Never makes a hold: a scenario does."""

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from mockfoundry.client.errors import ControlError, ServerError


class Held:
    """The requests held under a name. At the end of its `with` block, however it ends, they go on.

    Args:
        call: a call of the control API about the foundation.
        name: of the hold.
    """

    def __init__(self, call: Callable[..., Any], name: str) -> None:
        self._call = call
        self.name = name

    def release(self) -> int:
        """Lets the requests that are held now go on; says how many there were. One that comes later is held anew."""
        return int(self._call("POST", f"/holds/{quote(self.name, safe='')}/release")["released"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.release()
            return
        # What went wrong in the block is what must be seen, not that its server is gone too.
        with suppress(ControlError, ServerError):
            self.release()
