"""Authentication and permissions: who sends a request, and what they may read and change. Never changes anything.

Permissions: cloud_controller_ng, lib/cloud_controller/permissions.rb and app/controllers/v3/application_controller.rb.
"""

from collections.abc import Container
from functools import lru_cache
from typing import Literal

import msgspec

from mockfoundry.cloudfoundry.errors import (
    INVALID_AUTH_TOKEN,
    NOT_AUTHENTICATED,
    NOT_AUTHORIZED,
    UAA_UNAVAILABLE,
    Refusal,
)
from mockfoundry.cloudfoundry.organizations import Organization, Space
from mockfoundry.cloudfoundry.signing_keys import SigningKey
from mockfoundry.cloudfoundry.tokens import MAX_REMEMBERED_TOKEN_LENGTH, TokenClaims, read_token
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.problems import did_you_mean
from mockfoundry.documents.times import format_moment

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
"""The admin that every foundation has."""

ANY_BEARER = msgspec.structs.replace(ANY_ADMIN)
"""The actor of a token that names no user: an admin, so that tests which are not about roles need no users."""

AUDIENCE = "cloud_controller"
"""What a token must be for, among others."""

UAA_AWAY = UAA_UNAVAILABLE._replace(status=502)
"""What the middleware that reads tokens answers, whatever status the catalogue has [security_context_setter.rb]."""

MAX_HINTED_TOKEN_LENGTH = 80
"""Of a longer token only so much is compared with the names of users."""

UNKNOWN_BEARER_NOTE = (
    "the bearer token names no user of the seed, so it is an admin's; settings: {unknown_users: refused} answers 401"
)
"""What is told where the seed has users: the name of one of them may have been mistyped."""

AUDIENCE = "cloud_controller"
"""What a token must be for, among others."""

UAA_AWAY = UAA_UNAVAILABLE._replace(status=502)
"""What the middleware that reads tokens answers, whatever status the catalogue has [security_context_setter.rb]."""

MAX_HINTED_TOKEN_LENGTH = 80
"""Of a longer token only so much is compared with the names of users."""


def read_bearer_token(authorization: bytes) -> str:
    """The token of an Authorization header: the second of two words, the first of which is bearer.

    What does not begin with bearer counts as no token [uaa_token_decoder.rb]; anything but two words is a bad one
    [cf-uaa-lib, lib/uaa/token_coder.rb].

    Raises:
        Refusal: 401, if there is none, or a bad one.
    """
    if len(authorization) <= MAX_REMEMBERED_TOKEN_LENGTH:
        return parse_bearer_token(authorization)
    return parse_bearer_token.__wrapped__(authorization)


@lru_cache(maxsize=1024)
def parse_bearer_token(authorization: bytes) -> str:
    token = find_bearer_token(authorization)
    if token:
        return token
    if authorization[:6].lower() != b"bearer":
        raise Refusal(NOT_AUTHENTICATED, why="no bearer token")
    if len(authorization) == 6:
        raise Refusal(INVALID_AUTH_TOKEN, why="the bearer token is empty")
    raise Refusal(INVALID_AUTH_TOKEN, why="Authorization takes two words, `bearer` and the token")


def find_bearer_token(authorization: bytes) -> str:
    """The token of an Authorization header, empty if there is none, or a bad one."""
    words = authorization.split()
    return words[1].decode("latin-1") if len(words) == 2 and words[0].lower() == b"bearer" else ""


class Authority(msgspec.Struct, frozen=True):
    """Which tokens a server accepts.

    Attributes:
        key: that minted tokens are signed with.
        strict: whether only minted tokens and the names of seeded users are accepted; else any other is an admin's.
    """

    key: SigningKey
    strict: bool = False


def authenticate_actor(world: World, token: str, authority: Authority, issuers: Container[str], real_time: int) -> User:
    """The actor of a token: the seeded user that it names, the user that it was minted for, else an admin.

    Args:
        issuers: whose minted tokens count in the foundation.
        real_time: microseconds of the machine's clock.

    Raises:
        Refusal: 401, where a minted token was minted elsewhere, was changed, has expired, or its user is gone; or where
            any other token is not accepted. 502, where UAA is away, which has the keys.
    """
    if world.settings.uaa == "unavailable":
        raise Refusal(UAA_AWAY, why="world: settings: {uaa: unavailable}")
    user = world.users.get(token)
    if user is not None:
        return user
    if "." in token:
        reading = read_token(authority.key, token)
        if reading.claims is not None:
            return find_token_user(world, reading.claims, issuers, real_time)
        if reading.names_key:
            why = "the token names this server's key, but it was not signed with it, or was changed afterwards"
            raise Refusal(INVALID_AUTH_TOKEN, why=why)
    if authority.strict:
        raise Refusal(INVALID_AUTH_TOKEN, why="the token was not minted here and names no seeded user (--strict-auth)")
    if token == ANY_ADMIN.name:
        return ANY_ADMIN
    if world.settings.unknown_users == "refused":
        hint = did_you_mean(token[:MAX_HINTED_TOKEN_LENGTH], (*world.users, ANY_ADMIN.name))
        raise Refusal(INVALID_AUTH_TOKEN, why=f"the bearer token names no user (settings: unknown_users){hint}")
    return ANY_BEARER


def find_token_user(world: World, claims: TokenClaims, issuers: Container[str], real_time: int) -> User:
    """Who a token was made for, with what it allows: the seeded user of that name, `admin`, or a client.

    Raises:
        Refusal: 401, if the token does not count here, has expired, or there is no such user.
    """
    if claims.issuer not in issuers:
        why = (
            f"the token was minted in another foundation ({claims.foundation}), or in one of that name that is gone; "
            "it is valid only there and in its copies"
        )
        raise Refusal(INVALID_AUTH_TOKEN, why=why)
    if world.clock.now(real_time) >= claims.expires:
        owner = claims.user or claims.client
        raise Refusal(INVALID_AUTH_TOKEN, why=f"the token of {owner} expired at {format_moment(claims.expires)}")
    if AUDIENCE not in claims.audience:
        raise Refusal(INVALID_AUTH_TOKEN, why=f"the token is not for the Cloud Controller: no scope {AUDIENCE}.…")
    if claims.is_refresh:
        raise Refusal(INVALID_AUTH_TOKEN, why="this is a refresh token; the access token came beside it")
    scopes = claims.scopes
    if not claims.user:
        name = claims.client
        return User(guid=name, name=name, scopes=scopes or _NO_ROLES, organization_roles={}, space_roles={})
    user = world.users.get(claims.user)
    if user is None:
        if claims.user != ANY_ADMIN.name:
            raise Refusal(INVALID_AUTH_TOKEN, why=f"the token's user {claims.user} is not in this foundation")
        user = ANY_ADMIN
    if scopes is None or user.scopes <= scopes:
        return user
    return msgspec.structs.replace(user, scopes=user.scopes & scopes)


def require_scope(actor: User, scope: Scope) -> None:
    """Raises Refusal (403) where the actor's scopes do not allow reading, or writing, at all."""
    if actor.scopes.isdisjoint(_SUFFICIENT_SCOPES[scope]):
        raise Refusal(NOT_AUTHORIZED, why=f"the token of {actor.name} has no {scope} scope")


def is_admin(actor: User) -> bool:
    return ADMIN in actor.scopes


def may_read_space(actor: User, space: Space) -> bool:
    """Whether the actor sees a space and the apps and processes in it."""
    # As in reads_everything, which would be a call more for every request about a process.
    if not actor.scopes.isdisjoint(_READS_EVERYTHING):
        return True
    if not actor.space_roles.get(space.guid, _NO_ROLES).isdisjoint(_SPACE_READERS):
        return True
    return manages_organization(actor, space)


def may_read_routes(actor: User, space: Space) -> bool:
    """Whether the actor sees the routes of a space: an auditor of its organization does, too."""
    if may_read_space(actor, space):
        return True
    return "organization_auditor" in actor.organization_roles.get(space.organization, _NO_ROLES)


def reads_everything(actor: User) -> bool:
    """Whether the actor's scopes let them see all organizations and spaces."""
    return not actor.scopes.isdisjoint(_READS_EVERYTHING)


def list_readable_organizations(world: World, actor: User) -> list[Organization]:
    """The organizations that the actor sees: by a role in one, or in a space of it, which demands one."""
    organizations = world.organizations
    if reads_everything(actor):
        return list(organizations.values())
    guids = {guid for guid, roles in actor.organization_roles.items() if roles}
    spaces = (world.spaces.get(guid) for guid, roles in actor.space_roles.items() if roles)
    guids.update(space.organization for space in spaces if space is not None)
    return [each for each in organizations.values() if each.guid in guids]


def may_read_organization(world: World, actor: User, organization: Organization) -> bool:
    """Whether the actor sees an organization, as in `list_readable_organizations`."""
    if reads_everything(actor) or actor.organization_roles.get(organization.guid):
        return True
    spaces = (world.spaces.get(guid) for guid, roles in actor.space_roles.items() if roles)
    return any(space is not None and space.organization == organization.guid for space in spaces)


def manages_organization(actor: User, space: Space) -> bool:
    """Whether the actor is a manager of the organization that a space is in."""
    return "organization_manager" in actor.organization_roles.get(space.organization, _NO_ROLES)


def may_manage_apps(actor: User, space: Space) -> bool:
    """Whether the actor's roles allow changes of the apps and processes in a space."""
    return ADMIN in actor.scopes or not actor.space_roles.get(space.guid, _NO_ROLES).isdisjoint(_APP_MANAGERS)


def may_write_apps(actor: User, space: Space) -> bool:
    """Whether the actor's roles allow to create, update and delete apps in a space."""
    return ADMIN in actor.scopes or "space_developer" in actor.space_roles.get(space.guid, _NO_ROLES)


def may_see_environment(actor: User, space: Space) -> bool:
    """Whether the actor is shown the environment variables of the apps in a space."""
    return may_see_secrets(actor, space) or may_manage_apps(actor, space)


def may_see_secrets(actor: User, space: Space) -> bool:
    """Whether the actor is shown the commands of the processes in a space."""
    return (
        ADMIN in actor.scopes
        or ADMIN_READ_ONLY in actor.scopes
        or "space_developer" in actor.space_roles.get(space.guid, _NO_ROLES)
    )
