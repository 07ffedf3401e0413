"""Apps deleted by jobs. Source: app/controllers/v3/apps_controller.rb, app/actions/app_delete.rb,
app/presenters/v3/job_presenter.rb and app/jobs/pollable_job_wrapper.rb."""

from typing import Any

import pytest

from tests.cloudfoundry.asking import (
    APP,
    CLOCK,
    IDLE_APP,
    NOT_AUTHORIZED,
    WEB,
    WORKER,
    Asking,
    error,
    guids,
    not_found,
    unprocessable,
)

UNBINDING = "An operation for the service binding between app dora and service instance db is in progress."


def delete(foundation: Asking, guid: str = APP, **options: Any) -> Any:
    return foundation.ask("DELETE", f"/v3/apps/{guid}", **options)


def job_of(foundation: Asking, answer: Any) -> Any:
    """The job that an answer names, as it is now."""
    return foundation.ask("GET", answer.headers["location"].removeprefix(foundation.server.url))


def test_an_app_is_there_until_the_job_runs(foundation: Asking) -> None:
    answer = delete(foundation)
    assert (answer.status_code, answer.content) == (202, b"")
    job = job_of(foundation, answer).json()
    began = foundation.ask("GET", f"/v3/apps/{APP}").json()
    expected = {
        "guid": job["guid"],
        "created_at": job["created_at"],
        "updated_at": job["created_at"],
        "operation": "app.delete",
        "state": "PROCESSING",
        "errors": [],
        "warnings": [],
        "links": {
            "self": {"href": answer.headers["location"]},
            "app": {"href": f"{foundation.server.url}/v3/apps/{APP}"},
        },
    }
    assert job == expected
    assert list(job) == list(expected)
    assert answer.headers["location"] == f"{foundation.server.url}/v3/jobs/{job['guid']}"
    foundation.advance(0.999999)
    assert foundation.ask("GET", f"/v3/apps/{APP}").json() == began
    assert foundation.scale({"instances": 3}).status_code == 202
    foundation.advance(0.000001)
    assert error(foundation.ask("GET", f"/v3/apps/{APP}")) == not_found("App")
    over = job_of(foundation, answer).json()
    assert over == {
        **job,
        "state": "COMPLETE",
        "updated_at": over["updated_at"],
        "links": {"self": job["links"]["self"]},
    }
    assert over["updated_at"] > job["updated_at"]


def test_nothing_of_a_deleted_app_is_left(foundation: Asking) -> None:
    foundation.given_organization(quota={"total_memory_in_mb": 3 * 256})
    full = {"instances": 3}
    assert error(foundation.scale(full)) == unprocessable("memory quota_exceeded")
    foundation.given_app("dora", sidecars=[{"name": "proxy", "guid": "proxy", "process_types": ["web"]}])
    foundation.given_app("dora", deployment={"seconds": 60})
    foundation.given_app("idle", processes=[{"type": "web", "instances": 3}])
    delete(foundation)
    foundation.advance(1)
    for path, what in (
        (f"/v3/apps/{APP}", "App"),
        (f"/v3/apps/{APP}/processes", "App"),
        (f"/v3/processes/{WEB}", "Process"),
        (f"/v3/processes/{WORKER}/stats", "Process"),
        (f"/v3/processes/{CLOCK}", "Process"),
        ("/v3/sidecars/proxy", "Sidecar"),
    ):
        assert error(foundation.ask("GET", path)) == not_found(what)
    assert guids(foundation.list()) == ["idle-web"]
    assert guids(foundation.ask("GET", "/v3/apps")) == [IDLE_APP]
    assert foundation.ask("POST", f"/v3/apps/{IDLE_APP}/actions/start").status_code == 200, "the quota has room again"
    foundation.advance(100)
    assert guids(foundation.list()) == ["idle-web"], "its deployment is gone with it"
    assert foundation.ask("POST", "/v3/apps", NEW_DORA).status_code == 201, "its name is free again"


NEW_DORA = {"name": "dora", "relationships": {"space": {"data": {"guid": "dev"}}}}


def test_the_events_of_a_deletion_are_those_of_its_job(foundation: Asking) -> None:
    foundation.given_app("dora", droplet={"guid": "mine"})
    delete(foundation, actor="developer")
    assert foundation.events == []
    foundation.advance(5)
    delete(foundation, "nope")
    assert [(event.kind, event.data) for event in foundation.events] == [
        ("audit.app.package.delete", {"package_guid": "package-of-mine"}),
        ("audit.app.droplet.delete", {"droplet_guid": "mine"}),
        ("audit.app.process.delete", {"process_guid": WEB, "process_type": "web"}),
        ("audit.app.process.delete", {"process_guid": WORKER, "process_type": "worker"}),
        ("audit.app.process.delete", {"process_guid": CLOCK, "process_type": "clock"}),
        ("audit.app.delete-request", {}),
    ]
    assert {event.actor.name for event in foundation.events} == {"developer"}
    assert {event.moment for event in foundation.events} == {foundation.now - 4_000_000}, "when the job ran"
    assert {event.target.guid for event in foundation.events} == {APP}


def test_a_task_that_runs_is_canceled_between_packages_and_droplets(foundation: Asking) -> None:
    """One that has ended is not [app/actions/task_delete.rb]."""
    tasks = [
        {"name": "done", "state": "SUCCEEDED"},
        {"guid": "runs", "name": "runs", "command": "x", "memory_in_mb": 9},
    ]
    foundation.given_app("dora", droplet={"guid": "droplet"}, tasks=tasks)
    answer = delete(foundation)
    foundation.advance(1)
    assert job_of(foundation, answer).json()["state"] == "COMPLETE"
    assert [event.kind.removeprefix("audit.app.") for event in foundation.events][:3] == [
        "package.delete",
        "task.cancel",
        "droplet.delete",
    ]
    assert foundation.events[1].data == {
        "task_guid": "runs",
        "request": {"name": "runs", "memory_in_mb": 9, "command": "[PRIVATE DATA HIDDEN]"},
    }


def test_an_app_that_is_deleted_twice_has_two_jobs_that_end_well(foundation: Asking) -> None:
    first, second = delete(foundation), delete(foundation)
    assert first.headers["location"] != second.headers["location"]
    foundation.advance(1)
    assert [job_of(foundation, each).json()["state"] for each in (first, second)] == ["COMPLETE", "COMPLETE"]
    assert [event.kind for event in foundation.events].count("audit.app.delete-request") == 1
    assert error(delete(foundation)) == not_found("App")


def test_a_deletion_that_the_seed_lets_fail(foundation: Asking) -> None:
    foundation.given_app("dora", deletion_error=UNBINDING)
    answer = delete(foundation)
    assert job_of(foundation, answer).json()["state"] == "PROCESSING"
    foundation.advance(1)
    job = job_of(foundation, answer).json()
    assert job["state"] == "FAILED"
    assert job["errors"] == [{"detail": UNBINDING, "title": "CF-UnprocessableEntity", "code": 10008}]
    assert list(job["errors"][0]) == ["detail", "title", "code"]
    assert job["links"]["app"]["href"].endswith(f"/v3/apps/{APP}")
    assert foundation.events == []
    assert foundation.show(WEB).status_code == 200
    foundation.given_app("dora", deletion_error=None)
    again = delete(foundation)
    foundation.advance(1)
    assert job_of(foundation, again).json()["state"] == "COMPLETE"
    assert job_of(foundation, answer).json() == {**job, "links": {"self": job["links"]["self"]}}


def test_how_long_a_job_takes(foundation: Asking) -> None:
    foundation.given(settings={"job_seconds": "2m"})
    answer = delete(foundation)
    foundation.given(settings={"job_seconds": 0})
    foundation.advance(119)
    assert job_of(foundation, answer).json()["state"] == "PROCESSING"
    at_once = delete(foundation, IDLE_APP)
    assert job_of(foundation, at_once).json()["state"] == "COMPLETE"
    foundation.advance(1)
    assert job_of(foundation, answer).json()["state"] == "COMPLETE"


def test_a_job_that_is_not_there_and_who_may_read_one(foundation: Asking) -> None:
    assert error(foundation.ask("GET", "/v3/jobs/nope")) == not_found("Job")
    answer = delete(foundation)
    path = answer.headers["location"].removeprefix(foundation.server.url)
    statuses = {"stranger": 200, "auditor": 200, "writer": 403, "nobody": 403, None: 401}
    assert {who: foundation.ask("GET", path, actor=who).status_code for who in statuses} == statuses


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("root", 202),
        ("developer", 202),
        ("supporter", NOT_AUTHORIZED),
        ("manager", NOT_AUTHORIZED),
        ("auditor", NOT_AUTHORIZED),
        ("org_manager", NOT_AUTHORIZED),
        ("reading_admin", NOT_AUTHORIZED),
        ("org_auditor", not_found("App")),
        ("stranger", not_found("App")),
    ],
)
def test_who_may_delete_an_app(foundation: Asking, actor: str, expected: Any) -> None:
    answer = delete(foundation, actor=actor)
    assert (202 if answer.status_code == 202 else error(answer)) == expected
    foundation.advance(1)
    assert foundation.ask("GET", f"/v3/apps/{APP}").status_code == (404 if expected == 202 else 200)


def test_a_buildpack_cache_is_cleared_by_a_job(foundation: Asking) -> None:
    path = f"/v3/apps/{APP}/actions/clear_buildpack_cache"
    answer = foundation.ask("POST", path, actor="supporter")
    assert answer.status_code == 202
    foundation.advance(1)
    job = job_of(foundation, answer).json()
    assert (job["operation"], job["state"]) == ("app.clear_buildpack_cache", "COMPLETE")
    assert job["links"]["app"]["href"].endswith(f"/v3/apps/{APP}")
    assert error(foundation.ask("POST", path, actor="auditor")) == NOT_AUTHORIZED


def test_the_links_of_a_job_stay_inside_the_foundation(foundation: Asking) -> None:
    prefix = f"{foundation.server.url}/foundations/{foundation.name}"
    answer = foundation.server.client.delete(f"{prefix}/v3/apps/{APP}")
    assert answer.headers["location"].startswith(f"{prefix}/v3/jobs/")
    job = foundation.server.client.get(answer.headers["location"]).json()
    assert job["links"]["self"]["href"] == answer.headers["location"]
    assert job["links"]["app"]["href"] == f"{prefix}/v3/apps/{APP}"


def test_an_app_is_deleted_when_its_time_has_come_though_nobody_asks(foundation: Asking) -> None:
    """Exports, too, show what the clock has brought."""
    delete(foundation)
    foundation.advance(1)
    state = foundation.server.client.get(f"/__mock/foundations/{foundation.name}/state").json()
    assert [app["name"] for app in state["organizations"][0]["spaces"][0]["apps"]] == ["idle"]
    assert [job["state"] for job in state["snapshot"]["jobs"]] == ["COMPLETE"]


def test_a_scenario_s_change_comes_after_the_jobs_that_were_due(foundation: Asking) -> None:
    delete(foundation)
    foundation.advance(1)
    words = {"organizations": [{"name": "acme", "spaces": [{"name": "dev", "apps": [{"name": "dora"}]}]}]}
    patched = foundation.server.client.patch(f"/__mock/foundations/{foundation.name}/state", json=words)
    assert patched.status_code == 200, patched.text
    apps = guids(foundation.ask("GET", "/v3/apps"))
    assert len(apps) == 2
    assert APP not in apps, "it is another app of that name"
