"""Exporting: a world in a seed file's words. Never reads one.

What was left to chance is written out, so that reading it again gives the same entities. What an attribute holds is
written as the form declares it; this module has only what must be computed.

A snapshot has what only the clock knows besides: reading it again goes on at the same moment of the same life.
"""

from typing import Any

from mockfoundry.cloudfoundry.app_parts import RouteModel
from mockfoundry.cloudfoundry.model import App, Deployment, Job, ProcessModel
from mockfoundry.cloudfoundry.organizations import Organization, ServiceInstance, ServiceOffering, Space
from mockfoundry.cloudfoundry.route_table import list_destinations
from mockfoundry.cloudfoundry.seeds.app_forms import APP, DEPLOYMENT
from mockfoundry.cloudfoundry.seeds.kinds import COUNT_KEY
from mockfoundry.cloudfoundry.seeds.organization_forms import (
    ISOLATION_SEGMENT,
    ORGANIZATION,
    QUOTA,
    SECURITY_GROUP,
    SERVICE_INSTANCE,
    SERVICE_OFFERING,
    SERVICE_PLAN,
    SPACE,
)
from mockfoundry.cloudfoundry.seeds.part_forms import ROUTE, ROUTE_WITHOUT_APP
from mockfoundry.cloudfoundry.seeds.process_forms import PAST_VERSION, PROCESS
from mockfoundry.cloudfoundry.seeds.settings_forms import FEATURE_FLAG, SETTINGS
from mockfoundry.cloudfoundry.seeds.snapshot import (
    JOB,
    MAX_HELD_STATES,
    MOMENT,
    PAST_DEPLOYMENT,
    PROGRESS,
    SNAPSHOT,
    SNAPSHOT_KEYS,
    collect_held_states,
    count_held_states,
)
from mockfoundry.cloudfoundry.seeds.user_forms import CLIENT, USER
from mockfoundry.cloudfoundry.users import User
from mockfoundry.cloudfoundry.world import AuditEvent, World
from mockfoundry.documents.declare import Form

SeedDocument = dict[str, Any]


def exclude_snapshot_keys(form: Form) -> Form:
    return Form(form.noun, tuple(key for key in form.keys if key.name not in SNAPSHOT_KEYS))


PROCESS_WITHOUT_SNAPSHOT = exclude_snapshot_keys(PROCESS)
EXPORTED_APP = Form(APP.noun, tuple(key for key in APP.keys if key is not COUNT_KEY))
USER_WITHOUT_SNAPSHOT = exclude_snapshot_keys(USER)
DEPLOYMENT_WITHOUT_SNAPSHOT = exclude_snapshot_keys(DEPLOYMENT)
APP_WITHOUT_SNAPSHOT = exclude_snapshot_keys(EXPORTED_APP)


def export_snapshot(world: World, now: int) -> SeedDocument:
    """A world with its instances as they are, as the value of a seed file, which reads it again.

    Args:
        now: virtual microseconds; its deployments have been advanced to then.
    """
    exporter = WorldExporter(world, is_snapshot=True)
    document = exporter.export()
    snapshot = {"time": now, "born": world.began_at, "random_seed": world.random_seed, "starts": world.nonce}
    written = {key.name: key.kind.write(snapshot[key.name]) for key in SNAPSHOT.keys if key.name in snapshot}
    computed = {
        "order": exporter.find_order(),
        "events": [export_event(each) for each in world.latest_events()],
        "jobs": [export_job(each) for each in world.jobs.values()],
    }
    return {**document, "snapshot": {**written, **{name: value for name, value in computed.items() if value}}}


def export_world(world: World) -> SeedDocument:
    """A world without what the clock makes of its instances: those that run are running for an hour when it is read."""
    return WorldExporter(world, is_snapshot=False).export()


class WorldExporter:
    """Writes the entities of a world.

    Attributes:
        guids: of the processes that were written, in their order.
    """

    def __init__(self, world: World, is_snapshot: bool) -> None:
        self.world = world
        self.is_snapshot = is_snapshot
        self.guids: list[str] = []
        self._spaces: dict[str, list[Space]] = {}
        for space in world.spaces.values():
            self._spaces.setdefault(space.organization, []).append(space)
        self._routes: dict[str, list[SeedDocument]] = {}
        """By the guid of the app that they lead to, or of their space where they lead to none."""
        for route in world.routes.values():
            self.write_route(route)
        self._apps: dict[str, list[App]] = {}
        for app in world.apps.values():
            self._apps.setdefault(app.space, []).append(app)
        self._services: dict[str, list[ServiceInstance]] = {}
        for service in world.service_instances.values():
            self._services.setdefault(service.space, []).append(service)

    def export(self) -> SeedDocument:
        world = self.world
        return {
            "settings": SETTINGS.write(world.settings),
            "feature_flags": {name: FEATURE_FLAG.write(flag) for name, flag in world.feature_flags.items()},
            "default_quota": QUOTA.write(world.default_quota),
            "isolation_segments": [ISOLATION_SEGMENT.write(each) for each in world.isolation_segments.values()],
            "security_groups": [SECURITY_GROUP.write(each) for each in world.security_groups.values()],
            "service_offerings": [self.export_service_offering(each) for each in world.service_offerings.values()],
            "organizations": [self.export_organization(each) for each in world.organizations.values()],
            "users": [self.export_user(each) for each in world.users.values()],
            "clients": [CLIENT.write(each) for each in world.clients.values()],
        }

    def find_order(self) -> list[str]:
        """The guids of the processes as lists show them; none where that is the order in which they were written."""
        processes = self.world.processes

        def created_at(guid: str) -> int:
            return processes[guid].created_at

        in_lists = sorted(processes, key=created_at)
        return [] if sorted(self.guids, key=created_at) == in_lists else in_lists

    def export_organization(self, organization: Organization) -> SeedDocument:
        spaces = [self.export_space(each) for each in self._spaces.get(organization.guid, ())]
        return ORGANIZATION.write(organization, spaces=spaces)

    def export_space(self, space: Space) -> SeedDocument:
        apps = [self.export_app(each) for each in self._apps.get(space.guid, ())]
        services = [SERVICE_INSTANCE.write(each) for each in self._services.get(space.guid, ())]
        routes = self._routes.get(space.guid, [])
        return omit_empty_parts(SPACE.write(space, apps=apps, service_instances=services, routes=routes))

    def export_service_offering(self, offering: ServiceOffering) -> SeedDocument:
        plans = (each for each in self.world.service_plans.values() if each.offering == offering.name)
        return SERVICE_OFFERING.write(offering, plans=[SERVICE_PLAN.write(each) for each in plans])

    def write_route(self, route: RouteModel) -> None:
        """Writes a route under each app that it leads to; under its space, where it leads to none that is there."""
        destinations = list_destinations(self.world, route)
        if not destinations:
            self._routes.setdefault(route.space, []).append(ROUTE_WITHOUT_APP.write(route))
        for _, destination in destinations:
            of_app = {
                "process_type": destination.process_type,
                "app_port": destination.port,
                "protocol": destination.protocol,
                "weight": destination.weight,
            }
            self._routes.setdefault(destination.app, []).append(ROUTE.write(route, **of_app))

    def export_app(self, app: App) -> SeedDocument:
        """An app; one that is being deployed has both web processes, without a snapshot only the older."""
        deployment = app.deployment if app.guid in self.world.deploying_apps else None
        processes = [
            self.export_process(process, deployment)
            for process in self.world.list_app_processes(app.guid)
            if self.is_snapshot or deployment is None or process.type != "web" or process.guid == deployment.previous
        ]
        parts = {
            "deployment": self.export_deployment(deployment),
            "processes": processes,
            "routes": self._routes.get(app.guid, []),
        }
        if not self.is_snapshot:
            return omit_empty_parts(APP_WITHOUT_SNAPSHOT.write(app, **parts))
        past = [PAST_DEPLOYMENT.write(each) for each in self.world.list_deployments(app.guid) if not each.is_active]
        return omit_empty_parts(EXPORTED_APP.write(app, past_deployments=past, **parts))

    def export_deployment(self, deployment: Deployment | None) -> SeedDocument | None:
        if deployment is None:
            return None
        # What moves to a pause is shown as DEPLOYING, and its step says where it moves to.
        reason = "DEPLOYING" if deployment.state == "PREPAUSED" else deployment.state
        if self.is_snapshot:
            progress = PROGRESS.write(deployment)
            return DEPLOYMENT.write(deployment, status="ACTIVE", reason=reason, progress=progress)
        return DEPLOYMENT_WITHOUT_SNAPSHOT.write(deployment, status="ACTIVE", reason=reason)

    def export_process(self, process: ProcessModel, deployment: Deployment | None) -> SeedDocument:
        """A process.

        Args:
            deployment: of its app. The process that it takes down has fewer instances already.
        """
        self.guids.append(process.guid)
        states = write_held_states(process)
        if self.is_snapshot:
            versions = self.world.past_versions.get(process.guid, ())
            past = [
                PAST_VERSION.write(each, replaced_at=MOMENT.write(moment), instance_states={})
                for moment, each in versions
            ]
            written = PROCESS.write(process, instance_states=states, past_versions=past)
            if count_held_states(process.instance_ranges) > MAX_HELD_STATES:
                # The ranges say it, and what names only some of them would let the others go.
                del written["instance_states"]
            return written
        if deployment is not None and process.guid == deployment.previous:
            wanted = deployment.instances
            return PROCESS_WITHOUT_SNAPSHOT.write(process, instance_states=states, instances=wanted)
        return PROCESS_WITHOUT_SNAPSHOT.write(process, instance_states=states)

    def export_user(self, user: User) -> SeedDocument:
        organizations, spaces = self.world.organizations, self.world.spaces
        return (USER if self.is_snapshot else USER_WITHOUT_SNAPSHOT).write(
            user,
            scopes=sorted(user.scopes),
            organizations={
                organizations[guid].name: sorted(roles)
                for guid, roles in user.organization_roles.items()
                if guid in organizations
            },
            spaces={
                f"{organizations[spaces[guid].organization].name}/{spaces[guid].name}": sorted(roles)
                for guid, roles in user.space_roles.items()
                if guid in spaces
            },
        )


def omit_empty_parts(written: SeedDocument) -> SeedDocument:
    """An entity as it is written, without the lists of parts that nearly all have empty."""
    return {name: value for name, value in written.items() if value != [] or name not in PART_LISTS}


PART_LISTS = frozenset({"droplets", "packages", "revisions", "routes", "tasks"})


def write_held_states(process: ProcessModel) -> SeedDocument:
    """The states that instances are held in, by index; of too many of them the first."""
    return {str(index): state for index, state in collect_held_states(process.instance_ranges, MAX_HELD_STATES).items()}


def export_event(event: AuditEvent) -> SeedDocument:
    return {
        "number": event.number,
        "type": event.kind,
        "time": MOMENT.write(event.moment),
        "actor": event.actor.guid,
        "actor_name": event.actor.name,
        "app": event.target.guid,
        "app_name": event.target.name,
        "space": event.target.space,
        "data": event.content.decode(),
    }


def export_job(job: Job) -> SeedDocument:
    return JOB.write(job, actor=job.actor.name, actor_guid=job.actor.guid)
