"""The speed of each release: every line of the history has what its README explains."""

import json
import re
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


def test_every_line_has_the_keys_that_the_readme_explains() -> None:
    table = re.findall(r"^\| (`.*?) \|", (BENCH / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    explained = [key for cell in table for key in re.findall(r"`(\w+)`", cell)]
    lines = [json.loads(line) for line in (BENCH / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [list(line) for line in lines] == [explained] * len(lines)
    assert len({line["version"] for line in lines}) == len(lines)
