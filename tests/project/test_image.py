"""The image: what its Dockerfile lays out starts as an unprivileged user, with nothing that can be written."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import plain_http
from tests.command_line import run_here
from tests.packages import PIP, install, make_environment
from tests.serving import ADMIN, WEB, serving

ROOT = Path(__file__).parents[2]
HEALTHY = ROOT / "image" / "healthy"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def arguments_of(word: str) -> list[str]:
    """What the last instruction of a name says, in words."""
    lines = DOCKERFILE.replace("\\\n", " ").splitlines()
    text = [line for line in lines if line.startswith(f"{word} ")][-1].removeprefix(f"{word} ")
    found: list[str] = json.loads(text) if text.startswith("[") else shlex.split(text)
    return found


def probe(port: str, command: Sequence[str | Path] = (HEALTHY,), **environment: str) -> int:
    environment = {"PATH": "/usr/bin:/bin", "MOCKFOUNDRY_HOST": "0.0.0.0", "MOCKFOUNDRY_PORT": port, **environment}
    return subprocess.run(command, env=environment, capture_output=True, timeout=60).returncode


def test_the_health_check_finds_a_server_that_answers_and_none_that_does_not() -> None:
    with serving() as server:
        port = server.url.rpartition(":")[2]
        assert probe(port) == 0
    assert probe(port) != 0


@pytest.mark.parametrize(
    ("answer", "code"), [(b"", 0), (b"HTTP/1.1 200 OK\r\n\r\n", 0), (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 1)]
)
def test_a_server_of_https_is_healthy_and_one_that_refuses_is_not(answer: bytes, code: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as room:
        probed = room.submit(probe, str(listening.getsockname()[1]))
        connection, _ = listening.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)
        assert probed.result() == code


def test_the_image_runs_as_somebody_without_rights_and_names_what_it_is() -> None:
    assert arguments_of("USER") == ["10001:10001"]
    assert arguments_of("STOPSIGNAL") == ["SIGTERM"]
    assert DOCKERFILE.index("--requirement requirements.txt") < DOCKERFILE.index("COPY mock mock")
    labels = dict(each.split("=", 1) for each in arguments_of("LABEL"))
    assert {each.rpartition(".")[2] for each in labels} == {"title", "description", "licenses", "version"}


def test_the_file_of_options_in_the_image_is_right() -> None:
    assert run_here("check", str(ROOT / "image" / "config.yaml")).stdout == "1 file is right\n"


@pytest.mark.long
def test_the_dockerfile_has_no_fault_that_hadolint_knows(tmp_path: Path) -> None:
    binaries = make_environment(tmp_path / "venv")
    command = [*PIP, "--python", str(binaries / "python"), "install", "--group", f"{ROOT}/pyproject.toml:image"]
    subprocess.run(command, check=True, capture_output=True)
    done = subprocess.run([binaries / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.fixture(scope="module")
def layout(wheel: Path, newest_wheels: Path) -> Iterator[Path]:
    """A folder with what the Dockerfile lays out below `/`, which everybody may read."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        binaries = make_environment(root / "opt" / "mockfoundry")
        install(binaries, wheel, wheels=newest_wheels)
        shutil.copy(HEALTHY, binaries)
        (root / "etc").mkdir()
        move_python(binaries, root / "python")
        yield root


def move_python(binaries: Path, to: Path) -> None:
    """Has an environment find the Python that it is of in another folder, empty until it is mounted there.

    Where root has installed Python for itself, nobody else may read it.
    """
    to.mkdir()
    for name in ("python", "python3"):
        (binaries / name).unlink()
        (binaries / name).symlink_to(to / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")
    settings = binaries.parent / "pyvenv.cfg"
    settings.write_text(f"home = {to}/bin\ninclude-system-site-packages = false\n", "utf-8")


READ_ONLY = (
    'mount --make-rprivate / && mount --bind "$1" "$2" && shift 2 && mount -o remount,bind,ro / && cd / '
    '&& exec setpriv --reuid=10001 --regid=10001 --clear-groups --bounding-set=-all --no-new-privs env -i "$@"'
)
"""Makes the file system read-only for a command that has no rights and no home.

Before the command stand the folder of Python, and where it is to be.
"""


@contextmanager
def container(root: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """What the image starts, with the URL that it prints."""
    environment = [
        each.replace("/opt/", f"{root}/opt/").replace("/etc/", f"{root}/etc/").replace("$PATH", "/usr/bin:/bin")
        for each in arguments_of("ENV")
    ]
    python = [sys.base_prefix, str(root / "python")]
    environment.append(f"LD_LIBRARY_PATH={root}/python/lib")
    command = [*arguments_of("ENTRYPOINT"), *arguments_of("CMD")]
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-ec", READ_ONLY, "sh", *python, *environment, "MOCKFOUNDRY_PORT=0", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            url = next((found.group() for line in process.stdout if (found := re.search(r"http://\S+", line))), "")
            assert url, process.communicate()[1]
            next(line for line in process.stdout if "Ctrl-C" in line)
            yield url, process
        finally:
            process.terminate()


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else, and make the root read-only")
def test_what_the_image_lays_out_starts_where_nothing_can_be_written(layout: Path) -> None:
    options = layout / "etc" / "mockfoundry"
    shutil.copytree(ROOT / "image", options, ignore=shutil.ignore_patterns("healthy", "try"))
    with container(layout) as (url, process):
        with plain_http.client(base_url=url, headers=ADMIN) as client:
            assert client.post(f"/v3/processes/{WEB}/actions/scale", json={"instances": 2}).status_code == 202
        assert probe(url.rpartition(":")[2], [layout / "opt" / "mockfoundry" / "bin" / "healthy"]) == 0
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        assert re.findall(r"^(?:Uid|CapEff):\s*(\w+)", status, re.MULTILINE) == ["10001", "0" * 16]
        process.terminate()
        assert (process.wait(60), process.communicate()[1]) == (0, "")
    for name, text in {
        "seed.yaml": "organizations: [{name: own, spaces: [{name: dev, apps: [{name: shop}]}]}]\n",
        "busy.yaml": "scenario: busy\nrules: [{operation: scaleProcess, respond: {error: CF-ServiceUnavailable}}]\n",
        "config.yaml": "{seed: seed.yaml, scenario: [busy.yaml], port: 1}\n",
    }.items():
        (options / name).write_text(text, "utf-8")
    with container(layout) as (url, process):
        with plain_http.client(base_url=url, headers=ADMIN) as client:
            assert client.post(f"/v3/processes/{WEB}/actions/scale", json={"instances": 2}).status_code == 503
            assert client.get("/v3/apps").json()["resources"][0]["name"] == "shop"
        process.terminate()
        assert (process.wait(60), process.communicate()[1]) == (0, "")


def test_the_page_s_file_of_options_is_right(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "image.md").read_text(encoding="utf-8"), re.DOTALL)
    for name in ("seed.yaml", "our-own.yaml"):
        (tmp_path / name).write_text("", "utf-8")
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    assert run_here("check", str(file)).stdout == "1 file is right\n"
