"""docs/recipes: a page for each scenario of the library, made from its file and from its recipe. Runs nothing."""

import re
import textwrap
from pathlib import Path

from mockfoundry.scenarios.format import read_scenario
from mockfoundry.scenarios.model import Scenario
from mockfoundry.shipped import list_library_files
from tests.recipes import by_tls, in_go, in_java, in_python, in_shell
from tests.recipes.cookbook import FACTS, GROUPS, RECIPES, STANDARDS, TLS_RECIPES
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

_TLS_CLIENTS_HEAD = f"""\
## The client of the tests of TLS

In Python the test starts its own server. The others stand beside one that runs, and trust it by two variables:
`AUTHORITY` is for the client, `SSL_CERT_FILE` for mockfoundry's own commands, which switch the scenarios on.

```sh
{by_tls.SERVE}```

Every test asks on a connection of its own, since a connection that is open has its handshake behind it.
"""

_TLS_NEEDS = {
    "Python": "In a file of tests, with mockfoundry installed: [Testing from Python](../python.md#https).",
    "Go": "In a file of tests, beside the server; the command `mockfoundry` is on the path.",
    "Java": "In a class of tests, beside the server; the command `mockfoundry` is on the path.",
    "bash": "Beside the server.",
}


def load(name: str) -> Scenario:
    """A scenario of the library."""
    path = list_library_files()[name]
    return read_scenario(path.read_text(encoding="utf-8"), source=str(path))


def render_index() -> str:
    """The page that lists the others, and shows what their tests share."""
    parts = [_INDEX_HEAD]
    groups = {title: [each.scenario for each in recipes] for title, recipes in GROUPS.items()}
    for title, names in {**groups, "The connection by TLS breaks": list(TLS_RECIPES)}.items():
        rows = "".join(f"| [{name}]({name}.md) | {load(name).description} |\n" for name in names)
        parts.append(f"## {title}\n\n| scenario | what happens |\n|---|---|\n{rows}")
    parts.append(_CLIENTS_HEAD)
    for title, fence, language in LANGUAGES:
        closing = "  // the tests\n}\n" if fence == "java" else ""
        parts.append(f"### {title}\n\n{_NEEDS[title]}\n\n```{fence}\n{with_guid(language.CLIENT)}{closing}```\n")
    parts.append(_TLS_CLIENTS_HEAD)
    for title, fence, _ in LANGUAGES:
        closing = "  // the tests\n}\n" if fence == "java" else ""
        parts.append(
            f"### {title}, by https\n\n{_TLS_NEEDS[title]}\n\n```{fence}\n{by_tls.CLIENTS[title]}{closing}```\n"
        )
    return "\n".join(parts)


def render_recipe(recipe: Recipe) -> str:
    """The page of one scenario."""
    parts = [
        *render_scenario(recipe.scenario),
        "## The test\n\n`Client` stands for your client; [its lines](README.md#the-client-of-the-tests) are the same on"
        " all of these pages.\n",
    ]
    for title, fence, language in LANGUAGES:
        parts.append(f"### {title}\n\n```{fence}\n{with_guid(language.render(recipe))}```\n")
    parts.append(render_good_client(recipe.scenario))
    return "\n".join(parts)


def render_tls_recipe(name: str) -> str:
    """The page of a scenario that breaks connections by TLS."""
    parts = [
        *render_scenario(name),
        "## The test\n\n`ask` stands for your client; [its lines](README.md#the-client-of-the-tests-of-tls), and how"
        " the server is started, are\nthe same on all pages about TLS. A handshake comes before any path, so it is the"
        " host that says whose scenarios count:\nhere that of the foundation `default`.\n",
    ]
    for title, fence, _ in LANGUAGES:
        parts.append(f"### {title}\n\n```{fence}\n{by_tls.RENDER[title](name)}```\n")
    parts.append(f"[What other clients say of it](../clients/tls.md#{name}).\n")
    parts.append(render_good_client(name))
    return "\n".join(parts)


def render_scenario(name: str) -> list[str]:
    """What stands above the test: what happens, why, and the file."""
    scenario = load(name)
    file = list_library_files()[name].read_text(encoding="utf-8").partition("\n")[2]
    return [
        f"# {name}\n\n{fill(scenario.description)}\n",
        f"## Why it happens\n\n{fill(with_links(scenario.story))}{render_source(name)}\n",
        f"## The scenario\n\n```yaml\n{file}```\n",
        f"`mockfoundry serve{' --tls' * (name in TLS_RECIPES)} --scenario {name}` begins with it,"
        f" `mockfoundry play {name}` switches it on.\n",
    ]


def render_good_client(name: str) -> str:
    return f"## What a good client does\n\n{fill(load(name).good_client)}\n"


def render_source(name: str) -> str:
    """Where the story comes from, beside the issues that it names: facts of the Cloud Controller, and a standard."""
    facts = dict(_FACT.findall(FIDELITY.read_text(encoding="utf-8")))
    said = []
    for number in FACTS.get(name, ()):
        fact, source = facts[str(number)].rsplit(" | ", 1)
        said.append(f"{fact} (fact {number} of [Fidelity](../fidelity.md), `{source}`)")
    if name in STANDARDS:
        standard, address, text = STANDARDS[name]
        said.append(f"{text} ([{standard}](https://www.rfc-editor.org/rfc/{address}))")
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
    by_https = {PAGES / f"{name}.md": render_tls_recipe(name) for name in TLS_RECIPES}
    return {PAGES / "README.md": render_index(), **pages, **by_https}


def write_recipe_pages() -> None:
    """Writes all pages anew, and takes away those of scenarios that are gone."""
    pages = render_pages()
    PAGES.mkdir(exist_ok=True)
    for path in PAGES.glob("*.md"):
        if path not in pages:
            path.unlink()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
