"""Rate limits: how many requests a client may send in a window, and what headers say of it. Never sends a response.

Source: cloud_controller_ng, middleware/base_rate_limiter.rb, middleware/rate_limiter.rb and
middleware/mixins/user_reset_interval.rb.
"""

import math
from collections.abc import Container, Mapping

import msgspec

from mockfoundry.cloudfoundry.auth import ADMIN, ADMIN_READ_ONLY, Authority, authenticate_actor, read_bearer_token
from mockfoundry.cloudfoundry.clock import SECOND
from mockfoundry.cloudfoundry.errors import (
    ADDRESS_RATE_LIMIT_EXCEEDED,
    INVALID_AUTH_TOKEN,
    RATE_LIMIT_EXCEEDED,
    Refusal,
)
from mockfoundry.cloudfoundry.generator import derive_word
from mockfoundry.cloudfoundry.settings import RateLimit
from mockfoundry.cloudfoundry.world import World

ANONYMOUS_CLIENT = ""
"""Whom requests without a valid token are counted for: here all clients have one address."""

TENTHS = 10
"""The Cloud Controller rounds what remains down to tenths of the limit."""

GENERAL_LIMIT = 2000
"""What a 429 names as the limit where none is set [config rate_limiter.general_limit]."""

UNKNOWN_WAIT = 1
"""Retry-After of a 429 that no window is the reason for, in seconds: short, since a client's test waits so long."""

UNCOUNTED_PATHS = frozenset({"/", "/v3", "/v2/info", "/healthz"})
"""Without a query these are open, and are not counted."""


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


def is_counted(path: str, query_string: bytes, authorization: bytes) -> bool:
    """Whether the rate limiter counts a request, whoever sends it.

    Args:
        path: in the API, without what names the foundation.
        authorization: the header's value, empty if there is none.
    """
    if path in UNCOUNTED_PATHS and not query_string:
        return False
    return authorization[:6].lower() != b"basic " and not path.startswith("/internal")


def format_limit_headers(limit: int, reset: int, remaining: int) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that say what a client has left.

    Args:
        reset: seconds since the epoch.
    """
    return (
        (b"x-ratelimit-limit", b"%d" % limit),
        (b"x-ratelimit-reset", b"%d" % reset),
        (b"x-ratelimit-remaining", b"%d" % remaining),
    )


def estimate_remaining(limit: int, count: int) -> int:
    """How many requests a client has left, in the arithmetic of the Cloud Controller: of 90, 19 of them used, 62.

    The share that is left is rounded down to tenths as Ruby's Float#floor does it [ruby, float.c, rb_float_floor], then
    multiplied by the limit, all in floating point.
    """
    if count >= limit:
        return 0
    share = (limit - count) / limit
    tenths = math.floor(share * TENTHS)
    floored = (tenths + 1) / TENTHS
    return int((floored if floored <= share else tenths / TENTHS) * limit)


def count_request(
    world: World,
    limit: RateLimit,
    windows: dict[str, RateLimitWindow],
    authorization: bytes,
    authority: Authority,
    issuers: Container[str],
    real_time: int,
) -> RateLimitDecision | None:
    """Counts a request; None where its client has no limit.

    Args:
        windows: of this foundation, by the client's user guid.
        authorization: the header's value, empty if there is none.
        issuers: whose minted tokens count in the foundation.
        real_time: microseconds of the machine's clock.
    """
    now = world.clock.now(real_time)
    client, maximum, refusal = find_applicable_limit(world, limit, authorization, authority, issuers, real_time)
    if maximum is None:
        return None
    interval = int(limit.interval_seconds * SECOND)
    window = windows.get(client)
    if window is None or now >= window.ends:
        # Whole seconds, so that a window ends with a second, which is what the headers can name.
        offset = derive_word(world.random_seed, "rate limit", client) % interval // SECOND * SECOND
        window = windows[client] = RateLimitWindow(now + interval - (now - offset) % interval)
    window.count += 1
    wait = -((now - window.ends) // SECOND)
    headers = format_limit_headers(maximum, now // SECOND + wait, estimate_remaining(maximum, window.count))
    if window.count <= maximum:
        return RateLimitDecision(headers, None)
    return RateLimitDecision((*headers, (b"retry-after", b"%d" % wait)), refusal)


def find_limit_refusal(
    world: World,
    limit: RateLimit,
    windows: Mapping[str, RateLimitWindow],
    authorization: bytes,
    authority: Authority,
    issuers: Container[str],
    real_time: int,
) -> Refusal | None:
    """How a request would be refused if it was counted now; None where it would not be. It is not counted.

    Args:
        windows, authorization, issuers, real_time: as for `count_request`.
    """
    client, maximum, refusal = find_applicable_limit(world, limit, authorization, authority, issuers, real_time)
    if maximum is None:
        return None
    window = windows.get(client)
    counted = 0 if window is None or world.clock.now(real_time) >= window.ends else window.count
    return refusal if counted >= maximum else None


def find_applicable_limit(
    world: World, limit: RateLimit, authorization: bytes, authority: Authority, issuers: Container[str], real_time: int
) -> tuple[str, int | None, Refusal]:
    """The client that a request is counted for, how many it may send, and the refusal of those beyond."""
    try:
        actor = authenticate_actor(world, read_bearer_token(authorization), authority, issuers, real_time)
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
