"""`make profile`: what a request costs in bytecodes and calls, from `data_received` to `write`. Never measures time.

The figures are the same on a busy machine, so a change shows its cost there, too. They differ between versions of
Python: compare those of one version. `bench/README.md` says what they are.
"""

import argparse
import asyncio
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import uvicorn
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.server import ServerState

from mockfoundry.assembly import build_service
from mockfoundry.documents.problems import Document
from mockfoundry.options import ServerOptions
from mockfoundry.server.limits import ServerLimits
from mockfoundry.server.protocol import make_protocol_class
from mockfoundry.version import __version__

HISTORY = Path(__file__).parents[2] / "bench" / "history.jsonl"

PROCESSES = 50
INSTANCES = 20
SCENARIOS = 10
WARM_UP = 40


class Count(NamedTuple):
    """What one request costs.

    Attributes:
        bytes_written: of the whole answer.
    """

    bytecodes: int
    python_calls: int
    c_calls: int
    bytes_written: int


class FakeTransport(asyncio.Transport):
    """Keeps what is written to it, of a connection that never closes."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 8080)})
        self.written = b""

    def write(self, data: Any) -> None:
        self.written = bytes(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        raise SystemExit(f"the connection was closed after {self.written[:500]!r}")

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def seed_document() -> Document:
    """A space of fifty processes, whose first has twenty instances."""
    apps = [
        {"name": f"app-{number}", "processes": [{"type": "web", "instances": INSTANCES if number == 0 else 2}]}
        for number in range(PROCESSES)
    ]
    seed = {"organizations": [{"name": "acme", "spaces": [{"name": "production", "apps": apps}]}]}
    return Document(json.dumps(seed), "profile.json")


def scenario_documents() -> tuple[Document, ...]:
    """Scenarios of one rule each, which no request here meets."""
    documents = []
    for number in range(SCENARIOS):
        rule = {"operation": "scaleProcess", "when": {"path": {"guid": f"p{number}"}}, "respond": {"status": 409}}
        documents.append(Document(json.dumps({"scenario": f"s{number}", "rules": [rule]}), f"s{number}.json"))
    return tuple(documents)


def request_bytes(method: str, target: str, body: str = "") -> bytes:
    """A request as wrk sends it."""
    head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAuthorization: bearer admin\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n{body}".encode("ascii")


def connect(options: ServerOptions) -> tuple[asyncio.Protocol, FakeTransport]:
    """A connection to a server of its own by the protocol door."""
    service = build_service(options, time.time_ns() // 1000)

    def no_control() -> Any:
        raise SystemExit("no control call is made here")

    async def no_app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        raise SystemExit("a request went the long way through the ASGI door")

    config = uvicorn.Config(no_app, log_config=None, access_log=False, lifespan="off", ws="none")
    protocol = make_protocol_class(service, ServerLimits.from_options(options), no_control)(
        config, ServerState(), {}, asyncio.get_running_loop()
    )
    transport = FakeTransport()
    protocol.connection_made(transport)
    return protocol, transport


def count_bytecodes(call: Callable[[], object]) -> int:
    """How many bytecodes a call runs."""
    counted = 0

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any]:
        nonlocal counted
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        counted += event == "opcode"
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return counted


def count_calls(call: Callable[[], object]) -> tuple[int, int]:
    """How many calls of functions of Python, and of C, a call makes."""
    counted = {"call": 0, "c_call": 0}

    def profile(_: FrameType, event: str, __: object) -> None:
        if event in counted:
            counted[event] += 1

    sys.setprofile(profile)
    try:
        call()
    finally:
        # This is a call of C itself.
        sys.setprofile(None)
    return counted["call"], counted["c_call"] - 1


def count_request(protocol: asyncio.Protocol, transport: FakeTransport, requests: Sequence[bytes]) -> Count:
    """What a request costs once all before it have warmed up what is remembered: the least of several.

    Args:
        requests: sent in turn, so that each changes what the one before it has left.
    """
    turn = 0

    def send() -> None:
        nonlocal turn
        turn += 1
        protocol.data_received(requests[turn % len(requests)])

    for _ in range(WARM_UP):
        send()
    head = transport.written[:12]
    if head not in {b"HTTP/1.1 200", b"HTTP/1.1 202"}:
        raise SystemExit(f"{requests[0]!r} was answered by {transport.written[:500]!r}")
    overhead = count_bytecodes(lambda: None)
    calls = min(count_calls(send) for _ in range(5))
    return Count(
        min(count_bytecodes(send) for _ in range(5)) - overhead, calls[0] - 1, calls[1], len(transport.written)
    )


async def count_all(scenarios: tuple[Document, ...]) -> dict[str, Count]:
    """What one request of each kind costs, by its name."""
    counts = {}
    options = ServerOptions(seed=seed_document(), scenarios=scenarios)
    protocol, transport = connect(options)
    protocol.data_received(request_bytes("GET", "/v3/processes?per_page=50"))
    listed = json.loads(transport.written.partition(b"\r\n\r\n")[2])["resources"]
    assert len(listed) == PROCESSES
    large = next(process["guid"] for process in listed if process["instances"] == INSTANCES)
    small = next(process["guid"] for process in listed if process["instances"] != INSTANCES)
    kinds = {
        "scale": [
            request_bytes("POST", f"/v3/processes/{small}/actions/scale", json.dumps({"instances": instances}))
            for instances in (1, 2, 3)
        ],
        "get": [request_bytes("GET", f"/v3/processes/{small}")],
        "list_of_50": [request_bytes("GET", "/v3/processes?per_page=50")],
        "stats_of_20": [request_bytes("GET", f"/v3/processes/{large}/stats")],
    }
    for name, requests in kinds.items():
        counts[name] = count_request(protocol, transport, requests)
    return counts


def keep(counted: dict[str, dict[str, Count]]) -> None:
    """Adds the figures to the history as a line of its own."""
    line = {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": platform.python_version(),
        "counted": {kind: {name: count[:3] for name, count in counts.items()} for kind, counts in counted.items()},
    }
    with HISTORY.open("a", encoding="utf-8") as history:
        history.write(json.dumps(line) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make profile ARGS=…", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="add a line to bench/history.jsonl")
    chosen = parser.parse_args()
    counted = {
        "no_scenario": asyncio.run(count_all(())),
        "ten_scenarios": asyncio.run(count_all(scenario_documents())),
    }
    sys.stdout.write(f"mockfoundry {__version__}, Python {platform.python_version()}, protocol door\n\n")
    sys.stdout.write("| request | bytecodes | Python calls | C calls | bytes written |\n|---|---|---|---|---|\n")
    for kind, counts in counted.items():
        for name, count in counts.items():
            title = f"{name.replace('_', ' ')}, {kind.replace('_', ' ')}"
            sys.stdout.write(f"| {title} | " + " | ".join(f"{figure:,}" for figure in count) + " |\n")
    if chosen.keep:
        keep(counted)


if __name__ == "__main__":
    main()
