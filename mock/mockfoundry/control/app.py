"""Health: whether the server is ready, and what it serves.

Written: the documents that describe the two APIs, as they stand. Never changes them.

Guarding: what every call of the control API passes first: its token, the bound of its body, and following.

Never answers a call itself but for saying no, and for the journal's stream, which would keep a worker thread busy.

The control API as connexion's Flask app over its own contract, requests and responses validated.
"""

import hmac
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import msgspec
import yaml
from a2wsgi import WSGIMiddleware
from connexion import FlaskApp
from connexion.exceptions import ProblemException
from connexion.options import SwaggerUIOptions
from connexion.resolver import Resolver
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.control.context import (
    PROBLEM_MEDIA_TYPE,
    ControlContext,
    ControlProblem,
    Handlers,
    ServerAccess,
    handle_control_problem,
    handle_document_error,
    handle_failure,
    handle_http_error,
    handle_invalid_request,
    handle_refusal,
    handle_timeout,
    problem_to_dict,
    respond_with_json,
)
from mockfoundry.control.follow import JournalStreams
from mockfoundry.control.foundations import (
    change_handlers,
    clock_handlers,
    foundation_handlers,
    state_handlers,
    token_handlers,
)
from mockfoundry.control.journals import journal_handlers
from mockfoundry.control.scenarios import replay_handlers, scenario_handlers
from mockfoundry.documents.problems import DocumentError
from mockfoundry.exchange.run import Service
from mockfoundry.version import __version__


def health_handler(service: Service) -> Callable[[], dict[str, Any]]:
    """The handler of `GET /__mock/health`."""
    contract = service.contract

    def show_health() -> dict[str, Any]:
        return {
            "status": "ready",
            "version": __version__,
            "mode": "stateful" if service.operations else "canned",
            "contract": {"title": contract.title, "version": contract.version, "operations": len(contract.plans)},
        }

    return show_health


YAML_MEDIA_TYPE = "application/yaml"


def document_handlers(context: ControlContext, own: Path) -> Handlers:
    """The handlers of the control API's own document and of the contract."""
    own_text, contract_text = own.read_text(encoding="utf-8"), context.service.contract.text

    def show_document() -> flask.Response:
        return flask.Response(own_text, content_type=YAML_MEDIA_TYPE)

    def show_contract() -> flask.Response:
        return flask.Response(contract_text, content_type=YAML_MEDIA_TYPE)

    return {"show_document": show_document, "show_contract": show_contract}


MAX_BODY_BYTES = 8 * 1024 * 1024
"""Bytes that a body may have."""

PATHS_WITHOUT_TOKEN = frozenset({"/__mock/health"})
"""What needs no token: a container's health check has none."""

TOKEN_HEADER = b"x-mock-control-token"
_FORM = b"application/x-www-form-urlencoded"
_JSON = b"application/json"


class ControlGuard:
    """Stands before the control API.

    Args:
        token: that every call must carry; empty for none.
    """

    def __init__(self, app: ASGIApp, token: str, following: JournalStreams) -> None:
        self._app = app
        self._token = token.encode()
        self._streams_of_journals = following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            must_be_printable_path(scope["path"])
            headers = dict(scope["headers"])
            if self._token and scope["path"] not in PATHS_WITHOUT_TOKEN:
                must_carry_token(self._token, headers)
            if self._streams_of_journals.is_stream_request(scope):
                await self._streams_of_journals.follow(scope, receive, send)
                return
            content = await read_bounded_body(receive, parse_content_length(headers.get(b"content-length", b"")))
        except ControlProblem as error:
            await send_problem(error, scope, send)
            return
        # curl -d says that it sends a form, which nothing here takes: what it means is JSON.
        meant = [
            (name, _JSON if name == b"content-type" and value == _FORM else value) for name, value in scope["headers"]
        ]
        await self._app({**scope, "headers": meant}, replay_body(content, receive), send)


def must_carry_token(token: bytes, headers: dict[bytes, bytes]) -> None:
    """Raises ControlError (401) where the headers carry another token, or none."""
    scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
    given = headers.get(TOKEN_HEADER) or (bearer.strip() if scheme.lower() == b"bearer" else b"")
    if not hmac.compare_digest(given, token):
        found = "another token was sent" if given else "no token was sent"
        raise ControlProblem(
            401,
            "wrong-token",
            f"header X-Mock-Control-Token: {found}, and this server was started with --control-token; "
            "send that one, there or as Authorization: bearer",
        )


def must_be_printable_path(path: str) -> None:
    """Raises ControlError (400) where a path has signs that no name has, which the frameworks would stumble over."""
    if not path.isprintable():
        shown = "".join(sign if sign.isprintable() else "?" for sign in path)
        raise ControlProblem(400, "bad-path", f"path {shown[:200]}: has signs that can't be printed; leave them out")


async def read_bounded_body(receive: Receive, announced: int) -> bytes:
    """The whole body.

    Raises:
        ControlError: 413, it is larger than allowed.
    """
    parts: list[bytes] = []
    length = 0
    while announced <= MAX_BODY_BYTES and length <= MAX_BODY_BYTES:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if not message.get("more_body", False) and length <= MAX_BODY_BYTES:
            return b"".join(parts)
    raise ControlProblem(
        413,
        "too-large",
        f"body: more than {MAX_BODY_BYTES} bytes, the most that is read; send less, "
        "or give a large seed to the server's --seed",
    )


def replay_body(content: bytes, receive: Receive) -> Receive:
    """A body that was read already, then whatever comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    return again


async def send_problem(error: ControlProblem, scope: Scope, send: Send) -> None:
    """Sends a problem."""
    body = msgspec.json.encode(problem_to_dict(error.status, error.kind, error.detail, scope["path"]))
    headers = [(b"content-type", PROBLEM_MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    if error.status == 401:
        headers.append((b"www-authenticate", b"bearer"))
    if error.status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def parse_content_length(text: bytes) -> int:
    return int(text) if text.isdigit() else 0


CONTROL_CONTRACT = Path(__file__).with_name("openapi.yaml")

MAX_WORKER_THREADS = 64
"""Threads that answer: more than may wait in a verify, so that others go on beside them."""


def build_control_app(service: Service, server: ServerAccess, token: str = "") -> ASGIApp:
    """The control API of a service, an ASGI app.

    Args:
        desk: of the server that serves it, by which foundations are touched where exchanges are made.
        token: that every call must carry; empty for none.
    """
    # It warns of every operation that takes YAML beside JSON.
    logging.getLogger("connexion.operations").setLevel(logging.ERROR)
    context = ControlContext(service, server)
    app = FlaskApp(
        "mockfoundry.control",
        specification_dir=str(CONTROL_CONTRACT.parent),
        swagger_ui_options=SwaggerUIOptions(swagger_ui=False, serve_spec=False),
    )
    app.add_api(
        yaml.load(CONTROL_CONTRACT.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)),  # noqa: S506
        resolver=Resolver(build_handlers(context).__getitem__),
        strict_validation=True,
        validate_responses=True,
    )
    app.add_error_handler(ControlProblem, handle_control_problem)
    app.add_error_handler(DocumentError, handle_document_error)
    app.add_error_handler(Refusal, handle_refusal)
    app.add_error_handler(TimeoutError, handle_timeout)
    app.add_error_handler(ProblemException, handle_invalid_request)
    app.add_error_handler(Exception, handle_failure)
    for status in (404, 405):
        app.add_error_handler(status, handle_http_error)
    app._middleware_app.asgi_app = WSGIMiddleware(app.app.wsgi_app, workers=MAX_WORKER_THREADS)
    return ControlGuard(app, token, JournalStreams(service.registry))


def build_handlers(context: ControlContext) -> Handlers:
    """Every handler by the operationId of the control API's document."""
    handlers = {
        "show_health": health_handler(context.service),
        **document_handlers(context, CONTROL_CONTRACT),
        **foundation_handlers(context),
        **state_handlers(context),
        **change_handlers(context),
        **clock_handlers(context),
        **scenario_handlers(context),
        **token_handlers(context),
        **journal_handlers(context),
        **replay_handlers(context),
    }
    return {name: respond_with_json(handler) for name, handler in handlers.items()}
