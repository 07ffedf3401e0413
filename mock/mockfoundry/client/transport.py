"""Transports: httpx and httpx2 clients served in this process, sync and async. Never decides what is answered.

The two libraries have the same classes and errors by the same names, so each transport is made for the one that is
asked for, and neither needs the other. What a wire fault does to a connection raises the error that the library raises
for it on a socket.
"""

import asyncio
import functools
import importlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Literal, NamedTuple, TypeVar

from anyio import Event, move_on_after, sleep

from mockfoundry.client.in_process import ClientRequest, InProcessServer, ResponseTooLateError
from mockfoundry.exchange.request import Headers
from mockfoundry.exchange.response import Response
from mockfoundry.server.connection import render_head, response_headers_of
from mockfoundry.server.waiting import ServerEndedError, Wait, Waits, report_bytes_sent
from mockfoundry.wire_faults import WIRE_FAULTS, BrokenResponse

T = TypeVar("T")

CLOSE_HEADER = (b"connection", b"close")
"""What a response says after which the connection ends, as one does whose body breaks."""


class ReceivedResponse(NamedTuple):
    """What a client receives.

    Attributes:
        body: whole, as the head promises it.
        broken: how it comes where a wire fault breaks it; None where it comes whole.
    """

    status: int
    headers: Headers
    body: bytes
    broken: BrokenResponse | None = None


class WireError(Exception):
    """What a client meets in place of a response, or of the rest of one.

    Attributes:
        name: of the error that the library raises for it on a socket.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


READ_TIMEOUT_ERROR = ("ReadTimeout", "timed out")
RESET_ERROR = ("ReadError", "[Errno 104] Connection reset by peer")
DISCONNECTED_ERROR = ("RemoteProtocolError", "Server disconnected without sending a response.")
NOT_HTTP_ERROR = ("RemoteProtocolError", "illegal status line")
SERVER_ENDED_ERROR = ("ConnectError", "the server in this process has ended; use its transport inside its `with` block")


def read_library_request(request: Any, content: bytes) -> ClientRequest:
    """A library's request.

    Args:
        content: its body, which sync and async clients read differently.
    """
    return ClientRequest(
        request.method,
        request.url.raw_path,
        [(name.lower(), value) for name, value in request.headers.raw],
        content,
        request.url.scheme,
        request.extensions.get("timeout", {}).get("read"),
    )


def receive_response(server: InProcessServer, request: ClientRequest) -> Waits[ReceivedResponse]:
    """What a client receives for a request, after everything that it waits for.

    Raises:
        WireError: nothing that begins a response.
    """
    try:
        response = yield from server.respond(request)
    except ResponseTooLateError:
        raise WireError(*READ_TIMEOUT_ERROR) from None
    except ServerEndedError:
        raise WireError(*SERVER_ENDED_ERROR) from None
    headers = response_headers_of(response)
    body = b"" if request.method == "HEAD" else response.body
    if not response.fault:
        report_bytes_sent(response, len(body))
        return ReceivedResponse(response.status, headers, body)
    return receive_broken_response(response, headers, body, request.patience)


def receive_broken_response(
    response: Response, headers: Headers, body: bytes, patience: float | None
) -> ReceivedResponse:
    """What a client receives of a response that a wire fault breaks.

    Raises:
        WireError: nothing that begins a response.
    """
    head = render_head(response, keep_alive=False)
    broken = WIRE_FAULTS[response.fault].break_response(head, body)
    report_bytes_sent(response, sum(map(len, broken.body_parts)))
    if broken.opening != head:
        raise error_before_response(head, broken, patience)
    if CLOSE_HEADER[0] not in dict(headers):
        headers = [*headers, CLOSE_HEADER]
    # Without a body there is nothing to come in parts; the libraries would say that there is.
    return ReceivedResponse(response.status, headers, body, broken if body else None)


def error_before_response(head: bytes, broken: BrokenResponse, patience: float | None) -> WireError:
    """What the libraries raise where no response begins."""
    if not head.startswith(broken.opening):
        return WireError(*NOT_HTTP_ERROR)
    if patience is not None and broken.silence_seconds >= patience:
        return WireError(*READ_TIMEOUT_ERROR)
    return WireError(*(RESET_ERROR if broken.ending == "reset" else DISCONNECTED_ERROR))


def receive_broken_body(body: bytes, broken: BrokenResponse, patience: float | None) -> Iterator[Wait | bytes]:
    """What a client gets of a body that the head has promised: its parts, and the waits between them.

    Raises:
        WireError: the next part comes later than the client waits, or never.
    """
    for part in broken.body_parts:
        yield from wait_patiently(broken.pause_seconds, patience)
        yield part
    body_bytes = sum(map(len, broken.body_parts))
    if body_bytes == len(body):
        return
    yield from wait_patiently(broken.silence_seconds, patience)
    if broken.ending == "reset":
        raise WireError(*RESET_ERROR)
    raise WireError(
        "RemoteProtocolError",
        "peer closed connection without sending complete message body "
        f"(received {body_bytes} bytes, expected {len(body)})",
    )


def wait_patiently(seconds: float, patience: float | None) -> Iterator[Wait]:
    """A wait of a client; WireError at once where it is longer than the client waits."""
    if seconds:
        if patience is not None and seconds >= patience:
            raise WireError(*READ_TIMEOUT_ERROR)
        yield Wait(seconds)


async def run_async(server: InProcessServer, steps: Waits[T]) -> T:
    """What steps return, each wait awaited in this task, in a loop of asyncio or trio."""
    try:
        while True:
            await await_in_any_loop(server.take_step(steps))
    except StopIteration as stop:
        returned: T = stop.value
        return returned
    finally:
        server.stop_steps(steps)


async def await_in_any_loop(wait: Wait) -> None:
    if wait.done is None:
        await sleep(wait.seconds or 0.0)
        return
    ended, call_soon = Event(), find_loop_scheduler()

    def end(_: object) -> None:
        # Meanwhile the loop may have ended, with all that waited in it.
        with suppress(RuntimeError):
            call_soon(ended.set)

    wait.done.add_done_callback(end)
    with move_on_after(wait.seconds):
        await ended.wait()


def find_loop_scheduler() -> Callable[[Callable[[], object]], object]:
    """What makes the loop of this task call a function, from whatever thread, without waiting until it has.

    A hold is released in a turn of the server. To wait there for a loop that waits for its own turn would never end.
    """
    trio: Any = sys.modules.get("trio")
    if trio is not None:
        with suppress(RuntimeError):
            call_soon: Callable[[Callable[[], object]], object] = trio.lowlevel.current_trio_token().run_sync_soon
            return call_soon
    return asyncio.get_running_loop().call_soon_threadsafe


LibraryName = Literal["httpx", "httpx2"]


def import_library(name: LibraryName) -> Any:
    """An HTTP library.

    Raises:
        ImportError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} is not installed; pip install {name} brings it") from error


@functools.cache
def transport_class(name: LibraryName) -> Any:
    """The transport of a library, for its `Client`."""
    http = import_library(name)

    class Transport(http.BaseTransport):  # type: ignore[misc,name-defined]
        """Serves a client's requests from a service in this process."""

        def __init__(self, server: InProcessServer) -> None:
            self._server = server

        def handle_request(self, request: Any) -> Any:
            asked = read_library_request(request, request.read())
            try:
                received = self._server.run(receive_response(self._server, asked))
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None
            broken = received.broken
            parts = None if broken is None else self._body(received.body, broken, request, asked.patience)
            return build_library_response(http, received, parts)

        def _body(self, body: bytes, broken: BrokenResponse, request: Any, patience: float | None) -> Iterator[bytes]:
            try:
                for each in receive_broken_body(body, broken, patience):
                    if isinstance(each, Wait):
                        self._server.wait_in_thread(each)
                    else:
                        yield each
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None

    return Transport


@functools.cache
def async_transport_class(name: LibraryName) -> Any:
    """The transport of a library, for its `AsyncClient`."""
    http = import_library(name)

    class AsyncTransport(http.AsyncBaseTransport):  # type: ignore[misc,name-defined]
        """Serves an async client's requests from a service in this process."""

        def __init__(self, server: InProcessServer) -> None:
            self._server = server

        async def handle_async_request(self, request: Any) -> Any:
            asked = read_library_request(request, await request.aread())
            try:
                received = await run_async(self._server, receive_response(self._server, asked))
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None
            broken = received.broken
            parts = None if broken is None else self._body(received.body, broken, request, asked.patience)
            return build_library_response(http, received, parts)

        async def _body(
            self, body: bytes, broken: BrokenResponse, request: Any, patience: float | None
        ) -> AsyncIterator[bytes]:
            try:
                for each in receive_broken_body(body, broken, patience):
                    if isinstance(each, Wait):
                        await await_in_any_loop(each)
                    else:
                        yield each
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None

    return AsyncTransport


def build_library_response(
    http: Any, received: ReceivedResponse, parts: Iterator[bytes] | AsyncIterator[bytes] | None
) -> Any:
    """A library's response.

    Args:
        parts: of a body that a wire fault breaks; None where it comes whole.
    """
    extensions = {"http_version": b"HTTP/1.1", "reason_phrase": find_reason_phrase(received.status)}
    # A stream leaves the headers as they are.
    body = {"stream": http.ByteStream(received.body)} if parts is None else {"content": parts}
    return http.Response(received.status, headers=received.headers, extensions=extensions, **body)


def find_reason_phrase(status: int) -> bytes:
    """What the server writes behind a status."""
    return HTTPStatus(status).phrase.encode() if status in _STATUSES else b""


_STATUSES = frozenset(HTTPStatus)
