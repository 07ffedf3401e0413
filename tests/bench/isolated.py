"""What one isolated test costs with each tool, by one client (httpx, keep-alive). Runs with the peers on its path.

The job: fresh state; the first scale answers 409, the second 202; read the process; verify that two scales came.
WireMock and MockServer are warm servers, whose reset is their isolation; pytest-httpserver listens in a thread; respx
has no socket. Peers keep no state, and their read is a fixed answer, so they do less. Prints milliseconds as JSON.
"""

import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

import httpx

from mockfoundry import InProcess, Server
from tests.bench.peers import find_jar
from tests.serving import ADMIN, WEB

READ, SCALE = f"/v3/processes/{WEB}", f"/v3/processes/{WEB}/actions/scale"
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
def java(package: str, port_option: str, health: tuple[str, str], options: list[str]) -> Iterator[tuple[str, Any]]:
    """A server in Java, warm and on a free port: its URL, and a client."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["java", *options, "-jar", str(find_jar(package)), port_option, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client() as client:
            end = time.monotonic() + 60
            while True:
                try:
                    client.request(health[0], base + health[1]).raise_for_status()
                    break
                except httpx.HTTPError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.1)
            yield base, client
    finally:
        process.kill()
        process.wait()


@contextmanager
def wiremock() -> Iterator[Test]:
    with java("wiremock", "--port", ("GET", "/__admin/mappings"), []) as (base, client):

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
    quiet = ["-Dmockserver.logLevel=ERROR"]
    with java("mockserver-node", "-serverPort", ("PUT", "/mockserver/status"), quiet) as (base, client):

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
}
JAVA_TOOLS = {"wiremock": ("WireMock", wiremock), "mockserver-node": ("MockServer", mockserver)}


def measure(rounds: int, tests: int) -> dict[str, list[float]]:
    """Milliseconds of a test with each tool, a figure a round; the tools' rounds in turn."""
    tools = {**TOOLS, **dict(tool for package, tool in JAVA_TOOLS.items() if find_jar(package))}
    measured: dict[str, list[float]] = {name: [] for name in tools}
    with ExitStack() as stack:
        ready = {name: stack.enter_context(tool()) for name, tool in tools.items()}
        for test in ready.values():
            for _ in range(WARM_UP):
                test()
        for _ in range(rounds):
            for name, test in ready.items():
                began = time.perf_counter()
                for _ in range(tests):
                    test()
                measured[name].append((time.perf_counter() - began) / tests * 1000)
    return measured


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
