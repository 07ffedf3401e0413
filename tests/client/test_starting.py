"""Starting a server in a process of its own, whatever Python finds, prints or breaks on when that process begins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mockfoundry.client.errors import ServerError
from mockfoundry.client.server import Server

SITE = "sitecustomize.py"
STARTING = "from mockfoundry import Server\nwith Server() as server:\n    print(server.foundation().state().keys())\n"


def python(path: Path, script: str) -> "subprocess.CompletedProcess[str]":
    """Python with a folder that is looked into for whatever it imports, its own and its children's."""
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    "printing",
    [
        "import os; os.write(1, b'hello')",
        pytest.param("print('hello', flush=True)", marks=pytest.mark.long),
        pytest.param("print('hello')", marks=pytest.mark.long),
    ],
)
def test_what_prints_when_python_starts_is_passed_over(tmp_path: Path, printing: str) -> None:
    (tmp_path / SITE).write_text(printing)
    done = python(tmp_path, STARTING)
    assert (done.returncode, done.stderr) == (0, "")
    assert "organizations" in done.stdout


def test_what_prints_without_end_is_told(tmp_path: Path) -> None:
    (tmp_path / SITE).write_text("for n in range(200): print('hello', n, flush=True)")
    done = python(tmp_path, STARTING)
    assert done.returncode == 1
    assert "ServerError: the server did not start: 100 lines were printed" in done.stderr
    assert "the first is 'hello 0'" in done.stderr


def test_a_module_of_the_tests_by_a_name_of_the_standard_library_stops_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "operator.py").write_text("raise ImportError('mine')")
    monkeypatch.syspath_prepend(tmp_path)
    with Server() as server:
        assert server.foundation().process("dora")


def test_a_server_finds_the_packages_that_its_parent_finds(tmp_path: Path) -> None:
    script = "import sys; sys.path[:0] = eval(sys.argv[1]); " + STARTING
    found = [path for path in sys.path if path]
    # Outside of the virtual environment nothing of it is found by itself.
    outside = os.path.realpath(sys.executable)
    done = subprocess.run([outside, "-I", "-c", script, repr(found)], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_server_said_that_did_not_start_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / SITE).write_text("raise SystemExit('broken on purpose')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        pytest.raises(ServerError, match="did not start; its process has ended with exit code 1; it said") as caught,
        Server(),
    ):
        pass
    assert str(caught.value).count("broken on purpose") == 1
    assert capsys.readouterr().err == ""
