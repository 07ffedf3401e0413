"""docs/clients: each page is current, says what it has to, and its code runs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mockfoundry.client.server import Server
from tests.clients.at_hand import NotAtHandError, built_alone, go_command, must_be_installed
from tests.clients.client_pages import HERE, PAGES, client_pages, render_page
from tests.plugin.conftest import plugins_without_use

PYTHON = (PAGES / "python.md").read_text(encoding="utf-8")


def block(page: str, mark: str) -> str:
    (found,) = re.findall(rf"<!-- {mark} -->\n```\w+\n(.*?)```", page, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("path", client_pages(), ids=lambda path: path.name)
def test_a_page_says_what_was_seen(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == render_page(path), "`make documents` writes it anew"


@pytest.mark.parametrize("client", ["python", "go", "java", "cf"])
def test_a_page_needs_three_lines_to_point_here_and_ten_for_a_test(client: str) -> None:
    page = (PAGES / f"{client}.md").read_text(encoding="utf-8")
    point, test = (
        re.findall(rf"<!-- (?:code: )?{mark}\b.*? -->\n```\w+\n(.*?)```", page, re.DOTALL)[0]
        for mark in ("point", "test")
    )
    lines = [line for line in test.splitlines() if line.strip(" })") and not re.match("import|from|@", line)]
    assert len([line for line in point.splitlines() if line.strip()]) == 3
    assert len(lines) <= 10


def test_there_is_a_page_for_each_client() -> None:
    assert [path.stem for path in client_pages()] == ["cf", "failures", "go", "java", "python", "tls", "why"]


def test_pointing_the_python_client_here_takes_three_lines(server: Server) -> None:
    point = block(PYTHON, "point")
    assert len([line for line in point.splitlines() if line]) == 3
    names: dict[str, object] = {}
    exec(point.replace("http://127.0.0.1:8080", server.url), names)  # noqa: S102
    apps = names["client"].v3.apps.list()  # type: ignore[attr-defined]
    assert [app["name"] for app in apps] == ["dora"]
    server.foundation("ci-42").verify("listApps", times=1)


def test_the_test_on_the_python_page_passes(pytester: pytest.Pytester) -> None:
    text = block(PYTHON, "test")
    pytester.makepyfile(test_theirs=text)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", *plugins_without_use(text), timeout=600)
    done.assert_outcomes(passed=1)


@pytest.mark.clients
def test_the_code_on_the_go_page_passes(server: Server) -> None:
    try:
        folder = Path(go_command()[0]).parent
    except NotAtHandError as error:
        pytest.skip(str(error))
    done = subprocess.run(
        ["go", "test", "-count=1", "./..."],
        cwd=folder,
        env={**os.environ, "MOCKFOUNDRY_URL": server.url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_the_code_on_the_java_page_passes(server: Server) -> None:
    try:
        must_be_installed("cf-java-client", "java", "mvn")
    except NotAtHandError as error:
        pytest.skip(str(error))
    with built_alone("java") as folder:
        shutil.copytree(HERE / "java", folder, dirs_exist_ok=True)
        door = folder / "src" / "test" / "java" / "mockfoundry"
        door.mkdir(exist_ok=True)
        shutil.copy(PAGES / "MockfoundryExtension.java", door)
        done = subprocess.run(
            ["mvn", "--quiet", "--batch-mode", "test"],
            cwd=folder,
            env={**os.environ, "MOCKFOUNDRY_URL": server.url},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.clients
def test_the_script_on_the_cf_page_does_what_it_says(server: Server, tmp_path: Path) -> None:
    binary = os.environ.get("CF", "")
    if not binary:
        pytest.skip("NOT TRIED WITH the cf CLI: make test-clients CF=/path/to/it")
    script = block((PAGES / "cf.md").read_text(encoding="utf-8"), "test: cf")
    (tmp_path / "cf").symlink_to(Path(binary).resolve())
    done = subprocess.run(
        ["sh", "-c", script.replace("http://127.0.0.1:8080", server.url)],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "CF_COLOR": "false"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
