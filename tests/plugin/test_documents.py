"""The blocks of the README and of docs/python.md: each is a test that passes, as it stands."""

import re
from pathlib import Path

import pytest

from tests.plugin.conftest import PLUGINS, Run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def blocks(text: str, mark: str) -> list[str]:
    return re.findall(rf"<!-- {mark} -->\n```python\n(.*?)```", text, re.DOTALL)


def test_the_quick_test_of_the_readme_is_ten_lines_at_most_and_passes(run: Run) -> None:
    (quick,) = blocks(README, "test")
    assert len([line for line in quick.splitlines() if line]) <= 10
    run(quick).assert_outcomes(passed=1)


@pytest.mark.parametrize("block", blocks(PYTHON, "test"))
@pytest.mark.long
def test_blocks_that_are_tests_pass(run_there: Run, block: str) -> None:
    (client,) = blocks(PYTHON, "client")
    run_there(client + block).assert_outcomes(passed=block.count("def test_"))


@pytest.mark.parametrize("program", blocks(PYTHON, "run"))
def test_a_block_that_is_a_program_runs(pytester: pytest.Pytester, program: str) -> None:
    (client,) = blocks(PYTHON, "client")
    result = pytester.runpython(pytester.makepyfile(program=client + program))
    assert (result.ret, result.errlines) == (0, [])


def test_every_block_is_run() -> None:
    assert PYTHON.count("```python") == sum(len(blocks(PYTHON, mark)) for mark in ("client", "test", "run"))


def test_every_option_and_every_mark_of_the_plugin_is_told(pytester: pytest.Pytester) -> None:
    unused = [argument for name in PLUGINS.values() for argument in ("-p", f"no:{name}")]
    told = "".join(pytester.runpytest_subprocess(*unused, asked).stdout.str() for asked in ("--help", "--markers"))
    options = set(re.findall(r"^ +(--mock-[a-z-]+)", told, re.MULTILINE))
    assert len(options) == 7
    assert all(option in PYTHON for option in options)
    assert all(
        f"@pytest.mark.{mark}(" in told and f"@pytest.mark.{mark}(" in PYTHON for mark in ("scenario", "seed_file")
    )


def test_everything_public_of_a_foundation_is_told() -> None:
    from mockfoundry.client.foundation import Foundation

    names = {name for name in dir(Foundation) if not name.startswith("_")} - {"random_seed"}
    assert {name for name in names if f"{name}(" not in PYTHON and f"`{name}`" not in PYTHON} == set()
