"""Secrets that pass the proxy: the foundation and the client get them, and no byte of them is in the file."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

from mockfoundry.recording.keeping import hide_written_variables
from tests.recording.recorded import AnsweringTransport, RecordingSession, record_upstream

API, UAA = "https://api.example.org", "https://uaa.example.org"


def make_jwt(**claims: Any) -> str:
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in parts]
    return ".".join([*encoded, "c2lnbmF0dXJlLW9mLXRoaXM"])


TOKEN = make_jwt(user_name="alice", user_id="11111111-2222-4333-8444-555555555555", scope=["cloud_controller.read"])
SECRETS = {
    "token": TOKEN,
    "password": "pa55 wörd/+&=\"'",
    "client secret": "cl1ent:s3cret%",
    "refresh token": "9f86d081884c7d659a2feaa0c55ad015-r",
    "session": "s%3Ase55ion.c00kie",
    "new session": "fr3sh-session-c00kie",
    "one-time code": "Qp7xZ2passc0de",
    "query token": "t0ken-in-a-query",
    "url password": "ur1passw0rd",
    "variable": "plain words of a variable",
    "nested variable": "amqp words here",
    "manifest variable": "man1fest variable",
    "key": "0123456789abcdef-api-key",
    "service credentials": "broker-credential-w0rd",
    "one that is no JWT": "opaque-b3arer-t0ken",
}
"""What passes, by what it is."""


def answer(request: httpx.Request) -> httpx.Response:
    """A foundation that repeats secrets wherever one may."""
    target = request.url.raw_path.decode()
    if target == "/":
        return httpx.Response(
            200, json={"links": {"self": {"href": API}, "uaa": {"href": UAA}, "login": {"href": UAA}}}
        )
    if request.url.host == "uaa.example.org":
        body = {
            "access_token": TOKEN,
            "refresh_token": SECRETS["refresh token"],
            "token_type": "bearer",
            "expires_in": 9,
        }
        cookie = f"JSESSIONID={SECRETS['new session']}; Path=/; Secure; HttpOnly; Domain=example.org"
        packed = gzip.compress(json.dumps(body).encode())
        headers = {"set-cookie": cookie, "content-encoding": "gzip", "content-type": "application/json"}
        return httpx.Response(200, content=packed, headers=headers)
    if target.endswith("/environment_variables"):
        return httpx.Response(
            200, json={"var": {"GREETING": SECRETS["variable"]}, "links": {"self": {"href": API + target}}}
        )
    if target.endswith("/env"):
        services = {"rabbit": [{"name": "r", "credentials": {"uri": SECRETS["service credentials"]}}]}
        json_ = {"VCAP_SERVICES": services}
        variables = {"NESTED": {"a": [SECRETS["nested variable"]]}}
        return httpx.Response(200, json={"environment_variables": variables, "system_env_json": json_})
    if target.endswith("/manifest"):
        text = f"applications:\n- name: dora\n  env:\n    A: |\n      {SECRETS['manifest variable']}\n  memory: 1G\n"
        return httpx.Response(200, text=text, headers={"content-type": "application/x-yaml"})
    # Nothing says that this is a secret: it was in another exchange.
    told = f"no {SECRETS['refresh token']} today, {request.headers.get('authorization', '').removeprefix('bearer ')}"
    error = {"errors": [{"title": "CF-NotAuthorized", "detail": told, "code": 10003}]}
    return httpx.Response(403, json=error, headers={"location": f"{API}/?access_token={SECRETS['query token']}"})


FORM = {"grant_type": "password", "username": "alice", "password": SECRETS["password"]}
BASIC = base64.b64encode(f"cf:{SECRETS['client secret']}".encode()).decode()
BEARER = {"authorization": f"bearer {TOKEN}"}
URI = f"postgres://bob:{SECRETS['url password']}@db.example.org/x"

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/_at/uaa.example.org/oauth/token", {"data": FORM, "headers": {"authorization": f"Basic {BASIC}"}}),
    (
        "POST",
        "/_at/uaa.example.org/oauth/token",
        {"data": {"grant_type": "refresh_token", "refresh_token": SECRETS["refresh token"]}},
    ),
    (
        "GET",
        f"/_at/uaa.example.org/oauth/authorize?code={SECRETS['one-time code']}&x=1",
        {"headers": {"cookie": f"JSESSIONID={SECRETS['session']}"}},
    ),
    ("GET", f"/v3/apps?access_token={quote(SECRETS['query token'])}", {"headers": BEARER}),
    ("GET", "/v3/apps", {"headers": {"authorization": f"bearer {SECRETS['one that is no JWT']}"}}),
    ("GET", "/v3/apps/a/environment_variables", {"headers": BEARER}),
    ("PATCH", "/v3/apps/a/environment_variables", {"headers": BEARER, "json": {"var": {"B": SECRETS["variable"]}}}),
    ("GET", "/v3/apps/a/env", {"headers": BEARER}),
    ("GET", "/v3/apps/a/manifest", {"headers": BEARER}),
    (
        "POST",
        "/v3/service_credential_bindings",
        {"headers": {**BEARER, "x-api-key": SECRETS["key"]}, "json": {"a": URI}},
    ),
]


@pytest.fixture
def session(tmp_path: Path) -> RecordingSession:
    return record_upstream(tmp_path / "a.har", API, AnsweringTransport(answer), REQUESTS)


def spell(secret: str) -> dict[str, str]:
    """A secret as it may stand in a file."""
    raw = secret.encode()
    ways = {
        "plain": secret,
        "in JSON": json.dumps(secret)[1:-1],
        "in JSON, not escaped": json.dumps(secret, ensure_ascii=False)[1:-1],
        "in a URL": quote(secret, safe=""),
        "in a form": quote_plus(secret),
        "in base64": base64.b64encode(raw).decode().rstrip("="),
        "in base64 for URLs": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "in hexadecimal": raw.hex(),
    }
    # In base64 of more than the secret it begins at another of three places.
    for shift in (1, 2):
        ways[f"in base64, {shift} later"] = base64.b64encode(b"x" * shift + raw).decode()[
            4 : 4 + (len(raw) - 3) // 3 * 4
        ]
    return ways


def test_no_secret_is_in_the_file(session: RecordingSession) -> None:
    """Neither as it is, nor percent-encoded, nor in base64, nor as text within text."""
    text = session.path.read_text("utf-8")
    decoded = text.encode().decode("unicode_escape", "replace")
    found = [
        (name, way)
        for name, secret in SECRETS.items()
        for way, written in spell(secret).items()
        if written in text or written in decoded
    ]
    assert found == []


def test_no_part_of_the_token_is_in_the_file(session: RecordingSession) -> None:
    """What it says of the user is kept apart from it, by name."""
    text = session.path.read_text("utf-8")
    assert [part for part in TOKEN.split(".") if part in text] == []
    assert session.recording.entries[3].actor is not None
    assert session.recording.entries[3].actor.name == "alice"


def test_the_client_gets_every_secret_that_is_its_own(session: RecordingSession) -> None:
    """Only the file is without them."""
    log_in, variables = session.answers[0], session.answers[5]
    assert log_in.json()["access_token"] == TOKEN
    assert log_in.headers["set-cookie"] == f"JSESSIONID={SECRETS['new session']}; Path=/; HttpOnly"
    assert variables.json()["var"] == {"GREETING": SECRETS["variable"]}


def test_what_is_no_secret_stays_to_be_read(session: RecordingSession) -> None:
    """The file says which variables there are, who logged in, and what else stands beside a secret."""
    entries = session.recording.entries
    assert b"username=alice" in entries[0].content
    assert entries[0].value["token_type"] == "bearer"
    assert list(entries[5].value["var"]) == ["GREETING"]
    assert entries[5].value["links"] == {"self": {"href": f"{API}/v3/apps/a/environment_variables"}}
    assert entries[8].answer.decode().splitlines()[1] == "- name: dora"
    assert entries[8].answer.decode().splitlines()[-1] == "  memory: 1G"


@pytest.mark.parametrize(
    "text",
    [
        "applications:\n- env:\n    A: hidden\n  name: dora\n",
        "applications:\n- name: dora\n  env: {A: hidden, B: {C: hidden}}\n  memory: 1G\n",
        "applications: [{name: dora, env: {A: hidden}}]\n",
        '{"applications": [{"env": {"A": "hidden"}}]}',
        "applications:\n  - name: dora\n    env:\n\n      A: >\n        hidden\n\n        hidden\n    memory: 1G\n",
        'applications:\n- name: dora\n  "env":\n    A: hidden\n',
        "applications:\n- name: dora\n  env:\n    A: other\n  # a comment\n    B: hidden\n",
        "applications:\n- name: dora\n  env :\n    A: hidden\n",
        "shared: &s {DB: hidden}\napplications:\n- {name: dora, env: *s}\n",
        'applications:\n- name: dora\n  "\\x65nv": {A: hidden}\n',
        '{"environment_variables": {"DB": "hidden"}, "system_env',
        '{"env": [{"name": "A", "value": "hidden"}]}',
        '{"VCAP_SERVICES": "hidden"}',
    ],
)
def test_a_manifest_is_kept_without_what_its_variables_hold(text: str) -> None:
    """However it is written; where that can't be told apart, nothing of it is kept."""
    assert "hidden" not in hide_written_variables(text)


def test_a_manifest_without_variables_stays_as_it_is() -> None:
    text = "applications:\n- name: environment\n  memory: 1G\n"
    assert hide_written_variables(text) == text


def test_the_proxy_keeps_no_cookies(tmp_path: Path) -> None:
    """A cookie of one client is not sent for another one."""
    sent: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("cookie", ""))
        return answer(request)

    cookie = {"cookie": "JSESSIONID=mine"}
    log_in = ("POST", "/_at/uaa.example.org/oauth/token", {"data": FORM, "headers": cookie})
    record_upstream(tmp_path / "a.har", API, AnsweringTransport(note), [log_in, ("GET", "/v3/apps", {})])
    assert sent == ["", "JSESSIONID=mine", ""]


@pytest.mark.parametrize(
    "body", [b'{"DB": "hidden-value"', b'\xef\xbb\xbf{"DB": "hidden-value"}', b'{"DB": NaN, "A": "hidden-value"}']
)
def test_variables_that_can_not_be_read_are_hidden_whole(tmp_path: Path, body: bytes) -> None:
    kept = tmp_path / "a.har"
    upstream = AnsweringTransport(
        lambda _: httpx.Response(200, content=body, headers={"content-type": "application/json"})
    )
    record_upstream(
        kept, API, upstream, [("GET", "/v3/apps/x/env", {}), ("GET", "/v3/apps/x/environment_variables", {})]
    )
    text = kept.read_text("utf-8")
    assert "hidden-value" not in text
    assert base64.b64encode(body).decode()[:16] not in text
