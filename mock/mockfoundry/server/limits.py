"""Limits: how large, how slow and how many requests may be, and what a door says to what is beyond. Never reads one."""

import re
from functools import lru_cache
from typing import Self

import msgspec

from mockfoundry.cloudfoundry.errors import UNKNOWN_ERROR, CatalogueEntry, Refusal
from mockfoundry.documents.times import format_duration
from mockfoundry.exchange.response import OWN_FAILURE_REASON, Response, close_after_response, response_from_refusal
from mockfoundry.options import ServerOptions
from mockfoundry.wire_faults import NO_TLS_TITLE

BODY_TOO_LARGE = CatalogueEntry("Mock-BodyTooLarge", 990005, 413, "")
HEADERS_TOO_LARGE = CatalogueEntry("Mock-HeadersTooLarge", 990006, 431, "")
BAD_HOST = CatalogueEntry("Mock-BadHost", 990030, 400, "")
NO_TUNNEL = CatalogueEntry("Mock-NoTunnel", 990031, 405, "")
TOO_SLOW = CatalogueEntry("Mock-RequestTooSlow", 990032, 408, "")
TOO_MANY_CONNECTIONS = CatalogueEntry("Mock-TooManyConnections", 990033, 503, "")
NOT_HTTP = CatalogueEntry("Mock-NotHttp", 990034, 400, "")
NO_TLS = CatalogueEntry(NO_TLS_TITLE, 990035, 400, "")

OLD_VERSIONS = ("0.9", "1.0")
"""The versions of HTTP whose requests may come without a Host."""


class ServerLimits(msgspec.Struct, frozen=True):
    """How large and how slow requests may be, and how many there may be at once.

    Attributes:
        body, headers: bytes of one request; of its headers names and values together.
        seed_bytes: bytes of a seed or a state in a control call.
        head_timeout, body_timeout: microseconds in which a request's head has to come, and its body after that.
        connections: open at once.
        held: requests that scenarios may hold at once.
    """

    body: int = ServerOptions.max_body
    headers: int = 32 * 1024
    seed_bytes: int = ServerOptions.max_seed
    head_timeout: int = ServerOptions.head_timeout
    body_timeout: int = ServerOptions.body_timeout
    connections: int = ServerOptions.max_connections
    held: int = ServerOptions.max_held

    @classmethod
    def from_options(cls, options: ServerOptions) -> Self:
        return cls(
            body=options.max_body,
            seed_bytes=options.max_seed,
            head_timeout=options.head_timeout,
            body_timeout=options.body_timeout,
            connections=options.max_connections,
            held=options.max_held,
        )


def body_too_large_response(limits: ServerLimits) -> Response:
    text = f"The body is larger than {limits.body} bytes; send less, or start the server with a larger --max-body"
    return refuse_and_close(BODY_TOO_LARGE, text, "limit: body")


def headers_too_large_response(limits: ServerLimits) -> Response:
    text = f"The headers are larger than {limits.headers} bytes together; send less"
    return refuse_and_close(HEADERS_TOO_LARGE, text, "limit: headers")


def late_head_response(limits: ServerLimits) -> Response:
    waited = format_duration(limits.head_timeout)
    text = f"The request's line and headers took longer than {waited}; send them sooner, or start the server with a "
    return refuse_and_close(TOO_SLOW, text + "longer --head-timeout", "limit: time for the head")


def late_body_response(limits: ServerLimits) -> Response:
    waited = format_duration(limits.body_timeout)
    text = f"The request's body took longer than {waited}; send it sooner, or start the server with a "
    return refuse_and_close(TOO_SLOW, text + "longer --body-timeout", "limit: time for the body")


def too_many_connections_response(limits: ServerLimits) -> Response:
    text = f"{limits.connections} connections are open, the most there may be; close some, or start the server with a "
    return refuse_and_close(TOO_MANY_CONNECTIONS, text + "larger --max-connections", "limit: connections")


def not_http_response(fault: str) -> Response:
    """The answer to bytes that are no request.

    Args:
        fault: the parser's words.
    """
    text = f"This is not a request of HTTP/1.1: {fault}"
    return refuse_and_close(NOT_HTTP, text, "not HTTP")


def failed_response() -> Response:
    """The answer to a request on which a door itself failed."""
    response = refuse_and_close(UNKNOWN_ERROR, "", OWN_FAILURE_REASON)
    response.decided_by = "failure"
    return response


def no_tunnel_response(target: str) -> Response:
    """The answer to CONNECT, whatever it asks for."""
    text = (
        f"CONNECT {target[:200]}: this server opens no tunnels; "
        "send requests to it itself, and leave it out of the client's proxy settings"
    )
    response = refuse_and_close(NO_TUNNEL, text, "no tunnel")
    response.headers.append((b"allow", b"GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS"))
    return response


def no_tls_response() -> Response:
    """The answer to what does not begin as TLS does, where nothing else is served."""
    text = "This is https, and what came does not begin as TLS does; write https:// in the URL"
    return refuse_and_close(NO_TLS, text, "no TLS")


def bad_host_response(hosts: list[bytes]) -> Response | None:
    """The answer to a request with these Host headers; None where there is exactly one, and it can be one.

    The router refuses such requests too [RFC 9112, 3.2; gorouter, by Go's net/http].
    """
    if len(hosts) != 1:
        found = f"there are {len(hosts)}" if hosts else "there is none"
        return refuse_and_close(BAD_HOST, f"Header Host: {found}; send exactly one", "no single Host")
    if is_host(hosts[0]):
        return None
    found = hosts[0][:200].decode("latin-1")
    text = f"Header Host: {found!r} is not a host; send a name or an address, and a port if it has one"
    return refuse_and_close(BAD_HOST, text, "not a Host")


_HOST = re.compile(rb"[A-Za-z0-9!$%&'()*+,\-.:;=\[\]_~]+")


@lru_cache(maxsize=256)
def is_host(host: bytes) -> bool:
    """Whether Go's net/http takes it for one: `ValidHostHeader` in golang.org/x/net/http/httpguts, and not empty."""
    return _HOST.fullmatch(host) is not None


def refuse_and_close(entry: CatalogueEntry, text: str, reason: str) -> Response:
    return close_after_response(response_from_refusal(Refusal(entry, text, reason), "limit"))
