"""Records a foundation by the proxy, without a socket: requests go through it to a server in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx

from mockfoundry.client.in_process import InProcess
from mockfoundry.recording.har import Recording
from mockfoundry.recording.har_writing import HarWriter
from mockfoundry.recording.origins import Origins
from mockfoundry.recording.proxy import RecordingProxy, learn_origins
from mockfoundry.recording.reading import read_recording_file
from mockfoundry.recording.recorder import Recorder, RecordingBounds

PROXY = "http://127.0.0.1:9999"
ADMIN = {"authorization": "bearer admin"}


class AnsweringTransport(httpx.AsyncBaseTransport):
    """A foundation that is a function: its answers come in parts, as on a socket.

    Args:
        part: how many bytes at a time.
    """

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response], part: int = 7) -> None:
        self._answer = answer
        self._part = part

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        answer = self._answer(request)
        assert isinstance(answer.stream, httpx.ByteStream)
        sent = b"".join(answer.stream)

        async def list_parts() -> AsyncIterator[bytes]:
            for at in range(0, len(sent), self._part):
                yield sent[at : at + self._part]

        return httpx.Response(answer.status_code, headers=answer.headers, content=list_parts())


class RecordingSession:
    """A proxy before a foundation, and what came of it.

    Attributes:
        answers: in the order of the requests.
        left_out: what the recorder says at the end.
    """

    def __init__(
        self,
        path: Path,
        upstream: str,
        transport: httpx.AsyncBaseTransport,
        bounds: RecordingBounds = RecordingBounds(),  # noqa: B008 (it is frozen)
    ) -> None:
        self.path = path
        self.upstream = upstream
        self.answers: list[httpx.Response] = []
        self.left_out = ""
        self._transport = transport
        self._bounds = bounds

    async def run(self, requests: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        origins = Origins(self.upstream)
        recorder = Recorder(HarWriter(self.path, self.upstream), self._bounds)
        async with httpx.AsyncClient(transport=self._transport) as upstream:
            await learn_origins(upstream, origins)
            proxy = RecordingProxy(upstream, origins, recorder)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(proxy), base_url=PROXY) as client:
                # Each request is one of a client of its own.
                client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
                for method, target, options in requests:
                    self.answers.append(await client.request(method, target, **options))
        self.left_out = recorder.describe_left_out()
        recorder.close()

    @property
    def recording(self) -> Recording:
        return read_recording_file(self.path)


def record_upstream(
    path: Path,
    upstream: str,
    transport: httpx.AsyncBaseTransport,
    requests: Iterable[tuple[str, str, dict[str, Any]]],
    bounds: RecordingBounds | None = None,
) -> RecordingSession:
    session = RecordingSession(path, upstream, transport, bounds or RecordingBounds())
    asyncio.run(session.run(requests))
    return session


def record_foundation(
    server: InProcess,
    url: str,
    path: Path,
    requests: Iterable[tuple[str, str, dict[str, Any]]],
    bounds: RecordingBounds | None = None,
) -> RecordingSession:
    """What becomes of requests to a foundation of a server in this process."""
    return record_upstream(path, url, server.async_transport(), requests, bounds)


def list_readings(client: httpx.Client) -> list[str]:
    """Everything that shows what a seed has: the lists, and each app and process."""
    targets = [f"/v3/{each}" for each in LISTS]
    for app in client.get("/v3/apps").json()["resources"]:
        targets += [
            f"/v3/apps/{app['guid']}/{each}" for each in ("features", "sidecars", "processes", "droplets/current")
        ]
    for process in client.get("/v3/processes").json()["resources"]:
        targets += [f"/v3/processes/{process['guid']}{each}" for each in ("", "/stats")]
    return targets


LISTS = (
    *("organizations", "spaces", "organization_quotas", "space_quotas", "apps", "processes", "deployments", "users"),
    *("roles", "feature_flags?per_page=100", "isolation_segments"),
)


def get(target: str, headers: dict[str, str] = ADMIN) -> tuple[str, str, dict[str, Any]]:
    return "GET", target, {"headers": headers}


def post(target: str, body: Any, headers: dict[str, str] = ADMIN) -> tuple[str, str, dict[str, Any]]:
    return "POST", target, {"headers": headers, "json": body}
