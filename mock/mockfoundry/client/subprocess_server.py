"""A server in a process of its own, started and ended with the process that started it. Never outlives it.

The parent writes the options into the child's standard input, a line of JSON, and keeps that pipe open: the lifeline.
When the parent closes it, or ends for any reason, the child sees the end of the pipe, and ends too. The child answers
with one line: its URL, or why it did not start. Whatever else is printed in the child goes to its standard error.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from contextlib import ExitStack, suppress
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import msgspec

from mockfoundry.client.errors import ServerError
from mockfoundry.documents.quoting import quote_text
from mockfoundry.garbage import keep_what_is_imported, tune_garbage_collector
from mockfoundry.options import ServerOptions

if TYPE_CHECKING:
    from mockfoundry.exchange.run import Service
    from mockfoundry.server.tls import CallAtEnd, Tls


def build_local_service(options: ServerOptions) -> "Service":
    """The service that options describe.

    Raises:
        ServerError: what a user gave can't be used.
    """
    from mockfoundry.assembly import build_service

    try:
        return build_service(options, time.time_ns() // 1000)
    except Exception as error:
        explanation = explain_user_error(error)
        if explanation is None:
            raise
        raise ServerError(f"the server did not start: {explanation}") from None


def set_up_local_tls(options: ServerOptions, call_at_end: "CallAtEnd") -> "Tls | None":
    """How a server with these options speaks TLS; None where it does not.

    Args:
        call_at_end: is given what removes a file that nobody needs once the server has ended.

    Raises:
        ServerError: it can't.
    """
    from mockfoundry.server.tls import TlsError, set_up_tls

    try:
        return set_up_tls(options, call_at_end)
    except TlsError as error:
        raise ServerError(f"the server did not start: {error}") from None


def explain_user_error(error: Exception) -> str | None:
    """What is wrong with what a user gave; None where the error has another cause."""
    from mockfoundry.contract.plan import ContractError
    from mockfoundry.documents.problems import DocumentError

    if isinstance(error, ContractError | DocumentError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the server'}: {error.strerror or error}"
    return None


REPORT_PREFIX = b"mockfoundry: "
"""What the child's line begins with; what Python loads at its start may have printed other lines before it."""


class StartupReport(msgspec.Struct, frozen=True):
    """The child's line: the URL, or the error; the other one is empty.

    Attributes:
        authority: the file of the authority to trust; empty without TLS.
    """

    url: str = ""
    authority: str = ""
    error: str = ""


def serve_until_closed(lifeline: BinaryIO, out: BinaryIO) -> int:
    """Serves until the lifeline is closed.

    Returns:
        The exit code.
    """
    from mockfoundry.server.log import write_log_to_standard_error
    from mockfoundry.server.run import BackgroundServer, share_processor_often

    line = lifeline.readline()
    if not line.endswith(b"\n"):
        return 0
    options = msgspec.json.decode(line, type=ServerOptions)
    keep_what_is_imported()
    write_log_to_standard_error()
    with ExitStack() as ending:
        try:
            service = build_local_service(options)
            tls = set_up_local_tls(options, ending.callback)
        except ServerError as error:
            write_startup_report(out, StartupReport(error=str(error)))
            return 2
        tune_garbage_collector()
        share_processor_often()
        server = ending.enter_context(BackgroundServer(service, options, tls))
        write_startup_report(out, StartupReport(server.url, "" if tls is None else tls.authority_file))
        # Who has started it will call, and goes on meanwhile: these calls and library scenarios need both rooms.
        for room in ("mockfoundry.control.api", "mockfoundry.documents.yaml"):
            import_module(room)
        lifeline.read()
    return 0


def write_startup_report(out: BinaryIO, report: StartupReport) -> None:
    # A parent that no longer reads has closed the lifeline too.
    with suppress(BrokenPipeError):
        # What was printed before may have left its last line unfinished.
        out.write(b"\n" + REPORT_PREFIX + msgspec.json.encode(report) + b"\n")
        out.flush()


def run_subprocess() -> NoReturn:
    """The whole life of the child's process."""
    # Ctrl-C goes to every process of a terminal; only the parent may end this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    code = serve_until_closed(sys.stdin.buffer, out)
    sys.stderr.flush()
    # An ordinary exit would wait for threads, up to a minute in a verify.
    os._exit(code)


SHUTDOWN_TIMEOUT_SECONDS = 5.0
"""How long a server may take to end by itself."""

EXIT_WAIT_SECONDS = 0.5
"""How long to wait for the end of a server that does not answer, before it is reported as running."""

MAX_REPORTED_LOG_BYTES = 4_000
"""How much of a server's standard error is shown, the end of it."""

MAX_STRAY_LINES = 100
MAX_STRAY_LINE_BYTES = 4_096
"""How much may be printed before the startup report."""

_BOOTSTRAP = (
    "import gc, json, site, sys; "
    "gc.disable(); "
    "sys.path += [each for each in json.loads(sys.stdin.buffer.readline()) if each not in sys.path]; "
    "site.main(); "
    "from mockfoundry.client.subprocess_server import run_subprocess; run_subprocess()"
)
"""What the child runs; `-S` starts it with the standard library alone.

The garbage collector stands still until the server listens. The child finds the same packages as its parent, in the
same order, but the standard library before all of them: a module of the tests that has the name of one in the standard
library does not get in the way.
"""


class StderrLog:
    """A server's standard error, in a file, because a pipe that is not read would block it."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._reported = 0

    def latest(self) -> str:
        """The end of what was written."""
        return self._read_from(0)

    def read_unreported(self) -> str:
        """The end of what was written since this object was last read."""
        return self._read_from(self._reported)

    def close(self) -> None:
        self.file.close()

    def _read_from(self, start: int) -> str:
        if self.file.closed:
            return ""
        size = self.file.seek(0, os.SEEK_END)
        self.file.seek(max(start, size - MAX_REPORTED_LOG_BYTES))
        self._reported = size
        return self.file.read().decode("utf-8", "replace").strip()


class SubprocessServer:
    """A server in a process of its own.

    It ends when `end` is called, when this process ends in whatever way, and when this object is garbage-collected.

    Attributes:
        url: of the server.
        authority: the file of the authority to trust; empty without TLS.

    Raises:
        ServerError: it did not start; the text says why.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._log = StderrLog()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (nothing here is from outside)
                [sys.executable, "-P", "-S", "-c", _BOOTSTRAP],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log.file,
            )
        except BaseException:
            self._log.close()
            raise
        _LIFELINES.add(self._process)
        self.end = weakref.finalize(self, end_subprocess, self._process, self._log, os.getpid())
        try:
            report = self._start(options)
        except BaseException:
            self.end()
            raise
        self.url, self.authority = report.url, report.authority

    def _start(self, options: ServerOptions) -> StartupReport:
        assert self._process.stdin is not None  # noqa: S101 (they are pipes)
        import_path = [path or os.getcwd() for path in sys.path if isinstance(path, str)]
        # A child that has ended already is reported below, with what it wrote.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(import_path).encode() + b"\n" + msgspec.json.encode(options) + b"\n")
            self._process.stdin.flush()
        report = self._read_startup_report()
        if report.error:
            raise ServerError(report.error)
        return report

    def _read_startup_report(self) -> StartupReport:
        """The startup report, which may come after lines that something else has printed.

        Raises:
            ServerError: there is none.
        """
        assert self._process.stdout is not None  # noqa: S101
        first_stray_line = ""
        for _ in range(MAX_STRAY_LINES):
            line = self._process.stdout.readline()
            if line.startswith(REPORT_PREFIX) and line.endswith(b"\n"):
                return msgspec.json.decode(line.removeprefix(REPORT_PREFIX), type=StartupReport)
            if not line:
                raise ServerError(f"the server did not start; {self.describe_state()}")
            first_stray_line = first_stray_line or line[:MAX_STRAY_LINE_BYTES].decode("utf-8", "replace").strip()
        raise ServerError(
            f"the server did not start: {MAX_STRAY_LINES} lines were printed in its process before its URL, "
            f"the first is {first_stray_line!r}; "
            "let whatever prints when Python starts (a sitecustomize, a .pth file) be quiet"
        )

    def describe_state(self) -> str:
        """Whether the process is running, and what it wrote to its standard error."""
        # A server that ends closes its connections some time before its process is over.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_WAIT_SECONDS)
        code = self._process.returncode
        state = "its process is running" if code is None else f"its process has ended with exit code {code}"
        log = self._log.latest()
        return f"{state}; it said:\n{quote_text(log)}" if log else f"{state}, and said nothing"


def end_subprocess(process: "subprocess.Popen[bytes]", log: StderrLog, owner: int) -> None:
    """Ends a server, and prints what it wrote to its standard error, except for what an error has shown already."""
    assert process.stdin is not None  # noqa: S101 (they are pipes)
    assert process.stdout is not None  # noqa: S101
    # A fork of the process that started the server has this object too, but the server is not its own.
    if os.getpid() != owner:
        return
    # A child that has ended already may have left unread what was written to it.
    with suppress(BrokenPipeError):
        process.stdin.close()
    # A child that prints without end would wait for a reader.
    process.stdout.close()
    try:
        process.wait(SHUTDOWN_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    unreported = log.read_unreported()
    log.close()
    if unreported and sys.stderr is not None:
        sys.stderr.write(f"mockfoundry, the server of this test run, said:\n{quote_text(unreported)}\n")


_LIFELINES: "weakref.WeakSet[subprocess.Popen[bytes]]" = weakref.WeakSet()


def close_lifelines_in_fork() -> None:
    """Closes a fork's copies of the lifelines, which would keep servers running after the end of their parent."""
    for process in tuple(_LIFELINES):
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=close_lifelines_in_fork)
