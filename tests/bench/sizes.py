"""What much of something costs: foundations, processes, rules. Each beside the small case, in rounds that alternate."""

import json
import statistics
import time
from pathlib import Path

import httpx

from tests.bench.servers import mock, requests_per_second, resident_megabytes, running
from tests.bench.table import Table, at_most
from tests.serving import ADMIN, WEB

MANY = 10_000


def measure_foundations(table: Table, rounds: int, seconds: int) -> None:
    """What ten thousand foundations cost on one server, in time and in memory."""
    with running(mock()) as (url, pid, _):
        requests_per_second(url, 1, foundations=1)
        before = resident_megabytes(pid)
        began = time.monotonic()
        with httpx.Client(base_url=url, headers=ADMIN) as client:
            for number in range(MANY):
                client.get(f"/foundations/f{number}/v3/nothing")
        each = (time.monotonic() - began) * 1000 / MANY
        made = resident_megabytes(pid)
        measured: dict[str, list[float]] = {"one": [], "many": []}
        for _ in range(rounds):
            measured["one"].append(requests_per_second(url, seconds, foundations=1))
            measured["many"].append(requests_per_second(url, seconds, foundations=MANY))
        used = resident_megabytes(pid)
    kilobytes = (made - before) * 1024 / MANY
    ratio = statistics.median(measured["one"]) / statistics.median(measured["many"])
    table.add(f"{MANY:,} foundations round robin, cost of a request, of one", ratio, "", at_most(1.15), measured)
    table.add("· memory of each until it is used", kilobytes, "KB", at_most(30))
    table.add("· a request to a new one, by httpx", each, "ms", at_most(1))
    table.add("· resident with their journals, by default 128 MB at most", used, "MB")


def measure_large_world(table: Table, rounds: int, seconds: int, folder: Path, processes: int = 100_000) -> None:
    """What a world of a hundred thousand processes costs: its start from a seed, a page of its list, and a scale."""
    kinds = [{"type": "web", "instances": 2, "memory_in_mb": 64}, {"type": "worker", "instances": 1}]
    apps: list[dict[str, object]] = [
        {"name": f"app-{number}", "processes": kinds} for number in range(processes // len(kinds))
    ]
    # The benchmark scales this one.
    apps[0]["processes"] = [{**kinds[0], "guid": WEB}, kinds[1]]
    spaces = [{"name": f"space-{number}", "apps": apps[number::50]} for number in range(50)]
    file = folder / "large.json"
    file.write_text(json.dumps({"organizations": [{"name": "acme", "spaces": spaces}]}), encoding="utf-8")
    with running(mock()) as (small, _, _), running(mock("--seed", str(file))) as (url, pid, started):
        measured: dict[str, list[float]] = {"small": [], "large": []}
        requests_per_second(small, 1), requests_per_second(url, 1)
        for _ in range(rounds):
            measured["small"].append(requests_per_second(small, seconds))
            measured["large"].append(requests_per_second(url, seconds))
        ratio = statistics.median(measured["small"]) / statistics.median(measured["large"])
        table.add(f"{processes:,} processes, cost of a request, of the small world", ratio, "", at_most(1.10), measured)
        table.add("· start to the first answer", started, "s", at_most(8))
        for name, page in (("first", 1), ("last", processes // 50)):
            table.add(f"· the {name} page of 50, by httpx", page_milliseconds(url, page), "ms", at_most(5))
        table.add("· resident", resident_megabytes(pid), "MB")


def page_milliseconds(url: str, page: int, times: int = 200) -> float:
    """The median time of a page of the list of processes."""
    taken = []
    with httpx.Client(base_url=url, headers=ADMIN) as client:
        for _ in range(times):
            began = time.monotonic()
            shown = client.get(f"/v3/processes?per_page=50&page={page}").json()
            taken.append(time.monotonic() - began)
    assert len(shown["resources"]) == 50
    return statistics.median(taken) * 1000


def many_rules(folder: Path) -> Path:
    """A scenario of ten thousand rules, none of which a request of the benchmark meets."""
    rule = {"operation": "scaleProcess", "respond": {"status": 409}}
    rules = [{**rule, "when": {"path": {"guid": f"p{number}"}}} for number in range(MANY)]
    file = folder / "many-rules.json"
    file.write_text(json.dumps({"scenario": "many-rules", "rules": rules}, separators=(",", ":")), encoding="utf-8")
    return file
