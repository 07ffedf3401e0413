"""How a torture ends: it leaves no process and no foundation, whether it is done, timed out or interrupted."""

import json
import select
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx
import pytest

from mockfoundry import shipped
from mockfoundry.client.server import Server
from mockfoundry.contract.load import load_contract
from mockfoundry.torture.torture import torture_command
from mockfoundry.torture.trials import TortureSettings
from tests import plain_http
from tests.torture.torturing import (
    CAREFUL,
    ESCAPING,
    HANGING,
    TORTURE,
    environment,
    lasted,
    outcomes,
    port_of,
    report_of,
    torture,
    watched,
)
from tests.waiting import DEADLINE_SECONDS

ONE = ("--operation", "getProcess", "--status", "500")


def foundations(server: Server) -> list[str]:
    return [each["name"] for each in plain_http.get(f"{server.url}/__mock/foundations").json()["foundations"]]


def test_no_foundation_is_left_on_a_server_that_runs_on(running: Server) -> None:
    report_of("--url", running.url, *ONE, command=(*CAREFUL, "2"))
    assert foundations(running) == []


@pytest.mark.long
def test_a_run_that_takes_too_long_is_ended_with_all_that_it_started(running: Server) -> None:
    for patience in (1, 4, 16, 64):
        with watched() as listening:
            options = ("--url", running.url, "--timeout", str(patience), *ONE)
            done = torture("--format", "json", *options, command=(*HANGING, port_of(listening)))
            # On a machine under load it may take longer until a run hangs, and even until the clean one is done.
            if done.returncode == 1 and select.select([listening], [], [], 0)[0]:
                report = json.loads(done.stdout)
                connection, _ = listening.accept()
                with connection:
                    assert lasted(connection).startswith(running.url)
                break
    else:
        raise AssertionError("the run hung in no time that it was given")
    assert outcomes(report) == {"get-500": "timed out"}
    assert report["failures"][0]["exit_code"] is None
    assert report["summary"]["broken"] == 1


@pytest.mark.long
def test_what_left_its_group_and_holds_the_outputs_open_is_not_waited_for(running: Server) -> None:
    with watched() as listening:
        report = report_of("--url", running.url, *ONE, command=(*ESCAPING, port_of(listening)))
        assert outcomes(report) == {"get-500": "failed cleanly"}
        assert report["failures"][0]["last_line"] == "no answer that it could use"
        connection, _ = listening.accept()
        with connection:
            # It lives on, so it has held them open all the time.
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.recv(1)


class Interrupted(NamedTuple):
    """A torture that was ended by a signal: its exit code, what it printed, and where the run that hung had its API."""

    code: int
    out: str
    errors: str
    url: str


def interrupted(number: signal.Signals, *options: str) -> Interrupted:
    """A torture that gets a signal as soon as one of its runs hangs; what hangs has ended then."""
    with watched() as listening:
        process = subprocess.Popen(
            [*TORTURE, "--jobs", "1", *options, "--", *HANGING, port_of(listening)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        try:
            connection, _ = listening.accept()
            with connection, connection.makefile(encoding="utf-8") as told:
                connection.settimeout(DEADLINE_SECONDS)
                url = told.readline().strip()
                process.send_signal(number)
                out, errors = process.communicate(timeout=DEADLINE_SECONDS)
                assert lasted(connection) == ""
                return Interrupted(process.returncode, out, errors, url)
        finally:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM])
def test_a_signal_ends_all_runs_and_tells_what_is_known(running: Server, number: signal.Signals) -> None:
    done = interrupted(number, "--url", running.url, "--status", "404", "--status", "500")
    assert (done.code, done.errors) == (130, "")
    assert done.out == "interrupted: 2 not tried\n0 failures, 0 survived, 0 broken\n"
    assert foundations(running) == []


@pytest.mark.long
def test_ctrl_c_ends_the_server_that_was_started() -> None:
    done = interrupted(signal.SIGINT, *ONE)
    assert (done.code, done.errors) == (130, "")
    assert done.url.startswith("http://127.0.0.1:")
    with pytest.raises(httpx.ConnectError):
        plain_http.get(done.url)


def test_the_same_can_be_asked_in_python(running: Server) -> None:
    asked = TortureSettings(command=(*CAREFUL, "2"), operations=("scaleProcess",), faults=("reset",), jobs=2)
    done: list[str] = []

    @contextmanager
    def progress(label: str, count: int) -> Iterator[Callable[[], None]]:
        yield lambda: done.append(f"{label} of {count}")

    report = torture_command(running, load_contract(shipped.CONTRACT_FILE), asked, progress)
    assert [each.outcome for each in report.findings] == ["survived", "survived"]
    assert report.list_broken(strict=True) == []
    assert done == ["failures of 2"] * 2
