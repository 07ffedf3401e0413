"""The wheel: it starts and answers with nothing of the checkout beside it, also installed into an empty environment.

Once with the newest of all that it depends on, and once with the oldest that it declares: the protocol door leans on
uvicorn's inside. Everything is installed from a folder of wheels, so that nothing is fetched which it does not declare.
"""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests import plain_http
from tests.packages import install, make_environment
from tests.plugin.test_documents import PYTHON, README, blocks
from tests.serving import ADMIN, WEB
from tests.torture import naive_client

ALONE = {"PATH": "/nowhere", "PYTHONUNBUFFERED": "1"}


@pytest.mark.long
def test_a_built_wheel_starts_where_it_is_unpacked(tmp_path: Path, wheel: Path) -> None:
    """With the packages that are installed here; nothing of mockfoundry is found but what the wheel has."""
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    command = [sys.executable, "-m", "mockfoundry"]
    environment = {**ALONE, "PYTHONPATH": str(unpacked)}
    script = "import mockfoundry; print(mockfoundry.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert found.stdout.startswith(str(unpacked)), found.stderr
    must_start_and_answer(command, tmp_path, environment)


@pytest.mark.long
def test_a_built_wheel_starts_in_an_empty_environment(tmp_path: Path, wheel: Path, wheelhouse: Path) -> None:
    binaries = make_environment(tmp_path / "venv")
    install(binaries, wheel, wheels=wheelhouse)
    must_start_and_answer([binaries / "mockfoundry"], tmp_path, ALONE)
    assert (tmp_path / "venv" / "share" / "man" / "man1" / "mockfoundry.1").is_file()


@pytest.mark.long
def test_pipx_runs_the_wheel(tmp_path: Path, wheel: Path, newest_wheels: Path) -> None:
    binaries = make_environment(tmp_path / "venv")
    install(binaries, "pipx", wheels=newest_wheels)
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(newest_wheels), "PIP_NO_COMPILE": "1"}
    command: list[str | Path] = [binaries / "pipx", "run", "--spec", wheel, "mockfoundry"]
    must_start_and_answer(
        command,
        tmp_path,
        {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIPX_HOME": str(tmp_path / "pipx"), **offline},
    )


def must_start_and_answer(command: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> None:
    """Has the command list the scenarios and start a server, in a folder and an environment of its own."""
    listed = subprocess.run([*command, "scenarios"], capture_output=True, text=True, cwd=folder, env=environment)
    assert "conflict-then-ok" in listed.stdout, listed.stderr
    with subprocess.Popen(
        [*command, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            url = next(found.group() for line in process.stdout if (found := re.search(r"http://\S+", line)))
            for line in process.stdout:
                if "Ctrl-C" in line:
                    break
            must_answer(url)
        finally:
            process.terminate()
        assert process.stderr.read() == ""


@pytest.mark.long
def test_the_plugin_and_the_strategies_need_their_extras_alone(
    tmp_path: Path, wheel: Path, newest_wheels: Path
) -> None:
    binaries = make_environment(tmp_path / "venv")
    install(binaries, f"{wheel}[pytest,hypothesis,httpx]", wheels=newest_wheels)
    (client,) = blocks(PYTHON, "client")
    quick, drawn = *blocks(README, "test"), blocks(PYTHON, "test")[-1]
    (tmp_path / "test_quick.py").write_text(quick)
    (tmp_path / "test_drawn.py").write_text(client + drawn)
    done = subprocess.run(
        [binaries / "pytest", "-W", "error", "-p", "no:cacheprovider"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/nowhere"},
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    naive = [str(binaries / "python"), str(naive_client.__file__), "{url}"]
    done = subprocess.run(
        [binaries / "mockfoundry", "torture", "--operation", "scaleProcess", "--fault", "reset", "--", *naive],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/nowhere"},
    )
    assert done.stdout.endswith("2 failures, 1 survived, 1 broken\n"), done.stdout + done.stderr


def must_answer(url: str) -> None:
    """Asks in each of the ways that lead through another part of the protocol."""
    scale = f"/v3/processes/{WEB}/actions/scale"
    with plain_http.client(base_url=url, headers=ADMIN) as client:
        assert client.post(scale, json={"instances": 2}).status_code == 202
        assert client.head("/v3/processes").status_code == 200
        assert client.get("/__mock/health").status_code == 200
        assert client.post(scale, json={}, headers={"X-Mock-Scenario": "conflict"}).status_code == 409
        with pytest.raises(httpx.ReadError):
            client.post(scale, json={"instances": 3}, headers={"X-Mock-Scenario": "lost-response"})
        assert client.get(f"/v3/processes/{WEB}").json()["instances"] == 3
