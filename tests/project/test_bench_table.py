"""The table of the benchmark: a failure costs one row, and the documents show what the raw results say."""

import json
from pathlib import Path
from socket import socketpair
from typing import Any

import pytest

from tests.bench import publish, table
from tests.bench.__main__ import Part, measure
from tests.bench.turns import Cost, take_turns


def run_of(*parts: tuple[str, Part]) -> table.Table:
    measured = table.Table()
    measure(measured, dict(parts))
    return measured


def add_row(to: table.Table) -> None:
    to.compare("a scale", [Cost(3.0, 2.0)] * 3, [Cost(2.0, 4.0)] * 3, table.at_most(1))


def test_a_part_that_fails_or_hangs_is_a_row_and_loses_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it waits for."""

    def fail(_: table.Table) -> None:
        raise ValueError("no such\nserver")

    def hang(_: table.Table) -> None:
        ends, begins = socketpair()
        with ends, begins:
            ends.recv(1)

    measured = run_of(("broken", Part(fail, 60)), ("hanging", Part(hang, 0)), ("right", Part(add_row, 60)))

    assert measured.failed == ["`--only broken`", "`--only hanging`"]
    assert capsys.readouterr().out.splitlines() == [
        "| `--only broken` | **failed**: no such server |  |  |  |",
        "| `--only hanging` | **failed**: it was ended after 0 s |  |  |  |",
        "| a scale | **1.50** (1.50 to 1.50) | 0.50 (0.50 to 0.50) | ≤ 1 | **no** |",
    ]


def test_turns_go_forth_and_back() -> None:
    """So that nobody is always measured after the same one."""
    order: list[str] = []
    take_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3)
    assert "".join(order) == "abbaab"


def test_what_is_published_is_the_last_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the marks of a file and nowhere else, and its raw results beside it."""
    monkeypatch.setattr(table, "RAW", tmp_path / "raw.jsonl")
    monkeypatch.setattr(publish, "RAW", tmp_path / "raw.jsonl")
    monkeypatch.setattr(publish, "RESULTS", tmp_path / "results.json")
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n", encoding="utf-8")
    for whole in (True, False):
        run_of(("right", Part(add_row, 60))).end(whole=whole)

    publish.publish(page)

    lines = page.read_text(encoding="utf-8").splitlines()
    assert lines[:2] + lines[-2:] == ["before", "<!-- bench -->", "<!-- /bench -->", "after"]
    assert lines[-3] == "| a scale | 1.50 | ≤ 1 | **no** |"
    assert "old" not in lines
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert kept["whole"]
    assert kept["rows"][0]["raw"]["this"] == [[3.0, 2.0]] * 3


@pytest.mark.parametrize("document", publish.DOCUMENTS, ids=lambda path: path.name)
def test_a_document_shows_what_the_kept_results_say(document: Path) -> None:
    kept: dict[str, Any] | None = None
    if publish.RESULTS.exists():
        kept = json.loads(publish.RESULTS.read_text(encoding="utf-8"))
    text = document.read_text(encoding="utf-8")
    assert publish.MARKS.search(text)
    assert publish.write_table(text, kept) == text, "make bench ARGS=--publish writes it anew"


def test_the_few_rows_are_rows_of_the_whole_table() -> None:
    kept = json.loads(publish.RESULTS.read_text(encoding="utf-8"))
    assert set(publish.FEW) <= {row["name"] for row in kept["rows"] if "aim" in row}
