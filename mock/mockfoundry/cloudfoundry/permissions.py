"""Permissions: who asks, by which token, and what they may read and change. Never changes anything.

Source: cloud_controller_ng, lib/cloud_controller/permissions.rb and app/controllers/v3/application_controller.rb.
"""

from functools import lru_cache
from typing import Literal

import msgspec

from mockfoundry.cloudfoundry.clock import written
from mockfoundry.cloudfoundry.errors import INVALID_AUTH_TOKEN, NOT_AUTHENTICATED, NOT_AUTHORIZED, refuse
from mockfoundry.cloudfoundry.tokens import LONGEST_TOKEN, claims_of
from mockfoundry.cloudfoundry.world import Space, User, World

ADMIN = "cloud_controller.admin"
ADMIN_READ_ONLY = "cloud_controller.admin_read_only"
GLOBAL_AUDITOR = "cloud_controller.global_auditor"
READ = "cloud_controller.read"
WRITE = "cloud_controller.write"

Scope = Literal["read", "write"]

_READS_EVERYTHING = frozenset({ADMIN, ADMIN_READ_ONLY, GLOBAL_AUDITOR})
_ENOUGH_TO = {
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
"""Who a bearer is that names nobody: tests that do not care about roles need not make users."""


def bearer(authorization: bytes) -> str:
    """The token of an Authorization header; one of another scheme counts as none [uaa_token_decoder.rb].

    Raises:
        Refusal: 401, where there is none.
    """
    return bearer_of(authorization) if len(authorization) <= LONGEST_TOKEN else bearer_of.__wrapped__(authorization)


@lru_cache(maxsize=1024)
def bearer_of(authorization: bytes) -> str:
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise refuse(NOT_AUTHENTICATED, why="no bearer token")
    token = token.strip()
    if not token:
        raise refuse(INVALID_AUTH_TOKEN, why="the bearer token is empty")
    return token


class Authority(msgspec.Struct, frozen=True):
    """Whose tokens count.

    Attributes:
        key: that minted tokens are signed with.
        strict: whether only minted tokens and the names of seeded users count; else any other one is an admin's.
    """

    key: bytes = b""
    strict: bool = False


def actor_of(world: World, token: str, authority: Authority, real: int) -> User:
    """The actor that a token stands for: a seeded user by name, the user that it was minted for, else an admin.

    Args:
        real: microseconds of the machine's clock.

    Raises:
        Refusal: 401, where a minted token has expired or its user is gone, or where any other counts for nothing.
    """
    user = world.users.get(token)
    if user is not None:
        return user
    claims = claims_of(authority.key, token) if "." in token else None
    if claims is not None:
        if world.clock.now(real) >= claims.expires:
            raise refuse(INVALID_AUTH_TOKEN, why=f"the token of {claims.user} expired at {written(claims.expires)}")
        return user_named(world, claims.user)
    if authority.strict:
        raise refuse(INVALID_AUTH_TOKEN, why="the token was not minted here and names no seeded user (--strict-auth)")
    return ANY_ADMIN


def user_named(world: World, name: str) -> User:
    """The seeded user of that name; `admin` is one who is always there.

    Raises:
        Refusal: 401, where there is none.
    """
    user = world.users.get(name)
    if user is None and name != ANY_ADMIN.name:
        raise refuse(INVALID_AUTH_TOKEN, why=f"the token's user {name} is not in this foundation")
    return user or ANY_ADMIN


def must_have_scope(actor: User, scope: Scope) -> None:
    """Raises Refusal (403) where the token's scopes do not allow reading or writing at all."""
    if actor.scopes.isdisjoint(_ENOUGH_TO[scope]):
        raise refuse(NOT_AUTHORIZED, why=f"the token of {actor.name} has no {scope} scope")


def is_admin(actor: User) -> bool:
    return ADMIN in actor.scopes


def may_read(actor: User, space: Space) -> bool:
    if not actor.scopes.isdisjoint(_READS_EVERYTHING):
        return True
    if not actor.space_roles.get(space.guid, _NO_ROLES).isdisjoint(_SPACE_READERS):
        return True
    return manages_organization(actor, space)


def manages_organization(actor: User, space: Space) -> bool:
    """Whether the actor is a manager of the organization that a space is in."""
    return "organization_manager" in actor.organization_roles.get(space.organization, _NO_ROLES)


def may_manage_apps(actor: User, space: Space) -> bool:
    return ADMIN in actor.scopes or not actor.space_roles.get(space.guid, _NO_ROLES).isdisjoint(_APP_MANAGERS)


def sees_secrets(actor: User, space: Space) -> bool:
    return (
        ADMIN in actor.scopes
        or ADMIN_READ_ONLY in actor.scopes
        or "space_developer" in actor.space_roles.get(space.guid, _NO_ROLES)
    )
