"""Every store has a bound, and an answer beyond it that says what there is and how to mend it."""

import queue
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.cloudfoundry.seeds.read import build_default_world
from mockfoundry.control.api import build_control_api, handle_control_request
from mockfoundry.exchange.request import read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import handle_request
from mockfoundry.foundations.bounds import ServerBounds
from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.journal.budget import SharedJournalBudget
from mockfoundry.journal.store import Journal
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.server.waiting import RequestHolds
from tests import plain_http
from tests.journal.test_journal import Asked, given
from tests.serving import WEB, Serving, real_now, service_of
from tests.waiting import DEADLINE_SECONDS, leaving_after, must_end

SECOND = 1_000_000
HOUR = 3_600 * SECOND
SCALE = f"/v3/processes/{WEB}/actions/scale"
DEFAULT = "/__mock/foundations/default"


def registry(**bounds: Any) -> FoundationRegistry:
    return FoundationRegistry(
        build_default_world(random_seed=1, began_at=0), CompiledScenarios(()), ServerBounds(**bounds)
    )


def names(held: FoundationRegistry) -> set[str]:
    return {each.name for each in held}


def test_more_foundations_than_allowed_are_refused_and_the_others_go_on(serve: Callable[..., Serving]) -> None:
    server = serve(bounds=ServerBounds(foundations=2))
    for name in ("one", "two"):
        assert server.client.get(f"/foundations/{name}/v3/processes").status_code == 200
    refused = server.client.get("/foundations/three/v3/processes")
    assert refused.status_code == 503
    assert "--max-foundations" in refused.json()["errors"][0]["detail"]
    assert "--max-foundations" in server.client.put("/__mock/foundations/three").json()["detail"]
    assert server.client.get("/foundations/two/v3/processes").status_code == 200
    server.client.delete("/__mock/foundations/one")
    assert server.client.get("/foundations/three/v3/processes").status_code == 200


def test_idle_foundations_expire_and_used_ones_do_not() -> None:
    held = registry(idle=HOUR)
    held.get_or_create("idle", 0)
    held.get_or_create("used", 0)
    held.get_or_create("used", HOUR - 1)
    held.get_or_create("new", HOUR)
    assert names(held) == {"used", "new"}


def test_nothing_expires_unless_that_is_asked_for() -> None:
    held = registry()
    held.get_or_create("old", 0)
    held.get_or_create("new", 1_000 * HOUR)
    assert names(held) == {"old", "new"}


def test_a_full_server_takes_idle_foundations_away_before_it_refuses() -> None:
    held = registry(idle=HOUR, foundations=2)
    for moment, name in enumerate(("one", "two")):
        held.get_or_create(name, moment)
    with pytest.raises(Refusal):
        held.get_or_create("three", HOUR // 8)
    held.get_or_create("three", HOUR)
    assert names(held) == {"two", "three"}


def test_an_expired_foundation_is_as_new_for_whoever_asks_for_it_next() -> None:
    held = registry(idle=HOUR)
    first = held.get_or_create("mine", 0)
    assert held.get_or_create("mine", HOUR - 1) is first
    assert held.get_or_create("mine", 2 * HOUR - 2) is first
    assert held.get_or_create("mine", 3 * HOUR) is not first
    assert held.find_active("mine", 4 * HOUR) is None


def test_what_is_followed_does_not_expire() -> None:
    held = registry(idle=HOUR)
    followed = held.get_or_create("followed", 0)
    followed.journal.watchers.append(lambda: None)
    held.get_or_create("new", 2 * HOUR)
    assert names(held) == {"followed", "new"}


def test_a_foundation_does_not_expire_while_a_request_is_held_there() -> None:
    rule = {"operation": "scaleProcess", "respond": {"hold": {"at": "before-commit", "at-most": "5m"}}}
    service = service_of(scenarios=({"scenario": "held", "rules": [rule]},), bounds=ServerBounds(idle=60 * SECOND))
    begun = real_now()
    headers = [(b"authorization", b"bearer admin")]
    waiting = handle_request(service, read_request("POST", SCALE, b"", headers, b"", "http", begun))
    assert isinstance(waiting, PendingRequest)
    service.registry.get_or_create("other", begun + 300 * SECOND)
    assert names(service.registry) == {"default", "other"}
    service.registry.get_or_create("another", begun + 370 * SECOND)
    assert names(service.registry) == {"another"}


def test_what_expired_comes_back_only_as_the_world_that_it_was() -> None:
    held = registry(idle=HOUR)
    held.get_or_create("plain", 0)
    held.create("seeded", held.initial_world.copy(), 0)
    assert held.get_or_create("plain", HOUR).name == "plain"
    with pytest.raises(Refusal, match=r"The foundation seeded has expired \(--expire-idle\); PUT /__mock/"):
        held.get_or_create("seeded", HOUR)
    assert held.create("seeded", None, HOUR) is held.get_or_create("seeded", HOUR)


def test_as_many_names_of_gone_foundations_are_remembered_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockfoundry.foundations.registry.MAX_GONE_NAMES", 3)
    held = registry()
    for name in ("a", "b", "c", "d", "b"):
        held.create(name, None, 0)
        held.delete(name)
    for name in ("c", "d", "b"):
        with pytest.raises(Refusal, match=f"The foundation {name} was deleted"):
            held.get_or_create(name, 0)
    assert held.get_or_create("a", 0).name == "a"


def test_what_expired_counts_for_coverage() -> None:
    held = registry(idle=HOUR)
    held.get_or_create("idle", 0).journal.record(Asked(), given())
    held.get_or_create("new", HOUR)
    assert held.hit_counts == {("scaleProcess", 202, "", ""): 1}


def test_all_journals_together_are_bounded_and_the_one_asked_longest_ago_forgets_first() -> None:
    shelf = SharedJournalBudget(20_000)
    old, new = Journal(1 << 20, shelf), Journal(1 << 20, shelf)
    for moment in range(1, 21):
        old.record(Asked(arrived=moment), given())
    for moment in range(21, 200):
        new.record(Asked(arrived=moment), given())
        assert old.size + new.size == shelf.held_bytes <= 20_000
    assert (len(old), old.dropped) == (0, 20)
    assert len(new) > 20
    new.close()
    assert shelf.held_bytes == 0


def test_a_copy_makes_room_too() -> None:
    shelf = SharedJournalBudget(20_000)
    journal = Journal(1 << 20, shelf)
    for moment in range(1, 30):
        journal.record(Asked(arrived=moment), given())
    copies = [journal.copy() for _ in range(5)]
    assert shelf.held_bytes == journal.size + sum(copy.size for copy in copies) <= 20_000


def test_no_room_at_all_holds_nothing_and_costs_nothing() -> None:
    held = registry(journals=0)
    for number in range(1_000):
        held.get_or_create(f"f{number}", 0)
    journal = held.get_or_create("f0", 0).journal
    journal.record(Asked(arrived=1), given())
    assert (len(journal), journal.recorded, journal.dropped) == (0, 1, 1)


def test_a_copy_and_a_clearing_are_counted_on_the_shelf() -> None:
    shelf = SharedJournalBudget(1 << 20)
    journal = Journal(1 << 20, shelf)
    journal.record(Asked(arrived=1), given())
    copy = journal.copy()
    assert shelf.held_bytes == journal.size + copy.size > journal.size
    journal.clear()
    assert shelf.held_bytes == copy.size
    copy.close()
    journal.record(Asked(arrived=2), given())
    assert shelf.held_bytes == journal.size


def test_more_rules_than_allowed_are_refused(serve: Callable[..., Serving]) -> None:
    server = serve(bounds=ServerBounds(rules=3))
    rule = {"operation": "scaleProcess", "times": 1, "respond": {"status": 409}}
    assert server.client.put(f"{DEFAULT}/scenarios/two", json={"scenario": "two", "rules": [rule] * 2}).is_success
    refused = server.client.put(f"{DEFAULT}/scenarios/more", json={"scenario": "more", "rules": [rule] * 2})
    assert refused.status_code == 429
    assert "--max-rules" in refused.json()["detail"]
    playing = server.client.get(f"{DEFAULT}/scenarios").json()["scenarios"]
    assert [each["name"] for each in playing] == ["two"]
    assert server.client.put(f"{DEFAULT}/scenarios/two", json={"scenario": "two", "rules": [rule] * 3}).is_success


def answers_of_two(server: Serving, at: str) -> "queue.Queue[httpx.Response]":
    """The answers of two scales at once that a scenario would hold; one comes, the other waits."""
    held = {"scenario": "held", "rules": [{"operation": "scaleProcess", "respond": {"hold": at}}]}
    assert server.client.put(f"{DEFAULT}/scenarios/held", json=held).is_success
    answers: queue.Queue[httpx.Response] = queue.Queue()
    for _ in range(2):
        threading.Thread(target=lambda: answers.put(server.scale({"instances": 2})), daemon=True).start()
    return answers


def test_more_requests_than_may_be_held_are_refused_and_told_in_the_journal(serve: Callable[..., Serving]) -> None:
    server = serve(max_held=1)
    answers = answers_of_two(server, "before-commit")
    refused = answers.get(timeout=DEADLINE_SECONDS)
    assert refused.status_code == 503
    assert "--max-held" in refused.json()["errors"][0]["detail"]
    assert server.client.post(f"{DEFAULT}/verify", json={"status": 503, "kept": False}).json()["result"] == "holds"
    assert server.client.post(f"{DEFAULT}/holds/held/release").json() == {"released": 1}
    assert answers.get(timeout=DEADLINE_SECONDS).status_code == 202


def test_more_answers_than_may_be_held_are_sent_at_once_and_say_so(serve: Callable[..., Serving]) -> None:
    server = serve(max_held=1)
    answers = answers_of_two(server, "after-commit")
    answered = answers.get(timeout=DEADLINE_SECONDS)
    assert answered.status_code == 202
    assert "--max-held" in answered.headers["x-mock-held"]
    assert server.client.post(f"{DEFAULT}/holds/held/release").json() == {"released": 1}
    assert "x-mock-held" not in answers.get(timeout=DEADLINE_SECONDS).headers


def test_deleting_a_foundation_while_a_request_hangs_there_harms_nobody(serve: Callable[..., Serving]) -> None:
    server = serve()
    assert server.client.put("/__mock/foundations/mine/scenarios/hang").is_success
    failed: list[Exception] = []

    def scale() -> None:
        try:
            plain_http.post(
                f"{server.url}/foundations/mine{SCALE}",
                json={"instances": 5},
                headers={"Authorization": "bearer a"},
                timeout=leaving_after(0.5),
            )
        except httpx.HTTPError as error:
            failed.append(error)

    hanging = threading.Thread(target=scale)
    hanging.start()
    asked = {"operation": "scaleProcess", "within": "60s"}
    assert server.client.post("/__mock/foundations/mine/verify", json=asked).json()["result"] == "holds"
    assert server.client.delete("/__mock/foundations/mine").status_code == 204
    assert server.client.get("/__mock/foundations/mine").status_code == 404
    must_end(hanging)
    assert isinstance(failed[0], httpx.ReadTimeout)
    assert server.client.put("/__mock/foundations/mine").status_code == 201
    assert server.client.get(f"/foundations/mine/v3/processes/{WEB}").json()["instances"] != 5


def test_an_expired_foundation_is_not_there_for_a_put_that_makes_only_new_ones() -> None:
    service = service_of(bounds=ServerBounds(idle=60 * SECOND))
    api = build_control_api(service, RequestHolds(1, service.registry.is_live))

    def put(arrived: int) -> int:
        headers = [(b"host", b"localhost"), (b"if-none-match", b"*")]
        request = read_request("PUT", "/__mock/foundations/mine", b"", headers, b"", "http", arrived, False)
        answer = handle_control_request(api, request)
        assert isinstance(answer, Response)
        return answer.status

    now = real_now()
    assert [put(now), put(now + SECOND), put(now + HOUR)] == [201, 412, 201]
