"""`make soak`: many clients of one server for minutes, with faults on and resets in between.

Ends with exit code 1 where its memory grows, where mockfoundry itself fails, or where a place for what waits is lost.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from mockfoundry.control.context import MAX_STREAMS, MAX_WAITING_CALLS
from tests.serving import ADMIN, WEB

PROCESS = f"/v3/processes/{WEB}"
SCALE = f"{PROCESS}/actions/scale"
CLIENTS = 6
MAX_HELD = 40
PATIENCE_SECONDS = 1.0
"""How long a client waits for an answer before it leaves."""

SETTLED = (0.4, 0.6)
"""The parts of the time between which memory has come to rest: journals are full, and everything was imported."""

AT_END = (0.8, 1.0)
"""The parts of the time in which it must not be higher than then."""

LONGEST_HOLD_SECONDS = 90.0
"""Longer than a scenario of the library holds a request."""

MOST_GROWTH = 1.20
"""How much higher the highest figure may be: memory comes in lumps of ten megabytes, where large bodies meet."""

OWN_FAILURE = re.compile(rb"mockfoundry failed|urn:mockfoundry:failed")
HELD = {
    "scenario": "held",
    "description": "Each scale is held before it is done.",
    "rules": [{"operation": "scaleProcess", "respond": {"hold": {"at": "before-commit", "at-most": "3s"}}}],
}


class Soak:
    """What all clients share.

    Attributes:
        outcomes: how often each status, or each broken connection, was met.
        failures: what must not have been.
    """

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.outcomes: Counter[str] = Counter()
        self.failures: list[str] = []
        self.ended = threading.Event()

    def call(
        self, method: str, path: str, body: Any = None, *, foundation: str = "", patience: float = PATIENCE_SECONDS
    ) -> tuple[int, bytes]:
        """The status and the body of an answer; 0 where there was none in time, or a broken one."""
        connection = HTTPConnection(self.host, timeout=patience)
        headers = {**ADMIN, "Content-Type": "application/json", "Connection": "close"}
        if foundation:
            headers["X-Mock-Foundation"] = foundation
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            self.outcomes[type(error).__name__] += 1
            return 0, b""
        finally:
            connection.close()
        self.outcomes[str(answer.status)] += 1
        why = answer.headers.get("x-mock-why", "")
        if OWN_FAILURE.search(content) or OWN_FAILURE.search(why.encode("latin-1")):
            self.failures.append(f"{method} {path}: {answer.status} {why} {content[:300]!r}")
        return answer.status, content


class SoakClient:
    """One client: does this and that in a foundation of its own, drawn from a seed."""

    def __init__(self, soak: Soak, number: int, library: list[str]) -> None:
        self.soak, self.library = soak, library
        self.draw = random.Random(number)
        self.name = f"soak-{number}"
        self.control = f"/__mock/foundations/{self.name}"
        self.actions: list[tuple[int, Callable[[], object]]] = [
            (30, lambda: self.data("POST", SCALE, {"instances": self.draw.randrange(6)})),
            (15, lambda: self.data("GET", PROCESS)),
            (8, lambda: self.data("GET", f"{PROCESS}/stats")),
            (8, lambda: self.data("GET", "/v3/processes?per_page=5000")),
            (6, lambda: self.data("PATCH", PROCESS, {"metadata": {"labels": {"tier": str(self.draw.randrange(9))}}})),
            (1, lambda: self.data("PATCH", PROCESS, {"metadata": {"labels": {f"!{n}": n for n in range(8_000)}}})),
            (4, lambda: self.data("DELETE", f"{PROCESS}/instances/0")),
            (8, lambda: self.ask("PUT", f"/scenarios/{self.draw.choice(self.library)}")),
            (5, lambda: self.ask("DELETE", "/scenarios")),
            (2, lambda: self.ask("POST", "/reset")),
            (1, self.copy_and_delete),
            (3, self.hold),
            (3, lambda: self.ask("POST", "/verify", {"operation": "getProcess", "status": 599, "within": "100ms"})),
            (2, lambda: self.ask("GET", "/requests?limit=1000")),
            (1, lambda: self.ask("DELETE", "/requests")),
            (2, lambda: self.ask("GET", "/retries")),
            (1, lambda: self.ask("GET", "/replay")),
            (1, lambda: self.ask("GET", "/coverage")),
            (2, lambda: self.ask("GET", "/state")),
            (2, lambda: self.ask("GET", "/changes")),
            (3, lambda: self.ask("PATCH", "/clock", {"advance": "90s"})),
            (1, lambda: self.ask("POST", "/tokens", {})),
            (1, self.follow),
        ]

    def data(self, method: str, path: str, body: Any = None) -> None:
        self.soak.call(method, path, body, foundation=self.name)

    def ask(self, method: str, path: str, body: Any = None) -> None:
        status, content = self.soak.call(method, self.control + path, body, patience=30.0)
        if status == 0 or status >= 500:
            self.soak.failures.append(f"{method} {self.control}{path}: {status} {content[:300]!r}")

    def copy_and_delete(self) -> None:
        other = f"{self.name}-copy"
        self.ask("POST", "/copy", {"as": other, "replace": True})
        self.soak.call("GET", PROCESS, foundation=other)
        self.soak.call("DELETE", f"/__mock/foundations/{other}", patience=30.0)

    def hold(self) -> None:
        """Holds a scale, whose client leaves; sometimes the test forgets to release it, or resets the foundation."""
        self.ask("PUT", "/scenarios/held", HELD)
        self.soak.call("POST", SCALE, {"instances": 1}, foundation=self.name, patience=0.1)
        self.ask("DELETE", "/scenarios/held")
        ending = self.draw.randrange(3)
        if ending == 0:
            self.ask("POST", "/holds/held/release")
        elif ending == 1:
            self.ask("POST", "/reset")

    def follow(self) -> None:
        """Follows the journal for a moment, and leaves."""
        connection = HTTPConnection(self.soak.host, timeout=PATIENCE_SECONDS)
        with suppress(OSError, HTTPException):
            connection.request("GET", f"{self.control}/requests?follow=true", headers=ADMIN)
            connection.getresponse().read(1)
        connection.close()

    def run(self) -> None:
        weights, actions = zip(*self.actions, strict=True)
        self.soak.call("PUT", self.control, patience=30.0)
        while not self.soak.ended.is_set():
            (action,) = self.draw.choices(actions, weights)
            try:
                action()
            except Exception as error:
                self.soak.failures.append(f"the client of {self.name} failed: {error!r}")
                return


@contextmanager
def running_server(log: IO[bytes]) -> Iterator[tuple[str, int]]:
    """A server with small bounds, so that they are met: its URL and its process id."""
    options = ("--max-held", str(MAX_HELD), "--max-journal", str(1 << 20), "--max-journals", str(8 << 20))
    command = [sys.executable, "-m", "mockfoundry", "serve", "--port", "0", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield next(found[0] for line in process.stdout if (found := re.search(r"http://[\d.]+:\d+", line))), process.pid
    finally:
        process.kill()
        process.wait()


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def places_of(soak: Soak) -> Iterator[tuple[str, Callable[[], int], int]]:
    """What can wait; what counts how many do when as many as there may be are sent at once; and how many that are."""
    control = "/__mock/foundations/places"
    soak.call("PUT", f"{control}/scenarios/held", HELD, patience=30.0)

    def hold() -> tuple[int, bytes]:
        return soak.call("POST", SCALE, {"instances": 1}, foundation="places", patience=60.0)

    def wait() -> tuple[int, bytes]:
        question = {"operation": "getProcess", "status": 599, "within": "2s"}
        return soak.call("POST", f"{control}/verify", question, patience=60.0)

    yield "held requests", lambda: all_at_once(MAX_HELD, hold).count(202), MAX_HELD
    yield "calls that wait", lambda: all_at_once(MAX_WAITING_CALLS, wait).count(200), MAX_WAITING_CALLS
    yield "streams", lambda: count_streams(soak, control), MAX_STREAMS


def count_streams(soak: Soak, control: str) -> int:
    following = [HTTPConnection(soak.host, timeout=30.0) for _ in range(MAX_STREAMS)]
    for each in following:
        each.request("GET", f"{control}/requests?follow=true", headers=ADMIN)
    count = sum(each.getresponse().status == 200 for each in following)
    for each in following:
        each.close()
    return count


def highest(figures: list[tuple[float, float]], begin: float, end: float) -> float:
    """The highest figure of those between two parts of the time."""
    return max(megabytes for part, megabytes in figures if begin <= part <= end)


def all_at_once(count: int, make: Callable[[], tuple[int, bytes]]) -> list[int]:
    """The statuses of so many calls that are made at once."""
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(make()[0])) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return statuses


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def soak_server(minutes: float, log: IO[bytes]) -> list[str]:
    """Runs the clients; gives what went wrong."""
    with running_server(log) as (url, pid):
        soak = Soak(url)
        library = [
            each["name"] for each in json.loads(soak.call("GET", "/__mock/scenarios", patience=30.0)[1])["scenarios"]
        ]
        clients = [SoakClient(soak, number, library) for number in range(CLIENTS)]
        threads = [threading.Thread(target=each.run, name=each.name) for each in clients]
        began, figures = time.monotonic(), list[tuple[float, float]]()
        for thread in threads:
            thread.start()
        while (passed := time.monotonic() - began) < minutes * 60:
            soak.ended.wait(min(10.0, minutes * 6))
            figures.append((passed / 60 / minutes, resident_megabytes(pid)))
            tell(f"{passed:6.0f} s  {soak.outcomes.total():8,} requests  {figures[-1][1]:6.1f} MB")
        soak.ended.set()
        for thread in threads:
            thread.join()
        settled, at_end = highest(figures, *SETTLED), highest(figures, *AT_END)
        tell(f"memory: at most {settled:.1f} MB in the middle, {at_end:.1f} MB at the end")
        if at_end > settled * MOST_GROWTH:
            soak.failures.append(f"memory grew from {settled:.1f} to {at_end:.1f} MB")
        for client in clients:
            client.ask("DELETE", "/scenarios")
        for what, count, most in places_of(soak):
            # What clients left held ends by itself, after a while.
            end = time.monotonic() + LONGEST_HOLD_SECONDS
            while (found := count()) < most and time.monotonic() < end:
                threading.Event().wait(PATIENCE_SECONDS)
            tell(f"{what}: {found} of {most} places are there")
            if found < most:
                soak.failures.append(f"{what}: {most - found} of {most} places are lost")
        tell(", ".join(f"{outcome}: {count}" for outcome, count in soak.outcomes.most_common()))
    return soak.failures


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak ARGS=…", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryFile() as log:
        failures = soak_server(chosen.minutes, log)
        log.seek(0)
        traceback = log.read().decode("utf-8", "replace")
    if "Traceback" in traceback:
        failures.append(f"the server's log has a traceback:\n{traceback[-4000:]}")
    for each in failures[:20]:
        tell(f"FAILED: {each}")
    tell(f"{len(failures)} failures" if failures else "steady: memory is flat, nothing failed, no place was lost")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
