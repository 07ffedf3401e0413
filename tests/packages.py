"""The packages as a release has them, and what they are installed from where nothing can be fetched."""

import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
"""The pip of the tests: it is not so old as the one that Python brings."""


def build_packages(folder: Path, root: Path = ROOT, environment: Mapping[str, str] | None = None) -> tuple[Path, Path]:
    """Builds the sdist and the wheel of a tree; gives their paths."""
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(build, check=True, cwd=root, env=environment, capture_output=True)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def fetch_wheels(folder: Path, *wanted: str | Path) -> None:
    """Puts into a folder whatever has to be there to install something from it alone."""
    subprocess.run([*PIP, "wheel", "--wheel-dir", folder, *wanted], check=True, capture_output=True)


def make_environment(folder: Path) -> Path:
    """Makes an empty virtual environment; gives the folder of its commands."""
    venv.create(folder, symlinks=True)
    return folder / "bin"


def install(binaries: Path, *wanted: str | Path, wheels: Path) -> None:
    """Installs something into an environment, from a folder of wheels and nothing else.

    Nothing is compiled: a start compiles what it imports, which is little of it.
    """
    command: list[str | Path] = [*PIP, "--python", binaries / "python", "install", "--no-index", "--no-compile"]
    subprocess.run([*command, "--find-links", wheels, *wanted], check=True, capture_output=True, env={})
