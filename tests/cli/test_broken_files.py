"""Broken files: each is told to someone new, and `serve` and the control API refuse it in the same words."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mockfoundry.assembly import ERROR_STATUSES, build_seed_world, load_served_contract
from mockfoundry.checking import NEITHER
from mockfoundry.contract.load import Contract
from mockfoundry.documents.problems import DocumentError
from mockfoundry.options import ServerOptions
from mockfoundry.scenarios.library import load_scenarios
from tests.broken_files import BROKEN_SCENARIOS, BROKEN_SEEDS, golden_file_of, list_broken_files, render_golden_text
from tests.serving import Serving

FOLDERS = {"scenarios": (BROKEN_SCENARIOS, 40), "seeds": (BROKEN_SEEDS, 20)}
ONLY_ITS_WORLD_SAYS = {"given-unknown-space", "event-unknown-space", "given-guid-of-another"}


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
    loads: dict[Path, Callable[[Path], object]] = {
        BROKEN_SCENARIOS: lambda file: load_scenarios((str(file),), served, ERROR_STATUSES),
        BROKEN_SEEDS: lambda file: build_seed_world(ServerOptions(seed=str(file)), 0),
    }
    for folder, load in loads.items():
        for file in list_broken_files(folder):
            expected = list_lines(folder, file)
            if file.stem in ONLY_ITS_WORLD_SAYS:
                load(file)
                continue
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
            if (
                not content.strip()
                or not is_text(content)
                or NEITHER in expected[0]
                or file.stem in ONLY_ITS_WORLD_SAYS
            ):
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
