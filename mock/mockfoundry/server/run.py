"""A service that listens on a socket, by uvicorn, in this thread or in one of its own. Never decides a response."""

import asyncio
import functools
import gc
import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import uvicorn

from mockfoundry.exchange.run import Service
from mockfoundry.options import ServerOptions
from mockfoundry.server.asgi import AsgiApp
from mockfoundry.server.delivery import Delivery, ServerLimits
from mockfoundry.server.protocol import TransportProtocol, has_expected_methods, make_protocol_class
from mockfoundry.server.waiting import WaitingRoom

if TYPE_CHECKING:
    from mockfoundry.control.api import ControlApi

IDLE_SECONDS = 75
"""How long a connection without a request is kept, as the gateways of a foundation keep it."""

GRACE_SECONDS = 1
"""How long a response may still take once the server is to end."""

GC_THRESHOLD = 50_000
"""The number of new objects after which the garbage collector runs."""

log = logging.getLogger("mockfoundry")


class ListeningServer(uvicorn.Server):
    """uvicorn's server. Calls `ready` once it listens, and lets waiting requests go on when it ends."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], room: WaitingRoom) -> None:
        super().__init__(config)
        self._ready = ready
        self._room = room

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._room.close()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def tune_garbage_collector() -> None:
    """Has the garbage collector ignore the objects that exist now, and run seldom.

    An exchange leaves no reference cycles, so there is little to collect. With thousands of foundations each run would
    search many objects that are all in use.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 100)


def bind_socket(host: str, port: int) -> socket.socket:
    """A socket bound to an address; port 0 takes a free one.

    Raises:
        OSError: the address is taken, or is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(2048)
    except BaseException:
        bound.close()
        raise
    return bound


def url_of_socket(bound: socket.socket) -> str:
    """The URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_listening_server(service: Service, options: ServerOptions, ready: Callable[[], None]) -> ListeningServer:
    """A server for a service; run it with `run(sockets=[bound])`.

    Args:
        options: only the bounds on requests, the door and the control token are used here.
        ready: called once it listens.
    """
    limits = ServerLimits.from_options(options)
    room = WaitingRoom(limits.held)

    @functools.cache
    def control() -> "ControlApi":
        # Not every server is asked for it, and a start should be short.
        from mockfoundry.control.api import build_control_api

        return build_control_api(service, room.holds, options.control_token)

    app = AsgiApp(service, limits, Delivery(room), control)
    known = has_expected_methods()
    if not known:
        log.warning(
            "this uvicorn has another protocol class than the protocol door leans on; the ASGI door is used alone"
        )
    protocol: type[asyncio.Protocol] | Literal["httptools"] = TransportProtocol if known else "httptools"
    if known and options.door == "protocol":
        protocol = make_protocol_class(service, limits, control)
    config = uvicorn.Config(
        app,
        http=protocol,
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
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return ListeningServer(config, ready, room)


class BackgroundServer:
    """A service listening on a free loopback port in a thread, until its `with` block ends."""

    def __init__(self, service: Service, options: ServerOptions = ServerOptions()) -> None:  # noqa: B008 (never changed)
        self._bound = bind_socket("127.0.0.1", 0)
        self.url = url_of_socket(self._bound)
        self.port: int = self._bound.getsockname()[1]
        self._ready = threading.Event()
        self._server = make_listening_server(service, options, self._ready.set)
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
        self._server.should_exit = True
        self._thread.join()
        self._bound.close()
