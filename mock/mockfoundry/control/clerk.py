"""The clerk: what every handler of the control API has at hand, and how it comes by a foundation. Never answers."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import flask
import msgspec

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
            merged(found.journal, self.met)


def sent_text() -> str:
    """The body of the call as text.

    Raises:
        ControlError: 400, it is not UTF-8.
    """
    try:
        return flask.request.get_data().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ControlError(400, "not-text", f"body: is not UTF-8 at byte {error.start}; send it as UTF-8") from None


def as_json(handler: Handler) -> Handler:
    """A handler whose values are sent as JSON: connexion must be told, since problems are documented beside it."""

    @functools.wraps(handler)
    def answer(*args: Any, **options: Any) -> flask.Response:
        value = handler(*args, **options)
        if isinstance(value, flask.Response):
            return value
        body, status = value if isinstance(value, tuple) else (value, 200)
        if body is None:
            empty = flask.Response(status=status)
            del empty.headers["content-type"]
            return empty
        return flask.Response(msgspec.json.encode(body), status, content_type="application/json")

    return answer
