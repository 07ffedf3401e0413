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

PATIENCE_SECONDS = 100.0
"""How long an answer is waited for: longer than any verify may wait."""

JSON = "application/json"
YAML = "application/yaml"
PROBLEM = "application/problem+json"

_UNSAFE = frozenset(chr(code) for code in (*range(33), 127))


class Reply(NamedTuple):
    """An answer, whole."""

    status: int
    content_type: str
    body: bytes


class Sender(Protocol):
    """What takes a request to a server and brings back its answer."""

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a request; raises ServerGoneError where there is none."""

    def close(self) -> None:
        """Gives back what is held."""


class SocketSender:
    """Sends over HTTP. Each thread has a connection of its own while it asks; idle ones are kept for the next.

    Args:
        url: of the server; proxies that the environment names have no part in it.
        why_gone: says more of a server that does not answer, and what to do.
    """

    def __init__(self, url: str, why_gone: Callable[[], str]) -> None:
        place = place_of(url)
        self._kind = HTTPSConnection if place.secure else HTTPConnection
        self._host, self._port, self._prefix = place.host, place.port, place.prefix
        self._url = url
        self._why_gone = why_gone
        self._turn = threading.Lock()
        self._idle: list[HTTPConnection] = []
        self._closed = False
        # Nobody need close what was only connected to.
        weakref.finalize(self, close_all, self._idle)
        _SENDERS.add(self)

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a request.

        Raises:
            ServerGoneError: the server does not answer.
        """
        try:
            with self._turn:
                kept = self._idle.pop() if self._idle else None
            if kept is not None:
                # A server may close a connection that nobody uses; only a new one shows that it is gone.
                with suppress(ConnectionError):
                    return self._sent(kept, method, target, headers, body)
            return self._sent(
                self._kind(self._host, self._port, timeout=PATIENCE_SECONDS), method, target, headers, body
            )
        except (OSError, HTTPException) as error:
            said = str(error) or type(error).__name__
            raise ServerGoneError(f"{self._url} does not answer: {said}; {self._why_gone()}") from error

    def _sent(
        self, connection: HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        try:
            connection.request(method, self._prefix + target, body or None, dict(headers))
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.getheader("content-type", ""), answer.read())
            with self._turn:
                keep = not (answer.will_close or self._closed)
                if keep:
                    self._idle.append(connection)
        except BaseException:
            connection.close()
            raise
        if not keep:
            connection.close()
        return reply

    def close(self) -> None:
        with self._turn:
            self._closed = True
            close_all(self._idle)

    def begin_anew(self) -> None:
        """Leaves the connections to the process that this one is a fork of: each would read the other's answers."""
        # Whoever had its turn is not in the fork, to give it back.
        self._turn = threading.Lock()
        close_all(self._idle)


class Place(NamedTuple):
    """Where a server is.

    Attributes:
        port: None for that of the scheme.
        prefix: of every path, without a slash at the end.
    """

    secure: bool
    host: str
    port: int | None
    prefix: str


def place_of(url: str) -> Place:
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
    if parts.scheme not in ("http", "https") or not parts.hostname or _UNSAFE & set(url):
        raise ServerError(f"url: {url!r} is none of a server; {mend}")
    return Place(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"))


_SENDERS: "weakref.WeakSet[SocketSender]" = weakref.WeakSet()


def begin_anew() -> None:
    for sender in tuple(_SENDERS):
        sender.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=begin_anew)


def close_all(connections: list[HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


class Calls:
    """The control API of a server.

    Args:
        url: of the server, for errors.
        control_token: that calls carry; empty for none.
    """

    def __init__(self, sender: Sender, url: str, control_token: str = "") -> None:
        self._sender = sender
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
        reply = self._sender.send(method, f"/__mock{path}{'?' if asked else ''}{asked}", sent, content)
        if reply.status >= 300:
            raise self._refusal(method, path, reply)
        if reply.status == 204:
            return None
        try:
            if reply.content_type.startswith(YAML):
                return reply.body.decode("utf-8")
            return msgspec.json.decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._stranger(method, path, reply) from None

    def close(self) -> None:
        self._sender.close()

    def _refusal(self, method: str, path: str, reply: Reply) -> Exception:
        """What a problem says."""
        if not reply.content_type.startswith(PROBLEM):
            return self._stranger(method, path, reply)
        try:
            problem = msgspec.json.decode(reply.body)
            return ControlError(reply.status, str(problem["type"]).rpartition(":")[2], str(problem["detail"]))
        except (msgspec.DecodeError, KeyError, TypeError):
            return self._stranger(method, path, reply)

    def _stranger(self, method: str, path: str, reply: Reply) -> ServerError:
        """Said of an answer that mockfoundry does not give."""
        return ServerError(
            f"{self._url} answered {reply.status} to {method} /__mock{path}, not as mockfoundry does; "
            "is it another server, or one between you and it?"
        )
