"""Minted tokens: a client that can set neither path, header nor host is sent to its own foundation by them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import jwt
import pytest

from mockfoundry.cloudfoundry.auth import decode_claims, parse_bearer_token
from tests import plain_http
from tests.serving import WEB, Serving

SCALE = f"/v3/processes/{WEB}/actions/scale"
ALICE = {
    "organizations": [
        {
            "name": "acme",
            "spaces": [{"name": "dev", "apps": [{"name": "dora", "processes": [{"type": "web", "guid": WEB}]}]}],
        }
    ],
    "users": [
        {"name": "alice", "organizations": {"acme": ["organization_user"]}, "spaces": {"acme/dev": ["space_auditor"]}}
    ],
}


def minted(server: Serving, foundation: str, **asked: Any) -> dict[str, Any]:
    answer = server.client.post(f"/__mock/foundations/{foundation}/tokens", json=asked)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def bearer(token: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"bearer {token['access_token']}"}


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_token_leads_to_the_foundation_that_minted_it(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door)
    mine = bearer(minted(server, "mine"))
    assert plain_http.post(server.url + SCALE, json={"instances": 7}, headers=mine).status_code == 202
    assert plain_http.get(f"{server.url}/v3/processes/{WEB}", headers=mine).json()["instances"] == 7
    assert server.client.get(f"/foundations/mine/v3/processes/{WEB}").json()["instances"] == 7
    assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] != 7


def test_path_header_and_host_go_before_the_token(server: Serving) -> None:
    mine = bearer(minted(server, "mine"))
    for url, headers in (
        (f"/foundations/other{SCALE}", {}),
        (SCALE, {"X-Mock-Foundation": "other"}),
        (SCALE, {"Host": "other.localhost"}),
    ):
        assert plain_http.post(server.url + url, json={"instances": 3}, headers={**mine, **headers}).status_code == 202
    names = {each["name"]: each["requests"] for each in server.client.get("/__mock/foundations").json()["foundations"]}
    assert names == {"mine": 0, "other": 3}


def test_a_token_carries_the_roles_of_its_user(serve: Callable[..., Serving]) -> None:
    server = serve(seed=ALICE)
    alice = bearer(minted(server, "mine", user="alice"))
    assert plain_http.get(f"{server.url}/v3/processes/{WEB}", headers=alice).status_code == 200
    assert plain_http.post(server.url + SCALE, json={"instances": 3}, headers=alice).status_code == 403


def test_a_token_expires_on_the_foundations_clock(server: Serving) -> None:
    token = minted(server, "mine", expires_in="10m")
    assert token["expires_in"] == 600
    ask = partial(plain_http.get, f"{server.url}/v3/processes/{WEB}", headers=bearer(token))
    assert ask().status_code == 200
    server.client.patch("/__mock/foundations/mine/clock", json={"advance": "11m"})
    refused = ask()
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["title"] == "CF-InvalidAuthToken"
    assert "expired at" in refused.headers["x-mock-why"]


def test_a_token_expires_at_the_very_second_it_names(server: Serving) -> None:
    """At its `exp` a token is refused; a second earlier it is good."""
    server.client.patch("/__mock/foundations/mine/clock", json={"frozen": True})
    token = minted(server, "mine", expires_in="10m")
    end = jwt.decode(token["access_token"], options={"verify_signature": False})["exp"]
    ask = partial(plain_http.get, f"{server.url}/v3/processes/{WEB}", headers=bearer(token))
    for moment, status in ((end - 1, 200), (end, 401)):
        now = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert server.client.patch("/__mock/foundations/mine/clock", json={"now": now}).status_code == 200
        assert ask().status_code == status


def test_a_token_holds_what_clients_look_for_in_it(server: Serving) -> None:
    token = minted(server, "mine")["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["user_name"], claims["origin"]) == ("admin", "uaa")
    assert claims["exp"] > claims["iat"]
    assert "cloud_controller.admin" in claims["scope"]
    assert minted(server, "mine")["access_token"] != token


def test_strict_authorization_takes_minted_tokens_and_seeded_names_alone(serve: Callable[..., Serving]) -> None:
    server = serve(seed=ALICE, strict_auth=True)
    url = f"{server.url}/foundations/mine/v3/processes/{WEB}"
    assert plain_http.get(url, headers=bearer(minted(server, "mine"))).status_code == 200
    assert plain_http.get(url, headers={"Authorization": "bearer alice"}).status_code == 200
    foreign = jwt.encode({"user_name": "admin", "mock_foundation": "mine", "exp": 2**40}, "k" * 32, algorithm="HS256")
    for strange in ("anyone", foreign, foreign + ".x", "a.b.c"):
        answer = plain_http.get(url, headers={"Authorization": f"bearer {strange}"})
        assert answer.json()["errors"][0]["title"] == "CF-InvalidAuthToken", strange


def test_a_token_of_nobodys_making_is_an_admins_in_the_default_foundation(server: Serving) -> None:
    foreign = jwt.encode({"user_name": "bob", "mock_foundation": "mine", "exp": 1}, "k" * 32, algorithm="HS256")
    answer = plain_http.post(server.url + SCALE, json={"instances": 4}, headers={"Authorization": f"bearer {foreign}"})
    assert answer.status_code == 202
    assert server.client.get(f"/v3/processes/{WEB}").json()["instances"] == 4


@pytest.mark.parametrize(
    "claims",
    [
        {"user_name": "admin", "mock_foundation": "mine", "exp": float("inf")},
        {"user_name": "admin", "mock_foundation": "mine", "exp": -(10**17)},
        {"user_name": "admin", "mock_foundation": "mine", "exp": "soon"},
        {"user_name": "\ud800", "mock_foundation": "mine", "exp": 2**32},
        {"user_name": ["admin"], "mock_foundation": "mine", "exp": 2**32},
        {"user_name": "admin", "mock_foundation": "../x", "exp": 2**32},
        {"user_name": "admin", "mock_foundation": None, "exp": 2**32},
        {},
    ],
)
@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_no_claims_break_the_server(serve: Callable[..., Serving], door: str, claims: dict[str, Any]) -> None:
    server = serve(door=door)
    payload, key = json.dumps(claims).encode(), server.service.authority.key
    token = jwt.api_jws.encode(payload, key, algorithm="HS256")
    answer = plain_http.get(f"{server.url}/v3/processes/{WEB}", headers={"Authorization": f"bearer {token}"})
    assert answer.status_code in (200, 400, 401)
    assert answer.json()


def test_a_token_longer_than_any_that_was_minted_is_not_remembered(server: Serving) -> None:
    before = decode_claims.cache_info().currsize, parse_bearer_token.cache_info().currsize
    long = f"{'a' * 5_000}.b.c"
    assert plain_http.get(f"{server.url}/v3/processes", headers={"Authorization": f"bearer {long}"}).status_code == 200
    assert (decode_claims.cache_info().currsize, parse_bearer_token.cache_info().currsize) == before


def test_the_journal_keeps_no_minted_token(server: Serving) -> None:
    token = minted(server, "mine")
    plain_http.get(f"{server.url}/v3/processes/{WEB}", headers=bearer(token))
    listed = server.client.get("/__mock/foundations/mine/requests")
    assert token["access_token"] not in listed.text
    assert listed.json()["requests"][0]["actor"] == "admin"
