"""Processes that are killed: what was saved is there, whole, once, and in its own foundation."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from mockfoundry.foundations.shards import find_shard
from tests.shards.proxying import NGINX
from tests.shards.test_workers import children_of
from tests.store.conftest import StartServer
from tests.store.redis_process import RedisProcess
from tests.store.server_process import Counting, ServerProcess, read_counts
from tests.waiting import eventually

NAMES = [f"team-{number}" for number in range(20)]

ROUNDS = int(os.environ.get("KILLED_ROUNDS", "2"))
"""How often each of these is done: KILLED_ROUNDS=50 shows what is rare."""

CLIENTS = int(os.environ.get("KILLED_CLIENTS", "16"))
FOUNDATIONS = int(os.environ.get("KILLED_FOUNDATIONS", "100"))
"""How many there are of a server with shards."""

pytestmark = pytest.mark.long


def store_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == "file":
        return f"file:{tmp_path / 'kept'}"
    redis: RedisProcess = request.getfixturevalue("redis")
    return redis.url


needs_nginx = pytest.mark.skipif(not NGINX, reason="there is no nginx here")
each_size = pytest.mark.parametrize(
    ("workers", "clients", "names"),
    [
        pytest.param(1, 4, NAMES, id="one process"),
        pytest.param(4, CLIENTS, [f"team-{name}" for name in range(FOUNDATIONS)], id="shards", marks=needs_nginx),
    ],
)
each_store = pytest.mark.parametrize("kind", ["file", "redis"])


def end_in_the_middle(
    server: ServerProcess, number: int, how: signal.Signals, wait: Callable[[Counting, int], object]
) -> dict[str, tuple[int, int]]:
    """Ends a server that is asked, as soon as `wait` returns, and starts it again; how far it had answered, and has
    come, by foundation.

    Args:
        number: of the round, whose foundations no other one has.
    """
    names = [f"{name}-{number}" for name in NAMES]
    counting = Counting(server.url, names, 4, 1_000)
    wait(counting, number)
    server.end(how)
    counting.wait()
    server.start()
    kept = read_counts(server.url, names)
    return {name: (answered, kept[name]) for name, answered in counting.answered.items()}


@each_store
def test_sigterm_loses_nothing(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, start_server: StartServer
) -> None:
    """Everything that was answered is there, in the middle of requests; what was not answered is there or not."""
    server = start_server(store_of(kind, request, tmp_path), "1h")
    for number in range(ROUNDS):
        counts = end_in_the_middle(
            server, number, signal.SIGTERM, lambda counting, number: counting.wait_for(100 + 37 * (number % 50))
        )
        assert all(0 <= kept - answered <= 1 for answered, kept in counts.values()), counts


@each_store
def test_a_killed_server_is_as_in_its_last_snapshots(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, start_server: StartServer
) -> None:
    """None is mixed with another, none has anything twice; what came after the last snapshot is lost."""
    server = start_server(store_of(kind, request, tmp_path), "30ms")
    for number in range(ROUNDS):
        counts = end_in_the_middle(
            server, number, signal.SIGKILL, lambda _, number: server.wait_for_snapshots(40 + number)
        )
        assert any(kept for _, kept in counts.values())
        assert all(kept <= answered + 1 for answered, kept in counts.values()), counts


@each_size
def test_a_killed_redis_is_told_and_gets_everything_when_it_is_back(
    workers: int, clients: int, names: list[str], redis: RedisProcess, start_server: StartServer
) -> None:
    """Requests are answered from memory meanwhile."""
    server = start_server(redis.url, "30ms", workers)
    for number in range(ROUNDS):
        of_round = [f"{name}-{number}" for name in names]
        one_of_each_shard = [
            next(each for each in of_round if find_shard(each, workers) == at) for at in range(workers)
        ]

        def are_reachable(reachable: bool, asked: Sequence[str] = one_of_each_shard) -> bool:
            return all(server.health(name)["reachable"] is reachable for name in asked)

        counting = Counting(server.url, of_round, clients, 8)
        counting.wait_for(2 * len(names))
        redis.kill()
        eventually(lambda: are_reachable(False), what="it is told that Redis is away")
        counting.wait()
        assert set(counting.answered.values()) == {8}
        redis.start()
        eventually(lambda: are_reachable(True), what="it is told that Redis is back")
        redis.wait_for(of_round)
        assert not any(server.health(name)["refused"] for name in one_of_each_shard)
        server.end(signal.SIGTERM)
        server.start()
        assert set(read_counts(server.url, of_round).values()) == {8}
        delete_all(server.url, of_round)


def test_two_servers_with_the_same_names_are_told(redis: RedisProcess, start_server: StartServer) -> None:
    """Each keeps what it saved first, and the other says why it can't."""
    one, other = (start_server(redis.url, "1h") for _ in range(2))
    for server in (one, other):
        Counting(server.url, ["team"], 1, 3).wait()
    one.end(signal.SIGTERM)
    other.end(signal.SIGTERM)
    assert "the foundation team is not saved: another process (" in other.log
    assert "not saved" not in one.log
    one.start()
    assert read_counts(one.url, ["team"]) == {"team": 3}


@needs_nginx
@each_store
def test_a_busy_shard_that_is_killed_goes_on_from_its_store(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, start_server: StartServer
) -> None:
    """The others are as if nothing had been."""
    server = start_server(store_of(kind, request, tmp_path), "100ms", 4)
    for number in range(ROUNDS):
        names = [f"team-{name}-{number}" for name in range(FOUNDATIONS)]
        counting = Counting(server.url, names, CLIENTS, 10)
        counting.wait_for(4 * FOUNDATIONS)
        killed = number % 4
        line = f"--shard {killed}/4"
        os.kill(next(pid for pid, command in children_of(server.process_id).items() if line in command), signal.SIGKILL)
        counting.wait()
        eventually(lambda: can_all_be_asked(server.url), what="the shard is there again")
        kept = read_counts(server.url, names)
        lost = {name: (kept[name], count) for name, count in counting.answered.items() if kept[name] < count}
        assert all(find_shard(name, 4) == killed for name in lost), lost
        assert all(kept[name] <= count + 1 for name, count in counting.answered.items())
        assert any(kept[name] for name in names if find_shard(name, 4) == killed)
        delete_all(server.url, names)


def delete_all(url: str, names: list[str]) -> None:
    """Deletes foundations, so that a server has no more of them after many rounds than after one."""
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
        for name in names:
            connection.request("DELETE", f"/__mock/foundations/{name}")
            answer = connection.getresponse()
            answer.read()
            assert answer.status in (204, 404)


def can_all_be_asked(url: str) -> bool:
    """Whether each shard answers: those that do not are told in the list of foundations."""
    answer = httpx.get(f"{url}/__mock/foundations", trust_env=False)
    return answer.is_success and not answer.json()["unreachable"]
