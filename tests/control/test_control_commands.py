"""`mockfoundry log`, `coverage` and `retries`: what they print of a running server, and their exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockfoundry.cli.ask import coverage, log, replay, retries, verify
from mockfoundry.cli.files import check
from tests.serving import Serving


@pytest.fixture
def used(serve: Callable[..., Serving]) -> Serving:
    """A server on which a scale got a conflict and then worked."""
    server = serve(scenarios=("conflict-then-ok",))
    for _ in range(2):
        server.scale({"instances": 2})
    return server


def run(command: object, server: Serving, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(command, ["--url", server.url, *arguments])  # type: ignore[arg-type]
    return result.exit_code, result.stdout, result.stderr


def test_log_prints_a_line_for_each_exchange(used: Serving) -> None:
    code, printed, _ = run(log, used)
    lines = printed.splitlines()
    assert (code, len(lines)) == (0, 2)
    assert lines[0] == '#1 scaleProcess dora/web {"instances":2} → 409 CF-Conflict by rule 1 of conflict-then-ok'
    assert lines[1].startswith("#2 +")
    assert lines[1].endswith(' scaleProcess dora/web {"instances":2} → 202')
    assert run(log, used, "--status", "202")[1].startswith("#2 ")
    _, command, said = run(log, used, "--curl", "1")
    assert command.startswith("curl -i -X POST")
    asked = f"mockfoundry token admin --foundation default --url {used.url}"
    assert said == f"mockfoundry: set its token before: TOKEN=$({asked})\n"


def test_coverage_fails_under_what_is_asked_for(used: Serving) -> None:
    assert run(coverage, used, "--fail-under", "0.1")[0] == 0
    code, printed, said = run(coverage, used, "--operation", "scaleProcess", "--fail-under", "80")
    assert code == 1
    assert "met 202, 409\n" in printed
    assert "80 % is asked for" in said
    assert run(coverage, used, "--scenario", "scaleProcess", "503")[1].startswith("scenario: scale-process-503")
    assert run(coverage, used, "--scenario", "scaleProcess", "202")[1].startswith("scenario: scale-process-202")
    assert run(coverage, used, "--scenario", "scaleProcess", "999")[0] == 2


def test_retries_hold_a_client_to_what_is_allowed(used: Serving) -> None:
    code, printed, _ = run(retries, used, "--max", "1")
    assert code == 0
    assert "409" in printed
    code, _, said = run(retries, used, "--max", "0")
    assert code == 1
    assert "expected each request to be repeated at most 0 times" in said


def test_verify_says_what_clients_did(used: Serving) -> None:
    assert run(verify, used, "scaleProcess", "--times", "2") == (
        0,
        "expected scaleProcess exactly 2 times, saw 2 times\n",
        "",
    )
    assert run(verify, used)[0] == 0
    for options in (("--status", "409", "--status", "503", "--times", "1"), ("--actor", "admin", "--at-least", "2")):
        assert run(verify, used, "scaleProcess", *options)[0] == 0
    code, printed, said = run(verify, used, "scaleProcess", "--status", "503", "--at-most", "2", "--at-least", "1")
    assert (code, printed) == (1, "")
    assert said.startswith("mockfoundry: expected scaleProcess answered 503 ")
    assert "status: wanted 503, got 202" in said
    code, printed, _ = run(verify, used, "--fault", "any", "--within", "10ms", "--format", "json")
    assert (code, json.loads(printed)["result"]) == (1, "does_not_hold")
    code, _, said = run(verify, used, "scaleProces")
    assert code == 2
    assert "did you mean scaleProcess?" in said


def test_replay_prints_a_file_that_is_right(used: Serving, tmp_path: Path) -> None:
    code, printed, _ = run(replay, used)
    assert code == 0
    file = tmp_path / "again.yaml"
    file.write_text(printed)
    assert CliRunner().invoke(check, [str(file)]).exit_code == 0
    assert json.loads(run(replay, used, "--format", "json")[1])["scenario"] == printed
    used.client.put("/__mock/foundations/quiet")
    code, printed, said = run(replay, used, "--foundation", "quiet")
    assert (code, printed) == (1, "")
    assert "have met no failure" in said


@pytest.mark.parametrize("command", [log, coverage, retries, replay, verify])
def test_a_server_that_is_not_there_is_told_in_a_line(command: object) -> None:
    result = CliRunner().invoke(command, ["--url", "http://127.0.0.1:1"])  # type: ignore[arg-type]
    assert result.exit_code == 2
    assert "does not answer" in result.stderr
    assert "--url" in result.stderr


def test_a_problem_is_told_in_its_own_words(used: Serving) -> None:
    code, _, said = run(log, used, "--foundation", "nobody")
    assert code == 2
    assert "foundation nobody: there is none" in said
