"""Apps created and updated. Source: app/controllers/v3/apps_controller.rb, app/messages/app_create_message.rb and
app_update_message.rb, app/actions/app_create.rb and app_update.rb, app/models/runtime/app_model.rb."""

from typing import Any

import pytest

from tests.cloudfoundry.asking import APP, IDLE_APP, NOT_AUTHORIZED, WEB, Asking, error, guids, not_found, unprocessable

SPACE = {"space": {"data": {"guid": "dev"}}}
NEW = {"name": "new", "relationships": SPACE}

INVALID_SPACE = unprocessable("Invalid space. Ensure that the space exists and you have access to it.")
MISSHAPEN_SPACE = 'Relationships Space must be structured like this: "space: {"data": {"guid": "valid-guid"}}"'
BLANK_SPACE = "Relationships Space can't be blank"


def create(foundation: Asking, body: Any = NEW, **options: Any) -> Any:
    return foundation.ask("POST", "/v3/apps", body, **options)


def update(foundation: Asking, body: Any, guid: str = APP, **options: Any) -> Any:
    return foundation.ask("PATCH", f"/v3/apps/{guid}", body, **options)


def events(foundation: Asking) -> list[tuple[str, Any]]:
    return [(event.kind, event.data) for event in foundation.events]


# Created


def test_a_new_app_is_stopped_and_has_a_web_process_of_its_guid(foundation: Asking) -> None:
    answer = create(foundation)
    assert answer.status_code == 201
    body = answer.json()
    guid = body["guid"]
    assert (body["name"], body["state"]) == ("new", "STOPPED")
    assert body["lifecycle"] == {"type": "buildpack", "data": {"buildpacks": [], "stack": "cflinuxfs4"}}
    assert body["relationships"] == {
        **SPACE,
        "space": {"data": {"guid": "dev"}},
        "current_droplet": {"data": {"guid": None}},
    }
    assert body["metadata"] == {"labels": {}, "annotations": {}}
    assert foundation.ask("GET", f"/v3/apps/{guid}").json() == body
    process = foundation.show(guid).json()
    assert (process["type"], process["instances"], process["memory_in_mb"]) == ("web", 1, 1024)
    assert process["command"] == ""
    assert process["health_check"] == {
        "type": "port",
        "data": {"timeout": None, "invocation_timeout": None, "interval": None},
    }
    assert process["relationships"] == {"app": {"data": {"guid": guid}}, "revision": None}
    assert guid in guids(foundation.ask("GET", "/v3/apps"))
    started = foundation.ask("POST", f"/v3/apps/{guid}/actions/start")
    assert error(started) == unprocessable("Assign a droplet before starting this app.")
    assert events(foundation) == [
        ("audit.app.process.create", {"process_guid": guid, "process_type": "web"}),
        ("audit.app.create", {"request": NEW}),
    ]


def test_a_new_app_takes_all_that_a_message_may_have(foundation: Asking) -> None:
    data = {
        "buildpacks": ["ruby_buildpack", "https://u:p@example.org/x.git", "git@example.org:x/y.git"],
        "stack": "windows",
    }
    body = {
        **NEW,
        "name": "  new  ",
        "environment_variables": {"OPEN": "source", "number": 5, "deep": {"a": [None]}},
        "lifecycle": {"type": "buildpack", "data": data},
        "metadata": {"labels": {"a": "b", "gone": None}, "annotations": {"note": "x"}},
    }
    shown = create(foundation, body).json()
    assert shown["name"] == "new"
    assert shown["lifecycle"]["data"] == {
        "buildpacks": ["ruby_buildpack", "https://***:***@example.org/x.git", "git@example.org:x/y.git"],
        "stack": "windows",
    }
    assert shown["metadata"] == {"labels": {"a": "b"}, "annotations": {"note": "x"}}
    env = foundation.ask("GET", f"/v3/apps/{shown['guid']}/env").json()
    assert env["environment_variables"] == body["environment_variables"]
    request = foundation.events[1].data["request"]
    assert request == {**body, "environment_variables": "[PRIVATE DATA HIDDEN]"}


def test_docker_and_cnb_need_their_feature_flags_whoever_asks(foundation: Asking) -> None:
    for kind in ("docker", "cnb"):
        body = {**NEW, "lifecycle": {"type": kind, "data": {}}}
        off = (403, "CF-FeatureDisabled", f"Feature Disabled: diego_{kind}", 330002)
        assert error(create(foundation, body)) == off
        assert error(create(foundation, body, actor="auditor")) == NOT_AUTHORIZED
    foundation.given(feature_flags={"diego_docker": True, "diego_cnb": True})
    shown = create(foundation, {**NEW, "lifecycle": {"type": "docker", "data": {}}}).json()
    assert shown["lifecycle"] == {"type": "docker", "data": {}}
    data = {"buildpacks": ["docker://example.org/pack"], "credentials": {"example.org": {"password": "x"}}}
    shown = create(foundation, {**NEW, "name": "cnb", "lifecycle": {"type": "cnb", "data": data}}).json()
    assert shown["lifecycle"]["data"] == {
        "buildpacks": ["docker://example.org/pack"],
        "stack": "cflinuxfs4",
        "credentials": "***",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "Relationships 'relationships' is not an object, Name must be a string"),
        ({**NEW, "name": 5}, "Name must be a string"),
        ({**NEW, "name": "n" * 256}, "Name is too long (maximum is 255 characters)"),
        ({**NEW, "name": "  "}, "name presence, name format"),
        ({**NEW, "name": "a\u0007b"}, "name format"),
        ({**NEW, "extra": 1, "more": 2}, "Unknown field(s): 'extra', 'more'"),
        ({**NEW, "relationships": []}, "Relationships 'relationships' is not an object"),
        (
            {**NEW, "relationships": {}},
            "Relationships 'relationships' must include one or more valid relationships",
        ),
        ({**NEW, "relationships": {"space": None}}, f"{BLANK_SPACE}, {MISSHAPEN_SPACE}"),
        (
            {**NEW, "relationships": {"org": {}}},
            f"Relationships Unknown field(s): 'org', {BLANK_SPACE}, {MISSHAPEN_SPACE}",
        ),
        ({**NEW, "relationships": {"space": "dev"}}, MISSHAPEN_SPACE),
        ({**NEW, "relationships": {"space": {"data": {"guid": "dev", "x": 1}}}}, MISSHAPEN_SPACE),
        (
            {**NEW, "relationships": {"space": {"data": {"guid": 5}}}},
            "Relationships Space guid must be a string, Relationships Space guid must be between 1 and 200 characters",
        ),
        (
            {**NEW, "relationships": {"space": {"data": {"guid": "g" * 201}}}},
            "Relationships Space guid must be between 1 and 200 characters",
        ),
        ({**NEW, "relationships": {"space": {"data": None}}}, INVALID_SPACE[2]),
        ({**NEW, "relationships": {"space": {"data": {"guid": "nope"}}}}, INVALID_SPACE[2]),
        ({**NEW, "environment_variables": "x"}, "Environment variables must be an object"),
        (
            {**NEW, "environment_variables": {"VCAP_x": "y"}},
            'environment_variables {:message=>"cannot start with VCAP_"}',
        ),
        (
            {**NEW, "environment_variables": {"": "y", "vmc_x": "1", "port": "2", "PORTS": "3"}},
            'environment_variables {:message=>"key must be a minimum length of 1"}, '
            'environment_variables {:message=>"cannot start with VMC_"}, '
            'environment_variables {:message=>"cannot set PORT"}',
        ),
        ({**NEW, "lifecycle": None}, "Lifecycle data must be an object"),
        ({**NEW, "lifecycle": {"data": 5}}, "Lifecycle data must be an object"),
        (
            {**NEW, "lifecycle": {"type": "kpack"}},
            "Lifecycle type is not included in the list: buildpack, docker, cnb, Lifecycle data must be an object",
        ),
        (
            {**NEW, "lifecycle": {"type": 0, "data": {}}},
            "Lifecycle type is not included in the list: buildpack, docker, cnb, Lifecycle type must be a string",
        ),
        ({**NEW, "relationships": {"space": 0}}, MISSHAPEN_SPACE),
        (
            {**NEW, "lifecycle": {"type": 5, "data": {}}},
            "Lifecycle type is not included in the list: buildpack, docker, cnb, Lifecycle type must be a string",
        ),
        (
            {**NEW, "lifecycle": {"type": "docker", "data": {"stack": "x"}}},
            "Lifecycle Unknown field(s): 'stack'",
        ),
        (
            {
                **NEW,
                "name": None,
                "lifecycle": {"type": "buildpack", "data": {"x": 1, "stack": 5, "buildpacks": "y", "credentials": []}},
            },
            "Lifecycle Unknown field(s): 'x', Lifecycle Stack must be a string, Lifecycle Buildpacks must be an array, "
            "Lifecycle Credentials must be an object, Name must be a string",
        ),
        (
            {
                **NEW,
                "lifecycle": {
                    "type": "cnb",
                    "data": {"stack": "", "buildpacks": [5, " "], "credentials": {"a": "b"}},
                },
            },
            "Lifecycle Stack must be between 1 and 4096 characters, Lifecycle Buildpacks can only contain strings, "
            "Lifecycle Buildpacks entries must be between 1 and 4096 characters, "
            "Lifecycle Credentials credentials value must be a hash",
        ),
        (
            {**NEW, "lifecycle": {"type": "buildpack", "data": {"buildpacks": ["nope", "go_buildpack"]}}},
            'Buildpack "nope" for stack "cflinuxfs4" must be an existing admin buildpack or a valid git URI',
        ),
        (
            {**NEW, "lifecycle": {"type": "buildpack", "data": {"buildpacks": ["nope"], "stack": "gone"}}},
            'Buildpack "nope" must be an existing admin buildpack or a valid git URI, Stack must be an existing stack',
        ),
        (
            {**NEW, "metadata": {"labels": {"a b": "c"}}, "x": 1, "name": 5},
            "Metadata label key error: 'a b' contains invalid characters, Unknown field(s): 'x', Name must be a string",
        ),
    ],
)
def test_a_message_that_creates_no_app(foundation: Asking, body: Any, expected: str) -> None:
    before = foundation.world.copy()
    assert error(create(foundation, body)) == unprocessable(expected)
    assert (foundation.world.apps, foundation.world.processes) == (before.apps, before.processes)
    assert foundation.events == []


def test_a_name_is_there_once_in_a_space(foundation: Asking) -> None:
    taken = "App with the name 'dora' already exists."
    assert error(create(foundation, {**NEW, "name": " dora"})) == (422, "CF-UniquenessError", taken, 10016)
    other_case = "App with the name 'DORA' already exists."
    assert error(create(foundation, {**NEW, "name": "DORA"})) == (422, "CF-UniquenessError", other_case, 10016)
    far = {"space": {"data": {"guid": "far"}}}
    assert create(foundation, {"name": "dora", "relationships": far}).status_code == 201
    assert error(update(foundation, {"name": "dora"}, IDLE_APP)) == unprocessable(taken)
    assert update(foundation, {"name": "Dora"}).status_code == 200, "its own name is not taken"


def test_too_many_labels_of_a_new_app(foundation: Asking) -> None:
    labels = {f"k{number}": "v" for number in range(51)}
    text = "Failed to add 51 labels because it would exceed maximum of 50"
    answer = create(foundation, {**NEW, "metadata": {"labels": labels}})
    assert error(answer) == (422, "CF-LabelLimitExceeded", text, 390020)
    assert len(foundation.world.apps) == 2


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("root", 201),
        ("developer", 201),
        ("managing_developer", 201),
        ("supporter", NOT_AUTHORIZED),
        ("manager", NOT_AUTHORIZED),
        ("auditor", NOT_AUTHORIZED),
        ("org_manager", NOT_AUTHORIZED),
        ("global_auditor", NOT_AUTHORIZED),
        ("org_auditor", INVALID_SPACE),
        ("org_user", INVALID_SPACE),
        ("stranger", INVALID_SPACE),
        ("far_developer", INVALID_SPACE),
    ],
)
def test_who_may_create_an_app(foundation: Asking, actor: str, expected: Any) -> None:
    answer = create(foundation, actor=actor)
    assert (answer.status_code if answer.status_code == 201 else error(answer)) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"suspended": True}, (403, "CF-OrgSuspended", "The organization is suspended", 10017)),
        ({"being_deleted": True}, (422, "CF-ResourceBeingDeleted", "The organization is being deleted", 10020)),
        (
            {"spaces": [{"name": "dev", "suspended": True}]},
            (403, "CF-SpaceSuspended", "The space is suspended", 10019),
        ),
        (
            {"spaces": [{"name": "dev", "being_deleted": True}]},
            (422, "CF-ResourceBeingDeleted", "The space is being deleted", 10020),
        ),
    ],
)
def test_no_app_is_written_where_the_space_takes_no_changes(foundation: Asking, words: Any, expected: Any) -> None:
    foundation.given_organization(**words)
    assert error(create(foundation, actor="developer")) == expected
    assert error(update(foundation, {"name": "x"}, actor="developer")) == expected
    assert error(foundation.ask("DELETE", f"/v3/apps/{APP}", actor="developer")) == expected
    assert error(create(foundation, actor="auditor")) == NOT_AUTHORIZED
    assert create(foundation).status_code == 201


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v3/apps", {**NEW, "name": "dora"}),
        (f"/v3/apps/{APP}/sidecars", {"name": "x" * 256, "command": "y", "process_types": ["web"]}),
        (f"/v3/apps/{APP}/tasks", {"command": " "}),
    ],
    ids=["app", "sidecar", "task"],
)
def test_what_is_refused_takes_no_number_of_the_world(path: str, body: Any, foundation: Asking) -> None:
    """So that the guids of what is made later do not depend on it."""
    foundation.given_app("dora", droplet={"guid": "droplet"})
    before = foundation.world.nonce
    assert foundation.ask("POST", path, body).status_code == 422
    assert foundation.world.nonce == before


def test_a_lifecycle_without_a_type_is_the_default_and_nobody_checks_its_data(foundation: Asking) -> None:
    body = {**NEW, "lifecycle": {"data": {"buildpacks": ["go_buildpack"], "unknown": 1}}}
    assert create(foundation, body).json()["lifecycle"] == {
        "type": "buildpack",
        "data": {"buildpacks": ["go_buildpack"], "stack": "cflinuxfs4"},
    }
    assert create(foundation, {**NEW, "lifecycle": {"data": {"buildpacks": 5}}}).status_code == 500


def test_a_stack_and_a_buildpack_that_an_app_has_are_there(foundation: Asking) -> None:
    foundation.given_app("dora", stack="own", buildpacks=["own_buildpack"])
    data = {"stack": "own", "buildpacks": ["own_buildpack"]}
    assert create(foundation, {**NEW, "lifecycle": {"type": "buildpack", "data": data}}).status_code == 201


def test_an_app_whose_name_means_each_one(foundation: Asking) -> None:
    """A client may give it; in `given:` that name goes on to mean each app."""
    guid = create(foundation, {**NEW, "name": "*"}).json()["guid"]
    foundation.given_app("*", metadata={"labels": {"a": "b"}})
    assert [app.labels for app in foundation.world.apps.values()] == [{"a": "b"}] * 3
    state = foundation.server.client.get(f"/__mock/foundations/{foundation.name}/state").json()
    restored = foundation.server.client.put(f"/__mock/foundations/{foundation.name}/state", json=state)
    assert restored.status_code == 200, restored.text
    assert foundation.ask("GET", f"/v3/apps/{guid}").json()["name"] == "*"


# Updated


def test_an_update_changes_what_is_sent_and_nothing_else(foundation: Asking) -> None:
    foundation.given_app("dora", metadata={"labels": {"old": "1", "gone": "2"}}, buildpacks=["ruby_buildpack"])
    before = foundation.ask("GET", f"/v3/apps/{APP}").json()
    foundation.advance(90)
    body = {"name": "renamed", "metadata": {"labels": {"gone": None, "new": "3"}, "annotations": {"note": "n"}}}
    answer = update(foundation, body)
    assert answer.status_code == 200
    after = answer.json()
    assert after["updated_at"] != before["updated_at"]
    assert after == {
        **before,
        "name": "renamed",
        "updated_at": after["updated_at"],
        "metadata": {"labels": {"old": "1", "new": "3"}, "annotations": {"note": "n"}},
    }
    assert foundation.show(WEB).json()["metadata"]["labels"] == {}
    assert events(foundation) == [("audit.app.update", {"request": body})]
    assert foundation.events[0].target.name == "renamed"


def test_an_update_of_the_lifecycle(foundation: Asking) -> None:
    shown = update(foundation, {"lifecycle": {"data": {"buildpacks": ["go_buildpack"]}}}).json()
    assert shown["lifecycle"]["data"] == {"buildpacks": ["go_buildpack"], "stack": "cflinuxfs4"}
    shown = update(foundation, {"lifecycle": {"type": "buildpack", "data": {"stack": None, "buildpacks": None}}}).json()
    assert shown["lifecycle"]["data"] == {"buildpacks": [], "stack": None}
    foundation.given_app("dora", lifecycle="docker")
    shown = update(foundation, {"lifecycle": {"data": {"buildpacks": ["nope"]}}}).json()
    assert shown["lifecycle"] == {"type": "docker", "data": {}}


def test_an_empty_update_changes_nothing_but_the_time_and_is_an_event(foundation: Asking) -> None:
    before = foundation.world.apps[APP]
    foundation.advance(5)
    assert update(foundation, {}).status_code == 200
    after = foundation.world.apps[APP]
    assert (after.name, after.labels, after.updated_at) == (before.name, before.labels, foundation.now)
    assert events(foundation) == [("audit.app.update", {"request": {}})]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": 5}, "Name must be a string"),
        ({"name": None}, "name presence, name format"),
        ({"name": ""}, "name presence, name format"),
        ({"environment_variables": {}}, "Unknown field(s): 'environment_variables'"),
        ({"lifecycle": {}}, "Lifecycle data must be an object"),
        ({"lifecycle": {"data": {"stack": 5}}}, "Lifecycle Stack must be a string"),
        ({"lifecycle": {"type": "docker", "data": {}}}, "Lifecycle type cannot be changed from buildpack to docker"),
        (
            {"lifecycle": {"type": "cnb", "data": {"stack": "gone"}}},
            "Stack must be an existing stack",
        ),
        ({"lifecycle": {"data": {"stack": "gone"}}}, "Stack must be an existing stack"),
        ({"metadata": {"x": 1}}, "Metadata has unexpected field(s): 'x'"),
    ],
)
def test_a_message_that_updates_no_app(foundation: Asking, body: Any, expected: str) -> None:
    before = foundation.world.apps[APP]
    assert error(update(foundation, body)) == unprocessable(expected)
    assert foundation.world.apps[APP] == before
    assert foundation.events == []


def test_a_bad_message_is_told_before_an_app_that_is_not_there(foundation: Asking) -> None:
    assert error(update(foundation, {"name": 5}, "nope")) == unprocessable("Name must be a string")
    assert error(update(foundation, {"name": "x"}, "nope")) == not_found("App")
    assert error(update(foundation, {"name": "x"}, actor="stranger")) == not_found("App")
    assert error(update(foundation, {"name": "x"}, actor="supporter")) == NOT_AUTHORIZED
    assert update(foundation, {"name": "x"}, actor="developer").status_code == 200
