"""Following: a journal as it grows, a JSON line for each exchange, in the server's own loop. Never changes anything."""

import asyncio
import re
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.types import Receive, Scope, Send

from mockfoundry.control.context import ControlProblem, unknown_foundation_problem
from mockfoundry.control.journals import query_from_filters
from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.journal.entry import JournalEntry, entry_line, entry_to_dict
from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import JournalQuery

MAX_STREAMS = 64
PAUSE_SECONDS = 1.0
"""How often a quiet stream looks whether its foundation was reset."""

STREAM_PATH = re.compile(r"/__mock/foundations/([A-Za-z0-9_.-]{1,64})/requests")
_PARAMETERS = frozenset({"follow", "operation", "status", "scenario", "since", "after", "limit", "curl"})


class JournalStreams:
    """The streams of a server."""

    def __init__(self, registry: FoundationRegistry) -> None:
        self._registry = registry
        self._streams = 0

    def is_stream_request(self, scope: Scope) -> bool:
        """Whether a call asks for a stream."""
        return (
            scope["method"] == "GET"
            and b"follow=true" in scope.get("query_string", b"").split(b"&")
            and STREAM_PATH.fullmatch(scope["path"]) is not None
        )

    async def follow(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends what is held and what comes, until the client goes; `{"missed": 3}` where it was too slow for three.

        Raises:
            ControlError: the foundation is not there, a filter can't be used, or too many streams are open.
        """
        found = STREAM_PATH.fullmatch(scope["path"])
        name = found.group(1) if found else ""
        query, journal = parse_stream_query(scope["query_string"]), self._journal(name)
        if journal is None:
            raise unknown_foundation_problem(name)
        if self._streams >= MAX_STREAMS:
            raise ControlProblem(
                429, "too-many-streams", f"follow: {MAX_STREAMS} streams are open, the most there may be; end one"
            )
        self._streams += 1
        gone = asyncio.ensure_future(wait_for_disconnect(receive))
        try:
            headers = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send_entries(name, query, gone, send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._streams -= 1
            gone.cancel()

    async def _send_entries(self, name: str, query: JournalQuery, gone: "asyncio.Future[None]", send: Send) -> None:
        journal, number = self._journal(name), query.after_number
        while journal is not None and not gone.done():
            news = asyncio.Event()
            journal.watchers.append(news.set)
            try:
                first = journal.recorded - len(journal)
                missed = first - number if number > query.after_number else 0
                lines = [entry_json_line(entry) for entry in journal.after(number) if query.holds(entry)]
                if missed > 0:
                    lines.insert(0, msgspec.json.encode({"missed": missed}) + b"\n")
                number = journal.recorded
                if lines:
                    await send({"type": "http.response.body", "body": b"".join(lines), "more_body": True})
                    continue
                waiting: asyncio.Future[bool] = asyncio.ensure_future(news.wait())
                either: set[asyncio.Future[Any]] = {waiting, gone}
                await asyncio.wait(either, timeout=PAUSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
            finally:
                with suppress(ValueError):
                    journal.watchers.remove(news.set)
            current = self._journal(name)
            if current is not journal:
                journal, number = current, 0

    def _journal(self, name: str) -> Journal | None:
        found = self._registry.find(name)
        return None if found is None else found.journal


async def wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def parse_stream_query(query_string: bytes) -> JournalQuery:
    """The filters of a stream."""
    query = parse_qs(query_string.decode("latin-1"), keep_blank_values=True)
    for name in query:
        if name not in _PARAMETERS:
            allowed = ", ".join(sorted(_PARAMETERS))
            raise ControlProblem(
                400, "not-as-described", f"query {name}: is not known; allowed are {allowed}; leave it out"
            )
    statuses = [part for value in query.get("status", ()) for part in value.split(",")]
    for status in (*statuses, *query.get("after", ())):
        if not (status.isascii() and status.isdigit() and len(status) < 16):
            raise ControlProblem(
                400, "not-as-described", f"query: {status!r} is not a number; send digits, as in status=409"
            )
    return query_from_filters(
        operation=[part for value in query.get("operation", ()) for part in value.split(",")],
        status=[int(status) for status in statuses],
        scenario=query["scenario"][-1] if "scenario" in query else None,
        since=query["since"][-1] if "since" in query else None,
        after=int(query["after"][-1]) if "after" in query else 0,
    )


def entry_json_line(entry: JournalEntry) -> bytes:
    """An exchange as a JSON line."""
    return msgspec.json.encode({**entry_to_dict(entry), "line": entry_line(entry)}) + b"\n"
