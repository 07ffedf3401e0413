"""The table of a run in a document, and the raw results that it was made of. Measures nothing."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.table import RAW, render_row

ROOT = Path(__file__).parents[2]

RESULTS = ROOT / "bench" / "results.json"
"""The raw results of the run whose table the documents show."""

DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "performance.md")

FEW = (
    "an isolated test, by socket, of pytest-httpserver's",
    "cold start to the first right answer",
    "pytest: a foundation of its own for a test, of the leasts",
    "POST scale, 8 connections, of bare ASGI: protocol door, state, validation, journal",
)
"""The rows that a table of few has."""

MARKS = re.compile(r"(?P<opening><!-- bench(?P<few>: few)? -->\n)(.*?)(?P<closing><!-- /bench -->)", re.DOTALL)

NOT_MEASURED = "Nothing was published yet: `make bench ARGS=--publish` does, after `make bench`.\n"


def publish(*files: Path) -> None:
    """Writes the table of the last whole run between the marks of files, and its raw results beside the history.

    Raises:
        SystemExit: there is no whole run, or a file has no marks. Nothing was written then.
    """
    runs = [json.loads(line) for line in RAW.read_text(encoding="utf-8").splitlines()] if RAW.exists() else []
    whole = [run for run in runs if run.get("whole")]
    if not whole:
        raise SystemExit(f"{RAW} has no whole run without failures: make bench, without --only and --quick, makes one")
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    for file, text in texts.items():
        if MARKS.search(text) is None:
            raise SystemExit(
                f"{file} has no lines <!-- bench --> and <!-- /bench -->; put them where the table belongs"
            )
    for file, text in texts.items():
        file.write_text(write_table(text, whole[-1]), encoding="utf-8")
    RESULTS.write_text(json.dumps(whole[-1], indent=1) + "\n", encoding="utf-8")


def write_table(text: str, run: Mapping[str, Any] | None) -> str:
    """A document with the table of a run between its marks; None where there is none yet."""

    def write(found: re.Match[str]) -> str:
        table = NOT_MEASURED if run is None else render_table(run, are_few=found["few"] is not None)
        return found["opening"] + table + found["closing"]

    return MARKS.sub(write, text)


def render_table(run: Mapping[str, Any], *, are_few: bool) -> str:
    """The rows that have an aim, or a few of them, and what they were measured on."""
    rows = [row for row in run["rows"] if "aim" in row and (not are_few or row["name"] in FEW)]
    return (
        f"Measured on {run['at'][:10]}, version {run['version']}, commit {run['commit']}: {run['machine']}. Servers had"
        f" {run['servers_share_of_their_core']:.0%} of their core.\n\n"
        "| what | measured | aim | reached |\n|---|---|---|---|\n"
        + "".join(render_row(row, wide=False) for row in rows)
    )
