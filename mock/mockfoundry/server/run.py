"""A service that listens on a socket, by uvicorn, in this thread or in one of its own. Never decides a response."""

import asyncio
import errno
import functools
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Self, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockfoundry.exchange.run import Service
from mockfoundry.options import ServerOptions
from mockfoundry.server.asgi import AsgiApp
from mockfoundry.server.bounded import has_expected_methods
from mockfoundry.server.closing import IDLE_SECONDS
from mockfoundry.server.delivery import Delivery
from mockfoundry.server.handshakes import HandshakeDoor
from mockfoundry.server.limits import ServerLimits
from mockfoundry.server.protocol import make_asgi_protocol_class, make_protocol_class
from mockfoundry.server.tls import Tls
from mockfoundry.server.waiting import MICROSECONDS_PER_SECOND, WaitingRoom

if TYPE_CHECKING:
    from mockfoundry.control.api import ControlApi
    from mockfoundry.server.saving import SnapshotSaver

GRACE_SECONDS = 0.5
"""How long a response may still take once the server is to end."""

PAUSE_SECONDS = 0.005
"""How often a server that is to end looks whether its connections are closed."""

SPARE_FILES = 100
"""Files that are open besides those of connections, and connections that are refused but not closed yet."""

SWITCH_SECONDS = 0.001
"""After how long one thread of Python's hands over to another one that waits."""

log = logging.getLogger("mockfoundry")


class ListeningServer(uvicorn.Server):
    """uvicorn's server. Calls `ready` once it listens, and ends as soon as it is to.

    uvicorn looks ten times a second whether it is to end, or whether its connections are closed. Here it is told.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        room: WaitingRoom,
        delivery: Delivery,
        end_handshakes: Callable[[], None],
        saver: "SnapshotSaver | None",
    ) -> None:
        super().__init__(config)
        self._saver = saver
        self._ready = ready
        self._room = room
        self._delivery = delivery
        self._end_handshakes = end_handshakes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_to_end = asyncio.Event()

    def end(self) -> None:
        """Has the server end. May be called in any thread, and by a signal."""
        self.should_exit = True
        if self._loop is not None:
            # The loop may have ended by itself.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._is_to_end.set)

    def run_soon(self, step: Callable[[], None]) -> None:
        """Has something done where exchanges are made. May be called in any thread, once the server listens."""
        if self._loop is not None:
            # The loop may have ended by itself.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(step)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.end()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self._saver is not None:
            self._saver.start()
        self._ready()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        if not self.should_exit:
            await self._is_to_end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets what is held go on, breaks off what sleeps long, and waits a moment for the rest, then breaks that off.

        A connection is broken off before its task is cancelled, or uvicorn would answer 500 for the task.
        """
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        self._end_handshakes()
        self._room.close()
        self._delivery.break_off(GRACE_SECONDS)
        state = self.server_state
        for connection in tuple(state.connections):
            connection.shutdown()
        await self._wait_for_connections(GRACE_SECONDS)
        for connection in tuple(state.connections):
            connection.transport.abort()
        await self._wait_for_connections(PAUSE_SECONDS)
        for task in tuple(state.tasks):
            task.cancel()
        if self._saver is not None:
            await self._saver.end()

    async def _wait_for_connections(self, seconds: float) -> None:
        state, loop = self.server_state, asyncio.get_running_loop()
        end = loop.time() + seconds
        while (state.connections or state.tasks) and loop.time() < end and not self.force_exit:
            await asyncio.sleep(PAUSE_SECONDS)


def share_processor_often() -> None:
    """Has a thread of the worker room hand over to the loop soon, which needs several turns for one request."""
    sys.setswitchinterval(SWITCH_SECONDS)


def make_room_for_connections(wanted: int) -> int:
    """How many of so many connections this process can have open; raises its bound on open files where it may.

    Without room a connection would neither be served nor refused: it would wait to be accepted.
    """
    try:
        import resource
    except ImportError:  # Windows has no such bound
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted + SPARE_FILES:
        return wanted
    raised = wanted + SPARE_FILES if hard == resource.RLIM_INFINITY else min(wanted + SPARE_FILES, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    except (OSError, ValueError):
        raised = soft
    return max(1, min(wanted, raised - SPARE_FILES))


def bind_socket(host: str, port: int) -> socket.socket:
    """A socket bound to an address; port 0 takes a free one.

    Raises:
        OSError: the address is taken, or is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform == "win32":
        # There the option below would let two programs have one address.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
        bound.listen(2048)
    except BaseException:
        bound.close()
        raise
    return bound


IPV6_LOOPBACK = "::1"

PORT_TRIES = 8
"""How often a free port is looked for that is free on both loopback addresses."""


def bind_sockets(host: str, port: int) -> list[socket.socket]:
    """The sockets to listen on: for 127.0.0.1 also ::1 with the same port, where the machine has that.

    Many clients take `localhost` for ::1 first. The first socket is that of the host itself.

    Raises:
        OSError: the address is taken, or is not one of this machine.
    """
    for _ in range(PORT_TRIES if host == ServerOptions.host else 0):
        first = bind_socket(host, port)
        try:
            return [first, bind_socket(IPV6_LOOPBACK, first.getsockname()[1])]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [first]
            if port:
                log.warning("another program listens on [::1]:%d, so http://localhost may lead there", port)
                return [first]
            first.close()
    return [bind_socket(host, port)]


def url_of_socket(bound: socket.socket, tls: Tls | None = None) -> str:
    """The URL of a bound socket, by https where it speaks TLS."""
    scheme = "http" if tls is None else "https"
    host, port = bound.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def make_listening_server(
    service: Service, options: ServerOptions, ready: Callable[[], None], tls: Tls | None = None
) -> ListeningServer:
    """A server for a service; run it with `run(sockets=[bound])`.

    Args:
        options: only the bounds on requests, the door, the control token and the store's interval are used here.
        ready: called once it listens.
        tls: how it speaks TLS; None for plain HTTP.
    """
    limits = ServerLimits.from_options(options)
    room = WaitingRoom(limits.held, service.registry)
    began_at = time.monotonic()

    @functools.cache
    def control() -> "ControlApi":
        # Not every server is asked for it, and a start should be short.
        from mockfoundry.control.api import build_control_api
        from mockfoundry.server.gauges import make_gauges_reader

        read_gauges = make_gauges_reader(
            server.server_state.connections, room.holds.count_held, time.monotonic, began_at
        )
        return build_control_api(
            service, room.holds, options.control_token, options.allow_host, options.peer, read_gauges
        )

    delivery = Delivery(room)
    known = has_expected_methods()
    is_direct = known and options.door == "protocol"
    app = AsgiApp(service, limits, delivery, control, asks_connexion=not is_direct)
    if not known:
        log.warning(
            "this uvicorn has another protocol class than the doors lean on; "
            "the ASGI door is used alone, and has fewer bounds"
        )
    protocol: Callable[..., asyncio.Protocol] = HttpToolsProtocol
    if known:
        protocol = (
            make_protocol_class(service, limits, control) if is_direct else make_asgi_protocol_class(service, limits)
        )
    end_handshakes: Callable[[], None] = do_nothing
    if tls is not None:
        protocol = door = HandshakeDoor(service, limits, tls.find_context, protocol)
        end_handshakes = door.close
    config = uvicorn.Config(
        app,
        # It is only called, with what a class of uvicorn's would be.
        http=cast("type[asyncio.Protocol]", protocol),
        loop="auto",
        ws="none",
        lifespan="off",
        log_config=None,
        # Bad requests are answered, and failures are logged under our own name.
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        # Each foundation has a date of its own.
        date_header=False,
        timeout_keep_alive=IDLE_SECONDS,
    )
    server = ListeningServer(config, ready, room, delivery, end_handshakes, make_saver(service, options))
    return server


def make_saver(service: Service, options: ServerOptions) -> "SnapshotSaver | None":
    """What saves the foundations of a service; None where they are not kept."""
    if service.keeper is None:
        return None
    from mockfoundry.server.saving import SnapshotSaver

    return SnapshotSaver(service.keeper, service.registry, options.store_interval / MICROSECONDS_PER_SECOND)


def do_nothing() -> None:
    """Ends the handshakes of a server that has none."""


class BackgroundServer:
    """A service listening on a free loopback port in a thread, until its `with` block ends.

    Args:
        tls: how it speaks TLS; None for plain HTTP.
    """

    def __init__(
        self,
        service: Service,
        options: ServerOptions = ServerOptions(),  # noqa: B008 (never changed)
        tls: Tls | None = None,
    ) -> None:
        self._bound = bind_socket("127.0.0.1", 0)
        self.url = url_of_socket(self._bound, tls)
        self.port: int = self._bound.getsockname()[1]
        self._ready = threading.Event()
        self._server = make_listening_server(service, options, self._ready.set, tls)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._bound]}, name="mockfoundry", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(timeout=30):
            raise TimeoutError("the server was not ready within 30 seconds")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.end()
        self._thread.join()
        self._bound.close()
