"""Guarding: what every call of the control API passes first: its token, the bound of its body, and following.

Never answers a call itself but for saying no, and for the journal's stream, which would keep a worker thread busy.
"""

import hmac

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockfoundry.control.following import Following
from mockfoundry.control.problems import MEDIA_TYPE, ControlError, problem

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes that a body may have."""

OPEN = frozenset({"/__mock/health"})
"""What needs no token: a container's health check has none."""

TOKEN_HEADER = b"x-mock-control-token"
_FORM = b"application/x-www-form-urlencoded"
_JSON = b"application/json"


class Guard:
    """Stands before the control API.

    Args:
        token: that every call must carry; empty for none.
    """

    def __init__(self, app: ASGIApp, token: str, following: Following) -> None:
        self._app = app
        self._token = token.encode()
        self._following = following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            must_be_printable(scope["path"])
            headers = dict(scope["headers"])
            if self._token and scope["path"] not in OPEN:
                must_carry(self._token, headers)
            if self._following.wanted(scope):
                await self._following.follow(scope, receive, send)
                return
            content = await bounded(receive, int_of(headers.get(b"content-length", b"")))
        except ControlError as error:
            await say(error, scope, send)
            return
        # curl -d says that it sends a form, which nothing here takes: what it means is JSON.
        meant = [
            (name, _JSON if name == b"content-type" and value == _FORM else value) for name, value in scope["headers"]
        ]
        await self._app({**scope, "headers": meant}, once(content, receive), send)


def must_carry(token: bytes, headers: dict[bytes, bytes]) -> None:
    """Raises ControlError (401) where the headers carry another token, or none."""
    scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
    given = headers.get(TOKEN_HEADER) or (bearer.strip() if scheme.lower() == b"bearer" else b"")
    if not hmac.compare_digest(given, token):
        found = "another token was sent" if given else "no token was sent"
        raise ControlError(
            401,
            "wrong-token",
            f"header X-Mock-Control-Token: {found}, and this server was started with --control-token; "
            "send that one, there or as Authorization: bearer",
        )


def must_be_printable(path: str) -> None:
    """Raises ControlError (400) where a path has signs that no name has, which the frameworks would stumble over."""
    if not path.isprintable():
        shown = "".join(sign if sign.isprintable() else "?" for sign in path)
        raise ControlError(400, "bad-path", f"path {shown[:200]}: has signs that can't be printed; leave them out")


async def bounded(receive: Receive, announced: int) -> bytes:
    """The whole body.

    Raises:
        ControlError: 413, it is larger than allowed.
    """
    parts: list[bytes] = []
    length = 0
    while announced <= LARGEST_BODY and length <= LARGEST_BODY:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if not message.get("more_body", False) and length <= LARGEST_BODY:
            return b"".join(parts)
    raise ControlError(
        413,
        "too-large",
        f"body: more than {LARGEST_BODY} bytes, the most that is read; send less, "
        "or give a large seed to the server's --seed",
    )


def once(content: bytes, receive: Receive) -> Receive:
    """A body that was read already, then whatever comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    return again


async def say(error: ControlError, scope: Scope, send: Send) -> None:
    """Sends a problem."""
    body = msgspec.json.encode(problem(error.status, error.kind, error.detail, scope["path"]))
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    if error.status == 401:
        headers.append((b"www-authenticate", b"bearer"))
    if error.status == 413:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def int_of(text: bytes) -> int:
    return int(text) if text.isdigit() else 0
