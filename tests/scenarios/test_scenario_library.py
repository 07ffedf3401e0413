"""The library: every file of it can be played, says what it is for, and stands in its README."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.contract.load import Contract
from mockfoundry.scenarios.engine import (
    LetThrough,
    ScenarioProgress,
    commit_match,
    count_let_through,
    match_scenarios,
    reach_controller,
    switch_on,
)
from mockfoundry.scenarios.format import SCENARIO, read_scenario, scenario_to_dict
from mockfoundry.scenarios.library import load_scenarios
from mockfoundry.scenarios.lint import check_scenario
from mockfoundry.scenarios.model import Respond, Rule, Scenario, ScenarioError
from mockfoundry.scenarios.reference import (
    README_FILE,
    SCHEMA_FILE,
    render_library_readme,
    render_scenario_schema,
)
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.shipped import list_library_files
from tests.scenarios.conftest import AskRequest

FILES = list(list_library_files().items())
ANEW = "write it anew with `python -m mockfoundry.scenarios.reference`"

DOCUMENTED_ERRORS_OF_SCALE = [
    ("bad-request", 400),
    ("unauthorized", 401),
    ("forbidden", 403),
    ("not-found", 404),
    ("conflict", 409),
    ("unprocessable", 422),
    ("rate-limited", 429),
    ("server-error", 500),
    ("unavailable", 503),
]

every_file = pytest.mark.parametrize(("name", "path"), FILES, ids=[name for name, _ in FILES])


def read(path: Path) -> Scenario:
    return read_scenario(path.read_text(encoding="utf-8"), source=path.name)


@every_file
def test_each_file_passes_lint(name: str, path: Path, contract: Contract, errors: Mapping[str, int]) -> None:
    assert check_scenario(path.read_text(encoding="utf-8"), contract, errors, source=path.name) == []


@every_file
def test_each_file_is_named_after_its_scenario(name: str, path: Path) -> None:
    assert read(path).name == name


@every_file
def test_each_file_says_what_happens_why_and_what_a_good_client_does(name: str, path: Path) -> None:
    scenario = read(path)
    for text in (scenario.description, scenario.story, scenario.good_client):
        assert len(text) > 30
        assert text.endswith(".")


@every_file
def test_each_file_survives_being_written_and_read(name: str, path: Path) -> None:
    scenario = read(path)
    assert read_scenario(scenario.to_yaml(), source=name) == scenario


@every_file
def test_undocumented_is_said_only_where_it_is_so(
    name: str, path: Path, contract: Contract, errors: Mapping[str, int]
) -> None:
    text = path.read_text(encoding="utf-8")
    if "undocumented: true" in text:
        without = text.replace(", undocumented: true", "").replace("      undocumented: true\n", "")
        assert check_scenario(without, contract, errors)


QUERIES = ({"page": ["2"]}, {"guids": ["a" * 400]}, {"app_guids": ["a" * 400]})


@every_file
def test_each_rule_of_each_file_can_decide_something(
    name: str, path: Path, ask: AskRequest, contract: Contract
) -> None:
    scenario = read(path)
    compiled_scenarios = CompiledScenarios([scenario])
    progress = ScenarioProgress()
    switch_on(progress, scenario, 0)
    decided = set()
    operations = list(contract.plans)
    for turn in range(20):
        for operation, query in product(operations, QUERIES):
            asked = ask(operation, query=query, process="a")
            let_through: list[LetThrough] = []
            moment = 11_000_000 + turn
            decision = match_scenarios(
                compiled_scenarios, progress, asked, moment, float, reach_controller, let_through
            )
            count_let_through(progress, let_through)
            if decision is not None:
                decided.add(decision.rule)
                if decision.respond is not None and decision.respond.phase == "after":
                    commit_match(progress, decision, moment)
    assert decided == set(range(1, len(scenario.rules) + 1))


@pytest.mark.parametrize(("name", "status"), DOCUMENTED_ERRORS_OF_SCALE)
def test_each_documented_error_of_scale_has_its_file(
    name: str, status: int, contract: Contract, errors: Mapping[str, int], ask: AskRequest
) -> None:
    compiled_scenarios = CompiledScenarios(load_scenarios([name], contract, errors))
    for operation in ("scaleProcess", "scaleProcessForApp"):
        decision = match_scenarios(compiled_scenarios, ScenarioProgress(), ask(operation), 0, float)
        assert decision is not None
        assert decision.respond is not None
        assert errors[decision.respond.error or ""] == status


def test_no_documented_error_of_scale_is_left_out(contract: Contract) -> None:
    documented = {status for status in contract.plans["scaleProcess"].responses if status >= 400}
    assert documented == {status for _, status in DOCUMENTED_ERRORS_OF_SCALE}


def test_the_readme_is_up_to_date() -> None:
    assert README_FILE.read_text(encoding="utf-8") == render_library_readme(), ANEW


def test_the_schema_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == render_scenario_schema(), ANEW


def list_schema_keys(schema: Any) -> Iterator[str]:
    """Every key that the schema of a scenario file names, at any depth."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in schema.values():
            yield from list_schema_keys(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from list_schema_keys(item)


def test_every_key_of_a_scenario_file_is_documented() -> None:
    readme = README_FILE.read_text(encoding="utf-8")
    assert [key for key in list_schema_keys(SCENARIO.schema()) if f"`{key}`" not in readme] == []


SCHEMA_LINE = f"# yaml-language-server: $schema={SCHEMA_FILE.name}"


@every_file
def test_each_file_names_the_schema_beside_it(name: str, path: Path) -> None:
    assert path.read_text(encoding="utf-8").splitlines()[0] == SCHEMA_LINE
    assert (path.parent / SCHEMA_FILE.name).is_file()


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))


@every_file
def test_the_schema_accepts_each_file(name: str, path: Path, validator: jsonschema_rs.Draft202012Validator) -> None:
    text = path.read_text(encoding="utf-8")
    written = json.loads(json.dumps(scenario_to_dict(read_scenario(text, source=name))))
    assert [str(error) for error in validator.iter_errors(written)] == []


RULE_OF_SCHEMA = {"operation": "scaleProcess", "respond": {"error": "CF-Conflict"}}
REFUSED_BY_SCHEMA: dict[str, dict[str, Any]] = {
    "operation": {"rules": [{**RULE_OF_SCHEMA, "operation": "scaleProces"}]},
    "error": {"rules": [{**RULE_OF_SCHEMA, "respond": {"error": "CF-Conflct"}}]},
    "example": {"rules": [{**RULE_OF_SCHEMA, "respond": {"example": "scald"}}]},
    "status": {"rules": [{**RULE_OF_SCHEMA, "respond": {"status": 999}}]},
    "setting": {"given": {"settings": {"start_secs": 1}}},
    "event": {"events": [{"at": "1s", "given": {"organizations": [{"nam": "acme"}]}}]},
}


@pytest.mark.parametrize("row", REFUSED_BY_SCHEMA)
def test_the_schema_knows_the_words_of_contract_catalogue_and_seed(
    row: str, validator: jsonschema_rs.Draft202012Validator
) -> None:
    assert validator.is_valid({"scenario": "late", "rules": [RULE_OF_SCHEMA]})
    assert not validator.is_valid({"scenario": "late", **REFUSED_BY_SCHEMA[row]})


def test_the_schema_proposes_what_the_contract_documents(contract: Contract) -> None:
    """What editors complete: each operation, each title, each status and each example."""
    defined = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))["$defs"]
    plans = contract.plans.values()
    assert set(contract.plans) <= set(defined["operation"]["enum"])
    assert sorted(CATALOGUE) == defined["error"]["enum"]
    assert {status for plan in plans for status in plan.responses} <= set(defined["status"]["anyOf"][0]["enum"])
    examples = {name for plan in plans for each in plan.responses.values() for name in each.examples}
    assert examples <= set(defined["example"]["enum"])


def test_a_scenario_is_loaded_by_name_from_a_file_or_from_a_folder(
    tmp_path: Path, contract: Contract, errors: Mapping[str, int]
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("scenario: mine\nrules: [{operation: scaleProcess, respond: {error: CF-Conflict}}]\n", "utf-8")
    (tmp_path / "notes.txt").write_text("no scenario", "utf-8")
    both: list[list[str | Path]] = [["conflict", mine], ["conflict", str(tmp_path)]]
    for sources in both:
        assert [each.name for each in load_scenarios(sources, contract, errors)] == ["conflict", "mine"]


def problems_of(sources: Sequence[str | Path | Scenario], contract: Contract, errors: Mapping[str, int]) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load_scenarios(sources, contract, errors)
    return [str(problem) for problem in caught.value.problems]


def test_an_unknown_name_is_refused_with_a_suggestion(contract: Contract, errors: Mapping[str, int]) -> None:
    told = "conflct: is neither a file nor a scenario of the library; did you mean conflict?"
    assert problems_of(["conflct"], contract, errors) == [told]


def test_two_files_of_one_name_are_refused(tmp_path: Path, contract: Contract, errors: Mapping[str, int]) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("scenario: conflict\nrules: [{respond: pass}]\n", "utf-8")
    (problem,) = problems_of(["conflict", mine], contract, errors)
    assert problem.startswith(f"{mine}:1:1: the name conflict is taken by ")


def test_all_broken_files_are_told_at_once(tmp_path: Path, contract: Contract, errors: Mapping[str, int]) -> None:
    (tmp_path / "a.yaml").write_text("scenario: a\nfor: soon\n", "utf-8")
    (tmp_path / "b.yaml").write_bytes(b"scenario: b\n# caf\xe9\n")
    (tmp_path / "c.yaml").write_bytes(b"# \xff" + b"x" * (1 << 20))
    found = problems_of([tmp_path], contract, errors)
    assert [each.split(": ")[0] for each in found] == [
        f"{tmp_path / 'a.yaml'}:2:6",
        f"{tmp_path / 'b.yaml'}:2:6",
        f"{tmp_path / 'c.yaml'}:1:1",
    ]


def test_a_value_is_loaded_as_its_file_would_be(contract: Contract, errors: Mapping[str, int]) -> None:
    value = Scenario(name="mine", rules=(Rule(operation="scaleProcess", respond=Respond(error="CF-Conflict")),))
    assert load_scenarios([value], contract, errors) == (value,)
    faulty = Scenario(name="mine", rules=(Rule(operation="scaleProcess", respond=Respond(error="CF-Conflct")),))
    (problem,) = problems_of([faulty], contract, errors)
    assert problem.startswith("scenario mine:4:")
    assert "did you mean CF-Conflict?" in problem
