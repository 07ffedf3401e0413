"""The plugin's fixtures and marks: a test in one line, and nothing of it seen by any other test."""

import json
from collections.abc import Callable

import pytest

from tests.plugin.conftest import Run
from tests.serving import Serving


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


WRONG_MARKS = [
    ("scenario()", "takes scenarios alone"),
    ('scenario("conflicts")', "did you mean conflict?"),
    ('scenario("nowhere.yaml")', "there is no file nowhere.yaml"),
    ("scenario(42)", "42 is no scenario"),
    ('scenario({"organizations": [{"name": "acme"}]})', "is a seed, not a scenario; a seed is given by --seed"),
    ('scenario({"scenario": "x", "rules": [{"respnd": "pass"}]})', "did you mean respond?"),
    ("seed_file()", "takes one path"),
    ("seed_file(None)", "None is no path"),
    ('seed_file("nowhere.yaml")', "there is no file nowhere.yaml"),
]
"""A mark, and what is said of it where tests are collected."""

WRONG_THERE = [
    ('scenario("conflicts")', "did you mean conflict?"),
    ('scenario({"scenario": "x", "rules": [{"operation": "scaleProces", "respond": "pass"}]})', "scaleProcess?"),
]
"""A mark that only the server can judge, and what is said of it when the test begins."""


def write_marked_tests(marks: list[tuple[str, str]]) -> str:
    return "\n".join(
        f"@pytest.mark.{mark}\ndef test_marked_{number}(foundation): pass" for number, (mark, _) in enumerate(marks)
    )


def list_told(result: pytest.RunResult) -> list[str]:
    """The lines that tell of a mark, before pytest's summary, which repeats them where CI is set."""
    reports = result.stdout.str().partition("short test summary")[0]
    return [line for line in reports.splitlines() if line.startswith("test_theirs.py:")]


@pytest.mark.parametrize("workers", ["-n0", pytest.param("-n2", marks=pytest.mark.long)])
def test_wrong_marks_are_told_where_tests_are_collected(run: Run, workers: str) -> None:
    result = run(write_marked_tests(WRONG_MARKS), workers)
    assert result.ret != 0
    told = list_told(result)
    assert len(told) == len(WRONG_MARKS)
    assert [mark for (mark, words), line in zip(WRONG_MARKS, told, strict=True) if words not in line] == []


def test_a_wrong_mark_that_the_server_knows_of_is_told_where_the_test_begins(run_there: Run) -> None:
    result = run_there(write_marked_tests(WRONG_THERE))
    result.assert_outcomes(errors=len(WRONG_THERE))
    told = list_told(result)
    assert [mark for (mark, words), line in zip(WRONG_THERE, told, strict=True) if words not in line] == []


@pytest.mark.parametrize(("options", "shown"), [((), False), (("--full-trace",), True)])
def test_an_error_of_mockfoundry_is_shown_at_the_users_line(
    run_there: Run, options: tuple[str, ...], shown: bool
) -> None:
    result = run_there("def test_plays(foundation): foundation.play('conflikt')", "--tb=short", *options)
    result.assert_outcomes(failed=1)
    printed = result.stdout.str()
    assert "did you mean conflict?" in printed
    assert ("client/foundation.py" in printed) is shown


def test_the_plugin_costs_nothing_where_nobody_uses_it(run: Run) -> None:
    result = run("""
import sys


def test_without():
    loaded = {name.split(".")[1] for name in sys.modules if name.startswith("mockfoundry.")}
    assert loaded == {"pytest_plugin", "version"}
    assert not {"connexion", "uvicorn", "hypothesis", "msgspec"} & set(sys.modules)
""", "-p", "no:hypothesispytest")  # fmt: skip
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(("options", "playing"), [((), []), (("--mock-server-scenarios",), ["conflict"])])
def test_a_test_begins_without_the_scenarios_of_the_server_that_is_given(
    run: Run, serve: Callable[..., Serving], options: tuple[str, ...], playing: list[str]
) -> None:
    there = serve(scenarios=("conflict",))
    result = run(
        f"""
def test_begins(foundation, mock_server):
    for each in (foundation, mock_server.foundation()):
        assert [scenario.name for scenario in each.playing()] == {playing}
""",
        *("--mock-url", there.url),
        *options,
    )
    result.assert_outcomes(passed=1)


SCALED_ONCE = "def test_scales(foundation): assert scale(foundation, 2).status_code == 202"


@pytest.mark.parametrize(("percent", "status"), [pytest.param("0.4", 0, marks=pytest.mark.long), ("90", 1)])
def test_a_coverage_is_written_and_may_be_too_little(
    run: Run, pytester: pytest.Pytester, percent: str, status: int
) -> None:
    result = run(SCALED_ONCE, "--mock-coverage=met.json", "--mock-coverage-fail-under", percent)
    assert result.ret == status
    written = json.loads(pytester.path.joinpath("met.json").read_text())
    assert (written["met"], written["percent"]) == (1, 0.4)
    assert [each for each in written["squares"] if each["times"]] == [
        {"operation": "scaleProcess", "status": 202, "fault": "", "phase": "", "times": 1}
    ]
    said = f"mockfoundry: 0.4 % of the answers was met, {percent} % is asked for"
    assert (said in result.stdout.str()) is bool(status)


@pytest.mark.parametrize("option", ["--collect-only", "--deselect=test_theirs.py"])
def test_coverage_is_not_judged_where_no_test_was_run(run: Run, option: str) -> None:
    result = run(SCALED_ONCE, "--mock-coverage-fail-under=1", option)
    assert result.ret == (0 if option == "--collect-only" else 5)
    result.stdout.no_fnmatch_line("*of the answers was met*")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--mock-coverage=test_theirs.py", "test_theirs.py is no file for JSON; write --mock-coverage=FILE.json"),
        ("--mock-coverage=none/met.json", "there is no folder none"),
        ("--mock-coverage-fail-under=101", "101 is no percentage; give 0 to 100"),
    ],
)
def test_what_coverage_can_not_be_is_a_usage_error(run: Run, option: str, said: str) -> None:
    result = run(SCALED_ONCE, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()
