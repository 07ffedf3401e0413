"""The table of `make bench`: each figure beside its aim, as Markdown and as raw results. Measures nothing."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mockfoundry.version import __version__
from tests.bench.servers import Slice
from tests.bench.turns import Cost, cost_ratios

RAW = Path("build/bench/raw.jsonl")
"""Where the raw results of each run are kept."""

QUIET_SHARE = 0.9
"""What a server has of its core where nothing else runs on it."""


class Aim(NamedTuple):
    """What a figure should be: at most, or at least, so much."""

    word: Literal["≤", "≥"]
    figure: float

    def is_reached(self, figure: float) -> bool:
        return figure <= self.figure if self.word == "≤" else figure >= self.figure


def at_most(figure: float) -> Aim:
    return Aim("≤", figure)


def at_least(figure: float) -> Aim:
    return Aim("≥", figure)


class Table:
    """Rows, printed as soon as they are measured, and kept for the line of raw results."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._rows: list[dict[str, Any]] = []
        self._shares: list[float] = []
        self.failed: list[str] = []

    def begin(self) -> None:
        write(f"{describe_machine()}\n\n| what | by the clock | by processor time | aim | reached |\n")
        write("|---|---|---|---|---|\n")

    def add(
        self,
        name: str,
        figures: Sequence[float],
        unit: str = "",
        aim: Aim | None = None,
        raw: Mapping[str, Sequence[object]] = {},
        *,
        processor: Sequence[float] = (),
        by_processor: bool = False,
    ) -> None:
        """A row.

        Args:
            figures: one of each round, by the clock; the median is told, with the lowest and the highest.
            unit: of the figures; empty for a ratio.
            raw: what the figures were made of, by what was measured.
            processor: the same by processor time, which other programs on the machine change less.
            by_processor: whether the figure by processor time is held against the aim.
        """
        row: dict[str, Any] = {"name": name, "unit": unit, "clock": describe_figures(figures)}
        if processor:
            row["processor"] = describe_figures(processor)
        if aim is not None:
            counts = "processor" if by_processor and processor else "clock"
            reached = aim.is_reached(row[counts]["median"])
            row |= {"aim": f"{aim.word} {aim.figure:g}", "counts": counts, "reached": reached}
        slices = [each for values in raw.values() for each in values if isinstance(each, Slice)]
        self._shares += [each.share for each in slices]
        self._keep({**row, "raw": {each: list(values) for each, values in raw.items()}})

    def compare(self, name: str, these: Sequence[Cost], those: Sequence[Cost], aim: Aim | None = None) -> None:
        """A row of what these cost, of what those do."""
        compared = cost_ratios(these, those)
        raw = {"this": these, "other": those}
        self.add(name, compared.by_clock, "", aim, raw, processor=compared.by_processor)

    def add_cost(self, name: str, costs: Sequence[Cost], unit: str, aim: Aim | None = None) -> None:
        """A row of what something costs."""
        processor = [cost.by_processor for cost in costs]
        self.add(name, [cost.by_clock for cost in costs], unit, aim, processor=processor)

    def _keep(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        write(render_row(row, wide=True))

    def leave_out(self, name: str, why: str) -> None:
        """A row that can't be measured here, which is no failure."""
        self._keep({"name": name, "left_out": why})

    def fail(self, name: str, why: str) -> None:
        """Rows that were to be measured and could not be."""
        self.failed.append(name)
        self._keep({"name": name, "failed": why})

    def end(self, *, whole: bool) -> None:
        """Tells how quiet the machine was, and adds what was measured to the raw results.

        Args:
            whole: whether everything was measured, and not less than by default.
        """
        share = statistics.median(self._shares) if self._shares else 1.0
        if share < QUIET_SHARE:
            write(
                f"\nServers had {share:.0%} of their core in the median slice: other programs ran beside them. Figures"
                " by processor time hold; those by the clock are those of a slower machine.\n"
            )
        result = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(time.monotonic() - self._began),
            "version": __version__,
            "commit": describe_commit(),
            "machine": describe_machine(),
            "load": os.getloadavg(),
            "servers_share_of_their_core": round(share, 2),
            "whole": whole and not self.failed,
            "rows": self._rows,
        }
        RAW.parent.mkdir(parents=True, exist_ok=True)
        with RAW.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        write(f"\nIt took {result['seconds']} s. Raw results: {RAW}\n")


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def describe_figures(figures: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(figures), "least": min(figures), "most": max(figures), "rounds": len(figures)}


def render_row(row: Mapping[str, Any], *, wide: bool) -> str:
    """A line of Markdown of a row's raw results; a wide one has the rounds, and both clocks."""
    if "clock" not in row:
        kind, why = ("not measured", row["left_out"]) if "left_out" in row else ("**failed**", row["failed"])
        return f"| {row['name']} | {kind}: {' '.join(str(why).split())[:300]} |{'  |' * (3 if wide else 2)}\n"
    ending = f" {row['unit']}" if row["unit"] else ""
    reached = {True: "yes", False: "**no**", None: ""}[row.get("reached")]
    if not wide:
        figure = show_figure(row[row.get("counts", "clock")]["median"])
        return f"| {row['name']} | {figure}{ending} | {row.get('aim', '')} | {reached} |\n"
    cells = [row["name"]]
    for clock in ("clock", "processor"):
        figures = row.get(clock)
        if figures is None:
            cells.append("")
            continue
        shown = f"{show_figure(figures['median'])}{ending}"
        if row.get("counts") == clock and "processor" in row:
            shown = f"**{shown}**"
        if figures["rounds"] > 1:
            shown += f" ({show_figure(figures['least'])} to {show_figure(figures['most'])})"
        cells.append(shown)
    return f"| {' | '.join([*cells, row.get('aim', ''), reached])} |\n"


def show_figure(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.2f}"


def describe_machine() -> str:
    """The machine and its Python in a line."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}"
    )


def describe_commit() -> str:
    """The commit that was measured; empty outside a repository."""
    asked = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip()
