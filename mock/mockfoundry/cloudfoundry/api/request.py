"""Requests and responses as operations see them. Never knows bytes or sockets."""

from collections.abc import Mapping
from typing import Any

import msgspec

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
    """

    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Any
    violations: tuple[Violation, ...]
    now: int
    base: str
    has_body: bool = False
    strict: bool = False


class ApiResponse(msgspec.Struct, frozen=True):
    """The response of an operation.

    Attributes:
        status: of HTTP.
        body: the JSON value, None if the response has no body.
        why: what decided it, for `X-Mock-Why`.
        headers: names and values, besides those that every response has.
        tolerated_violations: violations of the contract that the Cloud Controller takes, for `X-Mock-Contract`.
        state_changed: of an operation that writes, whether anything but `updated_at` has another value than before.
    """

    status: int
    body: Any
    why: str
    headers: tuple[tuple[str, str], ...] = ()
    tolerated_violations: tuple[Violation, ...] = ()
    state_changed: bool = True
