"""A scale by https, beside one by plain HTTP on kept connections: whether TLS stays in the same class of speed."""

from functools import partial

from tests.bench.servers import mock, post_scales, running
from tests.bench.table import Table, at_most
from tests.bench.throughput import WARM_UP_SECONDS, add_request_cost
from tests.bench.turns import take_turns

ANNOUNCES = r"https://[\d.]+:(\d+)"


def measure_https(table: Table, rounds: int, seconds: int) -> None:
    with running(mock()) as plain, running(mock("--tls"), announces=ANNOUNCES, scheme="https") as encrypted:
        for server in (plain, encrypted):
            post_scales(server, WARM_UP_SECONDS)
        slices = {"http": partial(post_scales, plain, seconds), "https": partial(post_scales, encrypted, seconds)}
        measured = take_turns(slices, rounds, within=20)
    add_request_cost(
        table,
        "POST scale by https, cost of a request, of one by http",
        measured["https"],
        measured["http"],
        at_most(1.5),
    )
