"""Requests and answers as UAA has them: parameters, and its own form of errors. Never decides who may log in.

Source: cloudfoundry/uaa, oauth/provider/error/ and authentication/UaaExceptionTranslator.java.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.auth import Authority
from mockfoundry.cloudfoundry.world import World

TOKEN_HEADERS = (("cache-control", "no-store"), ("pragma", "no-cache"))
"""Of what must not be kept: tokens, and all of UAA's errors."""


class UaaRequest(msgspec.Struct, frozen=True):
    """One request as an operation of UAA sees it.

    Attributes:
        world: whose users and clients log in.
        foundation: its name.
        is_named: whether the request itself says which foundation it is for; else its user, client or token may.
        parameters: of the query and of a form; of a repeated name the last counts.
        has_form: whether there is a body with a form.
        authorization: the header's value, empty if there is none.
        known_tag: the value of If-None-Match, empty if there is none.
        base: scheme, host and prefix of UAA's addresses.
        now: virtual microseconds.
        authority: which key signs, and which bearers count.
        issuers: whose tokens count in the foundation; the last is its own.
        next_number: gives a number that no other token of the foundation has.
    """

    world: World
    foundation: str
    is_named: bool
    parameters: Mapping[str, str]
    has_form: bool
    authorization: str
    known_tag: str
    base: str
    now: int
    authority: Authority
    issuers: tuple[str, ...]
    next_number: Callable[[], int]

    def parameter(self, name: str) -> str:
        """A parameter's value, empty if there is none."""
        return self.parameters.get(name, "")


class UaaResponse(msgspec.Struct, frozen=True):
    """What UAA answers.

    Attributes:
        body: the JSON value, None for none.
        why: what decided it, for `X-Mock-Why`.
        headers: names in lower case, besides those that every answer of UAA has.
        actor: who has shown who they are; empty where nobody has to.
    """

    status: int
    body: Any
    why: str
    headers: tuple[tuple[str, str], ...] = ()
    actor: str = ""


class UaaRefusal(Exception):
    """UAA refuses a request.

    Attributes:
        error: UAA's word for the kind of error.
        description: the text for people.
        why: what decided it, for `X-Mock-Why`.
        challenge: the value of WWW-Authenticate, empty for none.
        details: what the body has besides.
    """

    def __init__(
        self,
        status: int,
        error: str,
        description: str,
        why: str,
        challenge: str = "",
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description
        self.why = why
        self.challenge = challenge
        self.details = details or {}


def response_from_uaa_refusal(refusal: UaaRefusal) -> UaaResponse:
    """The answer that a refusal is."""
    challenge = (("www-authenticate", refusal.challenge),) if refusal.challenge else ()
    body = {"error": refusal.error, "error_description": refusal.description, **refusal.details}
    return UaaResponse(refusal.status, body, refusal.why, (*TOKEN_HEADERS, *challenge))


ERROR_WORDS = {
    400: "invalid_request",
    401: "unauthorized",
    403: "access_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    429: "too_many_requests",
}
"""UAA's words for kinds of errors, by status; of all others it has one."""


def name_error(status: int) -> str:
    """UAA's word for an error of which nothing but the status is known."""
    return ERROR_WORDS.get(status, "server_error")


CLIENT_REALM = 'Basic realm="UAA/client"'
BAD_CREDENTIALS = "Bad credentials"


def client_challenge(description: str) -> str:
    """What filters ask a client for that must authenticate; the word in it is another than the body's."""
    return f'{CLIENT_REALM}, error="unauthorized", error_description="{description}"'


def refuse_credentials(why: str, description: str = BAD_CREDENTIALS) -> UaaRefusal:
    """Whoever asks has not shown who they are; the header says the same, whatever the description."""
    return UaaRefusal(401, "invalid_client", description, why, client_challenge(BAD_CREDENTIALS))


def refuse_entry(description: str, why: str) -> UaaRefusal:
    """They have, but may not come in, or there was nothing to go by."""
    return UaaRefusal(401, "unauthorized", description, why, client_challenge(description))


def quotable(text: str) -> str:
    """A text as it may stand between quotes in a header: what a client sent can't end it."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def controller_challenge(error: str, description: str) -> str:
    """What the token endpoint itself asks for, with the body's own words."""
    return f'Bearer error="{quotable(error)}", error_description="{quotable(description)}"'


def refuse_by_controller(status: int, error: str, description: str, why: str, **details: str) -> UaaRefusal:
    """What the token endpoint itself refuses: only its 401s have a challenge."""
    challenge = controller_challenge(error, description) if status == 401 else ""
    return UaaRefusal(status, error, description, why, challenge, details)


TOKEN_GONE = "The token expired, was revoked, or the token ID is incorrect."  # noqa: S105 (UAA says so)


def refuse_token(why: str, description: str = TOKEN_GONE) -> UaaRefusal:
    """A token that does not count."""
    return refuse_by_controller(401, "invalid_token", description, why)
