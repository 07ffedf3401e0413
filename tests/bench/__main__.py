"""`make bench`: what mockfoundry costs, as ratios of one run on one machine. Needs wrk, which Debian packages as `wrk`.

Every server is pinned to one core and wrk to another; rounds of the servers alternate, and the median counts.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.bench.bystander import standing_by
from tests.bench.long_calls import list_long_calls
from tests.serving import ADMIN, WEB

SCALE = f"/v3/processes/{WEB}/actions/scale"
BARE = Path(__file__).with_name("bare_app.py")
POST_SCALE = Path(__file__).with_name("post_scale.lua")
CONNECTIONS = 8
MANY = 10_000
TESTS = 500


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


def requests_per_second(url: str, seconds: int, foundations: int = 0) -> float:
    """What wrk gets through: POST scale, one of three sizes in turn, over so many foundations round robin."""
    _, others = cores()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", POST_SCALE, url + SCALE],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "FOUNDATIONS": str(foundations)},
        preexec_fn=lambda: os.sched_setaffinity(0, others),
    )
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"{url} answered errors:\n{done.stdout}")
    return float(re.search(r"Requests/sec: +([\d.]+)", done.stdout).group(1))  # type: ignore[union-attr]


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024  # type: ignore[union-attr]


def throughput(servers: dict[str, list[str]], rounds: int, seconds: int) -> tuple[dict[str, float], dict[str, float]]:
    """The median requests per second of each server, their rounds in turn; and its megabytes afterwards."""
    with ExitStack() as stack:
        started = {name: stack.enter_context(running(command)) for name, command in servers.items()}
        urls = {name: url for name, (url, _, _) in started.items()}
        for url in urls.values():
            requests_per_second(url, 1)
        measured: dict[str, list[float]] = {name: [] for name in urls}
        for _ in range(rounds):
            for name, url in urls.items():
                measured[name].append(requests_per_second(url, seconds))
        resident = {name: resident_megabytes(pid) for name, (_, pid, _) in started.items()}
    return {name: statistics.median(values) for name, values in measured.items()}, resident


def over_foundations(rounds: int, seconds: int) -> None:
    """What ten thousand foundations cost on one server, in time and in memory."""
    with running(mock()) as (url, pid, _):
        requests_per_second(url, 1, foundations=1)
        before = resident_megabytes(pid)
        began = time.monotonic()
        with httpx.Client(base_url=url, headers=ADMIN) as client:
            for number in range(MANY):
                client.get(f"/foundations/f{number}/v3/nothing")
        made = resident_megabytes(pid)
        row(
            f"{MANY:,} foundations: memory of each until it is used",
            f"{(made - before) * 1024 / MANY:.1f} KB",
            "≤ 30 KB",
        )
        row("  a request to a new one, by httpx", f"{(time.monotonic() - began) * 1000 / MANY:.2f} ms", "≤ 1 ms")
        one: list[float] = []
        many: list[float] = []
        for _ in range(rounds):
            one.append(requests_per_second(url, seconds, foundations=1))
            many.append(requests_per_second(url, seconds, foundations=MANY))
        used = resident_megabytes(pid)
    row(
        "  round robin over them, cost of a request, of one",
        f"{statistics.median(one) / statistics.median(many):.2f}",
        "≤ 1.15",
    )
    row("  resident with their journals, by default 128 MB at most", f"{used:.0f} MB")


def fixture_milliseconds(rounds: int, folder: Path) -> float:
    """What a test pays for a foundation of its own: tests with the fixture beside tests with one that does nothing."""
    own = "import pytest\n\n\n@pytest.fixture\ndef nothing():\n    yield\n"
    tests = "\n\n@pytest.mark.parametrize('number', range({0}))\ndef test_one({1}, number):\n    pass\n"
    seconds: dict[tuple[str, int], float] = {}
    for fixture in ("foundation", "nothing"):
        for count in (TESTS, 1):
            file = folder / f"test_{fixture}_{count}.py"
            file.write_text(own + tests.format(count, fixture), encoding="utf-8")
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
            times = []
            for _ in range(rounds):
                began = time.monotonic()
                subprocess.run(command, check=True, capture_output=True, cwd=folder)
                times.append(time.monotonic() - began)
            seconds[fixture, count] = statistics.median(times)
    paid = {name: seconds[name, TESTS] - seconds[name, 1] for name in ("foundation", "nothing")}
    return (paid["foundation"] - paid["nothing"]) * 1000 / (TESTS - 1)


def control_call_cost(rounds: int, calls: int = 2_000) -> float:
    """What a control call costs, of a scale: both over one connection, in rounds that alternate."""
    with running(mock()) as (url, _, _):
        connection = HTTPConnection(urlsplit(url).netloc)
        headers = {**ADMIN, "Content-Type": "application/json"}

        def seconds(method: str, path: str, body: str | None) -> float:
            began = time.monotonic()
            for _ in range(calls):
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status >= 300:
                    raise SystemExit(f"{method} {path} answered {answer.status}")
            return time.monotonic() - began

        def control() -> float:
            return seconds("PATCH", "/__mock/foundations/default/clock", '{"advance": "1s"}')

        def scale() -> float:
            return seconds("POST", SCALE, '{"instances": 2}')

        scale(), control()
        ratios = [control() / scale() for _ in range(rounds)]
        connection.close()
    return statistics.median(ratios)


def large_world(folder: Path, processes: int = 100_000, pages: int = 200) -> None:
    """What a world of a hundred thousand processes costs: its start from a seed, and a page of its list."""
    kinds = [{"type": "web", "instances": 2, "memory_in_mb": 64}, {"type": "worker", "instances": 1}]
    apps = [{"name": f"app-{number}", "processes": kinds} for number in range(processes // len(kinds))]
    spaces = [{"name": f"space-{number}", "apps": apps[number::50]} for number in range(50)]
    file = folder / "large.json"
    file.write_text(json.dumps({"organizations": [{"name": "acme", "spaces": spaces}]}), encoding="utf-8")
    with running(mock("--seed", str(file))) as (url, pid, started):
        row(f"{processes:,} processes: start to the first answer", f"{started:.1f} s", "≤ 8 s")
        for name, page in (("first", 1), ("last", processes // 50)):
            seconds = []
            with httpx.Client(base_url=url, headers=ADMIN) as client:
                for _ in range(pages):
                    began = time.monotonic()
                    shown = client.get(f"/v3/processes?per_page=50&page={page}").json()
                    seconds.append(time.monotonic() - began)
            assert len(shown["resources"]) == 50
            row(f"  the {name} page of 50, by httpx", f"{statistics.median(seconds) * 1000:.1f} ms", "≤ 5 ms")
        row("  resident", f"{resident_megabytes(pid):.0f} MB")


def many_rules(folder: Path) -> Path:
    """A scenario of ten thousand rules, none of which a request of the benchmark meets."""
    rule = {"operation": "scaleProcess", "respond": {"status": 409}}
    rules = [{**rule, "when": {"path": {"guid": f"p{number}"}}} for number in range(10_000)]
    file = folder / "many-rules.json"
    file.write_text(json.dumps({"scenario": "many-rules", "rules": rules}, separators=(",", ":")), encoding="utf-8")
    return file


class Client:
    """A client that makes long calls; an answer that it does not expect ends the benchmark."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=600)

    def __call__(
        self, method: str, path: str, body: object = None, *, foundation: str = "", expects: int = 0
    ) -> object:
        headers = {**ADMIN, "Content-Type": "application/json"}
        if foundation:
            headers["X-Mock-Foundation"] = foundation
        content = None if body is None else json.dumps(body, separators=(",", ":"))
        self._connection.request(method, path, content, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if (answer.status != expects) if expects else (answer.status >= 300):
            raise SystemExit(f"{method} {path} answered {answer.status}: {text[:500].decode()}")
        return answer.status


def waits_of_a_bystander(size: int) -> None:
    """How long a client of another foundation waits at most during each of the long calls."""
    row(f"longest wait of a bystander, {size:,} processes or rules", "waited", "≤ 50 ms, of it the server's work")
    with running(mock()) as (url, pid, _), standing_by(url, pid) as bystander:
        client = Client(url)
        for each in list_long_calls(size):
            if each.prepare is not None:
                each.prepare(client)
            bystander.longest_waits()
            each.make(client)
            waited, worked = bystander.longest_waits()
            row(f"  {each.name}", f"{waited:.1f} ms", f"{worked:.1f} ms")


def row(name: str, value: str, aim: str = "") -> None:
    sys.stdout.write(f"{name:<58}{value:>14}   {aim}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--waits", action="store_true", help="measure only how long a bystander waits at most")
    parser.add_argument("--size", type=int, default=MANY, help="processes and rules of the calls that it waits for")
    chosen = parser.parse_args()
    if chosen.waits:
        waits_of_a_bystander(chosen.size)
        return
    if shutil.which("wrk") is None:
        raise SystemExit("make bench needs wrk; Debian and Ubuntu have it: apt-get install wrk")
    row(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", "", "aim")
    starts = []
    for _ in range(chosen.rounds):
        with running(mock()) as (_, pid, seconds):
            starts.append(seconds)
            resident = resident_megabytes(pid)
    row("cold start to the first answer", f"{statistics.median(starts):.2f} s", "≤ 0.60 s")
    row("resident after the first answer", f"{resident:.0f} MB", "≤ 80 MB")
    with tempfile.TemporaryDirectory() as folder:
        rates, megabytes = throughput(
            {
                "bare ASGI app on uvicorn, fixed body": [sys.executable, str(BARE)],
                "protocol door": mock(),
                "ASGI door": mock("--door", "asgi"),
                "protocol door, no journal": mock("--max-journal", "0"),
                "protocol door, 10,000 rules that do not match": mock("--scenario", str(many_rules(Path(folder)))),
            },
            chosen.rounds,
            chosen.seconds,
        )
    bare, door, asgi, unwritten, ruled = rates.values()
    row(f"POST scale, {CONNECTIONS} connections", "of bare ASGI")
    for name, rate in rates.items():
        row(f"  {name}, {rate:,.0f}/s", f"{rate / bare:.2f}", "≥ 1.20" if rate is door else "")
    row("cost of a request with 10,000 rules, of one with none", f"{door / ruled:.2f}", "≤ 1.20")
    row("cost of a request with a journal, of one without", f"{unwritten / door:.2f}", "≤ 1.10")
    journal = megabytes["protocol door"] - megabytes["protocol door, no journal"]
    row("  its memory, at most 8 MB of exchanges and what they stand in", f"{journal:.0f} MB")
    row("protocol door, of the ASGI door", f"{door / asgi:.1f}")
    row("a control call, of a scale", f"{control_call_cost(chosen.rounds):.2f}", "≤ 1.50")
    with tempfile.TemporaryDirectory() as folder:
        paid = fixture_milliseconds(chosen.rounds, Path(folder))
    row("pytest: a foundation of its own for a test", f"{paid:.2f} ms", "≤ 0.70 ms")
    over_foundations(chosen.rounds, chosen.seconds)
    with tempfile.TemporaryDirectory() as folder:
        large_world(Path(folder))
    waits_of_a_bystander(chosen.size)


if __name__ == "__main__":
    main()
