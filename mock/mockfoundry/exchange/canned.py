"""Canned responses: what the contract alone answers, and refusals in the form that it documents. Never asks a world."""

import logging

from mockfoundry.bodies import BodyForm
from mockfoundry.cloudfoundry.api.messages import describe_violations
from mockfoundry.cloudfoundry.errors import (
    BAD_QUERY_PARAMETER,
    UNKNOWN_ERROR,
    UNPROCESSABLE_ENTITY,
    Refusal,
)
from mockfoundry.contract.plan import Plan, Violation
from mockfoundry.exchange.context import ExchangeContext
from mockfoundry.exchange.documented import DocumentedBody
from mockfoundry.exchange.request import Request
from mockfoundry.exchange.response import (
    OWN_FAILURE_REASON,
    Response,
    documented_response,
    example_response,
    response_from_documented_refusal,
    response_from_refusal,
)
from mockfoundry.exchange.token_server import response_from_refusal_of
from mockfoundry.journal.entry import DecidedBy

READ_AS_FORM_NOTE = b"body: read as a form, as its content type says; JSON needs Content-Type: application/json"

log = logging.getLogger("mockfoundry")


def refused_response(context: ExchangeContext, refusal: Refusal, decided_by: DecidedBy) -> Response:
    """The response to a refused request; it says where the body was read as a form, which may be the reason."""
    request, route = context.request, context.route
    if route is None:
        response = response_from_refusal(refusal, decided_by)
    else:
        random_seed = context.foundation.world.random_seed
        response = response_from_documented_refusal(route.plan, refusal, decided_by, random_seed)
    if request.content and request.body_form is BodyForm.FORM:
        response.headers.append((b"x-mock-contract", READ_AS_FORM_NOTE))
    return response


def response_from_failure(request: Request, plan: Plan | None) -> Response:
    """The response to a request that mockfoundry itself failed on. To be called while the exception is handled.

    Args:
        plan: of the operation, None where the route is unknown.
    """
    from mockfoundry.journal.redaction import redact_line

    log.exception("mockfoundry failed on %s %s", request.method, redact_line(request.target))
    refusal = Refusal(UNKNOWN_ERROR, why=OWN_FAILURE_REASON)
    return response_from_refusal_of(plan, refusal, "failure")


def canned_response(
    context: ExchangeContext, plan: Plan, has_body: bool, violations: tuple[Violation, ...]
) -> Response:
    """The contract's own answer of success, or a refusal (400 or 422) of what the contract does not allow."""
    request = context.request
    if plan.body_required and not has_body and not (request.content and is_documented_media_type(plan, request)):
        violations += (Violation("body", "", "required", None, "body"),)
    if not violations:
        documented = plan.responses[plan.success_status]

        def respond(found: DocumentedBody) -> Response:
            return example_response(documented, found.value, f"contract: {found.origin}", "contract")

        return documented_response(plan, documented, context.foundation.world.random_seed, "contract", respond)
    text, reason = describe_violations(violations), f"contract: {violations[0]}"
    place = violations[0].place
    if place != "body":
        text = f"The {'parameter' if place == 'path' else f'{place} parameter'} is invalid: {text}"
    # Many an API documents but one of the two.
    entry, other = UNPROCESSABLE_ENTITY, BAD_QUERY_PARAMETER
    if place != "body":
        entry, other = other, entry
    if plan.find_response(entry.status) is None and plan.find_response(other.status) is not None:
        entry = other
    return refused_response(context, Refusal(entry, text, reason), "contract")


def is_documented_media_type(plan: Plan, request: Request) -> bool:
    """Whether a request's body is of a documented media type; one that is not JSON is taken as it is."""
    found = request.header(b"content-type").partition(";")[0].strip().lower()
    return found in plan.bodies and "json" not in found
