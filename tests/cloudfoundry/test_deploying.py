"""Deployments by clients: created, shown, listed, labelled, continued and canceled.

Source: app/controllers/v3/deployments_controller.rb, app/actions/deployment_create.rb and
app/messages/deployment_create_message.rb.
"""

from typing import Any

import httpx
import pytest

from tests.cloudfoundry.asking import (
    APP,
    CLOCK,
    FAILS,
    IDLE,
    IDLE_APP,
    NOT_AUTHORIZED,
    WEB,
    Asking,
    bad_query,
    error,
    guids,
    not_found,
    states,
    unprocessable,
)


def body(app: str = APP, **fields: Any) -> dict[str, Any]:
    return {**fields, "relationships": {"app": {"data": {"guid": app}}}}


def deploy(foundation: Asking, app: str = APP, actor: str = "admin", **fields: Any) -> httpx.Response:
    """Creates a deployment of an app."""
    return foundation.ask("POST", "/v3/deployments", body(app, **fields), actor=actor)


def deployed(foundation: Asking, app: str = APP, **fields: Any) -> str:
    """Creates a deployment of an app; gives its guid."""
    answer = deploy(foundation, app, **fields)
    assert answer.status_code == 201, answer.text
    guid: str = answer.json()["guid"]
    return guid


def show(foundation: Asking, guid: str, **options: Any) -> dict[str, Any]:
    answer = foundation.ask("GET", f"/v3/deployments/{guid}", **options)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def act(foundation: Asking, guid: str, action: str, **options: Any) -> httpx.Response:
    """Cancels or continues a deployment."""
    return foundation.ask("POST", f"/v3/deployments/{guid}/actions/{action}", **options)


def status(foundation: Asking, guid: str) -> tuple[str, str]:
    shown = show(foundation, guid)["status"]
    return shown["value"], shown["reason"]


def webs(foundation: Asking, app: str = APP) -> list[tuple[str, int]]:
    """The web processes of an app, oldest first, each with its instances."""
    listed = foundation.ask("GET", f"/v3/apps/{app}/processes?types=web").json()["resources"]
    return [(each["guid"], each["instances"]) for each in listed]


def kinds(foundation: Asking) -> list[str]:
    """The types of the events, without what all of them begin with."""
    return [event.kind.removeprefix("audit.app.") for event in foundation.events]


def test_a_deployment_is_answered_with_all_its_keys_in_their_order(foundation: Asking) -> None:
    answer = deploy(foundation, metadata={"labels": {"release": "stable"}})
    assert answer.status_code == 201
    shown = answer.json()
    base = foundation.server.url
    url = f"{base}/v3/deployments/{shown['guid']}"
    droplet = {"guid": foundation.world.apps[APP].droplet.guid}  # type: ignore[union-attr]
    now = shown["created_at"]
    (old, _), (new, _) = webs(foundation)
    expected = {
        "guid": shown["guid"],
        "created_at": now,
        "updated_at": now,
        "status": {
            "value": "ACTIVE",
            "reason": "DEPLOYING",
            "details": {"last_successful_healthcheck": now, "last_status_change": now},
        },
        "strategy": "rolling",
        "options": {"max_in_flight": 1},
        "droplet": droplet,
        "previous_droplet": droplet,
        "new_processes": [{"guid": new, "type": "web"}],
        "revision": {"guid": foundation.world.apps[APP].revision, "version": 1},
        "relationships": {"app": {"data": {"guid": APP}}},
        "metadata": {"labels": {"release": "stable"}, "annotations": {}},
        "links": {
            "self": {"href": url},
            "app": {"href": f"{base}/v3/apps/{APP}"},
            "cancel": {"href": f"{url}/actions/cancel", "method": "POST"},
        },
    }
    assert shown == expected
    assert list(shown) == list(expected)
    assert list(shown["status"]) == ["value", "reason", "details"]
    assert old == WEB
    assert show(foundation, shown["guid"]) == shown


def test_it_ends_by_itself_and_the_web_process_has_another_guid(foundation: Asking) -> None:
    guid = deployed(foundation)
    new = show(foundation, guid)["new_processes"]
    foundation.advance(2)
    over = show(foundation, guid)
    assert (over["status"]["value"], over["status"]["reason"]) == ("FINALIZED", "DEPLOYED")
    assert over["new_processes"] == new
    assert list(over["links"]) == ["self", "app"]
    assert over["status"]["details"]["last_status_change"] > over["created_at"]
    assert webs(foundation) == [(new[0]["guid"], 2)]
    assert new[0]["guid"] != WEB


CREATES: dict[str, tuple[Any, str]] = {
    "an unknown strategy": ({"strategy": "ROLLING"}, "Strategy 'ROLLING' is not a supported deployment strategy"),
    "an empty strategy": ({"strategy": ""}, "Strategy '' is not a supported deployment strategy"),
    "a droplet and a revision": (
        {"droplet": {"guid": "a"}, "revision": {"guid": "b"}},
        "Droplet Cannot set both fields 'droplet' and 'revision'",
    ),
    "an unknown droplet": (
        {"droplet": {"guid": "nope"}},
        "Unable to assign current droplet. Ensure the droplet exists and belongs to this app.",
    ),
    "an unknown revision": ({"revision": {"guid": "nope"}}, "The revision does not exist"),
    "an unknown field": ({"foo": 1}, "Unknown field(s): 'foo'"),
    "options that are a text": ({"options": "x"}, "Options must be an object"),
    "an unknown option": ({"options": {"x": 1, "y": 2}}, "Options has unsupported key(s): x, y"),
    "none in flight": ({"options": {"max_in_flight": 0}}, "Max in flight must be an integer greater than 0"),
    "a text in flight": ({"options": {"max_in_flight": "5"}}, "Max in flight must be an integer greater than 0"),
    "a fraction in flight": ({"options": {"max_in_flight": 1.5}}, "Max in flight must be an integer greater than 0"),
    "true in flight": ({"options": {"max_in_flight": True}}, "Max in flight must be an integer greater than 0"),
    "less than no instances": (
        {"options": {"web_instances": -1}},
        "Web instances must be greater than or equal to 0",
    ),
    "a word for instances": ({"options": {"web_instances": "x"}}, "Web instances is not a number"),
    "no memory": ({"options": {"memory_in_mb": 0}}, "Memory in mb must be greater than 0"),
    "half a disk": ({"options": {"disk_in_mb": 0.5}}, "Disk in mb must be an integer"),
    "a log rate below unlimited": (
        {"options": {"log_rate_limit_in_bytes_per_second": -2}},
        "Log rate limit in bytes per second must be greater than or equal to -1",
    ),
    "a canary that rolls": (
        {"options": {"canary": {}}, "strategy": "rolling"},
        "Options canary are only valid for Canary deployments",
    ),
    "a canary without a strategy": (
        {"options": {"canary": {}}},
        "Options canary are only valid for Canary deployments",
    ),
    "a canary that is a number": (
        {"options": {"canary": 5}, "strategy": "canary"},
        "Options canary must be an object",
    ),
    "steps that are a text": (
        {"options": {"canary": {"steps": "x"}}, "strategy": "canary"},
        "Options canary steps must be an array of objects",
    ),
    "steps that are numbers": (
        {"options": {"canary": {"steps": [1]}}, "strategy": "canary"},
        "Options canary steps must be an array of objects",
    ),
    "two steps with an unknown key": (
        {"options": {"canary": {"steps": [{"instance_weight": 1, "x": 1}] * 2}}, "strategy": "canary"},
        "Options canary steps has unsupported key(s): x, Options canary steps has unsupported key(s): x",
    ),
    "a step without a weight": (
        {"options": {"canary": {"steps": [{}]}}, "strategy": "canary"},
        'Options canary steps missing key: "instance_weight", '
        "Options canary steps instance weight must be an Integer between 1-100 (inclusive)",
    ),
    "a weight of nothing": (
        {"options": {"canary": {"steps": [{"instance_weight": 0}]}}, "strategy": "canary"},
        "Options canary steps instance weight must be an Integer between 1-100 (inclusive)",
    ),
    "weights that fall": (
        {"options": {"canary": {"steps": [{"instance_weight": 50}, {"instance_weight": 20}]}}, "strategy": "canary"},
        "Options canary steps instance weight must be sorted in ascending order",
    ),
    "a weight too many, and falling": (
        {"options": {"canary": {"steps": [{"instance_weight": 101}, {"instance_weight": 20}]}}, "strategy": "canary"},
        "Options canary steps instance weight must be an Integer between 1-100 (inclusive), "
        "Options canary steps instance weight must be sorted in ascending order",
    ),
    "bad metadata": ({"metadata": {"labels": {"": "x"}}}, "Metadata label key error: key cannot be empty string"),
    "everything": (
        {
            "metadata": 5,
            "foo": 1,
            "strategy": "x",
            "droplet": {"guid": "a"},
            "revision": {"guid": "b"},
            "options": {"x": 1, "memory_in_mb": 0, "web_instances": -1, "max_in_flight": 0, "canary": 5},
        },
        "Metadata must be an object, Unknown field(s): 'foo', Strategy 'x' is not a supported deployment strategy, "
        "Droplet Cannot set both fields 'droplet' and 'revision', Options has unsupported key(s): x, "
        "Web instances must be greater than or equal to 0, Memory in mb must be greater than 0, "
        "Max in flight must be an integer greater than 0, Options canary must be an object",
    ),
}
"""What is asked for besides the app, and the detail of the 422."""


@pytest.mark.parametrize("row", CREATES)
def test_a_bad_deployment_is_refused_and_changes_nothing(row: str, foundation: Asking) -> None:
    fields, detail = CREATES[row]
    assert error(deploy(foundation, **fields)) == unprocessable(detail)
    assert webs(foundation) == [(WEB, 2)]
    assert foundation.events == []
    assert foundation.ask("GET", "/v3/deployments").json()["resources"] == []


TAKEN: dict[str, dict[str, Any]] = {
    "no options": {"options": None},
    "empty options": {"options": {}},
    "options that are an empty list": {"options": []},
    "options that are an empty text": {"options": ""},
    "no strategy": {"strategy": None},
    "no droplet": {"droplet": None},
    "an empty droplet": {"droplet": {}},
    "an empty revision": {"revision": {}},
    "null in flight": {"options": {"max_in_flight": None}},
    "false for a canary": {"options": {"canary": False}},
    "null for a canary": {"options": {"canary": None}},
    "null for all sizes": {"options": {"web_instances": None, "memory_in_mb": None, "disk_in_mb": None}},
}


@pytest.mark.parametrize("row", TAKEN)
def test_what_says_nothing_is_a_plain_rolling_deployment(row: str, foundation: Asking) -> None:
    answer = deploy(foundation, **TAKEN[row])
    assert answer.status_code == 201, answer.text
    assert (answer.json()["strategy"], answer.json()["options"]) == ("rolling", {"max_in_flight": 1})


UNUSABLE = unprocessable("Unable to use app. Ensure that the app exists and you have access to it.")

APPS: dict[str, tuple[Any, tuple[int, str, str, int]]] = {
    "nothing": ({}, UNUSABLE),
    "null": ({"relationships": None}, UNUSABLE),
    "an app that is null": ({"relationships": {"app": None}}, UNUSABLE),
    "an unknown app": (body("nope"), UNUSABLE),
    "a text": ({"relationships": "dora"}, FAILS),
    "a list": ({"relationships": {"app": [1]}}, FAILS),
    "a droplet that is a text": (body(droplet="x"), FAILS),
    "a canary of no steps": (body(strategy="canary", options={"canary": {"steps": []}}), FAILS),
}


@pytest.mark.parametrize("row", APPS)
def test_the_app_must_be_one_that_there_is(row: str, foundation: Asking) -> None:
    sent, expected = APPS[row]
    assert error(foundation.ask("POST", "/v3/deployments", sent)) == expected
    assert foundation.events == []


ACTORS: dict[str, tuple[int, tuple[int, str, str, int] | None, int]] = {
    "root": (201, None, 200),
    "developer": (201, None, 200),
    "supporter": (201, None, 200),
    "managing_developer": (201, None, 200),
    "manager": (422, UNUSABLE, 404),
    "auditor": (422, UNUSABLE, 404),
    "org_manager": (422, UNUSABLE, 404),
    "org_auditor": (422, UNUSABLE, 404),
    "stranger": (422, UNUSABLE, 404),
    "reading_admin": (403, NOT_AUTHORIZED, 403),
    "global_auditor": (403, NOT_AUTHORIZED, 403),
    "reader": (403, NOT_AUTHORIZED, 403),
    "nobody": (403, NOT_AUTHORIZED, 403),
}
"""What the actor's create and cancel are answered with."""


@pytest.mark.parametrize("actor", ACTORS)
def test_who_may_deploy_and_cancel(actor: str, foundation: Asking) -> None:
    create, refusal, cancel = ACTORS[actor]
    answer = deploy(foundation, actor=actor)
    assert answer.status_code == create
    if refusal is not None:
        assert error(answer) == refusal
    guid = deployed(foundation)
    assert act(foundation, guid, "cancel", actor=actor).status_code == cancel
    if cancel == 404:
        assert error(act(foundation, guid, "continue", actor=actor)) == not_found("Deployment")


READERS = {
    "root": (200, 200),
    "developer": (200, 200),
    "supporter": (200, 403),
    "manager": (200, 403),
    "auditor": (200, 403),
    "org_manager": (200, 403),
    "reading_admin": (200, 403),
    "org_auditor": (404, 404),
    "stranger": (404, 404),
    "far_developer": (404, 404),
}
"""The statuses of GET and PATCH by actor."""


@pytest.mark.parametrize("actor", READERS)
def test_who_may_read_and_label(actor: str, foundation: Asking) -> None:
    guid = deployed(foundation)
    read, write = READERS[actor]
    path = f"/v3/deployments/{guid}"
    assert foundation.ask("GET", path, actor=actor).status_code == read
    assert foundation.ask("PATCH", path, {"metadata": {}}, actor=actor).status_code == write
    listed = guids(foundation.ask("GET", "/v3/deployments", actor=actor))
    assert listed == ([guid] if read == 200 else [])


def test_a_suspended_organization_takes_no_deployment(foundation: Asking) -> None:
    guid = deployed(foundation)
    foundation.given_organization(suspended=True)
    for answer in (deploy(foundation, actor="developer"), act(foundation, guid, "cancel", actor="developer")):
        assert error(answer) == (403, "CF-OrgSuspended", "The organization is suspended", 10017)


PLANS: dict[str, tuple[int, dict[str, Any], list[list[int]]]] = {
    "one by one": (1, {}, [[1, 1]]),
    "three by one": (3, {}, [[1, 3], [2, 2], [3, 1]]),
    "four by two": (4, {"max_in_flight": 2}, [[2, 4], [4, 2]]),
    "five by two": (5, {"max_in_flight": 2}, [[2, 5], [4, 3], [5, 1]]),
    "all at once": (3, {"max_in_flight": 9}, [[3, 3]]),
    "more than before": (2, {"web_instances": 3}, [[1, 2], [2, 2], [3, 1]]),
    "fewer than before": (3, {"web_instances": 1}, [[1, 3]]),
    "none": (2, {"web_instances": 0}, [[0, 2]]),
}
"""Instances before, options, and after each batch the instances of the newer and the older process."""


@pytest.mark.parametrize("row", PLANS)
def test_instances_move_batch_by_batch(row: str, foundation: Asking) -> None:
    """As the updater does where every new instance runs by its next look."""
    had, options, plan = PLANS[row]
    foundation.given_organization(quota=None)
    foundation.given(settings={"deployment_seconds": 60})
    foundation.scale({"instances": had})
    guid = deployed(foundation, options=options)
    seen = []
    for _ in plan:
        seen.append([instances for _, instances in reversed(webs(foundation))])
        foundation.advance(60 / len(plan))
    assert seen == plan
    assert webs(foundation) == [(show(foundation, guid)["new_processes"][0]["guid"], options.get("web_instances", had))]


def test_sizes_are_those_of_the_new_process_alone(foundation: Asking) -> None:
    options = {"memory_in_mb": 512, "disk_in_mb": 100, "log_rate_limit_in_bytes_per_second": 1000, "web_instances": 3}
    shown = deploy(foundation, options={**options, "max_in_flight": 2}).json()
    assert list(shown["options"].items()) == [
        ("max_in_flight", 2),
        ("web_instances", 3),
        ("memory_in_mb", 512),
        ("disk_in_mb", 100),
        ("log_rate_limit_in_bytes_per_second", 1000),
    ]
    old, new = (foundation.show(guid).json() for guid, _ in webs(foundation))
    assert (old["memory_in_mb"], new["memory_in_mb"], new["disk_in_mb"]) == (256, 512, 100)
    assert (new["log_rate_limit_in_bytes_per_second"], new["command"]) == (1000, "secret")
    assert new["version"] != old["version"]


QUOTAS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "the organization's memory": (
        {"quota": {"total_memory_in_mb": 768}},
        {},
        "memory quota_exceeded for organization acme. This organization's quota may not be large enough to support "
        "rolling deployments or your configured max-in-flight.",
    ),
    "the space's memory": (
        {"spaces": [{"name": "dev", "quota": {"total_memory_in_mb": 768}}]},
        {},
        "memory space_quota_exceeded for space dev. This space's quota may not be large enough to support "
        "rolling deployments or your configured max-in-flight.",
    ),
    "the organization's instances": (
        {"quota": {"total_instances": 3}},
        {},
        "app_instance_limit app_instance_limit_exceeded for organization acme. This organization's quota may not be "
        "large enough to support rolling deployments or your configured max-in-flight.",
    ),
    "the memory of one instance": (
        {"quota": {"per_process_memory_in_mb": 300}},
        {"memory_in_mb": 301},
        "memory instance_memory_limit_exceeded",
    ),
    "all the instances that are wanted": (
        {"quota": {"total_instances": 10}},
        {"web_instances": 10},
        "app_instance_limit app_instance_limit_exceeded for organization acme. This organization's quota may not be "
        "large enough to support rolling deployments or your configured max-in-flight.",
    ),
}


@pytest.mark.parametrize("row", QUOTAS)
def test_the_first_instances_must_fit_beside_those_that_run(row: str, foundation: Asking) -> None:
    words, options, detail = QUOTAS[row]
    foundation.given_organization(**words)
    assert error(deploy(foundation, options=options)) == unprocessable(detail)
    assert (webs(foundation), foundation.events) == ([(WEB, 2)], [])


def test_what_does_not_fit_is_refused_before_its_droplet_is_looked_for(foundation: Asking) -> None:
    foundation.given_organization(quota={"total_memory_in_mb": 2000})
    refused = error(deploy(foundation, droplet={"guid": "nope"}, options={"memory_in_mb": 5000}))
    assert refused[2].startswith("memory quota_exceeded for organization acme. ")
    refused = error(deploy(foundation, IDLE_APP, droplet={"guid": "nope"}, options={"memory_in_mb": 5000}))
    assert refused[2].startswith("Unable to assign current droplet. ")


def test_options_that_are_blank_text_pass_and_fail_then(foundation: Asking) -> None:
    answer = deploy(foundation, options=" ")
    assert error(answer) == FAILS
    assert "options of another shape" in answer.headers["X-Mock-Why"]


def test_a_stopped_app_is_started_and_its_deployment_is_over_at_once(foundation: Asking) -> None:
    options = {"web_instances": 3, "memory_in_mb": 300}
    shown = deploy(foundation, IDLE_APP, strategy="canary", options=options).json()
    assert (shown["status"]["value"], shown["status"]["reason"]) == ("FINALIZED", "DEPLOYED")
    assert shown["status"]["canary"] == {"steps": {"current": 1, "total": 1}}
    assert (shown["new_processes"], list(shown["links"])) == ([], ["self", "app"])
    assert foundation.world.apps[IDLE_APP].state == "STARTED"
    assert webs(foundation, IDLE_APP) == [(IDLE, 3)]
    assert foundation.show(IDLE).json()["memory_in_mb"] == 300
    assert states(foundation.stats(IDLE)) == ["STARTING"] * 3
    assert kinds(foundation) == ["droplet.mapped", "start", "deployment.create"]
    assert status(foundation, shown["guid"]) == ("FINALIZED", "DEPLOYED")


def test_a_stopped_app_that_does_not_fit_stays_as_it_is(foundation: Asking) -> None:
    foundation.given_organization(quota={"total_memory_in_mb": 1000})
    before = foundation.process(IDLE)
    refused = error(deploy(foundation, IDLE_APP, options={"web_instances": 9}))
    assert refused[2].startswith("memory quota_exceeded for organization acme. ")
    assert foundation.process(IDLE) == before
    assert foundation.world.apps[IDLE_APP].state == "STOPPED"
    assert foundation.events == []


def test_a_canary_pauses_is_continued_and_ends(foundation: Asking) -> None:
    foundation.given_organization(quota=None)
    foundation.scale({"instances": 10})
    steps = [{"instance_weight": 20}, {"instance_weight": 60}]
    guid = deployed(foundation, strategy="canary", options={"canary": {"steps": steps}})
    assert show(foundation, guid)["options"] == {"max_in_flight": 1, "canary": {"steps": steps}}
    seen = []
    for _ in range(3):
        assert error(act(foundation, guid, "continue")) == unprocessable(
            "Cannot continue a deployment with status: ACTIVE and reason: DEPLOYING"
        )
        foundation.advance(20)
        shown = show(foundation, guid)
        counts = [instances for _, instances in reversed(webs(foundation))]
        seen.append((shown["status"]["reason"], shown["status"]["canary"]["steps"]["current"], counts))
        if shown["status"]["value"] == "FINALIZED":
            break
        assert list(shown["links"]) == ["self", "app", "cancel", "continue"]
        answer = act(foundation, guid, "continue")
        assert (answer.status_code, answer.content) == (200, b"")
    assert seen == [("PAUSED", 1, [2, 9]), ("PAUSED", 2, [6, 5]), ("DEPLOYED", 2, [10])]
    assert error(act(foundation, guid, "continue")) == unprocessable(
        "Cannot continue a deployment with status: FINALIZED and reason: DEPLOYED"
    )
    assert kinds(foundation)[1:] == [
        "droplet.mapped",
        "deployment.create",
        "deployment.continue",
        "deployment.continue",
    ]


@pytest.mark.parametrize(
    ("instances", "options", "counts"),
    [
        (0, {}, [0, 1]),
        (4, {"web_instances": 0, "canary": {"steps": [{"instance_weight": 50}, {"instance_weight": 100}]}}, [0, 1]),
        (4, {"web_instances": 1, "canary": {"steps": [{"instance_weight": 50}, {"instance_weight": 100}]}}, [1, 1]),
    ],
)
def test_a_canary_has_one_instance_at_least(
    instances: int, options: dict[str, Any], counts: list[int], foundation: Asking
) -> None:
    assert foundation.scale({"instances": instances}).status_code == 202
    guid = deployed(foundation, strategy="canary", options=options)
    foundation.advance(60)
    assert status(foundation, guid) == ("ACTIVE", "PAUSED")
    assert [count for _, count in webs(foundation)] == counts
    for _ in range(2):
        act(foundation, guid, "continue")
        foundation.advance(60)
    assert status(foundation, guid) == ("FINALIZED", "DEPLOYED")
    assert [count for _, count in webs(foundation)] == [options.get("web_instances", instances)]


def test_canceling_brings_the_older_process_back(foundation: Asking) -> None:
    foundation.scale({"instances": 4})
    foundation.given(settings={"deployment_seconds": 40})
    guid = deployed(foundation)
    foundation.advance(20)
    assert [instances for _, instances in webs(foundation)] == [2, 3]
    answer = act(foundation, guid, "cancel")
    assert (answer.status_code, answer.content) == (200, b"")
    assert status(foundation, guid) == ("ACTIVE", "CANCELING")
    assert "cancel" in show(foundation, guid)["links"]
    assert foundation.scale({"memory_in_mb": 128}).status_code == 202
    assert act(foundation, guid, "cancel").status_code == 200
    foundation.advance(40)
    assert status(foundation, guid) == ("FINALIZED", "CANCELED")
    assert webs(foundation) == [(WEB, 4)]
    assert states(foundation.stats(WEB)) == ["RUNNING", "RUNNING", "STARTING", "STARTING"]
    for action in ("cancel", "continue"):
        assert error(act(foundation, guid, action)) == unprocessable(
            f"Cannot {action} a deployment with status: FINALIZED and reason: CANCELED"
        )
    assert kinds(foundation)[1:] == [
        "droplet.mapped",
        "deployment.create",
        "droplet.mapped",
        "deployment.cancel",
        "process.scale",
        "droplet.mapped",
        "deployment.cancel",
    ]


def test_a_deployment_takes_the_place_of_another(foundation: Asking) -> None:
    """The count of the first one stays, and the oldest processes lose their instances first."""
    foundation.given(settings={"deployment_seconds": 30})
    foundation.scale({"instances": 3})
    first = deployed(foundation)
    foundation.advance(10)
    assert [instances for _, instances in webs(foundation)] == [2, 2]
    second = deployed(foundation)
    assert status(foundation, first) == ("FINALIZED", "SUPERSEDED")
    assert [instances for _, instances in webs(foundation)] == [2, 2, 1]
    assert error(act(foundation, first, "cancel")) == unprocessable(
        "Cannot cancel a deployment with status: FINALIZED and reason: SUPERSEDED"
    )
    foundation.advance(10)
    assert [instances for _, instances in webs(foundation)] == [0, 2, 2]
    foundation.advance(10)
    assert [instances for _, instances in webs(foundation)] == [0, 1, 3]
    foundation.advance(10)
    assert webs(foundation) == [(show(foundation, second)["new_processes"][0]["guid"], 3)]
    listed = foundation.ask("GET", "/v3/deployments?status_reasons=SUPERSEDED&states=DEPLOYED")
    assert guids(listed) == [first]


def test_a_canary_that_is_superseded_ends_without_instances(foundation: Asking) -> None:
    foundation.given(settings={"deployment_seconds": 30})
    foundation.scale({"instances": 3})
    first = deployed(foundation, strategy="canary")
    foundation.advance(15)
    assert status(foundation, first) == ("ACTIVE", "PAUSED")
    deployed(foundation)
    assert guids(foundation.ask("GET", "/v3/deployments?states=CANCELED&status_reasons=SUPERSEDED")) == [first]
    foundation.advance(10)
    assert [instances for _, instances in webs(foundation)] == [2, 0, 2]


def test_canceling_the_last_of_a_chain_leaves_the_newest_that_runs(foundation: Asking) -> None:
    foundation.given(settings={"deployment_seconds": 30})
    foundation.scale({"instances": 3})
    first = deployed(foundation)
    foundation.advance(10)
    interim = show(foundation, first)["new_processes"][0]["guid"]
    second = deployed(foundation)
    act(foundation, second, "cancel")
    foundation.advance(30)
    assert status(foundation, second) == ("FINALIZED", "CANCELED")
    assert webs(foundation) == [(interim, 3)]


TROUBLES: dict[str, dict[str, Any]] = {
    "crashes": {"crash_after": "1s"},
    "never starts": {"starts": False},
    "is never ready": {"ready": False},
    "has no room": {"placement_error": "insufficient resources: memory"},
}


@pytest.mark.parametrize("row", TROUBLES)
@pytest.mark.parametrize("looks", [False, True], ids=["nobody looks", "somebody looks"])
def test_one_whose_instances_do_not_come_up_goes_on_when_they_do(row: str, looks: bool, foundation: Asking) -> None:
    """It stays ACTIVE for ever, the older process is not touched, and nothing cancels it."""
    foundation.scale({"instances": 4})
    guid = deployed(foundation)
    new = show(foundation, guid)["new_processes"][0]["guid"]
    foundation.given_process("web", **TROUBLES[row], version="trouble")
    for _ in range(10 if looks else 0):
        foundation.advance(100)
        show(foundation, guid)
    foundation.advance(100_000)
    assert status(foundation, guid) == ("ACTIVE", "DEPLOYING")
    assert webs(foundation) == [(WEB, 4), (new, 1)]
    assert foundation.scale({}).status_code == 422
    mended: dict[str, Any] = {"crash_after": None, "starts": True, "ready": True, "placement_error": None}
    foundation.given_process("web", **mended, version="mended")
    foundation.advance(5)
    assert status(foundation, guid) == ("FINALIZED", "DEPLOYED")
    assert webs(foundation) == [(new, 4)]


def test_instances_that_crash_are_seen_to_crash(foundation: Asking) -> None:
    """A client that polls the stats of the new process, as `cf restart --strategy rolling --no-wait` does."""
    foundation.given(settings={"crash_seconds": 3})
    guid = deployed(foundation)
    new = show(foundation, guid)["new_processes"][0]["guid"]
    foundation.advance(60)
    assert states(foundation.stats(new)) == ["CRASHED"]
    assert status(foundation, guid) == ("ACTIVE", "DEPLOYING")
    assert states(foundation.stats(WEB)) == ["RUNNING", "RUNNING"]


def test_it_does_not_end_before_its_instances_run(foundation: Asking) -> None:
    foundation.given(settings={"start_seconds": 20})
    guid = deployed(foundation)
    foundation.advance(19)
    assert [instances for _, instances in webs(foundation)] == [1, 2]
    assert status(foundation, guid) == ("ACTIVE", "DEPLOYING")
    foundation.advance(20)
    assert status(foundation, guid) == ("FINALIZED", "DEPLOYED")


def test_it_rests_while_the_app_is_stopped(foundation: Asking) -> None:
    guid = deployed(foundation)
    foundation.given_app("dora", state="STOPPED")
    foundation.advance(1000)
    assert status(foundation, guid) == ("ACTIVE", "DEPLOYING")
    foundation.given_app("dora", state="STARTED")
    foundation.advance(5)
    assert status(foundation, guid) == ("FINALIZED", "DEPLOYED")


def test_it_waits_for_its_new_instances_when_the_app_is_started_again(foundation: Asking) -> None:
    """None of them is routable then, so that no older one is cut until they run."""
    foundation.given(settings={"start_seconds": 1, "deployment_seconds": 10})
    assert foundation.scale({"instances": 4}).status_code == 202
    deployed(foundation, options={"max_in_flight": 2})
    foundation.advance(4)
    assert [instances for _, instances in webs(foundation)] == [4, 2]
    foundation.ask("POST", f"/v3/apps/{APP}/actions/stop")
    foundation.advance(3600)
    foundation.ask("POST", f"/v3/apps/{APP}/actions/start")
    assert [instances for _, instances in webs(foundation)] == [4, 2]
    foundation.advance(0.9)
    assert [instances for _, instances in webs(foundation)] == [4, 2]
    foundation.advance(0.1)
    assert [instances for _, instances in webs(foundation)] == [2, 4]


def test_it_rests_while_the_scheduler_is_away(foundation: Asking) -> None:
    guid = deployed(foundation)
    foundation.given(settings={"platform": "unavailable"})
    foundation.advance(1000)
    assert status(foundation, guid) == ("ACTIVE", "DEPLOYING")
    foundation.given(settings={"platform": "available"})
    foundation.advance(5)
    assert status(foundation, guid) == ("FINALIZED", "DEPLOYED")


def test_labels_and_annotations_are_changed(foundation: Asking) -> None:
    guid = deployed(foundation, metadata={"labels": {"a": "b", "c": "d"}, "annotations": {"x": "y"}})
    for seconds in (0, 10):
        foundation.advance(seconds)
        path = f"/v3/deployments/{guid}"
        answer = foundation.ask("PATCH", path, {"metadata": {"labels": {"a": None, "e": f"v{seconds}"}}})
        assert answer.json()["metadata"] == {"labels": {"c": "d", "e": f"v{seconds}"}, "annotations": {"x": "y"}}
        assert show(foundation, guid) == answer.json()
    assert error(foundation.ask("PATCH", path, {"strategy": "canary"})) == unprocessable("Unknown field(s): 'strategy'")
    assert guids(foundation.ask("GET", "/v3/deployments?label_selector=e=v10,!a")) == [guid]
    assert guids(foundation.ask("GET", "/v3/deployments?label_selector=a")) == []


def test_lists_are_filtered_and_paged(foundation: Asking) -> None:
    first = deployed(foundation)
    foundation.advance(5)
    second = deployed(foundation)
    other = deployed(foundation, IDLE_APP)

    def listed(query: str) -> list[str]:
        return guids(foundation.ask("GET", f"/v3/deployments?{query}"))

    assert listed("") == [first, second, other]
    assert listed("status_values=ACTIVE") == [second]
    assert listed("status_values=ACTIVE&app_guids=idle") == []
    assert listed("status_values=FINALIZED") == [first, other]
    assert listed("status_values=nope") == []
    assert listed("states=DEPLOYING") == [second]
    assert listed("states=DEPLOYED,CANCELED") == [first, other]
    assert listed("status_reasons=DEPLOYED&app_guids=dora") == [first]
    assert listed(f"guids={second},{first}") == [first, second]
    assert listed("order_by=-created_at&per_page=1&app_guids=dora") == [second]
    page = foundation.ask("GET", "/v3/deployments?per_page=2&page=2&status_values=ACTIVE,FINALIZED").json()
    assert page["pagination"]["total_results"] == 3
    assert "status_values=ACTIVE%2CFINALIZED" in page["pagination"]["first"]["href"]


QUERIES = {
    "app_guids[x]=a": "App guids must be an array",
    "states[x]=a": "States must be an array",
    "status_reasons[x]=a": "Status reasons must be an array",
    "status_values[x]=a": "Status values must be an array",
    "order_by=name": "Order by can only be: 'created_at', 'updated_at'",
    "label_selector=": "Missing label_selector value",
    "x=1": "Unknown query parameter(s): 'x'. Valid parameters are: 'page', 'per_page', 'order_by', 'created_ats', "
    "'updated_ats', 'guids', 'app_guids', 'states', 'status_reasons', 'status_values', 'label_selector'",
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_bad_query_is_refused(query: str, foundation: Asking) -> None:
    assert error(foundation.ask("GET", f"/v3/deployments?{query}")) == bad_query(QUERIES[query])


def test_a_deployment_that_there_is_not(foundation: Asking) -> None:
    assert error(foundation.ask("GET", "/v3/deployments/nope")) == not_found("Deployment")
    for action in ("cancel", "continue"):
        assert error(act(foundation, "nope", action)) == not_found("Deployment")


def test_a_deployment_is_recorded_as_it_was_asked_for(foundation: Asking) -> None:
    guid = deployed(foundation, actor="developer", options={"max_in_flight": 2})
    droplet = show(foundation, guid)["droplet"]["guid"]
    mapped, created = foundation.events
    assert (mapped.kind, mapped.data) == ("audit.app.droplet.mapped", {"request": {"droplet_guid": droplet}})
    assert created.data == {
        "deployment_guid": guid,
        "droplet_guid": droplet,
        "type": None,
        "revision_guid": foundation.world.apps[APP].revision,
        "request": body(options={"max_in_flight": 2}),
        "strategy": "rolling",
    }
    assert list(created.data) == [
        "deployment_guid",
        "droplet_guid",
        "type",
        "revision_guid",
        "request",
        "strategy",
    ]


def test_an_app_goes_back_to_a_revision(foundation: Asking) -> None:
    """To its droplet, its variables and its command; the revision that is made says so, and the older ones stay."""
    other = {"guid": "other-droplet", "process_types": {"web": "old"}}
    foundation.given_app("dora", droplets=[other], environment_variables={"A": "1"})
    first = foundation.ask("GET", f"/v3/apps/{APP}/revisions").json()["resources"][0]
    same = (
        "Unable to rollback. The code and configuration you are rolling back to is the same as the deployed revision."
    )
    assert error(deploy(foundation, revision={"guid": first["guid"]})) == unprocessable(same)
    guid = deployed(foundation, droplet={"guid": "other-droplet"})
    shown = show(foundation, guid)
    assert (shown["droplet"]["guid"], shown["revision"]["version"]) == ("other-droplet", 2)
    assert shown["previous_droplet"] != shown["droplet"]
    assert foundation.ask("GET", f"/v3/apps/{APP}/droplets/current").json()["guid"] == "other-droplet"
    foundation.advance(10)
    foundation.ask("PATCH", f"/v3/apps/{APP}/environment_variables", {"var": {"A": "2"}})
    back = show(foundation, deployed(foundation, revision={"guid": first["guid"]}))
    assert back["droplet"] == shown["previous_droplet"]
    assert back["revision"]["version"] == 3
    assert foundation.ask("GET", f"/v3/apps/{APP}/environment_variables").json()["var"] == {"A": "1"}
    revisions = foundation.ask("GET", f"/v3/apps/{APP}/revisions").json()["resources"]
    assert [each["description"] for each in revisions] == [
        "Initial revision.",
        "New droplet deployed.",
        "New droplet deployed. Rolled back to revision 1.",
    ]
    assert [each["droplet"]["guid"] for each in revisions] == [
        back["droplet"]["guid"],
        "other-droplet",
        back["droplet"]["guid"],
    ]
    created = [event for event in foundation.events if event.kind == "audit.app.deployment.create"]
    assert [event.data["type"] for event in created] == [None, "rollback"]
    assert kinds(foundation)[:3] == ["droplet.mapped", "revision.create", "deployment.create"]


def test_a_revision_must_be_one_that_can_be_deployed(foundation: Asking) -> None:
    gone = {"guid": "gone", "droplet": "no-droplet", "version": 7}
    foundation.given_app("dora", revisions=[gone])
    assert error(deploy(foundation, revision={"guid": "gone"})) == unprocessable(
        "Unable to deploy this revision, the droplet for this revision no longer exists."
    )
    foundation.given_app("dora", features={"revisions": False})
    assert error(deploy(foundation, revision={"guid": "gone"})) == unprocessable(
        "Cannot create deployment from a revision for an app without revisions enabled"
    )
    assert deploy(foundation).json()["revision"] is None


def test_a_deployment_of_an_app_that_is_deleted_goes_with_it(foundation: Asking) -> None:
    guid = deployed(foundation)
    assert foundation.ask("DELETE", f"/v3/apps/{APP}").status_code == 202
    foundation.advance(5)
    assert error(foundation.ask("GET", f"/v3/deployments/{guid}")) == not_found("Deployment")
    assert foundation.ask("GET", "/v3/deployments").json()["resources"] == []


def test_process_types_of_the_droplet_that_are_missing_are_added(foundation: Asking) -> None:
    foundation.given_app("dora", droplet={"process_types": {"late": "run late"}})
    deployed(foundation)
    late = foundation.ask("GET", f"/v3/apps/{APP}/processes/late").json()
    assert (late["instances"], late["command"]) == (0, "run late")
    assert kinds(foundation) == ["droplet.mapped", "process.create", "deployment.create"]
    assert foundation.events[1].data == {"process_guid": late["guid"], "process_type": "late"}


def test_other_processes_are_restarted_at_the_end(foundation: Asking) -> None:
    before = foundation.show(CLOCK).json()["version"]
    deployed(foundation)
    assert foundation.show(CLOCK).json()["version"] == before
    foundation.advance(2)
    assert foundation.show(CLOCK).json()["version"] != before


def test_a_hundred_that_are_over_are_kept_of_each_app(foundation: Asking) -> None:
    made = []
    for _ in range(102):
        made.append(deployed(foundation))
        foundation.advance(10)
    listed = guids(foundation.ask("GET", "/v3/deployments?per_page=5000"))
    assert listed == made[1:]
    made.append(deployed(foundation))
    assert guids(foundation.ask("GET", "/v3/deployments?per_page=5000")) == made[2:]


def test_what_a_deployment_does_between_events_of_a_scenario_is_not_taken_back_with_it(foundation: Asking) -> None:
    """Nobody looks until both events are due; the scenario changed the quota alone."""
    foundation.given(settings={"deployment_seconds": 4})
    guid = deployed(foundation)
    new = show(foundation, guid)["new_processes"][0]["guid"]
    quotas = [{"organizations": [{"name": "acme", "quota": {"total_instances": most}}]} for most in (40, 50)]
    events = [{"at": at, "given": given} for at, given in zip(("1s", "3s"), quotas, strict=True)]
    path = f"/__mock/foundations/{foundation.name}/scenarios/quotas"
    body = {"scenario": "quotas", "description": "The quota changes.", "events": events}
    assert foundation.server.client.put(path, json=body).is_success
    foundation.advance(3.5)
    assert webs(foundation) == [(WEB, 1), (new, 2)]
    assert foundation.server.client.delete(path).is_success
    assert webs(foundation) == [(WEB, 1), (new, 2)]
    foundation.advance(1)
    assert webs(foundation) == [(new, 2)]
