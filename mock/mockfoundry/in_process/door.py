"""The door: exchanges and control calls for callers in this process. Never knows an HTTP library."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, wait
from contextlib import ExitStack

from anyio import Event
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp

from mockfoundry.exchange import Service, answer
from mockfoundry.in_process.calling import Answer, called
from mockfoundry.in_process.pauses import Pause, Pauses, waited
from mockfoundry.in_process.turns import Turns
from mockfoundry.requests import Headers, Outcome, Parked, Request, by_name
from mockfoundry.server.holds import TooManyHeldError
from mockfoundry.server.limits import Limits, body_too_large, headers_too_large, not_held, too_many_held

SECOND = 1_000_000
CONTROL = b"/__mock"
"""What the paths of control calls begin with."""

GRACE_SECONDS = 1.0
"""How long calls of the control API may still take once the service has ended."""


class TooLateError(Exception):
    """The answer comes later than the client waits, or never."""


class EndedError(Exception):
    """The service is served no more."""


class Door:
    """A service for callers in this process.

    Args:
        control: makes the control API's app, with the desk that it is to use.

    Attributes:
        closed: whether it serves no more; ends every wait.
    """

    def __init__(self, service: Service, limits: Limits, control: Callable[[Turns], ASGIApp]) -> None:
        self._service = service
        self._limits = limits
        self._turns = Turns(limits.held)
        self._make_control = control
        self._control: ASGIApp | None = None
        self._calls = set[Future[Answer]]()
        self._portal: BlockingPortal | None = None
        self._leaving: Event | None = None
        self._opening = threading.Lock()
        self._open = ExitStack()
        self.closed = threading.Event()

    def close(self) -> None:
        """Lets go what is held, and ends control calls; what comes later is answered no more."""
        with self._opening:
            self.closed.set()
            portal, leaving, calls = self._portal, self._leaving, tuple(self._calls)
        self._turns.end()
        self._turns.take(self._wake)
        if portal is not None and leaving is not None:
            portal.call(leaving.set)
            # Workers of the control API speak to its loop, so it should not end before them.
            wait(calls, GRACE_SECONDS)
            portal.call(portal.stop, True)
        self._open.close()

    def _wake(self) -> None:
        """Ends the waits for news of a journal, whose callers ask next, and are told that there is no server."""
        for foundation in self._service.registry:
            for watcher in tuple(foundation.journal.watchers):
                watcher()

    def answered(
        self, method: str, target: bytes, headers: Headers, content: bytes, scheme: str, patience: float | None
    ) -> Pauses[Outcome]:
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
            raise EndedError
        too_large = self._too_large(target, headers, content)
        if too_large is not None:
            return too_large
        path, _, query = target.partition(b"?")
        request = Request(method, path.decode("latin-1"), query, by_name(headers), content, scheme, self._turns.real())
        outcome = self._turns.take(lambda: answer(self._service, request))
        if isinstance(outcome, Parked):
            outcome = yield from self._resumed(outcome, patience)
        try:
            yield from self._waited(outcome, patience)
        except TooManyHeldError:
            outcome.headers.append(not_held(self._limits.held))
        except BaseException:
            self.was_sent(outcome, 0)
            raise
        return outcome

    def was_sent(self, outcome: Outcome, count: int) -> None:
        """Notes how many bytes of an answer's body went out. To be called once for each outcome that is given out."""
        sent = outcome.sent
        if sent is not None:
            self._turns.take(lambda: sent(count))

    def _too_large(self, target: bytes, headers: Headers, content: bytes) -> Outcome | None:
        if len(target) + sum(len(name) + len(value) for name, value in headers) > self._limits.headers:
            return headers_too_large(self._limits)
        return body_too_large(self._limits) if len(content) > self._limits.body else None

    def _resumed(self, parked: Parked, patience: float | None) -> Pauses[Outcome]:
        """The outcome of a request that waits before its exchange."""
        try:
            yield from self._waited(parked, patience)
        except TooManyHeldError:
            return self._given_up(parked)
        except BaseException:
            self._go_on_alone(parked)
            raise
        return self._exchanged(parked)

    def _exchanged(self, parked: Parked) -> Outcome:
        return self._turns.take(lambda: parked.resume(self._turns.real()))

    def _given_up(self, parked: Parked) -> Outcome:
        return self._turns.take(lambda: parked.give_up(too_many_held(self._limits.held)))

    def _waited(self, waiting: Outcome | Parked, patience: float | None) -> Pauses[None]:
        """The pauses of a delay and of a hold; a delay that is too long for the client is not waited for."""
        delay = waiting.delay / SECOND
        if delay:
            if patience is not None and delay >= patience:
                raise TooLateError
            yield Pause(delay)
        if not waiting.hold:
            return
        left = None if patience is None else patience - delay
        at_most = waiting.hold_at_most / SECOND
        released = self._turns.hold(waiting.hold)
        try:
            yield Pause(at_most if left is None else min(at_most, left), released)
            was_released = released.done()
        finally:
            self._turns.let_go(released)
        if left is not None and left < at_most and not was_released:
            raise TooLateError

    def _go_on_alone(self, parked: Parked) -> None:
        """Makes the exchange of a request whose client has gone, when its time has come."""

        def run() -> None:
            try:
                waited(self._waited(parked, None), self.closed)
            except TooManyHeldError:
                self.was_sent(self._given_up(parked), 0)
                return
            if not self.closed.is_set():
                self.was_sent(self._exchanged(parked), 0)

        threading.Thread(target=run, name="mockfoundry-left-behind", daemon=True).start()

    def controlled(
        self, method: str, target: bytes, headers: Headers, content: bytes, patience: float | None = None
    ) -> Pauses[Answer]:
        """The answer of a call of the control API, after a pause until it is there.

        Args:
            target: path and query as they came.
            headers: names in lower case.
            patience: seconds to wait for it, None for ever.

        Raises:
            TooLateError: it did not come in time; the call goes on without its caller, as on a socket.
            EndedError: there is no server any more.
        """
        call = self._called(method, target, headers, content)
        yield Pause(patience, call)
        if self.closed.is_set():
            raise EndedError
        if not call.done():
            raise TooLateError
        try:
            return call.result()
        except CancelledError:
            raise EndedError from None

    def _called(self, method: str, target: bytes, headers: Headers, content: bytes) -> "Future[Answer]":
        with self._opening:
            if self.closed.is_set():
                raise EndedError
            if self._portal is None or self._leaving is None:
                self._portal = self._open.enter_context(start_blocking_portal())
                self._leaving = self._portal.call(Event)
            call = self._portal.start_task_soon(self._controlled, method, target, headers, content, self._leaving)
            self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return call

    async def _controlled(self, method: str, target: bytes, headers: Headers, content: bytes, leaving: Event) -> Answer:
        if self._control is None:
            self._control = self._make_control(self._turns)
        return await called(self._control, method, target, headers, content, leaving)
