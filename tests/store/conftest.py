"""Servers and a real Redis, each in a process of its own, for the tests that need them."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.store.redis_process import PROGRAM, RedisProcess
from tests.store.server_process import ServerProcess


class StartServer(Protocol):
    """Starts a server with a store that is saved to at this interval."""

    def __call__(self, store: str, interval: str, workers: int = 1) -> ServerProcess: ...


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers that end with the test."""
    started: list[ServerProcess] = []

    def start(store: str, interval: str, workers: int = 1) -> ServerProcess:
        server = ServerProcess(store, interval, tmp_path / f"log-{len(started)}", workers)
        started.append(server)
        return server

    yield start
    for each in started:
        each.end(signal.SIGKILL)


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    """A Redis that has nothing yet."""
    if PROGRAM is None:
        pytest.skip("there is neither redis-server nor valkey-server here")
    process = RedisProcess(tmp_path_factory.mktemp("redis"))
    yield process
    process.close()
