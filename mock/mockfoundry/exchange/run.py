"""The exchange: one request against one foundation, from start to outcome. Never awaits, never touches a socket.

This is the one place where the contract, the scenarios and the world meet; the doors of the server call it, and nothing
in it lets another request in between, so one foundation's requests are serial.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import msgspec

from mockfoundry.bodies import BodyForm
from mockfoundry.cloudfoundry.api.messages import describe_violations
from mockfoundry.cloudfoundry.api.operations import Operation
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.auth import (
    ANY_ADMIN,
    Authority,
    authenticate_actor,
    claims_from_token,
    read_bearer_token,
    require_scope,
)
from mockfoundry.cloudfoundry.clock import SECOND, format_http_date
from mockfoundry.cloudfoundry.errors import (
    BAD_QUERY_PARAMETER,
    NOT_FOUND,
    UNKNOWN_ERROR,
    UNPROCESSABLE_ENTITY,
    Refusal,
    refuse,
)
from mockfoundry.cloudfoundry.model import RateLimit
from mockfoundry.cloudfoundry.rate_limits import RateLimitDecision, count_request
from mockfoundry.contract.load import Contract
from mockfoundry.contract.plan import Plan, Violation
from mockfoundry.contract.routes import Route
from mockfoundry.exchange.matching import match_request_scenarios, preferred_response
from mockfoundry.exchange.preferences import first_example_of
from mockfoundry.exchange.request import Request, apply_forwarded_headers
from mockfoundry.exchange.response import (
    HTML_MEDIA_TYPE,
    PendingRequest,
    Response,
    apply_response_overrides,
    example_response,
    format_header_value,
    raw_response,
    response_from_answer,
    response_from_refusal,
    scenario_response,
)
from mockfoundry.foundations.addressing import Address, parse_address
from mockfoundry.foundations.effects import apply_due_events, temporarily_applied
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.journal.entry import STILL_SENDING
from mockfoundry.scenarios.conditions import ABSENT
from mockfoundry.scenarios.engine import ScenarioMatch, ScenarioProgress, commit_match
from mockfoundry.scenarios.model import Scenario
from mockfoundry.scenarios.rule_index import CompiledScenarios

READ_AS_FORM_NOTE = b"body: read as a form, as its content type says; JSON needs Content-Type: application/json"

log = logging.getLogger("mockfoundry")


@dataclass(frozen=True, slots=True)
class Service:
    """What a server serves: everything an exchange needs beside a foundation and a request.

    Attributes:
        operations: the behaviours by operationId; an operation of the contract without one is served from its examples.
        named_scenarios: the scenarios that a request may ask for by name, each compiled.
        authority: whose tokens count.
        trust_forwarded: whether `X-Forwarded-Proto` and `X-Forwarded-Host` say where a request was sent to.
        strict: whether what the real one lets pass, though its documentation does not, is refused.
    """

    contract: Contract
    operations: Mapping[str, Operation]
    registry: FoundationRegistry
    named_scenarios: Mapping[str, CompiledScenarios]
    authority: Authority
    trust_forwarded: bool = False
    strict: bool = False


def handle_request(service: Service, request: Request) -> Response | PendingRequest:
    """The outcome of a request: its foundation and its plan are found, and the exchange is made."""
    address = resolve_address(service, request)
    return handle_routed_request(service, request, address, service.contract.routes.find(request.method, address.path))


def resolve_address(service: Service, request: Request) -> Address:
    """Which foundation a request is for, and its path there: as it says itself, else as its token says."""
    headers = request.headers
    request.host = headers.get(b"host", b"")
    if service.trust_forwarded:
        apply_forwarded_headers(request)
    address = parse_address(request.target, headers.get(b"x-mock-foundation"), request.host)
    if address.named or b"." not in headers.get(b"authorization", b""):
        return address
    claims = claims_from_token(service.authority.key, request.token)
    return address if claims is None else Address(claims.foundation, address.path)


class ExchangeContext(msgspec.Struct):
    """One request on its way through the exchange.

    Attributes:
        route: None where the contract has none.
        prefix: what links need before the path.
        decision: what the scenarios said, None for nothing.
        was_pending: whether it was parked, so that its client may be gone.
        progress: of the scenarios that said it.
        requested_scenario: the scenario that the request itself named, None for none.
    """

    service: Service
    foundation: FoundationState
    request: Request
    route: Route | None
    prefix: str
    progress: ScenarioProgress
    decision: ScenarioMatch | None = None
    requested_scenario: Scenario | None = None
    was_pending: bool = False


def handle_routed_request(
    service: Service, request: Request, address: Address, route: Route | None
) -> Response | PendingRequest:
    """The outcome of a request whose route was looked for; None where the contract has none."""
    try:
        foundation = service.registry.get_or_create(address.name, request.arrived)
        if route is not None:
            request.operation = route.plan.operation
            request.path = route.path
        context = ExchangeContext(service, foundation, request, route, address.prefix, foundation.progress)
        headers = request.headers
        if not (foundation.lineup.scenarios or b"x-mock-scenario" in headers or b"prefer" in headers):
            return run_exchange(context)
        try:
            return run_scripted_exchange(context)
        except Refusal as refusal:
            return record_response(context, response_from_refusal(refusal))
    except Refusal as refusal:
        return response_from_refusal(refusal)
    except Exception:
        return response_from_failure(request)


def run_scripted_exchange(context: ExchangeContext) -> Response | PendingRequest:
    """The outcome of a request that a preference or a scenario may have a say in.

    Raises:
        Refusal: 400, where it asks for what there is not.
    """
    foundation, request, route = context.foundation, context.request, context.route
    apply_due_events(foundation, foundation.world.clock.now(request.arrived))
    found = None if route is None else preferred_response(route.plan, request.headers.get(b"prefer"))
    if found is not None:
        return record_response(context, found)
    decision, context.progress, context.requested_scenario = match_request_scenarios(
        context.service.named_scenarios, foundation, request
    )
    context.decision = decision
    respond = None if decision is None else decision.respond
    if decision is None or respond is None or respond.phase == "after":
        return run_with_requested_scenario(context)
    if respond.answers:
        return record_response(context, scenario_response(route and route.plan, decision, respond))
    hold = respond.hold
    held = hold is not None and hold.at == "before-commit"
    if not (held or decision.delay):
        return run_with_requested_scenario(context)
    name = f"{foundation.name}/{hold.name or decision.scenario}" if hold is not None and held else ""
    at_most = hold.at_most if hold is not None and held else 0
    context.was_pending = True
    # Until then it is in use, however idle it looks.
    foundation.last_used = max(foundation.last_used, request.arrived + decision.delay + at_most)
    return PendingRequest(
        resume=partial(resume_exchange, context),
        give_up=partial(give_up_exchange, context),
        delay=decision.delay,
        hold=name,
        hold_at_most=at_most,
    )


def resume_exchange(context: ExchangeContext, real: int, _: None) -> Response:
    """The outcome of a request that was kept waiting, on the foundation that has the name by now."""
    context.request.arrived = real
    try:
        context.foundation = context.service.registry.get_or_create(context.foundation.name, real)
        response = run_with_requested_scenario(context)
    except Refusal as refusal:
        return response_from_refusal(refusal)
    except Exception:
        return response_from_failure(context.request)
    # It has waited already; the journal has noted for how long.
    response.delay = 0
    return response


def give_up_exchange(context: ExchangeContext, refusal: Refusal) -> Response:
    """The outcome of a request that can't be kept waiting; nothing of it was done."""
    context.decision = None
    return record_response(context, response_from_refusal(refusal))


def run_with_requested_scenario(context: ExchangeContext) -> Response:
    """The exchange, on a world that the scenario which the request named has changed for it alone."""
    scenario, foundation = context.requested_scenario, context.foundation
    if scenario is None or not scenario.given:
        return run_exchange(context)
    with temporarily_applied(foundation, scenario, foundation.world.clock.now(context.request.arrived)):
        response = run_exchange(context)
    if context.decision is None:
        said = f"scenario {scenario.name}, for this request; {response.why}"
        response.headers[0] = (b"x-mock-why", format_header_value(said))
    return response


def run_exchange(context: ExchangeContext) -> Response:
    """The exchange itself, and what a decided scenario makes of its outcome."""
    foundation, request, route, decision = context.foundation, context.request, context.route, context.decision
    limit = foundation.world.settings.rate_limit
    limited = None if limit is None else check_rate_limit(context.service, foundation, limit, request)
    try:
        if limited is not None and limited.refusal is not None:
            raise limited.refusal
        if route is None:
            raise refuse(NOT_FOUND, why="contract: no such route")
        response = run_operation(context.service, foundation, request, route, context.prefix)
    except Refusal as refusal:
        response = response_from_refusal(refusal)
        if request.content and request.body_form is BodyForm.FORM:
            response.headers.append((b"x-mock-contract", READ_AS_FORM_NOTE))
    except Exception:
        response = response_from_failure(request)
    if limited is not None:
        response.headers.extend(limited.headers)
    if decision is None:
        return record_response(context, response)
    respond = decision.respond
    if respond is None:
        response.headers[0] = (b"x-mock-why", format_header_value(f"{decision.why}: pass; {response.why}"))
        return record_response(context, response)
    if respond.phase == "after":
        if not 200 <= response.status < 300:
            context.decision = None
            return record_response(context, response)
        commit_match(context.progress, decision)
        if respond.fault is not None:
            response.fault = respond.fault
        elif respond.answers:
            response = scenario_response(route and route.plan, decision, respond)
    response.headers[0] = (b"x-mock-why", format_header_value(f"{decision.why}; {response.why}"))
    return record_response(context, response)


def response_from_failure(request: Request) -> Response:
    """The outcome of a request that mockfoundry itself failed on; call it where the exception is at hand."""
    log.exception("mockfoundry failed on %s %s", request.method, request.target)
    return response_from_refusal(Refusal(UNKNOWN_ERROR, why="mockfoundry failed; its log has the traceback"))


def run_operation(
    service: Service, foundation: FoundationState, request: Request, route: Route, prefix: str
) -> Response:
    """One request against one foundation, in the order of design section 2, steps 4 to 6.

    Raises:
        Refusal: the request is refused; nothing was changed.
    """
    plan = route.plan
    headers = request.headers
    world = foundation.world
    actor = ANY_ADMIN
    if plan.secured:
        actor = authenticate_actor(
            world, read_bearer_token(headers.get(b"authorization", b"")), service.authority, request.arrived
        )
        request.actor = actor.name
        require_scope(actor, "write" if plan.writes else "read")
    violations = route.violations
    body = ABSENT
    if plan.body is not None and request.content:
        if request.body_form is BodyForm.MALFORMED:
            return raw_response(406, b"", "content type: malformed", HTML_MEDIA_TYPE)
        request.must_be_readable()
        body = request.body
        if body is not ABSENT and not plan.body.accepts(body):
            violations += plan.body.violations(body)
    if request.query_string or plan.requires_query:
        violations += plan.query_violations(request.query)
    if plan.reads_headers:
        violations += plan.header_violations(headers)
    operation = service.operations.get(plan.operation)
    if operation is None:
        return canned_response(plan, body is not ABSENT, violations)
    given = body is not ABSENT
    call = ApiRequest(
        plan.operation,
        request.path,
        request.query,
        body if given else None,
        violations,
        world.clock.now(request.arrived),
        f"{request.scheme}://{request.host.decode('latin-1') or 'localhost'}{prefix}",
        given,
        service.strict,
    )
    answer = operation(world, actor, call)
    request.committed = plan.writes and answer.status < 300
    request.state_changed = request.committed and answer.changed
    response = response_from_answer(answer)
    response.headers.append((b"x-user-guid", actor.guid.encode()))
    if request.content and not given and plan.body is not None:
        response.headers.append((b"x-mock-contract", b"body: not read, its content type is not application/json"))
    return response


def check_rate_limit(
    service: Service, foundation: FoundationState, limit: RateLimit, request: Request
) -> RateLimitDecision | None:
    """What the foundation's rate limiter says of a request."""
    authorization = request.headers.get(b"authorization", b"")
    return count_request(foundation.world, limit, foundation.windows, authorization, service.authority, request.arrived)


def record_response(context: ExchangeContext, response: Response) -> Response:
    """An outcome with its date and its id, with what a scenario wishes of it, and with its place in the journal."""
    foundation, request, decision = context.foundation, context.request, context.decision
    now = foundation.world.clock.now(request.arrived)
    response.headers += ((b"date", format_http_date(now // SECOND)), request_id_header(foundation, request))
    journal = foundation.journal
    if decision is None:
        refused_by_modified_world = response.status >= 400 and bool(foundation.changes)
        journal.record(
            request, response, now, near_miss=request.near_miss, refused_by_modified_world=refused_by_modified_world
        )
        return response
    respond = decision.respond
    phase = ""
    if respond is not None:
        apply_response_overrides(response, decision, respond, foundation.name)
        phase = respond.phase if respond.answers else ""
    delay = int(response.delay * foundation.world.clock.rate)
    number = journal.record(request, response, now, decision.scenario, decision.rule, phase, delay=delay)
    if response.fault or response.delay or response.hold or context.was_pending:
        journal.note_bytes_sent(number, STILL_SENDING)
        response.report_bytes_sent = partial(journal.note_bytes_sent, number)
        foundation.last_used = max(foundation.last_used, request.arrived + response.delay + response.hold_at_most)
    return response


def canned_response(plan: Plan, has_body: bool, violations: tuple[Violation, ...]) -> Response:
    """The contract's own example of success, for a request that the contract allows.

    Raises:
        Refusal: 400 or 422, where it does not.
    """
    if plan.body_required and not has_body:
        violations += (Violation("body", "", "required", None, "body"),)
    if violations:
        text = describe_violations(violations)
        why = f"contract: {violations[0]}"
        if violations[0].place == "body":
            raise refuse(UNPROCESSABLE_ENTITY, text, why)
        place = "parameter" if violations[0].place == "path" else f"{violations[0].place} parameter"
        raise refuse(BAD_QUERY_PARAMETER, f"The {place} is invalid: {text}", why)
    documented = plan.responses[plan.success_status]
    return example_response(documented, first_example_of(documented), "contract: example")


def request_id_header(foundation: FoundationState, request: Request) -> tuple[bytes, bytes]:
    """The id of the request: a new guid, behind the one that was given [middleware/vcap_request_context_setter.rb]."""
    guid = foundation.next_request_id()
    headers = request.headers
    if b"x-vcap-request-id" not in headers and b"x-request-id" not in headers:
        return b"x-vcap-request-id", guid.encode()
    given = headers.get(b"x-vcap-request-id", b"").strip() or headers.get(b"x-request-id", b"").strip()
    if given:
        kept = "".join(sign for sign in given.decode("latin-1") if sign.isascii() and (sign.isalnum() or sign in "_-"))
        guid = f"{kept[:255]}::{guid}"
    return b"x-vcap-request-id", guid.encode()
