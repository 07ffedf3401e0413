"""Logging in over HTTP, as clients do: forms, Basic, and what is inside a token. Each server stands still in time."""

import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import urlencode

import httpx

from tests import plain_http
from tests.serving import Serving

FORM = "application/x-www-form-urlencoded"

SEED: dict[str, Any] = {
    "organizations": [
        {"name": "acme", "spaces": [{"name": "dev", "apps": [{"name": "dora", "guid": "dora"}]}]},
    ],
    "users": [
        {"name": "alice", "guid": "alices-guid", "password": "secret", "spaces": {"acme/dev": ["space_developer"]}},
        {"name": "bob@example.com", "guid": "bobs-guid"},
        {"name": "root", "scopes": ["cloud_controller.admin"]},
        {"name": "locked", "locked": True},
    ],
    "clients": [
        {"id": "autoscaler", "secret": "s%c", "authorities": ["cloud_controller.admin", "uaa.resource"]},
        {
            "id": "portal",
            "secret": "p",
            "grants": ["password", "authorization_code"],
            "scopes": ["cloud_controller.read"],
        },
        {"id": "other", "grants": ["password", "refresh_token"], "access_token_seconds": 600},
    ],
}
"""Users with a password and without, one with an e-mail address for a name, and clients of several kinds."""

_names = count(1)


def new_name() -> str:
    """A name that no other foundation of these tests has."""
    return f"logged-in-{next(_names)}"


def basic(client: str, secret: str = "") -> str:
    return f"Basic {b64encode(f'{client}:{secret}'.encode()).decode()}"


CF = basic("cf")


def ask_uaa(
    server: Serving,
    form: Mapping[str, str] | None,
    *,
    path: str = "/oauth/token",
    prefix: str = "",
    query: str = "",
    authorization: str | None = CF,
    headers: Mapping[str, str] = {},
    method: str = "POST",
) -> httpx.Response:
    """Sends a form to UAA; the answer is held against the contract.

    Args:
        prefix: of a foundation, empty for the bare URL.
        authorization: None for no such header.
    """
    sent = {**headers}
    content = b""
    if form is not None:
        sent["Content-Type"], content = FORM, urlencode(form).encode()
    sent["Authorization"] = authorization or ""
    request = server.client.build_request(method, f"{prefix}{path}{query}", headers=sent, content=content)
    if authorization is None:
        del request.headers["Authorization"]
    return server.client.send(request)


def log_in(server: Serving, user: str, password: str = "any", **options: Any) -> httpx.Response:
    """The answer to a log-in by password."""
    return ask_uaa(server, {"grant_type": "password", "username": user, "password": password}, **options)


def refresh(server: Serving, token: str, **options: Any) -> httpx.Response:
    """The answer to a refresh."""
    return ask_uaa(server, {"grant_type": "refresh_token", "refresh_token": token}, **options)


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, without looking at its signature."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def head_of(token: str) -> dict[str, Any]:
    part = token.split(".", maxsplit=1)[0]
    head: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return head


def ask_with(server: Serving, token: str, path: str = "/v3/apps/dora/processes", **headers: str) -> httpx.Response:
    """GETs a path at the bare URL with a token."""
    return server.client.get(path, headers={"Authorization": f"bearer {token}", **headers})


def foundations_of(server: Serving) -> set[str]:
    return {each.name for each in server.service.registry}


def why(answer: httpx.Response) -> str:
    return answer.headers["x-mock-why"]


def advance(server: Serving, foundation: str, seconds: float) -> None:
    """Lets so much virtual time pass in a foundation that is there."""
    found = server.service.registry.find(foundation)
    assert found is not None
    found.world.clock.virtual += round(seconds * 1_000_000)


def patch(server: Serving, foundation: str, **words: Any) -> None:
    """Changes a foundation in a seed file's words."""
    changed = plain_http.request("PATCH", f"{server.url}/__mock/foundations/{foundation}/state", json=words)
    assert changed.status_code == 200, changed.text


def play(server: Serving, foundation: str, scenario: str, **words: Any) -> None:
    """Switches a scenario on in a foundation."""
    body = {"scenario": scenario, **words}
    played = plain_http.request("PUT", f"{server.url}/__mock/foundations/{foundation}/scenarios/{scenario}", json=body)
    assert played.status_code in (200, 201), played.text
