"""docs/seed-file.md: every key of a seed file is in it, and its example can be read."""

import re
from pathlib import Path

import pytest

from mockfoundry.cloudfoundry.seeds import format as seed_format
from mockfoundry.cloudfoundry.seeds.format import RecordReader
from mockfoundry.cloudfoundry.seeds.read import read_seed

PAGE = (Path(__file__).parent.parent.parent / "docs" / "seed-file.md").read_text()

RECORDS = {each.kind: each for each in vars(seed_format).values() if isinstance(each, RecordReader)}


@pytest.mark.parametrize("kind", RECORDS)
def test_every_key_of_a_seed_file_is_documented(kind: str) -> None:
    told = set(re.findall(r"`(\w+)(?::[^`]*)?`", PAGE))
    assert set(RECORDS[kind].fields) <= told | {"settings", "feature_flags", "organizations", "users"}


def test_the_example_can_be_read() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert read_seed(example, "seed-file.md").fields["organizations"]
