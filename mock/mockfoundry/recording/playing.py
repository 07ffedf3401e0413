"""Plays a recording's requests on a fresh foundation, at the recorded times. Never compares an answer.

Nothing waits: what a scenario delays or holds goes on at once, at the time at which it would have gone on.
"""

from urllib.parse import urlsplit

from mockfoundry.assembly import build_service
from mockfoundry.contract.plan import Plan
from mockfoundry.exchange.request import Headers, read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import handle_request
from mockfoundry.foundations.registry import DEFAULT_FOUNDATION
from mockfoundry.options import ServerOptions
from mockfoundry.recording.har import HarEntry
from mockfoundry.recording.seen import find_api_path

OUR_URL = "http://mockfoundry.test"
"""Where the foundation seems to be that the requests are played on."""

TRIAL = "trial"
"""The copy of the foundation on which a request is tried."""

_LEFT_OUT = frozenset(
    ("host", "authorization", "cookie", "content-length", "accept-encoding", "connection", "x-mock-foundation")
)


class RecordingPlayer:
    """A foundation in this process that takes the requests of a recording.

    Args:
        options: of the server that has the foundation.
        began_at: when the foundation begins, in real microseconds.
        upstream: the URL of the recorded foundation.

    Raises:
        ContractError, DocumentError, OSError: the options can't be used.
    """

    def __init__(self, options: ServerOptions, began_at: int, upstream: str) -> None:
        self.service = build_service(options, began_at)
        self._upstream = upstream
        self._registry = self.service.registry
        self._registry.get_or_create(DEFAULT_FOUNDATION, began_at)

    def find_plan(self, entry: HarEntry) -> Plan | None:
        """The operation that a request asks for; None where the contract has none."""
        route = self.service.served.routes.find(entry.method, find_api_path(entry.url, self._upstream))
        return None if route is None else route.plan

    def play(self, entry: HarEntry) -> Response:
        """The answer to a request, and what it does."""
        return self._ask(entry, DEFAULT_FOUNDATION)

    def try_out(self, entry: HarEntry) -> Response:
        """The answer that a request would get; nothing is changed."""
        self._registry.copy(DEFAULT_FOUNDATION, TRIAL, entry.started)
        try:
            return self._ask(entry, TRIAL)
        finally:
            self._registry.delete(TRIAL)

    def _ask(self, entry: HarEntry, foundation: str) -> Response:
        headers: Headers = [
            (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in entry.headers
            if name not in _LEFT_OUT
        ]
        headers += [(b"host", urlsplit(OUR_URL).netloc.encode()), (b"x-mock-foundation", foundation.encode())]
        if entry.header("authorization"):
            headers.append((b"authorization", f"bearer {self._find_token(entry)}".encode()))
        if entry.content:
            headers.append((b"content-length", b"%d" % len(entry.content)))
        request = read_request(
            entry.method,
            find_api_path(entry.url, self._upstream),
            urlsplit(entry.url).query.encode("latin-1", "replace"),
            headers,
            entry.content,
            urlsplit(OUR_URL).scheme,
            entry.started,
        )
        outcome, now = handle_request(self.service, request), entry.started
        while isinstance(outcome, PendingRequest):
            now += outcome.delay
            if outcome.until is not None:
                outcome.until(lambda: None)()
                now += outcome.until_at_most
            outcome = outcome.resume(now, None if outcome.work is None else outcome.work())
        return outcome

    def _find_token(self, entry: HarEntry) -> str:
        """A bearer that is taken for who asked: a user's name is one; an admin's where the recording names nobody."""
        name = "" if entry.actor is None else entry.actor.name
        foundation = self._registry.find(DEFAULT_FOUNDATION)
        is_user = foundation is not None and name in foundation.world.users and name.isascii() and " " not in name
        return name if is_user else "admin"
