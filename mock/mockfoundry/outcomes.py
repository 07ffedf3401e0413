"""Outcomes: answers, refusals and scenarios' wishes as what a door sends. Never decides which of them it is."""

from typing import Any

import msgspec

from mockfoundry.cloudfoundry.calls import Answer
from mockfoundry.cloudfoundry.errors import CATALOGUE, RATE_LIMIT_EXCEEDED, UNKNOWN_ERROR, Refusal, envelope
from mockfoundry.contract import Documented, Plan
from mockfoundry.preferences import first_example
from mockfoundry.requests import Headers, Outcome
from mockfoundry.scenarios import ABSENT, Decision, Respond

JSON = b"application/json; charset=utf-8"
TEXT = b"text/plain; charset=utf-8"
HTML = b"text/html; charset=UTF-8"

LONGEST_HEADER = 1_000

_WITHOUT_BODY = frozenset({204, 304})

_encode = msgspec.json.Encoder().encode


def encoded(status: int, body: Any, why: str, media_type: bytes = JSON) -> Outcome:
    """A status and a JSON value as an outcome; None is no body."""
    if body is None:
        return raw(status, b"", why, media_type)
    content = _encode(body)
    # The Cloud Controller's encoder escapes what HTML would take for its own [config/initializers/json.rb].
    if b"&" in content:
        content = content.replace(b"&", b"\\u0026")
    if b"<" in content or b">" in content:
        content = content.replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
    return raw(status, content, why, media_type)


def raw(status: int, content: bytes, why: str, media_type: bytes) -> Outcome:
    """A status and a body's bytes as an outcome."""
    headers: Headers = [(b"x-mock-why", header_text(why))]
    if status not in _WITHOUT_BODY:
        if content:
            headers.append((b"content-type", media_type))
        headers.append((b"content-length", b"%d" % len(content)))
        return Outcome(status, headers, content, why)
    return Outcome(status, headers, b"", why)


def example_of(documented: Documented, body: Any, why: str) -> Outcome:
    """One of the contract's examples as an outcome, in the media type that the contract gives it."""
    media_type = next(iter(documented.media_types), "")
    if "json" in media_type or body is None:
        return encoded(documented.status, body, why)
    content = body.encode() if isinstance(body, str) else _encode(body)
    return raw(documented.status, content, why, media_type.encode("latin-1", "replace"))


def told(answer: Answer) -> Outcome:
    """An operation's answer as an outcome."""
    outcome = encoded(answer.status, answer.body, answer.why)
    if answer.headers:
        for name, value in answer.headers:
            outcome.headers.append((name.lower().encode("latin-1"), value.encode("latin-1", "replace")))
    if answer.laxer:
        outcome.headers.append((b"x-mock-contract", header_text("; ".join(each.told() for each in answer.laxer))))
    return outcome


def refused(refusal: Refusal) -> Outcome:
    """A refusal as an outcome; the rate limiter's is JSON that is served as text [middleware/base_rate_limiter.rb]."""
    entry = refusal.entry
    media_type = TEXT if entry.status == RATE_LIMIT_EXCEEDED.status else JSON
    return encoded(entry.status, envelope(entry, refusal.detail), refusal.why, media_type)


def played(plan: Plan | None, decision: Decision, respond: Respond) -> Outcome:
    """The answer of its own that a scenario gives."""
    why = decision.why
    if respond.error is not None:
        outcome = refused(Refusal(CATALOGUE[respond.error], respond.detail or "", why))
    elif respond.example is not None:
        found = None if plan is None else plan.example(respond.example)
        if found is None:
            name = "an unknown route" if plan is None else plan.operation
            outcome = refused(Refusal(UNKNOWN_ERROR, why=f"{why}; {name} documents no example {respond.example}"))
        else:
            outcome = example_of(found[0], found[1], why)
    else:
        outcome = with_status(plan, respond, why)
    outcome.fault = respond.fault or ""
    return outcome


def with_status(plan: Plan | None, respond: Respond, why: str) -> Outcome:
    """The answer of a status: its text, its body, or the contract's example of it."""
    status = respond.status or (200 if plan is None else plan.success)
    if respond.text is not None:
        return raw(status, respond.text.encode(), why, TEXT)
    body = respond.body
    if body is not ABSENT:
        return raw(status, _encode(body), why, JSON)
    documented = None if plan is None else plan.responses.get(status)
    if documented is None:
        return encoded(status, None, why)
    return example_of(documented, first_example(documented), why)


def changed(outcome: Outcome, decision: Decision, respond: Respond, foundation: str) -> None:
    """Gives an outcome the headers, the delay and the hold that a scenario asks for.

    Args:
        foundation: its name, since each foundation's holds are its own.
    """
    for name, value in respond.headers.items():
        key = name.lower().encode("latin-1")
        outcome.headers = [(kept, its) for kept, its in outcome.headers if kept != key]
        if value is not None:
            outcome.headers.append((key, value.encode("latin-1", "replace")))
    outcome.delay = decision.delay
    if respond.hold is not None and respond.hold.at == "after-commit":
        outcome.hold = f"{foundation}/{respond.hold.name or decision.scenario}"
        outcome.hold_at_most = respond.hold.at_most


def header_text(text: str) -> bytes:
    """Text as a header's value: one line of printable ASCII."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(sign if " " <= sign <= "~" else "?" for sign in text)
    return text[:LONGEST_HEADER].encode()
