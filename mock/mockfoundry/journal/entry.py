"""Entries: one exchange as the journal holds it, and as JSON. Never changes anything.

Everything that is made from an entry for people to read has its secrets redacted.
"""

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from mockfoundry.bodies import format_header_value, read_query
from mockfoundry.documents.quoting import quote_line
from mockfoundry.documents.times import format_precise_moment

if TYPE_CHECKING:
    from mockfoundry.journal.known_secrets import KnownSecrets
    from mockfoundry.journal.redaction import Redactor

NO_BODY = msgspec.UNSET
"""The value of a body that is not there, or can't be read."""

WHOLE_BODY = -1
"""Bytes sent, where nothing was noted: the whole body of the answer."""

ANYBODY = "admin"
"""Who asks with a token that names no user: a word of every example, and no secret."""

OWN_HEADERS = frozenset((b"x-mock-why", b"x-mock-contract"))
"""Headers whose text is mockfoundry's own."""

STILL_SENDING = -2
"""Bytes sent, where the answer waits or is being sent."""

NO_STATUS = 0
"""The status of what no status was sent for: it waits, a fault came in its place, or its client left."""

DecidedBy = Literal["world", "contract", "scenario", "preference", "limit", "failure"]
"""What an answer comes from: the world's rules, the contract (an example, or no such route), a scenario, the `Prefer`
header, a limit of the server or of a rate, or a failure of mockfoundry itself."""


class RecordedRequest(msgspec.Struct, frozen=True, array_like=True):
    """What a journal keeps of a request.

    Attributes:
        method: upper case.
        target: the path as it came, percent-encoded.
        query_string: as it came.
        headers: by name in lower case.
        content: the body's bytes.
    """

    method: str
    target: str
    query_string: bytes
    headers: dict[bytes, bytes]
    content: bytes


class RecordedResponse(msgspec.Struct, array_like=True):
    """What a journal keeps of a response.

    Attributes:
        status: NO_STATUS where none was sent and nothing was done.
        headers: names in lower case, without those that every answer of the platform has, and without X-Mock-Why.
        reason: what decided it, in words: the X-Mock-Why that the head gets.
        shows_reason: whether it does get one; not where a scenario took it away, or gave its own.
        decided_by: what it comes from.
        committed: whether the world did what the request asks for, also where the answer was then lost.
        state_changed: whether the request changed the world; false if a scale asked for what was there already.
        refused_by_modified_world: whether it was refused by a world that a scenario had changed.
        scenario, rule: the rule that took the request, from 1; empty and 0 where none did.
        phase: of the scenario's answer, `before` or `after`; empty where no scenario answered.
        fault: what goes wrong on the wire, empty for nothing.
        delay: microseconds that it waits.
        virtual_delay: the same on the foundation's clock.
        waited: microseconds that the request waited before its exchange.
        virtual_waited: the same on the foundation's clock.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    reason: str
    shows_reason: bool = True
    decided_by: DecidedBy = "world"
    committed: bool = False
    state_changed: bool = False
    refused_by_modified_world: bool = False
    scenario: str = ""
    rule: int = 0
    phase: str = ""
    fault: str = ""
    delay: int = 0
    virtual_delay: int = 0
    waited: int = 0
    virtual_waited: int = 0

    @property
    def headers_with_reason(self) -> list[tuple[bytes, bytes]]:
        """The headers, X-Mock-Why first, where it has one."""
        if not self.shows_reason or not self.status:
            return self.headers
        return [(b"x-mock-why", format_header_value(self.reason)), *self.headers]

    @property
    def value(self) -> Any:
        """The body as a value, NO_BODY if there is none that can be read."""
        return decode_json_body(self.body, self.header(b"content-type"))

    def header(self, name: bytes) -> str:
        """The value of a header, empty if there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")


class JournalEntry(msgspec.Struct, array_like=True):
    """One exchange. Conditions of the scenario language can be asked of it as they are of a request.

    Attributes:
        number: from 1, in the order in which the requests came.
        real_time: when it came, in microseconds of the machine's clock.
        now: the same moment on the foundation's clock.
        operation: the operationId, empty where the route is unknown.
        path: the path parameters, decoded.
        actor: who asked, empty where that is not known.
        near_miss: the rule of a scenario that nearly matched, in words.
        bytes_sent: how much of the answer's body went out; WHOLE_BODY where nothing was noted, or STILL_SENDING.
    """

    number: int
    real_time: int
    now: int
    operation: str
    path: dict[str, str]
    actor: str
    near_miss: str
    request: RecordedRequest
    response: RecordedResponse
    bytes_sent: int = WHOLE_BODY

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The request's headers, names in lower case."""
        return self.request.headers

    @property
    def query(self) -> dict[str, list[str]]:
        """The query parameters, each with all its values in order."""
        return read_query(self.request.query_string)

    @property
    def body(self) -> Any:
        """The request's body as a value, NO_BODY if there is none that can be read."""
        return decode_json_body(self.request.content, self.header(b"content-type"))

    @property
    def is_answered(self) -> bool:
        """Whether its client has what there is for it; false while it waits for its exchange or its answer."""
        return self.bytes_sent != STILL_SENDING

    @property
    def is_open(self) -> bool:
        """Whether it waits before its exchange."""
        return not self.is_answered and not self.response.status and not self.response.fault

    @property
    def was_left(self) -> bool:
        """Whether its client left before anything of an answer came."""
        response = self.response
        if response.fault or self.bytes_sent != 0:
            return False
        return not response.status or (bool(response.body) and self.request.method != "HEAD")

    @property
    def failed(self) -> bool:
        """Whether its client has reason to think that it did not work."""
        return bool(self.response.fault) or self.response.status >= 400 or self.was_left

    @property
    def lost(self) -> bool:
        """Whether the client was not given the answer of what was done."""
        return self.response.committed and self.failed

    @property
    def outcome(self) -> str:
        """The status, or what came in its place: a fault, `open` where it waits, `left` where its client did that."""
        if self.response.fault:
            return self.response.fault
        if self.is_open:
            return "open"
        words = [str(self.response.status)] if self.response.status else []
        return " ".join([*words, "left"] if self.was_left or not words else words)

    @property
    def time_to_answer(self) -> int:
        """Microseconds between the request and its answer, as far as they are on purpose."""
        return self.response.waited or self.response.delay

    @property
    def virtual_time_to_answer(self) -> int:
        """The same on the foundation's clock."""
        return self.response.virtual_waited if self.response.waited else self.response.virtual_delay

    @property
    def reason(self) -> str:
        """What decided it, in a line."""
        return format_header_value(self.response.reason).decode()

    @property
    def path_in_foundation(self) -> str:
        """The path in its foundation, without the prefix that may have named that."""
        target = self.request.target
        _, _, rest = target.removeprefix("/foundations/").partition("/")
        return f"/{rest}" if target.startswith("/foundations/") else target

    def header(self, name: bytes) -> str:
        """The value of a request's header, empty if there is none."""
        return self.request.headers.get(name, b"").decode("latin-1")


def decode_json_body(content: bytes, content_type: str) -> Any:
    """A body as a value, where it says that it is JSON and is."""
    if not content or "json" not in content_type.lower():
        return NO_BODY
    try:
        return msgspec.json.decode(content)
    except (ValueError, RecursionError):
        return NO_BODY


class RedactedEntry(NamedTuple):
    """What an exchange shows of itself, without the secrets in it.

    Attributes:
        target: the path as it came.
        address: the path in its foundation, with the query.
        query: the parameters.
        body, answer: as values where they are JSON, else as text, `base64:…` where they are none; None for none.
        reason: what decided the answer, in a line.
        violations: of the contract, that were tolerated; empty for none.
        near_miss: the rule that nearly matched, empty for none.
        redactor: knows the secrets of the exchange.
    """

    target: str
    address: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    answer_headers: dict[str, str]
    answer: Any
    reason: str
    violations: str
    near_miss: str
    redactor: "Redactor"


def redact_entry(entry: JournalEntry, known: "KnownSecrets | None" = None) -> RedactedEntry:
    """What an exchange shows of itself. All that is made for people to read of an exchange is made of this.

    Args:
        known: secrets of other exchanges, which are looked for in this one, too; it gets those of this one.
    """
    # A server that starts, or records, needs none of this.
    from mockfoundry.journal.redaction import Redactor
    from mockfoundry.journal.repeats import list_route_words
    from mockfoundry.journal.secret_names import is_secret_name

    request, response = entry.request, entry.response
    redactor = Redactor(public=(entry.actor, ANYBODY), known=known)
    headers = redactor.redact_headers(request.headers.items())
    query = redactor.redact_query(request.query_string)
    pairs = redactor.redact_pairs(request.query_string.decode("latin-1"))
    for name, value in entry.path.items():
        if is_secret_name(name):
            redactor.hide(value)
    path, target = redactor.redact_path(entry.path_in_foundation), redactor.redact_path(request.target)
    sent, given = entry.body, response.value
    body = redactor.redact_body(request.content, entry.header(b"content-type"), sent)
    own_headers = [each for each in response.headers_with_reason if each[0] in OWN_HEADERS]
    answer_headers = redactor.redact_headers(each for each in response.headers_with_reason if each not in own_headers)
    answer = redactor.redact_body(response.body, response.header(b"content-type"), given)
    if known is not None:
        known.add(redactor.list_secrets())
    # From here on all secrets are known, so that what repeats them is found.
    # What the contract does not allow is said with the value that was sent, which may be a secret.
    redact_reason = redactor.redact_own_text if response.decided_by == "contract" else redactor.redact_sentence
    own = {
        name.decode(): (redact_reason if name == b"x-mock-why" else redactor.redact_own_text)(value.decode("latin-1"))
        for name, value in own_headers
    }
    words = list_route_words(request.target, entry.operation, entry.path.values())
    address = redactor.redact_own_text(path, words) + (redactor.finish_text(f"?{pairs}") if pairs else "")
    return RedactedEntry(
        target=redactor.redact_own_text(target, words),
        address=quote_line(address),
        query=redactor.finish(query),
        headers=redactor.finish(headers),
        body=redactor.finish_body(body, request.content, body is sent),
        answer_headers={**own, **redactor.finish(answer_headers)},
        answer=redactor.finish_body(answer, response.body, answer is given),
        reason=redact_reason(entry.reason),
        violations=own.get("x-mock-contract", ""),
        near_miss=redactor.redact_own_text(entry.near_miss),
        redactor=redactor,
    )


def entry_to_dict(entry: JournalEntry, redacted: RedactedEntry | None = None) -> dict[str, Any]:
    """An exchange as JSON's values.

    Args:
        redacted: what it shows of itself, if that is there already.
    """
    response, shown = entry.response, redacted or redact_entry(entry)
    return {
        "number": entry.number,
        "time": format_precise_moment(entry.now),
        "real_time": format_precise_moment(entry.real_time),
        "operation": entry.operation or None,
        "actor": entry.actor or None,
        "method": entry.request.method,
        "path": shown.target,
        "query": shown.query,
        "headers": shown.headers,
        "body": shown.body,
        "status": response.status or None,
        "answer_headers": shown.answer_headers,
        "answer": shown.answer,
        "why": shown.reason,
        "scenario": response.scenario or None,
        "rule": response.rule or None,
        "phase": response.phase or None,
        "fault": response.fault or None,
        "delay": response.delay / 1_000_000,
        "kept": response.committed,
        "changed": response.state_changed,
        "violations": shown.violations or None,
        "near_miss": shown.near_miss or None,
        "answered": entry.is_answered,
        "bytes_sent": count_bytes_sent(entry),
    }


def count_bytes_sent(entry: JournalEntry) -> int | None:
    """How many bytes of the answer's body went out; None where it waits or is being sent."""
    if entry.bytes_sent == STILL_SENDING:
        return None
    if entry.bytes_sent != WHOLE_BODY:
        return entry.bytes_sent
    return 0 if entry.request.method == "HEAD" else len(entry.response.body)
