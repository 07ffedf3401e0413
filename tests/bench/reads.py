"""Reads beside a bare app that sends the same bytes, and how late answers come at a set rate. Starts no peers."""

import json
import re
import selectors
import socket
import statistics
import sys
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.counted import INSTANCES, PROCESSES, seed_document
from tests.bench.servers import BARE, CONNECTIONS, SCALE, mock, reads_per_second, requests_per_second, running
from tests.bench.table import Aim, Table, at_least, at_most
from tests.serving import ADMIN


def fetch(url: str, path: str) -> bytes:
    """The body of an answer."""
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", path, headers=ADMIN)
    body = connection.getresponse().read()
    connection.close()
    return body


def measure_reads(table: Table, rounds: int, seconds: int, folder: Path) -> None:
    """A process, a list and stats, each beside a bare app that sends the same bytes; rounds in turn."""
    seed = folder / "reads.json"
    seed.write_text(seed_document().text, encoding="utf-8")
    with running(mock("--seed", str(seed))) as (url, _, _):
        processes = json.loads(fetch(url, f"/v3/processes?per_page={PROCESSES}"))["resources"]
        large = next(each["guid"] for each in processes if each["instances"] == INSTANCES)
        reads: list[tuple[str, str, Aim]] = [
            ("GET process", f"/v3/processes/{large}", at_least(1.2)),
            (f"list of {PROCESSES}", f"/v3/processes?per_page={PROCESSES}", at_least(0.6)),
            (f"stats of {INSTANCES}", f"/v3/processes/{large}/stats", at_least(0.4)),
        ]
        for name, path, aim in reads:
            body = fetch(url, path)
            sent = folder / "same-bytes.json"
            sent.write_bytes(body)
            with running([sys.executable, str(BARE), str(sent)]) as (bare, _, _):
                measured: dict[str, list[float]] = {"mockfoundry": [], "bare": []}
                for _ in range(rounds):
                    measured["mockfoundry"].append(reads_per_second(url + path, seconds))
                    measured["bare"].append(reads_per_second(bare + path, seconds))
            ratio = statistics.median(measured["mockfoundry"]) / statistics.median(measured["bare"])
            table.add(f"{name} ({len(body):,} bytes), of a bare app that sends the same", ratio, "", aim, measured)


def measure_lateness(table: Table, rounds: int, seconds: int) -> None:
    """How late the hundredth of the answers comes that is latest, at half of what the bare app gets through."""
    servers = {"bare": [sys.executable, str(BARE)], "mockfoundry": mock()}
    with ExitStack() as stack:
        urls = {name: stack.enter_context(running(command))[0] for name, command in servers.items()}
        for url in urls.values():
            requests_per_second(url, 1)
        rate = requests_per_second(urls["bare"], seconds) / 2
        late: dict[str, list[float]] = {name: [] for name in urls}
        for _ in range(rounds):
            for name, url in urls.items():
                waits = sorted(send_at_rate(url, rate, seconds))
                late[name].append(waits[len(waits) * 99 // 100] * 1000)
    ratio = statistics.median(late["mockfoundry"]) / statistics.median(late["bare"])
    table.add(
        f"p99 of POST scale at {rate:,.0f}/s, half of bare ASGI's top rate, of its", ratio, "", at_most(1.2), late
    )
    for name, values in late.items():
        table.add(f"· {name}", statistics.median(values), "ms")


def send_at_rate(url: str, rate: float, seconds: float) -> list[float]:
    """How long each request waited for its answer, in seconds from when it was due, whether or not it could be sent.

    A request that is due while every connection waits is sent on the next free one, and has waited since it was due.
    """
    place = urlsplit(url)
    body = b'{"instances": 2}'
    request = (
        f"POST {SCALE} HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: bearer admin\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode("ascii") + body
    waits: list[float] = []
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        free: list[socket.socket] = []
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection((str(place.hostname), int(place.port or 80))))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ)
            free.append(connection)
        due_of: dict[socket.socket, float] = {}
        received = dict.fromkeys(free, b"")
        began, sent, wanted = time.perf_counter(), 0, int(rate * seconds)
        while len(waits) < wanted:
            due = began + sent / rate
            if sent < wanted and free and time.perf_counter() >= due:
                connection = free.pop()
                connection.sendall(request)
                due_of[connection] = due
                sent += 1
                continue
            for key, _ in selector.select(0):
                answered = key.fileobj
                assert isinstance(answered, socket.socket)
                received[answered] += answered.recv(65_536)
                answer = received[answered]
                if not answer.startswith(b"HTTP/1.1 202"):
                    raise SystemExit(f"{url} answered {answer[:500]!r}")
                if not is_whole(answer):
                    continue
                received[answered] = b""
                waits.append(time.perf_counter() - due_of.pop(answered))
                free.append(answered)
    return waits


def is_whole(answer: bytes) -> bool:
    """Whether all of an answer has come; a server may send its head and its body one after the other."""
    head, ended, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return bool(ended) and length is not None and len(body) >= int(length.group(1))
