"""Delivery: what becomes of an outcome that can't be sent at once: it waits, is held, or breaks. Never makes one."""

import asyncio
import time

from starlette.types import Receive, Scope, Send

from mockfoundry.requests import Outcome, Parked
from mockfoundry.server.faults import FAULTS
from mockfoundry.server.holds import Holds, TooManyHeldError
from mockfoundry.server.limits import not_held, too_many_held
from mockfoundry.server.protocol import TRANSPORT
from mockfoundry.server.wire import Wire, head_of, headers_of

SECOND = 1_000_000


class FaultOnPurposeError(ConnectionError):
    """A scenario asks for a fault, and this server gives no hand on its connection: breaking off is the nearest.

    Attributes:
        fault: its name.
        outcome: the answer that there would have been.
    """

    def __init__(self, fault: str, outcome: Outcome) -> None:
        super().__init__(f"scenario fault on purpose: {fault}")
        self.fault = fault
        self.outcome = outcome


class Delivery:
    """Sends outcomes through ASGI, in their own time."""

    def __init__(self, holds: Holds) -> None:
        self.holds = holds

    async def deliver(self, outcome: Outcome | Parked, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends an outcome once its delay and its hold are over; a fault breaks the connection in place of it."""
        transport = scope.get(TRANSPORT)

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        try:
            outcome = await self._ready(outcome)
        except asyncio.CancelledError:
            # The server ends: a connection that breaks off is true, an answer that nobody asked for is not.
            if transport is None:
                raise
            transport.abort()
            await gone()
            return
        sent = outcome.sent
        body = b"" if scope["method"] == "HEAD" else outcome.body
        if not outcome.fault:
            if sent is not None:
                sent(0 if transport is not None and transport.is_closing() else len(body))
            await send({"type": "http.response.start", "status": outcome.status, "headers": headers_of(outcome)})
            await send({"type": "http.response.body", "body": outcome.body})
            return
        if transport is None:
            if sent is not None:
                sent(0)
            raise FaultOnPurposeError(outcome.fault, outcome)
        wire = Wire(transport, gone)
        await FAULTS[outcome.fault](wire, head_of(outcome, keep_alive=False), body)
        if sent is not None:
            sent(wire.body_bytes)
        # uvicorn answers 500 for an app that returns without an answer while the connection is there.
        await gone()

    async def _ready(self, waiting: Outcome | Parked) -> Outcome:
        """The outcome that is to be sent, when its time has come."""
        if isinstance(waiting, Parked):
            try:
                await self._wait(waiting)
            except TooManyHeldError:
                return waiting.give_up(too_many_held(self.holds.most))
            waiting = waiting.resume(time.time_ns() // 1000)
        try:
            await self._wait(waiting)
        except TooManyHeldError:
            waiting.headers.append(not_held(self.holds.most))
        return waiting

    async def _wait(self, waiting: Outcome | Parked) -> None:
        if waiting.delay:
            await asyncio.sleep(waiting.delay / SECOND)
        if waiting.hold:
            await self.holds.wait(waiting.hold, waiting.hold_at_most)
