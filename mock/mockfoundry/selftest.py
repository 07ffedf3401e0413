"""The selftest: whether rules fire exactly as often as they say under parallel requests, on the user's own machine."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import msgspec

from mockfoundry.assembly import build_service
from mockfoundry.foundations.bounds import ServerBounds
from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.options import ServerOptions
from mockfoundry.scenarios.model import Respond, Rule, Scenario
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.server.run import BackgroundServer

PARALLEL_REQUESTS = 32
TIMES = 5
SEQUENCE_STATUSES = (503, 409, 500, 429, 404, 422, 403, 401)
WEB = "6a901b7c-9417-4dc1-8189-d3234aa0ab82"

COUNTED = Scenario(
    name="counted",
    rules=(Rule(operation=("scaleProcess",), times=TIMES, respond=Respond(error="CF-Conflict")),),
)
IN_TURN = Scenario(
    name="in-turn",
    rules=(Rule(operation=("updateProcess",), sequence=tuple(Respond(status=status) for status in SEQUENCE_STATUSES)),),
)

_STATUS = re.compile(rb"HTTP/1\.1 (\d+)")
_MATCH = re.compile(rb"x-mock-why: scenario in-turn, rule 1, match (\d+) of")
_LENGTH = re.compile(rb"content-length: (\d+)")


class SelftestResult(msgspec.Struct):
    """What a selftest has found.

    Attributes:
        exact_counted_rounds: rounds in which a rule with `times: 5` fired exactly five times.
        exact_sequence_rounds: rounds in which a sequence of eight was complete, each step once and in its place.
        seconds: how long it took.
    """

    rounds: int
    exact_counted_rounds: int
    exact_sequence_rounds: int
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether every round was exact."""
        return self.exact_counted_rounds == self.exact_sequence_rounds == self.rounds


def run_selftest(rounds: int, step: Callable[[], None] = lambda: None) -> SelftestResult:
    """Plays rounds of 32 parallel requests, each round in its own foundation, on a server started for it.

    Args:
        step: called after each round.
    """
    now = time.time_ns() // 1000
    service = build_service(ServerOptions(), now)
    world = service.registry.get_or_create("default", now).world
    registry = FoundationRegistry(
        world, CompiledScenarios((COUNTED, IN_TURN)), ServerBounds(foundations=rounds + 1, journal=0)
    )
    began = time.monotonic()
    with BackgroundServer(replace(service, registry=registry)) as server:
        counted, in_turn = asyncio.run(play_rounds(server.port, rounds, step))
    return SelftestResult(rounds, counted, in_turn, time.monotonic() - began)


async def play_rounds(port: int, rounds: int, step: Callable[[], None]) -> tuple[int, int]:
    """How many rounds were exact: of the counted rule, and of the sequence."""
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(PARALLEL_REQUESTS)]
    counted = in_turn = 0
    try:
        for number in range(rounds):
            path = f"/foundations/round-{number}/v3/processes/{WEB}"
            heads = await send_together(connections, f"POST {path}/actions/scale")
            counted += [parse_status(head) for head in heads].count(409) == TIMES
            heads = await send_together(connections, f"PATCH {path}")
            steps = {int(match.group(1)): parse_status(head) for head in heads if (match := _MATCH.search(head))}
            statuses = [parse_status(head) for head in heads]
            in_turn += steps == dict(enumerate(SEQUENCE_STATUSES, 1)) and statuses.count(
                200
            ) == PARALLEL_REQUESTS - len(SEQUENCE_STATUSES)
            step()
    finally:
        for _, writer in connections:
            writer.close()
    return counted, in_turn


def parse_status(head: bytes) -> int:
    match = _STATUS.match(head)
    return int(match.group(1)) if match else 0


async def send_together(
    connections: Iterable[tuple[asyncio.StreamReader, asyncio.StreamWriter]], request: str
) -> list[bytes]:
    """Sends a request on every connection at once, and returns the heads of the responses."""
    data = (
        f"{request} HTTP/1.1\r\nHost: h\r\nAuthorization: bearer admin\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    ).encode()
    return await asyncio.gather(*(send_one(reader, writer, data) for reader, writer in connections))


async def send_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> bytes:
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    await reader.readexactly(int(length.group(1)) if length else 0)
    return head
