"""No call keeps the clients of other foundations waiting: what takes long is done beside the exchanges."""

import asyncio
import json
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockfoundry.cloudfoundry.world import World
from mockfoundry.control.api import ControlApi, build_control_api, handle_control_request, open_journal_stream
from mockfoundry.control.follow import JournalStream
from mockfoundry.exchange.request import read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.server.waiting import RequestHolds
from tests import plain_http
from tests.bench.long_calls import (
    PROCESS,
    SCALE,
    control,
    labels,
    large_scenario,
    large_seed,
    list_long_calls,
    many_instances_seed,
)
from tests.serving import Serving, contract, real_now, service_of
from tests.waiting import DEADLINE_SECONDS

SIZE = 1_100
MOST_STEPS = 12_000
"""How many functions may be called, and return, between two turns: some milliseconds of work."""


class CountingCaller:
    """A client whose requests are taken as a door takes them, where everything between two turns is counted.

    Attributes:
        longest_turn: the most functions that were called between two turns.
    """

    def __init__(self, service: Service, api: ControlApi) -> None:
        self._service, self._api = service, api
        self.longest_turn = 0

    def __call__(self, method: str, path: str, body: Any = None, *, foundation: str = "", expects: int = 0) -> Response:
        content = b"" if body is None else json.dumps(body).encode()
        headers = [(b"authorization", b"bearer admin"), (b"content-type", b"application/json")]
        headers += [(b"x-mock-foundation", foundation.encode())] if foundation else []
        target, _, query = path.partition("?")
        request = read_request(method, target, query.encode(), headers, content, "http", real_now(), False)
        if target.startswith("/__mock/"):
            waiting = self._count(lambda: handle_control_request(self._api, request))
        else:
            waiting = self._count(lambda: handle_request(self._service, request))
        while isinstance(waiting, PendingRequest):
            pending, result = waiting, None if waiting.work is None else waiting.work()
            waiting = self._count(lambda: pending.resume(real_now(), result))  # noqa: B023 (called at once)
        good = waiting.status < 300 if not expects else waiting.status == expects
        assert good, f"{method} {path}: {waiting.status} {waiting.body[:500]!r}"
        return waiting

    def _count(self, turn: Callable[[], Response | PendingRequest]) -> Response | PendingRequest:
        steps = 0

        def count(*_: object) -> None:
            nonlocal steps
            steps += 1

        sys.setprofile(count)
        try:
            return turn()
        finally:
            sys.setprofile(None)
            self.longest_turn = max(self.longest_turn, steps)


@pytest.fixture(scope="module")
def service() -> Service:
    return service_of()


@pytest.fixture(scope="module")
def call(service: Service) -> CountingCaller:
    return CountingCaller(service, build_control_api(service, RequestHolds(1, service.registry.is_live)))


STILL_LONG = ("PATCH state", "PUT scenario that stops", "DELETE it", "clock past")
"""What the names of those begin with that are not cut: what is changed in the world is changed in one step."""


def test_no_call_is_long_between_two_turns(call: CountingCaller) -> None:
    found: dict[str, int] = {}
    for each in list_long_calls(SIZE):
        if each.name.startswith(STILL_LONG):
            continue
        if each.prepare is not None:
            each.prepare(call)
        call.longest_turn = 0
        each.make(call)
        found[each.name] = call.longest_turn
    assert {name: steps for name, steps in found.items() if steps > MOST_STEPS} == {}


def test_a_switch_compiles_only_the_scenario_that_it_adds(service: Service, call: CountingCaller) -> None:
    for name in ("one", "two"):
        call("PUT", control("switched", f"/scenarios/{name}"), large_scenario(name, 3))
    foundation = service.registry.find("switched")
    assert foundation is not None
    before = foundation.compiled_scenarios.compiled
    call("PUT", control("switched", "/scenarios/three"), large_scenario("three", 3))
    assert foundation.compiled_scenarios.compiled[:2] == before
    call("DELETE", control("switched", "/scenarios/one"))
    assert foundation.compiled_scenarios.compiled[0] is before[1]


def test_a_large_body_is_read_before_its_exchange_and_decides_as_a_small_one(call: CountingCaller) -> None:
    body: dict[str, Any] = {"metadata": {"labels": {f"none{n}": None for n in range(5_000)}, "annotations": {"a": "b"}}}
    answered = call("PATCH", PROCESS, body, foundation="bodies")
    assert json.loads(answered.body)["metadata"] == {"labels": {}, "annotations": {"a": "b"}}
    rule = {"operation": "updateProcess", "when": {"body": {"command": "x"}}, "respond": {"error": "CF-Conflict"}}
    call("PUT", control("bodies", "/scenarios/late"), {"scenario": "late", "rules": [rule]})
    assert call("PATCH", PROCESS, body | {"command": "x"}, foundation="bodies", expects=409).scenario == "late"
    held = json.loads(call("GET", control("bodies", "/requests")).body)["requests"]
    assert [each["status"] for each in held] == [200, 409]


def test_a_large_body_that_can_not_be_read_is_refused_as_a_small_one(call: CountingCaller) -> None:
    bodies: list[Any] = [{"instances": -1, "x" * 40_000: 1}, ["a" * 40_000], {"instances": "y" * 40_000}]
    for body in bodies:
        assert b"10008" in call("POST", SCALE, body, foundation="bodies", expects=422).body


def test_a_large_page_has_what_small_pages_have_and_is_in_the_journal(call: CountingCaller) -> None:
    call("PUT", control("paged"), large_seed(1_200))
    large = json.loads(call("GET", "/v3/processes?per_page=5000", foundation="paged").body)
    small = [
        each
        for page in range(1, 4)
        for each in json.loads(call("GET", f"/v3/processes?per_page=400&page={page}", foundation="paged").body)[
            "resources"
        ]
    ]
    assert large["resources"] == small
    assert large["pagination"]["total_results"] == 1_200
    entry = json.loads(call("GET", control("paged", "/requests/1")).body)
    assert (entry["status"], entry["why"]) == (200, "world: 1200 of 1200 processes listed")


def test_a_scenario_takes_the_place_of_a_large_page_and_changes_its_headers(call: CountingCaller) -> None:
    call("PUT", control("scripted"), large_seed(1_200))
    rules = [
        {"operation": "listProcesses", "times": 1, "respond": {"headers": {"X-More": "1"}}},
        {"operation": "listProcesses", "times": 1, "respond": {"status": 503, "phase": "after"}},
    ]
    call("PUT", control("scripted", "/scenarios/pages"), {"scenario": "pages", "rules": rules})
    first = call("GET", "/v3/processes?per_page=5000", foundation="scripted")
    assert (b"x-more", b"1") in first.headers
    assert first.reason == "scenario pages, rule 1, match 1 of 1; world: 1200 of 1200 processes listed"
    assert call("GET", "/v3/processes?per_page=5000", foundation="scripted", expects=503).rule == 2


def test_the_stats_of_many_instances_are_those_that_were_there_when_they_were_asked_for(call: CountingCaller) -> None:
    call("PUT", control("many"), many_instances_seed())
    call("POST", SCALE, {"instances": 2_000}, foundation="many")
    stats = json.loads(call("GET", f"{PROCESS}/stats", foundation="many").body)
    assert [each["index"] for each in stats["resources"]] == list(range(2_000))


def test_the_first_twenty_errors_are_told_and_how_many_more(call: CountingCaller) -> None:
    for body, first, more in (
        (labels(60, "!", "ok"), "Metadata label key error: '!0' contains invalid characters", "and 40 more"),
        ({f"f{n}": n for n in range(50)}, "Unknown field(s): 'f0', 'f1'", "'f19', and 30 more"),
    ):
        detail = json.loads(call("PATCH", PROCESS, body, foundation="texts", expects=422).body)["errors"][0]["detail"]
        assert detail.startswith(first)
        assert detail.endswith(more)
    question = {f"f{n}": n for n in range(50)}
    detail = json.loads(call("POST", control("texts", "/verify"), question, expects=400).body)["detail"]
    assert detail.count("is not a property of this call") == 20
    assert "and 30 more" in detail


def test_one_long_error_is_cut(call: CountingCaller) -> None:
    body = {"metadata": {"labels": {"!" * 50_000: "ok"}}}
    assert len(call("PATCH", PROCESS, body, foundation="texts", expects=422).body) < 5_000


def test_a_scenario_file_with_many_problems_names_the_first_twenty(call: CountingCaller) -> None:
    rules = [{"operation": f"no{n}", "respond": {"status": 409}} for n in range(60)]
    answer = call("PUT", control("texts", "/scenarios/bad"), {"scenario": "bad", "rules": rules}, expects=422)
    lines = json.loads(answer.body)["detail"].splitlines()
    assert sum("is not an operation" in line for line in lines) == 20
    assert "and 40 more" in lines


def test_large_values_are_refused_for_the_same_reasons_as_small_ones() -> None:
    schema = contract().plans["updateProcess"].body
    assert schema is not None
    body: Any = {"zz": 1, "health_check": {"type": "no", "data": []}, "command": "", "metadata": {"labels": {"a": 1}}}
    few = {(each.pointer, each.keyword) for each in schema.violations(body)}
    many = schema.violations(
        body | {"metadata": {"labels": {"a": 1}, "annotations": {f"n{n}": "" for n in range(2_000)}}}
    )
    assert {(each.pointer, each.keyword) for each in many} == few
    wrong = schema.violations(labels(3_000, "x", 1))
    assert [each.pointer for each in wrong[:20]] == [f"/metadata/labels/x{n}" for n in range(20)]
    assert wrong[20].describe() == "and 2980 more"


def test_other_clients_are_answered_while_a_call_works(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, released = threading.Event(), threading.Event()

    def wait_for_the_other(world: World, now: int) -> dict[str, Any]:
        begun.set()
        assert released.wait(DEADLINE_SECONDS)
        return {}

    monkeypatch.setattr("mockfoundry.control.foundations.export_snapshot", wait_for_the_other)
    server.client.put("/__mock/foundations/large", json=large_seed(300))
    with ThreadPoolExecutor() as callers:
        exported = callers.submit(server.client.get, "/__mock/foundations/large/state")
        assert begun.wait(DEADLINE_SECONDS)
        assert server.client.get(PROCESS).status_code == 200
        assert not exported.done()
        released.set()
        assert exported.result().json() == {}


def test_those_who_follow_a_long_journal_take_turns_and_share(service: Service) -> None:
    """However many come at once, little is done between two turns of the loop, and each exchange is shown once."""
    api = build_control_api(service, RequestHolds(1, service.registry.is_live))
    caller, entries = CountingCaller(service, api), 60
    for _ in range(entries):
        caller("GET", PROCESS, foundation="followed")
    path, query = control("followed", "/requests"), b"follow=true"

    async def follow(count: int) -> tuple[int, int, list[list[bytes]]]:
        """The most functions that were called in a turn, and in all turns; and the lines that each was sent."""
        sent: list[list[bytes]] = [[] for _ in range(count)]
        ends = [asyncio.Event() for _ in range(count)]

        async def follow_one(number: int) -> None:
            request = read_request("GET", path, query, [(b"host", b"localhost")], b"", "http", real_now())
            stream = open_journal_stream(api, request)
            assert isinstance(stream, JournalStream)

            async def receive() -> dict[str, Any]:
                await ends[number].wait()
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                sent[number] += message.get("body", b"").splitlines()
                if len(sent[number]) >= entries:
                    ends[number].set()

            await stream.send_entries(receive, send)

        steps = longest = total = 0

        def count_step(*_: object) -> None:
            nonlocal steps
            steps += 1

        following = asyncio.gather(*map(follow_one, range(count)))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DEADLINE_SECONDS
        sys.setprofile(count_step)
        try:
            while not all(each.is_set() for each in ends):
                assert loop.time() < deadline, f"lines came: {[len(each) for each in sent]}, not {entries} for each"
                await asyncio.sleep(0)
                longest, total, steps = max(longest, steps), total + steps, 0
        finally:
            sys.setprofile(None)
        await following
        return longest, total, sent

    _, one, (alone,) = asyncio.run(follow(1))
    assert [json.loads(each)["number"] for each in alone] == [*range(1, entries + 1)]
    caller("POST", control("followed", "/reset"))
    for _ in range(entries):
        caller("GET", PROCESS, foundation="followed")
    longest, eight, told = asyncio.run(follow(8))
    assert all(each == told[0] for each in told)
    assert len(told[0]) == entries
    assert longest < 2 * MOST_STEPS
    assert eight < 3 * one


def test_a_long_journal_is_followed_from_its_beginning(server: Serving) -> None:
    for _ in range(250):
        server.client.get(PROCESS)
    url = f"{server.url}/__mock/foundations/default/requests?follow=true"
    with plain_http.stream("GET", url) as stream:
        lines = stream.iter_lines()
        assert [json.loads(next(lines))["number"] for _ in range(250)] == list(range(1, 251))
        server.client.delete("/__mock/foundations/default/requests")
        server.client.get(PROCESS)
        assert json.loads(next(lines))["number"] == 251
