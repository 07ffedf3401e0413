"""cloudfoundry-client of PyPI, driven as its users write it: managers, links, and its own get, post, patch, delete."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from cloudfoundry_client.client import CloudFoundryClient
from cloudfoundry_client.errors import InvalidStatusCode
from oauth2_client.credentials_manager import OAuthError

from tests.clients.driving import ClientFailureError


@contextmanager
def failures() -> Iterator[None]:
    """What the library raises, as the flows know it."""
    try:
        yield
    except (InvalidStatusCode, OAuthError, requests.RequestException, ValueError) as error:
        raise ClientFailureError(f"{type(error).__name__}: {error}") from error


class PythonDriver:
    """Drives `CloudFoundryClient`."""

    name = "python"

    def __init__(self) -> None:
        self.client: Any = None

    @failures()
    def log_in(self, url: str, user: str = "admin", password: str = "admin") -> None:
        self.client = CloudFoundryClient(url)
        self.client.init_with_user_credentials(user, password)

    @failures()
    def apps(self) -> list[str]:
        return [each["name"] for each in self.client.v3.apps.list()]

    @failures()
    def processes(self, app: str) -> list[tuple[str, int]]:
        return [(each["type"], each["instances"]) for each in self._app(app).processes()]

    @failures()
    def states(self, app: str) -> list[str]:
        return [each["state"] for each in self._web(app).stats()]

    @failures()
    def scale(self, app: str, *, instances: int | None = None, memory_in_mb: int | None = None) -> None:
        asked = {"instances": instances, "memory_in_mb": memory_in_mb}
        self._web(app).scale(data={key: value for key, value in asked.items() if value is not None})

    @failures()
    def terminate(self, app: str, index: int) -> None:
        self.client.delete(f"{self._web(app)['links']['self']['href']}/instances/{index}")

    @failures()
    def check_health_by(self, app: str, health_check: str) -> None:
        self.client.patch(self._web(app)["links"]["self"]["href"], json={"health_check": {"type": health_check}})

    @failures()
    def stop(self, app: str) -> None:
        self._app(app).stop()

    @failures()
    def start(self, app: str) -> None:
        self._app(app).start()

    @failures()
    def restart(self, app: str) -> None:
        self.client.v3.apps.restart(self._app(app)["guid"])

    @failures()
    def deploy(self, app: str, strategy: str = "rolling") -> None:
        relationships = {"app": {"data": {"guid": self._app(app)["guid"]}}}
        url = f"{self.client.info.api_v3_url}/deployments"
        self.client.post(url, json={"strategy": strategy, "relationships": relationships})

    @failures()
    def deployment(self, app: str) -> str:
        status = self._newest_deployment(app)["status"]
        return f"{status['value']} {status['reason']}"

    @failures()
    def go_on(self, app: str) -> None:
        self.client.post(self._newest_deployment(app)["links"]["continue"]["href"])

    @failures()
    def events(self, app: str) -> list[str]:
        guid = self._app(app)["guid"]
        return [each["type"] for each in self.client.v3.audit_events.list(target_guids=guid, order_by="-created_at")]

    def _app(self, name: str) -> Any:
        found = self.client.v3.apps.get_first(names=name)
        if found is None:
            raise ClientFailureError(f"there is no app {name}")
        return found

    def _web(self, app: str) -> Any:
        return [each for each in self._app(app).processes() if each["type"] == "web"][-1]

    def _newest_deployment(self, app: str) -> Any:
        query = f"app_guids={self._app(app)['guid']}&order_by=-created_at&per_page=1"
        return self.client.get(f"{self.client.info.api_v3_url}/deployments?{query}").json()["resources"][0]
