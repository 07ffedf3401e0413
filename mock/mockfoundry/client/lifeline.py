"""The lifeline: a server's process, started and ended with the one that started it. Never leaves one behind."""

import os
import subprocess
import sys
import tempfile
import weakref
from contextlib import suppress
from typing import IO

import msgspec

from mockfoundry.client.child import Said
from mockfoundry.client.errors import ServerError
from mockfoundry.client.recipe import Recipe

PATIENCE_SECONDS = 5.0
"""How long a server may take to end by itself."""

MOST_TOLD = 4_000
"""How much of what a server wrote to its standard error is told, the latest."""


class Child:
    """A server in a process of its own.

    It ends when `end` is called, when this process ends in whatever way, and when nobody holds this object any more.

    Attributes:
        url: of the server.

    Raises:
        ServerError: it did not start; the text says why.
    """

    def __init__(self, recipe: Recipe) -> None:
        # A file holds what the server logs without anybody having to read it meanwhile.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `end`)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "mockfoundry.client.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                # It must find the packages that are found here, wherever from.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
            )
        except BaseException:
            self._log.close()
            raise
        _LIFELINES.add(self._process)
        self.end = weakref.finalize(self, end, self._process, self._log, os.getpid())
        try:
            self.url = self._begun(recipe)
        except BaseException:
            self.end()
            raise

    def _begun(self, recipe: Recipe) -> str:
        assert self._process.stdin is not None  # noqa: S101 (they are pipes)
        assert self._process.stdout is not None  # noqa: S101
        # That it is gone already is told below, with what it has said.
        with suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(recipe) + b"\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise ServerError(f"the server did not start; {self.last_words()}")
        said = msgspec.json.decode(line, type=Said)
        if said.error:
            raise ServerError(f"the server did not start: {said.error}")
        return said.url

    def last_words(self) -> str:
        """How its process is, and what it wrote to its standard error."""
        code = self._process.poll()
        state = "its process is running" if code is None else f"its process has ended with exit code {code}"
        log = told(self._log)
        return f"{state}; it said:\n{log}" if log else f"{state}, and said nothing"


def end(process: "subprocess.Popen[bytes]", log: IO[bytes], owner: int) -> None:
    """Ends a server, and shows what it wrote to its standard error."""
    assert process.stdin is not None  # noqa: S101 (they are pipes)
    assert process.stdout is not None  # noqa: S101
    # A fork of the process that started it has the object too, and no business with it.
    if os.getpid() != owner:
        return
    # One that is gone already has never read what was meant for it.
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    said = told(log)
    log.close()
    if said and sys.stderr is not None:
        sys.stderr.write(f"mockfoundry, the server of this test run, said:\n{said}\n")


def told(log: IO[bytes]) -> str:
    if log.closed:
        return ""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - MOST_TOLD))
    return log.read().decode("utf-8", "replace").strip()


_LIFELINES: "weakref.WeakSet[subprocess.Popen[bytes]]" = weakref.WeakSet()


def let_go() -> None:
    """Closes the lifelines in a fork, which would keep servers going when their own parent has ended."""
    for process in tuple(_LIFELINES):
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=let_go)
