"""The documentation site's pages in their order, and what mkdocs has to know of a repository. Runs in each build.

The pages are Markdown files that can be read where they are: their links are relative to their own folder, and may lead
out of `docs`. Here such links come to lead to what the site has of the repository, and elsewhere become plain text.
"""

import html
import json
import logging
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent

OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "bench/README.md": "bench.md",
    "mock/mockfoundry/cloudfoundry/platform.yaml": "files/platform.yaml",
    "mock/mockfoundry/control/openapi.yaml": "files/control.yaml",
    "openapi.yaml": "files/openapi.yaml",
    "scenarios/README.md": "scenarios.md",
    "scenarios/scenario.schema.json": "files/scenario.schema.json",
    "tests/sample_autoscaler/README.md": "sample-autoscaler.md",
}
"""What the site shows besides `docs`: a path in the repository, and where it is in the site."""

NAV: dict[str, list[str]] = {
    "Start": ["README.md", "why.md", "my-test-fails.md", "console.md", "changelog.md"],
    "Recipes": ["recipes/"],
    "Clients": [
        "clients/cf.md", "clients/go.md", "clients/java.md", "clients/python.md", "clients/failures.md",
        "clients/tls.md", "clients/recipes.md", "sample-autoscaler.md",
    ],
    "Reference": [
        "scenarios.md", "seed-file.md", "command-line.md", "python.md", "python-api.md", "http.md",
    ],
    "Where it runs": ["image.md", "ci/", "operations.md", "recording.md", "shards.md", "store.md"],
    "The world": ["world.md", "not-modelled.md", "fidelity.md"],
    "How it is built": [
        "architecture.md", "decisions/", "performance.md", "bench.md", "comparison.md", "contributing.md",
        "security.md",
    ],
}  # fmt: skip
"""By section, its pages in their order; a folder stands for all in it. What is not there is left out."""

BLOCK_OF_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
RELATIVE_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?![a-z]+:|#)(?P<target>[^)\s]+)\)")

ROW_OF_A_NAME = re.compile(
    r"<tr>(?P<cells>\s*<td><code>(?P<name>--\w[\w-]*|\w+(?:[-_]\w+)+)(?=[ :=<]).*?)</tr>", re.DOTALL
)
"""A row that begins with a name which people look for as it is: an option, a header, an error, a fixture."""

BOOST_OF_NAMES = 4.0
"""What a row's weight in the search is, where that of a page is 1; a name of one word has twice as much."""

_LOG = logging.getLogger("mkdocs.site_build")
_NAMED_ROWS: dict[str, dict[str, str]] = {}
# By a page's address, its names that are found by the search, each with its row: of the build that runs.


def list_outside() -> dict[str, str]:
    """OUTSIDE, and the files of the scenarios."""
    return {**OUTSIDE, **{f"scenarios/{file.name}": f"files/{file.name}" for file in ROOT.glob("scenarios/*.yaml")}}


def list_pages(entry: str) -> list[str]:
    """The pages that an entry of NAV stands for."""
    if entry in OUTSIDE.values():
        return [entry]
    if not entry.endswith("/"):
        return [entry] if (ROOT / "docs" / entry).exists() else []
    found = sorted(file.name for file in (ROOT / "docs" / entry).glob("*.md"))
    return [entry + name for name in sorted(found, key=lambda name: (name != "README.md", name))]


def resolve_links(text: str, page: str, outside: dict[str, str]) -> str:
    """A page's text whose links lead to what the site has; a link that leads nowhere there becomes its text.

    Args:
        page: its path in the repository.
        outside: what the site has besides `docs`.

    Raises:
        LookupError: a link leads to nothing in the repository.
    """
    here = outside.get(page, page.removeprefix("docs/"))

    def resolve(link: re.Match[str]) -> str:
        path, mark, anchor = link["target"].partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
        if not (ROOT / target).exists():
            raise LookupError(f"{page}: {link['target']} leads to nothing")
        if (ROOT / target).is_dir():
            target += "/README.md"
        if target.startswith("docs/") and (ROOT / target).exists():
            there = target.removeprefix("docs/")
        elif target in outside:
            there = outside[target]
        else:
            return link["text"]
        relative = posixpath.relpath(there, posixpath.dirname(here) or ".")
        return f"{link['picture']}[{link['text']}]({relative}{mark}{anchor})"

    parts = BLOCK_OF_CODE.split(text)
    # A link's text may be code, and then its brackets stand in two parts: links are looked for with code hidden.
    hidden = "".join(part if number % 2 == 0 else f"\0{number}\0" for number, part in enumerate(parts))
    resolved = RELATIVE_LINK.sub(resolve, hidden)
    return re.sub(r"\0(\d+)\0", lambda found: parts[int(found[1])], resolved)


def keep_bars(text: str) -> str:
    """A text whose tables have bars in code as mkdocs reads them; a code host wants a backslash there, and hides it."""
    rows = re.compile(r"^\|.*$", re.MULTILINE)
    return rows.sub(lambda row: re.sub(r"`[^`]+`", lambda code: code[0].replace("\\|", "|"), row[0]), text)


def iterate_nav() -> Iterator[tuple[str, list[str]]]:
    """The sections with the pages that there are."""
    for title, entries in NAV.items():
        yield title, [page for entry in entries for page in list_pages(entry)]


def group_recipes(pages: list[str]) -> list[Any]:
    """The recipes below the titles that their index has them under; the index itself first."""
    index = (ROOT / "docs" / "recipes" / "README.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", index, re.DOTALL | re.MULTILINE)
    groups = {
        title: [f"recipes/{name}" for name in re.findall(r"^\| \[.*?\]\((.*?\.md)\)", text, re.MULTILINE)]
        for title, text in sections
    }
    grouped = {page for group in groups.values() for page in group}
    return [
        *(page for page in pages if page not in grouped),
        *({title: group} for title, group in groups.items() if group),
    ]


def on_config(config: Any) -> Any:
    """Gives mkdocs the order of the pages."""
    config.nav = [{title: group_recipes(pages) if title == "Recipes" else pages} for title, pages in iterate_nav()]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Gives mkdocs the pages and files that stand elsewhere in the repository."""
    for source, place in list_outside().items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Has the links of a page lead to what the site has."""
    outside = list_outside()
    sources = {place: source for source, place in outside.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    try:
        return keep_bars(resolve_links(markdown, source, outside))
    except LookupError as error:
        _LOG.warning("%s", error)
        return markdown


def mark_rows(content: str, rows: dict[str, str]) -> str:
    """A page's HTML in which each row of a name can be linked to, but for names that came before.

    Args:
        rows: takes by its name the text of each.
    """

    def mark(row: re.Match[str]) -> str:
        name = row["name"]
        if name in rows:
            return row[0]
        rows[name] = html.escape(html.unescape(re.sub(r"<[^>]+>", " ", row["cells"])).strip(), quote=False)
        return f'<tr id="{name}">{row["cells"]}</tr>'

    return ROW_OF_A_NAME.sub(mark, content)


def weigh_name(name: str) -> float:
    """The weight of a row in the search: `--tls` comes before `--tls-cert`."""
    return BOOST_OF_NAMES * (1 + 1 / len(re.findall(r"[^\W_]+", name)))


def on_pre_build(config: Any) -> None:
    """Forgets what another build, as that of `make docs-serve`, has found."""
    _NAMED_ROWS.clear()


def on_page_content(content: str, page: Any, config: Any, files: Files) -> str:
    """Makes the rows of names places of their own."""
    return mark_rows(content, _NAMED_ROWS.setdefault(page.url, {}))


def on_post_build(config: Any) -> None:
    """Has the search find each row of a name by that name, as it finds headings."""
    file = Path(config.site_dir, "search", "search_index.json")
    index = json.loads(file.read_text(encoding="utf-8"))
    index["docs"] += [
        {"location": f"{url}#{name}", "title": name, "text": text, "boost": weigh_name(name)}
        for url, rows in _NAMED_ROWS.items()
        for name, text in rows.items()
    ]
    file.write_text(json.dumps(index, separators=(",", ":")), encoding="utf-8")
