"""Stations: what refuses a request before the Cloud Controller works on it. Never answers, changes only what is due.

A scenario's rule that stands at the controller is asked of the requests alone that get there: past the rate limiter,
with a token that is accepted, with the scope, and about something that is there and that the actor may use.
"""

from contextlib import nullcontext
from typing import Any

from mockfoundry.bodies import BodyForm
from mockfoundry.cloudfoundry.api.operations import Operation, find_lookup
from mockfoundry.cloudfoundry.api.request import ApiRequest
from mockfoundry.cloudfoundry.errors import (
    MESSAGE_PARSE_ERROR,
    NOT_AUTHORIZED,
    NOT_FOUND,
    ORG_SUSPENDED,
    RESOURCE_BEING_DELETED,
    RESOURCE_NOT_FOUND,
    SPACE_SUSPENDED,
    Refusal,
)
from mockfoundry.cloudfoundry.jobs import advance_world
from mockfoundry.cloudfoundry.users import User
from mockfoundry.contract.plan import Plan
from mockfoundry.contract.routes import Route
from mockfoundry.exchange.callers import authorize_request, foresee_limit_refusal
from mockfoundry.exchange.context import ExchangeContext
from mockfoundry.exchange.large_bodies import MAX_LOOP_BODY_BYTES
from mockfoundry.exchange.token_server import is_of_uaa
from mockfoundry.foundations.effects import temporarily_applied
from mockfoundry.scenarios.conditions import ABSENT

MALFORMED_CONTENT_TYPE = "406 malformed content type"

LOOKUP_ENTRIES = frozenset(
    {NOT_AUTHORIZED, NOT_FOUND, ORG_SUSPENDED, RESOURCE_BEING_DELETED, RESOURCE_NOT_FOUND, SPACE_SUSPENDED}
)
"""The errors with which an operation refuses what it looks up. With all others it refuses what is asked of that."""


class Stations:
    """What stands between a request and the controller, asked once, and only if a scenario's rule wants to know."""

    def __init__(self, context: ExchangeContext) -> None:
        self._context = context
        self._refused: str | None = None

    @property
    def were_asked(self) -> bool:
        """Whether a rule has wanted to know."""
        return self._refused is not None

    def refused_before(self) -> str:
        """What refuses the request before the controller: `404 CF-ResourceNotFound`; empty where nothing does.

        UAA has no stations before it, so its requests are never refused here.
        """
        if self._refused is None:
            scenario = self._context.requested_scenario
            world_of_request = (
                nullcontext()
                if scenario is None or not scenario.given
                else temporarily_applied(self._context.foundation, scenario, self._context.now)
            )
            with world_of_request:
                try:
                    self._refused = pass_stations(self._context)
                except Refusal as refusal:
                    self._refused = f"{refusal.entry.status} {refusal.entry.title}"
        return self._refused


def pass_stations(context: ExchangeContext) -> str:
    """Takes a request past all stations; gives what refuses it in other words than an error's, empty for nothing.

    Raises:
        Refusal: it is refused.
    """
    if is_of_uaa(context.answering_plan):
        return ""
    refusal = foresee_limit_refusal(context)
    if refusal is not None:
        raise refusal
    route = context.route
    if route is None:
        raise Refusal(NOT_FOUND)
    actor = authorize_request(context, route.plan)
    form = find_unreadable_form(context, route.plan)
    if form is BodyForm.MALFORMED:
        return MALFORMED_CONTENT_TYPE
    if form is not None:
        raise Refusal(MESSAGE_PARSE_ERROR)
    operation = context.service.operations.get(route.plan.operation)
    if operation is not None and route.path:
        look_up(context, route, actor, operation)
    return ""


def find_unreadable_form(context: ExchangeContext, plan: Plan) -> BodyForm | None:
    """The form that a body claims to have and has not; None where it is sound, or is not read here.

    A body that nothing reads must be sound all the same; a large one would take too long.
    """
    content = context.request.content
    if not content or (plan.body is None and len(content) > MAX_LOOP_BODY_BYTES):
        return None
    form = context.request.body_form
    is_unreadable = form is BodyForm.MALFORMED or (form is BodyForm.JSON and context.body is ABSENT)
    return form if is_unreadable else None


def look_up(context: ExchangeContext, route: Route, actor: User, operation: Operation) -> None:
    """Looks up what an operation is about, by what the operation itself looks it up by.

    An operation that only reads is run for that. Where it refuses the query, that is left away: what is asked of a
    thing comes after the question whether it is there.

    Raises:
        Refusal: it is not there, or the actor may not use it.
    """
    world, plan = context.foundation.world, route.plan
    lookup = find_lookup(plan.operation) if plan.writes else operation
    if lookup is None:
        return
    if world.deploying_apps or world.waiting_jobs:
        advance_world(world, context.now)
    body: Any = None if context.body is ABSENT else context.body
    queries = (context.query, {}) if context.query else ({},)
    for query in queries:
        try:
            lookup(world, actor, ApiRequest(route.path, query, body, (), context.now, ""))
        except Refusal as refusal:
            if refusal.entry in LOOKUP_ENTRIES:
                raise
        else:
            return
