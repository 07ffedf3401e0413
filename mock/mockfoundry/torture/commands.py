"""Commands, run with a time limit and ended with all that they have started. Never knows what a command does.

Each runs in its own session, so that Ctrl-C in the terminal does not reach it: the runner ends it.
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
"""How many bytes of each of a command's outputs are kept, the end of it."""

READ_CHUNK_BYTES = 65_536
"""How many bytes are read at a time: what a pipe holds on most systems."""


class OutputTail:
    """The end of what comes through a pipe. It is read all the time, so that the command never waits for a reader.

    Args:
        pipe: unbuffered.
    """

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._tail = b""
        self._reported = False
        # A read can't be cancelled, and a process that left its group may hold the pipe open for ever: as a daemon,
        # the thread does not delay the end of the program.
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    def text(self, until: float) -> str:
        """The end of the output, as text without control characters; what comes later is not read.

        Args:
            until: how long to wait for the end of the pipe, in seconds of the monotonic clock.
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
"""How long a command's outputs are read after its end: only a process that left its group can still hold them open."""


class CommandsStoppedError(Exception):
    """All commands were ended, so the result of this one says nothing."""


@dataclass(frozen=True)
class CommandResult:
    """How a command ended.

    Attributes:
        code: its exit code, negative for the signal that ended it; None where its time was up.
        output, errors: the end of its standard output and of its standard error.
    """

    code: int | None
    output: str
    errors: str
    seconds: float

    @property
    def last_line(self) -> str:
        """The last line of its standard error; of its standard output where that is empty."""
        lines = (self.errors.strip() or self.output.strip()).splitlines()
        return lines[-1].strip() if lines else ""


class CommandRunner:
    """Runs commands, from any thread; those that are running at the end of its block are ended."""

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
        """Runs a command to its end, and ends what it has left running.

        Args:
            environment: added to the environment of this process.
            timeout: seconds.

        Raises:
            OSError: it can't be run.
            CommandsStoppedError: the block has ended.
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
        result = CommandResult(code, output.text(until), errors.text(until), ended - began)
        if self._stopped.is_set():
            raise CommandsStoppedError
        return result

    def pause(self, seconds: float) -> None:
        """Waits for a time.

        Raises:
            CommandsStoppedError: the block has ended.
        """
        if self._stopped.wait(seconds):
            raise CommandsStoppedError

    def _start(self, words: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        # Under the lock, so that no command starts while all are being ended.
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
    """Ends a command and what it has started, except for processes that have left its group."""
    if not hasattr(os, "killpg"):
        process.kill()
        return
    # The group may be empty; and some systems refuse a signal to a process that has ended.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
