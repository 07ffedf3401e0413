"""The plugin's fixtures and marks: a test in one line, and nothing of it seen by any other test."""

import re

import pytest

from tests.plugin.conftest import Run


def test_a_test_is_five_lines(run: Run) -> None:
    result = run("""
def test_survives_a_conflict(foundation):
    foundation.play("conflict-then-ok")
    assert scale(foundation, 5).status_code == 409
    assert scale(foundation, 5, foundation.token).status_code == 202
    foundation.verify("scaleProcess", times=2)
    assert foundation.process("dora").instances == 5
""")
    result.assert_outcomes(passed=1)


def test_each_test_has_a_foundation_of_its_own(run: Run) -> None:
    result = run("""
NAMES = set()


@pytest.mark.parametrize("instances", range(2, 7))
def test_scales(foundation, instances):
    assert foundation.process("dora").instances == 1
    assert foundation.requests() == []
    assert scale(foundation, instances).status_code == 202
    foundation.verify("scaleProcess", times=1)
    NAMES.add(foundation.name)
    assert foundation.name.startswith(f"test_scales-{instances}")


def test_they_are_gone_when_their_tests_are_over(mock_server):
    assert len(NAMES) == 5
    listed = httpx.get(f"{mock_server.url}/__mock/foundations", verify=False).json()["foundations"]
    assert NAMES.isdisjoint(each["name"] for each in listed)
""")
    result.assert_outcomes(passed=6)


def test_marks_play_scenarios_from_the_outside_in(run_there: Run, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("theirs.yaml").write_text(
        "scenario: theirs\ndescription: d\nrules: [{operation: scaleProcess, respond: {status: 503}}]\n"
    )
    result = run_there("""
from mockfoundry import Respond, Rule, Scenario

pytestmark = pytest.mark.scenario("conflict-then-ok")
MINE = Scenario(name="mine", rules=(Rule(operation="scaleProcess", times=1, respond=Respond(status=404)),))


@pytest.mark.scenario(MINE, "theirs.yaml")
def test_in_this_order(foundation):
    assert [each.name for each in foundation.playing()] == ["conflict-then-ok", "mine", "theirs"]
    assert [scale(foundation, 2).status_code for _ in range(4)] == [409, 404, 503, 503]


@pytest.mark.scenario({"scenario": "written", "rules": [{"operation": "scaleProcess", "respond": {"status": 422}}]})
class TestMore:
    def test_of_a_class(self, foundation):
        assert [scale(foundation, 2).status_code for _ in range(2)] == [409, 422]
""")
    result.assert_outcomes(passed=2)


SEED = """
organizations:
  - name: theirs
    spaces: [{name: dev, apps: [{name: shop, processes: [{type: web, instances: 4}]}]}]
"""


def test_a_seed_comes_by_mark_or_for_all(run_there: Run, pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("seed.yaml").write_text(SEED)
    result = run_there("""
@pytest.fixture(scope="session")
def mock_seed():
    return {"organizations": [{"name": "all", "spaces": [
        {"name": "dev", "apps": [{"name": "for-all", "processes": [{"type": "web", "instances": 3}]}]}]}]}


@pytest.mark.seed_file("seed.yaml")
def test_by_mark(foundation):
    assert foundation.process("shop").instances == 4


def test_for_all(foundation):
    assert foundation.process("for-all").instances == 3
""")
    result.assert_outcomes(passed=2)


WRONG = [
    ("scenario()", "takes scenarios alone"),
    ('scenario("conflicts")', "did you mean conflict"),
    ('scenario("nowhere.yaml")', "nowhere.yaml"),
    ('scenario({"scenario": "x", "rules": [{"operation": "scaleProces", "respond": "pass"}]})', "scaleProcess?"),
    ('scenario("nowhere.yaml")', "there is no file"),
    ("scenario(42)", "42 is no scenario"),
    ("seed_file()", "takes one path"),
    ("seed_file(None)", "None is no path"),
    ('seed_file("nowhere.yaml")', "there is no file"),
]
"""A mark, and what is said of it."""


def test_a_wrong_mark_is_told(run_there: Run) -> None:
    result = run_there(
        "\n".join(
            f"@pytest.mark.{mark}\ndef test_marked_{number}(foundation): pass" for number, (mark, _) in enumerate(WRONG)
        )
    )
    result.assert_outcomes(errors=len(WRONG))
    reports = re.split(
        r"_+ ERROR at setup of test_marked_\d+ _+", result.stdout.str().partition("short test summary")[0]
    )
    assert len(reports) == len(WRONG) + 1
    untold = [mark for (mark, words), report in zip(WRONG, reports[1:], strict=True) if words not in report]
    assert untold == []


def test_the_plugin_costs_nothing_where_nobody_uses_it(run: Run) -> None:
    result = run("""
import sys


def test_without():
    loaded = {name.split(".")[1] for name in sys.modules if name.startswith("mockfoundry.")}
    assert loaded == {"pytest_plugin", "version"}
    assert not {"connexion", "uvicorn", "hypothesis", "msgspec"} & set(sys.modules)
""", "-p", "no:hypothesispytest")  # fmt: skip
    result.assert_outcomes(passed=1)
