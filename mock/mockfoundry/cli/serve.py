"""`mockfoundry serve` and `selftest`: start a server. Never answer a request."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from mockfoundry.cli.completion import complete_scenario
from mockfoundry.cli.errors import fail, fail_to_listen, report_user_errors, require_standard_input
from mockfoundry.cli.printing import print_text, show_progress
from mockfoundry.cli.start_screen import find_unread_variables, is_in_container, render_start_screen
from mockfoundry.garbage import keep_what_is_imported, pause_collection, tune_garbage_collector
from mockfoundry.options import Option, RequestLogChoice, ServerOptions, find_contradiction, iterate_options

if TYPE_CHECKING:
    from mockfoundry.exchange.run import Service
    from mockfoundry.server.request_log import RequestLog
    from mockfoundry.server.run import ListeningServer
    from mockfoundry.server.tls import Tls


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
            show_envvar=True,
            # Nothing is said of a default that is empty: the help says in words what it means.
            show_default=option.default not in (None, "", False, ()),
            help=option.info.help,
            shell_complete=complete_scenario if option.name == "scenarios" else None,
        )(command)
    return command


CONFIGURATION_KEY = "mockfoundry.configuration"
"""Where a command finds the file that its options came from."""


def take_configuration(context: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    """Has the command take from a file what neither its flags nor the environment give."""
    if path is None:
        return
    from mockfoundry.configuration import read_configuration_file
    from mockfoundry.shipped import list_library_files

    with report_user_errors():
        context.default_map = dict(read_configuration_file(path, list_library_files()))
    context.meta[CONFIGURATION_KEY] = str(path)


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    envvar="MOCKFOUNDRY_CONFIG",
    show_envvar=True,
    is_eager=True,
    expose_value=False,
    callback=take_configuration,
    help="A file (YAML or JSON) with these options; a flag or a variable wins over it.",
)
@add_server_options
def serve(**values: Any) -> None:
    """Start the mock server."""
    options = ServerOptions(**values)
    contradiction = find_contradiction(options)
    if contradiction:
        fail(contradiction)
    if options.watch:
        must_have_files(options)
    if options.workers > 1:
        from mockfoundry.cli.workers import serve_by_workers

        serve_by_workers(options, sys.argv[1:])
    else:
        serve_here(options, click.get_current_context())


def serve_here(options: ServerOptions, context: click.Context) -> None:
    """Serves in this process, until a signal comes.

    Args:
        context: of the command, at whose end what the server needs is taken away.
    """
    context.with_resource(pause_collection())
    from mockfoundry.server.log import write_log_to_standard_error
    from mockfoundry.server.run import (
        bind_sockets,
        make_listening_server,
        make_room_for_connections,
        share_processor_often,
        url_of_socket,
    )

    keep_what_is_imported()
    write_log_to_standard_error()
    for hint in find_unread_variables(os.environ):
        print_text(f"mockfoundry: {hint}", error=True)
    service, tls = build_from_options(options, context)
    try:
        bound = bind_sockets(options.host, options.port)
    except OSError as error:
        fail_to_listen(options, error)
    authority = "" if tls is None else tls.authority_file
    screen = render_start_screen(
        service,
        url_of_socket(bound[0], tls),
        options,
        is_in_container(os.environ),
        authority,
        context.meta.get(CONFIGURATION_KEY, ""),
    )
    room = make_room_for_connections(options.max_connections)
    if room < options.max_connections:
        screen = f"{screen}\n\n  Only {room} connections: this process may open no more files (ulimit -n)."
    options = replace(options, max_connections=room)
    request_log = open_request_log(options.log)
    service = replace(service, note_request=None if request_log is None else request_log.note)
    # Who reads the log as JSON reads nothing else from the standard output.
    server = make_listening_server(service, options, lambda: print_text(screen, error=options.log == "json"), tls)
    stop_watching = watch_files(options, service, server) if options.watch else None
    tune_garbage_collector()
    share_processor_often()

    def end(*_: object) -> None:
        # A signal that comes before uvicorn handles them; uvicorn raises the one that ended it again at its end.
        server.end()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if options.until_stdin_ends:
        require_standard_input()
        threading.Thread(target=end_with_standard_input, args=(server.end,), daemon=True).start()
    server.run(sockets=bound)
    if stop_watching is not None:
        stop_watching()
    if request_log is not None:
        request_log.close()


def build_from_options(options: ServerOptions, context: click.Context) -> "tuple[Service, Tls | None]":
    """The service that the options describe, and how it speaks TLS; ends the command where they can't be used."""
    from mockfoundry.assembly import build_service
    from mockfoundry.server.tls import TlsError, set_up_tls
    from mockfoundry.store.versions import StoreUnreachableError

    try:
        with report_user_errors():
            service = build_service(options, time.time_ns() // 1000)
            return service, set_up_tls(options, context.call_on_close)
    except TlsError as error:
        fail(str(error))
    except StoreUnreachableError as error:
        fail(f"--store: {error}")


def must_have_files(options: ServerOptions) -> None:
    """Ends the command where --watch has nothing to watch."""
    from mockfoundry.server.watching import list_watched_paths

    if not list_watched_paths(options):
        fail("--watch has no file to watch; name one with --seed or --scenario, or leave --watch out")


def watch_files(options: ServerOptions, service: "Service", server: "ListeningServer") -> Callable[[], None]:
    """Has the files of the options read anew when they change; what is returned ends that."""
    from mockfoundry.server.watching import FileWatcher, ReadFiles, use_files, watch_in_thread

    def read_clock() -> int:
        return time.time_ns() // 1000

    def tell(text: str) -> None:
        print_text(f"mockfoundry: {text}", error=True)

    def apply(read: ReadFiles) -> None:
        server.run_soon(lambda: use_files(service, read, read_clock(), tell))

    world = service.registry.initial_world
    return watch_in_thread(FileWatcher(options, service.served, world, apply, tell, read_clock))


def open_request_log(choice: RequestLogChoice) -> "RequestLog | None":
    """What has each request printed on the standard output; None for nothing."""
    if choice == "off" or (choice == "auto" and not sys.stdout.isatty()):
        return None
    from mockfoundry.server.request_log import RequestLog

    return RequestLog("json" if choice == "json" else "text", print_text)


def end_with_standard_input(end: Callable[[], None]) -> None:
    """Calls `end` when whoever holds the other end of the standard input has closed it, or is gone."""
    # Unbuffered: an interpreter that ends can't wait for a thread which holds the lock of a buffer.
    while os.read(0, 65_536):
        pass
    end()


@click.command()
@click.option(
    "--rounds", default=1000, type=click.IntRange(1, 100_000), show_default=True, help="How many rounds to play."
)
def selftest(rounds: int) -> None:
    """Play rounds of 32 parallel requests on a server started for them: exit code 0 if all were exact, 1 if not."""
    from mockfoundry.selftest import PARALLEL_REQUESTS, SEQUENCE_STATUSES, TIMES, run_selftest

    with show_progress("rounds", rounds) as step:
        result = run_selftest(rounds, step)
    print_text(f"{PARALLEL_REQUESTS} parallel requests a round, {result.seconds:.1f} seconds")
    rows = (
        (f"a rule with times: {TIMES} fired exactly {TIMES} times", result.exact_counted_rounds),
        (f"a sequence of {len(SEQUENCE_STATUSES)} came whole and in turn", result.exact_sequence_rounds),
    )
    width = max(len(told) for told, _ in rows)
    for told, exact in rows:
        print_text(f"  {told:<{width}}  {exact:>{len(str(rounds))}} of {rounds} rounds")
    if not result.holds:
        raise SystemExit(1)
