"""What a snapshot costs: its own time, and how long a client of another foundation waits meanwhile."""

import json
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.bystander import standing_by
from tests.bench.long_calls import control, large_seed
from tests.bench.servers import mock, running
from tests.bench.table import Table, at_most
from tests.bench.waits import Client, Wait, add_longest

SMALL = 50
"""How many foundations of one app are saved, each for itself."""


def measure_saves(table: Table, size: int, folder: Path) -> None:
    """Foundations of one app, and one of so many processes: saved, and read again by another process."""
    store = f"--store=file:{folder / 'saves'}"
    waits: list[Wait] = []
    with running(mock(store, "--store-interval", "1h")) as server, standing_by(server.url, server.pid) as bystander:
        client = Client(server.url)
        small = [f"small{number}" for number in range(SMALL)]
        for name in small:
            client("GET", "/v3/processes", foundation=name)
        table.add(
            "a snapshot of one app into a file, synchronized", [time_of_save(client, each) for each in small], "ms"
        )
        client("PUT", control("large"), large_seed(size))
        client("PATCH", control("large", "/clock"), {"advance": "1s"})
        before = count_bytes(server.url)
        bystander.longest_waits()
        figures = [time_of_save(client, "large")]
        waits.append(Wait("saving it", *bystander.longest_waits(), is_change=False))
        megabytes = (count_bytes(server.url) - before) / 1e6
        table.add(f"a snapshot of {size:,} processes ({megabytes:.1f} MB)", figures, "ms")
    with running(mock(store, "--store-interval", "1h")) as server, standing_by(server.url, server.pid) as bystander:
        client = Client(server.url)
        bystander.longest_waits()
        began = time.monotonic()
        client("GET", "/v3/processes?per_page=1", foundation="large")
        table.add("· read again at its first use", [(time.monotonic() - began) * 1e3], "ms")
        waits.append(Wait("reading it", *bystander.longest_waits(), is_change=False))
    add_longest(table, f"longest wait of a bystander of a snapshot, {size:,}", waits, at_most(50))


def time_of_save(client: Client, name: str) -> float:
    """Milliseconds until a foundation is saved."""
    began = time.monotonic()
    client("POST", control(name, "/save"))
    return (time.monotonic() - began) * 1e3


def count_bytes(url: str) -> int:
    """How many bytes of snapshots a server has written."""
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", "/__mock/health")
    written: int = json.loads(connection.getresponse().read())["store"]["bytes_written"]
    connection.close()
    return written
