"""The documentation's pages: each is found, leads somewhere, and has no code that is not run or checked."""

import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from itertools import takewhile
from pathlib import Path

import click
import pytest

import site_build
from mockfoundry.cli import main
from tests.command_line import run_here
from tests.project.pages import HELD, NOT_RUN, ROOT, Block, iterate_blocks, list_pages, split_console
from tests.project.python_page import PYTHON_PAGE, render_python_page
from tests.serving import serving

BLOCKS = [block for path in list_pages() for block in iterate_blocks(path)]
LOOSE = [block for block in BLOCKS if block.page not in HELD and not block.mark.startswith("not run: ")]
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def name_of(block: Block) -> str:
    return f"{block.page}-{block.number}"


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the command `mockfoundry`."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "mockfoundry"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mockfoundry "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.mark.parametrize("block", [block for block in LOOSE if block.mark.startswith("run: ")], ids=name_of)
def test_a_console_prints_what_its_page_says(commands: Path, block: Block) -> None:
    scenario = block.mark.removeprefix("run: ")
    with serving(scenarios=() if scenario == "default" else (scenario,)) as server:
        for command, printed in split_console(block.text):
            here = command.replace("http://127.0.0.1:8080", server.url)
            variables = f"export PATH='{commands}':\"$PATH\" MOCKFOUNDRY_URL='{server.url}'; "
            done = subprocess.run(["sh", "-c", variables + here], capture_output=True, text=True, timeout=300)
            assert done.stdout.rstrip("\n") == printed.rstrip("\n"), command + done.stderr


@pytest.mark.parametrize("block", [block for block in LOOSE if block.language == "yaml"], ids=name_of)
def test_a_file_on_a_page_is_right(tmp_path: Path, block: Block) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(block.text, encoding="utf-8")
    assert run_here("check", str(file)).stdout == "1 file is right\n"


@pytest.mark.parametrize("block", [block for block in LOOSE if block.language == "json"], ids=name_of)
def test_json_on_a_page_is_some(block: Block) -> None:
    assert json.loads(block.text)


COMMANDS = [
    (str(path.relative_to(ROOT)), code)
    for path in list_pages()
    for code in re.findall(r"`((?:mockfoundry|make) [a-z][^`\n]*)`", path.read_text(encoding="utf-8"))
]
"""What pages name in the middle of a sentence."""


def must_be_known(line: str) -> None:
    """Fails where a command of ours, or a target of make, is none."""
    words = shlex.split(line, comments=True)
    if words[:1] == ["make"]:
        assert set(words[1:2]) <= TARGETS, line
    if words[:1] == ["mockfoundry"]:
        name, arguments = words[1], list(takewhile(lambda word: word not in {">", ">>", "|", "&"}, words[2:]))
        with main.commands[name].make_context(name, arguments, resilient_parsing=False):
            pass


@pytest.mark.parametrize(
    "block",
    [
        *(block for block in LOOSE if block.language in {"console", "sh"} and not block.mark),
        *(block for block in BLOCKS if block.page == "docs/command-line.md" and block.language == "text"),
    ],
    ids=name_of,
)
def test_the_commands_of_a_console_that_is_not_run_are_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, block: Block
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("seed.yaml", "cli.yaml"):
        (tmp_path / name).touch()
    for line in block.text.splitlines():
        try:
            must_be_known(line.removeprefix("$ "))
        except click.UsageError as error:
            pytest.fail(f"{line}: {error.format_message()}")


def test_commands_in_sentences_are_known() -> None:
    """Their names and options; what stands for something (NAME, FILE, …) is not looked at."""
    unknown = []
    for page, code in COMMANDS:
        program, name, *rest = re.split(r"\s+", code)
        if program == "make":
            unknown += [(page, code)] if name not in TARGETS else []
            continue
        command = main.commands.get(name)
        options = {option for each in getattr(command, "params", ()) for option in (*each.opts, *each.secondary_opts)}
        named = {word.partition("=")[0] for word in rest[: rest.index("--") if "--" in rest else None]}
        asked = {word for word in named if re.fullmatch(r"--[a-z-]+", word)} - {"--help"}
        if command is None or (options and not asked <= options):
            unknown.append((page, code))
    assert unknown == []


def test_no_block_is_neither_run_nor_checked() -> None:
    checked = {"yaml", "console", "sh", "json"}
    held = {("README.md", "test")}  # tests/plugin/test_documents.py
    loose = [name_of(each) for each in LOOSE if each.language not in checked and (each.page, each.mark) not in held]
    assert loose == [], "give it a test, or the mark <!-- not run: WHY -->"
    assert Counter(each.page for each in BLOCKS if each.mark.startswith("not run: ")) == NOT_RUN


def test_a_page_that_is_held_elsewhere_is_named_there() -> None:
    for page, test in HELD.items():
        assert (ROOT / page).exists(), page
        assert (ROOT / test).exists(), test


def test_the_links_of_the_site_s_pages_lead_to_something() -> None:
    outside = site_build.list_outside()
    for path in list_pages():
        page = str(path.relative_to(ROOT))
        if page.startswith("docs/") or page in outside:
            site_build.resolve_links(path.read_text(encoding="utf-8"), page, outside)


def test_a_link_out_of_the_folder_leads_to_what_the_site_has_or_is_text() -> None:
    text = "[a](../scenarios/README.md#b), `[c](d)`, [`e`](../mock/mockfoundry/cli), [f](http.md), [g](https://h)"
    resolved = site_build.resolve_links(text, "docs/world.md", site_build.list_outside())
    assert resolved == "[a](scenarios.md#b), `[c](d)`, `e`, [f](http.md), [g](https://h)"
    with pytest.raises(LookupError, match=r"docs/world\.md: no\.md leads to nothing"):
        site_build.resolve_links("[a](no.md)", "docs/world.md", {})


def test_a_bar_in_a_table_s_code_has_no_backslash_on_the_site() -> None:
    assert site_build.keep_bars("| `a\\|b` | c\\|d |\n`e\\|f`") == "| `a|b` | c\\|d |\n`e\\|f`"


def test_a_row_of_a_name_is_a_place_of_its_own_that_the_search_finds() -> None:
    cells = {name: f"<td><code>{name}</code> x</td>\n<td>a <b>&lt;</b></td>" for name in ("--tls-cert", "A-B", "word")}
    found: dict[str, str] = {}
    content = "".join(f"<tr>\n{each}\n</tr>" for each in (*cells.values(), cells["A-B"]))
    marked = site_build.mark_rows(content, found)
    assert re.findall(r"<tr[^>]*>", marked) == ['<tr id="--tls-cert">', '<tr id="A-B">', "<tr>", "<tr>"]
    assert re.sub(r" id=[^>]*", "", marked) == content
    assert [" ".join(text.split()) for text in found.values()] == ["--tls-cert x a &lt;", "A-B x a &lt;"]
    assert site_build.weigh_name("--tls") > site_build.weigh_name("--tls-cert")


def test_every_page_is_in_the_navigation_once() -> None:
    pages = Counter(page for _, pages in site_build.iterate_nav() for page in pages)
    there = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    outside = {place for place in site_build.OUTSIDE.values() if place.endswith(".md")}
    assert set(pages) == there | outside
    assert set(pages.values()) == {1}


@pytest.mark.long
def test_the_page_of_the_python_api_is_that_of_the_docstrings() -> None:
    assert PYTHON_PAGE.read_text(encoding="utf-8") == render_python_page(), "`make documents` writes it anew"
