"""A deployment in flight: two web processes for a while, and another guid at the end.

Source: app/models/runtime/deployment_model.rb and lib/cloud_controller/deployment_updater/.
"""

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
