"""Sidecars. Source: app/controllers/v3/sidecars_controller.rb, app/messages/sidecar_*_message.rb,
app/actions/sidecar_*.rb, app/models/runtime/sidecar_model.rb and sidecar_process_type_model.rb."""

from typing import Any

import pytest

from tests.cloudfoundry.asking import (
    APP,
    FAILS,
    IDLE_APP,
    NOT_AUTHORIZED,
    WEB,
    WORKER,
    Asking,
    bad_query,
    error,
    guids,
    not_found,
    unprocessable,
)

NEW = {"name": "proxy", "command": "./proxy", "process_types": ["worker", "web"], "memory_in_mb": 64}
TOO_LARGE = 'The memory allocation defined is too large to run with the dependent "web" process'


def create(foundation: Asking, body: Any = NEW, app: str = APP, **options: Any) -> Any:
    return foundation.ask("POST", f"/v3/apps/{app}/sidecars", body, **options)


def update(foundation: Asking, body: Any, guid: str = "logger", **options: Any) -> Any:
    return foundation.ask("PATCH", f"/v3/sidecars/{guid}", body, **options)


def show(foundation: Asking, guid: str = "logger", **options: Any) -> Any:
    return foundation.ask("GET", f"/v3/sidecars/{guid}", **options)


@pytest.fixture
def seeded(foundation: Asking) -> Asking:
    """A foundation whose app dora has two sidecars: logger beside web, and spy beside all."""
    logger = {"name": "logger", "guid": "logger", "process_types": ["web"], "memory_in_mb": 100, "command": "./log"}
    spy = {"name": "spy", "guid": "spy", "process_types": ["worker", "web"], "origin": "buildpack"}
    dated = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z"}
    foundation.given_app("dora", sidecars=[{**logger, **dated}, {**spy, "created_at": "2026-02-01T00:00:00Z"}])
    return foundation


# Shown


def test_a_sidecar_has_the_keys_of_the_real_one_in_its_order(seeded: Asking) -> None:
    expected = {
        "guid": "spy",
        "name": "spy",
        "command": "./sidecar",
        "process_types": ["web", "worker"],
        "memory_in_mb": None,
        "origin": "buildpack",
        "relationships": {"app": {"data": {"guid": APP}}},
        "created_at": "2026-02-01T00:00:00Z",
        "updated_at": "2026-02-01T00:00:00Z",
    }
    body = show(seeded, "spy", actor="auditor").json()
    assert body == expected
    assert list(body) == list(expected)
    assert error(show(seeded, "nope")) == not_found("Sidecar")
    assert error(show(seeded, "spy", actor="stranger")) == not_found("Sidecar")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/v3/apps/{APP}/sidecars", ["logger", "spy"]),
        (f"/v3/apps/{IDLE_APP}/sidecars", []),
        (f"/v3/processes/{WEB}/sidecars", ["logger", "spy"]),
        (f"/v3/processes/{WORKER}/sidecars", ["spy"]),
        (f"/v3/apps/{APP}/sidecars?order_by=-created_at", ["spy", "logger"]),
        (f"/v3/apps/{APP}/sidecars?guids=spy,nope", ["spy"]),
        (f"/v3/processes/{WEB}/sidecars?created_ats[lt]=2026-01-15T00:00:00Z", ["logger"]),
        (f"/v3/processes/{WEB}/sidecars?updated_ats=2026-02-01T00:00:00Z", ["spy"]),
        (f"/v3/processes/{WEB}/sidecars?per_page=1&page=2", ["spy"]),
    ],
)
def test_which_sidecars_are_listed(seeded: Asking, path: str, expected: list[str]) -> None:
    assert guids(seeded.ask("GET", path)) == expected


@pytest.mark.parametrize(("path", "what"), [("/v3/apps/{}/sidecars", "App"), ("/v3/processes/{}/sidecars", "Process")])
def test_the_errors_of_the_lists(seeded: Asking, path: str, what: str) -> None:
    there = path.format(APP if what == "App" else WEB)
    valid = "'page', 'per_page', 'order_by', 'created_ats', 'updated_ats', 'guids'"
    bad = bad_query(f"Unknown query parameter(s): 'names'. Valid parameters are: {valid}")
    assert error(seeded.ask("GET", f"{there}?names=x")) == bad
    assert error(seeded.ask("GET", f"{path.format('nope')}?names=x")) == bad
    assert error(seeded.ask("GET", path.format("nope"))) == not_found(what)
    assert error(seeded.ask("GET", f"{path.format('nope')}?page=2")) == not_found(what)
    assert error(seeded.ask("GET", there, actor="stranger")) == not_found(what)
    for query in ("guids=x", "created_ats=2026-01-01T00:00:00Z"):
        assert error(seeded.ask("GET", f"{path.format('nope')}?{query}")) == FAILS
        assert error(seeded.ask("GET", f"{there}?{query}", actor="stranger")) == not_found(what)


def test_links_between_pages_leave_the_filters_out(seeded: Asking) -> None:
    path = f"/v3/processes/{WEB}/sidecars"
    body = seeded.ask("GET", f"{path}?per_page=1&guids=spy,logger").json()
    assert body["pagination"]["next"] == {"href": f"{seeded.server.url}{path}?page=2&per_page=1"}


# Created


def test_a_sidecar_is_created(foundation: Asking) -> None:
    answer = create(foundation)
    assert answer.status_code == 201
    body = answer.json()
    guid = body["guid"]
    assert body == {
        "guid": guid,
        "name": "proxy",
        "command": "./proxy",
        "process_types": ["web", "worker"],
        "memory_in_mb": 64,
        "origin": "user",
        "relationships": {"app": {"data": {"guid": APP}}},
        "created_at": body["created_at"],
        "updated_at": body["created_at"],
    }
    assert show(foundation, guid).json() == body
    assert guids(foundation.ask("GET", f"/v3/processes/{WORKER}/sidecars")) == [guid]
    assert foundation.events == []
    assert create(foundation, {**NEW, "name": "other", "memory_in_mb": None}).json()["memory_in_mb"] is None
    later = {**NEW, "name": "third", "process_types": ["later"], "memory_in_mb": 9999}
    assert create(foundation, later).status_code == 201, "no process has that type yet"


def test_the_memory_of_sidecars_stays_below_that_of_each_process(seeded: Asking) -> None:
    """The web process has 256 MB, of which logger takes 100."""
    assert error(create(seeded, {**NEW, "memory_in_mb": 156})) == unprocessable(TOO_LARGE)
    assert create(seeded, {**NEW, "memory_in_mb": 155}).status_code == 201
    assert error(update(seeded, {"memory_in_mb": 101})) == unprocessable(TOO_LARGE)
    assert update(seeded, {"memory_in_mb": 100}).status_code == 200
    worker = {**NEW, "name": "w", "process_types": ["worker"], "memory_in_mb": 100}
    guid = create(seeded, worker).json()["guid"]
    assert error(update(seeded, {"process_types": ["worker", "web"]}, guid)) == unprocessable(TOO_LARGE)
    assert update(seeded, {"process_types": ["clock"]}, guid).json()["process_types"] == ["clock"]
    needed = "The requested memory allocation is not large enough to run all of your sidecar processes"
    assert error(seeded.scale({"memory_in_mb": 255})) == unprocessable(needed)
    assert seeded.scale({"memory_in_mb": 257}).status_code == 202


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {},
            "Name can't be blank, Name must be a string, Command can't be blank, Command must be a string, "
            "Process types must be an array, Process types must have at least 1 process_type",
        ),
        ({**NEW, "x": 1, "name": " "}, "Unknown field(s): 'x', Name can't be blank"),
        ({**NEW, "name": 5, "command": ["x"]}, "Name must be a string, Command must be a string"),
        ({**NEW, "process_types": []}, "Process types must have at least 1 process_type"),
        ({**NEW, "process_types": "web"}, "Process types must be an array"),
        (
            {**NEW, "process_types": {}},
            "Process types must be an array, Process types must have at least 1 process_type",
        ),
        ({**NEW, "memory_in_mb": 0}, "Memory in mb must be greater than 0"),
        ({**NEW, "memory_in_mb": "lots"}, "Memory in mb is not a number"),
        ({**NEW, "memory_in_mb": 1.5}, "Memory in mb must be an integer"),
        ({**NEW, "memory_in_mb": 256}, TOO_LARGE),
        (
            {**NEW, "name": "n" * 256, "command": "c" * 4097},
            "Name is too long (maximum is 255 characters), Command is too long (maximum is 4096 characters)",
        ),
        ({**NEW, "process_types": ["t" * 256]}, "Process type is too long (maximum is 255 characters)"),
        ({**NEW, "process_types": ["web", ""]}, "type presence"),
        (
            {**NEW, "process_types": ["web", "web"]},
            "sidecar_guid and type Sidecar is already associated with process type web",
        ),
    ],
)
def test_a_sidecar_that_is_not_created(foundation: Asking, body: Any, expected: str) -> None:
    assert error(create(foundation, body)) == unprocessable(expected)
    assert foundation.world.apps[APP].sidecars == ()


def test_a_name_is_there_once_in_an_app(seeded: Asking) -> None:
    taken = unprocessable("Sidecar with name 'spy' already exists for given app")
    assert error(create(seeded, {**NEW, "name": "spy"})) == taken
    assert error(update(seeded, {"name": "spy"})) == taken
    assert update(seeded, {"name": "logger"}).status_code == 200
    assert create(seeded, {**NEW, "name": "spy"}, IDLE_APP).status_code == 201


def test_what_the_real_one_fails_on(foundation: Asking) -> None:
    assert error(create(foundation, {**NEW, "memory_in_mb": "64"})) == FAILS
    assert create(foundation, {**NEW, "memory_in_mb": "64", "process_types": ["later"]}).json()["memory_in_mb"] == 64
    assert error(create(foundation, {**NEW, "memory_in_mb": 2**31, "process_types": ["later"]})) == FAILS


# Updated and deleted


def test_an_update_changes_what_is_sent_and_nothing_else(seeded: Asking) -> None:
    before = show(seeded).json()
    seeded.advance(60)
    after = update(seeded, {"command": "./new"}).json()
    assert after == {**before, "command": "./new", "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]
    assert update(seeded, {"memory_in_mb": None}).json()["memory_in_mb"] is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": None}, "Name can't be blank, Name must be a string"),
        ({"command": ""}, "Command can't be blank"),
        ({"process_types": None}, "Process types must be an array, Process types must have at least 1 process_type"),
        ({"origin": "user"}, "Unknown field(s): 'origin'"),
        ({"memory_in_mb": -1}, "Memory in mb must be greater than 0"),
        ({"name": "n" * 256}, "Name is too long (maximum is 255 characters)"),
    ],
)
def test_an_update_that_is_refused(seeded: Asking, body: Any, expected: str) -> None:
    before = seeded.world.apps[APP]
    assert error(update(seeded, body)) == unprocessable(expected)
    assert seeded.world.apps[APP] == before


def test_a_sidecar_is_deleted(seeded: Asking) -> None:
    answer = seeded.ask("DELETE", "/v3/sidecars/logger")
    assert (answer.status_code, answer.content) == (204, b"")
    assert error(show(seeded)) == not_found("Sidecar")
    assert error(seeded.ask("DELETE", "/v3/sidecars/logger")) == not_found("Sidecar")
    assert guids(seeded.ask("GET", f"/v3/apps/{APP}/sidecars")) == ["spy"]


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ("root", None),
        ("developer", None),
        ("supporter", NOT_AUTHORIZED),
        ("auditor", NOT_AUTHORIZED),
        ("org_manager", NOT_AUTHORIZED),
        ("stranger", "not found"),
    ],
)
def test_who_may_write_sidecars(seeded: Asking, actor: str, expected: Any) -> None:
    """The permission is asked for before the message."""
    body = NEW if expected is None else {}
    answers = {
        "App": create(seeded, body, actor=actor),
        "Sidecar": update(seeded, {} if expected is None else {"x": 1}, actor=actor),
        "sidecar": seeded.ask("DELETE", "/v3/sidecars/logger", actor=actor),
    }
    if expected is None:
        assert [answer.status_code for answer in answers.values()] == [201, 200, 204]
    for what, answer in answers.items() if expected is not None else ():
        assert error(answer) == (not_found(what.capitalize()) if expected == "not found" else expected)
