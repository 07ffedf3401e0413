"""Errors: what goes wrong between a test and a server. Never raised by what the server's clients do."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockfoundry.client.values import NearMatch, Verdict


class ServerError(Exception):
    """A server did not start, or is not running; the text says why."""


class ServerGoneError(ServerError, ConnectionError):
    """A server does not answer; the text names its URL."""


class ControlError(Exception):
    """The control API says no; nothing was changed.

    Attributes:
        status: of HTTP.
        kind: a word for programs: `unknown-scenario`, `bad-value`, …
        detail: where, what was found, what is allowed, what to do.
    """

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail


class UnknownProcessError(LookupError):
    """A foundation has no such process, or several; the text says which it has."""


class VerificationError(AssertionError):
    """What a test expects does not hold.

    Attributes:
        verdict: what was found.
    """

    def __init__(self, verdict: "Verdict", more: str = "") -> None:
        super().__init__(
            "\n".join([verdict.said, *format_other_matches(verdict.nearest[1:]), *([more] if more else [])])
        )
        self.verdict = verdict


class CannotBeKnownError(VerificationError):
    """Whether it holds cannot be known, because exchanges that may count were dropped from the journal."""


def format_other_matches(nearest: "Iterable[NearMatch]") -> Iterable[str]:
    """Nearly fitting exchanges, each with what is different; the sentence of the verdict tells of the first."""
    for near in nearest:
        yield f"  also near: {near.line}"
        for each in near.differences:
            yield f"    {each.what}: wanted {each.wanted!r}, got {each.got!r}"
