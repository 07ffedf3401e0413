"""cloudfoundry-client of PyPI, unmodified: what its users meet that users of other clients do not."""

from http import HTTPStatus
from typing import Any

import pytest
import requests
from cloudfoundry_client.client import CloudFoundryClient
from cloudfoundry_client.errors import InvalidStatusCode
from oauth2_client.credentials_manager import OAuthError

from mockfoundry.client.foundation import Foundation
from mockfoundry.client.server import Server
from tests.serving import WEB


@pytest.fixture
def client(foundation: Foundation) -> Any:
    return logged_in(foundation.url)


def logged_in(url: str, user: str = "admin", password: str = "admin") -> Any:
    client = CloudFoundryClient(url)
    client.init_with_user_credentials(user, password)
    return client


def test_every_link_of_a_process_leads_to_what_it_names(foundation: Foundation, client: Any) -> None:
    process = client.v3.processes.get(WEB)
    assert process.app()["name"] == "dora"
    assert process.space()["name"] == "dev"
    assert [each["state"] for each in process.stats()] == ["RUNNING"]
    assert [each["state"] for each in process.process_instances()] == ["RUNNING"]
    assert process.scale(data={"instances": 2})["instances"] == 2
    assert process.scale()["instances"] == 2
    assert all(each.path.startswith(f"/foundations/{foundation.name}/v3/") for each in foundation.requests()[2:])


def test_pages_are_followed_by_their_links(server: Server) -> None:
    apps = [{"name": f"app-{number:02}", "processes": [{"type": "web"}]} for number in range(60)]
    seed: dict[str, Any] = {"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": apps}]}]}
    foundation = server.foundation(None, seed=seed)
    client = logged_in(foundation.url)
    assert len({each["guid"] for each in client.v3.apps.list(per_page=7)}) == 60
    assert len({each["guid"] for each in client.v3.processes.list(per_page=7)}) == 60
    assert len(client.v3.processes) == 60
    assert [each.query["page"] for each in foundation.requests(operation="listProcesses")[1:9]] == [
        [str(page)] for page in range(2, 10)
    ]


def test_a_refusal_has_its_status_its_body_and_the_requests_id(foundation: Foundation, client: Any) -> None:
    with pytest.raises(InvalidStatusCode) as caught:
        client.v3.processes.get("nope")
    assert caught.value.status_code is HTTPStatus.NOT_FOUND
    assert caught.value.body["errors"] == [
        {"detail": "Process not found", "title": "CF-ResourceNotFound", "code": 10010}
    ]
    (exchange,) = foundation.requests(status=404)
    assert caught.value.request_id == exchange.answer_headers["x-vcap-request-id"]


def test_who_lost_an_answer_can_look_whether_it_was_done(foundation: Foundation, client: Any) -> None:
    foundation.play("lost-response")
    with pytest.raises(requests.ConnectionError):
        client.v3.processes.get(WEB).scale(data={"instances": 3})
    assert client.v3.processes.get(WEB)["instances"] == 3


def test_a_status_that_python_does_not_know_is_a_value_error(foundation: Foundation, client: Any) -> None:
    """Its fault: the library makes an HTTPStatus of every status, and nginx's 499 is none."""
    rule = {"operation": "getProcess", "respond": {"status": 499, "text": "", "undocumented": True}}
    foundation.play({"scenario": "client-closed-request", "rules": [rule]})
    with pytest.raises(ValueError, match="499 is not a valid HTTPStatus"):
        client.v3.processes.get(WEB)


def test_a_token_is_refreshed_once_for_a_request_that_has_met_a_401(foundation: Foundation, client: Any) -> None:
    foundation.play({"scenario": "expired", "rules": [{"operation": "getProcess", "times": 1, "respond": EXPIRED}]})
    before = client._access_token
    assert client.v3.processes.get(WEB)["type"] == "web"
    assert client._access_token != before
    foundation.verify("getProcess", status=401, times=1)
    foundation.verify("getProcess", status=200, times=1)


def test_a_401_of_another_code_is_told_at_once(foundation: Foundation, client: Any) -> None:
    rule = {"operation": "getProcess", "respond": {"error": "CF-NotAuthenticated"}}
    foundation.play({"scenario": "not-authenticated", "rules": [rule]})
    with pytest.raises(InvalidStatusCode, match="Authentication error"):
        client.v3.processes.get(WEB)
    foundation.verify("getProcess", times=1)


def test_a_session_goes_on_from_its_refresh_token(foundation: Foundation, client: Any) -> None:
    other = CloudFoundryClient(foundation.url)
    other.init_with_token(client.refresh_token)
    assert other.v3.processes.get(WEB)["type"] == "web"


def test_client_credentials_give_a_token_that_is_nobodys(server: Server) -> None:
    """For a client of UAA that the seed has; it gets no refresh token, and needs none."""
    users = [{"name": "alice"}]
    foundation = server.foundation(None, seed={"users": users, "organizations": [], "clients": [SCALER]})
    client = CloudFoundryClient(foundation.url, client_id="scaler", client_secret="s3cret")
    client.init_with_client_credentials()
    assert list(client.v3.apps.list()) == []


@pytest.mark.parametrize(
    ("user", "password", "error", "description"),
    [
        ("nobody", "admin", "invalid_client", "Bad credentials"),
        ("alice", "wrong", "invalid_client", "Bad credentials"),
        ("admin@", "admin", "invalid_client", "Bad credentials"),
        ("alice@no such name", "s3cret", "invalid_client", "Bad credentials"),
    ],
)
def test_a_log_in_that_is_refused_is_told_in_uaas_words(
    server: Server, user: str, password: str, error: str, description: str
) -> None:
    foundation = server.foundation(None, seed={"users": [{"name": "alice", "password": "s3cret"}], "organizations": []})
    with pytest.raises(OAuthError) as caught:
        logged_in(foundation.url, user, password)
    refused = caught.value
    assert (refused.status_code, refused.error, refused.error_description) == (401, error, description)


EXPIRED = {"error": "CF-InvalidAuthToken"}

SCALER = {"id": "scaler", "secret": "s3cret", "authorities": ["cloud_controller.admin"]}
