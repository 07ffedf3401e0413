"""Requests and responses as operations see them. Never knows bytes or sockets."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.contract.plan import Violation


class ApiRequest(msgspec.Struct, frozen=True):
    """One request, read and checked against the contract, as an operation of the world sees it.

    Attributes:
        path: path parameters, decoded: `guid`, and `type` and `index` where the path has them.
        query: query parameters by name, each with all its values in order.
        body: the JSON body; None if there is none.
        violations: how the request violates the contract.
        now: virtual microseconds.
        base: scheme, host and prefix that links begin with: `http://localhost:8080`.
        has_body: whether there is a body at all; JSON's null is one.
        strict: whether a request is refused that the Cloud Controller takes although it violates the contract.
        message: what the operation's message made of a large body, or why it refuses it; None where it is yet to read.
        query_string: the query as it came.
    """

    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Any
    violations: tuple[Violation, ...]
    now: int
    base: str
    has_body: bool = False
    strict: bool = False
    message: Any = None
    query_string: bytes = b""

    def take_message(self) -> Any:
        """The message that was read before.

        Raises:
            Refusal: it is refused.
        """
        if isinstance(self.message, Refusal):
            raise self.message
        return self.message


JSON_MEDIA_TYPE = b"application/json; charset=utf-8"
"""How Rails says it."""


class ApiResponse(msgspec.Struct, frozen=True):
    """The response of an operation.

    Attributes:
        status: of HTTP.
        body: the JSON value, None if the response has no body; Raw or bytes where that is encoded as it is sent, or
            is of another media type.
        why: what decided it, for `X-Mock-Why`.
        headers: names and values, besides those that every response has.
        tolerated_violations: violations of the contract that the Cloud Controller takes, for `X-Mock-Contract`.
        state_changed: of an operation that writes, whether anything but `updated_at` has another value than before.
        media_type: of the body.
    """

    status: int
    body: Any
    why: str
    headers: tuple[tuple[str, str], ...] = ()
    tolerated_violations: tuple[Violation, ...] = ()
    state_changed: bool = True
    media_type: bytes = JSON_MEDIA_TYPE


class LateResponse(msgspec.Struct, frozen=True):
    """The response of an operation that only reads, where it takes long to make.

    Attributes:
        make: makes it, with status 200, from values that nothing writes to any more; may run in another thread.
    """

    make: Callable[[], ApiResponse]
    status: int = 200
    state_changed: bool = False


MAX_STEPS_AT_ONCE = 1_000
"""Of how many processes or instances a response is made at once; one of more is made beside the exchanges."""
