"""The console's pages over HTTP: what they may load, who sees them, and what a browser may change by them."""

import re
import threading
from collections.abc import Iterator
from http.cookies import SimpleCookie

import httpx
import pytest

from mockfoundry.assembly import build_service
from mockfoundry.control import context, follow
from mockfoundry.options import DoorName, ServerOptions
from mockfoundry.server.run import BackgroundServer
from tests import plain_http
from tests.serving import ADMIN, WEB, Serving, real_now, serving
from tests.waiting import DEADLINE_SECONDS, eventually

CONSOLE = "/__mock/console"
VIEWS = ("world", "requests", "scenarios", "coverage")
CLOCK = "/__mock/foundations/default/clock"


@pytest.fixture(scope="module", params=["protocol", "asgi"])
def running(request: pytest.FixtureRequest) -> Iterator[Serving]:
    with serving(door=request.param) as opened:
        opened.client.get("/v3/processes")
        yield opened


@pytest.fixture(scope="module")
def guarded() -> Iterator[Serving]:
    """A server with a control token."""
    with serving(control_token="s3cret") as opened:
        opened.client.get("/v3/processes")
        yield opened


def browser(server: Serving) -> httpx.Client:
    """A client that keeps cookies, as a browser does, and knows no token."""
    return plain_http.client(base_url=server.url)


def page_token_of(page: httpx.Response) -> str:
    (token,) = re.findall(r'data-page-token="([0-9a-f]{64})"', page.text)
    return str(token)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_a_page_that_loads_nothing_from_elsewhere(running: Serving, view: str) -> None:
    page = running.client.get(f"{CONSOLE}/{view}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-content-type-options"] == "nosniff"
    policy = dict(each.split(" ", 1) for each in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "img", "connect")} == {"'self'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    # Nothing that the policy would have to let through.
    assert not re.search(r"<script(?![^>]* src=)|<style|\bstyle=|\son[a-z]+=", page.text)
    loaded = re.findall(r'(?:src|href)="(/[^"]+/static/[^"]+)"', page.text)
    assert f"{CONSOLE}/static/{view}.js" in loaded
    for address in loaded:
        assert running.client.get(address).status_code == 200, address


@pytest.mark.parametrize("name", ["console.css", "world.js", "icon.svg"])
def test_what_a_page_loads_is_asked_for_again_and_sent_once(running: Serving, name: str) -> None:
    first = running.client.get(f"{CONSOLE}/static/{name}")
    kind = {"css": "text/css", "js": "javascript", "svg": "image/svg+xml"}[name.rpartition(".")[2]]
    assert kind in first.headers["content-type"]
    assert first.headers["x-content-type-options"] == "nosniff"
    again = running.client.get(f"{CONSOLE}/static/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_console_leads_to_the_world_of_the_foundation(running: Serving) -> None:
    for path in (CONSOLE, f"{CONSOLE}/"):
        led = running.client.get(path, params={"foundation": "ci-42"})
        assert (led.status_code, led.headers["location"]) == (302, f"{CONSOLE}/world?foundation=ci-42")
    assert f'href="{CONSOLE}"' in running.client.get("/__mock/").text


@pytest.mark.parametrize(
    "path", ["nothing", "static/nothing.js", "static/../app.py", "static/%2e%2e/app.py", "world/x"]
)
def test_a_page_that_is_not_there_says_which_are(running: Serving, path: str) -> None:
    missing = running.client.get(f"{CONSOLE}/{path}")
    assert missing.status_code == 404
    assert "import flask" not in missing.text


@pytest.mark.parametrize(("method", "path", "allow"), [("POST", "world", "GET, HEAD"), ("GET", "login", "POST")])
def test_a_page_takes_its_own_methods(running: Serving, method: str, path: str, allow: str) -> None:
    refused = running.client.request(method, f"{CONSOLE}/{path}")
    assert (refused.status_code, refused.headers["allow"]) == (405, allow)


def test_a_page_of_another_site_does_not_open_it(running: Serving) -> None:
    for host in ("evil.example", "localhost:99999", "[1.2.3.4]", "[::1"):
        assert running.client.get(f"{CONSOLE}/world", headers={"Host": host}).status_code == 421, host
    assert running.client.post(f"{CONSOLE}/login", headers={"Origin": "http://evil.example"}).status_code == 403


def test_a_browser_changes_nothing_without_its_pages_token(running: Serving) -> None:
    with browser(running) as client:
        page = client.get(f"{CONSOLE}/world")
        refused = client.patch(CLOCK, json={"frozen": True})
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:mockfoundry:wrong-page-token")
        for other in ("", "0" * 64, "\xff"):
            strange = {b"X-Mock-Page-Token": other.encode("latin-1")}
            assert client.patch(CLOCK, json={"frozen": True}, headers=strange).status_code == 403
        assert client.get(CLOCK).json()["frozen"] is False
        sent = {"X-Mock-Page-Token": page_token_of(page)}
        assert client.patch(CLOCK, json={"frozen": False}, headers=sent).status_code == 200
    # A program has no cookie of the console, and needs no token.
    assert plain_http.request("PATCH", running.url + CLOCK, json={"frozen": False}).status_code == 200


def test_a_token_of_another_session_does_not_count(running: Serving) -> None:
    with browser(running) as one, browser(running) as other:
        one.get(f"{CONSOLE}/world")
        token = page_token_of(other.get(f"{CONSOLE}/world"))
        assert one.patch(CLOCK, json={}, headers={"X-Mock-Page-Token": token}).status_code == 403


def test_with_a_control_token_the_console_asks_for_it_once(guarded: Serving) -> None:
    with browser(guarded) as client:
        asked = client.get(f"{CONSOLE}/requests?foundation=ci-42")
        assert (asked.status_code, "set-cookie" in asked.headers) == (401, False)
        assert 'type="password"' in asked.text
        wrong = client.post(f"{CONSOLE}/login", data={"token": "guess", "next": "/"})
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
        assert "This is not the token that the server was started with." in wrong.text
        onward = f"{CONSOLE}/requests?foundation=ci-42"
        right = client.post(f"{CONSOLE}/login", data={"token": "s3cret", "next": onward})
        assert (right.status_code, right.headers["location"]) == (303, onward)
        (cookie,) = SimpleCookie(right.headers["set-cookie"]).values()
        assert cookie["httponly"] is True
        assert (cookie["samesite"], cookie["path"], cookie["secure"]) == ("Strict", "/__mock", "")
        page = client.get(onward)
        assert page.status_code == 200
        assert "s3cret" not in page.text + str(page.headers) + right.text
        assert client.get(CLOCK).status_code == 200
        assert client.patch(CLOCK, json={}).status_code == 403
        token = page_token_of(page)
        assert client.patch(CLOCK, json={"frozen": False}, headers={"X-Mock-Page-Token": token}).status_code == 200
        not_of_page = client.post(f"{CONSOLE}/logout", data={"page_token": "x"})
        assert not_of_page.status_code == 403
        assert client.post(f"{CONSOLE}/logout", data={"page_token": token}).status_code == 303
        assert client.get(CLOCK).status_code == 401


@pytest.mark.parametrize(
    "onward", ["//evil.example", "https://evil.example/", f"{CONSOLE}/\\evil.example", "javascript:x", ""]
)
def test_a_log_in_leads_to_the_console_alone(guarded: Serving, onward: str) -> None:
    with browser(guarded) as client:
        led = client.post(f"{CONSOLE}/login", data={"token": "s3cret", "next": onward})
        assert led.headers["location"] == f"{CONSOLE}/world"


@pytest.mark.parametrize(
    "cookie", ["mockfoundry_console_{port}=x.y", "mockfoundry_console_{port}=", "a=b; ;=;", "\xff"]
)
def test_a_cookie_that_is_not_this_servers_is_none(guarded: Serving, cookie: str) -> None:
    sent = cookie.format(port=guarded.url.rpartition(":")[2]).encode("latin-1")
    assert plain_http.get(f"{guarded.url}{CLOCK}", headers={"Cookie": sent}).status_code == 401
    assert plain_http.get(f"{guarded.url}{CONSOLE}/world", headers={"Cookie": sent}).status_code == 401


def test_by_https_the_cookie_is_for_https_alone() -> None:
    with serving(trust_forwarded=True) as behind_proxy:
        page = behind_proxy.client.get(f"{CONSOLE}/world", headers={"X-Forwarded-Proto": "https"})
        assert "; Secure" in page.headers["set-cookie"]


HOSTILE = '"><img src=x onerror=alert(1)>'


def test_what_a_url_says_is_text(guarded: Serving) -> None:
    asked = plain_http.get(f"{guarded.url}{CONSOLE}/world", params={"foundation": HOSTILE})
    assert "<img" not in asked.text
    wrong = plain_http.post(f"{guarded.url}{CONSOLE}/login", data={"token": HOSTILE, "next": HOSTILE})
    assert "<img" not in wrong.text


def test_the_world_in_short_is_what_the_instances_do_now(server: Serving) -> None:
    server.freeze()
    assert server.scale({"instances": 3}).status_code == 202
    world = server.client.get("/__mock/foundations/default/world").json()
    assert (world["found"], world["of"], world["frozen"]) == (1, 1, True)
    (app,) = world["apps"]
    assert (app["organization"], app["space"], app["name"], app["state"]) == ("acme", "dev", "dora", "STARTED")
    web, worker = app["processes"]
    assert (web["guid"], web["type"], web["instances"]) == (WEB, "web", 3)
    assert web["states"] == [["RUNNING", 1], ["STARTING", 2]]
    assert (worker["type"], worker["states"]) == ("worker", [])
    server.advance(1)
    assert server.client.get("/__mock/foundations/default/world").json()["apps"][0]["processes"][0]["states"] == [
        ["RUNNING", 3]
    ]


def test_the_world_in_short_is_searched_and_bounded(server: Serving) -> None:
    apps = [{"name": f"app-{number}"} for number in range(300)]
    server.client.put(
        "/__mock/foundations/many", json={"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": apps}]}]}
    )
    path = "/__mock/foundations/many/world"
    world = server.client.get(path, params={"search": "S/APP-29", "limit": 3}).json()
    assert (world["found"], world["of"]) == (11, 300)
    assert [app["name"] for app in world["apps"]] == ["app-29", "app-290", "app-291"]


def test_what_each_rule_has_left_is_told(server: Serving) -> None:
    rules = [
        {"operation": "scaleProcess", "times": 2, "respond": {"status": 409}},
        {"operation": "scaleProcess", "per": "process", "times": 1, "respond": {"status": 503}},
        {"operation": "getProcess", "respond": {"status": 404}},
    ]
    path = "/__mock/foundations/default/scenarios"
    server.client.put(f"{path}/three", json={"scenario": "three", "rules": rules})
    for status in (409, 409, 503):
        assert server.scale({"instances": 1}).status_code == status
    (told,) = server.client.get(path).json()["scenarios"]
    assert told["answered"] == 3
    assert told["rules"] == [
        {"answered": 2, "left": 0},
        {"answered": 1, "left": None},
        {"answered": 0, "left": None},
    ]


def read_events(url: str, count: int, headers: dict[str, str] | None = None) -> tuple[str, list[str]]:
    """The content type of a stream, and so many of its events."""
    with plain_http.stream("GET", url, headers=headers or {}) as stream:
        events: list[str] = []
        text = ""
        for part in stream.iter_text():
            text += part
            *whole, text = text.split("\n\n")
            events += whole
            if len(events) >= count:
                break
        return stream.headers["content-type"], events


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_events_are_numbered_and_go_on_behind_the_last(door: DoorName) -> None:
    with serving(door=door) as server:
        for _ in range(3):
            server.client.get(f"/v3/processes/{WEB}")
        url = f"{server.url}/__mock/foundations/default/requests?follow=true&format=events"
        kind, events = read_events(url, 3)
        assert kind == "text/event-stream"
        assert [each.split("\n")[0] for each in events] == ["id: 1", "id: 2", "id: 3"]
        assert all(each.split("\n")[1].startswith('data: {"number":') for each in events)
        _, later = read_events(f"{url}&after=1", 1, {"Last-Event-ID": "2"})
        assert later[0].startswith("id: 3\n")


def test_events_begin_anew_with_a_reset() -> None:
    with serving() as server:
        server.client.get(f"/v3/processes/{WEB}")
        url = f"{server.url}/__mock/foundations/default/requests?follow=true&format=events&after=1"
        found: list[tuple[str, list[str]]] = []
        reader = threading.Thread(target=lambda: found.append(read_events(url, 2)))
        reader.start()
        (foundation,) = server.service.registry
        eventually(lambda: foundation.journal.watchers, what="the stream is open")
        server.client.post("/__mock/foundations/default/reset")
        server.client.get(f"/v3/processes/{WEB}")
        reader.join(DEADLINE_SECONDS)
        (_, events), *_ = found
        assert events[0].startswith("event: reset\n")
        assert events[1].startswith("id: 1\n")


def test_a_reader_that_comes_again_is_told_what_it_missed() -> None:
    with serving() as server:
        for _ in range(3):
            server.client.get(f"/v3/processes/{WEB}")
        server.client.delete("/__mock/foundations/default/requests")
        server.client.get(f"/v3/processes/{WEB}")
        url = f"{server.url}/__mock/foundations/default/requests?follow=true&format=events"
        _, events = read_events(url, 2, {"Last-Event-ID": "1"})
        assert events[0] == "event: missed\ndata: 2"
        assert events[1].startswith("id: 4\n")


def test_a_reader_that_comes_again_after_a_reset_begins_anew() -> None:
    """Else it would see nothing until as many requests had come as before."""
    with serving() as server:
        server.client.get(f"/v3/processes/{WEB}")
        url = f"{server.url}/__mock/foundations/default/requests?follow=true&format=events"
        _, events = read_events(url, 2, {"Last-Event-ID": "50"})
        assert events[0].startswith("event: reset\n")
        assert events[1].startswith("id: 1\n")


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_reader_of_events_that_reads_nothing_is_dropped(door: DoorName, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place is given back: one that stops reading keeps nobody else out."""
    # Nothing can be sent in no time, so every reader is too slow.
    monkeypatch.setattr(follow, "SLOW_READER_SECONDS", 0.0)
    monkeypatch.setattr(context, "MAX_STREAMS", 1)
    with serving(door=door) as server:
        server.client.get(f"/v3/processes/{WEB}")
        url = f"{server.url}/__mock/foundations/default/requests?follow=true&format=events"
        with pytest.raises(httpx.TransportError):
            read_events(url, 1)
        again = f"{server.url}/__mock/foundations/default/requests?follow=true"
        eventually(lambda: read_events(again, 0)[0] == "application/x-ndjson", what="the place is free")


def test_a_session_counts_on_every_shard_of_the_token() -> None:
    """A proxy stands before shards, so a browser's next request may meet another process."""
    host = {"Host": "mock"}
    with (
        serving(control_token="same") as one,
        serving(control_token="same") as two,
        serving(control_token="no") as other,
    ):
        entered = plain_http.post(f"{one.url}{CONSOLE}/login", data={"token": "same"}, headers=host)
        cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0], **host}
        answers = [plain_http.get(f"{each.url}{CONSOLE}/world", headers=cookie) for each in (one, two, other)]
        assert [each.status_code for each in answers] == [200, 200, 401]
        changed = {**cookie, "X-Mock-Page-Token": page_token_of(answers[0])}
        assert plain_http.request("PUT", f"{two.url}/__mock/foundations/ci", headers=changed).status_code == 201


def test_events_are_for_followers(running: Serving) -> None:
    assert running.client.get("/__mock/foundations/default/requests?format=events").status_code in (400, 404)


def test_canned_servers_have_a_console_too() -> None:
    asked = ServerOptions(mode="canned")
    with BackgroundServer(build_service(asked, real_now()), asked) as canned:
        assert plain_http.get(f"{canned.url}{CONSOLE}/world").status_code == 200
        assert plain_http.get(f"{canned.url}/v3/processes", headers=ADMIN).status_code == 200
