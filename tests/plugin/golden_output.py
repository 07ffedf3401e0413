"""What failing tests print: a golden file for each test under `failing/`. `make documents` writes them anew.

Each file there is a module of a user, whose name pytest does not collect here. One run of pytest fails in all of them;
a mistake that is found when tests are collected has a module of its own.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.plugin.conftest import plugins_without_use

FAILING = Path(__file__).with_name("failing")
GOLDEN = Path(__file__).with_name("golden")
PYTHON_PAGE = Path(__file__).parents[2] / "docs" / "python.md"

_SECTION = re.compile(r"^_+ (?:ERROR at setup of |ERROR collecting )?test_(\w+)(?:\.py)? _+$", re.MULTILINE)
_END = re.compile(r"^=+ short test summary info =+$", re.MULTILINE)
_SHOWN = re.compile(r"(<!-- golden: (\w+) -->\n```text\n)(.*?)```", re.DOTALL)

CHANGING = (
    (re.compile(r"^ *\^+ *\n", re.MULTILINE), ""),
    (re.compile(r"\S*/(?=mockfoundry/\S+\.py:\d+: in)"), ""),
    (re.compile(r"(?<=\.py:)\d+(?=: in )"), "12"),
    (re.compile(r"(?<=/foundations/)(test_\w+)-\d+"), r"\1-1"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:8080"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT[\d:.]+Z"), "2026-03-23T18:48:22Z"),
    (re.compile(r"(?<= )\+[\d.]+(?:m?s)?(?:-[\d.]+)?m?s(?= )"), "+9ms"),
    # How much of a name has its place in a line depends on how long the wait is in it.
    (re.compile(r"(?<= of )[\w-]*…$", re.MULTILINE), "…"),
    (re.compile(r"(?<=after )\d+(?:\.\d+)?s"), "0.009s"),
    (re.compile(r"^_+ (.*) _+$", re.MULTILINE), r"\1"),
)
"""What differs from run to run, and what stands in its place."""


def run_failing_tests() -> dict[str, str]:
    """What each failing test prints, by its name without `test_`."""
    texts = {f"test_{path.name}": path.read_text(encoding="utf-8") for path in sorted(FAILING.glob("*.py"))}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-p", "no:cacheprovider", "--tb=short"]
        options = ["--color=no", "--continue-on-collection-errors", *plugins_without_use("".join(texts.values()))]
        done = subprocess.run(
            [*command, *options],
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
    """Writes the golden files anew, and what the page for Python shows of them."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    for name, text in run_failing_tests().items():
        GOLDEN.joinpath(f"{name}.txt").write_text(text, encoding="utf-8")
    PYTHON_PAGE.write_text(fill_page(PYTHON_PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def fill_page(page: str) -> str:
    """A page with what golden files hold in its blocks that are marked with their names."""

    def fill(found: re.Match[str]) -> str:
        return f"{found[1]}{GOLDEN.joinpath(found[2] + '.txt').read_text(encoding='utf-8')}```"

    return _SHOWN.sub(fill, page)


if __name__ == "__main__":
    write_golden_output()
