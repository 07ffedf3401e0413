"""Which clients are at hand, and how each is built and started. Knows no flow.

Run as a program it has clients meet every failure anew, and writes what was seen: `make clients-observed`.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mockfoundry.client.server import Server
from tests.clients.cf_driver import CfDriver
from tests.clients.driving import ClientDriver
from tests.clients.failures import FAILURES, observe, read_observations, write_observations
from tests.clients.program_driver import ProgramDriver
from tests.clients.python_driver import PythonDriver

HERE = Path(__file__).parent
DOORS = HERE.parents[1] / "docs" / "clients"
BUILDS = HERE.parents[1] / "build" / "clients"

CLIENTS: dict[str, pytest.MarkDecorator | tuple[()]] = {
    "python": (),
    "java": pytest.mark.long,
    "go": pytest.mark.clients,
    "autoscaler": pytest.mark.clients,
    "cf": pytest.mark.clients,
}
"""Each client, and which tests it belongs to: those of every day, the long ones, those of `make test-clients`."""


class NotAtHandError(Exception):
    """A client can't be run here; the text says what is missing."""


def each_of(*names: str) -> pytest.MarkDecorator:
    """A test that is run for each of these clients, as the fixture `client`."""
    return pytest.mark.parametrize("client", [pytest.param(name, marks=CLIENTS[name]) for name in names], indirect=True)


def open_client(name: str, home: Path) -> AbstractContextManager[ClientDriver]:
    """A client, to be closed at the end.

    Args:
        home: an empty folder for what the client keeps.

    Raises:
        NotAtHandError: it needs something that is not here.
    """
    if name == "python":
        return nullcontext(PythonDriver())
    if name == "java":
        return ProgramDriver(name, java_command())
    if name == "cf":
        return nullcontext(CfDriver(must_be_named("CF", "the cf CLI"), home))
    return ProgramDriver(name, [*go_command(), "retrying"] if name == "autoscaler" else go_command())


def must_be_named(variable: str, what: str) -> Path:
    """The path that an environment variable names."""
    path = os.environ.get(variable, "")
    if not path:
        raise NotAtHandError(f"NOT TRIED WITH {what}: make test-clients {variable}=/path/to/it")
    return Path(path).resolve(strict=True)


def go_command() -> list[str | Path]:
    """Builds the program over a checkout of go-cfclient."""
    checkout = must_be_named("GO_CFCLIENT", "go-cfclient")
    must_be_installed("go-cfclient", "go")
    with built_alone("go") as folder:
        shutil.copytree(HERE / "go", folder, dirs_exist_ok=True)
        (folder / "internal" / "mockfoundry").mkdir(parents=True, exist_ok=True)
        shutil.copy(DOORS / "mockfoundry.go", folder / "internal" / "mockfoundry")
        for command in (
            ["go", "mod", "edit", f"-replace=github.com/cloudfoundry/go-cfclient/v3={checkout}"],
            ["go", "mod", "tidy"],
            ["go", "build", "-o", "flows", "."],
        ):
            subprocess.run(command, cwd=folder, check=True)
        return [folder / "flows"]


def java_command() -> list[str | Path]:
    """Builds the program over cf-java-client, which Maven brings."""
    must_be_installed("cf-java-client", "java", "mvn")
    with built_alone("java") as folder:
        shutil.copytree(HERE / "java", folder, dirs_exist_ok=True)
        subprocess.run(["mvn", "--quiet", "--batch-mode", "-Dmaven.test.skip=true", "package"], cwd=folder, check=True)
        return ["java", "-cp", f"{folder}/target/classes:{folder}/target/dependency/*", "Flows"]


def must_be_installed(what: str, *commands: str) -> None:
    missing = [each for each in commands if shutil.which(each) is None]
    if missing:
        raise NotAtHandError(f"NOT TRIED WITH {what}: there is no {' and no '.join(missing)} here")


@contextmanager
def built_alone(name: str) -> Iterator[Path]:
    """A folder to build in, for one of the tests' processes at a time."""
    folder = BUILDS / name
    folder.mkdir(parents=True, exist_ok=True)
    with (BUILDS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def observe_anew() -> None:
    """Has every client at hand meet every failure, and writes what was seen; those not at hand keep what they have."""
    seen = read_observations()
    with Server() as server, ExitStack() as stack:
        for name in CLIENTS:
            try:
                client = stack.enter_context(open_client(name, Path(stack.enter_context(TemporaryDirectory()))))
            except NotAtHandError as error:
                sys.stderr.write(f"{error}\n")
                continue
            seen[name] = {}
            for failure in FAILURES:
                foundation = server.foundation()
                client.log_in(foundation.url)
                seen[name][failure.key] = observe(client, foundation, failure)
    write_observations(seen)


if __name__ == "__main__":
    observe_anew()
