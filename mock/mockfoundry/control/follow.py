"""Following: a journal as it grows, a line for each exchange, of JSON or for people. Never changes a journal.

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

from mockfoundry.control.context import MAX_LOOP_JOURNAL_BYTES, TEXT, ControlCall, ControlContext, ControlProblem
from mockfoundry.control.requests import names_finder, query_from_filters
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.journal.lines import (
    ListedEntry,
    Names,
    describe_entry,
    find_entry,
    list_entries,
    tell_entry,
)
from mockfoundry.journal.store import Journal

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
        self._as_text = call.query["format"] == "text"
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
            media_type = TEXT.encode() if self._as_text else b"application/x-ndjson"
            headers = [(b"content-type", media_type), (b"cache-control", b"no-store")]
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
        foundation, number = self._find_foundation(), query.after_number
        waiting_numbers: list[int] = []
        while foundation is not None and not gone.done():
            journal = foundation.journal
            news = asyncio.Event()
            journal.watchers.append(news.set)
            try:
                first = journal.recorded - len(journal)
                missed = first - number if number > query.after_number else 0
                lines = [make_missed_line(missed, self._as_text)] if missed > 0 else []
                listed = list(islice(list_entries(journal, number), MAX_ENTRIES_AT_ONCE))
                number = listed[-1].entry.number if len(listed) == MAX_ENTRIES_AT_ONCE else journal.recorded
                listed = [*find_completed(journal, waiting_numbers), *listed]
                waiting_numbers += [entry.number for entry, _ in listed if entry.is_open]
                listed = [each for each in listed if query.holds(each.entry)]
                names = names_finder(foundation, False)(listed)
                size = sum(len(entry.request.content) + len(entry.response.body) for entry, _ in listed)
                make_lines = make_text_lines if self._as_text else make_json_lines
                if size > MAX_LOOP_JOURNAL_BYTES:
                    lines += await asyncio.to_thread(make_lines, listed, names)
                else:
                    lines += make_lines(listed, names)
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
            current = self._find_foundation()
            if current is None or current.journal is not journal:
                number = 0
                waiting_numbers.clear()
            foundation = current

    def _find_foundation(self) -> FoundationState | None:
        return self._registry.find(self._name)


def find_completed(journal: Journal, waiting_numbers: list[int]) -> list[ListedEntry]:
    """The entries that have an outcome by now, of those that were open.

    Args:
        waiting_numbers: of those that were open; those that are not any more, and forgotten ones, are removed.
    """
    completed: list[ListedEntry] = []
    for number in tuple(waiting_numbers):
        found = find_entry(journal, number)
        if found is None or not found.entry.is_open:
            waiting_numbers.remove(number)
            completed += [] if found is None else [found]
    return completed


async def wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def make_missed_line(missed: int, as_text: bool) -> bytes:
    """What is sent in place of exchanges that were dropped before they could be."""
    if as_text:
        return f"… {missed} exchanges were dropped before they could be shown\n".encode()
    return msgspec.json.encode({"missed": missed}) + b"\n"


def make_json_lines(listed: list[ListedEntry], names: Names) -> list[bytes]:
    """A line of JSON for each exchange."""
    return [msgspec.json.encode(describe_entry(each, names)) + b"\n" for each in listed]


def make_text_lines(listed: list[ListedEntry], names: Names) -> list[bytes]:
    """A line for people for each exchange."""
    return [f"{tell_entry(each, names).line}\n".encode() for each in listed]
