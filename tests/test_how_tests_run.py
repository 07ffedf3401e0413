"""How the tests themselves run: what they wait for is told, and in CI nothing is left out quietly."""

import os
import subprocess
from itertools import count
from pathlib import Path

import pytest

from tests.waiting import eventually

ROOT = Path(__file__).parents[1]

SKIPPED = {
    "a test": "import pytest\n\ndef test_skipped(): pytest.skip('not here')\n",
    "a module": "import pytest\n\npytest.importorskip('nothing_of_that_name')\n",
}

ALIKE = "from tests.conftest import pytest_make_collect_report, pytest_runtest_makereport\n"


@pytest.mark.parametrize("row", ["a test", pytest.param("a module", marks=pytest.mark.long)])
@pytest.mark.parametrize("environment", ["true", pytest.param("", marks=pytest.mark.long)])
def test_what_is_skipped_fails_in_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, row: str, environment: str
) -> None:
    monkeypatch.setenv("CI", environment)
    pytester.makeconftest(ALIKE)
    pytester.makepyfile(SKIPPED[row])
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    assert ("skipped, and in CI no test may be" in result.stdout.str()) == bool(environment)
    assert (result.ret in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)) != bool(environment)


def test_what_debian_has_for_the_tests_is_named_where_it_is_not_installed(tmp_path: Path) -> None:
    listed = tmp_path / "packages.txt"
    listed.write_text("# several\nno-such-package-of-debian  # why\n\nno-other-one")
    named = subprocess.run(
        [ROOT / ".ci" / "debian", listed], capture_output=True, text=True, env={**os.environ, "CI": ""}
    )
    packages = "no-such-package-of-debian no-other-one"
    assert (named.returncode, named.stdout) == (0, "")
    assert named.stderr == f"not all tests can run: they need of Debian {packages}; apt-get install {packages}\n"


def test_what_does_not_come_true_is_told() -> None:
    with pytest.raises(AssertionError, match=r"^a third: this did not come true within 0\.02 seconds; last found: 0$"):
        eventually(lambda: 0, within=0.02, what="a third")


def test_what_comes_true_is_returned() -> None:
    counts = count(1)
    assert eventually(lambda: [1] if next(counts) == 3 else [], what="three attempts") == [1]
