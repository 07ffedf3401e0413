"""What failing tests print is kept as text, and reads well to someone new; `make documents` writes it anew."""

from tests.plugin.golden_output import GOLDEN, PYTHON_PAGE, fill_page, run_failing_tests

MAX_LINE_WIDTH = 100


def read_golden_files() -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.txt")}


def test_failing_tests_print_what_is_kept() -> None:
    """All of them fail in one run of pytest: a start takes longer than all their failures."""
    assert run_failing_tests() == read_golden_files()


def test_every_request_is_told_in_a_line_of_a_hundred_columns() -> None:
    lines = [line for text in read_golden_files().values() for line in text.splitlines() if line.startswith("#")]
    assert len(lines) > 20
    assert [line for line in lines if len(line) > MAX_LINE_WIDTH or " → " not in line] == []


def test_what_the_page_for_python_shows_is_what_is_kept() -> None:
    page = PYTHON_PAGE.read_text(encoding="utf-8")
    assert "<!-- golden: " in page
    assert fill_page(page) == page
