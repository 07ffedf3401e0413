"""An option of a server is declared once: every way to give it, and every page that lists it, follow from there."""

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
import msgspec
import pytest

from mockfoundry.cli.serve import serve
from mockfoundry.client.in_process import InProcess
from mockfoundry.client.server import Server
from mockfoundry.documents.problems import Document
from mockfoundry.foundations.bounds import ServerBounds
from mockfoundry.options import Option, ServerOptions, iterate_options
from mockfoundry.server.limits import ServerLimits

OPTIONS = tuple(iterate_options())
PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
SERVE_PAGE = PAGE[PAGE.index("## mockfoundry serve") : PAGE.index("## mockfoundry scenarios")]

each_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)


def sample_of(option: Option) -> tuple[tuple[str, ...], Any]:
    """Texts that a user may give for an option, and the value that they come to, which is not the default."""
    if option.name == "allow_host":
        return ("mock.example.org", "*.example.com"), ("mock.example.org", "*.example.com")
    if option.name == "store":
        return ("file:kept",), "file:kept"
    if option.name == "shard":
        return ("2/4",), (2, 4)
    if option.name == "peer":
        return ("http://a:1", "https://b"), ("http://a:1", "https://b")
    if option.info.parse is not None:
        return ("30m",), option.info.parse("30m")
    if get_origin(option.type) is Literal:
        last = get_args(option.type)[-1]
        return (last,), last
    if get_origin(option.type) is tuple:
        return ("one", "other"), ("one", "other")
    if option.type is bool:
        return (), True
    if option.type is int:
        return ("7",), 7
    return ("some",), "some"


def parse_serve(*arguments: str) -> ServerOptions:
    """What `mockfoundry serve` understands."""
    return ServerOptions(**serve.make_context("serve", list(arguments)).params)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.environment_variable, raising=False)


def test_without_options_it_is_the_defaults() -> None:
    assert parse_serve() == ServerOptions()


@each_option
def test_every_option_is_reached_by_its_flag(option: Option) -> None:
    texts, value = sample_of(option)
    arguments = [word for text in texts for word in (option.flag, text)] or [option.flag]
    assert value != option.default
    assert parse_serve(*arguments) == dataclasses.replace(ServerOptions(), **{option.name: value})


@each_option
def test_every_option_is_reached_by_the_environment(option: Option, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, value = sample_of(option)
    monkeypatch.setenv(option.environment_variable, " ".join(texts) or "1")
    assert parse_serve() == dataclasses.replace(ServerOptions(), **{option.name: value})


@each_option
def test_every_option_is_on_the_page_of_the_command_line(option: Option) -> None:
    row = next(line for line in SERVE_PAGE.splitlines() if re.match(rf"\| `{option.flag}[ `]", line))
    assert f"`{option.environment_variable}`" in row
    assert option.info.help in row


def test_serve_has_no_other_options_but_a_file_of_them() -> None:
    assert {each.name for each in serve.params} == {"config", *(each.name for each in OPTIONS)}
    assert SERVE_PAGE.count("\n| `--") == 1 + len(OPTIONS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--random-seed", "9223372036854775808"),
        ("--random-seed", "-9223372036854775809"),
        ("--expire-idle", "0s"),
        ("--expire-idle", "soon"),
        ("--store-interval", "0s"),
        ("--max-body", "0"),
        ("--allow-host", "a:80"),
    ],
)
def test_a_value_out_of_bounds_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(click.BadParameter, match=arguments[1]):
        parse_serve(*arguments)


@pytest.mark.parametrize("server", [Server, InProcess])
def test_python_refuses_a_number_out_of_bounds(server: type[Server | InProcess]) -> None:
    text = "random_seed=9223372036854775808 is not a whole number from -9223372036854775808 to 9223372036854775807"
    with pytest.raises(ValueError, match=text):
        server(random_seed=1 << 63)
    with pytest.raises(ValueError, match="max_foundations=0 is not at least 1"):
        server(max_foundations=0)


@pytest.mark.parametrize("server", [Server, InProcess])
def test_python_takes_what_is_declared_for_it(server: type[Server | InProcess]) -> None:
    """None stands for the default, where the default is the server's own. What has no socket speaks no TLS."""
    declared = {each.name: each.default for each in OPTIONS if each.info.in_python}
    taken = {name: each.default for name, each in inspect.signature(server).parameters.items()}
    taken = {name: value for name, value in taken.items() if name not in ("tls", "in_thread")}
    assert set(taken) == set(declared)
    assert {name: declared[name] if value is None else value for name, value in taken.items()} == declared


def test_server_and_in_process_take_the_same_in_the_same_order() -> None:
    server, in_process = (list(inspect.signature(each).parameters.values()) for each in (Server, InProcess))
    assert server[:-2] == in_process
    assert [each.name for each in server] == [
        *("seed", "scenarios", "random_seed", "contract", "strict", "mode", "max_foundations"),
        *("platform", "tls", "in_thread"),
    ]


def test_a_server_in_a_process_of_its_own_gets_every_option() -> None:
    options = ServerOptions(
        seed=Document("{}", "seed"), scenarios=("conflict", Document("scenario: mine", "mine.yaml")), max_held=7
    )
    assert msgspec.json.decode(msgspec.json.encode(options), type=ServerOptions) == options


def test_the_bounds_of_foundations_and_requests_have_no_defaults_of_their_own() -> None:
    assert ServerBounds() == ServerBounds.from_options(ServerOptions())
    assert ServerLimits() == ServerLimits.from_options(ServerOptions())
