"""Clock waits: what waits for a moment of a foundation's clock, and in which order it goes on. Never waits itself."""

from collections.abc import Callable
from typing import Any

import msgspec


class ClockWait(msgspec.Struct, eq=False):
    """Something that waits for a moment of one clock.

    Attributes:
        generation: of the foundation whose clock it is.
        due: the moment, in microseconds of that clock.
        go_on: does what waits. Takes the real time of then, in microseconds.
        outcome: what that gave; None before it went on.
        wake: tells whoever waits for the outcome to look again.
        has_left: whether the client that waits for it has gone, so that it is not done; None where nobody can say.
    """

    generation: int
    due: int
    go_on: Callable[[int], Any]
    outcome: Any = None
    wake: Callable[[], None] | None = None
    has_left: Callable[[], bool] | None = None

    def watch_client(self, has_left: Callable[[], bool]) -> None:
        """Takes what says whether the client has gone."""
        self.has_left = has_left

    def subscribe(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Has a function called when there may be an outcome; gives what ends that. Called at once if there is one."""
        self.wake = wake
        if self.outcome is not None:
            wake()
        return self.unsubscribe

    def unsubscribe(self) -> None:
        self.wake = None


class ClockWaits:
    """What waits for the clocks of a server's foundations, by generation, in the order in which it came."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[ClockWait]] = {}

    def add(self, wait: ClockWait) -> None:
        self._waiting.setdefault(wait.generation, []).append(wait)

    def remove(self, wait: ClockWait) -> None:
        """Takes away what waits no longer; one that is not there is none the worse."""
        waiting = self._waiting.get(wait.generation, [])
        if wait in waiting:
            waiting.remove(wait)
        if not waiting:
            self._waiting.pop(wait.generation, None)

    def find_next(self, generation: int) -> int | None:
        """The earliest moment that is waited for on the clock of a generation, in microseconds; None for none."""
        return min((wait.due for wait in self._waiting.get(generation, ())), default=None)

    def release_due(self, generation: int, now: int, real_time: int) -> None:
        """Does what waits for a moment that has come: the earlier moment first, of equal ones what came first. What a
        client that has gone waits for is left to the door, which hears of that later.

        Args:
            now: of the foundation's clock.
            real_time: of the machine's.
        """
        waiting = self._waiting.get(generation, ())
        for wait in sorted((each for each in waiting if each.due <= now), key=lambda each: each.due):
            self.remove(wait)
            # Another one that went on before may have been this one's turn, too.
            if wait.outcome is not None or (wait.has_left is not None and wait.has_left()):
                continue
            wait.outcome = wait.go_on(real_time)
            if wait.wake is not None:
                wait.wake()

    def wake_generation(self, generation: int) -> None:
        """Has everything look again that waits for the clock of a generation: that was set anew, or has ended."""
        for wait in tuple(self._waiting.get(generation, ())):
            if wait.wake is not None:
                wait.wake()
