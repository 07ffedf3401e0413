"""Root documents: where the APIs are, and which version they have, as the real ones say it.

Source: cloud_controller_ng, app/controllers/runtime/root_controller.rb, app/controllers/runtime/info_controller.rb,
app/controllers/v3/root_controller.rb, app/presenters/v3/info_presenter.rb; uaa, login/LoginInfoEndpoint.java.
"""

import json
from typing import Any

import httpx
import pytest

from tests import plain_http
from tests.cloudfoundry.asking import Asking

SINATRA = "application/json;charset=utf-8"
RAILS = "application/json; charset=utf-8"

V3_LINKS = (
    "self app_usage_events apps audit_events buildpacks builds deployments domains droplets "
    "environment_variable_groups feature_flags info isolation_segments organizations organization_quotas packages "
    "processes resource_matches roles routes security_groups service_brokers service_instances "
    "service_credential_bindings service_offerings service_plans service_route_bindings service_usage_events spaces "
    "space_quotas stacks tasks users"
)


def get(foundation: Asking, path: str, **headers: str) -> httpx.Response:
    """Without a token, at the foundation's prefix."""
    request = foundation.server.client.build_request("GET", f"/foundations/{foundation.name}{path}", headers=headers)
    request.headers.pop("Authorization", None)
    return foundation.server.client.send(request)


def root_of(base: str, version: str = "3.228.0") -> dict[str, Any]:
    return {
        "links": {
            "self": {"href": base},
            "cloud_controller_v3": {"href": f"{base}/v3", "meta": {"version": version}},
            "network_policy_v0": {"href": f"{base}/networking/v0/external"},
            "network_policy_v1": {"href": f"{base}/networking/v1/external"},
            "login": {"href": base},
            "uaa": {"href": base},
            "credhub": None,
            "routing": None,
            "logging": None,
            "log_cache": None,
            "log_stream": None,
            "app_ssh": {"href": None, "meta": {"host_key_fingerprint": None, "oauth_client": None}},
        }
    }


@pytest.mark.parametrize("path", ["", "/"])
def test_the_root_document_stays_in_the_foundation(path: str, foundation: Asking) -> None:
    answer = get(foundation, path)
    expected = root_of(f"{foundation.server.url}/foundations/{foundation.name}")
    assert (answer.status_code, answer.text) == (200, json.dumps(expected, separators=(",", ":")))
    assert answer.headers["content-type"] == SINATRA


@pytest.mark.parametrize(
    "headers", [{}, {"X-Mock-Foundation": "a"}, {"Host": "a.localhost:1234"}, {"Authorization": "bearer nonsense"}]
)
def test_the_root_document_stays_at_the_address_that_was_asked(headers: dict[str, str], foundation: Asking) -> None:
    """A bad token does not matter."""
    base = f"http://{headers['Host']}" if "Host" in headers else foundation.server.url
    answer = foundation.server.client.get("/", headers=headers)
    assert (answer.status_code, answer.json()) == (200, root_of(base))


@pytest.mark.parametrize("path", ["/v3", "/v3/"])
def test_the_root_of_v3_lists_all_collections(path: str, foundation: Asking) -> None:
    answer = get(foundation, path)
    base = f"{foundation.server.url}/foundations/{foundation.name}/v3"
    links = answer.json()["links"]
    assert list(links) == V3_LINKS.split()
    assert links["self"] == {"href": base}
    assert links["space_quotas"] == {"href": f"{base}/space_quotas"}
    assert answer.headers["content-type"] == RAILS


def test_the_info_document(foundation: Asking) -> None:
    base = f"{foundation.server.url}/foundations/{foundation.name}"
    expected = {
        "build": "3.228.0",
        "cli_version": {"minimum": "", "recommended": ""},
        "custom": {},
        "description": "",
        "name": "",
        "version": 0,
        "osbapi_version": "2.15",
        "rate_limits": {"enabled": False, "general_limit": "", "reset_interval_in_minutes": ""},
        "links": {"self": {"href": f"{base}/v3/info"}, "support": {"href": ""}},
    }
    answer = get(foundation, "/v3/info")
    assert (answer.text, answer.headers["content-type"]) == (json.dumps(expected, separators=(",", ":")), RAILS)


def test_the_info_document_says_the_rate_limit(foundation: Asking) -> None:
    foundation.given(settings={"rate_limit": {"requests": 9, "interval_seconds": 120}})
    limits = {"enabled": True, "general_limit": 9, "reset_interval_in_minutes": 2}
    assert get(foundation, "/v3/info").json()["rate_limits"] == limits


def test_the_info_document_of_v2_says_where_uaa_is(foundation: Asking) -> None:
    base = f"{foundation.server.url}/foundations/{foundation.name}"
    answer = get(foundation, "/v2/info")
    assert list(answer.json()) == [
        "name",
        "build",
        "support",
        "version",
        "description",
        "authorization_endpoint",
        "token_endpoint",
        "min_cli_version",
        "min_recommended_cli_version",
        "app_ssh_endpoint",
        "app_ssh_host_key_fingerprint",
        "app_ssh_oauth_client",
        "doppler_logging_endpoint",
        "api_version",
        "osbapi_version",
    ]
    assert answer.json()["authorization_endpoint"] == base
    assert answer.json()["token_endpoint"] == base
    assert answer.headers["content-type"] == SINATRA


def test_the_settings_say_the_version(foundation: Asking) -> None:
    """In all three documents; clients decide by it what they ask."""
    foundation.given(settings={"api_version": "3.160.0"})
    root = get(foundation, "/").json()["links"]["cloud_controller_v3"]["meta"]["version"]
    assert root == "3.160.0"
    assert get(foundation, "/v3/info").json()["build"] == "3.160.0"
    assert get(foundation, "/v2/info").json()["api_version"] == "3.160.0"


@pytest.mark.parametrize("path", ["/login", "/info"])
def test_what_to_ask_a_user_for(path: str, foundation: Asking) -> None:
    """Each prompt is two texts, or the command line stops with a panic; what is not there, it does not send."""
    shown = get(foundation, path, Accept="application/json").json()
    assert shown["prompts"] == {"username": ["text", "Email"], "password": ["password", "Password"]}
    base = f"{foundation.server.url}/foundations/{foundation.name}"
    assert shown["links"]["uaa"] == shown["links"]["login"] == base
    assert shown["app"]["version"].startswith("77.")


@pytest.mark.parametrize("below", ["", "/oauth/token"])
def test_where_uaas_endpoints_are(below: str, foundation: Asking) -> None:
    shown = get(foundation, f"{below}/.well-known/openid-configuration").json()
    base = f"{foundation.server.url}/foundations/{foundation.name}"
    assert shown["issuer"] == f"{base}/oauth/token"
    assert shown["jwks_uri"] == f"{base}/token_keys"
    assert {name: value for name, value in shown.items() if str(value).startswith("http")}.keys() == {
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "end_session_endpoint",
        "service_documentation",
    }


def test_an_unknown_route_says_what_there_is(foundation: Asking) -> None:
    answer = plain_http.get(f"{foundation.server.url}/v3/processes/x/y/z", headers={"Authorization": "bearer admin"})
    assert answer.status_code == 404
    reason = answer.headers["x-mock-why"]
    assert reason.startswith("contract: no such route; there is processes, apps, ")
    assert reason.endswith("; mockfoundry operations lists them")
