"""Marks: what a test says of its foundation: `scenario(…)` and `seed_file(…)`. Never plays anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockfoundry.client.wording import ScenarioSource, SeedSource

SCENARIO = "scenario"
SEED_FILE = "seed_file"

_FILES = (".yaml", ".yml", ".json")


def register_marks(config: pytest.Config) -> None:
    """Makes the marks known."""
    config.addinivalue_line(
        "markers",
        "scenario(*scenarios): what is played in the test's foundation from its beginning: names of mockfoundry's "
        "library, files (beside the test's), mappings, or Scenarios",
    )
    config.addinivalue_line(
        "markers", "seed_file(path): what the test's foundation begins with: a seed file (beside the test's)"
    )


def scenarios_of(node: pytest.Item) -> "list[ScenarioSource]":
    """What is to be played for a test: its module's first, then its class's, then its own.

    Raises:
        UsageError: a mark names nothing.
    """
    marks = list(node.iter_markers(SCENARIO))
    for mark in marks:
        if mark.kwargs or not mark.args:
            raise pytest.UsageError(
                f'{node.nodeid}: @pytest.mark.scenario takes scenarios alone; write @pytest.mark.scenario("conflict")'
            )
    return [found(node, each) for mark in reversed(marks) for each in mark.args]


def must_be_one(node: pytest.Item, scenario: Any) -> None:
    """Raises UsageError where what a mark names is no scenario."""
    from mockfoundry.scenarios import Scenario

    if not isinstance(scenario, str | Path | Mapping | Scenario):
        raise pytest.UsageError(
            f"{node.nodeid}: @pytest.mark.scenario: {scenario!r} is no scenario; give a name of the library, a file, "
            "a mapping or a Scenario"
        )


def seed_of(node: pytest.Item, otherwise: "SeedSource | None") -> "SeedSource | None":
    """What a test's foundation begins with.

    Raises:
        UsageError: a mark names no file.
    """
    mark = node.get_closest_marker(SEED_FILE)
    if mark is None:
        return otherwise
    if len(mark.args) != 1 or mark.kwargs:
        raise pytest.UsageError(
            f'{node.nodeid}: @pytest.mark.seed_file takes one path; write @pytest.mark.seed_file("seed.yaml")'
        )
    if not isinstance(mark.args[0], str | Path):
        raise pytest.UsageError(
            f"{node.nodeid}: @pytest.mark.seed_file: {mark.args[0]!r} is no path; give the name of a seed file"
        )
    path = beside(node, Path(mark.args[0]))
    if not path.is_file():
        raise pytest.UsageError(
            f"{node.nodeid}: @pytest.mark.seed_file: there is no file {path}; name one that is there"
        )
    return path


def found(node: pytest.Item, scenario: Any) -> Any:
    """A scenario, or where its file is."""
    must_be_one(node, scenario)
    if not (isinstance(scenario, Path) or is_file_name(scenario)):
        return scenario
    path = beside(node, Path(scenario))
    if not path.is_file():
        raise pytest.UsageError(
            f"{node.nodeid}: @pytest.mark.scenario: there is no file {path}; name one that is there, or a scenario of "
            "the library"
        )
    return path


def is_file_name(scenario: Any) -> bool:
    return isinstance(scenario, str) and "\n" not in scenario and scenario.endswith(_FILES)


def beside(node: pytest.Item, path: Path) -> Path:
    """A file, looked for beside the test's own and then in the root folder."""
    for folder in (node.path.parent, node.config.rootpath):
        if (folder / path).exists():
            return folder / path
    return path
