"""Links carry the form that a request came by; what a proxy says of it is believed only where that was asked for."""

from collections.abc import Callable

import pytest

from tests.serving import WEB, Serving

PROXY = {"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "cf.example.org:8443, inner"}


def link(server: Serving, path: str = "", **headers: str) -> str:
    answer = server.client.get(
        f"{path}/v3/processes/{WEB}", headers={name.replace("_", "-"): headers[name] for name in headers}
    )
    return str(answer.json()["links"]["self"]["href"])


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_links_are_what_the_proxy_was_asked_for(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door, trust_forwarded=True)
    assert link(server, **PROXY) == f"https://cf.example.org:8443/v3/processes/{WEB}"
    assert link(server, "/foundations/mine", **PROXY).startswith("https://cf.example.org:8443/foundations/mine/v3/")
    assert link(server).startswith(f"{server.url}/v3/")


def test_the_host_that_the_proxy_was_asked_for_names_the_foundation(serve: Callable[..., Serving]) -> None:
    server = serve(trust_forwarded=True)
    assert link(server, X_Forwarded_Host="mine.localhost").startswith("http://mine.localhost/v3/")
    assert server.client.get("/__mock/foundations/mine").json()["journal"]["recorded"] == 1


def test_of_several_proxies_the_first_counts_however_they_say_it(serve: Callable[..., Serving]) -> None:
    server = serve(trust_forwarded=True)
    lines = [("X-Forwarded-Host", "first.example"), ("X-Forwarded-Host", "second.example")]
    answer = server.client.get(f"/v3/processes/{WEB}", headers=lines)
    assert answer.json()["links"]["self"]["href"].startswith("http://first.example/v3/")
    entry = server.client.get("/__mock/foundations/default/requests").json()["requests"][0]
    assert server.url.endswith(entry["headers"]["host"])


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_addresses_of_the_control_api_are_what_the_proxy_was_asked_for(
    serve: Callable[..., Serving], door: str
) -> None:
    server = serve(door=door, trust_forwarded=True)
    link(server)
    shown = server.client.get("/__mock/foundations/default/requests/1", headers=PROXY).json()["curl"]
    assert "https://cf.example.org:8443/v3/" in shown
    assert "https://cf.example.org:8443/" in server.client.get("/__mock/", headers=PROXY).text


def test_nobody_is_believed_unasked(server: Serving) -> None:
    assert link(server, **PROXY).startswith(f"{server.url}/v3/")


@pytest.mark.parametrize("host", ["a b", "x/y", "<script>", "h:99999999", "@", "..", "-", ""])
def test_what_is_no_host_is_passed_over(serve: Callable[..., Serving], host: str) -> None:
    server = serve(trust_forwarded=True)
    assert link(server, X_Forwarded_Host=host, X_Forwarded_Proto="gopher").startswith(f"{server.url}/v3/")


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_two_headers_of_preferences_are_one_list(serve: Callable[..., Serving], door: str) -> None:
    server = serve(door=door)
    for wishes in (["respond-async", "code=404"], ["code=404", "respond-async"], ["code=404", "code=401"]):
        answer = server.client.get(f"/v3/processes/{WEB}", headers=[("Prefer", wish) for wish in wishes])
        assert answer.status_code == 404, wishes
