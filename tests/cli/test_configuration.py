"""A configuration: every option of `mockfoundry serve` in a file, which is checked as scenarios and seeds are."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from mockfoundry.documents.nodes import MAX_DOCUMENT_BYTES
from mockfoundry.options import Option, ServerOptions, iterate_options
from tests.cli.test_options import parse_serve, sample_of
from tests.command_line import run_here

OPTIONS = tuple(iterate_options())


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.environment_variable, raising=False)


def value_of(option: Option) -> tuple[Any, Any]:
    """What a file may hold for an option, as YAML has it, and the value that it comes to."""
    texts, value = sample_of(option)
    if option.name == "scenarios":
        return ["conflict", "unavailable"], ("conflict", "unavailable")
    if isinstance(value, tuple) and isinstance(option.default, tuple):
        return list(texts), value
    return texts[0] if option.info.parse is not None else value, value


def write(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(text, "utf-8")
    return file


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_is_reached_by_the_file(option: Option, tmp_path: Path) -> None:
    given, value = value_of(option)
    if option.info.is_file or option.name == "platform":
        (tmp_path / given).write_text("", "utf-8")
        value = str(tmp_path / given)
    file = write(tmp_path, json.dumps({option.flag.removeprefix("--"): given}))
    assert parse_serve("--config", str(file)) == dataclasses.replace(ServerOptions(), **{option.name: value})


CONTRADICTING = ("tls", "tls-authority", "workers", "shard", "peer")
"""Options that can't stand beside all others."""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tls-key: some\n", "--tls-key is the key of a certificate"),
        ("workers: 2\nshard: 0/2\n", "--workers gives each of its own servers a share"),
        ("workers: 2\ntls: true\n", "--workers serves plain HTTP"),
        ("peer: [http://a:1]\n", "--peer is given without --shard"),
        ("shard: 0/2\nstrict-auth: true\n", "needs --signing-key"),
    ],
)
def test_what_no_server_starts_with_is_not_right(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "some").write_text("", "utf-8")
    refused = run_here("check", str(write(tmp_path, text)))
    assert refused.returncode == 1
    assert why in refused.stdout


def test_every_option_in_one_file_is_right_and_fits_the_schema(tmp_path: Path) -> None:
    given = {option.flag.removeprefix("--"): value_of(option)[0] for option in OPTIONS}
    (tmp_path / "some").write_text("", "utf-8")
    refused = run_here("check", str(write(tmp_path, yaml.safe_dump(given)))).stdout
    assert refused.endswith(
        ":1:1: a server does not start with this: --tls makes a certificate, and --tls-cert names "
        "one; give one of the two\n"
    )
    fitting = {name: value for name, value in given.items() if name not in CONTRADICTING}
    assert run_here("check", str(write(tmp_path, yaml.safe_dump(fitting)))).stdout == "1 file is right\n"
    schema = json.loads(run_here("schema", "config").stdout)
    assert schema["$id"] == "urn:mockfoundry:config"
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid(given)
    assert not validator.is_valid({"max_body": 1})


def test_the_environment_wins_over_the_file_and_a_flag_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCKFOUNDRY_CONFIG", str(write(tmp_path, "{port: 1, max-body: 1, max-held: 1, strict: true}")))
    monkeypatch.setenv("MOCKFOUNDRY_PORT", "2")
    monkeypatch.setenv("MOCKFOUNDRY_MAX_BODY", "2")
    monkeypatch.setenv("MOCKFOUNDRY_STRICT", "false")
    assert parse_serve("--port", "3") == ServerOptions(port=3, max_body=2, max_held=1, strict=False)


def test_paths_begin_beside_the_file_and_names_of_the_library_stay(tmp_path: Path) -> None:
    for name in ("seed.yaml", "own.yaml"):
        (tmp_path / name).write_text("", "utf-8")
    file = write(tmp_path, "seed: seed.yaml\nplatform: shipped\nscenario: [own.yaml, conflict-then-ok]\n")
    assert parse_serve("--config", str(file)) == ServerOptions(
        seed=str(tmp_path / "seed.yaml"),
        platform="shipped",
        scenarios=(str(tmp_path / "own.yaml"), "conflict-then-ok"),
    )
    file = write(
        tmp_path, f"scenario: conflict-then-ok\nseed: {tmp_path / 'seed.yaml'}\nallow-host: mock.example.org\n"
    )
    assert parse_serve("--config", str(file)) == ServerOptions(
        seed=str(tmp_path / "seed.yaml"), scenarios=("conflict-then-ok",), allow_host=("mock.example.org",)
    )
    assert run_here("check", str(file)).stdout == "1 file is right\n"


def test_a_file_that_is_written_need_not_be_there(tmp_path: Path) -> None:
    file = write(tmp_path, "tls: true\ntls-authority: ca.pem\n")
    assert parse_serve("--config", str(file)) == ServerOptions(tls=True, tls_authority=str(tmp_path / "ca.pem"))


def test_a_file_that_gives_nothing_changes_nothing(tmp_path: Path) -> None:
    assert parse_serve("--config", str(write(tmp_path, "# nothing yet\n{}\n"))) == ServerOptions()


WRONG = """\
prot: 8080
max-body: 0
mode: statefull
strict: "yes"
head-timeout: 15
body-timeout: 0s
seed: sed.yaml
scenario:
  - conflct
  - 7
allow-host: [a:80]
control-token: 12345
"""

FOUND = """\
1:1: "prot" is not a key of a configuration (the flags of `mockfoundry serve`, without their dashes); did you mean port?
2:11: max-body is 0; it must be a whole number from 1 to 9223372036854775807
3:7: mode is "statefull"; it must be stateful or canned; did you mean stateful?
4:9: strict is "yes"; it must be true or false; write true
5:15: head-timeout is 15; it must be a DURATION: 250ms, 15s, 30m
6:15: body-timeout: '0s' would leave no time for any request; take 15s
7:7: seed is "sed.yaml"; there is no such file in FOLDER; did you mean seed.yaml?
9:5: scenario is "conflct"; there is no such file in FOLDER, and no scenario of the library; did you mean conflict?
10:5: scenario is 7; it must be the path of a file, "7" in quotes
11:14: allow-host: 'a:80' is no name of a host; write it as mock.example.org, without a port, or *.example.org
12:16: control-token is no text; write it in quotes
"""


def test_all_that_is_wrong_is_told_with_its_place_and_the_mend(tmp_path: Path) -> None:
    """The value of a secret is not: it would stand in a log."""
    (tmp_path / "seed.yaml").write_text("", "utf-8")
    file = write(tmp_path, WRONG)
    lines = [f"{file}:{line}\n" for line in FOUND.replace("FOLDER", str(tmp_path)).splitlines()]
    assert run_here("check", str(file)).stdout == "".join(lines)
    served = run_here("serve", "--config", str(file))
    assert (served.returncode, served.stdout) == (2, "")
    assert served.stderr == "".join(f"mockfoundry: {line}" for line in lines)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("port: [", ":2:1: something is missing here"),
        ("# nothing yet\n", ":1:1: is empty"),
        ("- port\n", ":1:1: the configuration is a list; it must be a mapping"),
        ("port: 1\nport: 2\n", ":2:1: the key port stands twice"),
        ("#" * MAX_DOCUMENT_BYTES + "\n", f":1:1: is larger than {MAX_DOCUMENT_BYTES} bytes"),
    ],
    ids=["no YAML", "empty", "a list", "twice", "large"],
)
def test_a_file_that_is_no_mapping_is_refused(text: str, found: str, tmp_path: Path) -> None:
    file = write(tmp_path, text)
    served = run_here("serve", "--config", str(file))
    assert served.returncode == 2
    assert f"mockfoundry: {file}{found}" in served.stderr


def test_a_file_that_can_t_be_read_is_named(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.yaml", "No such file or directory"), (tmp_path, "Is a directory")):
        served = run_here("serve", "--config", str(path))
        assert (served.returncode, served.stderr) == (2, f"mockfoundry: {path}: can't be read: {why}\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("scenario: conflict\n", "1:1: the scenario does nothing; give it rules, given, events or tls"),
        ("scenario: conflict\nruels: []\n", '2:1: "ruels" is not a key of a scenario; did you mean rules?'),
    ],
)
def test_a_scenario_is_still_checked_as_one(text: str, found: str, tmp_path: Path) -> None:
    file = write(tmp_path, text)
    assert run_here("check", str(file)).stdout == f"{file}:{found}\n"
