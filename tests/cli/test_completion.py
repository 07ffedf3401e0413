"""What a shell completes, by the lines of docs/command-line.md; and the manual page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from mockfoundry.cli import main
from tests.command_line import PAGE
from tests.man_page import MAN_PAGE, render_man_page

TABLE = PAGE.read_text(encoding="utf-8").replace(r"\|", "|")
LINES = dict(re.findall(r"^\| (bash|zsh|fish) \| .* \| `(.*)` \|$", TABLE, re.MULTILINE))

CASES = {
    ("sel",): ["selftest"],
    ("serve", "--mode", ""): ["stateful", "canned"],
    ("serve", "--max-j"): ["--max-journal", "--max-journals"],
    ("serve", "--scenario", "conflict-"): ["conflict-storm", "conflict-then-ok"],
    ("play", "conflict-t"): ["conflict-then-ok"],
    ("scenarios", "crash"): ["crash-loop"],
}
"""The words of a command that is being written, the last of them not whole, and what is proposed for it."""


def complete(*words: str) -> list[tuple[str, str]]:
    """The kind and the text of everything that is proposed for the last word."""
    asked = ShellComplete(main, {}, "mockfoundry", "_MOCKFOUNDRY_COMPLETE")
    return [(each.type, each.value) for each in asked.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_commands_options_and_their_values_are_completed(words: tuple[str, ...]) -> None:
    assert complete(*words) == [("plain", each) for each in CASES[words]]


def test_where_no_scenario_begins_so_a_file_is_completed() -> None:
    assert complete("play", "./own") == [("file", "./own")]


SCRIPTS = {
    "bash": "{line}\nCOMP_WORDS=(mockfoundry play conflict-t); COMP_CWORD=2\n"
    "$(complete -p mockfoundry | sed 's/.*-F \\([^ ]*\\) .*/\\1/') mockfoundry; echo \"${{COMPREPLY[@]}}\"",
    # Outside of a line that is being edited nothing can be added to what is proposed.
    "zsh": "autoload -U compinit; compinit -u\n{line}\ncompadd() {{ print -r -- ${{(P)@[-1]}} }}\n_describe() {{ }}\n"
    "words=(mockfoundry play conflict-t); CURRENT=3; ${{_comps[mockfoundry]}}",
    "fish": "{line}\ncomplete -C 'mockfoundry play conflict-t'",
}
WITHOUT_FILES = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}


@pytest.mark.long
@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_line_of_each_shell_makes_it_complete(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    script = SCRIPTS[shell].format(line=LINES[shell])
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": str(tmp_path),
        "TERM": "dumb",
    }
    done = subprocess.run(
        [shell, *WITHOUT_FILES[shell], "-c", script], capture_output=True, text=True, timeout=60, env=environment
    )
    assert (done.stdout.strip(), done.stderr) == ("conflict-then-ok", "")


def test_the_manual_page_is_that_of_the_commands() -> None:
    assert MAN_PAGE.read_text(encoding="utf-8") == render_man_page(), "`make documents` writes it anew"


@pytest.mark.long
def test_the_manual_page_is_sound_and_shows_every_option() -> None:
    if shutil.which("groff") is None:
        pytest.skip("there is no groff")
    command = ["groff", "-k", "-man", "-Tutf8", "-ww", "-rLL=200n", "-P-cbou", str(MAN_PAGE)]
    shown = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "--until-stdin-ends" in shown.stdout.replace("\N{MINUS SIGN}", "-")
