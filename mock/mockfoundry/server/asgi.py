"""The ASGI door: connexion's routing before the exchange, for any ASGI server. Never knows what a process is.

connexion only routes (`routing.py`), and is imported when it is first asked. The protocol door passes on to this one
what it does not answer itself. Its routes decide that alone: the import would keep everyone waiting.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from starlette.types import Message, Receive, Scope, Send

from mockfoundry.exchange.request import CONTROL_PATH, Request, read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_routed_request, resolve_address, wait_for_address
from mockfoundry.foundations.registry import SnapshotWantedError
from mockfoundry.server.delivery import READY_RESPONSE_KEY, ClientGoneError, Delivery
from mockfoundry.server.limits import (
    OLD_VERSIONS,
    ServerLimits,
    bad_host_response,
    body_too_large_response,
    headers_too_large_response,
)

if TYPE_CHECKING:
    from mockfoundry.control.api import ControlApi


class AsgiApp:
    """The ASGI app of a service.

    Args:
        control: gives the control API, which is made when it is first called, since that takes a moment.
        asks_connexion: whether connexion's routing has a part in the decision; the contract's routes always have.
    """

    def __init__(
        self,
        service: Service,
        limits: ServerLimits,
        delivery: Delivery,
        control: "Callable[[], ControlApi]",
        *,
        asks_connexion: bool,
    ) -> None:
        self.service = service
        self.limits = limits
        self.delivery = delivery
        self._control = control
        self._asks_connexion = asks_connexion

    @cached_property
    def _routing(self) -> "Callable[[str, str], Awaitable[str | None]]":
        """connexion's routing of the contract; made when it is first asked, since that takes a moment."""
        from mockfoundry.server.routing import make_routing

        return make_routing(self.service.served.plans)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await answer_lifespan(receive, send)
        elif scope["type"] == "http":
            if READY_RESPONSE_KEY in scope:
                await self.delivery.deliver(scope[READY_RESPONSE_KEY], scope, receive, send)
            elif raw_path_of(scope).startswith(CONTROL_PATH):
                await self._serve_control(scope, receive, send)
            else:
                try:
                    response = await self._handle_scope(scope, receive)
                except ClientGoneError:
                    return
                await self.delivery.deliver(response, scope, receive, send)

    async def _serve_control(self, scope: Scope, receive: Receive, send: Send) -> None:
        from mockfoundry.control.api import StreamLookUp, handle_control_request, open_journal_stream
        from mockfoundry.control.bounds import find_body_bound, host_count_response, too_large_response
        from mockfoundry.control.follow import JournalStream, is_stream_request

        path = raw_path_of(scope)
        hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
        refusal = host_count_response(path, hosts)
        if refusal is not None and (hosts or scope.get("http_version") not in OLD_VERSIONS):
            await self.delivery.deliver(refusal, scope, receive, send)
            return
        most = find_body_bound(path, self.limits.seed_bytes)
        try:
            content = await read_body(scope, receive, most)
        except ClientGoneError:
            return
        if content is None:
            await self.delivery.deliver(too_large_response(path, most), scope, receive, send)
            return
        request = self._read_request(scope, content)
        response: JournalStream | Response | PendingRequest | StreamLookUp
        if is_stream_request(request.method, path, request.query_string):
            response = open_journal_stream(self._control(), request)
            while isinstance(response, StreamLookUp):
                response = response.finish(await asyncio.to_thread(response.work))
        else:
            response = handle_control_request(self._control(), request)
        if isinstance(response, JournalStream):
            await self.delivery.deliver_stream(response, scope, receive, send)
        else:
            await self.delivery.deliver(response, scope, receive, send)

    def _read_request(self, scope: Scope, content: bytes) -> Request:
        return read_request(
            scope["method"],
            raw_path_of(scope),
            scope.get("query_string", b""),
            [(name.lower(), value) for name, value in scope["headers"]],
            content,
            scope.get("scheme", "http"),
            time.time_ns() // 1000,
            self.service.trust_forwarded,
        )

    async def _handle_scope(self, scope: Scope, receive: Receive) -> Response | PendingRequest:
        refusal, content = await self._read_within_bounds(scope, receive)
        if refusal is not None:
            if self.service.note_request is not None:
                self.service.note_request(scope["method"], raw_path_of(scope), refusal)
            return refusal
        request = self._read_request(scope, content)
        try:
            address = resolve_address(self.service, request)
        except SnapshotWantedError as wanted:
            return wait_for_address(self.service, request, wanted.name)
        route = self.service.served.routes.find(request.method, address.path)
        if self._asks_connexion:
            operation = await self._routing(request.method, connexion_path_of(address.path))
            if operation is not None and route is not None and route.plan.operation != operation:
                route = route._replace(plan=self.service.served.plans[operation])
        return handle_routed_request(self.service, request, address, route)

    async def _read_within_bounds(self, scope: Scope, receive: Receive) -> tuple[Response | None, bytes]:
        """The refusal of a request that is beyond a bound, None for none; and the body.

        Raises:
            ClientGoneError: the client went away before its end.
        """
        headers = scope["headers"]
        if sum(len(name) + len(value) for name, value in headers) > self.limits.headers:
            return headers_too_large_response(self.limits), b""
        hosts = [value for name, value in headers if name.lower() == b"host"]
        refusal = bad_host_response(hosts)
        if refusal is not None and (hosts or scope.get("http_version") not in OLD_VERSIONS):
            return refusal, b""
        content = await read_body(scope, receive, self.limits.body)
        return (body_too_large_response(self.limits), b"") if content is None else (None, content)


def connexion_path_of(path: str) -> str:
    """A path as connexion's routing compares it: decoded but for encoded slashes, without doubled slashes.

    A path with a slash at its end is another one there; where it is not documented, connexion finds nothing.
    """
    segments = [unquote(segment).replace("/", "%2F") for segment in path.split("/") if segment]
    end = "/" if segments and path.endswith("/") else ""
    return "/" + "/".join(segments) + end


def raw_path_of(scope: Scope) -> str:
    """The path as it came, percent-encoded."""
    raw_path: bytes | None = scope.get("raw_path")
    return quote(scope["path"]) if raw_path is None else raw_path.decode("latin-1")


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes | None:
    """The whole body of a request; None where it is larger than allowed, or is announced to be.

    What is announced is looked at first: a client that expects it hears "100 Continue" when a body is first read.

    Raises:
        ClientGoneError: the client went away before its end.
    """
    announced = dict(scope["headers"]).get(b"content-length", b"")
    if announced.isdigit() and int(announced) > most:
        return None
    parts: list[bytes] = []
    length = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part: bytes = message.get("body", b"")
        length += len(part)
        if length > most:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def answer_lifespan(receive: Receive, send: Send) -> None:
    """Answers the lifespan protocol; nothing has to be started or stopped with the server."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
