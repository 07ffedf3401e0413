"""Who may read, see and change what, and which refusal comes first.

Source: lib/cloud_controller/permissions.rb, app/controllers/v3/application_controller.rb and processes_controller.rb.
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.cloudfoundry.asking import (
    APP,
    NOT_AUTHORIZED,
    WEB,
    Asking,
    error,
    guids,
    not_found,
    unprocessable,
)

HIDDEN = "[PRIVATE DATA HIDDEN]"
HIDDEN_IN_LISTS = "[PRIVATE DATA HIDDEN IN LISTS]"

ROLES: dict[str, tuple[str, str, str]] = {
    "admin": ("reads", "writes", "secret"),
    "root": ("reads", "writes", "secret"),
    "reading_admin": ("reads", "no scope", "secret"),
    "global_auditor": ("reads", "no scope", HIDDEN),
    "developer": ("reads", "writes", "secret"),
    "supporter": ("reads", "writes", HIDDEN),
    "manager": ("reads", "may not", HIDDEN),
    "auditor": ("reads", "may not", HIDDEN),
    "org_manager": ("reads", "may not", HIDDEN),
    "managing_developer": ("reads", "writes", "secret"),
    "org_user": ("sees nothing", "sees nothing", ""),
    "org_auditor": ("sees nothing", "sees nothing", ""),
    "billing": ("sees nothing", "sees nothing", ""),
    "stranger": ("sees nothing", "sees nothing", ""),
    "far_developer": ("sees nothing", "sees nothing", ""),
    "reader": ("reads", "no scope", "secret"),
    "writer": ("no scope", "writes", "secret"),
    "writing_auditor": ("reads", "writes", HIDDEN),
    "nobody": ("no scope", "no scope", ""),
}
"""A user, what they may read and change of dora, and the command as they see it."""

READS: dict[str, Callable[[Asking, str], httpx.Response]] = {
    "get": lambda foundation, actor: foundation.show(actor=actor),
    "stats": lambda foundation, actor: foundation.stats(actor=actor),
    "process_instances": lambda foundation, actor: foundation.instances(actor=actor),
    "get for app": lambda foundation, actor: foundation.ask("GET", f"/v3/apps/{APP}/processes/web", actor=actor),
    "stats for app": lambda foundation, actor: foundation.ask(
        "GET", f"/v3/apps/{APP}/processes/web/stats", actor=actor
    ),
    "list for app": lambda foundation, actor: foundation.ask("GET", f"/v3/apps/{APP}/processes", actor=actor),
}

WRITES: dict[str, tuple[int, Callable[[Asking, str], httpx.Response]]] = {
    "scale": (202, lambda foundation, actor: foundation.scale({"instances": 3}, actor=actor)),
    "update": (200, lambda foundation, actor: foundation.update({"command": "x"}, actor=actor)),
    "terminate": (204, lambda foundation, actor: foundation.terminate(0, actor=actor)),
    "scale for app": (
        202,
        lambda foundation, actor: foundation.ask(
            "POST", f"/v3/apps/{APP}/processes/web/actions/scale", {}, actor=actor
        ),
    ),
    "update for app": (
        200,
        lambda foundation, actor: foundation.ask("PATCH", f"/v3/apps/{APP}/processes/web", {}, actor=actor),
    ),
    "terminate for app": (
        204,
        lambda foundation, actor: foundation.ask("DELETE", f"/v3/apps/{APP}/processes/web/instances/0", actor=actor),
    ),
}


def nothing_seen(call: str) -> tuple[int, str, str, int]:
    return not_found("App" if "for app" in call else "Process")


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_reads_what_the_table_says(role: str, call: str, foundation: Asking) -> None:
    answer = READS[call](foundation, role)
    may = ROLES[role][0]
    if may == "reads":
        assert answer.status_code == 200
    else:
        assert error(answer) == (NOT_AUTHORIZED if may == "no scope" else nothing_seen(call))


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("role", ROLES)
def test_each_role_changes_what_the_table_says(role: str, call: str, foundation: Asking) -> None:
    status, ask = WRITES[call]
    before = foundation.process(WEB)
    answer = ask(foundation, role)
    may = ROLES[role][1]
    if may == "writes":
        assert answer.status_code == status
        assert len(foundation.events) == 1
    else:
        assert error(answer) == (nothing_seen(call) if may == "sees nothing" else NOT_AUTHORIZED)
        assert foundation.process(WEB) == before
        assert foundation.events == []


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_the_command_that_the_table_says(role: str, foundation: Asking) -> None:
    reads, writes, command = ROLES[role]
    if reads == "reads":
        assert foundation.show(actor=role).json()["command"] == command
    if writes == "writes":
        assert foundation.scale({}, actor=role).json()["command"] == "secret"
        assert foundation.update({}, actor=role).json()["command"] == "secret"


def test_an_empty_command_is_hidden_too(foundation: Asking) -> None:
    foundation.given_process("clock", command=None)
    assert foundation.show("dora-clock", actor="developer").json()["command"] == ""
    assert foundation.show("dora-clock", actor="auditor").json()["command"] == HIDDEN
    assert {each["command"] for each in foundation.list().json()["resources"]} == {HIDDEN_IN_LISTS}


@pytest.mark.parametrize("role", ROLES)
def test_lists_hold_what_each_role_may_read(role: str, foundation: Asking) -> None:
    may = ROLES[role][0]
    answer = foundation.list(actor=role)
    if may == "no scope":
        assert error(answer) == NOT_AUTHORIZED
        return
    assert answer.status_code == 200
    assert len(guids(answer)) == (4 if may == "reads" else 0)
    assert {each["command"] for each in answer.json()["resources"]} <= {HIDDEN_IN_LISTS}


AT_REST: dict[str, tuple[dict[str, Any], tuple[int, str, str, int], tuple[str, ...]]] = {
    "organization suspended": (
        {"suspended": True},
        (403, "CF-OrgSuspended", "The organization is suspended", 10017),
        ("admin", "root"),
    ),
    "organization being deleted": (
        {"being_deleted": True},
        (422, "CF-ResourceBeingDeleted", "The organization is being deleted", 10020),
        ("admin", "root"),
    ),
    "space suspended": (
        {"spaces": [{"name": "*", "suspended": True}]},
        (403, "CF-SpaceSuspended", "The space is suspended", 10019),
        ("admin", "root", "managing_developer"),
    ),
    "space being deleted": (
        {"spaces": [{"name": "*", "being_deleted": True}]},
        (422, "CF-ResourceBeingDeleted", "The space is being deleted", 10020),
        ("admin", "root", "managing_developer"),
    ),
    "organization being deleted and suspended": (
        {"being_deleted": True, "suspended": True},
        (422, "CF-ResourceBeingDeleted", "The organization is being deleted", 10020),
        ("admin", "root"),
    ),
    "organization suspended and space being deleted": (
        {"suspended": True, "spaces": [{"name": "*", "being_deleted": True}]},
        (403, "CF-OrgSuspended", "The organization is suspended", 10017),
        ("admin", "root"),
    ),
}
"""What is given of the organization, the refusal of writes, and who is not refused."""


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("row", AT_REST)
def test_writes_in_a_suspended_or_deleted_place_are_refused(row: str, call: str, foundation: Asking) -> None:
    words, refusal, allowed = AT_REST[row]
    foundation.given_organization(**words)
    for role in ("admin", "root", "managing_developer", "developer", "supporter"):
        status, ask = WRITES[call]
        answer = ask(foundation, role)
        if role in allowed:
            assert answer.status_code == status
        else:
            assert error(answer) == refusal
    assert error(WRITES[call][1](foundation, "auditor")) == NOT_AUTHORIZED
    assert error(WRITES[call][1](foundation, "stranger")) == nothing_seen(call)


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("row", AT_REST)
def test_reads_do_not_mind_a_suspended_or_deleted_place(row: str, call: str, foundation: Asking) -> None:
    foundation.given_organization(**AT_REST[row][0])
    assert READS[call](foundation, "auditor").status_code == 200


def test_the_scaling_flag_stops_everybody_but_admins(foundation: Asking) -> None:
    foundation.given(feature_flags={"app_scaling": False})
    disabled = (403, "CF-FeatureDisabled", "Feature Disabled: app_scaling", 330002)
    assert error(foundation.scale({"instances": "x"}, actor="developer")) == disabled
    assert error(foundation.scale({}, actor="auditor")) == NOT_AUTHORIZED
    assert foundation.scale({}, actor="root").status_code == 202
    assert foundation.update({}, actor="developer").status_code == 200
    assert foundation.terminate(0, actor="developer").status_code == 204


def test_the_scaling_flag_has_words_of_its_own(foundation: Asking) -> None:
    foundation.given(feature_flags={"app_scaling": {"enabled": False, "error_message": "not today"}})
    answer = foundation.scale({}, actor="developer")
    assert error(answer) == (403, "CF-FeatureDisabled", "Feature Disabled: not today", 330002)


PRECEDENCE: dict[str, tuple[dict[str, Any], str | None, Any, tuple[int, str, str, int]]] = {
    "no token before all": (
        {"guid": "nothing", "text": "{"},
        None,
        None,
        (401, "CF-NotAuthenticated", "Authentication error", 10002),
    ),
    "the scope before the body": ({"guid": "nothing", "text": "{"}, "reader", None, NOT_AUTHORIZED),
    "the body before the process": (
        {"guid": "nothing", "text": "{"},
        "developer",
        None,
        (400, "CF-MessageParseError", "Request invalid due to parse error: invalid request body", 1001),
    ),
    "the process before the message": ({"guid": "nothing"}, "developer", {"x": 1}, not_found("Process")),
    "the permission before the message": ({}, "auditor", {"x": 1}, NOT_AUTHORIZED),
    "the message before the deployment": ({}, "developer", {"x": 1}, unprocessable("Unknown field(s): 'x'")),
    "the deployment before the model": (
        {},
        "developer",
        {"disk_in_mb": 9999},
        unprocessable("Cannot scale this process while a deployment is in flight."),
    ),
}
"""How a scale of a web process in deployment is asked, by whom, with which body, and what is said first."""


@pytest.mark.parametrize("row", PRECEDENCE)
def test_refusals_come_in_the_real_order(row: str, foundation: Asking) -> None:
    options, actor, body, refusal = PRECEDENCE[row]
    foundation.given_app("dora", deployment={"seconds": None})
    assert error(foundation.scale(body, actor=actor, **options)) == refusal


def test_for_an_app_the_app_is_looked_for_first(foundation: Asking) -> None:
    for method, tail in (("GET", ""), ("PATCH", ""), ("GET", "/stats"), ("POST", "/actions/scale")):
        path = f"/v3/apps/nothing/processes/web{tail}"
        assert error(foundation.ask(method, path, {} if method != "GET" else None)) == not_found("App")
        path = f"/v3/apps/{APP}/processes/nothing{tail}"
        assert error(foundation.ask(method, path, {} if method != "GET" else None)) == not_found("Process")


def test_a_list_for_an_app_looks_at_its_query_first(foundation: Asking) -> None:
    answer = foundation.ask("GET", "/v3/apps/nothing/processes?page=0")
    assert error(answer)[1] == "CF-BadQueryParameter"
    assert error(foundation.show("nothing", actor="admin")) == not_found("Process")
    shown = foundation.ask("GET", "/v3/processes/nothing?page=0")
    assert error(shown) == not_found("Process")
