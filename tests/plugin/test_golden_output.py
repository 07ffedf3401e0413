"""What failing tests print is kept as text, and reads well to someone new; `make documents` writes it anew."""

from mockfoundry import Server
from mockfoundry.pytest_plugin.foundations import MAX_REPORTED_LINES, render_failure_report
from tests import plain_http
from tests.plugin.golden_output import GOLDEN, PYTHON_PAGE, fill_page, run_failing_tests
from tests.serving import WEB, Serving

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


def test_a_long_report_has_the_latest_lines_and_says_how_many_went_before(elsewhere: Serving) -> None:
    with Server.connect(elsewhere.url) as server:
        foundation = server.foundation()
        for instances in range(MAX_REPORTED_LINES + 5):
            plain_http.post(
                f"{foundation.url}/v3/processes/{WEB}/actions/scale",
                json={"instances": instances},
                headers={"Authorization": "bearer admin"},
            )
        report = render_failure_report(foundation).splitlines()
        assert report[2] == "… 5 lines before these; foundation.log() has them all"
        assert (report[3].partition(" ")[0], report[2 + MAX_REPORTED_LINES].partition(" ")[0]) == ("#6", "#65")
        foundation.delete()
        (told,) = render_failure_report(foundation).splitlines()
        assert told.startswith(f"{foundation.name}: can't be told: foundation {foundation.name}: there is none")
