"""POST scale through each door, beside a bare app and peers; and memory after many requests."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench.peers import install_java_peers, mockserver, wiremock
from tests.bench.servers import CONNECTIONS, Server, Slice, bare, mock, post_scales, running
from tests.bench.table import Aim, Table, at_least, at_most
from tests.bench.turns import cost_ratios, take_turns

SCENARIOS = 10
RULES = 10_000

WARM_UP_SECONDS = 1
WARM_UP_SECONDS_OF_JAVA = 8
"""A compiler that works while its program runs has done most of it by then."""


def ten_scenarios(folder: Path) -> list[str]:
    """Options of ten scenarios of one rule each, none of which a request of the benchmark meets."""
    options = []
    for number in range(SCENARIOS):
        rule = {"operation": "scaleProcess", "when": {"path": {"guid": f"p{number}"}}, "respond": {"status": 409}}
        file = folder / f"s{number}.json"
        file.write_text(json.dumps({"scenario": f"s{number}", "rules": [rule]}), encoding="utf-8")
        options += ["--scenario", str(file)]
    return options


def many_rules(folder: Path) -> Path:
    """A scenario of ten thousand rules, none of which a request of the benchmark meets."""
    rule = {"operation": "scaleProcess", "respond": {"status": 409}}
    rules = [{**rule, "when": {"path": {"guid": f"p{number}"}}} for number in range(RULES)]
    file = folder / "many-rules.json"
    file.write_text(json.dumps({"scenario": "many-rules", "rules": rules}, separators=(",", ":")), encoding="utf-8")
    return file


def add_throughput(table: Table, name: str, these: list[Slice], those: list[Slice], aim: Aim | None = None) -> None:
    """A row of how much of what those get through these do; it counts by processor time."""
    compared = cost_ratios([each.cost() for each in those], [each.cost() for each in these])
    raw = {"this": these, "other": those}
    table.add(name, compared.by_clock, "", aim, raw, processor=compared.by_processor, by_processor=True)


def add_request_cost(table: Table, name: str, these: list[Slice], those: list[Slice], aim: Aim | None = None) -> None:
    """A row of what a request costs these, of what it costs those; it counts by processor time."""
    compared = cost_ratios([each.cost() for each in these], [each.cost() for each in those])
    raw = {"this": these, "other": those}
    table.add(name, compared.by_clock, "", aim, raw, processor=compared.by_processor, by_processor=True)


def measure_throughput(table: Table, rounds: int, seconds: int, folder: Path) -> None:
    """POST scale through each door, with and without what costs, of a bare app."""
    with ExitStack() as stack:
        servers: dict[str, Server] = {
            name: stack.enter_context(running(command))
            for name, command in {
                "bare": bare(),
                "door": mock(),
                "scenarios": mock(*ten_scenarios(folder)),
                "rules": mock("--scenario", str(many_rules(folder))),
                "no journal": mock("--max-journal", "0"),
                "asgi": mock("--door", "asgi"),
            }.items()
        }
        for server in servers.values():
            post_scales(server, WARM_UP_SECONDS)
        slices: dict[str, Callable[[], Slice]] = {
            name: partial(post_scales, server, seconds) for name, server in servers.items()
        }
        measured = take_turns(slices, rounds, within=100)
    door, plain = measured["door"], measured["bare"]
    title = f"POST scale, {CONNECTIONS} connections, of bare ASGI"
    add_throughput(table, f"{title}: protocol door, state, validation, journal", door, plain, at_least(0.8))
    add_throughput(table, "· and ten scenarios on that do not match", measured["scenarios"], plain, at_least(0.8))
    add_throughput(table, "· ASGI door", measured["asgi"], plain)
    table.add("· bare ASGI", [each.per_second for each in plain], "/s")
    rules = f"{RULES:,} rules that do not match, cost of a request, of none"
    add_request_cost(table, rules, measured["rules"], door, at_most(1.10))
    add_request_cost(table, "cost of a request with a journal, of one without", door, measured["no journal"])


def measure_peers(table: Table, rounds: int, seconds: int, folder: Path) -> None:
    """POST scale, of what servers in Java get through that do not keep a journal, or can't be told not to."""
    quiet = ("--no-request-journal", "--disable-request-logging")
    peers = {
        "WireMock": partial(wiremock, folder / "wiremock", *quiet),
        "MockServer": partial(mockserver, folder / "mockserver"),
    }
    without_java = install_java_peers()
    for name, starting in peers.items():
        row = f"POST scale, protocol door, of {name}'s"
        if without_java:
            table.leave_out(row, without_java)
            continue
        with running(mock()) as server, starting() as peer:
            post_scales(server, WARM_UP_SECONDS)
            post_scales(peer, WARM_UP_SECONDS_OF_JAVA)
            slices = {"door": partial(post_scales, server, seconds), "peer": partial(post_scales, peer, seconds)}
            measured = take_turns(slices, rounds, within=30)
        add_throughput(table, row, measured["door"], measured["peer"])


def measure_memory(table: Table, requests: int, within: float) -> None:
    """What a server holds after so many requests, beyond what a full journal holds."""
    with running(mock()) as server:
        before = server.resident_megabytes()
        full = asked = ask(server, requests // 4, within / 4)
        with_journal = server.resident_megabytes()
        asked += ask(server, requests - full, within * 3 / 4)
        after = server.resident_megabytes()
    table.add(f"resident after {asked:,} requests: growth since {full:,}", [after - with_journal], "MB", at_most(1))
    table.add("· growth before, by a journal of 8 MB and what it stands in", [with_journal - before], "MB")
    table.add("· resident then", [after], "MB")


def ask(server: Server, requests: int, within: float) -> int:
    """Sends so many POST scales, or as many as there is time for; returns how many."""
    asked, spent = 0, 0
    while asked < requests and spent < within:
        asked += post_scales(server, 2).requests
        spent += 2
    return asked
