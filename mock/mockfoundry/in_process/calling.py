"""Calling an ASGI app once, without a server. Never knows which."""

from typing import Any, NamedTuple
from urllib.parse import unquote

from anyio import Event
from starlette.types import ASGIApp, Message

from mockfoundry.requests import Headers


class Answer(NamedTuple):
    """An answer of the control API, whole."""

    status: int
    headers: Headers
    body: bytes


async def called(app: ASGIApp, method: str, target: bytes, headers: Headers, content: bytes, leaving: Event) -> Answer:
    """What an ASGI app answers to a request.

    Args:
        leaving: set once nobody waits for the answer any more, as when a client closes its connection.
    """
    path, _, query = target.partition(b"?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path.decode("latin-1")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "server": None,
        "client": ("127.0.0.1", 0),
    }
    given = False
    status, sent, parts = 500, list[tuple[bytes, bytes]](), list[bytes]()

    async def receive() -> Message:
        nonlocal given
        if given:
            await leaving.wait()
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, sent
        if message["type"] == "http.response.start":
            status, sent = message["status"], [(name.lower(), value) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, sent, b"".join(parts))
