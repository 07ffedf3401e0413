"""JUnit: a report as the XML that CI servers read, a test case for each failure. Never decides what is broken."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mockfoundry.torture.judging import Finding
from mockfoundry.torture.telling import block, how_broken
from mockfoundry.torture.torturing import Report


def junit_of(report: Report, command: Sequence[str], strict: bool, timeout: float) -> bytes:
    """The report as one test suite.

    Args:
        command: its words, for the suite's name.
        strict: whether what failed cleanly counts as broken.
        timeout: seconds that a run might take.
    """
    counts = {
        "tests": str(len(report.findings)),
        "failures": str(len(report.broken(strict))),
        "errors": str(len(report.switched_off())),
        "time": seconds(*report.findings),
    }
    suites = Element("testsuites", counts)
    name = plain(" ".join(("mockfoundry torture", *command)))
    suite = SubElement(suites, "testsuite", {"name": name, **counts, "skipped": "0"})
    for finding in report.findings:
        suite.append(case_of(finding, finding.is_broken(strict), timeout))
    indent(suites)
    return bytes(tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def case_of(finding: Finding, broken: bool, timeout: float) -> Element:
    """One failure; what was written by the command stands in it where it broke."""
    case = Element(
        "testcase",
        {
            "classname": ".".join(("torture", *finding.trial.operations)),
            "name": finding.trial.schedule.name,
            "time": seconds(finding),
        },
    )
    if finding.outcome == "switched off":
        SubElement(case, "error", {"type": "switched-off", "message": how_broken(finding, timeout)})
    if broken:
        kind = finding.outcome.replace(" ", "-")
        failure = SubElement(case, "failure", {"type": kind, "message": how_broken(finding, timeout)})
        failure.text = plain("\n".join((*block(finding, timeout), "", finding.trial.schedule.to_yaml())))
        for tag, text in (("system-out", finding.ended.output), ("system-err", finding.ended.errors)):
            if text:
                SubElement(case, tag).text = text
    return case


def plain(text: str) -> str:
    """A text without the signs that XML can't have."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")


def seconds(*findings: Finding) -> str:
    return f"{sum(each.ended.seconds for each in findings):.3f}"
