"""Coverage: what counts as met, what as undocumented, and how it is told."""

import pytest

from mockfoundry.journal.coverage import (
    ContractCoverage,
    CoverageItem,
    compute_coverage,
    coverage_percent,
    format_coverage_table,
    scenario_for_item,
)
from mockfoundry.journal.hit_counts import HitKey
from mockfoundry.wire_faults import WIRE_FAULT_NAMES
from tests.serving import contract

HITS: dict[HitKey, int] = {
    ("scaleProcess", 202, "", ""): 2,
    ("scaleProcess", 202, "", "before"): 3,
    ("scaleProcess", 202, "reset", "after"): 4,
    ("scaleProcess", 503, "empty", "before"): 5,
    ("scaleProcess", 299, "", ""): 6,
    ("scaleProcess", 299, "", "before"): 7,
    ("scaleProcess", 298, "reset", "before"): 8,
    ("getProcess", 299, "", ""): 9,
    ("getProcess", 200, "", ""): 1,
    ("", 404, "", ""): 1,
}


def met(coverage: ContractCoverage) -> dict[str, int]:
    return {f"{each.operation} {each.name}": each.times for each in coverage.squares if each.times}


def test_statuses_are_counted_without_faults_and_faults_with_their_phase() -> None:
    coverage = compute_coverage(contract(), HITS, ["scaleProcess"])
    assert met(coverage) == {
        "scaleProcess 202": 5,
        "scaleProcess reset before": 8,
        "scaleProcess reset after": 4,
        "scaleProcess empty before": 5,
    }
    assert coverage.undocumented == {"scaleProcess": {"299": 13}}
    statuses = contract().plans["scaleProcess"].responses
    assert (coverage.met, coverage.of) == (4, len(statuses) + 2 * len(WIRE_FAULT_NAMES))


def test_without_operations_all_are_counted_and_what_only_reads_has_no_fault_after() -> None:
    coverage = compute_coverage(contract(), HITS)
    assert met(coverage)["getProcess 200"] == 1
    assert coverage.undocumented == {"scaleProcess": {"299": 13}, "getProcess": {"299": 9}}
    reads = [each for each in coverage.squares if each.operation == "getProcess"]
    assert {each.phase for each in reads} == {"", "before"}
    assert {each.status for each in reads if each.fault} == {0}
    assert coverage.met == 5
    assert {each.operation for each in coverage.squares} == set(contract().plans)


@pytest.mark.parametrize(
    ("count", "of", "percent"),
    [(0, 3, 0.0), (1, 3, 33.3), (2, 3, 66.6), (999, 1000, 99.9), (3, 3, 100.0), (0, 0, 100.0)],
)
def test_a_percentage_is_rounded_down_to_a_tenth(count: int, of: int, percent: float) -> None:
    assert coverage_percent(count, of) == percent


def test_the_table_has_what_was_met_how_often_and_what_is_missing() -> None:
    squares = [
        CoverageItem("scaleProcess", 202, "", "", 2),
        CoverageItem("scaleProcess", 409, "", "", 0),
        CoverageItem("scaleProcess", 0, "reset", "after", 1),
        CoverageItem("getProcess", 200, "", "", 0),
        CoverageItem("listProcesses", 200, "", "", 1),
    ]
    coverage = ContractCoverage(60.0, 3, 5, squares, {})
    assert format_coverage_table(coverage, where_all="--all").splitlines() == [
        "scaleProcess   2 of 3  met 202 ×2, reset after",
        "                       missing 409",
        "listProcesses  1 of 1  met 200",
        "1 operation was never asked (--all lists them)",
        "",
        "3 of 5 met: 60 %",
    ]
    assert format_coverage_table(coverage).splitlines()[3] == "1 operation was never asked"
    assert format_coverage_table(coverage, every=True).splitlines()[2:] == [
        "getProcess     0 of 1  missing 200",
        "listProcesses  1 of 1  met 200",
        "",
        "3 of 5 met: 60 %",
    ]


def test_an_operation_that_got_no_answer_was_asked() -> None:
    coverage = compute_coverage(
        contract(), {("getProcessStats", 0, "", "before"): 1}, ["getProcessStats", "getProcess"]
    )
    assert (coverage.met, coverage.unanswered) == (0, {"getProcessStats": 1})
    first, missing, *_, rest, _, _ = format_coverage_table(coverage).splitlines()
    assert first == f"getProcessStats  0 of {coverage.of // 2}  asked ×1 without an answer"
    assert missing.strip().startswith("missing 200")
    assert rest == "1 operation was never asked"


def test_the_table_is_as_wide_as_it_is_told() -> None:
    squares = [CoverageItem("scaleProcess", status, "", "", 0) for status in range(400, 440)]
    squares.append(CoverageItem("scaleProcess", 202, "", "", 1))
    table = format_coverage_table(ContractCoverage(2.4, 1, 41, squares, {}), width=80)
    assert max(map(len, table.splitlines())) <= 80
    assert len(table.splitlines()) == 7


def test_a_missing_item_is_made_a_scenario_that_is_named_after_it() -> None:
    made = scenario_for_item(CoverageItem("scaleProcess", 0, "reset", "after", 0))
    assert made == {
        "scenario": "scale-process-reset-after",
        "description": "The first scaleProcess gets reset after, the next ones work.",
        "rules": [{"operation": "scaleProcess", "times": 1, "respond": {"fault": "reset", "phase": "after"}}],
    }
    assert scenario_for_item(CoverageItem("getProcess", 404, "", "", 0))["rules"] == [
        {"operation": "getProcess", "times": 1, "respond": {"status": 404}}
    ]
