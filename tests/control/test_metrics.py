"""Metrics: what Prometheus reads is what clients met, names no foundation, and never falls."""

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import httpx
import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from mockfoundry.control.metrics import OPEN_METRICS, PROMETHEUS_TEXT, LoopLag
from mockfoundry.foundations.bounds import ServerBounds
from mockfoundry.foundations.request_totals import MAX_NAMED_SCENARIOS, OTHER_SCENARIOS
from mockfoundry.server.gauges import TICK_SECONDS, WATCHED_SECONDS, LoopLagMeter
from tests.operations_page import BEYOND, OPERATIONS_PAGE, bounding_options, list_metrics, render_operations_page
from tests.serving import WEB, Serving, serving
from tests.waiting import eventually

DEFAULT = "/__mock/foundations/default"
SCALE = f"/v3/processes/{WEB}/actions/scale"
UNKNOWN = f"/v3/processes/{WEB[:-1]}0"
HOSTILE = 'a"b\\c} 7\n# TYPE'


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving() as served:
        yield served


def read_samples(server: Serving) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Each sample's value, by its name and labels."""
    answer = server.client.get("/__mock/metrics")
    assert answer.headers["content-type"] == PROMETHEUS_TEXT
    families = text_string_to_metric_families(answer.text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def sample(server: Serving, metric: str, **labels: str) -> float | None:
    return read_samples(server).get((f"mockfoundry_{metric}", frozenset(labels.items())))


def scaled(server: Serving, status: str, foundation: str = "default") -> float | None:
    return sample(server, "requests_total", operation="scaleProcess", status=status, fault="", foundation=foundation)


def play(server: Serving, name: str, foundation: str = "default") -> None:
    rules = [{"operation": "scaleProcess", "times": 1, "respond": {"error": "CF-Conflict"}}]
    body = {"scenario": name, "rules": rules}
    answer = server.client.put(f"/__mock/foundations/{foundation}/scenarios/{name}", json=body)
    assert answer.is_success, answer.text


def test_requests_are_counted_by_operation_status_scenario_and_class_of_foundation(server: Serving) -> None:
    play(server, "refuse-once")
    for _ in range(3):
        server.scale({"instances": 2})
    server.client.post(f"/foundations/test_it-gw0-7{SCALE}", json={"instances": 2})
    server.client.post(f"/foundations/ci-42{SCALE}", json={"instances": 2})

    asked = (("202", "default"), ("409", "default"), ("202", "pytest"), ("202", "named"))
    assert [scaled(server, status, foundation) for status, foundation in asked] == [2, 1, 1, 1]
    taken = {"operation": "scaleProcess", "status": "409", "fault": "", "foundation": "default"}
    assert sample(server, "scenario_requests_total", scenario="refuse-once", **taken) == 1
    assert [sample(server, "foundations", foundation=kind) for kind in ("default", "pytest", "named")] == [1, 1, 1]
    assert sample(server, "journal_entries", foundation="default") == 3
    assert (sample(server, "journal_bytes", foundation="default") or 0) > 3 * 100
    assert (sample(server, "connections") or 0) >= 1
    assert "ci-42" not in server.client.get("/__mock/metrics").text


@pytest.mark.parametrize(
    "end",
    [
        lambda client: client.delete(DEFAULT),
        lambda client: client.post(f"{DEFAULT}/reset"),
        lambda client: client.delete(f"{DEFAULT}/requests"),
        lambda client: client.post(f"{DEFAULT}/copy", json={"as": "other"}),
    ],
    ids=["deleted", "reset", "cleared", "copied"],
)
def test_no_count_ever_falls_or_counts_twice(server: Serving, end: Callable[[httpx.Client], httpx.Response]) -> None:
    play(server, "refuse-once")
    for _ in range(3):
        server.scale({"instances": 2})
    before = {
        key: value
        for key, value in read_samples(server).items()
        if key[0].startswith("mockfoundry_") and key[0].endswith("_total")
    }
    assert end(server.client).is_success

    after = read_samples(server)
    assert {key: after[key] for key in before} == before
    assert not [key for key in after if key[0] == "mockfoundry_requests_total" and key not in before]


def test_a_dropped_exchange_is_counted_even_after_the_journal_was_cleared() -> None:
    with serving(bounds=ServerBounds(journal=0)) as server:
        server.scale({"instances": 2})
        server.client.delete(f"{DEFAULT}/requests")
        server.scale({"instances": 2})
        assert sample(server, "journal_dropped_total", foundation="default") == 2
        assert scaled(server, "202") == 2


def test_a_request_that_waits_is_counted_only_once_it_is_over(server: Serving) -> None:
    """An open request has no status yet; were it counted as such, the count would fall later."""
    hold = {"at": "before-commit", "name": "door", "at-most": "60s"}
    rules = [{"operation": "scaleProcess", "respond": {"hold": hold}}]
    answer = server.client.put(f"{DEFAULT}/scenarios/held", json={"scenario": "held", "rules": rules})
    assert answer.is_success, answer.text
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(server.scale, {"instances": 2})
        eventually(lambda: sample(server, "held_requests") == 1, what="the request is held")
        assert scaled(server, "") is None
        assert server.client.post(f"{DEFAULT}/holds/door/release").is_success
        sent.result()
    assert (scaled(server, ""), sample(server, "held_requests")) == (None, 0)


def test_open_metrics_are_given_to_who_asks_for_them(server: Serving) -> None:
    server.scale({"instances": 2})
    answer = server.client.get(
        "/__mock/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3"}
    )
    assert answer.headers["content-type"] == OPEN_METRICS
    families = {family.name for family in openmetrics.text_string_to_metric_families(answer.text)}
    assert {"mockfoundry_requests", "mockfoundry_build", "mockfoundry_loop_lag_seconds"} <= families


@pytest.mark.parametrize(
    "accepted", ["application/openmetrics-text; version=x\u00e9", "text/plain; version=99", ",;q=,"]
)
def test_a_strange_accept_changes_nothing_but_the_format(server: Serving, accepted: str) -> None:
    answer = server.client.get("/__mock/metrics", headers={b"Accept": accepted.encode("latin-1")})
    assert answer.status_code == 200
    assert answer.headers["content-type"] in (OPEN_METRICS, PROMETHEUS_TEXT)


def test_a_hostile_name_of_a_scenario_stays_one_label(server: Serving) -> None:
    registry = server.service.registry
    server.scale({"instances": 2})
    found = registry.find("default")
    assert found is not None
    found.journal.scenario_hit_counts["scaleProcess", 202, "", HOSTILE] = 5

    samples = read_samples(server)
    ((_, labels),) = [key for key in samples if key[0] == "mockfoundry_scenario_requests_total"]
    assert dict(labels)["scenario"] == HOSTILE


def test_only_a_bounded_number_of_scenarios_is_told_apart(server: Serving) -> None:
    server.scale({"instances": 2})
    found = server.service.registry.find("default")
    assert found is not None
    for number in range(MAX_NAMED_SCENARIOS + 5):
        found.journal.scenario_hit_counts["scaleProcess", 202, "", f"scenario-{number}"] = 1

    def names() -> list[str]:
        totals = server.service.registry.total_requests()
        return [key[4] for key, times in totals.by_scenario.items() for _ in range(times)]

    assert len(set(names())) == MAX_NAMED_SCENARIOS + 1
    assert names().count(OTHER_SCENARIOS) == 5
    server.service.registry.delete("default")
    assert names().count(OTHER_SCENARIOS) == 5


def test_with_a_control_token_metrics_need_it() -> None:
    with serving(control_token="secret") as server:
        assert server.client.get("/__mock/metrics").status_code == 401
        # The client's own token is in Authorization, and Prometheus sends one there.
        answer = server.client.get("/__mock/metrics", headers={"Authorization": "Bearer secret"})
        assert answer.status_code == 200
        assert server.client.get("/__mock/metrics", headers={"Host": "example.org"}).status_code == 421


class LateLoop:
    """A loop whose timers run when the test says so, and a clock.

    Attributes:
        now: seconds.
        timers: what is to be called.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[Callable[[Any], None], Any]] = []

    def call_later(self, seconds: float, callback: Callable[[Any], None], argument: Any) -> None:
        self.timers.append((callback, argument))

    def run_next(self, after: float) -> None:
        callback, argument = self.timers.pop()
        self.now += after
        callback(argument)


def test_the_lag_of_the_loop_is_measured_only_while_somebody_asks() -> None:
    loop = LateLoop()
    meter = LoopLagMeter(cast("asyncio.AbstractEventLoop", loop), lambda: loop.now)
    assert loop.timers == []
    meter.read()
    loop.run_next(TICK_SECONDS)
    loop.run_next(TICK_SECONDS + 0.25)
    assert meter.read() == LoopLag((1, 0, 0, 0, 0, 1, 0, 0), 0.25)
    assert len(loop.timers) == 1

    loop.run_next(WATCHED_SECONDS + TICK_SECONDS)
    assert loop.timers == []
    meter.read()
    assert len(loop.timers) == 1


def test_the_page_names_every_metric_and_every_option_that_bounds(server: Serving) -> None:
    """It is made from the code, so a new option without a word on what is beyond it fails here, too."""
    text = OPERATIONS_PAGE.read_text(encoding="utf-8")
    assert text == render_operations_page(), "make documents writes it anew"
    documented = {name for name, _, _ in list_metrics()}
    sent = {name for name, _ in read_samples(server) if name.startswith("mockfoundry_")}
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in sent} <= documented
    assert {option.flag.removeprefix("--") for option in bounding_options()} == set(BEYOND)
