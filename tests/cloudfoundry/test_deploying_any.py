"""Deployments of any size and any options: what always holds of them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cloudfoundry.asking import APP, Asking
from tests.cloudfoundry.test_deploying import act, deploy, deployed, show, status, webs
from tests.searching import examples
from tests.serving import Serving

pytestmark = pytest.mark.hypothesis

MANY = settings(max_examples=examples(15), suppress_health_check=list(HealthCheck), deadline=None)


def prepare(server: Serving, instances: int) -> Asking:
    """A foundation whose app has so many web instances, and whose deployments take a minute."""
    foundation = Asking(server)
    foundation.given_organization(quota=None)
    foundation.given(settings={"deployment_seconds": 60})
    foundation.scale({"instances": instances})
    return foundation


def counts(foundation: Asking) -> tuple[int, int]:
    """The instances of the newest web process, and of the older ones together."""
    *older, newest = (instances for _, instances in webs(foundation))
    return newest, sum(older)


@given(had=st.integers(0, 12), most=st.integers(1, 5), wanted=st.none() | st.integers(0, 12))
@MANY
def test_a_rolling_one_keeps_enough_instances_and_ends_with_those_wanted(
    rich_server: Serving, had: int, most: int, wanted: int | None
) -> None:
    """Those that run, and those that start beside them, are never fewer than both counts, nor the batch too large."""
    foundation = prepare(rich_server, had)
    guid = deployed(foundation, options={"max_in_flight": most, "web_instances": wanted})
    final = had if wanted is None else wanted
    before = (0, had)
    while status(foundation, guid)[0] == "ACTIVE":
        newer, older = counts(foundation)
        assert newer + older >= min(had, final)
        assert newer <= final
        assert newer >= before[0]
        assert older <= before[1]
        if final <= 10 * most:
            assert newer - before[0] <= most
        before = (newer, older)
        foundation.advance(1)
    assert webs(foundation) == [(show(foundation, guid)["new_processes"][0]["guid"], final)]


@given(had=st.integers(1, 12), weights=st.lists(st.integers(1, 100), min_size=1, max_size=4).map(sorted))
@MANY
def test_a_canary_stands_at_each_step_with_its_share(rich_server: Serving, had: int, weights: list[int]) -> None:
    foundation = prepare(rich_server, had)
    steps = [{"instance_weight": weight} for weight in weights]
    guid = deployed(foundation, strategy="canary", options={"canary": {"steps": steps}})
    for number, weight in enumerate(weights, 1):
        foundation.advance(1000)
        shown = show(foundation, guid)["status"]
        assert (shown["value"], shown["reason"]) == ("ACTIVE", "PAUSED")
        assert shown["canary"]["steps"] == {"current": number, "total": len(weights)}
        share = max(1, int(had * weight / 100 + 0.5))
        assert counts(foundation) == (share, 0 if weight == 100 else had - share + 1)
        assert act(foundation, guid, "continue").status_code == 200
    foundation.advance(1000)
    assert status(foundation, guid) == ("FINALIZED", "DEPLOYED")
    assert counts(foundation) == (had, 0)


@given(
    had=st.integers(0, 6),
    canary=st.booleans(),
    seconds=st.lists(st.sampled_from([0, 1, 7, 31, 100]), min_size=1, max_size=4),
)
@MANY
def test_a_canceled_one_leaves_one_process_with_the_first_count(
    rich_server: Serving, had: int, canary: bool, seconds: list[int]
) -> None:
    """Also the last of a chain, whenever each took the place of the one before."""
    foundation = prepare(rich_server, had)
    for wait in seconds:
        guid = deployed(foundation, strategy="canary" if canary else "rolling")
        foundation.advance(wait)
    is_active = status(foundation, guid)[0] == "ACTIVE"
    assert act(foundation, guid, "cancel").status_code == (200 if is_active else 422)
    foundation.advance(1000)
    assert status(foundation, guid)[0] == "FINALIZED"
    assert [instances for _, instances in webs(foundation)] == [had]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 120) | st.sampled_from(["", "x", "5", "1.5"]) | st.just(1.5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "steps", "guid"]), inner, max_size=2)
    ),
    max_leaves=4,
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "max_in_flight": JSON,
        "web_instances": JSON,
        "memory_in_mb": JSON,
        "disk_in_mb": JSON,
        "log_rate_limit_in_bytes_per_second": JSON,
        "canary": JSON
        | st.fixed_dictionaries({"steps": st.lists(st.fixed_dictionaries({"instance_weight": JSON}), max_size=3)}),
    },
)
FIELDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "strategy": st.sampled_from(["rolling", "canary", "x", None, 5]),
        "droplet": JSON,
        "revision": JSON,
        "options": JSON | OPTIONS,
        "metadata": JSON,
    },
)


@given(fields=FIELDS)
@settings(MANY, max_examples=examples(60))
def test_whatever_is_asked_for_is_done_or_changes_nothing(rich_server: Serving, fields: dict[str, Any]) -> None:
    foundation = Asking(rich_server)
    before = foundation.world.copy()
    answer = deploy(foundation, **fields)
    if answer.status_code == 201:
        assert [event.kind for event in foundation.events][-1] == "audit.app.deployment.create"
        assert len(webs(foundation)) == 2
        return
    assert answer.status_code in (422, 500)
    assert answer.json()["errors"][0]["detail"]
    after = foundation.world
    assert (after.apps, after.processes, after.deployments, after.events) == (
        before.apps,
        before.processes,
        before.deployments,
        before.events,
    )
    assert after.usage == before.usage
    assert after.apps[APP].deployment is None
