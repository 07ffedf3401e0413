"""Callers: who sends the request of an exchange, and what the rate limit says of them. Never runs an operation."""

from contextlib import suppress

from mockfoundry.cloudfoundry.auth import (
    ANY_ADMIN,
    ANY_BEARER,
    require_scope,
)
from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.cloudfoundry.rate_limits import (
    RateLimitDecision,
    count_request,
    find_limit_refusal,
    is_counted,
)
from mockfoundry.cloudfoundry.settings import RateLimit
from mockfoundry.cloudfoundry.users import User
from mockfoundry.contract.plan import Plan
from mockfoundry.exchange.context import ExchangeContext
from mockfoundry.exchange.token_server import is_of_uaa


def identify_actor(context: ExchangeContext) -> None:
    """Notes who asks, where the route needs a token; a token that is not accepted is refused in its turn."""
    if context.route is None or not context.route.plan.secured:
        return
    with suppress(Refusal):
        context.actor = context.authenticate().name


def authorize_request(context: ExchangeContext, plan: Plan) -> User:
    """Who asks, where the operation needs a token, and whoever it is elsewhere.

    Raises:
        Refusal: 401, without a token or with one that is not accepted; 403, without the scope for it.
    """
    if not plan.secured:
        return ANY_ADMIN
    actor = context.authenticate()
    context.actor = actor.name
    context.is_unknown_bearer = actor is ANY_BEARER and bool(context.foundation.world.users)
    require_scope(actor, "write" if plan.writes else "read")
    return actor


def check_rate_limit(context: ExchangeContext, limit: RateLimit) -> RateLimitDecision | None:
    """What the foundation's rate limiter says of a request; None where it does not count it."""
    foundation, authority = context.foundation, context.service.authority
    if not is_limited(context):
        return None
    authorization, issuers = context.headers.get(b"authorization", b""), foundation.token_issuers
    return count_request(
        foundation.world, limit, foundation.windows, authorization, authority, issuers, context.real_time
    )


def foresee_limit_refusal(context: ExchangeContext) -> Refusal | None:
    """How the rate limiter would refuse a request, which it does not count yet; None where it would not."""
    foundation, authority = context.foundation, context.service.authority
    limit = foundation.world.settings.rate_limit
    if limit is None or not is_limited(context):
        return None
    authorization, issuers = context.headers.get(b"authorization", b""), foundation.token_issuers
    return find_limit_refusal(
        foundation.world, limit, foundation.windows, authorization, authority, issuers, context.real_time
    )


def is_limited(context: ExchangeContext) -> bool:
    """Whether the rate limiter counts a request, where there is one."""
    request = context.request
    if is_of_uaa(context.answering_plan):
        return False
    authorization = context.headers.get(b"authorization", b"")
    return is_counted(request.target.removeprefix(context.prefix) or "/", request.query_string, authorization)
