"""The peers of the benchmark, installed into a folder of their own under build/. Never touches another environment.

WireMock and MockServer need Java and npm; where those are not at hand they are left out, and it is said.
"""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.deadline import BenchError
from tests.bench.servers import PROCESS, SCALE, Server, running

FOLDER = Path("build/bench").resolve()
PYTHON_PEERS = FOLDER / "python"
NPM_PEERS = FOLDER / "npm"

OF_PYTHON = ("pytest-httpserver", "werkzeug", "markupsafe", "respx")
"""With all that they need beyond httpx, which comes from here, so that every tool has the same client."""

OF_NPM = ("wiremock", "mockserver-node")

INSTALL_SECONDS = 300

ANNOUNCES = r"^port:\s+(\d+)"
"""What WireMock prints when it listens."""

ANSWER = {"guid": "p", "instances": 2, "filler": "x" * 1056}
"""An answer of a stub: as many bytes as a bare app sends for a scale."""


def install_python_peers() -> Path:
    """The folder of Python's peers, made where there is none yet.

    Raises:
        BenchError: they can't be installed.
    """
    if not all((PYTHON_PEERS / name).is_dir() for name in ("respx", "pytest_httpserver")):
        wanted = ["install", "--quiet", "--no-deps", "--upgrade", "--target", str(PYTHON_PEERS), *OF_PYTHON]
        done = subprocess.run(
            [sys.executable, "-m", "pip", *wanted], capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
        if done.returncode:
            raise BenchError(f"pip could not install {', '.join(OF_PYTHON)}: {done.stderr.strip()[-300:]}")
    return PYTHON_PEERS


def find_jar(package: str) -> Path | None:
    """The jar that a package of npm brings; None where there is none."""
    return next((NPM_PEERS / "node_modules" / package).glob("**/*.jar"), None)


def install_java_peers() -> str:
    """Installs WireMock and MockServer where there are none yet.

    Returns:
        Why they are left out; empty where they are there.
    """
    if missing := [each for each in ("java", "npm") if shutil.which(each) is None]:
        return f"no {' and no '.join(missing)} at hand"
    if all(map(find_jar, OF_NPM)):
        return ""
    wanted = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(NPM_PEERS), *OF_NPM]
    try:
        done = subprocess.run(wanted, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"npm could not install them in {INSTALL_SECONDS} s"
    if done.returncode:
        return f"npm could not install them: {done.stderr.strip()[-200:]}"
    missing = [each for each in OF_NPM if find_jar(each) is None]
    return f"no jar in the npm package of {' and '.join(missing)}" if missing else ""


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def wiremock(folder: Path, *options: str, pinned: bool = True) -> Iterator[Server]:
    """WireMock with stubs for one scale and one read, that it finds in a folder as its users keep them."""
    mappings = folder / "mappings"
    mappings.mkdir(parents=True, exist_ok=True)
    for method, path, status in (("GET", PROCESS, 200), ("POST", SCALE, 202)):
        answer = {"status": status, "jsonBody": ANSWER, "headers": {"Content-Type": "application/json"}}
        stub = {"request": {"method": method, "url": path}, "response": answer}
        (mappings / f"{method}.json").write_text(json.dumps(stub), encoding="utf-8")
    command = ["java", "-jar", str(find_jar("wiremock")), "--port", "0", "--root-dir", str(folder), *options]
    with running(command, announces=ANNOUNCES, health=("GET", PROCESS), pinned=pinned) as server:
        yield server


@contextmanager
def bare_wiremock(folder: Path) -> Iterator[Server]:
    """WireMock without stubs, as a test begins with it."""
    command = ["java", "-jar", str(find_jar("wiremock")), "--port", "0", "--root-dir", str(folder)]
    with running(command, announces=ANNOUNCES, health=("GET", "/__admin/mappings"), pinned=False) as server:
        yield server


@contextmanager
def mockserver(folder: Path, *, pinned: bool = True) -> Iterator[Server]:
    """MockServer with expectations for one scale and one read, that it finds in a file as its users keep them."""
    folder.mkdir(parents=True, exist_ok=True)
    expectations = [
        {
            "httpRequest": {"method": method, "path": path},
            "httpResponse": {
                "statusCode": status,
                "body": json.dumps(ANSWER),
                "headers": {"content-type": ["application/json"]},
            },
        }
        for method, path, status in (("GET", PROCESS, 200), ("POST", SCALE, 202))
    ]
    file = folder / "expectations.json"
    file.write_text(json.dumps(expectations), encoding="utf-8")
    port = find_free_port()
    options = ["-Dmockserver.logLevel=ERROR", f"-Dmockserver.initializationJsonPath={file}"]
    command = ["java", *options, "-jar", str(find_jar("mockserver-node")), "-serverPort", str(port)]
    with running(command, port=port, health=("GET", PROCESS), pinned=pinned, folder=NPM_PEERS) as server:
        yield server


@contextmanager
def bare_mockserver() -> Iterator[Server]:
    """MockServer without expectations, as a test begins with it."""
    port = find_free_port()
    jar = str(find_jar("mockserver-node"))
    command = ["java", "-Dmockserver.logLevel=ERROR", "-jar", jar, "-serverPort", str(port)]
    with running(command, port=port, health=("PUT", "/mockserver/status"), pinned=False, folder=NPM_PEERS) as server:
        yield server
