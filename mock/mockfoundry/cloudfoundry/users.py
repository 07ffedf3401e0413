"""Users and clients as frozen values: who can log in, and what they may be. Never decides what one may do.

Moments are whole microseconds since the epoch.
"""

import msgspec


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user and the roles they hold; as the one who asks, the actor.

    Attributes:
        origin: of the identity provider that they log in with.
        scopes: of their tokens.
        organization_roles, space_roles: by guid of the organization or space.
        password: that they log in with; None where any is right.
        locked: whether they can't log in, whatever the password.
        failed_log_ins: when they last tried with a wrong password, in virtual microseconds, since they last got in.
    """

    guid: str
    name: str
    scopes: frozenset[str]
    organization_roles: dict[str, frozenset[str]]
    space_roles: dict[str, frozenset[str]]
    created_at: int = 0
    updated_at: int = 0
    origin: str = "uaa"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    password: str | None = None
    locked: bool = False
    failed_log_ins: tuple[int, ...] = ()


class OauthClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client of UAA: a program that asks for tokens, its own or a user's.

    Attributes:
        secret: that it authenticates with; an empty one must be sent, too.
        authorities: what the tokens have that it gets for itself.
        scopes: what the tokens of users may have that it gets.
        grants: the ways in which it may get tokens.
        access_token_seconds, refresh_token_seconds: how long its tokens are valid; None where the settings say that.
    """

    id: str
    secret: str = ""
    authorities: tuple[str, ...] = ("uaa.none",)
    scopes: tuple[str, ...] = ()
    grants: tuple[str, ...] = ("client_credentials",)
    access_token_seconds: float | None = None
    refresh_token_seconds: float | None = None
