"""The pages of the documentation, and their blocks of code: which test holds each. Runs none."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

HELD = {
    "docs/clients/cf.md": "tests/clients/test_client_pages.py",
    "docs/clients/go.md": "tests/clients/test_client_pages.py",
    "docs/clients/java.md": "tests/clients/test_client_pages.py",
    "docs/clients/python.md": "tests/clients/test_client_pages.py",
    "docs/command-line.md": "tests/cli/test_options.py",
    "docs/http.md": "tests/control/test_http_page.py",
    "docs/image.md": "tests/project/test_image.py",
    "docs/operations.md": "tests/control/test_metrics.py",
    "docs/python-api.md": "tests/project/test_pages.py",
    "docs/python.md": "tests/plugin/test_documents.py",
    "docs/seed-file.md": "tests/cloudfoundry/test_seed_file_document.py",
    "scenarios/README.md": "tests/scenarios/test_written_scenarios.py",
    **{
        f"docs/recipes/{path.name}": "tests/recipes/test_recipe_pages.py"
        for path in (ROOT / "docs" / "recipes").glob("*.md")
    },
}
"""Pages whose blocks have a test of their own."""

NOT_RUN = {
    "README.md": 1,
    "docs/clients/recipes.md": 2,
    "docs/image.md": 2,
    "tests/sample_autoscaler/README.md": 1,
    "docs/operations.md": 2,
}
"""By page, how many blocks are marked with `<!-- not run: WHY -->`."""

_BLOCK = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """Some code on a page; the mark is that of the comment before it."""

    page: str
    number: int
    mark: str
    language: str
    text: str


def list_pages() -> list[Path]:
    """All Markdown that is the documentation's."""
    named = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "bench/README.md", "scenarios/README.md")
    there = [ROOT / name for name in (*named, "tests/sample_autoscaler/README.md")]
    return [*there, *sorted((ROOT / "docs").rglob("*.md"))]


def iterate_blocks(path: Path) -> Iterator[Block]:
    """The blocks of a page in their order."""
    page = str(path.relative_to(ROOT))
    for number, found in enumerate(_BLOCK.finditer(path.read_text(encoding="utf-8")), 1):
        mark, language, text = found.groups()
        yield Block(page, number, mark or "", language, text)


def split_console(text: str) -> list[tuple[str, str]]:
    """The commands of a console, each with what it prints."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(command, printed) for command, _, printed in (part.partition("\n") for part in parts)]
