"""Revisions, held row by row over HTTP."""

from typing import Any

import pytest

from tests.cloudfoundry.asking import NOT_AUTHORIZED, Asking, bad_query, error, guids, not_found
from tests.cloudfoundry.parts_world import T1, T2, T3
from tests.cloudfoundry.test_droplets import COMMON, READERS, STRANGERS


def test_a_revision_is_shown_as_the_presenter_writes_it(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/revisions/first", actor="auditor").json()
    url = parts.server.url
    assert list(shown) == [
        "guid",
        "version",
        "droplet",
        "processes",
        "sidecars",
        "description",
        "relationships",
        "created_at",
        "updated_at",
        "links",
        "metadata",
        "deployable",
    ]
    assert shown == {
        "guid": "first",
        "version": 1,
        "droplet": {"guid": "older"},
        "processes": {"web": {"command": "old"}, "cron": {"command": None}},
        "sidecars": [{"name": "proxy", "command": "./proxy", "memory_in_mb": 16, "process_types": ["web"]}],
        "description": "Initial revision.",
        "relationships": {"app": {"data": {"guid": "dora"}}},
        "created_at": T1,
        "updated_at": T1,
        "links": {
            "self": {"href": f"{url}/v3/revisions/first"},
            "app": {"href": f"{url}/v3/apps/dora"},
            "environment_variables": {"href": f"{url}/v3/revisions/first/environment_variables"},
        },
        "metadata": {"labels": {"env": "prod"}, "annotations": {"note": "x"}},
        "deployable": True,
    }


def test_a_revision_that_names_nothing_is_what_the_app_is(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/revisions/second").json()
    assert (shown["version"], shown["droplet"], shown["description"], shown["deployable"]) == (
        2,
        {"guid": "current"},
        "New droplet deployed.",
        True,
    )
    assert shown["processes"] == {
        "web": {"command": "secret"},
        "worker": {"command": None},
        "clock": {"command": None},
    }


def test_only_a_revision_whose_droplet_is_staged_can_be_deployed(parts: Asking) -> None:
    assert parts.ask("GET", "/v3/revisions/broken").json()["deployable"] is False


def test_an_app_that_says_nothing_has_one_revision_which_is_deployed(parts: Asking) -> None:
    parts.given_app("idle", state="STARTED")
    (revision,) = parts.ask("GET", "/v3/apps/idle/revisions").json()["resources"]
    assert (revision["version"], revision["description"]) == (1, "Initial revision.")
    assert parts.ask("GET", f"/v3/revisions/{revision['guid']}").json() == revision
    assert parts.ask("GET", "/v3/apps/idle/revisions/deployed").json()["resources"] == [revision]
    assert guids(parts.ask("GET", "/v3/apps/bare/revisions")) == []


LISTS: dict[str, tuple[str, list[str]]] = {
    "all": ("/v3/apps/dora/revisions", ["first", "second", "broken"]),
    "the newest first": ("/v3/apps/dora/revisions?order_by=-created_at", ["broken", "second", "first"]),
    "by version": ("/v3/apps/dora/revisions?versions=1,3", ["first", "broken"]),
    "by label": ("/v3/apps/dora/revisions?label_selector=env", ["first"]),
    "by guid": ("/v3/apps/dora/revisions?guids=second", ["second"]),
    "by time": (f"/v3/apps/dora/revisions?created_ats[lte]={T2}", ["first", "second"]),
    "deployed": ("/v3/apps/dora/revisions/deployed", ["second"]),
    "deployed, whatever is filtered by": (
        f"/v3/apps/dora/revisions/deployed?guids=first&created_ats={T3}",
        ["second"],
    ),
    "none is deployed of a stopped app": ("/v3/apps/idle/revisions/deployed", []),
}


@pytest.mark.parametrize("row", LISTS)
def test_revisions_are_listed(parts: Asking, row: str) -> None:
    path, expected = LISTS[row]
    assert guids(parts.ask("GET", path)) == expected


REFUSALS: dict[str, tuple[str, Any]] = {
    "unknown parameters, then what is no boolean": (
        "/v3/apps/nope/revisions?a=1&deployable=true&versions[x]=1",
        bad_query(
            f"Unknown query parameter(s): 'a'. Valid parameters are: {COMMON}, 'versions', 'deployable', "
            "'label_selector', Versions must be an array, Deployable must be a boolean"
        ),
    ),
    "deployed": (
        "/v3/apps/nope/revisions/deployed?versions=1",
        bad_query(f"Unknown query parameter(s): 'versions'. Valid parameters are: {COMMON}"),
    ),
    "no such app": ("/v3/apps/nope/revisions", not_found("App")),
    "nothing deployed of no app": ("/v3/apps/nope/revisions/deployed", not_found("App")),
    "no such revision": ("/v3/revisions/nope", not_found("Revision")),
    "no variables of no revision": ("/v3/revisions/nope/environment_variables", not_found("Revision")),
}


@pytest.mark.parametrize("row", REFUSALS)
def test_a_read_of_revisions_is_refused_in_the_cloud_controllers_words(parts: Asking, row: str) -> None:
    path, expected = REFUSALS[row]
    assert error(parts.ask("GET", path)) == expected


def test_who_may_not_read_the_space_gets_404(parts: Asking) -> None:
    for actor in STRANGERS:
        assert error(parts.ask("GET", "/v3/revisions/first", actor=actor)) == not_found("Revision")
        answer = parts.ask("GET", "/v3/revisions/first/environment_variables", actor=actor)
        assert error(answer) == not_found("Revision")
        assert error(parts.ask("GET", "/v3/apps/dora/revisions", actor=actor)) == not_found("App")


@pytest.mark.parametrize("actor", READERS)
def test_variables_are_shown_to_those_who_may_see_secrets_and_that_is_recorded(parts: Asking, actor: str) -> None:
    answer = parts.ask("GET", "/v3/revisions/first/environment_variables", actor=actor)
    assert parts.ask("GET", "/v3/revisions/first", actor=actor).status_code == 200
    if not READERS[actor]:
        assert error(answer) == NOT_AUTHORIZED
        assert parts.events == []
        return
    url = parts.server.url
    assert answer.json() == {
        "var": {"SECRET": "x"},
        "links": {
            "self": {"href": f"{url}/v3/revisions/first/environment_variables"},
            "revision": {"href": f"{url}/v3/revisions/first"},
            "app": {"href": f"{url}/v3/apps/dora"},
        },
    }
    (event,) = parts.events
    assert (event.kind, event.data) == (
        "audit.app.revision.environment_variables.show",
        {"revision_guid": "first", "revision_version": 1},
    )


# Where revisions come from


def versions(parts: Asking, app: str = "idle") -> list[tuple[int, str]]:
    shown = parts.ask("GET", f"/v3/apps/{app}/revisions").json()["resources"]
    return [(each["version"], each["description"]) for each in shown]


def restart(parts: Asking, app: str = "idle") -> None:
    assert parts.ask("POST", f"/v3/apps/{app}/actions/restart").status_code == 200


def test_an_app_that_starts_as_it_was_keeps_its_revision(parts: Asking) -> None:
    before = parts.ask("GET", "/v3/apps/idle/revisions").json()
    assert parts.ask("POST", "/v3/apps/idle/actions/start").status_code == 200
    restart(parts)
    assert parts.ask("GET", "/v3/apps/idle/revisions").json() == before
    assert [each.kind for each in parts.events] == ["audit.app.start", "audit.app.restart"]


def test_an_app_that_starts_with_another_droplet_has_another_revision(parts: Asking) -> None:
    parts.given_app("idle", droplets=[{"guid": "other", "process_types": {"web": "y"}}])
    (first,) = parts.ask("GET", "/v3/apps/idle/revisions").json()["resources"]
    parts.ask("PATCH", "/v3/apps/idle/relationships/current_droplet", {"data": {"guid": "other"}})
    assert parts.ask("GET", f"/v3/revisions/{first['guid']}").json() == first
    parts.advance(5)
    restart(parts)
    old, new = parts.ask("GET", "/v3/apps/idle/revisions").json()["resources"]
    assert old == first
    assert (new["version"], new["description"], new["droplet"]) == (2, "New droplet deployed.", {"guid": "other"})
    assert parts.ask("GET", "/v3/apps/idle/revisions/deployed").json()["resources"] == [new]
    created = [each for each in parts.events if each.kind == "audit.app.revision.create"]
    assert [each.data for each in created] == [{"revision_guid": new["guid"], "revision_version": 2}]
    process = parts.ask("GET", "/v3/apps/idle/processes/web").json()
    assert process["relationships"]["revision"] == {"data": {"guid": new["guid"]}}


def test_an_app_that_starts_with_other_variables_and_commands_has_another_revision(parts: Asking) -> None:
    parts.ask("PATCH", "/v3/apps/idle/environment_variables", {"var": {"A": "b"}})
    parts.ask("PATCH", "/v3/apps/idle/processes/web", {"command": "x"})
    assert versions(parts) == [(1, "Initial revision.")]
    restart(parts)
    told = "Custom start command added for 'web' process. New environment variables deployed."
    assert versions(parts) == [(1, "Initial revision."), (2, told)]
    first, second = guids(parts.ask("GET", "/v3/apps/idle/revisions"))
    for guid, variables, command in ((first, {}, None), (second, {"A": "b"}, "x")):
        assert parts.ask("GET", f"/v3/revisions/{guid}/environment_variables").json()["var"] == variables
        assert parts.ask("GET", f"/v3/revisions/{guid}").json()["processes"]["web"] == {"command": command}


COMMANDS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "added": ({"command": None}, {"command": "x"}, "Custom start command added for 'web' process."),
    "removed": ({"command": "x"}, {"command": None}, "Custom start command removed for 'web' process."),
    "updated": ({"command": "x"}, {"command": "y"}, "Custom start command updated for 'web' process."),
}


@pytest.mark.parametrize("row", COMMANDS)
def test_a_revision_says_what_became_of_a_command(parts: Asking, row: str) -> None:
    before, after, description = COMMANDS[row]
    parts.given_process("web", "idle", **before)
    parts.ask("PATCH", "/v3/apps/idle/processes/web", after)
    restart(parts)
    assert versions(parts)[-1] == (2, description)


def test_a_revision_names_new_types_of_processes(parts: Asking) -> None:
    parts.ask("PATCH", "/v3/apps/dora/relationships/current_droplet", {"data": {"guid": "older"}})
    restart(parts, "dora")
    assert versions(parts, "dora")[-1] == (4, "New droplet deployed. New process type 'cron' added.")


def test_an_app_without_revisions_gets_none(parts: Asking) -> None:
    parts.given_app("bare", droplet={"guid": "own"})
    restart(parts, "bare")
    assert versions(parts, "bare") == []


@pytest.mark.parametrize("state", ["STARTED", "STOPPED"])
def test_an_app_that_has_no_revision_yet_gets_its_first_when_it_is_deployed(state: str, foundation: Asking) -> None:
    new = {"name": "new", "relationships": {"space": {"data": {"guid": "dev"}}}}
    app = foundation.ask("POST", "/v3/apps", new).json()["guid"]
    droplets = [{"guid": "other", "process_types": {"web": "b"}}]
    foundation.given_app("new", state=state, droplet={"guid": "one", "process_types": {"web": "a"}}, droplets=droplets)
    body = {"relationships": {"app": {"data": {"guid": app}}}, "droplet": {"guid": "other"}}
    deployment = foundation.ask("POST", "/v3/deployments", body).json()
    (revision,) = foundation.ask("GET", f"/v3/apps/{app}/revisions").json()["resources"]
    assert (revision["version"], revision["description"]) == (1, "Initial revision.")
    assert revision["droplet"] == {"guid": "other"}
    assert deployment["revision"] == {"guid": revision["guid"], "version": 1}
    created = [event.data for event in foundation.events if event.kind == "audit.app.revision.create"]
    assert created == [{"revision_guid": revision["guid"], "revision_version": 1}]
