"""Every store has a bound, and an answer beyond it that says what there is and how to mend it."""

import queue
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.cloudfoundry.seeds import default_world
from mockfoundry.foundations import Bounds, Registry
from mockfoundry.journal import Journal, Shelf
from mockfoundry.scenarios import Lineup
from mockfoundry.server.limits import Limits
from tests.journal.test_journal import Asked, Given
from tests.serving import WEB, Serving

SECOND = 1_000_000
HOUR = 3_600 * SECOND
SCALE = f"/v3/processes/{WEB}/actions/scale"
DEFAULT = "/__mock/foundations/default"


def registry(**bounds: Any) -> Registry:
    return Registry(default_world(random_seed=1, born=0), Lineup(()), Bounds(**bounds))


def names(held: Registry) -> set[str]:
    return {each.name for each in held}


def test_more_foundations_than_allowed_are_refused_and_the_others_go_on(serve: Callable[..., Serving]) -> None:
    server = serve(bounds=Bounds(foundations=2))
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
    held.named("idle", 0)
    held.named("used", 0)
    held.named("used", HOUR - 1)
    held.named("new", HOUR)
    assert names(held) == {"used", "new"}


def test_nothing_expires_unless_that_is_asked_for() -> None:
    held = registry()
    held.named("old", 0)
    held.named("new", 1_000 * HOUR)
    assert names(held) == {"old", "new"}


def test_a_full_server_takes_idle_foundations_away_before_it_refuses() -> None:
    held = registry(idle=HOUR, foundations=2)
    for moment, name in enumerate(("one", "two")):
        held.named(name, moment)
    with pytest.raises(Refusal):
        held.named("three", HOUR // 8)
    held.named("three", HOUR)
    assert names(held) == {"two", "three"}


def test_what_expired_counts_for_coverage() -> None:
    held = registry(idle=HOUR)
    held.named("idle", 0).journal.record(Asked(), Given(), 0)
    held.named("new", HOUR)
    assert held.met == {("scaleProcess", 202, "", ""): 1}


def test_all_journals_together_are_bounded_and_the_one_asked_longest_ago_forgets_first() -> None:
    shelf = Shelf(20_000)
    old, new = Journal(1 << 20, shelf), Journal(1 << 20, shelf)
    for moment in range(1, 21):
        old.record(Asked(arrived=moment), Given(), moment)
    for moment in range(21, 200):
        new.record(Asked(arrived=moment), Given(), moment)
        assert old.size + new.size == shelf.held <= 20_000
    assert (len(old), old.dropped) == (0, 20)
    assert len(new) > 20
    new.close()
    assert shelf.held == 0


def test_a_copy_and_a_clearing_are_counted_on_the_shelf() -> None:
    shelf = Shelf(1 << 20)
    journal = Journal(1 << 20, shelf)
    journal.record(Asked(arrived=1), Given(), 1)
    copy = journal.copy()
    assert shelf.held == journal.size + copy.size > journal.size
    journal.clear()
    assert shelf.held == copy.size
    copy.close()
    journal.record(Asked(arrived=2), Given(), 2)
    assert shelf.held == journal.size


def test_more_rules_than_allowed_are_refused(serve: Callable[..., Serving]) -> None:
    server = serve(bounds=Bounds(rules=3))
    rule = {"operation": "scaleProcess", "times": 1, "respond": {"status": 409}}
    assert server.client.put(f"{DEFAULT}/scenarios/two", json={"scenario": "two", "rules": [rule] * 2}).is_success
    refused = server.client.put(f"{DEFAULT}/scenarios/more", json={"scenario": "more", "rules": [rule] * 2})
    assert refused.status_code == 429
    assert "--max-rules" in refused.json()["detail"]
    playing = server.client.get(f"{DEFAULT}/scenarios").json()["scenarios"]
    assert [each["name"] for each in playing] == ["two"]
    assert server.client.put(f"{DEFAULT}/scenarios/two", json={"scenario": "two", "rules": [rule] * 3}).is_success


@pytest.mark.parametrize(("at", "kept"), [("before-commit", False), ("after-commit", True)])
def test_more_held_requests_than_allowed_are_answered_at_once(
    serve: Callable[..., Serving], at: str, kept: bool
) -> None:
    server = serve(limits=Limits(held=1))
    held = {"scenario": "held", "rules": [{"operation": "scaleProcess", "respond": {"hold": at}}]}
    assert server.client.put(f"{DEFAULT}/scenarios/held", json=held).is_success
    answers: queue.Queue[httpx.Response] = queue.Queue()
    both = [threading.Thread(target=lambda: answers.put(server.scale({"instances": 2}))) for _ in range(2)]
    for each in both:
        each.start()
    refused = answers.get(timeout=20)
    assert refused.status_code == 503
    assert "--max-held" in refused.json()["errors"][0]["detail"]
    assert ("was done" in refused.json()["errors"][0]["detail"]) is kept
    assert server.client.post(f"{DEFAULT}/holds/held/release").json() == {"released": 1}
    assert answers.get(timeout=20).status_code == 202
    for each in both:
        each.join()


def test_deleting_a_foundation_while_a_request_hangs_there_harms_nobody(serve: Callable[..., Serving]) -> None:
    server = serve()
    assert server.client.put("/__mock/foundations/mine/scenarios/hang").is_success
    failed: list[Exception] = []

    def scale() -> None:
        try:
            httpx.post(
                f"{server.url}/foundations/mine{SCALE}",
                json={"instances": 5},
                headers={"Authorization": "bearer a"},
                timeout=2,
            )
        except httpx.HTTPError as error:
            failed.append(error)

    hanging = threading.Thread(target=scale)
    hanging.start()
    asked = {"operation": "scaleProcess", "within": "20s"}
    assert server.client.post("/__mock/foundations/mine/verify", json=asked).json()["result"] == "holds"
    assert server.client.delete("/__mock/foundations/mine").status_code == 204
    assert server.client.get("/__mock/foundations/mine").status_code == 404
    hanging.join(timeout=20)
    assert isinstance(failed[0], httpx.ReadTimeout)
    assert server.client.get(f"/foundations/mine/v3/processes/{WEB}").json()["instances"] != 5
