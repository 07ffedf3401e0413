"""What much of something costs: foundations, processes, rules. Each beside the small case, in rounds that alternate."""

import json
import statistics
import time
from functools import partial
from pathlib import Path

import httpx

from tests.bench.servers import bare, beside_the_servers, mock, post_scales, running
from tests.bench.table import Table, at_most
from tests.bench.throughput import add_request_cost
from tests.bench.turns import take_turns
from tests.default_seed import ADMIN, WEB

MANY = 10_000
PROCESSES = 100_000
PAGES = 200
"""How often each page of a list is read."""


def measure_foundations(table: Table, rounds: int, seconds: int) -> None:
    """What ten thousand foundations cost on one server, in time and in memory."""
    with running(mock()) as server, running(bare()) as plain:
        post_scales(server, 1, foundations=1)
        before = server.resident_megabytes()
        made, floor = [], []
        with (
            beside_the_servers(),
            httpx.Client(base_url=server.url, headers=ADMIN, timeout=60) as client,
            httpx.Client(base_url=plain.url, headers=ADMIN, timeout=60) as other,
        ):
            for number in range(MANY):
                path = f"/foundations/f{number}/v3/nothing"
                made.append(milliseconds_of(client, path))
                floor.append(milliseconds_of(other, path))
        kilobytes = (server.resident_megabytes() - before) * 1024 / MANY
        # Each is used once before, so that no slice pays for the first requests of many.
        post_scales(server, 4 * seconds, foundations=MANY)
        measured = take_turns(
            {
                "one": partial(post_scales, server, seconds, foundations=1),
                "many": partial(post_scales, server, seconds, foundations=MANY),
            },
            rounds,
        )
        used = server.resident_megabytes()
    name = f"{MANY:,} foundations round robin, cost of a request, of one"
    add_request_cost(table, name, measured["many"], measured["one"], at_most(1.15))
    table.add("· memory of each until it is used", [kilobytes], "KB", at_most(30))
    table.add("· the first request to one, by httpx, median", [statistics.median(made)], "ms", at_most(1))
    table.add("· a bare app's answer to the same client, median", [statistics.median(floor)], "ms")
    table.add("· resident with their journals, by default 128 MB at most", [used], "MB")


def measure_large_world(table: Table, rounds: int, seconds: int, folder: Path) -> None:
    """What a world of a hundred thousand processes costs: its start from a seed, a page of its list, and a scale."""
    seed = str(write_large_seed(folder))
    with running(mock()) as small, running(mock("--seed", seed)) as large:
        for server in (small, large):
            post_scales(server, 1)
        slices = {"small": partial(post_scales, small, seconds), "large": partial(post_scales, large, seconds)}
        measured = take_turns(slices, rounds)
        name = f"{PROCESSES:,} processes, cost of a request, of the small world"
        add_request_cost(table, name, measured["large"], measured["small"], at_most(1.10))
        table.add("· start to the first answer", [large.started], "s", at_most(8))
        with beside_the_servers(), httpx.Client(base_url=large.url, headers=ADMIN, timeout=60) as client:
            for page, number in (("first", 1), ("last", PROCESSES // 50)):
                path = f"/v3/processes?per_page=50&page={number}"
                assert len(client.get(path).json()["resources"]) == 50
                taken = [milliseconds_of(client, path) for _ in range(PAGES)]
                table.add(f"· the {page} page of 50, by httpx, median", [statistics.median(taken)], "ms", at_most(5))
        table.add("· resident", [large.resident_megabytes()], "MB")


def write_large_seed(folder: Path) -> Path:
    """A seed of so many processes in fifty spaces; among them the one that the benchmark scales."""
    kinds = [{"type": "web", "instances": 2, "memory_in_mb": 64}, {"type": "worker", "instances": 1}]
    apps: list[dict[str, object]] = [
        {"name": f"app-{number}", "processes": kinds} for number in range(PROCESSES // len(kinds))
    ]
    apps[0]["processes"] = [{**kinds[0], "guid": WEB}, kinds[1]]
    spaces = [{"name": f"space-{number}", "apps": apps[number::50]} for number in range(50)]
    file = folder / "large.json"
    file.write_text(json.dumps({"organizations": [{"name": "acme", "spaces": spaces}]}), encoding="utf-8")
    return file


def milliseconds_of(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path)
    return (time.perf_counter() - began) * 1000
