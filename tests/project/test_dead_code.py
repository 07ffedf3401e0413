"""Dead code: the names that vulture is told to pass over stay few."""

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_every_name_that_vulture_passes_over_is_one_that_it_would_find() -> None:
    pytest.importorskip("vulture", reason="vulture comes with the group check")
    every = [sys.executable, "-m", "vulture", "--ignore-names", ""]
    printed = subprocess.run(every, capture_output=True, text=True, cwd=ROOT, timeout=120).stdout
    found = re.findall(r"unused \w+ '(\w+)'", printed)
    assert found, printed
    ignored = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["vulture"]["ignore_names"]
    assert [each for each in ignored if not any(fnmatchcase(name, each) for name in found)] == []
