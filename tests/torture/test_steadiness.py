"""Steadiness: what is not the same twice without any failure says nothing, and what torture plays is left on."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mockfoundry.client.server import Server
from tests.torture.torturing import CAREFUL, MEDDLING, RESTLESS, TORTURE, environment, outcomes, report_of, torture

WEB = "organizations/acme/spaces/dev/apps/dora/processes/web"
LEAST = ("--operation", "scaleProcess", "--fault", "reset")
DIFFERS = "(differs from one clean run to the next)"

ENDINGS = [
    pytest.param("POST", "/reset", marks=pytest.mark.long),
    ("DELETE", ""),
    pytest.param("DELETE", "/scenarios", marks=pytest.mark.long),
]

FIRST_READS = (
    "import os, sys, urllib.request\n"
    "url = os.environ['MOCKFOUNDRY_URL'] + '/v3/processes/6a901b7c-9417-4dc1-8189-d3234aa0ab82'\n"
    "more = 0 if os.path.exists(sys.argv[1]) else int(sys.argv[2])\n"
    "open(sys.argv[1], 'w').close()\n"
    "for _ in range(int(sys.argv[3]) + more):\n"
    "    urllib.request.urlopen(urllib.request.Request(url, headers={'Authorization': 'bearer admin'})).close()\n"
)


def reading(marker: Path, more: int, always: int) -> tuple[str, ...]:
    """A command that reads a process so often, and in its very first run some times more."""
    return (sys.executable, "-c", FIRST_READS, str(marker), str(more), str(always))


def test_what_differs_between_clean_runs_is_left_out_and_the_rest_is_judged(running: Server) -> None:
    report = report_of("--url", running.url, *LEAST, command=RESTLESS)
    assert report["left_out"] == [f"{WEB}/metadata/annotations/deployed-at {DIFFERS}"]
    assert outcomes(report) == {
        "scale-reset": "survived",
        "lost-scale": "false success",
    }
    assert report["failures"][1]["left"] == [{"where": f"{WEB}/instances", "before": 1, "after": 3, "clean": 2}]


@pytest.mark.long
def test_people_are_told_what_was_left_out(running: Server) -> None:
    done = torture("--url", running.url, *LEAST, "--phase", "before", command=RESTLESS)
    assert done.returncode == 0
    assert done.stdout == (
        f"left out: {WEB}/metadata/annotations/deployed-at {DIFFERS}\n1 failure, 1 survived, 0 broken\n"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [(3, "calls 2 to 4 of getProcess"), pytest.param(1, "call 2 of getProcess", marks=pytest.mark.long)],
)
def test_calls_that_one_clean_run_does_not_make_are_told_of_and_never_fail(
    running: Server, tmp_path: Path, more: int, said: str
) -> None:
    report = report_of("--url", running.url, "--status", "500", command=reading(tmp_path / "ran", more, 1))
    assert report["left_out"] == [f"{said} {DIFFERS}"]
    assert list(outcomes(report)) == ["get-500"]


def test_clean_runs_without_a_call_in_common_are_refused(running: Server, tmp_path: Path) -> None:
    done = torture("--url", running.url, command=reading(tmp_path / "ran", 1, 0))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mockfoundry: the command is not steady: its two clean runs have no call in common; ")


def test_a_command_that_works_only_once_is_refused_with_what_it_said(running: Server, tmp_path: Path) -> None:
    once = (sys.executable, "-c", "import os, sys; os.mkdir(sys.argv[1])", str(tmp_path / "made"))
    done = torture("--url", running.url, command=once)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "mockfoundry: the command is not steady: its second clean run ended with exit code 1, though its first ended "
        "well; let it do the same each time; "
    )
    assert "FileExistsError" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("method", "path"), ENDINGS)
def test_a_run_that_switches_off_its_failure_is_told_of_beside_the_others(
    running: Server, tmp_path: Path, method: str, path: str
) -> None:
    file = tmp_path / "torture.xml"
    options = ("--url", running.url, "--status", "500", "--max-calls", "1", "--junit", str(file))
    done = torture(*options, command=(*MEDDLING, method, path))
    assert done.returncode == 2
    assert done.stderr == (
        "mockfoundry: the command switched off what torture plays, in 1 of 3 runs; "
        "leave /__mock alone: no reset, no delete, no scenario ended\n"
    )
    assert done.stdout.startswith("scale-500-after\n")
    # A foundation that the command has deleted does not come back for it.
    code = 1 if (method, path) == ("DELETE", "") else 0
    assert done.stdout.endswith(
        f"switched off by the command, so nothing is known of them:\n  get-500: exit code {code}\n\n"
        "left out: call 2 of getProcess (--max-calls 1)\n"
        "3 failures, 1 survived, 1 broken, 1 switched off\n"
    )
    suite = ElementTree.parse(file).getroot()[0]  # noqa: S314 (it was written by the run above)
    assert (suite.get("failures"), suite.get("errors")) == ("1", "1")
    assert [each.get("name") for each in suite if each.find("error") is not None] == ["get-500"]


@pytest.mark.long
@pytest.mark.parametrize(("method", "path"), ENDINGS)
def test_a_command_that_always_switches_off_is_refused_after_its_clean_run(
    running: Server, method: str, path: str
) -> None:
    done = torture("--url", running.url, command=(*MEDDLING, method, path, "always"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "mockfoundry: the command switched off what torture plays, in its clean run already; "
        "leave /__mock alone: no reset, no delete, no scenario ended\n"
    )


@pytest.mark.long
def test_what_is_watched_in_clean_runs_changes_nothing_for_a_scenario_besides(running: Server) -> None:
    options = ("--url", running.url, "--operation", "scaleProcess", "--status", "500", "--phase", "before")
    report = report_of(*options, "--scenario", "conflict-then-ok", command=(*CAREFUL, "3"))
    assert list(outcomes(report)) == ["scale-500", "scale-500-at-2"]


def test_what_a_command_writes_fills_no_disk(running: Server) -> None:
    """No file may have more than 100 blocks here; the command writes far more than that."""
    limited = ("sh", "-c", 'ulimit -f 100; exec "$@"', "sh", *TORTURE)
    writes = "import sys; sys.stdout.write('many words\\n' * 1_000_000); sys.exit('the last word')"
    done = subprocess.run(
        [*limited, "--url", running.url, "--", sys.executable, "-c", writes],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment(),
    )
    assert done.returncode == 2
    assert done.stderr.startswith("mockfoundry: the clean run ended with exit code 1, ")
    assert done.stderr.endswith("mockfoundry:   the last word\n")
    assert len(done.stderr) < 20_000
