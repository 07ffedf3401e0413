"""Asking one foundation over HTTP, as the rows of the tables here do: each row has a foundation of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from mockfoundry.cloudfoundry.model import ProcessModel
from mockfoundry.cloudfoundry.seeds.patch import apply_world_patch
from mockfoundry.cloudfoundry.world import AuditEvent, World
from tests import plain_http
from tests.serving import Serving, real_now

WEB, WORKER, CLOCK, IDLE, APP, IDLE_APP = "dora-web", "dora-worker", "dora-clock", "idle-web", "dora", "idle"

SEED: dict[str, Any] = {
    "organizations": [
        {
            "name": "acme",
            "guid": "acme",
            "quota": {"total_memory_in_mb": 10240},
            "spaces": [
                {
                    "name": "dev",
                    "guid": "dev",
                    "apps": [
                        {
                            "name": "dora",
                            "guid": APP,
                            "droplet": {"process_types": {"web": "rackup", "worker": "rake work"}},
                            "processes": [
                                {"type": "web", "guid": WEB, "instances": 2, "memory_in_mb": 256, "command": "secret"},
                                {"type": "worker", "guid": WORKER, "memory_in_mb": 256},
                                {"type": "clock", "guid": CLOCK, "instances": 1, "memory_in_mb": 256},
                            ],
                        },
                        {
                            "name": "idle",
                            "guid": IDLE_APP,
                            "state": "STOPPED",
                            "processes": [{"type": "web", "guid": IDLE, "instances": 2, "memory_in_mb": 256}],
                        },
                    ],
                }
            ],
        },
        {"name": "other", "guid": "other", "spaces": [{"name": "far", "guid": "far"}]},
    ],
    "users": [
        {"name": "developer", "spaces": {"acme/dev": ["space_developer"]}},
        {"name": "supporter", "spaces": {"acme/dev": ["space_supporter"]}},
        {"name": "manager", "spaces": {"acme/dev": ["space_manager"]}},
        {"name": "auditor", "spaces": {"acme/dev": ["space_auditor"]}},
        {"name": "org_manager", "organizations": {"acme": ["organization_manager"]}},
        {
            "name": "managing_developer",
            "organizations": {"acme": ["organization_manager"]},
            "spaces": {"acme/dev": ["space_developer"]},
        },
        {"name": "org_user", "organizations": {"acme": ["organization_user"]}},
        {"name": "org_auditor", "organizations": {"acme": ["organization_auditor"]}},
        {"name": "billing", "organizations": {"acme": ["organization_billing_manager"]}},
        {"name": "stranger"},
        {"name": "far_developer", "spaces": {"other/far": ["space_developer"]}},
        {"name": "root", "scopes": ["cloud_controller.admin"]},
        {"name": "reading_admin", "scopes": ["cloud_controller.admin_read_only"]},
        {"name": "global_auditor", "scopes": ["cloud_controller.global_auditor"]},
        {
            "name": "reader",
            "scopes": ["cloud_controller.read"],
            "spaces": {"acme/dev": ["space_developer"]},
        },
        {
            "name": "writer",
            "scopes": ["cloud_controller.write"],
            "spaces": {"acme/dev": ["space_developer"]},
        },
        {
            "name": "writing_auditor",
            "scopes": ["cloud_controller.global_auditor", "cloud_controller.write"],
            "spaces": {"acme/dev": ["space_supporter"]},
        },
        {"name": "nobody", "scopes": []},
    ],
}
"""A foundation with an app that runs and one that is stopped, and a user for each role and each scope."""

UNKNOWN_ERROR = {"errors": [{"title": "UnknownError", "detail": "An unknown error occurred.", "code": 10001}]}

_names = count(1)


@dataclass
class Asking:
    """One foundation of a running server; its clock stands still at the world's birth until a test advances it."""

    server: Serving
    name: str = field(default_factory=lambda: f"row-{next(_names)}")

    def __post_init__(self) -> None:
        clock = self.world.clock
        clock.virtual, clock.rate = self.world.began_at, 0.0

    @property
    def world(self) -> World:
        return self.server.service.registry.get_or_create(self.name, real_now()).world

    @property
    def now(self) -> int:
        return self.world.clock.now(real_now())

    @property
    def events(self) -> list[AuditEvent]:
        return self.world.latest_events()

    def process(self, guid: str = WEB) -> ProcessModel:
        return self.world.processes[guid]

    def advance(self, seconds: float) -> None:
        """Lets so much virtual time pass."""
        self.world.clock.virtual += round(seconds * 1_000_000)

    def given(self, **words: Any) -> None:
        """Changes the world in a seed file's words."""
        apply_world_patch(self.world, words, self.now)

    def given_process(self, kind: str = "*", app: str = "*", **fields: Any) -> None:
        """Changes processes in a seed file's words."""
        self.given_app(app, processes=[{"type": kind, **fields}])

    def given_app(self, app: str = "*", **fields: Any) -> None:
        self.given_space(apps=[{"name": app, **fields}])

    def given_space(self, **fields: Any) -> None:
        self.given_organization(spaces=[{"name": "*", **fields}])

    def given_organization(self, **fields: Any) -> None:
        self.given(organizations=[{"name": "acme", **fields}])

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        actor: str | None = "admin",
        headers: Mapping[str, str] = {},
        text: str | bytes | None = None,
        documented: bool = True,
    ) -> httpx.Response:
        """Sends a request.

        Args:
            body: sent as JSON, where it is not None.
            text: sent as it stands, as JSON.
            actor: the bearer, None for no token.
            documented: whether the answer is held against the contract.
        """
        sent = {"X-Mock-Foundation": self.name, **headers}
        sent["Authorization"] = "" if actor is None else f"bearer {actor}"
        content: dict[str, Any] = {} if body is None else {"json": body}
        if text is not None:
            content = {"content": text}
            sent.setdefault("Content-Type", "application/json")
        request = self.server.client.build_request(method, path, headers=sent, **content)
        if actor is None:
            del request.headers["Authorization"]
        if documented:
            return self.server.client.send(request)
        with plain_http.client() as client:
            return client.send(request)

    def scale(self, body: Any = None, guid: str = WEB, **options: Any) -> httpx.Response:
        return self.ask("POST", f"/v3/processes/{guid}/actions/scale", body, **options)

    def update(self, body: Any = None, guid: str = WEB, **options: Any) -> httpx.Response:
        return self.ask("PATCH", f"/v3/processes/{guid}", body, **options)

    def show(self, guid: str = WEB, **options: Any) -> httpx.Response:
        return self.ask("GET", f"/v3/processes/{guid}", **options)

    def stats(self, guid: str = WEB, **options: Any) -> httpx.Response:
        return self.ask("GET", f"/v3/processes/{guid}/stats", **options)

    def instances(self, guid: str = WEB, **options: Any) -> httpx.Response:
        return self.ask("GET", f"/v3/processes/{guid}/process_instances", **options)

    def terminate(self, index: Any = 0, guid: str = WEB, **options: Any) -> httpx.Response:
        return self.ask("DELETE", f"/v3/processes/{guid}/instances/{index}", **options)

    def list(self, query: str = "", **options: Any) -> httpx.Response:
        return self.ask("GET", f"/v3/processes{query}", **options)


def states(answer: httpx.Response) -> list[str]:
    """The states of the instances in an answer."""
    return [each["state"] for each in answer.json()["resources"]]


def guids(answer: httpx.Response) -> list[str]:
    """The guids of what is in a list."""
    return [each["guid"] for each in answer.json()["resources"]]


def error(answer: httpx.Response) -> tuple[int, str, str, int]:
    """The status of an answer, and the title, the detail and the code of its one error."""
    errors = answer.json()["errors"]
    assert len(errors) == 1
    return answer.status_code, errors[0]["title"], errors[0]["detail"], errors[0]["code"]


def unprocessable(detail: str) -> tuple[int, str, str, int]:
    return 422, "CF-UnprocessableEntity", detail, 10008


def bad_query(detail: str) -> tuple[int, str, str, int]:
    return 400, "CF-BadQueryParameter", f"The query parameter is invalid: {detail}", 10005


def not_found(what: str) -> tuple[int, str, str, int]:
    return 404, "CF-ResourceNotFound", f"{what} not found", 10010


NOT_AUTHORIZED = (403, "CF-NotAuthorized", "You are not authorized to perform the requested action", 10003)
FAILS = (500, "UnknownError", "An unknown error occurred.", 10001)
"""What the real one answers where its code does not expect what came."""
