"""A server without a socket: foundations served in this process. Knows no HTTP library, decides no response.

It takes turns where a listening server has a loop: a lock around everything that touches foundations.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypeVar, overload

from mockfoundry.client.arguments import SeedSource, options_from_arguments
from mockfoundry.client.control import CONTROL_TIMEOUT_SECONDS, ControlClient, ControlReply
from mockfoundry.client.errors import ServerError, ServerGoneError
from mockfoundry.client.server import ServerBase
from mockfoundry.client.subprocess_server import build_local_service
from mockfoundry.exchange.request import CONTROL_PATH, Headers, Request, read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.routing import line_too_long_response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.options import Mode
from mockfoundry.server.limits import ServerLimits, body_too_large_response, headers_too_large_response
from mockfoundry.server.waiting import ServerEndedError, Wait, WaitingRoom, Waits

if TYPE_CHECKING:
    import httpx
    import httpx2

    from mockfoundry.client.arguments import ScenarioSource
    from mockfoundry.client.transport import LibraryName
    from mockfoundry.control.api import ControlApi
    from mockfoundry.control.follow import JournalStream

T = TypeVar("T")

CONTROL_PREFIX = CONTROL_PATH.encode("ascii")
"""What the paths of control calls begin with."""

A_YEAR = 365 * 24 * 3_600 * 1_000_000
"""Microseconds: longer than any test runs."""


class ResponseTooLateError(Exception):
    """The response comes later than the client waits, or never."""


class ClientRequest(NamedTuple):
    """A request of a client in this process.

    Attributes:
        target: path and query as they came.
        headers: names in lower case.
        patience: seconds that the client waits for the response, None for ever.
    """

    method: str
    target: bytes
    headers: Headers
    content: bytes
    scheme: str
    patience: float | None


class InProcessServer:
    """A service for callers in this process.

    Its steps are to be run by `run`, or one by one by `take_step`, which give them their turn.

    Attributes:
        closed: whether it serves no more; ends every delay that a thread waits for.
    """

    def __init__(self, service: Service, limits: ServerLimits | None = None) -> None:
        self._service = service
        self._limits = limits or ServerLimits()
        self._room = WaitingRoom(self._limits.held, service.registry)
        self._turn = threading.RLock()
        self._control_api: ControlApi | None = None
        self.closed = threading.Event()

    def close(self) -> None:
        """Lets go what is held and ends what waits; what comes later is not answered."""
        with self._turn:
            self.closed.set()
            self._room.close()

    def take_step(self, steps: Waits[T]) -> Wait:
        """What steps have to wait for next.

        Raises:
            StopIteration: nothing; they are done.
        """
        with self._turn:
            return next(steps)

    def stop_steps(self, steps: Waits[T]) -> None:
        """Ends steps, whether they are done or not."""
        with self._turn:
            steps.close()

    def run(self, steps: Waits[T]) -> T:
        """What steps return, each wait waited for in this thread."""
        try:
            while True:
                self.wait_in_thread(self.take_step(steps))
        except StopIteration as stop:
            returned: T = stop.value
            return returned
        finally:
            self.stop_steps(steps)

    def wait_in_thread(self, wait: Wait) -> None:
        if wait.done is None:
            self.closed.wait(wait.seconds)
        else:
            with suppress(TimeoutError, CancelledError):
                wait.done.exception(wait.seconds)

    def respond(self, request: ClientRequest) -> Waits[Response]:
        """The response to a request, after everything that it waits for.

        A client that waits no longer takes its request with it, as on a socket: what was not done by then is not done.

        Raises:
            ResponseTooLateError: it would come later than the client waits.
            ServerEndedError: there is no server any more.
        """
        if self.closed.is_set():
            raise ServerEndedError
        return (yield from limit_patience(self._wait_for_response(request), request.patience))

    def _wait_for_response(self, request: ClientRequest) -> Waits[Response]:
        waiting = self._begin(request)
        while isinstance(waiting, PendingRequest):
            waiting = yield from self._room.resume(waiting)
        yield from self._room.hold_back(waiting)
        return waiting

    def _begin(self, client_request: ClientRequest) -> Response | PendingRequest:
        method, target, headers, content, scheme, _ = client_request
        path, _, query = target.partition(b"?")
        request = read_request(
            method,
            path.decode("latin-1"),
            query,
            headers,
            content,
            scheme,
            time.time_ns() // 1000,
            self._service.trust_forwarded,
        )
        if target.startswith(CONTROL_PREFIX):
            return self._begin_control_call(request)
        if len(target) > self._limits.headers:
            return line_too_long_response()
        if len(target) + sum(len(name) + len(value) for name, value in headers) > self._limits.headers:
            return headers_too_large_response(self._limits)
        if len(content) > self._limits.body:
            return body_too_large_response(self._limits)
        return handle_request(self._service, request)

    def _begin_control_call(self, request: Request) -> Response | PendingRequest:
        # Not every test calls it, and a start should be short.
        from mockfoundry.control import api
        from mockfoundry.control.bounds import find_body_bound, too_large_response
        from mockfoundry.control.follow import is_stream_request

        if self._control_api is None:
            # Only callers of this process reach it, by whatever name.
            self._control_api = api.build_control_api(self._service, self._room.holds, allowed_hosts=None)
        most = find_body_bound(request.target, self._limits.seed_bytes)
        if len(request.content) > most:
            return too_large_response(request.target, most)
        if not is_stream_request(request.method, request.target, request.query_string):
            return api.handle_control_request(self._control_api, request)
        stream = api.open_journal_stream(self._control_api, request)
        while isinstance(stream, api.StreamLookUp):
            stream = stream.finish(stream.work())
        return stream if isinstance(stream, Response) else wait_for_end(stream)


def wait_for_end(stream: "JournalStream") -> PendingRequest:
    """A stream for clients that get whole responses only: it is never whole, so they wait for the server's end."""

    def never(*_: object) -> Response:
        raise ServerEndedError

    return PendingRequest(resume=never, give_up=never, until=lambda _: stream.close, until_at_most=A_YEAR)


def limit_patience(steps: Waits[T], patience: float | None) -> Waits[T]:
    """The same steps, for a client that waits at most so many seconds for all of them.

    A delay that is too long for the client is not begun.

    Raises:
        ResponseTooLateError: they take longer.
    """
    if patience is None:
        return (yield from steps)
    left = patience
    try:
        while True:
            wait = next(steps)
            is_cut = wait.seconds is None or wait.seconds > left
            if wait.done is None and (is_cut or wait.seconds == left):
                raise ResponseTooLateError
            begun = time.monotonic()
            yield wait._replace(seconds=left) if is_cut else wait
            if wait.done is None:
                left -= wait.seconds or 0.0
            elif is_cut and not wait.done.done():
                raise ResponseTooLateError
            else:
                # What waits for the foundation's clock waits anew whenever that is set; its client does not.
                left = max(left - (time.monotonic() - begun), 0.0)
    except StopIteration as stop:
        returned: T = stop.value
        return returned
    finally:
        steps.close()


IN_PROCESS_URL = "http://mockfoundry.test"
"""Where its foundations seem to be: a name that is never resolved, so a forgotten transport is noticed."""


class InProcess(ServerBase):
    """A server without a socket, from the beginning of its `with` block to its end.

    `httpx.Client(transport=server.transport(), base_url=foundation.url)` is served by it. A client really
    waits for a delay, but one that is longer than its read timeout raises that timeout at once.

    Args:
        seed: what each foundation begins with: a file, the text of one, or its value; None for one small app.
        scenarios: what each foundation begins with: names of the library, files, texts, values, or Scenarios.
        random_seed: what everything follows from that the seed leaves out.
        contract: another OpenAPI document.
        strict: refuse what the contract does not allow, also where the real Cloud Controller lets it pass.
        mode: answer from a world that changes, or (`canned`) from the contract's examples.
        max_foundations: how many there may be; None for the server's own bound.
        platform: another one of the log-in and of what stands around the contract; with another contract there is none
            unless this is given, and `"shipped"` is the one that ships.

    Raises:
        OSError: a file can't be read.
        TypeError, ValueError: the seed or a scenario is nothing of the kind, or empty.
    """

    def __init__(
        self,
        seed: SeedSource | None = None,
        scenarios: "Sequence[ScenarioSource]" = (),
        random_seed: int = 1,
        contract: str | Path | None = None,
        strict: bool = False,
        mode: Mode = "stateful",
        max_foundations: int | None = None,
        platform: str | Path | None = None,
    ) -> None:
        super().__init__()
        self._options = options_from_arguments(
            seed=seed,
            scenarios=scenarios,
            random_seed=random_seed,
            contract=contract,
            strict=strict,
            mode=mode,
            max_foundations=max_foundations,
            platform=platform,
        )
        self._in_process_server: InProcessServer | None = None

    def __enter__(self) -> Self:
        """Makes the server.

        Raises:
            ServerError: it can't be made; the text says why.
        """
        if self._in_process_server is not None:
            raise ServerError("this InProcess is running already; make another one")
        self._in_process_server = InProcessServer(
            build_local_service(self._options), ServerLimits.from_options(self._options)
        )
        self._open(IN_PROCESS_URL, ControlClient(InProcessControlTransport(self._in_process_server), IN_PROCESS_URL))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._in_process_server = None

    @overload
    def transport(self, library: Literal["httpx"] = "httpx") -> "httpx.BaseTransport": ...
    @overload
    def transport(self, library: Literal["httpx2"]) -> "httpx2.BaseTransport": ...
    def transport(self, library: "LibraryName" = "httpx") -> Any:
        """A transport for a library's `Client`.

        Raises:
            ImportError: the library is not installed.
            ServerError: the server is not running.
        """
        from mockfoundry.client.transport import transport_class

        return transport_class(library)(self._require_in_process_server())

    @overload
    def async_transport(self, library: Literal["httpx"] = "httpx") -> "httpx.AsyncBaseTransport": ...
    @overload
    def async_transport(self, library: Literal["httpx2"]) -> "httpx2.AsyncBaseTransport": ...
    def async_transport(self, library: "LibraryName" = "httpx") -> Any:
        """A transport for a library's `AsyncClient`.

        Raises:
            ImportError: the library is not installed.
            ServerError: the server is not running.
        """
        from mockfoundry.client.transport import async_transport_class

        return async_transport_class(library)(self._require_in_process_server())

    def _require_in_process_server(self) -> InProcessServer:
        self._require_running()
        assert self._in_process_server is not None  # noqa: S101 (it runs)
        return self._in_process_server


class InProcessControlTransport:
    """Takes control calls to a server in this process."""

    def __init__(self, server: InProcessServer) -> None:
        self._server = server

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> ControlReply:
        """The answer to a call.

        Raises:
            ServerGoneError: it did not come, or there is no server any more.
        """
        sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        sent += [(b"host", IN_PROCESS_URL.partition("//")[2].encode()), (b"content-length", b"%d" % len(body))]
        request = ClientRequest(method, target.encode("ascii"), sent, body, "http", CONTROL_TIMEOUT_SECONDS)
        try:
            response = self._server.run(self._server.respond(request))
        except (ServerEndedError, ResponseTooLateError) as error:
            found = "has ended" if isinstance(error, ServerEndedError) else "does not answer"
            raise ServerGoneError(f"the server in this process {found}; use it inside its `with` block") from None
        media = next((value.decode("latin-1") for name, value in response.headers if name == b"content-type"), "")
        return ControlReply(response.status, media, response.body)

    def close(self) -> None:
        self._server.close()
