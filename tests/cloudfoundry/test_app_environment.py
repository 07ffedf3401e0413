"""The environment and the features of an app. Source: app/controllers/v3/apps_controller.rb (show_env,
update_environment_variables), app/controllers/v3/app_features_controller.rb, app/models/runtime/feature_flag.rb."""

from typing import Any

import pytest

from tests.cloudfoundry.asking import APP, NOT_AUTHORIZED, Asking, error, not_found, unprocessable

VARIABLES = {"unicorn": "horn"}
HIDDEN = {"redacted_message": "[PRIVATE DATA HIDDEN]"}

READERS: dict[str, Any] = {
    "root": 200,
    "reading_admin": 200,
    "developer": 200,
    "supporter": 200,
    "global_auditor": NOT_AUTHORIZED,
    "manager": NOT_AUTHORIZED,
    "auditor": NOT_AUTHORIZED,
    "org_manager": NOT_AUTHORIZED,
    "org_auditor": not_found("App"),
    "stranger": not_found("App"),
}
"""Who may see the environment of an app."""


def get(foundation: Asking, path: str, **options: Any) -> Any:
    return foundation.ask("GET", f"/v3/apps/{APP}{path}", **options)


def change(foundation: Asking, body: Any, **options: Any) -> Any:
    return foundation.ask("PATCH", f"/v3/apps/{APP}/environment_variables", body, **options)


def answered(answer: Any) -> Any:
    return answer.status_code if answer.status_code == 200 else error(answer)


# The environment


def test_the_environment_of_an_app_has_the_keys_of_the_real_one_in_its_order(foundation: Asking) -> None:
    foundation.given_app("dora", environment_variables=VARIABLES)
    body = get(foundation, "/env").json()
    application: dict[str, Any] = {
        "cf_api": foundation.server.url,
        "limits": {"fds": 16384},
        "application_name": "dora",
        "application_uris": [],
        "name": "dora",
        "space_name": "dev",
        "space_id": "dev",
        "organization_id": "acme",
        "organization_name": "acme",
        "uris": [],
        "users": None,
        "application_id": APP,
    }
    expected: dict[str, Any] = {
        "environment_variables": VARIABLES,
        "staging_env_json": {},
        "running_env_json": {},
        "system_env_json": {"VCAP_SERVICES": {}},
        "application_env_json": {"VCAP_APPLICATION": application},
    }
    assert body == expected
    assert list(body) == list(expected)
    assert list(body["application_env_json"]["VCAP_APPLICATION"]) == list(application)
    assert [(event.kind, event.data) for event in foundation.events] == [("audit.app.environment.show", {})]


@pytest.mark.parametrize("path", ["/env", "/environment_variables"])
@pytest.mark.parametrize("actor", READERS)
def test_who_may_see_the_environment(foundation: Asking, path: str, actor: str) -> None:
    answer = get(foundation, path, actor=actor)
    assert answered(answer) == READERS[actor]
    if answer.status_code == 200 and path == "/env":
        shown: Any = HIDDEN if actor == "supporter" else {"VCAP_SERVICES": {}}
        assert answer.json()["system_env_json"] == shown
    assert len(foundation.events) == (answer.status_code == 200)


@pytest.mark.parametrize("path", ["/env", "/environment_variables"])
def test_an_environment_that_nobody_may_see(foundation: Asking, path: str) -> None:
    """Not even an admin, and it is told before an app that is not there."""
    foundation.given(feature_flags={"env_var_visibility": {"enabled": False, "error_message": "secret"}})
    off = (403, "CF-FeatureDisabled", "Feature Disabled: secret", 330002)
    assert error(get(foundation, path)) == off
    assert error(foundation.ask("GET", f"/v3/apps/nope{path}")) == off


@pytest.mark.parametrize("path", ["/env", "/environment_variables"])
def test_an_environment_that_only_admins_see(foundation: Asking, path: str) -> None:
    foundation.given(feature_flags={"space_developer_env_var_visibility": False})
    off = (403, "CF-FeatureDisabled", "Feature Disabled: space_developer_env_var_visibility", 330002)
    expected = {**READERS, "developer": off, "supporter": off}
    assert {actor: answered(get(foundation, path, actor=actor)) for actor in expected} == expected


@pytest.mark.parametrize(
    ("feature", "system"),
    [
        ("service-binding-k8s", {"SERVICE_BINDING_ROOT": "/etc/cf-service-bindings"}),
        ("file-based-vcap-services", {"VCAP_SERVICES_FILE_PATH": "/etc/cf-service-bindings/vcap_services"}),
    ],
)
def test_where_an_app_finds_its_service_bindings(foundation: Asking, feature: str, system: Any) -> None:
    foundation.given_app("dora", features={feature: True})
    assert get(foundation, "/env").json()["system_env_json"] == system


def test_an_app_that_never_had_variables(foundation: Asking) -> None:
    assert get(foundation, "/env").json()["environment_variables"] is None
    assert get(foundation, "/environment_variables").json()["var"] == {}


def test_variables_are_merged_and_null_removes_one(foundation: Asking) -> None:
    foundation.given_app("dora", environment_variables={"a": "1", "b": "2", "number": 5})
    foundation.advance(9)
    answer = change(foundation, {"var": {"b": None, "c": "3", "gone": None}})
    assert answer.status_code == 200
    url = f"{foundation.server.url}/v3/apps/{APP}"
    expected = {
        "var": {"a": "1", "number": 5, "c": "3"},
        "links": {"self": {"href": f"{url}/environment_variables"}, "app": {"href": url}},
    }
    assert answer.json() == expected
    assert list(answer.json()) == ["var", "links"]
    assert get(foundation, "/environment_variables").json() == expected
    assert foundation.world.apps[APP].updated_at == foundation.now
    assert [(event.kind, event.data) for event in foundation.events] == [
        ("audit.app.update", {"request": {"environment_variables": "[PRIVATE DATA HIDDEN]"}}),
        ("audit.app.environment_variables.show", {}),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "Var must be an object"),
        ({"var": "x"}, "Var must be an object"),
        ({"var": None}, "Var must be an object"),
        ({"x": 1, "var": {}}, "Unknown field(s): 'x'"),
        ({"var": {"vcap_x": "1"}}, "Var cannot start with VCAP_"),
        (
            {"var": {"VMC_x": "1", "Port": "2", "": "3"}},
            "Var cannot start with VMC_, Var cannot set PORT, Var key must be a minimum length of 1",
        ),
        (
            {"var": {"a": 5, "b": {"c": [True]}}},
            "Non-string value in environment variable for key 'a', value '5', "
            """Non-string value in environment variable for key 'b', value '{"c":[true]}'""",
        ),
    ],
)
def test_variables_that_are_refused(foundation: Asking, body: Any, expected: str) -> None:
    assert error(change(foundation, body)) == unprocessable(expected)
    assert foundation.world.apps[APP].environment_variables is None
    assert error(change(foundation, body, actor="auditor")) == NOT_AUTHORIZED, "told first"


def test_who_may_change_variables(foundation: Asking) -> None:
    statuses = {"root": 200, "developer": 200, "supporter": 200, "manager": 403, "reading_admin": 403, "stranger": 404}
    assert {who: change(foundation, {"var": VARIABLES}, actor=who).status_code for who in statuses} == statuses


# Permissions, SSH, the current droplet


@pytest.mark.parametrize(
    ("actor", "sensitive"),
    [("root", True), ("reading_admin", True), ("developer", True), ("supporter", False), ("global_auditor", False)],
)
def test_what_a_reader_may_see(foundation: Asking, actor: str, sensitive: bool) -> None:
    assert get(foundation, "/permissions", actor=actor).json() == {
        "read_basic_data": True,
        "read_sensitive_data": sensitive,
    }
    assert error(get(foundation, "/permissions", actor="stranger")) == not_found("App")


def test_why_one_may_not_connect(foundation: Asking) -> None:
    assert get(foundation, "/ssh_enabled").json() == {"enabled": True, "reason": ""}
    foundation.given_app("dora", features={"ssh": False})
    assert get(foundation, "/ssh_enabled").json() == {"enabled": False, "reason": "ssh is disabled for app"}
    foundation.given_space(allow_ssh=False)
    reason = "ssh is disabled for space 'dev'"
    assert get(foundation, "/ssh_enabled", actor="auditor").json() == {"enabled": False, "reason": reason}


def test_which_droplet_an_app_has(foundation: Asking) -> None:
    path = "/relationships/current_droplet"
    foundation.given_app("dora", droplet={"guid": "mine"})
    url = f"{foundation.server.url}/v3/apps/{APP}"
    assert get(foundation, path).json() == {
        "data": {"guid": "mine"},
        "links": {"self": {"href": f"{url}{path}"}, "related": {"href": f"{url}/droplets/current"}},
    }
    foundation.given_app("dora", droplet=None)
    assert error(get(foundation, path)) == not_found("Droplet")
    assert error(get(foundation, path, actor="stranger")) == not_found("App")


# Features

FEATURES = [
    {"name": "ssh", "description": "Enable SSHing into the app.", "enabled": True},
    {"name": "revisions", "description": "Enable versioning of an application", "enabled": True},
    {"name": "service-binding-k8s", "description": "Enable k8s service bindings for the app", "enabled": False},
    {
        "name": "file-based-vcap-services",
        "description": "Enable file-based VCAP service bindings for the app",
        "enabled": False,
    },
]


def switch(foundation: Asking, name: str, body: Any, **options: Any) -> Any:
    return foundation.ask("PATCH", f"/v3/apps/{APP}/features/{name}", body, **options)


def test_the_features_of_an_app(foundation: Asking) -> None:
    body = get(foundation, "/features").json()
    page = {"href": f"{foundation.server.url}/v3/apps/{APP}/features"}
    assert list(body) == ["resources", "pagination"], "in this order"
    assert body["resources"] == FEATURES
    assert body["pagination"] == {
        "total_results": 4,
        "total_pages": 1,
        "first": page,
        "last": page,
        "next": None,
        "previous": None,
    }
    for feature in FEATURES:
        assert get(foundation, f"/features/{feature['name']}", actor="auditor").json() == feature
    assert error(get(foundation, "/features/nope")) == not_found("Feature")
    assert error(get(foundation, "/features", actor="stranger")) == not_found("App")


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature["name"])
def test_a_feature_is_switched(foundation: Asking, feature: dict[str, Any]) -> None:
    name, enabled = feature["name"], not feature["enabled"]
    foundation.advance(4)
    assert switch(foundation, name, {"enabled": enabled}).json() == {**feature, "enabled": enabled}
    assert get(foundation, f"/features/{name}").json()["enabled"] is enabled
    assert foundation.world.apps[APP].updated_at == foundation.now
    assert foundation.events == []


def test_two_features_that_exclude_each_other(foundation: Asking) -> None:
    text = "'file-based-vcap-services' and 'service-binding-k8s' features cannot be enabled at the same time."
    for one, other in (
        ("service-binding-k8s", "file-based-vcap-services"),
        ("file-based-vcap-services", "service-binding-k8s"),
    ):
        assert switch(foundation, one, {"enabled": True}).status_code == 200
        assert error(switch(foundation, other, {"enabled": True})) == unprocessable(text)
        assert switch(foundation, other, {"enabled": False}).status_code == 200
        assert switch(foundation, one, {"enabled": False}).status_code == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "Enabled must be a boolean"),
        ({"enabled": "true"}, "Enabled must be a boolean"),
        ({"enabled": None, "x": 1}, "Unknown field(s): 'x', Enabled must be a boolean"),
    ],
)
def test_a_feature_that_is_not_switched(foundation: Asking, body: Any, expected: str) -> None:
    assert error(switch(foundation, "ssh", body)) == unprocessable(expected)
    assert error(switch(foundation, "ssh", body, actor="auditor")) == NOT_AUTHORIZED
    assert error(switch(foundation, "nope", body, actor="auditor")) == not_found("Feature")
    assert error(switch(foundation, "nope", body, actor="stranger")) == not_found("App")


def test_a_supporter_may_switch_revisions_only(foundation: Asking) -> None:
    assert switch(foundation, "revisions", {"enabled": False}, actor="supporter").status_code == 200
    for name in ("ssh", "service-binding-k8s", "file-based-vcap-services"):
        assert error(switch(foundation, name, {"enabled": False}, actor="supporter")) == NOT_AUTHORIZED
        assert switch(foundation, name, {"enabled": False}, actor="developer").status_code == 200
