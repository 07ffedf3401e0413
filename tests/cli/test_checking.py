"""`mockfoundry check`: what it takes, what it names, and that what it lets pass is what a server takes."""

import io
import json
import sys
from pathlib import Path
from unittest import mock

import pytest

from mockfoundry.assembly import build_service
from mockfoundry.checking import NEITHER
from mockfoundry.documents.problems import DocumentError
from mockfoundry.options import ServerOptions
from tests.command_line import run_here

SCENARIO = "scenario: late\nrules: [{operation: scaleProcess, respond: {error: CF-Conflict}}]\n"
SEED = "organizations: [{name: acme}]\n"


def test_a_file_that_can_t_be_read_is_named_and_the_others_are_checked(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("scenario: late\nfor: soon\n", "utf-8")
    checked = run_here("check", "none.yaml", str(wrong))
    assert checked.returncode == 2
    assert checked.stdout.splitlines()[0] == "none.yaml: can't be read: No such file or directory"
    assert checked.stdout.splitlines()[1].startswith(f"{wrong}:2:6: for is ")


def test_a_folder_s_files_are_checked_but_not_its_schemas(tmp_path: Path) -> None:
    (tmp_path / "late.yaml").write_text(SCENARIO, "utf-8")
    (tmp_path / "world.json").write_text('{"organizations": [{"name": "acme"}]}', "utf-8")
    (tmp_path / "scenario.schema.json").write_text("{}", "utf-8")
    (tmp_path / "notes.txt").write_text("none", "utf-8")
    assert run_here("check", str(tmp_path)).stdout == "2 files are right\n"


def test_a_folder_without_files_is_a_mistake(tmp_path: Path) -> None:
    checked = run_here("check", str(tmp_path))
    assert (checked.returncode, checked.stdout) == (
        1,
        f"{tmp_path}: holds no .yaml, .yml or .json file; name a file or a folder\n",
    )


def test_two_scenarios_of_a_name_in_a_folder_are_refused_as_serve_refuses_them(tmp_path: Path) -> None:
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(SCENARIO, "utf-8")
    checked = run_here("check", str(tmp_path))
    text = f"the name late is taken by {tmp_path / 'one.yaml'}; give one of them another"
    assert checked.stdout == f"{tmp_path / 'two.yaml'}:1:1: {text}\n"
    with pytest.raises(DocumentError, match="the name late is taken"):
        build_service(ServerOptions(scenarios=(str(tmp_path),)), 0)


def check_input(text: str, *arguments: str) -> tuple[int, str]:
    with mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()))):
        checked = run_here("check", "-", *arguments)
    return checked.returncode, checked.stdout


KINDS = {
    SCENARIO: (0, "1 file is right\n"),
    SEED: (0, "1 file is right\n"),
    '{"users": [{"name": "alice"}]}': (0, "1 file is right\n"),
    "setings: {}\n": (1, '-:1:1: "setings" is not a key of a seed; did you mean settings?\n'),
    "rule: []\n": (1, "-:1:1: a scenario needs the key scenario (the name by which it is switched on)\n"),
    "services: {web: {image: x}}\n": (1, f"-:1:1: {NEITHER}\n"),
    "late\n": (1, f"-:1:1: {NEITHER}\n"),
    '{"rules": ' + "[" * 1_500 + "]" * 1_500 + "}": (1, "-:1:1010: nested deeper than 32 levels\n"),
    "rules: " + "[" * 1_500 + "]" * 1_500 + "\n": (1, "-:1:1007: nested deeper than 32 levels\n"),
    "": (1, "-:1:1: is empty\n"),
}


@pytest.mark.parametrize("text", KINDS, ids=lambda text: text[:20])
def test_what_comes_by_the_standard_input_is_told_by_its_keys(text: str) -> None:
    code, printed = check_input(text)
    expected_code, first = KINDS[text]
    assert code == expected_code
    assert first in printed


READERS_OF_STANDARD_INPUT = [
    "check -",
    "serve --port 0 --until-stdin-ends",
    "play - --url http://127.0.0.1:1",
    "foundation make x --seed - --url http://127.0.0.1:1",
    "state --patch - --url http://127.0.0.1:1",
    "state --replace - --url http://127.0.0.1:1",
]


@pytest.mark.parametrize("command", READERS_OF_STANDARD_INPUT)
def test_a_standard_input_that_is_closed_is_told(command: str) -> None:
    with mock.patch.object(sys, "stdin", None):
        done = run_here(*command.split())
    told = "mockfoundry: the standard input is closed; name a file, or give it the text: mockfoundry … < FILE\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_problems_are_told_as_json_with_those_of_files_that_can_t_be_read() -> None:
    checked = run_here("check", "none.yaml", "--format", "json")
    text = "can't be read: No such file or directory"
    assert json.loads(checked.stdout) == [{"file": "none.yaml", "line": 0, "column": 0, "text": text}]


UNFIT = "scenario: unfit\ngiven: {users: [{name: z, spaces: {acme/dve: [space_developer]}}]}\n"


def test_what_only_the_world_can_say_is_told_of_the_world_of_a_seed(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("organizations: [{name: acme, spaces: [{name: dev}]}]\n", "utf-8")
    assert check_input(UNFIT) == (0, "1 file is right\n")
    told = '-:2:36: there is no space "acme/dve"; did you mean acme/dev?\n'
    assert check_input(UNFIT, "--seed", str(seed)) == (1, told)


GIVEN = [
    "{settings: {platform: unavailable, stop_seconds: 2s}}",
    '{organizations: [{name: "*", suspended: true}]}',
    '{organizations: [{name: acme, spaces: [{name: dev, apps: [{name: "shop-{n}", count: 3}]}]}]}',
    "{users: [{name: zoe, spaces: {acme/dev: [space_developer]}}]}",
]
GOOD_SCENARIOS = [
    SCENARIO,
    *(f"scenario: late\ngiven: {given}\n" for given in GIVEN),
    *(f"scenario: late\nevents: [{{at: 1s, given: {given}}}]\n" for given in GIVEN),
]


@pytest.mark.parametrize("text", GOOD_SCENARIOS)
def test_a_scenario_that_check_lets_pass_is_taken_by_serve(text: str, tmp_path: Path) -> None:
    """With the default world, which has what they name."""
    file = tmp_path / "good.yaml"
    file.write_text(text, "utf-8")
    assert check_input(text) == (0, "1 file is right\n")
    build_service(ServerOptions(scenarios=(str(file),)), 0)


@pytest.mark.parametrize("text", [SEED, *GIVEN[::2]])
def test_a_seed_that_check_lets_pass_is_taken_by_serve(text: str, tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(text, "utf-8")
    assert check_input(text) == (0, "1 file is right\n")
    build_service(ServerOptions(seed=str(file)), 0)


def test_a_scenario_of_tls_alone_is_one(tmp_path: Path) -> None:
    """Both of its keys are options, too."""
    file = tmp_path / "mine.yaml"
    file.write_text("scenario: mine\ntls: {fault: expired}\n", "utf-8")
    assert run_here("check", str(file)).stdout == "1 file is right\n"
    file.write_text("scenario: mine\ntls: {fault: nope}\n", "utf-8")
    assert '2:14: fault is "nope"; it must be expired' in run_here("check", str(file)).stdout
