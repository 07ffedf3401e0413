"""Rate limits: how many requests a client may send in a window, and what headers say of it. Never sends a response.

Source: cloud_controller_ng, middleware/base_rate_limiter.rb, middleware/rate_limiter.rb and
middleware/mixins/user_reset_interval.rb.
"""

import math

import msgspec

from mockfoundry.cloudfoundry.auth import ADMIN, ADMIN_READ_ONLY, Authority, authenticate_actor, read_bearer_token
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.errors import INVALID_AUTH_TOKEN, RATE_LIMIT_EXCEEDED, CatalogueEntry, Refusal
from mockfoundry.cloudfoundry.generator import derive_word
from mockfoundry.cloudfoundry.model import RateLimit
from mockfoundry.cloudfoundry.world import World

ADDRESS_RATE_LIMIT_EXCEEDED = CatalogueEntry(
    "CF-IPBasedRateLimitExceeded",
    10014,
    429,
    "Rate Limit Exceeded: Unauthenticated requests from this IP address have exceeded the limit. Please log in.",
)

ANONYMOUS_CLIENT = ""
"""Whom requests without a valid token are counted for: here all clients have one address."""

TENTHS = 10
"""The Cloud Controller rounds what remains down to tenths of the limit."""


class RateLimitWindow(msgspec.Struct):
    """The requests of one client in one window.

    Attributes:
        ends: virtual microseconds.
    """

    ends: int
    count: int = 0


class RateLimitDecision(msgspec.Struct, frozen=True):
    """What the rate limit makes of one request.

    Attributes:
        headers: of the response, whatever it is.
        refusal: None where the limit is not exceeded.
    """

    headers: tuple[tuple[bytes, bytes], ...]
    refusal: Refusal | None


def count_request(
    world: World,
    limit: RateLimit,
    windows: dict[str, RateLimitWindow],
    authorization: bytes,
    authority: Authority,
    real: int,
) -> RateLimitDecision | None:
    """Counts a request; None where its client has no limit.

    Args:
        windows: of this foundation, by the client's user guid.
        authorization: the header's value, empty if there is none.
        real: microseconds of the machine's clock.
    """
    now = world.clock.now(real)
    client, maximum, refusal = find_applicable_limit(world, limit, authorization, authority, real)
    if maximum is None:
        return None
    interval = int(limit.interval_seconds * SECOND)
    window = windows.get(client)
    if window is None or now >= window.ends:
        offset = derive_word(world.seed, "rate limit", client) % interval
        window = windows[client] = RateLimitWindow(now + interval - (now - offset) % interval)
    window.count += 1
    unused = max(0, maximum - window.count)
    remaining = math.floor(unused * TENTHS / maximum) * maximum // TENTHS if maximum else 0
    headers: tuple[tuple[bytes, bytes], ...] = (
        (b"x-ratelimit-limit", b"%d" % maximum),
        (b"x-ratelimit-reset", b"%d" % (window.ends // SECOND)),
        (b"x-ratelimit-remaining", b"%d" % remaining),
    )
    if window.count <= maximum:
        return RateLimitDecision(headers, None)
    wait = -((now - window.ends) // SECOND)
    return RateLimitDecision((*headers, (b"retry-after", b"%d" % wait)), refusal)


def find_applicable_limit(
    world: World, limit: RateLimit, authorization: bytes, authority: Authority, real: int
) -> tuple[str, int | None, Refusal]:
    """The client that a request is counted for, how many it may send, and the refusal of those beyond."""
    try:
        actor = authenticate_actor(world, read_bearer_token(authorization), authority, real)
    except Refusal as refusal:
        # Beyond the limit, a client with an invalid token hears of the token and not of the limit.
        invalid_token = refusal.entry is INVALID_AUTH_TOKEN
        refusal_beyond = (
            refusal if invalid_token else Refusal(ADDRESS_RATE_LIMIT_EXCEEDED, why="world: rate limit, no token")
        )
        return ANONYMOUS_CLIENT, limit.unauthenticated, refusal_beyond
    refusal_beyond = Refusal(RATE_LIMIT_EXCEEDED, why=f"world: rate limit of {actor.name}")
    privileged = ADMIN in actor.scopes or ADMIN_READ_ONLY in actor.scopes
    return actor.guid, limit.admins if privileged else limit.requests, refusal_beyond
