"""What failing tests print, a golden file for each test of `failing_suite.py`: `make documents` writes them anew."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.plugin.conftest import plugins_without_use

SUITE = Path(__file__).with_name("failing_suite.py")
GOLDEN = Path(__file__).with_name("golden")

_SECTION = re.compile(r"^_+ (?:ERROR at setup of )?(?:test_)(\w+) _+$", re.MULTILINE)
_END = re.compile(r"^=+ short test summary info =+$", re.MULTILINE)

CHANGING = (
    (re.compile(r"^ *\^+ *\n", re.MULTILINE), ""),
    (re.compile(r"\S*/(?=mockfoundry/\S+\.py:\d+: in)"), ""),
    (re.compile(r"(?<=\.py:)\d+(?=: in (?!test_|must_|scale|send))"), "…"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:8080"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT[\d:.]+(?:\+00:00|Z)"), "2026-03-23T18:48:22Z"),
    (re.compile(r"(?<= )\+[\d.]+(?:m?s)?(?:-[\d.]+)?m?s(?= )"), "+9ms"),
    (re.compile(r"(?<=after )0\.\d+s"), "0.009s"),
    (re.compile(r"_+ ((?:ERROR at setup of )?test_\w+) _+"), r"\1"),
)
"""What differs from run to run, and what stands in its place."""


def run_failing_suite() -> dict[str, str]:
    """What each failing test prints, by its name without `test_`."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(SUITE, Path(folder, "test_theirs.py"))
        text = SUITE.read_text(encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-p", "no:cacheprovider", "--tb=short"]
        done = subprocess.run(
            [*command, *plugins_without_use(text), "--color=no", "test_theirs.py"],
            cwd=folder,
            env={**os.environ, "COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""},
            capture_output=True,
            text=True,
            timeout=300,
        )
    return dict(split_sections(done.stdout)) or {"nothing": done.stdout + done.stderr}


def split_sections(printed: str) -> Iterator[tuple[str, str]]:
    """The parts of what pytest prints that are of one test each."""
    end = _END.search(printed)
    body = printed[: end.start()] if end else printed
    heads = list(_SECTION.finditer(body))
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        section = body[head.start() : following.start() if following else None]
        yield head[1], normalize(section)


def normalize(text: str) -> str:
    """Text with the same in place of what differs from run to run."""
    for pattern, same in CHANGING:
        text = pattern.sub(same, text)
    lines = (line.rstrip() for line in text.splitlines() if not line.startswith("=" * 20))
    return "\n".join(lines).strip() + "\n"


def write_golden_output() -> None:
    """Writes the golden files anew."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    for name, text in run_failing_suite().items():
        GOLDEN.joinpath(f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_golden_output()
