"""Served without a socket: what a client meets is what it meets over one, with httpx and httpx2, sync and async."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

import httpx
import httpx2
import pytest

from mockfoundry.client.errors import ControlError, ServerGoneError
from mockfoundry.client.foundation import Foundation
from mockfoundry.client.in_process import InProcess
from mockfoundry.client.server import Server
from mockfoundry.scenarios.model import Hold, Respond, Rule, Scenario
from mockfoundry.wire_faults import INSTANT_FAULT_NAMES, WIRE_FAULT_NAMES, DribbleFault
from tests.serving import ADMIN, WEB
from tests.waiting import DEADLINE_SECONDS, eventually, must_end

Name = Literal["httpx", "httpx2"]
Ask = Callable[..., Any]

NAMES: tuple[Name, ...] = ("httpx", "httpx2")
LIBRARIES: dict[Name, Any] = {"httpx": httpx, "httpx2": httpx2}
MOMENT = "2090-01-01T00:00:00Z"


def sync(name: Name, server: InProcess | None, base: str, patience: float = DEADLINE_SECONDS) -> Ask:
    """A way to ask with a library, in process where a server is given, else over a socket.

    Args:
        patience: seconds without anything of the answer after which the client leaves.
    """
    library = LIBRARIES[name]
    timeout = library.Timeout(DEADLINE_SECONDS, read=patience)

    def ask(method: str, path: str, **options: Any) -> Any:
        transport = None if server is None else server.transport(name)
        with library.Client(
            transport=transport, base_url=base, headers=ADMIN, timeout=timeout, trust_env=False, verify=False
        ) as client:
            return client.request(method, path, **options)

    return ask


def asynchronous(name: Name, server: InProcess | None, base: str, patience: float = DEADLINE_SECONDS) -> Ask:
    """The same with the library's async client."""
    library = LIBRARIES[name]
    timeout = library.Timeout(DEADLINE_SECONDS, read=patience)

    def ask(method: str, path: str, **options: Any) -> Any:
        async def run() -> Any:
            transport = None if server is None else server.async_transport(name)
            async with library.AsyncClient(
                transport=transport, base_url=base, headers=ADMIN, timeout=timeout, trust_env=False, verify=False
            ) as client:
                return await client.request(method, path, **options)

        return asyncio.run(run())

    return ask


WAYS = {"sync": sync, "async": asynchronous}


@pytest.fixture(scope="module")
def in_process() -> Any:
    with InProcess() as server:
        yield server


def met(ask: Ask, name: Name, method: str, path: str, **options: Any) -> tuple[Any, ...]:
    """What comes of a request: the answer, or the error of the library's own."""
    try:
        answer = ask(method, path, **options)
    except LIBRARIES[name].TransportError as error:
        return (type(error).__name__,)
    return answer.status_code, answer.reason_phrase, answer.headers.multi_items(), answer.content


SCALE = f"/v3/processes/{WEB}/actions/scale"

REQUESTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", "/v3/processes?per_page=1&order_by=-created_at", {}),
    ("GET", f"/v3/processes/{WEB}", {}),
    ("HEAD", f"/v3/processes/{WEB}", {}),
    ("GET", f"/v3/processes/{WEB}", {"headers": {"Authorization": ""}}),
    ("GET", "/v3/processes/no%20such%2Fone?x=%C3%A4", {}),
    ("DELETE", "/v3/processes", {}),
    ("POST", SCALE, {"json": {"instances": 3}}),
    ("POST", SCALE, {"json": {"instances": -1}}),
    ("POST", SCALE, {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ("POST", SCALE, {"data": {"instances": "2"}}),
    ("POST", SCALE, {"json": {"instances": 2}, "headers": {"Prefer": "code=422"}}),
    ("POST", SCALE, {"json": {"instances": 2}, "headers": {"X-Mock-Scenario": "conflict"}}),
    ("POST", SCALE, {"json": {"instances": 2}, "headers": {"X-Request-Id": "mine"}}),
    ("PATCH", f"/v3/processes/{WEB}", {"content": b"x" * (1024 * 1024 + 1)}),
    ("DELETE", f"/v3/processes/{WEB}/instances/0", {}),
    ("GET", "/v3/processes", {"headers": {"X-Large": "x" * 40_000}}),
    ("GET", "/v3/processes?guids=" + "x" * 9_000, {}),
    ("GET", "/v3/processes?guids=" + "x" * 40_000, {}),
    ("GET", "/v3/processes/%FF", {}),
    ("GET", f"/v3/processes/{WEB}.json", {}),
    ("PURGE", "/v3/processes", {}),
)


def alike(server: Server, in_process: InProcess, *scenarios: Scenario) -> tuple[Foundation, Foundation]:
    """A foundation over a socket and one in process, equal in everything down to the time."""
    seed = server.foundation("model").state()
    pair = server.foundation("alike", seed=seed), in_process.foundation("alike", seed=seed)
    for foundation in pair:
        foundation.clock.freeze()
        foundation.clock.set(MOMENT)
        for each in scenarios:
            foundation.play(each)
    return pair


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_requests_are_answered_as_over_a_socket(server: Server, in_process: InProcess, name: Name, way: str) -> None:
    over, within = alike(server, in_process)
    # Where the client thinks that the server is makes its links, and nothing else.
    over_ask, within_ask = WAYS[way](name, None, over.url), WAYS[way](name, in_process, over.url)
    for method, path, options in REQUESTS:
        expected = met(over_ask, name, method, path, **options)
        assert met(within_ask, name, method, path, **options) == expected, (method, path)
    in_process_told, over_told = (
        [(each.number, each.status, each.why, each.body) for each in foundation.requests("scaleProcess")]
        for foundation in (within, over)
    )
    assert in_process_told == over_told


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("fault", WIRE_FAULT_NAMES)
def test_faults_are_met_as_over_a_socket(
    server: Server, in_process: InProcess, fault: Any, phase: Any, name: Name, way: str
) -> None:
    breaking = Scenario(
        name="breaking", rules=(Rule(operation="scaleProcess", respond=Respond(fault=fault, phase=phase)),)
    )
    over, within = alike(server, in_process, breaking)
    # A client leaves what is slow: no sooner than this, and the next piece comes later.
    patience = DEADLINE_SECONDS if fault in INSTANT_FAULT_NAMES else 0.1
    expected = met(WAYS[way](name, None, over.url, patience), name, "POST", SCALE, json={"instances": 3})
    found = met(WAYS[way](name, in_process, within.url, patience), name, "POST", SCALE, json={"instances": 3})
    assert found == expected
    assert len(found) == 1, "a fault is an error"
    kept = 3 if phase == "after" else 1
    over.verify("scaleProcess", times=1, within="60s")
    assert within.process("dora").instances == over.process("dora").instances == kept
    assert [(each.fault, each.kept) for each in within.requests()] == [(fault, phase == "after")]


@pytest.mark.parametrize(("name", "way"), [("httpx", "sync"), ("httpx2", "async")])
def test_a_dribbled_body_comes_whole_to_a_patient_client(
    in_process: InProcess, quick_dribble: DribbleFault, name: Name, way: str
) -> None:
    foundation = in_process.foundation()
    foundation.play(
        Scenario(name="slow", rules=(Rule(operation="scaleProcess", respond=Respond(fault="dribble", phase="after")),))
    )
    answer = WAYS[way](name, in_process, foundation.url)("POST", SCALE, json={"instances": 3})
    assert answer.json()["instances"] == 3
    assert answer.elapsed.total_seconds() > 0.8 * quick_dribble.total_seconds


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("quick_dribble")
def test_an_answer_without_a_body_has_nothing_to_dribble(
    server: Server, in_process: InProcess, name: Name, way: str
) -> None:
    rule = Rule(operation="terminateProcessInstance", respond=Respond(fault="dribble", phase="after"))
    over, within = alike(server, in_process, Scenario(name="slow", rules=(rule,)))
    path = f"/v3/processes/{WEB}/instances/0"
    expected, found = (
        met(WAYS[way](name, where, foundation.url), name, "DELETE", path)
        for where, foundation in ((None, over), (in_process, within))
    )
    assert found == expected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_delay_longer_than_the_client_waits_is_a_timeout_at_once(in_process: InProcess, name: Name, way: str) -> None:
    foundation = in_process.foundation()
    foundation.play(
        Scenario(name="late", rules=(Rule(operation="scaleProcess", respond=Respond(delay=3_600_000_000)),))
    )
    with pytest.raises(LIBRARIES[name].ReadTimeout):
        WAYS[way](name, in_process, foundation.url)("POST", SCALE, json={"instances": 3})
    assert foundation.process("dora").instances == 1


@pytest.mark.parametrize("at", ["before-commit", "after-commit"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_held_is_released_from_another_thread(in_process: InProcess, name: Name, way: str, at: Any) -> None:
    foundation = in_process.foundation()
    foundation.play(
        Scenario(name="held", rules=(Rule(operation="scaleProcess", respond=Respond(hold=Hold(at=at, name="gate"))),))
    )
    answers: list[int] = []
    ask = WAYS[way](name, in_process, foundation.url)
    client = threading.Thread(target=lambda: answers.append(ask("POST", SCALE, json={"instances": 3}).status_code))
    client.start()
    with foundation.hold("gate") as held:
        eventually(held.release, what="a scale is held")
    must_end(client)
    assert answers == [202]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_leaves_takes_its_request_with_it(in_process: InProcess, name: Name, way: str) -> None:
    foundation = in_process.foundation()
    hold = Hold(at="before-commit", name="gate")
    foundation.play(Scenario(name="held", rules=(Rule(operation="scaleProcess", respond=Respond(hold=hold)),)))
    with pytest.raises(LIBRARIES[name].ReadTimeout):
        WAYS[way](name, in_process, foundation.url, 0.05)("POST", SCALE, json={"instances": 3})
    assert foundation.process("dora").instances == 1
    (entry,) = foundation.requests()
    assert (entry.status, entry.answered, entry.kept, entry.bytes_sent) == (None, True, False, 0)
    with foundation.hold("gate") as held:
        assert held.release() == 0


def test_control_calls_go_through_the_transport_too(in_process: InProcess) -> None:
    ask = sync("httpx", in_process, "http://anywhere")
    assert ask("GET", "/__mock/health").json()["status"] == "ready"
    assert ask("PUT", "/__mock/foundations/mine").status_code == 201
    refused = asynchronous("httpx2", in_process, "http://anywhere")("GET", "/__mock/foundations/none")
    assert (refused.status_code, refused.headers["content-type"]) == (404, "application/problem+json")
    with pytest.raises(ControlError, match="did you mean conflict"):
        in_process.foundation().play("conflicts")


def test_a_test_in_an_event_loop_may_ask_its_foundation(in_process: InProcess) -> None:
    async def run() -> int:
        foundation = in_process.foundation()
        async with httpx.AsyncClient(
            transport=in_process.async_transport(), base_url=foundation.url, headers=ADMIN
        ) as client:
            await client.post(SCALE, json={"instances": 4})
        foundation.verify("scaleProcess", times=1)
        return foundation.process("dora").instances

    assert asyncio.run(run()) == 4


def test_a_transport_outlives_its_server_with_a_clear_error() -> None:
    with InProcess(scenarios=["conflict"]) as server:
        foundation, transport = server.foundation(), server.transport()
        with httpx.Client(transport=transport, base_url=foundation.url, headers=ADMIN) as client:
            assert client.post(SCALE, json={"instances": 3}).status_code == 409
    with (
        httpx.Client(transport=transport, base_url=foundation.url) as client,
        pytest.raises(httpx.ConnectError, match="inside its `with` block"),
    ):
        client.get("/v3/processes")
    with pytest.raises(ServerGoneError, match="has ended"):
        foundation.state()


def test_httpx2_is_needed_by_nobody_who_does_not_ask_for_it() -> None:
    script = (
        "import sys; sys.modules['httpx2'] = None\n"
        "from mockfoundry import InProcess\n"
        "with InProcess() as server:\n"
        "    server.transport(), server.async_transport(), server.foundation().state()\n"
        "    try:\n"
        "        server.transport('httpx2')\n"
        "    except ImportError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.stdout == "httpx2 is not installed; pip install httpx2 brings it\n", done.stderr


def test_the_version_alone_loads_no_other_room() -> None:
    script = "import mockfoundry, sys; print([each for each in sys.modules if each.startswith('mockfoundry.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.stdout == "['mockfoundry.version']\n", done.stderr
