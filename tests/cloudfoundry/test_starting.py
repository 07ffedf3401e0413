"""Apps started, stopped and started anew. Source: app/controllers/v3/apps_controller.rb, app_start.rb, app_stop.rb."""

from typing import Any

import pytest

from tests.cloudfoundry.asking import (
    APP,
    IDLE,
    IDLE_APP,
    NOT_AUTHORIZED,
    WEB,
    Asking,
    error,
    not_found,
    states,
    unprocessable,
)

NO_DROPLET = unprocessable("Assign a droplet before starting this app.")
FIRST_MB = 1024 * 1024


def act(foundation: Asking, action: str, app: str = APP, **options: Any) -> Any:
    return foundation.ask("POST", f"/v3/apps/{app}/actions/{action}", **options)


def kinds(foundation: Asking) -> list[str]:
    return [event.kind for event in foundation.events]


def test_a_started_app_has_a_new_version_and_new_instances(foundation: Asking) -> None:
    before = foundation.process(IDLE)
    foundation.advance(7)
    answer = act(foundation, "start", IDLE_APP)
    assert answer.status_code == 200
    assert answer.json()["state"] == "STARTED"
    assert foundation.world.apps[IDLE_APP].updated_at == foundation.now
    assert states(foundation.stats(IDLE)) == ["STARTING", "STARTING"]
    assert foundation.process(IDLE).version != before.version
    assert foundation.process(IDLE).updated_at == foundation.now
    assert kinds(foundation) == ["audit.app.start"]
    assert foundation.events[0].data == {}


def test_an_app_that_is_started_already_stays_as_it_is(foundation: Asking) -> None:
    app, process = foundation.world.apps[APP], foundation.process(WEB)
    foundation.advance(7)
    answer = act(foundation, "start")
    assert answer.headers["x-mock-why"] == "world: the app was started already"
    assert (foundation.world.apps[APP], foundation.process(WEB)) == (app, process)
    assert kinds(foundation) == ["audit.app.start"]


def test_a_stopped_app_keeps_its_version(foundation: Asking) -> None:
    before = foundation.process(WEB)
    assert act(foundation, "stop").json()["state"] == "STOPPED"
    assert states(foundation.stats(WEB)) == ["STOPPING", "STOPPING"]
    assert foundation.process(WEB).version == before.version
    assert foundation.process(WEB).instances == 2
    foundation.advance(1)
    assert states(foundation.stats(WEB)) == ["DOWN", "DOWN"]


def test_an_app_that_is_stopped_already_has_another_event_and_nothing_else(foundation: Asking) -> None:
    app, process = foundation.world.apps[IDLE_APP], foundation.process(IDLE)
    foundation.advance(7)
    assert act(foundation, "stop", IDLE_APP).status_code == 200
    assert (foundation.world.apps[IDLE_APP], foundation.process(IDLE)) == (app, process)
    assert kinds(foundation) == ["audit.app.stop"]


def test_a_restart_gives_running_instances_what_was_scaled(foundation: Asking) -> None:
    app, version = foundation.world.apps[APP], foundation.process(WEB).version
    foundation.scale({"memory_in_mb": 512})
    foundation.advance(7)
    assert act(foundation, "restart").status_code == 200
    assert foundation.process(WEB).version != version
    assert foundation.world.apps[APP] == app, "it was started before, so nothing of it changed"
    foundation.advance(1)
    assert foundation.stats(WEB).json()["resources"][0]["mem_quota"] == 512 * FIRST_MB
    assert kinds(foundation)[1:] == ["audit.app.restart"]


@pytest.mark.parametrize("through", ["actions", "given"])
@pytest.mark.parametrize(
    ("scale", "shown", "before", "after"),
    [
        ({"memory_in_mb": 300}, "mem_quota", 256 * FIRST_MB, 300 * FIRST_MB),
        ({"disk_in_mb": 2048}, "disk_quota", 1024 * FIRST_MB, 2048 * FIRST_MB),
        ({"log_rate_limit_in_bytes_per_second": 1000}, "log_rate_limit", -1, 1000),
    ],
)
def test_an_app_stopped_and_started_again_has_what_was_scaled(
    foundation: Asking, through: str, scale: dict[str, int], shown: str, before: int, after: int
) -> None:
    """Whoever stops and starts it: a client by its actions, or a scenario by `given:`."""
    version = foundation.process(WEB).version
    foundation.scale(scale)
    assert foundation.stats(WEB).json()["resources"][0][shown] == before
    for action, state in (("stop", "STOPPED"), ("start", "STARTED")):
        if through == "actions":
            act(foundation, action).raise_for_status()
        else:
            foundation.given_app("dora", state=state)
        foundation.advance(3)
    assert foundation.stats(WEB).json()["resources"][0][shown] == after
    assert foundation.process(WEB).version != version


def test_what_was_scaled_while_an_app_is_stopped_holds_when_it_starts(foundation: Asking) -> None:
    act(foundation, "stop")
    foundation.scale({"memory_in_mb": 300})
    act(foundation, "start")
    foundation.advance(1)
    assert foundation.stats(WEB).json()["resources"][0]["mem_quota"] == 300 * FIRST_MB


def test_a_missing_droplet_is_told_before_a_missing_permission(foundation: Asking) -> None:
    for action in ("start", "restart"):
        assert error(act(foundation, action, IDLE_APP, actor="auditor")) == NOT_AUTHORIZED
    foundation.given_app("idle", droplet=None)
    for action in ("start", "restart"):
        assert error(act(foundation, action, IDLE_APP, actor="auditor")) == NO_DROPLET
        assert error(act(foundation, action, IDLE_APP, actor="stranger")) == not_found("App")
    assert error(act(foundation, "stop", IDLE_APP, actor="auditor")) == NOT_AUTHORIZED


@pytest.mark.parametrize("action", ["start", "stop", "restart"])
@pytest.mark.parametrize(
    ("actor", "status"),
    [
        ("root", 200),
        ("developer", 200),
        ("supporter", 200),
        ("manager", 403),
        ("auditor", 403),
        ("org_manager", 403),
        ("reading_admin", 403),
        ("global_auditor", 403),
        ("reader", 403),
        ("org_auditor", 404),
        ("billing", 404),
        ("org_user", 404),
        ("stranger", 404),
        ("far_developer", 404),
        (None, 401),
    ],
)
def test_who_may_start_stop_and_restart(foundation: Asking, action: str, actor: str | None, status: int) -> None:
    assert act(foundation, action, actor=actor).status_code == status


@pytest.mark.parametrize(("lifecycle", "flag"), [("docker", "diego_docker"), ("cnb", "diego_cnb")])
def test_a_lifecycle_that_is_switched_off_can_be_stopped_but_not_started(
    foundation: Asking, lifecycle: str, flag: str
) -> None:
    foundation.given_app("dora", lifecycle=lifecycle)
    off = (403, "CF-FeatureDisabled", f"Feature Disabled: {flag}", 330002)
    for action in ("start", "restart"):
        assert error(act(foundation, action)) == off
        assert error(act(foundation, action, actor="developer")) == off
        assert error(act(foundation, action, actor="auditor")) == NOT_AUTHORIZED
    assert act(foundation, "stop").status_code == 200
    foundation.given(feature_flags={flag: True})
    assert act(foundation, "start").status_code == 200


def test_processes_must_fit_together_when_they_start(foundation: Asking) -> None:
    foundation.given_organization(quota={"total_memory_in_mb": 768 + 511})
    before = foundation.world.copy()
    assert error(act(foundation, "start", IDLE_APP)) == unprocessable("memory quota_exceeded")
    assert (foundation.world.apps, foundation.world.processes) == (before.apps, before.processes)
    foundation.given_organization(quota={"total_memory_in_mb": 768 + 512})
    assert act(foundation, "start", IDLE_APP).status_code == 200


def test_only_a_restart_needs_the_scheduler(foundation: Asking) -> None:
    foundation.given(settings={"platform": "unavailable"})
    before = foundation.world.copy()
    unavailable = "Runner is unavailable: Unable to communicate with Diego"
    assert error(act(foundation, "restart")) == (503, "CF-RunnerUnavailable", unavailable, 170015)
    assert foundation.world.processes == before.processes
    assert act(foundation, "stop").status_code == 200
    assert act(foundation, "start").status_code == 200


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"suspended": True}, (403, "CF-OrgSuspended", "The organization is suspended", 10017)),
        ({"being_deleted": True}, (422, "CF-ResourceBeingDeleted", "The organization is being deleted", 10020)),
    ],
)
def test_an_organization_that_takes_no_changes(foundation: Asking, words: Any, expected: Any) -> None:
    foundation.given_organization(**words)
    for action in ("start", "stop", "restart"):
        assert error(act(foundation, action, actor="supporter")) == expected
        assert act(foundation, action, actor="root").status_code == 200


def test_bodies_of_actions_are_not_read_unless_they_are_no_json(foundation: Asking) -> None:
    assert act(foundation, "stop", body={"whatever": 1}).status_code == 200
    assert act(foundation, "stop", text="{").status_code == 400


def test_an_app_that_deploys_can_be_stopped(foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"seconds": 60})
    assert act(foundation, "stop").status_code == 200
    deployment = foundation.world.apps[APP].deployment
    assert deployment is not None
    assert deployment.state == "DEPLOYING"
