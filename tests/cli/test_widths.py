"""Lists of scenarios and errors: as wide as the terminal, and a line each where there is none."""

import io

import pytest

from mockfoundry.cli import main
from mockfoundry.cloudfoundry.errors import CATALOGUE
from mockfoundry.shipped import list_library_files
from tests.command_line import run_here


class Terminal(io.StringIO):
    """What a command writes to, as if somebody watched."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("command", ["scenarios", "errors"])
@pytest.mark.parametrize("width", [80, 100, 300])
def test_a_list_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, command: str, width: int) -> None:
    """What is broken is what a terminal would have broken: the words are the same, and stay below themselves."""
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout", terminal)
    main([command], standalone_mode=False)
    lines = terminal.getvalue().splitlines()
    longest = max(len(word) for line in lines for word in line.split())
    assert max(map(len, lines)) <= max(width, longest)
    assert terminal.getvalue().split() == run_here(command).stdout.split()
    starts = {len(line) - len(line.lstrip()) for line in lines}
    assert starts == ({0} if width == 300 else {0, max(starts)})


def test_without_a_terminal_a_list_has_a_line_for_each() -> None:
    assert len(run_here("scenarios").stdout.splitlines()) == len(list_library_files())
    assert len(run_here("errors").stdout.splitlines()) == len(CATALOGUE)
