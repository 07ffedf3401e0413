"""What people wait for before anything is asked: a start, the plugin's first foundation, each foundation, memory."""

import re
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.bench.deadline import BenchError
from tests.bench.peers import install_java_peers, mockserver, wiremock
from tests.bench.servers import Server, mock, running
from tests.bench.table import Table, at_most
from tests.bench.trees import HERE, Tree
from tests.bench.turns import Cost, take_turns

TESTS = 500

USES = "def test_one(foundation):\n    pass\n"
USES_NOT = "def test_one():\n    pass\n"

OF_A_TEST = """
import pytest


@pytest.fixture
def nothing():
    yield


@pytest.mark.parametrize("number", range({tests}))
def test_one({fixture}, number):
    pass
"""


def measure_starts(table: Table, rounds: int, folder: Path) -> None:
    """From the start of the process to its first right answer, and its memory then; each may use all cores."""
    resident: list[float] = []

    def start() -> Cost:
        with running(mock(), pinned=False) as server:
            resident.append(server.resident_megabytes())
            return start_cost(server)

    def start_wiremock() -> Cost:
        with wiremock(folder / "wiremock", pinned=False) as server:
            return start_cost(server)

    def start_mockserver() -> Cost:
        with mockserver(folder / "mockserver", pinned=False) as server:
            return start_cost(server)

    slices = {"mockfoundry": start}
    failed: dict[str, str] = {}
    without_java = install_java_peers()
    # The first start of each reads its files from the disk.
    start()
    for name, start_peer in () if without_java else (("WireMock", start_wiremock), ("MockServer", start_mockserver)):
        try:
            start_peer()
        except BenchError as error:
            failed[name] = str(error)
        else:
            slices[name] = start_peer
    measured = take_turns(slices, rounds, within=60)
    ours = measured["mockfoundry"]
    table.add_cost("cold start to the first right answer", ours, "s", at_most(0.30))
    for name, aim in (("WireMock", at_most(0.25)), ("MockServer", None)):
        row = f"cold start, of {name}'s"
        if without_java:
            table.leave_out(row, without_java)
        elif name in failed:
            table.fail(row, failed[name])
        else:
            table.compare(row, ours, measured[name], aim)
    table.add("resident after the first answer", resident, "MB", at_most(50))


def start_cost(server: Server) -> Cost:
    """Seconds of the start of a server that has just given its first answer."""
    return Cost(server.started, server.processor_seconds())


def measure_plugin(table: Table, rounds: int, folder: Path) -> None:
    """The set-up of the first foundation, what the plugin adds where it is not used, and a foundation a test."""
    first = partial(first_set_up_seconds, folder)
    table.add(
        "pytest: set-up of the first foundation", take_turns({"": first}, rounds, within=20)[""], "s", at_most(0.35)
    )
    file = folder / "test_uses_not.py"
    file.write_text(USES_NOT, encoding="utf-8")
    slices = {"with": partial(run_pytest, file), "without": partial(run_pytest, file, "-p", "no:mockfoundry")}
    for fill_caches in slices.values():
        fill_caches()
    runs = take_turns(slices, 2 * rounds, within=30)
    used = {name: [run.cost for run in runs[name]] for name in runs}
    with_it, without = least(used["with"]), least(used["without"])
    added = Cost(with_it.by_clock - without.by_clock, with_it.by_processor - without.by_processor)
    row = "pytest: time that the unused plugin adds, of the leasts"
    table.add(row, [added.by_clock], "ms", at_most(10), used, processor=[added.by_processor], by_processor=True)
    cost = cost_for_a_test(folder, rounds)
    table.add_cost("pytest: a foundation of its own for a test, of the leasts", [cost], "ms", at_most(0.70))


def least(costs: Sequence[Cost]) -> Cost:
    """The least by each clock: what else a machine does only adds."""
    return Cost(min(cost.by_clock for cost in costs), min(cost.by_processor for cost in costs))


class PytestRun(NamedTuple):
    """A run of pytest: what it printed, and its milliseconds."""

    printed: str
    cost: Cost


def run_pytest(file: Path, *arguments: str, tree: Tree = HERE) -> PytestRun:
    """Runs a file's tests, which pass.

    Raises:
        BenchError: they don't.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(file)]
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, cwd=file.parent, env=tree.environment(), timeout=120)
    passed, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise BenchError(f"pytest failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return PytestRun(done.stdout, Cost(passed * 1000, used * 1000))


def first_set_up_seconds(folder: Path, tree: Tree = HERE) -> float:
    """The set-up of the first test that has a foundation."""
    file = folder / "test_uses.py"
    file.write_text(USES, encoding="utf-8")
    shown = re.search(r"([\d.]+)s setup", run_pytest(file, "--durations=0", "-vv", tree=tree).printed)
    if shown is None:
        raise BenchError("pytest told no set-up of a test")
    return float(shown.group(1))


def write_tests(folder: Path, fixture: str, tests: int) -> Path:
    """A file of so many tests that have a fixture."""
    file = folder / f"test_{fixture}_{tests}.py"
    file.write_text(OF_A_TEST.format(tests=tests, fixture=fixture), encoding="utf-8")
    return file


def cost_for_a_test(folder: Path, rounds: int) -> Cost:
    """Milliseconds that a test pays for a foundation, beyond what it pays for a fixture that does nothing."""
    slices = {}
    for fixture in ("foundation", "nothing"):
        for tests in (TESTS, 1):
            slices[f"{fixture} {tests}"] = partial(run_pytest, write_tests(folder, fixture, tests))
    costs = {name: least([run.cost for run in runs]) for name, runs in take_turns(slices, rounds, within=30).items()}
    paid, one = costs[f"foundation {TESTS}"], costs["foundation 1"]
    nothing, one_nothing = costs[f"nothing {TESTS}"], costs["nothing 1"]
    return Cost(
        (paid.by_clock - one.by_clock - nothing.by_clock + one_nothing.by_clock) / (TESTS - 1),
        (paid.by_processor - one.by_processor - nothing.by_processor + one_nothing.by_processor) / (TESTS - 1),
    )
