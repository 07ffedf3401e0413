"""A server in a process of its own that tests kill and start again, and clients whose sequences show what it kept."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.serving import ADMIN, WEB
from tests.waiting import eventually


class ServerProcess:
    """`mockfoundry serve` with a store.

    Args:
        interval: as `--store-interval` takes it.
        log: what it prints is added there.
        workers: how many shards it has; with more than one nginx stands before them.
    """

    def __init__(self, store: str, interval: str, log: Path, workers: int = 1) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        serve = [sys.executable, "-m", "mockfoundry", "serve", "--until-stdin-ends"]
        self._command = [*serve, "--port", str(port), "--store-interval", interval, "--workers", str(workers)]
        self._environment = {**os.environ, "MOCKFOUNDRY_STORE": store}
        self._log = log
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        eventually(self._answers, what=f"{self.url} answers")

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log
        try:
            return httpx.get(f"{self.url}/__mock/health", trust_env=False).is_success
        except httpx.TransportError:
            return False

    @property
    def process_id(self) -> int:
        return self._process.pid

    def end(self, number: signal.Signals) -> None:
        assert self._process.stdin is not None
        self._process.send_signal(number)
        self._process.wait(timeout=120)
        self._process.stdin.close()

    def wait_for_snapshots(self, count: int) -> None:
        """Waits until it has written more than so many."""
        eventually(lambda: self.health()["written"] > count, what="much was saved")

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text(encoding="utf-8")

    def health(self, name: str = "default") -> dict[str, Any]:
        """What it says of its store: with several shards, the one that has the foundation of a name."""
        headers = {"X-Mock-Foundation": name}
        store: dict[str, Any] = httpx.get(f"{self.url}/__mock/health", headers=headers, trust_env=False).json()["store"]
        return store


MOST_INSTANCES = 30
"""As many as the default quota has room for, and fewer."""


def instances_of(count: int) -> int:
    """How many instances the scale of that number asks for: one more than the one before, or one again."""
    return (count - 1) % MOST_INSTANCES + 1


SCALE = f"/v3/processes/{WEB}/actions/scale"
JSON_OF_ADMIN = {**ADMIN, "Content-Type": "application/json"}


class Counting:
    """Clients that count up the instances of foundations, each in its own, until the server goes.

    Attributes:
        answered: the last count that was answered, by foundation.
    """

    def __init__(self, url: str, names: list[str], clients: int, most: int) -> None:
        self.answered = dict.fromkeys(names, 0)
        self._address = urlsplit(url).netloc
        self._most = most
        self._threads = [
            threading.Thread(target=self._count, args=(names[first::clients],), daemon=True) for first in range(clients)
        ]
        for each in self._threads:
            each.start()

    def _count(self, names: list[str]) -> None:
        with closing(HTTPConnection(self._address, timeout=60)) as connection:
            for count in range(1, self._most + 1):
                body = json.dumps({"instances": instances_of(count)})
                for name in names:
                    try:
                        connection.request("POST", f"/foundations/{name}{SCALE}", body, JSON_OF_ADMIN)
                        answer = connection.getresponse()
                        text = answer.read()
                    except (OSError, HTTPException):
                        return
                    if answer.status == 502:
                        # nginx answers for a shard that is gone.
                        return
                    assert answer.status == 202, text
                    self.answered[name] = count

    def wait_for(self, count: int) -> None:
        """Waits until more than so many requests were answered."""
        eventually(lambda: sum(self.answered.values()) > count, what="much was asked")

    def wait(self) -> None:
        """Waits until the clients have ended."""
        for each in self._threads:
            each.join()


def read_counts(url: str, names: list[str]) -> dict[str, int]:
    """How far each foundation has come; fails where it is not as it was at one moment.

    The number of a scale says how many instances it has asked for, so the world, the journal's numbers and each of its
    entries have to say the same.
    """
    counts: dict[str, int] = {}
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:

        def get(path: str) -> Any:
            connection.request("GET", path, headers=ADMIN)
            answer = connection.getresponse()
            content = answer.read()
            return None if answer.status == 404 else json.loads(content)

        for name in names:
            journal = get(f"/__mock/foundations/{name}/requests")
            if journal is None:
                counts[name] = 0
                continue
            numbers = [each["number"] for each in journal["requests"]]
            bodies = [each["body"]["instances"] for each in journal["requests"]]
            paths = {each["path"].split("/")[2] for each in journal["requests"]}
            recorded = journal["recorded"]
            assert numbers == [*range(1, recorded + 1)]
            assert (bodies, paths) == ([*map(instances_of, numbers)], {name} if numbers else set())
            scaled = get(f"/foundations/{name}/v3/processes/{WEB}")["instances"]
            assert not recorded or scaled == instances_of(recorded), (name, scaled, recorded)
            counts[name] = recorded
    return counts
