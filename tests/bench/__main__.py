"""`make bench`: what mockfoundry costs, as ratios of one run on one machine. Needs wrk, which Debian packages as `wrk`.

Every server is pinned to one core and wrk to another; rounds of the servers alternate, and the median counts.
"""

import argparse
import compileall
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import mockfoundry
from tests.bench.peers import install_java_peers, install_python_peers
from tests.bench.reads import measure_lateness, measure_reads
from tests.bench.servers import BARE, CONNECTIONS, SCALE, mock, requests_per_second, resident_megabytes, running
from tests.bench.sizes import MANY, many_rules, measure_foundations, measure_large_world
from tests.bench.starts import measure_plugin, measure_starts
from tests.bench.table import Table, at_least, at_most
from tests.bench.waits import measure_waits
from tests.serving import ADMIN

SCENARIOS = 10


def throughput(
    servers: dict[str, list[str]], rounds: int, seconds: int
) -> tuple[dict[str, list[float]], dict[str, tuple[float, float]]]:
    """The requests per second of each server, their rounds in turn; and its megabytes before them and afterwards."""
    with ExitStack() as stack:
        started = {name: stack.enter_context(running(command)) for name, command in servers.items()}
        for url, _, _ in started.values():
            requests_per_second(url, 1)
        before = {name: resident_megabytes(pid) for name, (_, pid, _) in started.items()}
        measured: dict[str, list[float]] = {name: [] for name in started}
        for _ in range(rounds):
            for name, (url, _, _) in started.items():
                measured[name].append(requests_per_second(url, seconds))
        resident = {name: (before[name], resident_megabytes(pid)) for name, (_, pid, _) in started.items()}
    return measured, resident


def measure_isolated(table: Table, rounds: int, tests: int) -> None:
    """One isolated test with each tool."""
    without_java = install_java_peers()
    path = os.pathsep.join((str(install_python_peers()), str(Path.cwd())))
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.isolated", str(rounds), str(tests)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    measured: dict[str, list[float]] = json.loads(done.stdout)
    ms = {name: statistics.median(values) for name, values in measured.items()}
    by_socket, in_process = ms.pop("mockfoundry by socket"), ms.pop("mockfoundry in process")
    aims = {"pytest-httpserver": (by_socket, "by socket", at_most(1)), "respx": (in_process, "in process", at_most(1))}
    for name, theirs in ms.items():
        ours, where, aim = aims.get(name, (by_socket, "by socket", None))
        table.add(f"an isolated test, {where}, of {name}'s", ours / theirs, "", aim, measured)
    table.add("· by socket", by_socket, "ms")
    table.add("· in process", in_process, "ms")
    if without_java:
        table.leave_out("an isolated test, of WireMock's and MockServer's", without_java)


def control_call_cost(rounds: int, calls: int) -> float:
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


def ten_scenarios(folder: Path) -> list[str]:
    """Options of ten scenarios of one rule each, none of which a request of the benchmark meets."""
    options = []
    for number in range(SCENARIOS):
        rule = {"operation": "scaleProcess", "when": {"path": {"guid": f"p{number}"}}, "respond": {"status": 409}}
        file = folder / f"s{number}.json"
        file.write_text(json.dumps({"scenario": f"s{number}", "rules": [rule]}), encoding="utf-8")
        options += ["--scenario", str(file)]
    return options


def measure_throughput(table: Table, rounds: int, seconds: int, folder: Path) -> None:
    """POST scale through each door, with and without what costs, of a bare app; and memory after all that."""
    measured, megabytes = throughput(
        {
            "bare": [sys.executable, str(BARE)],
            "protocol door": mock(),
            "protocol door, ten scenarios": mock(*ten_scenarios(folder)),
            "ASGI door": mock("--door", "asgi"),
            "protocol door, no journal": mock("--max-journal", "0"),
            "protocol door, 10,000 rules": mock("--scenario", str(many_rules(folder))),
        },
        rounds,
        seconds,
    )
    bare, door, scenarios, asgi, unwritten, ruled = map(statistics.median, measured.values())
    table.add(
        f"POST scale, {CONNECTIONS} connections, protocol door, of bare ASGI", door / bare, "", at_least(0.8), measured
    )
    table.add("· with ten scenarios that do not match", scenarios / bare, "", at_least(0.8))
    table.add("· ASGI door", asgi / bare)
    table.add("· bare ASGI", bare, "/s")
    table.add("10,000 rules that do not match, cost of a request, of none", door / ruled, "", at_most(1.10))
    table.add("cost of a request with a journal, of one without", unwritten / door, "", at_most(1.10))
    before, after = megabytes["protocol door, no journal"]
    asked = sum(measured["protocol door, no journal"]) * seconds
    table.add(f"growth over {asked:,.0f} requests, no journal", after - before, "MB", at_most(1))
    journal = megabytes["protocol door"][1] - after
    table.add("· a journal of 8 MB of exchanges, and what they stand in", journal, "MB")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, no large world, no waits")
    parser.add_argument("--waits", action="store_true", help="measure only how long a bystander waits at most")
    parser.add_argument("--size", type=int, default=MANY, help="processes and rules of the calls that it waits for")
    chosen = parser.parse_args()
    # As installed packages are; else a start compiles what was changed, where Python may not write that.
    compileall.compile_dir(Path(mockfoundry.__file__).parent, quiet=1)
    table = Table()
    if chosen.waits:
        table.begin()
        measure_waits(table, chosen.size)
        return
    if shutil.which("wrk") is None:
        raise SystemExit("make bench needs wrk; Debian and Ubuntu have it: apt-get install wrk")
    rounds, seconds = (2, 1) if chosen.quick else (chosen.rounds, chosen.seconds)
    table.begin()
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        measure_isolated(table, rounds, 50 if chosen.quick else 200)
        table.add("a control call, of a scale", control_call_cost(rounds, 1_000), "", at_most(1.3))
        measure_starts(table, rounds)
        measure_plugin(table, rounds)
        measure_throughput(table, rounds, seconds, folder)
        measure_reads(table, rounds, seconds, folder)
        measure_lateness(table, rounds, seconds)
        if not chosen.quick:
            measure_foundations(table, rounds, seconds)
            measure_large_world(table, rounds, seconds, folder)
            measure_waits(table, chosen.size)
    table.keep()


if __name__ == "__main__":
    main()
