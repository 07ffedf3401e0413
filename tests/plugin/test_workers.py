"""With pytest-xdist: one server each or one for all, every test isolated; and nothing is left behind at the end."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.plugin.conftest import Run, plugins_without_use
from tests.serving import Serving
from tests.waiting import DEADLINE_SECONDS, eventually

MANY = """
import pathlib
import random


def pytest_generate_tests(metafunc):
    metafunc.parametrize("number", random.Random(7).sample(range(1, COUNT + 1), COUNT))


def test_is_alone(foundation, mock_server, number):
    assert foundation.process("dora").disk_in_mb == 1024
    answer = httpx.post(
        f"{foundation.url}/v3/processes/{WEB}/actions/scale",
        json={"disk_in_mb": number},
        headers={"Authorization": f"bearer {foundation.token}"},
        verify=False,
    )
    assert answer.status_code == 202
    foundation.verify("scaleProcess", times=1, when={"body": {"disk_in_mb": number}})
    assert foundation.process("dora").disk_in_mb == number
    pathlib.Path(mock_server.url.rpartition(":")[2] + ".port").touch()
"""


@pytest.mark.parametrize(("count", "workers"), [(10, 2), pytest.param(500, 4, marks=pytest.mark.long)])
def test_very_many_tests_of_some_workers_share_one_server(
    run: Run, pytester: pytest.Pytester, count: int, workers: int
) -> None:
    text = MANY.replace("COUNT", str(count))
    run(text, f"-n{workers}", "--mock-shared", "-q").assert_outcomes(passed=count)
    assert len(list(pytester.path.glob("*.port"))) == 1


@pytest.mark.parametrize(
    ("arguments", "workers", "servers"),
    [
        (("-n2", "--dist=each"), 2, 2),
        pytest.param((), 1, 1, marks=pytest.mark.long),
        pytest.param(("-n2", "--dist=each", "--mock-shared"), 2, 1, marks=pytest.mark.long),
    ],
)
def test_each_worker_has_a_server_of_its_own_unless_they_share_and_coverage_is_that_of_all(
    run: Run, pytester: pytest.Pytester, arguments: tuple[str, ...], workers: int, servers: int
) -> None:
    result = run(
        """
import os


@pytest.mark.parametrize("number", range(3))
def test_notes_its_server(foundation, mock_server, number):
    assert scale(foundation, 2).status_code == 202
    with open(f"{os.getpid()}.url", "w") as file:
        file.write(mock_server.url)
""",
        "--mock-coverage",
        *arguments,
    )
    count = 3 * workers
    result.assert_outcomes(passed=count)
    result.stdout.fnmatch_lines(["*what the clients have met of the contract*", f"scaleProcess *met 202 ×{count}"])
    urls = [file.read_text() for file in pytester.path.glob("*.url")]
    assert (len(urls), len(set(urls))) == (workers, servers)
    assert not any(answers(url) for url in urls)


def test_a_server_that_runs_elsewhere_is_used_and_left_running(run: Run, serve: Callable[..., Serving]) -> None:
    server = serve()
    text = """
def test_scales(foundation):
    assert scale(foundation, 2, foundation.token).status_code == 202
    assert foundation.url.startswith("URL/foundations/")
""".replace("URL", server.url)
    run(text, "--mock-url", server.url, "-n2").assert_outcomes(passed=1)
    assert server.client.get("/__mock/health").status_code == 200
    assert server.client.get("/__mock/foundations").json() == {"foundations": []}


@pytest.mark.long
def test_coverage_of_a_server_that_others_use_is_that_of_our_tests_alone(
    run: Run, serve: Callable[..., Serving]
) -> None:
    server = serve()
    server.scale({"instances": 2})
    text = """
@pytest.mark.parametrize("number", range(4))
def test_scales(foundation, number):
    assert scale(foundation, 2).status_code == 202
"""
    for arguments in ((), ("-n2",)):
        result = run(text, "--mock-url", server.url, "--mock-coverage", *arguments)
        result.stdout.fnmatch_lines(["scaleProcess *met 202 ×4"])


def test_a_failed_test_leaves_no_foundation_behind(run: Run, serve: Callable[..., Serving]) -> None:
    server = serve()
    result = run(
        '@pytest.mark.scenario("conflict", "nope")\ndef test_fails(foundation): pass', "--mock-url", server.url
    )
    result.assert_outcomes(errors=1)
    assert server.client.get("/__mock/foundations").json() == {"foundations": []}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--mock-url", "http://127.0.0.1:1"), "http://127.0.0.1:1 does not answer"),
        (("--mock-url", "localhost"), "write it as http://127.0.0.1:8080"),
        (("--mock-url", "http://127.0.0.1:1", "--mock-shared"), "leave one out"),
    ],
)
def test_a_wrong_url_is_told(run: Run, arguments: tuple[str, ...], words: str) -> None:
    result = run("def test_scales(foundation): foundation.process('dora')", *arguments)
    assert result.ret != 0
    assert words in result.stdout.str() + result.stderr.str()


def test_a_dead_url_is_one_usage_error_before_any_test(run: Run) -> None:
    """Said once, however many tests and workers there are, with the URL and what to do."""
    result = run("def test_runs(): print('it ran')", "--mock-url", "http://127.0.0.1:1", "-n2", "-s")
    told = result.stdout.str() + result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told.count("http://127.0.0.1:1 does not answer") == 1
    assert "`mockfoundry serve` starts one" in told
    assert "Traceback" not in told
    assert "it ran" not in told


def test_a_server_that_is_no_mockfoundry_is_one_usage_error(run: Run) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        result = run("def test_runs(): pass", "--mock-url", f"http://127.0.0.1:{other.server_port}")
        other.shutdown()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "it is another server, or one between you and it; `mockfoundry serve` starts one" in result.stderr.str()


def test_a_control_token_that_the_server_refuses_is_one_usage_error(run: Run, serve: Callable[..., Serving]) -> None:
    server = serve(control_token="right")
    result = run("def test_runs(): pass", "--mock-url", server.url, "--mock-control-token", "wrong")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stdout.str() + result.stderr.str()
    assert f"--mock-url {server.url}: " in told
    assert "another token was sent" in told
    assert "Traceback" not in told


@contextmanager
def running_tests(folder: Path, text: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A user's tests, run by a pytest in a process group of its own."""
    folder.joinpath("test_theirs.py").write_text(text)
    options = ["-s", "-p", "no:cacheprovider", *plugins_without_use(text, arguments), *arguments]
    command = [sys.executable, "-m", "pytest", *options, "test_theirs.py"]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


WAITING = """
import os, threading


def test_waits(mock_server, foundation):
    foundation.process("dora")
    with open("told.txt", "w") as file:
        file.write(f"{mock_server.url} {os.getpid()}")
    os.write(1, b"\\nWAITING\\n")
    threading.Event().wait(600)
"""


@pytest.mark.parametrize(
    ("how", "arguments"),
    [
        pytest.param("ctrl-c", (), marks=pytest.mark.long),
        pytest.param("ctrl-c", ("-n1",), marks=pytest.mark.long),
        ("ctrl-c", ("-n1", "--mock-shared")),
        pytest.param("killed", (), marks=pytest.mark.long),
        pytest.param("killed", ("-n1", "--mock-shared"), marks=pytest.mark.long),
        pytest.param("terminated", (), marks=pytest.mark.long),
    ],
)
def test_nothing_is_left_when_a_run_is_broken_off(tmp_path: Path, how: str, arguments: tuple[str, ...]) -> None:
    with running_tests(tmp_path, WAITING, *arguments) as process:
        url = told(tmp_path, process)[0]
        assert answers(url)
        if how == "ctrl-c":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGKILL if how == "killed" else signal.SIGTERM)
        process.wait(timeout=DEADLINE_SECONDS)
        must_go_away(url)


@pytest.mark.long
def test_a_killed_worker_takes_its_server_along(tmp_path: Path) -> None:
    with running_tests(tmp_path, WAITING, "-n1", "--max-worker-restart=0") as process:
        url, pid = told(tmp_path, process)
        os.kill(int(pid), signal.SIGKILL)
        must_go_away(url)
        process.wait(timeout=DEADLINE_SECONDS)


@pytest.mark.long
def test_a_failed_collection_leaves_nothing(tmp_path: Path) -> None:
    with running_tests(tmp_path, "import nothing_of_that_name", "-n1", "--mock-shared") as process:
        assert process.wait(timeout=DEADLINE_SECONDS) != 0
        eventually(lambda: not processes_of(process.pid), what="no process of the run's session is left")


def processes_of(session: int) -> list[int]:
    """The processes of a session."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(ProcessLookupError):
            if os.getsid(int(name)) == session:
                found.append(int(name))
    return found


def told(folder: Path, process: "subprocess.Popen[str]") -> list[str]:
    """What the waiting test wrote: its server's URL, and its own process."""
    file = folder / "told.txt"

    def written() -> bool:
        return file.exists() and re.fullmatch(r"\S+ \d+", file.read_text()) is not None

    eventually(lambda: written() or process.poll() is not None, what="the waiting test has told of its server")
    assert written(), process.stdout and process.stdout.read()
    return file.read_text().split()


def answers(url: str) -> bool:
    place = urlsplit(url)
    connection = HTTPConnection(str(place.hostname), int(place.port or 0), timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", "/__mock/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def must_go_away(url: str) -> None:
    """Waits for the end of a server."""
    eventually(lambda: not answers(url), what=f"the server at {url} has ended")


LOST = """
import os


def test_that_ends_its_worker(foundation):
    os._exit(3)
"""


@pytest.mark.long
def test_a_worker_that_is_lost_takes_its_requests_along_and_is_named(run: Run) -> None:
    result = run(LOST, "-n1", "--mock-coverage")
    result.assert_outcomes(failed=1)
    named = "mockfoundry: the coverage is without the requests of gw0: ended without sending them"
    assert result.outlines.count(named) == 1
    shared = run(LOST, "-n1", "--mock-coverage", "--mock-shared")
    assert "ended without sending them" not in shared.stdout.str()


TRUSTING = """
import ssl
import urllib.request

def test_reads_by_https(foundation, mock_server):
    assert foundation.url.startswith("https://127.0.0.1:")
    asked = urllib.request.Request(f"{foundation.url}/v3/processes/{WEB}", headers={"Authorization": "bearer admin"})
    for context in (mock_server.ssl_context(), ssl.create_default_context(cafile=mock_server.authority)):
        assert urllib.request.urlopen(asked, context=context).status == 200
"""


@pytest.mark.parametrize("arguments", [(), pytest.param(("-n2", "--mock-shared"), marks=pytest.mark.long)])
def test_with_tls_a_foundation_has_an_https_url(run: Run, arguments: tuple[str, ...]) -> None:
    run(TRUSTING, "--mock-tls", *arguments).assert_outcomes(passed=1)


def test_a_report_says_why_a_scenario_of_tls_has_broken_nothing(run: Run) -> None:
    text = """
@pytest.mark.scenario("tls-expired")
def test_waits_for_an_error(foundation):
    assert not foundation.playing()
"""
    result = run(text, "--mock-tls")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "scenario tls-expired has broken no connection: a handshake comes before the path, so before this",
            "  foundation is known; play it in the foundation default",
        ]
    )


@pytest.mark.long
def test_tls_is_of_the_server_that_the_tests_start(run: Run) -> None:
    result = run(TRUSTING, "--mock-tls", "--mock-url", "https://127.0.0.1:1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--mock-tls: is for the server that the tests start; leave it out, and write --mo*"])
