"""Rate limiting: how many requests a user may make in a window, and what each answer says of it. Never answers itself.

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
"""Whom requests without a token are counted for: here all clients have one address."""

TENTHS = 10


class RateLimitWindow(msgspec.Struct):
    """The requests of one user in one window.

    Attributes:
        ends: virtual microseconds.
    """

    ends: int
    count: int = 0


class RateLimitDecision(msgspec.Struct, frozen=True):
    """What the limiter says of one request.

    Attributes:
        headers: for the answer, whatever it is.
        refusal: where the limit is exceeded.
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
    """Counts a request; None where no limit applies to whoever makes it.

    Args:
        windows: of this foundation, by user guid.
        authorization: the header's value, empty where there is none.
        real: microseconds of the machine's clock.
    """
    now = world.clock.now(real)
    user, most, refusal = find_applicable_limit(world, limit, authorization, authority, real)
    if most is None:
        return None
    interval = int(limit.interval_seconds * SECOND)
    window = windows.get(user)
    if window is None or now >= window.ends:
        offset = derive_word(world.seed, "rate limit", user) % interval
        window = windows[user] = RateLimitWindow(now + interval - (now - offset) % interval)
    window.count += 1
    left = max(0, most - window.count)
    remaining = math.floor(left * TENTHS / most) * most // TENTHS if most else 0
    headers: tuple[tuple[bytes, bytes], ...] = (
        (b"x-ratelimit-limit", b"%d" % most),
        (b"x-ratelimit-reset", b"%d" % (window.ends // SECOND)),
        (b"x-ratelimit-remaining", b"%d" % remaining),
    )
    if window.count <= most:
        return RateLimitDecision(headers, None)
    wait = -((now - window.ends) // SECOND)
    return RateLimitDecision((*headers, (b"retry-after", b"%d" % wait)), refusal)


def find_applicable_limit(
    world: World, limit: RateLimit, authorization: bytes, authority: Authority, real: int
) -> tuple[str, int | None, Refusal]:
    """For whom a request counts, how many there may be, and the refusal beyond that."""
    try:
        actor = authenticate_actor(world, read_bearer_token(authorization), authority, real)
    except Refusal as refusal:
        # Beyond the limit a token that is no good is told so, rather than of the limit.
        bad_token = refusal.entry is INVALID_AUTH_TOKEN
        beyond = refusal if bad_token else Refusal(ADDRESS_RATE_LIMIT_EXCEEDED, why="world: rate limit, no token")
        return ANONYMOUS_CLIENT, limit.unauthenticated, beyond
    beyond = Refusal(RATE_LIMIT_EXCEEDED, why=f"world: rate limit of {actor.name}")
    privileged = ADMIN in actor.scopes or ADMIN_READ_ONLY in actor.scopes
    return actor.guid, limit.admins if privileged else limit.requests, beyond
