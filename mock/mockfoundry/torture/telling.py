"""Telling: a report for people and for programs. Never decides what is broken."""

import json
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mockfoundry.torture.judging import OUTCOMES, Finding
from mockfoundry.torture.torturing import Report


def text_of(report: Report, strict: bool, timeout: float) -> str:
    """The report for people: a block for each failure that broke the command, then the summary.

    Args:
        strict: whether what failed cleanly counts as broken.
        timeout: seconds that a run might take.
    """
    broken = report.broken(strict)
    lines = [line for finding in broken for line in (*block(finding, timeout), "")]
    clean = [each for each in report.findings if each.outcome == "failed cleanly"]
    if clean and not strict:
        lines += ["failed cleanly, which --strict counts as broken:"]
        lines += [*(f"  {each.trial.schedule.name}: {ended_how(each, timeout)}" for each in clean), ""]
    if off := report.switched_off():
        lines += ["switched off by the command, so nothing is known of them:"]
        lines += [*(f"  {each.trial.schedule.name}: {ended_how(each, timeout)}" for each in off), ""]
    lines += [f"left out: {each}" for each in report.left_out]
    if report.interrupted:
        lines.append(f"interrupted: {report.untried} not tried")
    return "\n".join([*lines, summary(report, strict)])


def block(finding: Finding, timeout: float) -> Iterator[str]:
    """What is told of one failure that broke the command."""
    schedule = finding.trial.schedule
    yield schedule.name
    yield f"  {schedule.description}"
    yield f"  {how_broken(finding, timeout)}"
    yield from (f"  {left}" for left in finding.left)
    if finding.ended.last_line:
        yield f"  its last line: {finding.ended.last_line}"


def how_broken(finding: Finding, timeout: float) -> str:
    """An outcome, and what it means."""
    return f"{finding.outcome}: {ended_how(finding, timeout)}{_MEANT[finding.outcome]}"


_MEANT = {
    "survived": ", and the same world as after the clean run",
    "failed cleanly": ", and nothing was left half done",
    "failed halfway": ", and a world that is neither as at the beginning nor as after the clean run",
    "false success": ", but another world than after the clean run",
    "timed out": "",
    "switched off": ", and what was played was no longer on",
}


def ended_how(finding: Finding, timeout: float) -> str:
    code = finding.ended.code
    if code is None:
        return f"not done after {timeout:g} s"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def summary(report: Report, strict: bool) -> str:
    """`58 failures, 55 survived, 3 broken`."""
    count = Counter(each.outcome for each in report.findings)
    parts = [counted(len(report.findings)), f"{count['survived']} survived"]
    if count["failed cleanly"] and not strict:
        parts.append(f"{count['failed cleanly']} failed cleanly")
    parts.append(f"{len(report.broken(strict))} broken")
    if count["switched off"]:
        parts.append(f"{count['switched off']} switched off")
    unmet = sum(not each.met and each.outcome != "switched off" for each in report.findings)
    return ", ".join(parts) + (f" ({unmet} of them not met by the command)" if unmet else "")


def counted(number: int) -> str:
    return "1 failure" if number == 1 else f"{number} failures"


def json_of(report: Report, strict: bool) -> str:
    """The report for programs."""
    count = Counter(each.outcome for each in report.findings)
    told: dict[str, Any] = {
        "failures": [finding_as_json(each, each.is_broken(strict)) for each in report.findings],
        "left_out": list(report.left_out),
        "interrupted": report.interrupted,
        "summary": {
            "failures": len(report.findings),
            **{outcome.replace(" ", "_"): count[outcome] for outcome in OUTCOMES},
            "broken": len(report.broken(strict)),
            "untried": report.untried,
        },
    }
    return json.dumps(told)


def finding_as_json(finding: Finding, broken: bool) -> dict[str, Any]:
    schedule = finding.trial.schedule
    return {
        "name": schedule.name,
        "description": schedule.description,
        "outcome": finding.outcome,
        "broken": broken,
        "met": finding.met,
        "exit_code": finding.ended.code,
        "left": [
            {"where": each.where, "before": each.before, "after": each.after, "clean": each.clean}
            for each in finding.left
        ],
        "last_line": finding.ended.last_line,
        "scenario": schedule.to_yaml(),
    }


def keep(findings: Iterable[Finding], folder: Path) -> None:
    """Writes the schedule of each finding to `NAME.yaml` in a folder, which is made where there is none.

    Raises:
        OSError: a file can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for finding in findings:
        schedule = finding.trial.schedule
        (folder / f"{schedule.name}.yaml").write_text(schedule.to_yaml(), encoding="utf-8")
