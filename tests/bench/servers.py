"""Servers of the benchmark, each in a process of its own on one core, and wrk on another. Never compares anything."""

import os
import re
import ssl
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.bench.deadline import BenchError
from tests.bench.trees import HERE, Tree
from tests.bench.turns import Cost
from tests.default_seed import ADMIN, WEB
from tests.waiting import eventually

PROCESS = f"/v3/processes/{WEB}"
SCALE = f"{PROCESS}/actions/scale"
BARE = Path(__file__).with_name("bare_app.py")
POST_SCALE = Path(__file__).with_name("post_scale.lua")
CONNECTIONS = 8

START_SECONDS = 60
"""How long a server may take until it answers."""


class Server(NamedTuple):
    """A server that runs.

    Attributes:
        started: seconds from the start of its process to its first answer.
    """

    url: str
    pid: int
    started: float

    def processor_seconds(self) -> float:
        """What it has used so far, of all its threads."""
        return time.clock_gettime(processor_clock(self.pid))

    def resident_megabytes(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024  # type: ignore[union-attr]


def processor_clock(pid: int) -> int:
    """The clock of the processor time of a process [clock_getcpuclockid(3)]."""
    return (~pid << 3) | 2


class Slice(NamedTuple):
    """What a server got through in a short while.

    Attributes:
        processor: microseconds of its processor time, a request.
        share: its processor time of the time that went by; 1 where it had a core for itself and was never idle.
    """

    requests: int
    per_second: float
    processor: float
    share: float

    def cost(self) -> Cost:
        """Microseconds of a request."""
        return Cost(1e6 / self.per_second, self.processor)


def cores() -> tuple[set[int], set[int]]:
    """One core for a server, and the rest for what asks it."""
    there = sorted(os.sched_getaffinity(0))
    return {there[0]}, set(there[1:]) or {there[0]}


@contextmanager
def beside_the_servers() -> Iterator[None]:
    """Runs the block where no server runs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores()[1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def mock(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mockfoundry", "serve", "--port", "0", *arguments]


def bare(*arguments: str) -> list[str]:
    return [sys.executable, str(BARE), *arguments]


@contextmanager
def running(
    command: Sequence[str],
    tree: Tree = HERE,
    *,
    announces: str = r"http://[\d.]+:(\d+)",
    scheme: str = "http",
    port: int = 0,
    health: tuple[str, str] = ("GET", "/v3/processes"),
    pinned: bool = True,
    folder: Path | None = None,
) -> Iterator[Server]:
    """A server in a process of its own until the block ends.

    Args:
        announces: what it prints when it listens; the group is its port.
        scheme: of its URL.
        port: the one that it was told to listen on; 0 where it picks one and announces it.
        health: the request whose right answer says that it has started.
        pinned: whether it runs on one core.
        folder: that it runs in, where it writes files into that; None for this process's.

    Raises:
        BenchError: it ended, or did not answer in time.
    """
    server_cores = cores()[0] if pinned else os.sched_getaffinity(0)
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=tree.environment(),
        cwd=folder,
        preexec_fn=lambda: os.sched_setaffinity(0, server_cores),  # noqa: PLW1509
    )
    printed = Printed(process, announces)
    try:
        url = f"{scheme}://127.0.0.1:{port or printed.port()}"
        try:
            eventually(lambda: printed.has_ended() or is_answered(url, *health), START_SECONDS, what=f"{url} answers")
        except AssertionError as error:
            raise BenchError(f"{' '.join(command)}: {error}") from None
        if printed.has_ended():
            raise BenchError(f"{' '.join(command)} ended:\n{printed.last_lines()}")
        yield Server(url, process.pid, time.monotonic() - began)
    finally:
        process.kill()
        process.wait()
        printed.end()


def is_answered(url: str, method: str, path: str) -> bool:
    """Whether a request gets its right answer by now; False where nobody listens yet."""
    place = urlsplit(url)
    connection = (
        HTTPSConnection(place.netloc, timeout=START_SECONDS, context=ssl._create_unverified_context())  # noqa: S323 (a throw-away one)
        if place.scheme == "https"
        else HTTPConnection(place.netloc, timeout=START_SECONDS)
    )
    try:
        connection.request(method, path, headers=ADMIN)
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return answer.status < 300


class Printed:
    """What a server prints: read to its end, so that it never waits; of it the port, and the last lines."""

    def __init__(self, process: "subprocess.Popen[str]", announces: str) -> None:
        self._process = process
        self._announces = re.compile(announces)
        self._lines: deque[str] = deque(maxlen=20)
        self._port = 0
        self._known = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if not self._port and (found := self._announces.search(line)):
                self._port = int(found.group(1))
                self._known.set()
        self._known.set()

    def port(self) -> int:
        """Waits until it is printed.

        Raises:
            BenchError: the server ended before, or took too long.
        """
        self._known.wait(START_SECONDS)
        if not self._port:
            raise BenchError(f"a server did not start:\n{self.last_lines()}")
        return self._port

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def last_lines(self) -> str:
        return "".join(self._lines)

    def end(self) -> None:
        """Waits until all is read, once the process has ended."""
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


def post_scales(server: Server, seconds: int, foundations: int = 0) -> Slice:
    """POST scale, one of three sizes in turn, over so many foundations round robin."""
    return run_wrk(server, ["-s", str(POST_SCALE), server.url + SCALE], seconds, foundations)


def get(server: Server, path: str, seconds: int) -> Slice:
    """One GET again and again."""
    return run_wrk(server, ["-H", f"Authorization: {ADMIN['Authorization']}", server.url + path], seconds)


def run_wrk(server: Server, arguments: list[str], seconds: int, foundations: int = 0) -> Slice:
    """What a server gets through, asked by a few connections as fast as it can.

    Raises:
        BenchError: an answer is an error, or none came.
    """
    others = cores()[1]
    began, used = time.monotonic(), server.processor_seconds()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "FOUNDATIONS": str(foundations)},
        preexec_fn=lambda: os.sched_setaffinity(0, others),
        timeout=seconds + 60,
    )
    used, passed = server.processor_seconds() - used, time.monotonic() - began
    counted = re.search(r"(\d+) requests in ", done.stdout)
    per_second = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    if done.returncode or counted is None or per_second is None or int(counted.group(1)) == 0:
        raise BenchError(f"wrk could not ask {arguments[-1]}: {done.stdout}{done.stderr}")
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise BenchError(f"{arguments[-1]} answered errors: {done.stdout}")
    requests = int(counted.group(1))
    return Slice(requests, float(per_second.group(1)), used / requests * 1e6, used / passed)
