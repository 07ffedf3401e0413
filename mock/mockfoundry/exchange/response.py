"""Outcomes: answers, refusals and scenarios' wishes as what a door sends. Never decides which of them it is."""

from collections.abc import Callable
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.api.request import ApiResponse
from mockfoundry.cloudfoundry.errors import CATALOGUE, RATE_LIMIT_EXCEEDED, UNKNOWN_ERROR, Refusal, build_error_body
from mockfoundry.contract.plan import DocumentedResponse, Plan
from mockfoundry.exchange.preferences import first_example_of
from mockfoundry.exchange.request import Headers
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.engine import ScenarioMatch
from mockfoundry.scenarios.model import Respond


class Response(msgspec.Struct):
    """What a door has to send.

    Attributes:
        headers: names in lower case, without those that every answer of the platform has; the body's length among them.
        why: what decided it.
        platform: whether the headers that every answer of the platform has are sent too.
        delay: microseconds to wait first.
        hold: the hold that keeps it until the test releases it, empty for none.
        hold_at_most: microseconds after which the hold ends by itself.
        fault: what goes wrong on the wire, empty for nothing.
        sent: to be told how many bytes of the body really went out; None where nobody asks.
    """

    status: int
    headers: Headers
    body: bytes
    why: str
    has_platform_headers: bool = True
    delay: int = 0
    hold: str = ""
    hold_at_most: int = 0
    fault: str = ""
    report_bytes_sent: Callable[[int], None] | None = None


class PendingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that waits before its exchange. The door waits for each of these that is there, in this order: `delay`,
    `hold`, `until`, `work`. Then it calls `resume`, and delivers what that gives in the same way.

    Everything but `work` is called where exchanges are made: in the server's loop, or in an in-process server's turn.

    Attributes:
        resume: goes on. Takes the real time of that moment in microseconds, and the value that `work` returned (None
            where there is no work). May give another PendingRequest, so that it can look and wait again.
        give_up: what is sent where there is no room to wait, or `work` raised; nothing of the request was done. Takes
            the refusal to answer with.
        delay: microseconds.
        hold: the hold that keeps it until the test releases it, empty for none.
        hold_at_most: microseconds after which the hold ends by itself.
        until: waits for something to happen. Takes a function to call when it may have happened (more than once does
            no harm), and returns one that ends the subscription; the door calls that one exactly once, whatever ended
            the wait. None for nothing.
        until_at_most: microseconds after which `until` is waited for no longer.
        work: takes long, so the door runs it in its worker room, beside the exchanges: it must not touch a foundation.
            What can go wrong in it is to be returned as a value; an exception is logged and answered with a 500 by
            `give_up`. None for none.
    """

    resume: Callable[[int, Any], "Response | PendingRequest"]
    give_up: Callable[[Refusal], Response]
    delay: int = 0
    hold: str = ""
    hold_at_most: int = 0
    until: Callable[[Callable[[], None]], Callable[[], None]] | None = None
    until_at_most: int = 0
    work: Callable[[], Any] | None = None


PLATFORM_HEADERS: Headers = [
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-xss-protection", b"1; mode=block"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-download-options", b"noopen"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
]
"""Rails' own headers, which the Cloud Controller leaves as they are."""

JSON_MEDIA_TYPE = b"application/json; charset=utf-8"
TEXT_MEDIA_TYPE = b"text/plain; charset=utf-8"
HTML_MEDIA_TYPE = b"text/html; charset=UTF-8"

MAX_HEADER_LENGTH = 1_000

_WITHOUT_BODY = frozenset({204, 304})

_encode_body = msgspec.json.Encoder().encode


def json_response(status: int, body: Any, why: str, media_type: bytes = JSON_MEDIA_TYPE) -> Response:
    """A status and a JSON value as an outcome; None is no body."""
    if body is None:
        return raw_response(status, b"", why, media_type)
    content = _encode_body(body)
    # The Cloud Controller's encoder escapes what HTML would take for its own [config/initializers/json.rb].
    if b"&" in content:
        content = content.replace(b"&", b"\\u0026")
    if b"<" in content or b">" in content:
        content = content.replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
    return raw_response(status, content, why, media_type)


def raw_response(status: int, content: bytes, why: str, media_type: bytes) -> Response:
    """A status and a body's bytes as an outcome."""
    headers: Headers = [(b"x-mock-why", format_header_value(why))]
    if status not in _WITHOUT_BODY:
        if content:
            headers.append((b"content-type", media_type))
        headers.append((b"content-length", b"%d" % len(content)))
        return Response(status, headers, content, why)
    return Response(status, headers, b"", why)


def example_response(documented: DocumentedResponse, body: Any, why: str) -> Response:
    """One of the contract's examples as an outcome, in the media type that the contract gives it."""
    media_type = next(iter(documented.media_types), "")
    if "json" in media_type or body is None:
        return json_response(documented.status, body, why)
    content = body.encode() if isinstance(body, str) else _encode_body(body)
    return raw_response(documented.status, content, why, media_type.encode("latin-1", "replace"))


def response_from_answer(answer: ApiResponse) -> Response:
    """An operation's answer as an outcome."""
    response = json_response(answer.status, answer.body, answer.why)
    if answer.headers:
        for name, value in answer.headers:
            response.headers.append((name.lower().encode("latin-1"), value.encode("latin-1", "replace")))
    if answer.tolerated_violations:
        response.headers.append(
            (
                b"x-mock-contract",
                format_header_value("; ".join(each.describe() for each in answer.tolerated_violations)),
            )
        )
    return response


def response_from_refusal(refusal: Refusal) -> Response:
    """A refusal as an outcome; the rate limiter's is JSON that is served as text [middleware/base_rate_limiter.rb]."""
    entry = refusal.entry
    media_type = TEXT_MEDIA_TYPE if entry.status == RATE_LIMIT_EXCEEDED.status else JSON_MEDIA_TYPE
    return json_response(entry.status, build_error_body(entry, refusal.detail), refusal.why, media_type)


def scenario_response(plan: Plan | None, decision: ScenarioMatch, respond: Respond) -> Response:
    """The answer of its own that a scenario gives."""
    why = decision.why
    if respond.error is not None:
        response = response_from_refusal(Refusal(CATALOGUE[respond.error], respond.detail or "", why))
    elif respond.example is not None:
        found = None if plan is None else plan.example(respond.example)
        if found is None:
            name = "an unknown route" if plan is None else plan.operation
            response = response_from_refusal(
                Refusal(UNKNOWN_ERROR, why=f"{why}; {name} documents no example {respond.example}")
            )
        else:
            response = example_response(found[0], found[1], why)
    else:
        response = status_response(plan, respond, why)
    response.fault = respond.fault or ""
    return response


def status_response(plan: Plan | None, respond: Respond, why: str) -> Response:
    """The answer of a status: its text, its body, or the contract's example of it."""
    status = respond.status or (200 if plan is None else plan.success_status)
    if respond.text is not None:
        return raw_response(status, respond.text.encode(), why, TEXT_MEDIA_TYPE)
    body = respond.body
    if body is not ABSENT:
        return raw_response(status, _encode_body(body), why, JSON_MEDIA_TYPE)
    documented = None if plan is None else plan.responses.get(status)
    if documented is None:
        return json_response(status, None, why)
    return example_response(documented, first_example_of(documented), why)


def apply_response_overrides(response: Response, decision: ScenarioMatch, respond: Respond, foundation: str) -> None:
    """Gives an outcome the headers, the delay and the hold that a scenario asks for.

    Args:
        foundation: its name, since each foundation's holds are its own.
    """
    for name, value in respond.headers.items():
        key = name.lower().encode("latin-1")
        response.headers = [(kept, its) for kept, its in response.headers if kept != key]
        if value is not None:
            response.headers.append((key, value.encode("latin-1", "replace")))
    response.delay = decision.delay
    if respond.hold is not None and respond.hold.at == "after-commit":
        response.hold = f"{foundation}/{respond.hold.name or decision.scenario}"
        response.hold_at_most = respond.hold.at_most


def format_header_value(text: str) -> bytes:
    """Text as a header's value: one line of printable ASCII."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(sign if " " <= sign <= "~" else "?" for sign in text)
    return text[:MAX_HEADER_LENGTH].encode()
