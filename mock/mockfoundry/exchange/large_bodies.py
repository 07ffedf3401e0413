"""Large bodies: read, and held against contract and message, before their exchange. Never touches a foundation.

Nothing else is done with them that takes long, and this needs nothing but the request, so it runs in the worker room.
"""

from typing import Any

from mockfoundry.cloudfoundry.api.operations import find_message_reader
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.contract.plan import Violation
from mockfoundry.contract.routes import QueryReading, Route
from mockfoundry.exchange.context import ReadBody, Service
from mockfoundry.exchange.request import Request, read_request_body
from mockfoundry.scenarios.conditions import ABSENT

MAX_LOOP_BODY_BYTES = 32 * 1024
"""Bytes of a body that is read in its exchange; a larger one is read before, beside the exchanges."""


def read_large_body(service: Service, request: Request, route: Route) -> ReadBody:
    """A body, and what the contract and the operation's message say of it. It touches no foundation."""
    plan, body = route.plan, read_request_body(request)
    reading = service.served.routes.read_query(plan, request.query_string)
    violations = find_violations(request, route, reading, body)
    read_message = find_message_reader(plan.operation) if plan.operation in service.operations else None
    if read_message is None or body is ABSENT:
        return ReadBody(body, violations, None)
    try:
        call = ApiRequest(route.path, reading.parameters, body, violations, 0, "", has_body=True, strict=service.strict)
        return ReadBody(body, violations, read_message(call))
    except Refusal as refusal:
        return ReadBody(body, violations, refusal)


def find_violations(request: Request, route: Route, reading: QueryReading, body: Any) -> tuple[Violation, ...]:
    """What the contract does not allow of a request.

    Args:
        reading: of its query.
        body: ABSENT if there is none.
    """
    plan, violations = route.plan, route.violations
    if plan.body is not None and body is not ABSENT and not plan.body.accepts(body):
        violations += plan.body.violations(body)
    if request.query_string or plan.requires_query:
        violations += reading.violations
    if plan.reads_headers:
        violations += plan.header_violations(request.headers)
    return violations
