"""What people wait for before anything is asked: a start, the plugin's first foundation, each foundation, memory."""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.servers import mock, resident_megabytes, running
from tests.bench.table import Table, at_most

TESTS = 500

USES = "def test_one(foundation):\n    pass\n"
USES_NOT = "def test_one():\n    pass\n"


def measure_starts(table: Table, rounds: int) -> None:
    """From the start of the process to its first right answer, and its memory then."""
    starts, resident = [], []
    for _ in range(rounds):
        with running(mock()) as (_, pid, seconds):
            starts.append(seconds)
            resident.append(resident_megabytes(pid))
    table.add("cold start to the first answer", statistics.median(starts), "s", at_most(0.30), {"seconds": starts})
    table.add("resident after the first answer", statistics.median(resident), "MB", at_most(50))


def run_pytest(file: Path, *arguments: str) -> str:
    """What pytest prints of a file's tests, which pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(file)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=file.parent).stdout


def measure_plugin(table: Table, rounds: int) -> None:
    """The set-up of the first foundation, what the plugin adds where it is not used, and a foundation a test."""
    with tempfile.TemporaryDirectory() as folder:
        table.add("pytest: set-up of the first foundation", first_set_up(rounds, Path(folder)), "s", at_most(0.35))
        table.add("pytest: processor time that the unused plugin adds", unused(rounds, Path(folder)), "ms", at_most(10))
        table.add("pytest: a foundation of its own for a test", for_a_test(rounds, Path(folder)), "ms", at_most(0.70))


def first_set_up(rounds: int, folder: Path) -> float:
    """Seconds of the set-up of the first test that has a foundation."""
    file = folder / "test_uses.py"
    file.write_text(USES, encoding="utf-8")
    seconds = []
    for _ in range(rounds):
        shown = re.search(r"([\d.]+)s setup", run_pytest(file, "--durations=0", "-vv"))
        assert shown is not None
        seconds.append(float(shown.group(1)))
    return statistics.median(seconds)


def unused(rounds: int, folder: Path) -> float:
    """Milliseconds of processor time of a run with the plugin that no test uses, beyond those of one without it."""
    file = folder / "test_uses_not.py"
    file.write_text(USES_NOT, encoding="utf-8")
    used: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(rounds + 1):
        for name, arguments in (("with", ()), ("without", ("-p", "no:mockfoundry"))):
            before = os.times()
            run_pytest(file, *arguments)
            after = os.times()
            spent = after.children_user - before.children_user + after.children_system - before.children_system
            used[name].append(spent * 1000)
    # The first run of each fills the caches.
    return statistics.median(used["with"][1:]) - statistics.median(used["without"][1:])


def for_a_test(rounds: int, folder: Path) -> float:
    """Milliseconds that a test pays for a foundation, beyond those for a fixture that does nothing."""
    own = "import pytest\n\n\n@pytest.fixture\ndef nothing():\n    yield\n"
    tests = "\n\n@pytest.mark.parametrize('number', range({0}))\ndef test_one({1}, number):\n    pass\n"
    seconds: dict[tuple[str, int], float] = {}
    for fixture in ("foundation", "nothing"):
        for count in (TESTS, 1):
            file = folder / f"test_{fixture}_{count}.py"
            file.write_text(own + tests.format(count, fixture), encoding="utf-8")
            times = []
            for _ in range(rounds):
                began = time.monotonic()
                run_pytest(file)
                times.append(time.monotonic() - began)
            seconds[fixture, count] = statistics.median(times)
    paid = {name: seconds[name, TESTS] - seconds[name, 1] for name in ("foundation", "nothing")}
    return (paid["foundation"] - paid["nothing"]) * 1000 / (TESTS - 1)
