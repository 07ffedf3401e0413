"""Audit events: what was done to a process and by whom, as the Cloud Controller records it. Never decides anything.

Source: cloud_controller_ng, app/repositories/process_event_repository.rb.

The world: what one Cloud Foundry holds, in tables. Never checks who may do what, never words an answer.
"""

from functools import cache
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.clock import SECOND, Clock
from mockfoundry.cloudfoundry.generator import Generator
from mockfoundry.cloudfoundry.model import App, FeatureFlag, Organization, ProcessModel, Settings, Space, User

MAX_EVENTS = 250
"""How many a foundation keeps; the oldest go first."""


_encode = msgspec.json.Encoder().encode


class AuditEvent(msgspec.Struct, frozen=True, gc=False):
    """One audit event.

    Attributes:
        number: counted from 1 in each foundation; the event's guid follows from it.
        kind: such as `audit.app.process.scale`; the API calls it the type.
        actor: who did it.
        target: the app as it was then.
        content: the data as JSON, since thousands of foundations keep what is hardly ever asked for.
    """

    number: int
    kind: str
    moment: int
    actor: User
    target: App
    content: bytes

    @property
    def data(self) -> dict[str, Any]:
        """What was done, as the API shows it."""
        data: dict[str, Any] = msgspec.json.decode(self.content)
        return data


def build_audit_event(
    number: int, kind: str, moment: int, actor: User, target: App, data: dict[str, Any]
) -> AuditEvent:
    """An event with its data."""
    return AuditEvent(number, kind, moment, actor, target, _encode(data))


class QuotaUsage(msgspec.Struct, frozen=True):
    """What the started processes of a space or an organization ask for together.

    Attributes:
        memory: MB.
        log_rate: bytes per second; an unlimited process counts as -1 for each instance, as it does on the real one.
    """

    memory: int
    instances: int
    log_rate: int


NO_USAGE = QuotaUsage(0, 0, 0)

SHARED_TABLES = frozenset(
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
def exclude_table(tables: frozenset[str], table: str) -> frozenset[str]:
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
        deploying_apps: the apps with a deployment that is not over.
        earlier: values that processes had, each with the moment it was replaced; kept only for stale reads.
        events: the latest audit events, oldest first.
        recorded: how many events there were ever.
        nonce: counts starts of instances.
        shared_tables: the names of the tables that copies of this world may hold too.
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
    processes: dict[str, ProcessModel] = {}
    users: dict[str, User] = {}
    processes_of: dict[str, tuple[str, ...]] = {}
    usage: dict[str, QuotaUsage] = {}
    deploying_apps: frozenset[str] = frozenset()
    earlier: dict[str, tuple[tuple[int, ProcessModel], ...]] = {}
    events: list[AuditEvent] = []
    recorded: int = 0
    nonce: int = 0
    shared_tables: frozenset[str] = frozenset()

    def copy(self) -> "World":
        """The same world once more: cheap, since both share what neither has changed."""
        self.shared_tables = SHARED_TABLES
        return msgspec.structs.replace(
            self,
            clock=msgspec.structs.replace(self.clock),
            chance=msgspec.structs.replace(self.chance),
        )

    def own_table(self, table: str) -> Any:
        """A table, to be written to: this world's own from now on."""
        held = getattr(self, table)
        if table in self.shared_tables:
            held = held.copy()
            setattr(self, table, held)
            self.shared_tables = exclude_table(self.shared_tables, table)
        return held

    def next_nonce(self) -> int:
        self.nonce += 1
        return self.nonce

    def find_app_process(self, app: str, process_type: str) -> ProcessModel | None:
        """The process of an app by its type; the newest, where a deployment has made a second one."""
        processes = self.processes
        for guid in reversed(self.processes_of.get(app, ())):
            if processes[guid].type == process_type:
                return processes[guid]
        return None

    def list_app_processes(self, app: str) -> list[ProcessModel]:
        """The processes of an app, oldest first."""
        return [self.processes[guid] for guid in self.processes_of.get(app, ())]

    def put(self, process: ProcessModel, now: int) -> None:
        """Puts a new value of a process in the place of the old one, or adds it."""
        before = self.processes.get(process.guid)
        if before is None:
            self.own_table("processes_of")[process.app] = (*self.processes_of.get(process.app, ()), process.guid)
        elif self.settings.stale_seconds:
            self._remember(before, now)
        app = self.apps[process.app]
        if app.state == "STARTED":
            self.count(app.space, before, process)
        processes = self.processes if "processes" not in self.shared_tables else self.own_table("processes")
        processes[process.guid] = process

    def remove(self, guid: str) -> None:
        """Takes a process away."""
        process = self.own_table("processes").pop(guid)
        left = tuple(each for each in self.processes_of[process.app] if each != guid)
        self.own_table("processes_of")[process.app] = left
        app = self.apps[process.app]
        if app.state == "STARTED":
            self.count(app.space, process, None)

    def put_app(self, app: App) -> None:
        """Puts a new value of an app in the place of the old one, or adds it."""
        before = self.apps.get(app.guid)
        self.own_table("apps")[app.guid] = app
        if app.deployment is not None and app.deployment.state in ("DEPLOYING", "PREPAUSED", "PAUSED", "CANCELING"):
            self.deploying_apps |= {app.guid}
        elif app.guid in self.deploying_apps:
            self.deploying_apps -= {app.guid}
        if before is not None and before.state != app.state:
            for process in self.list_app_processes(app.guid):
                started = app.state == "STARTED"
                self.count(app.space, None if started else process, process if started else None)

    def record(self, kind: str, app: App, actor: User, moment: int, data: dict[str, Any]) -> None:
        """Records an audit event."""
        events = self.events if "events" not in self.shared_tables else self.own_table("events")
        self.recorded = number = self.recorded + 1
        events.append(build_audit_event(number, kind, moment, actor, app, data))
        if len(events) >= 2 * MAX_EVENTS:
            del events[:-MAX_EVENTS]

    def latest_events(self) -> list[AuditEvent]:
        """The events that are kept, oldest first."""
        return self.events[-MAX_EVENTS:]

    def process_at(self, guid: str, moment: int) -> ProcessModel | None:
        """A process as it was at a moment, as far as that is remembered."""
        for replaced, process in self.earlier.get(guid, ()):
            if moment < replaced:
                return process
        return self.processes.get(guid)

    def _remember(self, process: ProcessModel, now: int) -> None:
        oldest = now - int(self.settings.stale_seconds * SECOND)
        kept = [each for each in self.earlier.get(process.guid, ()) if each[0] > oldest]
        self.own_table("earlier")[process.guid] = (*kept, (now, process))

    def count(self, space: str, before: ProcessModel | None, after: ProcessModel | None) -> None:
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
            usage = self.usage if "usage" not in self.shared_tables else self.own_table("usage")
            for guid in (space, self.spaces[space].organization):
                used = usage.get(guid, NO_USAGE)
                usage[guid] = QuotaUsage(used.memory + memory, used.instances + instances, used.log_rate + log_rate)
