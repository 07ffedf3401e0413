"""Errors: what goes wrong between a test and a server. Never raised for what a client under test does."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mockfoundry.documents.quoting import quote_text

if TYPE_CHECKING:
    from mockfoundry.client.values import NearMatch, Verdict


class ServerError(Exception):
    """A server did not start, or is not running; the text says why."""


class ServerGoneError(ServerError, ConnectionError):
    """A server does not answer; the text names its URL."""


class UnexpectedResponseError(ServerError):
    """A server answers, but not as mockfoundry does.

    Attributes:
        status: of the response.
    """

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class ControlError(Exception):
    """The control API refuses a call; nothing was changed.

    Attributes:
        status: of HTTP.
        kind: a word for programs: `unknown-scenario`, `bad-value`, …
        detail: where, what was found, what is allowed, what to do.
    """

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(quote_text(detail))
        self.status = status
        self.kind = kind
        self.detail = detail


class UnknownProcessError(LookupError):
    """A foundation has no such process, or several of that name; the text lists those that it has."""


class VerificationError(AssertionError):
    """What a test expects of the journal does not hold.

    Attributes:
        verdict: what the server found.
    """

    def __init__(self, verdict: "Verdict", more: str = "") -> None:
        lines = [verdict.said, *format_other_matches(verdict.nearest[1:]), *([more] if more else [])]
        super().__init__(quote_text("\n".join(lines)))
        self.verdict = verdict


class CannotBeKnownError(VerificationError):
    """Whether it holds cannot be known: exchanges that may count were dropped from the journal."""


def must_hold(verdict: "Verdict", more: str = "") -> None:
    """Raises the error of a verdict that does not hold.

    Args:
        more: text to add to the verdict's message.

    Raises:
        VerificationError, CannotBeKnownError: by the verdict's result.
    """
    __tracebackhide__ = True
    if verdict.result == "does_not_hold":
        raise VerificationError(verdict, more)
    if verdict.result == "cannot_be_known":
        raise CannotBeKnownError(verdict, more)


def format_other_matches(nearest: "Iterable[NearMatch]") -> Iterable[str]:
    """Near misses, each with its differences; the first one is left out, since the verdict's message describes it."""
    for near in nearest:
        yield f"  also near: {near.line}"
        for each in near.differences:
            yield f"    {each.what}: wanted {each.wanted!r}, got {each.got!r}"
