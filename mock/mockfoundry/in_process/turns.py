"""Turns: the desk of a service without a loop, where threads take turns. Never makes an exchange."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from mockfoundry.server.holds import TooManyHeldError

T = TypeVar("T")


class Turns:
    """The desk of a service without a loop: one by one, whatever thread asks; it holds requests, and releases them.

    Args:
        most_held: requests that may be held at once.
    """

    def __init__(self, most_held: int) -> None:
        self._turn = threading.RLock()
        self._most_held = most_held
        self._held: list[tuple[str, Future[None]]] = []
        self._ended = False

    def take(self, function: Callable[[], T]) -> T:
        """What a function returns, or raises."""
        with self._turn:
            return function()

    def ask(self, function: Callable[[], T]) -> T:
        """What a function of the control API returns, or raises.

        Raises:
            TimeoutError: the service has ended.
        """
        with self._turn:
            if self._ended:
                raise TimeoutError("the server has ended")
            return function()

    def hold(self, name: str) -> "Future[None]":
        """What is done once the hold of that name is released.

        Raises:
            TooManyHeldError: there is no room for another.
        """
        with self._turn:
            if len(self._held) >= self._most_held:
                raise TooManyHeldError
            released: Future[None] = Future()
            self._held.append((name, released))
            return released

    def let_go(self, released: "Future[None]") -> None:
        """Counts a request no longer among those that are held; whoever waits for it still waits no longer."""
        with self._turn:
            self._held = [each for each in self._held if each[1] is not released]
            if not released.done():
                released.set_result(None)

    def release(self, hold: str) -> int:
        """Lets the requests of a hold go on; says how many there were."""
        with self._turn:
            waiting = [released for name, released in self._held if name == hold and not released.done()]
            for released in waiting:
                released.set_result(None)
            return len(waiting)

    def end(self) -> None:
        """Lets all held requests go on, and takes no more questions of the control API."""
        with self._turn:
            self._ended = True
            for name in {name for name, _ in self._held}:
                self.release(name)

    def real(self) -> int:
        """The machine's time, in microseconds since the epoch."""
        return time.time_ns() // 1000
