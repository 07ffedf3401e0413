"""Pauses: what takes time, given out so that one who sleeps and one who awaits can both wait. Never says for what.

Awaiting: pauses in an event loop, of asyncio or of trio, without a thread for any. Never says for what.

Calling an ASGI app once, without a server. Never knows which.

Turns: the desk of a service without a loop, where threads take turns. Never makes an exchange.

The door: exchanges and control calls for callers in this process. Never knows an HTTP library.

In process: exchanges and control calls without a socket, for tests in one Python. Never knows an HTTP library.

What a client in this process is given: an answer, or what a fault leaves of it. Never knows a library's classes.

Errors have the names that httpx and httpx2 raise for the same on a socket.

Transports: httpx and httpx2 clients served in this process, sync and async. Never decides what is answered.

The two libraries have the same classes and errors by the same names, so each transport is made for the one that is
asked for, and neither is needed by the other. What a scenario does to the wire raises that library's own error.
"""

import asyncio
import functools
import importlib
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import ExitStack, suppress
from http import HTTPStatus
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import unquote

from anyio import Event, move_on_after, sleep
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp, Message

from mockfoundry.exchange.request import Headers, Request, headers_by_name
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.server.delivery import (
    ServerLimits,
    TooManyHeldError,
    body_too_large_response,
    headers_too_large_response,
    not_held_header,
    too_many_held_refusal,
)
from mockfoundry.server.faults import render_head, response_headers_of
from mockfoundry.wire_faults import WIRE_FAULTS, BrokenResponse

T = TypeVar("T")


class WaitStep(NamedTuple):
    """Something to wait for before going on.

    Attributes:
        seconds: how long at most; None for ever.
        released: what ends it earlier, None for nothing.
    """

    seconds: float | None
    released: "Future[Any] | None" = None


WaitSteps = Generator[WaitStep, None, T]
"""Gives pauses, one by one, and returns what there is after the last."""


def wait_for_step(pause: WaitStep, closed: threading.Event) -> None:
    """Waits in this thread."""
    if pause.released is None:
        closed.wait(pause.seconds)
    else:
        with suppress(TimeoutError, CancelledError):
            pause.released.exception(pause.seconds)


def run_steps(pauses: WaitSteps[T], closed: threading.Event) -> T:
    """What comes of pauses that are waited for in this thread."""
    try:
        while True:
            wait_for_step(next(pauses), closed)
    except StopIteration as stop:
        found: T = stop.value
        return found
    finally:
        pauses.close()


async def run_steps_async(pauses: WaitSteps[T]) -> T:
    """What comes of pauses that are awaited in this task."""
    try:
        while True:
            await await_step(next(pauses))
    except StopIteration as stop:
        found: T = stop.value
        return found
    finally:
        pauses.close()


async def await_step(pause: WaitStep) -> None:
    if pause.released is None:
        await sleep(pause.seconds or 0.0)
        return
    ended, soon = Event(), find_loop_scheduler()

    def end(_: "Future[Any]") -> None:
        # The loop may have ended meanwhile, and whoever waited in it.
        with suppress(RuntimeError):
            soon(ended.set)

    pause.released.add_done_callback(end)
    with move_on_after(pause.seconds):
        await ended.wait()


def find_loop_scheduler() -> Callable[[Callable[[], object]], object]:
    """What has the loop of this task call a function, from whatever thread, and does not wait until it has.

    A release is made in its turn; waiting there for a loop that waits for its own turn would never end.
    """
    trio: Any = sys.modules.get("trio")
    if trio is not None:
        with suppress(RuntimeError):
            found: Callable[[Callable[[], object]], object] = trio.lowlevel.current_trio_token().run_sync_soon
            return found
    return asyncio.get_running_loop().call_soon_threadsafe


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


class SerialExecutor:
    """The desk of a service without a loop: one by one, whatever thread asks; it holds requests, and releases them.

    Args:
        most_held: requests that may be held at once.
    """

    def __init__(self, most_held: int) -> None:
        self._lock = threading.RLock()
        self._most_held = most_held
        self._held: list[tuple[str, Future[None]]] = []
        self._ended = False

    def take(self, function: Callable[[], T]) -> T:
        """What a function returns, or raises."""
        with self._lock:
            return function()

    def run_exclusively(self, function: Callable[[], T]) -> T:
        """What a function of the control API returns, or raises.

        Raises:
            TimeoutError: the service has ended.
        """
        with self._lock:
            if self._ended:
                raise TimeoutError("the server has ended")
            return function()

    def hold(self, name: str) -> "Future[None]":
        """What is done once the hold of that name is released.

        Raises:
            TooManyHeldError: there is no room for another.
        """
        with self._lock:
            if len(self._held) >= self._most_held:
                raise TooManyHeldError
            released: Future[None] = Future()
            self._held.append((name, released))
            return released

    def drop_hold(self, released: "Future[None]") -> None:
        """Counts a request no longer among those that are held; whoever waits for it still waits no longer."""
        with self._lock:
            self._held = [each for each in self._held if each[1] is not released]
            if not released.done():
                released.set_result(None)

    def release(self, hold: str) -> int:
        """Lets the requests of a hold go on; says how many there were."""
        with self._lock:
            waiting = [released for name, released in self._held if name == hold and not released.done()]
            for released in waiting:
                released.set_result(None)
            return len(waiting)

    def end(self) -> None:
        """Lets all held requests go on, and takes no more questions of the control API."""
        with self._lock:
            self._ended = True
            for name in {name for name, _ in self._held}:
                self.release(name)

    def real_time(self) -> int:
        """The machine's time, in microseconds since the epoch."""
        return time.time_ns() // 1000


MICROSECONDS_PER_SECOND = 1_000_000
CONTROL_PREFIX = b"/__mock"
"""What the paths of control calls begin with."""

CONTROL_GRACE_SECONDS = 1.0
"""How long calls of the control API may still take once the service has ended."""


class ResponseTooLateError(Exception):
    """The answer comes later than the client waits, or never."""


class ServiceEndedError(Exception):
    """The service is served no more."""


class InProcessServer:
    """A service for callers in this process.

    Args:
        control: makes the control API's app, with the desk that it is to use.

    Attributes:
        closed: whether it serves no more; ends every wait.
    """

    def __init__(self, service: Service, limits: ServerLimits, control: Callable[[SerialExecutor], ASGIApp]) -> None:
        self._service = service
        self._limits = limits
        self._executor = SerialExecutor(limits.held)
        self._make_control = control
        self._control: ASGIApp | None = None
        self._calls = set[Future[AsgiResponse]]()
        self._portal: BlockingPortal | None = None
        self._disconnected: Event | None = None
        self._portal_lock = threading.Lock()
        self._open = ExitStack()
        self.closed = threading.Event()

    def close(self) -> None:
        """Lets go what is held, and ends control calls; what comes later is answered no more."""
        with self._portal_lock:
            self.closed.set()
            portal, leaving, calls = self._portal, self._disconnected, tuple(self._calls)
        self._executor.end()
        self._executor.take(self._wake_watchers)
        if portal is not None and leaving is not None:
            portal.call(leaving.set)
            # Workers of the control API speak to its loop, so it should not end before them.
            wait(calls, CONTROL_GRACE_SECONDS)
            portal.call(portal.stop, True)
        self._open.close()

    def _wake_watchers(self) -> None:
        """Ends the waits for news of a journal, whose callers ask next, and are told that there is no server."""
        for foundation in self._service.registry:
            for watcher in tuple(foundation.journal.watchers):
                watcher()

    def answered(
        self, method: str, target: bytes, headers: Headers, content: bytes, scheme: str, patience: float | None
    ) -> WaitSteps[Response]:
        """The outcome of a request, after the pauses that it takes.

        A client that waits no longer leaves its request behind, which goes on without it, as on a socket.

        Args:
            target: path and query as they came.
            headers: names in lower case.
            patience: seconds that the client waits for the answer, None for ever.

        Raises:
            TooLateError: it would come later.
            EndedError: there is no server any more.
        """
        if self.closed.is_set():
            raise ServiceEndedError
        too_large = self._too_large_response(target, headers, content)
        if too_large is not None:
            return too_large
        path, _, query = target.partition(b"?")
        request = Request(
            method, path.decode("latin-1"), query, headers_by_name(headers), content, scheme, self._executor.real_time()
        )
        response = self._executor.take(lambda: handle_request(self._service, request))
        if isinstance(response, PendingRequest):
            response = yield from self._resume_pending(response, patience)
        try:
            yield from self._wait_steps(response, patience)
        except TooManyHeldError:
            response.headers.append(not_held_header(self._limits.held))
        except BaseException:
            self.note_bytes_sent(response, 0)
            raise
        return response

    def note_bytes_sent(self, response: Response, count: int) -> None:
        """Notes how many bytes of an answer's body went out. To be called once for each outcome that is given out."""
        sent = response.report_bytes_sent
        if sent is not None:
            self._executor.take(lambda: sent(count))

    def _too_large_response(self, target: bytes, headers: Headers, content: bytes) -> Response | None:
        if len(target) + sum(len(name) + len(value) for name, value in headers) > self._limits.headers:
            return headers_too_large_response(self._limits)
        return body_too_large_response(self._limits) if len(content) > self._limits.body else None

    def _resume_pending(self, pending: PendingRequest, patience: float | None) -> WaitSteps[Response]:
        """The outcome of a request that waits before its exchange."""
        try:
            yield from self._wait_steps(pending, patience)
        except TooManyHeldError:
            return self._give_up(pending)
        except BaseException:
            self._continue_without_client(pending)
            raise
        return self._exchanged(pending)

    def _exchanged(self, pending: PendingRequest) -> Response:
        return self._executor.take(lambda: pending.resume(self._executor.real_time()))

    def _give_up(self, pending: PendingRequest) -> Response:
        return self._executor.take(lambda: pending.give_up(too_many_held_refusal(self._limits.held)))

    def _wait_steps(self, waiting: Response | PendingRequest, patience: float | None) -> WaitSteps[None]:
        """The pauses of a delay and of a hold; a delay that is too long for the client is not waited for."""
        delay = waiting.delay / MICROSECONDS_PER_SECOND
        if delay:
            if patience is not None and delay >= patience:
                raise ResponseTooLateError
            yield WaitStep(delay)
        if not waiting.hold:
            return
        left = None if patience is None else patience - delay
        at_most = waiting.hold_at_most / MICROSECONDS_PER_SECOND
        released = self._executor.hold(waiting.hold)
        try:
            yield WaitStep(at_most if left is None else min(at_most, left), released)
            was_released = released.done()
        finally:
            self._executor.drop_hold(released)
        if left is not None and left < at_most and not was_released:
            raise ResponseTooLateError

    def _continue_without_client(self, pending: PendingRequest) -> None:
        """Makes the exchange of a request whose client has gone, when its time has come."""

        def run() -> None:
            try:
                run_steps(self._wait_steps(pending, None), self.closed)
            except TooManyHeldError:
                self.note_bytes_sent(self._give_up(pending), 0)
                return
            if not self.closed.is_set():
                self.note_bytes_sent(self._exchanged(pending), 0)

        threading.Thread(target=run, name="mockfoundry-left-behind", daemon=True).start()

    def call_control(
        self, method: str, target: bytes, headers: Headers, content: bytes, patience: float | None = None
    ) -> WaitSteps[AsgiResponse]:
        """The answer of a call of the control API, after a pause until it is there.

        Args:
            target: path and query as they came.
            headers: names in lower case.
            patience: seconds to wait for it, None for ever.

        Raises:
            TooLateError: it did not come in time; the call goes on without its caller, as on a socket.
            EndedError: there is no server any more.
        """
        call = self._start_control_call(method, target, headers, content)
        yield WaitStep(patience, call)
        if self.closed.is_set():
            raise ServiceEndedError
        if not call.done():
            raise ResponseTooLateError
        try:
            return call.result()
        except CancelledError:
            raise ServiceEndedError from None

    def _start_control_call(
        self, method: str, target: bytes, headers: Headers, content: bytes
    ) -> "Future[AsgiResponse]":
        with self._portal_lock:
            if self.closed.is_set():
                raise ServiceEndedError
            if self._portal is None or self._disconnected is None:
                self._portal = self._open.enter_context(start_blocking_portal())
                self._disconnected = self._portal.call(Event)
            call = self._portal.start_task_soon(self._controlled, method, target, headers, content, self._disconnected)
            self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return call

    async def _controlled(
        self, method: str, target: bytes, headers: Headers, content: bytes, leaving: Event
    ) -> AsgiResponse:
        if self._control is None:
            self._control = self._make_control(self._executor)
        return await call_asgi_app(self._control, method, target, headers, content, leaving)


CLOSE_HEADER = (b"connection", b"close")
"""What an answer says after which the connection ends, as one does whose body breaks."""


class SentRequest(NamedTuple):
    """What a transport reads of a library's request.

    Attributes:
        patience: seconds that the client waits for an answer, None for ever.
    """

    method: str
    target: bytes
    headers: Headers
    scheme: str
    patience: float | None


class ReceivedResponse(NamedTuple):
    """What a transport makes an answer of.

    Attributes:
        parts: of the body, each but a whole one after a gap.
        missing: bytes of the body that will not come.
    """

    status: int
    headers: Headers
    parts: list[bytes]
    gap_seconds: float = 0.0
    missing: int = 0


class WireError(Exception):
    """What a client meets in place of an answer.

    Attributes:
        name: of the error that the library raises for it on a socket.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


READ_TIMEOUT_ERROR = ("ReadTimeout", "timed out")
DISCONNECTED_ERROR = ("RemoteProtocolError", "Server disconnected without sending a response.")
SERVER_ENDED_ERROR = ("ConnectError", "the server in this process has ended; use its transport inside its `with` block")
RESET_ERROR = ("ReadError", "[Errno 104] Connection reset by peer")


def read_library_request(request: Any) -> SentRequest:
    return SentRequest(
        request.method,
        request.url.raw_path,
        [(name.lower(), value) for name, value in request.headers.raw],
        request.url.scheme,
        request.extensions.get("timeout", {}).get("read"),
    )


def receive_response(door: InProcessServer, asked: SentRequest, content: bytes) -> WaitSteps[ReceivedResponse]:
    """The answer to a request, after the pauses that it takes.

    Raises:
        WireError: there is none.
    """
    try:
        if asked.target.startswith(CONTROL_PREFIX):
            answer = yield from door.call_control(asked.method, asked.target, asked.headers, content, asked.patience)
            return ReceivedResponse(answer.status, answer.headers, [answer.body])
        response = yield from door.answered(
            asked.method, asked.target, asked.headers, content, asked.scheme, asked.patience
        )
    except ResponseTooLateError:
        raise WireError(*READ_TIMEOUT_ERROR) from None
    except ServiceEndedError:
        raise WireError(*SERVER_ENDED_ERROR) from None
    return apply_wire_fault(door, response, asked)


def apply_wire_fault(door: InProcessServer, response: Response, asked: SentRequest) -> ReceivedResponse:
    """What a client receives of a response: all of it, or what a fault on the wire leaves.

    Raises:
        WireError: nothing.
    """
    headers = response_headers_of(response)
    body = b"" if asked.method == "HEAD" else response.body
    if not response.fault:
        door.note_bytes_sent(response, len(body))
        return ReceivedResponse(response.status, headers, [body])
    head = render_head(response, keep_alive=False)
    broken = WIRE_FAULTS[response.fault].break_response(head, body)
    sent = sum(map(len, broken.body_parts))
    door.note_bytes_sent(response, sent)
    if broken.opening != head:
        raise broken_connection_error(broken, asked.patience)
    if not any(name == b"connection" for name, _ in headers):
        headers = [*headers, CLOSE_HEADER]
    return ReceivedResponse(response.status, headers, list(broken.body_parts), broken.pause_seconds, len(body) - sent)


def broken_connection_error(broken: BrokenResponse, patience: float | None) -> WireError:
    """What the libraries raise where no response begins."""
    if broken.opening:
        return WireError("RemoteProtocolError", "illegal status line")
    if patience is not None and broken.silence_seconds >= patience:
        return WireError(*READ_TIMEOUT_ERROR)
    return WireError(*(RESET_ERROR if broken.ending == "reset" else DISCONNECTED_ERROR))


def must_arrive_in_time(given: ReceivedResponse, asked: SentRequest) -> None:
    """Raises WireError where the next part of a body comes later than the client waits."""
    if given.gap_seconds and asked.patience is not None and given.gap_seconds >= asked.patience:
        raise WireError(*READ_TIMEOUT_ERROR)


def must_be_complete(given: ReceivedResponse) -> None:
    """Raises WireError where the connection ended in the middle of a body."""
    if given.missing:
        received = sum(map(len, given.parts))
        raise WireError(
            "RemoteProtocolError",
            "peer closed connection without sending complete message body "
            f"(received {received} bytes, expected {received + given.missing})",
        )


def is_complete(given: ReceivedResponse) -> bool:
    return len(given.parts) == 1 and not given.gap_seconds and not given.missing


LibraryName = Literal["httpx", "httpx2"]


def import_library(name: LibraryName) -> Any:
    """An HTTP library.

    Raises:
        ImportError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} is not installed; pip install 'mockfoundry[{name}]' brings it") from error


@functools.cache
def transport_class(name: LibraryName) -> Any:
    """The transport of a library, for its `Client`."""
    http = import_library(name)

    class Transport(http.BaseTransport):  # type: ignore[misc,name-defined]
        """Serves a client's requests from a service in this process."""

        def __init__(self, door: InProcessServer) -> None:
            self._in_process_server = door

        def handle_request(self, request: Any) -> Any:
            asked = read_library_request(request)
            try:
                given = run_steps(
                    receive_response(self._in_process_server, asked, request.read()), self._in_process_server.closed
                )
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None
            return build_library_response(
                http, given, None if is_complete(given) else self._body(given, asked, request)
            )

        def _body(self, given: ReceivedResponse, asked: SentRequest, request: Any) -> Iterator[bytes]:
            try:
                for part in given.parts:
                    must_arrive_in_time(given, asked)
                    if given.gap_seconds:
                        wait_for_step(WaitStep(given.gap_seconds), self._in_process_server.closed)
                    yield part
                must_be_complete(given)
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None

    return Transport


@functools.cache
def async_transport_class(name: LibraryName) -> Any:
    """The transport of a library, for its `AsyncClient`."""
    http = import_library(name)

    class AsyncTransport(http.AsyncBaseTransport):  # type: ignore[misc,name-defined]
        """Serves an async client's requests from a service in this process."""

        def __init__(self, door: InProcessServer) -> None:
            self._in_process_server = door

        async def handle_async_request(self, request: Any) -> Any:
            asked, content = read_library_request(request), await request.aread()
            try:
                given = await run_steps_async(receive_response(self._in_process_server, asked, content))
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None
            return build_library_response(
                http, given, None if is_complete(given) else self._body(given, asked, request)
            )

        async def _body(self, given: ReceivedResponse, asked: SentRequest, request: Any) -> AsyncIterator[bytes]:
            try:
                for part in given.parts:
                    must_arrive_in_time(given, asked)
                    if given.gap_seconds:
                        await await_step(WaitStep(given.gap_seconds))
                    yield part
                must_be_complete(given)
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None

    return AsyncTransport


def build_library_response(
    http: Any, given: ReceivedResponse, parts: Iterator[bytes] | AsyncIterator[bytes] | None
) -> Any:
    """A library's response.

    Args:
        parts: of a body that does not come whole; None where it does.
    """
    extensions = {"http_version": b"HTTP/1.1", "reason_phrase": find_reason_phrase(given.status)}
    # A stream leaves the headers as they are.
    body = {"stream": http.ByteStream(given.parts[0])} if parts is None else {"content": parts}
    return http.Response(given.status, headers=given.headers, extensions=extensions, **body)


def find_reason_phrase(status: int) -> bytes:
    """What the server writes behind a status."""
    return HTTPStatus(status).phrase.encode() if status in _STATUSES else b""


_STATUSES = frozenset(HTTPStatus)
