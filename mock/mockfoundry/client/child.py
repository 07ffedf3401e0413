"""The child: a server in a process of its own, which ends as soon as its parent does. Never outlives it.

Its parent writes a recipe into its standard input, as a line, and keeps the other end open: that is the lifeline. When
the parent closes it, or ends in whatever way, the system says so here. The child answers with one line of its own: the
URL, or why there is none. Whatever else is printed here goes to the parent's log.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import BinaryIO, NoReturn

import msgspec

MARK = b"mockfoundry: "
"""What the child's line begins with: what Python itself starts with may print too, before anything here can help it."""


class Said(msgspec.Struct, frozen=True):
    """The child's line; either is empty."""

    url: str = ""
    error: str = ""


def main(lifeline: BinaryIO, out: BinaryIO) -> int:
    """Serves until the lifeline ends; gives the exit code."""
    from mockfoundry.client.recipe import Recipe, service_from, told_plainly
    from mockfoundry.listening import BackgroundServer, settle_memory

    line = lifeline.readline()
    if not line.endswith(b"\n"):
        return 0
    try:
        service = service_from(msgspec.json.decode(line, type=Recipe))
    except Exception as error:
        plain = told_plainly(error)
        if plain is None:
            raise
        say(out, Said(error=plain))
        return 2
    settle_memory()
    with BackgroundServer(service) as server:
        say(out, Said(url=server.url))
        lifeline.read()
    return 0


def say(out: BinaryIO, said: Said) -> None:
    # A parent that listens no more has let go of the lifeline, too.
    with suppress(BrokenPipeError):
        # What was printed before it may have left a line without an end.
        out.write(b"\n" + MARK + msgspec.json.encode(said) + b"\n")
        out.flush()


def run() -> NoReturn:
    """Serves as the process that this is."""
    # Ctrl-C goes to every process of a terminal; this one is ended by its parent alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    code = main(sys.stdin.buffer, out)
    sys.stderr.flush()
    # Threads that still wait for something, up to a minute in a verify, keep nobody waiting.
    os._exit(code)
