"""A bare ASGI app on uvicorn that answers a fixed body: what every server here is held against."""

import socket
import sys

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

BODY = b"x" * 1100
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"1100")]


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 202, "headers": HEADERS, "trailers": False})
    await send({"type": "http.response.body", "body": BODY, "more_body": False})


bound = socket.create_server(("127.0.0.1", 0))
sys.stdout.write(f"http://127.0.0.1:{bound.getsockname()[1]}\n")
sys.stdout.flush()
uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")).run([bound])
