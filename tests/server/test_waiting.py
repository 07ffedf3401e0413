"""What a request waits for: who has gone gives a place back, and what takes long keeps nobody waiting."""

import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import pytest

from mockfoundry.control.context import MAX_WAITING_CALLS
from mockfoundry.exchange.response import HoldKey, PendingRequest, Response, json_response, response_from_refusal
from mockfoundry.server.waiting import MAX_WORKERS, ServerEndedError, WaitingRoom, Waits, Workers
from tests.serving import Serving, service_of
from tests.waiting import DEADLINE_SECONDS, eventually

VERIFY = "/__mock/foundations/default/verify"


@contextmanager
def calls_that_wait(url: str, count: int) -> Iterator[None]:
    """So many clients whose verification waits, until the block ends; then they close their connections."""
    parts = urlsplit(url)
    body = json.dumps({"operation": "scaleProcess", "within": "60s"}).encode()
    head = f"POST {VERIFY} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(count):
            connection = socket.create_connection((str(parts.hostname), int(parts.port or 0)))
            stack.enter_context(connection).sendall(head.encode() + body)
        yield


@pytest.mark.parametrize("door", ["protocol", "asgi"])
def test_a_call_that_waits_gives_its_place_back_when_its_client_leaves(
    serve: Callable[..., Serving], door: str
) -> None:
    server = serve(door=door)
    server.client.put("/__mock/foundations/default")

    def is_full() -> bool:
        asked = {"operation": "scaleProcess", "within": "10ms"}
        return server.client.post(VERIFY, json=asked).status_code == 503

    # More than there are places, since each question takes one too, perhaps before one of these calls.
    with calls_that_wait(server.url, 2 * MAX_WAITING_CALLS):
        eventually(is_full, what="as many calls wait as may")
    eventually(lambda: not is_full(), what="their places are free again")


def run(steps: Waits[Response], before_each: Callable[[], None] = lambda: None) -> Response:
    """What steps return, each wait waited for in this thread."""
    try:
        while True:
            wait = next(steps)
            before_each()
            if wait.done is not None:
                wait.done.exception(wait.seconds)
    except StopIteration as stop:
        returned: Response = stop.value
        return returned


def respond_with_thread(_: int, thread: object) -> Response:
    return json_response(200, str(thread), "")


def test_work_runs_beside_the_place_where_exchanges_are_made() -> None:
    room = WaitingRoom(1, service_of().registry)
    pending = PendingRequest(
        resume=respond_with_thread, give_up=response_from_refusal, work=lambda: threading.current_thread().name
    )
    assert b"mockfoundry-worker" in run(room.respond(pending)).body
    room.close()


def test_the_end_of_a_process_does_not_wait_for_its_work() -> None:
    program = (
        "import threading\n"
        "from mockfoundry.server.waiting import Workers\n"
        "workers, begun = Workers(), threading.Event()\n"
        "workers.submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "begun.wait()\n"
        "workers.close()\n"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=DEADLINE_SECONDS, check=False).returncode == 0


def test_work_that_was_not_begun_is_cancelled_at_the_end() -> None:
    workers, released = Workers(), threading.Event()
    begun = [workers.submit(released.wait) for _ in range(MAX_WORKERS)]
    eventually(lambda: all(each.running() for each in begun), what="each thread has work")
    waiting = workers.submit(released.wait)
    workers.close()
    released.set()
    assert [each.result(DEADLINE_SECONDS) for each in begun] == [True] * MAX_WORKERS
    assert waiting.cancelled()


def test_work_that_fails_is_logged_and_answered_with_a_500(caplog: pytest.LogCaptureFixture) -> None:
    room = WaitingRoom(1, service_of().registry)
    pending = PendingRequest(resume=respond_with_thread, give_up=response_from_refusal, work=lambda: 1 // 0)
    with caplog.at_level(logging.ERROR):
        assert run(room.respond(pending)).status == 500
    assert "ZeroDivisionError" in caplog.text
    room.close()


def test_what_waits_for_news_ends_with_the_server_and_is_no_longer_subscribed() -> None:
    room, subscribed = WaitingRoom(1, service_of().registry), list[Callable[[], None]]()

    def subscribe(wake: Callable[[], None]) -> Callable[[], None]:
        subscribed.append(wake)
        return subscribed.clear

    pending = PendingRequest(
        resume=respond_with_thread, give_up=response_from_refusal, until=subscribe, until_at_most=60_000_000
    )
    with pytest.raises(ServerEndedError):
        run(room.respond(pending), before_each=room.close)
    assert subscribed == []


@pytest.mark.parametrize("delay", [0, 1])
def test_a_hold_is_over_where_its_world_ended_during_the_delay_before(delay: int) -> None:
    registry = service_of().registry
    room, generation = WaitingRoom(1, registry), registry.get_or_create("mine", 0).generation
    waiting = PendingRequest(
        resume=respond_with_thread,
        give_up=response_from_refusal,
        delay=delay,
        hold=HoldKey(generation, "gate"),
        hold_at_most=3_600_000_000,
    )

    def end_world() -> None:
        registry.delete("mine")

    assert run(room.respond(waiting), before_each=end_world).status == 200
    assert room.holds.release(HoldKey(generation, "gate")) == 0


def test_news_ends_the_wait_and_the_request_looks_again() -> None:
    room = WaitingRoom(1, service_of().registry)
    wakes: list[Callable[[], None]] = []

    def subscribe(wake: Callable[[], None]) -> Callable[[], None]:
        wakes.append(wake)
        return wakes.clear

    looks = iter((True, False))

    def look(*_: object) -> Response | PendingRequest:
        return waiting if next(looks) else json_response(200, None, "")

    def wake() -> None:
        wakes[0]()

    waiting = PendingRequest(resume=look, give_up=response_from_refusal, until=subscribe, until_at_most=60_000_000)
    assert run(room.respond(waiting), before_each=wake).status == 200
    assert wakes == []
