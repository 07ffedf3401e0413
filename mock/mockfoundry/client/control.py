"""Calls: the control API over HTTP, with connections that are kept. Never knows what a call means."""

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from mockfoundry.client.errors import ControlError, ServerError, ServerGoneError

CONTROL_TIMEOUT_SECONDS = 100.0
"""How long an answer is waited for: longer than any verify may wait."""

JSON = "application/json"
YAML = "application/yaml"
PROBLEM = "application/problem+json"

_URL_CHARACTERS = frozenset(chr(code) for code in (*range(33), 127))


class ControlReply(NamedTuple):
    """An answer, whole."""

    status: int
    content_type: str
    body: bytes


class ControlTransport(Protocol):
    """What takes a request to a server and brings back its answer."""

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> ControlReply:
        """The answer to a request; raises ServerGoneError where there is none."""

    def close(self) -> None:
        """Gives back what is held."""


class SocketControlTransport:
    """Sends over HTTP. Each thread has a connection of its own while it asks; idle ones are kept for the next.

    Args:
        url: of the server; proxies that the environment names have no part in it.
        why_gone: says more of a server that does not answer, and what to do.
    """

    def __init__(self, url: str, why_gone: Callable[[], str]) -> None:
        place = parse_server_url(url)
        self._connection_class = HTTPSConnection if place.secure else HTTPConnection
        self._host, self._port, self._prefix = place.host, place.port, place.prefix
        self._url = url
        self._explain_gone = why_gone
        self._lock = threading.Lock()
        self._idle_connections: list[HTTPConnection] = []
        self._closed = False
        # Nobody need close what was only connected to.
        weakref.finalize(self, close_connections, self._idle_connections)
        _TRANSPORTS.add(self)

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> ControlReply:
        """The answer to a request.

        Raises:
            ServerGoneError: the server does not answer.
        """
        try:
            with self._lock:
                kept = self._idle_connections.pop() if self._idle_connections else None
            if kept is not None:
                # A server may close a connection that nobody uses; only a new one shows that it is gone.
                with suppress(ConnectionError):
                    return self._send_over(kept, method, target, headers, body)
            return self._send_over(
                self._connection_class(self._host, self._port, timeout=CONTROL_TIMEOUT_SECONDS),
                method,
                target,
                headers,
                body,
            )
        except (OSError, HTTPException) as error:
            said = str(error) or type(error).__name__
            raise ServerGoneError(f"{self._url} does not answer: {said}; {self._explain_gone()}") from error

    def _send_over(
        self, connection: HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> ControlReply:
        try:
            connection.request(method, self._prefix + target, body or None, dict(headers))
            answer = connection.getresponse()
            reply = ControlReply(answer.status, answer.getheader("content-type", ""), answer.read())
            with self._lock:
                keep = not (answer.will_close or self._closed)
                if keep:
                    self._idle_connections.append(connection)
        except BaseException:
            connection.close()
            raise
        if not keep:
            connection.close()
        return reply

    def close(self) -> None:
        with self._lock:
            self._closed = True
            close_connections(self._idle_connections)

    def forget_connections(self) -> None:
        """Leaves the connections to the process that this one is a fork of: each would read the other's answers."""
        # Whoever had its turn is not in the fork, to give it back.
        self._lock = threading.Lock()
        close_connections(self._idle_connections)


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
    """What a URL names.

    Raises:
        ServerError: it is none of a server.
    """
    mend = "write it as http://127.0.0.1:8080"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ServerError(f"url: {url!r} is none of a server: {error}; {mend}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or _URL_CHARACTERS & set(url):
        raise ServerError(f"url: {url!r} is none of a server; {mend}")
    return ServerAddress(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"))


_TRANSPORTS: "weakref.WeakSet[SocketControlTransport]" = weakref.WeakSet()


def forget_connections_in_fork() -> None:
    for sender in tuple(_TRANSPORTS):
        sender.forget_connections()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_connections_in_fork)


def close_connections(connections: list[HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


class ControlClient:
    """The control API of a server.

    Args:
        url: of the server, for errors.
        control_token: that calls carry; empty for none.
    """

    def __init__(self, sender: ControlTransport, url: str, control_token: str = "") -> None:
        self._control_transport = sender
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
        """What a call answers: the value of its JSON, its text where it is none, None where there is nothing.

        Args:
            path: behind `/__mock`.
            body: a value, sent as JSON; or bytes, sent as YAML; None for nothing.
            query: without what is None, False or empty.

        Raises:
            ControlError: the control API says no.
            ServerError: it is not mockfoundry that answers.
            ServerGoneError: the server does not answer.
        """
        asked = urlencode(
            {
                name: "true" if value is True else value
                for name, value in (query or {}).items()
                if value is not None and value is not False and value != ""
            }
        )
        sent = {**self._headers, **(headers or {})}
        content = b""
        if body is not None:
            written = isinstance(body, bytes)
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
            sent["Content-Type"] = YAML if written else JSON
        reply = self._control_transport.send(method, f"/__mock{path}{'?' if asked else ''}{asked}", sent, content)
        if reply.status >= 300:
            raise self._error_from_problem(method, path, reply)
        if reply.status == 204:
            return None
        try:
            if reply.content_type.startswith(YAML):
                return reply.body.decode("utf-8")
            return msgspec.json.decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._unexpected_response_error(method, path, reply) from None

    def close(self) -> None:
        self._control_transport.close()

    def _error_from_problem(self, method: str, path: str, reply: ControlReply) -> Exception:
        """What a problem says."""
        if not reply.content_type.startswith(PROBLEM):
            return self._unexpected_response_error(method, path, reply)
        try:
            problem = msgspec.json.decode(reply.body)
            return ControlError(reply.status, str(problem["type"]).rpartition(":")[2], str(problem["detail"]))
        except (msgspec.DecodeError, KeyError, TypeError):
            return self._unexpected_response_error(method, path, reply)

    def _unexpected_response_error(self, method: str, path: str, reply: ControlReply) -> ServerError:
        """Said of an answer that mockfoundry does not give."""
        return ServerError(
            f"{self._url} answered {reply.status} to {method} /__mock{path}, not as mockfoundry does; "
            "is it another server, or one between you and it?"
        )
