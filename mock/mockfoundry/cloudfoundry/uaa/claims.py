"""Claims: what UAA's tokens say, in its order. Never reads a token, never decides who gets one.

Source: cloudfoundry/uaa, oauth/UaaTokenServices.java, oauth/refresh/RefreshTokenCreator.java, oauth/openid/.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.auth import ADMIN
from mockfoundry.cloudfoundry.clock import LATEST_MOMENT, SECOND
from mockfoundry.cloudfoundry.settings import Settings
from mockfoundry.cloudfoundry.tokens import FOUNDATION_CLAIM, ISSUER_CLAIM, TOKEN_LIFETIME
from mockfoundry.cloudfoundry.users import OauthClient, User

DEFAULT_SCOPES = frozenset({"openid", "password.write", "uaa.user"})
"""What every user may do in UAA; its default groups, as far as cf has their scopes."""

ADMIN_SCOPES = frozenset(
    {
        "clients.read",
        "doppler.firehose",
        "network.admin",
        "routing.router_groups.read",
        "routing.router_groups.write",
        "scim.read",
        "scim.write",
    }
)
"""What an admin may do besides, as cf-deployment's has it [uaa-release, jobs/uaa/spec]."""

OPENID = "openid"


class TokenIssue(msgspec.Struct, frozen=True, kw_only=True):
    """Who gets tokens, and for what: all that their claims follow from.

    Attributes:
        foundation: its name.
        issuer: of the foundation.
        base: scheme, host and prefix of UAA's addresses.
        client: that gets them.
        user: whose they are; None where they are the client's own.
        scopes: what they allow.
        grant: how they are got.
        since: the second at which the user logged in.
        now: virtual microseconds.
        number: tells tokens of one moment apart.
    """

    foundation: str
    issuer: str
    base: str
    client: OauthClient
    user: User | None
    scopes: tuple[str, ...]
    grant: str
    since: int
    now: int
    number: int

    @property
    def owner(self) -> str:
        """The guid of the user, or the id of the client."""
        return self.client.id if self.user is None else self.user.guid

    @property
    def address(self) -> str:
        """Of the issuer, as tokens name it."""
        return f"{self.base}/oauth/token"

    @property
    def key_address(self) -> str:
        """Where the keys are shown."""
        return f"{self.base}/token_keys"


def list_user_scopes(user: User) -> frozenset[str]:
    """Everything that a user may do, in the Cloud Controller and in UAA."""
    return user.scopes | DEFAULT_SCOPES | (ADMIN_SCOPES if ADMIN in user.scopes else frozenset())


def derive_number(issue: TokenIssue, kind: str) -> str:
    """The `jti` of a token: 32 hexadecimal digits, others for each token."""
    text = f"{issue.foundation}\0{issue.issuer}\0{issue.owner}\0{issue.now}\0{issue.number}\0{kind}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def derive_signature(client: OauthClient, user: User | None) -> str:
    """What changes with the user's password and the client's secret, so that earlier tokens do not count any more."""
    owner = "" if user is None else f"{user.guid}\0{user.password}"
    return blake2b(f"{client.id}\0{client.secret}\0{owner}".encode(), digest_size=4).hexdigest()


def list_audience(client: str, scopes: Iterable[str]) -> list[str]:
    """Whom a token is for: the client, and whoever the scopes are about, each once."""
    return list(dict.fromkeys((client, *(scope.rpartition(".")[0] or scope for scope in scopes))))


def access_claims(issue: TokenIssue, expires: int) -> dict[str, Any]:
    """The claims of an access token.

    Args:
        expires: virtual microseconds; a token has whole seconds, so its end is rounded up.
    """
    client, user, scopes = issue.client, issue.user, list(issue.scopes)
    claims: dict[str, Any] = {"jti": derive_number(issue, "access")}
    if not client.secret:
        claims["client_auth_method"] = "none"
    claims["sub"] = issue.owner
    if user is None:
        claims["authorities"] = scopes
    claims |= {
        "scope": scopes,
        "client_id": client.id,
        "cid": client.id,
        "azp": client.id,
        "grant_type": issue.grant,
    }
    if user is not None:
        claims |= {**user_claims(user), "email": user.name, "auth_time": issue.since}
    return claims | {
        "rev_sig": derive_signature(client, user),
        "iat": issue.now // SECOND,
        "exp": -(-expires // SECOND),
        "iss": issue.address,
        "zid": "uaa",
        "aud": list_audience(client.id, scopes),
        **foundation_claims(issue),
    }


def refresh_claims(issue: TokenIssue, user: User, expires: int) -> dict[str, Any]:
    """The claims of a user's refresh token, which have another order.

    Args:
        expires: virtual microseconds.
    """
    client = issue.client
    return {
        "jti": f"{derive_number(issue, 'refresh')}-r",
        "sub": user.guid,
        "iat": issue.now // SECOND,
        "exp": -(-expires // SECOND),
        "cid": client.id,
        "client_id": client.id,
        "iss": issue.address,
        "zid": "uaa",
        "aud": list_audience(client.id, issue.scopes),
        "granted_scopes": list(issue.scopes),
        "amr": ["pwd"],
        "auth_time": issue.since,
        "grant_type": issue.grant,
        **{name: user_claims(user)[name] for name in ("user_name", "origin", "user_id")},
        "rev_sig": derive_signature(client, user),
        **foundation_claims(issue),
    }


def identity_claims(issue: TokenIssue, user: User, expires: int) -> dict[str, Any]:
    """The claims of an id token. It names no foundation: nobody may use it in place of an access token.

    Args:
        expires: virtual microseconds.
    """
    client = issue.client
    return {
        "sub": user.guid,
        "aud": [client.id],
        "iss": issue.address,
        "exp": -(-expires // SECOND),
        "iat": issue.now // SECOND,
        "amr": ["pwd"],
        "azp": client.id,
        "scope": [OPENID],
        "email": user.name,
        "zid": "uaa",
        **user_claims(user),
        "jti": derive_number(issue, "identity"),
        "auth_time": issue.since,
        "email_verified": True,
        "client_id": client.id,
        "cid": client.id,
        "grant_type": issue.grant,
        "rev_sig": derive_signature(client, user),
    }


def user_claims(user: User) -> dict[str, Any]:
    return {"user_id": user.guid, "origin": user.origin, "user_name": user.name}


def foundation_claims(issue: TokenIssue) -> dict[str, Any]:
    """The two that no real UAA has: by them a token leads to its foundation."""
    return {FOUNDATION_CLAIM: issue.foundation, ISSUER_CLAIM: issue.issuer}


def end_of_access(client: OauthClient, settings: Settings, now: int) -> int:
    """When an access token expires that is got now, in virtual microseconds."""
    return end_after(now, client.access_token_seconds, settings.access_token_seconds)


def end_of_refresh(client: OauthClient, settings: Settings, now: int) -> int:
    """When a refresh token expires that is got now."""
    return end_after(now, client.refresh_token_seconds, settings.refresh_token_seconds)


def end_after(now: int, *seconds: float | None) -> int:
    chosen = next((each for each in seconds if each is not None), None)
    lifetime = TOKEN_LIFETIME if chosen is None else int(chosen * SECOND)
    return min(LATEST_MOMENT, now + lifetime)
