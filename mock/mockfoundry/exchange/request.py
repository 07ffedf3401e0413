"""Requests: one request as a door hands it to an exchange, complete and frozen. Never decides anything."""

import re
from typing import Any

from mockfoundry.bodies import BodyForm, find_body_form, read_form, read_json
from mockfoundry.cloudfoundry.auth import find_bearer_token
from mockfoundry.journal.entry import RecordedRequest
from mockfoundry.scenarios.conditions import ABSENT

CONTROL_PATH = "/__mock"
"""What the path of every control call begins with."""

Headers = list[tuple[bytes, bytes]]
"""Names in lower case, with their values, in the order in which they are sent."""


class Request(RecordedRequest, frozen=True):
    """One request. The fields of RecordedRequest are what its journal keeps of it.

    Attributes:
        scheme: `http` or `https`.
        host: what it was sent to; empty where nothing says that.
        arrived: real microseconds since the epoch.
    """

    scheme: str
    host: bytes
    arrived: int

    def header(self, name: bytes) -> str:
        """A header's value, empty if there is none."""
        value = self.headers.get(name)
        return "" if value is None else value.decode("latin-1")

    @property
    def token(self) -> str:
        """The bearer token, empty if there is none."""
        return find_bearer_token(self.headers.get(b"authorization", b""))

    @property
    def base_url(self) -> str:
        """The scheme and the host that it was sent to."""
        return f"{self.scheme}://{self.host.decode('latin-1') or 'localhost'}"

    @property
    def body_form(self) -> BodyForm:
        """How the body is read, by its content type."""
        return find_body_form(self.headers.get(b"content-type", b""))


def read_request(
    method: str,
    target: str,
    query_string: bytes,
    headers: Headers,
    content: bytes,
    scheme: str,
    arrived: int,
    trust_forwarded: bool = False,
) -> Request:
    """The request that a door has read.

    Args:
        method: upper case.
        target: the path as it came, percent-encoded.
        headers: names in lower case.
        scheme: `http` or `https`, as the door sees it.
        arrived: real microseconds since the epoch.
        trust_forwarded: whether `X-Forwarded-Proto` and `X-Forwarded-Host` say where it was sent to.
    """
    named = dict(headers)
    if len(named) < len(headers):
        join_list_headers(named, headers)
    host = named.get(b"host", b"")
    if trust_forwarded:
        scheme, host = read_forwarded_headers(named, scheme, host)
    return Request(method, target, query_string, named, content, scheme, host, arrived)


_LIST_HEADERS = frozenset({b"prefer", b"x-forwarded-proto", b"x-forwarded-host", b"origin", b"x-mock-foundation"})
# Origin and X-Mock-Foundation are none. Two of them are to be seen: a page of another place must not hide behind the
# second Origin, and a proxy before several shards may go by another foundation than the server.


def join_list_headers(named: dict[bytes, bytes], headers: Headers) -> None:
    """Gives each header that is a list all the values of its repetitions; of any other the last one counts.

    The same foundation twice is one foundation.

    Source: RFC 7240, 2; RFC 7239.
    """
    for each in _LIST_HEADERS & named.keys():
        values = [value for name, value in headers if name == each]
        named[each] = b", ".join(dict.fromkeys(values) if each == b"x-mock-foundation" else values)


_LABEL = rb"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_AUTHORITY = re.compile(rb"(?:%s(?:\.%s){0,30}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?" % (_LABEL, _LABEL))


def read_forwarded_headers(headers: dict[bytes, bytes], scheme: str, host: bytes) -> tuple[str, bytes]:
    """The scheme and the host that a proxy before the server says a request was sent to, else those given.

    A value that is not a scheme or a host is ignored. With several proxies the first, nearest to the client, counts.
    """
    forwarded_scheme = headers.get(b"x-forwarded-proto", b"").partition(b",")[0].strip().lower()
    if forwarded_scheme in (b"http", b"https"):
        scheme = forwarded_scheme.decode()
    forwarded_host = headers.get(b"x-forwarded-host", b"").partition(b",")[0].strip()
    return scheme, forwarded_host if _AUTHORITY.fullmatch(forwarded_host) else host


def read_request_body(request: Request) -> Any:
    """The body as a value; ABSENT if there is none, or if it can't be read."""
    content = request.content
    if not content:
        return ABSENT
    form = request.body_form
    if form is BodyForm.JSON:
        try:
            return read_json(content)
        except ValueError:
            return ABSENT
    return read_form(content) if form is BodyForm.FORM else ABSENT
