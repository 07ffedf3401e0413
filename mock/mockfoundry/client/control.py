"""The control API of a server, called over HTTP with connections that are kept open. Never knows what a call means."""

import os
import re
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlencode, urlsplit

import msgspec

from mockfoundry.client.arguments import encode_json
from mockfoundry.client.bounds import MAX_ANSWER_BYTES, Deadline, ask_until, read_bounded_body
from mockfoundry.client.errors import (
    ControlError,
    ServerError,
    ServerGoneError,
    TlsMismatchError,
    UnexpectedResponseError,
)
from mockfoundry.documents.quoting import quote_line
from mockfoundry.wire_faults import CONTROL_PROTOCOL, NO_TLS_TITLE

CONTROL_TIMEOUT_SECONDS = 100.0
"""How long to wait for a whole response: longer than any `verify` may wait."""

JSON = "application/json"
YAML = "application/yaml"
TEXT = "text/plain"
PROBLEM = "application/problem+json"

TRUST_ADVICE = "export SSL_CERT_FILE=FILE, the authority's file that `mockfoundry serve --tls` names at its start"
NAME_ADVICE = "call it by a name that its certificate has; --allow-host gives --tls another one"
DATE_ADVICE = "start the server with a certificate that is valid now"

X509_MISMATCHES = (62, 64)
"""OpenSSL's codes for a certificate that is another host's, or another address's."""

X509_OUT_OF_DATE = (9, 10)
"""For one that is not valid yet, or not any more."""

NOT_TLS_REASONS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""OpenSSL's, for an answer that is no TLS."""

_URL_CHARACTERS = frozenset(chr(code) for code in (*range(33), 127))
"""What no URL may hold."""


class ControlReply(NamedTuple):
    """A whole response of the control API."""

    status: int
    content_type: str
    body: bytes


class ControlTransport(Protocol):
    """Takes a request to a server and brings back its response."""

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> ControlReply:
        """The response to a request; raises ServerGoneError if there is none."""

    def close(self) -> None:
        """Releases the connections."""


class SocketControlTransport:
    """Sends over HTTP. Each thread uses a connection of its own during a call; idle ones are kept for the next call.

    Redirects are not followed, and proxies that the environment names are not used.

    Args:
        url: of the server.
        explain_gone: what to add to the error where the server does not answer: its state, what to do.
        timeout: seconds that a request and the whole of its response may take.
        authority: the file of the authority to trust; empty for those that every program here trusts.
        most: bytes that the body of a response may have.

    Raises:
        ServerError: it is not the URL of a server.
    """

    def __init__(
        self,
        url: str,
        explain_gone: Callable[[], str],
        timeout: float = CONTROL_TIMEOUT_SECONDS,
        authority: str = "",
        most: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._address = parse_server_url(url)
        self._url = url
        self._explain_gone = explain_gone
        self._timeout = timeout
        self._authority = authority
        self._most = most
        self._lock = threading.Lock()
        self._idle_connections: list[HTTPConnection] = []
        self._closed = False
        self._context: ssl.SSLContext | None = None
        # A server that was only connected to need not be closed by its user.
        weakref.finalize(self, close_connections, self._idle_connections)
        _TRANSPORTS.add(self)

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> ControlReply:
        """The response to a request.

        Raises:
            ServerGoneError: the server does not answer.
            ServerError: it answers with too many bytes.
        """
        deadline = Deadline(self._timeout)
        with self._report_gone():
            with self._lock:
                idle = self._idle_connections.pop() if self._idle_connections else None
            if idle is not None:
                # A server may close an idle connection; only a new one shows that the server is gone.
                with suppress(ConnectionError):
                    return self._send_over(idle, deadline, method, target, headers, body)
            return self._send_over(self._connect(), deadline, method, target, headers, body)

    @contextmanager
    def stream(self, target: str, headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
        """The response to a GET, to be read inside the block for as long as it goes on; its head has to come in time.

        Raises:
            ServerGoneError: the server does not answer.
        """
        connection, deadline = self._connect(), Deadline(self._timeout)
        try:
            with self._report_gone():
                ask_until(deadline, connection)
                connection.request("GET", self._address.prefix + target, headers=dict(headers))
                response = connection.getresponse()
            if response.status < 300:
                deadline.lift()
            # One that ends its connection has the socket for itself.
            with response:
                yield response
        finally:
            connection.close()

    def iterate_lines(self, response: HTTPResponse) -> Iterator[bytes]:
        """The lines of a response, as they come.

        Raises:
            ServerGoneError: the connection breaks.
            ServerError: a line has too many bytes.
        """
        with self._report_gone():
            while line := response.readline(self._most):
                # Of an answer in chunks more may come.
                if len(line) >= self._most:
                    raise ServerError(f"{self._url} answers with a line of {self._most} bytes; is it mockfoundry?")
                yield line

    def read_body(self, response: HTTPResponse) -> bytes:
        """The body of a response that was to go on.

        Raises:
            ServerGoneError: it breaks off.
            ServerError: it has too many bytes.
        """
        with self._report_gone():
            return read_bounded_body(response, self._url, self._most)

    def _connect(self) -> HTTPConnection:
        host, port = self._address.host, self._address.port
        if not self._address.secure:
            return HTTPConnection(host, port)
        if self._context is None:
            self._context = ssl.create_default_context(cafile=self._authority or None)
            self._context.set_alpn_protocols([CONTROL_PROTOCOL, "http/1.1"])
        return HTTPSConnection(host, port, context=self._context)

    @contextmanager
    def _report_gone(self) -> Iterator[None]:
        try:
            yield
        except (OSError, HTTPException) as error:
            mismatch = explain_mismatch(error, self._authority or os.environ.get("SSL_CERT_FILE", ""))
            if mismatch:
                raise TlsMismatchError(f"{self._url} {mismatch}") from error
            reason = quote_line(str(error)) or type(error).__name__
            advice = self._explain_gone()
            text = f"{self._url} does not answer: {reason}"
            raise ServerGoneError(f"{text}; {advice}" if advice else text) from error

    def _send_over(
        self,
        connection: HTTPConnection,
        deadline: Deadline,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> ControlReply:
        try:
            ask_until(deadline, connection)
            connection.request(method, self._address.prefix + target, body or None, dict(headers))
            response = connection.getresponse()
            # One that ends its connection has the socket for itself.
            with response:
                content = read_bounded_body(response, self._url, self._most)
            reply = ControlReply(response.status, response.getheader("content-type", ""), content)
            with self._lock:
                reusable = not (response.will_close or self._closed)
                if reusable:
                    self._idle_connections.append(connection)
        except BaseException:
            connection.close()
            raise
        if not reusable:
            connection.close()
        return reply

    def close(self) -> None:
        with self._lock:
            self._closed = True
            close_connections(self._idle_connections)

    def forget_connections(self) -> None:
        """Closes a fork's copies of the connections: parent and fork would read each other's responses."""
        # A thread that holds the lock is not in the fork, and would never release it.
        self._lock = threading.Lock()
        close_connections(self._idle_connections)


def explain_mismatch(error: Exception, trusted: str) -> str:
    """Why a server can't be called by https, and the mend; empty where the error is another one.

    Args:
        trusted: the file of the authority that was trusted; empty for none.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in X509_MISMATCHES:
            advice = NAME_ADVICE
        elif error.verify_code in X509_OUT_OF_DATE:
            advice = DATE_ADVICE
        elif not trusted:
            advice = TRUST_ADVICE
        elif not os.path.exists(trusted):
            advice = f"SSL_CERT_FILE names {trusted}, which is not there: {TRUST_ADVICE}"
        else:
            advice = f"{trusted} does not have its authority: {TRUST_ADVICE}"
        return f"is not trusted: {error.verify_message.rstrip('.')}; {advice}"
    if isinstance(error, ssl.SSLError) and error.reason in NOT_TLS_REASONS:
        return "speaks no TLS: write its URL with http://, or start it with --tls"
    return ""


class ServerAddress(NamedTuple):
    """Where a server is.

    Attributes:
        port: None for that of the scheme.
        prefix: of every path, without a slash at the end.
    """

    secure: bool
    host: str
    port: int | None
    prefix: str


def parse_server_url(url: str) -> ServerAddress:
    """The address that a URL names.

    Raises:
        ServerError: it is not the URL of a server.
    """
    advice = "write it as http://127.0.0.1:8080"
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise ServerError(f"url: {url!r} is not the URL of a server: {error}; {advice}") from None
    if parts.username is not None or parts.password is not None:
        # The URL is not repeated, since it may hold a password.
        raise ServerError(
            f"url: the one of {parts.hostname} has a user's name in it, which the server does not ask for; {advice}"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or _URL_CHARACTERS & set(url):
        raise ServerError(f"url: {url!r} is not the URL of a server; {advice}")
    if parts.query or parts.fragment:
        raise ServerError(f"url: {url!r} has more in it than where a server is; {advice}, without '?' and '#'")
    return ServerAddress(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"))


_FOUNDATION_URL = re.compile(r"(https?://.*)/foundations/([^/?#]+)", re.IGNORECASE)


def split_foundation_url(url: str) -> tuple[str, str]:
    """The URL of a server, without a slash at the end, and the name of its foundation that is meant; empty for none.

    A client that works in one foundation knows only its URL, `http://127.0.0.1:8080/foundations/ci-42`. The control API
    is the server's.
    """
    found = _FOUNDATION_URL.fullmatch(url.rstrip("/"))
    return (found.group(1), unquote(found.group(2))) if found else (url.rstrip("/"), "")


_TRANSPORTS: "weakref.WeakSet[SocketControlTransport]" = weakref.WeakSet()


def forget_connections_in_fork() -> None:
    for transport in tuple(_TRANSPORTS):
        transport.forget_connections()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_connections_in_fork)


def close_connections(connections: list[HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


class ControlClient:
    """The control API of a server.

    Args:
        url: of the server, for errors.
        control_token: sent with every call; empty for none.
    """

    def __init__(self, transport: ControlTransport, url: str, control_token: str = "") -> None:
        self._transport = transport
        self._url = url
        self._headers = {"X-Mock-Control-Token": control_token} if control_token else {}

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The value of a response: of its JSON, else its text, None where it has no content.

        Args:
            path: behind `/__mock`.
            body: a value, sent as JSON; or bytes, sent as YAML; None for nothing.
            query: what is None, False or empty is left out.

        Raises:
            ControlError: the control API refuses the call.
            UnexpectedResponseError: another server answers.
            TypeError, ValueError: the body holds what JSON can't hold.
            ServerGoneError: the server does not answer.
        """
        sent_headers = {**self._headers, **(headers or {})}
        content = b""
        if body is not None:
            is_text = isinstance(body, bytes)
            content = body if is_text else encode_json(body, "body")
            sent_headers["Content-Type"] = YAML if is_text else JSON
        reply = self._transport.send(method, control_target(path, query), sent_headers, content)
        if reply.status >= 300:
            raise self._error_from_reply(method, path, reply)
        if reply.status == 204:
            return None
        try:
            if reply.content_type.startswith((YAML, TEXT)):
                return reply.body.decode("utf-8")
            return msgspec.json.decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._unexpected_response_error(method, path, reply.status) from None

    def close(self) -> None:
        self._transport.close()

    def _error_from_reply(self, method: str, path: str, reply: ControlReply) -> Exception:
        """The error for a response of status 300 or more."""
        if self._url.lower().startswith("http://") and says_no_tls(reply.body):
            return TlsMismatchError(f"{self._url} speaks TLS: write its URL with https://")
        if not reply.content_type.startswith(PROBLEM):
            return self._unexpected_response_error(method, path, reply.status)
        try:
            problem = msgspec.json.decode(reply.body)
            return ControlError(reply.status, str(problem["type"]).rpartition(":")[2], str(problem["detail"]))
        except (msgspec.DecodeError, KeyError, TypeError):
            return self._unexpected_response_error(method, path, reply.status)

    def _unexpected_response_error(self, method: str, path: str, status: int) -> ServerError:
        return UnexpectedResponseError(
            f"{self._url} answered {status} to {method} /__mock{path}, not as mockfoundry does; "
            "it is another server, or one between you and it",
            status,
        )


class SocketControlClient(ControlClient):
    """The control API of a server on a socket; the arguments are those of `SocketControlTransport`."""

    def __init__(
        self,
        url: str,
        explain_gone: Callable[[], str],
        control_token: str = "",
        timeout: float = CONTROL_TIMEOUT_SECONDS,
        authority: str = "",
        most: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._socket_transport = SocketControlTransport(url, explain_gone, timeout, authority, most)
        super().__init__(self._socket_transport, url, control_token)

    @contextmanager
    def stream(self, path: str, query: Mapping[str, Any]) -> Iterator[Iterator[bytes]]:
        """The lines of a response that goes on for as long as the block reads it.

        Raises:
            ControlError, ServerError: as for a call; ServerGoneError also while the lines are read.
        """
        with self._socket_transport.stream(control_target(path, query), self._headers) as response:
            if response.status >= 300:
                content = self._socket_transport.read_body(response)
                reply = ControlReply(response.status, response.getheader("content-type", ""), content)
                raise self._error_from_reply("GET", path, reply)
            yield self._socket_transport.iterate_lines(response)


def says_no_tls(body: bytes) -> bool:
    """Whether an error's body is that of a server with TLS, for a request that came by http."""
    try:
        errors = msgspec.json.decode(body)["errors"]
        return bool(errors[0]["title"] == NO_TLS_TITLE)
    except (msgspec.DecodeError, RecursionError, LookupError, TypeError):
        return False


def control_target(path: str, query: Mapping[str, Any] | None) -> str:
    """The target of a request: what of its query is None, False or empty is left out."""
    given = {
        name: "true" if value is True else value
        for name, value in (query or {}).items()
        if value is not None and value is not False and value != ""
    }
    return f"/__mock{path}{'?' if given else ''}{urlencode(given)}"
