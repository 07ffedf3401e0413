"""The table of a run in a document, and the raw results that it was made of. Measures nothing."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.table import RAW, render_row

RESULTS = Path(__file__).parents[2] / "bench" / "results.json"
"""The raw results of the run whose table the README shows."""

MARKS = re.compile(r"(<!-- bench -->\n)(.*?)(<!-- /bench -->)", re.DOTALL)

NOT_MEASURED = "Nothing was published yet: `make bench ARGS='--publish README.md'` does, after `make bench`.\n"


def publish(file: Path) -> None:
    """Writes the table of the last whole run between the marks of a file, and its raw results beside the history.

    Raises:
        SystemExit: there is no whole run, or the file has no marks.
    """
    runs = [json.loads(line) for line in RAW.read_text(encoding="utf-8").splitlines()] if RAW.exists() else []
    whole = [run for run in runs if run.get("whole")]
    if not whole:
        raise SystemExit(f"{RAW} has no whole run without failures: make bench, without --only and --quick, makes one")
    text = file.read_text(encoding="utf-8")
    if MARKS.search(text) is None:
        raise SystemExit(f"{file} has no lines <!-- bench --> and <!-- /bench -->; put them where the table belongs")
    file.write_text(write_table(text, whole[-1]), encoding="utf-8")
    RESULTS.write_text(json.dumps(whole[-1], indent=1) + "\n", encoding="utf-8")


def write_table(text: str, run: Mapping[str, Any] | None) -> str:
    """A document with the table of a run between its marks; None where there is none yet."""
    table = NOT_MEASURED if run is None else render_table(run)
    return MARKS.sub(lambda found: found.group(1) + table + found.group(3), text)


def render_table(run: Mapping[str, Any]) -> str:
    """The rows that have an aim, and what they were measured on."""
    rows = [row for row in run["rows"] if "aim" in row]
    return (
        f"Measured on {run['at'][:10]}, version {run['version']}, commit {run['commit']}: {run['machine']}. Servers had"
        f" {run['servers_share_of_their_core']:.0%} of their core.\n\n"
        "| what | measured | aim | reached |\n|---|---|---|---|\n"
        + "".join(render_row(row, wide=False) for row in rows)
    )
