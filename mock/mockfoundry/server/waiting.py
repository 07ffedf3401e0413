"""Waiting: what a request waits for before its response is sent, as steps. Never waits itself, never sends anything.

The steps are generators of `Wait` values. Each runner of the steps waits in its own way: the server's loop awaits it,
a client's thread in the same process sleeps. The code between two waits runs where exchanges are made: in the server's
loop, or in an in-process server's turn. So nothing here needs a lock.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from mockfoundry.cloudfoundry.errors import UNKNOWN_ERROR, CatalogueEntry, Refusal
from mockfoundry.exchange.response import PendingRequest, Response

T = TypeVar("T")

MICROSECONDS_PER_SECOND = 1_000_000
MAX_WORKERS = 2
"""Threads for work that takes too long for the place where exchanges are made."""

TOO_MANY_HELD = CatalogueEntry("Mock-TooManyHeld", 990007, 503, "")

log = logging.getLogger("mockfoundry")


class Wait(NamedTuple):
    """One thing to wait for.

    Attributes:
        seconds: how long at most; None for as long as it takes.
        done: ends the wait earlier, from whatever thread; None where nothing does.
        needs_client: whether there is nothing left to wait for once the client has gone.
    """

    seconds: float | None
    done: "Future[Any] | None" = None
    needs_client: bool = False


Waits = Generator[Wait, None, T]
"""Gives what to wait for, one after the other; returns what there is after the last."""


class TooManyHeldError(Exception):
    """As many requests are held as there may be."""


class ServerEndedError(Exception):
    """The server has ended, so what was waited for will not come."""


class RequestHolds:
    """The held requests of a server, by the name of their hold.

    Args:
        most: how many there may be at once.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: dict[str, list[Future[None]]] = defaultdict(list)
        self._count = 0

    def hold(self, name: str, at_most: int) -> Waits[None]:
        """Waits until the hold of that name is released, or so many microseconds have passed.

        Raises:
            TooManyHeldError: there is no room for another.
        """
        if self._count >= self.most:
            raise TooManyHeldError
        released: Future[None] = Future()
        self._count += 1
        self._held[name].append(released)
        try:
            yield Wait(at_most / MICROSECONDS_PER_SECOND, released)
        finally:
            self._count -= 1
            self._held[name].remove(released)
            if not self._held[name]:
                del self._held[name]

    def release(self, hold: str) -> int:
        """Lets every request that waits under a name go on; gives their number."""
        waiting = [released for released in self._held.get(hold, ()) if not released.done()]
        for released in waiting:
            released.set_result(None)
        return len(waiting)

    def release_all(self) -> None:
        """Lets every held request go on."""
        for name in tuple(self._held):
            self.release(name)


class WaitingRoom:
    """Everything that waits in one server.

    Args:
        max_held: requests that scenarios may hold at once.
    """

    def __init__(self, max_held: int) -> None:
        self.holds = RequestHolds(max_held)
        self._has_ended = False
        self._subscribed = set[Future[None]]()
        self._workers: ThreadPoolExecutor | None = None

    def respond(self, waiting: Response | PendingRequest) -> Waits[Response]:
        """The response that is to be sent now, after everything that it waits for.

        Raises:
            ServerEndedError: the server has ended, so there will be none.
        """
        while isinstance(waiting, PendingRequest):
            waiting = yield from self.resume(waiting)
        yield from self.hold_back(waiting)
        return waiting

    def resume(self, pending: PendingRequest) -> Waits[Response | PendingRequest]:
        """The outcome of a request that waits before its exchange.

        Raises:
            ServerEndedError: the server has ended, so there will be none.
        """
        try:
            yield from self._wait_for_delay_and_hold(pending)
        except TooManyHeldError:
            return pending.give_up(too_many_held_refusal(self.holds.most))
        if pending.until is not None:
            yield from self._wait_until(pending.until, pending.until_at_most)
        result = None
        if pending.work is not None:
            done = self._start_work(pending.work)
            yield Wait(None, done)
            try:
                result = done.result()
            except CancelledError:
                raise ServerEndedError from None
            except Exception as error:
                log.error("mockfoundry failed in its worker room", exc_info=error)
                return pending.give_up(Refusal(UNKNOWN_ERROR, why="mockfoundry failed; its log has the traceback"))
        return pending.resume(time.time_ns() // 1000, result)

    def hold_back(self, response: Response) -> Waits[None]:
        """Waits for the delay and the hold of a response; one for whose hold there is no room says so."""
        try:
            yield from self._wait_for_delay_and_hold(response)
        except TooManyHeldError:
            response.headers.append(not_held_header(self.holds.most))

    def close(self) -> None:
        """Ends every wait but delays: what is held goes on, what waits for news or for a worker raises."""
        self._has_ended = True
        self.holds.release_all()
        for happened in tuple(self._subscribed):
            complete(happened)
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)

    def _wait_for_delay_and_hold(self, waiting: Response | PendingRequest) -> Waits[None]:
        if waiting.delay:
            yield Wait(waiting.delay / MICROSECONDS_PER_SECOND)
        if waiting.hold:
            yield from self.holds.hold(waiting.hold, waiting.hold_at_most)

    def _wait_until(self, subscribe: Callable[[Callable[[], None]], Callable[[], None]], at_most: int) -> Waits[None]:
        happened: Future[None] = Future()
        self._subscribed.add(happened)
        unsubscribe = subscribe(lambda: complete(happened))
        try:
            if not self._has_ended:
                yield Wait(at_most / MICROSECONDS_PER_SECOND, happened, needs_client=True)
        finally:
            unsubscribe()
            self._subscribed.discard(happened)
        if self._has_ended:
            raise ServerEndedError

    def _start_work(self, work: Callable[[], T]) -> "Future[T]":
        if self._has_ended:
            raise ServerEndedError
        if self._workers is None:
            self._workers = ThreadPoolExecutor(MAX_WORKERS, "mockfoundry-worker")
        return self._workers.submit(work)


def complete(future: "Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def too_many_held_refusal(most: int) -> Refusal:
    """Why a request is refused that a scenario would hold before its exchange, where there is no room for it."""
    text = f"{most} requests are held already; release some, or start the server with a larger --max-held"
    return Refusal(TOO_MANY_HELD, text, "limit: held requests")


def not_held_header(most: int) -> tuple[bytes, bytes]:
    """The header of a response that was to be held but is sent at once, because too many are held."""
    return b"x-mock-held", b"no: %d requests are held already (--max-held)" % most
