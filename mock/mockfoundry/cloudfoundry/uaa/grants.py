"""Grants: `/oauth/token` gives tokens to whoever has shown who they are, in UAA's order of checks. Never reads a body.

Source: cloudfoundry/uaa, webapp/WEB-INF/spring/oauth-endpoints.xml, oauth/provider/endpoint/TokenEndpoint.java,
oauth/UaaAuthorizationRequestManager.java, oauth/UaaTokenServices.java.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from mockfoundry.cloudfoundry.auth import ANY_ADMIN
from mockfoundry.cloudfoundry.clock import LATEST_MOMENT, SECOND, format_http_date
from mockfoundry.cloudfoundry.tokens import TokenClaims, read_token, read_token_header, sign_claims
from mockfoundry.cloudfoundry.uaa.claims import (
    OPENID,
    TokenIssue,
    access_claims,
    derive_signature,
    end_of_access,
    end_of_refresh,
    identity_claims,
    list_user_scopes,
    refresh_claims,
)
from mockfoundry.cloudfoundry.uaa.clients import JWT_BEARER, authenticate_client, find_client
from mockfoundry.cloudfoundry.uaa.names import find_user, read_user_name
from mockfoundry.cloudfoundry.uaa.request import (
    CLIENT_REALM,
    TOKEN_HEADERS,
    UaaRefusal,
    UaaRequest,
    UaaResponse,
    client_challenge,
    refuse_by_controller,
    refuse_credentials,
    refuse_entry,
    refuse_token,
)
from mockfoundry.cloudfoundry.users import OauthClient, User
from mockfoundry.cloudfoundry.world import World
from mockfoundry.documents.times import format_moment

SAML_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"

MOST_FAILURES, FAILURE_WINDOW, LOCKED_FOR = 5, 1200 * SECOND, 300 * SECOND
"""So many wrong passwords within the window lock a user out for so long after the last one."""

LOCKED = "Your account has been locked because of too many failed attempts to login."
UNKNOWN_ORIGIN = (
    "The origin provided in the login_hint does not match an active Identity Provider, that supports password grant."
)


def issue_token(request: UaaRequest) -> UaaResponse:
    """Tokens for a client, or for a user that logs in through it.

    Raises:
        UaaRefusal: nobody gets any.
    """
    grant = request.parameter("grant_type")
    if grant == "password" and "passcode" in request.parameters:
        raise refuse_passcode(request.parameter("passcode"))
    client = authenticate_client(request)
    user = authenticate_user(request, client) if grant == "password" else None
    if grant in (JWT_BEARER, SAML_BEARER):
        raise refuse_assertion(request, grant)
    if request.parameters.get("client_id", client.id) not in (client.id, f"{client.id}@{request.foundation}"):
        text = "Given client ID does not match authenticated client"
        raise refuse_by_controller(401, "invalid_client", text, "client_id: another than Basic's")
    if user is None:
        require_allowed_scopes(request, client.authorities if grant == "client_credentials" else client.scopes)
    if not grant:
        raise refuse_by_controller(400, "invalid_request", "Missing grant type", "grant_type: missing")
    if grant == "implicit":
        text = "Implicit grant type not supported from token endpoint"
        raise refuse_by_controller(400, "invalid_grant", text, "grant_type: implicit")
    if grant == "refresh_token" and not request.parameter("refresh_token"):
        text = "refresh_token parameter not provided"
        raise refuse_by_controller(400, "invalid_request", text, "refresh_token: missing")
    if user is None and grant not in GRANTS_GIVEN:
        raise refuse_by_controller(400, "unsupported_grant_type", "Unsupported grant type", "grant_type: unknown")
    if grant not in client.grants:
        why = f"client {client.id} may not use grant_type {grant}; it may use {', '.join(client.grants) or 'none'}"
        raise refuse_by_controller(401, "invalid_client", "Unauthorized grant type", why)
    return GRANTS_GIVEN[grant](request, client) if user is None else give_by_password(request, client, user)


def authenticate_user(request: UaaRequest, client: OauthClient) -> User:
    """The user that logs in by a password; before anything else is asked about the grant.

    Raises:
        UaaRefusal: they do not, or may not do through this client what they ask for.
    """
    if "password" not in request.parameters:
        raise refuse_credentials("password: missing", "No password supplied")
    hinted = read_hinted_origin(request.parameter("login_hint"))
    if hinted is not None and hinted not in (origins := list_origins(request.world)):
        raise refuse_entry(UNKNOWN_ORIGIN, f"login_hint: unknown origin; there is {', '.join(origins)}")
    reading = read_user_name(request, request.parameter("username"))
    if not reading.known:
        raise refuse_credentials(reading.why)
    user = find_user(request.world, reading.known) or ANY_ADMIN
    if hinted not in (None, user.origin):
        raise refuse_credentials(f"login_hint: {user.name} is a user of origin {user.origin}")
    require_unlocked(user, request.now)
    given = request.parameter("password")
    if not given or user.password not in (None, given):
        note_failure(request, user)
        raise refuse_credentials(f"{user.name}: the password is empty" if not given else f"{user.name}: wrong password")
    if user.failed_log_ins:
        user = request.world.own_table("users")[user.name] = replace(user, failed_log_ins=())
    find_granted_scopes(request, client, user)
    return user


def list_origins(world: World) -> list[str]:
    """The identity providers that users log in with, in order."""
    return sorted({"uaa", *(each.origin for each in world.users.values())})


def read_hinted_origin(hint: str) -> str | None:
    """The origin that a login_hint names; None where it names none, or can't be read."""
    try:
        found = msgspec.json.decode(hint).get("origin") if hint else None
    except (ValueError, AttributeError, RecursionError):
        return None
    return None if found is None else str(found)


def require_unlocked(user: User, now: int) -> None:
    """Raises UaaRefusal where a user can't log in now, whatever the password."""
    if user.locked:
        raise refuse_entry(LOCKED, f"{user.name} is locked (`locked: true` in the seed or by a scenario)")
    recent = [each for each in user.failed_log_ins if now - each < FAILURE_WINDOW]
    if len(recent) >= MOST_FAILURES and now < recent[-1] + LOCKED_FOR:
        until = format_moment(min(LATEST_MOMENT, recent[-1] + LOCKED_FOR))
        raise refuse_entry(LOCKED, f"{user.name} is locked until {until}, after {len(recent)} wrong passwords")


def note_failure(request: UaaRequest, user: User) -> None:
    """Notes a wrong password; the admin that no seed names takes any but an empty one, and is never locked."""
    if user.name in request.world.users:
        failures = (*user.failed_log_ins, request.now)[-MOST_FAILURES:]
        request.world.own_table("users")[user.name] = replace(user, failed_log_ins=failures)


def read_asked_scopes(request: UaaRequest) -> tuple[str, ...]:
    """The scopes that are asked for, in their order; commas count as blanks."""
    return tuple(request.parameter("scope").replace(",", " ").split())


def find_granted_scopes(request: UaaRequest, client: OauthClient, user: User) -> tuple[str, ...]:
    """What a user's token through a client allows: what both may do and is asked for.

    Raises:
        UaaRefusal: 400, the client may not ask for that, or nothing is left; the filter's challenge comes with it.
    """
    asked = read_asked_scopes(request)
    beyond = next((each for each in asked if each not in client.scopes), None)
    if beyond is not None:
        text = f"{beyond} is invalid. Please use a valid scope name in the request"
        raise UaaRefusal(400, "invalid_scope", text, f"client {client.id} does not have the scope", CLIENT_REALM)
    allowed = list_user_scopes(user).intersection(client.scopes)
    granted = allowed.intersection(asked) if asked else allowed
    if not granted:
        text = f"[{', '.join(asked)}] is invalid. This user is not allowed any of the requested scopes"
        raise UaaRefusal(400, "invalid_scope", text, f"{user.name} does not have the scope", CLIENT_REALM)
    return tuple(sorted(granted))


def require_allowed_scopes(request: UaaRequest, allowed: Iterable[str]) -> None:
    """Raises UaaRefusal (400) where a scope is asked for beyond those."""
    for each in read_asked_scopes(request):
        if each not in allowed:
            raise refuse_scope(f"Invalid scope: {each}", allowed)


def refuse_scope(text: str, allowed: Iterable[str]) -> UaaRefusal:
    return refuse_by_controller(400, "invalid_scope", text, "scope: beyond what is allowed", scope=" ".join(allowed))


def refuse_passcode(passcode: str) -> UaaRefusal:
    """Every passcode is wrong, since nobody gets one; the realm is that of the users' filter chain."""
    text = "Invalid passcode" if passcode else "Passcode information is missing."
    challenge = f'Bearer realm="oauth", error="unauthorized", error_description="{text}"'
    return UaaRefusal(401, "unauthorized", text, "passcode: none is ever given; log in with a password", challenge)


def refuse_assertion(request: UaaRequest, grant: str) -> UaaRefusal:
    """The filter's refusal of an assertion; no other identity provider is there to make one."""
    if not request.parameter("assertion"):
        text = "Assertion is missing" if grant == JWT_BEARER else "SAML Assertion is missing"
        return UaaRefusal(401, "unauthorized", text, "assertion: missing", client_challenge(text))
    return refuse_credentials("assertion: no identity provider is modelled; log in with a password")


def give_by_password(request: UaaRequest, client: OauthClient, user: User) -> UaaResponse:
    issue = begin_issue(request, client, user, find_granted_scopes(request, client, user), "password")
    return answer_with_tokens(request, issue, f"world: {user.name} logged in to {request.foundation}")


def give_by_client_credentials(request: UaaRequest, client: OauthClient) -> UaaResponse:
    scopes = tuple(sorted(set(read_asked_scopes(request)) or client.authorities))
    issue = begin_issue(request, client, None, scopes, "client_credentials")
    return answer_with_tokens(request, issue, f"world: client {client.id} logged in to {request.foundation}")


def refuse_authorization_code(request: UaaRequest, _: OauthClient) -> UaaResponse:
    code = request.parameter("code")
    if not code:
        text = "An authorization code must be supplied."
        raise refuse_by_controller(400, "invalid_request", text, "code: missing")
    raise refuse_by_controller(
        400, "invalid_grant", f"Invalid authorization code: {code}", "code: none is ever given; log in with a password"
    )


def give_by_refresh_token(request: UaaRequest, client: OauthClient) -> UaaResponse:
    """A new access token; the refresh token stays the same."""
    token = request.parameter("refresh_token")
    claims = read_refresh_token(request, token)
    user = find_claimed_user(request, claims)
    if claims.client != client.id:
        text = f"Wrong client for this refresh token: {client.id}"
        raise refuse_by_controller(400, "invalid_grant", text, f"refresh token: got by client {claims.client}")
    require_unrevoked(request, claims, user, "refresh token")
    if request.now >= claims.expires:
        text = f"Invalid refresh token expired at {format_java_date(claims.expires)}"
        raise refuse_token(f"refresh token: expired at {format_moment(claims.expires)}", text)
    asked = read_asked_scopes(request)
    if not claims.granted_scopes.issuperset(asked):
        text = f"Unable to narrow the scope of the client authentication to [{', '.join(asked)}]."
        raise refuse_scope(text, sorted(claims.granted_scopes))
    scopes = (list_user_scopes(user) & claims.granted_scopes).intersection(asked or claims.granted_scopes)
    issue = replace(begin_issue(request, client, user, tuple(sorted(scopes)), claims.grant), since=claims.since)
    return answer_with_tokens(request, issue, f"world: {user.name} refreshed a token of {request.foundation}", token)


def read_refresh_token(request: UaaRequest, token: str) -> TokenClaims:
    """The claims of a refresh token of the foundation, whether it has expired or not.

    Raises:
        UaaRefusal: 401, it is none.
    """
    claims = read_own_token(request, token, "refresh token")
    if not claims.is_refresh:
        raise refuse_token("refresh token: this is an access token", "Invalid refresh token.")
    return claims


def read_own_token(request: UaaRequest, token: str, what: str) -> TokenClaims:
    """The claims of a token that this foundation has given, whether it has expired or not.

    Args:
        what: it is to be, in words.

    Raises:
        UaaRefusal: 401, it has not.
    """
    if token.count(".") != 2:
        raise refuse_token(f"{what}: not a JWT")
    header = read_token_header(token)
    if header is None:
        raise refuse_token(f"{what}: its header can't be read", "Invalid token")
    key = request.authority.key.load()
    if header.kid != key.name:
        text = f"Token header claim [kid] references unknown signing key : [{header.kid}]"
        raise refuse_token(f"{what}: signed with another key, by another server", text)
    claims = read_token(request.authority.key, token).claims
    if claims is None:
        why = f"{what}: not signed with this server's key, or changed afterwards, or without what a token has here"
        raise refuse_token(why, "Could not verify token signature.")
    if claims.issuer not in request.issuers:
        raise refuse_token(
            f"{what}: of another foundation ({claims.foundation}), or of one of that name that is gone; "
            f"the request is for {request.foundation}"
        )
    return claims


def find_claimed_user(request: UaaRequest, claims: TokenClaims) -> User:
    """The user of a token; raises UaaRefusal (401) where there is none any more."""
    user = find_user(request.world, claims.user)
    if user is None:
        text = f"Token bears a non-existent user ID: {claims.owner}"
        raise refuse_token(f"the token's user {claims.user} is not in this foundation", text)
    return user


def require_unrevoked(request: UaaRequest, claims: TokenClaims, user: User | None, what: str) -> None:
    """Raises UaaRefusal (401) where a token is from before its client was taken away or a secret was changed.

    Args:
        user: whose token it is; None where it is the client's own.
        what: the token is, in words.
    """
    client = find_client(request.world, claims.client)
    if client is None:
        why = f"{what}: its client {claims.client} is not in this foundation"
        raise refuse_token(why, f"Invalid client ID {claims.client}")
    if claims.signature != derive_signature(client, user):
        why = f"{what}: the password or the client's secret was changed since"
        raise refuse_token(why, "revocable signature mismatch")


def begin_issue(
    request: UaaRequest, client: OauthClient, user: User | None, scopes: tuple[str, ...], grant: str
) -> TokenIssue:
    return TokenIssue(
        foundation=request.foundation,
        issuer=request.issuers[-1],
        base=request.base,
        client=client,
        user=user,
        scopes=scopes,
        grant=grant,
        since=request.now // SECOND,
        now=request.now,
        number=request.next_number(),
    )


def answer_with_tokens(request: UaaRequest, issue: TokenIssue, why: str, refresh_token: str = "") -> UaaResponse:
    """The answer of success, its fields in UAA's order.

    Args:
        refresh_token: that was sent; empty where a new one is given, if the client may use one.
    """
    client, user, key = issue.client, issue.user, request.authority.key
    settings, now = request.world.settings, request.now
    ends = end_of_access(client, settings, now)
    claims = access_claims(issue, ends)

    def sign(each: dict[str, Any]) -> str:
        return sign_claims(key, each, issue.key_address)

    body: dict[str, Any] = {"access_token": sign(claims), "token_type": "bearer"}
    if user is not None:
        if OPENID in issue.scopes:
            body["id_token"] = sign(identity_claims(issue, user, ends))
        if not refresh_token and "refresh_token" in client.grants:
            refresh_token = sign(refresh_claims(issue, user, end_of_refresh(client, settings, now)))
        if refresh_token:
            body["refresh_token"] = refresh_token
    # The real one rounds down what is left when it answers, a moment after the token was made.
    body["expires_in"] = max(0, ends - now - 1) // SECOND
    if issue.scopes:
        body["scope"] = " ".join(issue.scopes)
    body["jti"] = claims["jti"]
    return UaaResponse(200, body, why, TOKEN_HEADERS, client.id if user is None else user.name)


def format_java_date(microseconds: int) -> str:
    """A moment as `Thu Oct 24 12:00:00 UTC 2024`."""
    day, date, month, year, time, _ = format_http_date(microseconds // SECOND).decode().replace(",", "").split()
    return f"{day} {month} {date} {time} UTC {year}"


GRANTS_GIVEN: dict[str, Callable[[UaaRequest, OauthClient], UaaResponse]] = {
    "client_credentials": give_by_client_credentials,
    "refresh_token": give_by_refresh_token,
    "authorization_code": refuse_authorization_code,
}
"""What each known grant but a user's own gives to a client that may use it; assertions are refused before."""
