"""`make bench`: what mockfoundry costs, as ratios of one run on one machine, each beside its aim.

Needs wrk, which Debian packages as `wrk`; Java and npm for WireMock and MockServer. Takes six to twelve minutes on two
cores, and never more than twelve: what was not measured by then is told. `--quick` takes three to six. Installing the
peers, once, is no part of that. `bench/README.md` says how each row is measured.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.bench.against import measure_against
from tests.bench.deadline import BenchError, end_by_exception_on_sigterm, ends_after
from tests.bench.https import measure_https
from tests.bench.isolated_tests import measure_control_calls, measure_isolated
from tests.bench.lateness import measure_lateness
from tests.bench.peers import install_java_peers, install_python_peers
from tests.bench.publish import DOCUMENTS, publish
from tests.bench.reads import measure_reads
from tests.bench.saves import measure_saves
from tests.bench.sizes import MANY, measure_foundations, measure_large_world
from tests.bench.starts import measure_plugin, measure_starts
from tests.bench.table import Table, at_most
from tests.bench.throughput import measure_memory, measure_peers, measure_throughput
from tests.bench.trees import HERE, Tree
from tests.bench.waits import measure_waits

LIMIT_SECONDS = 12 * 60
"""After which nothing is measured any more."""


class Part(NamedTuple):
    """What is measured together.

    Attributes:
        seconds: after which it is given up.
    """

    measure: Callable[[Table], None]
    seconds: int


def list_parts(chosen: argparse.Namespace, folder: Path) -> dict[str, Part]:
    """All parts by their names, in the order of the table."""
    quick = chosen.quick
    rounds, seconds, few = (3, 1, 3) if quick else (chosen.rounds, chosen.seconds, 5)
    wait = chosen.memory_seconds
    requests = min(chosen.requests, 40_000) if quick else chosen.requests
    size = min(chosen.size, 1_000) if quick else chosen.size
    return {
        "isolated": Part(lambda table: measure_isolated(table, rounds, 10 if quick else 25), 180),
        "control": Part(lambda table: measure_control_calls(table, rounds), 60),
        "start": Part(lambda table: measure_starts(table, few, folder), 120),
        "plugin": Part(lambda table: measure_plugin(table, few, folder), 150),
        "scale": Part(lambda table: measure_throughput(table, rounds, seconds, folder), 180),
        "https": Part(lambda table: measure_https(table, few, seconds), 60),
        "peers": Part(lambda table: measure_peers(table, rounds, seconds, folder), 150),
        "memory": Part(lambda table: measure_memory(table, requests, wait), wait + 60),
        "reads": Part(lambda table: measure_reads(table, rounds, seconds, folder), 150),
        "lateness": Part(lambda table: measure_lateness(table, rounds, seconds), 120),
        "foundations": Part(lambda table: measure_foundations(table, rounds, seconds), 150),
        "processes": Part(lambda table: measure_large_world(table, rounds, seconds, folder), 120),
        "waits": Part(lambda table: measure_waits(table, size, each=chosen.only == ["waits"]), 180),
        "saves": Part(lambda table: measure_saves(table, size, folder), 60),
        "suite": Part(lambda table: tell_suite(table, chosen.suite), 10),
    }


def tell_suite(table: Table, seconds: float | None) -> None:
    """The row of `make test`, which is timed by hand: it takes longer than all else."""
    name = "`make test`"
    if seconds is None:
        table.leave_out(name, "give --suite SECONDS, as `time make test` told it")
    else:
        table.add(name, [seconds], "s", at_most(180))


def measure(table: Table, parts: dict[str, Part]) -> None:
    """Measures each part; one that fails is told and loses none of the others."""
    end = time.monotonic() + LIMIT_SECONDS
    for name, part in parts.items():
        left = end - time.monotonic()
        try:
            if left < 1:
                raise BenchError(f"the {LIMIT_SECONDS // 60} minutes of the whole were over")
            with ends_after(min(part.seconds, left)):
                part.measure(table)
        except Exception as error:
            table.fail(f"`--only {name}`", str(error) or type(error).__name__)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and less of what is large")
    parser.add_argument(
        "--only",
        action="append",
        metavar="PART",
        help="measure this part; may be given several times; a wrong one is told which there are",
    )
    parser.add_argument("--rounds", type=int, default=8, help="how often each turn comes, at most")
    parser.add_argument("--seconds", type=int, default=1, help="of a turn of wrk")
    parser.add_argument("--requests", type=int, default=200_000, help="after which memory is told again")
    parser.add_argument("--memory-seconds", type=int, default=90, help="that these requests may take")
    parser.add_argument("--size", type=int, default=MANY, help="processes and rules of the calls a bystander waits for")
    parser.add_argument("--suite", type=float, metavar="SECONDS", help="what `time make test` told")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout: compare with it, turn about")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="measure nothing: write the table of the last whole run into docs/performance.md, a few rows of it into"
        " README.md, and what it was made of to bench/results.json",
    )
    chosen = parser.parse_args()
    if chosen.publish:
        publish(*DOCUMENTS)
        return 0
    if shutil.which("wrk") is None:
        raise SystemExit("make bench needs wrk; Debian and Ubuntu have it: apt-get install wrk")
    end_by_exception_on_sigterm()
    HERE.compile()
    install_python_peers()
    if chosen.against is not None:
        with tempfile.TemporaryDirectory() as folder:
            return measure_against(Tree(chosen.against.resolve()), chosen.rounds, chosen.only, Path(folder))
    install_java_peers()
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        parts = list_parts(chosen, Path(folder))
        if unknown := [each for each in chosen.only or () if each not in parts]:
            raise SystemExit(f"there is no part {', '.join(unknown)}; there are: {', '.join(parts)}")
        table.begin()
        measure(table, {name: part for name, part in parts.items() if not chosen.only or name in chosen.only})
    table.end(whole=not chosen.only and not chosen.quick)
    return 1 if table.failed else 0


if __name__ == "__main__":
    sys.exit(main())
