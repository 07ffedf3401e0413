"""Recording: a response gets what every one has and what a match adds, and its place in the journal. No decisions."""

from functools import partial

import msgspec

from mockfoundry.cloudfoundry.auth import UNKNOWN_BEARER_NOTE
from mockfoundry.cloudfoundry.clock import SECOND, format_http_date
from mockfoundry.cloudfoundry.errors import RATE_LIMIT_EXCEEDED, Refusal
from mockfoundry.cloudfoundry.uaa.operations import UAA_ENVELOPE
from mockfoundry.contract.plan import Plan
from mockfoundry.exchange.context import ExchangeContext, Service
from mockfoundry.exchange.request import Request
from mockfoundry.exchange.response import Response, apply_response_overrides, complete_rate_limit_response, join_reasons
from mockfoundry.exchange.token_server import dress_uaa_response, response_from_refusal_of
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.journal.entry import NO_STATUS, STILL_SENDING, RecordedResponse
from mockfoundry.wire_faults import WIRE_FAULTS


def record_response(context: ExchangeContext, response: Response) -> Response:
    """A response with its date and its id, with what a match adds to it, and with its place in the journal."""
    foundation, match = context.foundation, context.match
    date = format_http_date(context.now // SECOND)
    headers = context.request.headers
    route = context.route
    # Attributes are looked at, and no function called for a known route: every exchange comes here.
    plan = context.answering_plan if route is None else route.plan
    is_from_uaa = False
    if plan is not None and plan.error_envelope == UAA_ENVELOPE:
        is_from_uaa = True
        dress_uaa_response(response, plan)
    response.headers.append((b"date", date))
    if response.has_platform_headers or response.has_request_id:
        # nginx's own pages have none.
        response.headers.append(request_id_header(foundation, context.request))
        if b"x-b3-traceid" in headers and b"x-b3-spanid" in headers and not is_from_uaa:
            # cloud_controller_ng, middleware/zipkin.rb
            response.headers += ((name, headers[name]) for name in (b"x-b3-traceid", b"x-b3-spanid"))
    if response.status == RATE_LIMIT_EXCEEDED.status and not is_from_uaa:
        given = {} if match is None or match.respond is None else match.respond.headers
        complete_rate_limit_response(response, plan, given, context.now)
    if match is None:
        response.refused_by_modified_world = response.status >= 400 and bool(foundation.changes)
    else:
        response.scenario, response.rule = match.scenario, match.rule
        respond = match.respond
        if respond is not None:
            apply_response_overrides(response, match, respond, foundation.generation)
            response.phase = respond.phase if respond.has_own_answer else ""
        response.virtual_delay = int(response.delay * foundation.world.clock.rate)
    if context.is_unknown_bearer:
        response.reason = join_reasons(response.reason, UNKNOWN_BEARER_NOTE)
    journal, opened = foundation.journal, context.opened
    recorded = recorded_response(response)
    if opened is None:
        number = journal.record(context, recorded)
    else:
        recorded.waited, recorded.virtual_waited = context.real_time - opened.real_time, context.now - opened.now
        number = journal.complete(opened, recorded)
        context.opened = None
        if recorded.waited:
            response.delay = 0
    if context.service.note_request is not None:
        context.service.note_request(context.request.method, context.request.target, recorded, foundation, number)
    if response.fault or response.delay or response.hold or opened is not None:
        journal.note_bytes_sent(number, STILL_SENDING)
        response.report_bytes_sent = partial(journal.note_bytes_sent, number)
        foundation.last_used = max(foundation.last_used, context.real_time + response.delay + response.hold_at_most)
    return response


def abandon_exchange(context: ExchangeContext) -> None:
    """Ends a request that still waits, without its exchange: its client has left, or the server ends."""
    opened, context.opened = context.opened, None
    if opened is None:
        return
    journal, reason = context.foundation.journal, f"{opened.response.reason}; not done, its client left before"
    recorded = msgspec.structs.replace(opened.response, reason=reason)
    number = journal.complete(opened, recorded)
    journal.note_bytes_sent(number, 0)
    if context.service.note_request is not None:
        context.service.note_request(
            context.request.method, context.request.target, recorded, context.foundation, number
        )


def refuse_without_foundation(service: Service, request: Request, plan: Plan | None, refusal: Refusal) -> Response:
    """The response to a request that no foundation takes. There is no journal for it, so only who watches sees it."""
    response = response_from_refusal_of(plan, refusal)
    if service.note_request is not None:
        service.note_request(request.method, request.target, response)
    return response


def recorded_response(response: Response) -> RecordedResponse:
    """What the journal keeps of a response: of one that was never sent and that nothing was done for, only why."""
    if not response.fault or response.phase == "after" or WIRE_FAULTS[response.fault].sends_headers:
        return response
    return msgspec.structs.replace(response, status=NO_STATUS, headers=[], body=b"")


def request_id_header(foundation: FoundationState, request: Request) -> tuple[bytes, bytes]:
    """The id of the request: a new guid, behind the one that the client gave.

    Source: cloud_controller_ng, middleware/vcap_request_context_setter.rb.
    """
    guid = foundation.next_request_id()
    headers = request.headers
    if b"x-vcap-request-id" not in headers and b"x-request-id" not in headers:
        return b"x-vcap-request-id", guid.encode()
    given = headers.get(b"x-vcap-request-id", b"").strip() or headers.get(b"x-request-id", b"").strip()
    if given:
        safe = "".join(sign for sign in given.decode("latin-1") if sign.isascii() and (sign.isalnum() or sign in "_-"))
        guid = f"{safe[:255]}::{guid}"
    return b"x-vcap-request-id", guid.encode()
