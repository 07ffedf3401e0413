"""docs/recipes: a page for each scenario of the library, made from its file and from its recipe. Runs nothing."""

import re
import textwrap
from pathlib import Path

from mockfoundry.scenarios.format import read_scenario
from mockfoundry.scenarios.model import Scenario
from mockfoundry.shipped import list_library_files
from tests.recipes import in_go, in_java, in_python, in_shell
from tests.recipes.cookbook import FACTS, GROUPS, RECIPES, STANDARDS
from tests.recipes.steps import Recipe

PAGES = Path(__file__).parents[2] / "docs" / "recipes"

FIDELITY = PAGES.parent / "fidelity.md"

APP = "ccc25a0f-c8f4-4b39-9f1b-de9f328d0ee5"
"""The guid of the only app of the default seed."""

LANGUAGES = (
    ("Python", "python", in_python),
    ("Go", "go", in_go),
    ("Java", "java", in_java),
    ("bash", "sh", in_shell),
)

_FACT = re.compile(r"^\| (\d+) \| (.*? \| .*?) \| [^|]* \|$", re.MULTILINE)
_ISSUE = re.compile(r"\b([\w.-]+/[\w.-]+)#(\d+)")

_INDEX_HEAD = """\
# Recipes

One page a failure: why it happens, the scenario that plays it, and a test of it in Python, Go, Java and bash.

Each test shows what your client meets, and what the world is then. Put your own client where `Client` stands, and
assert what it should do: each page ends with that. All tests on these pages are run by mockfoundry's own. The pages are
made from [the library](../../scenarios/README.md) by `make documents`.
"""

_CLIENTS_HEAD = """\
## The client of the tests

What the tests share, once for each language. Everything is about the `web` process of the app `dora` in the default
world.
"""

_NEEDS = {
    "Python": "In a file of tests, with mockfoundry installed: [Testing from Python](../python.md).",
    "Go": "In a file of tests, with [mockfoundry.go](../clients/mockfoundry.go) copied to `internal/mockfoundry`.",
    "Java": "In a class of tests, with [MockfoundryExtension.java](../clients/MockfoundryExtension.java) beside it.",
    "bash": "Beside a server: `mockfoundry serve &` and `mockfoundry wait`.",
}


def load(name: str) -> Scenario:
    """A scenario of the library."""
    path = list_library_files()[name]
    return read_scenario(path.read_text(encoding="utf-8"), source=str(path))


def render_index() -> str:
    """The page that lists the others, and shows what their tests share."""
    parts = [_INDEX_HEAD]
    for title, recipes in GROUPS.items():
        rows = "".join(
            f"| [{each.scenario}]({each.scenario}.md) | {load(each.scenario).description} |\n" for each in recipes
        )
        parts.append(f"## {title}\n\n| scenario | what happens |\n|---|---|\n{rows}")
    parts.append(_CLIENTS_HEAD)
    for title, fence, language in LANGUAGES:
        closing = "  // the tests\n}\n" if fence == "java" else ""
        parts.append(f"### {title}\n\n{_NEEDS[title]}\n\n```{fence}\n{with_guid(language.CLIENT)}{closing}```\n")
    return "\n".join(parts)


def render_recipe(recipe: Recipe) -> str:
    """The page of one scenario."""
    scenario = load(recipe.scenario)
    text = list_library_files()[recipe.scenario].read_text(encoding="utf-8")
    file = text.partition("\n")[2]
    parts = [
        f"# {recipe.scenario}\n\n{fill(scenario.description)}\n",
        f"## Why it happens\n\n{fill(with_links(scenario.story))}{render_source(recipe)}\n",
        f"## The scenario\n\n```yaml\n{file}```\n",
        f"`mockfoundry serve --scenario {recipe.scenario}` begins with it, `mockfoundry play {recipe.scenario}`"
        " switches it on.\n",
        "## The test\n\n`Client` stands for your client; [its lines](README.md#the-client-of-the-tests) are the same on"
        " all of these pages.\n",
    ]
    for title, fence, language in LANGUAGES:
        parts.append(f"### {title}\n\n```{fence}\n{with_guid(language.render(recipe))}```\n")
    parts.append(f"## What a good client does\n\n{fill(scenario.good_client)}\n")
    return "\n".join(parts)


def render_source(recipe: Recipe) -> str:
    """Where the story comes from, beside the issues that it names: facts of the Cloud Controller, and a standard."""
    facts = dict(_FACT.findall(FIDELITY.read_text(encoding="utf-8")))
    said = []
    for number in FACTS.get(recipe.scenario, ()):
        fact, source = facts[str(number)].rsplit(" | ", 1)
        said.append(f"{fact} (fact {number} of [Fidelity](../fidelity.md), `{source}`)")
    if recipe.scenario in STANDARDS:
        name, address, text = STANDARDS[recipe.scenario]
        said.append(f"{text} ([{name}](https://www.rfc-editor.org/rfc/{address}))")
    return "".join(f"\n\n{fill(each)}" for each in said)


def fill(text: str) -> str:
    """Text in lines as long as those of the other pages; links stay whole."""
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def with_links(story: str) -> str:
    """A story whose issues of public repositories are links."""
    return _ISSUE.sub(r"[\1#\2](https://github.com/\1/issues/\2)", story)


def with_guid(text: str) -> str:
    return text.replace("/APP/", f"/{APP}/")


def render_pages() -> dict[Path, str]:
    """What each page has to say."""
    pages = {PAGES / f"{name}.md": render_recipe(recipe) for name, recipe in RECIPES.items()}
    return {PAGES / "README.md": render_index(), **pages}


def write_recipe_pages() -> None:
    """Writes all pages anew, and takes away those of scenarios that are gone."""
    pages = render_pages()
    PAGES.mkdir(exist_ok=True)
    for path in PAGES.glob("*.md"):
        if path not in pages:
            path.unlink()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
