"""The doors for Go and Java: each file to copy is compiled, and run with its examples, in a project of its own.

Both have the same promises: what `doors/go/door_test.go` and `doors/java/DoorTest.java` hold them to is the same list.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.http_page import LINES
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
DOORS = ROOT / "docs" / "clients"
PROJECTS = Path(__file__).parent / "doors"

pytestmark = pytest.mark.long

needs_go = pytest.mark.skipif(
    shutil.which("go") is None,
    reason="NO GO HERE: docs/clients/mockfoundry.go was neither compiled nor run; install Go 1.19 or a later one",
)
needs_java = pytest.mark.skipif(
    shutil.which("mvn") is None or shutil.which("javac") is None,
    reason="NO JVM HERE: docs/clients/MockfoundryExtension.java was neither compiled nor run; install JDK 17 and Maven",
)


def copy_files(folder: Path, files: Mapping[Path, str]) -> Path:
    """A project: files, by where they are, and where they go in it."""
    for source, place in files.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return folder


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a process that finds the command `mockfoundry`, and no server of anyone else's."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "mockfoundry"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mockfoundry "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCKFOUNDRY_")}
    return {**kept, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "GOTOOLCHAIN": "local"}


def run(folder: Path, environment: Mapping[str, str], *words: str) -> str:
    """What a command prints; a failure of the test with all of that where it fails."""
    done = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600
    )
    if done.returncode:
        pytest.fail(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}", pytrace=False)
    return done.stdout


def must_be_gone(printed: str) -> None:
    """Fails while the server answers that a door has shared among its tests, and told of."""
    (url,) = set(re.findall(r"the shared server is (http://\S+)", printed))
    address = urlsplit(url)

    def refuses() -> bool:
        with socket.socket() as connection:
            return connection.connect_ex((str(address.hostname), int(address.port or 80))) != 0

    eventually(refuses, what="the server that the tests have shared ends with them")


@needs_go
def test_the_door_for_go_is_compiled_and_its_examples_pass(tmp_path: Path, environment: dict[str, str]) -> None:
    files = {
        DOORS / "mockfoundry.go": "internal/mockfoundry/mockfoundry.go",
        DOORS / "mockfoundry_test.go": "mockfoundry_test.go",
        PROJECTS / "go" / "door_test.go": "door_test.go",
        PROJECTS / "go" / "go.mod": "go.mod",
    }
    project = copy_files(tmp_path, files)
    assert run(project, environment, "gofmt", "-l", ".") == ""
    run(project, environment, "go", "vet", "./...")
    printed = run(project, environment, "go", "test", "-count=1", "-v", "./...")
    assert set(re.findall(r"^--- PASS: (\w+)", printed, re.MULTILINE)) == find_names(
        r"func (Test\w+)\(t ", project.glob("*_test.go")
    )
    must_be_gone(printed)


@needs_go
def test_the_lines_for_go_on_the_page_of_calls_work(tmp_path: Path, environment: dict[str, str]) -> None:
    files = {
        DOORS / "mockfoundry.go": "internal/mockfoundry/mockfoundry.go",
        DOORS / "mockfoundry_test.go": "mockfoundry_test.go",
        PROJECTS / "go" / "go.mod": "go.mod",
    }
    project = copy_files(tmp_path, files)
    (project / "lines_test.go").write_text(GO_LINES.replace("TESTS", "".join(map(render_go_test, LINES))))
    environment["MOCKFOUNDRY_STORE"] = f"file:{tmp_path / 'store'}"
    printed = run(project, environment, "go", "test", "-count=1", "-v", "-run", "TestEveryLine", "./...")
    assert set(re.findall(r"--- PASS: TestEveryLine/(\w+)", printed)) == set(LINES)


@needs_java
def test_the_door_for_java_is_compiled_and_its_examples_pass(tmp_path: Path, environment: dict[str, str]) -> None:
    files = {
        DOORS / "MockfoundryExtension.java": "src/test/java/mockfoundry/MockfoundryExtension.java",
        DOORS / "MockfoundryExtensionTest.java": "src/test/java/com/example/yours/MockfoundryExtensionTest.java",
        PROJECTS / "java" / "DoorTest.java": "src/test/java/mockfoundry/DoorTest.java",
        PROJECTS / "java" / "pom.xml": "pom.xml",
    }
    project = copy_files(tmp_path, files)
    printed = run(project, environment, "mvn", "--batch-mode", "--no-transfer-progress", "test")
    passed = {
        name
        for report in (project / "target" / "surefire-reports").glob("*.xml")
        for name in re.findall(r'<testcase name="(\w+)', report.read_text(encoding="utf-8"))
    }
    assert passed == find_names(r"@Test\n(?:  @Seed\((?s:.*?)\)\n)?  void (\w+)\(", project.glob("src/**/*Test.java"))
    must_be_gone(printed)


@needs_java
def test_the_lines_for_java_on_the_page_of_calls_work(tmp_path: Path, environment: dict[str, str]) -> None:
    files = {
        DOORS / "MockfoundryExtension.java": "src/test/java/mockfoundry/MockfoundryExtension.java",
        PROJECTS / "java" / "DoorTest.java": "src/test/java/mockfoundry/DoorTest.java",
        PROJECTS / "java" / "pom.xml": "pom.xml",
    }
    project = copy_files(tmp_path, files)
    lines = project / "src" / "test" / "java" / "mockfoundry" / "LinesTest.java"
    lines.write_text(JAVA_LINES.replace("TESTS", "".join(map(render_java_test, LINES))))
    environment["MOCKFOUNDRY_STORE"] = f"file:{tmp_path / 'store'}"
    run(project, environment, "mvn", "--batch-mode", "--no-transfer-progress", "test", "-Dtest=LinesTest")
    (report,) = (project / "target" / "surefire-reports").glob("*.xml")
    assert set(re.findall(r'<testcase name="(\w+)', report.read_text(encoding="utf-8"))) == set(LINES)


GO_LINES = """
package yours_test

import (
	"testing"
	"time"

	"example.com/yours/internal/mockfoundry"
)

const (
	seed     = "organizations: []"
	scenario = "scenario: own\\nrules: [{operation: getProcess, respond: {status: 404}}]"
)

func TestEveryLine(t *testing.T) {
	server := mockfoundry.Start(t)
TESTS
}
"""


def render_go_test(name: str) -> str:
    """A test in which a line runs that is on the page, after a client has met a conflict and has overcome it."""
    used = "".join(
        "if err != nil {\nt.Fatal(err)\n}\n" if variable == "err" else f"_ = {variable}\n"
        for variable in re.findall(r"^(\w+) :=", LINES[name].go, re.MULTILINE)
    )
    return f"""
    t.Run("{name}", func(t *testing.T) {{
        foundation := server.New(t)
        foundation.Play("conflict-then-ok")
        if err := newScaler(foundation, "admin").Scale(foundation.Process("dora", "web").GUID, 2); err != nil {{
            t.Fatal(err)
        }}
        var answer any
        var text string
        _, _ = answer, text
        _ = time.Second
        {{
            {LINES[name].go}
            {used}
        }}
    }})
    """


JAVA_LINES = """
package mockfoundry;

import static mockfoundry.MockfoundryExtension.*;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import mockfoundry.MockfoundryExtension.Audit;
import mockfoundry.MockfoundryExtension.Foundation;
import mockfoundry.MockfoundryExtension.Server;
import mockfoundry.MockfoundryExtension.Yaml;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(MockfoundryExtension.class)
class LinesTest {
  private final String seed = "organizations: []";
  private final String scenario = "scenario: own\\nrules: [{operation: getProcess, respond: {status: 404}}]";
  private final Server server = Server.shared();
TESTS
}
"""


def render_java_test(name: str) -> str:
    """As `render_go_test`."""
    foundation = "made" if "Foundation foundation =" in LINES[name].java else "foundation"
    return f"""
  @Test
  void {name}(Foundation {foundation}) throws Exception {{
    {foundation}.play("conflict-then-ok");
    DoorTest.scale({foundation}, 2);
    DoorTest.scale({foundation}, 2);
    {LINES[name].java}
  }}
"""


def find_names(pattern: str, files: Iterable[Path]) -> set[str]:
    """The names of tests in files."""
    return {name for file in files for name in re.findall(pattern, file.read_text(encoding="utf-8"))}
