"""Calls and answers: a request as an operation sees it, and what it answers. Never knows headers of HTTP or bytes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from mockfoundry.contract import Violation


class Call(msgspec.Struct):
    """One request, read and checked against the contract, as an operation of the world sees it.

    Attributes:
        operation: the operationId.
        path: path parameters, decoded: `guid`, and `type`, `index` where the path has them.
        query: query parameters by name, each with all its values in order.
        body: the JSON body; None where it is empty.
        violations: what the contract does not allow of this request.
        now: virtual microseconds.
        base: scheme, host and prefix that links begin with, `http://localhost:8080`.
        has_body: whether there is a body at all: JSON's null is one.
        strict: whether what the real one takes, though the contract does not allow it, is refused.
    """

    operation: str
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: Any
    violations: tuple[Violation, ...]
    now: int
    base: str
    has_body: bool = False
    strict: bool = False

    def refuses_what_is_laxer(self) -> bool:
        """Whether the contract does not allow this call, and nobody may be laxer than it."""
        return self.strict and bool(self.violations)


class Answer(msgspec.Struct):
    """What an operation answers.

    Attributes:
        body: the JSON value, None where the answer has no body.
        why: what decided it, for `X-Mock-Why`.
        headers: beside the ones that every answer has.
        laxer: violations that the real one does not mind, for `X-Mock-Contract`.
        changed: of an operation that writes, whether the world is another than before, but for when it was touched.
    """

    status: int
    body: Any
    why: str
    headers: tuple[tuple[str, str], ...] = ()
    laxer: tuple[Violation, ...] = ()
    changed: bool = True
