"""Token readers: what UAA tells of a token, to its bearer and to other services. Never gives one.

Source: cloudfoundry/uaa, oauth/IntrospectEndpoint.java, oauth/CheckTokenEndpoint.java, account/UserInfoEndpoint.java,
model oauth/token/Claims.java.
"""

from typing import Any

from mockfoundry.cloudfoundry.auth import ANY_ADMIN, find_bearer_token
from mockfoundry.cloudfoundry.tokens import TokenClaims, decode_payload
from mockfoundry.cloudfoundry.uaa.claims import OPENID, list_user_scopes
from mockfoundry.cloudfoundry.uaa.clients import authenticate_client
from mockfoundry.cloudfoundry.uaa.grants import find_claimed_user, format_java_date, read_own_token, require_unrevoked
from mockfoundry.cloudfoundry.uaa.names import find_user
from mockfoundry.cloudfoundry.uaa.request import (
    TOKEN_GONE,
    UaaRefusal,
    UaaRequest,
    UaaResponse,
    quotable,
    refuse_by_controller,
    refuse_token,
)
from mockfoundry.cloudfoundry.users import User

RESOURCE_AUTHORITY = "uaa.resource"
"""What a client must have that asks about tokens."""

CLAIM_ORDER = (
    "user_id",
    "user_name",
    "name",
    "given_name",
    "family_name",
    "phone_number",
    "email",
    "client_id",
    "exp",
    "authorities",
    "scope",
    "granted_scopes",
    "jti",
    "aud",
    "sub",
    "iss",
    "iat",
    "cid",
    "grant_type",
    "az_attr",
    "azp",
    "auth_time",
    "zid",
    "rev_sig",
    "nonce",
    "origin",
    "revocable",
    "client_auth_method",
)
"""The claims that are told of a token, in the order in which Claims.java declares them."""

ACCESS_DENIED = "Access is denied"
NO_TOKEN = "Full authentication is required to access this resource"  # noqa: S105 (it is what UAA says)
NO_OPENID = "Invalid token does not contain resource id (openid)"
RESOURCE_REALM = 'Bearer realm="UAA/oauth"'


def introspect_token(request: UaaRequest) -> UaaResponse:
    """Whether a token counts, and what it says.

    Raises:
        UaaRefusal: who asks may not, or names no token.
    """
    require_resource_client(request)
    if "token" not in request.parameters:
        raise refuse_by_controller(
            400, "invalid_request", "Required parameter 'token' is not present.", "token: missing"
        )
    try:
        claims = read_live_claims(request, request.parameter("token"))
    except UaaRefusal as refusal:
        return UaaResponse(200, {"revocable": False, "active": False}, f"not active: {refusal.why}")
    return UaaResponse(200, {**claims, "active": True}, "world: the token counts here")


def check_token(request: UaaRequest) -> UaaResponse:
    """The same in its earlier form, which refuses a token that does not count."""
    require_resource_client(request)
    token = request.parameter("token")
    if not token:
        raise refuse_by_controller(400, "invalid_token", "Token parameter must be set", "token: missing")
    try:
        claims = read_live_claims(request, token)
    except UaaRefusal as refusal:
        raise refuse_by_controller(400, "invalid_token", refusal.description, refusal.why) from None
    wanted = request.parameter("scopes").split(",") if request.parameter("scopes") else []
    missing = [each for each in wanted if each not in claims.get("scope", ())]
    if missing:
        text = f"Some requested scopes are missing: {','.join(missing)}"
        raise refuse_by_controller(400, "invalid_scope", text, "scopes: the token has fewer")
    return UaaResponse(200, claims, "world: the token counts here")


def require_resource_client(request: UaaRequest) -> None:
    """Raises UaaRefusal where the client that asks may not ask about tokens."""
    if request.authorization[:7].lower() == "bearer ":
        claims = read_bearer_claims(request)
        allowed = RESOURCE_AUTHORITY in (claims.scopes or ())
        name = claims.client
    else:
        client = authenticate_client(request)
        allowed, name = RESOURCE_AUTHORITY in client.authorities, client.id
    if not allowed:
        why = f"client {name} lacks the authority {RESOURCE_AUTHORITY}; clients: in the seed gives it"
        raise UaaRefusal(403, "access_denied", ACCESS_DENIED, why)


def read_live_claims(request: UaaRequest, token: str) -> dict[str, Any]:
    """What is told of a token that counts.

    Raises:
        UaaRefusal: it does not.
    """
    claims = read_own_token(request, token, "token")
    if claims.is_refresh:
        raise refuse_token("token: this is a refresh token", "Invalid access token.")
    if request.now >= claims.expires:
        raise refuse_token("token: expired", "Token has expired")
    require_unrevoked(request, claims, find_claimed_user(request, claims) if claims.user else None, "token")
    found = {"revocable": False, **decode_payload(token)}
    return {name: found[name] for name in CLAIM_ORDER if name in found}


def show_user_info(request: UaaRequest) -> UaaResponse:
    """Whose a bearer token is.

    Raises:
        UaaRefusal: there is none, or it does not say that.
    """
    token = find_bearer_token(request.authorization.encode("latin-1", "replace"))
    named = None if "." in token else find_named_user(request, token)
    if named is None:
        claims = read_bearer_claims(request)
        if OPENID not in (claims.scopes or ()) or not claims.user:
            raise UaaRefusal(403, "access_denied", NO_OPENID, "the token has no scope openid", RESOURCE_REALM)
        named = find_claimed_user(request, claims)
    body = {
        "user_id": named.guid,
        "user_name": named.name,
        "email": named.name,
        "email_verified": True,
        "previous_logon_time": None,
        "sub": named.guid,
    }
    return UaaResponse(200, body, f"world: the token is {named.name}'s", actor=named.name)


def find_named_user(request: UaaRequest, token: str) -> User | None:
    """The user whose name stands in place of a token, as the Cloud Controller takes it here; None for none."""
    user = find_user(request.world, token)
    if user is ANY_ADMIN and request.authority.strict:
        return None
    return user if user is not None and OPENID in list_user_scopes(user) else None


def read_bearer_claims(request: UaaRequest) -> TokenClaims:
    """The claims of a request's own token.

    Raises:
        UaaRefusal: 401, there is none, or it does not count.
    """
    token = find_bearer_token(request.authorization.encode("latin-1", "replace"))
    if request.authorization[:6].lower() != "bearer":
        challenge = f'{RESOURCE_REALM}, error="unauthorized", error_description="{NO_TOKEN}"'
        raise UaaRefusal(401, "unauthorized", NO_TOKEN, "no bearer token", challenge)
    try:
        claims = read_own_token(request, token, "bearer token")
    except UaaRefusal as refusal:
        raise refuse_bearer(refusal.description, refusal.why) from None
    if claims.is_refresh:
        raise refuse_bearer(TOKEN_GONE, "bearer token: this is a refresh token")
    if request.now >= claims.expires:
        text = f"Invalid access token: expired at {format_java_date(claims.expires)}"
        raise refuse_bearer(text, "bearer token: expired")
    try:
        user = find_claimed_user(request, claims) if claims.user else None
        require_unrevoked(request, claims, user, "bearer token")
    except UaaRefusal as refusal:
        raise refuse_bearer(refusal.description, refusal.why) from None
    return claims


def refuse_bearer(description: str, why: str) -> UaaRefusal:
    challenge = f'{RESOURCE_REALM}, error="invalid_token", error_description="{quotable(description)}"'
    return UaaRefusal(401, "invalid_token", description, why, challenge)
