"""The command line: what it prints, how it fails, and that it ends when it is told to."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from mockfoundry import shipped
from mockfoundry.assembly import build_service
from mockfoundry.cli.printing import show_progress
from mockfoundry.cli.start_screen import find_unread_variables, render_start_screen
from mockfoundry.cli.workers import render_screen
from mockfoundry.documents.problems import Document
from mockfoundry.options import ServerOptions
from tests import plain_http
from tests.command_line import run_here
from tests.serving import ADMIN, WEB, Serving
from tests.waiting import DEADLINE_SECONDS

COMMAND = [sys.executable, "-m", "mockfoundry"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=600, env={**os.environ, **environment}
    )


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A server in a process of its own: the process, its URL, and what it printed until it was ready."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    printed = ""
    try:
        for line in process.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        url = re.search(r"URL +(http://\S+)", printed)
        assert url is not None, printed + process.stderr.read()
        yield process, url.group(1), printed
    finally:
        process.kill()
        process.communicate()


def commands_to_try(printed: str) -> str:
    """The commands that a start screen shows."""
    return printed[printed.index("Try it\n") + len("Try it\n") :].split("\n\n", maxsplit=1)[0]


def test_the_start_screen_says_how_to_use_it_and_its_curl_works() -> None:
    with started() as (_, url, printed):
        assert "mode        stateful" in printed
        assert "13 operations" in printed
        assert re.search(r"^ {4}curl .* \\\n {6}-H ", printed, re.MULTILINE)
        answered = subprocess.run(["sh", "-c", commands_to_try(printed)], capture_output=True, text=True, timeout=300)
        assert answered.stdout.startswith("HTTP/1.1 202 "), answered
        assert plain_http.get(f"{url}/v3/processes/{WEB}", headers=ADMIN).json()["instances"] == 3


@pytest.mark.parametrize("options", [(), ("--control-token", "CONTROL_TOKEN")])
def test_its_commands_work_too_where_only_minted_tokens_do(options: tuple[str, ...]) -> None:
    with started("--strict-auth", *options) as (_, _, printed):
        answered = subprocess.run(["sh", "-c", commands_to_try(printed)], capture_output=True, text=True, timeout=300)
    assert answered.stdout.startswith("HTTP/1.1 202 "), answered


@pytest.mark.parametrize(
    ("strict", "unknown_users", "says"),
    [
        (False, "admin", "from other machines; any unknown token is an admin here."),
        (False, "refused", "from other machines; the token admin is an admin here."),
        (True, "admin", "from other machines."),
    ],
)
def test_the_screen_of_an_open_address_says_who_is_an_admin(strict: bool, unknown_users: str, says: str) -> None:
    seed = Document(f"settings: {{unknown_users: {unknown_users}}}", "seed.yaml")
    options = ServerOptions(host="0.0.0.0", seed=seed, strict_auth=strict)
    assert says in render_start_screen(build_service(options, 0), "http://here", options)


def test_the_screen_names_the_file_that_options_came_from(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("scenario: conflict\n", "utf-8")
    with started("--config", str(file)) as (_, _, printed):
        assert "config.yaml, where no flag or variable says otherwise" in printed
        assert "scenarios   conflict\n" in printed


def test_sigterm_ends_it_soon_and_running_answers_are_finished(tmp_path: Path) -> None:
    """An answer that would come within half a second comes; one that would take ten minutes is not waited for."""
    slow = tmp_path / "slow.yaml"
    slow.write_text(
        "scenario: slow\nrules:\n  - {operation: getProcess, respond: {delay: 300ms}}\n"
        "  - {operation: getProcessStats, respond: {delay: 10m}}\n"
    )
    with started("--scenario", str(slow)) as (process, url, _):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as one, socket.create_connection((host, int(port))) as other:
            head = b" HTTP/1.1\r\nHost: h\r\nAuthorization: bearer a\r\n\r\n"
            other.sendall(f"GET /v3/processes/{WEB}/stats".encode() + head)
            one.sendall(f"GET /v3/processes/{WEB}".encode() + head)
            # Another request tells that these, sent before it, have been taken in.
            plain_http.get(f"{url}/v3/processes", headers=ADMIN)
            process.send_signal(signal.SIGTERM)
            received = ended(one)
            assert ended(other) == b""
        assert process.wait(DEADLINE_SECONDS) == 0
    assert received.startswith(b"HTTP/1.1 200 ")


def test_sigterm_lets_held_requests_go_and_says_nothing(tmp_path: Path) -> None:
    held = tmp_path / "held.yaml"
    held.write_text(
        "scenario: held\nrules:\n  - {operation: getProcess, respond: {hold: {at: before-commit}}}\n"
        "  - {operation: listProcesses, respond: {delay: 10m}}\n"
    )
    with started("--scenario", str(held)) as (process, url, _):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as one, socket.create_connection((host, int(port))) as other:
            head = b" HTTP/1.1\r\nHost: h\r\nAuthorization: bearer a\r\n\r\n"
            one.sendall(b"GET /v3/processes/%s" % WEB.encode() + head)
            other.sendall(b"GET /v3/processes" + head)
            plain_http.get(f"{url}/v3/nothing", headers=ADMIN)
            process.send_signal(signal.SIGTERM)
            assert one.recv(65536).startswith(b"HTTP/1.1 200 ")
            assert ended(other) == b""
        assert process.wait(DEADLINE_SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def ended(connection: socket.socket) -> bytes:
    """What still comes until a connection ends, one way or the other."""
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_signal_ends_it_with_exit_code_0(number: signal.Signals) -> None:
    with started() as (process, _, _):
        process.send_signal(number)
        assert process.wait(DEADLINE_SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_ends_with_the_program_that_has_started_it_by_a_pipe() -> None:
    """However that program ends: the pipe is then closed."""
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--until-stdin-ends"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            url = next(line.split()[1] for line in process.stdout if "URL" in line)
            process.stdin.write("what is written is not read\n")
            process.stdin.flush()
            assert plain_http.get(f"{url}/__mock/health").status_code == 200
            process.stdin.close()
            assert process.wait(DEADLINE_SECONDS) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_options_come_by_environment_too() -> None:
    with started(MOCKFOUNDRY_MODE="canned", MOCKFOUNDRY_SCENARIO="conflict") as (_, url, printed):
        assert "mode        canned" in printed
        answer = plain_http.post(f"{url}/v3/processes/{WEB}/actions/scale", headers=ADMIN, json={})
        assert answer.status_code == 409


def test_health_and_wait_ask_a_server() -> None:
    with started() as (_, url, _):
        for command in ("health", "wait"):
            asked = run_here(command, "--url", url)
            assert (asked.returncode, asked.stdout) == (0, f"{url} is ready: mockfoundry 0.1.0, stateful\n")
            asked = run_here(command, "--url", url, "--format", "json")
            assert json.loads(asked.stdout) == plain_http.get(f"{url}/__mock/health").json()


def test_health_and_wait_fail_where_nothing_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        asked = run_here("health", "--url", url)
        assert asked.returncode == 1
        assert asked.stderr.startswith(f"mockfoundry: {url} does not answer")
        assert run_here("wait", "--url", url, "--timeout", "0").returncode == 1


def test_version_scenarios_and_operations_are_told() -> None:
    assert run("--version").stdout == "mockfoundry 0.1.0\n"
    scenarios = run_here("scenarios").stdout
    assert "conflict-then-ok" in scenarios
    listed = json.loads(run_here("scenarios", "--format", "json").stdout)["scenarios"]
    assert [each["name"] for each in listed] == [line.split()[0] for line in scenarios.splitlines()]
    assert all(each["story"] and each["good_client"] for each in listed)
    assert "scaleProcess  POST /v3/processes/{guid}/actions/scale" in run_here("operations").stdout


BAD = [
    (["serve", "--seed", "none.yaml"], "mockfoundry: none.yaml: can't be read: No such file or directory"),
    (["serve", "--contract", "none.yaml"], "mockfoundry: none.yaml: can't be read: No such file or directory"),
    (["serve", "--scenario", "confict"], "did you mean conflict?"),
    (["serve", "--port", "99999"], "99999 is not in the range"),
    (
        ["serve", "--host", "203.0.113.7", "--port", "0"],
        "can't listen on 203.0.113.7 port 0: Cannot assign requested address; --host takes",
    ),
    (["serve", "--mode", "other"], "'other' is not one of 'stateful', 'canned'"),
    (["serve", "--prot", "1"], "No such option"),
]


@pytest.mark.parametrize(
    ("arguments", "says"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_bad_option_is_one_clear_line_and_exit_code_2(arguments: list[str], says: str) -> None:
    failed = run_here(*arguments)
    assert failed.returncode == 2
    assert says in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_process_of_its_own_says_the_same() -> None:
    failed = run("serve", "--seed", "none.yaml")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == run_here("serve", "--seed", "none.yaml").stderr


def test_a_taken_port_is_one_clear_line_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = run_here("serve", "--port", str(port))
    assert failed.returncode == 2
    assert failed.stderr == (
        f"mockfoundry: can't listen on 127.0.0.1 port {port}: Address already in use; --port 0 takes a free one\n"
    )


MENDS = {
    OSError(errno.EADDRINUSE, "Address already in use"): "; --port 0 takes a free one",
    PermissionError(errno.EACCES, "Permission denied"): (
        "; take a port from 1024 on: --port 8080, or --port 0 for a free one"
    ),
    socket.gaierror(socket.EAI_NONAME, "Name or service not known"): (
        "; --host takes an address of this machine: 127.0.0.1, or 0.0.0.0 for all that it has"
    ),
    OSError(errno.ENOBUFS, "No buffer space available"): "",
}


@pytest.mark.parametrize("error", MENDS, ids=str)
def test_an_address_that_can_t_be_listened_on_has_the_mend_that_fits(error: OSError) -> None:
    with mock.patch("mockfoundry.server.run.bind_sockets", side_effect=error):
        failed = run_here("serve", "--host", "host.example", "--port", "80")
    told = f"mockfoundry: can't listen on host.example port 80: {error.strerror}{MENDS[error]}\n"
    assert (failed.returncode, failed.stderr) == (2, told)


def test_a_bad_scenario_is_refused_with_its_place_before_the_server_listens(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("scenario: bad\nrules:\n  - operation: scaleProces\n    respond: {status: 409}\n")
    for command in (["serve", "--scenario", str(file), "--port", "0"], ["check", str(file)]):
        failed = run_here(*command)
        assert failed.returncode == (2 if command[0] == "serve" else 1)
        text = failed.stderr + failed.stdout
        assert f"{file}:3:" in text
        assert "did you mean scaleProcess?" in text


def test_a_scenario_that_does_not_fit_the_seed_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "unfit.yaml"
    file.write_text(
        "scenario: unfit\nevents:\n  - {at: 1s, given: {users: [{name: z, spaces: {a/b: [space_developer]}}]}}\n"
    )
    failed = run_here("serve", "--port", "0", "--scenario", str(file))
    assert failed.returncode == 2
    assert failed.stderr.startswith(f"mockfoundry: {file}:3:")
    assert "Traceback" not in failed.stderr


def test_check_takes_seeds_too(tmp_path: Path) -> None:
    seed, wrong, unfit, scenario = (tmp_path / f"{name}.yaml" for name in ("seed", "wrong", "unfit", "scenario"))
    seed.write_text("organizations: [{name: acme}]\n")
    wrong.write_text("users:\n  - {nam: alice}\n")
    unfit.write_text("users: [{name: alice, spaces: {acme/dev: [space_developer]}}]\n")
    scenario.write_text("scenario: own\ngiven: {organizations: [{name: acme, suspended: true}]}\n")
    assert run_here("check", str(seed), str(scenario)).stdout == "2 files are right\n"
    failed = run_here("check", str(wrong), str(unfit), "--format", "json")
    assert failed.returncode == 1
    assert f'"{wrong}"' in failed.stdout
    assert "did you mean name?" in failed.stdout
    assert "acme/dev" in failed.stdout


def test_check_knows_the_operations_of_both_contracts(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("scenario: own\nrules: [{operation: getRoot, respond: {fault: reset}}]\n")
    assert run_here("check", str(file)).returncode == 0
    process_api = str(shipped.CONTRACT_FILE)
    assert run_here("check", str(file), "--contract", process_api).returncode == 1
    assert run_here("check", str(file), "--contract", process_api, "--platform", "shipped").returncode == 0


def test_operations_are_those_of_both_contracts() -> None:
    listed = run_here("operations").stdout
    assert "getRoot  GET /\n" in listed
    assert "getRoot" not in run_here("operations", "--contract", str(shipped.CONTRACT_FILE)).stdout
    assert run_here("operations", "--platform", "none.yaml").returncode == 2


def test_a_bad_seed_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text("organizations:\n  - name: acme\n    space: []\n")
    failed = run_here("serve", "--seed", str(file))
    assert failed.returncode == 2
    assert f"{file}:3:" in failed.stderr
    assert "spaces" in failed.stderr


SCREENS = {
    "plain": (ServerOptions(), False, "seed        one small app, random seed 1"),
    "strict": (ServerOptions(strict=True), False, "mode        stateful; --strict: what the contract does not allow"),
    "strict auth": (ServerOptions(strict_auth=True), False, "--strict-auth: only minted tokens and names"),
    "random seed": (ServerOptions(random_seed=7), False, "random seed 7"),
    "a seed": (ServerOptions(seed=Document("{}", "mine.yaml")), False, "seed        mine.yaml, random seed 1"),
    "a control token": (ServerOptions(control_token="s"), False, "/__mock/console, which asks for the control token\n"),
    "watch": (ServerOptions(watch=True), False, "watched     its files are read anew when they change\n"),
    "all addresses": (ServerOptions(host="0.0.0.0"), False, "From other machines: http://"),
    "in a container": (ServerOptions(host="0.0.0.0"), True, "From outside: the port that is published for it"),
    "closed in a container": (ServerOptions(), True, "127.0.0.1 is reached from inside it alone; --host 0.0.0.0 opens"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_the_start_screen_tells_the_options_that_matter(name: str) -> None:
    options, in_container, told = SCREENS[name]
    screen = render_start_screen(build_service(options, 0), "http://0.0.0.0:8080", options, in_container)
    assert told in screen
    if options.host == "0.0.0.0":
        assert "URL         http://127.0.0.1:8080\n" in screen


def test_the_start_screen_does_not_speak_for_foundations_that_are_kept(tmp_path: Path) -> None:
    """Their scenarios are their own, and not known before somebody asks for one."""
    for scenarios, told in (((), "none"), (("conflict",), "conflict")):
        options = ServerOptions(store=f"file:{tmp_path}", scenarios=scenarios)
        screen = render_start_screen(build_service(options, 0), "http://here", options)
        assert f"  scenarios   {told} in new foundations; those that are kept have their own\n" in screen
        assert "  foundation  each new one: 1 organization" in screen


def test_the_screen_of_shards_says_where_to_look_and_how_to_ask() -> None:
    options = ServerOptions(workers=2, host="::", store="redis://me:secret@there", control_token="s", watch=True)
    screen = render_screen(options, ["http://a", "http://b"], reads_tokens=True)
    assert "URL         http://[::1]:8080\n  console     http://[::1]:8080/__mock/console, which asks for the" in screen
    assert "store       redis://me:***@there\n  scenarios   none in new foundations; those that are kept" in screen
    assert '    curl -i http://[::1]:8080/v3/processes -H "Authorization: bearer admin"\n' in screen


def test_the_first_call_of_a_shard_is_one_that_it_answers() -> None:
    """The default foundation is on the first of two shards, and ci-1 on the second one."""
    for share, called in (((0, 2), "http://here"), ((1, 2), "http://here/foundations/ci-1")):
        options = ServerOptions(shard=share, control_token="s", strict_auth=True)
        screen = render_start_screen(build_service(options, 0), "http://here", options)
        name = called.rpartition("/")[2].replace("here", "default")
        assert f"-X POST {called}/v3/processes/{WEB}/actions/scale" in screen
        assert f"http://here/__mock/foundations/{name}/tokens " in screen


def test_the_first_call_of_another_contract_is_one_of_its_own() -> None:
    options = ServerOptions(contract=str(shipped.PLATFORM_CONTRACT_FILE))
    screen = render_start_screen(build_service(options, 0), "http://here", options)
    assert 'curl -i http://here/ -H "Authorization: bearer admin"\n' in screen


def test_variables_that_look_like_options_and_are_none_are_told() -> None:
    environment = {
        **dict.fromkeys(("MOCKFOUNDRY_SCENARIOS", "MOCKFOUNDRY_XYZZY", "MOCKFOUNDRY_SEED"), "x"),
        **dict.fromkeys(("MOCKFOUNDRY_URL", "MOCKFOUNDRY_PORT_8080_TCP_ADDR", "HOME"), "x"),
    }
    assert list(find_unread_variables(environment)) == [
        "MOCKFOUNDRY_SCENARIOS is not read: did you mean MOCKFOUNDRY_SCENARIO?",
        "MOCKFOUNDRY_XYZZY is not read: mockfoundry serve --help names all",
    ]


@pytest.mark.parametrize(
    ("options", "environment", "coloured"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_are_printed_where_they_are_wanted(
    serve: Callable[..., Serving], options: tuple[str, ...], environment: dict[str, str], coloured: bool
) -> None:
    server = serve()
    server.scale({"instances": -1})
    done = run_here(*options, "log", "--url", server.url, environment={**os.environ, **environment})
    assert ("\x1b[" in done.stdout) is coloured


def test_a_reader_who_goes_is_no_error() -> None:
    command = f"set -o pipefail; {' '.join(COMMAND)} scenarios | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=300)
    assert (done.returncode in (0, 1), done.stderr) == (True, "")
    assert len(done.stdout.splitlines()) == 1


def test_paths_are_shown_as_one_would_write_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("late.yaml").write_text("scenario: late\nrulez: []\n")
    tmp_path.joinpath("a").mkdir()
    for given in ("./late.yaml", "a/../late.yaml", str(tmp_path / "late.yaml")):
        assert run_here("check", given).stdout.startswith("late.yaml:2:1: "), given


def test_ctrl_c_ends_a_command_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mockfoundry.selftest.run_selftest", interrupt)
    done = run_here("selftest")
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "mockfoundry: interrupted")


def test_progress_is_told_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mockfoundry.cli.printing.PROGRESS_SECONDS", 0.0)
    with show_progress("failures", 3) as step:
        step()
        step()
    assert capsys.readouterr().err == "failures: 1 of 3\nfailures: 2 of 3\n"
