"""Servers without sockets whose time tests give, and that end and begin again from their stores."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from mockfoundry.assembly import build_seed_world_from_text
from mockfoundry.cloudfoundry.world import World
from mockfoundry.control.api import build_control_api, handle_control_request
from mockfoundry.exchange.request import CONTROL_PATH, Request, read_request
from mockfoundry.exchange.response import PendingRequest, Response
from mockfoundry.exchange.run import Service, handle_request
from mockfoundry.foundations.registry import FoundationRegistry
from mockfoundry.scenarios.rule_index import CompiledScenarios
from mockfoundry.server.saving import SnapshotSaver
from mockfoundry.server.waiting import RequestHolds
from mockfoundry.store.keeper import SnapshotKeeper
from mockfoundry.store.versions import SnapshotStore
from tests.serving import service_of

BEGAN_AT = 1_760_000_000_000_000


class Still:
    """A server that is asked at moments which a test says, so that two of them can be compared to the last byte.

    Args:
        open_store: opens its store anew at each beginning; None for a server that keeps nothing, and never ends.
        seed: a seed file's text; None for the default one.
    """

    def __init__(self, open_store: Callable[[], SnapshotStore] | None = None, seed: str | None = None) -> None:
        self._open_store = open_store
        self._seed = seed
        self._begun = 0
        self.begin()

    def begin(self) -> None:
        """Begins, as a process that knows nothing of those before."""
        self._begun += 1
        self.service = build_still_service(self._seed)
        if self._open_store is not None:
            writer = f"{id(self):x}-{self._begun}"
            keeper = SnapshotKeeper(self._open_store(), self.service.registry, writer, f"test {writer}")
            self.service = replace(self.service, keeper=keeper)
        self._control = build_control_api(self.service, RequestHolds(100, lambda _: True))

    @property
    def keeper(self) -> SnapshotKeeper:
        assert self.service.keeper is not None
        return self.service.keeper

    def save(self) -> None:
        """Saves what has changed, as a server does at its end."""
        asyncio.run(SnapshotSaver(self.keeper, self.service.registry, 1.0).save_changed())

    def begin_again(self) -> None:
        """Ends, and begins again."""
        if self._open_store is not None:
            self.save()
            self.begin()

    def ask(self, moment: int, method: str, path: str, body: Any = None, token: str = "admin") -> Response:
        """The response to a request.

        Args:
            moment: microseconds after the beginning of the seed's world.
        """
        headers = [(b"host", b"mock"), (b"authorization", f"bearer {token}".encode())]
        content = b""
        if body is not None:
            content = json.dumps(body).encode()
            headers.append((b"content-type", b"application/json"))
        target, _, query = path.partition("?")
        return self.send(read_request(method, target, query.encode(), headers, content, "http", BEGAN_AT + moment))

    def send(self, request: Request) -> Response:
        if request.target.startswith(CONTROL_PATH):
            waiting = handle_control_request(self._control, request)
        else:
            waiting = handle_request(self.service, request)
        while isinstance(waiting, PendingRequest):
            waiting = waiting.resume(request.arrived, None if waiting.work is None else waiting.work())
        return waiting


def build_still_service(seed: str | None) -> Service:
    service = service_of()
    world = build_seed_world_from_text(seed, "seed.yaml", random_seed=1, began_at=BEGAN_AT)
    return replace(service, registry=FoundationRegistry(world, CompiledScenarios()))


def world_to_values(world: World) -> dict[str, Any]:
    """All that a world holds, but what it shares with copies."""
    values: dict[str, Any] = msgspec.structs.asdict(world)
    del values["shared_tables"]
    return {**values, "events": world.latest_events()}
