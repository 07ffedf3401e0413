"""What is not modelled: told in the Cloud Controller's words, with what to do instead.

Source: config/routes.rb, app/presenters/v3/app_manifest_presenter.rb, stack_presenter.rb and buildpack_presenter.rb.
"""

from typing import Any

import pytest
import yaml

from mockfoundry.cloudfoundry.not_modelled import PUSH
from tests.cloudfoundry.asking import APP, IDLE_APP, NOT_AUTHORIZED, Asking, bad_query, error, not_found, unprocessable
from tests.not_modelled_page import NOT_MODELLED_PAGE, render_not_modelled

UNKNOWN = (404, "CF-NotFound", "Unknown request", 10000)

PATHS = {
    "POST /v3/packages/P/upload": "not modelled: staging: ",
    "POST /v3/droplets": "not modelled: staging: ",
    "POST /v3/resource_matches": "not modelled: staging: ",
    "PATCH /v3/revisions/R": "not modelled: changes of revisions: ",
    "POST /v3/routes": "not modelled: changes of routes and domains: ",
    "DELETE /v3/spaces/dev/routes": "not modelled: changes of routes and domains: ",
    "POST /v3/security_groups": "not modelled: security groups but those of a space ",
    "GET /v3/security_groups": "not modelled: security groups but those of a space ",
    "POST /v3/organizations": "not modelled: changes of organizations and spaces: ",
    "DELETE /v3/spaces/dev": "not modelled: changes of organizations and spaces: ",
    "POST /v3/roles": "not modelled: changes of users and roles: ",
    "POST /v3/space_quotas": "not modelled: making, deleting and applying quotas: ",
    "POST /v3/buildpacks": "not modelled: changes of stacks and buildpacks: ",
    "GET /v3/service_brokers": "not modelled: brokers and bindings of services, ",
    "GET /v3/environment_variable_groups/running": "not modelled: environment variable groups",
    "GET /v3/app_usage_events": "not modelled: usage events; ",
    "GET /oauth/authorize?response_type=code": "not modelled: codes and revoking of tokens: ",
    "DELETE /oauth/token/revoke/J": "not modelled: codes and revoking of tokens: ",
    "POST /Users": "not modelled: this part of UAA: ",
    "GET /networking/v1/external/policies": "not modelled: the network policy and routing APIs",
}
"""A call, and how its X-Mock-Why begins."""


@pytest.mark.parametrize("call", PATHS)
def test_an_unknown_request_says_what_is_not_modelled(call: str, foundation: Asking) -> None:
    method, path = call.split()
    answer = foundation.ask(method, path)
    assert answer.status_code == 404
    assert answer.headers["x-mock-why"].startswith(PATHS[call])
    if path.startswith("/v3"):
        assert error(answer) == UNKNOWN


PUSHES = (
    "/v3/spaces/dev/actions/apply_manifest",
    "/v3/spaces/dev/manifest_diff",
    "/v3/packages",
    "/v3/builds",
)
"""The first calls of a push that are not modelled."""


@pytest.mark.parametrize("path", PUSHES)
def test_a_push_ends_in_one_sentence_that_says_what_to_seed(path: str, foundation: Asking) -> None:
    answer = foundation.ask(
        "POST", path, text="applications:\n- name: dora\n", headers={"Content-Type": "application/x-yaml"}
    )
    assert error(answer) == unprocessable(PUSH)
    assert answer.headers["x-mock-why"] == f"not modelled: {PUSH}"
    assert foundation.ask("POST", path, actor=None).status_code == 401


def manifest(foundation: Asking, app: str = APP, actor: str = "admin") -> Any:
    answer = foundation.ask("GET", f"/v3/apps/{app}/manifest", actor=actor)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-yaml; charset=utf-8"
    assert answer.text.startswith("---\napplications:\n- name: ")
    return yaml.safe_load(answer.text)["applications"]


def test_a_manifest_says_what_an_app_is(foundation: Asking) -> None:
    foundation.given_app(
        "dora",
        environment_variables={"B": "2", "A": {"x": 1}},
        metadata={"labels": {"a": "b"}},
        buildpacks=["ruby_buildpack"],
        sidecars=[{"name": "proxy", "process_types": ["web"], "memory_in_mb": 32}],
    )
    foundation.given_process(
        "web",
        app="dora",
        log_rate_limit_in_bytes_per_second=2048,
        health_check={"type": "http", "data": {"endpoint": "/health", "timeout": 9}},
    )
    (shown,) = manifest(foundation)
    assert shown == {
        "name": "dora",
        "env": {"B": "2", "A": {"x": 1}},
        "lifecycle": "buildpack",
        "buildpacks": ["ruby_buildpack"],
        "stack": "cflinuxfs4",
        "features": {
            "ssh": True,
            "revisions": True,
            "service-binding-k8s": False,
            "file-based-vcap-services": False,
        },
        "metadata": {"labels": {"a": "b"}},
        "processes": [
            {
                "type": "clock",
                "instances": 1,
                "memory": "256M",
                "disk_quota": "1024M",
                "log-rate-limit-per-second": -1,
                "health-check-type": "process",
                "readiness-health-check-type": "process",
            },
            {
                "type": "web",
                "instances": 2,
                "memory": "256M",
                "disk_quota": "1024M",
                "log-rate-limit-per-second": "2K",
                "command": "secret",
                "health-check-type": "http",
                "health-check-http-endpoint": "/health",
                "readiness-health-check-type": "process",
                "timeout": 9,
            },
            {
                "type": "worker",
                "instances": 0,
                "memory": "256M",
                "disk_quota": "1024M",
                "log-rate-limit-per-second": -1,
                "health-check-type": "process",
                "readiness-health-check-type": "process",
            },
        ],
        "sidecars": [{"name": "proxy", "process_types": ["web"], "command": "./sidecar", "memory": "32M"}],
    }
    assert list(shown)[:4] == ["name", "env", "lifecycle", "buildpacks"]


def test_a_manifest_has_the_routes_of_its_app(foundation: Asking) -> None:
    foundation.given_app(
        "dora", routes=[{"host": "dora", "domain": "apps.example.com"}, {"host": "a", "domain": "x.org"}]
    )
    (shown,) = manifest(foundation)
    assert [each["route"] for each in shown["routes"]] == ["a.x.org", "dora.apps.example.com"]
    assert "routes" not in manifest(foundation, IDLE_APP)[0]


def test_a_docker_app_has_an_image_in_its_manifest(foundation: Asking) -> None:
    foundation.given_app("dora", lifecycle="docker")
    (shown,) = manifest(foundation)
    assert shown["docker"] == {"image": "example/dora:latest"}
    assert "stack" not in shown


READERS = {"developer": 200, "reading_admin": 200, "supporter": 403, "auditor": 403, "manager": 403, "stranger": 404}


@pytest.mark.parametrize("actor", READERS)
def test_who_reads_a_manifest(actor: str, foundation: Asking) -> None:
    answer = foundation.ask("GET", f"/v3/apps/{APP}/manifest", actor=actor)
    assert answer.status_code == READERS[actor]
    if answer.status_code == 403:
        assert error(answer) == NOT_AUTHORIZED
    if answer.status_code == 404:
        assert error(answer) == not_found("App")


def names(foundation: Asking, path: str, actor: str = "stranger") -> list[str]:
    return [each["name"] for each in foundation.ask("GET", path, actor=actor).json()["resources"]]


def test_stacks_are_those_of_every_platform_and_those_that_apps_name(foundation: Asking) -> None:
    foundation.given_app("idle", stack="own-stack")
    assert names(foundation, "/v3/stacks") == ["cflinuxfs4", "cflinuxfs3", "windows", "own-stack"]
    assert names(foundation, "/v3/stacks?default=true") == ["cflinuxfs4"]
    assert names(foundation, "/v3/stacks?default=false&names=windows,cflinuxfs4") == ["windows"]
    assert names(foundation, "/v3/stacks?order_by=-name&per_page=2") == ["windows", "own-stack"]
    assert names(foundation, "/v3/stacks?label_selector=a") == []
    listed = foundation.ask("GET", "/v3/stacks").json()["resources"][0]
    shown = foundation.ask("GET", f"/v3/stacks/{listed['guid']}")
    assert (shown.status_code, shown.json()) == (200, listed)
    assert error(foundation.ask("GET", "/v3/stacks/nope")) == not_found("Stack")
    assert error(foundation.ask("GET", "/v3/stacks?default=x")) == bad_query("Default must be 'true' or 'false'")


def test_buildpacks_are_those_of_every_platform(foundation: Asking) -> None:
    listed = names(foundation, "/v3/buildpacks")
    assert (listed[0], len(listed)) == ("staticfile_buildpack", 12)
    assert names(foundation, "/v3/buildpacks?order_by=-position&per_page=1") == ["hwc_buildpack"]
    assert names(foundation, "/v3/buildpacks?names=go_buildpack&stacks=cflinuxfs4&lifecycle=buildpack") == [
        "go_buildpack"
    ]
    assert names(foundation, "/v3/buildpacks?stacks=windows") == ["hwc_buildpack"]
    assert names(foundation, "/v3/buildpacks?lifecycle=cnb") == []
    first = foundation.ask("GET", "/v3/buildpacks").json()["resources"][0]
    shown = foundation.ask("GET", f"/v3/buildpacks/{first['guid']}")
    assert (shown.status_code, shown.json()) == (200, first)
    assert error(foundation.ask("GET", "/v3/buildpacks/nope")) == not_found("Buildpack")
    assert error(foundation.ask("GET", "/v3/buildpacks?lifecycle=docker")) == bad_query(
        'Lifecycle must be either "buildpack" or "cnb"'
    )


def test_the_page_of_what_is_not_modelled_is_that_of_these_texts() -> None:
    assert NOT_MODELLED_PAGE.read_text(encoding="utf-8") == render_not_modelled(), "`make documents` writes it anew"
