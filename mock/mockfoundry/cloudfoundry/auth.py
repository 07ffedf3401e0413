"""Authentication and permissions: who sends a request, and what they may read and change. Never changes anything.

Tokens have the form of UAA's own, so that clients which look inside find what they expect: a JWT with the user's name,
scopes and expiry [cloudfoundry/uaa, docs/UAA-Tokens.md]. Times in them are those of the foundation's clock.

Permissions: cloud_controller_ng, lib/cloud_controller/permissions.rb and app/controllers/v3/application_controller.rb.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec

from mockfoundry.cloudfoundry.clock import LATEST_MOMENT, SECOND
from mockfoundry.cloudfoundry.errors import INVALID_AUTH_TOKEN, NOT_AUTHENTICATED, NOT_AUTHORIZED, Refusal
from mockfoundry.cloudfoundry.model import Space, User
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.times import format_moment

# Tokens

FOUNDATION_CLAIM = "mock_foundation"
"""The claim that names the foundation; UAA's tokens do not have it."""

TOKEN_LIFETIME = 10 * 365 * 24 * 3600 * SECOND
"""How long a token is valid by default: so long that no test sees it expire without asking for that."""

MAX_TOKEN_LENGTH = 4_096
"""Longer tokens are not minted here, and longer headers are read without a cache, which would keep them."""

_ALGORITHM = "HS256"
_CLIENT = "cf"


class TokenClaims(msgspec.Struct, frozen=True, array_like=True):
    """The claims of a token that mockfoundry reads.

    Attributes:
        foundation: its name.
        user: the user's name.
        expires: virtual microseconds.
    """

    foundation: str
    user: Annotated[str, msgspec.Meta(pattern="^[^\ud800-\udfff]*$")]
    expires: Annotated[int, msgspec.Meta(ge=0, le=LATEST_MOMENT)]


def derive_signing_key(random_seed: int) -> bytes:
    """The key that a server's tokens are signed with; it follows from the server's random seed."""
    return blake2b(f"tokens\0{random_seed}".encode(), digest_size=32).digest()


def sign_token(key: bytes, foundation: str, user: User, now: int, expires: int, number: int) -> str:
    """A signed token for a user.

    Args:
        foundation: its name.
        now, expires: virtual microseconds; a token has whole seconds, so its end is rounded up.
        number: distinguishes tokens that one user gets at the same moment.
    """
    # Imported late: few servers ever sign a token, and a start should be short.
    import jwt

    end = -(-expires // SECOND)
    claims: dict[str, Any] = {
        "jti": blake2b(f"{foundation}\0{user.guid}\0{now}\0{number}".encode(), digest_size=16).hexdigest(),
        "sub": user.guid,
        "scope": sorted(user.scopes),
        "client_id": _CLIENT,
        "cid": _CLIENT,
        "azp": _CLIENT,
        "grant_type": "password",
        "user_id": user.guid,
        "origin": "uaa",
        "user_name": user.name,
        "email": user.name,
        "auth_time": now // SECOND,
        "iat": now // SECOND,
        "exp": end,
        "iss": "http://uaa.mockfoundry/oauth/token",
        "zid": "uaa",
        "aud": ["cloud_controller", _CLIENT],
        FOUNDATION_CLAIM: foundation,
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def claims_from_token(key: bytes, token: str) -> TokenClaims | None:
    """The claims of a token, expired or not; None where it was not signed with that key."""
    # Each decoded text is cached, so a text that can't be a token of ours is not decoded.
    return decode_claims(key, token) if len(token) <= MAX_TOKEN_LENGTH and token.count(".") == 2 else None


@lru_cache(maxsize=4096)
def decode_claims(key: bytes, token: str) -> TokenClaims | None:
    import jwt

    # Time is the foundation's, so the library must not compare with the machine's clock.
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
    try:
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM], options=options)
        return msgspec.convert((claims[FOUNDATION_CLAIM], claims["user_name"], claims["exp"] * SECOND), TokenClaims)
    except (jwt.PyJWTError, msgspec.ValidationError, KeyError, TypeError, ValueError):
        return None


# Actors and what they may do

ADMIN = "cloud_controller.admin"
ADMIN_READ_ONLY = "cloud_controller.admin_read_only"
GLOBAL_AUDITOR = "cloud_controller.global_auditor"
READ = "cloud_controller.read"
WRITE = "cloud_controller.write"

Scope = Literal["read", "write"]

_READS_EVERYTHING = frozenset({ADMIN, ADMIN_READ_ONLY, GLOBAL_AUDITOR})
_SUFFICIENT_SCOPES = {
    "read": frozenset({ADMIN, ADMIN_READ_ONLY, GLOBAL_AUDITOR, READ}),
    "write": frozenset({ADMIN, WRITE}),
}
_SPACE_READERS = frozenset({"space_developer", "space_supporter", "space_manager", "space_auditor"})
_APP_MANAGERS = frozenset({"space_developer", "space_supporter"})
_NO_ROLES: frozenset[str] = frozenset()

ANY_ADMIN = User(
    guid="5c0d0a1e-3f6b-4a52-9d59-0f1f4c3b7a10",
    name="admin",
    scopes=frozenset({ADMIN, READ, WRITE}),
    organization_roles={},
    space_roles={},
)
"""The actor of a token that names no user, so that tests which are not about roles need no users."""


def read_bearer_token(authorization: bytes) -> str:
    """The token of an Authorization header; another scheme than bearer counts as none [uaa_token_decoder.rb].

    Raises:
        Refusal: 401, if there is none.
    """
    if len(authorization) <= MAX_TOKEN_LENGTH:
        return parse_bearer_token(authorization)
    return parse_bearer_token.__wrapped__(authorization)


@lru_cache(maxsize=1024)
def parse_bearer_token(authorization: bytes) -> str:
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(NOT_AUTHENTICATED, why="no bearer token")
    token = token.strip()
    if not token:
        raise Refusal(INVALID_AUTH_TOKEN, why="the bearer token is empty")
    return token


class Authority(msgspec.Struct, frozen=True):
    """Which tokens a server accepts.

    Attributes:
        key: that minted tokens are signed with.
        strict: whether only minted tokens and the names of seeded users are accepted; else any other is an admin's.
    """

    key: bytes = b""
    strict: bool = False


def authenticate_actor(world: World, token: str, authority: Authority, real: int) -> User:
    """The actor of a token: the seeded user that it names, the user that it was minted for, else an admin.

    Args:
        real: microseconds of the machine's clock.

    Raises:
        Refusal: 401, where a minted token has expired or its user is gone, or where any other token is not accepted.
    """
    user = world.users.get(token)
    if user is not None:
        return user
    claims = claims_from_token(authority.key, token) if "." in token else None
    if claims is not None:
        if world.clock.now(real) >= claims.expires:
            raise Refusal(
                INVALID_AUTH_TOKEN, why=f"the token of {claims.user} expired at {format_moment(claims.expires)}"
            )
        return find_user(world, claims.user)
    if authority.strict:
        raise Refusal(INVALID_AUTH_TOKEN, why="the token was not minted here and names no seeded user (--strict-auth)")
    return ANY_ADMIN


def find_user(world: World, name: str) -> User:
    """The seeded user of that name, or the `admin` that every foundation has.

    Raises:
        Refusal: 401, if there is none.
    """
    user = world.users.get(name)
    if user is None and name != ANY_ADMIN.name:
        raise Refusal(INVALID_AUTH_TOKEN, why=f"the token's user {name} is not in this foundation")
    return user or ANY_ADMIN


def require_scope(actor: User, scope: Scope) -> None:
    """Raises Refusal (403) where the actor's scopes do not allow reading, or writing, at all."""
    if actor.scopes.isdisjoint(_SUFFICIENT_SCOPES[scope]):
        raise Refusal(NOT_AUTHORIZED, why=f"the token of {actor.name} has no {scope} scope")


def is_admin(actor: User) -> bool:
    return ADMIN in actor.scopes


def may_read_space(actor: User, space: Space) -> bool:
    """Whether the actor sees a space and the apps and processes in it."""
    if not actor.scopes.isdisjoint(_READS_EVERYTHING):
        return True
    if not actor.space_roles.get(space.guid, _NO_ROLES).isdisjoint(_SPACE_READERS):
        return True
    return manages_organization(actor, space)


def manages_organization(actor: User, space: Space) -> bool:
    """Whether the actor is a manager of the organization that a space is in."""
    return "organization_manager" in actor.organization_roles.get(space.organization, _NO_ROLES)


def may_manage_apps(actor: User, space: Space) -> bool:
    """Whether the actor's roles allow changes of the apps and processes in a space."""
    return ADMIN in actor.scopes or not actor.space_roles.get(space.guid, _NO_ROLES).isdisjoint(_APP_MANAGERS)


def may_see_secrets(actor: User, space: Space) -> bool:
    """Whether the actor is shown the commands of the processes in a space."""
    return (
        ADMIN in actor.scopes
        or ADMIN_READ_ONLY in actor.scopes
        or "space_developer" in actor.space_roles.get(space.guid, _NO_ROLES)
    )
