"""The request log: a line for each exchange, where whoever started the server sees it. Never keeps a server waiting.

The lines are those of the journal. They are made and written in a thread of their own. What comes faster than it can be
written is left out, and counted.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from mockfoundry.control.requests import names_finder
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.foundations.registry import DEFAULT_FOUNDATION
from mockfoundry.journal.entry import JournalEntry
from mockfoundry.journal.lines import ListedEntry, Names, describe_entry, find_entry, tell_entry

RequestLogForm = Literal["text", "json"]

MAX_WAITING_LINES = 1_000
"""How many exchanges wait to be written; further ones are left out."""

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


class RequestLog:
    """What is printed of a server's requests while it runs.

    Args:
        form: for people, or a JSON object a line.
        write: writes a line; called in the log's own thread, and may take long.
    """

    def __init__(self, form: RequestLogForm, write: Callable[[str], None]) -> None:
        self._make_line = make_text_line if form == "text" else make_json_line
        self._write = write
        self._waiting: deque[LoggedEntry] = deque()
        self._left_out = 0
        self._news = threading.Condition()
        threading.Thread(target=self._write_for_ever, name="mockfoundry request log", daemon=True).start()

    def note(self, foundation: FoundationState, number: int) -> None:
        """Has an exchange written; one that its journal does not hold any more is not."""
        listed = find_entry(foundation.journal, number)
        if listed is None:
            return
        names = names_finder(foundation, False)([listed])
        with self._news:
            if len(self._waiting) >= MAX_WAITING_LINES:
                self._left_out += 1
            else:
                self._waiting.append(LoggedEntry(foundation.name, listed, names))
            self._news.notify()

    def _write_for_ever(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting)
                logged = self._waiting.popleft()
                left_out = 0
                if not self._waiting:
                    left_out, self._left_out = self._left_out, 0
            try:
                self._write(self._make_line(logged))
                if left_out:
                    self._write(make_left_out_line(left_out, self._make_line is make_json_line))
            except (OSError, ValueError):
                # Nobody reads any more: the server goes on.
                return


def make_text_line(logged: LoggedEntry) -> str:
    """`ci-42 #4 +0.9s scaleProcess dora/web {"instances":5} → 202`; the default foundation is not named."""
    line = tell_entry(logged.listed, logged.names).line
    return line if logged.foundation == DEFAULT_FOUNDATION else f"{logged.foundation} {line}"


def make_json_line(logged: LoggedEntry) -> str:
    """An exchange as an object of JSON."""
    described = describe_entry(logged.listed, logged.names)
    shown = {key: described[key] for key in LOGGED_KEYS}
    waited = count_waited_seconds(logged.listed.entry)
    return msgspec.json.encode({"foundation": logged.foundation, **shown, "waited": waited}).decode()


def count_waited_seconds(entry: JournalEntry) -> float:
    """How long a request was held or delayed on purpose before its exchange, in seconds of the machine's clock."""
    return entry.response.waited / 1_000_000


def make_left_out_line(count: int, as_json: bool) -> str:
    if as_json:
        return msgspec.json.encode({"left_out": count}).decode()
    return f"… {count} more requests came faster than they could be printed; mockfoundry log has them"
