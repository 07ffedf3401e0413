"""Errors: what goes wrong between a test and a server. Never raised for what a client under test does.

A traceback names them as tests import them: `mockfoundry.VerificationError`.
"""

from typing import TYPE_CHECKING

from mockfoundry.documents.quoting import quote_text

if TYPE_CHECKING:
    from mockfoundry.client.values import Verdict


class ServerError(Exception):
    """A server did not start, or is not running; the text says why."""

    __module__ = "mockfoundry"


class ServerGoneError(ServerError, ConnectionError):
    """A server does not answer; the text names its URL."""

    __module__ = "mockfoundry"


class TlsMismatchError(ServerGoneError):
    """A server can't be called so, and no waiting mends that: its certificate is not trusted, or http meets https."""

    __module__ = "mockfoundry"


class UnexpectedResponseError(ServerError):
    """A server answers, but not as mockfoundry does.

    Attributes:
        status: of the response.
    """

    __module__ = "mockfoundry"

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

    __module__ = "mockfoundry"

    def __init__(self, status: int, kind: str, detail: str) -> None:
        super().__init__(quote_text(detail))
        self.status = status
        self.kind = kind
        self.detail = detail


class UnknownProcessError(LookupError):
    """A foundation has no such process, or several of that name; the text lists those that it has."""

    __module__ = "mockfoundry"


class VerificationError(AssertionError):
    """What a test expects of the journal does not hold.

    Attributes:
        verdict: what the server found.
    """

    __module__ = "mockfoundry"

    def __init__(self, verdict: "Verdict") -> None:
        super().__init__(quote_text(verdict.said))
        self.verdict = verdict


class CannotBeKnownError(VerificationError):
    """Whether it holds cannot be known: exchanges that may count were dropped from the journal."""

    __module__ = "mockfoundry"


def must_hold(verdict: "Verdict") -> None:
    """Raises the error of a verdict that does not hold.

    Raises:
        VerificationError, CannotBeKnownError: by the verdict's result.
    """
    __tracebackhide__ = True
    if verdict.result == "does_not_hold":
        raise VerificationError(verdict)
    if verdict.result == "cannot_be_known":
        raise CannotBeKnownError(verdict)
