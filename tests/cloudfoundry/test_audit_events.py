"""Audit events as clients read them: one, and lists. Source: app/controllers/v3/events_controller.rb and event.rb."""

from typing import Any

import pytest

from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import MAX_EVENTS
from tests.cloudfoundry.asking import APP, IDLE_APP, WEB, WORKER, Asking, bad_query, error, guids, not_found


def list_events(foundation: Asking, query: str = "", actor: str = "admin") -> Any:
    answer = foundation.ask("GET", f"/v3/audit_events{query}", actor=actor)
    assert answer.status_code == 200, answer.text
    return answer.json()


def kinds(foundation: Asking, query: str = "", actor: str = "admin") -> list[str]:
    return [each["type"].removeprefix("audit.app.") for each in list_events(foundation, query, actor)["resources"]]


def changed(foundation: Asking) -> None:
    """Three changes, a second apart, of two apps."""
    foundation.scale({"instances": 3}, actor="developer")
    foundation.advance(1)
    foundation.terminate(0)
    foundation.advance(1)
    foundation.scale({"memory_in_mb": 64}, guid="idle-web", actor="supporter")


def test_an_event_has_all_its_keys_in_their_order(foundation: Asking) -> None:
    foundation.scale({"instances": 3}, actor="developer")
    (event,) = list_events(foundation)["resources"]
    guid = event["guid"]
    now = event["created_at"]
    expected = {
        "guid": guid,
        "created_at": now,
        "updated_at": now,
        "type": "audit.app.process.scale",
        "actor": {"guid": foundation.world.users["developer"].guid, "type": "user", "name": "developer"},
        "target": {"guid": APP, "type": "app", "name": "dora"},
        "data": {"process_guid": WEB, "process_type": "web", "request": {"instances": 3}},
        "space": {"guid": "dev"},
        "organization": {"guid": "acme"},
        "links": {"self": {"href": f"{foundation.server.url}/v3/audit_events/{guid}"}},
    }
    assert event == expected
    assert list(event) == list(expected)
    shown = foundation.ask("GET", f"/v3/audit_events/{guid}")
    assert (shown.status_code, shown.json()) == (200, event)


def test_keys_beside_not_are_neither_refused_nor_read(foundation: Asking) -> None:
    changed(foundation)
    assert kinds(foundation, f"?target_guids[not]={IDLE_APP}&target_guids[foo]={APP}") == [
        "process.scale",
        "process.terminate_instance",
    ]


def test_every_event_has_a_guid_of_its_own_which_stays(foundation: Asking) -> None:
    changed(foundation)
    listed = [each["guid"] for each in list_events(foundation)["resources"]]
    assert len(set(listed)) == 3
    foundation.scale({"instances": 1}, guid=WORKER)
    assert [each["guid"] for each in list_events(foundation)["resources"]][:3] == listed


FILTERS: dict[str, list[str]] = {
    "": ["process.scale", "process.terminate_instance", "process.scale"],
    "?order_by=-created_at": ["process.scale", "process.terminate_instance", "process.scale"],
    "?types=audit.app.process.terminate_instance": ["process.terminate_instance"],
    "?types=audit.app.process.terminate_instance,audit.app.start": ["process.terminate_instance"],
    "?types=nope": [],
    "?target_guids=dora": ["process.scale", "process.terminate_instance"],
    "?target_guids=idle,nope": ["process.scale"],
    "?target_guids[not]=dora": ["process.scale"],
    "?target_guids[not]=dora,idle": [],
    "?space_guids=dev": ["process.scale", "process.terminate_instance", "process.scale"],
    "?space_guids=far": [],
    "?organization_guids=acme&target_guids=idle": ["process.scale"],
    "?organization_guids=other": [],
    "?guids=nope": [],
    "?per_page=1&page=2": ["process.terminate_instance"],
}


@pytest.mark.parametrize("query", FILTERS)
def test_events_are_filtered(query: str, foundation: Asking) -> None:
    changed(foundation)
    assert kinds(foundation, query) == FILTERS[query]


def test_events_are_filtered_by_time_and_ordered(foundation: Asking) -> None:
    changed(foundation)
    first, second, third = list_events(foundation)["resources"]
    query = f"?created_ats[gt]={first['created_at']}&order_by=-updated_at"
    assert [each["guid"] for each in list_events(foundation, query)["resources"]] == [third["guid"], second["guid"]]
    assert guids(foundation.ask("GET", f"/v3/audit_events?updated_ats={second['created_at']}")) == [second["guid"]]


def test_a_page_past_the_end_still_tells_the_total(foundation: Asking) -> None:
    changed(foundation)
    page = list_events(foundation, "?page=9&per_page=2")
    assert (page["resources"], page["pagination"]["total_results"], page["pagination"]["total_pages"]) == ([], 3, 2)


READERS = {
    "root": 2,
    "reading_admin": 2,
    "global_auditor": 2,
    "developer": 1,
    "supporter": 1,
    "auditor": 1,
    "org_auditor": 1,
    "manager": 0,
    "org_manager": 0,
    "managing_developer": 1,
    "billing": 0,
    "org_user": 0,
    "stranger": 0,
    "far_developer": 1,
}
"""How many of two events, in two organizations, an actor reads."""


@pytest.mark.parametrize("actor", READERS)
def test_who_reads_events(actor: str, foundation: Asking) -> None:
    far = {"name": "far-app", "guid": "far-app"}
    foundation.given(organizations=[{"name": "other", "spaces": [{"name": "far", "apps": [far]}]}])
    foundation.scale({})
    foundation.scale({}, guid="far-app")
    listed = list_events(foundation, actor=actor)
    assert listed["pagination"]["total_results"] == READERS[actor]
    readable = {each["guid"] for each in listed["resources"]}
    for each in list_events(foundation)["resources"]:
        answer = foundation.ask("GET", f"/v3/audit_events/{each['guid']}", actor=actor)
        assert answer.status_code == (200 if each["guid"] in readable else 404)
        if answer.status_code == 404:
            assert error(answer) == not_found("Event")


QUERIES = {
    "types[x]=a": "Types must be an array",
    "space_guids[x]=a": "Space guids must be an array",
    "organization_guids[x]=a": "Organization guids must be an array",
    "target_guids[x]=a": "Target guids target_guids has an invalid operator",
    "target_guids[not]=": "Target guids target_guids has an invalid operator",
    "order_by=type": "Order by can only be: 'created_at', 'updated_at'",
    "label_selector=a": "Unknown query parameter(s): 'label_selector'. Valid parameters are: 'page', 'per_page', "
    "'order_by', 'created_ats', 'updated_ats', 'guids', 'types', 'target_guids', 'space_guids', 'organization_guids'",
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_bad_query_is_refused(query: str, foundation: Asking) -> None:
    assert error(foundation.ask("GET", f"/v3/audit_events?{query}")) == bad_query(QUERIES[query])


def test_a_client_has_no_name(foundation: Asking) -> None:
    """Its token has no e-mail address; its guid is its name."""
    client = User(guid="scaler", name="scaler", scopes=frozenset(), organization_roles={}, space_roles={})
    foundation.world.record_event("audit.app.start", foundation.world.apps[APP], client, foundation.now, {})
    (event,) = list_events(foundation)["resources"]
    assert event["actor"] == {"guid": "scaler", "type": "user", "name": ""}


def test_the_latest_events_are_listed(foundation: Asking) -> None:
    world, actor = foundation.world, foundation.world.users["developer"]
    for number in range(MAX_EVENTS + 5):
        world.record_event("audit.app.start", world.apps[IDLE_APP], actor, foundation.now, {"number": number})
    page = list_events(foundation, "?per_page=5000")
    assert page["pagination"]["total_results"] == MAX_EVENTS
    assert [each["data"]["number"] for each in page["resources"]] == list(range(5, MAX_EVENTS + 5))


def test_events_survive_an_export(foundation: Asking) -> None:
    changed(foundation)
    before = list_events(foundation)["resources"]
    other = Asking(foundation.server)
    state = foundation.server.client.get(f"/__mock/foundations/{foundation.name}/state").json()
    foundation.server.client.put(f"/__mock/foundations/{other.name}/state", json=state).raise_for_status()
    assert list_events(other)["resources"] == before
    other.scale({"instances": 1})
    assert [each["guid"] for each in list_events(other)["resources"]][:3] == [each["guid"] for each in before]
    assert len({each["guid"] for each in list_events(other)["resources"]}) == 4
