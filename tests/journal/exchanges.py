"""Exchanges for tests of the journal: an entry made of a request and a response, without a server."""

from dataclasses import dataclass, field

from mockfoundry.journal.entry import JournalEntry, RecordedRequest, RecordedResponse
from mockfoundry.journal.store import Journal


@dataclass
class RecordedAs:
    """An exchange as a journal records it."""

    request: RecordedRequest
    operation: str = "scaleProcess"
    path: dict[str, str] = field(default_factory=lambda: {"guid": "one"})
    actor: str = "alice"
    near_miss: str = ""
    real_time: int = 0
    now: int = 0


def record_entry(
    method: str = "POST",
    target: str = "/v3/processes/one/actions/scale",
    query_string: bytes = b"",
    headers: dict[bytes, bytes] | None = None,
    content: bytes = b"",
    near_miss: str = "",
    path: dict[str, str] | None = None,
    answer_headers: list[tuple[bytes, bytes]] | None = None,
    answer: bytes = b"",
    reason: str = "world: process scaled",
) -> JournalEntry:
    """The entry of an exchange, read from a journal that recorded it."""
    request = RecordedRequest(method, target, query_string, headers or {}, content)
    exchange = RecordedAs(request, path=path or {"guid": "one"}, near_miss=near_miss)
    journal = Journal()
    journal.record(exchange, RecordedResponse(202, answer_headers or [], answer, reason))
    (entry,) = journal
    return entry
