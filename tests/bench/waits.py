"""How long a client of another foundation waits at most while long calls are made."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.bench.bystander import standing_by
from tests.bench.long_calls import list_long_calls
from tests.bench.servers import mock, running
from tests.bench.table import Table, at_most
from tests.serving import ADMIN


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
            raise SystemExit(f"{method} {path} answered {answer.status}: {text[:500].decode()}")
        return answer.status


def measure_waits(table: Table, size: int) -> None:
    """How long a client of another foundation waits at most during each of the long calls."""
    with running(mock()) as (url, pid, _), standing_by(url, pid) as bystander:
        client = Client(url)
        for each in list_long_calls(size):
            if each.prepare is not None:
                each.prepare(client)
            bystander.longest_waits()
            each.make(client)
            waited, worked = bystander.longest_waits()
            raw = {"server's work, ms": [worked]}
            table.add(f"longest wait of a bystander, {size:,}: {each.name}", waited, "ms", at_most(50), raw)
