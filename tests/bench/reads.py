"""Reads beside a bare app that sends the same bytes. Starts no peers."""

import json
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.bench.counted import INSTANCES, PROCESSES, seed_document
from tests.bench.servers import Server, bare, get, mock, running
from tests.bench.table import Aim, Table, at_least
from tests.bench.throughput import add_throughput
from tests.bench.turns import take_turns
from tests.default_seed import ADMIN


class Read(NamedTuple):
    """A read of the world below, and how much of what a bare app gets through it should."""

    name: str
    path: str
    aim: Aim


def fetch(url: str, path: str) -> bytes:
    """The body of an answer."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request("GET", path, headers=ADMIN)
    body = connection.getresponse().read()
    connection.close()
    return body


def reads_of(server: Server) -> list[Read]:
    """The reads of a server that was started with the world of `make profile`."""
    processes = json.loads(fetch(server.url, f"/v3/processes?per_page={PROCESSES}"))["resources"]
    large = next(each["guid"] for each in processes if each["instances"] == INSTANCES)
    return [
        Read("GET process", f"/v3/processes/{large}", at_least(1.2)),
        Read(f"list of {PROCESSES}", f"/v3/processes?per_page={PROCESSES}", at_least(0.6)),
        Read(f"stats of {INSTANCES}", f"/v3/processes/{large}/stats", at_least(0.4)),
    ]


def write_seed(folder: Path) -> Path:
    file = folder / "reads.json"
    file.write_text(seed_document().text, encoding="utf-8")
    return file


def measure_reads(table: Table, rounds: int, seconds: int, folder: Path) -> None:
    """A process, a list and stats, each beside a bare app that sends the same bytes; rounds in turn."""
    with running(mock("--seed", str(write_seed(folder)))) as server:
        for name, path, aim in reads_of(server):
            body = fetch(server.url, path)
            sent = folder / "same-bytes.json"
            sent.write_bytes(body)
            with running(bare(str(sent))) as bare_server:
                slices = {"door": partial(get, server, path, seconds), "bare": partial(get, bare_server, path, seconds)}
                measured = take_turns(slices, rounds, within=40)
            row = f"{name} ({len(body):,} bytes), of a bare app that sends the same"
            add_throughput(table, row, measured["door"], measured["bare"], aim)
            table.add("· a second", [each.per_second for each in measured["door"]], "/s")
