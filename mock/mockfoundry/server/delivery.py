"""Delivery: sends through ASGI what can't be sent at once, late or broken by a fault. Never decides what is sent.

Both doors use it, and the bounds of a request that are defined here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self, TypeVar

from starlette.types import Receive, Scope, Send

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.exchange.response import PendingRequest, Response, response_from_refusal
from mockfoundry.options import ServerOptions
from mockfoundry.server.connection import ClientConnection, render_head, response_headers_of
from mockfoundry.server.waiting import ServerEndedError, Wait, WaitingRoom, Waits
from mockfoundry.wire_faults import WIRE_FAULTS

T = TypeVar("T")

BODY_TOO_LARGE = CatalogueEntry("Mock-BodyTooLarge", 990005, 413, "")
HEADERS_TOO_LARGE = CatalogueEntry("Mock-HeadersTooLarge", 990006, 431, "")

READY_RESPONSE_KEY = "mockfoundry.ready"
"""The key in an ASGI scope of what is to be sent, where the exchange was already made."""

TRANSPORT_KEY = "mockfoundry.transport"
"""The key in an ASGI scope of the connection's transport, which faults break."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """How large requests may be, and how many may wait.

    Attributes:
        body, headers: bytes of one request; of its headers names and values together.
        held: requests that scenarios may hold at once.
    """

    body: int = ServerOptions.max_body
    headers: int = 32 * 1024
    held: int = ServerOptions.max_held

    @classmethod
    def from_options(cls, options: ServerOptions) -> Self:
        return cls(body=options.max_body, held=options.max_held)


def body_too_large_response(limits: ServerLimits) -> Response:
    text = f"The body is larger than {limits.body} bytes; send less, or start the server with a larger --max-body"
    return close_after_response(response_from_refusal(Refusal(BODY_TOO_LARGE, text, "limit: body")))


def headers_too_large_response(limits: ServerLimits) -> Response:
    text = f"The headers are larger than {limits.headers} bytes together; send less"
    return close_after_response(response_from_refusal(Refusal(HEADERS_TOO_LARGE, text, "limit: headers")))


def close_after_response(response: Response) -> Response:
    """A response after which the connection ends: what is still to come of its request is not read."""
    response.headers.append((b"connection", b"close"))
    return response


class ClientGoneError(Exception):
    """The client closed its connection, so there is no one to answer."""


class FaultOnPurposeError(ConnectionError):
    """A scenario asks for a fault on a server that gives no access to its connection: an error breaks it off.

    Attributes:
        fault: its name.
        response: what there would have been without it.
    """

    def __init__(self, fault: str, response: Response) -> None:
        super().__init__(f"scenario fault on purpose: {fault}")
        self.fault = fault
        self.response = response


class Delivery:
    """Sends responses through ASGI, each in its own time."""

    def __init__(self, room: WaitingRoom) -> None:
        self._room = room

    async def deliver(self, response: Response | PendingRequest, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends a response once all that it waits for is over; a fault breaks the connection in place of it.

        Raises:
            FaultOnPurposeError: a fault is to come, and the server gives no access to the connection.
            ServerEndedError: the server has ended, and gives no access to the connection.
        """
        transport: asyncio.Transport | None = scope.get(TRANSPORT_KEY)

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        try:
            ready = await run_in_loop(self._room.respond(response), gone)
        except ClientGoneError:
            return
        except (asyncio.CancelledError, ServerEndedError):
            # The server ends, so a broken connection tells the client the truth.
            if transport is None:
                raise
            transport.abort()
            await gone()
            return
        body = b"" if scope["method"] == "HEAD" else ready.body
        if not ready.fault:
            report_bytes_sent(ready, 0 if transport is not None and transport.is_closing() else len(body))
            await send({"type": "http.response.start", "status": ready.status, "headers": response_headers_of(ready)})
            await send({"type": "http.response.body", "body": ready.body})
            return
        if transport is None:
            report_bytes_sent(ready, 0)
            raise FaultOnPurposeError(ready.fault, ready)
        broken = WIRE_FAULTS[ready.fault].break_response(render_head(ready, keep_alive=False), body)
        report_bytes_sent(ready, await ClientConnection(transport, gone).send_broken_response(broken))
        # uvicorn answers 500 for an app that returns without an answer while the connection is there.
        await gone()


def report_bytes_sent(response: Response, count: int) -> None:
    """Reports how many bytes of a response's body went out. To be called once for each, where exchanges are made."""
    if response.report_bytes_sent is not None:
        response.report_bytes_sent(count)


async def run_in_loop(steps: Waits[T], gone: Callable[[], Awaitable[None]]) -> T:
    """What steps return, each wait awaited in this task, in an asyncio loop.

    Args:
        gone: waits until the client has closed its connection.

    Raises:
        ClientGoneError: it has, and the rest needs it.
    """
    try:
        while True:
            await await_in_loop(next(steps), gone)
    except StopIteration as stop:
        returned: T = stop.value
        return returned
    finally:
        steps.close()


async def await_in_loop(wait: Wait, gone: Callable[[], Awaitable[None]]) -> None:
    if wait.done is None:
        await asyncio.sleep(wait.seconds or 0.0)
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def end(_: object) -> None:
        # A worker may be done only after the loop was closed.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(ended.set)

    wait.done.add_done_callback(end)
    leaving = asyncio.ensure_future(gone()) if wait.needs_client else None
    try:
        if leaving is not None:
            leaving.add_done_callback(lambda _: ended.set())
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), wait.seconds)
        if leaving is not None and leaving.done():
            raise ClientGoneError
    finally:
        if leaving is not None:
            leaving.cancel()
