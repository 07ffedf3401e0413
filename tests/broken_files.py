"""Broken files, and what is said of each: golden text, which `make documents` writes and tests compare.

The files are the mistakes that people make, one a file. The golden text has what `check` says of them on the default
seed's world, each below the file's name and above the line that it points at.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from mockfoundry.assembly import load_served_contract
from mockfoundry.checking import check_paths
from mockfoundry.cloudfoundry.seeds.read import build_default_world
from mockfoundry.cloudfoundry.world import World
from mockfoundry.contract.load import Contract
from mockfoundry.documents.problems import Problem
from mockfoundry.documents.quoting import quote_line
from mockfoundry.options import ServerOptions

TESTS = Path(__file__).parent
BROKEN_SCENARIOS = TESTS / "scenarios" / "broken"
BROKEN_SEEDS = TESTS / "cloudfoundry" / "broken_seeds"


def list_broken_files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def golden_file_of(folder: Path) -> Path:
    """Where the golden text of a folder stands: beside it."""
    return folder.with_name(f"{folder.name}.txt")


def find_broken_problems(file: Path, contract: Contract, world: World) -> list[Problem]:
    """What `check` says of a file, without its folder."""
    problems = check_paths([str(file)], io.BytesIO(), contract, world).problems
    return [Problem(file.name, each.line, each.column, each.text.replace(f"{file.parent}/", "")) for each in problems]


def render_golden_text(folder: Path) -> str:
    """What is said of all files of a folder."""
    contract, world = load_served_contract(ServerOptions()), build_default_world(random_seed=0, began_at=0)
    found = {file: find_broken_problems(file, contract, world) for file in list_broken_files(folder)}
    return "\n".join(line for file in found for line in render_problems(file, found[file]))


def render_problems(file: Path, problems: list[Problem]) -> Iterator[str]:
    """Each problem as `check` prints it, above the place that it points at."""
    lines = file.read_bytes().decode("utf-8", "replace").split("\n")
    for problem in problems:
        yield str(problem)
        shown = lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""
        if re.search(r"[^\W_]", shown) and "\ufffd" not in shown:
            yield f"    {quote_line(shown)}".rstrip()
            before = quote_line(shown[: problem.column - 1])
            yield f"    {' ' * len(before)}^"
    yield ""


def write_golden_texts() -> None:
    for folder in (BROKEN_SCENARIOS, BROKEN_SEEDS):
        golden_file_of(folder).write_text(render_golden_text(folder), encoding="utf-8")


if __name__ == "__main__":
    write_golden_texts()
