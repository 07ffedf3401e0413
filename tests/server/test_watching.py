"""--watch: files of the start are read anew when they change; a wrong one is told, and what was read before stays."""

import os
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from mockfoundry.assembly import load_start_scenarios
from mockfoundry.cli import main
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.effects import switch_scenario_on
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.options import ServerOptions
from mockfoundry.scenarios.format import read_scenario
from mockfoundry.scenarios.rule_index import CompiledScenario, CompiledScenarios
from mockfoundry.server.watching import FileWatcher, ReadFiles, use_files
from tests.serving import real_now, service_of

SEED = "organizations: [{name: acme, spaces: [{name: dev, apps: [{name: NAME, processes: [{type: web}]}]}]}]\n"
SCENARIO = "{scenario: refuse, rules: [{operation: scaleProcess, respond: {status: STATUS}}]}\n"
OTHER = "{scenario: other, rules: [{operation: getProcess, respond: {status: 503}}]}\n"


class Watching(NamedTuple):
    """A service whose files are watched.

    Attributes:
        told: lines for the user.
    """

    folder: Path
    service: Service
    watcher: FileWatcher
    told: list[str]

    def write(self, name: str, text: str) -> None:
        """Writes a file as editors do: another one takes its place."""
        written = self.folder / f"{name}.new"
        written.write_text(text, encoding="utf-8")
        written.replace(self.folder / name)
        self.look()

    def look(self) -> None:
        """A change is seen, and read when it has settled."""
        self.watcher.look()
        self.watcher.look()

    def foundation(self, name: str = "default") -> FoundationState:
        return self.service.registry.get_or_create(name, real_now())

    def statuses(self, name: str = "default") -> list[int | None]:
        """What the scenarios of a foundation answer, in their order."""
        rules = self.foundation(name).compiled_scenarios.iterate_rules()
        return [each.rule.respond.status for each in rules if each.rule.respond is not None]


def app_names(foundation: FoundationState) -> list[str]:
    return [app.name for app in foundation.world.apps.values()]


@pytest.fixture
def watching(tmp_path: Path) -> Watching:
    (tmp_path / "seed.yaml").write_text(SEED.replace("NAME", "dora"), encoding="utf-8")
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO.replace("STATUS", "500"), encoding="utf-8")
    (tmp_path / "scenarios" / "b.yaml").write_text(OTHER, encoding="utf-8")
    options = ServerOptions(seed=str(tmp_path / "seed.yaml"), scenarios=(str(tmp_path / "scenarios"),), watch=True)
    service = service_of(SEED.replace("NAME", "dora"))
    world = service.registry.initial_world
    scenarios = load_start_scenarios(options, service.served, world, real_now())
    service.registry.replace_beginning(world, CompiledScenarios(scenarios))
    told: list[str] = []

    def apply(read: ReadFiles) -> None:
        use_files(service, read, real_now(), told.append)

    watcher = FileWatcher(options, service.served, world, apply, told.append, real_now)
    return Watching(tmp_path, service, watcher, told)


def test_nothing_is_read_where_nothing_changed(watching: Watching) -> None:
    world = watching.service.registry.initial_world
    watching.look()
    assert watching.service.registry.initial_world is world
    assert watching.told == []


def test_a_new_seed_is_for_new_foundations_and_resets_and_no_world_in_use(watching: Watching) -> None:
    used = watching.foundation()
    watching.write("seed.yaml", SEED.replace("NAME", "nora"))

    assert watching.told == [f"read anew: {watching.folder / 'seed.yaml'}"]
    assert app_names(used) == ["dora"]
    assert app_names(watching.foundation("new")) == ["nora"]
    reset = watching.service.registry.reset("default", real_now())
    assert reset is not None
    assert app_names(reset) == ["nora"]


def test_a_scenario_that_is_on_begins_anew_in_its_place(watching: Watching) -> None:
    watching.foundation().progress.states["refuse"] = {"": "left"}
    watching.write("scenarios/a.yaml", SCENARIO.replace("STATUS", "429"))

    assert watching.statuses() == [429, 503]
    assert watching.foundation().progress.states == {}
    assert watching.statuses("new") == [429, 503]
    named = watching.service.named_scenarios["refuse"].scenarios[0]
    assert named == watching.foundation().compiled_scenarios.scenarios[0]


def test_a_scenario_of_a_test_under_the_same_name_stays(watching: Watching) -> None:
    own = CompiledScenario(read_scenario(SCENARIO.replace("STATUS", "422"), source="test"))
    switch_scenario_on(watching.foundation(), own, 0)
    watching.write("scenarios/a.yaml", SCENARIO.replace("STATUS", "429"))
    assert watching.statuses() == [503, 422]


def test_a_new_file_of_a_folder_is_for_new_foundations_and_resets(watching: Watching) -> None:
    watching.foundation()
    watching.write("scenarios/c.yaml", SCENARIO.replace("refuse", "more").replace("STATUS", "409"))
    assert watching.statuses() == [500, 503]
    assert watching.statuses("new") == [500, 503, 409]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("seed.yaml", "organisations: []\n", "organisations"),
        (
            "scenarios/a.yaml",
            "{scenario: refuse, rules: [{operation: scaleProces, respond: {status: 500}}]}\n",
            "scaleProces",
        ),
        ("scenarios/a.yaml", "{scenario: ", "a.yaml:"),
    ],
)
def test_a_wrong_file_is_told_with_its_place_once_and_what_was_read_stays(
    watching: Watching, name: str, text: str, words: str
) -> None:
    world, scenarios = watching.service.registry.initial_world, watching.statuses()
    watching.write(name, text)
    watching.look()

    (told,) = watching.told
    assert words in told
    assert f"{watching.folder / name}:" in told
    assert told.endswith("what was read before stays")
    assert (watching.service.registry.initial_world, watching.statuses("new")) == (world, scenarios)


def test_a_file_that_is_gone_is_told_once_and_read_when_it_is_back(watching: Watching) -> None:
    (watching.folder / "seed.yaml").unlink()
    watching.look()
    watching.look()
    (told,) = watching.told
    assert "can't be found any more" in told
    assert app_names(watching.foundation("new")) == ["dora"]

    watching.write("seed.yaml", SEED.replace("NAME", "nora"))
    assert app_names(watching.foundation("newer")) == ["nora"]


def test_a_file_that_still_changes_is_not_read_yet(watching: Watching) -> None:
    (watching.folder / "seed.yaml").write_text("organiz", encoding="utf-8")
    watching.watcher.look()
    (watching.folder / "seed.yaml").write_text(SEED.replace("NAME", "nora"), encoding="utf-8")
    watching.watcher.look()
    assert watching.told == []
    watching.watcher.look()
    assert watching.told == [f"read anew: {watching.folder / 'seed.yaml'}"]


def test_watch_without_a_file_is_refused() -> None:
    ended = CliRunner().invoke(main, ["serve", "--watch", "--scenario", "conflict"])
    assert ended.exit_code == 2
    assert "--watch has no file to watch" in ended.output


def test_a_file_of_a_folder_may_go_and_the_others_are_read_on(watching: Watching) -> None:
    scenarios = watching.folder / "scenarios"
    assert watching.statuses() == [500, 503]
    (scenarios / "b.yaml").unlink()
    watching.look()
    assert watching.told[-1] == f"read anew: {scenarios / 'b.yaml'}"
    assert watching.statuses("new") == [500]
    os.mkfifo(scenarios / "pipe.yaml")
    watching.write("scenarios/a.yaml", SCENARIO.replace("STATUS", "409"))
    assert watching.statuses("newer") == [409]


def test_a_wrong_file_that_is_taken_away_again_is_told(watching: Watching) -> None:
    watching.write("scenarios/c.yaml", "{scenario: ")
    (watching.folder / "scenarios" / "c.yaml").unlink()
    watching.look()
    assert watching.told[1:] == ["the files are again as they were read"]
