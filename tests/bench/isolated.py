"""What one isolated test costs with each tool, by one client (httpx, keep-alive). Runs with the peers on its path.

The job: fresh state; the first scale answers 409, the second 202; read the process; verify that two scales came.
WireMock and MockServer are warm servers, whose reset is their isolation; pytest-httpserver listens in a thread; respx
has no socket. Peers keep no state, and their read is a fixed answer, so they do less. Of mockfoundry it imports only
what is public, so that it measures other versions, too.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from mockfoundry import InProcess, Server
from tests.bench.deadline import end_by_exception_on_sigterm
from tests.bench.peers import bare_mockserver, bare_wiremock
from tests.bench.servers import PROCESS as READ
from tests.bench.servers import SCALE, processor_clock
from tests.default_seed import ADMIN, WEB

ANSWER = {"guid": WEB, "instances": 5, "filler": "x" * 1200}
CONFLICT = {"errors": [{"code": 10409, "title": "CF-Conflict", "detail": "Scale is already in progress"}]}
WARM_UP = 100

Test = Callable[[], None]


def use(client: httpx.Client, base: str) -> None:
    """What the test's subject does."""
    assert client.post(base + SCALE, json={"instances": 5}, headers=ADMIN).status_code == 409
    assert client.post(base + SCALE, json={"instances": 5}, headers=ADMIN).status_code == 202
    assert client.get(base + READ, headers=ADMIN).json()["instances"] == 5


@contextmanager
def mockfoundry_by_socket() -> Iterator[Test]:
    with Server() as server, httpx.Client() as client:

        def test() -> None:
            foundation = server.foundation()
            foundation.play("conflict-then-ok")
            use(client, foundation.url)
            foundation.verify("scaleProcess", times=2)
            foundation.delete()

        yield test


@contextmanager
def mockfoundry_in_process() -> Iterator[Test]:
    with InProcess() as server:

        def test() -> None:
            foundation = server.foundation()
            foundation.play("conflict-then-ok")
            with httpx.Client(transport=server.transport(), verify=False) as client:  # noqa: S501
                use(client, foundation.url)
            foundation.verify("scaleProcess", times=2)
            foundation.delete()

        yield test


@contextmanager
def pytest_httpserver() -> Iterator[Test]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server_class: Any = import_module("pytest_httpserver").HTTPServer
    with server_class() as server, httpx.Client() as client:

        def test() -> None:
            server.clear()
            server.expect_ordered_request(SCALE, method="POST").respond_with_json(CONFLICT, status=409)
            server.expect_ordered_request(SCALE, method="POST").respond_with_json(ANSWER, status=202)
            server.expect_request(READ).respond_with_json(ANSWER)
            use(client, server.url_for("").rstrip("/"))
            assert len([1 for request, _ in server.log if request.path == SCALE]) == 2

        yield test


@contextmanager
def respx() -> Iterator[Test]:
    library: Any = import_module("respx")

    def test() -> None:
        with library.mock(base_url="http://cf.test") as mock:
            scale = mock.post(SCALE)
            scale.side_effect = [httpx.Response(409, json=CONFLICT), httpx.Response(202, json=ANSWER)]
            mock.get(READ).respond(json=ANSWER)
            # A TLS context takes longer than all else, and is not what is measured.
            with httpx.Client(verify=False) as client:  # noqa: S501
                use(client, "http://cf.test")
            assert scale.call_count == 2

    yield test


@contextmanager
def wiremock() -> Iterator[Test]:
    with TemporaryDirectory() as folder, bare_wiremock(Path(folder)) as (base, _, _), httpx.Client() as client:

        def stub(method: str, url: str, status: int, body: object, state: str = "") -> None:
            answer = {"status": status, "jsonBody": body, "headers": {"Content-Type": "application/json"}}
            mapping: dict[str, object] = {"request": {"method": method, "url": url}, "response": answer}
            if state:
                mapping |= {"scenarioName": "s", "requiredScenarioState": state, "newScenarioState": "second"}
            assert client.post(f"{base}/__admin/mappings", json=mapping).status_code == 201

        def test() -> None:
            client.post(f"{base}/__admin/reset")
            stub("POST", SCALE, 409, CONFLICT, "Started")
            stub("POST", SCALE, 202, ANSWER, "second")
            stub("GET", READ, 200, ANSWER)
            use(client, base)
            counted = client.post(f"{base}/__admin/requests/count", json={"method": "POST", "url": SCALE}).json()
            assert counted["count"] == 2

        yield test


@contextmanager
def mockserver() -> Iterator[Test]:
    with bare_mockserver() as (base, _, _), httpx.Client() as client:

        def expect(method: str, path: str, status: int, body: object, times: int = 0) -> None:
            headers = {"content-type": ["application/json"]}
            expectation: dict[str, object] = {
                "httpRequest": {"method": method, "path": path},
                "httpResponse": {"statusCode": status, "body": json.dumps(body), "headers": headers},
            }
            if times:
                expectation["times"] = {"remainingTimes": times, "unlimited": False}
            assert client.put(f"{base}/mockserver/expectation", json=expectation).status_code == 201

        def test() -> None:
            client.put(f"{base}/mockserver/reset")
            expect("POST", SCALE, 409, CONFLICT, 1)
            expect("POST", SCALE, 202, ANSWER)
            expect("GET", READ, 200, ANSWER)
            use(client, base)
            wanted = {"httpRequest": {"method": "POST", "path": SCALE}, "times": {"atLeast": 2, "atMost": 2}}
            assert client.put(f"{base}/mockserver/verify", json=wanted).status_code == 202

        yield test


TOOLS = {
    "mockfoundry by socket": mockfoundry_by_socket,
    "pytest-httpserver": pytest_httpserver,
    "mockfoundry in process": mockfoundry_in_process,
    "respx": respx,
    "WireMock": wiremock,
    "MockServer": mockserver,
}


def answer_questions(names: list[str]) -> None:
    """Makes these tools ready, then reads a line for each slice, a tool and how many tests; writes what a test took.

    What can't be made ready is told on the first line, and asked for no more. Milliseconds are by the clock, and of
    processor time of this process and the servers that it has started.
    """
    with ExitStack() as stack:
        tests: dict[str, Test] = {}
        failed: dict[str, str] = {}
        for name in names:
            try:
                test = stack.enter_context(TOOLS[name]())
                for _ in range(WARM_UP):
                    test()
            except Exception as error:
                failed[name] = f"{type(error).__name__}: {error}"
            else:
                tests[name] = test
        write({"failed": failed})
        for line in sys.stdin:
            name, _, count = line.strip().rpartition(" ")
            began, used = time.perf_counter(), processor_seconds()
            for _ in range(int(count)):
                tests[name]()
            passed, used = time.perf_counter() - began, processor_seconds() - used
            write({"milliseconds": [passed / int(count) * 1000, used / int(count) * 1000]})


def processor_seconds() -> float:
    """What this process and those that it has started have used so far."""
    children = [
        int(pid) for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text("ascii").split()
    ]
    return time.process_time() + sum(time.clock_gettime(processor_clock(pid)) for pid in children)


def write(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    end_by_exception_on_sigterm()
    answer_questions(sys.argv[1:])
