"""Broken files: each is told to someone new, and `serve` and the control API refuse it in the same words."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mockfoundry.assembly import ERROR_STATUSES, build_seed_world, find_scenario_misfits, load_served_contract
from mockfoundry.checking import NEITHER
from mockfoundry.cloudfoundry.seeds.read import SCENARIO_IN_PLACE_OF_SEED, build_default_world
from mockfoundry.contract.load import Contract
from mockfoundry.documents.problems import DocumentError
from mockfoundry.options import ServerOptions
from mockfoundry.scenarios.format import SEED_IN_PLACE_OF_SCENARIO
from mockfoundry.scenarios.library import load_scenarios
from tests.broken_files import BROKEN_SCENARIOS, BROKEN_SEEDS, golden_file_of, list_broken_files, render_golden_text
from tests.serving import Serving

FOLDERS = {"scenarios": (BROKEN_SCENARIOS, 40), "seeds": (BROKEN_SEEDS, 20)}
ONLY_ITS_TIME_SAYS = {"event-unknown-space"}
"""What a foundation may have when the event comes, so that the control API takes it."""


@pytest.fixture(scope="module")
def served() -> Contract:
    return load_served_contract(ServerOptions())


@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_said_of_broken_files_is_the_golden_text(name: str) -> None:
    """`make documents` writes it anew; every file has something said of it."""
    folder, least = FOLDERS[name]
    text = golden_file_of(folder).read_text(encoding="utf-8")
    assert render_golden_text(folder) == text
    files = list_broken_files(folder)
    assert len(files) >= least
    assert [file.name for file in files if f"{file.name}:" not in text] == []


def list_lines(folder: Path, file: Path) -> list[str]:
    """What the golden text says of a file."""
    lines = golden_file_of(folder).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(f"{file.name}:")]


def test_serve_refuses_what_check_refuses_in_the_same_words(served: Contract) -> None:
    """Where `check` can't tell what a file is, `serve` knows which of the two is meant, and says what that needs."""
    world = build_default_world(random_seed=0, began_at=0)
    find_misfits = partial(find_scenario_misfits, world=world, now=0)
    loads: dict[Path, Callable[[Path], object]] = {
        BROKEN_SCENARIOS: lambda file: load_scenarios((str(file),), served, ERROR_STATUSES, find_misfits),
        BROKEN_SEEDS: lambda file: build_seed_world(ServerOptions(seed=str(file)), 0),
    }
    for folder, load in loads.items():
        for file in list_broken_files(folder):
            expected = list_lines(folder, file)
            with pytest.raises(DocumentError) as caught:
                load(file)
            found = [line.replace(f"{folder}/", "") for line in str(caught.value).splitlines()]
            assert found == expected or NEITHER in expected[0]


def test_the_control_api_refuses_what_check_refuses_in_the_same_words(server: Serving) -> None:
    put = partial(server.client.put, headers={"Content-Type": "application/yaml"})
    for folder, path in ((BROKEN_SCENARIOS, f"{CONTROL}/default/scenarios/late"), (BROKEN_SEEDS, f"{CONTROL}/broken")):
        for file in list_broken_files(folder):
            expected = [line.replace(f"{file.name}:", "body:", 1) for line in list_lines(folder, file)]
            content = file.read_bytes()
            if not content.strip() or not is_text(content) or NEITHER in expected[0] or file.stem in ONLY_ITS_TIME_SAYS:
                continue
            refused = put(path, content=content)
            assert refused.status_code == 422, file.name
            assert all(line in refused.text for line in map(escape, expected))


CONTROL = "/__mock/foundations"


def is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def escape(line: str) -> str:
    """A line as it stands in JSON."""
    return line.replace("\\", "\\\\").replace('"', '\\"')


def test_json_with_a_comma_too_many_is_read_as_yaml_is(served: Contract, tmp_path: Path) -> None:
    file = tmp_path / "late.json"
    file.write_text('{"scenario": "late", "rules": [{"respond": {"fault": "reset"}},]}', "utf-8")
    assert len(load_scenarios((str(file),), served, ERROR_STATUSES)) == 1


SEED = "organizations: [{name: acme}]\nusers: []\n"
SCENARIO = "scenario: late\nrules: [{respond: {fault: reset}}]\n"


def test_a_seed_in_place_of_a_scenario_is_told_how_to_be_given(
    served: Contract, server: Serving, tmp_path: Path
) -> None:
    """And a scenario in place of a seed, as YAML and as JSON; `serve`, Python and the control API say the same."""
    seed, scenario = tmp_path / "seed.yaml", tmp_path / "late.yaml"
    seed.write_text(SEED, "utf-8")
    scenario.write_text(SCENARIO, "utf-8")
    with pytest.raises(DocumentError) as caught:
        load_scenarios((str(seed),), served, ERROR_STATUSES)
    assert str(caught.value) == f"{seed}:1:1: {SEED_IN_PLACE_OF_SCENARIO}"
    with pytest.raises(DocumentError) as caught:
        build_seed_world(ServerOptions(seed=str(scenario)), 0)
    assert str(caught.value) == f"{scenario}:1:1: {SCENARIO_IN_PLACE_OF_SEED}"
    yaml = {"Content-Type": "application/yaml"}
    put, patch = partial(server.client.put, headers=yaml), partial(server.client.patch, headers=yaml)
    for text in (SEED, '{"users": []}'):
        told = put(f"{CONTROL}/default/scenarios/late", content=text)
        assert (told.status_code, f"body:1:1: {SEED_IN_PLACE_OF_SCENARIO}" in told.text) == (422, True)
    for text in (SCENARIO, '{"rules": []}'):
        for told in (put(f"{CONTROL}/broken", content=text), patch(f"{CONTROL}/default/state", content=text)):
            assert (told.status_code, f"body:1:1: {SCENARIO_IN_PLACE_OF_SEED}" in told.text) == (422, True)
    assert "--seed" in SEED_IN_PLACE_OF_SCENARIO
    assert "--scenario" in SCENARIO_IN_PLACE_OF_SEED
