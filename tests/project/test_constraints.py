"""The versions that CI installs, and the oldest that are promised: both name all that pyproject.toml declares."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
READ = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = [each for extra in READ["project"]["optional-dependencies"].values() for each in extra]
GROUPS = READ["dependency-groups"]
PROMISED = [Requirement(each) for each in [*READ["project"]["dependencies"], *EXTRAS, *GROUPS["test"]]]
DECLARED = [*PROMISED, *map(Requirement, [*GROUPS["check"], *GROUPS["docs"]])]


def versions(text: str) -> dict[str, str]:
    """The exact version of each package that a constraints file names."""
    lines = [Requirement(line) for line in text.splitlines() if not line.startswith("#")]
    assert all([each.operator for each in line.specifier] == ["=="] for line in lines)
    return {canonicalize_name(line.name): next(iter(line.specifier)).version for line in lines}


@pytest.fixture(scope="module")
def lowest() -> dict[str, str]:
    command = [sys.executable, ".github/lowest.py"]
    return versions(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, timeout=60).stdout)


def test_ci_installs_an_exact_version_of_every_dependency() -> None:
    pinned = versions((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    missing = [str(each) for each in DECLARED if canonicalize_name(each.name) not in pinned]
    assert not missing, "`make constraints` writes it anew"
    misfits = [str(each) for each in DECLARED if pinned[canonicalize_name(each.name)] not in each.specifier]
    assert not misfits, "`make constraints` writes it anew"


def test_every_dependency_of_a_user_has_a_lowest_version(lowest: dict[str, str]) -> None:
    assert lowest.keys() == {canonicalize_name(each.name) for each in PROMISED}
    assert all(lowest[canonicalize_name(each.name)] in each.specifier for each in PROMISED)
