"""docs/http.md: it is made from the contract, and every line of it for a shell does what it says."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.http_page import (
    HTTP_PAGE,
    LINES,
    ControlOperation,
    iterate_control_operations,
    render_curl_lines,
    render_http_page,
)
from tests.serving import WEB, Serving, hold_against_control_document

OPERATIONS = {each.name: each for each in iterate_control_operations()}

CURL_LINES = [(each.name, line) for each in OPERATIONS.values() for line in render_curl_lines(each)]

COMMANDS = [(name, lines.command) for name, lines in LINES.items() if lines.command]

_STATUS_MARK = "\nstatus "


def test_it_is_made_from_the_contract() -> None:
    assert HTTP_PAGE.read_text(encoding="utf-8") == render_http_page(), "`make documents` writes it anew"


def test_every_call_is_told_for_every_language() -> None:
    assert list(LINES) == list(OPERATIONS)


def test_everything_that_may_be_given_is_described() -> None:
    """What the contract says nothing about, the page says nothing about."""
    rows = re.findall(r"^\| (?:path|query|body) .*", HTTP_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 40
    assert [row for row in rows if row.endswith("| |")] == []


@pytest.fixture
def server(serve: Callable[..., Serving], tmp_path: Path) -> Serving:
    """A server with the default seed, and a store."""
    return serve(store=f"file:{tmp_path / 'store'}")


@pytest.fixture
def prepared(server: Serving, tmp_path: Path) -> Serving:
    """A server in whose foundation ci-42 a client has met a conflict and overcome it, and the files that lines name."""
    server.client.put("/__mock/foundations/ci-42/scenarios/conflict-then-ok")
    for _ in range(2):
        server.client.post(f"/foundations/ci-42/v3/processes/{WEB}/actions/scale", json={"instances": 2})
    (tmp_path / "seed.yaml").write_text(yaml.safe_dump(example_of(OPERATIONS["put_foundation"])))
    (tmp_path / "conflict-then-ok.yaml").write_text(yaml.safe_dump(example_of(OPERATIONS["play_scenario"])))
    return server


def example_of(operation: ControlOperation) -> Any:
    return operation.bodies["application/json"]["example"]


def run_line(server: Serving, line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a shell says to a line, after `MOCK` was set as the page says; and `mockfoundry` asks the same server."""
    command = f'mockfoundry() {{ "{sys.executable}" -m mockfoundry "$@"; }}'
    environment = {"PATH": os.environ["PATH"], "MOCKFOUNDRY_URL": server.url}
    return subprocess.run(
        ["sh", "-ec", f"{command}\nMOCK={server.url}\n{line}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="NO CURL HERE: the lines of docs/http.md were not run")
@pytest.mark.parametrize(("name", "line"), CURL_LINES, ids=[name for name, _ in CURL_LINES])
def test_every_line_of_curl_works(prepared: Serving, tmp_path: Path, name: str, line: str) -> None:
    """It is answered with a documented success, in the documented form."""
    told = line.replace("curl -sS", f"curl -sS -w '{_STATUS_MARK}%{{http_code}} %{{content_type}}'", 1)
    done = run_line(prepared, told, tmp_path)
    body, _, rest = done.stdout.rpartition(_STATUS_MARK)
    status, _, media_type = rest.partition(" ")
    operation = OPERATIONS[name]
    assert status in operation.responses, (rest, body, done.stderr)
    (path,) = re.findall(r'"\$MOCK(.*?)[?"]', line)
    answer = httpx.Response(
        int(status),
        headers={"content-type": media_type} if media_type else {},
        content=body.encode(),
        request=httpx.Request(operation.method, f"{prepared.url}{path}"),
    )
    hold_against_control_document(answer, path)


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_makes_its_call(prepared: Serving, tmp_path: Path, name: str, command: str) -> None:
    """`release` ends with 1, since nothing is held; the others with 0."""
    done = run_line(prepared, command, tmp_path)
    assert done.returncode == (1 if name == "release_hold" else 0), done.stderr


def test_every_body_has_an_example() -> None:
    """What the contract shows is what the page and its tests send."""
    with_example = [
        each.name for each in OPERATIONS.values() if any("example" in body for body in each.bodies.values())
    ]
    assert with_example == [each.name for each in OPERATIONS.values() if each.bodies]
