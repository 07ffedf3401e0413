"""Permissions: who asks, by which token, and what they may read and change. Never changes anything.

Source: cloud_controller_ng, lib/cloud_controller/permissions.rb and app/controllers/v3/application_controller.rb.
"""

from functools import lru_cache
from typing import Literal

from mockfoundry.cloudfoundry.errors import INVALID_AUTH_TOKEN, NOT_AUTHENTICATED, NOT_AUTHORIZED, refuse
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


@lru_cache(maxsize=1024)
def bearer(authorization: bytes) -> str:
    """The token of an Authorization header; one of another scheme counts as none [uaa_token_decoder.rb].

    Raises:
        Refusal: 401, where there is none.
    """
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise refuse(NOT_AUTHENTICATED, why="no bearer token")
    token = token.strip()
    if not token:
        raise refuse(INVALID_AUTH_TOKEN, why="the bearer token is empty")
    return token


def actor_of(world: World, token: str) -> User:
    """The actor that a token stands for: the seeded user of that name, else an admin."""
    return world.users.get(token, ANY_ADMIN)


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
