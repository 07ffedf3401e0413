"""The lifeline: a server's process, started and ended with the one that started it. Never leaves one behind."""

import json
import os
import subprocess
import sys
import tempfile
import weakref
from contextlib import suppress

import msgspec

from mockfoundry.client.child import MARK, Said
from mockfoundry.client.errors import ServerError
from mockfoundry.client.recipe import Recipe

PATIENCE_SECONDS = 5.0
"""How long a server may take to end by itself."""

MOMENT_SECONDS = 0.5
"""How long a server that does not answer is given to have ended, before it is said to be running."""

MOST_TOLD = 4_000
"""How much of what a server wrote to its standard error is told, the latest."""

MOST_STRANGE_LINES = 100
LONGEST_STRANGE_LINE = 4_096
"""How much may be printed before a server's own line."""

_BEGIN = (
    "import json, site, sys; "
    "sys.path += [each for each in json.loads(sys.stdin.buffer.readline()) if each not in sys.path]; "
    "site.main(); "
    "from mockfoundry.client.child import run; run()"
)
"""What the child runs, with nothing but the standard library to begin with (`-S`).

So it finds the packages that are found here, and in the same order, but its standard library before any of them.
"""


class Log:
    """What a server wrote to its standard error, in a file: so nobody need read it meanwhile."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._told = 0

    def latest(self) -> str:
        """The end of it, however often it was told."""
        return self._from(0)

    def news(self) -> str:
        """The end of what was not told yet."""
        return self._from(self._told)

    def close(self) -> None:
        self.file.close()

    def _from(self, start: int) -> str:
        if self.file.closed:
            return ""
        size = self.file.seek(0, os.SEEK_END)
        self.file.seek(max(start, size - MOST_TOLD))
        self._told = size
        return self.file.read().decode("utf-8", "replace").strip()


class Child:
    """A server in a process of its own.

    It ends when `end` is called, when this process ends in whatever way, and when nobody holds this object any more.

    Attributes:
        url: of the server.

    Raises:
        ServerError: it did not start; the text says why.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._log = Log()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (nothing here is from outside)
                [sys.executable, "-P", "-S", "-c", _BEGIN],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log.file,
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
        found = [path or os.getcwd() for path in sys.path if isinstance(path, str)]
        # That it is gone already is told below, with what it has said.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(found).encode() + b"\n" + msgspec.json.encode(recipe) + b"\n")
            self._process.stdin.flush()
        said = self._said()
        if said.error:
            raise ServerError(f"the server did not start: {said.error}")
        return said.url

    def _said(self) -> Said:
        """The server's own line, behind whatever else is printed.

        Raises:
            ServerError: there is none.
        """
        assert self._process.stdout is not None  # noqa: S101
        strange = ""
        for _ in range(MOST_STRANGE_LINES):
            line = self._process.stdout.readline()
            if line.startswith(MARK) and line.endswith(b"\n"):
                return msgspec.json.decode(line.removeprefix(MARK), type=Said)
            if not line:
                raise ServerError(f"the server did not start; {self.last_words()}")
            strange = strange or line[:LONGEST_STRANGE_LINE].decode("utf-8", "replace").strip()
        raise ServerError(
            f"the server did not start: {MOST_STRANGE_LINES} lines were printed in its process before its URL, "
            f"the first is {strange!r}; let whatever prints when Python starts (a sitecustomize, a .pth file) be quiet"
        )

    def last_words(self) -> str:
        """How its process is, and what it wrote to its standard error."""
        # One that closes its connections because it ends has not ended yet.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(MOMENT_SECONDS)
        code = self._process.returncode
        state = "its process is running" if code is None else f"its process has ended with exit code {code}"
        log = self._log.latest()
        return f"{state}; it said:\n{log}" if log else f"{state}, and said nothing"


def end(process: "subprocess.Popen[bytes]", log: Log, owner: int) -> None:
    """Ends a server, and shows what it wrote to its standard error, but for what an error has told already."""
    assert process.stdin is not None  # noqa: S101 (they are pipes)
    assert process.stdout is not None  # noqa: S101
    # A fork of the process that started it has the object too, and no business with it.
    if os.getpid() != owner:
        return
    # One that is gone already has never read what was meant for it.
    with suppress(BrokenPipeError):
        process.stdin.close()
    # One that prints without end would wait for a reader.
    process.stdout.close()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    said = log.news()
    log.close()
    if said and sys.stderr is not None:
        sys.stderr.write(f"mockfoundry, the server of this test run, said:\n{said}\n")


_LIFELINES: "weakref.WeakSet[subprocess.Popen[bytes]]" = weakref.WeakSet()


def let_go() -> None:
    """Closes the lifelines in a fork, which would keep servers going when their own parent has ended."""
    for process in tuple(_LIFELINES):
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=let_go)
