"""`mockfoundry login` and `env`: a shell becomes a user of a foundation, whatever their names are made of."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import plain_http
from tests.command_line import run_here
from tests.serving import Serving

VARIABLES = ["MOCKFOUNDRY_URL", "MOCKFOUNDRY_FOUNDATION", "MOCKFOUNDRY_USER", "MOCKFOUNDRY_TOKEN"]

E_MAILS = {"users": [{"name": "bob@example.com"}, {"name": "ann o'brien"}, {"name": "tab\tbed"}]}


def log_in(server: Serving, *arguments: str, **environment: str) -> dict[str, str]:
    """The variables of a user who has logged in."""
    done = run_here("login", "--format", "json", *arguments, environment={"MOCKFOUNDRY_URL": server.url, **environment})
    assert (done.returncode, done.stderr) == (0, "")
    variables: dict[str, str] = json.loads(done.stdout)
    assert list(variables) == VARIABLES
    return variables


def fail_to_log_in(server: Serving, *arguments: str) -> tuple[str, str]:
    done = run_here("login", *arguments, environment={"MOCKFOUNDRY_URL": server.url})
    assert done.returncode == 2
    return done.stdout, done.stderr


def whoami(server: Serving, variables: dict[str, str]) -> tuple[str, str]:
    """The foundation and the actor in whose name a client's request comes that has these variables."""
    headers = {"Authorization": f"bearer {variables['MOCKFOUNDRY_TOKEN']}"}
    assert plain_http.get(f"{variables['MOCKFOUNDRY_URL']}/v3/processes", headers=headers).status_code == 200
    name = variables["MOCKFOUNDRY_FOUNDATION"]
    listed = server.client.get(f"/__mock/foundations/{name}/requests").json()["requests"]
    return name, listed[-1]["actor"]


def test_a_user_logs_in_to_a_foundation_that_is_made_for_it(server: Serving) -> None:
    variables = log_in(server, "--as", "alice@ci-42")
    assert variables["MOCKFOUNDRY_URL"] == f"{server.url}/foundations/ci-42"
    assert whoami(server, variables) == ("ci-42", "alice")


def test_without_a_name_it_is_an_admin_of_the_default_foundation(server: Serving) -> None:
    variables = log_in(server)
    assert variables["MOCKFOUNDRY_USER"] == "admin"
    assert whoami(server, variables) == ("default", "admin")


def test_a_second_log_in_goes_by_the_url_of_the_first(server: Serving) -> None:
    """`MOCKFOUNDRY_URL` is a foundation's from the first log-in on."""
    first = log_in(server, "--as", "alice@ci-42")
    second = log_in(server, "--as", "admin@ci-43", **first)
    assert second["MOCKFOUNDRY_URL"] == f"{server.url}/foundations/ci-43"
    assert log_in(server, "--as", "otto", **first)["MOCKFOUNDRY_FOUNDATION"] == "ci-42"


def test_a_foundation_that_was_deleted_is_made_anew(server: Serving) -> None:
    log_in(server, "--as", "admin@ci-42")
    server.client.delete("/__mock/foundations/ci-42")
    assert whoami(server, log_in(server, "--as", "admin@ci-42")) == ("ci-42", "admin")


def test_a_whole_name_that_the_seed_has_is_that_user(serve: Callable[..., Serving]) -> None:
    server = serve(seed=E_MAILS)
    assert whoami(server, log_in(server, "--as", "bob@example.com")) == ("default", "bob@example.com")
    assert whoami(server, log_in(server, "--as", "bob@example.com@py3.12")) == ("py3.12", "bob@example.com")
    assert whoami(server, log_in(server, "--as", "admin@example.com")) == ("example.com", "admin")


def test_a_foundation_that_is_named_on_purpose_is_the_only_one(server: Serving) -> None:
    assert log_in(server, "--as", "alice", "--foundation", "ci-42")["MOCKFOUNDRY_FOUNDATION"] == "ci-42"
    _, said = fail_to_log_in(server, "--as", "alice@ci-43", "--foundation", "ci-42")
    assert said.count("\n") == 1
    assert "'alice@ci-43' is not a user of ci-42; did you mean alice?" in said


def test_an_unknown_user_is_told_with_both_readings(server: Serving) -> None:
    _, said = fail_to_log_in(server, "--as", "alise@ci-42")
    assert said == (
        "mockfoundry: --as: 'alise@ci-42' is not a user of default; allowed: admin, alice, mallory, otto, sue; "
        "its seed can give it more users\n"
        "mockfoundry: --as: 'alise' is not a user of ci-42; did you mean alice?; its seed can give it more users\n"
    )
    assert server.client.get("/__mock/foundations").json() == {"foundations": []}


@pytest.mark.parametrize("name", ["", "@", "alice@", "@ci-42"])
def test_a_name_that_is_half_empty_is_refused(server: Serving, name: str) -> None:
    printed, said = fail_to_log_in(server, "--as", name)
    assert said == (f"mockfoundry: --as: {name!r} names no user, or no foundation; write it as alice, or alice@ci-42\n")
    assert printed == "false\n"


def test_a_name_that_no_foundation_may_have_is_refused(server: Serving) -> None:
    assert 'foundation name: "no name" does not match' in fail_to_log_in(server, "--as", "admin@no name")[1]


def test_a_token_may_be_short_lived(server: Serving) -> None:
    variables = log_in(server, "--expires-in", "10m")
    server.client.patch("/__mock/foundations/default/clock", json={"advance": "11m"})
    headers = {"Authorization": f"bearer {variables['MOCKFOUNDRY_TOKEN']}"}
    assert plain_http.get(f"{server.url}/v3/processes", headers=headers).status_code == 401


def run_in_shell(server: Serving, tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A script in which `mockfoundry` is the command, and the server the one to ask."""
    command = tmp_path / "mockfoundry"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mockfoundry "$@"\n')
    command.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "MOCKFOUNDRY_URL": server.url}
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=300, env=environment)


def test_a_shell_takes_the_variables_whatever_a_name_is_made_of(serve: Callable[..., Serving], tmp_path: Path) -> None:
    server = serve(seed=E_MAILS)
    script = """
        set -e
        eval "$(mockfoundry login --as "ann o'brien@ci-42")"
        mockfoundry play conflict
        printf '%s\n' "$MOCKFOUNDRY_USER" "$MOCKFOUNDRY_URL"
    """
    done = run_in_shell(server, tmp_path, script)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"conflict is on in ci-42: Every scale is refused with 409.\nann o'brien\n{server.url}/foundations/ci-42\n"
    )


def test_a_script_does_not_go_on_after_a_log_in_that_failed(server: Serving, tmp_path: Path) -> None:
    """A shell takes the end of `eval "$(…)"` from what it ran, and not from the command that wrote it."""
    done = run_in_shell(server, tmp_path, 'set -e; eval "$(mockfoundry login --as nobody)"; echo went on')
    assert (done.returncode, done.stdout) == (1, "")
    assert "'nobody' is not a user of default" in done.stderr


def test_variables_for_a_file_of_ci_are_lines_without_quotes(serve: Callable[..., Serving]) -> None:
    server = serve(seed=E_MAILS)
    done = run_here("env", "--as", "ann o'brien@ci-42", environment={"MOCKFOUNDRY_URL": server.url})
    variables = dict(line.split("=", maxsplit=1) for line in done.stdout.splitlines())
    assert list(variables) == VARIABLES
    assert variables["MOCKFOUNDRY_USER"] == "ann o'brien"
    assert whoami(server, variables) == ("ci-42", "ann o'brien")


@pytest.mark.parametrize(("form", "printed"), [("dotenv", ""), ("shell", "false\n")])
def test_what_no_line_can_hold_is_written_as_json_alone(serve: Callable[..., Serving], form: str, printed: str) -> None:
    server, name = serve(seed=E_MAILS), "tab\tbed"

    def write(form: str) -> Any:
        return run_here("env", "--as", name, "--format", form, environment={"MOCKFOUNDRY_URL": server.url})

    done = write(form)
    assert (done.returncode, done.stdout) == (2, printed)
    assert "MOCKFOUNDRY_USER can't be written as a line: 'tab\\tbed'; take --format json" in done.stderr
    assert json.loads(write("json").stdout)["MOCKFOUNDRY_USER"] == name


def test_a_control_token_is_never_printed(serve: Callable[..., Serving]) -> None:
    server = serve(control_token="s3cr3t")
    done = run_here("env", environment={"MOCKFOUNDRY_URL": server.url, "MOCKFOUNDRY_CONTROL_TOKEN": "s3cr3t"})
    assert done.returncode == 0
    assert "s3cr3t" not in done.stdout
