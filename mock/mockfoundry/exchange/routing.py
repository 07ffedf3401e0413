"""Routing: what nginx and Rails' router refuse before there is an operation. Never looks at a body."""

from collections.abc import Container
from functools import lru_cache

from mockfoundry.cloudfoundry.errors import INVALID_REQUEST, NOT_FOUND, Refusal
from mockfoundry.cloudfoundry.not_modelled import describe_not_modelled
from mockfoundry.contract.routes import Route, RouteTable, decode_segment
from mockfoundry.exchange.request import Request
from mockfoundry.exchange.response import (
    HTML_MEDIA_TYPE,
    Response,
    close_after_response,
    raw_response,
    response_from_refusal,
)

MAX_LINE_BYTES = 8 * 1024
"""Bytes of a request's line with its end: nginx's `large_client_header_buffers`, which the platform leaves as it is."""

LINE_FRAME_BYTES = len("  HTTP/1.1\r\n")

LINE_TOO_LONG_PAGE = (
    b"<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n<body>\r\n"
    b"<center><h1>414 Request-URI Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)

NOT_RAILS_METHODS = frozenset({"BIND", "LINK", "M-SEARCH", "NOTIFY", "PURGE", "QUERY", "REBIND", "SOURCE", "SUBSCRIBE"})
NOT_RAILS_METHODS |= {"UNBIND", "UNLINK", "UNSUBSCRIBE"}
"""The methods that the parser knows and Rails does not [actionpack, action_dispatch/http/request.rb]."""


def is_line_too_long(request: Request) -> bool:
    """Whether nginx would not read the request's line."""
    size = len(request.method) + len(request.target) + len(request.query_string) + bool(request.query_string)
    return size + LINE_FRAME_BYTES > MAX_LINE_BYTES


def line_too_long_response() -> Response:
    """nginx's page for a request line that does not fit its buffer; the Cloud Controller never sees the request.

    Source: capi-release, jobs/cloud_controller_ng/templates/nginx.conf.erb; nginx, ngx_http_special_response.c.
    """
    reason = f"limit: request line, {MAX_LINE_BYTES} bytes, as nginx has it"
    response = raw_response(414, LINE_TOO_LONG_PAGE, reason, b"text/html")
    response.has_platform_headers = False
    response.decided_by = "limit"
    return close_after_response(response)


def cut_format(route: Route, path: str, operations: Container[str]) -> Route | None:
    """The route of a path whose last segment may have a format behind it, as in `/v3/processes/GUID.json`.

    Rails takes it for a format, and ignores it; in a segment that is a parameter there is no other dot [actionpack,
    action_dispatch/journey]. Operations that the world does not have are of other APIs, whose segments may have dots.

    Returns:
        None where Rails has no route for the path.
    """
    plan, last = route.plan, path.rstrip("/").rpartition("/")[2]
    if "." not in last or plan.segments[-1] is not None or plan.operation not in operations:
        return route
    stem, _, form = last.partition(".")
    if not stem or not form or "." in form:
        return None
    parameters = {**route.path, plan.path_names[-1]: decode_segment(stem)}
    return Route(plan, parameters, plan.path_violations(parameters))


def response_to_unrouted(request: Request, path: str, routes: RouteTable) -> Response:
    """The answer to a request that the contract has no route for.

    Args:
        path: without a foundation's prefix.
    """
    if request.method in NOT_RAILS_METHODS:
        response = raw_response(405, b"", f"contract: Rails does not know {request.method}", HTML_MEDIA_TYPE)
        methods = routes.list_methods(path)
        response.headers.append((b"allow", ", ".join(methods).encode()))
        response.decided_by = "contract"
        return response
    if not is_text(path):
        return response_from_refusal(Refusal(INVALID_REQUEST, why="path: not UTF-8"), "contract")
    # Another contract has nothing to do with what the Cloud Controller has.
    part = describe_not_modelled(path) if "deployments" in routes.resources else ""
    why = f"not modelled: {part}" if part else describe_routes(routes)
    return response_from_refusal(Refusal(NOT_FOUND, why=why), "contract")


@lru_cache(maxsize=16)
def describe_routes(routes: RouteTable) -> str:
    """Why a path has no route, with what there is."""
    known = routes.resources
    more = ", …" if len(known) > MAX_LISTED_RESOURCES else ""
    listed = f"; there is {', '.join(known[:MAX_LISTED_RESOURCES])}{more}" if known else ""
    return f"contract: no such route{listed}; mockfoundry operations lists them"


MAX_LISTED_RESOURCES = 40


def is_text(path: str) -> bool:
    """Whether a path, percent-encoded, is text once it is decoded.

    Source: actionpack, action_dispatch/request/utils.rb, `check_param_encoding`.
    """
    try:
        decode_segment(path)
    except UnicodeError:
        return False
    return True
