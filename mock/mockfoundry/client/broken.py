"""What a client in this process is given: an answer, or what a fault leaves of it. Never knows a library's classes.

Errors have the names that httpx and httpx2 raise for the same on a socket.
"""

from typing import Any, NamedTuple

from mockfoundry.in_process import CONTROL, GAP_SECONDS, Door, EndedError, Pauses, TooLateError, pieces_of
from mockfoundry.requests import Headers, Outcome
from mockfoundry.server.faults.hang import LONGEST_SECONDS
from mockfoundry.server.wire import headers_of

CLOSING = (b"connection", b"close")
"""What an answer says after which the connection ends, as one does whose body breaks."""


class Asked(NamedTuple):
    """What a transport reads of a library's request.

    Attributes:
        patience: seconds that the client waits for an answer, None for ever.
    """

    method: str
    target: bytes
    headers: Headers
    scheme: str
    patience: float | None


class Given(NamedTuple):
    """What a transport makes an answer of.

    Attributes:
        parts: of the body, each but a whole one after a gap.
        missing: bytes of the body that will not come.
    """

    status: int
    headers: Headers
    parts: list[bytes]
    gap: float = 0.0
    missing: int = 0


class WireError(Exception):
    """What a client meets in place of an answer.

    Attributes:
        name: of the error that the library raises for it on a socket.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


SILENT = ("ReadTimeout", "timed out")
CLOSED = ("RemoteProtocolError", "Server disconnected without sending a response.")
GONE = ("ConnectError", "the server in this process has ended; use its transport inside its `with` block")
BREAKS = {
    "reset": ("ReadError", "[Errno 104] Connection reset by peer"),
    "empty": CLOSED,
    "garbage": ("RemoteProtocolError", "illegal status line"),
}
"""What the libraries raise where a fault leaves no answer."""


def asked_of(request: Any) -> Asked:
    return Asked(
        request.method,
        request.url.raw_path,
        [(name.lower(), value) for name, value in request.headers.raw],
        request.url.scheme,
        request.extensions.get("timeout", {}).get("read"),
    )


def given_by(door: Door, asked: Asked, content: bytes) -> Pauses[Given]:
    """The answer to a request, after the pauses that it takes.

    Raises:
        WireError: there is none.
    """
    try:
        if asked.target.startswith(CONTROL):
            answer = yield from door.controlled(asked.method, asked.target, asked.headers, content, asked.patience)
            return Given(answer.status, answer.headers, [answer.body])
        outcome = yield from door.answered(
            asked.method, asked.target, asked.headers, content, asked.scheme, asked.patience
        )
    except TooLateError:
        raise WireError(*SILENT) from None
    except EndedError:
        raise WireError(*GONE) from None
    return broken(door, outcome, asked)


def broken(door: Door, outcome: Outcome, asked: Asked) -> Given:
    """What a fault on the wire leaves of an outcome.

    Raises:
        WireError: nothing.
    """
    fault, headers = outcome.fault, headers_of(outcome)
    body = b"" if asked.method == "HEAD" else outcome.body
    if not fault:
        door.was_sent(outcome, len(body))
        return Given(outcome.status, headers, [body])
    if not any(name == b"connection" for name, _ in headers):
        headers = [*headers, CLOSING]
    if fault == "dribble":
        door.was_sent(outcome, len(body))
        return Given(outcome.status, headers, pieces_of(body), GAP_SECONDS)
    if fault == "truncate":
        half = body[: len(body) // 2]
        door.was_sent(outcome, len(half))
        return Given(outcome.status, headers, [half], missing=len(body) - len(half))
    door.was_sent(outcome, 0)
    if fault == "hang":
        waits_longer = asked.patience is None or asked.patience > LONGEST_SECONDS
        raise WireError(*(CLOSED if waits_longer else SILENT))
    raise WireError(*BREAKS[fault])


def must_come(given: Given, asked: Asked) -> None:
    """Raises WireError where the next part of a body comes later than the client waits."""
    if given.gap and asked.patience is not None and given.gap >= asked.patience:
        raise WireError(*SILENT)


def must_be_whole(given: Given) -> None:
    """Raises WireError where the connection ended in the middle of a body."""
    if given.missing:
        received = sum(map(len, given.parts))
        raise WireError(
            "RemoteProtocolError",
            "peer closed connection without sending complete message body "
            f"(received {received} bytes, expected {received + given.missing})",
        )


def is_whole(given: Given) -> bool:
    return len(given.parts) == 1 and not given.gap and not given.missing
