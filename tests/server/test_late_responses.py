"""What is done later than a request comes: pages that are made beside the exchanges, and exchanges that waited."""

import json
from typing import Any

from mockfoundry.exchange.request import read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.foundations.foundation import FoundationState
from mockfoundry.server.waiting import report_bytes_sent
from tests.serving import ADMIN, WEB, real_now, service_of

LARGE = {"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": [{"name": f"a{n}"} for n in range(1_200)]}]}]}
ALICE = {"name": "alice", "organizations": {"o": ["organization_manager"]}}


def ask(service: Service, path: str, method: str = "GET", body: Any = None) -> Response | PendingRequest:
    """What a door is given for a request of an admin."""
    target, _, query = path.partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in ADMIN.items()]
    headers.append((b"content-type", b"application/json"))
    request = read_request(method, target, query.encode(), headers, content, "http", real_now(), False)
    return handle_request(service, request)


def ask_for_page(service: Service) -> PendingRequest:
    pending = ask(service, "/v3/processes?per_page=5000")
    assert isinstance(pending, PendingRequest)
    return pending


def go_on(pending: PendingRequest) -> Response:
    answer = pending.resume(real_now(), None if pending.work is None else pending.work())
    assert isinstance(answer, Response)
    return answer


def foundation_of(service: Service) -> FoundationState:
    return service.registry.get_or_create("default", real_now())


def entries_of(service: Service) -> list[tuple[int, str, str]]:
    """Numbers, operations and outcomes of the journal."""
    return [(entry.number, entry.operation, entry.outcome) for entry in foundation_of(service).journal]


def test_the_journal_has_a_page_from_its_arrival() -> None:
    service = service_of(json.dumps(LARGE))
    pending = ask_for_page(service)
    ask(service, "/v3/processes/unknown")
    assert entries_of(service) == [(1, "listProcesses", "open"), (2, "getProcess", "404")]
    answer = go_on(pending)
    assert answer.reason == "world: 1200 of 1200 processes listed"
    assert answer.report_bytes_sent is not None
    report_bytes_sent(answer, len(answer.body))
    assert entries_of(service)[0] == (1, "listProcesses", "200")


def test_a_client_that_leaves_while_its_page_is_made_has_left() -> None:
    service = service_of(json.dumps(LARGE))
    pending = ask_for_page(service)
    assert pending.abandon is not None
    pending.abandon()
    assert entries_of(service) == [(1, "listProcesses", "left")]


def test_a_page_says_of_its_bearer_what_every_answer_says() -> None:
    service = service_of(json.dumps({**LARGE, "users": [ALICE]}))
    short, long = ask(service, "/v3/processes?per_page=1"), go_on(ask_for_page(service))
    assert isinstance(short, Response)
    assert long.reason == short.reason.replace("1 of", "1200 of")


MANY = 20_000


def test_five_thousand_of_many_apps_are_listed_beside_what_others_ask() -> None:
    """They are listed as they were when they were asked for."""
    apps = [{"name": f"a{n}", "guid": f"a{n}", "processes": []} for n in range(MANY)]
    service = service_of(json.dumps({"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": apps}]}]}))
    pending = ask(service, "/v3/apps?per_page=5000&order_by=-name&include=space.organization")
    assert isinstance(pending, PendingRequest)
    stopped = ask(service, "/v3/apps/a9999/actions/stop", "POST")
    assert isinstance(stopped, Response)
    assert stopped.status == 200
    answer = go_on(pending)
    assert answer.reason == f"world: 5000 of {MANY} apps listed"
    body = json.loads(answer.body)
    first = body["resources"][0]
    assert (first["name"], first["state"]) == ("a9999", "STARTED")
    assert len(body["included"]["spaces"]) == len(body["included"]["organizations"]) == 1
    shown = ask(service, "/v3/apps/a9999")
    assert isinstance(shown, Response)
    assert json.loads(shown.body)["state"] == "STOPPED"


def test_a_page_of_fifty_of_many_apps_is_made_at_once() -> None:
    apps = [{"name": f"a{n}", "processes": []} for n in range(MANY)]
    service = service_of(json.dumps({"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": apps}]}]}))
    assert isinstance(ask(service, "/v3/apps"), Response)


HELD = {
    "scenario": "held",
    "description": "A read is held.",
    "rules": [{"operation": "getProcess", "respond": {"hold": {"at": "before-commit"}}}],
}
SEVEN = {"name": "*", "processes": [{"type": "web", "instances": 7}]}
GROWTH = {"at": "1s", "given": {"organizations": [{"name": "*", "spaces": [{"name": "*", "apps": [SEVEN]}]}]}}


def service_with_held_reads(**more: Any) -> Service:
    """A service in whose default foundation each read of a process is held, while its clock stands still."""
    service = service_of(scenarios=({**HELD, **more},))
    foundation_of(service).world.clock.rate = 0.0
    return service


def test_what_has_waited_goes_on_in_the_world_of_that_moment() -> None:
    """An event that became due while it waited has happened."""
    service = service_with_held_reads(events=[GROWTH])
    pending = ask(service, f"/v3/processes/{WEB}")
    assert isinstance(pending, PendingRequest)
    foundation_of(service).world.clock.virtual += 2_000_000
    assert json.loads(go_on(pending).body)["instances"] == 7


def test_what_waits_while_the_journal_is_cleared_counts_once() -> None:
    service = service_with_held_reads()
    pending = ask(service, f"/v3/processes/{WEB}")
    assert isinstance(pending, PendingRequest)
    foundation_of(service).journal.clear()
    go_on(pending)
    assert list(foundation_of(service).journal.hit_counts.items()) == [(("getProcess", 200, "", ""), 1)]
