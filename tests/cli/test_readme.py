"""The README and the pages of seeds and of the command line: what they say is what there is."""

import re
import subprocess
from pathlib import Path

import click
import pytest

from mockfoundry.cli import main
from mockfoundry.scenarios.format import read_scenario
from mockfoundry.shipped import list_library_files
from tests.cli.test_commands import started
from tests.command_line import PAGE, page, run_here
from tests.project.pages import split_console
from tests.seed_page import SEED_PAGE
from tests.serving import serving

ROOT = Path(__file__).parents[2]
README_FILE = ROOT / "README.md"
README_TABLE = re.compile(r"(<!-- scenarios -->\n)(.*?)(<!-- /scenarios -->)", re.DOTALL)
README = README_FILE.read_text(encoding="utf-8")
WORLD = (ROOT / "docs" / "world.md").read_text(encoding="utf-8")


SHOWN = (
    "conflict-then-ok",
    "lost-response",
    "unavailable-then-ok",
    "quota-instances",
    "deployment-in-flight",
    "token-expires",
)
"""The scenarios that the README has; the page of the library has all."""


def rows() -> str:
    """The table of some scenarios, as the library has them."""
    files = list_library_files()
    return "| scenario | what happens |\n|---|---|\n" + "".join(
        f"| [{name}](docs/recipes/{name}.md) |"
        f" {read_scenario(files[name].read_text(encoding='utf-8'), source=str(files[name])).description} |\n"
        for name in SHOWN
    )


def test_its_table_of_scenarios_is_of_the_library() -> None:
    found = README_TABLE.search(README)
    assert found is not None
    assert found.group(2) == rows(), "`make documents` writes it anew"


def test_the_seed_on_the_page_of_the_world_is_right(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(organizations:.*?)```", WORLD, re.DOTALL)
    file = tmp_path / "seed.yaml"
    file.write_text(text)
    with started("--seed", str(file)) as (_, _, printed):
        assert "default: 1 organization, 1 space, 1 app, 1 process" in printed


def test_the_page_of_the_command_line_is_that_of_the_commands() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "`make documents` writes it anew"


def test_the_page_s_file_of_options_is_right(tmp_path: Path) -> None:
    (text,) = re.findall(r"<!-- config -->\n```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for name in ("seed.yaml", "our-own.yaml"):
        (tmp_path / name).write_text("", "utf-8")
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    assert run_here("check", str(file)).stdout == "1 file is right\n"


def test_an_export_starts_a_server_and_fills_a_foundation_as_the_page_of_seeds_says(tmp_path: Path) -> None:
    (block,) = re.findall(r"```console\n(.*?)```", SEED_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    export, serve, put = (command for command, _ in split_console(block))
    with serving() as server:
        server.scale({})
        for command in (export, put):
            subprocess.run(["sh", "-ec", f"S={server.url}; {command}"], cwd=tmp_path, check=True, timeout=300)
        assert server.client.get("/__mock/foundations/other").json()["processes"] == 2
    assert serve.strip() == "mockfoundry serve --seed world.json"
    with started("--seed", str(tmp_path / "world.json")) as (_, _, printed):
        assert "default: 1 organization, 1 space, 1 app, 2 processes" in printed


SERVE = main.commands["serve"]
OPTIONS = [each for each in SERVE.params if isinstance(each, click.Option) and each.expose_value]


def value_of(option: click.Option) -> str:
    """Something that an option takes and that is not its default."""
    if isinstance(option.type, click.Choice):
        return next(str(each) for each in option.type.choices if each != option.default)
    samples = {"DURATION": "7m", "INDEX/COUNT": "2/4", "URL": "http://a:1", "file:DIR|redis://HOST": "file:kept"}
    return samples.get(option.metavar or "", "7")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.opts[0])
def test_every_option_of_serve_can_be_given_by_environment(
    option: click.Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the README says; the page of the command line names the variable."""
    variable = "MOCKFOUNDRY_" + option.opts[0].removeprefix("--").replace("-", "_").upper()
    assert re.search(rf"^\| `{option.opts[0]}\b.*?` \| `{variable}` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    value = "1" if option.is_flag else value_of(option)
    given = SERVE.make_context("serve", option.opts[:1] + ([] if option.is_flag else [value])).params
    assert given != SERVE.make_context("serve", []).params
    monkeypatch.setenv(variable, value)
    assert SERVE.make_context("serve", []).params == given
