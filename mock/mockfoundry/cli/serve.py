"""`mockfoundry serve` and `selftest`: start a server, and say in one screen how to use it. Never answer a request."""

import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from mockfoundry.cli.errors import fail, report_user_errors
from mockfoundry.cli.printing import print_text
from mockfoundry.options import Option, ServerOptions, iterate_options
from mockfoundry.version import __version__

if TYPE_CHECKING:
    from mockfoundry.exchange.run import Service


LOOPBACK_PREFIXES = ("127.", "::1")

ADMIN_TOKENS = {"admin": "any unknown token", "refused": "the token admin"}
"""What makes a client an admin, by the setting `unknown_users`."""


def click_type_of(option: Option) -> Any:
    """The type by which click reads an option's value; None for what the default says."""
    info = option.info
    if info.parse is not None:
        return str
    if get_origin(option.type) is Literal:
        return click.Choice(get_args(option.type))
    if info.is_file:
        return click.Path()
    if option.type is int and (info.least, info.most) != (None, None):
        return click.IntRange(info.least, info.most)
    return int if option.type is int else None


def default_text_of(option: Option) -> Any:
    """An option's default as a user would give it: a duration is text."""
    from mockfoundry.documents.times import format_duration

    is_duration = option.info.parse is not None and isinstance(option.default, int)
    return format_duration(option.default) if is_duration else option.default


def click_callback_of(option: Option) -> Callable[[click.Context, click.Parameter, Any], Any] | None:
    """What makes an option's value from its text or texts, where click has no type for it."""
    parse = option.info.parse
    if parse is None:
        return None

    def read_value(context: click.Context, parameter: click.Parameter, text: Any) -> Any:
        try:
            if isinstance(text, tuple):
                return tuple(parse(each) for each in text)
            return None if text is None else parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return read_value


def add_server_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of a server."""
    for option in reversed(list(iterate_options())):
        command = click.option(
            option.flag,
            option.name,
            type=click_type_of(option),
            default=default_text_of(option),
            multiple=get_origin(option.type) is tuple,
            is_flag=option.type is bool,
            metavar=option.info.metavar or None,
            callback=click_callback_of(option),
            envvar=option.environment_variable,
            # Nothing is said of a default that is empty: the help says in words what it means.
            show_default=option.default not in (None, "", False, ()),
            help=option.info.help,
        )(command)
    return command


@click.command()
@add_server_options
def serve(**values: Any) -> None:
    """Start the mock server."""
    from mockfoundry.assembly import build_service
    from mockfoundry.server.log import write_log_to_standard_error
    from mockfoundry.server.run import (
        bind_sockets,
        make_listening_server,
        make_room_for_connections,
        share_processor_often,
        tune_garbage_collector,
        url_of_socket,
    )

    options = ServerOptions(**values)
    write_log_to_standard_error()
    with report_user_errors():
        service = build_service(options, time.time_ns() // 1000)
    try:
        bound = bind_sockets(options.host, options.port)
    except OSError as error:
        fail(f"can't listen on {options.host} port {options.port}: {error.strerror or error}{mend_of_address(error)}")
    screen = render_start_screen(service, url_of_socket(bound[0]), options)
    room = make_room_for_connections(options.max_connections)
    if room < options.max_connections:
        screen = f"{screen}\n\n  Only {room} connections: this process may open no more files (ulimit -n)."
    options = replace(options, max_connections=room)
    server = make_listening_server(service, options, lambda: print_text(screen))
    tune_garbage_collector()
    share_processor_often()

    def end(*_: object) -> None:
        # A signal that comes before uvicorn handles them; uvicorn raises the one that ended it again at its end.
        server.end()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if options.until_stdin_ends:
        threading.Thread(target=end_with_standard_input, args=(server.end,), daemon=True).start()
    server.run(sockets=bound)


def end_with_standard_input(end: Callable[[], None]) -> None:
    """Calls `end` when whoever holds the other end of the standard input has closed it, or is gone."""
    # Unbuffered: an interpreter that ends can't wait for a thread which holds the lock of a buffer.
    while os.read(0, 65_536):
        pass
    end()


def mend_of_address(error: OSError) -> str:
    """What to do about an address that can't be listened on; empty where only the error itself says it."""
    if error.errno == errno.EADDRINUSE:
        return "; --port 0 takes a free one"
    if error.errno == errno.EACCES:
        return "; take a port from 1024 on: --port 8080, or --port 0 for a free one"
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return "; --host takes an address of this machine: 127.0.0.1, or 0.0.0.0 for all that it has"
    return ""


def render_start_screen(service: "Service", url: str, options: ServerOptions) -> str:
    """What is printed once the server listens."""
    from mockfoundry.foundations.registry import DEFAULT_FOUNDATION

    contract = service.contract
    world = service.registry.get_or_create(DEFAULT_FOUNDATION, time.time_ns() // 1000).world
    counts = (
        (len(world.organizations), "organization", "organizations"),
        (len(world.spaces), "space", "spaces"),
        (len(world.apps), "app", "apps"),
        (len(world.processes), "process", "processes"),
    )
    scenarios = ", ".join(str(each) for each in options.scenarios)
    held = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts)
    lines = [
        f"mockfoundry {__version__}",
        "",
        f"  URL         {url}",
        f"  mode        {options.mode}",
        f"  contract    {contract.title} {contract.version}, {len(contract.plans)} operations",
        *render_platform(service),
        f"  foundation  default: {held}",
        f"  scenarios   {scenarios or 'none (mockfoundry scenarios lists them)'}",
        "",
    ]
    guid = next((process.guid for process in world.processes.values() if process.type == "web"), None)
    if guid is not None and "scaleProcess" in contract.plans:
        lines += [*(f"  {line}" for line in render_first_call(url, guid, options)), ""]
    if not options.host.startswith(LOOPBACK_PREFIXES):
        admins = "" if options.strict_auth else f"; {ADMIN_TOKENS[world.settings.unknown_users]} is an admin here"
        lines += [f"  This address can be reached from other machines{admins}.", ""]
    lines.append("  Ctrl-C ends it.")
    return "\n".join(lines)


def render_platform(service: "Service") -> list[str]:
    """The line about what is played around the contract."""
    platform = service.platform
    if platform is None:
        return []
    return [f"  platform    {platform.title} {platform.version}, {len(platform.plans)} operations"]


def render_first_call(url: str, guid: str, options: ServerOptions) -> list[str]:
    """The lines that show how to scale a process; where no token is known beforehand, how to have one minted."""
    lines, token = ["Try it"], "admin"
    if options.strict_auth:
        control_token = " -H 'X-Mock-Control-Token: CONTROL_TOKEN'" if options.control_token else ""
        lines += [
            f"  TOKEN=$(curl -s -X POST{control_token} {url}/__mock/foundations/default/tokens \\",
            '    | sed \'s/.*"access_token":"\\([^"]*\\).*/\\1/\')',
        ]
        token = "$TOKEN"  # noqa: S105 (the shell's variable)
    return [
        *lines,
        f"  curl -i -X POST {url}/v3/processes/{guid}/actions/scale \\",
        f"    -H \"Authorization: bearer {token}\" -H 'Content-Type: application/json' -d '{{\"instances\": 3}}'",
    ]


@click.command()
@click.option(
    "--rounds", default=1000, type=click.IntRange(1, 100_000), show_default=True, help="How many rounds to play."
)
def selftest(rounds: int) -> None:
    """Play rounds of 32 parallel requests on a server started for them: exit code 0 if all were exact, 1 if not."""
    from mockfoundry.selftest import PARALLEL_REQUESTS, SEQUENCE_STATUSES, TIMES, run_selftest

    result = run_selftest(rounds)
    print_text(f"{PARALLEL_REQUESTS} parallel requests a round, {result.seconds:.1f} seconds")
    print_text(
        f"  a rule with times: {TIMES} fired exactly {TIMES} times    {result.exact_counted_rounds} of {rounds} rounds"
    )
    print_text(
        f"  a sequence of {len(SEQUENCE_STATUSES)} came whole and in turn     "
        f"{result.exact_sequence_rounds} of {rounds} rounds"
    )
    if not result.holds:
        raise SystemExit(1)
