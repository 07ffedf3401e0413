"""Requests and outcomes: what goes into an exchange and what comes out of it. Never decides anything."""

import re
from typing import Any

import msgspec

from mockfoundry.bodies import BodyForm, find_body_form, read_form, read_json, read_query
from mockfoundry.cloudfoundry.errors import MESSAGE_PARSE_ERROR, Refusal
from mockfoundry.scenarios.conditions import ABSENT

Headers = list[tuple[bytes, bytes]]

_UNREAD: Any = msgspec.UNSET


class Request(msgspec.Struct):
    """One request, whole; what costs something to read is read when it is first asked for.

    Attributes:
        method: upper case.
        target: the path as it came, percent-encoded.
        query_string: as it came.
        headers: by name in lower case, as `by_name` makes them.
        content: the body's bytes.
        scheme: `http` or `https`.
        host: what it was sent to; empty where nobody said.
        arrived: real microseconds since the epoch.
        operation: the operationId, empty until it is known.
        path: the path parameters, decoded.
        process: the guid of the process it is about, empty where there is none.
        actor: who asks, empty until that is known.
        kept: whether the world did what it asks for.
        changed: whether the world is another than before.
        near_miss: the rule of a scenario that nearly took it, in words.
    """

    method: str
    target: str
    query_string: bytes
    headers: dict[bytes, bytes]
    content: bytes
    scheme: str
    arrived: int
    host: bytes = b""
    operation: str = ""
    path: dict[str, str] = {}
    process: str = ""
    actor: str = ""
    committed: bool = False
    state_changed: bool = False
    near_miss: str = ""
    _query: dict[str, list[str]] | Any = _UNREAD
    _body: Any = _UNREAD

    def header(self, name: bytes) -> str:
        """A header's value, empty where there is none."""
        value = self.headers.get(name)
        return "" if value is None else value.decode("latin-1")

    @property
    def token(self) -> str:
        """The bearer token, empty where there is none."""
        scheme, _, token = self.header(b"authorization").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def query(self) -> dict[str, list[str]]:
        """The query parameters, each with all its values in order."""
        query: dict[str, list[str]] | Any = self._query
        if query is _UNREAD:
            query = self._query = read_query(self.query_string) if self.query_string else {}
        return query

    @property
    def body_form(self) -> BodyForm:
        """How the body is read, by its content type."""
        return find_body_form(self.headers.get(b"content-type", b""))

    @property
    def body(self) -> Any:
        """The body as a value, or ABSENT where there is none, or none that can be read."""
        body = self._body
        if body is _UNREAD:
            body = self._body = self._read_body()
        return body

    def _read_body(self) -> Any:
        content = self.content
        if not content:
            return ABSENT
        form = self.body_form
        if form is BodyForm.JSON:
            try:
                return read_json(content)
            except ValueError:
                return ABSENT
        return read_form(content) if form is BodyForm.FORM else ABSENT

    def must_be_readable(self) -> None:
        """Raises Refusal (400) where the body says that it is JSON, and is not."""
        if self.content and self.body is ABSENT and self.body_form is BodyForm.JSON:
            raise Refusal(MESSAGE_PARSE_ERROR, why="body: not JSON")


_LABEL = rb"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_AUTHORITY = re.compile(rb"(?:%s(?:\.%s){0,30}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?" % (_LABEL, _LABEL))
_LIST_HEADERS = frozenset({b"prefer", b"x-forwarded-proto", b"x-forwarded-host"})


def apply_forwarded_headers(request: Request) -> None:
    """Makes scheme and host of a request those that a proxy before the server says it was sent to.

    What is no scheme or no host is passed over; of several proxies the first, nearest to the client, counts.
    """
    scheme = request.headers.get(b"x-forwarded-proto", b"").partition(b",")[0].strip().lower()
    if scheme in (b"http", b"https"):
        request.scheme = scheme.decode()
    host = request.headers.get(b"x-forwarded-host", b"").partition(b",")[0].strip()
    if _AUTHORITY.fullmatch(host):
        request.host = host


def headers_by_name(headers: Headers) -> dict[bytes, bytes]:
    """Headers by name; of a repeated one the last, but lists are lists however they come [RFC 7240, 2; RFC 7239].

    Args:
        headers: names in lower case.
    """
    named = dict(headers)
    if len(named) < len(headers):
        for each in _LIST_HEADERS & named.keys():
            named[each] = b", ".join(value for name, value in headers if name == each)
    return named
