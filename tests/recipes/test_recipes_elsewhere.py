"""The tests of docs/recipes in Go, Java and bash: each passes as its page has it."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mockfoundry.client.server import Server
from tests.clients.test_doors import DOORS, PROJECTS, copy_files, environment, needs_go, needs_java, run
from tests.recipes import in_go, in_java, in_shell
from tests.recipes.cookbook import HANDSHAKES, RECIPES
from tests.recipes.recipe_pages import render_handshake_script, with_guid

__all__ = ["environment"]

pytestmark = pytest.mark.long


@needs_go
def test_the_recipes_in_go_pass(tmp_path: Path, environment: dict[str, str]) -> None:
    files = {
        DOORS / "mockfoundry.go": "internal/mockfoundry/mockfoundry.go",
        PROJECTS / "go" / "go.mod": "go.mod",
    }
    project = copy_files(tmp_path, files)
    tests = "\n".join(in_go.render(recipe) for recipe in RECIPES.values())
    (project / "recipes_test.go").write_text(with_guid(f"{in_go.CLIENT}\n{tests}"), encoding="utf-8")
    assert run(project, environment, "gofmt", "-l", ".") == ""
    run(project, environment, "go", "vet", "./...")
    printed = run(project, environment, "go", "test", "-count=1", "-v", "./...")
    assert set(re.findall(r"^--- PASS: (\w+)", printed, re.MULTILINE)) == set(map(in_go.name_test, RECIPES.values()))


@needs_java
def test_the_recipes_in_java_pass(tmp_path: Path, environment: dict[str, str]) -> None:
    files = {
        DOORS / "MockfoundryExtension.java": "src/test/java/mockfoundry/MockfoundryExtension.java",
        PROJECTS / "java" / "pom.xml": "pom.xml",
    }
    project = copy_files(tmp_path, files)
    tests = "\n".join(in_java.render(recipe) for recipe in RECIPES.values())
    file = project / "src" / "test" / "java" / "com" / "example" / "yours" / "RecipesTest.java"
    file.parent.mkdir(parents=True)
    file.write_text(with_guid(f"{in_java.CLIENT}\n{tests}}}\n"), encoding="utf-8")
    run(project, environment, "mvn", "--batch-mode", "--no-transfer-progress", "test", "-Dtest=RecipesTest")
    (report,) = (project / "target" / "surefire-reports").glob("*.xml")
    passed = set(re.findall(r'<testcase name="(\w+)', report.read_text(encoding="utf-8")))
    assert passed == set(map(in_java.name_test, RECIPES.values()))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as started:
        yield started


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_in_bash_passes(tmp_path: Path, server: Server, environment: Mapping[str, str], name: str) -> None:
    script = with_guid(in_shell.CLIENT + "set -x\n" + in_shell.render(RECIPES[name]))
    there = {**environment, "MOCKFOUNDRY_URL": server.url, "TMPDIR": str(tmp_path)}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=there, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_recipes_of_handshakes_pass(tmp_path: Path, environment: Mapping[str, str]) -> None:
    """All on one server, which prints where its authority is."""
    scripts = "\n".join(render_handshake_script(name) for name in HANDSHAKES)
    script = """
        set -eu
        mockfoundry serve --tls --port 0 > printed 2>&1 &
        trap 'kill $!' EXIT
        until grep -q 'Ctrl-C ends it' printed; do sleep 0.1; done
        MOCKFOUNDRY_URL=$(sed -n 's|^ *URL *||p' printed)
        AUTHORITY=$(grep -o -- '--cacert [^ ]*' printed | head -1 | cut -d ' ' -f 2)
        export MOCKFOUNDRY_URL AUTHORITY SSL_CERT_FILE=$AUTHORITY
        set -x
    """
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{scripts}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
