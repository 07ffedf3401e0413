"""The child: a server in a process of its own, which ends as soon as its parent does. Never outlives it.

Its parent writes a recipe into its standard input, as a line, and keeps the other end open: that is the lifeline. When
the parent closes it, or ends in whatever way, the system says so here. The child answers with one line of its own: the
URL, or why there is none.
"""

import os
import signal
import sys
from typing import BinaryIO

import msgspec


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
    out.write(msgspec.json.encode(said) + b"\n")
    out.flush()


if __name__ == "__main__":
    # Ctrl-C goes to every process of a terminal; this one is ended by its parent alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = main(sys.stdin.buffer, sys.stdout.buffer)
    sys.stderr.flush()
    # Threads that still wait for something, up to a minute in a verify, keep nobody waiting.
    os._exit(code)
