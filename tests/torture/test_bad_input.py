"""Bad input: what can't be tried is said in a line with exit code 2, before it takes anybody's time."""

import sys
from pathlib import Path

import pytest

from mockfoundry.client.server import Server
from tests.torture.torturing import CAREFUL, torture

SAYS_NO = (sys.executable, "-c", "import sys; print('half'); sys.exit('no such app')")
HANGS = (sys.executable, "-c", "import threading; threading.Event().wait()")
ASKS_NOTHING = (sys.executable, "-c", "")
ASKS_ELSEWHERE = (
    sys.executable,
    "-c",
    "import contextlib, os, urllib.request\n"
    "with contextlib.suppress(OSError): urllib.request.urlopen(os.environ['MOCKFOUNDRY_URL'] + '/v3/nothing')",
)
ASKS_BESIDE = (
    sys.executable,
    "-c",
    "import contextlib, os, urllib.request\n"
    "with contextlib.suppress(OSError): urllib.request.urlopen(os.environ['MOCKFOUNDRY_URL'] + '/v3/apps')",
)


@pytest.mark.parametrize(
    ("options", "command", "said"),
    [
        (
            ("--operation", "scaleProces"),
            CAREFUL,
            '--operation: "scaleProces" is not an operation of the contract; did you mean scaleProcess? '
            "(mockfoundry operations lists them)",
        ),
        (
            ("--operation", "listProcesses"),
            (*CAREFUL, "2"),
            "--operation: the command does not call listProcesses; it calls getProcess, scaleProcess; "
            "name one of these",
        ),
        (
            ("--operation", "getProcess", "--status", "200"),
            CAREFUL,
            "--status: 200 is no documented failure of getProcess; allowed: ",
        ),
        pytest.param(
            ("--operation", "getProcess", "--phase", "after"),
            (*CAREFUL, "2"),
            "getProcess can meet none of these failures: what changes nothing fails only before, ",
            marks=pytest.mark.long,
        ),
        ((), ("no-such-command",), "the command can't be run: no-such-command: No such file or directory; "),
        (
            (),
            ASKS_NOTHING,
            "of the API's operations the command called none, so no failure can reach it; ",
        ),
        pytest.param(
            (),
            ASKS_ELSEWHERE,
            "of the API's operations the command called none that the contract has, but GET /",
            marks=pytest.mark.long,
        ),
        pytest.param(
            (),
            ASKS_BESIDE,
            "the command calls listApps, which is not in the contract of the processes; ",
            marks=pytest.mark.long,
        ),
        ((), SAYS_NO, "the clean run ended with exit code 1, though no failure was played; mend that first\n"),
        (
            ("--timeout", "0.5"),
            HANGS,
            "the clean run was not done after 0.5 s, though no failure was played; ",
        ),
        (("--scenario", "conflikt"), CAREFUL, "scenario conflikt: "),
        (("--seed", "no/seed.yaml"), CAREFUL, "no/seed.yaml: can't be read: No such file or directory"),
        (("--seed", "/dev/null"), CAREFUL, "/dev/null: there is nothing in it; write a seed, "),
        (("--scenario", ""), CAREFUL, "scenario: there is nothing in it; write a scenario, "),
        (("--random-seed", "3"), CAREFUL, "--random-seed: the world of the server at --url is made already; "),
        (("--junit", "no/folder/torture.xml"), CAREFUL, "--junit: no/folder is not a folder that can be written to; "),
        (("--keep", "/dev/null/kept"), CAREFUL, "--keep: /dev/null/kept: can't be made: Not a directory; "),
    ],
)
def test_what_cannot_be_tried_is_said_plainly(
    running: Server, options: tuple[str, ...], command: tuple[str, ...], said: str
) -> None:
    done = torture("--url", running.url, *options, command=command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"mockfoundry: {said}"), done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:xx",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://127.0.0.1:1",
        "http://a..b:8080",
        "127.0.0.1:8080",
        "ftp://127.0.0.1",
        "http://",
        "",
    ],
)
def test_a_url_that_leads_nowhere_is_said_in_a_line(url: str) -> None:
    done = torture("--url", url, command=CAREFUL)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mockfoundry: ")
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_server_that_does_not_answer_is_told_of_by_the_option_that_names_it() -> None:
    done = torture("--url", "http://127.0.0.1:1", command=CAREFUL)
    assert done.returncode == 2
    assert done.stderr.startswith("mockfoundry: http://127.0.0.1:1 does not answer: ")
    assert done.stderr.endswith("; start it, or say by --url where it is\n")


@pytest.mark.parametrize("options", [("--fault", "resets"), ("--phase", "between"), ("--max-calls", "0")])
def test_an_option_says_what_it_takes(options: tuple[str, ...]) -> None:
    done = torture(*options, command=CAREFUL)
    assert done.returncode == 2
    assert f"Invalid value for '{options[0]}'" in done.stderr


def test_without_a_command_it_says_how_it_is_used() -> None:
    done = torture(command=())
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")


def test_a_clean_run_that_fails_shows_what_the_command_said(running: Server) -> None:
    assert torture("--url", running.url, command=SAYS_NO).stderr.splitlines()[1:] == [
        "mockfoundry: the end of its standard output:",
        "mockfoundry:   half",
        "mockfoundry: the end of its standard error:",
        "mockfoundry:   no such app",
    ]


def test_a_seed_that_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("organisations: []\n")
    done = torture("--seed", str(seed), command=CAREFUL)
    assert done.returncode == 2
    assert f'{seed}:1:1: "organisations" is not a key of a seed; did you mean organizations?' in done.stderr
