"""`mockfoundry serve --workers N`: shards on this machine behind nginx, as one server. Never answers a request.

Each shard is `mockfoundry serve` in a process of its own, with the options of this one. It ends when its standard input
does, so none is left behind by whatever ends this process.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from mockfoundry.cli.errors import fail, fail_to_listen
from mockfoundry.cli.printing import print_text
from mockfoundry.cli.proxy import find_nginx_module
from mockfoundry.cli.start_screen import (
    describe_console,
    describe_scenarios,
    describe_seed,
    reachable_url,
    render_call,
)
from mockfoundry.options import ServerOptions
from mockfoundry.version import __version__

START_SECONDS = 60.0
"""How long shards may take to be ready; a large seed takes a while."""

LOOK_SECONDS = 0.02
"""How often it is looked whether they are."""

END_SECONDS = 30.0
"""How long a process may take to end by itself; with --store a shard has much to save."""

QUICK_DEATH_SECONDS = 10.0
MOST_QUICK_DEATHS = 3
"""A shard that ends so soon after its start is not started again for ever."""

NGINX_ADVICE = (
    "--workers puts nginx before the shards, and there is no nginx on the PATH; install it (apt-get install nginx "
    "libnginx-mod-http-js), or start the shards and a proxy of yours by mockfoundry proxy-config"
)


_RUN_WITH_LIFELINE = """\
import subprocess, sys, threading
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
def end():
    sys.stdin.buffer.read()
    child.terminate()
threading.Thread(target=end, daemon=True).start()
sys.exit(child.wait())
"""
"""Runs a program until the standard input ends: nginx would outlive a process that is killed, and keep its port."""


class Ended(NamedTuple):
    """A process that has ended.

    Attributes:
        shard: its number; -1 for nginx.
    """

    shard: int
    code: int


class EndAll(NamedTuple):
    """The whole is to end, for a signal or for the end of the standard input."""


Event = Ended | EndAll


class Shards:
    """The processes of the shards, each started again where it ends without being asked to.

    Args:
        ports: that they listen on, in the order of their numbers.
        arguments: of this command, which are theirs too.
        shows_log: whether what they print is shown.
        are_kept: whether a shard that is started again has its foundations as they were saved.
    """

    def __init__(
        self,
        ports: Sequence[int],
        arguments: Sequence[str],
        events: "SimpleQueue[Event]",
        *,
        shows_log: bool,
        are_kept: bool,
    ) -> None:
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self._ports = ports
        self._arguments = arguments
        self._events = events
        self._are_kept = are_kept
        self._output = None if shows_log else subprocess.DEVNULL
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._started: dict[int, float] = {}
        self._quick_deaths = dict.fromkeys(range(len(ports)), 0)

    def start(self, number: int) -> None:
        """Starts a shard."""
        own = ["--workers", "1", "--host", "127.0.0.1", "--port", str(self._ports[number]), "--until-stdin-ends"]
        own += ["--shard", f"{number}/{len(self._ports)}"]
        for url in self.urls:
            own += ["--peer", url]
        process = start_with_lifeline([sys.executable, "-m", "mockfoundry", *self._arguments, *own], self._output)
        self._processes[number], self._started[number] = process, time.monotonic()
        watch_process(process, number, self._events)

    def restart(self, ended: Ended) -> bool:
        """Starts a shard again; gives whether that has a point."""
        shard, count = ended.shard, len(self._ports)
        lived = time.monotonic() - self._started[shard]
        self._quick_deaths[shard] = self._quick_deaths[shard] + 1 if lived < QUICK_DEATH_SECONDS else 0
        told = f"mockfoundry: shard {shard}/{count} has ended with exit code {ended.code}"
        if self._quick_deaths[shard] >= MOST_QUICK_DEATHS:
            print_text(f"{told}, again and again; all end", error=True)
            return False
        how = "go on as they were saved" if self._are_kept else "begin anew"
        print_text(f"{told}; it is started again, and its foundations {how}", error=True)
        self.start(shard)
        return True

    def wait_until_ready(self) -> None:
        """Returns once each of them listens; ends the command where one has ended, or takes too long."""
        end = time.monotonic() + START_SECONDS
        for number, port in enumerate(self._ports):
            while not can_connect(port):
                code = self._processes[number].poll()
                if code is not None:
                    fail(f"shard {number}/{len(self._ports)} did not start; its exit code is {code}")
                if time.monotonic() > end:
                    fail(f"shard {number}/{len(self._ports)} was not ready within {START_SECONDS:g} seconds")
                must_go_on(self._events)

    def end(self) -> None:
        """Ends all of them."""
        end_processes(self._processes.values())


def serve_by_workers(options: ServerOptions, arguments: Sequence[str]) -> None:
    """Serves by shards behind nginx, until a signal comes.

    Args:
        arguments: of the command line, behind `mockfoundry`.
    """
    nginx = shutil.which("nginx") or fail(NGINX_ADVICE)
    must_be_free(options)
    events = SimpleQueue[Event]()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: events.put(EndAll()))
    with ExitStack() as stack:
        ports = find_free_ports(options.workers)
        shows_log, are_kept = options.log in ("text", "json"), options.store is not None
        shards = Shards(ports, arguments, events, shows_log=shows_log, are_kept=are_kept)
        stack.callback(shards.end)
        for number in range(options.workers):
            shards.start(number)
        shards.wait_until_ready()
        reads_tokens = stack.enter_context(run_nginx(nginx, shards.urls, options, events))
        print_text(render_screen(options, shards.urls, reads_tokens), error=options.log == "json")
        if options.until_stdin_ends:
            threading.Thread(target=wait_for_standard_input, args=(events,), daemon=True).start()
        while True:
            event = events.get()
            if isinstance(event, EndAll):
                return
            if event.shard < 0:
                fail(f"nginx has ended with exit code {event.code}; all end")
            if not shards.restart(event):
                raise SystemExit(1)


def must_go_on(events: "SimpleQueue[Event]") -> None:
    """Waits a moment; ends the command where it is to end before everything is ready."""
    with suppress(Empty):
        event = events.get(timeout=LOOK_SECONDS)
        if isinstance(event, EndAll):
            raise SystemExit(0)
        fail(f"{'nginx' if event.shard < 0 else f'shard {event.shard}'} did not start; its exit code is {event.code}")


def must_be_free(options: ServerOptions) -> None:
    """Ends the command where nginx could not listen, before anything is started."""
    from mockfoundry.server.run import bind_socket

    try:
        bind_socket(options.host, options.port).close()
    except OSError as error:
        fail_to_listen(options, error)


def find_free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def can_connect(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def run_nginx(
    program: str, shards: Sequence[str], options: ServerOptions, events: "SimpleQueue[Event]"
) -> Iterator[bool]:
    """nginx before the shards, until the block ends. Gives whether it reads tokens."""
    from mockfoundry.proxies.nginx import TOKEN_SCRIPT, write_nginx_configuration

    with tempfile.TemporaryDirectory(prefix="mockfoundry-") as folder:
        # nginx's own processes are another user's, where root starts it.
        Path(folder).chmod(0o711)
        module = find_nginx_module()
        script = Path(folder, "token.js") if module else None
        if script is not None:
            script.write_text(TOKEN_SCRIPT)
        host = f"[{options.host}]" if ":" in options.host else options.host
        listen = [f"{host}:{options.port}"]
        configuration = write_nginx_configuration(shards, listen, token_script=script, module=module, folder=folder)
        file = Path(folder, "nginx.conf")
        file.write_text(configuration)
        command = [program, "-p", folder, "-c", str(file), "-e", "stderr", "-g", "daemon off;"]
        process = start_with_lifeline([sys.executable, "-S", "-E", "-c", _RUN_WITH_LIFELINE, *command], None)
        try:
            end = time.monotonic() + START_SECONDS
            asked = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # noqa: S104
            while not can_connect(options.port, asked):
                if process.poll() is not None:
                    fail(f"nginx did not start on {host}:{options.port}; it said why above")
                if time.monotonic() > end:
                    fail(f"nginx was not ready within {START_SECONDS:g} seconds")
                must_go_on(events)
            watch_process(process, -1, events)
            yield script is not None
        finally:
            end_processes([process])


def watch_process(process: "subprocess.Popen[bytes]", number: int, events: "SimpleQueue[Event]") -> None:
    """Tells of the end of a process."""
    threading.Thread(target=lambda: events.put(Ended(number, process.wait())), daemon=True).start()


def start_with_lifeline(command: Sequence[str], output: int | None) -> "subprocess.Popen[bytes]":
    """Starts a program that ends when its standard input does.

    Args:
        output: where its own goes, as subprocess says it; None for where this process's goes.
    """
    # Ctrl-C goes to every process of a terminal; only this one may end them.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, start_new_session=True)  # noqa: S603


def end_processes(processes: Collection["subprocess.Popen[bytes]"]) -> None:
    """Ends programs that were started with lifelines, all at once."""
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
    for process in processes:
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_standard_input(events: "SimpleQueue[Event]") -> None:
    while os.read(0, 65_536):
        pass
    events.put(EndAll())


def render_screen(options: ServerOptions, urls: Sequence[str], reads_tokens: bool) -> str:
    """What is printed once all listen."""
    host = f"[{options.host}]" if ":" in options.host else options.host
    url = reachable_url(f"http://{host}:{options.port}", options.host)
    lines = [
        f"mockfoundry {__version__}",
        "",
        f"  URL         {url}",
        f"  console     {describe_console(url, options)}",
        f"  shards      {options.workers}, behind nginx: {', '.join(urls)}",
        "  foundation  each is on one shard, which its name decides",
        f"  seed        {describe_seed(options)}, random seed {options.random_seed}",
        *([] if options.store is None else [f"  store       {describe_store(options.store)}"]),
        f"  scenarios   {describe_scenarios(options)}",
        "",
    ]
    if options.contract is None:
        from mockfoundry.foundations.registry import DEFAULT_FOUNDATION

        called = render_call(f"{url}/v3/processes", "", url, options, "curl", DEFAULT_FOUNDATION)
        lines += [f"  {line}" for line in called] + [""]
    if not reads_tokens:
        lines += [
            "  nginx reads no tokens here, so name the foundation by path, header or host; with its JavaScript module",
            "  (Debian: libnginx-mod-http-js) a log-in as admin@ci-42 is enough.",
            "",
        ]
    return "\n".join([*lines, "  Ctrl-C ends it."])


def describe_store(address: str) -> str:
    """The address of a store, without a password."""
    if address.startswith("file:"):
        return address
    from mockfoundry.store.redis import hide_password

    return hide_password(address)
