"""Entries: one exchange as it is read from the journal: its parts decoded when they are looked at. Changes nothing.

Telling: an exchange as JSON, as a line, and as a curl command, with everything secret taken out. Changes nothing.
"""

import base64
import shlex
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from mockfoundry.bodies import read_query

NO_BODY = msgspec.UNSET
"""What stands for a body that is not there, or can't be read."""


WHOLE_BODY = -1
STILL_SENDING = -2
"""What stands for the whole body of an answer, and for one whose end is not there yet."""


class JournalEntry(msgspec.Struct, array_like=True):
    """One exchange.

    Attributes:
        number: from 1, in the order of the foundation's exchanges.
        real: when it arrived, in microseconds of the machine's clock.
        now: the same moment on the foundation's clock.
        kept: whether the world did what it asks for, also where the answer was then lost.
        changed: whether the world was another then: not, where it was scaled to what it had.
        request_headers: the request's, names in lower case.
        content: the request's body.
        delay: microseconds that the answer waited.
        phase: of the scenario's answer, empty where no scenario answered.
        near_miss: the rule that nearly matched, in words.
        virtual_delay: the same on the foundation's clock.
        refused_by_modified_world: whether it was refused by a world that a scenario had changed.
        bytes_sent: of the answer's body what really went out; ALL where nobody said otherwise, OPEN while it may.
    """

    number: int
    real: int
    now: int
    operation: str
    actor: str
    process: str
    committed: bool
    state_changed: bool
    method: str
    target: str
    query_string: bytes
    path: dict[str, str]
    request_headers: dict[bytes, bytes]
    content: bytes
    scheme: str
    status: int
    answer_headers: list[tuple[bytes, bytes]]
    answer: bytes
    reason: str
    delay: int
    hold: str
    fault: str
    scenario: str
    rule: int
    phase: str
    near_miss: str
    virtual_delay: int
    refused_by_modified_world: bool
    bytes_sent: int = WHOLE_BODY

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The request's headers, as conditions ask for them."""
        return self.request_headers

    @property
    def token(self) -> str:
        scheme, _, token = self.header(b"authorization").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def query(self) -> dict[str, list[str]]:
        """The query parameters, each with all its values in order."""
        return read_query(self.query_string)

    @property
    def body(self) -> Any:
        """The request's body as a value, NOTHING where there is none that can be read."""
        return decode_json_body(self.content, self.header(b"content-type"))

    @property
    def response_value(self) -> Any:
        """The answer's body as a value, NOTHING where there is none that can be read."""
        return decode_json_body(self.answer, self.answer_header(b"content-type"))

    @property
    def why(self) -> str:
        """What decided it, in a line."""
        return self.answer_header(b"x-mock-why") or self.reason

    @property
    def tolerated_violations(self) -> str:
        """What the contract does not allow and was let pass all the same."""
        return self.answer_header(b"x-mock-contract")

    @property
    def lost(self) -> bool:
        """Whether the client was not given the answer of what was done."""
        return self.committed and (bool(self.fault) or self.status >= 400)

    @property
    def failed(self) -> bool:
        """Whether the client has reason to think that it did not work."""
        return bool(self.fault) or self.status >= 400

    @property
    def outcome(self) -> str:
        """The status, or what went wrong on the wire."""
        return self.fault or str(self.status)

    @property
    def path_in_foundation(self) -> str:
        """The path in its foundation, without the prefix that may have named that."""
        _, _, rest = self.target.removeprefix("/foundations/").partition("/")
        return f"/{rest}" if self.target.startswith("/foundations/") else self.target

    def header(self, name: bytes) -> str:
        return self.request_headers.get(name, b"").decode("latin-1")

    def answer_header(self, name: bytes) -> str:
        return next((value.decode("latin-1") for key, value in self.answer_headers if key == name), "")


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
    return {
        "number": entry.number,
        "time": format_precise_moment(entry.now),
        "real_time": format_precise_moment(entry.real),
        "operation": entry.operation or None,
        "actor": entry.actor or None,
        "method": entry.method,
        "path": entry.target,
        "query": safe_query(entry.query_string),
        "headers": safe_headers(list(entry.request_headers.items())),
        "body": safe_body(entry.content, entry.header(b"content-type")),
        "status": entry.status,
        "answer_headers": safe_headers(entry.answer_headers),
        "answer": safe_body(entry.answer, entry.answer_header(b"content-type")),
        "why": entry.why,
        "scenario": entry.scenario or None,
        "rule": entry.rule or None,
        "phase": entry.phase or None,
        "fault": entry.fault or None,
        "delay": entry.delay / 1_000_000,
        "kept": entry.committed,
        "changed": entry.state_changed,
        "violations": entry.tolerated_violations or None,
        "near_miss": entry.near_miss or None,
        "bytes_sent": count_bytes_sent(entry),
    }


def count_bytes_sent(entry: JournalEntry) -> int | None:
    """How many bytes of the answer's body went out; None where it waits, or is being broken, and is not at its end."""
    if entry.bytes_sent == STILL_SENDING:
        return None
    if entry.bytes_sent != WHOLE_BODY:
        return entry.bytes_sent
    return 0 if entry.method == "HEAD" else len(entry.answer)


def entry_line(entry: JournalEntry) -> str:
    """An exchange in a line: `#4 12:00:01.250 POST /v3/… scaleProcess alice 409 scenario conflict, rule 1, match 1`."""
    parts = [f"#{entry.number}", format_clock_time(entry.now), entry.method, safe_path(entry, entry.path_in_foundation)]
    if entry.operation:
        parts.append(entry.operation)
    if entry.actor:
        parts.append(f"by {entry.actor}")
    parts.append(entry.fault or str(entry.status))
    if entry.delay:
        parts.append(f"after {entry.delay / 1_000_000:g}s")
    return f"{' '.join(parts)}  {entry.why}"


def curl_command(entry: JournalEntry, base: str) -> str:
    """A command that sends the same request again; secrets stand as `$TOKEN` and the like.

    Args:
        base: scheme and host of the server, `http://127.0.0.1:8080`.
    """
    words = ["curl", "-i"]
    if entry.method != "GET":
        words += ["-X", entry.method]
    for name, value in entry.request_headers.items():
        if name in _HEADERS_SET_BY_CURL or (name == b"user-agent" and value.startswith(b"curl/")):
            continue
        text = f"{name.decode('latin-1')}: {value.decode('latin-1')}"
        words += ["-H", f"{name.decode('latin-1')}: $SECRET" if name in SECRET_HEADERS else text]
    if b"authorization" in entry.request_headers:
        position = words.index("authorization: $SECRET")
        words[position] = "authorization: bearer $TOKEN"
    content = safe_body_text(entry.content, entry.header(b"content-type"))
    if content:
        words += ["--data-raw", content]
    words.append(base + safe_path(entry, entry.target))
    return " ".join(f'"{word}"' if "$TOKEN" in word or "$SECRET" in word else shlex.quote(word) for word in words)


def safe_body_text(content: bytes, content_type: str) -> str:
    """A body as text, its secrets taken out."""
    safe = safe_body(content, content_type)
    if safe is None or isinstance(safe, str):
        return safe or ""
    if safe == decode_json_body(content, content_type):
        return content.decode("utf-8", "replace")
    return msgspec.json.encode(safe).decode()


def safe_path(entry: JournalEntry, path: str) -> str:
    """A path of an exchange with its query, secrets taken out."""
    if not entry.query_string:
        return path
    query = entry.query_string.decode("latin-1")
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    if not any(name.lower() in SECRET_FIELDS for name, _ in pairs):
        return f"{path}?{query}"
    return f"{path}?{urlencode([(name, safe_field(name, value)) for name, value in pairs])}"


def safe_query(query_string: bytes) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, errors="replace"):
        query.setdefault(name, []).append(str(safe_field(name, value)))
    return query


def safe_headers(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as text; a repeated one's values with commas between."""
    safe: dict[str, str] = {}
    for name, value in headers:
        text = redact_secret(value.decode("latin-1")) if name in SECRET_HEADERS else value.decode("latin-1")
        key = name.decode("latin-1")
        safe[key] = f"{safe[key]}, {text}" if key in safe else text
    return safe


def safe_body(content: bytes, content_type: str) -> Any:
    """A body as a value, as text where it is no JSON, or None where there is none; the secrets in it taken out."""
    if not content:
        return None
    value = decode_json_body(content, content_type)
    if value is not NO_BODY:
        return safe_value(value)
    text = content.decode("utf-8", "replace")
    if "x-www-form-urlencoded" in content_type:
        return urlencode([(name, safe_field(name, each)) for name, each in parse_qsl(text, keep_blank_values=True)])
    if content_type.startswith("text/") or text.isprintable():
        return text
    return "base64:" + base64.b64encode(content).decode()


def safe_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: safe_field(name, safe_value(each)) for name, each in value.items()}
    return [safe_value(each) for each in value] if isinstance(value, list) else value


def safe_field(name: str, value: Any) -> Any:
    return redact_secret(value) if name.lower() in SECRET_FIELDS and isinstance(value, str) and value else value


def redact_secret(secret: str) -> str:
    """A secret as its digest, so that two can be told apart and neither be used; the scheme of a token stays."""
    scheme, space, token = secret.partition(" ")
    if not space:
        scheme, token = "", secret
    return f"{scheme}{space}[redacted {blake2b(token.encode(), digest_size=4).hexdigest()}]"


def format_precise_moment(microseconds: int) -> str:
    """A moment to the microsecond, `2016-03-23T18:48:22.000000Z`."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def format_clock_time(microseconds: int) -> str:
    return f"{datetime.fromtimestamp(microseconds // 1_000_000, UTC):%H:%M:%S}.{microseconds // 1000 % 1000:03d}"
