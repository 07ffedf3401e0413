"""Clients in other languages: a program reads a call a line, and writes what came of it. Knows no language."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.clients.driving import ClientFailureError


class ProgramDriver:
    """Drives a program that runs as long as the driver is open.

    The program reads lines as `{"call": "scale", "app": "dora", "instances": 3}` and answers each with a line:
    `{"value": …}`, or `{"failure": "what its user sees"}`.

    Args:
        name: as the documents call the client.
        command: starts the program.
    """

    def __init__(self, name: str, command: list[str | Path]) -> None:
        self.name = name
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def log_in(self, url: str, user: str = "admin", password: str = "admin") -> None:
        self._call("log_in", url=url, user=user, password=password)

    def apps(self) -> list[str]:
        return list(self._call("apps"))

    def processes(self, app: str) -> list[tuple[str, int]]:
        return [(type_, instances) for type_, instances in self._call("processes", app=app)]

    def states(self, app: str) -> list[str]:
        return list(self._call("states", app=app))

    def scale(self, app: str, *, instances: int | None = None, memory_in_mb: int | None = None) -> None:
        asked = {"instances": instances, "memory_in_mb": memory_in_mb}
        self._call("scale", app=app, **{key: value for key, value in asked.items() if value is not None})

    def terminate(self, app: str, index: int) -> None:
        self._call("terminate", app=app, index=index)

    def check_health_by(self, app: str, health_check: str) -> None:
        self._call("check_health_by", app=app, health_check=health_check)

    def stop(self, app: str) -> None:
        self._call("stop", app=app)

    def start(self, app: str) -> None:
        self._call("start", app=app)

    def restart(self, app: str) -> None:
        self._call("restart", app=app)

    def deploy(self, app: str, strategy: str = "rolling") -> None:
        self._call("deploy", app=app, strategy=strategy)

    def deployment(self, app: str) -> str:
        return str(self._call("deployment", app=app))

    def go_on(self, app: str) -> None:
        self._call("go_on", app=app)

    def events(self, app: str) -> list[str]:
        return list(self._call("events", app=app))

    def _call(self, call: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": call, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the {self.name} program ended in the middle of {call}: its reason is above"
        answer = json.loads(line)
        if "failure" in answer:
            raise ClientFailureError(answer["failure"])
        return answer["value"]
