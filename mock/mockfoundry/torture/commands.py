"""Outputs: the end of what a command writes, read while it writes. Never makes the command wait, never keeps it all.

Commands: run in sessions of their own, bounded in time, ended with all that they started. Never knows what they ask.

A session of its own keeps Ctrl-C of the terminal from a command, so whoever runs it ends it.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

MAX_TAIL_BYTES = 4_000
"""Bytes of each of a command's outputs that are kept, the latest."""

READ_CHUNK_BYTES = 65_536
"""Bytes that are read at a time: what a pipe holds on most systems."""


class OutputTail:
    """The end of what comes through a pipe, which is closed here when nobody writes to it any more.

    Args:
        pipe: unbuffered.
    """

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._tail = b""
        self._reported = False
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
        self._reported = True
        text = self._tail.decode("utf-8", "replace")
        return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")

    def _read(self, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            return
        with pipe:
            while not self._reported and (data := pipe.read(READ_CHUNK_BYTES)):
                self._tail = (self._tail + data)[-MAX_TAIL_BYTES:]


READ_OUT_SECONDS = 1.0
"""So long after its end a command's outputs are read on: only what has left its group can still hold them open."""


class CommandsStoppedError(Exception):
    """All commands were ended, so what became of this one says nothing."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended.

    Attributes:
        code: its exit code, negative for the signal that ended it; None where its time was up.
        output, errors: the end of what it wrote to standard output and standard error.
    """

    code: int | None
    output: str
    errors: str
    seconds: float

    @property
    def last_line(self) -> str:
        """The last line that it wrote to its standard error; to its standard output where there is none."""
        lines = (self.errors.strip() or self.output.strip()).splitlines()
        return lines[-1].strip() if lines else ""


class CommandRunner:
    """The commands that are running, from whatever threads; the end of its block ends them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._stopped.set()
            for process in self._running:
                kill_process_group(process)

    def run(self, words: Sequence[str], environment: Mapping[str, str], timeout: float) -> CommandResult:
        """Runs a command to its end; what it has started and left running is ended then.

        Args:
            environment: what it finds in its environment beside what is there.
            timeout: seconds.

        Raises:
            OSError: it can't be run.
            StoppedError: the block has ended.
        """
        began = time.monotonic()
        process = self._start(words, environment)
        output, errors = OutputTail(process.stdout), OutputTail(process.stderr)
        code: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout)
        finally:
            self._end(process)
        ended = time.monotonic()
        until = ended + READ_OUT_SECONDS
        told = CommandResult(code, output.text(until), errors.text(until), ended - began)
        if self._stopped.is_set():
            raise CommandsStoppedError
        return told

    def pause(self, seconds: float) -> None:
        """Waits so long.

        Raises:
            StoppedError: the block has ended.
        """
        if self._stopped.wait(seconds):
            raise CommandsStoppedError

    def _start(self, words: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        # Under the lock, so that none begins behind the back of whoever ends them all.
        with self._lock:
            if self._stopped.is_set():
                raise CommandsStoppedError
            process = subprocess.Popen(  # noqa: S603 (the user's own command)
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**os.environ, **environment},
                start_new_session=True,
            )
            self._running.add(process)
            return process

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            kill_process_group(process)
            self._running.discard(process)
        process.wait()


def kill_process_group(process: "subprocess.Popen[bytes]") -> None:
    """Ends a command and what it has started, which is in its group unless it took care not to be."""
    if not hasattr(os, "killpg"):
        process.kill()
        return
    # Nobody may be left in it; and on some systems one that has ended may not be told anything.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
