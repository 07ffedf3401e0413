"""Waiting: what a request waits for before its response is sent, as steps. Never waits itself, never sends anything.

The steps are generators of `Wait` values. Each runner of the steps waits in its own way: the server's loop awaits it,
a client's thread in the same process sleeps. The code between two waits runs where exchanges are made: in the server's
loop, or in an in-process server's turn. So nothing here needs a lock.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from mockfoundry.cloudfoundry.errors import UNKNOWN_ERROR, CatalogueEntry, Refusal
from mockfoundry.exchange.response import OWN_FAILURE_REASON, HoldKey, PendingRequest, Response
from mockfoundry.foundations.registry import FoundationRegistry

T = TypeVar("T")

MICROSECONDS_PER_SECOND = 1_000_000
MAX_WORKERS = 2
"""Threads for work that takes too long for the place where exchanges are made."""

TOO_MANY_HELD = CatalogueEntry("Mock-TooManyHeld", 990007, 503, "")

log = logging.getLogger("mockfoundry")


class Wait(NamedTuple):
    """One thing to wait for. Nothing is waited for without its client: a runner closes the steps where that has gone.

    Attributes:
        seconds: how long at most; None for as long as it takes.
        done: ends the wait earlier, from whatever thread; None where nothing does.
    """

    seconds: float | None
    done: "Future[Any] | None" = None


Waits = Generator[Wait, None, T]
"""Gives what to wait for, one after the other; returns what there is after the last."""


class TooManyHeldError(Exception):
    """As many requests are held as there may be."""


class ServerEndedError(Exception):
    """The server has ended, so what was waited for will not come."""


class HeldRequest(NamedTuple):
    """A request that is held.

    Attributes:
        released: done when it may go on.
        has_left: whether its client has gone.
    """

    released: "Future[None]"
    has_left: Callable[[], bool]

    @property
    def is_waiting(self) -> bool:
        """Whether it is to be released, and there is a client for it."""
        return not (self.released.done() or self.has_left())


def never_leaves() -> bool:
    """Whether a client has gone, where the door need not ask, since it hears of that at once."""
    return False


class RequestHolds:
    """The held requests of a server, by their holds.

    Args:
        most: how many there may be at once.
        is_live: whether the foundation of a generation is there; holds of one that is not are over.
    """

    def __init__(self, most: int, is_live: Callable[[int], bool]) -> None:
        self.most = most
        self._is_live = is_live
        self._held: dict[HoldKey, list[HeldRequest]] = defaultdict(list)
        self._count = 0

    def hold(self, hold: HoldKey, at_most: int, has_left: Callable[[], bool] = never_leaves) -> Waits[None]:
        """Waits until a hold is released, its foundation ends, or so many microseconds have passed.

        Args:
            has_left: whether the client has gone; its request is not released any more.

        Raises:
            TooManyHeldError: there is no room for another.
        """
        if not self._is_live(hold.generation):
            return
        if self._count >= self.most:
            raise TooManyHeldError
        held = HeldRequest(Future(), has_left)
        self._count += 1
        self._held[hold].append(held)
        try:
            yield Wait(at_most / MICROSECONDS_PER_SECOND, held.released)
        finally:
            self._count -= 1
            self._held[hold].remove(held)
            if not self._held[hold]:
                del self._held[hold]

    def count_held(self) -> int:
        """How many requests are held."""
        return self._count

    def release(self, hold: HoldKey) -> int:
        """Lets every request of a hold go on; gives their number."""
        waiting = [held for held in self._held.get(hold, ()) if held.is_waiting]
        for held in waiting:
            held.released.set_result(None)
        return len(waiting)

    def release_generation(self, generation: int) -> None:
        """Lets every request go on that is held in one foundation."""
        for hold in tuple(self._held):
            if hold.generation == generation:
                self.release(hold)

    def release_all(self) -> None:
        """Lets every held request go on."""
        for hold in tuple(self._held):
            self.release(hold)


class Workers:
    """Threads for work that takes long. Unlike a ThreadPoolExecutor's, the end of the process does not wait for them.

    A thread ends after its last work once `close` was called.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"mockfoundry-worker_{number}", daemon=True)
            for number in range(MAX_WORKERS)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        done: Future[T] = Future()
        self._work.put((done, work))
        return done

    def close(self) -> None:
        """Cancels the work that was not begun. What was begun is waited for by nobody."""
        with suppress(Empty):
            while (given := self._work.get_nowait()) is not None:
                given[0].cancel()
        for _ in self._threads:
            self._work.put(None)

    def _run(self) -> None:
        while (given := self._work.get()) is not None:
            done, work = given
            if not done.set_running_or_notify_cancel():
                continue
            try:
                result = work()
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(result)
                del result
            # Nothing is kept alive while there is nothing to do.
            del given, done, work


class WaitingRoom:
    """Everything that waits in one server.

    Args:
        max_held: requests that scenarios may hold at once.
        registry: the foundations whose requests wait here.
    """

    def __init__(self, max_held: int, registry: FoundationRegistry) -> None:
        self.holds = RequestHolds(max_held, registry.is_live)
        self._registry = registry
        registry.end_watchers.append(self.holds.release_generation)
        self._has_ended = False
        self._subscribed = set[Future[None]]()
        self._workers: Workers | None = None

    def respond(
        self, waiting: Response | PendingRequest, has_left: Callable[[], bool] = never_leaves
    ) -> Waits[Response]:
        """The response that is to be sent now, after everything that it waits for.

        Args:
            has_left: whether the client has gone, where the door would hear of that only some turns of its loop later.

        Raises:
            ServerEndedError: the server has ended, so there will be none.
        """
        while isinstance(waiting, PendingRequest):
            waiting = yield from self.resume(waiting, has_left)
        yield from self.hold_back(waiting, has_left)
        return waiting

    def resume(
        self, pending: PendingRequest, has_left: Callable[[], bool] = never_leaves
    ) -> Waits[Response | PendingRequest]:
        """The outcome of a request that waits before its exchange. Closed before that, it abandons the request.

        Raises:
            ServerEndedError: the server has ended, so there will be none.
        """
        try:
            return (yield from self._wait_and_resume(pending, has_left))
        except (GeneratorExit, ServerEndedError):
            if pending.abandon is not None:
                pending.abandon()
            raise

    def _wait_and_resume(
        self, pending: PendingRequest, has_left: Callable[[], bool]
    ) -> Waits[Response | PendingRequest]:
        try:
            yield from self._wait_for_delay_and_hold(pending, has_left)
        except TooManyHeldError:
            return pending.give_up(too_many_held_refusal(self.holds.most))
        if pending.watch_client is not None:
            pending.watch_client(has_left)
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
                return pending.give_up(Refusal(UNKNOWN_ERROR, why=OWN_FAILURE_REASON))
        return pending.resume(time.time_ns() // 1000, result)

    def hold_back(self, response: Response, has_left: Callable[[], bool] = never_leaves) -> Waits[None]:
        """Waits for the delay and the hold of a response; one for whose hold there is no room says so.

        Closed before that, it reports that nothing of the response was sent.
        """
        try:
            yield from self._wait_for_delay_and_hold(response, has_left)
        except TooManyHeldError:
            response.headers.append(not_held_header(self.holds.most))
        except GeneratorExit:
            report_bytes_sent(response, 0)
            raise

    def close(self) -> None:
        """Ends every wait but delays: what is held goes on, what waits for news or for a worker raises."""
        self._has_ended = True
        with suppress(ValueError):
            self._registry.end_watchers.remove(self.holds.release_generation)
        self.holds.release_all()
        for happened in tuple(self._subscribed):
            complete(happened)
        if self._workers is not None:
            self._workers.close()

    def _wait_for_delay_and_hold(self, waiting: Response | PendingRequest, has_left: Callable[[], bool]) -> Waits[None]:
        if waiting.delay:
            yield Wait(waiting.delay / MICROSECONDS_PER_SECOND)
        if waiting.hold:
            yield from self.holds.hold(waiting.hold, waiting.hold_at_most, has_left)

    def _wait_until(self, subscribe: Callable[[Callable[[], None]], Callable[[], None]], at_most: int) -> Waits[None]:
        happened: Future[None] = Future()
        self._subscribed.add(happened)
        unsubscribe = subscribe(lambda: complete(happened))
        try:
            if not self._has_ended:
                yield Wait(at_most / MICROSECONDS_PER_SECOND, happened)
        finally:
            unsubscribe()
            self._subscribed.discard(happened)
        if self._has_ended:
            raise ServerEndedError

    def _start_work(self, work: Callable[[], T]) -> "Future[T]":
        if self._has_ended:
            raise ServerEndedError
        if self._workers is None:
            self._workers = Workers()
        return self._workers.submit(work)


def report_bytes_sent(response: Response, count: int) -> None:
    """Reports how many bytes of a response's body went out. To be called once for each, where exchanges are made."""
    if response.report_bytes_sent is not None:
        response.report_bytes_sent(count)


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
