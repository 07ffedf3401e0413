"""Logging in: tokens by password, by client and by refresh, what they say, and which foundation they are for.

Source: cloudfoundry/uaa, oauth/UaaTokenServices.java, oauth/provider/endpoint/TokenEndpoint.java.
"""

from typing import Any

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockfoundry.cloudfoundry.uaa.names import find_foundation_in_name
from tests.cloudfoundry.asking import error
from tests.cloudfoundry.logging_in import (
    SEED,
    advance,
    ask_uaa,
    ask_with,
    basic,
    claims_of,
    foundations_of,
    head_of,
    log_in,
    new_name,
    patch,
    play,
    refresh,
    why,
)
from tests.serving import Serving, serving

INVALID_TOKEN = (401, "CF-InvalidAuthToken", "Invalid Auth Token", 1000)
BAD_CREDENTIALS = {"error": "invalid_client", "error_description": "Bad credentials"}

USER_CLAIMS = [
    *("jti", "client_auth_method", "sub", "scope", "client_id", "cid", "azp", "grant_type", "user_id", "origin"),
    *(
        "user_name",
        "email",
        "auth_time",
        "rev_sig",
        "iat",
        "exp",
        "iss",
        "zid",
        "aud",
        "mock_foundation",
        "mock_issuer",
    ),
]
CLIENT_CLAIMS = [
    *("jti", "sub", "authorities", "scope", "client_id", "cid", "azp", "grant_type", "rev_sig", "iat", "exp", "iss"),
    *("zid", "aud", "mock_foundation", "mock_issuer"),
]
REFRESH_CLAIMS = [
    *("jti", "sub", "iat", "exp", "cid", "client_id", "iss", "zid", "aud", "granted_scopes", "amr", "auth_time"),
    *("grant_type", "user_name", "origin", "user_id", "rev_sig", "mock_foundation", "mock_issuer"),
]


def test_a_password_gives_tokens_in_the_order_of_the_real_answer(server: Serving, prefix: str) -> None:
    answer = log_in(server, "alice", "secret", prefix=prefix)
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["access_token", "token_type", "id_token", "refresh_token", "expires_in", "scope", "jti"]
    assert body["token_type"] == "bearer"
    assert body["scope"] == "cloud_controller.read cloud_controller.write openid password.write uaa.user"
    assert body["jti"] == claims_of(body["access_token"])["jti"]
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


def test_a_users_token_says_what_a_real_one_does(server: Serving, prefix: str) -> None:
    body = log_in(server, "alice", "secret", prefix=prefix).json()
    claims, base = claims_of(body["access_token"]), f"{server.url}{prefix}"
    assert list(claims) == USER_CLAIMS
    assert head_of(body["access_token"]) == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": "mockfoundry-throw-away-test-key",
        "jku": f"{base}/token_keys",
    }
    assert claims["scope"] == body["scope"].split()
    assert claims["aud"] == ["cf", "cloud_controller", "openid", "password", "uaa"]
    assert claims["iss"] == f"{base}/oauth/token"
    for name, value in {
        "client_auth_method": "none",
        "sub": "alices-guid",
        "client_id": "cf",
        "grant_type": "password",
        "user_id": "alices-guid",
        "origin": "uaa",
        "user_name": "alice",
        "email": "alice",
        "zid": "uaa",
    }.items():
        assert claims[name] == value, name
    assert claims["auth_time"] == claims["iat"]
    assert claims["exp"] - claims["iat"] in (10 * 365 * 24 * 3600, 10 * 365 * 24 * 3600 + 1)
    assert len(claims["jti"]) == 32
    assert len(claims["rev_sig"]) == 8


def test_a_refresh_token_is_a_jwt_of_its_own_order(server: Serving, prefix: str) -> None:
    claims = claims_of(log_in(server, "alice", "secret", prefix=prefix).json()["refresh_token"])
    assert list(claims) == REFRESH_CLAIMS
    assert claims["jti"].endswith("-r")
    assert claims["granted_scopes"] == [
        "cloud_controller.read",
        "cloud_controller.write",
        "openid",
        "password.write",
        "uaa.user",
    ]


def test_an_admin_has_the_scopes_of_one(server: Serving, prefix: str) -> None:
    """cf-deployment's admin may do more in UAA, too, as far as the client cf has that."""
    expected = (
        "clients.read cloud_controller.admin cloud_controller.read cloud_controller.write doppler.firehose "
        "network.admin openid password.write routing.router_groups.read routing.router_groups.write scim.read "
        "scim.write uaa.user"
    )
    assert log_in(server, "admin", prefix=prefix).json()["scope"] == expected


def test_a_token_is_signed_with_the_key_that_is_shown(server: Serving, prefix: str) -> None:
    token = log_in(server, "alice", "secret", prefix=prefix).json()["access_token"]
    (key,) = server.client.get(f"{prefix}/token_keys").json()["keys"]
    for shown in (jwt.PyJWK(key).key, key["value"]):
        read = jwt.decode(token, shown, algorithms=["RS256"], audience="cloud_controller")
        assert read["user_name"] == "alice"


def test_only_the_public_part_of_the_key_is_shown(server: Serving) -> None:
    answer = server.client.get("/token_keys")
    (key,) = answer.json()["keys"]
    assert list(key) == ["kty", "e", "use", "kid", "alg", "value", "n"]
    assert "PRIVATE" not in answer.text
    assert server.client.get("/token_key").json() == key


def test_keys_that_are_known_are_not_sent_again(server: Serving) -> None:
    tag = server.client.get("/token_keys").headers["etag"]
    assert tag.strip('"').isdigit()
    again = server.client.get("/token_keys", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert server.client.get("/token_keys", headers={"If-None-Match": '"1"'}).status_code == 200


def test_a_token_is_the_users_at_the_cloud_controller(server: Serving, prefix: str) -> None:
    """The developer may scale; the bare URL is enough, since the token knows its foundation."""
    token = log_in(server, "alice", "secret", prefix=prefix).json()["access_token"]
    (web,) = ask_with(server, token).json()["resources"]
    scaled = server.client.post(
        f"/v3/processes/{web['guid']}/actions/scale",
        json={"instances": 3},
        headers={"Authorization": f"bearer {token}"},
    )
    assert scaled.status_code == 202
    listed = server.client.get(f"/__mock{prefix}/requests").json()["requests"]
    assert [(each["operation"], each["actor"]) for each in listed] == [
        ("issueToken", "alice"),
        ("listProcessesForApp", "alice"),
        ("scaleProcess", "alice"),
    ]
    assert ask_with(server, token, "/v3/processes", **{"X-Mock-Foundation": new_name()}).status_code == 401


def test_a_narrower_token_allows_less(server: Serving, prefix: str) -> None:
    form = {"grant_type": "password", "username": "root", "password": "x", "scope": "cloud_controller.admin,openid"}
    token = ask_uaa(server, form, prefix=prefix).json()
    assert token["scope"] == "cloud_controller.admin openid"
    reading = {"grant_type": "password", "username": "admin", "password": "x", "scope": "cloud_controller.read"}
    read_only = ask_uaa(server, reading, prefix=prefix).json()
    assert "id_token" not in read_only
    assert ask_with(server, read_only["access_token"], "/v3/processes").json()["resources"] == []
    scaled = server.client.post(
        "/v3/processes/dora/actions/scale",
        json={"instances": 3},
        headers={"Authorization": f"bearer {read_only['access_token']}"},
    )
    assert error(scaled)[:2] == (403, "CF-NotAuthorized")


@pytest.mark.parametrize("kind", ["refresh_token", "id_token"])
def test_only_the_access_token_is_a_bearer(kind: str, server: Serving, prefix: str) -> None:
    token = log_in(server, "alice", "secret", prefix=prefix).json()[kind]
    assert error(ask_with(server, token, f"{prefix}/v3/processes")) == INVALID_TOKEN


def test_a_client_logs_in_for_itself(server: Serving, prefix: str) -> None:
    """No user, no refresh token, the authorities as scopes; a percent sign in a secret is sent as %25."""
    answer = ask_uaa(
        server, {"grant_type": "client_credentials"}, prefix=prefix, authorization=basic("autoscaler", "s%25c")
    )
    assert list(answer.json()) == ["access_token", "token_type", "expires_in", "scope", "jti"]
    claims = claims_of(answer.json()["access_token"])
    assert list(claims) == CLIENT_CLAIMS
    assert (claims["sub"], claims["authorities"]) == ("autoscaler", ["cloud_controller.admin", "uaa.resource"])
    assert claims["aud"] == ["autoscaler", "cloud_controller", "uaa"]
    assert ask_with(server, answer.json()["access_token"]).status_code == 200


def test_a_client_may_be_in_the_form(server: Serving, prefix: str) -> None:
    """Without an Authorization header; an empty secret must be there."""
    form = {"grant_type": "client_credentials", "client_id": "autoscaler", "client_secret": "s%c"}
    assert ask_uaa(server, form, prefix=prefix, authorization=None).status_code == 200
    cf = {"grant_type": "password", "username": "admin", "password": "x", "client_id": "cf"}
    assert ask_uaa(server, cf | {"client_secret": ""}, prefix=prefix, authorization=None).status_code == 200
    assert ask_uaa(server, cf, prefix=prefix, authorization=None).status_code == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_parameters_may_be_in_the_query(method: str, server: Serving, prefix: str) -> None:
    query = "?grant_type=password&username=alice&password=secret&login_hint=%7B%22origin%22%3A%22uaa%22%7D"
    answer = ask_uaa(server, None, prefix=prefix, query=query, method=method)
    assert claims_of(answer.json()["access_token"])["user_name"] == "alice"


@pytest.mark.parametrize(
    "extra", [{"scope": ""}, {"login_hint": ""}, {"login_hint": "{"}, {"x": "y"}, {"login_hint": "5"}]
)
def test_what_means_nothing_is_ignored(extra: dict[str, str], server: Serving, prefix: str) -> None:
    form = {"grant_type": "password", "username": "alice", "password": "secret", **extra}
    assert ask_uaa(server, form, prefix=prefix).status_code == 200


def test_any_password_is_right_where_the_seed_has_none(server: Serving, prefix: str) -> None:
    for name in ("bob@example.com", "root", "admin"):
        assert log_in(server, name, "whatever", prefix=prefix).status_code == 200


# Lifetimes and refreshing


def test_a_refresh_gives_a_new_token_and_the_same_refresh_token(server: Serving, prefix: str) -> None:
    first = log_in(server, "alice", "secret", prefix=prefix).json()
    advance(server, prefix.rpartition("/")[2], 60)
    second = refresh(server, first["refresh_token"], prefix=prefix).json()
    assert list(second) == list(first)
    assert second["refresh_token"] == first["refresh_token"]
    old, new = claims_of(first["access_token"]), claims_of(second["access_token"])
    assert new["jti"] != old["jti"]
    assert (new["iat"] - old["iat"], new["auth_time"], new["grant_type"]) == (60, old["auth_time"], "password")


def test_a_refresh_at_the_bare_url_leads_to_its_foundation(server: Serving, prefix: str) -> None:
    token = log_in(server, "alice", "secret", prefix=prefix).json()["refresh_token"]
    again = refresh(server, token)
    assert claims_of(again.json()["access_token"])["mock_foundation"] == prefix.rpartition("/")[2]


def test_a_refresh_may_narrow(server: Serving, prefix: str) -> None:
    token = log_in(server, "alice", "secret", prefix=prefix).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, "scope": "cloud_controller.read"}
    assert ask_uaa(server, form, prefix=prefix).json()["scope"] == "cloud_controller.read"


def test_the_settings_and_the_client_say_how_long_a_token_is_valid(server: Serving, prefix: str) -> None:
    name = prefix.rpartition("/")[2]
    log_in(server, "alice", "secret", prefix=prefix)
    patch(server, name, settings={"access_token_seconds": 1200, "refresh_token_seconds": 5000})
    body = log_in(server, "alice", "secret", prefix=prefix).json()
    assert body["expires_in"] in (1199, 1200)
    assert log_in(server, "alice", "secret", prefix=prefix, authorization=basic("other")).json()["expires_in"] in (
        599,
        600,
    )
    token = body["access_token"]
    advance(server, name, 1199)
    assert ask_with(server, token).status_code == 200
    advance(server, name, 2)
    assert error(ask_with(server, token)) == INVALID_TOKEN
    fresh = refresh(server, body["refresh_token"]).json()["access_token"]
    assert ask_with(server, fresh).status_code == 200
    advance(server, name, 5000)
    assert refresh(server, body["refresh_token"]).json()["error"] == "invalid_token"


def test_a_scenario_makes_tokens_short_lived(server: Serving, prefix: str) -> None:
    name = prefix.rpartition("/")[2]
    play(server, name, "short", given={"settings": {"access_token_seconds": 30}})
    assert log_in(server, "alice", "secret", prefix=prefix).json()["expires_in"] in (29, 30)
    server.client.delete(f"/__mock{prefix}/scenarios/short")
    assert log_in(server, "alice", "secret", prefix=prefix).json()["expires_in"] > 3600
    assert name in foundations_of(server)


# Which foundation


@pytest.mark.parametrize("name", ["ci-42", "py3.12", "a.b-c_d.9"])
@pytest.mark.parametrize("user", ["admin", "alice", "bob@example.com"])
def test_a_users_name_says_the_foundation_at_the_bare_url(user: str, name: str, server: Serving) -> None:
    """The foundation is made from the server's seed, and records the log-in."""
    name = f"{name}-{new_name()}"
    answer = log_in(server, f"{user}@{name}", "secret")
    claims = claims_of(answer.json()["access_token"])
    assert (claims["user_name"], claims["mock_foundation"]) == (user, name)
    recorded = server.client.get(f"/__mock/foundations/{name}/requests").json()["requests"]
    assert [each["operation"] for each in recorded] == ["issueToken"]
    assert ask_with(server, answer.json()["access_token"], "/v3/processes").status_code == 200


def test_a_whole_name_of_the_seed_is_that_user(server: Serving) -> None:
    claims = claims_of(log_in(server, "bob@example.com").json()["access_token"])
    assert (claims["user_name"], claims["mock_foundation"]) == ("bob@example.com", "default")
    assert "example.com" not in foundations_of(server)


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("mallory", ["mallory is no user of foundation default", "allowed: admin, alice"]),
        ("allice", ["did you mean alice?"]),
        (
            "carol@example.com",
            ["carol@example.com is no user of foundation default", "carol of foundation example.com"],
        ),
        ("admin@", ["admin@ is no user", "no foundation stands after its @"]),
        ("alice@a b", ["a b, after its last @, can't name a foundation"]),
        ("alice@-x", ["-x, after its last @, can't name a foundation"]),
        ("alice@" + "x" * 65, ["can't name a foundation"]),
        ("@ci-42", ["@ci-42 is no user", "nobody of foundation ci-42"]),
        ("", ["the empty name is no user"]),
        ("alice@default@", ["no foundation stands after its @"]),
    ],
)
def test_a_name_that_means_nobody_is_refused_with_both_readings(name: str, reasons: list[str], server: Serving) -> None:
    before = foundations_of(server) | {"default"}
    answer = log_in(server, name, "secret")
    assert (answer.status_code, answer.json()) == (401, BAD_CREDENTIALS)
    assert [reason for reason in reasons if reason not in why(answer)] == []
    assert foundations_of(server) == before


def test_a_name_at_a_prefix_may_say_that_very_foundation(server: Serving, prefix: str) -> None:
    name = prefix.rpartition("/")[2]
    assert log_in(server, f"alice@{name}", "secret", prefix=prefix).status_code == 200
    other = log_in(server, "alice@another", "secret", prefix=prefix)
    assert (other.status_code, other.json()) == (401, BAD_CREDENTIALS)
    assert f"the request itself is for {name}" in why(other)
    assert "another" not in foundations_of(server)


@pytest.mark.parametrize("headers", [{"X-Mock-Foundation": "by-header"}, {"Host": "by-header.localhost"}])
def test_a_header_or_a_host_says_the_foundation_too(headers: dict[str, str], server: Serving) -> None:
    answer = log_in(server, "alice@by-header", "secret", headers=headers)
    assert claims_of(answer.json()["access_token"])["mock_foundation"] == "by-header"
    assert log_in(server, "alice@another", "secret", headers=headers).status_code == 401


def test_the_users_of_a_foundation_that_is_there_are_its_own(server: Serving) -> None:
    name = new_name()
    server.client.put(f"/__mock/foundations/{name}", json={"users": [{"name": "zoe"}]}).raise_for_status()
    assert claims_of(log_in(server, f"zoe@{name}").json()["access_token"])["mock_foundation"] == name
    gone = log_in(server, f"alice@{name}", "secret")
    assert (gone.status_code, gone.json()) == (401, BAD_CREDENTIALS)
    assert f"no user of foundation {name}" in why(gone)


def test_logging_in_makes_a_foundation_anew_and_nothing_else_does(server: Serving) -> None:
    name = new_name()
    before = log_in(server, f"alice@{name}", "secret").json()
    server.client.delete(f"/__mock/foundations/{name}").raise_for_status()
    assert server.client.get(f"/foundations/{name}/").status_code == 404
    assert ask_with(server, before["access_token"]).status_code == 404
    refused = refresh(server, before["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    assert name not in foundations_of(server)
    after = log_in(server, f"alice@{name}", "secret").json()
    assert ask_with(server, after["access_token"]).status_code == 200
    assert error(ask_with(server, before["access_token"])) == INVALID_TOKEN
    assert refresh(server, before["refresh_token"]).json()["error"] == "invalid_token"


@pytest.mark.parametrize("secret", ["", "no"])
def test_who_is_refused_does_not_bring_back_a_foundation_that_was_deleted(secret: str, server: Serving) -> None:
    """A client that a test has left behind goes on asking; what the test had prepared is gone."""
    name = new_name()
    log_in(server, f"alice@{name}", "secret")
    server.client.delete(f"/__mock/foundations/{name}").raise_for_status()
    for refused in (
        log_in(server, f"alice@{name}", "wrong", authorization=basic("cf", secret)),
        log_in(server, "alice", "wrong", prefix=f"/foundations/{name}", authorization=basic("cf", secret)),
        log_in(server, f"alice@{name}", "secret", authorization=None),
        ask_uaa(server, {"grant_type": "client_credentials"}, authorization=basic(f"autoscaler@{name}", secret)),
    ):
        assert (refused.status_code, refused.json()) == (401, BAD_CREDENTIALS)
        assert why(refused).endswith(f"; foundation {name} was deleted, and stays away")
        assert name not in foundations_of(server)
    assert server.client.get(f"/foundations/{name}/").status_code == 404
    assert log_in(server, f"alice@{name}", "secret").status_code == 200
    assert name in foundations_of(server)


def test_a_scenarios_refusal_leaves_the_foundation_that_a_log_in_makes_anew() -> None:
    """Or its first match would be the first for ever."""
    once = {"scenario": "once", "rules": [{"operation": "issueToken", "times": 1, "respond": {"status": 503}}]}
    with serving(seed=SEED, scenarios=(once,)) as running:
        asked = [log_in(running, "alice@again", "secret").status_code for _ in range(2)]
        running.client.delete("/__mock/foundations/again").raise_for_status()
        asked += [log_in(running, "alice@again", "secret").status_code for _ in range(2)]
    assert asked == [503, 200, 503, 200]


def test_a_token_of_another_server_makes_no_foundation(server: Serving) -> None:
    """All servers share a key by default, so a token that was kept may name what was never here."""
    name = new_name()
    with serving(seed=SEED) as other:
        old = log_in(other, f"alice@{name}", "secret").json()
    refused = ask_with(server, old["access_token"])
    assert error(refused) == INVALID_TOKEN
    assert f"minted in another foundation ({name})" in why(refused)
    assert ask_with(server, old["access_token"], "/userinfo").json()["error"] == "invalid_token"
    assert refresh(server, old["refresh_token"]).json()["error"] == "invalid_token"
    assert introspect(server, old["access_token"]).json()["active"] is False
    assert name not in foundations_of(server)


def test_only_the_parameters_of_a_grant_say_the_foundation(server: Serving) -> None:
    """UAA ignores all others."""
    name, other = new_name(), new_name()
    token = log_in(server, f"alice@{name}", "secret").json()["refresh_token"]
    form = {"grant_type": "password", "username": "alice", "password": "secret", "refresh_token": token, "token": token}
    assert claims_of(ask_uaa(server, form).json()["access_token"])["mock_foundation"] == "default"
    made = ask_uaa(server, form | {"username": f"alice@{other}"}).json()
    assert claims_of(made["access_token"])["mock_foundation"] == other


def test_a_client_of_another_foundation_than_the_user_is_told_so(server: Serving) -> None:
    name, other = new_name(), new_name()
    refused = log_in(server, f"alice@{name}", "secret", authorization=basic(f"cf@{other}"))
    assert refused.json() == BAD_CREDENTIALS
    expected = f"as cf of foundation {other} it belongs to another one: the request's user or token is of {name}"
    assert expected in why(refused)


def test_a_user_logs_in_with_their_own_identity_provider(server: Serving) -> None:
    name = new_name()
    log_in(server, f"root@{name}")
    patch(server, name, users=[{"name": "alice", "origin": "ldap"}])
    prefix = f"/foundations/{name}"

    def hinted(hint: str) -> httpx.Response:
        return log_in(server, "alice", "secret", prefix=prefix, query=f'?login_hint={{"origin":"{hint}"}}')

    body = hinted("ldap").json()
    for kind in ("access_token", "refresh_token", "id_token"):
        assert claims_of(body[kind])["origin"] == "ldap"
    assert hinted("uaa").json() == BAD_CREDENTIALS
    assert why(hinted("uaa")) == "login_hint: alice is a user of origin ldap"
    assert why(hinted("saml")) == "login_hint: unknown origin; there is ldap, uaa"


def test_a_clients_name_says_the_foundation_in_the_same_way(server: Serving) -> None:
    name = new_name()
    for authorization in (basic(f"autoscaler@{name}", "s%25c"), None):
        form = {"grant_type": "client_credentials"}
        if authorization is None:
            form |= {"client_id": f"autoscaler@{name}", "client_secret": "s%c"}
        claims = claims_of(ask_uaa(server, form, authorization=authorization).json()["access_token"])
        assert (claims["client_id"], claims["mock_foundation"]) == ("autoscaler", name)
    refused = ask_uaa(server, {"grant_type": "client_credentials"}, authorization=basic("nobody@ci-9"))
    assert (refused.status_code, refused.json()) == (401, BAD_CREDENTIALS)
    assert "nobody of foundation ci-9" in why(refused)


def test_too_many_foundations_are_refused_in_uaas_form() -> None:
    from mockfoundry.foundations.bounds import ServerBounds

    with serving(seed=SEED, bounds=ServerBounds(foundations=1)) as small:
        assert log_in(small, "admin@one").status_code == 200
        refused = log_in(small, "admin@two")
    assert refused.status_code == 503
    assert refused.json()["error"] == "server_error"
    assert "--max-foundations" in refused.json()["error_description"]


def test_scenarios_of_the_foundation_apply_to_its_log_in(server: Serving) -> None:
    name = new_name()
    rules = [{"operation": "issueToken", "respond": {"status": 503}}]
    play(server, name, "away", rules=rules)
    refused = log_in(server, f"admin@{name}")
    assert (refused.status_code, refused.json()["error"]) == (503, "server_error")
    assert log_in(server, f"admin@{new_name()}").status_code == 200


NAMES = st.text("ab@.", max_size=8)
TABLES = st.frozensets(NAMES, max_size=5)


@given(NAMES, TABLES, TABLES, st.dictionaries(st.text("ab.", min_size=1, max_size=3), TABLES, max_size=3))
def test_a_name_has_one_of_two_readings(
    name: str, known: frozenset[str], seeded: frozenset[str], there: dict[str, frozenset[str]]
) -> None:
    """The whole name first; else what stands behind the last @, if somebody stands before it."""
    found = find_foundation_in_name(
        name, known.__contains__, seeded.__contains__, lambda left, other: left in there.get(other, ())
    )
    left, at, rest = name.rpartition("@")
    if name in known or not at or not rest or rest.startswith(".") or "@" in rest:
        expected = None
    else:
        expected = rest if left in seeded or left in there.get(rest, ()) else None
    assert found == expected


# Worlds of other kinds


def test_where_the_seed_has_no_users_everybody_is_an_admin() -> None:
    with serving(seed={"organizations": []}) as running:
        token = log_in(running, "whoever").json()
        assert "cloud_controller.admin" in token["scope"].split()
        assert log_in(running, "x@example.com", prefix="/foundations/a").status_code == 200
        refused = log_in(running, "x@example.com")
        assert (refused.status_code, refused.json()) == (401, BAD_CREDENTIALS)
        running.client.patch(
            "/__mock/foundations/default/state", json={"settings": {"unknown_users": "refused"}}
        ).raise_for_status()
        assert log_in(running, "whoever").status_code == 401
        assert log_in(running, "admin").status_code == 200


def test_with_strict_authentication_only_seeded_users_log_in() -> None:
    with serving(seed=SEED, strict_auth=True) as running:
        assert log_in(running, "alice", "secret").status_code == 200
        refused = log_in(running, "admin")
        assert refused.status_code == 401
        assert why(refused) == "admin is no user of foundation default; with --strict-auth the seed has to have them"
        assert "admin" not in why(log_in(running, "nobody")).partition("allowed:")[2].split(", ")
        token = log_in(running, "root").json()["access_token"]
        assert ask_with(running, token).status_code == 200


def test_canned_answers_come_from_the_contract() -> None:
    with serving(canned=True) as running:
        answer = log_in(running, "whoever")
        assert answer.json()["token_type"] == "bearer"
        assert why(answer) == "contract: example"
        assert running.client.get("/token_keys").json()["keys"]


def test_the_log_in_survives_an_export_and_a_copy(server: Serving) -> None:
    name, copy = new_name(), new_name()
    for _ in range(4):
        assert log_in(server, f"alice@{name}", "wrong").status_code == 401
    state = server.client.get(f"/__mock/foundations/{name}/state").json()
    server.client.put(f"/__mock/foundations/{copy}", json=state).raise_for_status()
    shown = server.client.get(f"/__mock/foundations/{copy}/state").json()
    assert shown["clients"] == state["clients"]
    assert [each["password"] for each in shown["users"]] == ["secret", None, None, None]
    assert log_in(server, f"alice@{copy}", "wrong").json()["error"] == "invalid_client"
    assert log_in(server, f"alice@{copy}", "secret").json()["error"] == "unauthorized"
    assert log_in(server, f"alice@{name}", "secret").status_code == 200
    other = f"{copy}-copy"
    server.client.post(f"/__mock/foundations/{copy}/copy", json={"as": other}).raise_for_status()
    assert log_in(server, f"alice@{other}", "secret").json()["error"] == "unauthorized"


# What tokens say to others


def introspect(server: Serving, token: str, **options: Any) -> httpx.Response:
    return ask_uaa(
        server, {"token": token}, path="/introspect", **{"authorization": basic("autoscaler", "s%25c"), **options}
    )


def test_a_resource_server_learns_what_a_token_says(server: Serving, prefix: str) -> None:
    token = log_in(server, "alice", "secret", prefix=prefix).json()["access_token"]
    shown = introspect(server, token).json()
    assert list(shown) == [
        *("user_id", "user_name", "email", "client_id", "exp", "scope", "jti", "aud", "sub", "iss", "iat", "cid"),
        *("grant_type", "azp", "auth_time", "zid", "rev_sig", "origin", "revocable", "client_auth_method", "active"),
    ]
    assert (shown["active"], shown["user_name"], shown["revocable"]) == (True, "alice", False)
    assert isinstance(shown["scope"], list)
    checked = ask_uaa(server, {"token": token}, path="/check_token", authorization=basic("autoscaler", "s%25c"))
    assert checked.json() == {name: value for name, value in shown.items() if name != "active"}


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c"])
def test_what_does_not_count_is_not_active(token: str, server: Serving, prefix: str) -> None:
    answer = introspect(server, token, prefix=prefix)
    assert (answer.status_code, answer.json()) == (200, {"revocable": False, "active": False})


def test_an_expired_token_is_not_active(server: Serving) -> None:
    name = new_name()
    token = log_in(server, f"alice@{name}", "secret", authorization=basic("other")).json()["access_token"]
    assert introspect(server, token).json()["active"] is True
    advance(server, name, 601)
    assert introspect(server, token).json() == {"revocable": False, "active": False}


def test_a_resource_server_may_ask_with_its_own_token(server: Serving, prefix: str) -> None:
    own = ask_uaa(
        server, {"grant_type": "client_credentials"}, prefix=prefix, authorization=basic("autoscaler", "s%25c")
    ).json()["access_token"]
    token = log_in(server, "alice", "secret", prefix=prefix).json()["access_token"]
    assert introspect(server, token, authorization=f"bearer {own}").json()["active"] is True
    assert introspect(server, own, authorization=f"bearer {token}").status_code == 403


def test_a_token_says_whose_it_is(server: Serving, prefix: str) -> None:
    token = log_in(server, "alice", "secret", prefix=prefix).json()["access_token"]
    expected = {
        "user_id": "alices-guid",
        "user_name": "alice",
        "email": "alice",
        "email_verified": True,
        "previous_logon_time": None,
        "sub": "alices-guid",
    }
    assert ask_with(server, token, "/userinfo").json() == expected
    assert ask_with(server, "alice", f"{prefix}/userinfo").json() == expected
    assert ask_with(server, "admin", f"{prefix}/userinfo").json()["user_name"] == "admin"


# Scenarios that are not about it


def test_a_rule_without_an_operation_does_not_close_the_way_in(server: Serving, prefix: str) -> None:
    for name, rule in {
        "all": {"respond": {"error": "CF-ServiceUnavailable"}},
        "expires": {"per": "token", "respond": {"error": "CF-InvalidAuthToken"}},
    }.items():
        play(server, prefix.rpartition("/")[2], name, rules=[rule])
    for path in ("/", "/v3", "/v3/info", "/v2/info", "/login", "/token_keys", "/.well-known/openid-configuration"):
        assert server.client.get(f"{prefix}{path}").status_code == 200, path
    token = log_in(server, "alice", "secret", prefix=prefix).json()["access_token"]
    assert ask_with(server, token).status_code == 503


def test_any_operation_is_every_request(server: Serving, prefix: str) -> None:
    """Unknown routes too; UAA answers in its own form, and with its own headers."""
    rules = [{"operation": "any", "respond": {"error": "CF-ServiceUnavailable", "undocumented": True}}]
    play(server, prefix.rpartition("/")[2], "all", rules=rules)
    refused = log_in(server, "alice", "secret", prefix=prefix)
    assert refused.json() == {"error": "server_error", "error_description": "Service unavailable"}
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/json")
    assert refused.headers["content-security-policy"] == "script-src 'self'"
    for path in ("/v3/processes", "/v3/nonsense", "/v3/info"):
        answer = httpx.get(f"{server.url}{prefix}{path}", headers={"Authorization": "bearer admin"})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, 10015)


@pytest.mark.parametrize(
    ("respond", "status", "body"),
    [
        ({"error": "CF-InvalidAuthToken"}, 401, {"error": "unauthorized", "error_description": "Invalid Auth Token"}),
        ({"error": "CF-RateLimitExceeded", "detail": "slow down", "undocumented": True}, 429, None),
        ({"status": 503}, 503, {"error": "server_error", "error_description": "Service Unavailable"}),
        ({"status": 418, "undocumented": True}, 418, None),
        ({"example": "token_gone"}, 401, None),
        (
            {"status": 400, "body": {"error": "x", "error_description": "y"}},
            400,
            {"error": "x", "error_description": "y"},
        ),
    ],
)
def test_a_rule_answers_in_uaas_form(
    respond: dict[str, Any], status: int, body: Any, server: Serving, prefix: str
) -> None:
    rules = [{"operation": "issueToken", "respond": respond}]
    play(server, prefix.rpartition("/")[2], "it", rules=rules)
    form = {"grant_type": "password", "username": "alice", "password": "secret"}
    answer = httpx.post(f"{server.url}{prefix}/oauth/token", data=form, auth=("cf", ""))
    assert answer.status_code == status
    assert answer.json().keys() == {"error", "error_description"}
    assert body in (None, answer.json())
    assert "x-download-options" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "x-vcap-request-id" in answer.headers


def test_a_request_may_ask_for_a_scenario_of_the_log_in(server: Serving, prefix: str) -> None:
    """A scenario that is not about it leaves it alone."""
    answer = log_in(server, "alice", "secret", prefix=prefix, headers={"X-Mock-Scenario": "brownout"})
    assert answer.status_code == 200
    unknown = log_in(server, "alice", "secret", prefix=prefix, headers={"X-Mock-Scenario": "nonsense"})
    assert (unknown.status_code, unknown.json()["error"]) == (400, "invalid_request")


# Secrets


def test_the_journal_shows_no_secret_of_a_log_in(server: Serving, prefix: str) -> None:
    body = log_in(server, "alice", "secret", prefix=prefix).json()
    refresh(server, body["refresh_token"], prefix=prefix)
    form = {"grant_type": "client_credentials", "client_id": "autoscaler", "client_secret": "s%c"}
    client = ask_uaa(server, form, prefix=prefix, authorization=None).json()
    introspect(server, body["access_token"], prefix=prefix)
    ask_uaa(server, None, prefix=prefix, query="?grant_type=password&username=alice&password=secret", method="GET")
    recorded = server.client.get(f"/__mock{prefix}/requests")
    assert len(recorded.json()["requests"]) == 5
    for secret in (
        "secret",
        "s%c",
        "s%25c",
        body["access_token"],
        body["refresh_token"],
        body["id_token"],
        client["access_token"],
    ):
        shown = recorded.text.replace("client_secret", "")
        assert f'"{secret}"' not in shown
        assert f"={secret}" not in shown
        assert len(secret) < 20 or secret not in shown
    assert basic("autoscaler", "s%25c").partition(" ")[2] not in recorded.text
