"""Delivery: sends through ASGI what can't be sent at once, late or broken by a fault. Never decides what is sent.

Both doors use it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, TypeVar

from starlette.types import Receive, Scope, Send

from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.server.connection import ClientConnection, has_client_left, render_head, response_headers_of
from mockfoundry.server.waiting import ServerEndedError, Wait, WaitingRoom, Waits, never_leaves, report_bytes_sent
from mockfoundry.wire_faults import WIRE_FAULTS

if TYPE_CHECKING:
    from mockfoundry.control.follow import JournalStream

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


async def break_connection(transport: asyncio.Transport, gone: Callable[[], Awaitable[None]]) -> None:
    """Breaks off a connection since the server ends: that tells the client the truth."""
    transport.abort()
    # uvicorn answers 500 for an app that returns without an answer while the connection is there.
    await gone()


async def await_disconnect(receive: Receive) -> None:
    """Waits until the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Delivery:
    """Sends responses through ASGI, each in its own time."""

    def __init__(self, room: WaitingRoom) -> None:
        self._room = room
        self._breakable: dict[asyncio.Task[object], float] = {}
        self._ends_at = inf

    def break_off(self, grace: float) -> None:
        """Ends at once what the end of the server does not wait for: long delays, faults, streams.

        Args:
            grace: seconds until that end; a delay that is over before goes on.
        """
        self._ends_at = asyncio.get_running_loop().time() + grace
        for task, until in self._breakable.items():
            if until > self._ends_at:
                task.cancel()

    @contextmanager
    def _broken_off_at_end(self, seconds: float = inf) -> Iterator[None]:
        """While its block runs, which takes so many seconds, `break_off` may cancel the task that it runs in.

        Raises:
            ServerEndedError: that was called before.
        """
        until = asyncio.get_running_loop().time() + seconds
        if self._ends_at < until:
            raise ServerEndedError
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (it is awaited in one)
        self._breakable[task] = until
        try:
            yield
        finally:
            del self._breakable[task]

    async def deliver(self, response: Response | PendingRequest, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends a response once all that it waits for is over; a fault breaks the connection in place of it.

        Raises:
            FaultOnPurposeError: a fault is to come, and the server gives no access to the connection.
            ServerEndedError: the server has ended, and gives no access to the connection.
        """
        transport: asyncio.Transport | None = scope.get(TRANSPORT_KEY)
        gone = partial(await_disconnect, receive)
        try:
            await self._deliver(response, scope, gone, send, transport)
        except ClientGoneError:
            return
        except (asyncio.CancelledError, ServerEndedError):
            if transport is None:
                raise
            await break_connection(transport, gone)

    async def deliver_stream(self, stream: "JournalStream", scope: Scope, receive: Receive, send: Send) -> None:
        """Sends a stream until its client or the server ends it; breaks it off where the client reads too slowly.

        Raises:
            TimeoutError: it does, and the server gives no access to the connection.
            ServerEndedError: the server has ended, and gives no access to the connection.
        """
        transport: asyncio.Transport | None = scope.get(TRANSPORT_KEY)
        try:
            with self._broken_off_at_end():
                await stream.send_entries(receive, send)
        except (asyncio.CancelledError, ServerEndedError, TimeoutError):
            if transport is None:
                raise
            await break_connection(transport, partial(await_disconnect, receive))

    async def _deliver(
        self,
        response: Response | PendingRequest,
        scope: Scope,
        gone: Callable[[], Awaitable[None]],
        send: Send,
        transport: asyncio.Transport | None,
    ) -> None:
        has_left = never_leaves if transport is None else partial(has_client_left, transport)
        ready = await run_in_loop(self._break_off_delays(self._room.respond(response, has_left)), gone)
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
            with self._broken_off_at_end():
                await connection.send_broken_response(broken)
        finally:
            report_bytes_sent(ready, connection.body_bytes)
        # uvicorn answers 500 for an app that returns without an answer while the connection is there.
        await gone()

    def _break_off_delays(self, steps: Waits[T]) -> Waits[T]:
        """The same steps; `break_off` cancels the task that waits for one of them which nothing else ends."""
        try:
            while True:
                wait = next(steps)
                with self._broken_off_at_end(wait.seconds or 0.0) if wait.done is None else nullcontext():
                    yield wait
        except StopIteration as stop:
            returned: T = stop.value
            return returned
        finally:
            steps.close()


async def run_in_loop(steps: Waits[T], gone: Callable[[], Awaitable[None]]) -> T:
    """What steps return, each wait awaited in this task, in an asyncio loop.

    Args:
        gone: waits until the client has closed its connection.

    Raises:
        ClientGoneError: it has; the steps are closed.
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
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def end(_: object) -> None:
        # A worker may be done only after the loop was closed.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(ended.set)

    if wait.done is not None:
        wait.done.add_done_callback(end)
    leaving = asyncio.ensure_future(gone())
    leaving.add_done_callback(lambda _: ended.set())
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), wait.seconds)
        if leaving.done() and not (wait.done is not None and wait.done.done()):
            raise ClientGoneError
    finally:
        leaving.cancel()
