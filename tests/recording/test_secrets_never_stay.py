"""Secrets that pass the proxy: the foundation and the client get them, and no byte of them is in the file."""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import httpx
import msgspec
import pytest

from mockfoundry.journal.marks import digest_secret
from mockfoundry.recording.har import HarEntry, read_har
from mockfoundry.recording.har_writing import entry_to_dict
from mockfoundry.recording.keeping import SecretKeeper, hide_written_variables
from mockfoundry.recording.reading import read_recording
from mockfoundry.recording.recorder import RecordingBounds
from tests.command_line import run_here
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
        "applications:\n- name: dora\n  services:\n  - name: db\n    parameters:\n      a: hidden\n",
        "applications:\n- name: dora\n  services:\n  - {name: db, parameters: {a: hidden}}\n",
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


@pytest.mark.parametrize(
    "text",
    [
        "applications:\n- name: dora\n  services:\n  - name: db\n    parameters: {foo: S}\n",
        "applications:\n- {name: dora, services: [{name: db, parameters: {foo: S}}]}\n",
        "first: {users: [{name: bob, password: S}]}\nlast: 1",
        'name: dora\npassword: "abc\n  S"\nlast: 1',
        "name: dora\npassword: abc\n  S\nlast: 1",
        "name: dora\npassword: 'abc\n\n  S'\nlast: 1",
        "name: dora\n? password\n: S\nlast: 1",
        "name: dora\n!!str password: S\nlast: 1",
        "name: dora\n&a password: !!binary S\nlast: 1",
        'name: dora\n"pass\\x77ord": S\nlast: 1',
        "name: dora\nsecrets:\n- a\n- S\nlast: 1",
        "name: dora\nsecrets:\n  a: |\n    S\n  # S\nlast: 1",
        "settings:\n- name: API_KEY\n  value: S\n",
        "settings:\n- value: |-\n    S\n  key: API_KEY\n",
        "\ufeffpassword: S\nlast: 1",
        "name: dora\n---\npassword: abc\n  S\n",
        "x: &a S\npassword: *a\n",
        "password: &a S\nx: *a\n",
        "x: &a {b: S}\nenv: {<<: *a}\n",
        "password: abc\n  S\n\tnever: yaml",
        "- " * 5000 + "password: abc S\n",
    ],
)
def test_a_secret_in_yaml_is_not_kept_however_it_is_written(text: str) -> None:
    body = text.replace("S\n", f"{S}\n").replace("S}", S + "}").replace('S"', S + '"').replace("S'", S + "'")
    assert S in body
    entry = keep(f"{V3}/apps", body.encode(), content_type="text/yaml")
    assert S not in entry.answer.decode()
    assert "[redacted " in entry.answer.decode()
    if "last" in text:
        assert "last: 1" in entry.answer.decode()


def test_only_the_values_of_secrets_are_taken_from_yaml() -> None:
    text = "# dora\napplications:\n- name: dora # it\n  env:\n    A: abc-1x2\n    FOO: q1w2e3r4t5y6\n  memory: 1G\n"
    keeper = SecretKeeper()
    entry = HarEntry(
        started=0,
        method="POST",
        url=f"{V3}/spaces/a/actions/apply_manifest",
        status=202,
        headers=(("content-type", "application/x-yaml"),),
        content=text.encode(),
    )
    assert keeper.redact(entry).content.decode() == re.sub(
        "    A.*6\n",
        f'      "{digest_secret("A: abc-1x2" + chr(10) + "    FOO: q1w2e3r4t5y6")}"\n',
        text,
        flags=re.DOTALL,
    )
    later = keeper.redact(msgspec.structs.replace(entry, content=b"x: q1w2e3r4t5y6 dora"))
    assert later.content.decode() == f"x: {digest_secret('q1w2e3r4t5y6')} dora"


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


S = "Zq7SecretValue99"


def keep(
    url: str,
    answer: Any = b"{}",
    content: bytes = b"",
    headers: dict[str, str] | None = None,
    content_type: str | None = "application/json",
    keeper: SecretKeeper | None = None,
) -> HarEntry:
    """An exchange as it is kept, by one who knows no secret yet if none is given."""
    given = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    entry = HarEntry(
        started=0,
        method="GET",
        url=url,
        status=200,
        headers=(("content-type", "application/json"),),
        content=content,
        answer=given,
        answer_headers=(*([("content-type", content_type)] if content_type else []), *(headers or {}).items()),
    )
    return (keeper or SecretKeeper()).redact(entry)


V3 = f"{API}/v3"


@pytest.mark.parametrize(
    ("entry", "kept"),
    [
        (keep(f"{V3}/service_instances/a", {"parameters": {"size": S, "n": 7}, "name": "db"}), '"name":"db"'),
        (keep(f"{V3}/service_credential_bindings", content=b'{"type":"key","parameters":{"a":"%s"}}' % S.encode()), ""),
        (keep(f"{V3}/service_instances/a/parameters", {"errors": S, "size": [S]}), '"size"'),
        (keep(f"{V3}/service_credential_bindings/a/parameters", {"a": {"b": S}}), '"b"'),
        (keep(f"{V3}/service_instances/a/credentials", {"anything": S, "username": "bob"}), '"anything"'),
        (keep(f"{API}/v2/config/environment_variable_groups/running", {"A": S}), '"A"'),
        (keep(f"{UAA}/passcode", json.dumps(S).encode()), "redacted"),
        (keep(f"{UAA}/oauth/token/revoke/{S}"), "revoke"),
        (keep(f"{V3}/apps", {"body": json.dumps({"parameters": {"size": S}})}), "size"),
        (keep(f"{V3}/apps", f'{{"parameters":{{"size":"{S}'.encode()), "redacted"),
        (keep(f"{V3}/apps", json.dumps({"parameters": {"a": S}}).encode("utf-16")), "redacted"),
        (keep(f"{V3}/apps", content=b"parameters=%7B%22a%22%3A%22" + S.encode() + b"%22%7D&x=1"), "x=1"),
        (keep(f"{V3}/apps?q=password:{S}&page=2"), "page=2"),
        (keep(f"{UAA}/oauth/authorize?state={S}&scope=openid"), "scope=openid"),
        (keep(f"{V3}/apps", headers={"refresh": f"0; url={API}/?access_token={S}&page=2"}), "page=2"),
        (keep(f"{V3}/apps", headers={"www-authenticate": f'Negotiate {S}==, Basic realm="x"'}), 'Basic realm="x"'),
        (keep(f"{V3}/apps", {"hint": [f"X-Auth-Token: {S}"]}), "X-Auth-Token: "),
        (keep(f"{V3}/apps", {"detail": f"header X-Api-Key: {S} was bad"}), " was bad"),
        (keep(f"{V3}/apps", {"hint": f"Cookie: a={S}; b={S}"}), "Cookie: a="),
        (keep(f"{V3}/apps", {"hint": f"'Authorization: Token {S}' is old"}), "Token "),
        (keep(f"{V3}/apps", {"command": f"curl -H 'X-Api-Key: {S}' http://x"}), "http://x"),
        (keep(f"{V3}/apps", {"x": json.dumps({"url": f"amqps://u:{S}@h"}).replace("/", "\\/")}), "@h"),
        (keep(f"{V3}/apps", f"amqps:\\/\\/u:{S}@h".encode(), content_type="text/plain"), "@h"),
        (keep(f"{V3}/apps", {"uri": f"amqps://u:{S}@h/v", "connectionString": f"a={S}"}), "amqps://"),
    ],
)
def test_what_holds_secrets_is_kept_without_them(entry: HarEntry, kept: str) -> None:
    """What stands beside them is there."""
    text = json.dumps(entry_to_dict(entry))
    assert S not in text
    shown = unquote(text).replace("\\", "")
    assert "[redacted " in shown
    assert kept in shown


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ('{"password": "S", "password": null}', {"password": None}),
        ('{"note": {"password": "S"}, "note": "ok"}', {"note": "ok"}),
        ('{"var": {"A": "S"}, "var": {}}', {"var": {}}),
        ('{"a": [{"p\\u0061ssword": "S", "password": ""}]}', {"a": [{"password": ""}]}),
    ],
)
def test_of_a_name_that_comes_twice_the_last_is_kept(body: str, kept: Any) -> None:
    """So nobody reads the first one, in which nothing was looked for."""
    written = body.replace("S", S).encode()
    entry = keep(f"{V3}/apps", written, written)
    assert [msgspec.json.decode(each) for each in (entry.content, entry.answer)] == [kept, kept]
    assert S.encode() not in entry.content + entry.answer


def test_a_body_in_which_no_name_comes_twice_stays_as_it_was_written() -> None:
    body = b'{ "a" : 1.0, "b":"\\u00e4\\/" }'
    assert keep(f"{V3}/apps", body).answer == body


def test_a_variable_may_have_the_name_of_the_links() -> None:
    """What is a link is kept beside them alone."""
    links = {"self": {"href": f"{V3}/apps/a"}}
    variables = {"links": "correct-horse-battery"}
    for given in ({"var": variables}, {"environment_variables": {"links": variables}}, variables):
        shown = keep(f"{V3}/apps/a/env", given).answer
        assert b"horse" not in shown
        assert b"horse" not in keep(f"{V3}/apps/a", {"env": given}).answer
    assert json.loads(keep(f"{V3}/apps/a/env", {"var": {}, "links": links}).answer)["links"] == links


def test_who_signs_in_by_an_address_is_not_in_it() -> None:
    assert keep(f"https://bob:{S}@api.example.org/v3/apps").url == f"{V3}/apps"


def test_names_with_a_number_in_them_are_no_keys() -> None:
    """They stand in an environment, and everywhere else: `seed-from` needs them."""
    keeper, names = SecretKeeper(), ["k8s-proxy", "b2b-portal", "e2e-tests", "us-east1b"]
    environment = {"VCAP_APPLICATION": {"name": names[0], "uris": names[1:3]}, "REGION": names[3], "KEY": "q1w2e3r4"}
    keep(f"{V3}/apps/a/env", {"application_env_json": environment}, keeper=keeper)
    listed = {"resources": [{"name": name} for name in names], "note": "q1w2e3r4"}
    shown = keep(f"{V3}/apps", listed, keeper=keeper)
    resources, note = json.loads(shown.answer).values()
    assert [each["name"] for each in resources] == names
    assert note.startswith("[redacted ")


def test_a_header_without_a_secret_stays() -> None:
    request_id = "8d7c6b5a-1111-4222-8333-444455556666::2f5b6c1e-7a3d-4f0e-9b1a-0c1d2e3f4a5b"
    assert (
        keep(f"{V3}/apps", headers={"x-vcap-request-id": request_id}).answer_header("x-vcap-request-id") == request_id
    )


LATER: dict[str, dict[str, Any]] = {
    "of a log-in": {"headers": (("authorization", "Basic " + base64.b64encode(f"bob:{S}".encode()).decode()),)},
    "of a field": {"answer": b'{"password": "%s"}' % S.encode()},
    "in hidden credentials": {"answer": b'{"credentials": {"port": 1, "password": "%s"}}' % S.encode()},
    "in hidden credentials, by its look": {"answer": b'{"credentials": {"value": ["%s"]}}' % S.encode()},
    "of a variable": {"answer": b'{"var": {"A": "%s"}}' % S.encode()},
    "of parameters": {"answer": b'{"parameters": {"a": {"b": "%s"}}}' % S.encode()},
    "of an address": {"url": f"https://bob:{S}@api.example.org/v3"},
    "of an address without a password": {"url": f"https://{S}@api.example.org/v3"},
    "of a log-in's state": {"url": f"{UAA}/oauth/authorize?state={S}"},
    "of a condition": {"url": f"{V3}/apps?q=password:{S}"},
    "of a manifest": {
        "answer": f"a:\n  env:\n    A: {S}\n".encode(),
        "answer_headers": (("content-type", "application/x-yaml"),),
    },
    "of a challenge": {"answer_headers": (("www-authenticate", f"Negotiate {S}"), ("content-type", "text/plain"))},
}


@pytest.mark.parametrize("where", LATER)
def test_a_secret_is_known_again_after_thousands_of_others(where: str) -> None:
    """Where nothing says what it is."""
    plain = HarEntry(
        started=0,
        method="GET",
        url=f"{V3}/apps",
        status=200,
        answer_headers=(("content-type", "application/json"),),
        answer=b"{}",
    )
    keeper = SecretKeeper()
    keeper.redact(msgspec.structs.replace(plain, **LATER[where]))
    keeper.known.add(f"pw{number}-Xy-{number}" for number in range(5000))
    for each in (
        keeper.redact(msgspec.structs.replace(plain, url=f"{V3}/tasks/{S}?names={S}", comment=f"no answer: {S}")),
        keeper.redact(msgspec.structs.replace(plain, answer=f'{{"detail": "not {S}!"}}'.encode())),
        keeper.redact(msgspec.structs.replace(plain, answer=f"not {S}".encode(), answer_headers=(("x-note", S),))),
    ):
        assert S not in json.dumps(entry_to_dict(each))


@pytest.mark.parametrize(
    "query",
    ["state=some.page.of.mine", "q=session-affinity:enabled-always", "key=eu-central-1", "nonce=next.page.please"],
)
def test_what_may_be_a_word_makes_no_holes_in_later_exchanges(query: str) -> None:
    """It was hidden for the place where it stood."""
    keeper = SecretKeeper()
    word = re.split("[=:]", query)[-1]
    entry = HarEntry(started=0, method="GET", url=f"{V3}/apps?{query}", status=200)
    assert word not in keeper.redact(entry).url
    later = msgspec.structs.replace(entry, url=f"{V3}/{word}")
    assert keeper.redact(later) == later


def test_all_secrets_of_one_exchange_are_known_again_in_it() -> None:
    """However many: here two hundred log-ins, and an error that repeats them all."""
    secrets = [f"pw{number}-Xy-{number}" for number in range(200)]
    entry = keep(f"{V3}/apps", {"all": [{"password": each} for each in secrets], "detail": " ".join(secrets)})
    assert [each for each in secrets if each.encode() in entry.answer] == []


def test_more_secrets_than_can_be_remembered_are_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is forgotten, so what comes after the bound is left out, and told."""
    monkeypatch.setattr("mockfoundry.journal.known_secrets.KnownSecrets.__init__.__defaults__", (60,))
    upstream = AnsweringTransport(lambda request: httpx.Response(200, json={"token": request.url.path * 3}))
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", f"/v3/apps/{number}a{number}", {}) for number in range(9)
    ]
    session = record_upstream(tmp_path / "a.har", API, upstream, requests)
    assert len(session.answers) == 9
    assert len(session.recording.entries) == 1
    assert session.left_out == "left out: 8 exchanges after more secrets than can be remembered"


@pytest.mark.parametrize("levels", [150, 300, 700, 950, 2000])
def test_a_body_that_nests_too_deep_is_left_out_alone(levels: int) -> None:
    """The exchange stays, and says so."""
    deep = b'{"a":' * levels + b'"b"' + b"}" * levels
    for content in (deep, deep[:-1]):
        entry = keep(f"{V3}/apps", content, content=content)
        if levels < 200:
            assert (entry.content, entry.answer, entry.comment) == (content, content, "")
        else:
            assert (entry.content, entry.answer) == (b"", b"")
            assert entry.comment == (
                "the request's body is left out: it nests deeper than 200; "
                "the answer's body is left out: it nests deeper than 200"
            )


def test_why_bodies_are_not_kept_is_counted(tmp_path: Path) -> None:
    """Each reason once of an exchange, in the order of what comes first."""
    deep, text = b"[" * 201 + b"]" * 201, {"content-type": "text/plain"}
    answers = iter(
        [
            httpx.Response(200, json={}),
            httpx.Response(200, content=deep, headers={"content-type": "application/json"}),
            httpx.Response(200, content=b"odd", headers={**text, "content-encoding": "x-odd"}),
            httpx.Response(200, content=b"\x00\xff", headers={"content-type": "application/zip"}),
            httpx.Response(200, content=b"x" * 1001, headers=text),
            httpx.Response(200, content=b"is left out: it is no text", headers=text),
        ]
    )
    requests: list[tuple[str, str, dict[str, Any]]] = [("POST", "/v3/apps", {"content": deep})] * 5
    bounds = RecordingBounds(body=1000)
    session = record_upstream(tmp_path / "a.har", API, AnsweringTransport(lambda _: next(answers)), requests, bounds)
    assert session.left_out == (
        "left out: 5 exchanges' bodies that nest deeper than 200, 1 exchanges' bodies that could not be unpacked, "
        "1 exchanges' bodies that are no text, 1 exchanges' bodies beyond 1000 bytes (--max-body)"
    )


def test_what_is_without_secrets_stays_as_it_is(session: RecordingSession) -> None:
    """Reading a recording removes secrets once more, and finds none."""
    keeper = SecretKeeper()
    entries = read_har(session.path.read_bytes(), "a.har").entries
    assert tuple(keeper.redact(each) for each in entries) == entries == session.recording.entries


@pytest.mark.parametrize(
    "place", ["{}", "a {} b", "Password={};a=b", "postgres://u:{}@h/x", "curl -u me:{} x", "bearer {}"]
)
def test_a_text_that_was_redacted_stays_as_it_is(place: str) -> None:
    url = f"{V3}/apps?token={S}&q=password:{S}&a=" + quote(place.format(S))
    answer = {"password": S, "note": place.format(S), "credentials": {"a": S}, "env": {"A": S}}
    headers = {"www-authenticate": f'Negotiate {S}, Digest nonce="{S}"', "set-cookie": f"a={S}; Path=/", "x-a": S}
    once = keep(url, answer, place.format(S).encode(), headers)
    assert SecretKeeper().redact(once) == once


def browsers_file(**changes: Any) -> bytes:
    """A HAR with secrets, as a browser writes it: one is shown by name only after another exchange repeats it."""
    log_in = {"grant_type": "password", "username": "alice", "password": S}

    def entry(number: int, method: str, url: str, status: int, answer: Any, **more: Any) -> dict[str, Any]:
        headers = [{"name": "Authorization", "value": f"bearer {TOKEN}"}, {"name": "Cookie", "value": f"a={S}"}]
        body = {"postData": {"mimeType": "application/json", "text": json.dumps(more)}} if more else {}
        return {
            "startedDateTime": f"2026-11-28T14:00:{number:02}Z",
            "request": {"method": method, "url": url, "headers": headers, **body},
            "response": {
                "status": status,
                "headers": [{"name": "Content-Type", "value": "application/json"}],
                "content": {"text": json.dumps(answer)},
            },
        }

    space, app = "11111111-2222-4333-8444-555555555555", "21111111-2222-4333-8444-555555555555"
    apps = {
        "resources": [
            {
                "guid": app,
                "name": "dora",
                "lifecycle": {"type": "buildpack", "data": {"buildpacks": [f"https://u:{S}@git.example.org/x"]}},
                "metadata": {"labels": {}, "annotations": {"password": S, "note": f"ask for {S}"}},
                "relationships": {"space": {"data": {"guid": space}}},
                "links": {"self": {"href": f"{V3}/apps/{app}"}},
            }
        ]
    }
    process = {
        "guid": app,
        "type": "web",
        "instances": 1,
        "command": f"run --password={S} {S}",
        "relationships": {"app": {"data": {"guid": app}}},
        "links": {"self": {"href": f"{V3}/processes/{app}"}},
    }
    error = {"errors": [{"code": 10001, "title": f"CF-{S}", "detail": f"Bearer {TOKEN} password={S}"}]}
    entries = [
        entry(1, "GET", f"{V3}/apps?q=token:{S}", 200, apps),
        entry(2, "GET", f"https://bob:{S}@api.example.org/v3/processes/{app}", 200, process),
        entry(3, "POST", f"{V3}/processes/{app}/actions/scale", 503, error, instances=3, note=S),
        entry(4, "GET", f"{V3}/{S}", 404, error),
        entry(5, "POST", f"{UAA}/oauth/token", 200, {"access_token": TOKEN}, **log_in),
    ]
    return json.dumps(
        {"log": {"entries": entries, "_upstream": f"https://bob:{S}@api.example.org", **changes}}
    ).encode()


REPEATS: dict[str, dict[str, Any]] = {
    "in the URL": {"request": {"url": f"{V3}/apps?names=a,{S}"}},
    "in a header": {"request": {"headers": [{"name": "x-note", "value": f"is {S}"}]}},
    "in an answer's header": {"response": {"headers": [{"name": "x-note", "value": f"is {S}"}]}},
    "in a body": {"request": {"postData": {"mimeType": "application/json", "text": f'["not {S}"]'}}},
    "in an answer": {"response": {"content": {"text": f"not {S}", "mimeType": "text/plain"}}},
    "in JSON with escapes": {
        "response": {
            "headers": [{"name": "content-type", "value": "application/json"}],
            "content": {"text": f'["\\u005a{S[1:]}"]'},
        }
    },
    "in a comment": {"comment": f"no answer: {S}"},
}


@pytest.mark.parametrize("where", REPEATS)
def test_what_a_later_exchange_names_is_hidden_in_the_earlier_ones(where: str) -> None:
    """Others are gone through once."""
    more = REPEATS[where]

    def entry(number: int, **changes: Any) -> dict[str, Any]:
        request = {"method": "GET", "url": f"{V3}/apps/{number}", "headers": [], **changes.pop("request", {})}
        response = {"status": 200, "headers": [], "content": {}, **changes.pop("response", {})}
        begun = f"2026-11-28T14:00:0{number}Z"
        return {"startedDateTime": begun, "request": request, "response": response, **changes}

    entries = [entry(1), entry(2, **more), entry(3, request={"headers": [{"name": "x-api-key", "value": S}]})]
    recording = read_recording(json.dumps({"log": {"entries": entries}}).encode(), "a.har")
    shown = json.dumps(list(map(entry_to_dict, recording.entries)))
    assert unquote(shown).count(digest_secret(S)) >= 2
    assert S[1:] not in shown


@pytest.mark.parametrize("command", ["seed-from", "scenario-from", "compare", "compare --format json"])
def test_no_secret_of_a_browsers_file_is_printed(command: str, tmp_path: Path) -> None:
    """What comes of it is of use all the same."""
    path = tmp_path / "a.har"
    path.write_bytes(browsers_file())
    word, *options = command.split()
    done = run_here(word, str(path), *options)
    assert done.returncode in (0, 1), done.stderr
    printed = done.stdout + done.stderr
    assert {"seed-from": "name: dora", "scenario-from": "scaleProcess"}.get(word, "POST /v3/processes/") in printed
    assert [each for each in (S, *TOKEN.split(".")) if each in printed] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"_upstream": f"http://[::1/?token={S}"},
        {
            "entries": [
                {"startedDateTime": f"token={S}", "request": {"method": "GET", "url": "/"}, "response": {"status": 1}}
            ]
        },
    ],
)
def test_no_secret_is_in_what_is_said_of_a_wrong_file(changes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(browsers_file(**changes))
    done = run_here("compare", str(path))
    assert done.returncode == 2
    assert S not in done.stderr
