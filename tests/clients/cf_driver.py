"""The cf CLI, driven by its commands in a home of its own. Reads what it prints, as a person would."""

import os
import re
import subprocess
from pathlib import Path

from tests.clients.driving import ClientFailureError
from tests.waiting import DEADLINE_SECONDS

PROCESS = re.compile(r"^type:\s+(\S+)\n(?:.+\n)*?instances:\s+\d+/(\d+)", re.MULTILINE)
INSTANCE = re.compile(r"^#\d+\s+(\S+)", re.MULTILINE)
EVENT = re.compile(r"^\d{4}-\S+\s+(audit\.\S+|app\.crash)", re.MULTILINE)
DEPLOYMENT = re.compile(r"^Active deployment with status (\S+)", re.MULTILINE)


class CfDriver:
    """Drives a cf CLI.

    Args:
        command: the binary.
        home: an empty folder; cf keeps there who is logged in.
    """

    name = "cf"

    def __init__(self, command: Path, home: Path) -> None:
        self.command, self.home = command, home

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One cf command: its status, and what it printed, with stderr behind stdout."""
        environment = {**os.environ, "CF_HOME": str(self.home), "CF_COLOR": "false", "LANG": "C"}
        return subprocess.run(
            [self.command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment,
            timeout=DEADLINE_SECONDS,
        )

    def output(self, *arguments: str) -> str:
        """What a command printed that ended well."""
        done = self.run(*arguments)
        if done.returncode:
            raise ClientFailureError(complaint(done.stdout))
        return done.stdout

    def log_in(self, url: str, user: str = "admin", password: str = "admin") -> None:
        self.output("api", url)
        self.output("login", "-u", user, "-p", password)

    def apps(self) -> list[str]:
        printed = self.output("apps")
        return [line.split()[0] for line in printed.partition("\nname ")[2].splitlines()[1:] if line]

    def processes(self, app: str) -> list[tuple[str, int]]:
        return [(type_, int(wanted)) for type_, wanted in PROCESS.findall(self.output("app", app))]

    def states(self, app: str) -> list[str]:
        web = re.split(r"^type:\s+web$", self.output("app", app), flags=re.MULTILINE)[-1]
        return [state.upper() for state in INSTANCE.findall(web.partition("\ntype: ")[0])]

    def scale(self, app: str, *, instances: int | None = None, memory_in_mb: int | None = None) -> None:
        asked = ["-i", str(instances)] if instances is not None else []
        self.output("scale", app, *asked, *(["-m", f"{memory_in_mb}M", "-f"] if memory_in_mb is not None else []))

    def terminate(self, app: str, index: int) -> None:
        self.output("restart-app-instance", app, str(index))

    def check_health_by(self, app: str, health_check: str) -> None:
        self.output("set-health-check", app, health_check)

    def stop(self, app: str) -> None:
        self.output("stop", app)

    def start(self, app: str) -> None:
        self.output("start", app)

    def restart(self, app: str) -> None:
        self.output("restart", app)

    def deploy(self, app: str, strategy: str = "rolling") -> None:
        self.output("restart", app, "--strategy", strategy, "--no-wait")

    def deployment(self, app: str) -> str:
        found = DEPLOYMENT.search(self.output("app", app))
        return f"ACTIVE {found.group(1)}" if found else ""

    def go_on(self, app: str) -> None:
        self.output("continue-deployment", app, "--no-wait")

    def events(self, app: str) -> list[str]:
        return EVENT.findall(self.output("events", app))


def complaint(printed: str) -> str:
    """The words of a command that failed, on one line: what it printed, without what it was about to do."""
    lines = [line.strip() for line in printed.splitlines()]
    return " ".join(line for line in lines if line and line != "FAILED" and not line.endswith("..."))
