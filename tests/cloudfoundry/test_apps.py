"""Apps shown and listed. Source: app/controllers/v3/apps_controller.rb, app/presenters/v3/app_presenter.rb."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloudfoundry.asking import APP, IDLE_APP, Asking, bad_query, error, guids, not_found
from tests.serving import Serving, serving

APPS_SEED: dict[str, Any] = {
    "organizations": [
        {
            "name": "acme",
            "guid": "acme",
            "created_at": "2026-01-01T00:00:00Z",
            "spaces": [
                {
                    "name": "dev",
                    "guid": "dev",
                    "created_at": "2026-01-05T00:00:00Z",
                    "apps": [
                        {
                            "name": "zoe",
                            "guid": "zoe",
                            "created_at": "2026-01-01T10:00:00Z",
                            "updated_at": "2026-01-09T10:00:00Z",
                            "buildpacks": ["https://anna:secret@example.org/pack.git", "ruby_buildpack"],
                            "droplet": {"guid": "zoes-droplet"},
                            "metadata": {"labels": {"env": "prod"}, "annotations": {"note": "hello"}},
                        },
                        {
                            "name": "Bob",
                            "guid": "bob",
                            "created_at": "2026-01-02T10:00:00Z",
                            "updated_at": "2026-01-03T10:00:00Z",
                            "state": "STOPPED",
                            "lifecycle": "docker",
                            "droplet": None,
                            "metadata": {"labels": {"env": "test"}},
                        },
                    ],
                },
                {
                    "name": "ops",
                    "guid": "ops",
                    "created_at": "2026-01-04T00:00:00Z",
                    "apps": [
                        {
                            "name": "carl",
                            "guid": "carl",
                            "created_at": "2026-01-03T10:00:00Z",
                            "lifecycle": "cnb",
                            "has_registry_credentials": True,
                            "buildpacks": ["docker://example.org/pack"],
                            "stack": None,
                        },
                        {
                            "name": "zoe",
                            "guid": "zoe-2",
                            "created_at": "2026-01-03T10:00:00Z",
                            "state": "STOPPED",
                            "stack": None,
                        },
                    ],
                },
            ],
        },
        {
            "name": "other",
            "guid": "other",
            "spaces": [
                {
                    "name": "far",
                    "guid": "far",
                    "created_at": "2026-01-01T00:00:00Z",
                    "apps": [
                        {"name": "Dave", "guid": "dave", "created_at": "2026-02-01T00:00:00Z", "stack": "windows"}
                    ],
                }
            ],
        },
    ],
    "users": [
        {"name": "auditor", "spaces": {"acme/dev": ["space_auditor"]}},
        {"name": "org_manager", "organizations": {"acme": ["organization_manager"]}},
        {"name": "org_auditor", "organizations": {"acme": ["organization_auditor"]}},
        {"name": "stranger"},
        {"name": "global_auditor", "scopes": ["cloud_controller.global_auditor"]},
    ],
}
ALL = ["zoe", "bob", "carl", "zoe-2", "dave"]


@pytest.fixture(scope="module")
def apps_server() -> Iterator[Serving]:
    with serving(seed=APPS_SEED) as server:
        yield server


@pytest.fixture(scope="module")
def apps(apps_server: Serving) -> Asking:
    """A foundation that nobody changes."""
    return Asking(apps_server)


def show(foundation: Asking, guid: str, query: str = "", **options: Any) -> Any:
    return foundation.ask("GET", f"/v3/apps/{guid}{query}", **options)


def list_apps(foundation: Asking, query: str = "", **options: Any) -> Any:
    return foundation.ask("GET", f"/v3/apps{query}", **options)


# One app

LINKS = {
    "environment_variables": "/environment_variables",
    "processes": "/processes",
    "packages": "/packages",
    "current_droplet": "/droplets/current",
    "droplets": "/droplets",
    "tasks": "/tasks",
    "start": "/actions/start",
    "stop": "/actions/stop",
    "clear_buildpack_cache": "/actions/clear_buildpack_cache",
    "revisions": "/revisions",
    "deployed_revisions": "/revisions/deployed",
    "features": "/features",
}
ACTIONS = {"start", "stop", "clear_buildpack_cache"}


def test_an_app_has_the_keys_of_the_real_one_in_its_order(apps: Asking) -> None:
    body = show(apps, "zoe").json()
    base = f"{apps.server.url}/v3"
    links = {name: {"href": f"{base}/apps/zoe{path}"} for name, path in LINKS.items()}
    for name in ACTIONS:
        links[name]["method"] = "POST"
    expected = {
        "guid": "zoe",
        "created_at": "2026-01-01T10:00:00Z",
        "updated_at": "2026-01-09T10:00:00Z",
        "name": "zoe",
        "state": "STARTED",
        "lifecycle": {
            "type": "buildpack",
            "data": {"buildpacks": ["https://***:***@example.org/pack.git", "ruby_buildpack"], "stack": "cflinuxfs4"},
        },
        "relationships": {
            "space": {"data": {"guid": "dev"}},
            "current_droplet": {"data": {"guid": "zoes-droplet"}},
        },
        "metadata": {"labels": {"env": "prod"}, "annotations": {"note": "hello"}},
        "links": {"self": {"href": f"{base}/apps/zoe"}, **links, "space": {"href": f"{base}/spaces/dev"}},
    }
    assert body == expected
    assert list(body) == list(expected)
    assert list(body["links"]) == ["self", "environment_variables", "space", *list(LINKS)[1:]]
    assert list(body["links"]["start"]) == ["href", "method"]
    assert list(body["lifecycle"]["data"]) == ["buildpacks", "stack"]


def test_lifecycles_show_what_they_have(apps: Asking) -> None:
    assert show(apps, "bob").json()["lifecycle"] == {"type": "docker", "data": {}}
    assert show(apps, "carl").json()["lifecycle"] == {
        "type": "cnb",
        "data": {"buildpacks": ["docker://example.org/pack"], "stack": None, "credentials": "***"},
    }


def test_an_app_without_a_droplet_keeps_the_relationship(apps: Asking) -> None:
    assert show(apps, "bob").json()["relationships"]["current_droplet"] == {"data": {"guid": None}}


@pytest.mark.parametrize(
    ("include", "spaces", "organizations"),
    [
        ("space", ["dev"], None),
        ("org", None, ["acme"]),
        ("space.organization", ["dev"], ["acme"]),
        ("org,space", ["dev"], ["acme"]),
        ("", None, None),
    ],
)
def test_an_app_with_what_is_included(
    apps: Asking, include: str, spaces: list[str] | None, organizations: list[str] | None
) -> None:
    answer = show(apps, "zoe", f"?include={include}", documented=bool(include))
    if not include:
        assert error(answer)[2].endswith(
            "Invalid included resource: ''. Valid included resources are: 'space', 'org', 'space.organization'"
        )
        return
    body = answer.json()
    assert list(body)[-1] == "included"
    included = {key: [each["guid"] for each in value] for key, value in body["included"].items()}
    wanted = {"spaces": spaces, "organizations": organizations}
    assert included == {key: value for key, value in wanted.items() if value is not None}


VALID_INCLUDED = "'space', 'org', 'space.organization'"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "?include=spaces",
            bad_query(f"Invalid included resource: 'spaces'. Valid included resources are: {VALID_INCLUDED}"),
        ),
        ("?include=space,space", bad_query("Duplicate included resource: 'space'")),
        ("?embed=x", bad_query("Unknown query parameter(s): 'embed'. Valid parameters are: 'include'")),
    ],
)
def test_a_bad_query_of_one_app_is_told_before_a_guid_that_is_not_there(
    apps: Asking, query: str, expected: Any
) -> None:
    assert error(show(apps, "zoe", query)) == expected
    assert error(show(apps, "nope", query)) == expected


@pytest.mark.parametrize(
    ("actor", "status"),
    [
        ("auditor", 200),
        ("org_manager", 200),
        ("global_auditor", 200),
        ("org_auditor", 404),
        ("stranger", 404),
        (None, 401),
    ],
)
def test_who_may_read_an_app(apps: Asking, actor: str | None, status: int) -> None:
    answer = show(apps, "zoe", actor=actor)
    assert answer.status_code == status
    if status == 404:
        assert error(answer) == not_found("App")


def test_an_app_that_is_not_there(apps: Asking) -> None:
    assert error(show(apps, "nope")) == not_found("App")


# Lists


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ALL),
        ("?names=zoe", ["zoe", "zoe-2"]),
        ("?names=ZOE,nobody", ["zoe", "zoe-2"]),
        ("?names=zoe,Bob", ["zoe", "bob", "zoe-2"]),
        ("?names=", []),
        ("?guids=bob,dave,nope", ["bob", "dave"]),
        ("?space_guids=ops", ["carl", "zoe-2"]),
        ("?organization_guids=other", ["dave"]),
        ("?organization_guids=acme&space_guids=dev,far", ["zoe", "bob"]),
        ("?stacks=cflinuxfs4", ["zoe"]),
        ("?stacks=windows,cflinuxfs4", ["zoe", "dave"]),
        ("?stacks=", ["zoe-2"]),
        ("?lifecycle_type=buildpack", ["zoe", "zoe-2", "dave"]),
        ("?lifecycle_type=docker", ["bob"]),
        ("?lifecycle_type=cnb", ["carl"]),
        ("?label_selector=env", ["zoe", "bob"]),
        ("?label_selector=env%21%3Dprod", ["bob", "carl", "zoe-2", "dave"]),
        ("?label_selector=env%20in%20(prod,test)", ["zoe", "bob"]),
        ("?created_ats=2026-01-03T10:00:00Z", ["carl", "zoe-2"]),
        ("?created_ats[gt]=2026-01-02T10:00:00Z&created_ats[lt]=2026-02-01T00:00:00Z", ["carl", "zoe-2"]),
        ("?updated_ats[gte]=2026-01-09T10:00:00Z", ["zoe", "dave"]),
        ("?order_by=name", ["bob", "carl", "dave", "zoe", "zoe-2"]),
        ("?order_by=-name", ["zoe-2", "zoe", "dave", "carl", "bob"]),
        ("?order_by=state", ["carl", "dave", "zoe", "bob", "zoe-2"]),
        ("?order_by=-created_at", ["dave", "zoe-2", "carl", "bob", "zoe"]),
        ("?order_by=updated_at&per_page=2", ["bob", "carl"]),
        ("?per_page=2&page=3", ["dave"]),
        ("?per_page=5000", ALL),
    ],
)
def test_which_apps_are_listed(apps: Asking, query: str, expected: list[str]) -> None:
    assert guids(list_apps(apps, query)) == expected


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("admin", ALL),
        ("global_auditor", ALL),
        ("auditor", ["zoe", "bob"]),
        ("org_manager", ["zoe", "bob", "carl", "zoe-2"]),
        ("org_auditor", []),
        ("stranger", []),
    ],
)
def test_who_sees_which_apps(apps: Asking, actor: str, expected: list[str]) -> None:
    assert guids(list_apps(apps, actor=actor)) == expected


COMMON = "'page', 'per_page', 'order_by', 'created_ats', 'updated_ats', 'guids'"
OWN = "'names', 'organization_guids', 'space_guids', 'stacks', 'include', 'lifecycle_type', 'label_selector'"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?order_by=guid", "Order by can only be: 'created_at', 'updated_at', 'name', 'state'"),
        ("?per_page=5001", "Per page must be between 1 and 5000"),
        ("?lifecycle_type=kpack", "Invalid lifecycle_type: 'kpack'"),
        ("?lifecycle_type=", "Invalid lifecycle_type: ''"),
        ("?lifecycle_type[foo]=x", """Invalid lifecycle_type: '{"foo"=>"x"}'"""),
        ("?include=users", f"Invalid included resource: 'users'. Valid included resources are: {VALID_INCLUDED}"),
        ("?names[x]=a", "Names must be an array"),
        ("?stacks[x]=a&space_guids[x]=b", "Space guids must be an array, Stacks must be an array"),
        ("?label_selector=", "Missing label_selector value"),
        (
            "?foo=1&page=0&lifecycle_type=x",
            "Page must be a positive integer, "
            f"Unknown query parameter(s): 'foo'. Valid parameters are: {COMMON}, {OWN}, Invalid lifecycle_type: 'x'",
        ),
    ],
)
def test_a_bad_query_of_the_list(apps: Asking, query: str, expected: str) -> None:
    assert error(list_apps(apps, query)) == bad_query(expected)


def test_a_page_of_apps_links_to_the_others_and_includes_what_it_shows_once(apps: Asking) -> None:
    body = list_apps(apps, "?per_page=2&order_by=-name&include=space,org&names=zoe,dave").json()
    assert list(body) == ["pagination", "resources", "included"]
    url = f"{apps.server.url}/v3/apps?include=space%2Corg&names=zoe%2Cdave&order_by=-name"
    assert body["pagination"] == {
        "total_results": 3,
        "total_pages": 2,
        "first": {"href": f"{url}&page=1&per_page=2"},
        "last": {"href": f"{url}&page=2&per_page=2"},
        "next": {"href": f"{url}&page=2&per_page=2"},
        "previous": None,
    }
    assert list(body["included"]) == ["spaces", "organizations"]
    assert [each["guid"] for each in body["included"]["spaces"]] == ["ops", "dev"], "the oldest first"
    assert [each["guid"] for each in body["included"]["organizations"]] == ["acme"]
    assert body["resources"][1] == show(apps, "zoe").json()


def test_a_list_without_include_includes_nothing(apps: Asking) -> None:
    assert list(list_apps(apps).json()) == ["pagination", "resources"]


def test_links_stay_inside_the_foundation_of_a_prefix(apps: Asking) -> None:
    prefix = f"{apps.server.url}/foundations/in-prefix"
    body = apps.server.client.get(f"{prefix}/v3/apps/zoe").json()
    assert {each["href"].startswith(f"{prefix}/v3/") for each in body["links"].values()} == {True}


def test_an_app_that_a_scenario_changed_is_shown_so(foundation: Asking) -> None:
    foundation.given_app("dora", metadata={"labels": {"a": "b"}}, features={"ssh": False}, buildpacks=["x"])
    body = show(foundation, APP).json()
    assert body["metadata"] == {"labels": {"a": "b"}, "annotations": {}}
    assert body["lifecycle"]["data"]["buildpacks"] == ["x"]
    assert show(foundation, IDLE_APP).json()["metadata"]["labels"] == {}
    assert foundation.ask("GET", f"/v3/apps/{APP}/ssh_enabled").json()["enabled"] is False
