"""How long a client of another foundation waits at most while long calls are made."""

import json
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.bench.bystander import standing_by
from tests.bench.deadline import BenchError
from tests.bench.long_calls import list_long_calls
from tests.bench.servers import mock, running
from tests.bench.table import Aim, Table, at_most
from tests.default_seed import ADMIN


class Client:
    """A client that makes long calls; an answer that it does not expect ends the benchmark."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=600)

    def __call__(
        self, method: str, path: str, body: object = None, *, foundation: str = "", expects: int = 0
    ) -> object:
        headers = {**ADMIN, "Content-Type": "application/json"}
        if foundation:
            headers["X-Mock-Foundation"] = foundation
        content = None if body is None else json.dumps(body, separators=(",", ":"))
        self._connection.request(method, path, content, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if (answer.status != expects) if expects else (answer.status >= 300):
            raise BenchError(f"{method} {path} answered {answer.status}: {text[:500].decode()}")
        return answer.status


class Wait(NamedTuple):
    """The longest wait of a bystander during a call, and the most that the server worked in one; milliseconds."""

    call: str
    waited: float
    worked: float
    is_change: bool


def measure_waits(table: Table, size: int, *, each: bool) -> None:
    """How long a client of another foundation waits at most during each of the long calls.

    Args:
        each: whether every call has a row.
    """
    waits = []
    with running(mock()) as server, standing_by(server.url, server.pid) as bystander:
        client = Client(server.url)
        for call in list_long_calls(size):
            if call.prepare is not None:
                call.prepare(client)
            bystander.longest_waits()
            call.make(client)
            waits.append(Wait(call.name.strip(), *bystander.longest_waits(), call.is_change))
            if each:
                add_longest(table, f"longest wait of a bystander, {size:,}: {waits[-1].call}", waits[-1:])
    changes = [wait for wait in waits if wait.is_change]
    others = [wait for wait in waits if not wait.is_change]
    add_longest(table, f"longest wait of a bystander of {len(others)} long calls, {size:,}", others, at_most(50))
    add_longest(table, f"· of {len(changes)} calls that change a large world", changes)


def add_longest(table: Table, name: str, waits: list[Wait], aim: Aim | None = None) -> None:
    """A row of the longest of some waits, by the server's own work: what else the machine does is no part of it."""
    longest = max(waits, key=lambda wait: wait.worked)
    told = name if len(waits) == 1 else f"{name} ({longest.call})"
    table.add(told, [longest.waited], "ms", aim, {"waits": waits}, processor=[longest.worked], by_processor=True)
