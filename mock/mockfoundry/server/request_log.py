"""The request log: a line for each exchange, where whoever started the server sees it. Never keeps a server waiting.

The lines are those of the journal; a request that no foundation takes has a shorter one. They are made and written in a
thread of their own. What comes faster than it can be written is left out, and counted.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from mockfoundry.control.requests import names_finder
from mockfoundry.documents.quoting import quote_line
from mockfoundry.documents.times import format_precise_moment
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.foundations.registry import DEFAULT_FOUNDATION
from mockfoundry.journal.entry import RecordedResponse
from mockfoundry.journal.lines import (
    LineParts,
    ListedEntry,
    Names,
    describe_entry,
    describe_result,
    find_entry,
    find_error_title,
    fit_line,
    tell_entry,
)
from mockfoundry.journal.redaction import Redactor

RequestLogForm = Literal["text", "json"]

MAX_WAITING_LINES = 1_000
"""How many exchanges wait to be written; further ones are left out."""

MOST_UNTOLD = 1_000
"""After how many exchanges that were left out their number is written, though more come."""

CLOSING_SECONDS = 1.0
"""How long a server that ends waits for lines that are not written yet."""

LOGGED_KEYS = (
    *("real_time", "number", "operation", "actor", "method", "path", "query", "status", "why", "scenario", "rule"),
    *("fault", "delay", "kept", "answered", "line"),
)
"""What a line of JSON has of an exchange, besides the name of its foundation and how long it waited."""


class LoggedEntry(NamedTuple):
    """An exchange to be written."""

    foundation: str
    listed: ListedEntry
    names: Names

    def render_text(self) -> str:
        """`ci-42 #4 +0.9s scaleProcess dora/web {"instances":5} → 202`; the default foundation is not named."""
        name = "" if self.foundation == DEFAULT_FOUNDATION else f"{self.foundation} "
        return tell_entry(self.listed, self.names).render_after(name)

    def render_json(self) -> str:
        """It as an object of JSON. `waited` is how long it was held or delayed on purpose, in the machine's seconds."""
        described = describe_entry(self.listed, self.names)
        shown = {key: described[key] for key in LOGGED_KEYS}
        waited = self.listed.entry.response.waited / 1_000_000
        return msgspec.json.encode({"foundation": self.foundation, **shown, "waited": waited}).decode()


class LoggedRefusal(NamedTuple):
    """A request to be written that no foundation has taken, or whose journal has forgotten it.

    Attributes:
        foundation: empty for none.
        real_time: microseconds.
    """

    foundation: str
    real_time: int
    method: str
    target: str
    response: RecordedResponse

    def render_text(self) -> str:
        """`GET /v3/processes → 404 Mock-FoundationGone: foundation x was deleted`."""
        name = "" if self.foundation in ("", DEFAULT_FOUNDATION) else f"{self.foundation} "
        came = f"{describe_result(self.response)} {find_error_title(self.response.value)}".strip()
        asked = quote_line(f"{self.method} {self.redact_target()}".strip()) or "what is no request"
        return fit_line(name, LineParts(asked, "", came, quote_line(self.response.reason)))

    def render_json(self) -> str:
        """It as an object of JSON, with those keys of an exchange that it has."""
        shown = {
            "foundation": self.foundation or None,
            "real_time": format_precise_moment(self.real_time),
            "method": self.method or None,
            "path": self.redact_target() or None,
            "status": self.response.status or None,
            "why": self.response.reason,
            "line": self.render_text(),
        }
        return msgspec.json.encode(shown).decode()

    def redact_target(self) -> str:
        """The path as it may be shown."""
        redactor = Redactor()
        return redactor.redact_own_text(redactor.redact_path(self.target))


class RequestLog:
    """What is printed of a server's requests while it runs.

    Args:
        form: for people, or a JSON object a line.
        write: writes a line; called in the log's own thread, and may take long.
    """

    def __init__(self, form: RequestLogForm, write: Callable[[str], None]) -> None:
        self._form = form
        self._write = write
        self._waiting: deque[LoggedEntry | LoggedRefusal] = deque()
        self._left_out = 0
        self._has_ended = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._write_until_closed, name="mockfoundry request log", daemon=True)
        self._thread.start()

    def note(
        self,
        method: str,
        target: str,
        response: RecordedResponse,
        foundation: FoundationState | None = None,
        number: int = 0,
    ) -> None:
        """Has a request written, from the journal where that holds it."""
        if self._has_ended:
            return
        if len(self._waiting) >= MAX_WAITING_LINES:
            # Nothing is looked up for a line that is left out.
            with self._news:
                self._left_out += 1
            return
        listed = None if foundation is None else find_entry(foundation.journal, number)
        logged: LoggedEntry | LoggedRefusal
        if foundation is None or listed is None:
            name = "" if foundation is None else foundation.name
            logged = LoggedRefusal(name, time.time_ns() // 1000, method, target, response)
        else:
            logged = LoggedEntry(foundation.name, listed, names_finder(foundation, False)([listed]))
        with self._news:
            self._waiting.append(logged)
            self._news.notify()

    def close(self) -> None:
        """Writes what waits, if that takes no longer than a moment."""
        with self._news:
            self._has_ended = True
            self._news.notify()
        self._thread.join(CLOSING_SECONDS)

    def _write_until_closed(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._has_ended)
                logged = self._waiting.popleft() if self._waiting else None
                left_out = 0
                if not self._waiting or self._left_out >= MOST_UNTOLD:
                    left_out, self._left_out = self._left_out, 0
            if logged is None:
                return
            lines = [render_line(logged, self._form)]
            if left_out:
                lines.append(make_left_out_line(left_out, self._form))
            try:
                for line in lines:
                    self._write(line)
            except (OSError, ValueError):
                # Nobody reads any more, or what is written to is closed: the server goes on.
                self._has_ended = True
                self._waiting.clear()
                return


def render_line(logged: LoggedEntry | LoggedRefusal, form: RequestLogForm) -> str:
    """The line of a request; where it can't be made, one that says so: the next is written all the same."""
    try:
        return logged.render_text() if form == "text" else logged.render_json()
    except Exception as error:
        text = f"mockfoundry could not tell of a request: {type(error).__name__}"
        return text if form == "text" else msgspec.json.encode({"line": text}).decode()


def make_left_out_line(count: int, form: RequestLogForm) -> str:
    if form == "json":
        return msgspec.json.encode({"left_out": count}).decode()
    return f"… {count} more requests came faster than they could be printed; mockfoundry log has them"
