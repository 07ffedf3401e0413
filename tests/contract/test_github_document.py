"""A large public document is served: GitHub's own, which npm brings, since it is too large to be kept here."""

import json
import logging
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import ValidationError
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from mockfoundry.contract import cache
from mockfoundry.contract.load import Contract, load_contract
from mockfoundry.contract.making import make_value
from mockfoundry.contract.plan import Plan
from tests.serving import Serving, serving

PACKAGE = "@octokit/openapi@23.0.2"
MEMBER = "package/generated/api.github.com.json"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm brings the document, and is not installed"),
]

START = """
import sys
from pathlib import Path
from mockfoundry.contract import cache
from mockfoundry.contract.load import load_contract
print(len(load_contract(Path(sys.argv[1])).plans))
print([name for name in ("connexion", "openapi_spec_validator", "jsonschema") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("github")
    subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=True)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        (folder / "api.github.com.json").write_bytes(member.read())
    return folder / "api.github.com.json"


def start(document: Path) -> subprocess.CompletedProcess[str]:
    """A start in a process of its own, which keeps what it compiles beside the document."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(document.parent)}
    command = [sys.executable, "-c", START, str(document)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def first_start(document: Path) -> subprocess.CompletedProcess[str]:
    return start(document)


@pytest.fixture(scope="module")
def github(document: Path, first_start: subprocess.CompletedProcess[str]) -> Iterator[Contract]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "find_cache_directory", lambda: document.parent / "mockfoundry")
        yield load_contract(document)


@pytest.fixture(scope="module")
def running(github: Contract) -> Iterator[Serving]:
    with serving(of=github) as server:
        server.client.event_hooks = {"response": []}
        yield server


def test_a_later_start_needs_neither_connexion_nor_the_validator(
    document: Path, first_start: subprocess.CompletedProcess[str]
) -> None:
    assert "which takes a while" in first_start.stderr
    later = start(document)
    assert later.stdout.splitlines() == [first_start.stdout.splitlines()[0], "[]"]
    assert later.stderr == ""


def test_its_own_examples_that_break_its_schemas_are_told(github: Contract) -> None:
    assert any(line.startswith("GET /advisories: example default of 200 breaks") for line in github.broken_examples)


def test_every_get_is_answered_by_something_that_its_own_schema_accepts(
    running: Serving, github: Contract, document: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The judge is another library than ours, and has the document as GitHub wrote it."""
    raw = json.loads(document.read_text())
    registry = Registry().with_resource("urn:github", DRAFT4.create_resource(raw))
    asked = 0
    for plan in github.plans.values():
        if plan.method != "GET":
            continue
        with caplog.at_level(logging.ERROR):
            answer = running.client.get(path_of(plan), params=query_of(plan))
        assert answer.status_code == plan.success_status, (plan.operation, answer.text)
        pointer = find_schema(raw, plan)
        if pointer is None:
            assert answer.content == b"", plan.operation
        elif "json" in answer.headers["content-type"]:
            judge = OAS30Validator({"$ref": f"urn:github#{quote(pointer)}"}, registry=registry)
            errors = [each for each in judge.iter_errors(answer.json()) if not is_tolerated(each)]
            assert errors == [], plan.operation
        asked += 1
    assert asked > 600
    assert caplog.records == []


def is_tolerated(error: ValidationError) -> bool:
    """Whether the judge is stricter than connexion, which reads a schema as GitHub means it in its examples.

    There null may stand where `nullable` is beside an enumeration that does not list it, and the property by which a
    discriminator tells schemas apart may be missing.
    """
    return (error.validator == "enum" and error.instance is None) or "discriminating property" in error.message


def path_of(plan: Plan) -> str:
    """The path of an operation, with values that it allows."""
    values = {each.name: make_value(each.schema, 1, each.name) for each in plan.parameters if each.place == "path"}
    path = plan.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    return path


def query_of(plan: Plan) -> dict[str, str]:
    """The required parameters of the query, with values that are allowed."""
    required = [each for each in plan.parameters if each.place == "query" and each.required]
    return {each.name: str(make_value(each.schema, 1, each.name)) for each in required}


def find_schema(raw: Mapping[str, Any], plan: Plan) -> str | None:
    """The JSON pointer of the schema of an operation's success, None where its answer has no body."""
    steps = ["paths", plan.path, "get", "responses", str(plan.success_status)]
    node: Any = raw
    for step in steps:
        node = node[step]
    if "$ref" in node:
        steps = node["$ref"].split("/")[1:]
        node = raw
        for step in steps:
            node = node[step]
    media_type = next(iter(node.get("content", {})), None)
    if media_type is None or "schema" not in node["content"][media_type]:
        return None
    steps += ["content", media_type, "schema"]
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
