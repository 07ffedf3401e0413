"""Torturing for tests: the command line's `torture`, and a port on which a test sees whether a program still lives."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.command_line import run_here
from tests.waiting import DEADLINE_SECONDS

TORTURE = [sys.executable, "-m", "mockfoundry", "torture"]
CAREFUL = (sys.executable, str(Path(__file__).with_name("careful_client.py")))
TWO_STEPS = (sys.executable, str(Path(__file__).with_name("two_steps_client.py")))
HANGING = (sys.executable, str(Path(__file__).with_name("hanging_client.py")))
RESTLESS = (sys.executable, str(Path(__file__).with_name("restless_client.py")))
MEDDLING = (sys.executable, str(Path(__file__).with_name("meddling_client.py")))
ESCAPING = (sys.executable, str(Path(__file__).with_name("escaping_client.py")))
NAIVE = (sys.executable, str(Path(__file__).with_name("naive_client.py")), "{url}")


def torture(*options: str, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """The command line's torture, run in this process."""
    return run_here("torture", *options, "--", *command, environment=environment())


def environment() -> dict[str, str]:
    """This one, without what would name another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MOCKFOUNDRY_")}


def report_of(*options: str, command: tuple[str, ...]) -> Any:
    """What a torture found, as JSON."""
    done = torture("--format", "json", *options, command=command)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def outcomes(report: Any) -> dict[str, str]:
    return {each["name"]: each["outcome"] for each in report["failures"]}


@contextmanager
def watched() -> Iterator[socket.socket]:
    """A port that programs connect to for as long as they live."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(DEADLINE_SECONDS)
        yield listening


def port_of(listening: socket.socket) -> str:
    return str(listening.getsockname()[1])


def lasted(connection: socket.socket) -> str:
    """What the program at the other end told until it ended; fails where it goes on."""
    connection.settimeout(DEADLINE_SECONDS)
    told = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(4096):
            told += data
    return told.decode().strip()
