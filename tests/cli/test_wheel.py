"""The wheel: installed into an empty environment it starts and answers, with nothing of the checkout beside it."""

import re
import subprocess
import sys
import venv
from pathlib import Path

import httpx

from tests.serving import ADMIN, WEB

ROOT = Path(__file__).parents[2]


def test_a_built_wheel_starts_in_an_empty_environment(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True,
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    binaries = tmp_path / "venv" / "bin"
    subprocess.run([binaries / "pip", "install", "--quiet", wheel], check=True, cwd=tmp_path)
    listed = subprocess.run([binaries / "mockfoundry", "scenarios"], capture_output=True, text=True, cwd=tmp_path)
    assert "conflict-then-ok" in listed.stdout, listed.stderr
    with subprocess.Popen(
        [binaries / "mockfoundry", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/nowhere", "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        try:
            url = next(found.group() for line in process.stdout if (found := re.search(r"http://\S+", line)))
            for line in process.stdout:
                if "Ctrl-C" in line:
                    break
            answer = httpx.post(f"{url}/v3/processes/{WEB}/actions/scale", headers=ADMIN, json={"instances": 2})
            assert answer.status_code == 202
        finally:
            process.terminate()
