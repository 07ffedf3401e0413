"""Callers: who sends the request of an exchange, and what the rate limit says of them. Never runs an operation."""

from contextlib import suppress

from mockfoundry.cloudfoundry.auth import authenticate_actor, read_bearer_token
from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.cloudfoundry.rate_limits import RateLimitDecision, count_request, is_counted
from mockfoundry.cloudfoundry.settings import RateLimit
from mockfoundry.cloudfoundry.users import User
from mockfoundry.exchange.context import ExchangeContext
from mockfoundry.exchange.token_server import is_of_uaa


def identify_actor(context: ExchangeContext) -> None:
    """Notes who asks, where the route needs a token; a token that is not accepted is refused in its turn."""
    if context.route is None or not context.route.plan.secured:
        return
    with suppress(Refusal):
        context.actor = authenticate_request(context).name


def authenticate_request(context: ExchangeContext) -> User:
    """Who asks; raises Refusal (401) where there is no token, or one that is not accepted."""
    token = read_bearer_token(context.request.headers.get(b"authorization", b""))
    foundation, authority = context.foundation, context.service.authority
    return authenticate_actor(foundation.world, token, authority, foundation.token_issuers, context.real_time)


def check_rate_limit(context: ExchangeContext, limit: RateLimit) -> RateLimitDecision | None:
    """What the foundation's rate limiter says of a request; None where it does not count it."""
    foundation, authority, request = context.foundation, context.service.authority, context.request
    if is_of_uaa(context.answering_plan):
        return None
    authorization = context.headers.get(b"authorization", b"")
    if not is_counted(request.target.removeprefix(context.prefix) or "/", request.query_string, authorization):
        return None
    issuers = foundation.token_issuers
    return count_request(
        foundation.world, limit, foundation.windows, authorization, authority, issuers, context.real_time
    )
