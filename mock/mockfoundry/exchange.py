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
from mockfoundry.cloudfoundry.calls import Call
from mockfoundry.cloudfoundry.clock import SECOND, http_date
from mockfoundry.cloudfoundry.errors import (
    BAD_QUERY_PARAMETER,
    NOT_FOUND,
    UNKNOWN_ERROR,
    UNPROCESSABLE_ENTITY,
    Refusal,
    refuse,
)
from mockfoundry.cloudfoundry.operations import Operation
from mockfoundry.cloudfoundry.permissions import ANY_ADMIN, Authority, actor_of, bearer, must_have_scope
from mockfoundry.cloudfoundry.rate_limiting import Verdict, counted
from mockfoundry.cloudfoundry.tokens import claims_of
from mockfoundry.cloudfoundry.words import sentences
from mockfoundry.cloudfoundry.world import RateLimit
from mockfoundry.contract import Contract, Plan, Route, Violation
from mockfoundry.direction import said_of, wished_for
from mockfoundry.foundations import Address, Foundation, Registry, addressed, bring_up_to, lent
from mockfoundry.journal import OPEN
from mockfoundry.outcomes import HTML, changed, example_of, header_text, played, raw, refused, told
from mockfoundry.preferences import first_example
from mockfoundry.requests import Outcome, Parked, Request, take_forwarded
from mockfoundry.scenarios import ABSENT, Decision, Lineup, Progress, Scenario, keep

READ_AS_FORM = b"body: read as a form, as its content type says; JSON needs Content-Type: application/json"

log = logging.getLogger("mockfoundry")


@dataclass(frozen=True, slots=True)
class Service:
    """What a server serves: everything an exchange needs beside a foundation and a request.

    Attributes:
        operations: the behaviours by operationId; an operation of the contract without one is served from its examples.
        lineups: the scenarios that a request may ask for by name, each compiled.
        authority: whose tokens count.
        trust_forwarded: whether `X-Forwarded-Proto` and `X-Forwarded-Host` say where a request was sent to.
        strict: whether what the real one lets pass, though its documentation does not, is refused.
    """

    contract: Contract
    operations: Mapping[str, Operation]
    registry: Registry
    lineups: Mapping[str, Lineup]
    authority: Authority
    trust_forwarded: bool = False
    strict: bool = False


def answer(service: Service, request: Request) -> Outcome | Parked:
    """The outcome of a request: its foundation and its plan are found, and the exchange is made."""
    address = address_of(service, request)
    return answer_routed(service, request, address, service.contract.routes.find(request.method, address.path))


def address_of(service: Service, request: Request) -> Address:
    """Which foundation a request is for, and its path there: as it says itself, else as its token says."""
    headers = request.headers
    request.host = headers.get(b"host", b"")
    if service.trust_forwarded:
        take_forwarded(request)
    address = addressed(request.target, headers.get(b"x-mock-foundation"), request.host)
    if address.named or b"." not in headers.get(b"authorization", b""):
        return address
    claims = claims_of(service.authority.key, request.token)
    return address if claims is None else Address(claims.foundation, address.path)


class Turn(msgspec.Struct):
    """One request on its way through the exchange.

    Attributes:
        route: None where the contract has none.
        prefix: what links need before the path.
        decision: what the scenarios said, None for nothing.
        waited: whether it was parked, so that its client may be gone.
        progress: of the scenarios that said it.
        lent: the scenario that the request itself named, None for none.
    """

    service: Service
    foundation: Foundation
    request: Request
    route: Route | None
    prefix: str
    progress: Progress
    decision: Decision | None = None
    lent: Scenario | None = None
    waited: bool = False


def answer_routed(service: Service, request: Request, address: Address, route: Route | None) -> Outcome | Parked:
    """The outcome of a request whose route was looked for; None where the contract has none."""
    try:
        foundation = service.registry.named(address.name, request.arrived)
        if route is not None:
            request.operation = route.plan.operation
            request.path = route.path
        turn = Turn(service, foundation, request, route, address.prefix, foundation.progress)
        headers = request.headers
        if not (foundation.lineup.scenarios or b"x-mock-scenario" in headers or b"prefer" in headers):
            return exchanged(turn)
        try:
            return directed(turn)
        except Refusal as refusal:
            return finished(turn, refused(refusal))
    except Refusal as refusal:
        return refused(refusal)
    except Exception:
        return failed(request)


def directed(turn: Turn) -> Outcome | Parked:
    """The outcome of a request that a preference or a scenario may have a say in.

    Raises:
        Refusal: 400, where it asks for what there is not.
    """
    foundation, request, route = turn.foundation, turn.request, turn.route
    bring_up_to(foundation, foundation.world.clock.now(request.arrived))
    wished = None if route is None else wished_for(route.plan, request.headers.get(b"prefer"))
    if wished is not None:
        return finished(turn, wished)
    decision, turn.progress, turn.lent = said_of(turn.service.lineups, foundation, request)
    turn.decision = decision
    respond = None if decision is None else decision.respond
    if decision is None or respond is None or respond.phase == "after":
        return lent_to(turn)
    if respond.answers:
        return finished(turn, played(route and route.plan, decision, respond))
    hold = respond.hold
    held = hold is not None and hold.at == "before-commit"
    if not (held or decision.delay):
        return lent_to(turn)
    name = f"{foundation.name}/{hold.name or decision.scenario}" if hold is not None and held else ""
    at_most = hold.at_most if hold is not None and held else 0
    turn.waited = True
    # Until then it is in use, however idle it looks.
    foundation.asked = max(foundation.asked, request.arrived + decision.delay + at_most)
    return Parked(decision.delay, name, at_most, partial(resumed, turn), partial(given_up, turn))


def resumed(turn: Turn, real: int) -> Outcome:
    """The outcome of a request that was kept waiting, on the foundation that has the name by now."""
    turn.request.arrived = real
    try:
        turn.foundation = turn.service.registry.named(turn.foundation.name, real)
        outcome = lent_to(turn)
    except Refusal as refusal:
        return refused(refusal)
    except Exception:
        return failed(turn.request)
    # It has waited already; the journal has noted for how long.
    outcome.delay = 0
    return outcome


def given_up(turn: Turn, refusal: Refusal) -> Outcome:
    """The outcome of a request that can't be kept waiting; nothing of it was done."""
    turn.decision = None
    return finished(turn, refused(refusal))


def lent_to(turn: Turn) -> Outcome:
    """The exchange, on a world that the scenario which the request named has changed for it alone."""
    scenario, foundation = turn.lent, turn.foundation
    if scenario is None or not scenario.given:
        return exchanged(turn)
    with lent(foundation, scenario, foundation.world.clock.now(turn.request.arrived)):
        outcome = exchanged(turn)
    if turn.decision is None:
        said = f"scenario {scenario.name}, for this request; {outcome.why}"
        outcome.headers[0] = (b"x-mock-why", header_text(said))
    return outcome


def exchanged(turn: Turn) -> Outcome:
    """The exchange itself, and what a decided scenario makes of its outcome."""
    foundation, request, route, decision = turn.foundation, turn.request, turn.route, turn.decision
    limit = foundation.world.settings.rate_limit
    limited = None if limit is None else limited_by(turn.service, foundation, limit, request)
    try:
        if limited is not None and limited.refusal is not None:
            raise limited.refusal
        if route is None:
            raise refuse(NOT_FOUND, why="contract: no such route")
        outcome = exchange(turn.service, foundation, request, route, turn.prefix)
    except Refusal as refusal:
        outcome = refused(refusal)
        if request.content and request.body_form is BodyForm.FORM:
            outcome.headers.append((b"x-mock-contract", READ_AS_FORM))
    except Exception:
        outcome = failed(request)
    if limited is not None:
        outcome.headers.extend(limited.headers)
    if decision is None:
        return finished(turn, outcome)
    respond = decision.respond
    if respond is None:
        outcome.headers[0] = (b"x-mock-why", header_text(f"{decision.why}: pass; {outcome.why}"))
        return finished(turn, outcome)
    if respond.phase == "after":
        if not 200 <= outcome.status < 300:
            turn.decision = None
            return finished(turn, outcome)
        keep(turn.progress, decision)
        if respond.fault is not None:
            outcome.fault = respond.fault
        elif respond.answers:
            outcome = played(route and route.plan, decision, respond)
    outcome.headers[0] = (b"x-mock-why", header_text(f"{decision.why}; {outcome.why}"))
    return finished(turn, outcome)


def failed(request: Request) -> Outcome:
    """The outcome of a request that mockfoundry itself failed on; call it where the exception is at hand."""
    log.exception("mockfoundry failed on %s %s", request.method, request.target)
    return refused(Refusal(UNKNOWN_ERROR, why="mockfoundry failed; its log has the traceback"))


def exchange(service: Service, foundation: Foundation, request: Request, route: Route, prefix: str) -> Outcome:
    """One request against one foundation, in the order of design section 2, steps 4 to 6.

    Raises:
        Refusal: the request is refused; nothing was changed.
    """
    plan = route.plan
    headers = request.headers
    world = foundation.world
    actor = ANY_ADMIN
    if plan.secured:
        actor = actor_of(world, bearer(headers.get(b"authorization", b"")), service.authority, request.arrived)
        request.actor = actor.name
        must_have_scope(actor, "write" if plan.writes else "read")
    violations = route.violations
    body = ABSENT
    if plan.body is not None and request.content:
        if request.body_form is BodyForm.MALFORMED:
            return raw(406, b"", "content type: malformed", HTML)
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
        return canned(plan, body is not ABSENT, violations)
    given = body is not ABSENT
    call = Call(
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
    request.kept = plan.writes and answer.status < 300
    request.changed = request.kept and answer.changed
    outcome = told(answer)
    outcome.headers.append((b"x-user-guid", actor.guid.encode()))
    if request.content and not given and plan.body is not None:
        outcome.headers.append((b"x-mock-contract", b"body: not read, its content type is not application/json"))
    return outcome


def limited_by(service: Service, foundation: Foundation, limit: RateLimit, request: Request) -> Verdict | None:
    """What the foundation's rate limiter says of a request."""
    authorization = request.headers.get(b"authorization", b"")
    return counted(foundation.world, limit, foundation.windows, authorization, service.authority, request.arrived)


def finished(turn: Turn, outcome: Outcome) -> Outcome:
    """An outcome with its date and its id, with what a scenario wishes of it, and with its place in the journal."""
    foundation, request, decision = turn.foundation, turn.request, turn.decision
    now = foundation.world.clock.now(request.arrived)
    outcome.headers += ((b"date", http_date(now // SECOND)), request_id_of(foundation, request))
    journal = foundation.journal
    if decision is None:
        worldly = outcome.status >= 400 and bool(foundation.changes)
        journal.record(request, outcome, now, near=request.near, worldly=worldly)
        return outcome
    respond = decision.respond
    phase = ""
    if respond is not None:
        changed(outcome, decision, respond, foundation.name)
        phase = respond.phase if respond.answers else ""
    delay = int(outcome.delay * foundation.world.clock.rate)
    number = journal.record(request, outcome, now, decision.scenario, decision.rule, phase, delay=delay)
    if outcome.fault or outcome.delay or outcome.hold or turn.waited:
        journal.was_sent(number, OPEN)
        outcome.sent = partial(journal.was_sent, number)
        foundation.asked = max(foundation.asked, request.arrived + outcome.delay + outcome.hold_at_most)
    return outcome


def canned(plan: Plan, has_body: bool, violations: tuple[Violation, ...]) -> Outcome:
    """The contract's own example of success, for a request that the contract allows.

    Raises:
        Refusal: 400 or 422, where it does not.
    """
    if plan.body_required and not has_body:
        violations += (Violation("body", "", "required", None, "body"),)
    if violations:
        text = sentences(violations)
        why = f"contract: {violations[0]}"
        if violations[0].place == "body":
            raise refuse(UNPROCESSABLE_ENTITY, text, why)
        place = "parameter" if violations[0].place == "path" else f"{violations[0].place} parameter"
        raise refuse(BAD_QUERY_PARAMETER, f"The {place} is invalid: {text}", why)
    documented = plan.responses[plan.success]
    return example_of(documented, first_example(documented), "contract: example")


def request_id_of(foundation: Foundation, request: Request) -> tuple[bytes, bytes]:
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
