"""The speed of each release, and counts of requests: every line of the history has what its README explains."""

import json
import re
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


def keys_explained(title: str) -> list[str]:
    """The keys in the table under a title of the README."""
    readme = (BENCH / "README.md").read_text(encoding="utf-8")
    _, found, text = readme.partition(f"\n## {title}\n")
    assert found
    cells = re.findall(r"^\| (`.*?) \|", text.partition("\n## ")[0], re.MULTILINE)
    return [key for cell in cells for key in re.findall(r"`(\w+)`", cell)]


def test_every_line_has_the_keys_that_the_readme_explains() -> None:
    lines = [json.loads(line) for line in (BENCH / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    counts = [line for line in lines if "counted" in line]
    releases = [line for line in lines if "counted" not in line]
    assert [list(line) for line in counts] == [keys_explained("Lines of counts")] * len(counts)
    assert [list(line) for line in releases] == [keys_explained("Lines of releases")] * len(releases)
    assert len({line["version"] for line in releases}) == len(releases)
