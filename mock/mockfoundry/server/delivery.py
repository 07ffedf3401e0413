"""Delivery: sends through ASGI what can't be sent at once, late or broken by a fault. Never decides what is sent.

Both doors use it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send

from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.server.connection import ClientConnection, render_head, response_headers_of
from mockfoundry.server.waiting import ServerEndedError, Wait, WaitingRoom, Waits
from mockfoundry.wire_faults import WIRE_FAULTS

T = TypeVar("T")

READY_RESPONSE_KEY = "mockfoundry.ready"
"""The key in an ASGI scope of what is to be sent, where the exchange was already made."""

TRANSPORT_KEY = "mockfoundry.transport"
"""The key in an ASGI scope of the connection's transport, which faults break."""


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
        self._breakable = set[asyncio.Task[object]]()

    def break_off(self) -> None:
        """Ends at once what the end of the server does not have to wait for: delays, faults, streams."""
        for task in self._breakable:
            task.cancel()

    @contextmanager
    def broken_off_at_end(self) -> Iterator[None]:
        """While its block runs, `break_off` cancels the task that it runs in."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (it is awaited in one)
        self._breakable.add(task)
        try:
            yield
        finally:
            self._breakable.discard(task)

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
            await self._deliver(response, scope, gone, send, transport)
        except ClientGoneError:
            return
        except (asyncio.CancelledError, ServerEndedError):
            # The server ends, so a broken connection tells the client the truth.
            if transport is None:
                raise
            transport.abort()
            await gone()

    async def _deliver(
        self,
        response: Response | PendingRequest,
        scope: Scope,
        gone: Callable[[], Awaitable[None]],
        send: Send,
        transport: asyncio.Transport | None,
    ) -> None:
        ready = await self._run_in_loop(self._room.respond(response), gone)
        body = b"" if scope["method"] == "HEAD" else ready.body
        if not ready.fault:
            report_bytes_sent(ready, 0 if transport is not None and transport.is_closing() else len(body))
            await send({"type": "http.response.start", "status": ready.status, "headers": response_headers_of(ready)})
            await send({"type": "http.response.body", "body": body})
            return
        if transport is None:
            report_bytes_sent(ready, 0)
            raise FaultOnPurposeError(ready.fault, ready)
        broken = WIRE_FAULTS[ready.fault].break_response(render_head(ready, keep_alive=False), body)
        connection = ClientConnection(transport, gone)
        try:
            with self.broken_off_at_end():
                await connection.send_broken_response(broken)
        finally:
            report_bytes_sent(ready, connection.body_bytes)
        # uvicorn answers 500 for an app that returns without an answer while the connection is there.
        await gone()

    async def _run_in_loop(self, steps: Waits[T], gone: Callable[[], Awaitable[None]]) -> T:
        """What steps return, each wait awaited in this task, in an asyncio loop.

        Args:
            gone: waits until the client has closed its connection.

        Raises:
            ClientGoneError: it has, and the rest needs it.
        """
        try:
            while True:
                wait = next(steps)
                if wait.done is None:
                    with self.broken_off_at_end():
                        await asyncio.sleep(wait.seconds or 0.0)
                else:
                    await await_in_loop(wait, wait.done, gone)
        except StopIteration as stop:
            returned: T = stop.value
            return returned
        finally:
            steps.close()


def report_bytes_sent(response: Response, count: int) -> None:
    """Reports how many bytes of a response's body went out. To be called once for each, where exchanges are made."""
    if response.report_bytes_sent is not None:
        response.report_bytes_sent(count)


async def await_in_loop(wait: Wait, done: "Future[Any]", gone: Callable[[], Awaitable[None]]) -> None:
    """Awaits what ends when something is done, at the latest after some time.

    Raises:
        ClientGoneError: the client has gone, and the wait needs it.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def end(_: object) -> None:
        # A worker may be done only after the loop was closed.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(ended.set)

    done.add_done_callback(end)
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
