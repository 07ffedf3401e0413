"""Waiting without a socket: it takes no thread, ends with its client, ends with the server, and is told truly."""

import asyncio
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import anyio
import httpx
import pytest

from mockfoundry.client import in_process
from mockfoundry.client.errors import ControlError, ServerGoneError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.scenarios.model import Hold, Respond, Rule, Scenario
from mockfoundry.server.waiting import Wait, Waits
from tests.client.scaling import PATH
from tests.serving import ADMIN
from tests.waiting import DEADLINE_SECONDS, SOONER_SECONDS, must_end

MANY = 100
"""More than there are threads for what an event loop can't wait for itself."""


@pytest.fixture
def server() -> Any:
    with InProcess() as started:
        yield started


def answering(**respond: Any) -> Scenario:
    return Scenario(name="answering", rules=(Rule(operation="scaleProcess", respond=Respond(**respond)),))


def holding(at: Any) -> Scenario:
    return answering(hold=Hold(at=at, name="gate"))


def client_of(server: InProcess, foundation: Foundation, patience: float | None = DEADLINE_SECONDS) -> httpx.Client:
    return httpx.Client(transport=server.transport(), base_url=foundation.url, headers=ADMIN, timeout=patience)


def async_client_of(server: InProcess, foundation: Foundation) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=server.async_transport(), base_url=foundation.url, headers=ADMIN, timeout=DEADLINE_SECONDS
    )


async def release(foundation: Foundation, count: int) -> None:
    """Lets so many requests go on, as soon as they are held."""
    # Without its block, whose end lets requests go on that nobody counts.
    held, released = foundation.hold("gate"), 0
    with anyio.fail_after(DEADLINE_SECONDS):
        while released < count:
            await anyio.lowlevel.checkpoint()
            released += held.release()


LOOPS = ("asyncio", "trio")


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("at", ["before-commit", "after-commit"])
def test_as_many_requests_are_held_in_one_loop_as_may_be(server: InProcess, at: str, loop: str) -> None:
    if loop == "trio":
        pytest.importorskip("trio")
    foundation = server.foundation()
    foundation.play(holding(at))
    statuses: list[int] = []

    async def run() -> None:
        async with async_client_of(server, foundation) as client, anyio.create_task_group() as tasks:

            async def scale() -> None:
                statuses.append((await client.post(PATH, json={"instances": 3})).status_code)

            for _ in range(MANY):
                tasks.start_soon(scale)
            await release(foundation, MANY)

    anyio.run(run, backend=loop)
    assert statuses == [202] * MANY


def test_calls_that_wait_keep_no_thread_from_the_others(server: InProcess) -> None:
    foundation = server.foundation()
    foundation.state()
    verify = f"{server.url}/__mock/foundations/{foundation.name}/verify"
    asked = {"operation": "scaleProcess", "within": "60s"}

    async def run() -> set[int]:
        async with async_client_of(server, foundation) as client:
            calls = [asyncio.ensure_future(client.post(verify, json=asked)) for _ in range(45)]
            await asyncio.sleep(0)
            assert (await client.get(f"{server.url}/__mock/health")).status_code == 200
            assert not any(each.done() and each.result().json()["matched"] for each in calls)
            assert (await client.post(PATH, json={"instances": 3})).status_code == 202
            return {answer.status_code for answer in await asyncio.gather(*calls)}

    assert asyncio.run(run()) == {200}


@pytest.mark.parametrize("at", ["before-commit", "after-commit"])
def test_a_client_that_is_cancelled_leaves_nothing_waiting(server: InProcess, at: str) -> None:
    foundation = server.foundation()
    foundation.play(holding(at))
    before = threading.active_count()

    async def run() -> None:
        async with async_client_of(server, foundation) as client:
            calls = [asyncio.ensure_future(client.post(PATH, json={"instances": 3})) for _ in range(3)]
            await asyncio.sleep(0)
            for each in calls:
                each.cancel()
            assert all(isinstance(each, asyncio.CancelledError) for each in await gathered(calls))

    asyncio.run(run())
    assert threading.active_count() == before
    with foundation.hold("gate") as held:
        assert held.release() == 0
    kept = at == "after-commit"
    assert [(each.kept, each.bytes_sent) for each in foundation.requests()] == [(kept, 0)] * 3


async def gathered(calls: "list[asyncio.Task[Any]]") -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


def test_the_end_of_the_server_ends_a_call_that_waits() -> None:
    caught: list[BaseException] = []
    with InProcess() as server:
        foundation = server.foundation()
        foundation.state()

        def wait() -> None:
            try:
                foundation.verify("scaleProcess", within="60s")
            except ServerGoneError as error:
                caught.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert [foundation.requests() for _ in range(20)] == [[]] * 20
        assert waiting.is_alive()
    must_end(waiting, within=SOONER_SECONDS)
    assert "has ended" in str(caught[0])


def test_the_end_of_the_server_ends_a_stream_that_is_followed() -> None:
    ended: list[str] = []
    with InProcess() as server:
        foundation, server_url = server.foundation(), server.url
        foundation.state()
        with client_of(server, foundation, patience=None) as client:

            def follow() -> None:
                try:
                    client.get(f"{server_url}/__mock/foundations/{foundation.name}/requests?follow=true")
                except httpx.ConnectError as error:
                    ended.append(str(error))

            following = threading.Thread(target=follow)
            following.start()
            assert [foundation.requests() for _ in range(20)] == [[]] * 20
            assert following.is_alive()
            server.__exit__(None, None, None)
            must_end(following)
    assert "has ended" in ended[0]


FAULTS = {"reset": 0.0, "empty": 0.0, "garbage": 0.0, "truncate": 0.5, None: 1.0}


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_journal_says_how_many_bytes_went_out(server: InProcess, fault: Any, phase: Any) -> None:
    foundation = server.foundation()
    respond: dict[str, Any] = {"phase": phase, "fault": fault} if fault else {"delay": 1_000}
    foundation.play(answering(**respond))
    with client_of(server, foundation) as client, suppress(httpx.TransportError):
        client.post(PATH, json={"instances": 3})
    entry = foundation.requests()[-1]
    # Nothing was made that could have been sent where the fault came before.
    length = int(entry.answer_headers.get("content-length", 0))
    assert entry.bytes_sent == int(length * FAULTS[fault])


def test_the_journal_says_that_a_client_that_left_was_sent_nothing(server: InProcess) -> None:
    foundation = server.foundation()
    foundation.play(holding("after-commit"))
    with client_of(server, foundation, patience=0.05) as client, pytest.raises(httpx.ReadTimeout):
        client.post(PATH, json={"instances": 3})
    assert [(each.kept, each.bytes_sent) for each in foundation.requests()] == [(True, 0)]


@pytest.mark.parametrize(
    ("at", "status"), [("before-commit", 503), pytest.param("after-commit", 202, marks=pytest.mark.long)]
)
def test_a_request_beyond_those_that_may_be_held_is_answered_at_once(server: InProcess, at: str, status: int) -> None:
    foundation = server.foundation()
    foundation.play(holding(at))
    most = 1_000

    async def run() -> Any:
        async with async_client_of(server, foundation) as client:
            held = [asyncio.ensure_future(client.post(PATH, json={"instances": 3})) for _ in range(most)]
            await asyncio.sleep(0)
            beyond = await client.post(PATH, json={"instances": 3})
            await release(foundation, most)
            assert {each.status_code for each in await asyncio.gather(*held)} == {202}
            return beyond

    beyond = asyncio.run(run())
    assert beyond.status_code == status
    assert ("x-mock-held" in beyond.headers) == (status == 202)
    assert status in {each.status for each in foundation.requests()}
    assert len(foundation.requests()) == most + 1


def test_a_client_waits_no_longer_because_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting ends one wait and begins the next; the client's time-out counts from its request."""
    moment = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: moment)

    def wait_twice() -> Waits[None]:
        yield Wait(None, ended)
        yield Wait(None, Future())

    ended: Future[None] = Future()
    steps = in_process.limit_patience(wait_twice(), 2.0)
    assert next(steps).seconds == 2.0
    ended.set_result(None)
    moment += 1.5
    assert next(steps).seconds == 0.5
    with pytest.raises(in_process.ResponseTooLateError):
        next(steps)


def test_a_hold_that_no_scenario_has_is_told_at_the_end_of_its_block(server: InProcess) -> None:
    foundation = server.foundation("held")
    foundation.play(holding("before-commit"))
    with foundation.hold("gate"):
        pass
    with foundation.hold("gate"):
        foundation.stop_all()
    foundation.play(holding("before-commit"))
    with pytest.raises(ControlError) as error, foundation.hold("gat"):
        pass
    assert str(error.value) == "no request was held under gat in held; did you mean gate?"
    foundation.stop_all()
    with pytest.raises(ControlError) as error, foundation.hold("gate"):
        pass
    assert str(error.value) == "no request was held under gate in held; no scenario that is on holds any"


def test_a_hold_whose_requests_went_on_before_its_block_ended_is_none_that_nobody_has(server: InProcess) -> None:
    foundation = server.foundation("gone-on")
    with (
        client_of(server, foundation) as client,
        ThreadPoolExecutor(1) as sending,
        foundation.hold("gate") as held,
    ):
        foundation.play(holding("before-commit"))
        waiting = sending.submit(client.post, PATH, json={"instances": 2})
        foundation.verify("scaleProcess", answered=False, within="60s")
        assert held.release() == 1
        assert waiting.result(DEADLINE_SECONDS).status_code == 202
        foundation.stop_all()
