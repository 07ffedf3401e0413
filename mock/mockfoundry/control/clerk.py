"""The clerk: what every handler of the control API has at hand, and how it comes by a foundation. Never answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import flask

from mockfoundry.control.desk import Desk
from mockfoundry.control.problems import ControlError, unknown_foundation
from mockfoundry.exchange import Service
from mockfoundry.foundations import Foundation
from mockfoundry.journal import Cell, merged

T = TypeVar("T")
Handler = Callable[..., Any]
Handlers = dict[str, Handler]


@dataclass(slots=True)
class Clerk:
    """What handlers work with.

    Attributes:
        met: what foundations had met that are no more, so that coverage outlives them.
    """

    service: Service
    desk: Desk
    met: dict[Cell, int] = field(default_factory=dict)

    def foundation(self, name: str) -> Foundation:
        """The foundation of that name; to be called inside `ask`.

        Raises:
            ControlError: 404, there is none.
        """
        found = self.service.registry.find(name)
        if found is None:
            raise unknown_foundation(name)
        return found

    def within(self, name: str, function: Callable[[Foundation, int], T]) -> T:
        """What a function makes of a foundation and its time, in virtual microseconds, in the loop's thread."""

        def run() -> T:
            foundation = self.foundation(name)
            return function(foundation, foundation.world.clock.now(self.desk.real()))

        return self.desk.ask(run)

    def retire(self, name: str) -> None:
        """Keeps what a foundation has met, before it goes; to be called inside `ask`."""
        found = self.service.registry.find(name)
        if found is not None:
            merged(found.journal.met, self.met)


def sent_text() -> str:
    """The body of the call as text.

    Raises:
        ControlError: 400, it is not UTF-8.
    """
    try:
        return flask.request.get_data().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ControlError(400, "not-text", f"body: is not UTF-8 at byte {error.start}; send it as UTF-8") from None
