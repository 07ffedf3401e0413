"""Following: a journal as it grows, a JSON line for each exchange. Never changes a journal.

A request that waits has a line when it comes, and another one when it has an outcome.

A stream is sent in the server's own loop, through ASGI.
"""

import asyncio
import re
from contextlib import suppress
from itertools import islice
from typing import Any

import msgspec
from starlette.types import Receive, Send

from mockfoundry.control.context import MAX_LOOP_JOURNAL_BYTES, ControlCall, ControlContext, ControlProblem
from mockfoundry.control.journals import query_from_filters
from mockfoundry.journal.entry import JournalEntry, describe_entry
from mockfoundry.journal.store import Journal
from mockfoundry.journal.verify import JournalQuery

MAX_ENTRIES_AT_ONCE = 100
"""How many exchanges are looked at before other clients have their turn."""

PAUSE_SECONDS = 1.0
"""How often a quiet stream looks whether its foundation was reset."""

STREAM_PATH = re.compile(r"/__mock/foundations/[^/]+/requests/?")


def is_stream_request(method: str, path: str, query_string: bytes) -> bool:
    """Whether a control call asks for a stream."""
    return (
        method == "GET"
        and b"follow=true" in query_string.lower().split(b"&")
        and STREAM_PATH.fullmatch(path) is not None
    )


class JournalStream:
    """One client that follows one journal.

    Raises:
        ControlProblem: the foundation is not there, a filter can't be used, or too many streams are open.
    """

    def __init__(self, context: ControlContext, call: ControlCall) -> None:
        self._name = call.path["name"]
        self._query = query_from_filters(context, call)
        self._registry = context.service.registry
        self._places = context.streams
        context.find_foundation(call)
        if not self._places.take():
            most = self._places.most
            raise ControlProblem(
                429, "too-many-streams", f"follow: {most} streams are open, the most there may be; end one"
            )

    async def send_entries(self, receive: Receive, send: Send) -> None:
        """Sends what is held and what comes, until the client goes; `{"missed": 3}` where it was too slow for three.

        To be awaited once for each stream, since it gives back the stream's place.
        """
        gone = asyncio.ensure_future(wait_for_disconnect(receive))
        try:
            headers = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send_until_gone(gone, send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self.close()
            gone.cancel()

    def close(self) -> None:
        """Gives back the stream's place. To be called once, where `send_entries` is not awaited."""
        self._places.give_back()

    async def _send_until_gone(self, gone: "asyncio.Future[None]", send: Send) -> None:
        query = self._query
        journal, number = self._find_journal(), query.after_number
        waiting_numbers: list[int] = []
        while journal is not None and not gone.done():
            news = asyncio.Event()
            journal.watchers.append(news.set)
            try:
                first = journal.recorded - len(journal)
                missed = first - number if number > query.after_number else 0
                lines = [msgspec.json.encode({"missed": missed}) + b"\n"] if missed > 0 else []
                entries = list(islice(journal.after(number), MAX_ENTRIES_AT_ONCE))
                number = entries[-1].number if len(entries) == MAX_ENTRIES_AT_ONCE else journal.recorded
                entries = [*find_completed(journal, waiting_numbers), *entries]
                waiting_numbers += [entry.number for entry in entries if entry.is_open]
                size = sum(len(each.request.content) + len(each.response.body) for each in entries)
                if size > MAX_LOOP_JOURNAL_BYTES:
                    lines += await asyncio.to_thread(make_lines, entries, query)
                else:
                    lines += make_lines(entries, query)
                if lines:
                    await send({"type": "http.response.body", "body": b"".join(lines), "more_body": True})
                if lines or number < journal.recorded:
                    # There may be more, and others may wait.
                    await asyncio.sleep(0)
                    continue
                waiting: asyncio.Future[bool] = asyncio.ensure_future(news.wait())
                either: set[asyncio.Future[Any]] = {waiting, gone}
                await asyncio.wait(either, timeout=PAUSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
            finally:
                with suppress(ValueError):
                    journal.watchers.remove(news.set)
            current = self._find_journal()
            if current is not journal:
                journal, number = current, 0
                waiting_numbers.clear()

    def _find_journal(self) -> Journal | None:
        found = self._registry.find(self._name)
        return None if found is None else found.journal


def find_completed(journal: Journal, waiting_numbers: list[int]) -> list[JournalEntry]:
    """The entries that have an outcome by now, of those that were open.

    Args:
        waiting_numbers: of those that were open; those that are not any more, and forgotten ones, are removed.
    """
    completed: list[JournalEntry] = []
    for number in tuple(waiting_numbers):
        entry = journal.entry(number)
        if entry is None or not entry.is_open:
            waiting_numbers.remove(number)
            completed += [] if entry is None else [entry]
    return completed


async def wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def make_lines(entries: list[JournalEntry], query: JournalQuery) -> list[bytes]:
    """A JSON line for each exchange that fits a query."""
    return [msgspec.json.encode(describe_entry(entry)) + b"\n" for entry in entries if query.holds(entry)]
