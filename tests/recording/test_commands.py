"""The commands: what they print, their exit codes, and that what ends a recording loses nothing of it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import httpx
import pytest
import trustme

from mockfoundry.assembly import build_service
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.options import ServerOptions
from mockfoundry.recording.likeness import Rule
from mockfoundry.recording.reading import read_recording_file
from mockfoundry.server.run import BackgroundServer
from mockfoundry.server.tls import set_up_tls
from tests import plain_http
from tests.command_line import run_here
from tests.recording.recorded import get, post, record_foundation
from tests.serving import ADMIN, WEB, Serving, serving

PAGE = Path(__file__).parents[2] / "docs" / "recording.md"


@pytest.fixture
def file(server: InProcess, foundation: Foundation, client: httpx.Client, tmp_path: Path) -> Path:
    """A recording in which a scale was refused once."""
    foundation.play("conflict-then-ok")
    app = client.get("/v3/apps?names=dora").json()["resources"][0]["guid"]
    scale = post(f"/v3/processes/{app}/actions/scale", {"instances": 3})
    requests = [get("/v3/organizations"), get("/v3/spaces"), get("/v3/apps"), get(f"/v3/processes/{app}"), scale, scale]
    record_foundation(server, foundation.url, tmp_path / "real.har", requests)
    return tmp_path / "real.har"


def test_a_comparison_is_printed_by_operation(file: Path) -> None:
    compared = run_here("compare", str(file))
    assert compared.returncode == 1
    first, second, *rest = compared.stdout.splitlines()
    assert first == "scaleProcess"
    assert re.fullmatch(
        r"  status: recorded 409 CF-Conflict, mockfoundry 202 \(#5 POST /v3/processes/[0-9a-f-]+/actions/scale\)",
        second,
    )
    assert rest[0] == "played: 6"
    assert rest[-1] == "differences: 1 in behaviour, 0 from the contract"


def test_a_comparison_is_printed_as_json(file: Path) -> None:
    found = json.loads(run_here("compare", str(file), "--format", "json").stdout)
    (difference,) = found["differences"]
    assert found["played"] == 6
    assert (difference["of"], difference["place"], difference["first"]) == ("behaviour", "status", 5)


def test_a_seed_is_taken_by_check_and_by_compare(file: Path, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text(run_here("seed-from", str(file)).stdout, "utf-8")
    assert run_here("check", str(seed)).stdout == "1 file is right\n"
    assert run_here("compare", str(file), "--seed", str(seed), "--scenario", "conflict-then-ok").returncode == 0


def test_a_scenario_is_taken_by_check_and_makes_the_comparison_hold(file: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "seen.yaml"
    scenario.write_text(run_here("scenario-from", str(file)).stdout, "utf-8")
    assert run_here("check", str(scenario)).stdout == "1 file is right\n"
    compared = run_here("compare", str(file), "--scenario", str(scenario))
    assert (compared.returncode, compared.stdout.splitlines()[-1]) == (
        0,
        "differences: 0 in behaviour, 0 from the contract",
    )


def test_without_failures_there_is_no_scenario(server: InProcess, foundation: Foundation, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    record_foundation(server, foundation.url, path, [get("/v3/apps")])
    found = run_here("scenario-from", str(path))
    assert (found.returncode, found.stderr) == (
        1,
        f"mockfoundry: {path} has no failure that mockfoundry does not give by itself\n",
    )


@pytest.mark.parametrize("command", ["seed-from", "compare", "scenario-from"])
@pytest.mark.parametrize(("text", "told"), [(None, "can't be read"), ("{}", "has no log.entries")])
def test_what_is_no_recording_is_said(command: str, text: str | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    if text is not None:
        path.write_text(text, "utf-8")
    done = run_here(command, str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"mockfoundry: {path}")
    assert told in done.stderr


def test_a_comparison_takes_no_seed_that_is_wrong(file: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("organizations: 1\n", "utf-8")
    done = run_here("compare", str(file), "--seed", str(wrong))
    assert (done.returncode, done.stderr.startswith(f"mockfoundry: {wrong}:1:1")) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--upstream", "api.example.org"), "--upstream: 'api.example.org' is not an http or https URL such as"),
        (("--upstream", "http://u:p@a"), "is not a URL without a password"),
        (("--upstream", "http://127.0.0.1:1"), "--upstream: http://127.0.0.1:1 does not answer: "),
        (("--upstream", "http://127.0.0.1:1", "--upstream-ca", "/none.pem"), "--upstream-ca: /none.pem can't be used"),
        (("--upstream", "http://127.0.0.1:1", "--allow-host", "a/b"), "'a/b' is no name of a host"),
        (("--upstream", "http://127.0.0.1:1", "--timeout", "0"), "is not above 0"),
        (("--upstream", "http://127.0.0.1:1", "--host", "203.0.113.1"), "can't listen on 203.0.113.1 port 0: "),
    ],
)
def test_a_recording_that_can_t_begin_says_why_and_leaves_no_file(
    arguments: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = run_here("record", "--out", str(tmp_path / "a.har"), "--port", "0", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_httpx_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    imported = [name for name in sys.modules if name.startswith("mockfoundry.recording")]
    for name in imported:
        package, _, module = name.rpartition(".")
        # Each is the same one again afterwards, also for those who find it by its package.
        monkeypatch.setattr(sys.modules[package], module, sys.modules[name])
    for name in imported:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "httpx", None)
    done = run_here("record", "--upstream", "http://a", "--out", str(tmp_path / "a.har"))
    assert (done.returncode, done.stderr) == (
        2,
        "mockfoundry: record needs httpx, which is not installed: pip install httpx\n",
    )


@contextmanager
def recording(path: Path, upstream: str, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A proxy in a process of its own, and its URL."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mockfoundry",
            "record",
            "--port",
            "0",
            "--upstream",
            upstream,
            "--out",
            str(path),
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        found = re.search(r" at (http://\S+) into ", process.stdout.readline())
        assert found is not None, process.stderr.read()
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Serving]:
    with serving() as running:
        yield running


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_keeps_what_was_recorded(upstream: Serving, tmp_path: Path, number: int) -> None:
    path = tmp_path / "a.har"
    with recording(path, upstream.url) as (process, url):
        for _ in range(3):
            assert plain_http.request("GET", f"{url}/v3/processes/{WEB}", headers=ADMIN).status_code == 200
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out, errors) == (0, f"{path}: 3 exchanges\n", "")
    assert [each.status for each in read_recording_file(path).entries] == [200] * 3
    assert [each.name for each in tmp_path.iterdir()] == ["a.har"]


@pytest.mark.long
def test_a_kill_leaves_all_but_the_name(upstream: Serving, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    with recording(path, upstream.url) as (process, url):
        assert plain_http.request("GET", f"{url}/v3/processes", headers=ADMIN).status_code == 200
        process.kill()
        process.wait()
    assert [each.status for each in read_recording_file(tmp_path / "a.har.part").entries] == [200]


@pytest.mark.long
def test_a_foundation_with_tls_is_recorded_if_its_authority_is_trusted(tmp_path: Path) -> None:
    """Without that it is refused, and the way to trust it is said."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    options = ServerOptions(tls_cert=str(tmp_path / "cert.pem"))
    tls = set_up_tls(options, lambda _: None)
    with BackgroundServer(build_service(options, 0), options, tls) as running:
        refused = run_here("record", "--upstream", running.url, "--out", str(tmp_path / "a.har"), "--port", "0")
        assert refused.returncode == 2
        assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr
        assert refused.stderr.endswith("; --upstream-ca FILE trusts another authority\n")
        trusted = ("--upstream-ca", str(tmp_path / "authority.pem"))
        with recording(tmp_path / "a.har", running.url, *trusted) as (process, url):
            answer = plain_http.request("GET", f"{url}/v3/apps", headers=ADMIN)
            assert answer.json()["pagination"]["first"]["href"].startswith(f"{url}/v3/apps?")
            process.terminate()
            assert process.wait(60) == 0
    assert read_recording_file(tmp_path / "a.har").upstream == running.url


def read_blocks() -> Mapping[str, str]:
    """The commands of the page, by their names."""
    return dict(re.findall(r"<!-- (\w+) -->\n```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))


def test_the_commands_of_the_page_work(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, on a recording of mockfoundry; what serves until it is ended is left out."""
    monkeypatch.chdir(file.parent)
    blocks = read_blocks()
    assert list(blocks) == ["record", "work", "compare", "seed", "scenario"]
    assert "mockfoundry record --upstream https://api.example.org --out real.har" in blocks["record"]
    expected = {"compare": [1], "seed": [0, 0], "scenario": [0, 0]}
    for name, codes in expected.items():
        lines = [each for each in blocks[name].splitlines() if " serve " not in each]
        assert [run_line(line) for line in lines] == codes, name


def run_line(line: str) -> int:
    """Runs a line of a shell in this process."""
    command, _, out = line.partition(" > ")
    word, *arguments = command.split()
    assert word == "mockfoundry"
    done = run_here(*arguments)
    if out:
        Path(out).write_text(done.stdout, "utf-8")
    return done.returncode


def test_the_page_names_every_rule_of_likeness() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE) == list(get_args(Rule))
