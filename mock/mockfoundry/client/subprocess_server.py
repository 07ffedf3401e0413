"""Recipes: what a server is made of, as text that can be sent to another process. Never serves anything.

The child: a server in a process of its own, which ends as soon as its parent does. Never outlives it.

Its parent writes a recipe into its standard input, as a line, and keeps the other end open: that is the lifeline. When
the parent closes it, or ends in whatever way, the system says so here. The child answers with one line of its own: the
URL, or why there is none. Whatever else is printed here goes to the parent's log.

The lifeline: a server's process, started and ended with the one that started it. Never leaves one behind.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, NoReturn

import msgspec

from mockfoundry.client.arguments import SeedSource, SentDocument, load_scenario_document, load_seed_document
from mockfoundry.client.errors import ServerError

if TYPE_CHECKING:
    from mockfoundry.client.arguments import ScenarioSource
    from mockfoundry.exchange.run import Service


Mode = Literal["stateful", "canned"]


class SubprocessOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is made of.

    Attributes:
        scenarios: names of the library, or what is written, in the order in which they are asked.
        contract: a file's path, None for the shipped one.
        max_foundations: None for as many as a server holds by default.
    """

    seed: SentDocument | None
    scenarios: list[str | SentDocument]
    random_seed: int
    contract: str | None
    strict: bool
    mode: Mode
    max_foundations: int | None


def collect_server_options(
    seed: SeedSource | None,
    scenarios: "Sequence[ScenarioSource]",
    random_seed: int,
    contract: str | Path | None,
    strict: bool,
    mode: Mode,
    max_foundations: int | None,
) -> SubprocessOptions:
    """The recipe of what a test asked for.

    Raises:
        OSError: a file can't be read.
    """
    return SubprocessOptions(
        seed=None if seed is None else load_seed_document(seed),
        scenarios=[load_scenario_document(each) or str(each) for each in scenarios],
        random_seed=random_seed,
        contract=None if contract is None else str(contract),
        strict=strict,
        mode=mode,
        max_foundations=max_foundations,
    )


def build_service_from_options(recipe: SubprocessOptions) -> "Service":
    """The service that a recipe describes.

    Raises:
        ContractError: the contract can't be used.
        DocumentError: the seed or a scenario can't be used.
        OSError: the contract can't be read.
    """
    from mockfoundry import shipped
    from mockfoundry.assembly import ServerOptions, build_service
    from mockfoundry.documents.problems import Document
    from mockfoundry.foundations.registry import ServerBounds

    most = recipe.max_foundations
    return build_service(
        ServerOptions(
            born=time.time_ns() // 1000,
            contract=shipped.CONTRACT_FILE if recipe.contract is None else Path(recipe.contract),
            seed=None if recipe.seed is None else Document(*recipe.seed),
            scenarios=tuple(each if isinstance(each, str) else Document(*each) for each in recipe.scenarios),
            canned=recipe.mode == "canned",
            strict=recipe.strict,
            random_seed=recipe.random_seed,
            bounds=ServerBounds() if most is None else ServerBounds(foundations=most),
        )
    )


def build_local_service(recipe: SubprocessOptions) -> "Service":
    """The service that a recipe describes, for a caller in this process.

    Raises:
        ServerError: what a user gave can't be used.
    """
    try:
        return build_service_from_options(recipe)
    except Exception as error:
        plain = explain_user_error(error)
        if plain is None:
            raise
        raise ServerError(f"the server did not start: {plain}") from None


def explain_user_error(error: Exception) -> str | None:
    """What went wrong with what a user gave, None where it was something else."""
    from mockfoundry.contract.plan import ContractError
    from mockfoundry.documents.problems import DocumentError

    if isinstance(error, ContractError | DocumentError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the server'}: {error.strerror or error}"
    return None


REPORT_PREFIX = b"mockfoundry: "
"""What the child's line begins with: what Python itself starts with may print too, before anything here can help it."""


class StartupReport(msgspec.Struct, frozen=True):
    """The child's line; either is empty."""

    url: str = ""
    error: str = ""


def serve_until_closed(lifeline: BinaryIO, out: BinaryIO) -> int:
    """Serves until the lifeline ends; gives the exit code."""
    from mockfoundry.server.run import BackgroundServer, tune_garbage_collector

    line = lifeline.readline()
    if not line.endswith(b"\n"):
        return 0
    try:
        service = build_service_from_options(msgspec.json.decode(line, type=SubprocessOptions))
    except Exception as error:
        plain = explain_user_error(error)
        if plain is None:
            raise
        write_startup_report(out, StartupReport(error=plain))
        return 2
    tune_garbage_collector()
    with BackgroundServer(service) as server:
        write_startup_report(out, StartupReport(url=server.url))
        lifeline.read()
    return 0


def write_startup_report(out: BinaryIO, said: StartupReport) -> None:
    # A parent that listens no more has let go of the lifeline, too.
    with suppress(BrokenPipeError):
        # What was printed before it may have left a line without an end.
        out.write(b"\n" + REPORT_PREFIX + msgspec.json.encode(said) + b"\n")
        out.flush()


def run_subprocess() -> NoReturn:
    """Serves as the process that this is."""
    # Ctrl-C goes to every process of a terminal; this one is ended by its parent alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    code = serve_until_closed(sys.stdin.buffer, out)
    sys.stderr.flush()
    # Threads that still wait for something, up to a minute in a verify, keep nobody waiting.
    os._exit(code)


SHUTDOWN_TIMEOUT_SECONDS = 5.0
"""How long a server may take to end by itself."""

EXIT_WAIT_SECONDS = 0.5
"""How long a server that does not answer is given to have ended, before it is said to be running."""

MAX_REPORTED_LOG_BYTES = 4_000
"""How much of what a server wrote to its standard error is told, the latest."""

MAX_STRAY_LINES = 100
MAX_STRAY_LINE_BYTES = 4_096
"""How much may be printed before a server's own line."""

_BOOTSTRAP = (
    "import json, site, sys; "
    "sys.path += [each for each in json.loads(sys.stdin.buffer.readline()) if each not in sys.path]; "
    "site.main(); "
    "from mockfoundry.client.subprocess_server import run_subprocess; run_subprocess()"
)
"""What the child runs, with nothing but the standard library to begin with (`-S`).

So it finds the packages that are found here, and in the same order, but its standard library before any of them.
"""


class StderrLog:
    """What a server wrote to its standard error, in a file: so nobody need read it meanwhile."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._reported = 0

    def latest(self) -> str:
        """The end of it, however often it was told."""
        return self._read_from(0)

    def read_unreported(self) -> str:
        """The end of what was not told yet."""
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

    It ends when `end` is called, when this process ends in whatever way, and when nobody holds this object any more.

    Attributes:
        url: of the server.

    Raises:
        ServerError: it did not start; the text says why.
    """

    def __init__(self, recipe: SubprocessOptions) -> None:
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
            self.url = self._start(recipe)
        except BaseException:
            self.end()
            raise

    def _start(self, recipe: SubprocessOptions) -> str:
        assert self._process.stdin is not None  # noqa: S101 (they are pipes)
        found = [path or os.getcwd() for path in sys.path if isinstance(path, str)]
        # That it is gone already is told below, with what it has said.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(found).encode() + b"\n" + msgspec.json.encode(recipe) + b"\n")
            self._process.stdin.flush()
        said = self._read_startup_report()
        if said.error:
            raise ServerError(f"the server did not start: {said.error}")
        return said.url

    def _read_startup_report(self) -> StartupReport:
        """The server's own line, behind whatever else is printed.

        Raises:
            ServerError: there is none.
        """
        assert self._process.stdout is not None  # noqa: S101
        strange = ""
        for _ in range(MAX_STRAY_LINES):
            line = self._process.stdout.readline()
            if line.startswith(REPORT_PREFIX) and line.endswith(b"\n"):
                return msgspec.json.decode(line.removeprefix(REPORT_PREFIX), type=StartupReport)
            if not line:
                raise ServerError(f"the server did not start; {self.describe_state()}")
            strange = strange or line[:MAX_STRAY_LINE_BYTES].decode("utf-8", "replace").strip()
        raise ServerError(
            f"the server did not start: {MAX_STRAY_LINES} lines were printed in its process before its URL, "
            f"the first is {strange!r}; let whatever prints when Python starts (a sitecustomize, a .pth file) be quiet"
        )

    def describe_state(self) -> str:
        """How its process is, and what it wrote to its standard error."""
        # One that closes its connections because it ends has not ended yet.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_WAIT_SECONDS)
        code = self._process.returncode
        state = "its process is running" if code is None else f"its process has ended with exit code {code}"
        log = self._log.latest()
        return f"{state}; it said:\n{log}" if log else f"{state}, and said nothing"


def end_subprocess(process: "subprocess.Popen[bytes]", log: StderrLog, owner: int) -> None:
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
        process.wait(SHUTDOWN_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    said = log.read_unreported()
    log.close()
    if said and sys.stderr is not None:
        sys.stderr.write(f"mockfoundry, the server of this test run, said:\n{said}\n")


_LIFELINES: "weakref.WeakSet[subprocess.Popen[bytes]]" = weakref.WeakSet()


def close_lifelines_in_fork() -> None:
    """Closes the lifelines in a fork, which would keep servers going when their own parent has ended."""
    for process in tuple(_LIFELINES):
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=close_lifelines_in_fork)
