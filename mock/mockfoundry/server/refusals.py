"""Refusals: what a door says to a request beyond a limit, in the form that its client reads. Never reads a request.

A control call is refused by a problem [RFC 9457], every other request by the Cloud Controller's errors. What is about
the control API is imported when it is first called, since that takes a moment.
"""

from mockfoundry.exchange.request import CONTROL_PATH
from mockfoundry.exchange.response import Response
from mockfoundry.server.limits import ServerLimits, bad_host_response, body_too_large_response

CONTROL_PATH_BYTES = CONTROL_PATH.encode("ascii")


def is_control_call(url: bytes) -> bool:
    """Whether this path, with or without a query, is one of the control API."""
    return url.startswith(CONTROL_PATH_BYTES)


def decode_path(url: bytes) -> str:
    """The path of a URL, still encoded."""
    return url.partition(b"?")[0].decode("latin-1")


def find_max_body(url: bytes, limits: ServerLimits) -> int:
    """How many bytes the body of a request to this URL may have."""
    if not is_control_call(url):
        return limits.body
    from mockfoundry.control.bounds import find_body_bound

    return find_body_bound(decode_path(url), limits.seed_bytes)


def refuse_body(url: bytes, limits: ServerLimits) -> Response:
    """The answer to a body of more bytes than that."""
    if not is_control_call(url):
        return body_too_large_response(limits)
    from mockfoundry.control.bounds import too_large_response

    return too_large_response(decode_path(url), find_max_body(url, limits))


def refuse_hosts(url: bytes, hosts: list[bytes]) -> Response | None:
    """The answer to a request with these Host headers, unless there is one and it can be one."""
    if not is_control_call(url):
        return bad_host_response(hosts)
    from mockfoundry.control.bounds import host_count_response

    return host_count_response(decode_path(url), hosts)


def refuse_as_client_reads(response: Response, url: bytes) -> Response:
    """A refusal with the Cloud Controller's errors, as a problem where the URL is one of the control API."""
    if not is_control_call(url):
        return response
    from mockfoundry.control.bounds import problem_from_limit

    return problem_from_limit(response, decode_path(url))
