"""The exchange: one request against one foundation, from request to response. Never awaits, never touches a socket.

Here the contract, the scenarios and the world meet. No other request runs in between, so one foundation's
requests are serial. The functions are in the order in which a request reaches them:

    handle_request                     a door has a whole request: its foundation and its route are found
    └ handle_routed_request            the exchange begins
      └ run_recorded                   the journal records its outcome, whatever that is
        ├ run_exchange                 without a scenario: the rate limit (callers.py), then the operation
        │ └ run_operation              the token (callers.py), the contract, the operation's function
        ├ run_scripted_exchange        a preference or a scenario (matching.py) may answer, or keep the request waiting
        │ ├ park_request               it waits, and the journal has it open (virtual_delays.py: for the clock)
        │ └ run_matched_exchange       run_exchange on the world that a scenario wants, and what a match makes of it
        └ finish_exchange              it is recorded, or its answer waits for the clock first (virtual_delays.py)
          └ record_response (record.py)  date, id, what the match adds to the response, the journal

A large body is read beside the exchanges, by `wait_for_reading`, before its exchange begins. What takes long to make of
a response is made after it: that comes back by `complete_late_response`.

A request that waits before its exchange comes back by `resume_exchange`, and goes on at `run_matched_exchange`. It
belongs to the world that it came to: where that was deleted or replaced meanwhile, it is refused.
"""

import logging
from collections.abc import Callable
from functools import partial

from mockfoundry.bodies import BodyForm
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.errors import MESSAGE_PARSE_ERROR, Refusal
from mockfoundry.cloudfoundry.jobs import advance_world
from mockfoundry.cloudfoundry.uaa.operations import UAA_ENVELOPE
from mockfoundry.contract.routes import Route
from mockfoundry.exchange.callers import authorize_request, check_rate_limit, identify_actor
from mockfoundry.exchange.canned import canned_response, refused_response, response_from_failure
from mockfoundry.exchange.context import ExchangeContext, ReadBody, Service
from mockfoundry.exchange.large_bodies import MAX_LOOP_BODY_BYTES, find_violations, read_large_body
from mockfoundry.exchange.look_ups import wait_for_look_up
from mockfoundry.exchange.matching import apply_match, match_request_scenarios, preferred_response
from mockfoundry.exchange.record import abandon_exchange, record_response, refuse_without_foundation
from mockfoundry.exchange.request import Request
from mockfoundry.exchange.response import (
    HTML_MEDIA_TYPE,
    HoldKey,
    PendingRequest,
    Response,
    add_reason,
    join_reasons,
    raw_response,
    response_from_answer,
    response_from_refusal,
)
from mockfoundry.exchange.routing import cut_format, is_line_too_long, line_too_long_response, response_to_unrouted
from mockfoundry.exchange.stations import find_unreadable_form
from mockfoundry.exchange.token_server import (
    find_address_of_token,
    find_token_address,
    prepare_foundation,
    response_from_refusal_of,
    response_to_other_method,
    run_uaa_operation,
    scripted_response,
)
from mockfoundry.exchange.virtual_delays import describe_clock_wait, finish_exchange, wait_for_clock
from mockfoundry.foundations.addressing import Address, parse_address
from mockfoundry.foundations.effects import apply_due_events, temporarily_applied
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.foundations.registry import SnapshotWantedError
from mockfoundry.journal.entry import NO_STATUS, DecidedBy, RecordedResponse
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.engine import ScenarioMatch
from mockfoundry.scenarios.model import Hold, Respond

__all__ = ["Service", "handle_request", "handle_routed_request", "resolve_address", "wait_for_address"]

NOT_READ_NOTE = b"body: not read, its content type is not application/json"

log = logging.getLogger("mockfoundry")

_DOT = ord(".")  # a number is found in bytes in a tenth of the time that bytes take


def handle_request(service: Service, request: Request) -> Response | PendingRequest:
    """The response to a request: its foundation and its route are found, and the exchange is made."""
    try:
        address = resolve_address(service, request)
    except SnapshotWantedError as wanted:
        return wait_for_address(service, request, wanted.name)
    return handle_routed_request(service, request, address, service.served.routes.find(request.method, address.path))


def wait_for_address(service: Service, request: Request, name: str) -> PendingRequest:
    """Has a foundation looked up that the token of a request names; then the request goes on."""
    refuse = partial(refuse_without_foundation, service, request, None)
    return wait_for_look_up(service, name, lambda _: handle_request(service, request), refuse)


def resolve_address(service: Service, request: Request) -> Address:
    """Which foundation a request is for, and its path there: as it says itself, else as its token says.

    Raises:
        SnapshotWantedError: it has to be looked up, see `wait_for_address`.
    """
    headers = request.headers
    address = parse_address(request.target, headers.get(b"x-mock-foundation"), request.host)
    if address.named or _DOT not in headers.get(b"authorization", b""):
        return address
    return find_address_of_token(service, request, request.token, address)


def handle_routed_request(
    service: Service, request: Request, address: Address, route: Route | None
) -> Response | PendingRequest:
    """The response to a request whose route was looked for; None where the contract has none."""
    if route is not None and "." in address.path:
        route = cut_format(route, address.path, service.operations)
    if route is not None and route.plan.error_envelope == UAA_ENVELOPE:
        return begin_uaa_exchange(service, request, address, route)
    if len(request.content) > MAX_LOOP_BODY_BYTES and route is not None and route.plan.body is not None:
        return wait_for_reading(service, request, address, route)
    return begin_exchange(service, request, address, route, request.arrived)


def begin_uaa_exchange(service: Service, request: Request, address: Address, route: Route) -> Response | PendingRequest:
    """The exchange of a request to UAA, with the foundation that its user, client or token names."""
    if service.uaa_operations and not service.authority.key.is_loaded:
        # That takes long, the first time.
        return PendingRequest(
            resume=lambda _, __: begin_uaa_exchange(service, request, address, route),
            give_up=partial(response_from_refusal_of, route.plan),
            work=service.authority.key.load,
        )
    try:
        found = find_token_address(service, request, address, route)
        if not address.named and not service.registry.owns(found.name):
            # At the bare URL a proxy can't tell whose log-in it is: every shard mints, none makes what is not its own.
            stand_in = service.registry.make_stand_in(found.name, request.arrived)
            return begin_exchange(service, request, found, route, request.arrived, foundation=stand_in)
        was_gone = service.registry.describe_absence(found.name)
        made = prepare_foundation(service, request, found, route)
    except SnapshotWantedError as wanted:
        return wait_for_look_up(
            service,
            wanted.name,
            lambda _: begin_uaa_exchange(service, request, address, route),
            partial(refuse_without_foundation, service, request, route.plan),
        )
    except Refusal as refusal:
        return refuse_without_foundation(service, request, route.plan, refusal)
    response = begin_exchange(service, request, found, route, request.arrived)
    if made is None or not was_gone or isinstance(response, PendingRequest):
        return response
    if response.status >= 400 and response.decided_by == "world":
        # A client that a test has left behind must not bring back what the test has deleted.
        service.registry.take_back(made)
        response.reason = join_reasons(response.reason, f"foundation {found.name} {was_gone}, and stays away")
    return response


def begin_exchange(
    service: Service,
    request: Request,
    address: Address,
    route: Route | None,
    real_time: int,
    read: ReadBody | None = None,
    foundation: FoundationState | None = None,
) -> Response | PendingRequest:
    """The exchange of a request with a foundation, which is made if there is none yet.

    Args:
        real_time: real microseconds of this moment.
        read: the request's large body.
        foundation: None for the one that the address names.
    """
    if foundation is None:
        try:
            foundation = service.registry.get_or_create(address.name, real_time)
        except SnapshotWantedError as wanted:
            return wait_for_look_up(
                service,
                wanted.name,
                lambda real_time: begin_exchange(service, request, address, route, real_time, read),
                partial(refuse_without_foundation, service, request, route and route.plan),
            )
        except Refusal as refusal:
            return refuse_without_foundation(service, request, route and route.plan, refusal)
    operation, path = ("", {}) if route is None else (route.plan.operation, route.path)
    now = foundation.world.clock.now(real_time)
    context = ExchangeContext(
        service, foundation, request, route, address.prefix, real_time, now, operation, path, foundation.progress
    )
    if read is not None:
        context.read_body = read
    if is_line_too_long(request):
        return run_recorded(context, lambda _: line_too_long_response())
    headers = request.headers
    if foundation.compiled_scenarios.scenarios or b"x-mock-scenario" in headers or b"prefer" in headers:
        return run_recorded(context, run_scripted_exchange)
    return run_recorded(context, run_exchange)


def run_recorded(
    context: ExchangeContext, run: Callable[[ExchangeContext], Response | PendingRequest]
) -> Response | PendingRequest:
    """Runs an exchange so that the journal records its outcome, whatever that is, unless it waits first."""
    try:
        response = run(context)
        if isinstance(response, PendingRequest):
            return response
        if response.late is not None:
            return wait_for_late_response(context, response, response.late)
        # Most exchanges meet no scenario, and each call counts here.
        return record_response(context, response) if context.match is None else finish_exchange(context, response)
    except Exception:
        context.match = None
        response = response_from_failure(context.request, context.answering_plan)
    try:
        return record_response(context, response)
    except Exception:
        log.exception("mockfoundry failed to record it, too")
        return response


def wait_for_reading(service: Service, request: Request, address: Address, route: Route) -> PendingRequest:
    """Has a large body read beside the exchanges; then its own begins."""

    def go_on(real_time: int, read: ReadBody) -> Response | PendingRequest:
        return begin_exchange(service, request, address, route, real_time, read)

    return PendingRequest(
        resume=go_on, give_up=response_from_refusal, work=lambda: read_large_body(service, request, route)
    )


def wait_for_late_response(
    context: ExchangeContext, response: Response, make: Callable[[], Response]
) -> PendingRequest:
    """Has the rest of a response made beside the exchanges; its exchange is over but for the record."""
    if context.opened is None:
        making = RecordedResponse(NO_STATUS, [], b"", "its response is being made", decided_by=response.decided_by)
        context.opened = context.foundation.journal.open(context, making)
    return PendingRequest(
        resume=lambda _, made: complete_late_response(context, response, made),
        give_up=partial(give_up_exchange, context, decided_by="failure"),
        abandon=partial(abandon_exchange, context),
        work=make,
    )


def complete_late_response(context: ExchangeContext, response: Response, made: Response) -> Response | PendingRequest:
    response.late = None
    response.body, response.headers = made.body, made.headers + response.headers
    response.reason = join_reasons(response.reason, made.reason)
    return finish_exchange(context, response)


def run_exchange(context: ExchangeContext) -> Response:
    """The exchange itself: the rate limit, then the operation. A refusal and a failure are responses, too."""
    foundation, request = context.foundation, context.request
    limit = foundation.world.settings.rate_limit
    limited = None if limit is None else check_rate_limit(context, limit)
    try:
        if limited is not None and limited.refusal is not None:
            identify_actor(context)
            response = refused_response(context, limited.refusal, "limit")
        elif context.route is None:
            path, routes = request.target.removeprefix(context.prefix), context.service.served.routes
            other = context.answering_plan
            response = (
                response_to_unrouted(request, path, routes)
                if other is None
                else response_to_other_method(context, other)
            )
        else:
            response = run_operation(context, context.route)
    except Refusal as refusal:
        response = refused_response(context, refusal, "world")
    except Exception:
        response = response_from_failure(request, context.answering_plan)
    if limited is not None:
        response.headers.extend(limited.headers)
    return response


def run_operation(context: ExchangeContext, route: Route) -> Response:
    """The token, then the contract, then the operation: in docs/architecture.md, step 4 after the rate limit, and 5.

    Raises:
        Refusal: the request is refused; nothing was changed.
    """
    service, request, world, plan = context.service, context.request, context.foundation.world, route.plan
    if plan.error_envelope == UAA_ENVELOPE:
        uaa_operation = service.uaa_operations.get(plan.operation)
        return (
            canned_response(context, plan, False, ())
            if uaa_operation is None
            else run_uaa_operation(context, uaa_operation)
        )
    actor = authorize_request(context, plan)
    body = ABSENT if plan.body is None else context.body
    if body is ABSENT and request.content:
        unreadable = find_unreadable_form(context, plan)
        if unreadable is BodyForm.MALFORMED:
            return raw_response(406, b"", "content type: malformed", HTML_MEDIA_TYPE)
        if unreadable is not None:
            raise Refusal(MESSAGE_PARSE_ERROR, why="body: not JSON")
    read = context.read_body
    reading = context.query_reading
    violations = find_violations(request, route, reading, body) if read is None else read.violations
    has_body = body is not ABSENT
    operation = service.operations.get(plan.operation)
    if operation is None:
        return canned_response(context, plan, has_body, violations)
    call = ApiRequest(
        route.path,
        reading.parameters,
        body if has_body else None,
        violations,
        context.now,
        f"{request.base_url}{context.prefix}",
        has_body,
        service.strict,
        None if read is None else read.message,
        request.query_string,
    )
    if world.deploying_apps or world.waiting_jobs:
        advance_world(world, context.now)
    answer = operation(world, actor, call)
    response = response_from_answer(answer)
    response.committed = plan.writes and answer.status < 300
    response.state_changed = response.committed and answer.state_changed
    if request.content and not has_body and plan.body is not None:
        response.headers.append((b"x-mock-contract", NOT_READ_NOTE))
    return response


def run_scripted_exchange(context: ExchangeContext) -> Response | PendingRequest:
    """The exchange of a request about which a preference or a scenario may have something to say."""
    foundation, route = context.foundation, context.route
    if foundation.compiled_scenarios.events or foundation.changes:
        apply_due_events(foundation, context.now)
    prefer = context.headers.get(b"prefer")
    if prefer is not None and route is not None:
        preferred = preferred_response(route.plan, prefer, foundation.world.random_seed)
        if preferred is not None:
            identify_actor(context)
            return preferred
    try:
        match_request_scenarios(context)
    except Refusal as refusal:
        identify_actor(context)
        return response_from_refusal_of(context.answering_plan, refusal, "scenario")
    match = context.match
    respond = None if match is None else match.respond
    if match is None or respond is None or respond.phase == "after":
        return run_matched_exchange(context)
    if respond.has_own_answer:
        identify_actor(context)
        return scripted_response_at_station(context, match, respond)
    hold = respond.hold if respond.hold is not None and respond.hold.at == "before-commit" else None
    if hold is None and not (match.delay or match.virtual_delay):
        return run_matched_exchange(context)
    identify_actor(context)
    return park_request(context, match, hold)


def park_request(context: ExchangeContext, match: ScenarioMatch, hold: Hold | None) -> PendingRequest:
    """Has a request wait before its exchange, for the delay and the hold of its match; the journal has it open."""
    foundation = context.foundation
    name, at_most = ("", 0) if hold is None else (hold.name or match.scenario, hold.at_most)
    clock = f", {describe_clock_wait(context, match)}" if match.virtual_delay else ""
    reason = f"{match.why}; waits{clock}{f', held by {name}' if name else ''}"
    waiting = RecordedResponse(
        NO_STATUS, [], b"", reason, decided_by="scenario", scenario=match.scenario, rule=match.rule, delay=match.delay
    )
    context.opened = foundation.journal.open(context, waiting)
    # Until then the foundation is in use, however idle it looks.
    foundation.last_used = max(foundation.last_used, context.real_time + match.delay + match.delay_at_most + at_most)
    go_on = partial(resume_exchange, context, foundation.generation)
    held = PendingRequest(
        resume=go_on,
        give_up=partial(give_up_exchange, context),
        abandon=partial(abandon_exchange, context),
        delay=match.delay,
        hold=HoldKey(foundation.generation, name) if name else None,
        hold_at_most=at_most,
    )
    if not match.virtual_delay:
        return held
    return wait_for_clock(
        context,
        match,
        resume=lambda real_time: go_on(real_time, None) if hold is None else held,
        give_up=partial(give_up_exchange, context),
        abandon=partial(abandon_exchange, context),
    )


def scripted_response_at_station(context: ExchangeContext, match: ScenarioMatch, respond: Respond) -> Response:
    """The answer of a rule, from where that stands: what comes from the controller, the rate limiter has counted."""
    foundation = context.foundation
    limit = foundation.world.settings.rate_limit
    limited = None if limit is None or match.station == "gateway" else check_rate_limit(context, limit)
    response = scripted_response(context.answering_plan, match, respond, foundation.world.random_seed)
    if limited is not None:
        response.headers.extend(limited.headers)
    return response


def resume_exchange(context: ExchangeContext, generation: int, real_time: int, _: None) -> Response | PendingRequest:
    """The response to a request that has waited, from the world that it came to.

    Args:
        generation: of that world.
        real_time: real microseconds of this moment.
    """
    foundation = context.foundation
    try:
        context.service.registry.must_be_current(foundation.name, generation, real_time)
    except Refusal as refusal:
        if context.service.registry.find(foundation.name) is not foundation:
            # The journal that has it open has ended, too.
            return refuse_without_foundation(context.service, context.request, context.answering_plan, refusal)
        context.match, context.real_time, context.now = None, real_time, foundation.world.clock.now(real_time)
        return record_response(context, response_from_refusal_of(context.answering_plan, refusal))
    context.real_time, context.now = real_time, foundation.world.clock.now(real_time)
    apply_due_events(foundation, context.now)
    return run_recorded(context, run_matched_exchange)


def give_up_exchange(context: ExchangeContext, refusal: Refusal, decided_by: DecidedBy = "limit") -> Response:
    """The response to a request that can't be kept waiting; nothing of it was done."""
    context.match = None
    return record_response(context, response_from_refusal_of(context.answering_plan, refusal, decided_by))


def run_matched_exchange(context: ExchangeContext) -> Response:
    """The exchange, in a world as the scenario that the request names wants it, and what a match makes of it."""
    scenario = context.requested_scenario
    if scenario is None or not scenario.given:
        response = apply_match(context, run_exchange(context))
    else:
        # By the foundation's own world, which may accept what this one refuses.
        identify_actor(context)
        with temporarily_applied(context.foundation, scenario, context.now):
            response = apply_match(context, run_exchange(context))
        if context.match is None:
            response.reason = f"scenario {scenario.name}, for this request; {response.reason}"
    return add_reason(response, context.missed_station) if context.missed_station else response
