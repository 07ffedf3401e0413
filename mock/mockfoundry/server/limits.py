"""Limits: how large a request may be and how many may wait, and what one beyond is told. Never reads one."""

from dataclasses import dataclass

from mockfoundry.cloudfoundry.errors import CatalogueEntry, Refusal
from mockfoundry.outcomes import refused
from mockfoundry.requests import Outcome

BODY_TOO_LARGE = CatalogueEntry("Mock-BodyTooLarge", 990005, 413, "")
HEADERS_TOO_LARGE = CatalogueEntry("Mock-HeadersTooLarge", 990006, 431, "")
TOO_MANY_HELD = CatalogueEntry("Mock-TooManyHeld", 990007, 503, "")


@dataclass(frozen=True, slots=True)
class Limits:
    """How large requests may be, and how many may wait.

    Attributes:
        body, headers: bytes of one request; of its headers names and values together.
        held: requests that scenarios may hold at once.
    """

    body: int = 1024 * 1024
    headers: int = 32 * 1024
    held: int = 1_000


def body_too_large(limits: Limits) -> Outcome:
    text = f"The body is larger than {limits.body} bytes; send less, or start the server with a larger --max-body"
    return closing(refused(Refusal(BODY_TOO_LARGE, text, "limit: body")))


def headers_too_large(limits: Limits) -> Outcome:
    text = f"The headers are larger than {limits.headers} bytes together; send less"
    return closing(refused(Refusal(HEADERS_TOO_LARGE, text, "limit: headers")))


def too_many_held(most: int) -> Refusal:
    """Why a request is refused that a scenario would hold before its exchange, where as many are held as may be."""
    text = f"{most} requests are held already; release some, or start the server with a larger --max-held"
    return Refusal(TOO_MANY_HELD, text, "limit: held requests")


def not_held(most: int) -> tuple[bytes, bytes]:
    """What an answer says that a scenario would hold, where as many are held as may be: it is sent at once."""
    return b"x-mock-held", b"no: %d requests are held already (--max-held)" % most


def closing(outcome: Outcome) -> Outcome:
    """An outcome after which the connection ends: what is still to come of its request is not read."""
    outcome.headers.append((b"connection", b"close"))
    return outcome
