"""What GitHub reads: the workflows and the issue forms are what its schemas allow, without asking anything outside."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOW = ROOT / ".github" / "workflows" / "tests.yml"
RELEASE = ROOT / ".github" / "workflows" / "release.yml"
EXAMPLE = ROOT / "docs" / "ci" / "github-actions.yml"
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def must_fit(schema: str, *files: Path) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_the_workflows_are_such_and_every_job_of_them_ends(schema: str) -> None:
    must_fit(schema, *WORKFLOWS)


@pytest.mark.long
def test_the_workflows_have_no_fault_that_actionlint_knows() -> None:
    """Their expressions, contexts and needs, too; it comes as a module of Go."""
    if shutil.which("go") is None:
        pytest.skip("there is no go")
    command = ["go", "run", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12", *map(str, (*WORKFLOWS, EXAMPLE))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_a_release_keeps_no_secret_and_publishes_only_what_was_tested() -> None:
    text = RELEASE.read_text(encoding="utf-8")
    release = yaml.safe_load(text)
    assert "secrets." not in text
    assert release["permissions"] == {"contents": "read"}
    jobs = release["jobs"]
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == ["publish"]
    assert jobs["publish"]["needs"] == ["test", "image"]
    assert jobs["announce"]["needs"] == "publish"
    assert all("password" not in step.get("with", {}) for step in jobs["publish"]["steps"])
    tested = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["test"]["strategy"]["matrix"]
    assert jobs["test"]["strategy"]["matrix"] == tested


def test_the_issue_forms_are_forms() -> None:
    assert [form.stem for form in FORMS] == ["bug", "fact"]
    must_fit("vendor.github-issue-forms", *FORMS)


def test_the_workflow_may_read_only_and_begins_with_the_oldest_python() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    pythons = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={pythons[0]}"
    assert workflow["jobs"]["lowest"]["steps"][1]["with"]["python-version"] == pythons[0]
