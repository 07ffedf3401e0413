"""Servers of the benchmark, each in a process on a core of its own, and wrk on another. Never compares anything."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.serving import ADMIN, WEB

SCALE = f"/v3/processes/{WEB}/actions/scale"
BARE = Path(__file__).with_name("bare_app.py")
POST_SCALE = Path(__file__).with_name("post_scale.lua")
CONNECTIONS = 8


def cores() -> tuple[set[int], set[int]]:
    """One core for a server, and the rest for what asks it."""
    there = sorted(os.sched_getaffinity(0))
    return {there[0]}, set(there[1:]) or {there[0]}


@contextmanager
def running(command: list[str]) -> Iterator[tuple[str, int, float]]:
    """A server in a process of its own: its URL, its process id, and the seconds until its first answer."""
    server_core, _ = cores()
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, server_core),  # noqa: PLW1509
    )
    assert process.stdout is not None
    try:
        url = next(found.group() for line in process.stdout if (found := re.search(r"http://[\d.]+:\d+", line)))
        first_answer(url)
        yield url, process.pid, time.monotonic() - began
    finally:
        process.kill()
        process.wait()


def first_answer(url: str) -> None:
    place = urlsplit(url)
    while True:
        connection = HTTPConnection(str(place.hostname), int(place.port or 80))
        try:
            connection.request("GET", "/v3/processes", headers=ADMIN)
            connection.getresponse().read()
        except OSError:
            continue
        finally:
            connection.close()
        return


def mock(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mockfoundry", "serve", "--port", "0", *arguments]


def requests_per_second(url: str, seconds: int, foundations: int = 0, path: str = SCALE) -> float:
    """What wrk gets through: POST scale, one of three sizes in turn, over so many foundations round robin."""
    return run_wrk(["-s", str(POST_SCALE), url + path], seconds, foundations)


def reads_per_second(url: str, seconds: int) -> float:
    """What wrk gets through: one GET again and again."""
    return run_wrk(["-H", f"Authorization: {ADMIN['Authorization']}", url], seconds)


def run_wrk(arguments: list[str], seconds: int, foundations: int = 0) -> float:
    """Requests a second; ends the benchmark where an answer is an error."""
    _, others = cores()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "FOUNDATIONS": str(foundations)},
        preexec_fn=lambda: os.sched_setaffinity(0, others),
    )
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"{arguments[-1]} answered errors:\n{done.stdout}")
    return float(re.search(r"Requests/sec: +([\d.]+)", done.stdout).group(1))  # type: ignore[union-attr]


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024  # type: ignore[union-attr]
