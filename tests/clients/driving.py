"""A client as the flows need it: log in, look, scale, terminate, deploy. Says nothing of how a client does it."""

from typing import Literal, Protocol


class ClientFailureError(Exception):
    """The call failed; the text is what the client's user sees, on one line."""


class ClientDriver(Protocol):
    """One client, driven by calls that all clients have.

    A call finds the app by its name, and its web process among the app's processes, as the users of these clients do:
    none keeps a guid that a deployment has made old. Each call raises ClientFailureError where the client says so.

    Attributes:
        name: as the documents call it.
    """

    name: str

    def log_in(self, url: str, user: str = "admin", password: str = "admin") -> None:
        """Forgets who was logged in, and logs in at an address."""

    def apps(self) -> list[str]:
        """The names of all apps, all pages of them."""

    def processes(self, app: str) -> list[tuple[str, int]]:
        """Type and wanted instances of each process, in the order of the list."""

    def states(self, app: str) -> list[str]:
        """The states of the web process's instances, by index."""

    def scale(self, app: str, *, instances: int | None = None, memory_in_mb: int | None = None) -> None: ...

    def terminate(self, app: str, index: int) -> None: ...

    def check_health_by(self, app: str, health_check: Literal["port", "http", "process"]) -> None: ...

    def stop(self, app: str) -> None: ...

    def start(self, app: str) -> None: ...

    def restart(self, app: str) -> None: ...

    def deploy(self, app: str, strategy: Literal["rolling", "canary"] = "rolling") -> None:
        """Begins a deployment, and waits for nothing."""

    def deployment(self, app: str) -> str:
        """Value and reason of the newest deployment's status: `ACTIVE DEPLOYING`."""

    def go_on(self, app: str) -> None:
        """Continues the newest deployment, which is paused."""

    def events(self, app: str) -> list[str]:
        """The types of the app's audit events, newest first."""
