"""Transports: httpx and httpx2 clients served in this process, sync and async. Never decides what is answered.

The two libraries have the same classes and errors by the same names, so each transport is made for the one that is
asked for, and neither is needed by the other. What a scenario does to the wire raises that library's own error.
"""

import functools
import importlib
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Any, Literal

from mockfoundry.client.broken import (
    Asked,
    Given,
    WireError,
    asked_of,
    given_by,
    is_whole,
    must_be_whole,
    must_come,
)
from mockfoundry.in_process import Door, Pause, await_pause, awaited, wait_for, waited

LibraryName = Literal["httpx", "httpx2"]


def library(name: LibraryName) -> Any:
    """An HTTP library.

    Raises:
        ImportError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} is not installed; pip install 'mockfoundry[{name}]' brings it") from error


@functools.cache
def transport_class(name: LibraryName) -> Any:
    """The transport of a library, for its `Client`."""
    http = library(name)

    class Transport(http.BaseTransport):  # type: ignore[misc,name-defined]
        """Serves a client's requests from a service in this process."""

        def __init__(self, door: Door) -> None:
            self._door = door

        def handle_request(self, request: Any) -> Any:
            asked = asked_of(request)
            try:
                given = waited(given_by(self._door, asked, request.read()), self._door.closed)
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None
            return response(http, given, None if is_whole(given) else self._body(given, asked, request))

        def _body(self, given: Given, asked: Asked, request: Any) -> Iterator[bytes]:
            try:
                for part in given.parts:
                    must_come(given, asked)
                    if given.gap:
                        wait_for(Pause(given.gap), self._door.closed)
                    yield part
                must_be_whole(given)
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None

    return Transport


@functools.cache
def async_transport_class(name: LibraryName) -> Any:
    """The transport of a library, for its `AsyncClient`."""
    http = library(name)

    class AsyncTransport(http.AsyncBaseTransport):  # type: ignore[misc,name-defined]
        """Serves an async client's requests from a service in this process."""

        def __init__(self, door: Door) -> None:
            self._door = door

        async def handle_async_request(self, request: Any) -> Any:
            asked, content = asked_of(request), await request.aread()
            try:
                given = await awaited(given_by(self._door, asked, content))
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None
            return response(http, given, None if is_whole(given) else self._body(given, asked, request))

        async def _body(self, given: Given, asked: Asked, request: Any) -> AsyncIterator[bytes]:
            try:
                for part in given.parts:
                    must_come(given, asked)
                    if given.gap:
                        await await_pause(Pause(given.gap))
                    yield part
                must_be_whole(given)
            except WireError as error:
                raise getattr(http, error.name)(str(error), request=request) from None

    return AsyncTransport


def response(http: Any, given: Given, parts: Iterator[bytes] | AsyncIterator[bytes] | None) -> Any:
    """A library's response.

    Args:
        parts: of a body that does not come whole; None where it does.
    """
    extensions = {"http_version": b"HTTP/1.1", "reason_phrase": phrase(given.status)}
    # A stream leaves the headers as they are.
    body = {"stream": http.ByteStream(given.parts[0])} if parts is None else {"content": parts}
    return http.Response(given.status, headers=given.headers, extensions=extensions, **body)


def phrase(status: int) -> bytes:
    """What the server writes behind a status."""
    return HTTPStatus(status).phrase.encode() if status in _STATUSES else b""


_STATUSES = frozenset(HTTPStatus)
