"""Guards: where a control call has to come from, and what it has to carry. Never reads a body."""

import hmac
from collections.abc import Mapping
from urllib.parse import unquote

from mockfoundry.control.context import ControlProblem
from mockfoundry.control.hosts import must_come_from_here
from mockfoundry.control.sessions import READING_METHODS, ConsoleSessions
from mockfoundry.documents.quoting import quote_line
from mockfoundry.exchange.request import CONTROL_PATH, Request

CONSOLE_PATH = CONTROL_PATH + "/console"

PATHS_WITHOUT_TOKEN = frozenset({CONTROL_PATH + "/health"})
"""What needs no token: a container's health check has none."""

TOKEN_HEADER = b"x-mock-control-token"


def is_console_path(path: str) -> bool:
    """Whether a path is one of the console's pages; they ask for the token themselves, once."""
    return path == CONSOLE_PATH or path.startswith(CONSOLE_PATH + "/")


def check_guards(
    request: Request, token: bytes, allowed_hosts: tuple[str, ...] | None, sessions: ConsoleSessions
) -> None:
    """Raises ControlProblem where a call may not even be looked at: 421 or 403 for where it comes from, 400 for its
    path, 401 for its token.

    Args:
        token: that every call but health must carry; empty for none.
        allowed_hosts: by which it may be called besides local names; None for any, where no browser can call it.
        sessions: of browsers, which carry a cookie in its place.
    """
    if allowed_hosts is not None:
        must_come_from_here(request.headers, allowed_hosts)
    path = unquote(request.target)
    if not path.isprintable() or "\N{REPLACEMENT CHARACTER}" in path:
        raise ControlProblem(
            400, "bad-path", f"path {quote_line(path)[:200]}: has signs that can't be printed; leave them out"
        )
    if is_console_path(path):
        return
    session = sessions.find(request.headers) if b"cookie" in request.headers else ""
    if session and request.method not in READING_METHODS:
        sessions.must_come_from_page(session, request.headers)
    if token and not session and path not in PATHS_WITHOUT_TOKEN:
        must_carry_token(token, request.headers)


def must_carry_token(token: bytes, headers: Mapping[bytes, bytes]) -> None:
    """Raises ControlProblem (401) where the headers carry another token, or none."""
    scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
    given = headers.get(TOKEN_HEADER) or (bearer.strip() if scheme.lower() == b"bearer" else b"")
    if not hmac.compare_digest(given, token):
        found = "another token was sent" if given else "no token was sent"
        raise ControlProblem(
            401,
            "wrong-token",
            f"header X-Mock-Control-Token: {found}, and this server was started with --control-token; "
            "send that one, there or as Authorization: bearer",
            ((b"www-authenticate", b"bearer"),),
        )
