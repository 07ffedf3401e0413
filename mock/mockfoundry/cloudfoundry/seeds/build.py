"""Building: entities from the fields that a seed gives, the rest from the random seed. Never reads text.

Each entity begins with what a seed may leave out, and the fields that are given are applied to it, as a scenario's
`given:` applies them to an entity that is there.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import msgspec

from mockfoundry.cloudfoundry.app_parts import RouteModel
from mockfoundry.cloudfoundry.auth import READ, WRITE
from mockfoundry.cloudfoundry.clock import EARLIEST_MOMENT, SECOND, Clock
from mockfoundry.cloudfoundry.deployments import begin_deployment
from mockfoundry.cloudfoundry.generator import Generator
from mockfoundry.cloudfoundry.instance_ranges import (
    create_range,
    hold_instance_states,
    resize_ranges,
    stop_instances,
)
from mockfoundry.cloudfoundry.model import (
    DEFAULT_DISK_IN_MB,
    DEFAULT_MEMORY_IN_MB,
    UNLIMITED,
    App,
    Deployment,
    HealthCheck,
    InstanceRange,
    Job,
    ProcessModel,
    Sidecar,
)
from mockfoundry.cloudfoundry.organizations import Organization, Space
from mockfoundry.cloudfoundry.seeds.app_forms import APP, DEPLOYMENT, SIDECAR
from mockfoundry.cloudfoundry.seeds.organization_forms import ORGANIZATION, SPACE
from mockfoundry.cloudfoundry.seeds.part_builds import (
    INTERVAL,
    PartBuilder,
    derive_route_guid,
    merge_route,
    read_route_address,
)
from mockfoundry.cloudfoundry.seeds.platform_builds import SHARED_SEGMENT, PlatformBuilder, apply_fields
from mockfoundry.cloudfoundry.seeds.process_forms import PROCESS
from mockfoundry.cloudfoundry.seeds.settings_forms import SETTINGS
from mockfoundry.cloudfoundry.seeds.snapshot import JOB, are_held, move_ranges
from mockfoundry.cloudfoundry.seeds.user_forms import CLIENT, USER
from mockfoundry.cloudfoundry.seeds.values import (
    FEATURE_FLAGS,
    NOTHING,
    SeedFields,
    merge_feature_flags,
    merge_rate_limit,
)
from mockfoundry.cloudfoundry.settings import FeatureFlag, Settings
from mockfoundry.cloudfoundry.uaa.clients import CF_CLIENT, find_client
from mockfoundry.cloudfoundry.users import OauthClient, User
from mockfoundry.cloudfoundry.world import AuditEvent, World

SEEDED_UPTIME = 3600 * SECOND
"""How long seeded instances have been running when the world begins."""


replace = msgspec.structs.replace


class WorldBuilder(PlatformBuilder):
    """Adds what a seed describes to a world.

    Attributes:
        moment: when this is built.
        running: how long the instances of started apps have been running by then.
        moved: by how many microseconds the moments of a snapshot are moved.
    """

    def __init__(self, world: World, created: int, moment: int, running: int = 0, moved: int = 0) -> None:
        super().__init__(world, created)
        self.moment = moment
        self.running = running
        self.moved = moved

    def add_organization(self, fields: SeedFields) -> None:
        name = fields["name"]
        guid = fields.get("guid") or self.derive_guid("organization", name)
        created, updated = self.read_timestamps(fields)
        begun = Organization(guid=guid, name=name, created_at=created, updated_at=updated)
        organization = self.apply_organization_fields(begun, fields)
        self.world.own_table("organizations")[guid] = organization
        for space in fields.get("spaces", ()):
            self.add_space(space, organization)

    def add_space(self, fields: SeedFields, organization: Organization) -> None:
        name = fields["name"]
        guid = fields.get("guid") or self.derive_guid("space", organization.name, name)
        created, updated = self.read_timestamps(fields)
        begun = Space(guid=guid, name=name, organization=organization.guid, created_at=created, updated_at=updated)
        space = self.apply_space_fields(begun, organization, fields)
        self.world.own_table("spaces")[guid] = space
        for app in fields.get("apps", ()):
            self.add_app(app, space, organization)
        for instance in fields.get("service_instances", ()):
            self.put_service_instance(instance, space, organization)
        for route in fields.get("routes", ()):
            self.put_route(route, space.guid, None, None)

    def apply_organization_fields(self, organization: Organization, fields: SeedFields) -> Organization:
        """An organization with what a document says of it, its quota included."""
        changed = apply_fields(ORGANIZATION, organization, fields)
        for segment in changed.isolation_segments:
            self.require_isolation_segment(segment)
        self.require_isolation_segment(changed.default_isolation_segment)
        return replace(changed, quota=self.complete_quota(changed.quota, fields, (organization.name,)))

    def apply_space_fields(self, space: Space, organization: Organization, fields: SeedFields) -> Space:
        """A space with what a document says of it, its quota included."""
        changed = apply_fields(SPACE, space, fields)
        self.require_isolation_segment(changed.isolation_segment)
        return replace(changed, quota=self.complete_quota(changed.quota, fields, (organization.name, space.name)))

    def add_app(
        self, fields: SeedFields, space: Space, organization: Organization, path: tuple[str, ...] | None = None
    ) -> None:
        """Adds an app.

        Args:
            path: what guids that are not given are derived from; None for its names.
        """
        world, name = self.world, fields["name"]
        path = path or (organization.name, space.name, name)
        created, updated = self.read_timestamps(fields)
        parts = self.build_parts_of(path, created, INTERVAL)
        packages = parts.build_packages(fields.get("packages", ()))
        revisions = parts.build_revisions(fields.get("revisions", ()))
        droplet = fields.get("droplet", {})
        begun = App(
            guid=fields.get("guid") or self.derive_guid("app", *path),
            name=name,
            space=space.guid,
            state=fields.get("state", "STARTED"),
            droplet=None if droplet is None else parts.build_droplet(droplet, packages),
            droplets=parts.build_droplets(fields.get("droplets", ()), packages),
            packages=packages,
            revision=revisions[-1].guid if revisions else self.derive_guid("revision", *path),
            revisions=revisions,
            tasks=parts.build_tasks(fields.get("tasks", ())),
            sidecars=tuple(self.build_sidecar(each, path, created) for each in fields.get("sidecars", ())),
            labels=NOTHING,
            annotations=NOTHING,
            created_at=created,
            updated_at=updated,
        )
        app = apply_fields(APP, begun, fields)
        if app.revision is None and "features" not in fields:
            app = replace(app, revisions_enabled=False)
        world.put_app(app)
        for each in fields.get("processes", ({"type": "web"},)):
            self.add_process(each, app, path)
        for past in fields.get("past_deployments", ()):
            world.put_deployment(replace(past, app=app.guid))
        for each in fields.get("routes", ()):
            self.put_route(each, space.guid, app, None)
        deployment = fields.get("deployment")
        if deployment is not None and deployment.get("progress") is not None:
            world.put_app(replace(app, deployment=self.restore_deployment(deployment, app)))
        elif deployment is not None:
            begin_deployment(world, app.guid, self.moment, deployment)

    def restore_deployment(self, fields: SeedFields, app: App) -> Deployment:
        """A deployment as far as it had come when it was exported."""
        progress = fields["progress"]
        droplet = None if app.droplet is None else app.droplet.guid
        changed_at = progress["changed_at"]
        begun = Deployment(
            guid=fields.get("guid") or self.derive_guid("deployment", app.guid),
            strategy="rolling",
            state=progress["state"],
            created_at=self.moment - self.moved,
            updated_at=self.move_moment(progress.get("updated_at", changed_at)),
            changed_at=self.move_moment(changed_at),
            checked_at=self.move_moment(progress.get("checked_at", changed_at)),
            moving_since=self.move_moment(progress["moving_since"]),
            duration=int(self.world.settings.deployment_seconds * SECOND),
            number=progress.get("number", 0),
            app=app.guid,
            droplet=progress.get("droplet", droplet),
            previous_droplet=progress.get("previous_droplet", droplet),
            revision=progress.get("revision", app.revision),
            revision_version=progress.get("revision_version", 1),
            **{name: progress[name] for name in ("process", "previous", "instances", "stage")},
        )
        deployment = apply_fields(DEPLOYMENT, begun, fields)
        return replace(deployment, created_at=self.move_moment(deployment.created_at))

    def restore_job(self, fields: SeedFields) -> None:
        """A job of a snapshot; it runs as long after the present as it would have there."""
        actor = User(
            guid=fields["actor_guid"],
            name=fields["actor"],
            scopes=frozenset(),
            organization_roles={},
            space_roles={},
        )
        due_at = fields["due_at"] + self.moved
        job = Job(actor=actor, due_at=due_at, **JOB.collect_attributes(fields))
        self.world.own_table("jobs")[job.guid] = job
        if job.state == "PROCESSING":
            self.world.waiting_jobs |= {job.guid}

    def move_moment(self, moment: int) -> int:
        """A moment of a snapshot as a timestamp of this world can say it: what a deployment changes has its time."""
        return max(EARLIEST_MOMENT, moment + self.moved)

    def build_parts_of(self, path: tuple[str, ...], created: int, interval: int) -> PartBuilder:
        """What builds the parts of an app.

        Args:
            path: the names of its organization, its space and its own.
            created: when the newest of them was created, where the seed does not say.
            interval: how much older each is than the one after it.
        """
        return PartBuilder(
            random_seed=self.world.random_seed,
            path=path,
            created=created,
            interval=interval,
            moment=self.moment,
            moved=self.moved,
        )

    def put_route(self, fields: SeedFields, space: str, app: App | None, there: RouteModel | None) -> None:
        """Adds a route, or another destination of one that is there.

        Args:
            space: the guid of its space.
            app: that it leads to, None where it leads nowhere.
            there: the route that the fields are about, None where only its guid can say.
        """
        address = read_route_address(fields, None if app is None else app.name)
        guid = fields.get("guid") or derive_route_guid(self.world.random_seed, address)
        route = there or self.world.routes.get(guid)
        if route is None:
            host, domain, path, port = address
            created, updated = self.read_timestamps(fields)
            route = RouteModel(
                guid=guid,
                space=space,
                host=host,
                domain=domain,
                path=path,
                port=port,
                created_at=created,
                updated_at=updated,
            )
        self.world.own_table("routes")[route.guid] = merge_route(route, fields, app)

    def build_sidecar(self, fields: SeedFields, path: tuple[str, ...], created: int) -> Sidecar:
        created, updated = self.read_timestamps(fields, created)
        begun = Sidecar(
            guid=fields.get("guid") or self.derive_guid("sidecar", *path, fields["name"]),
            name=fields["name"],
            process_types=(),
            memory_in_mb=None,
            command="./sidecar",
            created_at=created,
            updated_at=updated,
        )
        return apply_fields(SIDECAR, begun, fields)

    def add_process(self, fields: SeedFields, app: App, path: tuple[str, ...]) -> None:
        world, kind = self.world, fields["type"]
        created, updated = self.read_timestamps(fields)
        begun = ProcessModel(
            guid=fields.get("guid") or (app.guid if kind == "web" else self.derive_guid("process", *path, kind)),
            app=app.guid,
            type=kind,
            version=self.derive_guid("version", *path, kind),
            instances=1 if kind == "web" else 0,
            memory_in_mb=DEFAULT_MEMORY_IN_MB,
            disk_in_mb=DEFAULT_DISK_IN_MB,
            log_rate_limit_in_bytes_per_second=UNLIMITED,
            revision=app.revision,
            health_check=HealthCheck(type="port" if kind == "web" else "process"),
            readiness_health_check=HealthCheck(type="process"),
            labels=NOTHING,
            annotations=NOTHING,
            created_at=created,
            updated_at=updated,
        )
        process = apply_fields(PROCESS, begun, fields)
        if "instance_ranges" in fields:
            process = self.restore_instances(process, app, fields)
        elif app.state == "STARTED" and process.instances:
            ranges = self.build_instance_ranges(process, fields.get("instance_states", {}))
            process = replace(process, instance_ranges=ranges)
        world.put_process(process, self.moment)
        if fields.get("past_versions"):
            versions = tuple(self.restore_past_version(process, each) for each in fields["past_versions"])
            world.own_table("past_versions")[process.guid] = versions
        self.created = min(self.created + SECOND, self.moment)

    def restore_instances(self, process: ProcessModel, app: App, fields: SeedFields) -> ProcessModel:
        """A process with the instances of a snapshot; what the rest of the document says otherwise happens now."""
        world, now = self.world, self.moment
        restored = replace(
            process,
            instance_ranges=move_ranges(fields["instance_ranges"], self.moved),
            stopping_ranges=move_ranges(fields.get("stopping_ranges", ()), self.moved),
            allotment=fields.get("allotment"),
        )
        ranges, stopping = restored.instance_ranges, restored.stopping_ranges
        if app.state != "STARTED":
            if ranges:
                ranges, stopping = stop_instances(world, restored, now)
        elif (ranges[-1].end if ranges else 0) != process.instances:
            ranges, stopping = resize_ranges(world, restored, process.instances, now)
        states = fields.get("instance_states")
        if states is not None and not are_held(ranges, states):
            ranges = hold_instance_states(ranges, states, now)
        return replace(restored, instance_ranges=ranges, stopping_ranges=stopping)

    def restore_past_version(self, process: ProcessModel, fields: SeedFields) -> tuple[int, ProcessModel]:
        """An earlier version of a process, behind the moment at which it was replaced."""
        version = replace(
            apply_fields(PROCESS, process, {name: fields[name] for name in fields if name != "replaced_at"}),
            instance_ranges=move_ranges(fields.get("instance_ranges", ()), self.moved),
            stopping_ranges=move_ranges(fields.get("stopping_ranges", ()), self.moved),
            allotment=fields.get("allotment"),
        )
        return fields["replaced_at"] + self.moved, version

    def build_instance_ranges(self, process: ProcessModel, states: Mapping[int, Any]) -> tuple[InstanceRange, ...]:
        """The instances of a started process; those that crash or never start begin with it at this moment."""
        run = create_range(self.world, process, 0, process.instances, self.moment)
        if self.running and run.crash_after is None:
            run = replace(run, since=self.moment - self.running - run.start_duration)
        return hold_instance_states((run,), states, self.moment - self.running) if states else (run,)

    def put_user(self, fields: SeedFields) -> None:
        """Adds a user; one that is there keeps what is not named, each role by its organization or space."""
        name = fields["name"]
        organizations = {each.name: each.guid for each in self.world.organizations.values()}
        spaces = {
            f"{self.world.organizations[each.organization].name}/{each.name}": each.guid
            for each in self.world.spaces.values()
        }
        guid = fields.get("guid") or self.derive_guid("user", name)
        scopes = frozenset((READ, WRITE))
        created, updated = self.read_timestamps(fields)
        begun = User(
            guid=guid,
            name=name,
            scopes=scopes,
            organization_roles={},
            space_roles={},
            created_at=created,
            updated_at=updated,
        )
        user = self.world.users.get(name, begun)
        # Who unlocks somebody, or gives them a password, lets them in again.
        failed_before = () if "password" in fields or fields.get("locked") is False else user.failed_log_ins
        in_organizations = {
            organizations[each]: frozenset(had) for each, had in fields.get("organizations", {}).items()
        }
        in_spaces = {spaces[each]: frozenset(had) for each, had in fields.get("spaces", {}).items()}
        self.world.own_table("users")[name] = replace(
            user,
            scopes=frozenset(fields.get("scopes", user.scopes)),
            organization_roles={**user.organization_roles, **in_organizations},
            space_roles={**user.space_roles, **in_spaces},
            failed_log_ins=tuple(each + self.moved for each in fields.get("failed_log_ins", failed_before)),
            **USER.collect_attributes(fields),
        )

    def put_client(self, fields: SeedFields) -> None:
        """Adds a client; one that is there keeps what is not named, and so does the `cf` that is always there."""
        client = find_client(self.world, fields["id"]) or OauthClient(id=fields["id"], scopes=CF_CLIENT.scopes)
        self.world.own_table("clients")[client.id] = apply_fields(CLIENT, client, fields)


def build_world(fields: SeedFields, random_seed: int, began_at: int) -> World:
    """The world that a whole seed describes."""
    snapshot = fields.get("snapshot")
    moved = 0 if snapshot is None else began_at - snapshot["time"]
    world = World(
        random_seed=random_seed if snapshot is None else snapshot["random_seed"],
        began_at=began_at if snapshot is None else snapshot["born"] + moved,
        nonce=0 if snapshot is None else snapshot["starts"],
        clock=Clock(began_at, began_at),
        generator=Generator(random_seed),
        settings=apply_settings(Settings(), fields.get("settings", {})),
        feature_flags={**_DEFAULT_FLAGS, **merge_feature_flags(_DEFAULT_FLAGS, fields.get("feature_flags", {}))},
    )
    began = began_at - began_at % SECOND
    builder = WorldBuilder(world, began - 24 * SEEDED_UPTIME, began_at, SEEDED_UPTIME, moved)
    builder.put_default_quota(fields.get("default_quota", {}))
    for segment in fields.get("isolation_segments", ()):
        builder.put_isolation_segment(segment)
    builder.require_isolation_segment(SHARED_SEGMENT)
    for group in fields.get("security_groups", ()):
        builder.put_security_group(group)
    for offering in fields.get("service_offerings", ()):
        builder.put_service_offering(offering)
    for organization in fields.get("organizations", ()):
        builder.add_organization(organization)
    for user in fields.get("users", ()):
        builder.put_user(user)
    for client in fields.get("clients", ()):
        builder.put_client(client)
    for job in () if snapshot is None else snapshot.get("jobs", ()):
        builder.restore_job(job)
    if snapshot is not None and "order" in snapshot:
        ordered = {guid: world.processes[guid] for guid in snapshot["order"] if guid in world.processes}
        others = world.own_table("processes")
        world.processes = {**ordered, **others}
        created = [process.created_at for process in world.processes.values()]
        world.in_order = all(one <= other for one, other in pairwise(created))
    if snapshot is not None and snapshot.get("events"):
        world.events = [restore_event(each) for each in snapshot["events"]]
        world.event_count = world.events[-1].number
    return world


def restore_event(fields: SeedFields) -> AuditEvent:
    """An audit event with what it tells of the actor and the app; they may be gone, or have other names by now."""
    moment = fields["time"]
    actor = User(
        guid=fields["actor"], name=fields["actor_name"], scopes=frozenset(), organization_roles={}, space_roles={}
    )
    target = App(
        guid=fields["app"], name=fields["app_name"], space=fields["space"], created_at=moment, updated_at=moment
    )
    return AuditEvent(fields["number"], fields["type"], moment, actor, target, fields["data"].encode())


_DEFAULT_FLAGS = {name: FeatureFlag(enabled) for name, enabled in FEATURE_FLAGS.items()}


def apply_settings(settings: Settings, fields: SeedFields) -> Settings:
    """Settings with what a document says of them."""
    changed = apply_fields(SETTINGS, settings, fields)
    if "rate_limit" in fields:
        changed = replace(changed, rate_limit=merge_rate_limit(settings.rate_limit, fields["rate_limit"]))
    return changed
