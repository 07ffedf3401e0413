"""What GitHub reads: the workflow and the issue forms are what its schemas allow, without asking anything outside."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "tests.yml"
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def must_fit(schema: str, *files: Path) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_the_workflow_is_one_and_every_job_of_it_ends(schema: str) -> None:
    must_fit(schema, WORKFLOW)


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
