"""Following: a journal as it grows, a line or an event for each exchange. Never changes a journal.

A request that waits has a line when it comes, and another one when it has an outcome.

A stream is sent in the server's own loop, through ASGI.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from starlette.types import Receive, Send

from mockfoundry.control.context import MAX_LOOP_JOURNAL_BYTES, TEXT, ControlCall, ControlContext, ControlProblem
from mockfoundry.control.requests import names_finder, query_from_filters
from mockfoundry.control.shared_lines import LinesMaker, MadeLine
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

MAX_ENTRIES_AT_ONCE = 10
"""How many exchanges are shown before other clients have their turn: two milliseconds of work."""

SLOW_READER_SECONDS = 15.0
"""How long a reader of events may take nothing of what it was sent. A browser comes again by itself."""

HEARTBEAT_SECONDS = 15.0
"""After how long a stream of events says that it is still there."""

MAX_NUMBER_DIGITS = 16
"""How much of the number of a last event is read."""

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
        self._form = STREAM_FORMS[call.query["format"]]
        last_event = call.headers.get(b"last-event-id", b"")
        self._comes_again = self._form is EVENTS and last_event.isdigit()
        if self._comes_again:
            self._query = replace(self._query, after_number=int(last_event[:MAX_NUMBER_DIGITS]))
        self._registry = context.service.registry
        self._places = context.streams
        self._lines = context.shared_lines
        foundation, _ = context.find_foundation(call)
        # It was reset while the reader was away, or the server was started anew.
        self._begins_anew = self._comes_again and self._query.after_number > foundation.journal.recorded
        if self._begins_anew:
            self._query, self._comes_again = replace(self._query, after_number=0), False
        if not self._places.take():
            most = self._places.most
            raise ControlProblem(
                429, "too-many-streams", f"follow: {most} streams are open, the most there may be; end one"
            )

    async def send_entries(self, receive: Receive, send: Send) -> None:
        """Sends what is held and what comes, until the client goes; `{"missed": 3}` where it was too slow for three.

        To be awaited once for each stream, since it gives back the stream's place.

        Raises:
            TimeoutError: a reader of events reads too slowly; what it has not read is to be thrown away.
        """
        gone = asyncio.ensure_future(wait_for_disconnect(receive))
        try:
            headers = [(b"content-type", self._form.media_type), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if self._begins_anew:
                await self._send(send, self._form.begins_anew)
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
        quiet = 0.0
        knows_number = self._comes_again
        while foundation is not None and not gone.done():
            journal = foundation.journal
            news = asyncio.Event()
            journal.watchers.append(news.set)
            try:
                async with self._lines.turn_of(foundation.generation):
                    first = journal.recorded - len(journal)
                    missed = first - number if knows_number or number > query.after_number else 0
                    knows_number = False
                    lines = [self._form.tell_missed(missed)] if missed > 0 else []
                    listed = list_next_entries(journal, number)
                    number = listed[-1].entry.number if listed else journal.recorded
                    listed = [*find_completed(journal, waiting_numbers), *listed]
                    waiting_numbers += [entry.number for entry, _ in listed if entry.is_open]
                    # Those of all, so that who asks for others shares the lines.
                    names = names_finder(foundation, False)(listed)
                    listed = [each for each in listed if query.holds(each.entry)]
                    lines += await self._make_lines(foundation.generation, listed, names)
                if not lines and self._form.heartbeat and quiet >= HEARTBEAT_SECONDS:
                    lines, quiet = [self._form.heartbeat], 0.0
                if lines:
                    await self._send(send, b"".join(lines))
                if lines or number < journal.recorded:
                    continue
                waiting: asyncio.Future[bool] = asyncio.ensure_future(news.wait())
                either: set[asyncio.Future[Any]] = {waiting, gone}
                await asyncio.wait(either, timeout=PAUSE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                quiet += PAUSE_SECONDS
                waiting.cancel()
            finally:
                with suppress(ValueError):
                    journal.watchers.remove(news.set)
            current = self._find_foundation()
            if current is None or current.journal is not journal:
                # Its exchanges are numbered from 1 again.
                number, query = 0, replace(query, after_number=0)
                waiting_numbers.clear()
                if self._form.begins_anew:
                    await self._send(send, self._form.begins_anew)
            foundation = current

    async def _make_lines(self, generation: int, listed: list[ListedEntry], names: Names) -> list[bytes]:
        """The lines of exchanges, as far as they are not there already; those of many bytes in a worker thread."""
        make, shared = self._form.make_lines, self._lines
        found = [shared.find(make, generation, each, names) for each in listed]
        missing = [each for each, line in zip(listed, found, strict=True) if line is None]
        size = sum(len(entry.request.content) + len(entry.response.body) for entry, _ in missing)
        if size > MAX_LOOP_JOURNAL_BYTES:
            made = await asyncio.to_thread(make, missing, names)
        else:
            async with shared.turn:
                made = make(missing, names)
                # Others may wait, so the next turn is not in this step.
                await asyncio.sleep(0)
        for each, line in zip(missing, made, strict=True):
            shared.keep(make, generation, MadeLine(each, names, line))
        rest = iter(made)
        return [next(rest) if line is None else line for line in found]

    async def _send(self, send: Send, content: bytes) -> None:
        """Raises TimeoutError where a reader of events does not take it in time: that one comes again."""
        seconds = SLOW_READER_SECONDS if self._form is EVENTS else None
        await asyncio.wait_for(send({"type": "http.response.body", "body": content, "more_body": True}), seconds)

    def _find_foundation(self) -> FoundationState | None:
        return self._registry.find(self._name)


def list_next_entries(journal: Journal, after: int) -> list[ListedEntry]:
    """The next exchanges that are held behind a number, oldest first: up to the next one that all followers stop at,
    wherever they have begun, so that they share what is made of them."""
    after = max(after, journal.recorded - len(journal))
    return list(islice(list_entries(journal, after), MAX_ENTRIES_AT_ONCE - after % MAX_ENTRIES_AT_ONCE))


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


def tell_missed_as_text(missed: int) -> bytes:
    return f"… {missed} exchanges were dropped before they could be shown\n".encode()


def tell_missed_as_json(missed: int) -> bytes:
    return msgspec.json.encode({"missed": missed}) + b"\n"


def tell_missed_as_event(missed: int) -> bytes:
    return b"event: missed\ndata: %d\n\n" % missed


def make_json_lines(listed: list[ListedEntry], names: Names) -> list[bytes]:
    """A line of JSON for each exchange."""
    return [msgspec.json.encode(describe_entry(each, names)) + b"\n" for each in listed]


def make_text_lines(listed: list[ListedEntry], names: Names) -> list[bytes]:
    """A line for people for each exchange."""
    return [f"{tell_entry(each, names).line}\n".encode() for each in listed]


def make_events(listed: list[ListedEntry], names: Names) -> list[bytes]:
    """An event for each exchange; its id is the exchange's number, so that a browser goes on behind it."""
    return [
        b"id: %d\ndata: %b\n\n" % (each.entry.number, msgspec.json.encode(describe_entry(each, names)))
        for each in listed
    ]


class StreamForm(NamedTuple):
    """How a stream tells of exchanges.

    Attributes:
        tell_missed: what is sent in place of so many that were dropped before they could be.
        heartbeat: what is sent where nothing else is for a while, so that nobody between takes the stream for dead.
        begins_anew: what is sent where the foundation was reset, or is gone.
    """

    media_type: bytes
    make_lines: LinesMaker
    tell_missed: Callable[[int], bytes]
    heartbeat: bytes = b""
    begins_anew: bytes = b""


EVENTS = StreamForm(
    b"text/event-stream", make_events, tell_missed_as_event, b": still here\n\n", b"event: reset\nid: 0\ndata: \n\n"
)

STREAM_FORMS = {
    "json": StreamForm(b"application/x-ndjson", make_json_lines, tell_missed_as_json),
    "text": StreamForm(TEXT.encode(), make_text_lines, tell_missed_as_text),
    "events": EVENTS,
}
"""By the word of the query's format; the last are server-sent events [HTML, 9.2]."""
