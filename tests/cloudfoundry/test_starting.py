"""Apps started, stopped and started anew. Source: app/controllers/v3/apps_controller.rb, app_start.rb, app_stop.rb."""

import pytest

from mockfoundry.cloudfoundry.api.apps import restart_app, start_app, stop_app
from mockfoundry.cloudfoundry.auth import ANY_ADMIN
from mockfoundry.cloudfoundry.errors import Refusal
from tests.cloudfoundry.asking import APP, IDLE, IDLE_APP, WEB, Asking, states


def test_a_started_app_has_a_new_version_and_new_instances(foundation: Asking) -> None:
    before = foundation.process(IDLE)
    start_app(foundation.world, ANY_ADMIN, IDLE_APP, foundation.now)
    assert states(foundation.stats(IDLE)) == ["STARTING", "STARTING"]
    assert foundation.process(IDLE).version != before.version
    assert foundation.process(IDLE).updated_at == foundation.now
    assert [event.kind for event in foundation.events] == ["audit.app.start"]


def test_an_app_that_is_started_already_stays_as_it_is(foundation: Asking) -> None:
    before = foundation.process(WEB)
    start_app(foundation.world, ANY_ADMIN, APP, foundation.now)
    assert foundation.process(WEB) == before
    assert [event.kind for event in foundation.events] == ["audit.app.start"]


def test_a_stopped_app_keeps_its_version(foundation: Asking) -> None:
    before = foundation.process(WEB)
    stop_app(foundation.world, ANY_ADMIN, APP, foundation.now)
    assert states(foundation.stats(WEB)) == ["STOPPING", "STOPPING"]
    assert foundation.process(WEB).version == before.version
    foundation.advance(1)
    assert states(foundation.stats(WEB)) == ["DOWN", "DOWN"]


def test_a_restart_gives_running_instances_what_was_scaled(foundation: Asking) -> None:
    foundation.scale({"memory_in_mb": 512})
    restart_app(foundation.world, ANY_ADMIN, APP, foundation.now)
    foundation.advance(1)
    assert foundation.stats(WEB).json()["resources"][0]["mem_quota"] == 512 * 1024 * 1024
    assert [event.kind for event in foundation.events][1:] == ["audit.app.restart"]


def test_a_missing_droplet_is_told_before_a_missing_permission(foundation: Asking) -> None:
    world = foundation.world
    with pytest.raises(Refusal) as refused:
        start_app(world, world.users["auditor"], IDLE_APP, foundation.now)
    assert refused.value.entry.status == 403
    foundation.given_app("idle", droplet=None)
    with pytest.raises(Refusal) as refused:
        start_app(world, world.users["auditor"], IDLE_APP, foundation.now)
    assert refused.value.detail == "Assign a droplet before starting this app."


def test_processes_must_fit_together_when_they_start(foundation: Asking) -> None:
    foundation.given_organization(quota={"total_memory_in_mb": 768 + 511})
    before = foundation.world.copy()
    with pytest.raises(Refusal) as refused:
        start_app(foundation.world, ANY_ADMIN, IDLE_APP, foundation.now)
    assert refused.value.detail == "memory quota_exceeded"
    assert foundation.world.processes == before.processes
    assert foundation.world.usage == before.usage
    assert foundation.world.apps == before.apps
    foundation.given_organization(quota={"total_memory_in_mb": 768 + 512})
    start_app(foundation.world, ANY_ADMIN, IDLE_APP, foundation.now)
    assert foundation.scale({"instances": 3}).status_code == 422


def test_a_restart_needs_the_scheduler(foundation: Asking) -> None:
    foundation.given(settings={"platform": "unavailable"})
    with pytest.raises(Refusal) as refused:
        restart_app(foundation.world, ANY_ADMIN, APP, foundation.now)
    assert (refused.value.entry.title, refused.value.entry.code) == ("CF-RunnerUnavailable", 170015)


def test_a_process_shows_its_revision_or_that_it_has_none(foundation: Asking) -> None:
    shown = foundation.show().json()["relationships"]
    assert shown["revision"] == {"data": {"guid": foundation.process().revision}}
    foundation.given_process("web", app="idle", revision=None)
    assert foundation.show(IDLE).json()["relationships"]["revision"] is None
