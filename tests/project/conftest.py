"""The packages, built once, and wheels of what they depend on, fetched once."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.packages import ROOT, build_packages, fetch_wheels

OLDEST_PYTHON = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
IS_OLDEST_PYTHON = f">={sys.version_info.major}.{sys.version_info.minor}" == OLDEST_PYTHON


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The paths of the sdist and the wheel."""
    return build_packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def wheel(packages: tuple[Path, Path]) -> Path:
    return packages[1]


def with_extras(wheel: Path) -> str:
    return f"{wheel}[pytest,hypothesis,httpx]"


@pytest.fixture(scope="session")
def newest_wheels(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    folder = tmp_path_factory.mktemp("newest")
    fetch_wheels(folder, with_extras(wheel), "pipx", "pip")
    return folder


@pytest.fixture(scope="session")
def lowest_wheels(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    folder, constraints = tmp_path_factory.mktemp("lowest"), tmp_path_factory.mktemp("constraints") / "lowest.txt"
    command = [sys.executable, ".github/lowest.py"]
    constraints.write_bytes(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)
    fetch_wheels(folder, "--constraint", constraints, with_extras(wheel))
    return folder


# A newer Python has no wheels of the oldest versions.
@pytest.fixture(scope="session", params=["newest_wheels", *(["lowest_wheels"] if IS_OLDEST_PYTHON else [])])
def wheelhouse(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder
