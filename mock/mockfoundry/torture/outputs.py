"""Outputs: the end of what a command writes, read while it writes. Never makes the command wait, never keeps it all."""

import threading
import time
from typing import IO

MOST_KEPT = 4_000
"""Bytes of each of a command's outputs that are kept, the latest."""

AT_ONCE = 65_536
"""Bytes that are read at a time: what a pipe holds on most systems."""


class Tail:
    """The end of what comes through a pipe, which is closed here when nobody writes to it any more.

    Args:
        pipe: unbuffered.
    """

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._kept = b""
        self._told = False
        # Nobody can break off a read, and what escaped from its group may hold the pipe for ever: the end of the
        # program is not to wait for it.
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    def text(self, until: float) -> str:
        """What was kept, as text that a terminal and XML can take; what comes later is not read.

        Args:
            until: seconds of the monotonic clock at which the end of the pipe is waited for no longer.
        """
        self._reader.join(max(0.0, until - time.monotonic()))
        self._told = True
        text = self._kept.decode("utf-8", "replace")
        return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")

    def _read(self, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            return
        with pipe:
            while not self._told and (data := pipe.read(AT_ONCE)):
                self._kept = (self._kept + data)[-MOST_KEPT:]
