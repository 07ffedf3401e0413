"""Telling: an exchange as JSON, as a line, and as a curl command, with everything secret taken out. Changes nothing."""

import base64
import shlex
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from mockfoundry.journal.entries import ALL, NOTHING, OPEN, Entry, value_of

SECRET_HEADERS = frozenset(
    {b"authorization", b"proxy-authorization", b"cookie", b"set-cookie", b"x-mock-control-token"}
)
SECRET_FIELDS = frozenset(
    {"password", "client_secret", "access_token", "refresh_token", "id_token", "token", "passcode", "assertion", "code"}
)

_PLATFORMS_OWN = (b"content-length", b"transfer-encoding", b"connection", b"host", b"accept-encoding")


def told(entry: Entry) -> dict[str, Any]:
    """An exchange as JSON's values."""
    return {
        "number": entry.number,
        "time": moment(entry.now),
        "real_time": moment(entry.real),
        "operation": entry.operation or None,
        "actor": entry.actor or None,
        "method": entry.method,
        "path": entry.target,
        "query": safe_query(entry.query_string),
        "headers": safe_headers(list(entry.sent_headers.items())),
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
        "kept": entry.kept,
        "changed": entry.changed,
        "violations": entry.laxer or None,
        "near_miss": entry.near or None,
        "bytes_sent": bytes_sent(entry),
    }


def bytes_sent(entry: Entry) -> int | None:
    """How many bytes of the answer's body went out; None where it waits, or is being broken, and is not at its end."""
    if entry.bytes_sent == OPEN:
        return None
    if entry.bytes_sent != ALL:
        return entry.bytes_sent
    return 0 if entry.method == "HEAD" else len(entry.answer)


def line(entry: Entry) -> str:
    """An exchange in a line: `#4 12:00:01.250 POST /v3/… scaleProcess alice 409 scenario conflict, rule 1, match 1`."""
    parts = [f"#{entry.number}", clock_time(entry.now), entry.method, safe_path(entry, entry.path_there)]
    if entry.operation:
        parts.append(entry.operation)
    if entry.actor:
        parts.append(f"by {entry.actor}")
    parts.append(entry.fault or str(entry.status))
    if entry.delay:
        parts.append(f"after {entry.delay / 1_000_000:g}s")
    return f"{' '.join(parts)}  {entry.why}"


def curl(entry: Entry, base: str) -> str:
    """A command that sends the same request again; secrets stand as `$TOKEN` and the like.

    Args:
        base: scheme and host of the server, `http://127.0.0.1:8080`.
    """
    words = ["curl", "-i"]
    if entry.method != "GET":
        words += ["-X", entry.method]
    for name, value in entry.sent_headers.items():
        if name in _PLATFORMS_OWN or (name == b"user-agent" and value.startswith(b"curl/")):
            continue
        text = f"{name.decode('latin-1')}: {value.decode('latin-1')}"
        words += ["-H", f"{name.decode('latin-1')}: $SECRET" if name in SECRET_HEADERS else text]
    if b"authorization" in entry.sent_headers:
        position = words.index("authorization: $SECRET")
        words[position] = "authorization: bearer $TOKEN"
    content = shown_bytes(entry.content, entry.header(b"content-type"))
    if content:
        words += ["--data-raw", content]
    words.append(base + safe_path(entry, entry.target))
    return " ".join(f'"{word}"' if "$TOKEN" in word or "$SECRET" in word else shlex.quote(word) for word in words)


def shown_bytes(content: bytes, content_type: str) -> str:
    """A body as text, its secrets taken out."""
    safe = safe_body(content, content_type)
    if safe is None or isinstance(safe, str):
        return safe or ""
    if safe == value_of(content, content_type):
        return content.decode("utf-8", "replace")
    return msgspec.json.encode(safe).decode()


def safe_path(entry: Entry, path: str) -> str:
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
        text = redacted(value.decode("latin-1")) if name in SECRET_HEADERS else value.decode("latin-1")
        key = name.decode("latin-1")
        safe[key] = f"{safe[key]}, {text}" if key in safe else text
    return safe


def safe_body(content: bytes, content_type: str) -> Any:
    """A body as a value, as text where it is no JSON, or None where there is none; the secrets in it taken out."""
    if not content:
        return None
    value = value_of(content, content_type)
    if value is not NOTHING:
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
    return redacted(value) if name.lower() in SECRET_FIELDS and isinstance(value, str) and value else value


def redacted(secret: str) -> str:
    """A secret as its digest, so that two can be told apart and neither be used; the scheme of a token stays."""
    scheme, space, token = secret.partition(" ")
    if not space:
        scheme, token = "", secret
    return f"{scheme}{space}[redacted {blake2b(token.encode(), digest_size=4).hexdigest()}]"


def moment(microseconds: int) -> str:
    """A moment to the microsecond, `2016-03-23T18:48:22.000000Z`."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def clock_time(microseconds: int) -> str:
    return f"{datetime.fromtimestamp(microseconds // 1_000_000, UTC):%H:%M:%S}.{microseconds // 1000 % 1000:03d}"
