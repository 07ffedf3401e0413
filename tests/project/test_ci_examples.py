"""docs/ci: each example is what its reader takes, and asks the server for what there is. No container is run here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from mockfoundry.options import iterate_options
from tests import plain_http
from tests.packages import PIP, make_environment
from tests.serving import serving

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "ci"
KUBERNETES = EXAMPLES / "kubernetes.yaml"
SHARDS_OF_KUBERNETES = EXAMPLES.parent / "shards" / "kubernetes.yaml"

POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId><artifactId>example</artifactId><version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>org.testcontainers</groupId><artifactId>junit-jupiter</artifactId><version>1.21.3</version>
    </dependency>
    <dependency>
      <groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId><version>5.11.4</version>
    </dependency>
  </dependencies>
</project>
"""


def manifests() -> dict[str, Any]:
    """What the Kubernetes example holds, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(KUBERNETES.read_text(encoding="utf-8"))}


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("github-actions.yml", "vendor.github-workflows"),
        ("github-actions.yml", "custom.github-workflows-require-timeout"),
        ("gitlab-ci.yml", "vendor.gitlab-ci"),
        ("compose.yaml", "vendor.compose-spec"),
    ],
)
def test_an_example_is_what_its_reader_takes(file: str, schema: str) -> None:
    checked = CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, str(EXAMPLES / file)])
    assert checked.exit_code == 0, checked.output


def test_the_page_links_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"({file.name})" in text for file in EXAMPLES.iterdir() if file.name != "README.md")


def test_every_variable_of_the_examples_is_read() -> None:
    """One that is not is told by the server, or by nobody."""
    known = {option.environment_variable for option in iterate_options()} | {"MOCKFOUNDRY_URL"}
    texts = "".join(file.read_text(encoding="utf-8") for file in EXAMPLES.iterdir())
    assert set(re.findall(r"MOCKFOUNDRY_[A-Z_]+", texts)) <= known


def test_the_probes_of_kubernetes_get_an_answer() -> None:
    """A probe has the pod's address for its Host, and no token."""
    parts = manifests()
    (container,) = parts["Deployment"]["spec"]["template"]["spec"]["containers"]
    probes = [container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert {each["port"] for each in probes} == {"http"} == {each["name"] for each in container["ports"]}
    with serving(control_token="secret") as server, plain_http.client(base_url=server.url) as client:
        for each in probes:
            assert client.get(each["path"], headers={"Host": "10.42.0.7:8080"}).status_code == 200


@pytest.mark.parametrize("host", ["mockfoundry:8080", "mock:8080", "127.0.0.1:8080"])
def test_the_names_of_the_examples_reach_the_control_api(host: str) -> None:
    with serving() as server:
        assert server.client.get("/__mock/foundations", headers={"Host": host}).status_code == 200


def run_beside_a_mock(command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs serve-and-wait.sh with a command of bash."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", EXAMPLES / "serve-and-wait.sh", "bash", "-c", command],
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.long
@pytest.mark.parametrize(("command", "code"), [("true", 0), ("exit 3", 3)])
def test_the_script_serves_beside_a_command_and_ends_with_its_exit_code(command: str, code: int) -> None:
    done = run_beside_a_mock(f'curl --fail --silent "$MOCKFOUNDRY_URL/__mock/health" && {command}')
    assert done.returncode == code, done.stderr
    assert '"status":"ready"' in done.stdout


@pytest.mark.long
def test_the_script_takes_no_other_server_for_its_own() -> None:
    """A mock of another job has the port: the tests of this one must not run against it."""
    with serving() as other:
        done = run_beside_a_mock("echo ran", MOCKFOUNDRY_PORT=other.url.rpartition(":")[2])
    assert (done.returncode, done.stdout) == (1, "")
    assert "Address already in use" in done.stderr
    assert done.stderr.endswith("the mock did not start\n")


@pytest.mark.long
def test_the_manifest_is_what_kubernetes_takes_and_the_test_in_python_has_right_types(tmp_path: Path) -> None:
    """The schemas and Testcontainers are installed for this test alone: they are large."""
    binaries = make_environment(tmp_path / "venv")
    packages = ["kubernetes-validate", "testcontainers>=4.13", "httpx", "pytest", "mypy"]
    subprocess.run([*PIP, "--python", str(binaries / "python"), "install", *packages], check=True, capture_output=True)
    example = EXAMPLES / "test_with_testcontainers.py"
    commands: tuple[list[str | Path], ...] = (
        [binaries / "kubernetes-validate", "--strict", KUBERNETES, SHARDS_OF_KUBERNETES],
        [binaries / "mypy", "--strict", "--cache-dir", tmp_path / "mypy", example],
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.skipif(shutil.which("mvn") is None or shutil.which("javac") is None, reason="there is no Maven")
def test_the_test_in_java_compiles(tmp_path: Path) -> None:
    sources = tmp_path / "src" / "test" / "java"
    sources.mkdir(parents=True)
    shutil.copy(EXAMPLES / "WithTestcontainersTest.java", sources)
    (tmp_path / "pom.xml").write_text(POM, encoding="utf-8")
    command = ["mvn", "--quiet", "--batch-mode", "test-compile"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "target" / "test-classes").glob("*.class"))


@pytest.mark.long
def test_the_scripts_within_the_pipeline_of_jenkins_are_bash() -> None:
    """No parser of Jenkins is at hand, so its frame is only read here: its braces and quotes are even."""
    text = (EXAMPLES / "Jenkinsfile").read_text(encoding="utf-8")
    before, script, after = text.split("'''")
    frame = before + after
    assert frame.count("{") == frame.count("}")
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
