"""Runs the proxy until it is told to end, and completes the recording whatever ends it. Never decides what is kept."""

import logging
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvicorn

from mockfoundry.recording.har_writing import HarWriter
from mockfoundry.recording.origins import Origins, find_origin
from mockfoundry.recording.proxy import RecordingProxy, learn_origins, make_upstream_client
from mockfoundry.recording.recorder import Recorder, RecordingBounds

GRACE_SECONDS = 2
"""How long an answer may still take once the proxy is to end."""

MAX_REQUESTS = 256
"""How many requests pass at once; a further one gets 503."""


class RecordingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded, and how.

    Attributes:
        upstream: the URL of the foundation, without a slash at its end.
        out: the file that is made.
        authority_file: certificates that are trusted besides the system's; None for none.
        seconds: how long the foundation may be silent.
        allowed_hosts: names by which the proxy may be called, besides local ones.
    """

    upstream: str
    out: Path
    bounds: RecordingBounds
    authority_file: str | None = None
    seconds: float = 60.0
    allowed_hosts: tuple[str, ...] = ()


class ProxyServer(uvicorn.Server):
    """uvicorn's server. Calls `ready` once it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def read_upstream_url(text: str) -> str:
    """The URL of a foundation's API, without a slash at its end.

    Raises:
        ValueError: it is none; the text says what is allowed.
    """
    parts = urlsplit(text)
    origin = find_origin(text)
    if not origin or parts.query or parts.fragment:
        raise ValueError("an http or https URL such as https://api.example.org")
    if parts.username is not None:
        raise ValueError("a URL without a password; the client that is recorded logs in")
    return origin + parts.path.rstrip("/")


def make_proxy_server(proxy: RecordingProxy, ready: Callable[[], None]) -> ProxyServer:
    """The server of a proxy, which says nothing of requests that break off or fail: recording and proxy do.

    Args:
        ready: called when it listens.
    """
    config = uvicorn.Config(
        proxy,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level=logging.CRITICAL,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_REQUESTS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return ProxyServer(config, ready)


async def record_until_told(
    settings: RecordingSettings, bound: list[socket.socket], ready: Callable[[Origins], None]
) -> Recorder:
    """Serves the proxy until a signal comes, and completes the recording.

    Args:
        ready: called when it listens, with the hosts that it reaches.

    Raises:
        UpstreamError: the foundation does not answer at the beginning; nothing is left of the file then.
        HarError: the file can't be written.
    """
    origins = Origins(settings.upstream)
    async with make_upstream_client(settings.authority_file, settings.seconds) as client:
        await learn_origins(client, origins)
        recorder = Recorder(HarWriter(settings.out, settings.upstream), settings.bounds)
        proxy = RecordingProxy(client, origins, recorder, settings.allowed_hosts)
        server = make_proxy_server(proxy, partial(ready, origins))

        def end(*_: object) -> None:
            server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            signal.signal(number, end)
        try:
            await server.serve(sockets=bound)
            await proxy.wait(GRACE_SECONDS)
        finally:
            recorder.close()
    return recorder
