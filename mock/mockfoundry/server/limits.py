"""Limits: how large a request may be, and what one that is larger is told. Never reads one."""

from dataclasses import dataclass

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.outcomes import refused
from mockfoundry.requests import Outcome

BODY_TOO_LARGE = CatalogueEntry("Mock-BodyTooLarge", 990005, 413, "")
HEADERS_TOO_LARGE = CatalogueEntry("Mock-HeadersTooLarge", 990006, 431, "")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may hold, in bytes.

    Attributes:
        headers: names and values together.
    """

    body: int = 1024 * 1024
    headers: int = 32 * 1024


def body_too_large(limits: Limits) -> Outcome:
    text = f"The body is larger than {limits.body} bytes; send less, or start the server with a larger --max-body"
    return closing(refused(Refusal(BODY_TOO_LARGE, text, "limit: body")))


def headers_too_large(limits: Limits) -> Outcome:
    text = f"The headers are larger than {limits.headers} bytes together; send less"
    return closing(refused(Refusal(HEADERS_TOO_LARGE, text, "limit: headers")))


def closing(outcome: Outcome) -> Outcome:
    """An outcome after which the connection ends: what is still to come of its request is not read."""
    outcome.headers.append((b"connection", b"close"))
    return outcome
