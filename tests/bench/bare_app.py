"""A bare ASGI app on uvicorn that answers a fixed body, or that of a file: what every server is held against."""

import socket
import sys
from pathlib import Path

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

STATUS, BODY = (200, Path(sys.argv[1]).read_bytes()) if sys.argv[1:] else (202, b"x" * 1100)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": STATUS, "headers": HEADERS, "trailers": False})
    await send({"type": "http.response.body", "body": BODY, "more_body": False})


bound = socket.create_server(("127.0.0.1", 0))
sys.stdout.write(f"http://127.0.0.1:{bound.getsockname()[1]}\n")
sys.stdout.flush()
uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")).run([bound])
