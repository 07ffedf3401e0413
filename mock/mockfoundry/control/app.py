"""The control API as connexion's Flask app over its own contract, requests and responses validated."""

import logging
from pathlib import Path

import yaml
from a2wsgi import WSGIMiddleware
from connexion import FlaskApp
from connexion.exceptions import ProblemException
from connexion.options import SwaggerUIOptions
from connexion.resolver import Resolver
from starlette.types import ASGIApp

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.control.changes import change_handlers
from mockfoundry.control.clerk import Clerk, Handlers, as_json
from mockfoundry.control.clocks import clock_handlers
from mockfoundry.control.desk import Desk
from mockfoundry.control.following import Following
from mockfoundry.control.foundations import foundation_handlers
from mockfoundry.control.guarding import Guard
from mockfoundry.control.health import health_handler
from mockfoundry.control.journals import journal_handlers
from mockfoundry.control.problems import (
    ControlError,
    handle_control_error,
    handle_document_error,
    handle_failure,
    handle_http,
    handle_invalid,
    handle_refusal,
    handle_timeout,
)
from mockfoundry.control.replays import replay_handlers
from mockfoundry.control.scenarios import scenario_handlers
from mockfoundry.control.state import state_handlers
from mockfoundry.control.tokens import token_handlers
from mockfoundry.control.written import document_handlers
from mockfoundry.documents import DocumentError
from mockfoundry.exchange import Service

CONTRACT = Path(__file__).with_name("openapi.yaml")

MOST_WORKERS = 64
"""Threads that answer: more than may wait in a verify, so that others go on beside them."""


def control_app(service: Service, desk: Desk, token: str = "") -> ASGIApp:
    """The control API of a service, an ASGI app.

    Args:
        desk: of the server that serves it, by which foundations are touched where exchanges are made.
        token: that every call must carry; empty for none.
    """
    # It warns of every operation that takes YAML beside JSON.
    logging.getLogger("connexion.operations").setLevel(logging.ERROR)
    clerk = Clerk(service, desk)
    app = FlaskApp(
        "mockfoundry.control",
        specification_dir=str(CONTRACT.parent),
        swagger_ui_options=SwaggerUIOptions(swagger_ui=False, serve_spec=False),
    )
    app.add_api(
        yaml.load(CONTRACT.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)),  # noqa: S506
        resolver=Resolver(handlers_of(clerk).__getitem__),
        strict_validation=True,
        validate_responses=True,
    )
    app.add_error_handler(ControlError, handle_control_error)
    app.add_error_handler(DocumentError, handle_document_error)
    app.add_error_handler(Refusal, handle_refusal)
    app.add_error_handler(TimeoutError, handle_timeout)
    app.add_error_handler(ProblemException, handle_invalid)
    app.add_error_handler(Exception, handle_failure)
    for status in (404, 405):
        app.add_error_handler(status, handle_http)
    app._middleware_app.asgi_app = WSGIMiddleware(app.app.wsgi_app, workers=MOST_WORKERS)
    return Guard(app, token, Following(service.registry))


def handlers_of(clerk: Clerk) -> Handlers:
    """Every handler by the operationId of the control API's document."""
    handlers = {
        "show_health": health_handler(clerk.service),
        **document_handlers(clerk, CONTRACT),
        **foundation_handlers(clerk),
        **state_handlers(clerk),
        **change_handlers(clerk),
        **clock_handlers(clerk),
        **scenario_handlers(clerk),
        **token_handlers(clerk),
        **journal_handlers(clerk),
        **replay_handlers(clerk),
    }
    return {name: as_json(handler) for name, handler in handlers.items()}
