"""The table of `make bench`: each figure beside its aim, as Markdown and as raw results. Measures nothing."""

import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

RAW = Path("build/bench/raw.jsonl")
"""Where the raw results of each run are kept."""


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
        self._rows: dict[str, dict[str, object]] = {}

    def begin(self) -> None:
        sys.stdout.write(f"{describe_machine()}\n\n| what | measured | aim | reached |\n|---|---|---|---|\n")
        sys.stdout.flush()

    def add(
        self, name: str, figure: float, unit: str = "", aim: Aim | None = None, raw: Mapping[str, Sequence[float]] = {}
    ) -> None:
        """A row.

        Args:
            unit: of the figure; empty for a ratio.
            raw: the figures that it was made of, by what was measured.
        """
        shown = f"{figure:,.0f}" if figure >= 1_000 else f"{figure:.2f}"
        wanted = "" if aim is None else f"{aim.word} {aim.figure:g}"
        reached = "" if aim is None else ("yes" if aim.is_reached(figure) else "**no**")
        ending = f" {unit}" if unit else ""
        sys.stdout.write(f"| {name} | {shown}{ending} | {wanted} | {reached} |\n")
        sys.stdout.flush()
        self._rows[name] = {"figure": figure, "unit": unit, "raw": {each: list(raw[each]) for each in raw}}

    def leave_out(self, name: str, why: str) -> None:
        sys.stdout.write(f"| {name} | not measured: {why} | | |\n")
        sys.stdout.flush()

    def keep(self) -> None:
        """Adds what was measured to the raw results."""
        RAW.parent.mkdir(parents=True, exist_ok=True)
        line = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": describe_machine()}
        with RAW.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "load": os.getloadavg(), "rows": self._rows}) + "\n")
        sys.stdout.write(f"\nRaw results: {RAW}\n")


def describe_machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
