"""A real Redis, or Valkey, in a process of its own that tests kill and start again."""

import shutil
import signal
import socket
import subprocess
from pathlib import Path

import redis

from tests.waiting import eventually

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")


class RedisProcess:
    """A Redis on a free port of this machine.

    Args:
        folder: where it keeps what it has; each write is there before it is answered.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._client = redis.Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        assert PROGRAM is not None
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--appendonly", "yes"]
        self._process = subprocess.Popen(
            [PROGRAM, *options, "--save", "", "--appendfsync", "no"], stdout=subprocess.DEVNULL
        )
        eventually(self._answers, what="Redis answers")

    def _answers(self) -> bool:
        try:
            return bool(self._client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """Ends it as a power failure would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def forget_all(self) -> None:
        self._client.flushall()

    def wait_for(self, names: list[str]) -> None:
        """Waits until it has a snapshot of each of these foundations."""
        keys = [f"mockfoundry:foundation:{name}" for name in names]
        eventually(lambda: self._client.exists(*keys) == len(keys), what="all are saved")

    def close(self) -> None:
        self._client.close()
        self.kill()
