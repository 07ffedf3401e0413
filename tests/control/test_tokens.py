"""Minted tokens: a client that can set neither path, header nor host is sent to its own foundation by them.

They count in the foundation that minted them and in its copies, and nobody else can make one.
"""

import hmac
import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mockfoundry.client.in_process import InProcess
from mockfoundry.cloudfoundry.auth import parse_bearer_token
from mockfoundry.cloudfoundry.signing_keys import THROW_AWAY_KEY_FILE, THROW_AWAY_KEY_ID, choose_signing_key
from mockfoundry.cloudfoundry.tokens import verify_token
from mockfoundry.control.api import build_control_api, handle_control_request
from mockfoundry.exchange.request import read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.server.waiting import RequestHolds
from tests import plain_http
from tests.serving import WEB, Serving, real_now, service_of

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
    """They lead elsewhere, where the token of this foundation does not count."""
    mine = bearer(minted(server, "mine"))
    for url, headers in (
        (f"/foundations/other{SCALE}", {}),
        (SCALE, {"X-Mock-Foundation": "other"}),
        (SCALE, {"Host": "other.localhost"}),
    ):
        answer = plain_http.post(server.url + url, json={"instances": 3}, headers={**mine, **headers})
        assert answer.status_code == 401
        assert "was minted in another foundation (mine)" in answer.headers["x-mock-why"]
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
    claims = {"user_name": "admin", "mock_foundation": "mine", "mock_issuer": issuer_of(server, "mine"), "exp": 2**32}
    foreign = jwt.encode(claims, "k" * 32, algorithm="HS256")
    throw_away = choose_signing_key(None, strict=False).load()
    known = jwt.encode(claims, throw_away.private, algorithm="RS256", headers={"kid": throw_away.name})
    for strange in ("anyone", "admin", foreign, foreign + ".x", "a.b.c", known):
        answer = plain_http.get(url, headers={"Authorization": f"bearer {strange}"})
        assert answer.json()["errors"][0]["title"] == "CF-InvalidAuthToken", strange


def issuer_of(server: Serving, foundation: str) -> str:
    """The issuer that the tokens of a foundation name."""
    return server.service.registry.get_or_create(foundation, 0).token_issuers[-1]


def show(server: Serving, foundation: str, token: str, by: str = "path") -> int:
    """The status of the answer of a foundation, named by path or by header."""
    headers = {"Authorization": f"bearer {token}".encode("latin-1")}
    if by == "path":
        return plain_http.get(f"{server.url}/foundations/{foundation}/v3/processes/{WEB}", headers=headers).status_code
    headers["X-Mock-Foundation"] = foundation.encode()
    return plain_http.get(f"{server.url}/v3/processes/{WEB}", headers=headers).status_code


@pytest.mark.parametrize("strict_auth", [False, True])
@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_token_counts_where_it_was_minted_and_in_copies_of_that(
    serve: Callable[..., Serving], door: str, strict_auth: bool
) -> None:
    """Neither in another foundation, nor in one that was made anew under the name; after a reset as before."""
    server = serve(door=door, strict_auth=strict_auth)
    control = server.client
    token = minted(server, "mine")["access_token"]
    theirs = minted(server, "other")["access_token"]
    for by in ("path", "header"):
        assert [show(server, name, token, by) for name in ("mine", "other")] == [200, 401]
        assert [show(server, name, theirs, by) for name in ("mine", "other")] == [401, 200]
    assert control.post("/__mock/foundations/mine/copy", json={"as": "copy"}).status_code == 201
    of_copy = minted(server, "copy")["access_token"]
    assert [show(server, name, token) for name in ("mine", "copy")] == [200, 200]
    assert [show(server, name, of_copy) for name in ("mine", "copy")] == [401, 200]
    assert control.post("/__mock/foundations/mine/reset").status_code == 200
    assert show(server, "mine", token) == 200
    assert control.post("/__mock/foundations/copy/copy", json={"as": "mine", "replace": True}).status_code == 201
    assert [show(server, "mine", each) for each in (token, of_copy)] == [200, 200]
    assert control.delete("/__mock/foundations/mine").status_code == 204
    assert control.put("/__mock/foundations/mine").status_code == 201
    assert [show(server, "mine", each) for each in (token, of_copy)] == [401, 401]
    assert control.put("/__mock/foundations/copy").status_code == 200
    assert show(server, "copy", of_copy) == 401


def test_a_token_of_an_earlier_foundation_of_its_name_leads_nowhere(server: Serving) -> None:
    token = minted(server, "mine")
    server.client.put("/__mock/foundations/mine")
    refused = plain_http.get(f"{server.url}/v3/processes/{WEB}", headers=bearer(token))
    assert refused.status_code == 401
    assert refused.json()["errors"][0]["code"] == 1000
    assert "in one of that name that is gone" in refused.headers["x-mock-why"]


def test_a_world_that_is_replaced_keeps_its_tokens(server: Serving) -> None:
    token = minted(server, "mine")["access_token"]
    state = server.client.get("/__mock/foundations/mine/state").json()
    server.client.put("/__mock/foundations/mine/state", json=state)
    assert show(server, "mine", token) == 200


def test_tokens_of_a_long_chain_of_copies_count_and_it_does_not_grow_without_end(server: Serving) -> None:
    token = minted(server, "a")["access_token"]
    for number in range(100):
        name, other = ("a", "b") if number % 2 == 0 else ("b", "a")
        server.client.post(f"/__mock/foundations/{name}/copy", json={"as": other, "replace": True})
        if number == 10:
            assert show(server, other, token) == 200
    assert len(server.service.registry.get_or_create("a", 0).token_issuers) <= 64


def test_a_foundation_object_mints_anew_after_it_began_anew() -> None:
    with InProcess() as server:
        foundation = server.foundation("mine")
        before = foundation.token
        foundation.begin()
        assert foundation.token != before
        foundation.reset()
        assert foundation.token == foundation.token


def test_a_token_is_signed_by_rs256_with_the_name_of_the_key(serve: Callable[..., Serving]) -> None:
    """The shipped key has a name of its own; the name of any other follows from the key."""
    names = set()
    for strict_auth in (False, True, True):
        server = serve(strict_auth=strict_auth)
        token = minted(server, "mine")["access_token"]
        header = jwt.get_unverified_header(token)
        assert (header["alg"], header["typ"]) == ("RS256", "JWT")
        pair = server.service.authority.key.load()
        assert header["kid"] == pair.name
        assert pair.private.key_size == 2048
        assert jwt.decode(token, pair.public, algorithms=["RS256"], audience="cf", options={"verify_iat": False})
        names.add(pair.name)
    assert len(names) == 3
    assert THROW_AWAY_KEY_ID in names


@pytest.mark.parametrize("strict_auth", [False, True])
@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_no_token_is_forged(serve: Callable[..., Serving], door: str, strict_auth: bool) -> None:
    """A token that names the server's key counts if that key signed it, also where any bearer is an admin."""
    server = serve(door=door, strict_auth=strict_auth)
    good = minted(server, "mine")["access_token"]
    pair = server.service.authority.key.load()
    head, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    named = {"kid": pair.name}
    other = choose_signing_key(None, strict=True).load().private
    public = pair.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    none = jwt.encode(claims, "", algorithm="none", headers=named)
    forged = {
        "of algorithm none": none,
        "of algorithm none with a signature": none + signature,
        "by the public key as a secret": sign_with_secret(claims, public, named),
        "by another key": jwt.encode(claims, other, algorithm="RS256", headers=named),
        "by another algorithm of the key": jwt.encode(claims, pair.private, algorithm="RS512", headers=named),
        "without a signature": f"{head}.{body}.",
        "with another's signature": f"{head}.{body}.{minted(server, 'mine')['access_token'].split('.')[2]}",
        "without claims": jwt.encode({}, pair.private, algorithm="RS256", headers=named),
    }
    for name, token in forged.items():
        answer = plain_http.get(
            f"{server.url}/foundations/mine/v3/processes/{WEB}", headers={"Authorization": f"bearer {token}"}
        )
        assert answer.status_code == 401, name
        assert answer.json()["errors"][0]["code"] == 1000
        assert "names this server's key" in answer.headers["x-mock-why"]
    # Of another key's name, or of none, it is any bearer: an admin's, but not where that has to be proved.
    for header in ({"kid": "key-1"}, {}):
        strange = jwt.encode(claims, pair.private, algorithm="RS256", headers=header)
        assert show(server, "mine", strange) == (401 if strict_auth else 200)
    for garbage in ("..", "a.b.c", "eyJ9.e30.x", f"{head[:-3]}.{body}.{signature}", "e30.e30.e30", "\xe9.b.c"):
        assert show(server, "mine", garbage) == (401 if strict_auth else 200), garbage


def sign_with_secret(claims: dict[str, Any], secret: bytes, header: dict[str, str]) -> str:
    """A token by HS256; the library itself refuses to take a public key for a secret."""
    encoded = [b64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT", **header}, claims)]
    return ".".join([*encoded, b64(hmac.new(secret, ".".join(encoded).encode(), "sha256").digest())])


def b64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def test_a_users_long_name_makes_a_token_that_counts(serve: Callable[..., Serving]) -> None:
    name = "\U0001f680" * 255
    server = serve(seed={**ALICE, "users": [{"name": name, "spaces": {"acme/dev": ["space_auditor"]}}]})
    token = minted(server, "mine", user=name)["access_token"]
    assert len(token) > 4_096
    assert show(server, "mine", token) == 200


def test_nothing_of_cryptography_is_imported_before_a_token_is_minted() -> None:
    """Neither at the start, nor for plain bearers, nor for tokens of others."""
    script = """if True:
        import sys
        import httpx
        from mockfoundry import InProcess

        with InProcess() as server:
            client = httpx.Client(transport=server.transport(), base_url="http://mock")
            for token in ("admin", "anyone", "a.b.c", "eyJhbGciOiJSUzI1NiIsImtpZCI6ImtleS0xIn0.e30.c2ln"):
                assert client.get("/v3/processes", headers={"Authorization": f"bearer {token}"}).status_code == 200
            print([name for name in ("cryptography", "jwt") if name in sys.modules])
            server.foundation("mine").token
            print([name for name in ("cryptography", "jwt") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["[]", "['cryptography', 'jwt']"], done.stderr


def test_a_key_is_made_beside_the_exchanges() -> None:
    """It takes long, so the first token is minted in the worker room, and the following ones at once."""
    service = service_of(strict_auth=True)
    api = build_control_api(service, RequestHolds(1, service.registry.is_live))

    def mint() -> Response | PendingRequest:
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        path = "/__mock/foundations/mine/tokens"
        return handle_control_request(api, read_request("POST", path, b"", headers, b"{}", "http", real_now()))

    waiting = mint()
    assert isinstance(waiting, PendingRequest)
    assert waiting.work is not None
    assert not service.authority.key.is_loaded
    made = waiting.resume(real_now(), waiting.work())
    assert isinstance(made, Response)
    assert made.status == 201
    assert isinstance(mint(), Response)


def test_the_shipped_key_says_that_it_is_for_tests() -> None:
    text = THROW_AWAY_KEY_FILE.read_text(encoding="ascii")
    assert "public on purpose" in text.partition("-----BEGIN")[0]
    assert "gitleaks:allow" in text


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
    issued = {"mock_issuer": issuer_of(server, "mine"), **claims}
    payload, key = json.dumps(issued).encode(), server.service.authority.key.load()
    token = jwt.api_jws.encode(payload, key.private, algorithm="RS256", headers={"kid": key.name})
    answer = plain_http.get(f"{server.url}/v3/processes/{WEB}", headers={"Authorization": f"bearer {token}"})
    assert answer.status_code in (400, 401)
    assert answer.json()


DEEP = b'{"mock_issuer": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_token_of_json_that_nests_too_deep_is_no_token_of_ours(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door)
    key = server.service.authority.key.load()
    deep_head = urlsafe_b64encode(DEEP).decode().rstrip("=") + ".e30.x"
    deep_claims = jwt.api_jws.encode(DEEP, key.private, algorithm="RS256", headers={"kid": key.name})
    statuses = [
        plain_http.get(f"{server.url}/v3/processes/{WEB}", headers={"Authorization": f"bearer {token}"}).status_code
        for token in (deep_head, deep_claims)
    ]
    assert statuses == [200, 401]


def test_a_token_longer_than_any_that_was_minted_is_not_remembered(server: Serving) -> None:
    before = verify_token.cache_info().currsize, parse_bearer_token.cache_info().currsize
    long = f"{'a' * 5_000}.b.c"
    assert plain_http.get(f"{server.url}/v3/processes", headers={"Authorization": f"bearer {long}"}).status_code == 200
    assert (verify_token.cache_info().currsize, parse_bearer_token.cache_info().currsize) == before


def test_the_journal_keeps_no_minted_token(server: Serving) -> None:
    token = minted(server, "mine")
    plain_http.get(f"{server.url}/v3/processes/{WEB}", headers=bearer(token))
    listed = server.client.get("/__mock/foundations/mine/requests")
    assert token["access_token"] not in listed.text
    assert listed.json()["requests"][0]["actor"] == "admin"
