"""UAA's errors: each condition with its status, its words, its challenge and the headers that all of them have.

Source: cloudfoundry/uaa, oauth/provider/error/*.java, authentication/UaaExceptionTranslator.java. The letters are those
of the rows of the table in docs/fidelity.md's source.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from mockfoundry.cloudfoundry.signing_keys import choose_signing_key, make_random_key
from mockfoundry.cloudfoundry.uaa.operations import UAA_OPERATIONS, UaaOperation
from mockfoundry.cloudfoundry.uaa.request import UaaRequest, UaaResponse
from mockfoundry.exchange.request import read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import handle_request
from tests import plain_http
from tests.cloudfoundry.asking import error
from tests.cloudfoundry.logging_in import (
    CF,
    FORM,
    advance,
    ask_uaa,
    ask_with,
    basic,
    claims_of,
    log_in,
    new_name,
    patch,
    play,
    refresh,
    why,
)
from tests.serving import Serving, serving

BAD = 'Basic realm="UAA/client", error="unauthorized", error_description="Bad credentials"'
LOCKED = "Your account has been locked because of too many failed attempts to login."
ORIGIN = (
    "The origin provided in the login_hint does not match an active Identity Provider, that supports password grant."
)
NO_CLIENT = "An Authentication object was not found in the SecurityContext"
TOKEN_GONE = "The token expired, was revoked, or the token ID is incorrect."


def by_client(description: str) -> str:
    return f'Basic realm="UAA/client", error="unauthorized", error_description="{description}"'


def by_bearer(kind: str, description: str) -> str:
    return f'Bearer error="{kind}", error_description="{description}"'


@dataclass(frozen=True)
class Row:
    """One condition, and what UAA answers.

    Attributes:
        form: None for no body.
        challenge: the value of WWW-Authenticate, None for no such header.
        details: what the body has besides.
    """

    form: Mapping[str, str] | None
    status: int
    error: str
    description: str
    challenge: str | None = None
    authorization: str | None = CF
    details: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    query: str = ""


def password(**changes: str) -> dict[str, str]:
    return {"grant_type": "password", "username": "alice", "password": "secret"} | changes


WITHOUT_PASSWORD = {"grant_type": "password", "username": "alice"}
CREDENTIALS = {"grant_type": "client_credentials"}
JWT_BEARER, SAML = "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer"
AUTOSCALER, PORTAL = basic("autoscaler", "s%25c"), basic("portal", "p")
ALLOWED = "cloud_controller.admin uaa.resource"

ROWS: dict[str, Row] = {
    "a: wrong password": Row(password(password="no"), 401, "invalid_client", "Bad credentials", BAD),
    "a: empty password": Row(password(password=""), 401, "invalid_client", "Bad credentials", BAD),
    "a: unknown user": Row(password(username="nobody"), 401, "invalid_client", "Bad credentials", BAD),
    "a: username missing": Row(
        {"grant_type": "password", "password": "x"}, 401, "invalid_client", "Bad credentials", BAD
    ),
    "a: no name and no password": Row({"grant_type": "password"}, 401, "invalid_client", "No password supplied", BAD),
    "b: password missing": Row(WITHOUT_PASSWORD, 401, "invalid_client", "No password supplied", BAD),
    "c: wrong secret": Row(password(), 401, "invalid_client", "Bad credentials", BAD, basic("cf", "no")),
    "c: unknown client": Row(password(), 401, "invalid_client", "Bad credentials", BAD, basic("stranger")),
    "c: form without a secret": Row(
        password(client_id="cf"), 401, "invalid_client", "Bad credentials", BAD, authorization=None
    ),
    "c: form without a client": Row(password(), 401, "invalid_client", "Bad credentials", BAD, authorization=None),
    "c: Basic wins": Row(
        password(client_id="cf", client_secret=""), 401, "invalid_client", "Bad credentials", BAD, basic("cf", "no")
    ),
    "d: not base64": Row(
        password(), 401, "invalid_client", "Failed to decode basic authentication token", BAD, "Basic *"
    ),
    "d: not text": Row(
        password(), 401, "invalid_client", "Failed to decode basic authentication token", BAD, "Basic /w=="
    ),
    "d: no colon": Row(password(), 401, "invalid_client", "Invalid basic authentication token", BAD, "Basic Y2Y="),
    "d: bad escape": Row(
        password(), 401, "invalid_client", "Failed to URL Decode credentials", BAD, basic("cf", "100%")
    ),
    "e: nothing at all": Row(None, 401, "unauthorized", NO_CLIENT, by_client(NO_CLIENT), authorization=None),
    "e: another scheme": Row(password(), 401, "unauthorized", NO_CLIENT, by_client(NO_CLIENT), "Bearer x"),
    "f: locked by the seed": Row(password(username="locked"), 401, "unauthorized", LOCKED, by_client(LOCKED)),
    "g: unknown origin": Row(password(login_hint='{"origin":"ldap"}'), 401, "unauthorized", ORIGIN, by_client(ORIGIN)),
    "h: not the client's scope": Row(
        password(scope="uaa.admin"),
        400,
        "invalid_scope",
        "uaa.admin is invalid. Please use a valid scope name in the request",
        'Basic realm="UAA/client"',
    ),
    "h: not the user's scope": Row(
        password(scope="cloud_controller.admin"),
        400,
        "invalid_scope",
        "[cloud_controller.admin] is invalid. This user is not allowed any of the requested scopes",
        'Basic realm="UAA/client"',
    ),
    "i: no grant": Row({}, 400, "invalid_request", "Missing grant type"),
    "i: an empty grant": Row({"grant_type": ""}, 400, "invalid_request", "Missing grant type"),
    "i: no form": Row(None, 400, "invalid_request", "Missing grant type"),
    "j: unknown grant": Row({"grant_type": "magic"}, 400, "unsupported_grant_type", "Unsupported grant type"),
    "k: implicit": Row(
        {"grant_type": "implicit"}, 400, "invalid_grant", "Implicit grant type not supported from token endpoint"
    ),
    "l: cf for itself": Row(
        CREDENTIALS,
        401,
        "invalid_client",
        "Unauthorized grant type",
        by_bearer("invalid_client", "Unauthorized grant type"),
    ),
    "l: cf with a code": Row(
        {"grant_type": "authorization_code", "code": "x"},
        401,
        "invalid_client",
        "Unauthorized grant type",
        by_bearer("invalid_client", "Unauthorized grant type"),
    ),
    "l: a password through a client that may not": Row(
        password(scope="openid"),
        401,
        "invalid_client",
        "Unauthorized grant type",
        by_bearer("invalid_client", "Unauthorized grant type"),
        AUTOSCALER,
    ),
    "m: another client in the form": Row(
        password(client_id="other"),
        401,
        "invalid_client",
        "Given client ID does not match authenticated client",
        by_bearer("invalid_client", "Given client ID does not match authenticated client"),
    ),
    "n: beyond the authorities": Row(
        CREDENTIALS | {"scope": "x"},
        400,
        "invalid_scope",
        "Invalid scope: x",
        None,
        AUTOSCALER,
        {"scope": ALLOWED},
    ),
    "o: no refresh token": Row(
        {"grant_type": "refresh_token"}, 400, "invalid_request", "refresh_token parameter not provided"
    ),
    "o: an empty refresh token": Row(
        {"grant_type": "refresh_token", "refresh_token": ""},
        400,
        "invalid_request",
        "refresh_token parameter not provided",
    ),
    "p: garbage": Row(
        {"grant_type": "refresh_token", "refresh_token": "garbage"},
        401,
        "invalid_token",
        TOKEN_GONE,
        by_bearer("invalid_token", TOKEN_GONE),
    ),
    "r: garbage with two dots": Row(
        {"grant_type": "refresh_token", "refresh_token": "a.b.c"},
        401,
        "invalid_token",
        "Invalid token",
        by_bearer("invalid_token", "Invalid token"),
    ),
    "w: no code": Row(
        {"grant_type": "authorization_code"},
        400,
        "invalid_request",
        "An authorization code must be supplied.",
        None,
        PORTAL,
    ),
    "w: unknown code": Row(
        {"grant_type": "authorization_code", "code": "x"},
        400,
        "invalid_grant",
        "Invalid authorization code: x",
        None,
        PORTAL,
    ),
    "x: wrong passcode": Row(
        {"grant_type": "password", "passcode": "x"},
        401,
        "unauthorized",
        "Invalid passcode",
        'Bearer realm="oauth", error="unauthorized", error_description="Invalid passcode"',
    ),
    "x: empty passcode": Row(
        {"grant_type": "password", "passcode": ""},
        401,
        "unauthorized",
        "Passcode information is missing.",
        'Bearer realm="oauth", error="unauthorized", error_description="Passcode information is missing."',
    ),
    "y: no assertion": Row(
        {"grant_type": JWT_BEARER}, 401, "unauthorized", "Assertion is missing", by_client("Assertion is missing")
    ),
    "y: no SAML assertion": Row(
        {"grant_type": SAML}, 401, "unauthorized", "SAML Assertion is missing", by_client("SAML Assertion is missing")
    ),
    "y: an assertion that nobody knows": Row(
        {"grant_type": JWT_BEARER, "assertion": "x"}, 401, "invalid_client", "Bad credentials", BAD
    ),
    "z: PUT": Row({}, 405, "method_not_allowed", "Request method 'PUT' is not supported", method="PUT"),
    "z: DELETE": Row(None, 405, "method_not_allowed", "Request method 'DELETE' is not supported", method="DELETE"),
    "z: PATCH without a client": Row(
        {}, 401, "invalid_client", "Bad credentials", BAD, authorization=basic("cf", "no"), method="PATCH"
    ),
}


@pytest.mark.parametrize("where", ["bare", "prefix"])
@pytest.mark.parametrize("row", ROWS)
def test_the_token_endpoint_refuses_as_uaa_does(row: str, where: str, server: Serving, prefix: str) -> None:
    """Status, body with its keys in order, challenge, and the headers that keep it out of caches."""
    wanted = ROWS[row]
    answer = ask_uaa(
        server,
        wanted.form,
        prefix="" if where == "bare" else prefix,
        authorization=wanted.authorization,
        headers=wanted.headers,
        method=wanted.method,
        query=wanted.query,
    )
    body = {"error": wanted.error, "error_description": wanted.description, **wanted.details}
    assert (answer.status_code, answer.json(), list(answer.json())) == (wanted.status, body, list(body))
    assert answer.headers.get("www-authenticate") == wanted.challenge
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


def test_every_answer_of_uaa_has_its_headers_and_none_of_the_cloud_controllers(server: Serving) -> None:
    """A failure, a document, a token; the request id is the router's, and comes with all."""
    for answer in (
        log_in(server, "nobody"),
        log_in(server, "alice", "secret"),
        server.client.get("/login"),
        server.client.get("/token_keys"),
    ):
        headers = answer.headers
        assert headers["content-security-policy"] == "script-src 'self'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-xss-protection"] == "0"
        assert "x-vcap-request-id" in headers
        assert not headers.keys() & {"x-download-options", "x-permitted-cross-domain-policies", "referrer-policy"}
    document = server.client.get("/login").headers
    assert document["cache-control"] == "no-cache, no-store, max-age=0, must-revalidate"
    assert (document["pragma"], document["expires"]) == ("no-cache", "0")


def test_a_body_that_is_no_form_is_not_read(server: Serving) -> None:
    for kind in ("application/json", "bogus", "text/plain"):
        answer = server.client.post(
            "/oauth/token", content=b"grant_type=password", headers={"Authorization": CF, "Content-Type": kind}
        )
        assert (answer.status_code, answer.json()["error_description"]) == (400, "Missing grant type")


# Locking out


def test_five_wrong_passwords_lock_a_user_out_for_five_minutes(server: Serving) -> None:
    """Counted within 20 minutes; while it lasts, the right password is refused too."""
    name = new_name()
    for _ in range(5):
        assert log_in(server, f"alice@{name}", "wrong").json()["error"] == "invalid_client"
        advance(server, name, 60)
    locked = log_in(server, f"alice@{name}", "secret")
    assert locked.json() == {"error": "unauthorized", "error_description": LOCKED}
    assert "after 5 wrong passwords" in why(locked)
    assert log_in(server, f"root@{name}").status_code == 200
    advance(server, name, 238)
    assert log_in(server, f"alice@{name}", "secret").json()["error"] == "unauthorized"
    advance(server, name, 2)
    assert log_in(server, f"alice@{name}", "secret").status_code == 200
    assert log_in(server, f"alice@{name}", "wrong").json()["error"] == "invalid_client"


def test_failures_long_ago_do_not_count(server: Serving) -> None:
    name = new_name()
    for _ in range(6):
        assert log_in(server, f"alice@{name}", "wrong").json()["error"] == "invalid_client"
        advance(server, name, 301)
    assert log_in(server, f"alice@{name}", "secret").status_code == 200


def test_a_user_can_be_let_in_again(server: Serving) -> None:
    name = new_name()
    assert log_in(server, f"locked@{name}").json()["error"] == "unauthorized"
    patch(server, name, users=[{"name": "locked", "locked": False}])
    assert log_in(server, f"locked@{name}").status_code == 200
    patch(server, name, users=[{"name": "locked", "locked": True}, {"name": "alice", "password": None}])
    assert log_in(server, f"locked@{name}").json()["error"] == "unauthorized"
    assert log_in(server, f"alice@{name}", "whatever").status_code == 200


@pytest.mark.parametrize("words", [{"locked": False}, {"password": "other"}])
def test_a_user_who_locked_themselves_out_can_be_let_in_again(words: dict[str, Any], server: Serving) -> None:
    name = new_name()
    for _ in range(5):
        log_in(server, f"alice@{name}", "wrong")
    patch(server, name, users=[{"name": "alice", "origin": "uaa"}])
    assert log_in(server, f"alice@{name}", "secret").json()["error"] == "unauthorized"
    patch(server, name, users=[{"name": "alice", **words}])
    assert log_in(server, f"alice@{name}", words.get("password", "secret")).status_code == 200


# Refresh tokens that do not count


@pytest.fixture
def foundation() -> str:
    return new_name()


@pytest.fixture
def tokens(server: Serving, foundation: str) -> dict[str, str]:
    """What alice got in the foundation of the test."""
    found: dict[str, str] = log_in(server, f"alice@{foundation}", "secret").json()
    return found


def refused(answer: Any, description: str) -> None:
    assert (answer.status_code, answer.json()) == (
        401,
        {"error": "invalid_token", "error_description": description},
    )
    assert answer.headers["www-authenticate"] == by_bearer("invalid_token", description)


def test_q_an_expired_refresh_token(server: Serving, foundation: str) -> None:
    """The date is as Java writes it."""
    log_in(server, f"alice@{foundation}", "secret")
    patch(server, foundation, settings={"refresh_token_seconds": 60})
    token = log_in(server, f"alice@{foundation}", "secret").json()["refresh_token"]
    end = claims_of(token)["exp"]
    advance(server, foundation, 59)
    assert refresh(server, token).status_code == 200
    advance(server, foundation, 2)
    answer = refresh(server, token)
    day = datetime.fromtimestamp(end, UTC)
    refused(answer, f"Invalid refresh token expired at {day:%a %b %d %H:%M:%S} UTC {day.year}")


def test_r_a_refresh_token_that_was_changed(server: Serving, tokens: dict[str, str]) -> None:
    head, payload, signature = tokens["refresh_token"].split(".")
    changed = ".".join((head, payload, ("A" if signature[0] != "A" else "B") + signature[1:]))
    refused(refresh(server, changed), "Could not verify token signature.")


def test_r_a_refresh_token_of_another_server(server: Serving, tokens: dict[str, str]) -> None:
    token = jwt.encode(claims_of(tokens["refresh_token"]), make_random_key(), "RS256", {"kid": "key-1"})
    refused(refresh(server, token), "Token header claim [kid] references unknown signing key : [key-1]")


def test_r_a_token_of_this_key_without_what_tokens_have_here(server: Serving) -> None:
    pair = choose_signing_key(None, strict=False).load()
    token = jwt.encode({"jti": "x-r"}, pair.private, "RS256", {"kid": pair.name})
    refused(refresh(server, token), "Could not verify token signature.")


def test_p_a_refresh_token_of_another_foundation(server: Serving, tokens: dict[str, str], foundation: str) -> None:
    """At a prefix, where it can't lead to its own."""
    answer = refresh(server, tokens["refresh_token"], prefix=f"/foundations/{new_name()}")
    refused(answer, TOKEN_GONE)
    assert f"of another foundation ({foundation})" in why(answer)


def test_s_an_access_token_is_no_refresh_token(server: Serving, tokens: dict[str, str]) -> None:
    refused(refresh(server, tokens["access_token"]), "Invalid refresh token.")


def test_t_a_refresh_token_is_its_clients(server: Serving, tokens: dict[str, str]) -> None:
    answer = refresh(server, tokens["refresh_token"], authorization=basic("other"))
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_grant", "error_description": "Wrong client for this refresh token: other"},
    )
    assert "www-authenticate" not in answer.headers


def test_u_a_refresh_can_not_widen(server: Serving, tokens: dict[str, str]) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "scope": "scim.read"}
    answer = ask_uaa(server, form)
    granted = "cloud_controller.read cloud_controller.write openid password.write uaa.user"
    text = "Unable to narrow the scope of the client authentication to [scim.read]."
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_scope", "error_description": text, "scope": granted},
    )


def test_v_the_user_is_gone(server: Serving, tokens: dict[str, str], foundation: str) -> None:
    state = server.client.get(f"/__mock/foundations/{foundation}/state").json()
    state["users"] = [each for each in state["users"] if each["name"] != "alice"]
    server.client.put(f"/__mock/foundations/{foundation}/state", json=state).raise_for_status()
    refused(refresh(server, tokens["refresh_token"]), "Token bears a non-existent user ID: alices-guid")


@pytest.mark.parametrize(
    "change",
    [{"users": [{"name": "alice", "password": "new"}]}, {"clients": [{"id": "cf", "secret": ""}, {"id": "x"}]}],
)
def test_v_the_password_was_changed(
    change: dict[str, Any], server: Serving, tokens: dict[str, str], foundation: str
) -> None:
    """What changes nothing about it leaves the token alone."""
    patch(server, foundation, **change)
    answer = refresh(server, tokens["refresh_token"])
    if "users" in change:
        refused(answer, "revocable signature mismatch")
    else:
        assert answer.status_code == 200


# UAA away


def test_when_uaa_is_away_nobody_logs_in_and_no_token_can_be_checked(
    server: Serving, tokens: dict[str, str], foundation: str
) -> None:
    """The router answers for UAA; the Cloud Controller says so itself, in a body without a content type."""
    patch(server, foundation, settings={"uaa": "unavailable"})
    form = {"grant_type": "password", "username": f"alice@{foundation}", "password": "secret"}
    answer = plain_http.post(f"{server.url}/oauth/token", data=form, auth=("cf", ""))
    assert answer.text == "502 Bad Gateway: Registered endpoint failed to handle the request.\n"
    assert (answer.status_code, answer.headers["x-cf-routererror"]) == (502, "endpoint_failure")
    assert "content-security-policy" not in answer.headers
    with plain_http.client() as client:
        asked = client.get(f"{server.url}/v3/processes", headers={"Authorization": f"bearer {tokens['access_token']}"})
        assert error(asked) == (502, "CF-UaaUnavailable", "The UAA service is currently unavailable", 20004)
        assert "content-type" not in asked.headers
        without = client.get(f"{server.url}/foundations/{foundation}/v3/processes")
        assert error(without)[:2] == (401, "CF-NotAuthenticated")
        assert client.get(f"{server.url}/foundations/{foundation}/").status_code == 200
    patch(server, foundation, settings={"uaa": "available"})
    assert ask_with(server, tokens["access_token"]).status_code == 200


# Asking about tokens


def test_who_asks_about_a_token_must_be_allowed_to(server: Serving, tokens: dict[str, str]) -> None:
    token = {"token": tokens["access_token"]}
    for path in ("/introspect", "/check_token"):
        denied = ask_uaa(server, token, path=path)
        assert (denied.status_code, denied.json()) == (
            403,
            {"error": "access_denied", "error_description": "Access is denied"},
        )
        unknown = ask_uaa(server, token, path=path, authorization=basic("autoscaler", "wrong"))
        assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client")
    missing = ask_uaa(server, {}, path="/introspect", authorization=AUTOSCALER)
    assert missing.status_code == 400
    other = ask_uaa(server, token, path="/introspect", authorization=AUTOSCALER, method="PUT")
    assert (other.status_code, other.json()["error"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("form", "status", "kind", "description"),
    [
        ({"token": ""}, 400, "invalid_token", "Token parameter must be set"),
        ({"token": "garbage"}, 400, "invalid_token", TOKEN_GONE),
        ({"scopes": "openid,a,b"}, 400, "invalid_scope", "Some requested scopes are missing: a,b"),
    ],
)
def test_the_earlier_form_refuses_what_does_not_count(
    form: dict[str, str], status: int, kind: str, description: str, server: Serving, tokens: dict[str, str]
) -> None:
    answer = ask_uaa(server, {"token": tokens["access_token"]} | form, path="/check_token", authorization=AUTOSCALER)
    assert (answer.status_code, answer.json()) == (status, {"error": kind, "error_description": description})


def test_userinfo_refuses_as_uaa_does(server: Serving, tokens: dict[str, str], foundation: str) -> None:
    def asked(authorization: str) -> tuple[int, dict[str, str], str]:
        answer = server.client.get(f"/foundations/{foundation}/userinfo", headers={"Authorization": authorization})
        return answer.status_code, answer.json(), answer.headers["www-authenticate"]

    realm = 'Bearer realm="UAA/oauth"'
    needed = "Full authentication is required to access this resource"
    assert asked("Basic eDp5") == (
        401,
        {"error": "unauthorized", "error_description": needed},
        f'{realm}, error="unauthorized", error_description="{needed}"',
    )
    assert asked("bearer garbage") == (
        401,
        {"error": "invalid_token", "error_description": TOKEN_GONE},
        f'{realm}, error="invalid_token", error_description="{TOKEN_GONE}"',
    )
    assert asked(f"bearer {tokens['refresh_token']}")[0] == 401
    own = ask_uaa(
        server, {"grant_type": "client_credentials"}, prefix=f"/foundations/{foundation}", authorization=AUTOSCALER
    ).json()["access_token"]
    assert asked(f"bearer {own}") == (
        403,
        {"error": "access_denied", "error_description": "Invalid token does not contain resource id (openid)"},
        realm,
    )
    advance(server, foundation, 11 * 365 * 24 * 3600)
    expired = asked(f"bearer {tokens['access_token']}")
    assert expired[1]["error_description"].startswith("Invalid access token: expired at ")


# What clients send into headers, and at the end of time


@pytest.mark.parametrize(
    ("kid", "shown"),
    [
        ("x\r\nSet-Cookie: a=b\r\n\r\n<b>", "x??Set-Cookie: a=b????<b>"),
        ('x" realm="y', r"x\" realm=\"y"),
        ("x\\", "x\\\\"),
    ],
)
def test_what_a_token_says_ends_neither_a_header_nor_its_quotes(server: Serving, kid: str, shown: str) -> None:
    token = jwt.encode({}, make_random_key(), algorithm="RS256", headers={"kid": kid})
    refused = refresh(server, token)
    text = f"Token header claim [kid] references unknown signing key : [{shown}]"
    assert refused.headers["www-authenticate"] == f'Bearer error="invalid_token", error_description="{text}"'
    assert "set-cookie" not in refused.headers
    shown_at = server.client.get("/userinfo", headers={"Authorization": f"bearer {token}"})
    assert text in shown_at.headers["www-authenticate"]


def test_a_refresh_token_tells_nothing(server: Serving, tokens: dict[str, str]) -> None:
    """Whatever is asked of it besides."""
    form = {"token": tokens["refresh_token"]}
    told = ask_uaa(server, form, path="/introspect", authorization=AUTOSCALER)
    assert (told.status_code, told.json()) == (200, {"revocable": False, "active": False})
    for more in ({}, {"scopes": "openid"}):
        answer = ask_uaa(server, form | more, path="/check_token", authorization=AUTOSCALER)
        refused = {"error": "invalid_token", "error_description": "Invalid access token."}
        assert (answer.status_code, answer.json()) == (400, refused)


@pytest.mark.parametrize(
    ("changed", "description"),
    [
        ({"users": [{"name": "alice", "password": "new"}]}, "revocable signature mismatch"),
        ({"clients": [{"id": "cf", "secret": "new"}]}, "revocable signature mismatch"),
    ],
)
def test_v_a_token_from_before_a_secret_was_changed_does_not_count_in_uaa(
    changed: dict[str, Any], description: str, server: Serving, tokens: dict[str, str], foundation: str
) -> None:
    """The Cloud Controller goes on taking it, since it looks only at what is signed."""
    form = {"token": tokens["access_token"]}
    patch(server, foundation, **changed)
    told = ask_uaa(server, form, path="/introspect", authorization=AUTOSCALER)
    assert (told.status_code, told.json()) == (200, {"revocable": False, "active": False})
    checked = ask_uaa(server, form, path="/check_token", authorization=AUTOSCALER)
    assert (checked.status_code, checked.json()["error_description"]) == (400, description)
    shown = ask_with(server, tokens["access_token"], "/userinfo")
    assert (shown.status_code, shown.json()) == (401, {"error": "invalid_token", "error_description": description})
    assert ask_with(server, tokens["access_token"]).status_code == 200


def test_a_minted_token_counts_where_the_seed_gives_cf_a_secret(server: Serving) -> None:
    name = new_name()
    log_in(server, f"root@{name}")
    patch(server, name, clients=[{"id": "cf", "secret": "own"}])
    minted = plain_http.request("POST", f"{server.url}/__mock/foundations/{name}/tokens", json={"user": "alice"})
    shown = ask_with(server, minted.json()["access_token"], "/userinfo")
    assert (shown.status_code, shown.json()["user_name"]) == (200, "alice")


def test_a_token_whose_client_is_gone_does_not_count_in_uaa(server: Serving, foundation: str) -> None:
    prefix = f"/foundations/{foundation}"
    own = ask_uaa(server, {"grant_type": "client_credentials"}, prefix=prefix, authorization=AUTOSCALER).json()
    state = {"clients": [{"id": "res", "secret": "r", "authorities": ["uaa.resource"]}]}
    plain_http.request("PUT", f"{server.url}/__mock{prefix}/state", json=state)
    form = {"token": own["access_token"]}
    checked = ask_uaa(server, form, path="/check_token", prefix=prefix, authorization=basic("res", "r"))
    refused = {"error": "invalid_token", "error_description": "Invalid client ID autoscaler"}
    assert (checked.status_code, checked.json()) == (400, refused)


def test_v_a_resource_servers_own_token_from_before_its_secret_was_changed(server: Serving, foundation: str) -> None:
    prefix = f"/foundations/{foundation}"
    own = ask_uaa(server, {"grant_type": "client_credentials"}, prefix=prefix, authorization=AUTOSCALER).json()
    patch(server, foundation, clients=[{"id": "autoscaler", "secret": "new"}])
    bearer = f"bearer {own['access_token']}"
    refused = ask_uaa(server, {"token": own["access_token"]}, path="/introspect", authorization=bearer, prefix=prefix)
    assert (refused.status_code, refused.json()["error_description"]) == (401, "revocable signature mismatch")


def test_a_user_is_locked_out_at_the_end_of_time_too(server: Serving) -> None:
    name = new_name()
    assert log_in(server, f"root@{name}").status_code == 200
    clock = {"frozen": True, "now": "9999-12-31T23:59:59Z"}
    moved = plain_http.request("PATCH", f"{server.url}/__mock/foundations/{name}/clock", json=clock)
    assert moved.status_code == 200
    for _ in range(5):
        log_in(server, f"alice@{name}", "wrong")
    assert log_in(server, f"alice@{name}", "secret").json() == {"error": "unauthorized", "error_description": LOCKED}
    assert log_in(server, f"root@{name}").json()["expires_in"] == 0


def test_a_form_that_is_not_percent_encoded_is_utf_8() -> None:
    """As `curl -d` sends it from a terminal."""
    with serving({"users": [{"name": "jürgen", "password": "pässwort"}]}) as server:
        form = "grant_type=password&username=jürgen&password=pässwort".encode()
        headers = {"Authorization": CF, "Content-Type": "application/x-www-form-urlencoded"}
        assert server.client.post("/oauth/token", content=form, headers=headers).status_code == 200


# In UAA's form, whoever answers in its place

NOT_STORED = ("no-store", "no-cache")
GONE = {"error": "invalid_token", "error_description": TOKEN_GONE}


def ask_raw(server: Serving, method: str = "POST", **headers: str) -> httpx.Response:
    """Logs alice in by a request that is not held against the contract."""
    sent = {"Authorization": CF, **headers}
    return httpx.request(method, f"{server.url}/oauth/token", data=password(), headers=sent)


@pytest.mark.parametrize(
    ("prefer", "status", "kind", "challenge"),
    [
        ("code=409", 400, "invalid_request", None),
        ("example=nonsense", 400, "invalid_request", None),
        ("code=403", 403, "access_denied", None),
        ("code=401", 401, "invalid_client", BAD),
        ("code=401, example=token_gone", 401, "invalid_token", by_bearer("invalid_token", TOKEN_GONE)),
    ],
)
def test_what_a_request_prefers_comes_in_uaas_form(
    prefer: str, status: int, kind: str, challenge: str | None, server: Serving
) -> None:
    answer = ask_raw(server, Prefer=prefer)
    assert (answer.status_code, answer.json()["error"]) == (status, kind)
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.headers.get("www-authenticate") == challenge
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == NOT_STORED
    assert "expires" not in answer.headers


@pytest.mark.parametrize(
    ("respond", "body", "challenge"),
    [
        ({"status": 401}, {"error": "invalid_client", "error_description": "Bad credentials"}, BAD),
        ({"example": "token_gone"}, GONE, by_bearer("invalid_token", TOKEN_GONE)),
        ({"status": 401, "text": "no", "undocumented": True}, None, by_bearer("unauthorized", "Unauthorized")),
        ({"status": 401, "body": {"error": 'a"b', "error_description": "x\r\ny"}}, None, None),
        ({"error": "CF-NotAuthenticated", "detail": "x\r\nA: b"}, None, by_bearer("unauthorized", "x??A: b")),
    ],
)
def test_a_rules_401_has_what_all_of_uaas_have(
    respond: dict[str, Any], body: Any, challenge: str | None, server: Serving
) -> None:
    name = new_name()
    log_in(server, f"root@{name}")
    play(server, name, "no", rules=[{"operation": "issueToken", "respond": respond}])
    answer = ask_raw(server, **{"X-Mock-Foundation": name})
    assert answer.status_code == 401
    assert body is None or answer.json() == body
    assert answer.headers["www-authenticate"] == (challenge or by_bearer(r"a\"b", "x??y"))
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == NOT_STORED
    assert "a" not in answer.headers


def test_what_a_rule_gives_in_place_of_a_token_is_not_to_be_kept_either(server: Serving) -> None:
    name = new_name()
    log_in(server, f"root@{name}")
    play(server, name, "own", rules=[{"operation": "issueToken", "respond": {"status": 200}}])
    answer = ask_raw(server, **{"X-Mock-Foundation": name})
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == NOT_STORED
    assert "expires" not in answer.headers


def test_a_rule_says_a_header_of_uaas_itself(server: Serving) -> None:
    name = new_name()
    log_in(server, f"root@{name}")
    respond = {"status": 401, "headers": {"WWW-Authenticate": "Own"}}
    play(server, name, "own", rules=[{"operation": "issueToken", "respond": respond}])
    assert ask_raw(server, **{"X-Mock-Foundation": name}).headers.get_list("www-authenticate") == ["Own"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_method_that_uaa_does_not_have_is_no_operation_of_the_cloud_controller(method: str, server: Serving) -> None:
    """A rule without an operation is not about it; one for any is, and answers in UAA's form."""
    name = new_name()
    log_in(server, f"root@{name}")
    play(server, name, "down", rules=[{"respond": {"status": 503}}])
    refused = ask_raw(server, method, **{"X-Mock-Foundation": name})
    assert (refused.status_code, refused.json()["error"]) == (405, "method_not_allowed")
    assert "x-vcap-request-id" in refused.headers
    play(server, name, "away", rules=[{"operation": "any", "respond": {"status": 503, "undocumented": True}}])
    away = ask_raw(server, method, **{"X-Mock-Foundation": name})
    assert away.json() == {"error": "server_error", "error_description": "Service Unavailable"}
    assert (away.status_code, away.headers["x-xss-protection"]) == (503, "0")


@pytest.mark.parametrize(
    ("method", "status", "kind"), [("POST", 410, "server_error"), ("DELETE", 401, "invalid_token")]
)
def test_a_log_in_whose_world_went_while_it_waited(method: str, status: int, kind: str, server: Serving) -> None:
    """It is refused in UAA's form; POST is a reset."""
    name = new_name()
    log_in(server, f"root@{name}")
    hold = {"at": "before-commit", "name": "it", "at-most": "1h"}
    play(server, name, "wait", rules=[{"operation": "issueToken", "respond": {"hold": hold}}])
    form = urlencode(password()).encode()
    headers = [(b"authorization", CF.encode()), (b"content-type", FORM.encode()), (b"x-mock-foundation", name.encode())]
    waiting = handle_request(server.service, read_request("POST", "/oauth/token", b"", headers, form, "http", 0))
    assert isinstance(waiting, PendingRequest)
    path = f"/__mock/foundations/{name}" + ("/reset" if method == "POST" else "")
    assert plain_http.request(method, f"{server.url}{path}").status_code < 300
    refused = waiting.resume(0, None)
    assert isinstance(refused, Response)
    assert refused.status == status
    assert json.loads(refused.body).keys() == {"error", "error_description"}
    assert json.loads(refused.body)["error"] == kind
    assert (b"x-frame-options", b"DENY") in refused.headers


def test_what_mockfoundry_fails_on_comes_in_uaas_form(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: UaaRequest) -> UaaResponse:
        raise ZeroDivisionError

    monkeypatch.setitem(cast("dict[str, UaaOperation]", UAA_OPERATIONS), "issueToken", fail)
    answer = ask_raw(server)
    body = {"error": "server_error", "error_description": "Internal Server Error"}
    assert (answer.status_code, answer.json()) == (500, body)
    assert why(answer) == "mockfoundry failed; its log has the traceback"
    assert answer.headers["x-xss-protection"] == "0"
