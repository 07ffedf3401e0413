"""Droplets, packages and builds, held row by row over HTTP."""

from typing import Any

import pytest

from tests.cloudfoundry.asking import (
    FAILS,
    NOT_AUTHORIZED,
    Asking,
    bad_query,
    error,
    guids,
    not_found,
    unprocessable,
)
from tests.cloudfoundry.parts_world import T1, T2, T3

STAGED_OF_IDLE = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

IN_LISTS = "[PRIVATE DATA HIDDEN IN LISTS]"
SECRET_READERS = {"admin": True, "reading_admin": True, "global_auditor": False, "developer": True, "supporter": False}
"""Who reads the parts of dora, and whether with what is secret; beside them managers and auditors, without it."""
READERS = SECRET_READERS | {"manager": False, "auditor": False, "org_manager": False}
STRANGERS = ("org_auditor", "org_user", "billing", "stranger", "far_developer")

DROPLET_KEYS = [
    "guid",
    "created_at",
    "updated_at",
    "state",
    "error",
    "lifecycle",
    "checksum",
    "buildpacks",
    "stack",
    "image",
    "execution_metadata",
    "process_types",
    "relationships",
    "metadata",
    "links",
]


def test_the_current_droplet_is_shown_as_the_presenter_writes_it(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/apps/dora/droplets/current", actor="auditor").json()
    url = parts.server.url
    assert list(shown) == DROPLET_KEYS
    assert shown == {
        "guid": "current",
        "created_at": T3,
        "updated_at": T3,
        "state": "STAGED",
        "error": None,
        "lifecycle": {"type": "buildpack", "data": {}},
        "checksum": {"type": "sha256", "value": "97b0560280ed60a5a1eaa1bc45492543c8a986ad5a25b468c427eb83c3e88191"},
        "buildpacks": [
            {"name": "go_buildpack", "detect_output": None, "buildpack_name": None, "version": None},
            {"name": "nodejs_buildpack", "detect_output": "nodejs", "buildpack_name": None, "version": "1.8"},
        ],
        "stack": "cflinuxfs3",
        "image": None,
        "execution_metadata": "",
        "process_types": {"web": "rackup", "worker": "rake work"},
        "relationships": {"app": {"data": {"guid": "dora"}}},
        "metadata": {"labels": {"env": "prod"}, "annotations": {"note": "x"}},
        "links": {
            "self": {"href": f"{url}/v3/droplets/current"},
            "app": {"href": f"{url}/v3/apps/dora"},
            "assign_current_droplet": {
                "href": f"{url}/v3/apps/dora/relationships/current_droplet",
                "method": "PATCH",
            },
            "package": {"href": f"{url}/v3/packages/bits"},
            "download": {"href": f"{url}/v3/droplets/current/download"},
        },
    }


LINKS: dict[str, tuple[str, list[str]]] = {
    "one that failed": ("failed", ["self", "app", "assign_current_droplet", "package"]),
    "one that waits for its bits": ("uploaded", ["self", "app", "assign_current_droplet", "package", "upload"]),
    "one of a Docker app": ("far-droplet", ["self", "app", "assign_current_droplet", "package"]),
}


@pytest.mark.parametrize("row", LINKS)
def test_a_droplet_has_the_links_that_apply(parts: Asking, row: str) -> None:
    guid, links = LINKS[row]
    assert list(parts.ask("GET", f"/v3/droplets/{guid}").json()["links"]) == links


def test_a_droplet_that_failed_has_an_error_and_no_commands(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/droplets/failed").json()
    assert (shown["state"], shown["error"], shown["process_types"], shown["checksum"]) == (
        "FAILED",
        "StagingError - no buildpack",
        None,
        None,
    )


def test_a_docker_droplet_has_an_image_and_no_buildpacks(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/droplets/far-droplet").json()
    assert (shown["image"], shown["buildpacks"], shown["stack"]) == ("example/far:latest", None, None)


@pytest.mark.parametrize("actor", READERS)
def test_the_commands_of_a_droplet_are_shown_to_those_who_may_see_secrets(parts: Asking, actor: str) -> None:
    shown = parts.ask("GET", "/v3/droplets/current", actor=actor).json()
    expected: Any = {"web": "rackup", "worker": "rake work"}
    if not READERS[actor]:
        expected = {"redacted_message": "[PRIVATE DATA HIDDEN]"}
    assert shown["process_types"] == expected
    assert shown["execution_metadata"] == ("" if READERS[actor] else "[PRIVATE DATA HIDDEN]")
    listed = parts.ask("GET", "/v3/apps/dora/droplets", actor=actor).json()["resources"]
    assert {each["execution_metadata"] for each in listed} == {IN_LISTS}
    assert all(each["process_types"] == {"redacted_message": IN_LISTS} for each in listed)
    current = parts.ask("GET", "/v3/apps/dora/droplets/current", actor=actor).json()
    assert current["process_types"] == {"web": "rackup", "worker": "rake work"}


PATHS = {
    "/v3/droplets/current": "Droplet",
    "/v3/packages/bits": "Package",
    "/v3/packages/bits/droplets": "Package",
    "/v3/builds/build-of-current": "Build",
    "/v3/apps/dora/droplets": "App",
    "/v3/apps/dora/droplets/current": "App",
    "/v3/apps/dora/packages": "App",
    "/v3/apps/dora/builds": "App",
}


@pytest.mark.parametrize("path", PATHS)
def test_who_may_not_read_the_space_gets_404(parts: Asking, path: str) -> None:
    for actor in STRANGERS:
        assert error(parts.ask("GET", path, actor=actor)) == not_found(PATHS[path])
    unknown = path.replace("current", "nope", 1) if "dora" not in path else path.replace("dora", "nope")
    assert error(parts.ask("GET", unknown.replace("bits", "nope"))) == not_found(PATHS[path])
    for actor in READERS:
        assert parts.ask("GET", path, actor=actor).status_code == 200


def test_an_app_without_a_droplet_has_no_current_one(parts: Asking) -> None:
    assert error(parts.ask("GET", "/v3/apps/bare/droplets/current")) == not_found("Droplet")
    for path in ("droplets", "packages", "builds"):
        assert guids(parts.ask("GET", f"/v3/apps/bare/{path}")) == []


DROPLETS = ["older", "failed", "uploaded", "current"]
FILTERS: dict[str, tuple[str, list[str]]] = {
    "one that is staged just now is not listed": ("/v3/apps/dora/droplets", DROPLETS),
    "the current one": ("/v3/apps/dora/droplets?current=true", ["current"]),
    "no current one": ("/v3/apps/bare/droplets?current=true", []),
    "by state": ("/v3/apps/dora/droplets?states=FAILED,AWAITING_UPLOAD", ["failed", "uploaded"]),
    "of all apps": ("/v3/droplets", [*DROPLETS, STAGED_OF_IDLE, "far-droplet"]),
    "by guid": ("/v3/droplets?guids=older,x", ["older"]),
    "by app": ("/v3/droplets?app_guids=dora,nope&states=STAGED", ["older", "current"]),
    "by app in the words of the nested list": ("/v3/droplets?app_guid=dora", DROPLETS),
    "by space": ("/v3/droplets?space_guids=far", ["far-droplet"]),
    "by organization": ("/v3/droplets?organization_guids=acme", [*DROPLETS, STAGED_OF_IDLE]),
    "by label": ("/v3/droplets?label_selector=env", ["current"]),
    "by time": (f"/v3/droplets?created_ats={T2}", ["failed", "uploaded"]),
    "the newest first": ("/v3/apps/dora/droplets?order_by=-created_at&per_page=1", ["current"]),
    "of a package": ("/v3/packages/bits/droplets", ["current"]),
    "of the last package, as the seed names none": ("/v3/packages/image/droplets", ["older", "failed", "uploaded"]),
    "staged of a package": ("/v3/packages/image/droplets?states=STAGED", ["older"]),
    "of a package in the words of the nested list": (
        "/v3/droplets?package_guid=bits",
        ["current"],
    ),
    "packages of an app": ("/v3/apps/dora/packages", ["bits", "waiting", "image"]),
    "packages by app": ("/v3/packages?app_guids=dora&order_by=-created_at", ["image", "waiting", "bits"]),
    "packages by app in the words of the nested list": ("/v3/packages?app_guid=dora", ["bits", "waiting", "image"]),
    "packages by state": ("/v3/packages?states=AWAITING_UPLOAD", ["waiting"]),
    "packages by type": ("/v3/packages?types=docker", ["image", "package-of-far-droplet"]),
    "packages by space": ("/v3/packages?space_guids=far", ["package-of-far-droplet"]),
    "packages by organization": ("/v3/packages?organization_guids=other", ["package-of-far-droplet"]),
    "packages by label": ("/v3/packages?label_selector=env=prod", ["bits"]),
    "builds of an app": (
        "/v3/apps/dora/builds",
        ["build-of-older", "build-of-failed", "build-of-staging", "build-of-current"],
    ),
    "builds by state": ("/v3/builds?states=STAGING,FAILED", ["build-of-failed", "build-of-staging"]),
    "builds by state of an app": ("/v3/apps/dora/builds?states=STAGING", ["build-of-staging"]),
    "builds by package": ("/v3/builds?package_guids=package-of-far-droplet", ["build-of-far-droplet"]),
    "builds by app": ("/v3/builds?app_guids=far-app", ["build-of-far-droplet"]),
    "builds by label": ("/v3/builds?label_selector=env=prod", []),
}


@pytest.mark.parametrize("row", FILTERS)
def test_lists_are_filtered(parts: Asking, row: str) -> None:
    path, expected = FILTERS[row]
    shown = guids(parts.ask("GET", path))
    assert (shown if "order" in path else sorted(shown)) == (expected if "order" in path else sorted(expected))


def test_lists_hold_what_each_actor_may_read(parts: Asking) -> None:
    for path in ("droplets", "packages", "builds", "tasks"):
        everything = guids(parts.ask("GET", f"/v3/{path}"))
        near = guids(parts.ask("GET", f"/v3/{path}", actor="auditor"))
        far = guids(parts.ask("GET", f"/v3/{path}", actor="far_developer"))
        assert near
        assert far
        assert sorted(near + far) == sorted(everything)
        assert guids(parts.ask("GET", f"/v3/{path}", actor="org_auditor")) == []


COMMON = "'page', 'per_page', 'order_by', 'created_ats', 'updated_ats', 'guids'"
DROPLETS_TAKE = (
    f"{COMMON}, 'app_guid', 'app_guids', 'current', 'organization_guids', 'package_guid', 'space_guids', 'states', "
    "'label_selector'"
)
REFUSALS: dict[str, tuple[str, Any]] = {
    "unknown parameters": (
        "/v3/droplets?a=1",
        bad_query(f"Unknown query parameter(s): 'a'. Valid parameters are: {DROPLETS_TAKE}"),
    ),
    "current is only of an app": ("/v3/droplets?current=true", bad_query("Unknown query parameter(s): 'current'")),
    "current is only of an app, not of a package": (
        "/v3/packages/bits/droplets?current=true",
        bad_query("Unknown query parameter(s): 'current'"),
    ),
    "current is only true, and an app has no apps": (
        "/v3/apps/dora/droplets?current=no&app_guids=a&space_guids=b&organization_guids=c",
        bad_query(
            "Current only accepts the value 'true', "
            "Unknown query parameter(s): 'app_guids', 'organization_guids', 'space_guids'"
        ),
    ),
    "the query before the app": (
        "/v3/apps/nope/droplets?states[x]=a",
        bad_query("States must be an array"),
    ),
    "the query before the package": (
        "/v3/packages/nope/droplets?page=0",
        bad_query("Page must be a positive integer"),
    ),
    "packages of an app": (
        "/v3/apps/dora/packages?space_guids=x",
        bad_query("Unknown query parameter(s): 'space_guids'"),
    ),
    "packages": (
        "/v3/packages?a=1&types[x]=1&states[x]=1",
        bad_query(
            f"Unknown query parameter(s): 'a'. Valid parameters are: {COMMON}, 'states', 'types', 'app_guids', "
            "'app_guid', 'space_guids', 'organization_guids', 'label_selector', "
            "States must be an array, Types must be an array"
        ),
    ),
    "builds": (
        "/v3/builds?a=1&package_guids[x]=1",
        bad_query(
            f"Unknown query parameter(s): 'a'. Valid parameters are: {COMMON}, 'app_guids', 'package_guids', "
            "'states', 'label_selector', Package guids must be an array"
        ),
    ),
    "builds of an app": (
        "/v3/apps/dora/builds?app_guids=x",
        bad_query(
            f"Unknown query parameter(s): 'app_guids'. Valid parameters are: {COMMON}, 'states', 'label_selector'"
        ),
    ),
}


@pytest.mark.parametrize("row", REFUSALS)
def test_a_list_is_refused_in_the_cloud_controllers_words(parts: Asking, row: str) -> None:
    path, expected = REFUSALS[row]
    assert error(parts.ask("GET", path)) == expected


def test_links_of_nested_lists_stay_nested(parts: Asking) -> None:
    for path, expected in (
        ("/v3/droplets?app_guid=dora", "/v3/apps/dora/droplets?page=1&per_page=50"),
        ("/v3/droplets?package_guid=bits", "/v3/packages/bits/droplets?page=1&per_page=50"),
        ("/v3/packages?app_guid=dora", "/v3/apps/dora/packages?page=1&per_page=50"),
        ("/v3/apps/dora/builds", "/v3/apps/dora/builds?page=1&per_page=50"),
    ):
        page = parts.ask("GET", path).json()["pagination"]
        assert page["first"]["href"] == parts.server.url + expected


# Packages and builds


def test_a_package_of_bits_is_shown_as_the_presenter_writes_it(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/packages/bits").json()
    url = f"{parts.server.url}/v3/packages/bits"
    checksum = shown["data"]["checksum"]["value"]
    assert list(shown) == [
        "guid",
        "created_at",
        "updated_at",
        "type",
        "data",
        "state",
        "relationships",
        "metadata",
        "links",
    ]
    assert len(checksum) == 64
    assert shown["data"] == {"error": None, "checksum": {"type": "sha256", "value": checksum}}
    assert (shown["type"], shown["state"], shown["relationships"]) == (
        "bits",
        "READY",
        {"app": {"data": {"guid": "dora"}}},
    )
    assert shown["links"] == {
        "self": {"href": url},
        "upload": {"href": f"{url}/upload", "method": "POST"},
        "download": {"href": f"{url}/download"},
        "app": {"href": f"{parts.server.url}/v3/apps/dora"},
    }
    waiting = parts.ask("GET", "/v3/packages/waiting").json()
    assert waiting["data"] == {"error": None, "checksum": {"type": "sha256", "value": None}}


def test_a_docker_package_hides_its_password(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/packages/image").json()
    assert shown["data"] == {"image": "nginx", "username": "bob", "password": "***"}
    assert list(shown["links"]) == ["self", "app"]
    far = parts.ask("GET", "/v3/packages/package-of-far-droplet").json()
    assert far["data"] == {"image": "example/far:latest", "username": None, "password": None}


def test_a_build_is_shown_as_the_presenter_writes_it(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/builds/build-of-current").json()
    url = parts.server.url
    assert list(shown) == [
        "guid",
        "created_at",
        "updated_at",
        "state",
        "staging_memory_in_mb",
        "staging_disk_in_mb",
        "staging_log_rate_limit_bytes_per_second",
        "error",
        "lifecycle",
        "package",
        "droplet",
        "created_by",
        "relationships",
        "metadata",
        "links",
    ]
    assert (shown["state"], shown["error"], shown["package"], shown["droplet"]) == (
        "STAGED",
        None,
        {"guid": "bits"},
        {"guid": "current"},
    )
    assert shown["lifecycle"] == {"type": "buildpack", "data": {"buildpacks": [], "stack": "cflinuxfs3"}}
    assert shown["created_by"] == {
        "guid": "5c0d0a1e-3f6b-4a52-9d59-0f1f4c3b7a10",
        "name": "admin",
        "email": "admin",
    }
    assert shown["links"] == {
        "self": {"href": f"{url}/v3/builds/build-of-current"},
        "app": {"href": f"{url}/v3/apps/dora"},
        "droplet": {"href": f"{url}/v3/droplets/current"},
    }
    far = parts.ask("GET", "/v3/builds/build-of-far-droplet").json()
    assert far["lifecycle"] == {"type": "docker", "data": {}}


def test_a_build_that_is_not_over_has_no_droplet(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/builds/build-of-staging").json()
    assert (shown["state"], shown["droplet"], list(shown["links"])) == ("STAGING", None, ["self", "app"])
    failed = parts.ask("GET", "/v3/builds/build-of-failed").json()
    assert (failed["state"], failed["error"], failed["droplet"]) == (
        "FAILED",
        "StagingError - no buildpack",
        {"guid": "failed"},
    )


def test_what_was_uploaded_has_no_build(parts: Asking) -> None:
    assert error(parts.ask("GET", "/v3/builds/build-of-uploaded")) == not_found("Build")


def test_an_app_that_says_nothing_was_staged_from_a_package_by_a_build(parts: Asking) -> None:
    """What `cf restart` asks: the newest package, and the droplets that were made of it."""
    (package,) = parts.ask("GET", "/v3/packages?app_guids=idle&order_by=-created_at").json()["resources"]
    assert (package["state"], package["type"], package["created_at"]) == ("READY", "bits", T1)
    assert parts.ask("GET", f"/v3/packages/{package['guid']}").json() == package
    assert guids(parts.ask("GET", f"/v3/packages/{package['guid']}/droplets?states=STAGED")) == [STAGED_OF_IDLE]
    (build,) = parts.ask("GET", "/v3/apps/idle/builds").json()["resources"]
    assert (build["package"]["guid"], build["droplet"]["guid"]) == (package["guid"], STAGED_OF_IDLE)
    assert parts.ask("GET", f"/v3/builds/{build['guid']}").json() == build
    assert len({package["guid"], build["guid"], STAGED_OF_IDLE}) == 3


# The current droplet

ASSIGN = "/v3/apps/dora/relationships/current_droplet"
REMOVAL = unprocessable("Current droplet cannot be removed. Replace it with a preferred droplet.")
UNABLE = unprocessable("Unable to assign current droplet. Ensure the droplet exists and belongs to this app.")


def test_another_droplet_becomes_current_and_brings_its_processes(parts: Asking) -> None:
    answer = parts.ask("PATCH", ASSIGN, {"data": {"guid": "older"}}, actor="supporter")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "data": {"guid": "older"},
            "links": {
                "self": {"href": f"{parts.server.url}{ASSIGN}"},
                "related": {"href": f"{parts.server.url}/v3/apps/dora/droplets/current"},
            },
        },
    )
    assert parts.ask("GET", "/v3/apps/dora/droplets/current").json()["guid"] == "older"
    assert sorted(guids(parts.ask("GET", "/v3/apps/dora/droplets"))) == sorted(DROPLETS)
    processes = parts.ask("GET", "/v3/apps/dora/processes").json()["resources"]
    assert [(each["type"], each["instances"]) for each in processes][-1] == ("cron", 0)
    assert [(each.kind, each.data) for each in parts.events] == [
        ("audit.app.droplet.mapped", {"request": {"droplet_guid": "older"}}),
        (
            "audit.app.process.create",
            {"process_guid": processes[-1]["guid"], "process_type": "cron"},
        ),
    ]
    assert parts.ask("GET", f"/v3/processes/{processes[-1]['guid']}").json()["command"] == "tick"


ASSIGNMENTS: dict[str, tuple[str, str, Any, Any]] = {
    "none": ("dora", "admin", {"data": None}, REMOVAL),
    "none by guid": ("dora", "admin", {"data": {"guid": None}}, REMOVAL),
    "none, before the app": ("nope", "admin", {"data": None}, REMOVAL),
    "no data at all": ("dora", "admin", {}, UNABLE),
    "an unknown one": ("dora", "admin", {"data": {"guid": "nope"}}, UNABLE),
    "one of another app": ("dora", "admin", {"data": {"guid": "far-droplet"}}, UNABLE),
    "a number": ("dora", "admin", {"data": {"guid": 5}}, UNABLE),
    "data that is text": ("dora", "admin", {"data": "older"}, FAILS),
    "one that failed": (
        "dora",
        "admin",
        {"data": {"guid": "failed"}},
        unprocessable(
            "Unable to create process types for this app's droplet. Please provide a droplet with valid process types."
        ),
    ),
    "an unknown app": ("nope", "admin", {"data": {"guid": "older"}}, not_found("App")),
    "an auditor": ("dora", "auditor", {"data": {"guid": "nope"}}, NOT_AUTHORIZED),
    "an auditor of the organization": ("dora", "org_auditor", {"data": {"guid": "older"}}, not_found("App")),
}


@pytest.mark.parametrize("row", ASSIGNMENTS)
def test_a_droplet_is_not_assigned(parts: Asking, row: str) -> None:
    app, actor, body, expected = ASSIGNMENTS[row]
    answer = parts.ask("PATCH", f"/v3/apps/{app}/relationships/current_droplet", body, actor=actor)
    assert error(answer) == expected
    assert parts.ask("GET", "/v3/apps/dora/droplets/current").json()["guid"] == "current"
    assert parts.events == []


def test_no_droplet_is_assigned_during_a_deployment(parts: Asking) -> None:
    parts.given_app("dora", deployment={"seconds": None})
    body = {"data": {"guid": "older"}}
    assert error(parts.ask("PATCH", ASSIGN, body)) == unprocessable(
        "Unable to assign current droplet while the app has a deployment in progress. "
        "Wait for the deployment to complete or cancel it."
    )
    assert error(parts.ask("PATCH", ASSIGN, body, actor="auditor")) == NOT_AUTHORIZED
    parts.given_app("dora", deployment=None)
    assert parts.ask("PATCH", ASSIGN, body).status_code == 200


@pytest.mark.parametrize("parts_of_apps", ["droplets", "packages", "builds", "tasks"])
def test_an_app_that_is_named_twice_is_listed_once(parts_of_apps: str, parts: Asking) -> None:
    once = guids(parts.ask("GET", f"/v3/{parts_of_apps}?app_guids=dora"))
    assert once
    assert guids(parts.ask("GET", f"/v3/{parts_of_apps}?app_guids=dora,dora")) == once


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/v3/apps/dora/relationships/current_droplet", {"data": {"guid": "older"}, "y": 2}),
        ("GET", "/v3/organizations/acme?y=2", None),
        ("GET", "/v3/organizations/acme/usage_summary?y=2", None),
        ("GET", "/v3/feature_flags/diego_docker?y=2", None),
        ("GET", "/v3/info?y=2", None),
        ("GET", "/v3?y=2", None),
    ],
)
def test_what_is_tolerated_is_named(method: str, path: str, body: Any, parts: Asking) -> None:
    answer = parts.ask(method, path, body)
    assert answer.status_code == 200
    assert "y" in answer.headers["X-Mock-Contract"]
