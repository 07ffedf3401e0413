"""Calls of the control API's ASGI app from this process, in a loop in a thread. Never answers one itself."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

from anyio import Event
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp, Message

from mockfoundry.client.in_process import ClientRequest
from mockfoundry.control.app import build_control_app
from mockfoundry.exchange.request import Headers
from mockfoundry.exchange.response import Response
from mockfoundry.exchange.run import Service
from mockfoundry.server.waiting import RequestHolds, ServerEndedError, Wait, Waits

T = TypeVar("T")

CONTROL_GRACE_SECONDS = 1.0


class TurnAccess:
    """Touches foundations in the turn of an in-process server."""

    def __init__(self, turn: AbstractContextManager[object], holds: RequestHolds) -> None:
        self._turn = turn
        self._holds = holds
        self.has_ended = False

    def run_exclusively(self, function: Callable[[], T]) -> T:
        with self._turn:
            if self.has_ended:
                raise TimeoutError("the server has ended")
            return function()

    def release(self, hold: str) -> int:
        return self._holds.release(hold)

    def real_time(self) -> int:
        return time.time_ns() // 1000


class ControlBridge:
    """The control API of a service, called from any thread."""

    def __init__(self, service: Service, turn: AbstractContextManager[object], holds: RequestHolds) -> None:
        self._service = service
        self._access = TurnAccess(turn, holds)
        self._app: ASGIApp = build_control_app(service, self._access)
        self._calls = set[Future[AsgiResponse]]()
        self._open = ExitStack()
        self._portal: BlockingPortal = self._open.enter_context(start_blocking_portal())
        self._disconnected: Event = self._portal.call(Event)
        self._lock = threading.Lock()

    def close(self) -> None:
        self._access.has_ended = True
        for foundation in self._service.registry:
            for watcher in tuple(foundation.journal.watchers):
                watcher()
        with self._lock:
            calls = tuple(self._calls)
        self._portal.call(self._disconnected.set)
        wait(calls, CONTROL_GRACE_SECONDS)
        self._portal.call(self._portal.stop, True)
        self._open.close()

    def respond(self, request: ClientRequest) -> Waits[Response]:
        call = self._portal.start_task_soon(
            call_asgi_app,
            self._app,
            request.method,
            request.target,
            request.headers,
            request.content,
            self._disconnected,
        )
        with self._lock:
            self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        yield Wait(None, call)
        if self._access.has_ended:
            raise ServerEndedError
        try:
            answer = call.result()
        except CancelledError:
            raise ServerEndedError from None
        return Response(answer.status, answer.headers, answer.body, "", has_platform_headers=False)


class AsgiResponse(NamedTuple):
    """An answer of the control API, whole."""

    status: int
    headers: Headers
    body: bytes


async def call_asgi_app(
    app: ASGIApp, method: str, target: bytes, headers: Headers, content: bytes, leaving: Event
) -> AsgiResponse:
    """What an ASGI app answers to a request.

    Args:
        leaving: set once nobody waits for the answer any more, as when a client closes its connection.
    """
    path, _, query = target.partition(b"?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "server": None,
        "client": ("127.0.0.1", 0),
    }
    given = False
    status, sent, parts = 500, list[tuple[bytes, bytes]](), list[bytes]()

    async def receive() -> Message:
        nonlocal given
        if given:
            await leaving.wait()
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, sent
        if message["type"] == "http.response.start":
            status, sent = message["status"], [(name.lower(), value) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return AsgiResponse(status, sent, b"".join(parts))
