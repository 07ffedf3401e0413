"""The door: exchanges and control calls for callers in this process. Never knows an HTTP library."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.types import ASGIApp

from mockfoundry.exchange import Service, answer
from mockfoundry.in_process.calling import Answer, called
from mockfoundry.in_process.pauses import Pause, Pauses, wait_for
from mockfoundry.in_process.turns import Turns
from mockfoundry.requests import Headers, Outcome, Parked, Request, by_name
from mockfoundry.server.holds import TooManyHeldError
from mockfoundry.server.limits import Limits, body_too_large, headers_too_large, too_many_held

SECOND = 1_000_000
CONTROL = b"/__mock"
"""What the paths of control calls begin with."""


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
        self._portal: BlockingPortal | None = None
        self._opening = threading.Lock()
        self._open = ExitStack()
        self.closed = threading.Event()

    def close(self) -> None:
        """Lets go what is held, and waits for calls that are being answered; what comes later is answered no more."""
        self.closed.set()
        self._turns.release_all()
        self._open.close()

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
        outcome = self._turns.ask(lambda: answer(self._service, request))
        if isinstance(outcome, Parked):
            parked = outcome
            try:
                yield from self._waited(parked, patience)
            except TooManyHeldError:
                return too_many_held(self._limits.held, done=False)
            except BaseException:
                self._go_on_alone(parked)
                raise
            outcome = self._resumed(parked)
        try:
            yield from self._waited(outcome, patience)
        except TooManyHeldError:
            return too_many_held(self._limits.held, done=True)
        return outcome

    def was_sent(self, outcome: Outcome, count: int) -> None:
        """Notes how many bytes of an answer's body went out where a fault broke it."""
        sent = outcome.sent
        if sent is not None:
            self._turns.ask(lambda: sent(count))

    def _too_large(self, target: bytes, headers: Headers, content: bytes) -> Outcome | None:
        if len(target) + sum(len(name) + len(value) for name, value in headers) > self._limits.headers:
            return headers_too_large(self._limits)
        return body_too_large(self._limits) if len(content) > self._limits.body else None

    def _resumed(self, parked: Parked) -> Outcome:
        return self._turns.ask(lambda: parked.resume(self._turns.real()))

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
        finally:
            self._turns.let_go(released)
        if left is not None and left < at_most and not released.done():
            raise TooLateError

    def _go_on_alone(self, parked: Parked) -> None:
        """Makes the exchange of a request whose client has gone, when its time has come."""

        def run() -> None:
            with suppress(TooManyHeldError):
                for pause in self._waited(parked, None):
                    wait_for(pause, self.closed)
            if not self.closed.is_set():
                self._resumed(parked)

        threading.Thread(target=run, name="mockfoundry-left-behind", daemon=True).start()

    def controlled(
        self, method: str, target: bytes, headers: Headers, content: bytes, patience: float | None = None
    ) -> Answer:
        """The answer of a call of the control API.

        Args:
            target: path and query as they came.
            headers: names in lower case.
            patience: seconds to wait for it, None for ever.

        Raises:
            TooLateError: it did not come in time.
            EndedError: there is no server any more.
        """
        if self.closed.is_set():
            raise EndedError
        with self._opening:
            if self._control is None:
                self._control = self._make_control(self._turns)
            if self._portal is None:
                self._portal = self._open.enter_context(start_blocking_portal())
        future = self._portal.start_task_soon(called, self._control, method, target, headers, content)
        try:
            return future.result(patience)
        except TimeoutError:
            if future.done():
                raise
            # The call goes on without its caller, as on a socket.
            raise TooLateError from None
