"""Commands that show what there is and write a first file: `errors`, `scenarios NAME`, `schema` and `new`."""

import io
import json
import socket
import subprocess
import sys
from pathlib import Path
from unittest import mock

import jsonschema_rs
import pytest
import yaml

from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.contract.load import load_contract
from mockfoundry.shipped import CONTRACT_FILE, list_library_files
from mockfoundry.wire_faults import WIRE_FAULT_NAMES
from tests.command_line import run_here


def test_every_error_is_listed_with_its_status_code_and_text() -> None:
    lines = run_here("errors").stdout.splitlines()
    assert len(lines) == len(CATALOGUE)
    assert lines[0].split()[:3] == ["CF-BadQueryParameter", "400", "10005"]
    for line in lines:
        title, status, code, detail = line.split(maxsplit=3)
        entry = CATALOGUE[title]
        assert (int(status), int(code), detail) == (entry.status, entry.code, entry.detail)


def test_errors_are_listed_for_programs_too() -> None:
    listed = json.loads(run_here("errors", "--format", "json").stdout)["errors"]
    conflict = next(each for each in listed if each["title"] == "CF-Conflict")
    entry = CATALOGUE["CF-Conflict"]
    assert conflict == {"title": entry.title, "status": 409, "code": entry.code, "detail": entry.detail}


@pytest.mark.parametrize("name", ["conflict", "crash-loop"])
def test_a_library_scenario_is_printed_as_its_file(name: str) -> None:
    assert run_here("scenarios", name).stdout == list_library_files()[name].read_text(encoding="utf-8")


def test_an_unknown_scenario_is_one_line_with_a_suggestion() -> None:
    asked = run_here("scenarios", "conflct")
    assert (asked.returncode, asked.stderr) == (
        2,
        "mockfoundry: conflct is not a scenario of the library; did you mean conflict?\n",
    )


@pytest.mark.parametrize("kind", ["scenario", "seed"])
def test_a_schema_has_an_id_and_accepts_the_first_file_of_its_kind(kind: str) -> None:
    schema = json.loads(run_here("schema", kind).stdout)
    assert schema["$id"] == f"urn:mockfoundry:{kind}"
    new = ["--name", "a", "--operation", "getProcess", "--answer", "404"] if kind == "scenario" else SEED
    first = run_here("new", kind, *new).stdout
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(yaml.safe_load(first))


def test_the_schema_of_scenarios_has_the_words_of_the_contract_in_use(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        'openapi: 3.0.3\ninfo: {title: own, version: "1"}\npaths:\n  /it:\n    get:\n      operationId: getIt\n'
        "      responses: {'200': {description: it}}\n",
        "utf-8",
    )
    defined = json.loads(run_here("schema", "scenario", "--contract", str(own)).stdout)["$defs"]
    assert defined["operation"]["enum"] == ["any", "getIt"]
    assert defined["status"]["anyOf"][0]["enum"] == [200]


SEED = ["--space", "acme/dev", "--app", "shop", "--count", "40"]


def check_output(text: str, tmp_path: Path) -> str:
    file = tmp_path / "new.yaml"
    file.write_text(text, "utf-8")
    return run_here("check", str(file)).stdout


OPERATIONS = list(load_contract(CONTRACT_FILE).plans)


@pytest.mark.parametrize("answer", ["CF-Conflict", "503", "418", "204", *WIRE_FAULT_NAMES])
@pytest.mark.parametrize("operation", [OPERATIONS[0], "scaleProcess"])
def test_a_new_scenario_passes_check(operation: str, answer: str, tmp_path: Path) -> None:
    """Whatever it answers: what the contract does not document is marked as meant."""
    made = run_here("new", "scenario", "--name", "mine", "--operation", operation, "--answer", answer)
    assert (made.returncode, made.stderr) == (0, "")
    assert check_output(made.stdout, tmp_path) == "1 file is right\n"


def test_a_new_scenario_is_short_and_says_what_happens() -> None:
    made = run_here("new", "scenario", "--name", "mine", "--operation", "scaleProcess", "--answer", "CF-Conflict")
    assert made.stdout == (
        "scenario: mine\n"
        "description: The first scaleProcess of each process gets CF-Conflict.\n"
        "rules:\n"
        "  - operation: scaleProcess\n"
        "    per: process\n"
        "    times: 1\n"
        "    respond: {error: CF-Conflict}\n"
    )


@pytest.mark.parametrize("count", ["1", "40"])
def test_a_new_seed_passes_check_and_has_so_many_apps(count: str, tmp_path: Path) -> None:
    made = run_here("new", "seed", "--space", "acme/dev", "--app", "shop", "--count", count)
    assert made.returncode == 0
    assert len(made.stdout.splitlines()) <= 13
    assert check_output(made.stdout, tmp_path) == "1 file is right\n"


def answer_questions(answers: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    with mock.patch.object(sys, "stdin", io.StringIO(answers)):
        return run_here("new", *arguments)


def test_what_no_option_says_is_asked_for_beside_the_file() -> None:
    asked = answer_questions("mine\nscaleProcess\n\n", "scenario")
    assert asked.stdout.startswith("scenario: mine\n")
    assert [line.count("?") for line in asked.stderr.split("]: ")][:3] == [1, 1, 1]
    assert "respond: {error: CF-Conflict}" in asked.stdout
    seed = answer_questions("\n\n3\n", "seed")
    assert 'name: "shop-{n}"\n            count: 3\n' in seed.stdout


UNASKED = [
    ("scenario", "", "--name"),
    ("scenario", "mine\n", "--operation"),
    ("scenario", "mine\nscaleProcess\n", "--answer"),
    ("seed", "", "--space"),
    ("seed", "acme/dev\nshop\n", "--count"),
]


@pytest.mark.parametrize(("kind", "answers", "flag"), UNASKED)
def test_a_question_that_nobody_answers_names_its_option(kind: str, answers: str, flag: str) -> None:
    asked = answer_questions(answers, kind)
    told = f"mockfoundry: the standard input ended before an answer; {flag} gives it"
    assert (asked.returncode, asked.stdout, asked.stderr.splitlines()[-1]) == (2, "", told)


def test_ctrl_c_at_a_question_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, *_: object) -> str:  # type: ignore[override]
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Terminal())
    asked = run_here("new", "scenario")
    assert (asked.returncode, asked.stderr.splitlines()[-1]) == (130, "mockfoundry: interrupted")


WRONG: dict[tuple[str, ...], str] = {
    ("scenario", "--name", "mine", "--operation", "scaleProces", "--answer", "409"): (
        "scaleProces is not an operation; did you mean scaleProcess?; mockfoundry operations lists them"
    ),
    ("scenario", "--name", "mine", "--operation", "scaleProcess", "--answer", "reest"): (
        f"reest is not an error, a status or a fault; did you mean reset?; faults are {', '.join(WIRE_FAULT_NAMES)}; "
        "mockfoundry errors lists them"
    ),
    ("scenario", "--name", "my own", "--operation", "scaleProcess", "--answer", "409"): (
        'scenario is "my own"; it must be 1 to 64 letters, digits, -, _ or ., with a letter or digit at both ends'
    ),
    ("seed", "--space", "acme", "--app", "shop", "--count", "1"): ("acme is not ORGANIZATION/SPACE, such as acme/dev"),
}


@pytest.mark.parametrize("arguments", WRONG, ids=lambda arguments: arguments[-1])
def test_an_answer_that_can_stand_in_no_file_is_one_clear_line(arguments: tuple[str, ...]) -> None:
    failed = run_here("new", *arguments)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == f"mockfoundry: {WRONG[arguments]}\n"


DURATIONS = {"0": "0 seconds", "0s": "0 seconds", "0.5": "0.5 seconds", "500ms": "0.5 seconds"}


@pytest.mark.parametrize("text", DURATIONS)
def test_a_command_takes_a_duration_as_files_write_it_or_a_number_of_seconds(text: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        waited = run_here("wait", "--url", url, "--timeout", text)
    assert waited.returncode == 1
    assert waited.stderr.endswith(f"(waited {DURATIONS[text]})\n")


@pytest.mark.parametrize("text", ["soon", "-1", "1d", "inf", "nan", "2 s"])
def test_what_is_no_duration_is_refused_with_what_is_allowed(text: str) -> None:
    refused = run_here("wait", "--timeout", text)
    assert refused.returncode == 2
    assert "Invalid value for '--timeout'" in refused.stderr
