"""Entries: one exchange as the journal holds it, and as JSON, a line or a curl command. Never changes anything.

Everything that is made from an entry for people to read has its secrets redacted.
"""

import base64
import shlex
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import msgspec

from mockfoundry.bodies import format_header_value, read_query
from mockfoundry.documents.times import format_precise_moment

NO_BODY = msgspec.UNSET
"""The value of a body that is not there, or can't be read."""

WHOLE_BODY = -1
"""Bytes sent, where nothing was noted: the whole body of the answer."""

STILL_SENDING = -2
"""Bytes sent, where the answer waits or is being sent."""

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

    @property
    def headers_with_reason(self) -> list[tuple[bytes, bytes]]:
        """The headers, X-Mock-Why first, where it has one."""
        if not self.shows_reason:
            return self.headers
        return [(b"x-mock-why", format_header_value(self.reason)), *self.headers]

    @property
    def value(self) -> Any:
        """The body as a value, NO_BODY if there is none that can be read."""
        return decode_json_body(self.body, self.header(b"content-type"))

    @property
    def failed(self) -> bool:
        """Whether the client has reason to think that it did not work."""
        return bool(self.fault) or self.status >= 400

    @property
    def lost(self) -> bool:
        """Whether the client was not given the answer of what was done."""
        return self.committed and self.failed

    @property
    def outcome(self) -> str:
        """The status, or what went wrong on the wire."""
        return self.fault or str(self.status)

    def header(self, name: bytes) -> str:
        """The value of a header, empty if there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")


class JournalEntry(msgspec.Struct, array_like=True):
    """One exchange. Conditions of the scenario language can be asked of it as they are of a request.

    Attributes:
        number: from 1, in the order of the foundation's exchanges.
        real: when it was made, in microseconds of the machine's clock.
        now: the same moment on the foundation's clock.
        operation: the operationId, empty where the route is unknown.
        path: the path parameters, decoded.
        actor: who asked, empty where that is not known.
        near_miss: the rule of a scenario that nearly matched, in words.
        bytes_sent: how much of the answer's body went out; WHOLE_BODY where nothing was noted, or STILL_SENDING.
    """

    number: int
    real: int
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
    except (msgspec.DecodeError, RecursionError):
        return NO_BODY


SECRET_HEADERS = frozenset(
    {b"authorization", b"proxy-authorization", b"cookie", b"set-cookie", b"x-mock-control-token"}
)
SECRET_FIELDS = frozenset(
    {"password", "client_secret", "access_token", "refresh_token", "id_token", "token", "passcode", "assertion", "code"}
)

_HEADERS_SET_BY_CURL = (b"content-length", b"transfer-encoding", b"connection", b"host", b"accept-encoding")


def entry_to_dict(entry: JournalEntry) -> dict[str, Any]:
    """An exchange as JSON's values."""
    request, response = entry.request, entry.response
    return {
        "number": entry.number,
        "time": format_precise_moment(entry.now),
        "real_time": format_precise_moment(entry.real),
        "operation": entry.operation or None,
        "actor": entry.actor or None,
        "method": request.method,
        "path": request.target,
        "query": redact_query(request.query_string),
        "headers": redact_headers(request.headers.items()),
        "body": redact_body(request.content, entry.header(b"content-type")),
        "status": response.status,
        "answer_headers": redact_headers(response.headers_with_reason),
        "answer": redact_body(response.body, response.header(b"content-type")),
        "why": entry.reason,
        "scenario": response.scenario or None,
        "rule": response.rule or None,
        "phase": response.phase or None,
        "fault": response.fault or None,
        "delay": response.delay / 1_000_000,
        "kept": response.committed,
        "changed": response.state_changed,
        "violations": response.header(b"x-mock-contract") or None,
        "near_miss": entry.near_miss or None,
        "bytes_sent": count_bytes_sent(entry),
    }


def count_bytes_sent(entry: JournalEntry) -> int | None:
    """How many bytes of the answer's body went out; None where it waits or is being sent."""
    if entry.bytes_sent == STILL_SENDING:
        return None
    if entry.bytes_sent != WHOLE_BODY:
        return entry.bytes_sent
    return 0 if entry.request.method == "HEAD" else len(entry.response.body)


def describe_entry(entry: JournalEntry) -> dict[str, Any]:
    """An exchange as JSON's values, with its line."""
    return {**entry_to_dict(entry), "line": entry_line(entry)}


def entry_line(entry: JournalEntry) -> str:
    """An exchange in a line: `#4 12:00:01.250 POST /v3/… scaleProcess alice 409 scenario conflict, rule 1, match 1`."""
    response = entry.response
    parts = [f"#{entry.number}", format_clock_time(entry.now), entry.request.method]
    parts.append(redact_path(entry, entry.path_in_foundation))
    if entry.operation:
        parts.append(entry.operation)
    if entry.actor:
        parts.append(f"by {entry.actor}")
    parts.append(response.outcome)
    if response.delay:
        parts.append(f"after {response.delay / 1_000_000:g}s")
    return f"{' '.join(parts)}  {entry.reason}"


def curl_command(entry: JournalEntry, base: str) -> str:
    """A command that sends the same request again, with `$TOKEN` and `$SECRET` in place of secrets.

    Args:
        base: scheme and host of the server, `http://127.0.0.1:8080`.
    """
    request = entry.request
    words = ["curl", "-i"]
    if request.method != "GET":
        words += ["-X", request.method]
    for name, value in request.headers.items():
        if name in _HEADERS_SET_BY_CURL or (name == b"user-agent" and value.startswith(b"curl/")):
            continue
        if name == b"authorization":
            text = "bearer $TOKEN"
        else:
            text = "$SECRET" if name in SECRET_HEADERS else value.decode("latin-1")
        words += ["-H", f"{name.decode('latin-1')}: {text}"]
    content = redact_body_text(request.content, entry.header(b"content-type"))
    if content:
        words += ["--data-raw", content]
    words.append(base + redact_path(entry, request.target))
    return " ".join(f'"{word}"' if "$TOKEN" in word or "$SECRET" in word else shlex.quote(word) for word in words)


def redact_body_text(content: bytes, content_type: str) -> str:
    """A body as text, its secrets redacted."""
    redacted = redact_body(content, content_type)
    if redacted is None or isinstance(redacted, str):
        return redacted or ""
    if redacted == decode_json_body(content, content_type):
        return content.decode("utf-8", "replace")
    return msgspec.json.encode(redacted).decode()


def redact_path(entry: JournalEntry, path: str) -> str:
    """A path of an exchange with its query, secrets redacted."""
    if not entry.request.query_string:
        return path
    query = entry.request.query_string.decode("latin-1")
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    if not any(name.lower() in SECRET_FIELDS for name, _ in pairs):
        return f"{path}?{query}"
    return f"{path}?{urlencode([(name, redact_field(name, value)) for name, value in pairs])}"


def redact_query(query_string: bytes) -> dict[str, list[str]]:
    """A query as its parameters, secrets redacted."""
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="replace"):
        query.setdefault(name, []).append(str(redact_field(name, value)))
    return query


def redact_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as text, secrets redacted; a repeated one's values with commas between."""
    redacted: dict[str, str] = {}
    for name, value in headers:
        text = redact_secret(value.decode("latin-1")) if name in SECRET_HEADERS else value.decode("latin-1")
        key = name.decode("latin-1")
        redacted[key] = f"{redacted[key]}, {text}" if key in redacted else text
    return redacted


def redact_body(content: bytes, content_type: str) -> Any:
    """A body as a value, as text if it is not JSON, None if there is none; the secrets in it are redacted."""
    if not content:
        return None
    value = decode_json_body(content, content_type)
    if value is not NO_BODY:
        return redact_value(value)
    text = content.decode("utf-8", "replace")
    if "x-www-form-urlencoded" in content_type:
        return urlencode([(name, redact_field(name, each)) for name, each in parse_qsl(text, keep_blank_values=True)])
    if content_type.startswith("text/") or text.isprintable():
        return text
    return "base64:" + base64.b64encode(content).decode()


def redact_value(value: Any) -> Any:
    """A value of JSON with the secret fields in it redacted, however deep they lie."""
    if isinstance(value, dict):
        return {name: redact_field(name, redact_value(each)) for name, each in value.items()}
    return [redact_value(each) for each in value] if isinstance(value, list) else value


def redact_field(name: str, value: Any) -> Any:
    """The value of a field, redacted where its name says that it is a secret."""
    return redact_secret(value) if name.lower() in SECRET_FIELDS and isinstance(value, str) and value else value


def redact_secret(secret: str) -> str:
    """A secret as a digest, by which two can be distinguished and neither used; the scheme of a token stays."""
    scheme, space, token = secret.partition(" ")
    if not space:
        scheme, token = "", secret
    return f"{scheme}{space}[redacted {blake2b(token.encode(), digest_size=4).hexdigest()}]"


def format_clock_time(microseconds: int) -> str:
    return f"{datetime.fromtimestamp(microseconds // 1_000_000, UTC):%H:%M:%S}.{microseconds // 1000 % 1000:03d}"
