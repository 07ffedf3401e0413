"""Torture: it names exactly the failures that break a command, always the same, and says how and what was left."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from mockfoundry.client.server import Server
from tests.command_line import run_here
from tests.serving import WEB as GUID
from tests.torture import naive_client
from tests.torture.torturing import CAREFUL, NAIVE, TWO_STEPS, outcomes, report_of, torture

FEW = ("--operation", "scaleProcess", "--status", "409", "--status", "500", "--fault", "reset", "--fault", "garbage")
LEAST = ("--operation", "scaleProcess", "--fault", "reset")
WEB = "organizations/acme/spaces/dev/apps/dora/processes/web/instances"

LOST = ["lost-scale", "scale-garbage-after", "scale-500-after"]


def test_it_names_exactly_the_lost_answers_that_break_the_naive_client() -> None:
    report = report_of(*FEW, command=NAIVE)
    assert [each["name"] for each in report["failures"]] == [
        "scale-409",
        "scale-500",
        "scale-reset",
        "scale-garbage",
        *LOST,
    ]
    broken = [each for each in report["failures"] if each["broken"]]
    assert [each["name"] for each in broken] == LOST
    assert all(each["outcome"] == "false success" and each["exit_code"] == 0 and each["met"] for each in broken)
    assert broken[0]["left"] == [{"where": WEB, "before": 1, "after": 3, "clean": 2}]


@pytest.mark.long
def test_it_finds_the_same_in_the_same_order_however_many_run_at_a_time(running: Server) -> None:
    alone = torture("--url", running.url, "--jobs", "1", *FEW, command=NAIVE)
    together = torture("--url", running.url, "--jobs", "4", *FEW, command=NAIVE)
    assert alone.returncode == 1
    assert alone.stdout == together.stdout
    assert alone.stdout.startswith(
        f"{LOST[0]}\n"
        "  Call 1 of scaleProcess has its connection reset, and its change is kept.\n"
        "  false success: exit code 0, but another world than after the clean run\n"
        f"  {WEB}: 1 became 3; after the clean run it is 2\n\n"
    )
    assert alone.stdout.endswith("\n7 failures, 4 survived, 3 broken\n")


EVERY = pytest.param((), marks=pytest.mark.long)


@pytest.mark.parametrize("options", [("--status", "409", "--status", "500"), EVERY], ids=["some", "every"])
def test_a_client_that_looks_again_survives_every_failure(running: Server, options: tuple[str, ...]) -> None:
    done = torture("--url", running.url, *options, command=(*CAREFUL, "2"))
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(" 0 broken\n")
    assert done.stdout.count("\n") == 1


PAIRS = ("--status", "500", "--fault", "reset", "--pairs")


@pytest.mark.long
def test_pairs_break_what_survives_each_alone_as_far_as_they_are_asked_for(running: Server) -> None:
    options = ("--url", running.url, *PAIRS, "--max-pairs", "2", "--strict")
    strictly = torture(*options, command=(*CAREFUL, "2"))
    assert strictly.returncode == 1
    assert "left out: 26 of 28 pairs (--max-pairs 2)\n8 failures, 6 survived, 2 broken\n" in strictly.stdout
    assert "  its last line: again, after " in strictly.stdout


@pytest.mark.long
def test_every_pair_breaks_what_survives_each_alone(running: Server) -> None:
    report = report_of("--url", running.url, *PAIRS, command=(*CAREFUL, "2"))
    found = outcomes(report)
    alone, together = list(found)[:6], list(found)[6:]
    assert {found[name] for name in alone} == {"survived"}
    # Of the calls without any failure, and of those that are repeats: a second read, a second scale.
    assert "get-500-and-lost-scale" in together
    assert "get-500-then-reset" in together
    assert "scale-reset-then-lost" in together
    assert len(together) == 2 * 4 + 2 * 2 + 4 * 2 + 2 * 4
    assert {found[name] for name in together} == {"failed cleanly"}
    assert report["summary"]["broken"] == 0


def test_what_is_left_half_done_is_told_from_what_failed_cleanly(running: Server) -> None:
    done = torture("--url", running.url, "--status", "503", command=TWO_STEPS)
    assert done.returncode == 1
    assert "scale-503-at-2\n" in done.stdout
    assert "  failed halfway: exit code 1, and a world that is neither " in done.stdout
    assert f"  {WEB}: 1 became 5; after the clean run it is 2\n" in done.stdout
    assert "failed cleanly, which --strict counts as broken:\n  scale-503: exit code 1\n" in done.stdout
    assert "  scale-503-after-at-2: exit code 1\n" in done.stdout
    assert done.stdout.endswith("4 failures, 0 survived, 2 failed cleanly, 2 broken\n")


def test_calls_beyond_the_bound_are_told_of(running: Server) -> None:
    report = report_of("--url", running.url, "--status", "404", "--max-calls", "1", command=TWO_STEPS)
    assert list(outcomes(report)) == ["scale-404"]
    assert report["left_out"] == ["call 2 of scaleProcess (--max-calls 1)"]


def test_a_scenario_is_played_in_every_run_besides_and_calls_count_before_it(running: Server) -> None:
    options = ("--url", running.url, "--operation", "scaleProcess", "--fault", "empty")
    report = report_of(*options, "--scenario", "conflict-then-ok", command=(*CAREFUL, "3"))
    assert list(outcomes(report)) == [
        "scale-empty",
        "scale-empty-after",
        "scale-empty-at-2",
        "scale-empty-after-at-2",
    ]
    assert {each["outcome"] for each in report["failures"]} == {"survived"}
    assert all(each["met"] for each in report["failures"])


def test_each_run_begins_with_the_seed(running: Server, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text(
        "organizations: [{name: o, spaces: [{name: s, apps: [{name: a, processes: "
        f"[{{type: web, guid: {GUID}, instances: 7}}]}}]}}]}}]\n"
    )
    options = ("--url", running.url, "--seed", str(seed), "--random-seed", "5", "--phase", "after", "--fault", "reset")
    report = report_of(*options, command=NAIVE)
    place = "organizations/o/spaces/s/apps/a/processes/web/instances"
    assert [each["left"] for each in report["failures"]] == [[{"where": place, "before": 7, "after": 9, "clean": 8}]]


def test_junit_has_a_case_for_each_failure(running: Server, tmp_path: Path) -> None:
    file = tmp_path / "torture.xml"
    assert torture("--url", running.url, "--junit", str(file), *LEAST, command=NAIVE).returncode == 1
    suite = ElementTree.parse(file).getroot()[0]  # noqa: S314 (it was written a line above)
    assert (suite.tag, suite.get("tests"), suite.get("failures")) == ("testsuite", "2", "1")
    assert float(suite.get("time", "")) > 0
    cases = suite.findall("testcase")
    assert [each.get("name") for each in cases if each.find("failure") is not None] == LOST[:1]
    assert {each.get("classname") for each in cases} == {"torture.scaleProcess"}
    failure = cases[-1].find("failure")
    assert failure is not None
    assert failure.get("type") == "false-success"
    assert f"{WEB}: 1 became 3" in (failure.text or "")


def test_what_is_kept_is_right_and_breaks_the_client_again(running: Server, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    assert torture("--url", running.url, "--keep", str(folder), *LEAST, command=NAIVE).returncode == 1
    (file,) = folder.iterdir()
    assert file.stem == LOST[0]
    assert run_here("check", str(file)).stdout == "1 file is right\n"
    foundation = running.foundation()
    foundation.play(file)
    assert naive_client.main(foundation.url) == 0
    assert foundation.process("dora").instances == 3
