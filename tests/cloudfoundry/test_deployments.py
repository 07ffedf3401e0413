"""A deployment in flight: two web processes for a while, and another guid at the end.

Source: app/models/runtime/deployment_model.rb and lib/cloud_controller/deployment_updater/.
"""

import json

import pytest

from mockfoundry.cloudfoundry.seeds.read import read_seed
from mockfoundry.documents.problems import DocumentError
from tests.cloudfoundry.asking import APP, CLOCK, WEB, Asking, error, guids, not_found, states, unprocessable


def webs(foundation: Asking) -> list[tuple[str, int]]:
    """The web processes of dora, oldest first, each with its instances."""
    listed = foundation.ask("GET", f"/v3/apps/{APP}/processes?types=web").json()["resources"]
    return [(each["guid"], each["instances"]) for each in listed]


def test_instances_go_from_the_older_web_process_to_the_newer(foundation: Asking) -> None:
    foundation.scale({"instances": 4})
    foundation.given_app("dora", deployment={"seconds": "8s"})
    seen = []
    for _ in range(4):
        seen.append([instances for _, instances in webs(foundation)])
        foundation.advance(2)
    assert seen == [[4, 1], [3, 2], [2, 3], [1, 4]]
    newer = webs(foundation)
    assert [instances for _, instances in newer] == [4]
    assert newer[0][0] != WEB
    assert error(foundation.show(WEB)) == not_found("Process")
    assert foundation.ask("GET", f"/v3/apps/{APP}/processes/web").json()["guid"] == newer[0][0]
    foundation.advance(1)
    assert states(foundation.stats(newer[0][0])) == ["RUNNING"] * 4


def test_while_it_is_in_flight_the_newest_web_process_is_the_apps(foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"seconds": "8s"})
    newer = foundation.ask("GET", f"/v3/apps/{APP}/processes/web").json()
    assert newer["guid"] != WEB
    refusal = unprocessable("Cannot scale this process while a deployment is in flight.")
    for guid in (WEB, newer["guid"]):
        assert error(foundation.scale({}, guid=guid)) == refusal
    assert error(foundation.ask("POST", f"/v3/apps/{APP}/processes/web/actions/scale", {})) == refusal
    foundation.advance(8)
    assert foundation.ask("POST", f"/v3/apps/{APP}/processes/web/actions/scale", {}).status_code == 202


def test_it_ends_by_itself_after_the_settings_seconds(foundation: Asking) -> None:
    foundation.given(settings={"deployment_seconds": 5})
    foundation.given_app("dora", deployment={})
    foundation.advance(4.9)
    assert len(webs(foundation)) == 2
    foundation.advance(0.1)
    assert len(webs(foundation)) == 1


def test_a_list_of_all_processes_shows_how_far_it_has_come(foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"seconds": "8s"})
    foundation.advance(8)
    listed = [each["guid"] for each in foundation.list("?types=web&app_guids=dora").json()["resources"]]
    assert len(listed) == 1
    assert listed != [WEB]


def test_it_starts_the_other_processes_anew_at_its_end(foundation: Asking) -> None:
    before = foundation.show(CLOCK).json()
    foundation.given_app("dora", deployment={"seconds": "5s"})
    foundation.advance(5)
    assert states(foundation.stats(CLOCK)) == ["STARTING"]
    assert foundation.show(CLOCK).json()["version"] != before["version"]


def test_one_without_an_end_stays_in_flight(foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"seconds": None})
    foundation.advance(10_000_000)
    assert foundation.scale({}).status_code == 422


def test_a_paused_one_stays_as_it_is(foundation: Asking) -> None:
    foundation.scale({"instances": 4})
    foundation.given_app("dora", deployment={"seconds": "8s", "reason": "PAUSED", "strategy": "canary"})
    foundation.advance(100)
    assert [instances for _, instances in webs(foundation)] == [4, 1]


CANARY = {"guid": "canary", "strategy": "canary", "seconds": "8s"}


def canary(foundation: Asking, instances: int, **fields: object) -> None:
    """Begins a canary deployment of dora."""
    foundation.given_organization(quota=None)
    foundation.scale({"instances": instances})
    foundation.given_app("dora", deployment={**CANARY, **fields})


def proceed(foundation: Asking, reason: str = "DEPLOYING") -> None:
    """Continues the canary deployment, or cancels it."""
    foundation.given_app("dora", deployment={"guid": "canary", "reason": reason})


def state(foundation: Asking) -> tuple[str, int]:
    """The state of dora's deployment, and its step."""
    deployment = foundation.world.apps[APP].deployment
    assert deployment is not None
    return deployment.state, deployment.step


def counts(foundation: Asking) -> list[int]:
    """How many instances the web processes have, the newer one's first."""
    return [instances for _, instances in reversed(webs(foundation))]


def test_a_canary_pauses_until_it_is_continued(foundation: Asking) -> None:
    """Without steps it pauses once: with one new instance beside all the others, for ever."""
    canary(foundation, 4)
    assert (state(foundation), counts(foundation)) == (("PREPAUSED", 1), [1, 4])
    foundation.advance(4)
    assert (state(foundation), counts(foundation)) == (("PREPAUSED", 1), [1, 4])
    foundation.show()
    assert state(foundation) == ("PAUSED", 1)
    foundation.advance(10_000_000)
    assert counts(foundation) == [1, 4]
    assert foundation.scale({}).status_code == 422
    proceed(foundation)
    assert state(foundation) == ("DEPLOYING", 2)
    foundation.advance(2)
    assert counts(foundation) == [3, 2]
    foundation.advance(2)
    assert counts(foundation) == [4]
    assert webs(foundation)[0][0] != WEB
    assert state(foundation) == ("DEPLOYED", 2)
    assert foundation.scale({}, guid=webs(foundation)[0][0]).status_code == 202


STEPS: dict[str, tuple[int, list[int], list[list[int]]]] = {
    "the plan of ten": (10, [20, 60, 100], [[2, 9], [6, 5], [10, 0]]),
    "of one": (1, [50], [[1, 1]]),
    "at least one": (10, [1, 1], [[1, 10], [1, 10]]),
    "a half is rounded up": (10, [25, 35], [[3, 8], [4, 7]]),
    "less than a half is rounded down": (3, [40, 50, 99], [[1, 3], [2, 2], [3, 1]]),
    "all at once": (4, [100], [[4, 0]]),
    "of none": (0, [50], [[1, 0]]),
}
"""How many instances there are, the weights of the steps, and the newer and the older instances in each pause."""


@pytest.mark.parametrize("row", STEPS)
def test_a_canary_pauses_at_each_of_its_steps(row: str, foundation: Asking) -> None:
    """It stops after the last one too, also where all instances are new by then."""
    instances, weights, pauses = STEPS[row]
    canary(foundation, instances, steps=weights)
    seen = []
    for step in range(1, len(weights) + 1):
        assert state(foundation) == ("PREPAUSED", step)
        foundation.advance(8)
        seen.append(counts(foundation))
        assert state(foundation) == ("PAUSED", step)
        proceed(foundation)
    assert seen == pauses
    foundation.advance(8)
    assert counts(foundation) == [instances]
    assert state(foundation)[0] == "DEPLOYED"


def test_a_canary_is_canceled_in_a_pause_and_on_its_way(foundation: Asking) -> None:
    """The older web process has all its instances at once, and the newer is gone."""
    for seconds in (0, 8):
        canary(foundation, 10, steps=[20, 60])
        foundation.advance(8)
        foundation.show()
        proceed(foundation)
        foundation.advance(seconds)
        proceed(foundation, "CANCELING")
        assert webs(foundation) == [(WEB, 10)]
        assert state(foundation)[0] == "CANCELED"
        assert foundation.scale({}).status_code == 202


def test_only_what_is_paused_is_continued(foundation: Asking) -> None:
    canary(foundation, 4, steps=[50, 75])
    before = foundation.world.apps[APP].deployment
    proceed(foundation)
    assert foundation.world.apps[APP].deployment == before
    foundation.given_app("dora", deployment={"seconds": "8s", "reason": "PAUSED", "guid": "rolling"})
    foundation.advance(100)
    assert counts(foundation) == [1, 4]
    foundation.given_app("dora", deployment={"guid": "rolling", "reason": "DEPLOYING"})
    foundation.advance(8)
    assert counts(foundation) == [4]


def test_a_canary_without_an_end_does_not_come_to_its_first_pause(foundation: Asking) -> None:
    canary(foundation, 4, seconds=None)
    foundation.advance(10_000_000)
    assert (counts(foundation), state(foundation)[0]) == ([1, 4], "PREPAUSED")


def test_a_canary_is_brought_to_its_pause_at_once(foundation: Asking) -> None:
    canary(foundation, 10, steps=[20, 60], seconds=None)
    proceed(foundation, "PAUSED")
    assert (counts(foundation), state(foundation)) == ([2, 9], ("PAUSED", 1))
    proceed(foundation, "PAUSED")
    assert (counts(foundation), state(foundation)) == ([2, 9], ("PAUSED", 1))
    proceed(foundation)
    proceed(foundation, "PAUSED")
    assert (counts(foundation), state(foundation)) == ([6, 5], ("PAUSED", 2))


@pytest.mark.parametrize("reason", ["DEPLOYING", "PAUSED"])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_canary_in_a_seed_stands_where_its_step_says(reason: str, step: int, foundation: Asking) -> None:
    """Beyond the last pause it moves to its end, whatever its reason is. An export says the same again."""
    canary(foundation, 10, steps=[20, 60], step=step, reason=reason)
    expected = {1: [2, 9], 2: [6, 5]}
    if reason == "PAUSED" and step in expected:
        assert (state(foundation), counts(foundation)) == (("PAUSED", step), expected[step])
    else:
        assert state(foundation) == ("DEPLOYING" if step == 3 else "PREPAUSED", step)
    written = foundation.server.client.get(f"/__mock/foundations/{foundation.name}/state").json()
    deployment = written["organizations"][0]["spaces"][0]["apps"][0]["deployment"]
    assert (deployment["steps"], deployment["step"]) == ([20, 60], step)
    assert deployment["reason"] == ("PAUSED" if state(foundation)[0] == "PAUSED" else "DEPLOYING")


@pytest.mark.parametrize("steps", [[0], [101], [60, 20], [True], ["20"], [20.5], 20, [1] * 101, [None]])
def test_steps_are_shares_in_ascending_order(steps: object, foundation: Asking) -> None:
    with pytest.raises(DocumentError, match="whole numbers from 1 to 100, in ascending order"):
        foundation.given_app("dora", deployment={"strategy": "canary", "steps": steps})


def test_only_a_canary_has_steps_in_a_seed() -> None:
    app = {"name": "a", "deployment": {"strategy": "rolling", "steps": [20]}}
    seed = {"organizations": [{"name": "o", "spaces": [{"name": "s", "apps": [app]}]}]}
    with pytest.raises(DocumentError, match="only a deployment of strategy canary has steps"):
        read_seed(json.dumps(seed), "seed.json")


def test_a_canceled_one_leaves_the_older_web_process(foundation: Asking) -> None:
    foundation.scale({"instances": 4})
    foundation.given_app("dora", deployment={"seconds": "8s", "reason": "CANCELING"})
    assert foundation.scale({"memory_in_mb": 128}).status_code == 202
    foundation.advance(8)
    assert webs(foundation) == [(WEB, 4)]
    assert foundation.process().memory_in_mb == 128


def test_recreating_stops_the_older_instances_at_once(foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"seconds": "8s", "strategy": "recreate"})
    assert [instances for _, instances in webs(foundation)] == [0, 2]
    foundation.advance(4)
    assert [instances for _, instances in webs(foundation)] == [0, 2]


def test_a_second_one_takes_the_place_of_the_first(foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"seconds": "8s"})
    foundation.advance(2)
    foundation.given_app("dora", deployment={"seconds": "8s"})
    assert len(webs(foundation)) == 2
    foundation.given_app("dora", deployment=None)
    assert webs(foundation) == [(WEB, 2)]
    assert foundation.scale({}).status_code == 202


def test_a_million_instances_are_deployed_in_few_steps(foundation: Asking) -> None:
    foundation.given_organization(quota=None)
    foundation.scale({"instances": 1_000_000})
    foundation.given_app("dora", deployment={"seconds": "10s"})
    foundation.advance(5)
    older, newer = (instances for _, instances in webs(foundation))
    assert older + newer >= 1_000_000
    foundation.advance(5)
    assert [instances for _, instances in webs(foundation)] == [1_000_000]
    assert len(foundation.process(webs(foundation)[0][0]).instance_ranges) <= 10


def test_what_a_deployment_uses_counts_in_the_quotas(foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"seconds": "8s"})
    foundation.given_organization(quota={"total_instances": 4})
    assert error(foundation.scale({"instances": 1}, guid="dora-worker"))[2].startswith("app_instance_limit")
    foundation.advance(8)
    assert foundation.scale({"instances": 1}, guid="dora-worker").status_code == 202


def test_lists_show_both_web_processes(foundation: Asking) -> None:
    foundation.given_app("dora", deployment={"seconds": "8s"})
    assert len(guids(foundation.list("?types=web&app_guids=dora"))) == 2


def played(foundation: Asking, *events: tuple[str, object]) -> None:
    """Plays a scenario that changes dora's deployment at these moments."""
    given = [
        {"at": at, "given": {"organizations": [{"name": "acme", "spaces": [{"name": "*", "apps": [app]}]}]}}
        for at, deployment in events
        for app in ({"name": "dora", "deployment": deployment},)
    ]
    body = {"scenario": "rollout", "description": "A deployment.", "events": given}
    control = f"/__mock/foundations/{foundation.name}"
    answer = foundation.server.client.put(f"{control}/scenarios/rollout", json=body)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("looks", [False, True], ids=["nobody looks", "somebody looks"])
def test_a_change_comes_to_a_deployment_as_it_is_then_whoever_has_looked(foundation: Asking, looks: bool) -> None:
    foundation.given_organization(quota=None)
    played(foundation, ("1s", {**CANARY, "seconds": 4}), ("5s", {"guid": "canary", "reason": "DEPLOYING"}))
    for _ in range(10):
        foundation.advance(1)
        if looks:
            foundation.show()
    foundation.ask("GET", "/v3/processes")
    assert state(foundation)[0] == "DEPLOYED"


def test_a_guid_of_a_deployment_can_be_used_again(foundation: Asking) -> None:
    for _ in range(2):
        foundation.given_app("dora", deployment={"guid": "rollout", "seconds": 5})
        foundation.advance(10)
        assert [instances for _, instances in webs(foundation)] == [2]
    foundation.given_app("*", deployment={"guid": "rollout", "seconds": 5})
    foundation.advance(10)
    assert [instances for _, instances in webs(foundation)] == [2]


MISSING: dict[str, tuple[dict[str, object], str]] = {
    "no guid": ({"reason": "DEPLOYING"}, "to continue or cancel a deployment, name its guid; canary is"),
    "another guid": ({"guid": "other", "reason": "CANCELING"}, "other is not in flight; canary is"),
    "steps of a rolling one": ({"steps": [20]}, "only a deployment of strategy canary has steps"),
}


@pytest.mark.parametrize("row", MISSING)
def test_what_is_not_in_flight_is_neither_continued_nor_replaced(row: str, foundation: Asking) -> None:
    words, problem = MISSING[row]
    canary(foundation, 4)
    before = state(foundation)
    with pytest.raises(DocumentError, match=problem):
        foundation.given_app("dora", deployment=words)
    assert state(foundation) == before
