"""A failed test's report says what happened in its foundation, and how to meet the same again.

What is said is in `golden/`; here is when it is said, and what becomes of it.
"""

import re
import textwrap

import pytest

from tests.plugin.conftest import Run

FAILING = """
@pytest.mark.scenario("conflict-then-ok")
def test_fails(foundation):
    scale(foundation, 3)
    scale(foundation, 4)
    assert scale(foundation, 5).status_code == 200
"""


def test_the_replay_can_be_saved_and_marked_with(run_there: Run, pytester: pytest.Pytester) -> None:
    printed = run_there(FAILING).stdout.str()
    replay = re.search(r"^(  scenario: .*?)(?=^[^ \n])", printed, re.DOTALL | re.MULTILINE)
    assert replay is not None, printed
    pytester.path.joinpath("replay.yaml").write_text(textwrap.dedent(replay.group(1)))
    result = run_there("""
@pytest.mark.scenario("replay.yaml")
def test_meets_the_same(foundation):
    assert [scale(foundation, 3).status_code for _ in range(3)] == [409, 202, 202]
""")
    result.assert_outcomes(passed=1)


def test_a_failing_setup_is_told_of_too(run_there: Run) -> None:
    result = run_there("""
@pytest.fixture
def scaled(request):
    foundation = request.getfixturevalue("foundation")
    assert scale(foundation, -1).status_code == 202


def test_never_runs(scaled): pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*- what happened in the foundation -*", '#1 scaleProcess dora/web {"instances":-1} → 422: *']
    )


def test_a_test_that_passes_says_nothing(run_there: Run) -> None:
    assert "what happened" not in run_there("def test_passes(foundation): scale(foundation, 2)").stdout.str()
