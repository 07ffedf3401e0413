"""The world: what one Cloud Foundry holds, in tables. Never checks who may do what, and never words a response.

Its audit events are what was done to a process and by whom [cloud_controller_ng,
app/repositories/process_event_repository.rb].
"""

from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.app_parts import RouteModel
from mockfoundry.cloudfoundry.clock import SECOND, Clock
from mockfoundry.cloudfoundry.generator import Generator
from mockfoundry.cloudfoundry.model import App, Deployment, Job, ProcessModel
from mockfoundry.cloudfoundry.organizations import (
    IsolationSegment,
    Organization,
    Quota,
    SecurityGroup,
    ServiceInstance,
    ServiceOffering,
    ServicePlan,
    Space,
)
from mockfoundry.cloudfoundry.settings import FeatureFlag, Settings
from mockfoundry.cloudfoundry.users import OauthClient, User

MAX_EVENTS = 250
"""How many audit events a foundation keeps; the oldest go first."""

MAX_PAST_DEPLOYMENTS = 100
"""How many deployments of an app that are over are kept [app/jobs/runtime/prune_completed_deployments.rb]."""

_VERSION = "version"

_encode = msgspec.json.Encoder().encode


class AuditEvent(msgspec.Struct, frozen=True, gc=False):
    """One audit event.

    Attributes:
        number: counted from 1 in each foundation; the event's guid follows from it.
        kind: such as `audit.app.process.scale`; the API calls it the type.
        moment: virtual microseconds.
        actor: who did it.
        target: the app as it was then.
        content: the data as JSON: thousands of foundations keep it, and it is hardly ever read.
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


class QuotaUsage(msgspec.Struct, frozen=True):
    """What the started processes of a space or an organization take of its quota together.

    Attributes:
        memory: MB.
        log_rate: bytes per second; an unlimited process counts as -1 for each instance, as in the Cloud Controller.
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
        "clients",
        "processes_of",
        "usage",
        "past_versions",
        "events",
        "deployments",
        "jobs",
        "routes",
        "isolation_segments",
        "security_groups",
        "service_offerings",
        "service_plans",
        "service_instances",
    }
)
"""The tables of a world. A world and its copies share each one until one of them writes to it."""


@cache
def exclude_table(tables: frozenset[str], table: str) -> frozenset[str]:
    """The names without that of `table`; cached, so that thousands of worlds hold the same set."""
    return tables - {table}


class World(msgspec.Struct, kw_only=True, dict=True):
    """One Cloud Foundry: tables of entities by guid, its clock and its generator.

    Attributes:
        random_seed: what a seed file leaves out follows from it.
        began_at: when this world began, in virtual microseconds.
        generator: what chance draws from.
        users: by name.
        default_quota: of organizations without one of their own.
        isolation_segments, security_groups, service_offerings: by name.
        service_plans: by `offering/plan`.
        clients: of UAA, by id; `cf` is there without being among them.
        processes_of: the guids of each app's processes, oldest first.
        usage: what started processes take, by the guid of their space and of their organization.
        deploying_apps: the guids of the apps whose deployment is not over.
        deployments: by the guid of their app, oldest first, those that are over among them.
        jobs: by guid, in the order in which they were asked for.
        waiting_jobs: the guids of those that have not run.
        past_versions: values that processes had, each with the moment it was replaced; kept only for stale reads.
        events: the latest audit events, oldest first; read them with `latest_events`.
        routes: by guid, in the order of their creation.
        event_count: how many audit events there ever were.
        nonce: counts starts of instances.
        in_order: whether the processes stand in the order of their creation, so that lists need not be sorted.
        shared_tables: the names of the tables that a copy of this world may hold too.
    """

    random_seed: int
    began_at: int
    clock: Clock
    generator: Generator
    settings: Settings
    feature_flags: dict[str, FeatureFlag] = {}
    organizations: dict[str, Organization] = {}
    spaces: dict[str, Space] = {}
    apps: dict[str, App] = {}
    processes: dict[str, ProcessModel] = {}
    users: dict[str, User] = {}
    default_quota: Quota = Quota()
    isolation_segments: dict[str, IsolationSegment] = {}
    security_groups: dict[str, SecurityGroup] = {}
    service_offerings: dict[str, ServiceOffering] = {}
    service_plans: dict[str, ServicePlan] = {}
    service_instances: dict[str, ServiceInstance] = {}
    clients: dict[str, OauthClient] = {}
    processes_of: dict[str, tuple[str, ...]] = {}
    usage: dict[str, QuotaUsage] = {}
    deploying_apps: frozenset[str] = frozenset()
    deployments: dict[str, tuple[Deployment, ...]] = {}
    jobs: dict[str, Job] = {}
    waiting_jobs: frozenset[str] = frozenset()
    past_versions: dict[str, tuple[tuple[int, ProcessModel], ...]] = {}
    events: list[AuditEvent] = []
    routes: dict[str, RouteModel] = {}
    event_count: int = 0
    nonce: int = 0
    in_order: bool = True
    shared_tables: frozenset[str] = frozenset()

    @property
    def tables_version(self) -> object:
        """Stands for what the tables hold: another object after each write. It is no part of the world's value.

        A copy has the same one until either is written to.
        """
        version = self.__dict__.get(_VERSION)
        if version is None:
            version = self.__dict__[_VERSION] = object()
        return version

    def copy(self) -> "World":
        """A copy of the world; cheap, since both share the tables that neither writes to."""
        self.shared_tables = SHARED_TABLES
        copied = msgspec.structs.replace(
            self,
            clock=msgspec.structs.replace(self.clock),
            generator=msgspec.structs.replace(self.generator),
        )
        copied.__dict__[_VERSION] = self.tables_version
        return copied

    def own_table(self, table: str) -> Any:
        """The table of that name, for writing at once: from now on no copy of this world shares it."""
        self.__dict__[_VERSION] = None
        own = getattr(self, table)
        if table in self.shared_tables:
            own = own.copy()
            setattr(self, table, own)
            self.shared_tables = exclude_table(self.shared_tables, table)
        return own

    def quota_of(self, organization: Organization) -> Quota:
        """The quota that an organization has."""
        return organization.quota if organization.quota is not None else self.default_quota

    def next_nonce(self) -> int:
        """A number that no earlier start of an instance has."""
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

    def put_process(self, process: ProcessModel, now: int) -> None:
        """Replaces a process by its new value, or adds it."""
        before = self.processes.get(process.guid)
        if before is None:
            if self.processes and next(reversed(self.processes.values())).created_at > process.created_at:
                self.in_order = False
            self.own_table("processes_of")[process.app] = (*self.processes_of.get(process.app, ()), process.guid)
        elif self.settings.stale_seconds:
            self._keep_past_version(before, now)
        if before is not None and before.created_at != process.created_at:
            self.in_order = False
        app = self.apps[process.app]
        if app.state == "STARTED":
            self.count_usage(app.space, before, process)
        processes = self.processes if "processes" not in self.shared_tables else self.own_table("processes")
        self.__dict__[_VERSION] = None
        processes[process.guid] = process

    def remove_process(self, guid: str) -> None:
        """Removes a process."""
        process = self.own_table("processes").pop(guid)
        others = tuple(each for each in self.processes_of[process.app] if each != guid)
        self.own_table("processes_of")[process.app] = others
        app = self.apps[process.app]
        if app.state == "STARTED":
            self.count_usage(app.space, process, None)

    def put_app(self, app: App) -> None:
        """Replaces an app by its new value, or adds it."""
        before = self.apps.get(app.guid)
        self.own_table("apps")[app.guid] = app
        if app.deployment is not None and (before is None or app.deployment is not before.deployment):
            self.put_deployment(app.deployment)
        if app.deployment is not None and app.deployment.is_active:
            self.deploying_apps |= {app.guid}
        elif app.guid in self.deploying_apps:
            self.deploying_apps -= {app.guid}
        if before is not None and before.state != app.state:
            for process in self.list_app_processes(app.guid):
                started = app.state == "STARTED"
                self.count_usage(app.space, None if started else process, process if started else None)

    def list_deployments(self, app: str) -> tuple[Deployment, ...]:
        """The deployments of an app, oldest first."""
        return self.deployments.get(app, ())

    def find_deployment(self, guid: str) -> Deployment | None:
        """The deployment of that guid; None if there is none."""
        return next((each for some in self.deployments.values() for each in some if each.guid == guid), None)

    def put_deployment(self, deployment: Deployment) -> None:
        """Replaces a deployment by its new value, or adds it; of those of its app that are over the oldest go."""
        kept = self.list_deployments(deployment.app)
        if any(each.guid == deployment.guid for each in kept):
            kept = tuple([deployment if each.guid == deployment.guid else each for each in kept])
        else:
            kept = tuple(sorted((*kept, deployment), key=attrgetter("number")))
            past = [each.guid for each in kept if not each.is_active]
            if len(past) > MAX_PAST_DEPLOYMENTS:
                gone = frozenset(past[:-MAX_PAST_DEPLOYMENTS])
                kept = tuple([each for each in kept if each.guid not in gone])
        self.own_table("deployments")[deployment.app] = kept

    def remove_app(self, guid: str) -> None:
        """Removes an app with its processes and deployments."""
        for process in self.list_app_processes(guid):
            self.remove_process(process.guid)
            if process.guid in self.past_versions:
                del self.own_table("past_versions")[process.guid]
        if guid in self.processes_of:
            del self.own_table("processes_of")[guid]
        if guid in self.deployments:
            del self.own_table("deployments")[guid]
        del self.own_table("apps")[guid]
        self.deploying_apps -= {guid}

    def record_event(self, kind: str, app: App, actor: User, moment: int, data: dict[str, Any]) -> None:
        """Records an audit event."""
        events = self.events if "events" not in self.shared_tables else self.own_table("events")
        self.event_count = number = self.event_count + 1
        events.append(AuditEvent(number, kind, moment, actor, app, _encode(data)))
        if len(events) >= 2 * MAX_EVENTS:
            del events[:-MAX_EVENTS]

    def latest_events(self) -> list[AuditEvent]:
        """The events that are kept, oldest first."""
        return self.events[-MAX_EVENTS:]

    def process_at(self, guid: str, moment: int) -> ProcessModel | None:
        """A process as it was at a moment, as far back as past versions are kept; None if there is none."""
        for replaced, process in self.past_versions.get(guid, ()):
            if moment < replaced:
                return process
        return self.processes.get(guid)

    def _keep_past_version(self, process: ProcessModel, now: int) -> None:
        oldest = now - int(self.settings.stale_seconds * SECOND)
        recent = [version for version in self.past_versions.get(process.guid, ()) if version[0] > oldest]
        self.own_table("past_versions")[process.guid] = (*recent, (now, process))

    def count_usage(self, space: str, before: ProcessModel | None, after: ProcessModel | None) -> None:
        """Adds a process of a started app to the usage of its space and organization.

        Args:
            space: its guid.
            before: the value that is counted there already, None if there is none.
            after: the value that replaces it, None where nothing does.
        """
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
