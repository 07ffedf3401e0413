"""Responses: what a door sends, made of answers, refusals, examples and scenarios. Never decides which of them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec

from mockfoundry.bodies import format_header_value
from mockfoundry.cloudfoundry.api.presenters import encode_like_rails
from mockfoundry.cloudfoundry.api.request import JSON_MEDIA_TYPE, ApiResponse, LateResponse
from mockfoundry.cloudfoundry.auth import UAA_AWAY
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.errors import CATALOGUE, RATE_LIMIT_EXCEEDED, UNKNOWN_ERROR, Refusal, build_error_body
from mockfoundry.cloudfoundry.rate_limits import GENERAL_LIMIT, UNKNOWN_WAIT, format_limit_headers
from mockfoundry.contract.plan import DocumentedResponse, Plan, Schema, Violation
from mockfoundry.documents.problems import list_first
from mockfoundry.exchange.documented import (
    STATUSES_WITHOUT_BODY,
    DocumentedBody,
    find_documented_body,
    replace_message,
    takes_long_to_find,
)
from mockfoundry.exchange.request import Headers
from mockfoundry.journal.entry import DecidedBy, RecordedResponse
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.engine import ScenarioMatch
from mockfoundry.scenarios.model import Respond


class HoldKey(NamedTuple):
    """What a hold is known by in a server, since each foundation has holds of its own, which end with it.

    Attributes:
        generation: of the foundation.
        name: of the hold.
    """

    generation: int
    name: str


class Response(RecordedResponse):
    """What a door has to send. The fields of RecordedResponse are what a journal keeps of it.

    Attributes:
        has_platform_headers: whether the headers that every answer of the platform has are sent too.
        has_request_id: whether it has a request id without them, as answers of others have that the router passes on.
        hold: the hold that keeps it until the test releases it, None for none.
        hold_at_most: microseconds after which the hold ends by itself.
        report_bytes_sent: to be called with the number of bytes of the body that really went out; None where the
            whole body is taken for sent.
        late: makes the body, the headers and the reason of a response that takes long to make; None where they are
            there. It looks at nothing that is written to, so it may run in another thread.
    """

    has_platform_headers: bool = True
    has_request_id: bool = False
    hold: HoldKey | None = None
    hold_at_most: int = 0
    report_bytes_sent: Callable[[int], None] | None = None
    late: "Callable[[], Response] | None" = None


class PendingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that waits before its exchange. The door waits for each of these that is there, in this order: `delay`,
    `hold`, `until`, `work`. Then it calls `resume`, and delivers what that gives in the same way.

    Everything but `work` is called where exchanges are made: in the server's loop, or in an in-process server's turn.

    Attributes:
        resume: goes on. Takes the real time of that moment in microseconds, and the value that `work` returned (None
            where there is no work). May give another PendingRequest, so that it can look and wait again.
        give_up: what is sent if there is no room to wait, or `work` raised; the request then had no effect. Takes
            the refusal to answer with.
        abandon: called in place of the two where the client has gone, or the server has ended, before the wait was
            over; the request then has no effect either. None where there is nothing to note.
        delay: microseconds.
        hold: the hold that keeps it until the test releases it, None for none.
        hold_at_most: microseconds after which the hold ends by itself.
        until: waits for something to happen. Takes a function to call when it may have happened (more than once does
            no harm), and returns one that ends the subscription; the door calls that one exactly once, whatever ended
            the wait. None for nothing.
        until_at_most: microseconds after which `until` is waited for no longer.
        watch_client: takes, before `until` is waited for, what says whether the client has gone. The door hears of that
            some turns of its loop later; a request that came after it must find nothing done. None where that is one.
        work: takes long, so the door runs it in its worker room, beside the exchanges: it must not touch a foundation.
            What can go wrong in it is to be returned as a value; an exception is logged and answered with a 500 by
            `give_up`. None for none.
    """

    resume: Callable[[int, Any], "Response | PendingRequest"]
    give_up: Callable[[Refusal], Response]
    abandon: Callable[[], None] | None = None
    delay: int = 0
    hold: HoldKey | None = None
    hold_at_most: int = 0
    until: Callable[[Callable[[], None]], Callable[[], None]] | None = None
    until_at_most: int = 0
    watch_client: Callable[[Callable[[], bool]], None] | None = None
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

TEXT_MEDIA_TYPE = b"text/plain; charset=utf-8"
BINARY_MEDIA_TYPE = b"application/octet-stream"
HTML_MEDIA_TYPE = b"text/html; charset=UTF-8"

_MEDIA_TYPES = {
    "": JSON_MEDIA_TYPE,
    "application/json": JSON_MEDIA_TYPE,
    "application/*": JSON_MEDIA_TYPE,
    "*/*": JSON_MEDIA_TYPE,
    "text/*": TEXT_MEDIA_TYPE,
}
"""How a documented media type is sent, where not as it is: one of a range has to be chosen."""

_encode_body = msgspec.json.Encoder().encode


def json_response(status: int, body: Any, reason: str, media_type: bytes = JSON_MEDIA_TYPE) -> Response:
    """A response with a JSON value as its body, or with no body if that is None."""
    if body is None:
        return raw_response(status, b"", reason, media_type)
    content = bytes(body) if type(body) is msgspec.Raw else encode_like_rails(body)
    return raw_response(status, content, reason, media_type)


def raw_response(status: int, content: bytes, reason: str, media_type: bytes) -> Response:
    """A response with these bytes for a body."""
    if status in STATUSES_WITHOUT_BODY:
        return Response(status, [], b"", reason)
    headers: Headers = [(b"content-type", media_type)] if content else []
    headers.append((b"content-length", b"%d" % len(content)))
    return Response(status, headers, content, reason)


def example_response(documented: DocumentedResponse, body: Any, reason: str, decided_by: DecidedBy) -> Response:
    """A documented body, in the media type that the contract gives it.

    Args:
        body: ABSENT for none.
    """
    name = next(iter(documented.media_types), "")
    media_type = _MEDIA_TYPES.get(name) or name.encode("ascii", "replace")
    if body is ABSENT:
        response = raw_response(documented.status, b"", reason, media_type)
    elif body is None:
        response = raw_response(documented.status, b"null", reason, media_type)
    elif "json" in name or not isinstance(body, str):
        response = json_response(documented.status, body, reason, media_type)
    else:
        response = raw_response(documented.status, body.encode(), reason, media_type)
    response.decided_by = decided_by
    return response


def response_from_answer(answer: ApiResponse | LateResponse) -> Response:
    """The response that an operation's answer is; one that is made late has only its status yet."""
    if isinstance(answer, LateResponse):
        make = answer.make
        return Response(answer.status, [], b"", "", late=lambda: response_from_answer(make()))
    media_type = answer.media_type
    if isinstance(answer.body, bytes):
        response = raw_response(answer.status, answer.body, answer.why, media_type)
    else:
        response = json_response(answer.status, answer.body, answer.why, media_type)
    if answer.headers:
        for name, value in answer.headers:
            response.headers.append((name.lower().encode("latin-1"), value.encode("latin-1", "replace")))
    if answer.tolerated_violations:
        text = "; ".join(list_first(answer.tolerated_violations, Violation.describe))
        response.headers.append((b"x-mock-contract", format_header_value(text)))
    return response


def response_from_refusal(refusal: Refusal, decided_by: DecidedBy = "world") -> Response:
    """The response that a refusal is. The rate limiter's is JSON served as text.

    Source: cloud_controller_ng, middleware/base_rate_limiter.rb.
    """
    entry = refusal.entry
    media_type = TEXT_MEDIA_TYPE if entry.status == RATE_LIMIT_EXCEEDED.status else JSON_MEDIA_TYPE
    response = json_response(entry.status, build_error_body(entry, refusal.detail), refusal.why, media_type)
    response.decided_by = decided_by
    if entry is UAA_AWAY:
        # The middleware misspells the header [middleware/security_context_setter.rb].
        response.headers = [header for header in response.headers if header[0] != b"content-type"]
    return response


def close_after_response(response: Response) -> Response:
    """A response after which the connection ends: what is still to come of its request is not read."""
    response.headers.append((b"connection", b"close"))
    return response


OWN_FAILURE_REASON = "mockfoundry failed; its log has the traceback"


def join_reasons(*reasons: str) -> str:
    """Why a response is as it is, where there are several reasons; one that is made late is not there yet."""
    return "; ".join(filter(None, reasons))


def documented_response(
    plan: Plan,
    documented: DocumentedResponse,
    random_seed: int,
    decided_by: DecidedBy,
    respond: Callable[[DocumentedBody], Response],
) -> Response:
    """The response that is made of a documented body; late, where a value is yet to be made for it.

    Args:
        random_seed: what a body without an example follows from.
    """
    if not takes_long_to_find(plan, documented, random_seed):
        return respond(find_documented_body(plan, documented, random_seed))
    response = Response(documented.status, [], b"", "")
    response.decided_by = decided_by
    response.late = lambda: respond(find_documented_body(plan, documented, random_seed))
    return response


def add_reason(response: Response, reason: str) -> Response:
    """A response with another reason behind its own, which may not be there yet."""
    make = response.late
    if make is None:
        response.reason = join_reasons(response.reason, reason)
    else:
        response.late = lambda: add_reason(make(), reason)
    return response


def response_from_documented_refusal(plan: Plan, refusal: Refusal, decided_by: DecidedBy, random_seed: int) -> Response:
    """The response that a refusal is, in the form that the contract documents for its status.

    That is the Cloud Controller's form wherever the contract accepts it, and where it documents none.

    Args:
        random_seed: what a body without an example follows from.
    """
    response = response_from_refusal(refusal, decided_by)
    documented = plan.find_response(response.status)
    usual = build_error_body(refusal.entry, refusal.detail)
    if documented is None or documented.body is None or documented.body.accepts(usual):
        return response

    def respond(schema: Schema, found: DocumentedBody) -> Response:
        if found.value is ABSENT:
            return response_from_refusal(refusal, decided_by)
        body = replace_message(found.value, usual["errors"][0]["detail"], schema)
        return example_response(documented, body, f"{refusal.why}{found.note}", decided_by)

    return documented_response(plan, documented, random_seed, decided_by, partial(respond, documented.body))


def scenario_response(plan: Plan | None, match: ScenarioMatch, respond: Respond, random_seed: int) -> Response:
    """The answer that a scenario gives in place of the world's.

    Args:
        random_seed: what a body without an example follows from.
    """
    reason = match.why
    if respond.error is not None:
        response = response_from_refusal(Refusal(CATALOGUE[respond.error], respond.detail or "", reason), "scenario")
    elif respond.example is not None:
        found = None if plan is None else plan.example(respond.example)
        if found is None:
            name = "an unknown route" if plan is None else plan.operation
            reason = f"{reason}; {name} documents no example {respond.example}"
            response = response_from_refusal(Refusal(UNKNOWN_ERROR, why=reason), "scenario")
        else:
            response = example_response(found[0], found[1], reason, "scenario")
    else:
        response = status_response(plan, respond, reason, random_seed)
        response.decided_by = "scenario"
    response.fault = respond.fault or ""
    return response


def status_response(plan: Plan | None, respond: Respond, reason: str, random_seed: int) -> Response:
    """The answer that a scenario gives by a status: with its own text, bytes or JSON, else with the contract's."""
    status = respond.status or (200 if plan is None else plan.success_status)
    if respond.text is not None:
        return raw_response(status, respond.text.encode(), reason, TEXT_MEDIA_TYPE)
    if respond.base64 is not None:
        return raw_response(status, respond.base64, reason, BINARY_MEDIA_TYPE)
    body = respond.body
    if body is not ABSENT:
        return raw_response(status, _encode_body(body), reason, JSON_MEDIA_TYPE)
    documented = None if plan is None else plan.responses.get(status)
    if plan is None or documented is None:
        return json_response(status, None, reason)

    def answer(found: DocumentedBody) -> Response:
        return example_response(documented, found.value, reason + found.note, "scenario")

    return documented_response(plan, documented, random_seed, "scenario", answer)


def complete_rate_limit_response(
    response: Response, plan: Plan | None, given: Mapping[str, str | None], now: int
) -> None:
    """Gives a 429 what every one of the Cloud Controller has, whatever it was made of.

    Retry-After, the three X-RateLimit headers and the content type; a contract that documents another 429 has its own.

    Args:
        given: the headers that a scenario gives it later on: their Retry-After says when the window ends.
        now: virtual microseconds.
    """
    documented = None if plan is None else plan.responses.get(RATE_LIMIT_EXCEEDED.status)
    if documented is not None and "text/plain" not in documented.media_types:
        return
    if all(name != b"retry-after" for name, _ in response.headers):
        from mockfoundry.journal.retries import parse_wait

        asked = next((value for name, value in given.items() if name.lower() == "retry-after"), None)
        microseconds = parse_wait(asked or "", now)
        wait = UNKNOWN_WAIT if microseconds is None else -(-microseconds // SECOND)
        limits = format_limit_headers(GENERAL_LIMIT, now // SECOND + wait, 0)
        response.headers = [header for header in response.headers if not header[0].startswith(b"x-ratelimit-")]
        response.headers += (*limits, (b"retry-after", b"%d" % wait))
    response.headers = [
        (name, TEXT_MEDIA_TYPE if name == b"content-type" and value.startswith(b"application/json") else value)
        for name, value in response.headers
    ]


def apply_response_overrides(response: Response, match: ScenarioMatch, respond: Respond, generation: int) -> None:
    """Gives a response the headers, the delay and the hold that a scenario asks for.

    Args:
        generation: of the foundation, since each foundation's holds are its own.
    """
    for name, value in respond.headers.items():
        key = name.lower().encode("latin-1")
        if key == b"x-mock-why":
            response.shows_reason = False
        response.headers = [header for header in response.headers if header[0] != key]
        if value is not None:
            response.headers.append((key, value.encode("latin-1", "replace")))
    response.delay = match.delay
    if respond.hold is not None and respond.hold.at == "after-commit":
        response.hold = HoldKey(generation, respond.hold.name or match.scenario)
        response.hold_at_most = respond.hold.at_most
