"""docs/fidelity.md names tests that hold its facts; here those names are held."""

import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "fidelity.md"

FACTS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (\w+)(?:::(\w+)|\[(.+)\]) \|$", PAGE.read_text(), re.MULTILINE)
"""Each fact: its number, its words, its source, and the file and the name of the test or the row."""


@cache
def module(name: str) -> ModuleType:
    (file,) = HERE.glob(f"**/{name}.py")
    spec = importlib.util.spec_from_file_location(f"held_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize("fact", FACTS, ids=[fact[0] for fact in FACTS])
def test_every_fact_is_held_by_a_test_that_is_there(fact: tuple[str, ...]) -> None:
    _, _, _, file, test, row = fact
    held = vars(module(file))
    if test:
        assert callable(held.get(test))
    else:
        tables = [table for name, table in held.items() if isinstance(table, dict) and not name.startswith("_")]
        assert any(row in table for table in tables)


def test_facts_are_numbered_without_a_gap() -> None:
    assert [int(fact[0]) for fact in FACTS] == list(range(1, len(FACTS) + 1))
    rows = re.findall(r"^\| \d+ \|", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == len(FACTS)
