"""Tasks, held row by row over HTTP: they are shown, listed, started and canceled, and end by the clock."""

from typing import Any

import pytest

from tests.cloudfoundry.asking import (
    FAILS,
    NOT_AUTHORIZED,
    WEB,
    Asking,
    bad_query,
    error,
    guids,
    not_found,
    unprocessable,
)
from tests.cloudfoundry.parts_world import T1
from tests.cloudfoundry.test_droplets import COMMON, READERS, STRANGERS

TASK_KEYS = [
    "guid",
    "created_at",
    "updated_at",
    "sequence_id",
    "name",
    "command",
    "user",
    "state",
    "memory_in_mb",
    "disk_in_mb",
    "log_rate_limit_in_bytes_per_second",
    "result",
    "droplet_guid",
    "relationships",
    "metadata",
    "links",
]
TASKS = "/v3/apps/dora/tasks"


def start(parts: Asking, body: Any = None, app: str = "dora", **options: Any) -> Any:
    return parts.ask("POST", f"/v3/apps/{app}/tasks", {"command": "sleep 5"} if body is None else body, **options)


def test_a_task_is_shown_as_the_presenter_writes_it(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/tasks/done").json()
    url = parts.server.url
    assert list(shown) == TASK_KEYS
    assert shown == {
        "guid": "done",
        "created_at": T1,
        "updated_at": T1,
        "sequence_id": 1,
        "name": "migrate",
        "command": "rake",
        "user": "vcap",
        "state": "SUCCEEDED",
        "memory_in_mb": 1024,
        "disk_in_mb": 1024,
        "log_rate_limit_in_bytes_per_second": -1,
        "result": {"failure_reason": None},
        "droplet_guid": "current",
        "relationships": {"app": {"data": {"guid": "dora"}}},
        "metadata": {"labels": {"env": "prod"}, "annotations": {"note": "x"}},
        "links": {
            "self": {"href": f"{url}/v3/tasks/done"},
            "app": {"href": f"{url}/v3/apps/dora"},
            "cancel": {"href": f"{url}/v3/tasks/done/actions/cancel", "method": "POST"},
            "droplet": {"href": f"{url}/v3/droplets/current"},
        },
    }


def test_a_task_that_failed_says_why(parts: Asking) -> None:
    shown = parts.ask("GET", "/v3/tasks/lost").json()
    assert (shown["state"], shown["result"], shown["user"], shown["droplet_guid"], shown["sequence_id"]) == (
        "FAILED",
        {"failure_reason": "exit 1"},
        "root",
        "older",
        2,
    )


def test_the_user_of_a_docker_app_runs_its_tasks(parts: Asking) -> None:
    assert parts.ask("GET", "/v3/tasks/far-task").json()["user"] == "root"


def test_a_task_ends_by_the_clock(parts: Asking) -> None:
    def states() -> list[str]:
        return [each["state"] for each in parts.ask("GET", TASKS).json()["resources"]]

    assert states() == ["SUCCEEDED", "FAILED", "RUNNING", "CANCELING"]
    parts.advance(1)
    assert states() == ["SUCCEEDED", "FAILED", "RUNNING", "FAILED"]
    left = parts.ask("GET", "/v3/tasks/leaving").json()
    assert left["result"] == {"failure_reason": "task was cancelled"}
    parts.advance(8.999)
    assert states()[2] == "RUNNING"
    parts.advance(0.001)
    assert states()[2] == "SUCCEEDED"
    assert guids(parts.ask("GET", f"{TASKS}?states=SUCCEEDED")) == ["done", "running"]


@pytest.mark.parametrize("actor", READERS)
def test_the_command_of_a_task_is_left_out_for_those_who_may_not_see_secrets(parts: Asking, actor: str) -> None:
    expected = TASK_KEYS if READERS[actor] else [key for key in TASK_KEYS if key != "command"]
    assert list(parts.ask("GET", "/v3/tasks/done", actor=actor).json()) == expected
    assert all(list(each) == expected for each in parts.ask("GET", TASKS, actor=actor).json()["resources"])
    everywhere = parts.ask("GET", "/v3/tasks?app_guids=dora", actor=actor).json()["resources"]
    assert len(everywhere) == 4
    assert all("command" not in each for each in everywhere)


def test_who_may_not_read_the_space_gets_404(parts: Asking) -> None:
    for actor in STRANGERS:
        assert error(parts.ask("GET", "/v3/tasks/done", actor=actor)) == not_found("Task")
        assert error(parts.ask("GET", TASKS, actor=actor)) == not_found("App")
        assert error(start(parts, actor=actor)) == not_found("App")
        assert error(parts.ask("POST", "/v3/tasks/running/actions/cancel", actor=actor)) == not_found("Task")


FILTERS: dict[str, tuple[str, list[str]]] = {
    "names": ("/v3/tasks?names=run,seed", ["lost", "running", "leaving"]),
    "states": ("/v3/tasks?states=FAILED,CANCELING", ["lost", "leaving"]),
    "apps": ("/v3/tasks?app_guids=far-app", ["far-task"]),
    "spaces": ("/v3/tasks?space_guids=far", ["far-task"]),
    "organizations": ("/v3/tasks?organization_guids=acme", ["done", "lost", "running", "leaving"]),
    "labels": ("/v3/tasks?label_selector=env", ["done"]),
    "guids": ("/v3/tasks?guids=done,far-task", ["done", "far-task"]),
    "numbers": (f"{TASKS}?sequence_ids=1,3", ["done", "running"]),
    "in the words of the nested list": ("/v3/tasks?app_guid=dora&sequence_ids=2", ["lost"]),
    "times": (f"{TASKS}?created_ats={T1}", ["done"]),
}


@pytest.mark.parametrize("row", FILTERS)
def test_tasks_are_filtered(parts: Asking, row: str) -> None:
    path, expected = FILTERS[row]
    assert sorted(guids(parts.ask("GET", path))) == sorted(expected)


REFUSALS: dict[str, tuple[str, Any]] = {
    "unknown parameters": (
        "/v3/tasks?a=1&sequence_ids=1&names[x]=1",
        bad_query(
            f"Unknown query parameter(s): 'a'. Valid parameters are: {COMMON}, 'names', 'states', 'app_guids', "
            "'organization_guids', 'space_guids', 'app_guid', 'sequence_ids', 'label_selector', "
            "Names must be an array, Unknown query parameter(s): 'sequence_ids'"
        ),
    ),
    "of an app": (
        f"{TASKS}?app_guids=a&organization_guids=b&space_guids=c&sequence_ids[x]=1",
        bad_query(
            "Unknown query parameter(s): 'space_guids', 'organization_guids', 'app_guids', "
            "Sequence ids must be an array"
        ),
    ),
    "no such task": ("/v3/tasks/nope", not_found("Task")),
    "no tasks of no app": ("/v3/apps/nope/tasks", not_found("App")),
}


@pytest.mark.parametrize("row", REFUSALS)
def test_a_read_of_tasks_is_refused_in_the_cloud_controllers_words(parts: Asking, row: str) -> None:
    path, expected = REFUSALS[row]
    assert error(parts.ask("GET", path)) == expected


# Starting and canceling


def test_a_task_runs_at_once_and_ends_by_itself(parts: Asking) -> None:
    body = {
        "name": "hello",
        "command": "echo",
        "memory_in_mb": 64,
        "disk_in_mb": 32,
        "log_rate_limit_in_bytes_per_second": 512,
        "user": "ContainerUser",
        "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
    }
    answer = start(parts, body, actor="developer")
    shown = answer.json()
    assert (answer.status_code, list(shown), shown["state"], shown["sequence_id"]) == (202, TASK_KEYS, "RUNNING", 5)
    assert {name: shown[name] for name in body if name != "metadata"} == {
        name: value for name, value in body.items() if name != "metadata"
    }
    assert shown["metadata"] == body["metadata"]
    assert shown["droplet_guid"] == "current"
    assert parts.ask("GET", f"/v3/tasks/{shown['guid']}").json() == shown
    parts.advance(1)
    ended = parts.ask("GET", f"/v3/tasks/{shown['guid']}").json()
    assert (ended["state"], ended["result"]) == ("SUCCEEDED", {"failure_reason": None})
    (event,) = parts.events
    assert (event.kind, event.data) == (
        "audit.app.task.create",
        {
            "task_guid": shown["guid"],
            "request": {"name": "hello", "memory_in_mb": 64, "command": "[PRIVATE DATA HIDDEN]"},
        },
    )


def test_a_task_that_names_nothing_has_defaults_and_a_name_of_eight_digits(parts: Asking) -> None:
    shown = start(parts).json()
    assert len(shown["name"]) == 8
    int(shown["name"], 16)
    assert (shown["memory_in_mb"], shown["disk_in_mb"], shown["user"]) == (1024, 1024, "vcap")
    assert shown["log_rate_limit_in_bytes_per_second"] == -1


def test_a_task_may_be_like_a_process(parts: Asking) -> None:
    parts.given_process("web", "dora", user="TestUser", log_rate_limit_in_bytes_per_second=7)
    shown = start(parts, {"template": {"process": {"guid": WEB}}}).json()
    assert (shown["command"], shown["memory_in_mb"], shown["user"]) == ("secret", 256, "TestUser")
    assert shown["log_rate_limit_in_bytes_per_second"] == 7
    own = start(parts, {"template": {"process": {"guid": WEB}}, "command": "own", "memory_in_mb": 8}).json()
    assert (own["command"], own["memory_in_mb"]) == ("own", 8)


def test_a_task_may_have_another_droplet_of_its_app(parts: Asking) -> None:
    assert start(parts, {"command": "x", "droplet_guid": "older"}).json()["droplet_guid"] == "older"


STARTS: dict[str, tuple[str, str, Any, Any]] = {
    "no command": ("dora", "admin", {}, unprocessable("Command No command or template provided")),
    "everything at once, unknown fields first": (
        "nope",
        "admin",
        {
            "x": 1,
            "disk_in_mb": 0,
            "memory_in_mb": "a",
            "log_rate_limit_in_bytes_per_second": -2,
            "droplet_guid": 5,
            "template": {},
            "user": "",
        },
        unprocessable(
            "Unknown field(s): 'x', Disk in mb must be greater than 0, Memory in mb is not a number, "
            "Log rate limit in bytes per second must be greater than -2, Droplet guid must be a string, "
            "Droplet guid must be between 1 and 200 characters, Template process guid must be a string, "
            "Template process guid must be between 1 and 200 characters, User must be between 1 and 255 characters"
        ),
    ),
    "no such app": ("nope", "admin", {"command": "x"}, not_found("App")),
    "a supporter does not start tasks": ("dora", "supporter", {"command": "x"}, NOT_AUTHORIZED),
    "an auditor neither": ("dora", "auditor", {"command": "x"}, NOT_AUTHORIZED),
    "no such droplet": ("dora", "admin", {"command": "x", "droplet_guid": "nope"}, not_found("Droplet")),
    "a droplet of another app": (
        "dora",
        "admin",
        {"command": "x", "droplet_guid": "far-droplet"},
        not_found("Droplet"),
    ),
    "an app without a droplet": (
        "bare",
        "admin",
        {"command": "x"},
        unprocessable("Task must have a droplet. Specify droplet or assign current droplet to app."),
    ),
    "too much disk": (
        "dora",
        "admin",
        {"command": "x", "disk_in_mb": 2049},
        unprocessable("Cannot request disk_in_mb greater than 2048"),
    ),
    "no such process": (
        "dora",
        "admin",
        {"template": {"process": {"guid": "nope"}}},
        (404, "CF-ProcessNotFound", "The process could not be found: nope", 350003),
    ),
    "no text": ("dora", "admin", {"command": ["x"]}, FAILS),
    "a memory beyond the database": ("dora", "admin", {"command": "x", "memory_in_mb": 1 << 40}, FAILS),
    "an empty command and name": (
        "dora",
        "admin",
        {"command": "", "name": ""},
        unprocessable("name format, name presence, command presence"),
    ),
    "a command that is too long": (
        "dora",
        "admin",
        {"command": "x" * 4097},
        unprocessable("command must be shorter than 4097 characters"),
    ),
    "a user that is not allowed": (
        "dora",
        "admin",
        {"command": "x", "user": "bob"},
        unprocessable(
            "user invalid (requested user 'bob' not allowed, permitted users are: 'vcap', 'ContainerUser', 'TestUser')"
        ),
    ),
    "more memory than the organization has": (
        "dora",
        "admin",
        {"command": "x", "memory_in_mb": 20000},
        unprocessable("memory_in_mb exceeds organization memory quota"),
    ),
}


@pytest.mark.parametrize("row", STARTS)
def test_a_task_is_not_started(parts: Asking, row: str) -> None:
    app, actor, body, expected = STARTS[row]
    assert error(start(parts, body, app, actor=actor)) == expected
    assert len(parts.world.apps["dora"].tasks) == 4
    assert parts.events == []


def test_every_quota_counts_tasks(parts: Asking) -> None:
    parts.given_space(quota={"total_memory_in_mb": 1100, "per_process_memory_in_mb": 50, "per_app_tasks": 1})
    parts.given_organization(quota={"per_app_tasks": 1, "log_rate_limit_in_bytes_per_second": 0})
    # 3 instances of 256 MB and the running task's 32 MB leave 300 MB.
    assert error(start(parts, {"command": "x", "memory_in_mb": 301})) == unprocessable(
        "log_rate_limit cannot be unlimited in organization 'acme'., app_task_limit quota exceeded, "
        "app_task_limit quota exceeded, memory_in_mb exceeds space memory quota, "
        "memory_in_mb exceeds space instance memory quota"
    )
    parts.given_space(quota={"per_process_memory_in_mb": None, "per_app_tasks": 2})
    parts.given_organization(quota={"per_app_tasks": None, "log_rate_limit_in_bytes_per_second": None})
    assert start(parts, {"command": "x", "memory_in_mb": 300}).status_code == 202


def test_the_flag_stops_everybody_but_admins_before_the_message(parts: Asking) -> None:
    parts.given(feature_flags={"task_creation": False})
    refused = error(start(parts, {"x": 1}, actor="developer"))
    assert refused == (403, "CF-FeatureDisabled", "Feature Disabled: task_creation", 330002)
    assert start(parts).status_code == 202


def test_a_suspended_organization_starts_no_tasks(parts: Asking) -> None:
    parts.given_organization(suspended=True)
    assert error(start(parts, actor="developer"))[1] == "CF-OrgSuspended"


def test_a_task_that_the_scheduler_does_not_take_has_failed(parts: Asking) -> None:
    parts.given(settings={"platform": "unavailable"})
    assert error(start(parts)) == (
        503,
        "CF-TaskWorkersUnavailable",
        "Task workers are unavailable: Unable to communicate with Diego",
        170020,
    )
    failed = parts.ask("GET", TASKS).json()["resources"][-1]
    assert (failed["state"], failed["result"]) == ("FAILED", {"failure_reason": "Unable to request task to be run"})


def test_a_task_is_canceled_and_fails_a_while_later(parts: Asking) -> None:
    answer = parts.ask("POST", "/v3/tasks/running/actions/cancel", actor="supporter")
    assert (answer.status_code, answer.json()["state"], answer.json()["command"]) == (202, "CANCELING", "./task")
    assert [(each.kind, each.data["task_guid"]) for each in parts.events] == [("audit.app.task.cancel", "running")]
    parts.advance(1)
    ended = parts.ask("GET", "/v3/tasks/running").json()
    assert (ended["state"], ended["result"]) == ("FAILED", {"failure_reason": "task was cancelled"})
    assert error(parts.ask("PUT", "/v3/tasks/running/cancel")) == unprocessable(
        "Task state is FAILED and therefore cannot be canceled"
    )


CANCELS: dict[str, tuple[str, str, Any]] = {
    "one that succeeded": (
        "done",
        "admin",
        unprocessable("Task state is SUCCEEDED and therefore cannot be canceled"),
    ),
    "an auditor": ("running", "auditor", NOT_AUTHORIZED),
    "no such task": ("nope", "admin", not_found("Task")),
}


@pytest.mark.parametrize("row", CANCELS)
def test_a_task_is_not_canceled(parts: Asking, row: str) -> None:
    guid, actor, expected = CANCELS[row]
    assert error(parts.ask("POST", f"/v3/tasks/{guid}/actions/cancel", actor=actor)) == expected
    assert error(parts.ask("PUT", f"/v3/tasks/{guid}/cancel", actor=actor)) == expected
    assert parts.events == []


def test_one_that_is_canceled_already_goes_on_as_it_was(parts: Asking) -> None:
    parts.advance(0.5)
    assert parts.ask("PUT", "/v3/tasks/leaving/cancel").json()["state"] == "CANCELING"
    parts.advance(0.5)
    assert parts.ask("GET", "/v3/tasks/leaving").json()["state"] == "FAILED"
