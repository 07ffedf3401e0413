"""Two checkouts side by side, in turn: what people wait for with each, and the ratio. Installs nothing."""

import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench.deadline import BenchError, ends_after
from tests.bench.isolated_tests import CONTROL, OURS, keeping_a_connection, working
from tests.bench.reads import reads_of, write_seed
from tests.bench.servers import Server, beside_the_servers, get, mock, post_scales, running
from tests.bench.starts import TESTS as FOUNDATIONS
from tests.bench.starts import first_set_up_seconds, run_pytest, start_cost, write_tests
from tests.bench.table import describe_machine, show_figure, write
from tests.bench.throughput import ten_scenarios
from tests.bench.trees import HERE, Tree
from tests.bench.turns import Cost, cost_ratios, take_turns

TESTS = 25
"""Isolated tests in a slice."""

PART_SECONDS = 240


Slices = Mapping[str, Callable[[], Cost]]


def measure_against(other: Tree, rounds: int, only: Sequence[str] | None, folder: Path) -> int:
    """Compares another checkout, as `before`, with this one; prints a table of costs, where less is better.

    Both run with the packages of this environment.

    Args:
        only: names of parts; None for all.
        folder: where files may be written.

    Returns:
        1 where a part could not be measured, else 0.
    """
    other.compile()
    trees = {"before": other, "now": HERE}
    parts: dict[str, Callable[[], None]] = {
        "scale": lambda: compare_servers(trees, rounds, folder),
        "isolated": lambda: compare_isolated(trees, rounds),
        "start": lambda: compare_starts(trees, rounds),
        "plugin": lambda: compare_plugins(trees, rounds, folder),
        "counts": lambda: compare_counts(trees),
    }
    if unknown := [each for each in only or () if each not in parts]:
        raise SystemExit(f"--against has no part {', '.join(unknown)}; there are: {', '.join(parts)}")
    write(f"{describe_machine()}\nbefore: {other.folder}\n\n")
    write("| what | before | now | now of before | of the leasts | of processor time |\n|---|---|---|---|---|---|\n")
    failed = False
    for name, part in parts.items():
        if only and name not in only:
            continue
        try:
            with ends_after(PART_SECONDS):
                part()
        except Exception as error:
            failed = True
            write(f"| `--only {name}` | **failed**: {' '.join(str(error).split())[:300]} | | | | |\n")
    return int(failed)


def compare(name: str, unit: str, slices: Slices, rounds: int, within: float = 30.0) -> None:
    """A row: what each checkout costs at the median, and how that of now compares."""
    measured = take_turns(slices, rounds, within)
    compared = cost_ratios(measured["now"], measured["before"])
    before, now = ([each.by_clock for each in measured[tree]] for tree in ("before", "now"))
    cells = [
        name,
        *(f"{show_figure(statistics.median(figures))} {unit}" for figures in (before, now)),
        show_ratios(compared.by_clock),
        show_figure(min(now) / min(before)),
        show_ratios(compared.by_processor) if compared.by_processor else "",
    ]
    write(f"| {' | '.join(cells)} |\n")


def show_ratios(figures: Sequence[float]) -> str:
    low, high = min(figures), max(figures)
    return f"{show_figure(statistics.median(figures))} ({show_figure(low)} to {show_figure(high)})"


def compare_servers(trees: Mapping[str, Tree], rounds: int, folder: Path) -> None:
    """Requests by wrk, and control calls over one connection."""
    scenarios = ten_scenarios(folder)
    with ExitStack() as stack:
        plain = {name: stack.enter_context(running(mock(), tree)) for name, tree in trees.items()}
        ruled = {name: stack.enter_context(running(mock(*scenarios), tree)) for name, tree in trees.items()}
        seeded = {
            name: stack.enter_context(running(mock("--seed", str(write_seed(folder))), tree))
            for name, tree in trees.items()
        }
        for title, servers in (("POST scale", plain), ("POST scale beside ten scenarios", ruled)):
            slices = {name: partial(scale_cost, server) for name, server in servers.items()}
            for warm_up in slices.values():
                warm_up()
            compare(title, "µs", slices, rounds)
        for read in reads_of(seeded["now"]):
            slices = {name: partial(read_cost, server, read.path) for name, server in seeded.items()}
            compare(read.name, "µs", slices, rounds)
        with beside_the_servers():
            calls = {name: stack.enter_context(keeping_a_connection(server)) for name, server in plain.items()}
            slices = {name: partial(cost_of, *CONTROL) for name, cost_of in calls.items()}
            compare("a control call", "ms", slices, rounds)


def scale_cost(server: Server) -> Cost:
    return post_scales(server, 1).cost()


def read_cost(server: Server, path: str) -> Cost:
    return get(server, path, 1).cost()


def compare_isolated(trees: Mapping[str, Tree], rounds: int) -> None:
    """An isolated test by a socket and in process."""
    with ExitStack() as stack:
        workers = {name: stack.enter_context(working(OURS, tree)) for name, tree in trees.items()}
        for worker in workers.values():
            for tool, why in worker.failed.items():
                raise BenchError(f"{tool}: {why}")
        for tool in OURS:
            slices = {name: partial(worker.ask, tool, TESTS) for name, worker in workers.items()}
            compare(f"an isolated test, {tool.removeprefix('mockfoundry ')}", "ms", slices, 2 * rounds)


def compare_starts(trees: Mapping[str, Tree], rounds: int) -> None:
    """A start of the server."""
    compare("cold start", "s", {name: partial(cost_of_start, tree) for name, tree in trees.items()}, rounds)


def compare_plugins(trees: Mapping[str, Tree], rounds: int, folder: Path) -> None:
    """What the plugin of pytest sets up."""
    first = {name: partial(first_set_up_cost, folder, tree) for name, tree in trees.items()}
    compare("pytest: set-up of the first foundation", "ms", first, rounds)
    file = write_tests(folder, "foundation", FOUNDATIONS)
    own = {name: partial(cost_of_pytest, file, tree) for name, tree in trees.items()}
    compare(f"pytest: a run of {FOUNDATIONS} tests with a foundation each", "ms", own, rounds)


def cost_of_start(tree: Tree) -> Cost:
    with running(mock(), tree, pinned=False) as server:
        return start_cost(server)


def first_set_up_cost(folder: Path, tree: Tree) -> Cost:
    return Cost(first_set_up_seconds(folder, tree) * 1000)


def cost_of_pytest(file: Path, tree: Tree) -> Cost:
    return run_pytest(file, tree=tree).cost


def compare_counts(trees: Mapping[str, Tree]) -> None:
    """Bytecodes of a request, which are the same in every run; each checkout counts its own."""
    counted = {name: count(tree) for name, tree in trees.items()}
    for request, now in counted["now"].items():
        if before := counted["before"].get(request):
            write(f"| bytecodes: {request} | {before:,} | {now:,} | {now / before:.3f} | | |\n")


def count(tree: Tree) -> dict[str, int]:
    """How many bytecodes each request runs, by its name."""
    command = [sys.executable, "-m", "tests.bench.counted"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tree.folder, env=tree.environment(), timeout=60)
    if done.returncode:
        raise BenchError(f"make profile failed in {tree.folder}: {done.stderr[-300:]}")
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) \|", done.stdout, re.MULTILINE)
    return {name: int(figure.replace(",", "")) for name, figure in rows}
