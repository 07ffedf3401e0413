"""The clerk: what every handler of the control API has at hand, and how it comes by a foundation. Never answers."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import flask
import msgspec

from mockfoundry.control.desk import Desk
from mockfoundry.control.problems import ControlError, unknown_foundation
from mockfoundry.exchange import Service
from mockfoundry.foundations import Foundation

T = TypeVar("T")
Handler = Callable[..., Any]
Handlers = dict[str, Handler]


@dataclass(slots=True)
class Clerk:
    """What handlers work with."""

    service: Service
    desk: Desk

    def foundation(self, name: str) -> Foundation:
        """The foundation of that name; to be called inside `ask`.

        Raises:
            ControlError: 404, there is none.
        """
        found = self.service.registry.asked_for(name, self.desk.real())
        if found is None:
            raise unknown_foundation(name)
        return found

    def within(self, name: str, function: Callable[[Foundation, int], T]) -> T:
        """What a function makes of a foundation and its time, in virtual microseconds, in the loop's thread.

        Raises:
            ControlError: 404, there is none of that name.
        """

        def run() -> T:
            foundation = self.foundation(name)
            return function(foundation, foundation.world.clock.now(self.desk.real()))

        return self.desk.ask(run)

    def within_new(self, name: str, function: Callable[[Foundation, int], T]) -> T:
        """The same for a call that prepares a foundation: it is a first use, and makes one where there is none.

        Where the call is refused after all, the foundation that it would have made is not there.

        Raises:
            ControlError: 404, there is none, and `If-Match: *` says that there has to be.
        """
        only_old = "*" in flask.request.if_match

        def run() -> T:
            registry, real = self.service.registry, self.desk.real()
            is_new = registry.asked_for(name, real) is None
            if is_new and only_old:
                raise unknown_foundation(name)
            foundation = registry.named(name, real)
            try:
                return function(foundation, foundation.world.clock.now(real))
            except Exception:
                if is_new:
                    registry.delete(name)
                raise

        return self.desk.ask(run)


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
