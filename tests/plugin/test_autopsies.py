"""A failed test's report says what happened in its foundation, and how to meet the same again."""

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


def test_a_failed_tests_report_has_the_requests_the_changes_and_a_replay(run: Run) -> None:
    result = run(FAILING)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- what happened in the foundation -*",
            "foundation test_fails-1 at http://127.0.0.1:*/foundations/test_fails-1",
            "clock 20*, random seed 1",
            "#1 *scaleProcess by admin 409  scenario conflict-then-ok, rule 1, match 1 of 1",
            "#2 *scaleProcess by admin 202  world: process scaled",
            "#3 *scaleProcess by admin 202  world: process scaled",
            "changed in the world:",
            "  organizations/acme/spaces/dev/apps/dora/processes/web/instances: 1 became 5",
            "to meet the same failures again*",
            "  scenario: scale-process-cf-conflict-at-1",
        ]
    )


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


def test_a_test_that_asked_nobody_is_told_so(run_there: Run) -> None:
    result = run_there("def test_fails(foundation): assert False")
    result.stdout.fnmatch_lines(["no request came; does the client ask foundation.url?", "nothing was changed*"])


def test_a_failing_setup_is_told_of_too(run_there: Run) -> None:
    result = run_there("""
@pytest.fixture
def scaled(request):
    foundation = request.getfixturevalue("foundation")
    assert scale(foundation, -1).status_code == 202


def test_never_runs(scaled): pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*- what happened in the foundation -*", "#1 *scaleProcess by admin 422  *"])


def test_a_test_that_passes_says_nothing(run_there: Run) -> None:
    assert "what happened" not in run_there("def test_passes(foundation): scale(foundation, 2)").stdout.str()


def test_a_failed_verification_is_the_sentence_and_no_dump(run_there: Run) -> None:
    result = run_there("""
def test_fails(foundation):
    scale(foundation, 3)
    foundation.verify("scaleProcess", times=2)
""")
    result.stdout.fnmatch_lines(["E *VerificationError: expected scaleProcess exactly 2 times, saw 1 time*"])
    assert "client/foundation.py" not in result.stdout.str()
