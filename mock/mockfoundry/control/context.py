"""Problems: how the control API says no, as problem+json: where, what was found, what is allowed, what to do.

Never decides when to.

The desk: how the control API's worker threads ask for something in the thread that serves. Never decides what.

Foundations belong to the event loop's thread: an exchange runs there from start to end, and so does what the control
API does to a foundation. So each of its steps is whole, and never falls into the middle of an exchange.

The clerk: what every handler of the control API has at hand, and how it comes by a foundation. Never answers.
"""

import asyncio
import functools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import flask
import msgspec
from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from starlette.exceptions import HTTPException

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.documents.problems import DocumentError
from mockfoundry.exchange.run import Service
from mockfoundry.foundations.foundation import FoundationState

PROBLEM_MEDIA_TYPE = "application/problem+json"
MAX_DETAIL_LENGTH = 4_000

log = logging.getLogger("mockfoundry")

PROBLEM_TITLES = {
    400: "Bad request",
    401: "No token",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "There already",
    413: "Too large",
    415: "Unsupported media type",
    422: "Can't be used",
    429: "Too many",
    500: "mockfoundry failed",
    503: "No room",
}


class ControlProblem(Exception):
    """The control API says no; nothing was changed.

    Attributes:
        kind: a word for programs, the last part of the problem's type.
        detail: where, what was found, what is allowed, what to do.
    """

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail


def unknown_foundation_problem(name: str) -> ControlProblem:
    return ControlProblem(
        404,
        "unknown-foundation",
        f"foundation {name}: there is none of that name; GET /__mock/foundations lists those there are, "
        f"PUT /__mock/foundations/{name} makes it, and so does the first request, scenario, token or clock for it",
    )


def bad_value_problem(where: str, found: Any, allowed: str, mend: str) -> ControlProblem:
    """A value that can't be used."""
    shown = found if isinstance(found, str) else msgspec.json.encode(found).decode()
    return ControlProblem(422, "bad-value", f"{where}: {shown[:200]!r} is not {allowed}; {mend}")


def problem_to_dict(status: int, kind: str, detail: str, instance: str) -> dict[str, Any]:
    """A problem as JSON's values [RFC 9457]."""
    return {
        "type": f"urn:mockfoundry:{kind}",
        "title": PROBLEM_TITLES.get(status, "Problem"),
        "status": status,
        "detail": detail[:MAX_DETAIL_LENGTH],
        "instance": instance,
    }


def problem_response(status: int, kind: str, detail: str, instance: str) -> ConnexionResponse:
    body = msgspec.json.encode(problem_to_dict(status, kind, detail, instance))
    return ConnexionResponse(
        status_code=status, mimetype=PROBLEM_MEDIA_TYPE, content_type=PROBLEM_MEDIA_TYPE, body=body
    )


def handle_control_problem(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    assert isinstance(error, ControlProblem)  # noqa: S101 (registered for that class)
    return problem_response(error.status, error.kind, error.detail, request.url.path)


def handle_document_error(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """A seed or a scenario that can't be used: every problem with its place."""
    assert isinstance(error, DocumentError)  # noqa: S101
    detail = f"{error}\nnothing was changed; mend it and send it again"
    return problem_response(422, "bad-document", detail, request.url.path)


def handle_refusal(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """What the rooms below refuse: a bad name, too many foundations."""
    assert isinstance(error, Refusal)  # noqa: S101
    return problem_response(error.entry.status, error.entry.title.removeprefix("Mock-"), error.detail, request.url.path)


def handle_timeout(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    return problem_response(503, "busy", f"{request.url.path}: {error}; try again", request.url.path)


def handle_failure(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """What nobody thought of."""
    log.error("mockfoundry failed on %s %s", request.method, request.url.path, exc_info=error)
    detail = (
        f"{request.method} {request.url.path}: mockfoundry failed on this; its log has the traceback, please report it"
    )
    return problem_response(500, "failed", detail, request.url.path)


def handle_invalid_request(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """What connexion refuses of a request, by the control API's document."""
    assert isinstance(error, ProblemException)  # noqa: S101
    status = error.status if error.status in PROBLEM_TITLES else 500
    kind = "not-as-described" if status < 500 else "failed"
    said = str(error.detail or error.title).split("\n\n", maxsplit=1)[0]
    detail = f"{request.method} {request.url.path}: {said}; GET /__mock/openapi.yaml describes what is allowed"
    return problem_response(status, kind, detail, request.url.path)


def handle_http_error(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """What the frameworks' routing refuses."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    found = "is not a call of the control API" if status == 404 else "is not a method of this call"
    detail = f"{request.method} {request.url.path}: {found}; GET /__mock/openapi.yaml lists them"
    return problem_response(status, "unknown-call", detail, request.url.path)


T = TypeVar("T")

LOOP_TIMEOUT_SECONDS = 30.0
"""How long a worker waits for the loop: far longer than any step of it takes."""


class ServerAccess(Protocol):
    """What the control API needs of the server it stands in."""

    def run_exclusively(self, function: Callable[[], T]) -> T:
        """What a function returns (or raises) that is run where the exchanges run."""

    def release(self, hold: str) -> int:
        """Lets the requests of a hold go on; says how many there were. To be called inside `ask`."""

    def real_time(self) -> int:
        """The machine's time, in microseconds since the epoch."""


class LoopAccess:
    """The desk of a server: functions run in its event loop.

    Args:
        release: lets the requests of a hold go on, in the loop's thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, release: Callable[[str], int]) -> None:
        self._loop = loop
        self.release = release

    def run_exclusively(self, function: Callable[[], T]) -> T:
        """Runs a function in the loop's thread.

        Raises:
            TimeoutError: the loop ended, or is not to be had.
        """
        answer: Future[T] = Future()

        def run() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(function())
            except BaseException as error:
                answer.set_exception(error)

        try:
            self._loop.call_soon_threadsafe(run)
            return answer.result(LOOP_TIMEOUT_SECONDS)
        except (CancelledError, RuntimeError, TimeoutError) as error:
            if answer.done() and not answer.cancelled():
                raise
            answer.cancel()
            raise TimeoutError("the server does not take this: it is ending, or too busy") from error

    def real_time(self) -> int:
        return time.time_ns() // 1000


class JournalWatch:
    """Waits in a worker thread for the next record of a journal."""

    def __init__(self, server: ServerAccess, watchers: list[Callable[[], None]]) -> None:
        self._server = server
        self._watchers = watchers
        self._happened = threading.Event()

    def __enter__(self) -> "JournalWatch":
        self._server.run_exclusively(lambda: self._watchers.append(self._happened.set))
        return self

    def __exit__(self, *_: object) -> None:
        def stop() -> None:
            with suppress(ValueError):
                cast("list[Any]", self._watchers).remove(self._happened.set)

        self._server.run_exclusively(stop)

    def wait(self, seconds: float) -> None:
        """Waits for a record, at most so long."""
        self._happened.wait(max(0.0, seconds))
        self._happened.clear()


Handler = Callable[..., Any]
Handlers = dict[str, Handler]


@dataclass(slots=True)
class ControlContext:
    """What handlers work with."""

    service: Service
    server: ServerAccess

    def find_foundation(self, name: str) -> FoundationState:
        """The foundation of that name; to be called inside `ask`.

        Raises:
            ControlError: 404, there is none.
        """
        found = self.service.registry.find_active(name, self.server.real_time())
        if found is None:
            raise unknown_foundation_problem(name)
        return found

    def run_in_foundation(self, name: str, function: Callable[[FoundationState, int], T]) -> T:
        """What a function makes of a foundation and its time, in virtual microseconds, in the loop's thread.

        Raises:
            ControlError: 404, there is none of that name.
        """

        def run() -> T:
            foundation = self.find_foundation(name)
            return function(foundation, foundation.world.clock.now(self.server.real_time()))

        return self.server.run_exclusively(run)

    def run_in_foundation_or_create(self, name: str, function: Callable[[FoundationState, int], T]) -> T:
        """The same for a call that prepares a foundation: it is a first use, and makes one where there is none.

        Where the call is refused after all, the foundation that it would have made is not there.

        Raises:
            ControlError: 404, there is none, and `If-Match: *` says that there has to be.
        """
        only_old = "*" in flask.request.if_match

        def run() -> T:
            registry, real = self.service.registry, self.server.real_time()
            is_new = registry.find_active(name, real) is None
            if is_new and only_old:
                raise unknown_foundation_problem(name)
            foundation = registry.get_or_create(name, real)
            try:
                return function(foundation, foundation.world.clock.now(real))
            except Exception:
                if is_new:
                    registry.delete(name)
                raise

        return self.server.run_exclusively(run)


def read_body_text() -> str:
    """The body of the call as text.

    Raises:
        ControlError: 400, it is not UTF-8.
    """
    try:
        return flask.request.get_data().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ControlProblem(400, "not-text", f"body: is not UTF-8 at byte {error.start}; send it as UTF-8") from None


def respond_with_json(handler: Handler) -> Handler:
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
