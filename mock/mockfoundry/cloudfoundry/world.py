"""The world: what one Cloud Foundry holds, in tables. Never checks who may do what, never words an answer."""

from functools import cache
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.chance import Generator
from mockfoundry.cloudfoundry.clock import SECOND, Clock
from mockfoundry.cloudfoundry.entities import (
    LARGEST_INTEGER,
    LARGEST_LONG,
    UNLIMITED,
    Allotment,
    App,
    Deployment,
    Droplet,
    FeatureFlag,
    HealthCheck,
    Load,
    Organization,
    Process,
    Quota,
    RateLimit,
    Run,
    Settings,
    Sidecar,
    Space,
    User,
)
from mockfoundry.cloudfoundry.events import MOST_EVENTS, Event, event


class Usage(msgspec.Struct, frozen=True):
    """What the started processes of a space or an organization ask for together.

    Attributes:
        memory: MB.
        log_rate: bytes per second; an unlimited process counts as -1 for each instance, as it does on the real one.
    """

    memory: int
    instances: int
    log_rate: int


UNUSED = Usage(0, 0, 0)

TABLES = frozenset(
    {
        "feature_flags",
        "organizations",
        "spaces",
        "apps",
        "processes",
        "users",
        "processes_of",
        "usage",
        "earlier",
        "events",
    }
)
"""The tables of a world, each shared with its copies until one of them writes to it."""


@cache
def without(tables: frozenset[str], table: str) -> frozenset[str]:
    """Names of tables without one; thousands of worlds have the same object, since each of them is asked often."""
    return tables - {table}


class World(msgspec.Struct, kw_only=True):
    """One Cloud Foundry: tables of entities by guid, its clock and its generator.

    Attributes:
        seed: the random seed that everything left out of the seed file follows from.
        born: when this world began, in virtual microseconds.
        users: by name.
        processes_of: the guids of each app's processes, oldest first.
        usage: what started processes use, by the guid of their space and of their organization.
        deploying: the apps with a deployment that is not over.
        earlier: values that processes had, each with the moment it was replaced; kept only for stale reads.
        events: the latest audit events, oldest first.
        recorded: how many events there were ever.
        nonce: counts starts of instances.
        shared: the names of the tables that copies of this world may hold too.
    """

    seed: int
    born: int
    clock: Clock
    chance: Generator
    settings: Settings
    feature_flags: dict[str, FeatureFlag] = {}
    organizations: dict[str, Organization] = {}
    spaces: dict[str, Space] = {}
    apps: dict[str, App] = {}
    processes: dict[str, Process] = {}
    users: dict[str, User] = {}
    processes_of: dict[str, tuple[str, ...]] = {}
    usage: dict[str, Usage] = {}
    deploying: frozenset[str] = frozenset()
    earlier: dict[str, tuple[tuple[int, Process], ...]] = {}
    events: list[Event] = []
    recorded: int = 0
    nonce: int = 0
    shared: frozenset[str] = frozenset()

    def copy(self) -> "World":
        """The same world once more: cheap, since both share what neither has changed."""
        self.shared = TABLES
        return msgspec.structs.replace(
            self,
            clock=msgspec.structs.replace(self.clock),
            chance=msgspec.structs.replace(self.chance),
        )

    def own(self, table: str) -> Any:
        """A table, to be written to: this world's own from now on."""
        held = getattr(self, table)
        if table in self.shared:
            held = held.copy()
            setattr(self, table, held)
            self.shared = without(self.shared, table)
        return held

    def next_nonce(self) -> int:
        self.nonce += 1
        return self.nonce

    def process_of(self, app: str, process_type: str) -> Process | None:
        """The process of an app by its type; the newest, where a deployment has made a second one."""
        processes = self.processes
        for guid in reversed(self.processes_of.get(app, ())):
            if processes[guid].type == process_type:
                return processes[guid]
        return None

    def app_processes(self, app: str) -> list[Process]:
        """The processes of an app, oldest first."""
        return [self.processes[guid] for guid in self.processes_of.get(app, ())]

    def put(self, process: Process, now: int) -> None:
        """Puts a new value of a process in the place of the old one, or adds it."""
        before = self.processes.get(process.guid)
        if before is None:
            self.own("processes_of")[process.app] = (*self.processes_of.get(process.app, ()), process.guid)
        elif self.settings.stale_seconds:
            self._remember(before, now)
        app = self.apps[process.app]
        if app.state == "STARTED":
            self.count(app.space, before, process)
        processes = self.processes if "processes" not in self.shared else self.own("processes")
        processes[process.guid] = process

    def remove(self, guid: str) -> None:
        """Takes a process away."""
        process = self.own("processes").pop(guid)
        left = tuple(each for each in self.processes_of[process.app] if each != guid)
        self.own("processes_of")[process.app] = left
        app = self.apps[process.app]
        if app.state == "STARTED":
            self.count(app.space, process, None)

    def put_app(self, app: App) -> None:
        """Puts a new value of an app in the place of the old one, or adds it."""
        before = self.apps.get(app.guid)
        self.own("apps")[app.guid] = app
        if app.deployment is not None and app.deployment.state in ("DEPLOYING", "PREPAUSED", "PAUSED", "CANCELING"):
            self.deploying |= {app.guid}
        elif app.guid in self.deploying:
            self.deploying -= {app.guid}
        if before is not None and before.state != app.state:
            for process in self.app_processes(app.guid):
                started = app.state == "STARTED"
                self.count(app.space, None if started else process, process if started else None)

    def record(self, kind: str, app: App, actor: User, moment: int, data: dict[str, Any]) -> None:
        """Records an audit event."""
        events = self.events if "events" not in self.shared else self.own("events")
        self.recorded = number = self.recorded + 1
        events.append(event(number, kind, moment, actor, app, data))
        if len(events) >= 2 * MOST_EVENTS:
            del events[:-MOST_EVENTS]

    def latest_events(self) -> list[Event]:
        """The events that are kept, oldest first."""
        return self.events[-MOST_EVENTS:]

    def process_at(self, guid: str, moment: int) -> Process | None:
        """A process as it was at a moment, as far as that is remembered."""
        for replaced, process in self.earlier.get(guid, ()):
            if moment < replaced:
                return process
        return self.processes.get(guid)

    def _remember(self, process: Process, now: int) -> None:
        oldest = now - int(self.settings.stale_seconds * SECOND)
        kept = [each for each in self.earlier.get(process.guid, ()) if each[0] > oldest]
        self.own("earlier")[process.guid] = (*kept, (now, process))

    def count(self, space: str, before: Process | None, after: Process | None) -> None:
        """Counts a process of a started app in what its space and organization use, in place of an earlier value."""
        memory = instances = log_rate = 0
        if after is not None:
            instances = after.instances
            memory = after.memory_in_mb * instances
            log_rate = after.log_rate_limit_in_bytes_per_second * instances
        if before is not None:
            memory -= before.memory_in_mb * before.instances
            log_rate -= before.log_rate_limit_in_bytes_per_second * before.instances
            instances -= before.instances
        if memory or instances or log_rate:
            usage = self.usage if "usage" not in self.shared else self.own("usage")
            for guid in (space, self.spaces[space].organization):
                used = usage.get(guid, UNUSED)
                usage[guid] = Usage(used.memory + memory, used.instances + instances, used.log_rate + log_rate)


__all__ = [
    "LARGEST_INTEGER",
    "LARGEST_LONG",
    "SECOND",
    "TABLES",
    "UNLIMITED",
    "UNUSED",
    "Allotment",
    "App",
    "Deployment",
    "Droplet",
    "Event",
    "FeatureFlag",
    "HealthCheck",
    "Load",
    "Organization",
    "Process",
    "Quota",
    "RateLimit",
    "Run",
    "Settings",
    "Sidecar",
    "Space",
    "Usage",
    "User",
    "World",
]
