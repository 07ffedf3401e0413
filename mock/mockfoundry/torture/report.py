"""A torture's report, as text for people, as JSON, and as JUnit XML for CI servers. Never decides what is broken."""

import json
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mockfoundry.torture.runs import OUTCOMES, TrialFinding
from mockfoundry.torture.torture import TortureReport


def render_torture_text(report: TortureReport, strict: bool, timeout: float) -> str:
    """The report for people: a block for each failure that broke the command, then the summary.

    Args:
        strict: whether what failed cleanly counts as broken.
        timeout: the time limit of a run, in seconds.
    """
    broken = report.list_broken(strict)
    lines = [line for finding in broken for line in (*describe_finding(finding, timeout), "")]
    clean = [each for each in report.findings if each.outcome == "failed cleanly"]
    if clean and not strict:
        lines += ["failed cleanly, which --strict counts as broken:"]
        lines += [*(f"  {each.trial.schedule.name}: {describe_ending(each, timeout)}" for each in clean), ""]
    if off := report.list_switched_off():
        lines += ["switched off by the command, so nothing is known of them:"]
        lines += [*(f"  {each.trial.schedule.name}: {describe_ending(each, timeout)}" for each in off), ""]
    lines += [f"left out: {each}" for each in report.left_out]
    if report.interrupted:
        lines.append(f"interrupted: {report.untried} not tried")
    return "\n".join([*lines, summarize_report(report, strict)])


def describe_finding(finding: TrialFinding, timeout: float) -> Iterator[str]:
    """The lines about one failure that broke the command."""
    schedule = finding.trial.schedule
    yield schedule.name
    yield f"  {schedule.description}"
    yield f"  {describe_outcome(finding, timeout)}"
    yield from (f"  {leftover}" for leftover in finding.leftovers)
    if finding.ended.last_line:
        yield f"  its last line: {finding.ended.last_line}"


def describe_outcome(finding: TrialFinding, timeout: float) -> str:
    """An outcome with its meaning."""
    return f"{finding.outcome}: {describe_ending(finding, timeout)}{_OUTCOME_MEANINGS[finding.outcome]}"


_OUTCOME_MEANINGS = {
    "survived": ", and the same world as after the clean run",
    "failed cleanly": ", and nothing was left half done",
    "failed halfway": ", and a world that is neither as at the beginning nor as after the clean run",
    "false success": ", but another world than after the clean run",
    "timed out": "",
    "switched off": ", and what was played was no longer on",
}


def describe_ending(finding: TrialFinding, timeout: float) -> str:
    code = finding.ended.code
    if code is None:
        return f"not done after {timeout:g} s"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def summarize_report(report: TortureReport, strict: bool) -> str:
    """`58 failures, 55 survived, 3 broken`."""
    count = Counter(each.outcome for each in report.findings)
    parts = [format_failure_count(len(report.findings)), f"{count['survived']} survived"]
    if count["failed cleanly"] and not strict:
        parts.append(f"{count['failed cleanly']} failed cleanly")
    parts.append(f"{len(report.list_broken(strict))} broken")
    if count["switched off"]:
        parts.append(f"{count['switched off']} switched off")
    unmet = sum(not each.met and each.outcome != "switched off" for each in report.findings)
    return ", ".join(parts) + (f" ({unmet} of them not met by the command)" if unmet else "")


def format_failure_count(number: int) -> str:
    return "1 failure" if number == 1 else f"{number} failures"


def render_torture_json(report: TortureReport, strict: bool) -> str:
    """The report for programs."""
    count = Counter(each.outcome for each in report.findings)
    content: dict[str, Any] = {
        "failures": [finding_to_dict(each, each.is_broken(strict)) for each in report.findings],
        "left_out": list(report.left_out),
        "interrupted": report.interrupted,
        "summary": {
            "failures": len(report.findings),
            **{outcome.replace(" ", "_"): count[outcome] for outcome in OUTCOMES},
            "broken": len(report.list_broken(strict)),
            "untried": report.untried,
        },
    }
    return json.dumps(content)


def finding_to_dict(finding: TrialFinding, broken: bool) -> dict[str, Any]:
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
            for each in finding.leftovers
        ],
        "last_line": finding.ended.last_line,
        "scenario": schedule.to_yaml(),
    }


def write_schedules(findings: Iterable[TrialFinding], folder: Path) -> None:
    """Writes the schedule of each finding to `NAME.yaml` in a folder, which is made if it does not exist.

    Raises:
        OSError: a file can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for finding in findings:
        schedule = finding.trial.schedule
        (folder / f"{schedule.name}.yaml").write_text(schedule.to_yaml(), encoding="utf-8")


def render_junit(report: TortureReport, command: Sequence[str], strict: bool, timeout: float) -> bytes:
    """The report as one test suite.

    Args:
        command: the command's words, for the suite's name.
        strict: whether what failed cleanly counts as broken.
        timeout: the time limit of a run, in seconds.
    """
    counts = {
        "tests": str(len(report.findings)),
        "failures": str(len(report.list_broken(strict))),
        "errors": str(len(report.list_switched_off())),
        "time": format_total_seconds(*report.findings),
    }
    suites = Element("testsuites", counts)
    name = strip_unprintable(" ".join(("mockfoundry torture", *command)))
    suite = SubElement(suites, "testsuite", {"name": name, **counts, "skipped": "0"})
    for finding in report.findings:
        suite.append(build_test_case(finding, finding.is_broken(strict), timeout))
    indent(suites)
    return bytes(tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def build_test_case(finding: TrialFinding, broken: bool, timeout: float) -> Element:
    """The test case of one failure; with the command's output, if the failure broke it."""
    case = Element(
        "testcase",
        {
            "classname": ".".join(("torture", *finding.trial.operations)),
            "name": finding.trial.schedule.name,
            "time": format_total_seconds(finding),
        },
    )
    if finding.outcome == "switched off":
        SubElement(case, "error", {"type": "switched-off", "message": describe_outcome(finding, timeout)})
    if broken:
        kind = finding.outcome.replace(" ", "-")
        failure = SubElement(case, "failure", {"type": kind, "message": describe_outcome(finding, timeout)})
        failure.text = strip_unprintable(
            "\n".join((*describe_finding(finding, timeout), "", finding.trial.schedule.to_yaml()))
        )
        for tag, text in (("system-out", finding.ended.output), ("system-err", finding.ended.errors)):
            if text:
                SubElement(case, tag).text = text
    return case


def strip_unprintable(text: str) -> str:
    """A text without the characters that XML can't hold."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")


def format_total_seconds(*findings: TrialFinding) -> str:
    return f"{sum(each.ended.seconds for each in findings):.3f}"
