"""An isolated test and a control call, as those who write tests wait for them. Installs peers; measures by turns."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import urlsplit

from tests.bench.deadline import BenchError
from tests.bench.peers import install_java_peers, install_python_peers
from tests.bench.servers import SCALE, Server, beside_the_servers, mock, running
from tests.bench.table import Table, at_most
from tests.bench.trees import HERE, Tree
from tests.bench.turns import Cost, take_turns
from tests.default_seed import ADMIN

CALLS = 200
"""Of each kind, in a slice."""

OURS = ("mockfoundry by socket", "mockfoundry in process")
OF_PYTHON = ("pytest-httpserver", "respx")
OF_JAVA = ("WireMock", "MockServer")

CONTROL = ("PATCH", "/__mock/foundations/default/clock", '{"advance": "1s"}')
SCALING = ("POST", SCALE, '{"instances": 2}')

END_SECONDS = 20
"""How long a worker may take to end its servers."""


class Worker:
    """A process that runs isolated tests with several tools when it is asked.

    Attributes:
        failed: why a tool can't be measured, by its name.
    """

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[str]) -> None:
        self._process = process
        self._errors = errors
        self.failed: dict[str, str] = self._read()["failed"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise BenchError(f"the process that runs isolated tests ended: {self._errors.read()[-300:]}")
        read: dict[str, Any] = json.loads(line)
        return read

    def ask(self, tool: str, tests: int) -> Cost:
        """Milliseconds of an isolated test with a tool, as the mean of so many."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{tool} {tests}\n")
        self._process.stdin.flush()
        return Cost(*self._read()["milliseconds"])


@contextmanager
def working(tools: Sequence[str], tree: Tree = HERE) -> Iterator[Worker]:
    """A worker with these tools until the block ends."""
    with TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.isolated", *tools],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=tree.environment(install_python_peers(), HERE.folder),
        )
        try:
            yield Worker(process, errors)
        finally:
            # It ends its servers before it ends.
            process.terminate()
            try:
                process.communicate(timeout=END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def measure_isolated(table: Table, rounds: int, tests: int) -> None:
    """One isolated test with each tool."""
    without_java = install_java_peers()
    with working([*OURS, *OF_PYTHON, *(() if without_java else OF_JAVA)]) as worker:
        names = [name for name in (*OURS, *OF_PYTHON, *OF_JAVA) if name not in worker.failed]
        if without_java:
            names = [name for name in names if name not in OF_JAVA]
        slices = {name: partial(worker.ask, name, tests) for name in names}
        measured = take_turns(slices, rounds, within=90)
        failed = worker.failed
    for peer in (*OF_PYTHON, *OF_JAVA):
        ours, where = (OURS[1], "in process") if peer == "respx" else (OURS[0], "by socket")
        name = f"an isolated test, {where}, of {peer}'s"
        if peer in OF_JAVA and without_java:
            table.leave_out(name, without_java)
        elif why := failed.get(ours) or failed.get(peer):
            table.fail(name, why)
        else:
            table.compare(name, measured[ours], measured[peer], at_most(1) if peer in OF_PYTHON else None)
    for name, title in zip(OURS, ("by socket", "in process"), strict=True):
        if name in measured:
            table.add_cost(f"· {title}", measured[name], "ms")


def measure_control_calls(table: Table, rounds: int) -> None:
    """A control call and a scale, both over one connection that a client keeps."""
    with running(mock()) as server, beside_the_servers(), keeping_a_connection(server) as cost_of:
        control, scale = partial(cost_of, *CONTROL), partial(cost_of, *SCALING)
        control(), scale()
        measured = take_turns({"control": control, "scale": scale}, rounds)
    table.compare("a control call, of a scale", measured["control"], measured["scale"], at_most(1.3))
    table.add_cost("· a control call", measured["control"], "ms")


@contextmanager
def keeping_a_connection(server: Server) -> Iterator[Callable[[str, str, str], Cost]]:
    """What makes many calls over one connection, and returns the milliseconds of one, and the server's in it."""
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    headers = {**ADMIN, "Content-Type": "application/json"}

    def cost_of(method: str, path: str, body: str) -> Cost:
        began, used = time.perf_counter(), server.processor_seconds()
        for _ in range(CALLS):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 300:
                raise BenchError(f"{method} {path} answered {answer.status}")
        passed, used = time.perf_counter() - began, server.processor_seconds() - used
        return Cost(passed / CALLS * 1000, used / CALLS * 1000)

    try:
        yield cost_of
    finally:
        connection.close()
