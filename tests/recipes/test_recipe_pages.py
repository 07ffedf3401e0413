"""docs/recipes: a page for each scenario, which is current, and whose test in Python passes as it stands."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from mockfoundry.client.server import Server
from mockfoundry.shipped import list_library_files
from mockfoundry.wire_faults import WIRE_FAULTS, DribbleFault
from tests.recipes import by_tls, in_python
from tests.recipes.cookbook import RECIPES, TLS_RECIPES
from tests.recipes.recipe_pages import PAGES, render_pages, with_guid
from tests.recipes.steps import Recipe
from tests.serving import serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server in this process, whose dribble takes a tenth of a second in place of five."""
    quick = DribbleFault(total_seconds=0.1)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setitem(WIRE_FAULTS, quick.name, quick)
        yield Server.connect(stack.enter_context(serving()).url)


def test_every_scenario_has_a_recipe() -> None:
    assert sorted([*RECIPES, *TLS_RECIPES]) == sorted(list_library_files())


def test_the_pages_are_those_of_the_library_and_the_recipes() -> None:
    kept = {path: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    assert kept == render_pages(), "`make documents` writes them anew"


@pytest.fixture(scope="module")
def shared() -> Iterator[dict[str, Any]]:
    """What the tests of a file share, as the index shows it."""
    names: dict[str, Any] = {}
    exec(with_guid(in_python.CLIENT), names)  # noqa: S102
    with names["http"]:
        yield names


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.scenario)
def test_the_python_of_a_recipe_passes(server: Server, shared: dict[str, Any], recipe: Recipe) -> None:
    names = dict(shared)
    exec(with_guid(in_python.render(recipe)), names)  # noqa: S102
    names[f"test_{recipe.scenario.replace('-', '_')}"](server.foundation())


@pytest.fixture(scope="module")
def server_with_tls() -> Iterator[Server]:
    with Server(tls=True, in_thread=True) as started:
        yield started


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name == "tls-hang")) for name in TLS_RECIPES]
)
def test_the_python_of_a_recipe_of_tls_passes(server_with_tls: Server, name: str) -> None:
    names: dict[str, Any] = {}
    exec(f"{by_tls.CLIENTS['Python']}\n\n{by_tls.render_python(name)}", names)  # noqa: S102
    names[f"test_{name.replace('-', '_')}"](server_with_tls)
