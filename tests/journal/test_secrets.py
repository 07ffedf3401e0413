"""A secret that a client sent or got is shown nowhere: a drawn one is put into each place, then looked for."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockfoundry.journal.curl import curl_command
from mockfoundry.journal.entry import JournalEntry
from mockfoundry.journal.lines import ListedEntry, describe_entry
from mockfoundry.journal.marks import digest_secret
from mockfoundry.journal.secret_names import is_secret_name, is_secret_parameter
from tests.effort import effort_of
from tests.journal.exchanges import record_entry
from tests.searching import examples

JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"

PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~+/"

# A letter and a digit at its ends: what stands at an end would be trimmed in some places, or be taken for its end.
secrets = st.builds("q{}7".format, st.text(PLAIN, min_size=10, max_size=40))
strange_secrets = st.builds("q{}7".format, st.text(st.characters(exclude_categories=["Cs"]), min_size=10, max_size=30))


def header(name: str, text: str = "{}") -> Callable[[str], JournalEntry]:
    return lambda secret: record_entry(headers={name.encode(): text.format(secret).encode()})


def body(text: str, content_type: bytes = JSON) -> Callable[[str], JournalEntry]:
    return lambda secret: record_entry(
        headers={b"content-type": content_type}, content=text.replace("SECRET", secret).encode()
    )


def answer(name: str, text: str) -> Callable[[str], JournalEntry]:
    return lambda secret: record_entry(answer_headers=[(name.encode(), text.format(secret).encode())])


def parameter(name: str, text: str = "{}") -> Callable[[str], JournalEntry]:
    return lambda secret: record_entry(query_string=f"a=1&{name}={quote_plus(text.format(secret))}".encode())


CONNECTIONS = [
    "Server=x;Password=SECRET;",
    "user=a,password=SECRET",
    "a=1|token=SECRET",
    "AccountName=n;AccountKey=SECRET;b=2",
    "host=h;pwd=SECRET",
    "Server=tcp:x,1433;Password=SECRET",
]

PLACES: dict[str, Callable[[str], JournalEntry]] = {
    "bearer": header("authorization", "Bearer {}"),
    "no scheme": header("authorization"),
    "a secret that looks like a scheme": header("authorization", "{} x"),
    "basic": lambda secret: record_entry(
        headers={
            b"authorization": b"Basic " + base64.b64encode(f"alice:{secret}".encode()),
            b"x-note": secret.encode(),
        }
    ),
    "cookie": header("cookie", "a={}"),
    "first of two cookies": header("cookie", "a={}; b=2"),
    "second of two cookies": header("cookie", "a=1; b={}"),
    "quoted cookie": header("cookie", 'a=1; b="{}"; c=3'),
    "set-cookie": answer("set-cookie", "sid={}; Path=/; HttpOnly"),
    "api key": header("x-api-key"),
    "subscription key": header("ocp-apim-subscription-key"),
    "gitlab": header("private-token"),
    "vault": header("x-vault-token"),
    "amazon": header("x-amz-security-token"),
    "goog": header("x-goog-api-key"),
    "signature": header("x-hub-signature-256", "sha256={}"),
    "control token": header("x-mock-control-token"),
    "proxy": header("proxy-authorization", "Bearer {}"),
    "referer": header("referer", "https://x.example/?access_token={}&page=1"),
    "location": answer("location", "https://x.example/cb?a=1&access_token={}"),
    "fragment": answer("location", "https://x.example/cb#id_token={}&state=1"),
    "link": answer("link", '<https://x.example/?sig={}&page=2>; rel="next"'),
    "user info": answer("location", "https://alice:{}@x.example/"),
    "query": lambda secret: record_entry(query_string=b"page=1&token=" + quote_plus(secret).encode()),
    "query, api_key": lambda secret: record_entry(query_string=b"api_key=" + quote_plus(secret).encode() + b"&page=1"),
    "query, sig": lambda secret: record_entry(query_string=b"sig=" + quote_plus(secret).encode()),
    "query, jwt": lambda secret: record_entry(query_string=b"jwt=" + quote_plus(secret).encode()),
    "query, code": lambda secret: record_entry(query_string=b"code=" + quote_plus(secret).encode()),
    "query, encoded name": lambda secret: record_entry(query_string=b"access%5Ftoken=" + quote_plus(secret).encode()),
    "query, an address in it": lambda secret: record_entry(
        query_string=b"to=" + quote(f"https://x.example/?token={quote_plus(secret)}", safe="").encode()
    ),
    "path": lambda secret: record_entry(
        target=f"/v1/sessions/{quote(secret, safe='')}", path={"session_token": secret}
    ),
    "json": body('{"password": "SECRET", "instances": 2}'),
    "nested": body('{"token": {"a": ["SECRET", {"b": "SECRET"}]}}'),
    "deep": body('{"a": [{"client_secret": "SECRET"}]}'),
    "setting": body('{"env": [{"name": "API_KEY", "value": "SECRET"}]}'),
    "command": body('{"command": "run --password=SECRET --port 80"}'),
    "flag": body('{"command": "run --password SECRET"}'),
    "json in json": body(json.dumps({"note": json.dumps({"token": "SECRET", "a": 1})})),
    "json that breaks off": body('{"instances": 2, "token": "SECRET'),
    "nested json that breaks off": body('{"token": {"a": "SECRET", "b": ['),
    "json over lines that breaks off": body('{\n  "token": "SECRET",\n  "a":'),
    "json as text": body('{"token": "SECRET"}', b"text/plain"),
    "json as bytes": body('{"token":\n "SECRET"}', b"application/octet-stream"),
    "json without a type": body('{"token": "SECRET"}', b""),
    "json as a form": body('{"token": "SECRET", "a": "b=c&d"}', FORM),
    "json in utf-16": lambda secret: record_entry(content=f'{{"token": "{secret}"}}'.encode("utf-16")),
    "json beside bytes": lambda secret: record_entry(content=b'\x00\x01\xff{"token": "' + secret.encode() + b'"}'),
    "python": body("{'token': 'SECRET', 'a': 1}", b"text/plain"),
    "form": lambda secret: record_entry(
        headers={b"content-type": FORM}, content=b"grant_type=password&password=" + quote_plus(secret).encode()
    ),
    "first of a form": lambda secret: record_entry(
        headers={b"content-type": FORM}, content=b"code=" + quote_plus(secret).encode() + b"&a=1"
    ),
    "parts": body(
        '--x\r\nContent-Disposition: form-data; name="token"\r\nContent-Type: text/plain\r\n\r\nSECRET\r\n--x--\r\n',
        b"multipart/form-data; boundary=x",
    ),
    "xml": body("<a><s:Password type='x'>SECRET</s:Password></a>", b"application/xml"),
    "yaml": body("a: 1\npassword: SECRET\n", b"application/yaml"),
    "settings": body("A=1\nexport API_TOKEN=SECRET\n", b"text/plain"),
    "headers in text": body("GET / HTTP/1.1\r\nAuthorization: Bearer SECRET\r\n", b"text/plain"),
    **{f"connection string, {text}": body(json.dumps({"note": text})) for text in CONNECTIONS},
    **{f"connection string in text, {text}": body(text, b"text/plain") for text in CONNECTIONS},
    "connection string in quotes": body('export DSN="Server=x;Password=SECRET;a=1"', b"text/plain"),
    "private key": body(
        json.dumps({"note": "-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----\n"})
    ),
    "private key in text": body("-----BEGIN PRIVATE KEY-----\r\nSECRET\r\n-----END PRIVATE", b"text/plain"),
    "private key that breaks off": body("-----BEGIN EC PRIVATE KEY-----\nSECRET", b"text/plain"),
    "cdata": body("<a><password>\n<![CDATA[SECRET]]></password></a>", b"application/xml"),
    "cdata in cdata": body("<a><![CDATA[<password><![CDATA[<SECRET]]>", b"application/xml"),
    "yaml text": body("a: 1\npassword: |\n  one\n\n  SECRET\nb: 2\n", b"application/yaml"),
    "yaml folded text": body("a:\n  password: >-\n    SECRET\n", b"application/yaml"),
    "yaml list": body("password:\n  - SECRET\n", b"application/yaml"),
    "yaml list, not indented": body("a: 1\npassword:\n- b\n- SECRET\n", b"application/yaml"),
    "yaml mapping": body("password:\n  value: SECRET\n", b"application/yaml"),
    "yaml value below": body("password:\r\n  SECRET\r\n", b"application/yaml"),
    "yaml in brackets": body("{a: 1, password: SECRET}", b"application/yaml"),
    "yaml in brackets, a list": body("password: [SECRET, a]", b"application/yaml"),
    "yaml in json": body('{"note": "{password: SECRET}"}'),
    "yaml in brackets of another name": body("{users: [{name: bob, password: SECRET}]}", b"application/yaml"),
    "yaml in brackets, a mapping": body("{a: {password: {b: [1], c: SECRET}}}", b"text/plain"),
    "beside what looks like a mark": body("a=1\npassword: SECRET \ufdd00\ufdd1 SECRET", b"text/plain"),
    "beside a token": body("password: SECRET eyJhbGciOiJIUzI1NiJ9.e30.x SECRET", b"text/plain"),
    "beside what looks like a mark, in json": body('{"a": "token=b {password: SECRET \\ufdd00\\ufdd1}"}'),
    "beside what looks like a mark, in a query": lambda secret: record_entry(
        query_string=quote(f"{{password: {secret} \ufdd00\ufdd1}}", safe="").encode() + b"=a&token=b"
    ),
    "javascript": body("{a: 1, password:'SECRET'}", b"text/plain"),
    "curl's user": body('{"command": "curl -sSu user:SECRET http://x"}'),
    "curl's user in quotes": body('{"command": "curl --user \\"user:SECRET\\" http://x"}'),
    "path, jsessionid": lambda secret: record_entry(target=f"/v3/apps;jsessionid={quote(secret, safe='')}/a"),
    "path, token": lambda secret: record_entry(target=f"/v3/apps;a=1;token={quote(secret, safe='')}"),
    "path, encoded": lambda secret: record_entry(target=f"/v3/apps%3Btoken%3D{quote(secret, safe='')}"),
    "query, encoded twice": lambda secret: record_entry(
        query_string=b"u=" + quote(quote(f"http://x?token={quote_plus(secret)}", safe=""), safe="").encode()
    ),
    "encoded twice": lambda secret: record_entry(
        headers={b"x-note": quote(quote(f"http://x?token={quote_plus(secret)}", safe=""), safe="").encode()}
    ),
    "encoded twice in json": body('{"u": "x?u=http%253A%252F%252Fx%253Ftoken%253DSECRET"}'),
    "query, ticket": lambda secret: record_entry(query_string=b"ticket=" + quote_plus(secret).encode()),
    "refresh": answer("refresh", "0; url=http://x.example/?access_token={}"),
    "refresh, a fragment": answer("refresh", "5;url='http://x.example/#access_token={}'"),
    "content-location": answer("content-location", "/cb?a=1&code_verifier={}"),
    "negotiate": answer("www-authenticate", "Negotiate {}=="),
    "negotiate beside others": answer("www-authenticate", 'Basic realm="x", NTLM {}==, Bearer'),
    "digest": answer("www-authenticate", 'Digest realm="x", nonce="{}", qop="auth"'),
    "challenge without quotes": answer("proxy-authenticate", "Digest realm=x, opaque={}"),
    "challenge of no scheme": answer("www-authenticate", "{}"),
    "challenge of a scheme of its own": answer("www-authenticate", "Mine {}"),
    "challenge that breaks off": answer("www-authenticate", 'Digest nonce="{}'),
    "authentication-info": answer("authentication-info", 'nextnonce="{}", qop=auth'),
    "proxy-authentication-info": answer("proxy-authentication-info", 'rspauth="{}"'),
    "challenge in text": body("HTTP/1.1 401 x\r\nWWW-Authenticate: NTLM SECRET\r\n", b"text/plain"),
    **{
        f"query, {name}": parameter(name)
        for name in (
            "state",
            "nonce",
            "code_verifier",
            "code_challenge",
            "device_code",
            "user_code",
            "RelayState",
            "dsn",
        )
    },
    **{
        f"query, a condition: {text}": parameter("q", text)
        for text in ("password:{}", "name:a;password:{}", "token IN a,{}", "a=1,secret=={}", "api_key notin (a,{})")
    },
    "query, a condition as it is": lambda secret: record_entry(
        query_string=f"q=password:{quote_plus(secret)}".encode()
    ),
    "form, state": lambda secret: record_entry(
        headers={b"content-type": FORM}, content=b"a=1&state=" + quote_plus(secret).encode()
    ),
    "connection_string": body('{"connection_string": "SECRET"}'),
    "connectionString": body('{"a": {"connectionString": "SECRET"}}'),
    "jdbcUrl": body('{"jdbcUrl": "jdbc:mysql://h/d?user=u&password=SECRET"}'),
    "jdbcUrl, sql server": body('{"jdbcUrl": "jdbc:sqlserver://h:1;user=u;password=SECRET;a=b"}'),
    "jdbcUrl, oracle": body('{"jdbcUrl": "jdbc:oracle:thin:u/SECRET@//h:1521/s"}'),
    "uri with a user": body('{"uri": "amqps://u:SECRET@h/v"}'),
    "uri with a user, encoded": lambda secret: record_entry(
        headers={b"content-type": JSON},
        content=json.dumps({"note": "see " + quote(f"http://u:{quote(secret, safe='')}@h/", safe="")}).encode(),
    ),
    "uri of a go driver": lambda secret: record_entry(
        headers={b"content-type": JSON},
        content=json.dumps({"url": f"u:{secret.replace('/', '-')}@tcp(h:3306)/d", "password": secret}).encode(),
    ),
    "header of a command": body('{"command": "curl -H \'X-Api-Key: SECRET\' http://x"}'),
    "header of a command, long": body('{"command": "curl --header \\"Cookie: a=SECRET\\" http://x"}'),
    "input": body('<form><input type="hidden" name="X-Uaa-Csrf" value="SECRET"/></form>', b"text/html"),
    "input, its value first": body("<input value='SECRET' name='csrf_token'>", b"text/html"),
    "meta": body('<meta name="csrf-token" content="SECRET">', b"text/html"),
    "property of xml": body('<a><property name="db.password" value="SECRET"/></a>', b"application/xml"),
    "setting by its type": body('{"data": [{"type": "password", "value": "SECRET", "name": "/a"}]}'),
    "setting of a json patch": body('[{"op": "replace", "path": "/password", "value": "SECRET"}]'),
    "argument": body(json.dumps({"query": 'mutation { login(password: "SECRET") }'})),
    "query, a condition encoded twice": lambda secret: record_entry(
        query_string=f"q={quote(quote(f'token:{secret}', safe=''), safe='')}".encode()
    ),
    "address in a pair": body('{"note": "to=http://x.example/?access_token=SECRET"}'),
    "pair in a pair": body("a=b=c;d=token=SECRET", b"text/plain"),
    "secret within a secret": lambda secret: record_entry(
        headers={b"content-type": JSON, b"x-note": secret.encode()},
        content=json.dumps({"credentials": {"a": 1, "password": secret}}).encode(),
    ),
    "answer": lambda secret: record_entry(
        answer_headers=[(b"content-type", JSON)], answer=f'{{"access_token": "{secret}"}}'.encode()
    ),
}


def show(entry: JournalEntry) -> str:
    """Everything that is made of an entry for people, and what is hidden in it in another writing."""
    described = describe_entry(ListedEntry(entry, None))
    shown = f"{described} {msgspec.json.encode(described).decode()} {curl_command(entry, 'http://localhost')}"
    for each in (described["body"], described["answer"]):
        if isinstance(each, str) and each.startswith("base64:"):
            content = base64.b64decode(each.removeprefix("base64:"))
            shown += content.decode("latin-1") + content.replace(b"\x00", b"").decode("latin-1")
    return shown


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_in_a_place_is_shown_nowhere(place: str) -> None:
    secret = "q3f-81.aX_7"
    shown = show(PLACES[place](secret))
    assert secret not in shown
    assert "[redacted " in shown


@settings(max_examples=examples(150))
@given(place=st.sampled_from(sorted(PLACES)), secret=secrets)
def test_a_drawn_secret_is_shown_nowhere(place: str, secret: str) -> None:
    shown = show(PLACES[place](secret))
    assert secret not in shown
    assert quote_plus(secret) not in shown


@settings(max_examples=examples(50))
@given(secret=strange_secrets, name=st.sampled_from(["token", "password", "jwt", "x-api-key", "apiKey"]))
def test_no_signs_of_a_secret_bring_it_out(secret: str, name: str) -> None:
    """Quotes, brackets, escapes and other scripts are part of it where they are written as the format asks for."""
    written = json.dumps({"a": 1, name: secret, "b": {"c": [secret]}})
    for content in (written, written[:-3], json.dumps({"in": written})):
        for content_type in (JSON, b"text/plain"):
            entry = record_entry(headers={b"content-type": content_type}, content=content.encode())
            assert secret not in str(describe_entry(ListedEntry(entry, None)))
            assert json.dumps(secret)[1:-1] not in show(entry).replace("\\\\", "\\")
    form = f"a=1&{name}={quote_plus(secret)}".encode()
    entry = record_entry(query_string=form, headers={b"content-type": FORM}, content=form)
    assert secret not in show(entry)
    assert quote_plus(secret) not in show(entry)


@settings(max_examples=examples(100))
@given(secret=secrets)
def test_what_repeats_a_secret_is_redacted_too(secret: str) -> None:
    """Answers, reasons and near misses say again what was sent, sometimes only its beginning."""
    entry = record_entry(
        headers={b"authorization": b"bearer " + secret.encode(), b"x-note": f"is {secret}?".encode()},
        target=f"/v3/processes/{quote(secret, safe='')}",
        content=json.dumps({"note": f"it is {secret}"}).encode(),
        answer_headers=[(b"content-type", JSON), (b"x-mock-contract", f"header {secret}".encode())],
        answer=json.dumps({"errors": [{"code": 10008, "detail": f"Unknown field(s): '{secret}'"}]}).encode(),
        reason=f"contract: {secret[:12]}…",
        near_miss=f"scenario a, rule 1: header authorization: wanted bearer b, got bearer {secret}; "
        f"body note: wanted a, got {secret[:10]}…",
    )
    shown = show(entry)
    assert secret not in shown
    assert secret[:10] not in shown
    assert "10008" in shown
    assert "wanted bearer b" in shown


def test_a_password_with_an_at_sign_is_hidden_up_to_the_host() -> None:
    entry = record_entry(headers={b"content-type": JSON}, content=b'{"uri": "amqps://u:p@q3f-81@h.example/v"}')
    assert describe_entry(ListedEntry(entry, None))["body"] == {
        "uri": f"amqps://{digest_secret('u:p@q3f-81')}@h.example/v"
    }


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("git clone https://x {}", "ghp_0123456789abcdefghij0123456789abcdef"),
        ("as {}.", "glpat-0123456789abcdefghij"),
        ("key {}", "AKIA0123456789ABCDEF"),
        ("by {}", "xoxb-0123456789-abcdefghij"),
        ("to https://hooks.slack.com/services/{}", "T0000/B0000/abcdefghij"),
    ],
)
def test_a_token_is_known_by_how_it_begins(text: str, token: str) -> None:
    entry = record_entry(headers={b"content-type": JSON}, content=json.dumps({"note": text.format(token)}).encode())
    assert describe_entry(ListedEntry(entry, None))["body"] == {"note": text.format(digest_secret(token))}


SHOWN = [
    {"headers": {b"idempotency-key": b"abc-123", b"prefer": b"code=409", b"user-agent": b"client/1"}},
    {"query_string": b"page=2&per_page=50&order_by=-created_at&label_selector=key%3Dvalue"},
    {
        "content": b'{"errors": [{"code": 10008, "title": "CF-X"}], "token_type": "bearer"}',
        "headers": {b"content-type": JSON},
    },
    {"content": b'{"registry_credential": {"data": {"guid": "g"}}}', "headers": {b"content-type": JSON}},
    {"content": b'{"password": null, "token": "", "max_tokens": 5}', "headers": {b"content-type": JSON}},
    {"query_string": b"state=RUNNING&states=DEPLOYING,PAUSED&q=name:dora;organization_guid:1&names=a,b"},
    {"query_string": b"label_selector=env+in+(a,b),!old,tier%21%3Dc"},
    {"query_string": b"state=https%3A%2F%2Fapps.sys.example.org%2Freturn"},
    {"query_string": b"state=IN_PROGRESS&nonce=none"},
    {"query_string": b"order=token:desc&order_by=-token&names=auth-service:v1&q=service_key_guid:abc"},
    {"query_string": b"service_credential_binding_guids=8a3f4b5c-1111-4222-8333-444455556666"},
    {"content": b'{"passwordLastModified": "x", "authorization_endpoint": "x", "token_expires_at": "x"}'},
    {
        "answer_headers": [
            (b"www-authenticate", b'Bearer realm="UAA/oauth", error="invalid_token", error_description="It, is old"'),
            (b"proxy-authenticate", b"Negotiate, Basic realm=x"),
            (b"refresh", b"5; url=http://x.example/?page=2&a=b"),
            (b"x-vcap-request-id", b"2f5b6c1e-7a3d-4f0e-9b1a-0c1d2e3f4a5b::8d7c6b5a-1111-4222-8333-444455556666"),
        ]
    },
    {"reason": "no bearer token"},
    {"reason": "the bearer token is empty"},
]


@pytest.mark.parametrize("sent", SHOWN)
def test_what_is_no_secret_is_shown(sent: dict[str, Any]) -> None:
    described = describe_entry(ListedEntry(record_entry(**sent), None))
    assert "redacted" not in str(described)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("session-affinity=enabled,env=prod-1", "session-affinity={enabled},env=prod-1"),
        ("session-affinity!=true,env=prod", "session-affinity!={true},env=prod"),
        ("token-service in (a,b),tier=web", "token-service in {(a,b)},tier=web"),
        ("example.org/token=a,!old", "example.org/token={a,!old}"),
        ("name:a;password:b c;page:2", "name:a;password:{b c};page:2"),
        ("password:a;token:b,x>1", "password:{a};token:{b},x>1"),
    ],
)
def test_a_condition_ends_where_the_next_one_begins(query: str, shown: str) -> None:
    described = describe_entry(ListedEntry(record_entry(query_string=f"q={quote(query, safe='')}".encode()), None))
    assert described["query"]["q"] == [re.sub(r"\{(.*?)\}", lambda found: digest_secret(found[1]), shown)]


def test_the_name_of_a_user_is_no_secret() -> None:
    """alice's token is her name, so it is shown where it is her name."""
    entry = record_entry(headers={b"authorization": b"bearer alice"}, reason="alice is no manager")
    described = describe_entry(ListedEntry(entry, None))
    assert described["headers"]["authorization"] != "bearer alice"
    assert described["why"] == "alice is no manager"
    assert "as alice" in described["line"]


def record_log_in(password: str, reason: str, target: str = "/oauth/token", **more: Any) -> JournalEntry:
    content = f"grant_type=password&username=dev&password={password}".encode()
    return record_entry(target=target, headers={b"content-type": FORM}, content=content, reason=reason, **more)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("wrong", "dev: wrong password"),
        ("password", "dev is locked until then, after 5 wrong passwords"),
        ("default", "world: dev logged in to default"),
        ("dev", "world: dev logged in to default"),
        ("oauth", "client cf has another secret"),
        ("foundations", "client cf has another secret"),
        ("mine", "client cf has another secret"),
    ],
)
def test_a_password_that_is_a_word_is_not_cut_out_of_sentences_and_paths(password: str, reason: str) -> None:
    """Whoever reads the sentence without it knows what it is; and the command would go elsewhere."""
    entry = record_log_in(password, reason, "/foundations/mine/oauth/token")
    described = describe_entry(ListedEntry(entry, None))
    assert described["why"] == described["answer_headers"]["x-mock-why"] == reason
    assert described["path"] == "/foundations/mine/oauth/token"
    assert described["line"] == f"#1 scaleProcess one as alice {described['body']} → 202"
    assert "http://here/foundations/mine/oauth/token" in curl_command(entry, "http://here")
    assert f"&password={password}" not in show(entry)
    hidden = digest_secret(password)
    assert described["body"].startswith("grant_type=password&username=")
    assert described["body"].endswith(f"&password={hidden}")


def test_the_name_of_a_field_is_shown_though_a_secret_is_the_same_word() -> None:
    """`secret` is a common password, and no less hidden where it stands as one."""
    entry = record_entry(
        headers={b"content-type": JSON},
        content=b'{"secret": "secret", "note": "secret", "data": {"password": "password"}}',
        query_string=b"token=token&note=password",
    )
    described, hidden = (
        describe_entry(ListedEntry(entry, None)),
        {each: digest_secret(each) for each in ("secret", "password", "token")},
    )
    assert described["body"] == {
        "secret": hidden["secret"],
        "note": hidden["secret"],
        "data": {"password": hidden["password"]},
    }
    assert described["query"] == {"token": [hidden["token"]], "note": [hidden["password"]]}


@pytest.mark.parametrize("password", ["secret", "hunter"])
def test_a_word_is_still_hidden_where_it_is_what_was_sent(password: str) -> None:
    """In quotes, in what the contract does not allow, as a value of a path, and where the route is unknown."""
    quoted = record_log_in(password, f"world: Unknown field(s): '{password}'")
    of_contract = record_log_in(password, f"contract: body /name: {password} is too long")
    in_path = record_log_in(password, "world: gone", f"/v3/processes/{password}", path={"guid": password})
    near = record_log_in(password, "world: done", near_miss=f"scenario a, rule 1: body name: wanted x, got {password}")
    for entry in (quoted, in_path, near, msgspec.structs.replace(in_path, operation="", path={})):
        assert password not in show(entry).replace("$SECRET", "")
    of_contract.response.decided_by = "contract"
    assert password not in show(of_contract).replace("$SECRET", "")


def test_equal_secrets_are_known_to_be_equal() -> None:
    entry = record_entry(
        headers={b"x-api-key": b"s3cr3t-one", b"x-auth-token": b"s3cr3t-one", b"x-vault-token": b"two"}
    )
    one, other, third = describe_entry(ListedEntry(entry, None))["headers"].values()
    assert one == other != third


NAMES = ["X-Api-Key", "apiKey", "api_key", "APIKEY", "client_secret", "clientSecret", "X-Auth-Token", "AWSAccessKeyId"]
NAMES += ["pass", "pw", "X-Pass", "dbpass", "X-Authentication", "X-MyAuth", "x-myauth", "X-Creds", "X-Mfa-Code"]
NAMES += ["X-License-Key", "tls_key", "recovery_code", "dbpwd", "primaryKey", "storage_key", "authkey"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_judged_by_its_words(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["page", "guid", "key", "Idempotency-Key", "author", "token_type", "monkey", "design", "bypass", "pass_rate"],
)
def test_other_names_are_no_secrets(name: str) -> None:
    assert not is_secret_name(name)
    assert is_secret_parameter(name) == (name == "key")


HOSTILE = [
    b'{"token": [' + b'"' * 300_000,
    b"a=;" * 100_000,
    b"a=" + b";" * 300_000,
    b"a=" + b";" * 300_000 + b"x",
    b"a=" + b"|x" * 150_000,
    b'a="b=' * 60_000,
    b"-----BEGIN PRIVATE KEY-----" * 12_000,
    b"<token><![CDATA[" * 20_000,
    b"password: |\n" * 25_000,
    b"password:\n  - a\n" * 20_000,
    b"{" + b"a" * 300_000,
    b"{password: " * 30_000,
    b"{a: " * 75_000,
    b"{a: [" * 60_000,
    b"{password: [" * 25_000,
    b"{a: '{a:\"" * 30_000,
    b"(token: {(a:'" * 25_000,
    b"curl " + b"-u " * 100_000,
    b"curl " + b"-" + b"u" * 300_000,
    b"curl -u " + b"a" * 300_000,
    b"a=" + b"%2525252525253D" * 20_000,
    b'"\\' * 150_000,
    b"name=token\n" * 30_000,
    b"name=x " * 40_000,
    b"a: " + b" " * 300_000 + b"x",
    b"-" * 300_000,
    b"<a " * 100_000,
    b"<a name=token" + b" value=" * 40_000,
    b"bearer " * 40_000,
    b"eyJ" * 100_000,
    b"a=" + b"%25" * 100_000,
    b"{" * 300_000,
    b'{"token":' * 30_000,
    b"://a:" * 60_000,
    b"a=b " * 75_000,
    b"\\" * 300_000,
    b"<token>" * 40_000,
    b"name=a\n" + b"x: y\n" * 60_000,
    b"".join(b'"token%d": "aaaaaaaaaa%d", ' % (number, number) for number in range(8_000)),
]


@pytest.mark.parametrize(
    "number", [pytest.param(each, marks=pytest.mark.long if each % 8 else ()) for each in range(len(HOSTILE))]
)
def test_no_body_takes_long_to_be_read(number: int) -> None:
    # Without a word of what may be a secret nothing would be looked for.
    content = b"token @ % " + HOSTILE[number]
    entry = record_entry(headers={b"content-type": b"text/plain"}, content=content, query_string=content[:8000])
    assert effort_of(lambda: describe_entry(ListedEntry(entry, None))) < 1.5


def test_no_challenge_takes_long_to_be_read() -> None:
    entry = record_entry(answer_headers=[(b"www-authenticate", b'"\\' * 50_000), (b"refresh", b'"\\' * 50_000)])
    assert effort_of(lambda: describe_entry(ListedEntry(entry, None))) < 1.5


PIECES = st.sampled_from(
    [
        *(
            b'"token"',
            b"'token'",
            b'\\"token\\"',
            b"token",
            b"password",
            b"code",
            b"authorization",
            b"Basic ",
            b"bearer ",
        ),
        *(
            b":",
            b"=",
            b"&",
            b"?",
            b"#",
            b"{",
            b"}",
            b"[",
            b"]",
            b'"',
            b"'",
            b"\\",
            b"<",
            b">",
            b"</",
            b"--",
            b"\n",
            b" ",
        ),
        *(
            b"eyJhbGciOiJI.e30.x",
            b"://a:b@c",
            b"%25",
            b"%3D",
            b"%00",
            b"\\ud800",
            b"\xed\xa0\x80",
            b"\xff\xfe",
            b"\x00",
        ),
        *(b"99999999999999999999999999", b"1e999", b"NaN", b"null", b"\xef\xb7\x90" + b"0" + b"\xef\xb7\x91", b"name="),
    ]
)
mixtures = st.lists(PIECES | st.binary(max_size=6), max_size=12).map(b"".join)
TYPES = st.sampled_from(
    [JSON, FORM, b"text/plain", b"multipart/form-data", b"", b"\xff", b"application/json; charset=x"]
)


@settings(max_examples=examples(150))
@given(content=mixtures, other=mixtures, text=mixtures, content_type=TYPES)
def test_whatever_was_sent_can_be_read(content: bytes, other: bytes, text: bytes, content_type: bytes) -> None:
    entry = record_entry(
        query_string=text,
        headers={b"content-type": content_type, b"authorization": text, b"cookie": other, b"x-note": text},
        content=content,
        answer_headers=[(b"content-type", content_type), (b"set-cookie", text), (b"location", other)],
        answer=other,
        path={"token": text.decode("latin-1")},
        target="/" + text.decode("latin-1"),
        near_miss=other.decode("latin-1"),
        reason=text.decode("utf-8", "replace"),
    )
    described = describe_entry(ListedEntry(entry, None))
    assert msgspec.json.decode(msgspec.json.encode(described)) == described
    assert described["line"].isprintable()
    command = curl_command(entry, "http://localhost")
    assert all(sign.isprintable() or sign == "\n" for sign in command)
