"""Limits: how large a request may be and how many may wait, and what one beyond is told. Never reads one.

Holds: requests that are kept waiting until a test releases them. Never keeps one for ever.

Delivery: what becomes of an outcome that can't be sent at once: it waits, is held, or breaks. Never makes one.
"""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.exchange.response import PendingRequest, Response, response_from_refusal
from mockfoundry.server.faults import ClientConnection, render_head, response_headers_of
from mockfoundry.wire_faults import WIRE_FAULTS

BODY_TOO_LARGE = CatalogueEntry("Mock-BodyTooLarge", 990005, 413, "")
HEADERS_TOO_LARGE = CatalogueEntry("Mock-HeadersTooLarge", 990006, 431, "")
TOO_MANY_HELD = CatalogueEntry("Mock-TooManyHeld", 990007, 503, "")


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """How large requests may be, and how many may wait.

    Attributes:
        body, headers: bytes of one request; of its headers names and values together.
        held: requests that scenarios may hold at once.
    """

    body: int = 1024 * 1024
    headers: int = 32 * 1024
    held: int = 1_000


def body_too_large_response(limits: ServerLimits) -> Response:
    text = f"The body is larger than {limits.body} bytes; send less, or start the server with a larger --max-body"
    return close_after_response(response_from_refusal(Refusal(BODY_TOO_LARGE, text, "limit: body")))


def headers_too_large_response(limits: ServerLimits) -> Response:
    text = f"The headers are larger than {limits.headers} bytes together; send less"
    return close_after_response(response_from_refusal(Refusal(HEADERS_TOO_LARGE, text, "limit: headers")))


def too_many_held_refusal(most: int) -> Refusal:
    """Why a request is refused that a scenario would hold before its exchange, where as many are held as may be."""
    text = f"{most} requests are held already; release some, or start the server with a larger --max-held"
    return Refusal(TOO_MANY_HELD, text, "limit: held requests")


def not_held_header(most: int) -> tuple[bytes, bytes]:
    """What an answer says that a scenario would hold, where as many are held as may be: it is sent at once."""
    return b"x-mock-held", b"no: %d requests are held already (--max-held)" % most


def close_after_response(response: Response) -> Response:
    """An outcome after which the connection ends: what is still to come of its request is not read."""
    response.headers.append((b"connection", b"close"))
    return response


class TooManyHeldError(Exception):
    """As many requests are held as there may be."""


class RequestHolds:
    """The held requests of a server, by the name of their hold.

    Args:
        most: how many there may be at once.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._waiting: dict[str, list[asyncio.Event]] = defaultdict(list)
        self._count = 0

    async def wait(self, name: str, at_most: int) -> None:
        """Waits until the hold of that name is released, or so many microseconds have passed.

        Raises:
            TooManyHeldError: there is no room for another.
        """
        if self._count >= self.most:
            raise TooManyHeldError
        self._count += 1
        released = asyncio.Event()
        self._waiting[name].append(released)
        try:
            await asyncio.wait_for(released.wait(), at_most / 1_000_000)
        except TimeoutError:
            return
        finally:
            self._count -= 1
            self._waiting[name].remove(released)
            if not self._waiting[name]:
                del self._waiting[name]

    def release_all(self) -> None:
        """Lets every held request go on. Call it in the server's loop."""
        for name in tuple(self._waiting):
            self.release(name)

    def release(self, name: str) -> int:
        """Lets every request that waits under a name go on; says how many there were. Call it in the server's loop."""
        waiting = self._waiting.get(name, [])
        for released in waiting:
            released.set()
        return len(waiting)


SECOND = 1_000_000


class FaultOnPurposeError(ConnectionError):
    """A scenario asks for a fault, and this server gives no hand on its connection: breaking off is the nearest.

    Attributes:
        fault: its name.
        outcome: the answer that there would have been.
    """

    def __init__(self, fault: str, response: Response) -> None:
        super().__init__(f"scenario fault on purpose: {fault}")
        self.fault = fault
        self.outcome = response


class Delivery:
    """Sends outcomes through ASGI, in their own time."""

    def __init__(self, holds: RequestHolds) -> None:
        self.holds = holds

    async def deliver(self, response: Response | PendingRequest, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends an outcome once its delay and its hold are over; a fault breaks the connection in place of it."""
        transport = scope.get(TRANSPORT_KEY)

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        try:
            response = await self._ready(response)
        except asyncio.CancelledError:
            # The server ends: a connection that breaks off is true, an answer that nobody asked for is not.
            if transport is None:
                raise
            transport.abort()
            await gone()
            return
        sent = response.report_bytes_sent
        body = b"" if scope["method"] == "HEAD" else response.body
        if not response.fault:
            if sent is not None:
                sent(0 if transport is not None and transport.is_closing() else len(body))
            await send(
                {"type": "http.response.start", "status": response.status, "headers": response_headers_of(response)}
            )
            await send({"type": "http.response.body", "body": response.body})
            return
        if transport is None:
            if sent is not None:
                sent(0)
            raise FaultOnPurposeError(response.fault, response)
        broken = WIRE_FAULTS[response.fault].break_response(render_head(response, keep_alive=False), body)
        body_bytes = await ClientConnection(transport, gone).send_broken_response(broken)
        if sent is not None:
            sent(body_bytes)
        # uvicorn answers 500 for an app that returns without an answer while the connection is there.
        await gone()

    async def _ready(self, waiting: Response | PendingRequest) -> Response:
        """The outcome that is to be sent, when its time has come."""
        if isinstance(waiting, PendingRequest):
            try:
                await self._wait(waiting)
            except TooManyHeldError:
                return waiting.give_up(too_many_held_refusal(self.holds.most))
            waiting = waiting.resume(time.time_ns() // 1000)
        try:
            await self._wait(waiting)
        except TooManyHeldError:
            waiting.headers.append(not_held_header(self.holds.most))
        return waiting

    async def _wait(self, waiting: Response | PendingRequest) -> None:
        if waiting.delay:
            await asyncio.sleep(waiting.delay / SECOND)
        if waiting.hold:
            await self.holds.wait(waiting.hold, waiting.hold_at_most)


READY_RESPONSE_KEY = "mockfoundry.ready"
"""The key in an ASGI scope of what is to be sent, where the exchange was already made."""

TRANSPORT_KEY = "mockfoundry.transport"
"""The key in an ASGI scope of the connection's transport, which faults break."""
