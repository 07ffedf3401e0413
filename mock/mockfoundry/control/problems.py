"""Problems: how the control API says no, as problem+json: where, what was found, what is allowed, what to do.

Never decides when to.
"""

import logging
from typing import Any

import msgspec
from connexion.exceptions import ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from starlette.exceptions import HTTPException

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.documents import DocumentError

MEDIA_TYPE = "application/problem+json"
LONGEST = 4_000

log = logging.getLogger("mockfoundry")

TITLES = {
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


class ControlError(Exception):
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


def unknown_foundation(name: str) -> ControlError:
    return ControlError(
        404,
        "unknown-foundation",
        f"foundation {name}: there is none of that name; GET /__mock/foundations lists those there are, "
        f"PUT /__mock/foundations/{name} makes it, and so does the first request, scenario, token or clock for it",
    )


def bad_value(where: str, found: Any, allowed: str, mend: str) -> ControlError:
    """A value that can't be used."""
    shown = found if isinstance(found, str) else msgspec.json.encode(found).decode()
    return ControlError(422, "bad-value", f"{where}: {shown[:200]!r} is not {allowed}; {mend}")


def problem(status: int, kind: str, detail: str, instance: str) -> dict[str, Any]:
    """A problem as JSON's values [RFC 9457]."""
    return {
        "type": f"urn:mockfoundry:{kind}",
        "title": TITLES.get(status, "Problem"),
        "status": status,
        "detail": detail[:LONGEST],
        "instance": instance,
    }


def answered(status: int, kind: str, detail: str, instance: str) -> ConnexionResponse:
    body = msgspec.json.encode(problem(status, kind, detail, instance))
    return ConnexionResponse(status_code=status, mimetype=MEDIA_TYPE, content_type=MEDIA_TYPE, body=body)


def handle_control_error(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    assert isinstance(error, ControlError)  # noqa: S101 (registered for that class)
    return answered(error.status, error.kind, error.detail, request.url.path)


def handle_document_error(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """A seed or a scenario that can't be used: every problem with its place."""
    assert isinstance(error, DocumentError)  # noqa: S101
    detail = f"{error}\nnothing was changed; mend it and send it again"
    return answered(422, "bad-document", detail, request.url.path)


def handle_refusal(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """What the rooms below refuse: a bad name, too many foundations."""
    assert isinstance(error, Refusal)  # noqa: S101
    return answered(error.entry.status, error.entry.title.removeprefix("Mock-"), error.detail, request.url.path)


def handle_timeout(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    return answered(503, "busy", f"{request.url.path}: {error}; try again", request.url.path)


def handle_failure(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """What nobody thought of."""
    log.error("mockfoundry failed on %s %s", request.method, request.url.path, exc_info=error)
    detail = (
        f"{request.method} {request.url.path}: mockfoundry failed on this; its log has the traceback, please report it"
    )
    return answered(500, "failed", detail, request.url.path)


def handle_invalid(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """What connexion refuses of a request, by the control API's document."""
    assert isinstance(error, ProblemException)  # noqa: S101
    status = error.status if error.status in TITLES else 500
    kind = "not-as-described" if status < 500 else "failed"
    said = str(error.detail or error.title).split("\n\n", maxsplit=1)[0]
    detail = f"{request.method} {request.url.path}: {said}; GET /__mock/openapi.yaml describes what is allowed"
    return answered(status, kind, detail, request.url.path)


def handle_http(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
    """What the frameworks' routing refuses."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    found = "is not a call of the control API" if status == 404 else "is not a method of this call"
    detail = f"{request.method} {request.url.path}: {found}; GET /__mock/openapi.yaml lists them"
    return answered(status, "unknown-call", detail, request.url.path)
