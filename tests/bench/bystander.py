"""A bystander: a client in a process of its own that reads one process again and again, and how long it waited at most.

It prints a line for each line that it is given: its longest wait since the one before in milliseconds, and the most
that the server worked while it waited. On an idle machine they are the same; on a busy one the second is the server's
part of it.
"""

import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from subprocess import PIPE, Popen
from urllib.parse import urlsplit

from tests.bench.servers import processor_clock
from tests.default_seed import ADMIN, WEB

HEADERS = {**ADMIN, "X-Mock-Foundation": "bystander"}


class Bystander:
    """A bystander's process, as the one that started it sees it."""

    def __init__(self, process: "Popen[str]") -> None:
        self._process = process

    def longest_waits(self) -> tuple[float, float]:
        """The longest wait since this was asked before, and the server's longest work in one; in milliseconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        waited, worked = self._process.stdout.readline().split()
        return float(waited), float(worked)


@contextmanager
def standing_by(url: str, server: int) -> Iterator[Bystander]:
    """A bystander of the server with this URL and this process id, in a foundation of its own."""
    process = Popen([sys.executable, "-m", __name__, url, str(server)], stdin=PIPE, stdout=PIPE, text=True)
    try:
        bystander = Bystander(process)
        bystander.longest_waits()
        yield bystander
    finally:
        process.kill()
        process.communicate()


def stand_by(url: str, server: int) -> None:
    """Reads the process until the one that started it is gone."""
    work_clock = processor_clock(server)
    connection = HTTPConnection(urlsplit(url).netloc)
    waited = worked = 0
    while True:
        began, begun = time.monotonic_ns(), time.clock_gettime_ns(work_clock)
        connection.request("GET", f"/v3/processes/{WEB}", headers=HEADERS)
        connection.getresponse().read()
        waited = max(waited, time.monotonic_ns() - began)
        worked = max(worked, time.clock_gettime_ns(work_clock) - begun)
        if select.select([sys.stdin], [], [], 0.0)[0]:
            if not sys.stdin.readline():
                return
            sys.stdout.write(f"{waited / 1e6:.1f} {worked / 1e6:.1f}\n")
            sys.stdout.flush()
            waited = worked = 0


if __name__ == "__main__":
    stand_by(sys.argv[1], int(sys.argv[2]))
