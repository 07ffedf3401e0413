"""The tests of docs/recipes in Go, Java and bash: each passes as its page has it."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mockfoundry.client.server import Server
from tests.clients.test_doors import DOORS, PROJECTS, copy_files, environment, needs_go, needs_java, run
from tests.recipes import by_tls, in_go, in_java, in_shell
from tests.recipes.cookbook import RECIPES, TLS_RECIPES
from tests.recipes.recipe_pages import with_guid
from tests.waiting import DEADLINE_SECONDS

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


@pytest.fixture
def beside_tls(tmp_path: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Variables of a process beside a server with TLS, which was started as the page says, on a free port."""
    serve = by_tls.SERVE.replace("serve --tls", "serve --port 0 --until-stdin-ends --tls").partition("&\n")[0]
    authority = str(tmp_path / "authority.pem")
    with subprocess.Popen(
        ["bash", "-c", f"exec {serve}"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = next(line.rpartition(":")[2].strip() for line in server.stdout if line.startswith("  URL "))
        url = f"https://localhost:{port}"
        yield {**environment, "MOCKFOUNDRY_URL": url, "AUTHORITY": authority, "SSL_CERT_FILE": authority}
        server.stdin.close()
        server.stdout.read()
        server.wait(DEADLINE_SECONDS)


@needs_go
def test_the_recipes_of_tls_in_go_pass(tmp_path: Path, beside_tls: Mapping[str, str]) -> None:
    project = copy_files(tmp_path / "go", {PROJECTS / "go" / "go.mod": "go.mod"})
    tests = "\n".join(map(by_tls.render_go, TLS_RECIPES))
    (project / "recipes_test.go").write_text(f"{by_tls.CLIENTS['Go']}\n{tests}", encoding="utf-8")
    assert run(project, beside_tls, "gofmt", "-l", ".") == ""
    run(project, beside_tls, "go", "vet", "./...")
    printed = run(project, beside_tls, "go", "test", "-count=1", "-v", "./...")
    assert set(re.findall(r"^--- PASS: (\w+)", printed, re.MULTILINE)) == set(map(by_tls.name_go_test, TLS_RECIPES))


@needs_java
def test_the_recipes_of_tls_in_java_pass(
    tmp_path: Path, environment: Mapping[str, str], beside_tls: Mapping[str, str]
) -> None:
    project = copy_files(tmp_path / "java", {PROJECTS / "java" / "pom.xml": "pom.xml"})
    file = project / "src" / "test" / "java" / "com" / "example" / "yours" / "TlsRecipesTest.java"
    file.parent.mkdir(parents=True)
    tests = "\n".join(map(by_tls.render_java, TLS_RECIPES))
    file.write_text(f"{by_tls.CLIENTS['Java']}\n{tests}}}\n", encoding="utf-8")
    run(project, beside_tls, "mvn", "--batch-mode", "--no-transfer-progress", "test", "-Dtest=TlsRecipesTest")
    (report,) = (project / "target" / "surefire-reports").glob("*.xml")
    passed = set(re.findall(r'<testcase name="(\w+)', report.read_text(encoding="utf-8")))
    assert passed == set(map(by_tls.name_java_test, TLS_RECIPES))


def test_the_recipes_of_tls_in_bash_pass(tmp_path: Path, beside_tls: Mapping[str, str]) -> None:
    tests = "\n".join(map(by_tls.render_shell, TLS_RECIPES))
    script = f"mockfoundry wait\n{by_tls.CLIENTS['bash']}\nset -x\n{tests}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=beside_tls, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
