"""In process: an httpx transport that makes exchanges without a socket, for tests in the same Python. Decides nothing.

What a scenario does to the wire raises the error that httpx raises for it on a socket.
"""

import time
from collections.abc import Iterator

import httpx

from mockfoundry.exchange import Service, answer
from mockfoundry.requests import Outcome, Parked, Request
from mockfoundry.server.faults.dribble import PIECES, SECONDS
from mockfoundry.server.wire import headers_of

SECOND = 1_000_000


class MockTransport(httpx.BaseTransport):
    """Serves a client's requests from a service: `httpx.Client(transport=MockTransport(service), base_url=…)`.

    A delay is waited for really, unless it is longer than the client's read timeout, which then is raised at once.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of one exchange.

        Raises:
            httpx.ReadTimeout: it would come later than the client waits, or never.
            httpx.ReadError: the scenario resets the connection.
            httpx.RemoteProtocolError: the scenario closes it without an answer, or sends what is no HTTP.
        """
        path, _, query = request.url.raw_path.partition(b"?")
        patience = request.extensions.get("timeout", {}).get("read")
        outcome = answer(
            self._service,
            Request(
                request.method,
                path.decode("latin-1"),
                query,
                {name.lower(): value for name, value in request.headers.raw},
                request.read(),
                request.url.scheme,
                time.time_ns() // 1000,
            ),
        )
        if isinstance(outcome, Parked):
            try:
                wait(request, outcome, patience)
            except httpx.ReadTimeout:
                # The client waits no longer; the request goes on without it, as on a socket.
                outcome.resume(time.time_ns() // 1000 + outcome.delay)
                raise
            outcome = outcome.resume(time.time_ns() // 1000)
        wait(request, outcome, patience)
        return broken(request, outcome, patience) if outcome.fault else whole(outcome, outcome.body)


def wait(request: httpx.Request, waiting: Outcome | Parked, patience: float | None) -> None:
    """Waits for a delay; what is held stays so for its whole time, since nobody else can release it meanwhile."""
    seconds = (waiting.delay + (waiting.hold_at_most if waiting.hold else 0)) / SECOND
    if patience is not None and seconds >= patience:
        raise httpx.ReadTimeout("timed out", request=request)
    if seconds:
        time.sleep(seconds)


def whole(outcome: Outcome, body: bytes | Iterator[bytes]) -> httpx.Response:
    return httpx.Response(outcome.status, headers=headers_of(outcome), content=body)


def broken(request: httpx.Request, outcome: Outcome, patience: float | None) -> httpx.Response:
    """What httpx makes of a fault on the wire."""
    fault = outcome.fault
    if fault == "reset":
        raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request)
    if fault == "empty":
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    if fault == "garbage":
        raise httpx.RemoteProtocolError("illegal status line", request=request)
    if fault == "hang":
        raise httpx.ReadTimeout("timed out", request=request)
    if fault == "dribble":
        if patience is not None and patience <= SECONDS / PIECES:
            raise httpx.ReadTimeout("timed out", request=request)
        return whole(outcome, outcome.body)
    return whole(outcome, cut_short(request, outcome.body))


def cut_short(request: httpx.Request, body: bytes) -> Iterator[bytes]:
    """Half of a body, then the end of the connection."""
    half = body[: len(body) // 2]
    yield half
    raise httpx.RemoteProtocolError(
        "peer closed connection without sending complete message body "
        f"(received {len(half)} bytes, expected {len(body)})",
        request=request,
    )
