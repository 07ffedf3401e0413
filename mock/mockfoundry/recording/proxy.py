"""The proxy: passes requests on to a real foundation, and answers back, as they come. Never keeps a token.

What passes is not changed, but for the URLs in answers, which lead back to the proxy. What is recorded has the
foundation's own.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from http.cookiejar import DefaultCookiePolicy

import httpx
import msgspec
from starlette.types import Receive, Scope, Send

from mockfoundry.cloudfoundry.tokens import decode_payload
from mockfoundry.control.context import ControlProblem, response_from_problem
from mockfoundry.control.hosts import must_come_from_here
from mockfoundry.documents.quoting import quote_line
from mockfoundry.recording.har import NO_ANSWER, STATUSES, HarActor, HarEntry, LeftOut
from mockfoundry.recording.holding import ClientLeftError, ComingParts, hold_packed
from mockfoundry.recording.keeping import read_actor_of_claims
from mockfoundry.recording.origins import SERVER_TARGET, Origins
from mockfoundry.recording.passing_bodies import BodyCopy
from mockfoundry.recording.recorder import Recorder
from mockfoundry.server.delivery import await_disconnect

log = logging.getLogger("mockfoundry")

CONNECT_SECONDS = 10.0

_HOP_HEADERS = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te"),
        *(b"trailer", b"transfer-encoding", b"upgrade", b"expect", b"http2-settings"),
    )
)
"""Headers of one connection [RFC 9110, 7.6.1]."""

SOON_SECONDS = 0.1
"""How long a part waits for the next one: the last one is sent once the exchange is recorded."""

NO_BODY_STATUSES = (204, 304)

EVENT_STREAM = "text/event-stream"

_TEXT_TYPES = ("json", "text/", "xml", "yaml", "javascript", "x-www-form-urlencoded")


class UpstreamError(Exception):
    """The foundation can't be recorded; the text says why, and what to do."""


def make_upstream_client(authority_file: str | None, seconds: float) -> httpx.AsyncClient:
    """The client that asks the foundation.

    Args:
        authority_file: certificates (PEM) that are trusted besides the system's; None for none.
        seconds: how long the foundation may be silent.

    Raises:
        UpstreamError: the file can't be used.
    """
    trusted = ssl.create_default_context()
    if authority_file is not None:
        try:
            trusted.load_verify_locations(cafile=authority_file)
        except (OSError, ssl.SSLError) as error:
            raise UpstreamError(
                f"--upstream-ca: {authority_file} can't be used: {error}; give certificates as PEM"
            ) from None
    client = httpx.AsyncClient(
        verify=trusted,
        timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        follow_redirects=False,
        # What stands behind an answer, or in one that has no body, would be taken for the answer to the next request.
        limits=httpx.Limits(max_keepalive_connections=0),
    )
    # What a client does not send is not sent for it.
    client.headers.clear()
    return client


async def learn_origins(client: httpx.AsyncClient, origins: Origins) -> None:
    """Asks the foundation for its root document, and takes the hosts of its links.

    Raises:
        UpstreamError: it does not answer.
    """
    try:
        answer = await client.get(f"{origins.upstream}/", headers={"accept": "application/json"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UpstreamError(f"--upstream: {origins.upstream} does not answer: {describe_error(error)}") from None
    with suppress(ValueError, RecursionError):
        origins.learn(msgspec.json.decode(answer.content))


def describe_error(error: Exception) -> str:
    """Why there is no answer, in words, without a request's parts."""
    text = str(error).partition(": bytearray(")[0] or type(error).__name__
    mend = "; --upstream-ca FILE trusts another authority" if "CERTIFICATE_VERIFY_FAILED" in text else ""
    return f"{text}{mend}"


class RecordingProxy:
    """The ASGI application that passes requests on, and has their exchanges recorded.

    Args:
        client: asks the foundation.
        allowed_hosts: names by which it may be called, besides local ones.
    """

    def __init__(
        self, client: httpx.AsyncClient, origins: Origins, recorder: Recorder, allowed_hosts: tuple[str, ...] = ()
    ) -> None:
        # The cookies of one client are not another's.
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._client = client
        self._origins = origins
        self._recorder = recorder
        self._allowed_hosts = allowed_hosts
        self._running: set[asyncio.Task[None] | None] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        task = asyncio.current_task()
        self._running.add(task)
        passage = None
        try:
            passage = self._begin(scope)
            await passage.run(receive, send)
        except ControlProblem as problem:
            await send_problem(send, word_for_proxy(problem), scope["path"])
        except Exception as error:
            report_failure(error, scope)
            await (send_problem(send, PROXY_FAILED, scope["path"]) if passage is None else passage.fail(send))
        finally:
            self._running.discard(task)

    async def wait(self, seconds: float) -> None:
        """Waits until what a server has cancelled is recorded."""
        if running := [each for each in self._running if each is not None]:
            await asyncio.wait(running, timeout=seconds)

    def _begin(self, scope: Scope) -> "Passage":
        """The passage of a request.

        Raises:
            ControlProblem: it does not pass.
        """
        headers = dict(scope["headers"])
        must_come_from_here(headers, self._allowed_hosts)
        own = f"http://{headers.get(b'host', b'').decode('latin-1')}"
        path, query = scope["raw_path"].decode("latin-1").partition("?")[0], scope["query_string"].decode("latin-1")
        url = self._origins.find_url(path, self._origins.to_upstream(query, own))
        if url is None:
            raise ControlProblem(404, "unknown-host", f"path {path[:200]}: the foundation has named no such host")
        return Passage(self._client, self._origins, self._recorder, scope, url, own)


PROXY_FAILED = ControlProblem(502, "proxy-failed", "mockfoundry has failed to pass this; its stderr says where")


def report_failure(error: Exception, scope: Scope) -> None:
    """Says what has failed in the proxy itself, and where."""
    request = quote_line(f"{scope['method']} {scope['path']}")
    log.error("mockfoundry: the proxy failed to pass %s, which is a defect of mockfoundry", request, exc_info=error)


def word_for_proxy(problem: ControlProblem) -> ControlProblem:
    """A problem of a request's host or origin, in the proxy's words: it is the control API's."""
    detail = problem.detail.replace("the control API", "the proxy").replace("start the server", "record")
    return ControlProblem(problem.status, problem.kind, detail)


async def send_problem(send: Send, problem: ControlProblem, path: str) -> None:
    """Answers with a problem that is the proxy's own."""
    response = response_from_problem(problem, path)
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
    await send({"type": "http.response.body", "body": response.body})


class Passage:
    """One request on its way to the foundation, and its answer on the way back.

    Args:
        url: where it goes.
        own: the URL by which the client calls the proxy.
    """

    def __init__(
        self, client: httpx.AsyncClient, origins: Origins, recorder: Recorder, scope: Scope, url: str, own: str
    ) -> None:
        self._client = client
        self._origins = origins
        self._recorder = recorder
        self._scope = scope
        self._url = url
        self._own = own
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._sent = BodyCopy(recorder.body_bound)
        self._started = time.time_ns() // 1000
        self._begun = time.monotonic_ns()
        self._is_answered = False
        self._is_recorded = False

    async def fail(self, send: Send) -> None:
        """Answers and records what the proxy itself has failed to pass, as far as neither is done.

        An answer that has begun is not completed: the server closes its connection.
        """
        if not self._is_recorded:
            self._record(NO_ANSWER, (), b"", "no answer: mockfoundry has failed")
        if not self._is_answered:
            await send_problem(send, PROXY_FAILED, self._scope["path"])

    async def run(self, receive: Receive, send: Send) -> None:
        request = self._client.build_request(
            self._scope["method"],
            self._url,
            headers=[(name, value) for name, value in self._list_sent_headers()],
            content=self._read_body(receive) if self._has_body() else None,
            # By its URL it would be another one.
            extensions={"target": b"*"} if self._scope["raw_path"] == SERVER_TARGET else None,
        )
        try:
            answer = await self._client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = describe_error(error)
            self._record(NO_ANSWER, (), b"", f"no answer: {why}")
            await self._refuse(send, "no-answer", f"gave no answer: {why}")
            return
        except asyncio.CancelledError:
            self._record(NO_ANSWER, (), b"", "no answer: the recording has ended before")
            raise
        headers = tuple((name.lower(), value) for name, value in answer.headers.multi_items())
        if answer.status_code not in STATUSES:
            with suppress(httpx.HTTPError):
                await answer.aclose()
            self._record(answer.status_code, headers, b"", "the answer's body is left out: there is no such status")
            await self._refuse(send, "odd-status", f"answered with status {answer.status_code}, which is none")
            return
        kept = BodyCopy(self._recorder.body_bound, answer.headers.get("content-encoding", "").strip().lower())
        broken, rest = "", None
        watching = asyncio.ensure_future(await_disconnect(receive))
        try:
            rest = await self._pass_back(answer, kept, send, watching.done)
        except ClientLeftError:
            broken = "the client has left"
        except asyncio.CancelledError:
            broken = "broken off: the recording has ended"
            raise
        except httpx.HTTPError as error:
            broken = f"broken off: {describe_error(error)}"
        except Exception:
            broken = "broken off: mockfoundry has failed"
            raise
        finally:
            watching.cancel()
            with suppress(httpx.HTTPError):
                await answer.aclose()
            comment = "; ".join(filter(None, (broken, kept.describe("answer"))))
            self._record(answer.status_code, headers, kept.content, comment, kept.left_out)
        if rest is not None:
            # Who has the whole answer can rely on its being recorded. Of any other the server closes the connection.
            await send({"type": "http.response.body", "body": rest})

    async def _refuse(self, send: Send, kind: str, what: str) -> None:
        """Answers in place of the foundation."""
        self._is_answered = True
        problem = ControlProblem(502, kind, f"the foundation at {self._origins.upstream} {what}")
        await send_problem(send, problem, self._scope["path"])

    def _has_body(self) -> bool:
        names = {name for name, _ in self._headers}
        return b"content-length" in names or b"transfer-encoding" in names

    def _list_sent_headers(self) -> list[tuple[bytes, bytes]]:
        named = b",".join(value for name, value in self._headers if name == b"connection").lower()
        dropped = _HOP_HEADERS | {each.strip() for each in named.split(b",")} | {b"host", b"accept-encoding"}
        sent = [(name, value) for name, value in self._headers if name not in dropped]
        # What else a client takes could not be kept decoded.
        wanted = b",".join(value for name, value in self._headers if name == b"accept-encoding").lower()
        takes_gzip = b"gzip" in wanted or b"*" in wanted
        return [*sent, (b"accept-encoding", b"gzip" if takes_gzip else b"identity")]

    async def _read_body(self, receive: Receive) -> AsyncIterator[bytes]:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise httpx.ReadError("the client has left")
            part = message.get("body", b"")
            if part:
                for _ in self._sent.take(part):
                    pass
                yield part
            if not message.get("more_body"):
                return

    async def _pass_back(
        self, answer: httpx.Response, kept: BodyCopy, send: Send, has_left: Callable[[], bool]
    ) -> bytes:
        """Sends an answer but for the last of its body, and returns that.

        Raises:
            ClientLeftError, httpx.HTTPError: it broke off there, on one side or on the other.
        """
        parts = ComingParts(aiter(answer.aiter_raw()))
        content_type = answer.headers.get("content-type", "").lower()
        is_text = any(each in content_type for each in _TEXT_TYPES)
        rewriting = self._origins.begin_rewriting(self._own)
        held: list[bytes] = []
        if is_text and kept.is_packed and EVENT_STREAM not in content_type:
            try:
                unpacked = await hold_packed(parts, held, kept, has_left)
            except httpx.HTTPError:
                # What came of it the client gets, too.
                await self._start(answer, send, is_text=False)
                await send({"type": "http.response.body", "body": b"".join(held), "more_body": True})
                raise
            if unpacked is not None:
                await self._start(answer, send, is_text=True)
                return rewriting.feed(unpacked) + rewriting.end()
        is_changed = is_text and not kept.is_packed
        await self._start(answer, send, is_text=is_changed)
        last = b"".join(held)
        while True:
            is_late = last and not await parts.comes_until(asyncio.get_running_loop().time() + SOON_SECONDS)
            if is_late:
                await send({"type": "http.response.body", "body": last, "more_body": True})
                last = b""
            part = await anext(parts, None)
            if part is None:
                break
            if has_left():
                raise ClientLeftError
            if last:
                await send({"type": "http.response.body", "body": last, "more_body": True})
            for _ in kept.take(part):
                pass
            last = rewriting.feed(part) if is_changed else part
        kept.end()
        return last + rewriting.end() if is_changed else last

    async def _start(self, answer: httpx.Response, send: Send, *, is_text: bool) -> None:
        """Sends the head of an answer.

        Args:
            is_text: its body is text that is not packed any more, and gets the proxy's URLs.
        """
        dropped = _HOP_HEADERS
        if is_text:
            dropped |= {b"content-length", b"content-encoding"}
        elif answer.status_code in NO_BODY_STATUSES:
            # The length of what is not sent.
            dropped |= {b"content-length"}
        headers = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in dropped]
        changed = [(name, self._change_header(name, value)) for name, value in headers]
        self._is_answered = True
        await send({"type": "http.response.start", "status": answer.status_code, "headers": changed})

    def _change_header(self, name: bytes, value: bytes) -> bytes:
        if name in (b"location", b"link", b"content-location", b"refresh", b"www-authenticate"):
            return self._origins.to_proxy(value.decode("latin-1"), self._own).encode("latin-1", "replace")
        if name == b"set-cookie":
            # The client is not at the foundation's host, and comes by http.
            parts = value.split(b";")
            kept = [part for part in parts if part.strip().lower().partition(b"=")[0] not in (b"domain", b"secure")]
            return b";".join(kept)
        return value

    def _record(
        self,
        status: int,
        headers: tuple[tuple[str, str], ...],
        answer: bytes,
        comment: str,
        left_out: LeftOut | None = None,
    ) -> None:
        entry = HarEntry(
            started=self._started,
            took=(time.monotonic_ns() - self._begun) // 1000,
            method=self._scope["method"],
            url=self._url,
            headers=tuple(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in self._headers
                if name not in _HOP_HEADERS and name != b"host"
            ),
            content=self._sent.content,
            status=status,
            answer_headers=headers,
            answer=answer,
            actor=find_actor(self._headers),
            comment="; ".join(filter(None, (comment, self._sent.describe("request")))),
            left_out=frozenset(filter(None, (left_out, self._sent.left_out))),
        )
        self._is_recorded = True
        self._recorder.record(entry)


def find_actor(headers: list[tuple[bytes, bytes]]) -> HarActor | None:
    """Who asks, as a token in the form of a JWT says it; None where there is none."""
    for name, value in headers:
        scheme, _, token = value.decode("latin-1").partition(" ")
        if name == b"authorization" and scheme.lower() == "bearer" and token.count(".") == 2:
            with suppress(ValueError, RecursionError, msgspec.DecodeError):
                claims = decode_payload(token.strip())
                return read_actor_of_claims(claims) if isinstance(claims, dict) else None
    return None
