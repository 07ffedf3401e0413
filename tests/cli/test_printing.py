"""No control character reaches a terminal, whatever a client or a file has sent: by no command, report or log line."""

import ast
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import mockfoundry
from mockfoundry.cli import main
from mockfoundry.client.errors import ControlError, VerificationError
from mockfoundry.client.server import Server
from mockfoundry.documents.quoting import quote_line, quote_text
from mockfoundry.documents.yaml_writing import render_word
from mockfoundry.pytest_plugin.foundations import render_failure_report
from mockfoundry.scenarios.format import read_scenario
from mockfoundry.server.log import QuotingFormatter
from tests.serving import ADMIN, WEB, Serving, serving

PACKAGE = Path(mockfoundry.__file__).parent

HOSTILE = "\x1b[31m\x07\x9b\x7f\u202e\u2066\u2028\r\t\x08"
"""ESC, BEL, CSI as one character, DEL, what turns the direction of writing, a line separator, a carriage return."""


WAYS_TO_A_TERMINAL = (
    *("click.echo", "click.secho", "click.echo_via_pager", "print", "sys.stdout.write", "sys.stderr.write"),
    "terminalreporter.write_line",
)


def must_be_harmless(text: str) -> None:
    assert [sign for sign in text if not (sign.isprintable() or sign == "\n")] == []


@given(st.text())
def test_quoted_text_can_be_printed_and_its_json_is_the_same(text: str) -> None:
    must_be_harmless(quote_text(text))
    assert quote_line(text).isprintable()
    written = json.dumps({text: [text]}, ensure_ascii=False)
    assert json.loads(quote_text(written)) == {text: [text]}
    assert quote_text(quote_text(text)) == quote_text(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_scenario_is_written_without_them_and_read_with_them(text: str) -> None:
    assert render_word(text).isprintable()
    rule = {"operation": "scaleProcess", "respond": {"status": 503, "body": {"a": text}}}
    written = read_scenario(json.dumps({"scenario": "a", "description": "b", "rules": [rule]}), source="a").to_yaml()
    assert quote_text(written) == written
    respond = read_scenario(written, source="a").rules[0].respond
    assert respond is not None
    assert respond.body == {"a": text}


def test_commands_print_in_one_place_alone() -> None:
    """A `click.echo`, a `print` or a write to the standard streams elsewhere would go round the quoting."""
    found = [
        f"{path.relative_to(PACKAGE)} {ast.unparse(node.func)}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in WAYS_TO_A_TERMINAL
    ]
    assert sorted(found) == [
        "cli/printing.py click.echo",
        # It quotes what it writes, and so does the plugin.
        "client/subprocess_server.py sys.stderr.write",
        # `make contract` prints names of files.
        "contract/load.py sys.stdout.write",
        "pytest_plugin/__init__.py terminalreporter.write_line",
        "pytest_plugin/__init__.py terminalreporter.write_line",
        "pytest_plugin/__init__.py terminalreporter.write_line",
    ]


@pytest.fixture(scope="module")
def told() -> Iterator[Serving]:
    """A server to which a client has sent them everywhere."""
    with serving(scenarios=("conflict-then-ok",)) as server:
        hostile = HOSTILE.encode()
        # httptools takes no C0 in a header, but C1 and what UTF-8 makes of the others.
        header = "\x9b31m\u202e".encode()
        for _ in range(2):
            server.client.post(
                f"/v3/processes/{WEB}/actions/scale?a%1b=%c2%9b%e2%80%ae",
                content=b'{"instances": 2, "' + hostile + b'": "x"}',
                headers=[
                    *((name.encode(), value.encode()) for name, value in ADMIN.items()),
                    *((b"Content-Type", b"application/json"), (b"X-Note", header), (b"User-Agent", header)),
                ],
            )
            server.client.post("/v3/nothing%1b%0d%c2%9b", content=hostile, headers={"Content-Type": "text/plain"})
            server.scale({"instances": 3})
        annotations = {"metadata": {"annotations": {"a": HOSTILE}}, "command": f"run {HOSTILE}"}
        server.client.patch(f"/v3/processes/{WEB}", json=annotations)
        yield server


COMMANDS: list[tuple[str, ...]] = [
    ("log",),
    ("log", "--format", "json"),
    *(("log", "--curl", str(number)) for number in range(1, 8)),
    ("log", "--foundation", HOSTILE),
    ("log", "--operation", HOSTILE),
    ("retries",),
    ("retries", "--format", "json"),
    ("retries", "--max", "0"),
    ("replay",),
    ("coverage",),
    ("coverage", "--scenario", HOSTILE, HOSTILE),
    ("health",),
]


@pytest.mark.parametrize("words", COMMANDS, ids=repr)
def test_no_command_that_asks_sends_them(told: Serving, words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [words[0], "--url", told.url, *words[1:]])
    must_be_harmless(result.output)
    must_be_harmless(result.stderr)
    assert result.output
    if words[1:] == ("--format", "json"):
        assert all(json.loads(line) for line in result.output.splitlines())


def test_the_name_of_a_file_that_can_t_be_read_is_harmless() -> None:
    result = CliRunner().invoke(main, ("check", HOSTILE))
    assert result.exit_code == 2
    must_be_harmless(result.output)
    assert "can't be read" in result.output


@pytest.mark.parametrize(
    "words",
    [
        (HOSTILE,),
        ("log", f"--{HOSTILE}"),
        ("log", "--curl", HOSTILE),
        ("serve", "--port", HOSTILE),
        ("serve", "--contract", HOSTILE),
        ("scenarios", HOSTILE),
        ("check", "--seed", HOSTILE, "-"),
        ("health", "--url", HOSTILE),
        ("wait", "--url", HOSTILE),
    ],
    ids=repr,
)
def test_no_error_repeats_them(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code in (1, 2)
    must_be_harmless(result.stderr)
    assert result.stderr


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_a_checked_file_may_hold_them(tmp_path: Path, form: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(json.dumps({"scenario": HOSTILE, HOSTILE: 1, "rules": [{"operation": HOSTILE}]}))
    result = CliRunner().invoke(main, ["check", str(file), "--format", form])
    assert result.exit_code == 1
    must_be_harmless(result.output)


def test_a_failed_tests_report_has_none(told: Serving) -> None:
    foundation = Server.connect(told.url).foundation("default")
    must_be_harmless(render_failure_report(foundation))
    with pytest.raises(VerificationError) as failed:
        foundation.verify("scaleProcess", when={"headers": {"x-note": HOSTILE}, "body": {"a": HOSTILE}})
    must_be_harmless(str(failed.value))
    with pytest.raises(ControlError) as refused:
        foundation.change({HOSTILE: 1})
    must_be_harmless(str(refused.value))


def test_no_log_line_has_them_nor_has_its_traceback() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record = logging.LogRecord("mockfoundry", logging.ERROR, "", 1, "failed on %s", (HOSTILE,), sys.exc_info())
    text = QuotingFormatter().format(record)
    assert "Traceback" in text
    must_be_harmless(text)


def test_click_s_own_ways_out_are_kept() -> None:
    for words, code in ((["--help"], 0), (["--version"], 0), ([], 2), (["log", "--help"], 0), (["nothing"], 2)):
        assert CliRunner().invoke(main, words).exit_code == code, words

    @click.command()
    def abort() -> None:
        raise click.Abort

    result = CliRunner().invoke(made_group(abort), ["abort"])
    assert (result.exit_code, result.stderr) == (1, "Aborted!\n")


def made_group(command: click.Command) -> Any:
    return type(main)("group", commands={"abort": command})
