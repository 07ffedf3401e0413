"""How late answers come at a set rate, beside a bare app at the same. Sends by itself, since wrk sets no rate."""

import re
import selectors
import socket
import time
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlsplit

from tests.bench.deadline import BenchError
from tests.bench.servers import CONNECTIONS, SCALE, Server, bare, beside_the_servers, mock, post_scales, running
from tests.bench.table import Table, at_most
from tests.bench.turns import ratios, take_turns


def measure_lateness(table: Table, rounds: int, seconds: int) -> None:
    """How late the hundredth of the answers comes that is latest, at half of what the bare app gets through."""
    with running(bare()) as bare_server, running(mock()) as server, beside_the_servers():
        post_scales(server, 1)
        # Of several slices the slowest: on a machine that is slower for a while the rate is to be half of its top.
        rate = min(post_scales(bare_server, 1).per_second for _ in range(3)) / 2
        slices = {"mockfoundry": partial(p99, server, rate, seconds), "bare": partial(p99, bare_server, rate, seconds)}
        late = take_turns(slices, rounds)
    name = f"p99 of POST scale at {rate:,.0f}/s, half of bare ASGI's top rate, of its"
    table.add(name, ratios(late["mockfoundry"], late["bare"]), "", at_most(1.2), late)
    for each, values in late.items():
        table.add(f"· {each}", values, "ms")


def p99(server: Server, rate: float, seconds: float) -> float:
    """Milliseconds after which 99 of 100 requests have their answers."""
    waits = sorted(send_at_rate(server.url, rate, seconds))
    return waits[len(waits) * 99 // 100] * 1000


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
                    raise BenchError(f"{url} answered {answer[:500]!r}")
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
